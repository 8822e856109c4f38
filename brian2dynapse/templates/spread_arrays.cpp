// Where the arrays of the neurons lie: at multiples of a cache line, and each at another distance from the start of a
// page. As the C library places them, arrays of 1024 numbers, 8 kB, all start at nearly the same one. A first-level
// cache has room for eight lines at the same distance; a step reads some thirty arrays side by side, each load touches
// two lines, and the processor takes reads for reads of what it has just written. A step then takes twice as long.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {
    const std::size_t line = 64, page = 4096;
    const std::size_t lines_apart = 7;  // no divisor of the 64 lines of a page: all are used in turn
    std::size_t arrays = 0;
}

void* operator new[](std::size_t size)
{
    char* const start = static_cast<char*>(std::malloc(size + page + line + sizeof(void*)));
    if (start == nullptr)
        throw std::bad_alloc();
    const std::uintptr_t earliest = reinterpret_cast<std::uintptr_t>(start) + sizeof(void*);
    const std::size_t wanted = (arrays++*lines_apart*line) % page;
    const std::size_t skip = (wanted + page - earliest % page) % page;
    void* const place = start + sizeof(void*) + skip;
    static_cast<void**>(place)[-1] = start;  // what to free
    return place;
}

void operator delete[](void* place) noexcept
{
    if (place != nullptr)
        std::free(static_cast<void**>(place)[-1]);
}

void operator delete[](void* place, std::size_t) noexcept
{
    operator delete[](place);
}

// Where the arrays of the neurons lie: at multiples of a cache line, and each at another distance from the start of a
// page. As the C library places them, arrays of 1024 numbers, 8 kB, all start at nearly the same one. A first-level
// cache has room for eight lines at the same distance; a step reads some thirty arrays side by side, each load touches
// two lines, and the processor takes reads for reads of what it has just written. A step then takes twice as long.
// Every code object has these functions; as weak ones, all but one of them are dropped.
#if defined(__GNUC__) && !defined(_WIN32)
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

__attribute__((weak)) void* operator new[](std::size_t size)
{
    const std::size_t line = 64, page = 4096;
    const std::size_t lines_apart = 7;  // no divisor of the 64 lines of a page: all are used in turn
    static std::size_t arrays = 0;
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

__attribute__((weak)) void operator delete[](void* place) noexcept
{
    if (place != nullptr)
        std::free(static_cast<void**>(place)[-1]);
}

__attribute__((weak)) void operator delete[](void* place, std::size_t) noexcept
{
    operator delete[](place);
}
#endif

// The step of brian2dynapse (numerics.py, floor="ratio") written by hand for one network and for speed: what a
// processor needs at least, to compare generated code with. No clock, no queue, no object; spikes are only counted.
//
//     minimal_loop INPUT COUNTS SEED     prints the processor seconds of the loop
//
// INPUT is written by minimal_loop.py; COUNTS takes the number of spikes of each neuron (int32).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

namespace {

const int BLOCK = 64;  // neurons between two looks at whether any has fired

// In the order of the file; then those that the file does not have.
enum Row {
    GAIN_AMPA, GAIN_NMDA, GAIN_GABA, GAIN_SHUNT,
    DECAY_AMPA, DECAY_NMDA, DECAY_GABA, DECAY_SHUNT, DECAY_AHP,
    MEAN_AMPA, MEAN_NMDA, MEAN_GABA, MEAN_SHUNT, MEAN_AHP,
    GAIN, LEAK, THRESHOLD, GATE, CASCODE, T_REFRACTORY, TAU_AHP, GAIN_AHP, JUMP_AHP, IN_FILE,
    AMPA = IN_FILE, NMDA, GABA, SHUNT, AHP,
    CHARGE_AMPA, CHARGE_NMDA, CHARGE_GABA, CHARGE_SHUNT,
    MEMBRANE, BEFORE, STEP, LEFT, ROWS
};
const int DENDRITES = 4;

struct Scalars {
    double dt, probability, speed, floor, kappa_n, kappa_p, a1, a2, a3, a4, b1, b2, b3, b4;
};

struct Sizes {
    int64_t neurons, inputs, steps, synapses, train_events;
};

inline double bits_to_double(int64_t bits)
{
    double value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}

inline int64_t double_to_bits(double value)
{
    int64_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits;
}

// 2^whole e^r; the series to the seventh power is good to 5e-9.
inline double fast_exp(double x)
{
    x = std::min(std::max(x, -700.0), 700.0);
    const double whole = std::floor(x*1.4426950408889634 + 0.5);
    const double r = x - whole*0.6931471805599453;
    const double r2 = r*r, r4 = r2*r2;
    const double first = (1 + r) + r2*(1.0/2 + r*(1.0/6)), second = (1.0/24 + r*(1.0/120)) + r2*(1.0/720 + r*(1.0/5040));
    const double series = first + r4*second;
    return series*bits_to_double((static_cast<int64_t>(static_cast<int32_t>(whole)) + 1023) << 52);
}

// Exponent, and mantissa less one, in sqrt(1/2)..sqrt(2).
inline double split(double x, double& f)
{
    const int64_t bits = double_to_bits(x), exponent = (bits - 0x3FE6A09E667F3BCDLL) >> 52;
    f = bits_to_double(bits - (exponent << 52)) - 1;
    return static_cast<double>(static_cast<int32_t>(exponent));
}

// ln(1 + f)/f by a polynomial fitted at Chebyshev nodes: 3e-10. Polynomials are summed in pairs, not one term after the
// other: a chain of multiplications, each of which waits for the one before, is what a step would wait for most.
inline double fast_log(double x)
{
    double f;
    const double exponent = split(x, f), f2 = f*f, f4 = f2*f2;
    const double first = (1.0000000006 + f*-0.49999999414) + f2*(0.33333302661 + f*-0.250000623746);
    const double second = (0.200025356401 + f*-0.166665555699) + f2*(0.142122912495 + f*-0.124208213566);
    const double third = (0.119458783237 + f*-0.11620647886) + f2*0.0657232632353;
    return exponent*0.6931471805599453 + f*(first + f4*(second + f4*third));
}

// The same, good to 6e-8: enough for a power of the membrane current.
inline double short_log(double x)
{
    double f;
    const double exponent = split(x, f), f2 = f*f, f4 = f2*f2;
    const double first = (0.999999968118 + f*-0.500003750563) + f2*(0.333346060235 + f*-0.24968906959);
    const double second = (0.199133478824 + f*-0.172782060663) + f2*(0.161262479054 + f*-0.0989535073656);
    return exponent*0.6931471805599453 + f*(first + f4*second);
}

inline double larger(double x, double y)
{
    return x > y ? x : y;
}

// Solves y + ln y = z where y + ln y has grown by `jump` (Fritsch, Shafer & Crowley 1973); see dpi.py for the first guess.
inline double dpi_jump(double current, double gain, double jump)
{
    const double start = current/gain, z = fast_log(start) + start + jump;
    const double low = fast_exp(z < 1 ? z : 1), high = larger(z, 1), log_high = fast_log(high);
    const double below = low*(1 + 0.72336301*low), above = high*(high + 1.11521081) - log_high*(high - 0.03283977) - 0.01208737;
    const double y = (z > 1 ? above : below)/(z > 1 ? high + 1.11521081 : 1 + low*(1.70928205 + 0.32941166*low));
    const double r = z - y - fast_log(y), t = 1 + y, s = t*(t + 2.0/3*r);
    return gain*y*(1 + r*(s - 0.5*r)/(t*(s - r)));
}

// Closed form of the decay towards the floor, with the C library: only neurons that fire need it.
double decayed(double current, double age, double floor, double kappa)
{
    const double over = std::pow(current/floor, 1/kappa) - 1;
    return over > 0 ? floor*std::pow(1 + over*std::exp(-age/kappa), kappa) : floor;
}

class Generator {  // xorshift, one of its own for each input, so that they are drawn side by side
public:
    Generator(int64_t inputs, uint64_t seed) : states(inputs)
    {
        for (uint64_t& state : states) {
            seed += 0x9E3779B97F4A7C15ULL;
            uint64_t mixed = (seed ^ (seed >> 30))*0xBF58476D1CE4E5B9ULL;
            mixed = (mixed ^ (mixed >> 27))*0x94D049BB133111EBULL;
            state = (mixed ^ (mixed >> 31)) | 1;
        }
    }

    bool any_below(uint64_t limit)
    {
        uint64_t any = 0;
        for (uint64_t& state : states) {
            uint64_t x = state;
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            state = x;
            any |= x < limit;
        }
        return any != 0;
    }

    std::vector<uint64_t> states;
};

class Loop {
public:
    explicit Loop(std::FILE* file)
    {
        read(file, &sizes, 1);
        read(file, &scalars, 1);
        const int64_t n = sizes.neurons, page = 4096/sizeof(double), line = 64/sizeof(double);
        if (n % BLOCK != 0 || ROWS*(n + 2*page) > INT32_MAX)
            fail("neurons: a multiple of 64, some ten million at most");
        // Rows begin seven cache lines further within a page than the one before: see templates/spread_arrays.cpp.
        stride = (n + page)/page*page + 7*line;
        if (posix_memalign(reinterpret_cast<void**>(&rows), 4096, ROWS*stride*sizeof(double)) != 0)
            fail("no memory");
        std::fill(rows, rows + ROWS*stride, 0.0);
        for (int k = 0; k < IN_FILE; k++)
            read(file, row(k), n);
        for (int k : {AMPA, NMDA, GABA, SHUNT, AHP, MEMBRANE, BEFORE})
            std::fill(row(k), row(k) + n, scalars.floor);
        row(GAIN_AMPA)[n] = row(AMPA)[n] = 1;  // a dendrite of no neuron, to fill the last vector of a list
        first_synapse = read_vector<int64_t>(file, n + sizes.inputs + 1);
        targets = read_vector<int32_t>(file, sizes.synapses);
        jumps = read_vector<double>(file, sizes.synapses);
        if (sizes.train_events > 0) {
            first_event = read_vector<int64_t>(file, sizes.steps + 1);
            events = read_vector<int32_t>(file, sizes.train_events);
        }
        for (int32_t& target : targets)
            target = static_cast<int32_t>(target/n*stride + target % n);
        touched.resize(DENDRITES*n + 8);
        fired.resize(n);
        counts.resize(n);
    }

    double run(uint64_t seed)
    {
        Generator generator(sizes.inputs, seed);
        const uint64_t limit = static_cast<uint64_t>(scalars.probability*18446744073709551615.0);
        const std::clock_t start = std::clock();
        for (int64_t step = 0; step < sizes.steps; step++) {
            charges();
            const int number = neurons();
            if (sizes.train_events > 0)
                for (int64_t k = first_event[step]; k < first_event[step + 1]; k++)
                    send(events[k]);
            else if (generator.any_below(limit))
                for (int64_t input = 0; input < sizes.inputs; input++)
                    if (generator.states[input] < limit)
                        send(sizes.neurons + input);
            for (int k = 0; k < number; k++) {
                send(fired[k]);
                reset(fired[k]);
            }
        }
        return static_cast<double>(std::clock() - start)/CLOCKS_PER_SEC;
    }

    std::vector<int32_t> counts;

private:
    Sizes sizes;
    Scalars scalars;
    double* rows;
    int64_t stride;
    std::vector<int64_t> first_synapse, first_event;
    std::vector<int32_t> targets, events, touched, fired;
    std::vector<double> jumps;
    int number_touched = 0;

    double* row(int k) const
    {
        return rows + k*stride;
    }

    // Events act in the next step: charges are collected, and dendrites listed that get their first.
    void send(int64_t source)
    {
        double* const charge = row(CHARGE_AMPA);
        int32_t* const list = touched.data();
        int number = number_touched;
        for (int64_t k = first_synapse[source]; k < first_synapse[source + 1]; k++) {
            const int32_t target = targets[k];
            const double waiting = charge[target];
            list[number] = target;
            number += waiting == 0;
            charge[target] = waiting + jumps[k];
        }
        number_touched = number;
    }

    void charges()
    {
        const double* const __restrict gain = row(GAIN_AMPA);
        double* const __restrict current = row(AMPA);
        double* const __restrict charge = row(CHARGE_AMPA);
        const int32_t* const __restrict list = touched.data();
        while (number_touched % 8 != 0)
            touched[number_touched++] = static_cast<int32_t>(sizes.neurons);
        const int number = number_touched;
#pragma GCC ivdep
        for (int k = 0; k < number; k++) {
            const int32_t dendrite = list[k];
            current[dendrite] = dpi_jump(current[dendrite], gain[dendrite], charge[dendrite]);
            charge[dendrite] = 0;
        }
        number_touched = 0;
    }

    int neurons()
    {
        const double dt = scalars.dt, rate = scalars.speed, floor = scalars.floor;
        const double inverse_kappa = 1/scalars.kappa_n, log_floor = std::log(floor);
        const double a1 = scalars.a1, a2 = scalars.a2, a3 = scalars.a3, a4 = scalars.a4, inverse_floor = 1/floor;
        const double b1 = scalars.b1, b2 = scalars.b2, b3 = scalars.b3, b4 = scalars.b4;
        double* const __restrict Iampa = row(AMPA);
        double* const __restrict Inmda = row(NMDA);
        double* const __restrict Igaba = row(GABA);
        double* const __restrict Ishunt = row(SHUNT);
        double* const __restrict Iahp = row(AHP);
        double* const __restrict membrane = row(MEMBRANE);
        double* const __restrict before = row(BEFORE);
        double* const __restrict taken = row(STEP);
        double* const __restrict left = row(LEFT);
        const double* const __restrict decay_ampa = row(DECAY_AMPA);
        const double* const __restrict decay_nmda = row(DECAY_NMDA);
        const double* const __restrict decay_gaba = row(DECAY_GABA);
        const double* const __restrict decay_shunt = row(DECAY_SHUNT);
        const double* const __restrict decay_ahp = row(DECAY_AHP);
        const double* const __restrict mean_ampa = row(MEAN_AMPA);
        const double* const __restrict mean_nmda = row(MEAN_NMDA);
        const double* const __restrict mean_gaba = row(MEAN_GABA);
        const double* const __restrict mean_shunt = row(MEAN_SHUNT);
        const double* const __restrict mean_ahp = row(MEAN_AHP);
        const double* const __restrict gain = row(GAIN);
        const double* const __restrict leak = row(LEAK);
        const double* const __restrict gate = row(GATE);
        const double* const __restrict cascode = row(CASCODE);
        const double* const __restrict threshold = row(THRESHOLD);
        int number = 0;
        for (int first = 0; first < sizes.neurons; first += BLOCK) {
            double crossed = 0;
#pragma GCC ivdep
            for (int i = first; i < first + BLOCK; i++) {
                // Currents over the floor, in the middle of the step; their inflows are ratios of polynomials.
                const double ampa_over = (Iampa[i]*inverse_floor - 1)*(0.5 + 0.5*decay_ampa[i]);
                const double nmda_over = (Inmda[i]*inverse_floor - 1)*(0.5 + 0.5*decay_nmda[i]);
                const double gaba_over = (Igaba[i]*inverse_floor - 1)*(0.5 + 0.5*decay_gaba[i]);
                const double shunt_over = (Ishunt[i]*inverse_floor - 1)*(0.5 + 0.5*decay_shunt[i]);
                const double ahp_over = (Iahp[i]*inverse_floor - 1)*(0.5 + 0.5*decay_ahp[i]);
                const double ampa_below = 1 + ampa_over*(b1 + ampa_over*(b2 + ampa_over*(b3 + b4*ampa_over)));
                const double nmda_below = 1 + nmda_over*(b1 + nmda_over*(b2 + nmda_over*(b3 + b4*nmda_over)));
                const double gaba_below = 1 + gaba_over*(b1 + gaba_over*(b2 + gaba_over*(b3 + b4*gaba_over)));
                const double shunt_below = 1 + shunt_over*(b1 + shunt_over*(b2 + shunt_over*(b3 + b4*shunt_over)));
                const double ahp_below = 1 + ahp_over*(b1 + ahp_over*(b2 + ahp_over*(b3 + b4*ahp_over)));
                // All five reciprocals from one division.
                const double ampa_nmda = ampa_below*nmda_below, gaba_shunt = gaba_below*shunt_below;
                const double four = ampa_nmda*gaba_shunt, of_all = floor/(four*ahp_below), of_four = of_all*ahp_below;
                const double of_ampa_nmda = of_four*gaba_shunt, of_gaba_shunt = of_four*ampa_nmda;
                const double ampa_inflow = (1 + ampa_over*(a1 + ampa_over*(a2 + ampa_over*(a3 + a4*ampa_over))))*(of_ampa_nmda*nmda_below);
                const double nmda_inflow = (1 + nmda_over*(a1 + nmda_over*(a2 + nmda_over*(a3 + a4*nmda_over))))*(of_ampa_nmda*ampa_below);
                const double gaba_inflow = (1 + gaba_over*(a1 + gaba_over*(a2 + gaba_over*(a3 + a4*gaba_over))))*(of_gaba_shunt*shunt_below);
                const double shunt_inflow = (1 + shunt_over*(a1 + shunt_over*(a2 + shunt_over*(a3 + a4*shunt_over))))*(of_gaba_shunt*gaba_below);
                const double ahp_inflow = (1 + ahp_over*(a1 + ahp_over*(a2 + ahp_over*(a3 + a4*ahp_over))))*(of_all*four);
                const double ampa = Iampa[i] - ampa_inflow;
                const double nmda = Inmda[i] - nmda_inflow;
                const double gaba = Igaba[i] - gaba_inflow;
                const double shunt = Ishunt[i] - shunt_inflow;
                const double ahp = Iahp[i] - ahp_inflow;
                const double ampa_mean = ampa_inflow + ampa*mean_ampa[i];
                const double nmda_mean = nmda_inflow + nmda*mean_nmda[i];
                const double gaba_mean = gaba_inflow + gaba*mean_gaba[i];
                const double shunt_mean = shunt_inflow + shunt*mean_shunt[i];
                const double ahp_mean = ahp_inflow + ahp*mean_ahp[i];
                Iampa[i] = ampa_inflow + ampa*decay_ampa[i];
                Inmda[i] = nmda_inflow + nmda*decay_nmda[i];
                Igaba[i] = gaba_inflow + gaba*decay_gaba[i];
                Ishunt[i] = shunt_inflow + shunt*decay_shunt[i];
                Iahp[i] = ahp_inflow + ahp*decay_ahp[i];
                const double now = membrane[i], waiting = left[i];
                const double h = std::min(larger(dt - waiting, 0), 2*dt);
                const double to_gate = gate[i] + now, to_cascode = cascode[i] + ahp_mean, to_gain = gain[i] + now;
                const double gate_cascode = to_gate*to_cascode, reciprocal = 1/(gate_cascode*to_gain);
                const double free = gain[i]*(reciprocal*gate_cascode), bound = 1 - free;
                const double open = now*(reciprocal*to_cascode*to_gain), through = open*nmda_mean;
                const double sum = ampa_mean + through - gaba_mean, input = free*larger(sum, 0);
                const double input_slope = sum > 0 ? free*(1 - open)*through : 0;
                const double inhibition = leak[i] + shunt_mean + cascode[i]*ahp_mean*(reciprocal*to_gate*to_gain);
                const double back = inhibition*fast_exp(inverse_kappa*(log_floor - short_log(now)));
                const double speed = rate*(input - inhibition + back);
                const double slope = rate*(input_slope - bound*input - inverse_kappa*back);
                const double curving = 0.25*h*(slope + speed*bound), size = std::fabs(curving);
                // push = above/below and guess = push/(1 + bound |push|/2), from one division.
                const double above = h*speed*(1 + curving + size), below = 1 - curving + size;
                const double damped = below + 0.5*bound*std::fabs(above), both = above/(below*damped);
                const double push = both*damped, guess = both*below;
                const double factor = fast_exp(guess);
                const double missing = (push - free*guess - bound*(factor - 1))/(free + bound*factor);
                const double grown = now*factor*(1 + missing*(1 + 0.5*missing));
                const double most = now + to_gain*larger(push, 0);
                const double after = std::min(larger(grown, floor), most), remaining = larger(waiting - dt, 0);
                before[i] = now;
                taken[i] = h;
                membrane[i] = after;
                left[i] = remaining;
                const double over = after > threshold[i] ? 1.0 : 0.0;
                crossed += waiting > dt ? 0.0 : over;
            }
            if (crossed > 0)
                for (int i = first; i < first + BLOCK; i++)
                    if (membrane[i] > threshold[i] && left[i] <= 0)
                        fired[number++] = i;
        }
        return number;
    }

    void reset(int i)
    {
        const double gain = row(GAIN)[i], threshold = row(THRESHOLD)[i], now = row(MEMBRANE)[i], before = row(BEFORE)[i];
        const double past = std::log(now/threshold) + (now - threshold)/gain;
        const double moved = 1e-15 + std::log(now/before) + (now - before)/gain;
        const double ago = row(STEP)[i]*std::min(std::max(past/moved, 0.0), 1.0), age = ago/row(TAU_AHP)[i];
        double& ahp = row(AHP)[i];
        const double then = decayed(ahp, -age, scalars.floor, scalars.kappa_p);
        const double jumped = dpi_jump(then, row(GAIN_AHP)[i], row(JUMP_AHP)[i]);
        ahp = decayed(jumped, age, scalars.floor, scalars.kappa_p);
        row(LEFT)[i] = row(T_REFRACTORY)[i] - ago;
        row(MEMBRANE)[i] = scalars.floor;
        counts[i]++;
    }

    [[noreturn]] static void fail(const char* why)
    {
        std::fprintf(stderr, "minimal_loop: %s\n", why);
        std::exit(1);
    }

    template <typename T> static void read(std::FILE* file, T* values, int64_t number)
    {
        if (std::fread(values, sizeof(T), number, file) != static_cast<size_t>(number))
            fail("the input file is too short");
    }

    template <typename T> static std::vector<T> read_vector(std::FILE* file, int64_t number)
    {
        std::vector<T> values(number);
        read(file, values.data(), number);
        return values;
    }
};

}  // namespace

int main(int argc, char** argv)
{
    std::FILE* const input = argc == 4 ? std::fopen(argv[1], "rb") : nullptr;
    if (input == nullptr) {
        std::fprintf(stderr, "use: minimal_loop INPUT COUNTS SEED, with an INPUT that exists\n");
        return 2;
    }
    Loop loop(input);
    std::fclose(input);
    std::printf("%.6f\n", loop.run(std::strtoull(argv[3], nullptr, 10)));
    std::FILE* const output = std::fopen(argv[2], "wb");
    const size_t number = loop.counts.size();
    if (output == nullptr || std::fwrite(loop.counts.data(), sizeof(int32_t), number, output) != number || std::fclose(output) != 0) {
        std::fprintf(stderr, "minimal_loop: %s cannot be written\n", argv[2]);
        return 1;
    }
    return 0;
}

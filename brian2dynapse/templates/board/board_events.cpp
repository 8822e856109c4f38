{# The simulated board: events reach CAM words, and commands the program. Takes the place of synapses, whose wiring Brian2
   fixes when a program is made. What an event does to a word is written by `board_model` from the pages of the synapse. #}
{# USES_VARIABLES { N, _spikespace } #}
{% extends 'common_group.cpp' %}

{% block extra_headers %}
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <vector>
#include "network.h"

namespace {
const int WORDS_PER_NEURON = 64;
const int KIND_OF_DENDRITE = 7, DEPRESSING = 8;

// A CAM word: what its codes and its transistors make of it, and the state of its pulse.
struct Word {
    double {{word_parameters}}, delay;
    double {{word_states}};
    int8_t kind;  // 0: none, 1..4: dendrite; + DEPRESSING
};
struct Arrival { int32_t word; double time; };
struct Spike { int64_t step; int32_t place; };

std::vector<Word> words;
std::vector<int32_t> first_listener, listeners;  // words by core and tag
std::vector<int32_t> first_send, sends;          // core and tag of the events of each place
std::map<int64_t, std::vector<Arrival>> on_their_way;
std::vector<int64_t> outside_time;               // microseconds
std::vector<int32_t> outside_key;
std::size_t next_outside = 0;
std::vector<Spike> spikes;
std::vector<int32_t> watched;
std::vector<double> samples;
{{shared_declarations}}

inline double clip(const double x, const double low, const double high) { return x < low ? low : (x > high ? high : x); }

inline void plain_event(Word& word, const double t, double& charge)
{
{{plain_event|indent(4, true)}}
}

inline void depressing_event(Word& word, const double t, double& charge)
{
{{depressing_event|indent(4, true)}}
}

inline void act(const Arrival& arrival, double* const* const charges)
{
    Word& word = words[arrival.word];
    const int dendrite = word.kind & KIND_OF_DENDRITE;
    if (dendrite == 0)
        return;
    double& charge = charges[dendrite - 1][arrival.word/WORDS_PER_NEURON];
    if (word.kind & DEPRESSING)
        depressing_event(word, arrival.time, charge);
    else
        plain_event(word, arrival.time, charge);
}

// An event for a core: to all words that listen to its tag, now or after their delay in whole steps, as Brian2 counts them.
inline void deliver(const int32_t key, const double time, const int64_t step, const double dt, double* const* const charges)
{
    for (int32_t k = first_listener[key]; k < first_listener[key + 1]; k++) {
        const int32_t number = listeners[k];
        const double delay = words[number].delay;
        const int64_t steps = static_cast<int64_t>(delay/dt + 0.5);
        const Arrival arrival = {number, time + delay};
        if (steps == 0)
            act(arrival, charges);
        else
            on_their_way[step + steps].push_back(arrival);
    }
}
}
{% endblock %}

{% block maincode %}
    double* const _charges[] = { {{charge_arrays}} };
    const int64_t _step = brian::defaultclock.timestep[0];
    const double _dt = brian::defaultclock.dt[0];
    const auto _arriving = on_their_way.begin();
    if (_arriving != on_their_way.end() && _arriving->first <= _step) {
        for (const Arrival& arrival : _arriving->second)
            act(arrival, _charges);
        on_their_way.erase(_arriving);
    }
    const int32_t _count = {{_spikespace}}[N];
    for (int32_t _k = 0; _k < _count; _k++) {
        const int32_t place = {{_spikespace}}[_k];
        spikes.push_back({_step, place});
        for (int32_t _send = first_send[place]; _send < first_send[place + 1]; _send++)
            deliver(sends[_send], _step*_dt, _step, _dt, _charges);
    }
    const double _end_us = (_step + 1)*_dt*1e6 - 0.5;  // times are whole microseconds, and so are steps
    for (; next_outside < outside_key.size() && outside_time[next_outside] < _end_us; next_outside++)
        deliver(outside_key[next_outside], outside_time[next_outside]*1e-6, _step, _dt, _charges);
{% endblock %}

{% block extra_functions_h %}
class Network;
namespace brian_board {
void serve(Network& network);
}
{% endblock %}

{% block extra_functions_cpp %}
void _run_{{constants_code}}();
int brian_board::places_in_use = 0;
std::vector<int32_t> brian_board::first_giver, brian_board::givers;
std::vector<double> brian_board::shares;

namespace {
template <typename T> void receive(T* values, const std::size_t count)
{
    if (count && std::fread(values, sizeof(T), count, stdin) != count)
        std::_Exit(1);
}
template <typename T> void receive(std::vector<T>& values, const std::size_t count)
{
    values.resize(count);
    receive(values.data(), count);
}
template <typename T> void reply(const T* values, const std::size_t count)
{
    if (count && std::fwrite(values, sizeof(T), count, stdout) != count)
        std::_Exit(1);
}
template <typename T> void reply_field(T Word::*field, const std::size_t first, const std::size_t count)
{
    std::vector<T> values(count);
    for (std::size_t k = 0; k < count; k++) values[k] = words[first + k].*field;
    reply(values.data(), count);
}
template <typename T> void receive_field(T Word::*field, const std::size_t first, const std::size_t count)
{
    std::vector<T> values;
    receive(values, count);
    for (std::size_t k = 0; k < count; k++) words[first + k].*field = values[k];
}
}

// Commands on standard input: three integers, then arrays; see `board_server`.
void brian_board::serve(Network& network)
{
    using namespace brian;
    double* const arrays[] = { {{all_arrays}} };
    double Word::* const parameters[] = { {{parameter_fields}}, &Word::delay };
    double Word::* const states[] = { {{state_fields}} };
    double* const shared[] = { {{shared_pointers}} };
    int64_t command[3];
    while (std::fread(command, sizeof(int64_t), 3, stdin) == 3) {
        const int64_t what = command[0], a = command[1], b = command[2];
        switch (what) {
        case {{commands.PLACES}}:
            places_in_use = a;
            words.resize(a*WORDS_PER_NEURON, Word());
            break;
        case {{commands.SET}}:
            receive(arrays[a], b);
            break;
        case {{commands.GET}}:
            reply(arrays[a], b);
            break;
        case {{commands.SHARED}}:
            receive(shared[a], 1);
            break;
        case {{commands.CONSTANTS}}:
            _run_{{constants_code}}();
            break;
        case {{commands.WORDS}}:
            for (auto field : parameters) receive_field(field, a, b);
            receive_field(&Word::kind, a, b);
            break;
        case {{commands.GET_WORD_STATES}}:
            for (auto field : states) reply_field(field, a, b);
            break;
        case {{commands.SET_WORD_STATES}}:
            for (auto field : states) receive_field(field, a, b);
            break;
        case {{commands.LISTENERS}}:
            receive(first_listener, a);
            receive(listeners, b);
            break;
        case {{commands.SENDS}}:
            receive(first_send, a);
            receive(sends, b);
            break;
        case {{commands.GRID}}:
            receive(first_giver, a);
            receive(givers, b);
            receive(shares, b);
            break;
        case {{commands.WATCH}}:
            receive(watched, a);
            break;
        case {{commands.CLOCK}}:
            defaultclock.timestep[0] = a;
            defaultclock.t[0] = a*defaultclock.dt[0];
            break;
        case {{commands.SEED}}:
            for (auto& generator : _random_generators) generator.seed(a);
            break;
        case {{commands.GET_ARRIVALS}}: {
            std::vector<int64_t> steps;
            std::vector<int32_t> numbers;
            std::vector<double> times;
            for (const auto& slot : on_their_way)
                for (const Arrival& one : slot.second) {
                    steps.push_back(slot.first);
                    numbers.push_back(one.word);
                    times.push_back(one.time);
                }
            const int64_t count = steps.size();
            reply(&count, 1);
            reply(steps.data(), count);
            reply(numbers.data(), count);
            reply(times.data(), count);
            break;
        }
        case {{commands.SET_ARRIVALS}}: {
            std::vector<int64_t> steps;
            std::vector<int32_t> numbers;
            std::vector<double> times;
            receive(steps, a);
            receive(numbers, a);
            receive(times, a);
            on_their_way.clear();
            for (int64_t k = 0; k < a; k++) on_their_way[steps[k]].push_back({numbers[k], times[k]});
            break;
        }
        case {{commands.ADVANCE}}: {
            receive(outside_time, b);
            receive(outside_key, b);
            next_outside = 0;
            spikes.clear();
            samples.clear();
            for (int64_t k = 0; k < a; k++) {
                for (const int32_t place : watched) samples.push_back({{watched_array}}[place]);
                for (const auto& object : network.objects)
                    if (object.second) object.second();
                defaultclock.tick();
            }
            const int64_t counts[] = {static_cast<int64_t>(spikes.size()), static_cast<int64_t>(next_outside)};
            reply(counts, 2);
            for (const Spike& one : spikes) reply(&one.step, 1);
            for (const Spike& one : spikes) reply(&one.place, 1);
            reply(samples.data(), samples.size());
            break;
        }
        default:
            std::_Exit(2);
        }
        std::fflush(stdout);
    }
    std::_Exit(0);  // nothing is written: whoever asked has all
}
{% endblock %}

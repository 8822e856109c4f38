"""The commands that the program of the simulated board understands; see `board_server`. No Brian2."""

from enum import IntEnum


class Command(IntEnum):
    """Each is sent as three integers of 64 bits, the number here and two sizes or places, and then arrays."""

    PLACES = 1  # places in use
    SET = 2  # array, count; values
    GET = 3  # array, count -> values
    SHARED = 4  # constant of all words; value
    CONSTANTS = 5  # compute what follows from the parameters
    WORDS = 6  # first, count; parameters, kinds
    GET_WORD_STATES = 7  # first, count -> states
    SET_WORD_STATES = 8  # first, count; states
    LISTENERS = 9  # two sizes; first word of every core and tag, words
    SENDS = 10  # two sizes; first event of every place, cores and tags
    WATCH = 11  # count; places
    CLOCK = 12  # step
    GET_ARRIVALS = 13  # -> count, steps, words, times
    SET_ARRIVALS = 14  # count; steps, words, times
    ADVANCE = 15  # steps, events; times in microseconds, cores and tags -> spikes, events taken; steps, places, samples
    SEED = 16  # seed of the generator of random numbers
    GRID = 17  # two sizes; first source of every place, sources, shares: the AMPA diffusion grid

"""A stand-in for the simulation behind a board: a neuron spikes a millisecond after an event on one of its CAM words.

Brute force over the memory, so that what a board does with events, times and hops can be checked by counting.
"""

import heapq

import numpy as np

LATENCY_US = 1000


class FakeEngine:
    def __init__(self, step_us=1):
        self.step_us = step_us
        self.time_us = 0
        self.configuration = None
        self.configured = 0
        self.closed = False
        self.sent = []
        self.watched = {}
        self._queue, self._number = [], 0

    def configure(self, configuration):
        self.configuration = configuration
        self.configured += 1

    def send(self, events):
        for chip, mask, tag, time_us in np.asarray(events).tolist():
            assert time_us >= self.time_us, "an event of the past"
            self.sent.append((chip, mask, tag, time_us))
            self._push(time_us, "event", (chip, mask, tag))

    def _push(self, time_us, kind, what):
        self._number += 1
        heapq.heappush(self._queue, (time_us, self._number, kind, what))

    def _listeners(self, chip, mask, tag):
        c = self.configuration
        for core in range(4):
            if mask >> core & 1:
                hit = (c.synapse_tag[chip, core] == tag) & (c.synapse_dendrite[chip, core] != 0)
                for neuron in np.flatnonzero(hit.any(axis=-1)).tolist():
                    yield chip, core, neuron

    def advance(self, until_us):
        assert until_us >= self.time_us
        until_us -= until_us % self.step_us
        spikes = []
        while self._queue and self._queue[0][0] <= until_us:
            time_us, _, kind, what = heapq.heappop(self._queue)
            if kind == "event":
                for place in self._listeners(*what):
                    self._push(time_us + LATENCY_US, "spike", place)
                continue
            spikes.append((time_us, *what))
            chip, core, neuron = what
            c = self.configuration
            for d in range(4):
                mask = int(c.destination_core[chip, core, neuron, d])
                place = c.positions[chip] + [
                    c.destination_x_hop[chip, core, neuron, d],
                    c.destination_y_hop[chip, core, neuron, d],
                ]
                there = np.flatnonzero((c.positions == place).all(axis=1))
                if mask and there.size:
                    tag = int(c.destination_tag[chip, core, neuron, d])
                    self._push(time_us, "event", (int(there[0]), mask, tag))
        self.time_us = until_us
        return np.array(spikes, dtype=np.int64).reshape(-1, 4)

    def watch(self, chip, core, neuron):
        self.watched[chip, core] = (neuron, self.time_us)

    def trace(self, chip, core):
        neuron, start = self.watched[chip, core]
        times = np.arange(start, self.time_us, 100)
        return times, np.full(len(times), neuron / 1000)

    def close(self):
        self.closed = True

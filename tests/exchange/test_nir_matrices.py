"""Convolutions and pooling as matrices: against loops over every output, written out, and SciPy."""

import itertools

import nir
import numpy as np
import pytest
from scipy.signal import correlate

import brian2dynapse as bd
from brian2dynapse.nir_matrices import linear_map


@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"),
    [(1, 0, 1, 1), (2, 1, 1, 2), ((1, 2), (2, 0), (2, 1), 1), (1, "same", 1, 2), (1, "valid", 1, 1)],
)
def test_two_dimensional_convolution(stride, padding, dilation, groups):
    generator = np.random.default_rng(0)
    weight, bias = generator.normal(size=(4, 2, 3, 2)), generator.normal(size=4)
    channels, height, width = 2 * groups, 6, 7
    node = nir.Conv2d((height, width), weight, stride, padding, dilation, groups, bias)
    matrix, offset = linear_map("conv", node)
    signal = generator.normal(size=(channels, height, width))
    (sy, sx), (dy, dx) = np.broadcast_to(stride, 2), np.broadcast_to(dilation, 2)
    if padding == "same":
        (top, left), (bottom, right) = (1, 0), (1, 1)  # of a kernel of 3 x 2; the odd one goes to the end
    else:
        top, left = bottom, right = (0, 0) if padding == "valid" else np.broadcast_to(padding, 2)
    padded = np.pad(signal, ((0, 0), (top, bottom), (left, right)))
    rows = range(0, padded.shape[1] - 2 * dy, sy)
    columns = range(0, padded.shape[2] - dx, sx)
    wanted = []
    for output in range(4):
        first = output // (4 // groups) * 2
        for y, x in itertools.product(rows, columns):
            window = padded[first : first + 2, y : y + 2 * dy + 1 : dy, x : x + dx + 1 : dx]
            wanted.append(np.sum(window * weight[output]) + bias[output])
    assert np.allclose(matrix @ signal.ravel() + offset, wanted)


def test_one_dimensional_convolution_is_that_of_scipy():
    generator = np.random.default_rng(1)
    weight = generator.normal(size=(1, 1, 4))
    matrix, _ = linear_map("conv", nir.Conv1d(9, weight, 1, 0, 1, 1, np.zeros(1)))
    signal = generator.normal(size=9)
    assert np.allclose(matrix @ signal, correlate(signal, weight[0, 0], mode="valid"))


@pytest.mark.parametrize(("kind", "share"), [(nir.SumPool2d, 1.0), (nir.AvgPool2d, 0.25)])
def test_pooling(kind, share):
    node = kind(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
    node.input_type = {"input": np.array([3, 4, 6])}
    signal = np.random.default_rng(2).normal(size=(3, 4, 6))
    wanted = signal.reshape(3, 2, 2, 3, 2).sum(axis=(2, 4)) * share
    assert np.allclose(linear_map("pool", node)[0] @ signal.ravel(), wanted.ravel())


def test_a_convolutional_graph_imports():
    """Conv2d, SumPool2d, Flatten as tools export them; a synapse for every tap that is inside the picture."""
    kernel = np.full((1, 1, 2, 2), 0.005)
    nodes = [
        nir.Conv2d((4, 4), kernel, 1, 0, 1, 1, np.zeros(1)),
        nir.SumPool2d(np.array([3, 3]), np.array([1, 1]), np.array([0, 0])),
        nir.Flatten({"input": np.array([1, 1, 1])}, 0, -1),
        nir.LIF(*(np.full(1, one) for one in (0.02, 1.0, 0.0, 1.0))),
    ]
    result = bd.exchange.from_nir(nir.NIRGraph.from_list(nir.Input(np.array([1, 4, 4])), *nodes))
    weights = np.asarray(result.connections[0].I_weight)
    times = np.outer([1, 2, 2, 1], [1, 2, 2, 1]).ravel()  # how many windows of the pooling see a pixel
    assert np.allclose(weights / weights[0], times)


def test_what_is_no_matrix():
    with pytest.raises(bd.ExchangeError, match="w: the weight has shape"):
        linear_map("w", nir.Linear(np.ones((2, 2, 2))))
    with pytest.raises(bd.ExchangeError, match="does not fit"):
        linear_map("c", nir.Conv1d(2, np.ones((1, 1, 4)), 1, 0, 1, 1, np.zeros(1)))

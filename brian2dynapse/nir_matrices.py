"""Matrices of the linear nodes of a NIR graph: what a convolution or pooling does to a flattened signal. No Brian2."""

from __future__ import annotations

import itertools

import numpy as np

from .errors import ExchangeError

POOLING = ("SumPool2d", "AvgPool2d")
CONVOLUTIONS = ("Conv1d", "Conv2d")


def linear_map(name: str, node) -> tuple[np.ndarray, np.ndarray]:
    """Matrix and bias of a linear node.

    Parameters
    ----------
    name : str
        Of the node, for messages.
    node : nir.NIRNode
        Linear, Affine, Scale, Conv1d, Conv2d, SumPool2d or AvgPool2d.

    Returns
    -------
    matrix : numpy.ndarray
        Shape (outputs, inputs); signals are flattened in C order, as `Flatten` does.
    bias : numpy.ndarray
        Shape (outputs,).

    Raises
    ------
    ExchangeError
        For weights that are not a matrix, or a shape that is not known.
    """
    kind = type(node).__name__
    for parameter in ("weight", "bias", "scale"):
        values = np.asarray(getattr(node, parameter, 0.0))
        if values.dtype.kind not in "biuf" or not np.all(np.isfinite(values)):
            raise ExchangeError(f"{name}: {parameter} holds what is no finite real number")
    if kind == "Scale":
        matrix = np.diag(np.ravel(np.asarray(node.scale, dtype=float)))
    elif kind in ("Linear", "Affine"):
        matrix = np.asarray(node.weight, dtype=float)
        if matrix.ndim != 2:
            raise ExchangeError(f"{name}: the weight has shape {matrix.shape}; give a matrix (outputs, inputs)")
    elif kind in CONVOLUTIONS:
        return _convolution(name, node)
    else:
        return _pooling(name, node)
    bias = np.asarray(node.bias, dtype=float).ravel() if kind == "Affine" else np.zeros(len(matrix))
    if len(bias) not in (1, len(matrix)):
        raise ExchangeError(f"{name}: {len(bias)} biases for {len(matrix)} outputs; give one an output")
    return matrix, np.broadcast_to(bias, (len(matrix),)).copy()


def _convolution(name: str, node) -> tuple[np.ndarray, np.ndarray]:
    weight = np.asarray(node.weight, dtype=float)  # output channels, input channels of a group, kernel
    kernel = weight.shape[2:]
    stride, dilation = _of_axes(node.stride, kernel), _of_axes(node.dilation, kernel)
    before, after = _padding(node.padding, kernel, dilation)
    groups = int(np.ravel(node.groups)[0])
    channels = weight.shape[1] * groups
    size = _spatial(name, node, channels, len(kernel))
    columns, shape = _windows(name, size, kernel, stride, dilation, before, after)
    positions, volume = int(np.prod(shape)), int(np.prod(size))
    outputs, per_group = len(weight), len(weight) // groups
    matrix = np.zeros((outputs * positions, channels * volume))
    inside = columns >= 0
    rows = np.broadcast_to(np.arange(positions)[:, None], columns.shape)[inside]
    for output, own in itertools.product(range(outputs), range(weight.shape[1])):
        channel = output // per_group * weight.shape[1] + own
        values = np.broadcast_to(weight[output, own].ravel(), columns.shape)[inside]
        matrix[output * positions + rows, channel * volume + columns[inside]] = values
    bias = np.broadcast_to(np.asarray(node.bias, dtype=float).ravel(), (outputs,))
    return matrix, np.repeat(bias, positions)


def _pooling(name: str, node) -> tuple[np.ndarray, np.ndarray]:
    kernel = tuple(int(one) for one in np.broadcast_to(np.ravel(node.kernel_size), (2,)))
    padding = _of_axes(node.padding, kernel)
    channels = int(_input_shape(name, node, 3)[0])
    size = _spatial(name, node, channels, 2)
    columns, shape = _windows(name, size, kernel, _of_axes(node.stride, kernel), (1, 1), padding, padding)
    positions, volume = int(np.prod(shape)), int(np.prod(size))
    one = np.zeros((positions, volume))
    inside = columns >= 0
    one[np.broadcast_to(np.arange(positions)[:, None], columns.shape)[inside], columns[inside]] = 1
    if type(node).__name__ == "AvgPool2d":
        one /= np.prod(kernel)
    return np.kron(np.eye(channels), one), np.zeros(channels * positions)


def _windows(name, size, kernel, stride, dilation, before, after) -> tuple[np.ndarray, tuple[int, ...]]:
    """Input (flattened) under every tap of the kernel, a row an output position; -1 in the padding."""
    axes, shape = [], []
    for n, k, step, spread, left, right in zip(size, kernel, stride, dilation, before, after, strict=True):
        count = (n + left + right - spread * (k - 1) - 1) // step + 1
        if count < 1:
            raise ExchangeError(f"{name}: a kernel of {kernel} does not fit into a signal of {tuple(size)}")
        places = np.arange(count)[:, None] * step + np.arange(k) * spread - left
        axes.append(np.where((places >= 0) & (places < n), places, -1))
        shape.append(count)
    columns = axes[0]
    for n, places in zip(size[1:], axes[1:], strict=True):
        here, next_one = columns[:, None, :, None], places[None, :, None, :]
        columns = np.where((here >= 0) & (next_one >= 0), here * n + next_one, -1)
        columns = columns.reshape(columns.shape[0] * columns.shape[1], -1)
    return columns, tuple(shape)


def _padding(padding, kernel, dilation) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(padding, bytes):
        padding = padding.decode()
    if padding == "same":
        whole = [spread * (k - 1) for k, spread in zip(kernel, dilation, strict=True)]
        return tuple(one // 2 for one in whole), tuple(one - one // 2 for one in whole)
    both = (0,) * len(kernel) if padding == "valid" else _of_axes(padding, kernel)
    return both, both


def _of_axes(value, kernel) -> tuple[int, ...]:
    return tuple(int(one) for one in np.broadcast_to(np.ravel(value), (len(kernel),)))


def _input_shape(name: str, node, axes: int) -> np.ndarray:
    shape = (node.input_type or {}).get("input")
    if shape is None or len(np.ravel(shape)) != axes:
        raise ExchangeError(f"{name}: {type(node).__name__} without a shape of its input; give the node an input_shape")
    return np.ravel(shape)


def _spatial(name: str, node, channels: int, axes: int) -> tuple[int, ...]:
    shape = getattr(node, "input_shape", None)
    if shape is None:
        shape = _input_shape(name, node, axes + 1)[1:]
    return tuple(int(one) for one in np.broadcast_to(np.ravel(shape), (axes,)))

"""The picture of a mapping shows every core: who is there, and how many CAM words each neuron uses."""

import brian2 as b2
import matplotlib as mpl
import numpy as np
import pytest

import brian2dynapse as bd

mpl.use("Agg")
import matplotlib.pyplot as plt

CORES = 4


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def mapped(sizes, chip=None, indegrees=(8, 20, 40, 60), **kwds):
    """Populations by name and size, and inputs to all of them."""
    inputs, biases = b2.PoissonGroup(64, 20 * b2.Hz, name="inputs"), bd.Biases()
    net = b2.Network(inputs)
    for k, (name, size) in enumerate(sizes.items()):
        population = bd.Neurons(size, biases, chip=chip, name=name)
        connection = bd.Connection(inputs, population, "ampa", name=f"to_{name}")
        connection.connect_fixed_indegree(indegrees[k % len(indegrees)], seed=k)
        net.add(population, connection)
    return bd.map_network(net, **kwds)


def drawn(result, figure=None, **kwds):
    """The axes of all cores in order, the colour bar's, and the figure; drawn for real."""
    figure = bd.plot.mapping(result, figure, **kwds)
    figure.canvas.draw()
    *cores, scale = figure.axes
    assert len(cores) == CORES * len(result.configuration)
    return cores, scale, figure


def loads(axes):
    """What a core shows, by the number of the neuron; masked where nothing is."""
    return axes.collections[0].get_array().reshape(16, 16).T.ravel()


def assert_loads(result, cores):
    shown = np.ma.array([loads(axes) for axes in cores])
    used = np.zeros(shown.shape, dtype=bool)
    table = result.neurons
    core, neuron = CORES * table["chip"] + table["core"], table["neuron"]
    used[core, neuron] = True
    np.testing.assert_array_equal(~np.ma.getmaskarray(shown), used)
    np.testing.assert_array_equal(shown[core, neuron], table["cams"])


def words(text):
    return " ".join(text.split())


def title(axes):
    return words(axes.get_title(loc="left"))


def test_one_core():
    result = mapped({"pyr": 200, "inh": 20}, place={"pyr": (0, 2), "inh": (0, 2)})
    cores, scale, _ = drawn(result)
    cams = 200 * 8 + 20 * 20
    assert title(cores[2]) == f"chip 0, core 2: inh 20, pyr 200; {100 * cams / 16384:.0f} % of CAM words"
    assert title(cores[0]) == "chip 0, core 0: not used"
    assert {text.get_text() for text in cores[2].texts} == {"pyr", "inh"}
    assert scale.get_ylabel() == "CAM words used" and scale.get_ylim() == (0, 64)
    assert_loads(result, cores)


def test_colors_are_those_of_the_scale():
    result = mapped({"pyr": 100}, indegrees=(40,))
    (axes, *_), _, _ = drawn(result)
    cells = axes.collections[0].get_facecolors()
    number_of_cell = np.arange(256).reshape(16, 16).T.ravel()  # the picture goes row after row
    expected = mpl.colormaps["viridis"](40 / 64)
    for color, neuron in zip(cells, number_of_cell, strict=True):
        assert np.allclose(color, expected) if neuron < 100 else color[3] == 0


def test_full_chip_with_long_names():
    sizes = {f"population_{k}_with_quite_a_long_name_that_goes_on_and_on": 128 for k in range(8)}
    result = mapped(sizes)
    cores, _, _ = drawn(result)
    assert_loads(result, cores)
    assert not any(np.ma.getmaskarray(loads(axes)).any() for axes in cores)
    for axes in cores:
        assert len(axes.texts) == 2 and all("\u2026" in text.get_text() for text in axes.texts)


def test_many_populations_of_a_core_are_counted():
    result = mapped({f"p{k}": 8 for k in range(30)})
    cores, _, _ = drawn(result)
    assert "24 more with 192;" in " ".join(title(axes) for axes in cores)


@pytest.mark.parametrize("positions", [None, [[0, 0], [1, 0], [0, 1], [1, 1]], [[2, 0], [0, 0], [0, 5], [9, 5]]])
def test_board_of_four_chips(positions):
    result = mapped({f"p{k}": 256 for k in range(16)}, chips=4, positions=positions)
    cores, _, figure = drawn(result)
    assert_loads(result, cores)
    assert [title(axes)[:15] for axes in cores] == [f"chip {k // 4}, core {k % 4}:" for k in range(16)]
    first = [cores[CORES * chip].get_position() for chip in range(4)]
    for k in range(4):
        for other in range(4):
            (x, y), (x_other, y_other) = result.configuration.positions[[k, other]]
            assert (first[k].x0 < first[other].x0) == (x < x_other)
            assert (first[k].y0 > first[other].y0) == (y < y_other)
    assert all(0 <= axes.get_position().x0 and axes.get_position().x1 <= 1 for axes in figure.axes)


def test_nothing_leaves_a_given_figure_or_covers_a_core():
    result = mapped({"pyr": 200, "inh": 20, "other": 200})
    figure = plt.figure(figsize=(6, 5), layout="constrained")
    cores, _, same = drawn(result, figure)
    assert same is figure
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    assert all(b.x0 >= 0 and b.y0 >= 0 and b.x1 <= 600 and b.y1 <= 500 for b in boxes)
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[:k])
    assert all(axes.get_window_extent().width == pytest.approx(axes.get_window_extent().height) for axes in cores)


def test_profile_scattered_populations_and_relative_load():
    chip = bd.Chip(profile=bd.ChipProfile.synthetic(seed=1))
    result = mapped({"pyr": 128, "_pv": 24}, chip, indegrees=(40, 20))
    cores, scale, _ = drawn(result, relative=True)
    assert scale.get_ylim() == (0, 100) and "usable" in scale.get_ylabel()
    usable = chip.profile.usable.any(axis=-1).sum(axis=-1)
    table = result.neurons
    for core, axes in enumerate(cores):
        here = table[table["core"] == core]
        expected = 100 * here["cams"].to_numpy() / usable[0, core, here["neuron"]]
        np.testing.assert_allclose(loads(axes)[here["neuron"]], expected)
    marked = [axes for axes in cores if axes.get_legend()]
    names = [{text.get_text().strip() for text in axes.get_legend().get_texts()} for axes in marked]
    assert {"pyr", "_pv"} in names  # both on one core, and neurons chosen by their CAMs


def test_method_of_the_mapping():
    result = mapped({"pyr": 20})
    assert len(result.plot().axes) == CORES + 1

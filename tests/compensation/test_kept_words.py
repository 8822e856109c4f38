"""CAM words chosen by number, without tags: a mapping keeps them and chooses the tags."""

import numpy as np
import pytest
from brian2 import Network, SpikeGeneratorGroup, ms

import brian2dynapse as bd


def chosen(cams, i=(0, 1, 2), j=(0, 0, 1), chip=None, **kwds):
    source = SpikeGeneratorGroup(4, [], [] * ms, name="source")
    target = bd.Neurons(3, bd.Biases(), chip=chip, name="target")
    connection = bd.Connection(source, target, "ampa", name="chosen", **kwds)
    connection.connect(i=list(i), j=list(j), cams=list(cams))
    return source, target, connection


def test_words_are_kept_and_others_go_around_them():
    source, target, connection = chosen([1, 0, 63])
    other = bd.Connection(source, target, "nmda", name="another")
    other.connect(i=[0, 1, 2], j=[0, 0, 1])
    mapping = bd.map_network(Network(source, target, connection, other))
    table = mapping.synapses.set_index(["connection", "number"])["cam"]
    assert table["chosen"].tolist() == [1, 0, 63] == connection.cams.tolist()
    assert table["another"].tolist() == [2, 3, 0]
    assert connection.tags is None and connection.cams_chosen and not other.cams_chosen
    # a source sends one tag to all its words of a core, chosen or not
    tags = mapping.synapses.groupby("source_index")["tag"].unique()
    assert all(len(one) == 1 for one in tags) and len(set(map(int, np.concatenate(tags)))) == 3


def test_all_words_of_a_neuron_are_chosen_in_another_order():
    order = np.random.default_rng(1).permutation(64)
    source = SpikeGeneratorGroup(64, [], [] * ms, name="source")
    target = bd.Neurons(1, bd.Biases(), name="target")
    connection = bd.Connection(source, target, "ampa", name="chosen")
    connection.connect(i=np.arange(64), j=np.zeros(64, dtype=int), cams=order)
    mapping = bd.map_network(Network(source, target, connection))
    assert mapping.synapses["cam"].tolist() == order.tolist()


def test_sources_alike_do_not_share_chosen_words():
    """All to all with the same masks would be shared if words ran short; each synapse keeps a word of its own."""
    source, target, connection = chosen([0, 1, 2, 0, 1, 2], i=[0, 1, 2] * 2, j=[0] * 3 + [1] * 3)
    mapping = bd.map_network(Network(source, target, connection))
    assert np.all(mapping.synapses["sharing"] == 1)


def test_later_synapses_take_words_after_the_chosen_ones():
    chip = bd.Chip(seed=1, mismatch=0.2)
    source, target, _ = chosen([4, 2, 0], chip=chip)
    later = bd.Connection(source, target, "ampa", name="later")
    later.connect(i=[0, 0, 0, 1], j=[0, 1, 2, 2])
    assert later.cams.tolist() == [5, 1, 0, 1]


@pytest.mark.parametrize("half", [0, 1])
def test_the_tag_fits_the_words(half):
    """Words that work with one half of the tags only: their source gets a tag of that half."""
    failures = np.zeros((4, 256, 64, 2))
    failures[:, :, 5, half] = 1
    chip = bd.Chip(profile=bd.ChipProfile(failures))
    source, target, connection = chosen([5, 6, 5], chip=chip)
    mapping = bd.map_network(Network(source, target, connection))
    assert mapping.synapses["cam"].tolist() == [5, 6, 5]
    tags = mapping.synapses["tag"].to_numpy()[[0, 2]]
    assert np.all((tags >= 1024) == (half == 0))


def test_words_that_cannot_be():
    failures = np.zeros((4, 256, 64, 2))
    failures[:, :, 7] = 1
    failures[:, :, 5, 0] = failures[:, :, 6, 1] = 1
    chip = bd.Chip(profile=bd.ChipProfile(failures))
    for cams, i, message in (
        (
            [3, 3, 0],
            (0, 1, 2),
            r"chosen, synapse 0, source\[0\] to target\[0\]: CAM word 3 is asked for by other synapses",
        ),
        ([3, 7, 0], (0, 1, 2), r"synapse 1, source\[1\] to target\[0\]: CAM word 7 does not work by the profile"),
        ([5, 6, 0], (0, 0, 2), r"CAM word 6 of target\[0\] is asked for and works with tags below 1024 only"),
    ):
        with pytest.raises(bd.MappingError, match=message):
            bd.map_network(Network(*chosen(cams, i=i, chip=chip)))


def test_words_of_a_connection_are_all_chosen_or_none():
    source, target, connection = chosen([0, 1, 0])
    for more in (dict(), dict(cams=[2], tags=[3]), dict(tags=[3])):
        with pytest.raises(bd.WiringError, match="CAM words go together"):
            connection.connect(i=[3], j=[0], **more)
    connection.connect(i=[3], j=[0], cams=[9])
    assert connection.cams.tolist() == [0, 1, 0, 9]
    with pytest.raises(bd.WiringError, match=r"give 1 integers 0\.\.63"):
        connection.connect(i=[3], j=[0], cams=[64])
    Network(source, target, connection).run(1 * ms)


def test_chosen_words_come_back_with_a_stored_state():
    chip = bd.Chip(seed=1, mismatch=0.2)
    source, target, connection = chosen([3, 4, 5], chip=chip)
    net = Network(source, target, connection)
    net.store()
    connection.move([0, 1, 2])
    net.restore()
    assert connection.cams.tolist() == [3, 4, 5] and connection.cams_chosen

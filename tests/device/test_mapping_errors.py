"""What does not fit is refused by name: the resource, who needs it, what is needed and available, the next step."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, amp, ms, pA, second

import brian2dynapse as bd
from brian2dynapse.errors import (
    CodeError,
    ConfigurationError,
    DynapseError,
    MappingError,
    RoomError,
    TagError,
    UnknownNameError,
    WeightError,
    WiringError,
)

pytestmark = pytest.mark.filterwarnings("ignore:The object:Warning")


def neurons(size, name, leak=(2, 5), **kwds):
    return bd.Neurons(size, bd.Biases({"SOIF_LEAK_N": leak}), name=name, **kwds)


def link(source, target, name, indegree=None, dendrite="ampa", **kwds):
    connection = bd.Connection(source, target, dendrite, name=name, **kwds)
    if indegree:
        connection.connect_fixed_indegree(indegree, seed=1)
    else:
        connection.connect()
    return connection


def pair(**kwds):
    """pyr, four neurons, all to all onto inh, four others."""
    pyr, inh = neurons(4, "pyr"), neurons(4, "inh")
    return pyr, inh, link(pyr, inh, "pyr_inh", **kwds)


def says(error, *texts, objects, **kwds):
    """The error of a mapping, which says all texts."""
    with pytest.raises(error) as caught:
        bd.map_network(b2.Network(*objects), **kwds)
    for text in texts:
        assert text in str(caught.value), f"{text!r} is not in: {caught.value}"


# resources ----------------------------------------------------------------------------------------------------


def test_full_fan_in():
    pyr, inh = neurons(100, "pyr"), neurons(10, "inh")
    objects = pyr, inh, link(pyr, inh, "first", 40, std=True), link(pyr, inh, "second", 30, "nmda", std=True)
    says(MappingError, "CAM words of inh[0] (chip 0 core 0): 70 are needed, this neuron has 64", "first 40, second 30",
         "fewer synapses", objects=objects)  # fmt: skip


def test_five_destinations():
    pyr, targets = neurons(10, "pyr"), [neurons(4, f"to{k}") for k in range(4)]
    links = [link(pyr, one, f"onto_{one.name}", 3) for one in targets]
    place = {f"to{k}": (k, 0) for k in range(4)}
    bd.map_network(b2.Network(pyr, *targets, *links), place=place)
    says(MappingError, "destinations of pyr[", "4 are needed", "chip 0 for onto_to0; chip 1 for onto_to1",
         "3 are available; 1 of 4 reads its spikes out", "fewer chips",
         objects=(pyr, *targets, *links, b2.SpikeMonitor(pyr)), place=place)  # fmt: skip


def test_too_many_neurons():
    says(RoomError, "neurons: 1025 are asked for (pyr 1025), 1 chip has 1024", "chips=", objects=[neurons(1025, "pyr")],
         chips=1)  # fmt: skip
    says(RoomError, "4097 are asked for (big 4097), 4 chips have 4096", objects=[neurons(4097, "big")])


def test_too_many_bias_sets():
    groups = [neurons(4, f"set{k}", (2, 5 + k)) for k in range(5)]
    says(RoomError, "cores: 5 are needed (1 for set0; 1 for set1", "1 chip has 4", "share one set of biases",
         objects=groups, chips=1)  # fmt: skip
    assert len(bd.map_network(b2.Network(*groups)).configuration) == 2


def test_too_many_tags():
    inputs, pyr = b2.PoissonGroup(3000, 3 * Hz, name="inputs"), neurons(60, "pyr")
    connection = bd.Connection(inputs, pyr, "ampa", name="many")
    connection.connect(i=np.arange(3000), j=np.arange(3000) % 60)
    says(TagError, "tags of chip 0 core 0: none is left for inputs[", "3000 sources; up to 2046 tags work there",
         objects=(inputs, pyr, connection), place={"pyr": (0, 0)})  # fmt: skip
    # placed freely, the population is spread over cores, until the tags of each suffice
    mapping = bd.map_network(b2.Network(inputs, pyr, connection))
    assert mapping.neurons["core"].nunique() > 1


@pytest.mark.parametrize(("x", "y"), [(8, 0), (0, -8)])
def test_hop_8(x, y):
    says(MappingError, "hops of pyr[0]: chip 1 is", f"{x} columns and {y} rows", "-7..7", objects=pair(),
         place={"pyr": (0, 0), "inh": (1, 0)}, positions=[[0, 0], [x, y]])  # fmt: skip


def test_read_out_that_ends_on_a_chip():
    pyr = neurons(2, "pyr")
    says(MappingError, "read-out of pyr[0]", "do not record its spikes", objects=(pyr, b2.SpikeMonitor(pyr)),
         place={"pyr": (1, 0)}, positions=[[0, 0], [7, 0]])  # fmt: skip


# codes, tags, and words ---------------------------------------------------------------------------------------


def test_a_sixth_coarse_value():
    with pytest.raises(CodeError, match=r"SOIF_LEAK_N: coarse is 6; a coarse code is 0\.\.5"):
        bd.Biases()["SOIF_LEAK_N"] = (6, 3)


def connected(tags, cams=(0, 1), i=(0, 1), j=(0, 1), chip=None, **kwds):
    pyr, inh = neurons(4, "pyr", chip=chip), neurons(4, "inh", chip=chip)
    connection = bd.Connection(pyr, inh, "ampa", name="asked", **kwds)
    connection.connect(i=np.array(i), j=np.array(j), cams=np.array(cams), tags=np.array(tags))
    return pyr, inh, connection


def test_tag_2048():
    with pytest.raises(WiringError, match=r"asked: tags are \[ +5 2048\]; give 2 integers 0\.\.2047"):
        connected([5, 2048])
    with pytest.raises(WiringError, match=r"asked: cams are .*0\.\.63"):
        connected([5, 6], cams=[0, 64])
    tags = np.zeros((1, 4, 256, 64), dtype=int)
    tags[0, 1, 2, 3] = 2048
    with pytest.raises(ConfigurationError, match=r"chips\[0\]\.cores\[1\]\.neurons\[2\]\.synapses\[3\]\.tag is 2048"):
        bd.Configuration(1, synapse_tag=tags)


@pytest.mark.parametrize(("tag", "use"), [(1024, "the clock query"), (2047, "the end marker")])
def test_reserved_tags(tag, use):
    says(MappingError, f"asked, synapse 1, pyr[1] to inh[1]: tag {tag} is asked for, but it is {use}",
         objects=connected([5, tag]))  # fmt: skip


ASKED = {
    "a tag of two sources": (dict(tags=[5, 5]), ("synapse 0, pyr[0] to inh[0]", "tag 5", "different tags")),
    "a word of two tags": (dict(tags=[5, 6], cams=[3, 3], j=[0, 0]), ("synapse 1, pyr[1] to inh[0]: CAM word 3",)),
    "a word of two kinds": (dict(tags=[5, 5], cams=[3, 3], j=[0, 0], weight=[1, 2]), ("CAM word 3", "kind")),
    "a word twice": (dict(tags=[5, 5], cams=[3, 3], i=[0, 0], j=[0, 0]), ("CAM word 3", "twice", "two words")),
}


@pytest.mark.parametrize("case", ASKED)
def test_words_that_are_asked_for(case):
    kwds, texts = ASKED[case]
    says(MappingError, *texts, objects=connected(**kwds))


def test_words_and_tags_that_do_not_work():
    tags, failures = np.ones((4, 2048), dtype=bool), np.zeros((4, 256, 64, 2))
    tags[0, 5] = False
    failures[..., 9, 0] = 1
    chip = bd.Chip(profile=bd.ChipProfile(failures, tags))
    where = {"inh": (0, 0)}
    says(MappingError, "synapse 0", "tag 5", "does not work in chip 0 core 0 by the profile",
         objects=connected([5, 6], chip=chip), place=where)  # fmt: skip
    says(MappingError, "synapse 1", "CAM word 9 does not work with tag 6",
         objects=connected([7, 6], cams=[0, 9], chip=chip), place=where)  # fmt: skip


def test_a_profile_without_words_or_tags():
    for profile, error, texts in (
        (bd.ChipProfile(np.ones((4, 256, 64, 2))), MappingError, ("CAM words of pyr[0]", "0 of 64 that work")),
        (bd.ChipProfile(tags=np.zeros((4, 2048), dtype=bool)), TagError, ("tags of chip 0", "pyr[0]", "up to 0 tags")),
    ):
        pyr = neurons(2, "pyr", chip=bd.Chip(profile=profile))
        says(error, *texts, objects=(pyr, link(pyr, pyr, "recurrent")))


# values that were set by hand ---------------------------------------------------------------------------------


def test_biases_that_differ_inside_a_core():
    texts = "SOIF_LEAK_N: inh has (3, 3) and pyr has (2, 5)", "chip 0 core 1", "different cores"
    objects = neurons(4, "pyr"), neurons(4, "inh", (3, 3))
    says(MappingError, *texts, objects=objects, place={"pyr": (0, 1), "inh": (0, 1)})
    objects = neurons(2, "pyr", physical=[256, 300]), neurons(2, "inh", (3, 3), physical=[400, 401])
    says(MappingError, *texts, objects=objects)


def test_a_parameter_that_was_set_by_hand():
    pyr, inh, connection = pair()
    pyr.I_leak[2] = 5 * pA
    says(MappingError, "SOIF_LEAK_N: I_leak of pyr[2] is 5e-12 A, set by hand", "(2, 5)", "population of its own",
         objects=(pyr, inh, connection))  # fmt: skip


BY_HAND = {"delay": (3 * ms, "delay of synapse 0 is 0.003", "SYPD_DLY0_P"), "I_weight": (3 * pA, "3e-12", "SYAM_W0_P")}


@pytest.mark.parametrize("variable", BY_HAND)
def test_a_synapse_that_was_set_by_hand(variable):
    value, *texts = BY_HAND[variable]
    pyr, inh, connection = pair()
    setattr(connection, variable, value)
    says(MappingError, f"pyr_inh: {variable} of synapse 0", "set by hand", *texts, objects=(pyr, inh, connection))


@pytest.mark.parametrize("weight", [1 * amp, 10e-6 * amp])
def test_weights_that_are_too_large(weight):
    says(WeightError, "weights of pyr_inh", "16 are above", "scale the weights down", objects=pair(weight=weight))


def test_negative_weights():
    with pytest.raises(WeightError, match="not negative"):
        pair(weight=-1 * pA)


# what is no part of the chip ----------------------------------------------------------------------------------


def test_other_synapses_and_inputs():
    pyr, inh, connection = pair()
    plain = b2.Synapses(pyr, inh, on_pre="Iampa += 1*pA", name="plain")
    plain.connect()
    says(MappingError, "plain are plain Synapses", "a Connection only", objects=(pyr, inh, connection, plain))
    noise = b2.PoissonInput(pyr, "Iampa", 3, 3 * Hz, 1 * pA)
    says(MappingError, "pyr", "PoissonGroup", "Connection", objects=(pyr, inh, connection, noise))


def test_what_is_not_in_the_network():
    pyr, inh, connection = pair()
    says(MappingError, "pyr_inh: its source pyr is not in the network; add it", objects=(inh, connection))
    says(MappingError, "pyr_inh: its target inh is not in the network; add it", objects=(pyr, connection))
    empty = bd.Connection(pyr, inh, "gaba", name="empty")
    says(MappingError, "empty has no synapses; call connect()", objects=(pyr, inh, connection, empty))


# places -------------------------------------------------------------------------------------------------------


def test_an_unknown_population():
    says(UnknownNameError, "'inhib' is not a population", "did you mean inh?", objects=pair(), place={"inhib": (0, 0)})


WRONG_PLACES = [(0, 4), (-1, 0), (0,), (0, 0, 0), "x", 3, None, [], [(0, 0), (0,)], (0.0, 1.0), (10**9, 0), [[]]]


@pytest.mark.parametrize("cores", WRONG_PLACES, ids=str)
def test_places_that_do_not_exist(cores):
    says(MappingError, f"place of pyr is {cores!r}", "(chip, core)", "cores 0..3", objects=pair(), place={"pyr": cores})


def test_a_chip_beyond_the_board():
    says(MappingError, "place of pyr is (2, 0)", "chips 0..1", objects=pair(), place={"pyr": (2, 0)}, chips=2)
    pyr = neurons(2, "pyr", physical=[3, 1024])
    says(MappingError, "neurons of pyr were made with physical=... on chip 1", "chips 0..0", objects=[pyr], chips=1)


def test_a_core_that_is_named_twice_counts_once():
    mapping = bd.map_network(b2.Network(*pair()), place={"pyr": [(0, 2), (0, 2)]})
    assert mapping.neurons.query("population == 'pyr'")["core"].tolist() == [2] * 4


def test_a_core_that_is_too_small():
    says(MappingError, "neurons: 300 are placed on chip 0 core 1 (pyr 300), a core has 256", "list of cores",
         objects=[neurons(300, "pyr")], place={"pyr": (0, 1)})  # fmt: skip


def test_physical_neurons():
    objects = neurons(2, "pyr", physical=[3, 4]), neurons(2, "inh", physical=[4, 5])
    says(MappingError, "neuron 4 of chip 0 core 0 is asked for by inh[0], pyr[1]", objects=objects)
    pyr = neurons(2, "pyr", physical=[3, 4])
    says(MappingError, "pyr is to be placed on chip 0 core 2, but was made with physical=... on chip 0 core 0",
         objects=[pyr], place={"pyr": (0, 2)})  # fmt: skip


# arguments ----------------------------------------------------------------------------------------------------


def test_numbers_of_chips_that_differ():
    chip = bd.Chip(profile=bd.ChipProfile.perfect(2))
    says(MappingError, "numbers of chips differ: chips 1, the profile of the chip 2", objects=pair(), chip=chip,
         chips=1)  # fmt: skip
    says(MappingError, "chips 2, positions 1", objects=pair(), chips=2, positions=[[0, 0]])


def test_neurons_of_different_chips():
    pyr, inh = (neurons(2, name, chip=bd.Chip(seed=k, mismatch=0.1)) for k, name in enumerate(("pyr", "inh")))
    says(DynapseError, "inh and pyr are on different chips", "map_network(net, chip=...)", objects=(pyr, inh))
    assert bd.map_network(b2.Network(pyr, inh), chip=pyr.chip)


WRONG = {
    "chip": (3, bd.ChipProfile.perfect()),
    "place": ("pyr", [("pyr", (0, 0))]),
    "seed": (-1, None, 1.5, True),
    "chips": (0, 1.5, True, "2", 1000),
    "positions": (5, [], [[0, 0], [0]], [[0, 0], [0, 0]], [[0.0, 0.0]], "x"),
    "weight_error": ("x", None),
    "move": ("yes", 1),
}


@pytest.mark.parametrize("name", WRONG)
def test_arguments_of_a_wrong_kind(name):
    objects = pair()
    for value in WRONG[name]:
        says(DynapseError, name, objects=objects, **{name: value})


def test_other_objects():
    with pytest.raises(DynapseError, match=r"net is int; give a brian2\.Network"):
        bd.map_network(5)
    with pytest.raises(MappingError, match="no Neurons; there is nothing to map"):
        bd.map_network(b2.Network(b2.SpikeGeneratorGroup(1, [], [] * second)))
    with pytest.raises(DynapseError, match="configuration is int; give a"):
        bd.to_network(5)
    with pytest.raises(DynapseError, match="chip is int; give a"):
        bd.to_network(bd.Configuration(1), chip=5)
    for other in (5, None, bd.Configuration(1)):
        with pytest.raises(DynapseError, match="mapping is .*; give a Mapping"):
            bd.verify(other)

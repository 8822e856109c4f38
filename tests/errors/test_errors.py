"""Bad input: a named error with the next step, before anything compiles."""

import numpy as np
import pytest
from brian2 import (
    BrianObjectException,
    Network,
    NeuronGroup,
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    defaultclock,
    ms,
    pA,
    us,
)

import brian2dynapse as bd


@pytest.fixture
def source():
    return SpikeGeneratorGroup(4, [0], [1 * ms], name="source")


@pytest.fixture
def target():
    return bd.Neurons(4, bd.Biases(), name="target")


def test_the_error_of_the_design_page():
    biases = bd.Biases()
    with pytest.raises(bd.CodeError) as error:
        biases["SOIF_LEAK_N"] = (2, 300)
    assert str(error.value) == "SOIF_LEAK_N: fine is 300; a fine code is 0..255"


@pytest.mark.parametrize("arguments, message", [
    ({"latches": {"so_adaption"}}, "'so_adaption' is not a latch; did you mean so_adaptation"),
    ({"latches": "so_dc"}, "give a set of names"),
        ({"latches": {"so_dc": False}}, "give a set of names of those that are on"),
        ({"latches": None}, "give a set of names"),
        ({"dendrites": "ampa"}, "give a list of names"),
        ({"N": 2.5}, "N is 2.5; give the number of neurons"),
    ({"dendrites": ["amapa"]}, "'amapa' is not a dendrite; did you mean ampa"),
    ({"biases": {"SOIF_LEAK_N": (2, 5)}}, "biases is dict; give a brian2dynapse.Biases"),
    ({"chip": 42}, "chip is int; give a brian2dynapse.Chip"),
    ({"physical": [1, 2]}, "give 4 non-negative integers"),
    ({"threshold": "Imem > 1*pA"}, "threshold of Neurons follows from its circuits"),
    ({"refractory": 2 * ms}, "refractory of Neurons follows from its circuits"),
])  # fmt: skip
def test_bad_neurons(arguments, message):
    arguments = {"N": 4, "biases": bd.Biases(), **arguments}
    with pytest.raises(bd.DynapseError, match=message):
        bd.Neurons(**arguments)


@pytest.mark.parametrize("arguments, message", [
    ({"dendrite": "nmdar"}, "'nmdar' is not a dendrite; did you mean nmda"),
    ({"weight": "00101"}, "weight is '00101', 5 characters; a mask is four bits"),
    ({"weight": "00x1"}, "a mask is four bits"),
    ({"weight": 16}, "weight is 16; a mask is four bits"),
    ({"weight": -1}, "weight is -1"),
    ({"weight": [True, False, True, False, True]}, "weight has 5 bits"),
    ({"weight": 0.5}, "weight is 0.5"),
    ({"weight": True}, "weight is True"),
    ({"delay": "slow"}, "'slow' is not a delay"),
    ({"delay": 1 * ms}, "is not a delay"),
    ({"std": "yes"}, "std is 'yes'; give True for short-term depression, or False"),
    ({"on_pre": "x += 1"}, "on_pre of a Connection follows from the circuit"),
])  # fmt: skip
def test_bad_connections(source, target, arguments, message):
    arguments = {"dendrite": "ampa", **arguments}
    with pytest.raises(bd.DynapseError, match=message):
        bd.Connection(source, target, **arguments)


def test_sources_without_spikes(target):
    silent = NeuronGroup(2, "v : 1", name="silent")
    monitor = PopulationRateMonitor(target)
    for source in (silent, monitor, np.zeros(3)):
        with pytest.raises(
            bd.WiringError, match="makes no spikes; use Neurons, a PoissonGroup or a SpikeGeneratorGroup"
        ):
            bd.Connection(source, target, "ampa")


def test_targets_that_are_not_neurons(source):
    other = NeuronGroup(2, "v : 1", threshold="v > 1", reset="v = 0", name="other")
    with pytest.raises(bd.WiringError, match="a synapse of the chip is on Neurons"):
        bd.Connection(source, other, "ampa")


def test_number_of_masks_must_be_that_of_the_synapses(source, target):
    synapses = bd.Connection(source, target, "ampa", [1, 2, 3], name="synapses")
    with pytest.raises(bd.WeightError, match="synapses: there are 3 masks for 16 synapses"):
        synapses.connect()


def test_too_few_sources(source, target):
    synapses = bd.Connection(source, target, "ampa", name="synapses")
    with pytest.raises(bd.WiringError, match="synapses: indegree is 5 but a target has 4 sources"):
        synapses.connect_fixed_indegree(5)


def test_a_delay_of_seconds_is_refused(source):
    slow = bd.Neurons(
        1, bd.Biases({"SYPD_DLY0_P": (0, 0)}), chip=bd.Chip(Q_delay=bd.Chip().constant("Q_delay") * 9), name="slow"
    )
    with pytest.raises(bd.WiringError, match=r"a delay of 2\.25 s \(SYPD_DLY0_P = .*longer than 1 s"):
        bd.Connection(source, slow, "ampa")


def test_a_bias_that_a_connection_refuses_is_not_set(source):
    biases = bd.Biases()
    chip = bd.Chip(Q_delay=bd.Chip().constant("Q_delay") * 9)
    synapses = bd.Connection(source, bd.Neurons(1, biases, chip=chip, name="target"), "ampa", name="synapses")
    delay = float(synapses.delay[:])
    with pytest.raises(bd.WiringError, match="longer than 1 s"):
        biases.update({"SYPD_DLY0_P": (0, 0), "SOIF_LEAK_N": (0, 50)})
    assert biases == bd.Biases()
    assert float(synapses.delay[:]) == delay
    target = synapses.neurons
    with pytest.raises(bd.WiringError, match="longer than 1 s"):
        target.biases = bd.Biases({"SYPD_DLY0_P": (0, 0)})
    assert target.biases is biases and float(synapses.delay[:]) == delay


def run_error(*objects):
    """The error of a run; Brian2 wraps what is raised while it prepares an object."""
    with pytest.raises((bd.TimeStepError, BrianObjectException)) as error:
        Network(*objects).run(1 * ms)
    found = error.value if isinstance(error.value, bd.TimeStepError) else error.value.__cause__
    assert isinstance(found, bd.TimeStepError)
    return str(found)


def test_a_connection_without_synapses(source, target):
    synapses = bd.Connection(source, target, "ampa", name="synapses")
    with pytest.raises(BrianObjectException) as error:
        Network(source, target, synapses).run(1 * ms)
    assert "synapses has no synapses; call connect()" in str(error.value.__cause__)


def test_a_step_longer_than_the_membrane_time_constant():
    neurons = bd.Neurons(1, bd.Biases({"SOIF_LEAK_N": (5, 255)}), name="draining")
    message = run_error(neurons)
    for part in (
        "draining: dt is 100. us",
        "tau_mem",
        "SOIF_LEAK_N (5,255)",
        "use a smaller dt or a smaller leak",
        "rest()",
    ):
        assert part in message or (part == "tau_mem" and "membrane time constant" in message)
    defaultclock.dt = 0.1 * us
    Network(bd.Neurons(1, bd.Biases({"SOIF_LEAK_N": (5, 255)}), name="fine")).run(1 * us)


def test_a_pulse_longer_than_its_dendrite(source):
    neurons = bd.Neurons(1, bd.Biases({"SYPD_EXT_N": (0, 50)}), name="neurons")
    synapses = bd.Connection(source, neurons, "ampa", name="synapses")
    synapses.connect()
    message = run_error(source, neurons, synapses)
    for part in (
        "synapses: the pulse (SYPD_EXT_N (0,50))",
        "the ampa time constant (DEAM_ETAU_P (2,40))",
        "use a larger",
    ):
        assert part in message


def test_a_long_pulse_is_told(source, caught):
    neurons = bd.Neurons(1, bd.Biases({"SYPD_EXT_N": (1, 250)}), name="neurons")
    synapses = bd.Connection(source, neurons, "ampa", name="synapses")
    synapses.connect()
    with caught() as messages:
        Network(source, neurons, synapses).run(1 * ms)
    assert any("SYPD_EXT_N (1,250)" in text and "relative error" in text for _, _, text in messages)


def test_an_adaptation_pulse_longer_than_its_time_constant():
    biases = bd.Biases({"SOAD_PWTAU_N": (0, 1), "SOAD_TAU_P": (2, 200)})
    neurons = bd.Neurons(1, biases, {"so_adaptation"}, name="neurons")
    assert "the adaptation pulse (SOAD_PWTAU_N (0,1))" in run_error(neurons)


def test_misspelt_state_variables_are_caught(target):
    with pytest.raises(AttributeError, match="Did you mean"):
        target.I_laek = 1


@pytest.mark.parametrize(
    "parameter, value", [("I_leak", -1e-12), ("Imem", 0.0), ("Iampa", float("nan")), ("I_gain", float("inf"))]
)
def test_currents_that_are_not_positive(target, parameter, value):
    setattr(target, f"{parameter}_", value)
    with pytest.raises(BrianObjectException) as error:
        Network(target).run(1 * ms)
    assert f"target: {parameter} is {value:g} A in neuron 0; a current is positive" in str(error.value.__cause__)


def test_a_step_is_checked_against_the_parameters_that_run(target):
    target.I_leak_ = 1e-6
    assert "longer than the shortest membrane time constant" in run_error(target)


def test_a_threshold_below_the_floor_is_told(caught):
    neurons = bd.Neurons(1, bd.Biases({"SOIF_SPKTHR_P": (0, 0)}), chip=bd.Chip(constants="nominal"), name="neurons")
    with caught() as messages:
        Network(neurons).run(1 * ms)
    assert any("fire without input" in text for _, _, text in messages)


def test_a_run_with_a_wrong_number_of_masks(source, target):
    synapses = bd.Connection(source, target, "ampa", [1, 2], name="synapses")
    synapses.connect(i=[0, 1], j=[0, 1])
    with pytest.raises(bd.WeightError, match="set the weight of synapses to 3 masks"):
        synapses.connect(i=[2], j=[2])
    target.biases["SYAM_W3_P"] = (1, 1)  # not blocked
    with pytest.raises(BrianObjectException) as error:
        Network(source, target, synapses).run(1 * ms)
    assert isinstance(error.value.__cause__, bd.WeightError)
    synapses.weight = [1, 2, 4]
    Network(source, target, synapses).run(1 * ms)


@pytest.mark.parametrize("arguments, message", [
    ({"codes": [(3, 300)]}, "fine is 300"),
    ({"neurons": 300}, "a core has 1..256"),
    ({"duration": 0 * ms}, "duration is 0. s; give a time"),
    ({"settle": -1 * ms}, "settle is -1. ms"),
    ({"latches": "so_adaptation"}, "give a set of names"),
    ({"chip": [3]}, "give a Chip or a list"),
    ({"chip": []}, "give a Chip or a list"),
    ({"biases": {}}, "biases is dict"),
])  # fmt: skip
def test_bad_fi_curves(arguments, message):
    arguments = {"biases": bd.Biases(), "codes": [(3, 10)], **arguments}
    with pytest.raises((bd.DynapseError, TypeError), match=message):
        bd.measure.fi_curve(**arguments)


@pytest.mark.parametrize("arguments, message", [
    ({"step": 20}, "step is 20; give a time"),
    ({"step": 1 * us}, "give a time of at least dt"),
    ({"positions": (0, 17)}, "integers from 0 to 16"),
    ({"weights": {"input": "0001"}}, "give one each for"),
])  # fmt: skip
def test_bad_winner_take_all(arguments, message):
    with pytest.raises(bd.DynapseError, match=message):
        bd.networks.winner_take_all(**{"positions": (0,), "step": 1 * ms, **arguments})


def test_bad_seeds(source, target):
    synapses = bd.Connection(source, target, "ampa", name="synapses")
    with pytest.raises(bd.WiringError, match="seed is -1; give a non-negative integer"):
        synapses.connect_fixed_indegree(2, seed=-1)


def test_an_alpha_function_is_set_by_its_two_currents():
    neurons = bd.Neurons(2, bd.Biases(), {"deam_alpha"}, name="neurons")
    with pytest.raises(bd.DynapseError, match="Iampa of an alpha function is a difference; set Iampa_e and Iampa_i"):
        neurons.Iampa = 3 * pA
    neurons.Iampa_e = 3 * pA
    assert neurons.dendrites == {"ampa"} and np.all(neurons.Iampa_[:] > 0)


def test_a_chip_stays_what_it_is():
    chip = bd.Chip()
    for name in ("temperature", "noise", "mismatch", "seed"):
        with pytest.raises(bd.DynapseError, match=f"{name} of a chip cannot be changed; make another one"):
            setattr(chip, name, 1)


def test_an_fi_curve_has_no_grid():
    with pytest.raises(bd.DynapseError, match="leave deam_ampa out"):
        bd.measure.fi_curve(bd.Biases(), [(2, 40)], latches={"deam_ampa"})

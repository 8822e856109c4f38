"""A program that is compiled once does what networks do that are made anew, and never compiles again."""

import gc
from concurrent.futures import ThreadPoolExecutor

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, Network, PoissonGroup, SpikeGeneratorGroup, SpikeMonitor, StateMonitor, ms, nA, pA, second

import brian2dynapse as bd

pytestmark = pytest.mark.compiled

DURATION = 0.15 * second
MONITORS = ("pyr_spikes", "rest_spikes", "inh_spikes")

# C++ has exponentials and logarithms for vectors, 1e-8 of NumPy's; a membrane that is charged multiplies differences.
VECTORISED = 1e-4


def some_spikes(count, seed=1):
    """Spikes of ten sources within the duration, on the grid."""
    generator = np.random.default_rng(seed)
    places = generator.choice(10 * 1400, count, replace=False)
    return places % 10, places // 10 * 0.1 * ms


def make_network(codes=None, chip=None, spikes=None, rates=300 * Hz):
    """Populations with shared and own biases, all that a connection has, and Poisson noise for one of them only."""
    chip = chip or bd.Chip()
    shared = bd.Biases({"SYPD_DLY0_P": (0, 60), "SOIF_DC_P": (1, 200), "SYPD_DLY2_P": (0, 40)})
    own = bd.Biases({"SYPD_DLY0_P": (0, 120), "SOIF_LEAK_N": 100 * pA})
    for biases, name in ((shared, "pyr"), (own, "inh")):
        biases.update((codes or {}).get(name, {}))
    pyr = bd.Neurons(20, shared, {"so_adaptation", "so_dc"}, chip, name="pyr")
    rest = bd.Neurons(5, shared, chip=chip, name="rest")
    inh = bd.Neurons(8, own, {"so_dc"}, chip, name="inh")
    inh.I_dc = np.linspace(20, 60, 8) * pA  # by hand: no bias and no chip changes it
    source = SpikeGeneratorGroup(10, *(spikes or some_spikes(400)), name="source")
    noise = PoissonGroup(10, rates, name="noise")
    drive = bd.Connection(source, pyr, "ampa", "0110", name="drive")
    drive.connect_fixed_indegree(3, repeat=2, seed=0)
    excite = bd.Connection(pyr, inh, "nmda", "0111", std=True, name="excite")
    excite.connect_fixed_indegree(8, seed=1)
    subtract = bd.Connection(inh, pyr[:10], "gaba", "0001", delay="mismatched", name="subtract")
    subtract.connect(p=0.5, seed=2)
    masks = np.arange(40) % 16
    recur = bd.Connection(pyr, pyr, "ampa", masks, name="recur")
    recur.connect(i=np.arange(40) % 20, j=(7 * np.arange(40)) % 20)
    drive.connect(i=[0, 1], j=[3, 4])  # takes CAM words after those of the others
    weighted = bd.Connection(source, rest, "ampa", 30 * nA, name="weighted")
    weighted.connect()
    bath = bd.Neurons(5, bd.Biases(), chip=bd.Chip(), name="bath")
    shake = bd.Connection(noise, bath, "ampa", "0010", name="shake")
    shake.connect()
    monitors = [SpikeMonitor(one, name=f"{one.name}_spikes") for one in (pyr, rest, inh, bath, noise)]
    trace = StateMonitor(pyr, ["Imem", "Iahp"], record=[0, 7], dt=1 * ms, name="trace")
    return Network(
        pyr,
        rest,
        inh,
        source,
        noise,
        drive,
        excite,
        subtract,
        recur,
        weighted,
        bath,
        shake,
        monitors,
        trace,
        name="net",
    )


def anew(duration=DURATION, **arguments):
    """The same network made anew and run by NumPy."""
    network = make_network(**arguments)
    network.run(duration)
    return network


def compile_network(directory):
    b2.device.reinit()
    b2.set_device("cpp_standalone", build_on_run=False)
    gc.collect()  # names of networks of other tests are free again
    try:
        b2.seed(5)
        return bd.Program(make_network(), DURATION, directory)
    finally:
        b2.device.reinit()
        b2.set_device("runtime")


def compiled_files(directory):
    return {path: path.stat().st_mtime_ns for path in [*directory.rglob("*.o"), directory / "main"]}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    b2.start_scope()
    b2.defaultclock.dt = 0.1 * ms
    program = compile_network(tmp_path_factory.mktemp("program"))
    before = compiled_files(program.directory)
    assert len(before) > 20
    yield program
    assert compiled_files(program.directory) == before  # whatever the tests did


def assert_same(result, network, some=True):
    for name in MONITORS:
        frame, monitor = result.spikes(name), network[name]
        assert np.array_equal(frame["i"], monitor.i)
        assert np.array_equal(frame["t_s"], monitor.t / second)
        assert np.array_equal(result.counts(name), monitor.count)
    assert sum(len(result.spikes(name)) for name in MONITORS) > 100 or not some
    for name in ("Imem", "Iahp"):
        traced, expected = result.state("trace", name), getattr(network["trace"], name)
        assert traced.dim is expected.dim
        np.testing.assert_allclose(np.asarray(traced), np.asarray(expected), rtol=VECTORISED)
    last = np.asarray(network["pyr"].Imem[:])
    np.testing.assert_allclose(np.asarray(result.state("pyr", "Imem")), last, rtol=VECTORISED)


def test_as_built(program):
    result = program.run()
    assert_same(result, anew())
    assert np.array_equal(result.rates("pyr_spikes") / Hz, result.counts("pyr_spikes") / 0.15)
    assert np.array_equal(result.state("trace", "t"), np.arange(150) * ms)
    assert "<td>population, codes</td>" in program._repr_html_() and "<td>pyr_spikes</td>" in result._repr_html_()


@pytest.mark.parametrize(
    "codes",
    [
        {"pyr": {"SOIF_LEAK_N": (2, 9), "SOAD_PWTAU_N": (4, 60)}},
        {"pyr": {"SYAM_W1_P": (4, 99), "SYPD_DLY0_P": (0, 200)}},
        {"inh": {"SYPD_EXT_N": 6 * nA, "SYAM_STDW_N": (2, 60), "SYPD_DLY0_P": (0, 30)}},
        {"pyr": {"SYPD_DLY2_P": (1, 90)}, "inh": {"SOIF_REFR_N": (2, 60)}},
    ],
    ids=["soma", "weight and delay", "depression", "two"],
)
def test_codes(program, codes):
    assert_same(program.run(codes), anew(codes=codes))


def test_another_individual(program):
    """The program was compiled for the ideal chip: CAM words and places are those of a network made on this one."""
    result = program.run(chip=bd.Chip(seed=7, mismatch=0.2))
    assert_same(result, anew(chip=bd.Chip(seed=7, mismatch=0.2)))
    codes = {"inh": {"SOIF_LEAK_N": 80 * pA}}
    result = program.run(codes, chip=bd.Chip(seed=8, mismatch="pelgrom"))
    assert_same(result, anew(codes=codes, chip=bd.Chip(seed=8, mismatch="pelgrom")))
    assert_same(program.run(), anew())  # nothing of it stays


@pytest.mark.parametrize("count", [0, 1, 30, 1000])
def test_another_number_of_spikes(program, count):
    spikes = some_spikes(count, seed=2)
    assert_same(program.run(inputs={"source": spikes}), anew(spikes=spikes), some=count > 500)


@pytest.mark.parametrize("duration", [0.03 * second, 0.2 * second])
def test_another_duration(program, duration):
    result = program.run(duration=duration)
    assert_same(result, anew(duration), some=duration > DURATION)
    assert np.array_equal(result.rates("inh_spikes") / Hz, result.counts("inh_spikes") / float(duration))


def test_seeds_and_rates(program):
    """Random numbers act on the bath alone, so that the other populations tell nothing."""

    def bath(**arguments):
        return program.run(**arguments).spikes("noise_spikes")

    compiled = bath()  # of the script's own seed(5)
    assert compiled.equals(bath(seed=5))
    assert compiled.equals(bath())
    assert not compiled.equals(bath(seed=6))
    rates = np.array([0.0] * 5 + [200.0] * 5) * Hz
    counts = program.run(inputs={"noise": rates}, duration=1 * second).counts("noise_spikes")
    assert not counts[:5].any()
    assert abs(counts[5:].sum() - 1000) < 5 * np.sqrt(1000)  # five standard deviations of a Poisson number
    assert len(bath(inputs={"noise": 0 * Hz})) == 0


def test_side_by_side(program):
    """Runs in threads are those that come one after the other."""
    codes = [{"pyr": {"SOIF_LEAK_N": (2, fine)}} for fine in (5, 60, 120, 180)]
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(program.run, codes))
    assert len({result.directory for result in together}) == 4
    for one, result in zip(codes, together, strict=True):
        again = program.run(one)
        assert result.spikes("pyr_spikes").equals(again.spikes("pyr_spikes"))
        assert len(result.spikes("pyr_spikes")) > 0


def test_later_changes_of_biases_do_not_reach_a_program(program):
    whole = bd.Biases({"SYPD_DLY0_P": (0, 120), "SOIF_LEAK_N": 70 * pA})
    result = program.run({"inh": whole})
    whole["SOIF_LEAK_N"] = (3, 3)
    assert_same(result, anew(codes={"inh": {"SOIF_LEAK_N": 70 * pA}}))


def test_results_are_kept_apart(program):
    first = program.run(results_directory="mine/first")
    counts = first.counts("pyr_spikes")
    assert first.directory == program.directory / "mine" / "first"
    program.run({"pyr": {"SOIF_LEAK_N": (3, 9)}})
    assert np.array_equal(first.counts("pyr_spikes"), counts)
    second_run = program.run(results_directory="mine/first", duration=0.05 * second)
    with pytest.raises(bd.DynapseError, match="overwritten by a later run"):
        first.counts("pyr_spikes")
    second_run.delete()
    with pytest.raises(bd.DynapseError, match="gone"):
        second_run.state("pyr", "Imem")
    with pytest.raises(bd.UnknownNameError, match="did you mean pyr_spikes"):
        program.run().spikes("pyr_spike")
    with pytest.raises(bd.UnknownNameError, match="recorded by a StateMonitor"):
        program.run().state("pyr", "Vmem")
    program.delete()
    assert not (program.directory / "runs").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"codes": {"pry": {}}}, "'pry' is not a population of this network; did you mean pyr?"),
        ({"codes": {"pyr": {"SOIF_LEEK_N": (2, 9)}}}, "did you mean SOIF_LEAK_N"),
        ({"codes": {"pyr": {"SOIF_LEAK_N": (2, 300)}}}, "SOIF_LEAK_N"),
        ({"codes": {"pyr": {"SOIF_LEAK_N": (2, 9)}, "rest": {"SOIF_LEAK_N": (2, 8)}}}, "share one Biases"),
        ({"codes": ["SOIF_LEAK_N"]}, "give a mapping"),
        ({"codes": {"pyr": (2, 9)}}, "give a mapping of biases to codes, or a Biases"),
        ({"codes": {"pyr": {"SOIF_LEAK_N": (5, 255)}}}, "pyr: dt is"),
        ({"codes": {"pyr": {"SYPD_EXT_N": 2.3 * nA}}}, "can merge, which the program was not compiled for"),
        ({"chip": bd.Chip(constants="nominal")}, "make another Program for this one"),
        ({"chip": bd.Chip(noise=1)}, "noise of the chip is 1.0, and 0.0 in the program"),
        ({"chip": 3}, "chip is int"),
        ({"inputs": {"sauce": 3}}, "did you mean source"),
        ({"inputs": {"pyr": 3 * Hz}}, "pyr is a Neurons"),
        ({"inputs": {"noise": 3}}, "give one in hertz"),
        ({"inputs": {"noise": [1, 2] * Hz}}, "or 10, one a neuron"),
        ({"inputs": {"noise": -1 * Hz}}, "not negative"),
        ({"inputs": {"source": 3 * Hz}}, "give spikes as (indices, times)"),
        ({"inputs": {"source": ([1, 2], [1, 2])}}, "times in second"),
        ({"inputs": {"source": ([10], [1] * ms)}}, "indices 0..9"),
        ({"inputs": {"source": ([1.5], [1] * ms)}}, "give spikes as (indices, times)"),
        ({"inputs": {"source": ([1, 1], [1, 1] * ms)}}, "a neuron spikes twice in a time step"),
        ({"inputs": [3]}, "give a mapping of names"),
        ({"seed": -1}, "seed is -1; give an integer from 0"),
        ({"duration": 3}, "duration is 3; give a time with its unit"),
        ({"duration": 0 * second}, "give a time"),
        ({"results_directory": "../elsewhere"}, "give a folder inside"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_refused(program, arguments, message):
    with pytest.raises(bd.DynapseError) as error:
        program.run(**arguments)
    assert message in str(error.value)


def test_made_again(program):
    """The unchanged network compiles nothing in a second script."""
    before = compiled_files(program.directory)
    again = compile_network(program.directory)
    assert compiled_files(program.directory) == before
    assert again.run().spikes("pyr_spikes").equals(program.run().spikes("pyr_spikes"))


def test_needs_the_standalone_device(tmp_path):
    network = make_network()
    with pytest.raises(bd.DynapseError, match="say set_device"):
        bd.Program(network, DURATION, tmp_path)


def test_makes_the_only_run(tmp_path):
    b2.set_device("cpp_standalone", build_on_run=False)
    neurons = bd.Neurons(1, bd.Biases(), name="only")
    network = Network(neurons)
    network.run(1 * ms)
    with pytest.raises(bd.DynapseError, match="a Program makes the only run"):
        bd.Program(network, DURATION, tmp_path)
    b2.device.reinit()
    b2.device.activate(build_on_run=False)
    with pytest.raises(bd.DynapseError, match="give the brian2.Network"):
        bd.Program(neurons, DURATION, tmp_path)

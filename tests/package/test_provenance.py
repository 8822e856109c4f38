"""Provenance: the same for the same input, another one for another input, carried by every result."""

import hashlib
import json
import subprocess
import sys

import brian2 as b2
import numpy as np
import pandas as pd
import pytest
from brian2 import Hz, kelvin, ms, nA, pF

import brian2dynapse as bd
from brian2dynapse.labels import PopulationLabel
from brian2dynapse.provenance_record import KEYS, configuration_sha256

CHIP = {"seed": 42, "mismatch": 0.2}


def small_network(order=("pyr", "inh"), chip=None):
    """Two populations with codes of their own, and a depressing connection."""
    codes = {"pyr": {"SOIF_LEAK_N": (2, 5)}, "inh": {"SOIF_LEAK_N": (2, 10)}}
    latches = {"pyr": {"so_adaptation"}, "inh": set()}
    chip = chip or bd.Chip()
    groups = {name: bd.Neurons(4, bd.Biases(codes[name]), latches[name], chip, name=name) for name in order}
    connection = bd.Connection(groups["pyr"], groups["inh"], "nmda", std=True, name="pyr_inh")
    connection.connect(i=[0, 1], j=[0, 1])
    return b2.Network(*groups.values(), connection, b2.SpikeMonitor(groups["inh"], name="spikes"))


# -- what it says ------------------------------------------------------------------------------------


def test_nothing_imports_brian2_and_all_keys_are_there():
    code = (
        "import sys, brian2dynapse as bd\n"
        f"assert tuple(bd.provenance(bd.Configuration())) == {KEYS!r}\n"
        "assert bd.provenance()['versions']['brian2']\n"
        "sys.exit('brian2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_versions_are_those_that_run():
    versions = bd.provenance()["versions"]
    assert versions["brian2dynapse"] == bd.__version__
    assert versions["brian2"] == b2.__version__
    assert (versions["numpy"], versions["pandas"]) == (np.__version__, pd.__version__)
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))


def test_network_says_what_it_is_made_of():
    record = bd.provenance(small_network(chip=bd.Chip(**CHIP, C_mem=31 * pF)), seed=3)
    assert record["chip"]["seed"] == 42
    assert record["chip"]["mismatch"] == 0.2
    assert record["chip"]["changes"] == {"C_mem": pytest.approx(31e-12, rel=1e-15)}
    assert record["seed"] == 3
    assert set(record["biases_of_populations"]) == {"pyr", "inh"}
    assert record["biases_of_populations"]["pyr"] == bd.Biases({"SOIF_LEAK_N": (2, 5)}).sha256
    assert record["circuits"] == ["adaptation", "depression", "merged_pulse", "nmda", "soma", "synapse"]


def test_hash_of_biases_is_of_their_codes_alone():
    """An independent way to it: JSON of the sorted codes."""
    biases = bd.Biases({"SOIF_LEAK_N": (2, 5)})
    codes = {name: list(biases[name]) for name in sorted(biases)}
    text = json.dumps({"codes": codes, "table": {}}, sort_keys=True)
    assert biases.sha256 == hashlib.sha256(text.encode()).hexdigest()
    by_current = bd.Biases({"SOIF_LEAK_N": biases.current("SOIF_LEAK_N")})
    assert by_current["SOIF_LEAK_N"] == biases["SOIF_LEAK_N"]
    assert by_current.sha256 == biases.sha256
    assert bd.provenance(biases)["biases_sha256"] == biases.sha256


def test_order_of_creation_does_not_matter():
    one = bd.provenance(small_network())
    b2.start_scope()
    assert bd.provenance(small_network(("inh", "pyr"))) == one
    first, second = bd.Biases({"SOIF_LEAK_N": (2, 5)}), bd.Biases({"SOIF_LEAK_N": (2, 10)})
    assert bd.provenance(first, second) == bd.provenance(second, first, first.copy())
    assert bd.provenance(first, second)["biases_sha256"] == one["biases_sha256"]


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 43},
        {"mismatch": 0.21},
        {"mismatch": {"SOIF_LEAK_N": 0.2}},
        {"constants": "nominal"},
        {"temperature": 310 * kelvin},
        {"noise": 1},
        {"C_mem": 31 * pF},
        {"swap_gaba_shunt": True},
        {"conductance": "symmetric"},
        {"events_per_spike": 2},
    ],
)
def test_another_chip_has_another_hash(changes):
    same, other = (bd.Chip(**CHIP | change).described()["sha256"] for change in ({}, changes))
    assert same == bd.Chip(**CHIP).described()["sha256"]
    assert other != same


def test_hash_of_a_configuration_ignores_labels_and_sees_every_entry():
    blank = bd.Configuration()
    assert configuration_sha256(blank) == configuration_sha256(bd.Configuration())
    labels = bd.Labels(populations=(PopulationLabel("pyr", (0,), ("ampa",)),))
    assert configuration_sha256(blank.replace(labels=labels)) == configuration_sha256(blank)
    seen = {configuration_sha256(blank)}
    for name, values in blank.arrays().items():
        other = values.copy()
        other.flat[-1] = 1024 if name == "synapse_dendrite" else 1 - (other.flat[-1] == 1)
        seen.add(configuration_sha256(blank.replace(**{name: other})))
    assert len(seen) == 1 + len(blank.arrays())


def test_chips_of_several_populations_are_listed():
    chips = bd.provenance(bd.Chip(seed=1, mismatch=0.2), bd.Chip(seed=2, mismatch=0.2), bd.Chip(seed=1, mismatch=0.2))
    assert sorted(chip["seed"] for chip in chips["chip"]) == [1, 2]


def test_records_of_runs_are_put_together():
    """As if their objects had been given at once; populations of one name do not hide each other."""
    records = []
    for fine in (5, 10):
        b2.start_scope()
        records.append(
            bd.provenance(b2.Network(bd.Neurons(1, bd.Biases({"SOIF_LEAK_N": (2, fine)}), name="pyr")), seed=1)
        )
    both = bd.provenance(*records)
    assert both == bd.provenance(*reversed(records)) == bd.provenance(both, records[0])
    hashes = sorted(one["biases_sha256"] for one in records)
    assert both["biases_of_populations"] == {"pyr": hashes}
    given = [bd.Biases({"SOIF_LEAK_N": (2, fine)}) for fine in (5, 10)]
    assert both["biases_sha256"] == bd.provenance(*given)["biases_sha256"]


def test_no_path_of_a_mismatch_table(tmp_path):
    file = tmp_path / "measured.csv"
    file.write_text("bias,cv\nSOIF_LEAK_N,0.3\n")
    record = bd.provenance(bd.Chip(seed=1, mismatch=str(file)))
    assert record["chip"]["mismatch"] == "table"
    assert str(tmp_path) not in json.dumps(record)
    assert record == bd.provenance(bd.Chip(seed=1, mismatch={"SOIF_LEAK_N": 0.3}))


def test_what_has_none_is_refused():
    with pytest.raises(bd.DynapseError, match="provenance: int has none; give a Biases, Chip"):
        bd.provenance(3)
    with pytest.raises(bd.DynapseError, match="seed is 'a'; give an integer"):
        bd.provenance(seed="a")
    with pytest.raises(bd.DynapseError, match="DataFrame has none"):
        bd.provenance(pd.DataFrame({"provenance": [1]}))


# -- who carries it ----------------------------------------------------------------------------------


def is_plain(record):
    """As JSON has it, to the last number, and with all keys."""
    assert set(record) == set(KEYS)
    assert json.loads(json.dumps(record)) == record
    return record


def test_measurements_carry_the_biases_that_were_given(tmp_path):
    biases, chip = bd.Biases({"SOIF_LEAK_N": (2, 5)}), bd.Chip(**CHIP)
    curve = bd.measure.fi_curve(biases, [(2, 80)], chip, neurons=2, duration=20 * ms, settle=0 * ms)
    record = is_plain(curve.attrs["provenance"])
    assert record["biases_sha256"] == biases.sha256
    assert record["chip"]["seed"] == 42
    assert record["circuits"] == ["dc_input", "soma"]
    epsp = bd.measure.epsp(biases, chip=chip, neurons=2)  # the protocol sets codes of its own, in `codes`
    assert epsp.attrs["provenance"]["biases_sha256"] == biases.sha256
    assert epsp.codes["SOIF_SPKTHR_P"] != biases["SOIF_SPKTHR_P"]
    assert epsp.attrs["provenance"]["circuits"] == ["ampa", "soma", "synapse"]
    inputs = bd.measure.input_curve(biases, [50] * Hz, chip=chip, neurons=2, duration=20 * ms, seed=7)
    assert is_plain(inputs.attrs["provenance"])["seed"] == 7
    # what pandas does to a table keeps it, and together they have both
    assert curve.query("neuron == 0").attrs == curve.attrs
    assert bd.provenance(curve, epsp)["circuits"] == ["ampa", "dc_input", "soma", "synapse"]
    # a table as text is the same with and without
    bare = pd.DataFrame(curve)
    bare.attrs = {}
    assert bare.to_csv() == curve.to_csv()


def test_recorded_data_say_what_is_known():
    table = pd.DataFrame({"current_A": [1e-9, 2e-9], "rate_Hz": [0.0, 10.0]})
    assert bd.measure.rheobase(recorded=table).attrs["provenance"]["biases_sha256"] is None
    biases = bd.Biases()
    assert bd.measure.rheobase(biases, recorded=table).attrs["provenance"]["biases_sha256"] == biases.sha256


def test_calibration_and_fit():
    result = bd.calibrate(bd.Biases(), {"tau_mem": 20 * ms})
    record = is_plain(result.provenance)
    assert record["biases_sha256"] == result.biases.sha256 != result.start.sha256
    assert result.table.attrs["provenance"] == result.spread.attrs["provenance"] == record
    row = {"quantity": "tau_mem", "bias": "SOIF_LEAK_N", "coarse": 2, "fine": 5, "value": 20, "unit": "ms"}
    fit = bd.fit_chip(pd.DataFrame([row]))
    assert is_plain(fit.table.attrs["provenance"])["chip"] == fit.chip.described()


def test_mapping():
    net = small_network(chip=bd.Chip(**CHIP))
    mapping = bd.map_network(net, seed=5)
    record = is_plain(mapping.provenance)
    assert record["seed"] == 5
    assert record["configuration_sha256"] == configuration_sha256(mapping.configuration)
    assert record["biases_of_populations"] == bd.provenance(net)["biases_of_populations"]
    for table in (mapping.utilization(), mapping.biases, mapping.synapses, bd.verify(mapping).table):
        assert table.attrs["provenance"] == record
    again = bd.to_network(mapping.configuration, chip=bd.Chip(**CHIP))
    assert bd.provenance(again)["biases_of_populations"] == record["biases_of_populations"]
    assert bd.provenance(mapping) == record


def test_replicas_have_the_codes_of_all_copies():
    biases = bd.Biases()
    neurons = bd.Neurons(1, biases, latches={"so_dc"}, name="pyr")
    net = b2.Network(neurons, b2.SpikeMonitor(neurons, name="spikes"))
    settings = [bd.Setting(codes={"SOIF_DC_P": (2, fine)}) for fine in (40, 80)]
    replicas = bd.replicate(net, settings)
    replicas.run(1 * ms)
    copies = [biases.copy() for _ in settings]
    for copy, setting in zip(copies, settings, strict=True):
        copy.update(setting.codes)
    record = is_plain(replicas.rates("spikes").attrs["provenance"])
    assert record["biases_sha256"] == bd.provenance(*copies)["biases_sha256"]
    chips = [bd.Setting(chip=bd.Chip(seed=seed, mismatch=0.2)) for seed in (1, 2)]
    record = bd.replicate(net, chips, "_chips").provenance
    assert sorted(chip["seed"] for chip in record["chip"]) == [1, 2]
    assert record["biases_sha256"] == biases.sha256


def test_compensation():
    response = bd.DCResponse(2 * nA, duration=20 * ms, settle=0 * ms)
    biases, chip = bd.Biases(), bd.Chip(**CHIP)
    result = bd.compensate(biases, chip, 2, response, candidates=range(4), seed=9)
    record = is_plain(result.provenance)
    assert (record["seed"], record["biases_sha256"]) == (9, biases.sha256)
    assert record["circuits"] == ["dc_input", "soma"]
    assert result.table.attrs["provenance"] == record


def test_sweep(tmp_path):
    rows = [{"n": n} for n in range(3)]
    table = bd.sweep(lambda n: n**2, rows, seed=4, file=tmp_path / "sweep.jsonl")
    again = bd.sweep(lambda n: n**2, rows, seed=4)
    assert is_plain(table.attrs["provenance"]) == again.attrs["provenance"]
    assert table.attrs["provenance"]["seed"] == 4
    assert table.to_csv() == again.to_csv()


@pytest.mark.compiled
def test_program(tmp_path):
    b2.set_device("cpp_standalone", build_on_run=False)
    biases = bd.Biases()
    neurons = bd.Neurons(2, biases, latches={"so_dc"}, name="pyr")
    net = b2.Network(neurons, b2.SpikeMonitor(neurons, name="spikes"))
    program = bd.Program(net, 1 * ms, tmp_path)
    assert program.provenance["biases_sha256"] == biases.sha256
    chip = bd.Chip(seed=1, mismatch=0.2)
    result = program.run({"pyr": {"SOIF_DC_P": (2, 80)}}, seed=3, chip=chip)
    other = bd.Biases(biases)
    other["SOIF_DC_P"] = (2, 80)
    assert result.spikes("spikes").attrs["provenance"] == bd.provenance(result)
    assert result.provenance["biases_of_populations"] == {"pyr": other.sha256}
    assert (result.provenance["seed"], result.provenance["chip"]["seed"]) == (3, 1)

"""Codes in scripts of the labs are found without running them; written ones are read back as they were."""

import ast
import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import brian2dynapse as bd
from brian2dynapse import facts
from brian2dynapse.exchange import biases_from_script, biases_to_script

TUTORIALS = Path(__file__).parents[2] / "tutorials"
CODES = st.tuples(st.integers(0, 5), st.integers(0, 255))

SCRIPT = '''
"""As labs write them: a helper, functions of the board, loops over cores."""
from lib.dynapse2_util import set_parameter, clear_srams
W = 1
CODES = {"SOIF_GAIN_N": (3, 80), "DEAM_ETAU_P": (2, 40)}


def config_parameters(myConfig, chip, core=2):
    set_parameter(myConfig.chips[chip].cores[core].parameters, "SOIF_REFR_N", 3, 254)


def test_board(board, number_of_chips):
    model = board.get_model()
    myConfig = model.get_configuration()
    for h in range(number_of_chips):
        for c in range(2):
            myConfig.chips[h].cores[c].neuron_monitoring_on = True
            set_parameter(myConfig.chips[h].cores[c].parameters, 'SOIF_LEAK_N', 2, 5)  # 20 ms
            dynapse2.set_parameter(myConfig.chips[h].cores[c].parameters, "SYAM_W0_P", 3 + W, fine=20)
    core = myConfig.chips[0].cores[3]
    for name, (coarse, fine) in CODES.items():
        core.parameters[name].coarse_value = coarse
        core.parameters[name].fine_value = fine
    set_parameter(myConfig.chips[0].shared_parameters01, "PG_BUF_N", 0, 100)
    config_parameters(myConfig, 1)
    if W == 2:
        set_parameter(core.parameters, "SOIF_GAIN_N", 0, 0)
    while True:
        events = board.read_events()
        model.apply_configuration(myConfig)
'''


def test_a_script():
    found = biases_from_script(SCRIPT, variables={"number_of_chips": 2})
    assert set(found) == {(0, 0), (0, 1), (1, 0), (1, 1), (0, 3), (1, 2)}
    assert found[1, 1]["SOIF_LEAK_N"] == (2, 5) and found[1, 1]["SYAM_W0_P"] == (4, 20)
    assert found[0, 3]["SOIF_GAIN_N"] == (3, 80) and found[1, 2]["SOIF_REFR_N"] == (3, 254)
    assert found[0, 3]["SOIF_LEAK_N"] == bd.Biases()["SOIF_LEAK_N"]  # not set: the working point
    assert found.shared == {(0, "shared_parameters01"): {"PG_BUF_N": (0, 100)}}
    assert any("chip 0, core 3: 49 biases are not set" in note for note in found.notes)


def test_a_script_of_the_tutorials_is_what_its_table_says():
    """Against the literal in its source, found by itself."""
    path = TUTORIALS / "board_script.py"
    assigned = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Assign)]
    (table,) = (ast.literal_eval(one.value) for one in assigned if ast.unparse(one.targets[0]) == "CODES")
    found = biases_from_script(path)
    assert set(found) == {(0, 0)} and all(found[0, 0][name] == code for name, code in table.items())


def test_the_last_one_counts_and_is_noted():
    line = 'set_parameter(config.chips[0].cores[1].parameters, "SOIF_LEAK_N", {}, 5)\n'
    found = biases_from_script(line.format(2) + line.format(3))
    assert found[0, 1]["SOIF_LEAK_N"] == (3, 5)
    assert (
        "chip 0, core 1: SOIF_LEAK_N is set to (2, 5) in line 1 and to (3, 5) in line 2; the last one counts"
        in found.notes
    )
    assert not any("last one counts" in note for note in biases_from_script(line.format(2) * 2).notes)


def test_names_that_the_caller_knows():
    line = 'set_parameter({}.parameters, "SYAM_W0_P", 2, 5)'
    assert set(biases_from_script(line.format("core"), variables={"core": (2, 1)})) == {(2, 1)}
    assert set(biases_from_script(line.format("chip.cores[3]"), variables={"chip": 1})) == {(1, 3)}
    start = bd.Biases({"SOIF_GAIN_N": (0, 1)})
    assert biases_from_script(line.format("a.chips[0].cores[0]"), start=start)[0, 0]["SOIF_GAIN_N"] == (0, 1)
    assert start == bd.Biases({"SOIF_GAIN_N": (0, 1)})  # a copy is changed


HERE = "config.chips[0].cores[0].parameters"
LINE = f'set_parameter({HERE}, "SOIF_LEAK_N", 2, 5)'


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (LINE.replace("LEAK_N", "LEAK"), "line 1: 'SOIF_LEAK' is not a bias; did you mean SOIF_LEAK_N"),
        (f"\n{LINE.replace(' 5', ' 300')}", "line 2: SOIF_LEAK_N: fine is 300; a fine code is 0..255"),
        (LINE.replace("2,", "2.0,"), "line 1: SOIF_LEAK_N: coarse is 2.0; a coarse code is an integer"),
        (LINE.replace("cores[0]", "cores[7]"), "line 1: core is (0, 7)"),
        (LINE.replace("SOIF_LEAK_N", "PG_BUF_N"), "PG_BUF_N is no bias of cores; it is set in chips[..].shared_"),
        (LINE.replace("cores[0]", "cores[c]"), "line 1: its owner hangs on c, which is not known here"),
        (LINE.replace("2,", "coarse,"), "line 1: coarse hangs on coarse"),
        ('set_parameter(core.parameters, "SOIF_LEAK_N", 2, 5)', "variables={'core': (0, 1)} says that core is core 1"),
        (f"for k in things:\n    {LINE}", "line 1: sets codes in a loop over things, which is not known here"),
        (f"if fast:\n    {LINE}", "line 1: sets codes if fast, which is not known here"),
        (f"def f(c):\n    {LINE}\nif fast:\n    f(c)", "line 3: sets codes if fast"),
        (f"while True:\n    {LINE}", "line 1: sets codes in a while or match statement"),
        (f"try:\n    x()\nexcept OSError:\n    {LINE}", "line 1: sets codes in an except clause"),
        (f"[{LINE} for c in range(4)]", "line 1: sets codes within an expression"),
        (f"def f():\n    {LINE}\n    f()", "line 3: f calls itself"),
        (f"c = 1\nif fast:\n    c = 2\n{LINE.replace('cores[0]', 'cores[c]')}", "line 4: its owner hangs on c"),
        (f'{HERE}["SOIF_LEAK_N"].coarse_value = 2', "line 1: chip 0, core 0: SOIF_LEAK_N has no fine_value"),
        (f'{HERE}["SOIF_LEAK_N"].coarse_value += 2', "line 1: changes coarse_value by an operation"),
        ("x = (", "line 1: is not Python"),
        (f"set_parameter({HERE}, 2)", "is not set_parameter(parameters, name, coarse, fine)"),
    ],
)  # fmt: skip
def test_errors_have_lines(script, message):
    import re

    with pytest.raises(bd.ExchangeError, match=re.escape(message)):
        biases_from_script(script)


def test_nothing_is_executed(tmp_path):
    """A script that would leave a trace, and its codes."""
    script = f"open({str(tmp_path / 'trace')!r}, 'w').close()\n{LINE}\n"
    assert biases_from_script(script)[0, 0]["SOIF_LEAK_N"] == (2, 5)
    assert not (tmp_path / "trace").exists()


@settings(max_examples=20, deadline=None)
@given(
    codes=st.dictionaries(st.sampled_from(facts.core_biases()), CODES, max_size=8),
    core=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    shared=st.dictionaries(st.sampled_from(facts.biases_of("shared")), CODES, max_size=3),
)
def test_round_trip(codes, core, shared):
    """Text to biases to text to biases; the text runs as Python, too."""
    biases = bd.Biases(codes)
    text = biases_to_script({core: biases}, {(core[0], "shared_parameters23"): shared} if shared else {})
    found = biases_from_script(text)
    assert found == {core: biases}
    assert found.shared == ({(core[0], "shared_parameters23"): shared} if shared else {})
    assert biases_to_script(found) == text and not found.notes
    ran = []
    exec(text, {"set_parameter": lambda parameters, name, *code: ran.append((name, code)), "config": _Anything()})
    assert dict(ran) == {name: tuple(biases[name]) for name in biases} | shared


class _Anything:
    """Whatever one asks it for."""

    def __getattr__(self, name):
        return self

    def __getitem__(self, index):
        return self


def test_forms_of_writing():
    biases = bd.Biases({"SOIF_LEAK_N": (2, 5)})
    lines = [one for one in biases_to_script(biases, config="myConfig").splitlines() if "LEAK" in one]
    assert lines[0].startswith('set_parameter(myConfig.chips[0].cores[0].parameters, "SOIF_LEAK_N", 2, 5)  # 60.')
    assert biases_to_script({1: biases}) == biases_to_script({(0, 1): biases})
    with pytest.raises(bd.DynapseError, match="core is \\(0, 4\\)"):
        biases_to_script({(0, 4): biases})
    with pytest.raises(bd.DynapseError, match="biases is int"):
        biases_to_script(3)
    with pytest.raises(bd.DynapseError, match="config is 'a b'"):
        biases_to_script(biases, config="a b")
    with pytest.raises(bd.DynapseError, match="nothing.py: cannot be read"):
        biases_from_script(Path("nothing.py"))
    assert list(itertools.islice(biases_from_script(LINE), 1)) == [(0, 0)]

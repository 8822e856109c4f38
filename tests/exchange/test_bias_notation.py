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


SET = 'set_parameter(config.chips[0].cores[{}].parameters, "SOIF_LEAK_N", {}, 5)'


def run(script):
    """What Python itself does: (core, bias) to code."""
    found = {}

    class Tree:
        def __init__(self, path=()):
            self.path = path

        def __getattr__(self, name):
            return Tree((*self.path, name))

        def __getitem__(self, index):
            return Tree((*self.path, index))

    def set_parameter(parameters, name, coarse, fine):
        found[parameters.path[3], name] = (coarse, fine)

    names = {"config": Tree(), "set_parameter": set_parameter, "__name__": "__main__"}
    try:
        exec(script, names)
    except SystemExit:
        pass
    return found


@pytest.mark.parametrize(
    "script",
    [
        "for c in range(4):\n    if c == 1:\n        continue\n    if c == 3:\n        break\n    "
        + SET.format("c", 2),
        "for c in range(2):\n    break\nelse:\n    " + SET.format(0, 2) + "\n" + SET.format(1, 2),
        "def f(c):\n    if c == 1:\n        return\n    " + SET.format("c", 2) + "\nf(0)\nf(1)",
        "def f(c):\n    " + SET.format("c", 2) + "\ndef g(c):\n    f(c)\n    return f(c + 1)\nx = g(0)",
        "def f(c):\n    if c > 2:\n        return\n    " + SET.format("c", 2) + "\n    f(c + 1)\nf(0)",
        "x = {'a': 2}\nx['a'] = 3\nx['a'] += 1\n" + SET.format(0, "x['a']"),
        "x = {'a': 2}\ny = x\ny.update(a=3)\n" + SET.format(0, "x['a']"),
        "x = [0]\nx.append(1)\nx += [2]\nfor c in x:\n    " + SET.format("c", 2),
        "x = 2\ndef f():\n    " + SET.format(0, "x") + "\ndef g():\n    x = 4\n    f()\ng()",
        "x = 2\ndef f():\n    global x\n    x = 4\nf()\n" + SET.format(0, "x"),
        "x = 2\ndef f():\n    global x\n    x = 4\ndef g():\n    f()\n    " + SET.format(0, "x") + "\ng()",
        "x = 2\ndef f(c, k=x):\n    " + SET.format("c", "k") + "\nx = 4\nf(0)",
        "def f(c):\n    " + SET.format("c", 2) + "\nf(0)\ndef f(c):\n    " + SET.format("c", 3) + "\nf(1)",
        "def f():\n    x = 2\n    def g(c):\n        " + SET.format("c", "x") + "\n    x = 3\n    g(1)\nf()",
        "for i in range(2):\n    set_parameter(config.chips[0].cores[0].parameters, f'SYAM_W{i}_P', 2, 5)",
        "if 1 > 2 or not 1:\n    " + SET.format(0, 2) + "\nelse:\n    " + SET.format(1, "3 if 2 > 1 else 4"),
        "import sys\n" + SET.format(0, 2) + "\nsys.exit()\n" + SET.format(1, 2),
        "for c in range(2):\r\n\t" + SET.format("c", 2) + "\r\n",
    ],
)
def test_a_script_means_what_python_makes_of_it(script):
    found = biases_from_script(script)
    assert {core for _, core in found} == {core for core, _ in run(script)}
    assert all(found[0, core][name] == code for (core, name), code in run(script).items())


@pytest.mark.parametrize(
    ("script", "match"),
    [
        ("def f(c):\n    " + SET.format("c", 2) + "\nf(0)\nprint(f(1))", "line 4: sets codes within an expression"),
        ("def f(c):\n    if bad():\n        return\n    " + SET.format("c", 2) + "\nf(0)", "return in line 3 may run"),
        ("for c in range(2):\n    if bad():\n        break\n    " + SET.format("c", 2), "break in line 3 may run"),
        ("x = [2]\nif bad():\n    x[0] = 4\n" + SET.format(0, "x[0]"), r"coarse hangs on x\[0\]"),
        ("x = [2]\nif bad():\n    x.insert(0, 4)\n" + SET.format(0, "x[0]"), r"coarse hangs on x\[0\]"),
        ("x = 2\n(x := 4)\n" + SET.format(0, "x"), "coarse hangs on x"),
        ("x = 2\nwith f() as x:\n    " + SET.format(0, "x"), "coarse hangs on x"),
        ("x = 2\nfrom lab import *\n" + SET.format(0, "x"), "coarse hangs on x"),
        ("def f(c, x=2):\n    " + SET.format("c", "x") + "\nf(0, **{'x': 4})", "coarse hangs on x"),
        ("x = [a]\nif 1 in x:\n    " + SET.format(0, 2), "which is not known here"),
        ("set_parameter(config.chips[0].cores[0].parameters, 'SOIF_%s_N' % LEAK, 2, 5)", "its name hangs on"),
        ("s = set_parameter\ns(config.chips[0].cores[0].parameters, 'SOIF_LEAK_N', 2, 5)", "call it by its name"),
        ("from lab import set_parameter as s\n", "gives set_parameter another name"),
        ("setattr(config.chips[0].cores[0].parameters['SOIF_LEAK_N'], 'fine_value', 2)", "setattr; assign it"),
        ("def set_parameter(parameters, name, fine, coarse):\n    pass", "takes the fine code first"),
        ("set_parameter(config.chips[-1].shared_parameters01, 'PG_BUF_N', 2, 5)", "is not known as the parameters"),
        ("set_parameter(config.chips[0].shared_parameters01[3], 'PG_BUF_N', 2, 5)", "is not known as the parameters"),
        ("class A:\n    def f(self):\n        " + SET.format(0, 2) + "\nclass B:\n    def f(self):\n        0\nA().f()",
         "f is defined more than once"),
        ("x = 1\0\n", "is not Python"),
    ],
)  # fmt: skip
def test_what_may_or_may_not_be_set_is_refused(script, match):
    with pytest.raises(bd.ExchangeError, match=match):
        biases_from_script(script)


def test_a_script_that_sets_nothing_says_so_and_a_byte_order_mark_is_passed_over(tmp_path):
    assert "no line that sets a code" in biases_from_script("a = 1\n").notes[0]
    path = tmp_path / "core=0 (1).py"
    path.write_text("\ufeff" + SET.format(0, 2), encoding="utf-8")
    assert biases_from_script(str(path))[0, 0]["SOIF_LEAK_N"] == (2, 5)

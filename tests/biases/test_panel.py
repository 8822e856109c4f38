"""Sliders change codes, groups follow; what a group refuses is told and taken back."""

import sys

import pytest
from brian2 import SpikeGeneratorGroup, pcoulomb, second

import brian2dynapse as bd
from brian2dynapse import facts


def shown(panel):
    """Names of the blocks, and how many biases each shows."""
    accordion = panel.widget.children[1]
    return {title: len(box.children) for title, box in zip(accordion.titles, accordion.children, strict=True)}


def test_sliders_change_the_code_the_group_and_the_current():
    biases, heard = bd.Biases(), []
    neurons = bd.Neurons(1, biases, name="live")
    panel = bd.bias_panel(biases, lambda changed, name: heard.append((changed is biases, name, changed[name])))
    row = panel.rows["SOIF_LEAK_N"]
    assert (row.coarse.value, row.fine.value) == tuple(biases["SOIF_LEAK_N"]) and row.current.value == "60.5606 pA"
    row.coarse.value = 3
    row.fine.value = 99
    assert biases["SOIF_LEAK_N"] == (3, 99)
    assert heard == [(True, "SOIF_LEAK_N", (3, 5)), (True, "SOIF_LEAK_N", (3, 99))]
    assert float(neurons.I_leak_[0]) == biases.current_in_amp("SOIF_LEAK_N")
    assert row.current.value == biases.current("SOIF_LEAK_N").in_best_unit(precision=4)
    assert panel.message.value == ""


def test_codes_that_change_elsewhere_move_the_sliders():
    biases, heard = bd.Biases(), []
    panel = bd.bias_panel(biases, lambda *_: heard.append(1))
    biases.update({"SOIF_GAIN_N": (4, 7), "DEAM_ETAU_P": (0, 1)})
    assert (panel.rows["SOIF_GAIN_N"].coarse.value, panel.rows["SOIF_GAIN_N"].fine.value) == (4, 7)
    assert (panel.rows["DEAM_ETAU_P"].coarse.value, panel.rows["DEAM_ETAU_P"].fine.value) == (0, 1)
    assert not heard and biases["SOIF_GAIN_N"] == (4, 7)


def test_what_a_group_refuses_is_told_and_the_slider_goes_back():
    biases, heard = bd.Biases(), []
    source = SpikeGeneratorGroup(1, [0], [0] * second, name="source")
    neurons = bd.Neurons(1, biases, chip=bd.Chip(Q_delay=2 * pcoulomb), name="target")
    delayed = bd.Connection(source, neurons, "ampa", "0001", name="delayed")
    delayed.connect()
    panel = bd.bias_panel(biases, lambda *_: heard.append(1))
    row = panel.rows["SYPD_DLY0_P"]
    row.fine.value = 0  # the floor of the generator: a delay of more than a second with this charge
    assert "delay of" in panel.message.value and "WiringError" in panel.message.value
    assert tuple(biases["SYPD_DLY0_P"]) == (row.coarse.value, row.fine.value) == (5, 255)
    assert not heard
    row.fine.value = 9
    assert panel.message.value == "" and len(heard) == 1


def test_an_error_of_the_callback_is_told():
    def broken(*_):
        raise ValueError("no <spikes>")

    panel = bd.bias_panel(bd.Biases(), broken)
    with pytest.raises(ValueError, match="no <spikes>"):
        panel.rows["SOIF_DC_P"].fine.value = 3
    assert "ValueError: no &lt;spikes&gt;" in panel.message.value


def test_all_biases_by_circuit_and_searched():
    panel = bd.bias_panel(bd.Biases())
    assert list(panel.rows) == list(facts.core_biases())
    assert sum(shown(panel).values()) == len(facts.core_biases()) and len(shown(panel)) > 5
    panel.search.value = "tau"
    names = [name for name in facts.core_biases() if "tau" in f"{name} {facts.bias(name).role}".lower()]
    assert sum(shown(panel).values()) == len(names) >= 7
    assert panel.widget.children[1].selected_index == 0
    panel.search.value = "no such thing"
    assert shown(panel) == {}
    panel.search.value = ""
    assert sum(shown(panel).values()) == len(facts.core_biases())


def test_what_changes_nothing_is_marked():
    panel = bd.bias_panel(bd.Biases())
    for name, row in panel.rows.items():
        assert ("changes nothing" in row.mark.value) == (facts.bias(name).effect != "modelled"), name
    assert panel.rows["SOIF_CC_N"].mark.value == "not modelled: changes nothing"


def test_some_biases_in_the_order_that_is_asked():
    panel = bd.bias_panel(bd.Biases(), names=["SOIF_DC_P", "SOIF_LEAK_N"])
    assert list(panel.rows) == ["SOIF_DC_P", "SOIF_LEAK_N"]
    boxes = panel.widget.children
    assert boxes[:2] == (panel.rows["SOIF_DC_P"].box, panel.rows["SOIF_LEAK_N"].box) and boxes[2] is panel.message
    assert "application/vnd.jupyter.widget-view+json" in panel._repr_mimebundle_()
    assert repr(panel) == "<BiasPanel of 2 biases; a notebook shows sliders>"


def test_what_is_wrong_is_named(monkeypatch):
    with pytest.raises(bd.DynapseError, match="biases is dict"):
        bd.bias_panel({})
    with pytest.raises(bd.DynapseError, match="on_change is 3"):
        bd.bias_panel(bd.Biases(), 3)
    with pytest.raises(bd.DynapseError, match="names is 'SOIF_LEAK_N'; give a list"):
        bd.bias_panel(bd.Biases(), names="SOIF_LEAK_N")
    with pytest.raises(bd.UnknownNameError, match="did you mean SOIF_LEAK_N"):
        bd.bias_panel(bd.Biases(), names=["SOIF_LEEK_N"])
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(bd.DynapseError, match=r"needs the package ipywidgets.*pip install 'brian2dynapse\[notebook\]'"):
        bd.bias_panel(bd.Biases())

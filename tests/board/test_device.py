"""Finding, opening, configuring, watching: the calls of the driver and what they leave behind."""

import sys
import tracemalloc

import pytest
from fake_engine import LATENCY_US

from brian2dynapse import BoardWarning, Configuration, Dendrite
from brian2dynapse import board as simulated
from brian2dynapse.board_driver import (
    BusId,
    Dynapse2Destination,
    NormalGridEvent,
    ParamGen,
    ResetType,
    UnknownPartError,
)
from brian2dynapse.board_tree import Dynapse2Configuration
from brian2dynapse.errors import DynapseError


def busy(board, neuron=5):
    """One neuron that is used, on chip 0 core 0."""
    model = board.get_model()
    config = model.get_configuration()
    config.chips[0].cores[0].neurons[neuron].latch_so_dc = True
    model.apply_configuration(config)
    return model, config


def test_the_new_way_to_a_board(install):
    made = install(serial_number="1911000P6X")
    import samna

    (info,) = samna.device.get_unopened_devices()
    assert info.serial_number == "1911000P6X" and "DYNAP-SE2" in info.device_type_name
    board = samna.device.open_device(info)
    assert board is made and samna.device.get_unopened_devices() == []
    assert board.configure_opal_kelly("any.bit") is True and board.reset_fpga() is True
    with pytest.raises(DynapseError, match="open already"):
        samna.device.open_device(info)
    samna.device.close_device(board)
    assert samna.device.get_unopened_devices() == [info]


def test_the_old_way_to_a_board(install):
    made = install(2)
    import samna

    node = samna.SamnaNode("tcp://0.0.0.0:33336", "tcp://0.0.0.0:33335", 1)
    node.open_dynapse2_stack(1, 2, 2)
    samna.setup_local_node("tcp://0.0.0.0:33335", "tcp://0.0.0.0:33336", 2)
    samna.open_remote_node(1, "device_node")
    assert samna.device_node.Dynapse2Stack is made
    controller = samna.device_node.DeviceController
    controller.open_device(controller.get_unopened_devices()[0], "board")
    assert samna.device_node.board is made
    with pytest.raises(DynapseError, match="stack of 3 chips, the simulated one has 2"):
        node.open_dynapse2_stack(1, 2, 3)


def test_star_import_gives_the_names_that_scripts_use(install):
    install()
    names = {}
    exec("from samna.dynapse2 import *", names)
    for name in ("Configuration", "Chip", "Core", "Neuron", "Synapse", "Destination", "Parameter", "Model"):
        assert f"Dynapse2{name}" in names
    assert {"Dendrite", "NormalGridEvent", "ResetType", "BusId", "ParamGen", "get_sadc_description"} <= set(names)
    import samna.dynapse2 as se2

    assert se2.Synapse is se2.Dynapse2Synapse


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s, b: b.input_interface_write_event(0, []), "did you mean input_interface_write_events"),
        (
            lambda s, b: b.grid_bus_write_events_u32([]),
            "'grid_bus_write_events_u32' is not a part of the simulated board",
        ),
        (lambda s, b: b.get_model().get_firing_rates(), "'get_firing_rates' is not a part of the simulated model"),
        (lambda s, b: s.graph.EventFilterGraph(), "'graph' is not a part of the simulated samna"),
        (lambda s, b: s.device.find(), "simulated samna.device"),
        (lambda s, b: s.dynapse2.Dynapse2Synaps(), "did you mean Dynapse2Synapse"),
        (lambda s, b: s.SamnaNode().open_dynapse1(), "open_dynapse1 is not simulated"),
    ],
)
def test_an_unknown_call_is_an_error_that_names_it(install, call, message):
    board = install()
    import samna

    with pytest.raises(UnknownPartError) as caught:
        call(samna, board)
    assert message in str(caught.value)
    assert isinstance(caught.value, AttributeError)  # hasattr works


def test_other_modules_of_the_driver_are_named_by_the_import(install):
    install()
    with pytest.raises(ModuleNotFoundError, match=r"samna\.dynapse1"):
        __import__("samna.dynapse1")


def test_uninstalling_puts_back_what_was_there():
    other = sys.modules["samna"] = type(sys)("samna")
    try:
        simulated.install(engine=None)
        assert sys.modules["samna"] is not other
        with pytest.raises(DynapseError, match="installed already"):
            simulated.install()
        simulated.uninstall()
        assert sys.modules["samna"] is other and "samna.dynapse2" not in sys.modules
        with pytest.raises(DynapseError, match="no simulated board"):
            simulated.uninstall()
    finally:
        del sys.modules["samna"]


def test_a_configuration_acts_from_its_moment_on(install):
    board = install()
    model, config = busy(board)
    board.clock.wait(1)
    config.chips[0].cores[0].parameters["SOIF_LEAK_N"].fine_value = 9
    assert board.engines[0].time_us == 0  # nothing runs before it must
    model.apply_configuration(config)
    assert board.engines[0].time_us == 1_000_000
    assert board.engines[0].configuration == Configuration.from_driver(config) == board.configuration
    config.chips[0].cores[0].parameters["SOIF_LEAK_N"].fine_value = 10
    assert board.configuration != Configuration.from_driver(config)  # not applied yet
    assert model.get_configuration().chips[0].cores[0].parameters["SOIF_LEAK_N"].fine_value == 9


def test_applying_nothing_new_does_nothing(install):
    board = install()
    model, config = busy(board)
    for _ in range(3):
        model.apply_configuration(config)
    assert board.engines[0].configured == 1
    assert len(board.log) == 1


def test_ten_thousand_changes_do_not_grow_the_memory(install):
    board = install()
    model, config = busy(board)
    parameter = config.chips[0].cores[0].parameters["SOIF_GAIN_N"]

    def change(times):
        for k in range(times):
            parameter.fine_value = k % 250 + (k // 250) % 2
            board.clock.wait(0.001)
            model.apply_configuration(config)

    change(200)
    tracemalloc.start()
    change(2000)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    # the log keeps what changed, under 1 kB a change; a configuration kept would be 600 kB
    assert grown < 2000 * 1000
    assert len(board.engines) == 1


def test_the_log_says_what_changed_when(install):
    board = install()
    model, config = busy(board)
    board.clock.wait(2)
    config.chips[0].cores[1].parameters["SOIF_LEAK_N"].coarse_value = 5
    config.chips[0].cores[1].neurons[7].destinations[2].tag = 12
    config.chips[0].cores[1].neuron_monitoring_on = True
    model.apply_configuration(config)
    log = simulated.log().set_index("path")
    assert log["time_s"].tolist() == [0, 2, 2, 2]
    leak = log.loc["chips[0].cores[1].parameters['SOIF_LEAK_N'].coarse_value"]
    assert (leak["after"], leak["call"]) == (5, "apply_configuration") and leak["before"] != 5
    assert log.loc["chips[0].cores[1].neurons[7].destinations[2].tag", "after"] == 12
    assert log.loc["chips[0].cores[1].neuron_monitoring_on", "after"] == 1
    assert log.loc["chips[0].cores[0].neurons[5].latch_so_dc", "time_s"] == 0


def test_a_reset_blanks_the_chips_and_a_power_cycle_starts_them_anew(install):
    board = install(2)
    model, config = busy(board)
    config.chips[1].cores[0].neurons[0].latch_so_dc = True
    model.apply_configuration(config)
    model.reset(ResetType.ConfigReset, 0b01)
    assert board.configuration.latches.sum() == 1 and board.configuration.latches[1].any()
    assert len(board.engines) == 1 and not board.engines[0].closed
    board.clock.wait(1)
    model.reset(ResetType.PowerCycle, 0b11)
    assert board.configuration == Configuration(2)
    assert board.engines[0].closed
    model.apply_configuration(config)
    assert len(board.engines) == 2 and board.engines[1].time_us == 0
    with pytest.raises(DynapseError, match=r"mask is 4; a bit for each chip, 0\.\.3"):
        model.reset(ResetType.ConfigReset, 4)
    with pytest.raises(DynapseError, match=r"ResetType\.PowerCycle"):
        model.reset(1, 1)


def test_only_a_configuration_of_the_board_is_applied(install):
    board = install(2)
    with pytest.raises(DynapseError, match="configuration has 1 chips, the board 2"):
        board.get_model().apply_configuration(Dynapse2Configuration(1))
    with pytest.raises(DynapseError, match=r"configuration is Configuration; give the Dynapse2Configuration"):
        board.get_model().apply_configuration(Configuration(2))


def test_the_oscilloscope_shows_the_monitored_neuron(install):
    board = install()
    with pytest.raises(DynapseError, match=r"chips\[0\].cores\[2\] shows no neuron"):
        board.oscilloscope(0, 2)
    board.clock.wait(1)
    model, config = busy(board)
    config.chips[0].cores[2].monitored_neuron = 200
    config.chips[0].cores[2].neuron_monitoring_on = True
    board.clock.wait(0.5)
    model.apply_configuration(config)
    board.clock.wait(0.01)
    trace = board.oscilloscope(0, 2)
    assert list(trace.columns) == ["time_s", "voltage_V"]
    # the fake engine shows number/1000 V each 100 us, from when the neuron was chosen
    assert trace["time_s"].iloc[0] == 1.5 and len(trace) == 100 and set(trace["voltage_V"]) == {0.2}
    board.enable_output(BusId.sADC, True)
    model.set_sadc_sample_period_ms(10)
    board.clock.wait(0.1)
    import samna.dynapse2 as se2

    with pytest.warns(BoardWarning, match="only the membranes"):
        values = model.get_sadc_values(0)
    address = se2.sadc_lookup_aer_address("SOIF_MEM", 2)
    assert len(values) == 64 and values[address] == round(0.2 * 10_000 * 0.01)
    assert sum(values) == values[address] == model.get_sadc_value(0, address)


def test_the_channels_of_the_spiking_adc_have_a_name_each(install):
    install()
    import samna.dynapse2 as se2

    names = [se2.get_sadc_description(k) for k in range(64)]
    assert len(set(names)) == 64
    assert se2.get_sadc_description(se2.sadc_lookup_aer_address("SOAD_DPI", 3)) == "C3_SOAD_DPI"
    number = se2.sadc_lookup_aer_address_nccf("NCCF_CAL_REFBIAS_V", 1, ParamGen.PG0)
    assert se2.get_sadc_description(number) == "NCCF_CAL_REFBIAS_V_GROUP1_PG0"
    with pytest.raises(DynapseError, match=r"a channel is 0\.\.63"):
        se2.get_sadc_description(64)


# Common mistakes ------------------------------------------------------------------------------------------------------


def spike_input(tag, stamp, core=(True, False, False, False)):
    destination, made = Dynapse2Destination(), NormalGridEvent()
    destination.tag, destination.core = tag, list(core)
    made.event, made.timestamp = destination, stamp
    return made


def test_a_changed_configuration_that_was_not_applied(install):
    board = install()
    _, config = busy(board)
    config.chips[0].cores[0].parameters["SOIF_GAIN_N"].fine_value = 111
    with pytest.warns(BoardWarning, match=r"parameters\['SOIF_GAIN_N'\]\.fine_value was changed .* not been applied"):
        simulated.uninstall()


def test_an_event_that_no_word_listens_to(install):
    board = install()
    busy(board)
    board.input_interface_write_events(0, [spike_input(77, 10), spike_input(77, 20)])
    board.clock.wait(1)
    with pytest.warns(BoardWarning, match="no CAM word of chip 0 listens .* tag 77 to cores 0001") as caught:
        board.read_events()
    assert len(caught) == 1
    assert board.warnings["kind"].tolist() == ["deaf"]


@pytest.mark.parametrize(
    ("bias", "latch"), [("SOAD_W_N", "so_adaptation"), ("SOIF_DC_P", "so_dc"), ("DENM_NMREV_N", "denm_nmda")]
)
def test_codes_without_their_latch(install, bias, latch):
    board = install()
    model = board.get_model()
    config = model.get_configuration()
    config.chips[0].cores[3].neurons[0].latch_soif_type = True
    config.chips[0].cores[3].parameters[bias].coarse_value = 3
    config.chips[0].cores[3].parameters[bias].fine_value = 99
    with pytest.warns(BoardWarning, match=rf"cores\[3\]: {bias} is \(3, 99\), .* latch_{latch}"):
        model.apply_configuration(config)
    config.chips[0].cores[3].neurons[8].__setattr__(f"latch_{latch}", True)
    model.apply_configuration(config)  # told once; and now it is on
    assert len(board.warnings) == 1


def test_spikes_that_nobody_reads_out(install):
    board = install()
    model = board.get_model()
    config = model.get_configuration()
    word = config.chips[0].cores[0].neurons[4].synapses[0]
    word.tag, word.dendrite = 9, Dendrite.ampa
    model.apply_configuration(config)
    board.input_interface_write_events(0, [spike_input(9, 10)])
    board.clock.wait_us(LATENCY_US * 10)
    with pytest.warns(BoardWarning, match=r"cores\[0\]: neurons spike and none is read out"):
        board.read_events()


def test_stamps_of_the_past_and_out_of_order(install):
    board = install()
    busy(board)
    board.clock.wait(10)
    with pytest.warns(BoardWarning, match=r"1 events are stamped up to 4 s in the past"):
        board.input_interface_write_events(0, [spike_input(1, 6_000_000)])
    with pytest.warns(BoardWarning, match="stamps of events go back"):
        board.input_interface_write_events(0, [spike_input(1, 12_000_000), spike_input(1, 11_000_000)])


def test_events_of_an_earlier_trial_that_were_not_read(install):
    board = install()
    busy(board)
    echo = spike_input(1, 1000)
    echo.event.x_hop = -7
    board.input_interface_write_events(0, [echo])
    board.clock.wait(5)
    board.get_model().reset(ResetType.ConfigReset, 1)
    with pytest.warns(BoardWarning, match=r"1 events have not been read, the first is 5 s old"):
        board.input_interface_write_events(0, [spike_input(1, 6_000_000)])


def test_a_script_without_mistakes_gets_no_warning(install):
    board = install()
    busy(board)
    board.clock.wait(1)
    board.read_events()
    simulated.uninstall()
    assert board.warnings.empty and board.engines[0].closed

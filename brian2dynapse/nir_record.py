"""Everything that makes a network of the chip, in the metadata of a NIR graph, and the network again.

A node's metadata has an entry ``brian2dynapse``, JSON, beside arrays for what is one number a synapse; the graph's has
the format, the chips, versions and losses. Numbers are in SI units, codes are integers.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from brian2 import Network, PoissonGroup, SpikeGeneratorGroup, SpikeMonitor
from brian2.groups.subgroup import Subgroup
from brian2.units import Quantity, amp, hertz, second

from . import __version__, chip_file
from .arrays import variable_values
from .biases import Biases
from .chip import Chip
from .connection import Connection
from .dac import GeneratorTable, nominal_table
from .errors import ExchangeError
from .neurons import Neurons
from .nir_losses import whole

KEY, FORMAT, VERSION = "brian2dynapse", "brian2dynapse network in NIR", 1
CHANGED = 1e-9  # relative; files keep doubles


def of_graph(chips: list[Chip], rows: list[dict], event_area: float, accept, provenance: dict) -> dict:
    """Metadata of the graph.

    Parameters
    ----------
    chips : list of Chip
        The individuals.
    rows : list of dict
        Losses.
    event_area : float
        Second.
    accept : iterable of str
        Losses that the caller accepted.
    provenance : dict
        Where it comes from.

    Returns
    -------
    dict
        For ``metadata``.
    """
    return _entry(
        format=FORMAT,
        version=VERSION,
        package=__version__,
        unit="v: membrane current over its threshold; i: dendritic current over the rheobase; times in second",
        event_area_s=event_area,
        chips=[chip_file.to_dict(chip) for chip in chips],
        accept=sorted(accept),
        losses=rows,
        provenance=provenance,
    )


def of_neurons(group: Neurons, chip: int, shares_biases_with: str | None) -> dict:
    """Metadata of a population."""
    biases = group.biases
    metadata = _entry(
        object="Neurons",
        name=group.name,
        size=len(group),
        codes={name: list(biases[name]) for name in biases},
        currents_A={name: biases.current_in_amp(name) for name in biases if _has_current(biases, name)},
        asked_A={name: biases.asked(name) for name in biases if biases.asked(name) is not None},
        table=biases.table.name,
        shares_biases_with=shares_biases_with,
        latches=sorted(group.latches),
        dendrites=sorted(group.dendrites),
        circuits=list(group.circuits),
        chip=chip,
        placed_by_hand=group.placed_by_hand,
    )
    metadata["physical"] = group.physical
    if biases.table is not nominal_table():
        metadata |= {f"table_{kind}": values for kind, values in biases.table.currents.items()}
    return metadata


def _has_current(biases: Biases, name: str) -> bool:
    try:
        biases.current_in_amp(name)
    except ValueError:  # a voltage, or a bias without a published gain
        return False
    return True


def of_connection(connection: Connection) -> dict:
    """Metadata of a connection."""
    i, j = connection.synapse_pairs()
    weight = connection.weight
    real = isinstance(weight, Quantity)
    metadata = _entry(
        object="Connection",
        name=connection.name,
        source=whole(connection.source).name,
        source_part=_part(connection.source),
        target=connection.neurons.name,
        target_part=_part(connection.target),
        dendrite=connection.dendrite,
        delay=connection.delay_bits,
        std=connection.std,
        all_to_all=connection.shares_tags,
        cams_chosen=connection.cams_chosen,
        weight="current_A" if real else "mask",
        one_weight=np.ndim(weight) == 0,
    )
    value = np.asarray(weight, dtype=float) if real else int(weight, 2) if isinstance(weight, str) else weight
    metadata |= {
        "i": i,
        "j": j,
        "weight": np.atleast_1d(value),
        "I_weight_A": np.broadcast_to(connection.weights_of_codes(), i.shape).copy(),
    }
    if len(connection.cams):
        metadata["cams"] = connection.cams
    if connection.tags is not None:
        metadata["tags"] = connection.tags
    return metadata


def of_input(group) -> dict:
    """Metadata of a source of events outside the chip."""
    if isinstance(group, PoissonGroup):
        constant = not isinstance(group._rates, str)
        metadata = _entry(object="PoissonGroup", name=group.name, size=len(group), constant=constant)
        return metadata | ({"rates_Hz": np.array(variable_values(group, "rates"))} if constant else {})
    period = float(group.variables["period"].get_value().item())
    metadata = _entry(object="SpikeGeneratorGroup", name=group.name, size=len(group), period_s=period)
    return metadata | {"index": np.array(group._neuron_index), "time_s": np.array(group._spike_time, dtype=float)}


def of_monitor(monitor: SpikeMonitor) -> dict:
    """Metadata of a read-out."""
    source = whole(monitor.source).name
    return _entry(object="SpikeMonitor", name=monitor.name, source=source, part=_part(monitor.source))


def _entry(**values) -> dict:
    return {KEY: json.dumps(values)}


def _part(source) -> list[int] | None:
    return [int(source.start), int(source.stop)] if isinstance(source, Subgroup) else None


# -- back ----------------------------------------------------------------------------------------------


def recorded(graph) -> dict | None:
    """What `to_nir` wrote about a graph; None if it did not."""
    entry = (getattr(graph, "metadata", None) or {}).get(KEY)
    if entry is None:
        return None
    try:
        found = json.loads(_text(entry))
    except ValueError:
        raise ExchangeError("the metadata of the graph are damaged; restore=False reads the NIR nodes") from None
    if found.get("format") != FORMAT:
        return None
    if not {"version", "chips", "accept", "event_area_s", "losses"} <= set(found):
        raise ExchangeError("the metadata of the graph have lost entries; restore=False reads the NIR nodes")
    if found["version"] > VERSION:
        raise ExchangeError(
            f"the graph was written in version {found['version']} of the format, this package knows {VERSION}; "
            "take a newer brian2dynapse, or restore=False"
        )
    return found


def restored_objects(graph, record: dict, chip: Chip | None) -> dict[str, dict]:
    """The objects of the network that a graph was made of.

    Parameters
    ----------
    graph : nir.NIRGraph
        Written by `to_nir`.
    record : dict
        Of `recorded`.
    chip : Chip or None
        In place of the one chip of the record.

    Returns
    -------
    dict of str to dict
        ``"populations"``, ``"inputs"``, ``"connections"``, ``"spikes"``: name to object.
    """
    found = {"Neurons": [], "PoissonGroup": [], "SpikeGeneratorGroup": [], "Connection": [], "SpikeMonitor": []}
    for name, node in graph.nodes.items():
        metadata = dict(node.metadata or {})
        if KEY in metadata:
            entry = json.loads(_text(metadata.pop(KEY)))
            if entry.get("object") in found:
                found[entry["object"]].append((entry, metadata))
        elif type(node).__name__ not in ("Input", "LI", "Delay", "Output"):
            raise ExchangeError(
                f"{name}: has lost its metadata, the rest of the graph has not; restore=False reads the NIR nodes"
            )
    chips = [chip_file.from_dict(one, "chip of the graph") for one in record["chips"]]
    if chip is not None:
        if len(chips) > 1:
            raise ExchangeError(f"the graph has neurons on {len(chips)} chips; chip= replaces one, leave it out")
        chips = [chip] * len(chips)
    biases, populations = {}, {}
    for entry, arrays in found["Neurons"]:
        populations[entry["name"]] = _neurons(entry, arrays, chips, biases)
    inputs = {entry["name"]: _input(entry, arrays) for kind in ("PoissonGroup", "SpikeGeneratorGroup")
              for entry, arrays in found[kind]}  # fmt: skip
    groups = populations | inputs
    connections = {entry["name"]: _connection(entry, arrays, groups) for entry, arrays in found["Connection"]}
    spikes = {
        entry["name"]: SpikeMonitor(_of_part(groups[entry["source"]], entry["part"]), name=entry["name"])
        for entry, _ in found["SpikeMonitor"]
    }
    return {"populations": populations, "inputs": inputs, "connections": connections, "spikes": spikes}


def network_of(objects: dict[str, dict]) -> Network:
    """A network of restored objects."""
    return Network(*(one for part in objects.values() for one in part.values()))


def codes_report(populations: dict[str, Neurons], graph) -> pd.DataFrame:
    """Currents of all codes: what the file says, and what they are here."""
    rows = []
    for node in graph.nodes.values():
        entry = json.loads(_text((node.metadata or {}).get(KEY, "{}")))
        if entry.get("object") != "Neurons":
            continue
        biases = populations[entry["name"]].biases
        for bias, asked in entry["currents_A"].items():
            got = biases.current_in_amp(bias)
            coarse, fine = biases[bias]
            rows.append((entry["name"], bias, asked, got, "A", got / asked - 1, bias, coarse, fine))
    columns = ["population", "parameter", "asked", "got", "unit", "error", "bias", "coarse", "fine"]
    return pd.DataFrame(rows, columns=columns)


def _neurons(entry: dict, arrays: dict, chips: list[Chip], biases: dict) -> Neurons:
    shared = entry["shares_biases_with"]
    if shared in biases:
        own = biases[shared]
    else:
        kinds = {kind: np.asarray(arrays[f"table_{kind}"]) for kind in "NP" if f"table_{kind}" in arrays}
        own = Biases(table=GeneratorTable(entry["table"], kinds) if kinds else None)
        codes = {name: tuple(code) for name, code in entry["codes"].items()}
        own.update(codes | {name: Quantity(current, dim=amp.dim) for name, current in entry["asked_A"].items()})
        own.update({name: code for name, code in codes.items() if own[name] != code})  # the code is what the chip has
    biases[entry["name"]] = own
    physical = np.asarray(arrays["physical"]).astype(int)
    made = Neurons(
        entry["size"],
        own,
        latches=entry["latches"],
        chip=chips[entry["chip"]],
        dendrites=entry["dendrites"],
        physical=physical if entry["placed_by_hand"] else None,
        name=entry["name"],
    )
    if not entry["placed_by_hand"]:
        made.move(physical)
    return made


def _input(entry: dict, arrays: dict):
    if entry["object"] == "PoissonGroup":
        rates = np.asarray(arrays["rates_Hz"]) if entry["constant"] else np.zeros(entry["size"])
        return PoissonGroup(entry["size"], rates * hertz, name=entry["name"])
    index, times = (np.asarray(arrays[name]) for name in ("index", "time_s"))
    period = entry["period_s"] * second
    return SpikeGeneratorGroup(entry["size"], index.astype(int), times * second, period=period, name=entry["name"])


def _of_part(group, part: list[int] | None):
    return group if part is None else group[part[0] : part[1]]


def _connection(entry: dict, arrays: dict, groups: dict) -> Connection:
    for end in ("source", "target"):
        if entry[end] not in groups:
            raise ExchangeError(f"{entry['name']}: its {end} {entry[end]} is missing in the graph")
    source, target = (_of_part(groups[entry[end]], entry[f"{end}_part"]) for end in ("source", "target"))
    i, j = (np.asarray(arrays[name]).astype(int) for name in "ij")
    values = np.asarray(arrays["weight"])
    weight = values * amp if entry["weight"] == "current_A" else values.astype(int)
    weight = (weight[0] if entry["weight"] == "current_A" else int(weight[0])) if entry["one_weight"] else weight
    made = Connection(source, target, entry["dendrite"], weight, entry["delay"], entry["std"], name=entry["name"])
    first_i, first_j = (0 if part is None else part[0] for part in (entry["source_part"], entry["target_part"]))
    cams = np.asarray(arrays["cams"]).astype(int) if "cams" in arrays else None
    tags = {"tags": np.asarray(arrays["tags"]).astype(int)} if "tags" in arrays else {}
    if entry["all_to_all"]:
        made.connect()
        if not all(np.array_equal(*pair) for pair in zip(made.synapse_pairs(), (i, j), strict=True)):
            raise ExchangeError(f"{made.name}: is all to all, but its synapses are not in that order; restore=False")
    elif entry["cams_chosen"]:
        made.connect(i=i - first_i, j=j - first_j, cams=cams, **tags)
    elif len(i):
        made.connect(i=i - first_i, j=j - first_j)
    else:
        made.connect(p=0)
    if cams is not None and not entry["cams_chosen"]:
        made.move(cams)
    return made


def _text(entry) -> str:
    return entry.decode("utf-8") if isinstance(entry, bytes) else str(entry)

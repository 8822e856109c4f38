"""Biases from the notation of the labs, and in it: lines ``set_parameter(..., "SOIF_LEAK_N", 2, 5)``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from . import dac, facts
from .bias_script import SETTER, Setting, settings
from .biases import Biases, Code
from .errors import DynapseError, ExchangeError, unknown_name
from .script_values import Part

# The parts of a chip's configuration that have codes, to the scope of their biases.
_SCOPES = {
    "shared_parameters01": "shared",
    "shared_parameters23": "shared",
    "sadc_group_parameters01": "sadc_group",
    "sadc_group_parameters23": "sadc_group",
    "global_parameters": "global",
}


class ScriptBiases(dict):
    """Biases of the cores that a script sets: (chip, core) to `Biases`.

    Attributes
    ----------
    shared : dict
        Codes outside the cores: (chip, ``"shared_parameters01"``) to {bias: Code}; of the spiking ADC's groups (chip,
        ``"sadc_group_parameters01"``, group).
    notes : list of str
        What a reader should know: biases that are set more than once, and cores whose biases the script does not set.
    """

    def __init__(self, biases: Mapping, shared: Mapping | None = None, notes=()):
        super().__init__(biases)
        self.shared = dict(shared or {})
        self.notes = list(notes)


def biases_from_script(script, variables: Mapping | None = None, start: Biases | None = None) -> ScriptBiases:
    """Biases that a script for the board sets.

    Parameters
    ----------
    script : str or path
        The text, or the file. It is read, never run.
    variables : mapping of str to object, optional
        What names of the script stand for where it does not say so itself, such as arguments of its functions:
        ``{"number_of_chips": 1, "chip": 0, "core": (0, 1)}``; a chip is its number, a core (chip, core).
    start : Biases, optional
        Codes of what the script does not set; the documented working point by default. (On the board they are what
        they were before.)

    Returns
    -------
    ScriptBiases
        A dict of (chip, core) to Biases, with ``shared`` and ``notes``. If a bias of a core is set more than once, the
        last code counts, as on the chip.

    Raises
    ------
    ExchangeError
        For biases that do not exist, codes out of range, and lines whose meaning hangs on what is not known; all of
        them, with their lines.

    Examples
    --------
    >>> found = biases_from_script('set_parameter(config.chips[0].cores[1].parameters, "SOIF_LEAK_N", 2, 5)')
    >>> found[0, 1]["SOIF_LEAK_N"]
    Code(coarse=2, fine=5)
    """
    text, name = _text(script)
    if start is not None and not isinstance(start, Biases):
        raise DynapseError(f"start is {type(start).__name__}; give a brian2dynapse.Biases")
    places, errors, halves = {}, [], {}
    notes = []
    for one in settings(text, variables, name):
        try:
            place = _place(one)
            _check_bias(place, one.bias)
            coarse, fine = _whole_code(halves, place, one)
            if coarse is None or fine is None:
                continue
            code = Code(*(int(part) for part in dac.check_code(one.bias, coarse, fine)))
        except DynapseError as error:
            errors.append(f"line {one.line}: {error}")
            continue
        before = places.setdefault(place, {}).get(one.bias)
        if before and before[0] != code and one.coarse is not None and one.fine is not None:
            notes.append(
                f"{_shown(place)}: {one.bias} is set to {tuple(before[0])} in line {before[1]} and to {tuple(code)} in "
                f"line {one.line}; the last one counts"
            )
        places[place][one.bias] = (code, one.line)
    for (place, bias), half in halves.items():
        if None in half[:2]:
            what = "fine_value" if half[1] is None else "coarse_value"
            errors.append(f"line {half[2]}: {_shown(place)}: {bias} has no {what}; set both, or {SETTER}(...)")
    if errors:
        raise ExchangeError(list(dict.fromkeys(errors)), name)
    if not places:
        notes.append(f"the script has no line that sets a code, {SETTER}(...) or .coarse_value = ...")
    codes = {place: {bias: code for bias, (code, _) in found.items()} for place, found in places.items()}
    found, shared = {}, {}
    for place, own in sorted(codes.items(), key=str):
        if place[1] == "cores":
            found[place[0], place[2]] = biases = start.copy() if start is not None else Biases()
            biases.update(own)
            left = [bias for bias in biases if bias not in own]
            if left:
                notes.append(f"{_shown(place)}: {len(left)} biases are not set, the first is {left[0]}; {_kept(start)}")
        else:
            shared[place] = own
    return ScriptBiases(found, shared, notes)


def biases_to_script(biases, shared: Mapping | None = None, config: str = "config") -> str:
    """Lines that set biases, as scripts for the board have them.

    Parameters
    ----------
    biases : Biases, or mapping of (chip, core) or core to Biases
        One `Biases` is that of core 0 of chip 0; a number alone a core of chip 0. A `ScriptBiases` has its shared codes
        with it.
    shared : mapping, optional
        Codes outside the cores, as in `ScriptBiases.shared`.
    config : str
        What the script calls its configuration.

    Returns
    -------
    str
        A line a bias, ``set_parameter(config.chips[0].cores[1].parameters, "SOIF_LEAK_N", 2, 5)``, with its
        current and what it is as a comment. `set_parameter(parameters, name, coarse, fine)` is the labs' helper.

    Raises
    ------
    DynapseError
        For a chip or core that does not exist, or something else than biases.
    """
    if not config.isidentifier():
        raise DynapseError(f"config is {config!r}; give the name of a variable")
    of_cores = {(0, 0): biases} if isinstance(biases, Biases) else biases
    if not isinstance(of_cores, Mapping):
        raise DynapseError(f"biases is {type(biases).__name__}; give Biases, or {{(chip, core): Biases}}")
    shared = getattr(biases, "shared", {}) if shared is None else shared
    lines = []
    for key, own in of_cores.items():
        chip, core = _core(key)
        if not isinstance(own, Biases):
            raise DynapseError(f"biases of core {key} are {type(own).__name__}; give a brian2dynapse.Biases")
        lines.append(f"# chip {chip}, core {core}")
        where = f"{config}.chips[{chip}].cores[{core}].parameters"
        lines += [_line(where, bias, own[bias], _comment(own, bias)) for bias in own]
    for (chip, part, *group), codes in dict(shared).items():
        lines.append(f"# chip {chip}, {part}")
        where = f"{config}.chips[{chip}].{part}" + "".join(f"[{one}]" for one in group)
        for bias, code in codes.items():
            _check_bias((chip, part, *group), bias)
            coarse, fine = dac.check_code(bias, *code)
            lines.append(_line(where, bias, (int(coarse), int(fine)), facts.bias(bias).role))
    return "\n".join(lines) + "\n"


def _text(script) -> tuple[str, str]:
    if isinstance(script, str) and ("\n" in script or "(" in script or "=" in script) and not _is_file(script):
        return script, "script"
    if not isinstance(script, (str, os.PathLike)):
        raise DynapseError(f"script is {type(script).__name__}; give its text, or the path of its file")
    try:
        return Path(script).read_text(encoding="utf-8-sig"), str(script)
    except (OSError, UnicodeDecodeError) as error:
        raise ExchangeError(f"cannot be read: {getattr(error, 'strerror', None) or error}", str(script)) from None


def _is_file(script: str) -> bool:
    try:
        return "\n" not in script and Path(script).is_file()
    except (OSError, ValueError):  # too long for a name, or with a zero byte
        return False


def _place(one: Setting) -> tuple:
    """(chip, "cores", core) or (chip, name of a part, ...) of a setting."""
    owner = one.owner
    at = owner.index("chips") if "chips" in owner else None
    path = owner[at:] if at is not None else ()
    numbers = all(isinstance(number, int) and not isinstance(number, bool) for number in path[1::2][:1])
    if len(path) == 5 and path[2] == "cores" and path[4] == "parameters" and numbers:
        return (path[1], "cores", _core((path[1], path[3]))[1])
    depth = 4 if len(path) > 2 and str(path[2]).startswith("sadc_group") else 3
    if len(path) == depth and path[2] in _SCOPES and numbers and all(
        isinstance(number, int) and number >= 0 for number in (path[1], *path[3:])
    ):  # fmt: skip
        return (path[1], *path[2:])
    shown = Part(owner)
    first = str(owner[0])
    hint = f"variables={{{first!r}: (0, 1)}} says that {first} is core 1 of chip 0" if "cores" not in owner else (
        f"variables={{{first!r}: 0}} says that {first} is chip 0")  # fmt: skip
    raise ExchangeError(f"{shown} is not known as the parameters of a core, chips[..].cores[..].parameters; {hint}")


def _core(key) -> tuple[int, int]:
    chip, core = key if isinstance(key, tuple) and len(key) == 2 else (0, key)
    whole = all(isinstance(one, int) and not isinstance(one, bool) for one in (chip, core))
    if not whole or chip < 0 or not 0 <= core < facts.CORES_PER_CHIP:
        raise DynapseError(f"core is {key!r}; give (chip, core) with cores 0..{facts.CORES_PER_CHIP - 1}")
    return chip, core


def _check_bias(place: tuple, bias) -> None:
    scope = "core" if place[1] == "cores" else _SCOPES[place[1]]
    allowed = facts.biases_of(scope)
    if bias in allowed:
        return
    if bias in facts.bias_table():
        scope = facts.bias(bias).scope
        right = [part for part, one in _SCOPES.items() if one == scope] or ["cores[..].parameters"]
        raise ExchangeError(f"{bias} is no bias of {place[1]}; it is set in chips[..].{right[0]}")
    raise unknown_name("bias", bias, allowed)


def _whole_code(halves: dict, place: tuple, one: Setting) -> tuple:
    """The code after a line, of which some set one half only."""
    before = halves.get((place, one.bias), (None, None, 0))
    coarse = before[0] if one.coarse is None else one.coarse
    fine = before[1] if one.fine is None else one.fine
    halves[place, one.bias] = (coarse, fine, one.line)
    return coarse, fine


def _shown(place: tuple) -> str:
    return f"chip {place[0]}, " + (f"core {place[2]}" if place[1] == "cores" else " ".join(map(str, place[1:])))


def _kept(start: Biases | None) -> str:
    return "they are those of start" if start is not None else "they are those of the documented working point"


def _line(where: str, bias: str, code, comment: str) -> str:
    return f'{SETTER}({where}, "{bias}", {code[0]}, {code[1]})' + (f"  # {comment}" if comment else "")


def _comment(biases: Biases, bias: str) -> str:
    role = facts.bias(bias).role
    try:
        return f"{biases.current_in_amp(bias) * 1e12:.4g} pA; {role}"
    except DynapseError:  # a voltage, or no published gain
        return role

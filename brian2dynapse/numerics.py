"""The integration method of the circuits, as a Brian2 state updater.

Three kinds of equation are told apart:

*Filters* (dendrites, adaptation, calcium): a DPI without input, or whose input is a packet of charge (a parameter in
  coulomb, divided by dt). The packet acts as an exact jump at the start of the step (`dpi.dpi_jump`) and is
  emptied; then the current decays by the closed form of dI/dt = -(I/tau) (1 - (I_0/I)^(1/kappa)):

      (I/I_0)^(1/kappa) - 1   falls by   exp(-dt/(kappa tau)).

  No error at any dt.

*The membrane*, which is the current that has a companion ``<name>_before``: integrated in
  w = ln(Imem/I_gain) + Imem/I_gain, in which the input acts linearly, by the exponential Rosenbrock-Euler step
  (Hochbruck & Ostermann 2010, doi:10.1017/S0962492910000048)

      w grows by   h f_w exprel(h df_w/dw),

  of second order, exact where f_w is linear, stable at any dt. The filters enter with their mean over the
  step (Simpson's rule; the midpoint of an exponential decay is the geometric mean of its ends). `h` is dt,
  less what is left of the refractory period, plus what a spike in the last step left over. The equation
  never undershoots the floor I_0; the limiter only catches steps far larger than the time constant. A noise term
  (``xi``) moves ln Imem by a normal number, half of the variance before and half after the step, so that the variance
  is of second order in dt, too; then there is no limiter: noise goes below the floor.

*Slow factors*, dimensionless, with a companion ``<name>_limit``: dX/dt = X f, f without X. X is multiplied by
  exp(dt f), with the means of the filters over the step, and kept between 1/limit and limit; the membrane sees it
  as it is in the middle of the step.

The derivatives come from the equations by SymPy: to change a circuit, change its equation file. The gain of a DPI is
the parameter whose name begins with ``I_gain``.
"""

from __future__ import annotations

import sympy
from brian2.equations.equations import PARAMETER
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str
from brian2.stateupdaters.base import (
    StateUpdateMethod,
    UnsupportedEquationsException,
    extract_method_options,
)
from brian2.units import coulomb

REFRACTORY_CLOCK = "refractory_left"  # time until the membrane is free; negative right after a short period
_DT, _XI = sympy.Symbol("dt", real=True), sympy.Symbol("xi", real=True)


class CircuitStep(StateUpdateMethod):
    """State updater for DPI circuits: exact jumps and decays, second order for the membrane.

    Use as ``method=circuit_step`` of a `NeuronGroup`; the object has no state.
    """

    def __call__(self, equations, variables=None, method_options=None):
        """Abstract code of one step; see `StateUpdateMethod.__call__`.

        Raises
        ------
        UnsupportedEquationsException
            If an equation is not of one of the forms above.
        """
        extract_method_options(method_options, {})
        rates, packets = _rates_and_packets(equations, variables)
        filters = _filters(equations, rates, packets)
        lines, means = [], {}
        for current, (step, update) in filters.items():
            lines += [*step, *update]
            means[current] = _mean(current)
        lines += [f"{packet.name} = 0" for packet in packets]
        for factor in [state for state in rates if f"{state.name}_limit" in equations.names]:
            lines += _slow_factor(factor, rates[factor].subs(means))
            means[factor] = _mean(factor)
        for state in [state for state in rates if f"{state.name}_before" in equations.names]:
            lines += _membrane(state, rates[state].subs(means))
        return "\n".join(lines)


circuit_step = CircuitStep()


def mean_over_next_step(equations, variables, name: str, into: str) -> str:
    """Abstract code that looks ahead: the mean of a quantity over the coming step, without changing any state.

    Parameters
    ----------
    equations : Equations
        Of the group.
    variables : dict
        Variables of the group.
    name : str
        A filter's current, or a subexpression of such currents.
    into : str
        Variable that takes the mean.
    """
    rates, packets = _rates_and_packets(equations, variables)
    symbols = {symbol.name: symbol for symbol in rates}
    if name in symbols:
        quantity = symbols[name]
    else:
        expression = str_to_sympy(equations[name].expr.code)
        quantity = expression.subs({s: symbols[s.name] for s in expression.free_symbols if s.name in symbols})
    filters = _filters(equations, rates, packets)
    needed = [current for current in filters if current in quantity.free_symbols]
    lines = [line for current in needed for line in filters[current][0]]
    return "\n".join(
        [*lines, f"{into} = {sympy_to_str(quantity.subs({current: _mean(current) for current in needed}))}"]
    )


def _rates_and_packets(equations, variables):
    """Time derivatives of the states (symbol to expression), and the charge packets, as SymPy."""
    names = {"dt", "xi"} | equations.names | equations.identifiers
    symbols = {name: sympy.Symbol(name, real=True) for name in names}
    packets = [
        symbols[name]
        for name, equation in equations.items()
        if equation.type == PARAMETER and equation.dim is coulomb.dim and "constant" not in equation.flags
    ]
    rates = {}
    for name, expression in equations.get_substituted_expressions(variables):
        if name in equations.diff_eq_names:
            rate = str_to_sympy(expression.code)
            rates[symbols[name]] = rate.subs({s: symbols[s.name] for s in rate.free_symbols if s.name in symbols})
    return rates, packets


def _filters(equations, rates, packets) -> dict:
    """Every filter with its code: up to the mean over the step, and the update of the state."""
    companions = {name.rsplit("_", 1)[0] for name in equations.names if name.endswith(("_before", "_limit"))}
    return {
        current: _filter(current, rate, [packet for packet in packets if packet in rate.free_symbols])
        for current, rate in rates.items()
        if current.name not in companions
    }


def _mean(current: sympy.Symbol) -> sympy.Symbol:
    return sympy.Symbol(f"_{current.name}_mean", real=True)


def _growth(current: sympy.Symbol, rate: sympy.Expr) -> sympy.Expr:
    """f of dI/dt = I f, in which I_gain and I_0 can be read off."""
    return rate / current  # no expand: it would multiply the denominators out


def _gain(current: sympy.Symbol, growth: sympy.Expr) -> tuple[sympy.Expr | None, sympy.Expr]:
    """I_gain of the factor 1/(1 + I/I_gain), and that factor; None if there is no such factor."""
    for power in growth.atoms(sympy.Pow):
        slope = power.base.diff(current)
        of_the_gain = any(symbol.name.startswith("I_gain") for symbol in slope.free_symbols)
        if power.exp == -1 and of_the_gain and current not in slope.free_symbols:
            if sympy.simplify(power.base - slope * current - 1) == 0:
                return 1 / slope, power
    return None, sympy.Integer(1)


def _floor(current: sympy.Symbol, growth: sympy.Expr) -> tuple[sympy.Expr, sympy.Pow] | None:
    """I_0 of the term (I_0/I)^(1/kappa), and that term; None if there is no such term."""
    for power in growth.atoms(sympy.Pow):
        if power.base.has(current) and current not in (power.base * current).free_symbols:
            if not power.exp.is_number:
                return power.base * current, power
    return None


def _filter(current, rate, driving) -> tuple[list[str], list[str]]:
    refuse = UnsupportedEquationsException(f"the equation of {current} is not that of a DPI: see numerics.py")
    growth = _growth(current, rate)
    floor_term = _floor(current, growth)
    if len(driving) > 1 or floor_term is None:
        raise refuse
    floor, power = floor_term
    decay = growth.subs({packet: 0 for packet in driving})
    speed = sympy.simplify(-decay.subs(power, 0))  # 1/tau
    if current in speed.free_symbols or sympy.simplify(decay + speed * (1 - power)) != 0:
        raise refuse
    name, start, end = current.name, f"_{current.name}_start", f"_{current.name}_end"
    lines = [f"{start} = {name}"]
    for packet in driving:
        gain, saturation = _gain(current, growth)
        jump = sympy.simplify(growth.diff(packet) / saturation * packet * _DT)
        if gain is None or current in jump.free_symbols:
            raise refuse
        lines = [f"{start} = dpi_jump({name}, {sympy_to_str(gain)}, {sympy_to_str(jump)})"]
    inverse_kappa = power.exp
    over_floor = f"(({start}/({sympy_to_str(floor)}))**({sympy_to_str(inverse_kappa)}) - 1)"
    fall = f"exp(-dt*({sympy_to_str(inverse_kappa * speed)}))"
    step = [
        *lines,
        f"{end} = ({sympy_to_str(floor)})*(1 + {over_floor}*{fall})**({sympy_to_str(1 / inverse_kappa)})",
        f"{_mean(current)} = ({start} + 4*sqrt({start}*{end}) + {end})/6",
    ]
    return step, [f"{name} = {end}"]


def _slow_factor(factor, rate) -> list[str]:
    growth = _growth(factor, rate)
    if factor in growth.free_symbols:
        raise UnsupportedEquationsException(f"the equation of {factor} is not that of a slow factor: see numerics.py")
    name, half = factor.name, f"_{factor.name}_half"
    return [
        f"{half} = exp(0.5*dt*({sympy_to_str(growth)}))",
        f"{_mean(factor)} = {name}*{half}",
        f"{name} = clip({_mean(factor)}*{half}, 1/{name}_limit, {name}_limit)",
    ]


def _membrane(current, rate) -> list[str]:
    name, step = current.name, "t_step"
    noise = rate.diff(_XI) / current
    absolute, growth = _absolute_values(name, _growth(current, rate.subs(_XI, 0)))

    def derivative(expression):
        """By the current, the absolute values included."""
        inner = [
            expression.diff(value) * sign * derivative(argument)
            for value, sign, argument in absolute
            if value in expression.free_symbols
        ]
        return expression.diff(current) + sum(inner)

    gain, saturation = _gain(current, growth)
    floor_term = _floor(current, growth)
    if gain is None:  # nothing reaches the input: w is ln Imem
        speed, slope = growth, current * derivative(growth)
    else:
        # f_w = (1 + I/I_gain) f; the factor cancels in the input term, which is why w is linear in the input.
        cancelled = sympy.Dummy("saturation", real=True)
        split = growth.subs(saturation, cancelled)
        driven, free = split.diff(cancelled), split.subs(cancelled, 0)
        speed = driven + free * (1 + current / gain)
        slope = current * gain / (gain + current) * derivative(speed)  # df_w/dw
    lines = [f"{step} = clip(dt - {REFRACTORY_CLOCK}, 0, 2*dt)", f"{name}_before = {name}"]
    for value, sign, argument in absolute:
        lines += [f"{value.name} = {sympy_to_str(argument)}"]
        lines += [f"{sign.name} = sign({value.name})"] if sign in slope.free_symbols else []
        lines += [f"{value.name} = abs({value.name})"]
    shared, (speed, slope) = sympy.cse([speed, slope], sympy.numbered_symbols(f"_{name}_term", real=True))
    lines += [f"{symbol.name} = {sympy_to_str(expression)}" for symbol, expression in shared]
    gained = f"{step}*({sympy_to_str(speed)})*exprel({step}*({sympy_to_str(slope)}))"
    grown = f"{name}*exp({gained})" if gain is None else f"dpi_jump({name}, {sympy_to_str(gain)}, {gained})"
    floor = sympy_to_str(floor_term[0]) if floor_term else "0"
    if noise == 0:
        lines += [f"{name} = clip({grown}, {floor}, inf)"]
    else:
        kick = f"exp(_{name}_noise*randn())"
        amplitude = f"_{name}_noise = sqrt(0.5*{step})*({sympy_to_str(noise)})"
        lines = [*lines[:2], amplitude, f"{name} = {name}*{kick}", *lines[2:], f"{name} = {grown}*{kick}"]
    return [
        *lines,
        f"{REFRACTORY_CLOCK} = clip({REFRACTORY_CLOCK} - dt, 0, inf)",
    ]


def _absolute_values(name: str, expression):
    """Give every absolute value a symbol of its own, innermost first: SymPy's derivatives of them divide by zero.

    Returns
    -------
    list of (Symbol, Symbol, Expr)
        Value, sign, and argument.
    Expr
        The expression with these symbols.
    """
    found = []
    while atoms := [atom for atom in expression.atoms(sympy.Abs) if not atom.args[0].has(sympy.Abs)]:
        atom = min(atoms, key=str)  # always in the same order, so that compiled code is found again
        value = sympy.Symbol(f"_{name}_absolute{len(found)}", real=True)
        found.append((value, sympy.Symbol(f"_{name}_sign{len(found)}", real=True), atom.args[0]))
        expression = expression.subs(atom, value)
    return found, expression

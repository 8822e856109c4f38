"""The integration method of the circuits, as a Brian2 state updater.

Every current of a model obeys dI/dt = I * f(I, ...). Two kinds of equation are told apart:

*Dendrites and adaptation*: a DPI without input, or whose input is a packet of charge (a parameter in
  coulomb, divided by dt). The packet acts as an exact jump at the start of the step (`dpi.dpi_jump`) and is
  emptied; then the current decays by the closed form of dI/dt = -(I/tau) (1 - (I_0/I)^(1/kappa)):

      (I/I_0)^(1/kappa) - 1   falls by   exp(-dt/(kappa tau)).

  No error at any dt.

*The membrane*, which is the current that has a companion ``<name>_before``: integrated in
  w = ln(Imem/I_gain) + Imem/I_gain, in which the input acts linearly, by the exponential Rosenbrock-Euler step
  (Hochbruck & Ostermann 2010, doi:10.1017/S0962492910000048)

      w grows by   h f_w exprel(h df_w/dw),

  of second order, exact where f_w is linear, stable at any dt. The dendrites enter with their mean over the
  step (Simpson's rule; the midpoint of an exponential decay is the geometric mean of its ends). `h` is dt,
  less what is left of the refractory period, plus what a spike in the last step left over. The equation
  never undershoots the floor I_0; the limiter only catches steps far larger than the time constant.

The derivatives come from the equations by SymPy: to change a circuit, change its equation file.
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


class CircuitStep(StateUpdateMethod):
    """State updater for DPI circuits: exact jumps and decays, second order for the membrane.

    Use as ``method=circuit_step`` of a `NeuronGroup`; the object has no state.
    """

    def __call__(self, equations, variables=None, method_options=None):
        """Abstract code of one step; see `StateUpdateMethod.__call__`.

        Raises
        ------
        UnsupportedEquationsException
            If an equation is stochastic or not of one of the forms above.
        """
        extract_method_options(method_options, {})
        if equations.is_stochastic:
            raise UnsupportedEquationsException("circuit_step integrates equations without noise terms only")
        symbols = {name: sympy.Symbol(name, real=True) for name in {"dt"} | equations.names | equations.identifiers}
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
        lines, means, membranes = [], {}, []
        for current, rate in rates.items():
            driving = [packet for packet in packets if packet in rate.free_symbols]
            if f"{current.name}_before" in equations.names:
                membranes.append((current, rate))
            else:
                lines += _filter(current, rate, driving, symbols["dt"])
                means[current] = sympy.Symbol(f"_{current.name}_mean", real=True)
        for current, rate in membranes:
            lines += _membrane(current, rate.subs(means))
        return "\n".join(lines)


circuit_step = CircuitStep()


def _growth(current: sympy.Symbol, rate: sympy.Expr) -> sympy.Expr:
    """f of dI/dt = I f, in which I_gain and I_0 can be read off."""
    return rate / current  # no expand: it would multiply the denominators out


def _gain(current: sympy.Symbol, growth: sympy.Expr) -> tuple[sympy.Expr | None, sympy.Expr]:
    """I_gain of the factor 1/(1 + I/I_gain), and that factor; None if there is no such factor."""
    for power in growth.atoms(sympy.Pow):
        slope = power.base.diff(current)
        if power.exp == -1 and slope != 0 and current not in slope.free_symbols:
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


def _filter(current, rate, driving, dt) -> list[str]:
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
        jump = sympy.simplify(growth.diff(packet) / saturation * packet * dt)
        if gain is None or current in jump.free_symbols:
            raise refuse
        lines = [f"{start} = dpi_jump({name}, {sympy_to_str(gain)}, {sympy_to_str(jump)})", f"{packet.name} = 0"]
    inverse_kappa = power.exp
    over_floor = f"(({start}/({sympy_to_str(floor)}))**({sympy_to_str(inverse_kappa)}) - 1)"
    fall = f"exp(-dt*({sympy_to_str(inverse_kappa * speed)}))"
    return [
        *lines,
        f"{end} = ({sympy_to_str(floor)})*(1 + {over_floor}*{fall})**({sympy_to_str(1 / inverse_kappa)})",
        f"_{name}_mean = ({start} + 4*sqrt({start}*{end}) + {end})/6",
        f"{name} = {end}",
    ]


def _membrane(current, rate) -> list[str]:
    growth = _growth(current, rate)
    gain, saturation = _gain(current, growth)
    floor_term = _floor(current, growth)
    name = current.name
    if gain is None:  # nothing reaches the input: w is ln Imem
        speed, slope = growth, current * growth.diff(current)
    else:
        # f_w = (1 + I/I_gain) f; the factor cancels in the input term, which is why w is linear in the input.
        cancelled = sympy.Dummy("saturation", real=True)
        split = growth.subs(saturation, cancelled)
        driven, free = split.diff(cancelled), split.subs(cancelled, 0)
        speed = driven + free * (1 + current / gain)
        slope = current * gain / (gain + current) * speed.diff(current)  # df_w/dw
    shared, (speed, slope) = sympy.cse([speed, slope], sympy.numbered_symbols(f"_{name}_term"))
    step = "t_step"
    lines = [f"{step} = clip(dt - {REFRACTORY_CLOCK}, 0, 2*dt)", f"{name}_before = {name}"]
    lines += [f"{symbol.name} = {sympy_to_str(expression)}" for symbol, expression in shared]
    gained = f"{step}*({sympy_to_str(speed)})*exprel({step}*({sympy_to_str(slope)}))"
    grown = f"{name}*exp({gained})" if gain is None else f"dpi_jump({name}, {sympy_to_str(gain)}, {gained})"
    floor = sympy_to_str(floor_term[0]) if floor_term else "0"
    return [
        *lines,
        f"{name} = clip({grown}, {floor}, inf)",
        f"{REFRACTORY_CLOCK} = clip({REFRACTORY_CLOCK} - dt, 0, inf)",
    ]

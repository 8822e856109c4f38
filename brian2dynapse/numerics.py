"""The integration method of the circuits, as a Brian2 state updater.

The equation files say what is integrated; how is said here, and only here. Four kinds of equation are told apart:

*Packets of charge*, parameters in coulomb that an equation divides by dt: exact jumps (`dpi.dpi_jump`) at the start of
  the step, for the neurons that got one (`charges`, run by `steps.ChargeSteps`).

*Filters* (dendrites, adaptation, calcium): between packets dI/dt = -(I/tau) (1 - (I_0/I)^(1/kappa)), that is

      dI/dt = -(I - inflow)/tau,     inflow = I_0 (I/I_0)^(1 - 1/kappa),

  a decay towards an inflow that keeps the current above its floor I_0. With ``floor="lines"``, the default, three straight
  lines stand for the inflow: two chords and a level. The decay is one factor a step then, and the current that of the
  equation within 1 % (below some 10 I_0, two picoampere), within 0.2 % above 20 I_0, and at I_0 exactly, for steps
  up to a tenth of tau; within 3 % for a quarter. With ``method_options={"floor": "exact"}`` it is the closed form

      (I/I_0)^(1/kappa) - 1   falls by   exp(-dt/(kappa tau)),

  without any error at any dt; this takes two powers a filter and step.

*The membrane*, which is the current that has a companion ``<name>_before``: integrated in w = ln y + y, y = Imem/I_gain,
  in which the input acts linearly, dw/dt = F(w), by one linearly implicit step (Rosenbrock 1963,
  doi:10.1093/comjnl/5.4.329; gamma = 1/2)

      w grows by   h F / (1 - h F'/2)   where F' < 0,   h F (1 + h F'/2)   where F' > 0,

  of second order, and stable at any dt. The factor r of Imem follows from ln r + y (r - 1) = growth of w, that is
  (times the saturation s = 1/(1 + y))   s ln r + (1 - s)(r - 1) = push,   by one Newton step in ln r; since neither
  term falls while the current grows, r is at most 1 + push/(1 - s). The filters enter with their mean over the step (Simpson's rule). `h` is dt, less
  what is left of the refractory period, plus what a spike in the last step left over. The equation never undershoots
  the floor I_0; the limiter only catches steps far larger than the time constant. A noise term (``xi``) moves ln Imem
  by a normal number, half of the variance before and half after the step, so that the variance is of second order in
  dt, too; then there is no limiter: noise goes below the floor.

*Slow factors*, dimensionless, with a companion ``<name>_limit``: dX/dt = X f, f without X. X is multiplied by
  exp(dt f), with the means of the filters over the step, and kept between 1/limit and limit; the membrane sees it
  as it is in the middle of the step.

What does not change during a run is computed once at its start (`folded`). Loops over neurons have no branch and no
call of a library (`inline`), so that a compiler makes vector instructions of them.

The derivatives come from the equations by SymPy: to change a circuit, change its equation file. The gain of a DPI is
the parameter whose name begins with ``I_gain``.
"""

from __future__ import annotations

from dataclasses import dataclass

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
FLOORS = ("lines", "exact")
# Where the two chords of the inflow begin and end, and where the level is, in units of I_0: the largest error of a
# decaying current is least there for kappa = 0.62 to 0.78 (tests/dpi/test_closed_forms.py).
_NEAR, _FAR, _LEVEL_AT = (1.0, 1.5), (2.5, 8.0), 60.0
_DT, _XI = sympy.Symbol("dt", real=True), sympy.Symbol("xi", real=True)


@dataclass(frozen=True)
class Folded:
    """A constant of a run.

    Attributes
    ----------
    expression : str
        What it is computed from.
    shared : bool
        One for all neurons.
    """

    expression: str
    shared: bool = False

    @property
    def flags(self) -> str:
        """Of the parameter that holds it."""
        return "shared, constant" if self.shared else "constant"


class CircuitStep(StateUpdateMethod):
    """State updater for DPI circuits: exact decays, second order for the membrane.

    Use as ``method=circuit_step`` of a `NeuronGroup` whose charges and folded constants are taken care of, as
    those of `Neurons` are; the object has no state.
    """

    def __call__(self, equations, variables=None, method_options=None):
        """Abstract code of one step, after its charges; see `StateUpdateMethod.__call__`.

        Raises
        ------
        UnsupportedEquationsException
            If an equation is not of one of the forms above, or for an unknown floor.
        """
        floor = extract_method_options(method_options, {"floor": FLOORS[0]})["floor"]
        if floor not in FLOORS:
            raise UnsupportedEquationsException(f"floor is {floor!r}; choose one of {', '.join(FLOORS)}")
        system = _System(equations, variables)
        lines, means = [], {}
        for current, one in system.filters.items():
            lines += [*one.step(floor), f"{current.name} = {one.end}"]
            means[current] = one.mean
        for factor in system.slow_factors:
            lines += _slow_factor(factor, system.rates[factor].subs(means))
            means[factor] = _mean(factor)
        for state in system.membranes:
            lines += _membrane(state, system, means)
        return "\n".join(lines)


circuit_step = CircuitStep()


def folded(equations, variables) -> dict[str, Folded]:
    """Constants of a run that a step uses, by name.

    Parameters
    ----------
    equations : Equations
        Of the group.
    variables : dict
        Variables of the group.
    """
    constants = {}
    for one in _System(equations, variables).filters.values():
        constants |= one.folded()
    shared_first = sorted(constants.items(), key=lambda item: not item[1].shared)  # as Brian2 wants them
    return dict(shared_first)


def charges(equations, variables) -> dict[str, str]:
    """Abstract code by which each packet of charge acts, by the name of the packet.

    Parameters
    ----------
    equations : Equations
        Of the group.
    variables : dict
        Variables of the group.
    """
    code = {}
    for one in _System(equations, variables).filters.values():
        if one.packet is not None:
            code.setdefault(one.packet.name, []).append(one.jump())
    return {packet: "\n".join([*lines, f"{packet} = 0"]) for packet, lines in code.items()}


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
    system = _System(equations, variables)
    symbols = {symbol.name: symbol for symbol in system.rates}
    if name in symbols:
        quantity = symbols[name]
    else:
        expression = str_to_sympy(equations[name].expr.code)
        quantity = expression.subs({s: symbols[s.name] for s in expression.free_symbols if s.name in symbols})
    needed = [current for current in system.filters if current in quantity.free_symbols]
    lines = [line for current in needed for line in system.filters[current].step(FLOORS[0])]
    mean = quantity.subs({current: system.filters[current].mean for current in needed})
    return "\n".join([*lines, f"{into} = {sympy_to_str(mean)}"])


class _System:
    """Equations as SymPy, sorted by kind; `rates` has the time derivatives without subexpressions."""

    def __init__(self, equations, variables):
        names = {"dt", "xi"} | equations.names | equations.identifiers
        self._equations = equations
        self.subexpressions = equations.subexpr_names
        self._symbols = symbols = {name: sympy.Symbol(name, real=True) for name in names}
        packets = [
            symbols[name]
            for name, equation in equations.items()
            if equation.type == PARAMETER and equation.dim is coulomb.dim and "constant" not in equation.flags
        ]
        self.rates = {}
        for name, expression in equations.get_substituted_expressions(variables):
            if name in equations.diff_eq_names:
                self.rates[symbols[name]] = self._parsed(expression.code)
        self.slow_factors = [state for state in self.rates if f"{state.name}_limit" in equations.names]
        self.membranes = [state for state in self.rates if f"{state.name}_before" in equations.names]
        self.filters = {
            current: _Filter(current, rate, [packet for packet in packets if packet in rate.free_symbols])
            for current, rate in self.rates.items()
            if current not in self.slow_factors and current not in self.membranes
        }

    def _parsed(self, code: str):
        expression = str_to_sympy(code)
        symbols = {s: self._symbols[s.name] for s in expression.free_symbols if s.name in self._symbols}
        return expression.subs(symbols)

    def expression(self, name: str):
        """Right-hand side of an equation as it is written, with its subexpressions by name."""
        return self._parsed(self._equations[name].expr.code)


def _mean(current: sympy.Symbol) -> sympy.Symbol:
    return sympy.Symbol(f"_{current.name}_mean", real=True)


def _growth(current: sympy.Symbol, rate: sympy.Expr) -> sympy.Expr:
    """f of dI/dt = I f, in which I_gain and I_0 can be read off."""
    return rate / current  # no expand: it would multiply the denominators out


def _floor(current: sympy.Symbol, growth: sympy.Expr) -> tuple[sympy.Expr, sympy.Pow] | None:
    """I_0 of the term (I_0/I)^(1/kappa), and that term; None if there is no such term."""
    for power in growth.atoms(sympy.Pow):
        if power.base.has(current) and current not in (power.base * current).free_symbols:
            if not power.exp.is_number:
                return power.base * current, power
    return None


class _Filter:
    """A DPI whose input comes in packets of charge, or which has none between spikes."""

    def __init__(self, current, rate, driving):
        refuse = UnsupportedEquationsException(f"the equation of {current} is not that of a DPI: see numerics.py")
        growth = _growth(current, rate)
        floor_term = _floor(current, growth)
        if len(driving) > 1 or floor_term is None:
            raise refuse
        self.floor, power = floor_term
        self.inverse_kappa = power.exp
        decay = growth.subs({packet: 0 for packet in driving})
        self.speed = sympy.simplify(-decay.subs(power, 0))  # 1/tau
        if current in self.speed.free_symbols or sympy.simplify(decay + self.speed * (1 - power)) != 0:
            raise refuse
        self.name, self.mean, self.end = current.name, _mean(current), f"_{current.name}_end"
        self.decay, self.mean_decay = f"decay_{self.name}", f"mean_decay_{self.name}"
        self.packet = driving[0] if driving else None
        if self.packet is not None:
            self.gain, saturation = _gain(current, growth)
            if self.gain is None:
                raise refuse
            self.jump_size = sympy.simplify(growth.diff(self.packet) / saturation * self.packet * _DT)
            if current in self.jump_size.free_symbols:
                raise refuse

    def folded(self) -> dict[str, Folded]:
        def inflow(at):
            return f"{at}**(1 - ({sympy_to_str(self.inverse_kappa)}))"

        def slope(chord):
            return f"({inflow(chord[0])} - {inflow(chord[1])})/{chord[1] - chord[0]}"

        steps_per_tau = f"(dt*({sympy_to_str(self.speed)}))"
        return {
            self.decay: Folded(f"exp(-{steps_per_tau})"),
            self.mean_decay: Folded(f"(1 - exp(-{steps_per_tau}))/{steps_per_tau}"),
            "inflow_near_slope": Folded(slope(_NEAR), shared=True),
            "inflow_far_slope": Folded(slope(_FAR), shared=True),
            "inflow_far": Folded(f"{inflow(_FAR[0])} + {_FAR[0]}*{slope(_FAR)}", shared=True),
            "inflow_level": Folded(inflow(_LEVEL_AT), shared=True),
        }

    def jump(self) -> str:
        return f"{self.name} = dpi_jump({self.name}, {sympy_to_str(self.gain)}, {sympy_to_str(self.jump_size)})"

    def step(self, floor: str) -> list[str]:
        """Code up to the current at the end of the step and its mean."""
        name, bottom = self.name, sympy_to_str(self.floor)
        if floor == "exact":
            inverse, kappa = sympy_to_str(self.inverse_kappa), sympy_to_str(1 / self.inverse_kappa)
            over = f"(({name}/({bottom}))**({inverse}) - 1)"
            return [
                f"{self.end} = ({bottom})*(1 + {over}*{self.decay}**({inverse}))**({kappa})",
                f"{self.mean} = ({name} + 4*sqrt({name}*{self.end}) + {self.end})*{1 / 6!r}",
            ]
        inflow, above = f"_{name}_inflow", f"_{name}_above"
        return [
            f"{inflow} = larger({bottom} + inflow_near_slope*({bottom} - {name}), inflow_level*({bottom}))",
            f"{inflow} = larger({inflow}, inflow_far*({bottom}) - inflow_far_slope*{name})",
            f"{above} = {name} - {inflow}",
            f"{self.end} = {inflow} + {above}*{self.decay}",
            f"{self.mean} = {inflow} + {above}*{self.mean_decay}",
        ]


def _gain(current: sympy.Symbol, growth: sympy.Expr) -> tuple[sympy.Expr | None, sympy.Expr]:
    """I_gain of the factor 1/(1 + I/I_gain), and that factor; None if there is no such factor."""
    for power in growth.atoms(sympy.Pow):
        slope = power.base.diff(current)
        of_the_gain = any(symbol.name.startswith("I_gain") for symbol in slope.free_symbols)
        if power.exp == -1 and of_the_gain and current not in slope.free_symbols:
            if sympy.simplify(power.base - slope * current - 1) == 0:
                return 1 / slope, power
    return None, sympy.Integer(1)


def _slow_factor(factor, rate) -> list[str]:
    growth = _growth(factor, rate)
    if factor in growth.free_symbols:
        raise UnsupportedEquationsException(f"the equation of {factor} is not that of a slow factor: see numerics.py")
    name, half = factor.name, f"_{factor.name}_half"
    return [
        f"{half} = inline_exp(0.5*dt*({sympy_to_str(growth)}))",
        f"{_mean(factor)} = {name}*{half}",
        f"{name} = limited({_mean(factor)}*{half}, 1/{name}_limit, {name}_limit)",
    ]


def _membrane(current, system, means) -> list[str]:
    name, step = current.name, "t_step"
    rate = system.rates[current]
    noise = (rate.diff(_XI) / current).subs(means)
    floor_term = _floor(current, _growth(current, rate.subs(_XI, 0)))
    chain = _Chain(current, system, means)
    gain, saturation = _gain(current, _growth(current, rate.subs(_XI, 0)))
    if gain is None:
        raise UnsupportedEquationsException(f"the equation of {name} has no factor 1/(1 + {name}/I_gain)")
    gain = gain.subs(means)
    written = system.expression(name).subs(_XI, 0)
    speed, slope = chain.value_and_slope(_growth(current, written))
    shared, (speed, slope) = sympy.cse([speed, slope], sympy.numbered_symbols(f"_{name}_term", real=True))
    free, _ = chain.value_and_slope(saturation)
    curving, size = f"_{name}_curving", f"abs(_{name}_curving)"
    lines = [
        f"{step} = limited(dt - {REFRACTORY_CLOCK}, 0, 2*dt)",
        f"{name}_before = {name}",
        *chain.lines,
        *(f"{symbol.name} = {sympy_to_str(expression)}" for symbol, expression in shared),
        f"_{name}_speed = {sympy_to_str(speed)}",
        f"_{name}_free = {sympy_to_str(free)}",
        f"_{name}_bound = 1 - _{name}_free",
        f"{curving} = 0.25*{step}*({sympy_to_str(slope)} + _{name}_speed*_{name}_bound)",
        f"_{name}_push = {step}*_{name}_speed*(1 + ({curving} + {size}))/(1 - ({curving} - {size}))",
        f"_{name}_guess = _{name}_push/(1 + 0.5*_{name}_bound*abs(_{name}_push))",
        f"_{name}_factor = inline_exp(_{name}_guess)",
        f"_{name}_missing = (_{name}_push - _{name}_free*_{name}_guess - _{name}_bound*(_{name}_factor - 1))"
        f"/(_{name}_free + _{name}_bound*_{name}_factor)",
    ]
    grown = f"{name}*_{name}_factor*(1 + _{name}_missing*(1 + 0.5*_{name}_missing))"
    most = f"{name} + ({sympy_to_str(gain)} + {name})*rectified(_{name}_push)"
    floor = sympy_to_str(floor_term[0]) if floor_term else "0"
    if noise == 0:
        lines += [f"{name} = limited({grown}, {floor}, {most})"]
    else:
        kick = f"inline_exp(_{name}_noise*randn())"
        amplitude = f"_{name}_noise = sqrt(0.5*{step})*({sympy_to_str(noise)})"
        lines = [
            *lines[:2],
            amplitude,
            f"{name} = {name}*{kick}",
            *lines[2:],
            f"{name} = limited({grown}, 0, {most})*{kick}",
        ]
    return [*lines, f"{REFRACTORY_CLOCK} = larger({REFRACTORY_CLOCK} - dt, 0)"]


class _Chain:
    """Values and their derivatives by u = ln Imem, line by line along the subexpressions of the equations.

    What costs most gets a line of its own: divisions, powers, `rectified` and absolute values.
    """

    def __init__(self, current, system, means):
        self.current, self.system, self.means = current, system, means
        self._lines, self._reciprocals, self._slopes = [], {}, {}
        self._parts, self._subexpressions = {}, {}

    @property
    def lines(self) -> list[str]:
        """The code. Reciprocals come first, all from one division, the slowest operation of a processor."""
        if not self._reciprocals:
            return self._lines
        whole = f"_{self.current.name}_divided"
        denominators = {symbol: f"({sympy_to_str(denominator)})" for symbol, denominator in self._reciprocals.items()}
        first = [f"{whole} = 1/({'*'.join(denominators.values())})"]
        for symbol in denominators:
            others = [denominator for other, denominator in denominators.items() if other != symbol]
            first.append(f"{symbol.name} = {'*'.join([whole, *others])}")
        return [*first, *self._lines]

    def with_names(self, expression):
        """An expression with the values of its subexpressions, and the means of its filters."""
        for symbol in sorted(expression.free_symbols, key=str):
            if symbol.name in self.system.subexpressions:
                expression = expression.subs(symbol, self._subexpression(symbol))
        return expression.subs(self.means)

    def value_and_slope(self, expression):
        """An expression with names for its parts, and its derivative."""
        expression = self.with_names(expression).replace(
            lambda part: part.is_Pow and part.exp == -1 and part.base.is_Add,
            lambda part: 1 / sympy.together(part.base),  # b/(a + b) for 1/(1 + a/b)
        )
        while parts := [part for part in expression.atoms(sympy.Function, sympy.Pow) if self._is_part(part)]:
            part = min(parts, key=lambda one: (one.count_ops(), str(one)))  # innermost first, always in one order
            if part not in self._parts:
                self._parts[part] = self._part(part)
            expression = expression.subs(part, self._parts[part])
        return expression, self._slope(expression)

    def _slope(self, expression):
        chained = [expression.diff(symbol) * slope for symbol, slope in self._slopes.items()]
        return expression.diff(self.current) * self.current + sum(chained)

    def _line(self, name, value, slope):
        """Write a value, and its slope if it has one; the symbol of the value."""
        symbol = sympy.Symbol(f"_{name}", real=True)
        if value is not None:
            self._lines.append(f"{symbol.name} = {value if isinstance(value, str) else sympy_to_str(value)}")
        if slope != 0:
            self._slopes[symbol] = sympy.Symbol(f"_{name}_slope", real=True)
            self._lines.append(f"_{name}_slope = {slope if isinstance(slope, str) else sympy_to_str(slope)}")
        return symbol

    def _subexpression(self, symbol):
        if symbol not in self._subexpressions:
            value, slope = self.value_and_slope(self.system.expression(symbol.name))
            self._subexpressions[symbol] = self._line(f"{symbol.name}_now", value, slope)
        return self._subexpressions[symbol]

    def _is_part(self, part) -> bool:
        if not part.is_Pow:
            return True
        if part.exp == -1 and part.base.is_Add:
            return bool({self.current, *self._slopes, *self.means.values()} & part.free_symbols)
        return not part.exp.is_number and self.current in part.free_symbols

    def _part(self, part):
        name = f"{self.current.name}_part{len(self._lines) + len(self._reciprocals)}"
        if part.is_Pow and part.exp == -1:
            reciprocal = sympy.Symbol(f"_{name}", real=True)
            at_once = all(symbol.name[0] != "_" or symbol in self.means.values() for symbol in part.free_symbols)
            if at_once:
                self._reciprocals[reciprocal] = part.base
            return self._line(name, None if at_once else part, -(reciprocal**2) * self._slope(part.base))
        if part.is_Pow:
            rest, of_current = part.base.as_independent(self.current)
            sign = {self.current: 1, 1 / self.current: -1}.get(of_current)
            if sign is None:
                raise UnsupportedEquationsException(f"{part} is not a power of {self.current}")
            power = sympy.Symbol(f"_{name}", real=True)
            of_rest, of_current = sympy_to_str(rest**part.exp), sympy_to_str(sign * part.exp)
            value = f"({of_rest})*inline_power({self.current.name}, {of_current})"
            return self._line(name, value, sign * part.exp * power)
        argument = part.args[0]
        slope, text = self._slope(argument), sympy_to_str(argument)
        if slope != 0 and part.func.__name__ == "rectified":
            slope = f"where_positive({text}, {sympy_to_str(slope)})"
        elif slope != 0 and isinstance(part, sympy.Abs):
            slope = f"sign({text})*({sympy_to_str(slope)})"
        elif slope != 0:
            raise UnsupportedEquationsException(f"the derivative of {part} is not known: see numerics.py")
        return self._line(name, sympy_to_str(part), slope)

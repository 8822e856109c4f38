"""The integration method of the circuits, as a Brian2 state updater.

The equation files say what is integrated; how is said here, and only here. Four kinds of equation are told apart:

*Packets of charge*, parameters in coulomb that an equation divides by dt: exact jumps (`dpi.dpi_jump`) at the start of
  the step, for the neurons that got one (`charges`, run by `steps.ChargeSteps`).

*Filters* (dendrites, adaptation, calcium): between packets dI/dt = -(I/tau) (1 - (I_0/I)^(1/kappa)), that is

      dI/dt = -(I - inflow)/tau,     inflow = I_0 (I/I_0)^(1 - 1/kappa),

  a decay towards an inflow that keeps the current above its floor I_0. With ``floor="ratio"``, the default, a ratio of
  polynomials stands for the power (`inflow`), taken at about the middle of the step. The decay is one factor a step
  then, and the current that of the equation within 1e-4 for a step of 10 us, within 3 % for a quarter of tau, and
  far closer above 100 I_0, where the floor is nothing. With ``method_options={"floor": "exact"}`` it is the
  closed form

      (I/I_0)^(1/kappa) - 1   falls by   exp(-dt/(kappa tau)),

  without any error at any dt; this takes two powers a filter and step.

*The membrane*, which is the current that has a companion ``<name>_before``: integrated in w = ln y + y,
  y = Imem/I_gain, in which the input acts linearly, dw/dt = F(w), by one linearly implicit step (Rosenbrock 1963,
  doi:10.1093/comjnl/5.4.329; gamma = 1/2)

      w grows by   h F / (1 - h F'/2)   where F' < 0,   h F (1 + h F'/2)   where F' > 0,

  of second order, and stable at any dt. The factor r of Imem follows from ln r + y (r - 1) = growth of w, that is
  (times the saturation s = 1/(1 + y))   s ln r + (1 - s)(r - 1) = push,   by one Newton step in ln r; since neither
  term falls while the current grows, r is at most 1 + push/(1 - s). The filters enter with their mean over the step.
  `h` is dt, less what is left of the refractory period, plus what a spike in the last step left over. The equation
  never undershoots the floor I_0; the limiter only catches steps far larger than the time constant. A noise term
  (``xi``) moves ln Imem by a normal number, half of the variance before and half after the step, so that the variance
  is of second order in dt, too; then there is no limiter: noise goes below the floor.

*Slow factors*, dimensionless, with a companion ``<name>_limit``: dX/dt = X f, f without X. X is multiplied by
  exp(dt f), with the means of the filters over the step, and kept between 1/limit and limit; the membrane sees it
  as it is in the middle of the step.

What does not change during a run is computed once at its start (`folded`). Loops over neurons have no branch and no
call of a library (`inline`), so that a compiler makes vector instructions of them. The code of the membrane's step is
written by `membrane`.

The derivatives come from the equations by SymPy: to change a circuit, change its equation file. The gain of a DPI is
the parameter whose name begins with ``I_gain``.
"""

from __future__ import annotations

import sympy
from brian2.equations.equations import PARAMETER, Equations
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str
from brian2.stateupdaters.base import (
    StateUpdateMethod,
    UnsupportedEquationsException,
    extract_method_options,
)
from brian2.units import coulomb

from .inflow import COEFFICIENTS, DEGREE
from .membrane import floor_term_of, gain_term_of, growth_of, membrane_step, reciprocals

FLOORS = ("ratio", "exact")
_DT = sympy.Symbol("dt", real=True)
_systems: dict[str, System] = {}


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
        system = system_of(equations)
        lines = _filter_steps(list(system.filters.values()), floor)
        lines += [f"{current.name} = {one.end}" for current, one in system.filters.items()]
        means = {current: one.mean for current, one in system.filters.items()}
        for factor in system.slow_factors:
            lines += _slow_factor(factor, system.rates[factor].subs(means))
            means[factor] = _mean(factor)
        for state in system.membranes:
            lines += membrane_step(state, system, means)
        return "\n".join(lines)


circuit_step = CircuitStep()


def folded(equations) -> dict[str, str]:
    """Constants of a run that a step uses: expressions of the parameters, by name.

    Parameters
    ----------
    equations : Equations
        Of the group.
    """
    constants = {}
    for one in system_of(equations).filters.values():
        constants |= one.folded()
    return constants


def declarations(equations) -> Equations:
    """Parameters that hold the constants of a run.

    Parameters
    ----------
    equations : Equations
        All that the group may ever have.
    """
    constants = [f"{name} : 1 (constant)" for name in folded(equations)]
    return Equations("\n".join([*constants, *(f"{name} : 1 (shared, constant)" for name in COEFFICIENTS)]))


def charges(equations) -> dict[str, str]:
    """Abstract code by which each packet of charge acts, by the name of the packet.

    Parameters
    ----------
    equations : Equations
        Of the group.
    """
    code = {}
    for one in system_of(equations).filters.values():
        if one.packet is not None:
            code.setdefault(one.packet.name, []).append(one.jump())
    return {packet: "\n".join([*lines, f"{packet} = 0"]) for packet, lines in code.items()}


def mean_over_next_step(equations, name: str, into: str) -> str:
    """Abstract code that looks ahead: the mean of a quantity over the coming step, without changing any state.

    Parameters
    ----------
    equations : Equations
        Of the group.
    name : str
        A filter's current, or a subexpression of such currents.
    into : str
        Variable that takes the mean.
    """
    system = system_of(equations)
    symbols = {symbol.name: symbol for symbol in system.rates}
    if name in symbols:
        quantity = symbols[name]
    else:
        expression = str_to_sympy(equations[name].expr.code)
        quantity = expression.subs({s: symbols[s.name] for s in expression.free_symbols if s.name in symbols})
    needed = [current for current in system.filters if current in quantity.free_symbols]
    lines = _filter_steps([system.filters[current] for current in needed], FLOORS[0])
    mean = quantity.subs({current: system.filters[current].mean for current in needed})
    return "\n".join([*lines, f"{into} = {sympy_to_str(mean)}"])


def system_of(equations: Equations) -> System:
    """The system of equations; what SymPy finds out about them, in some tenths of a second, is kept."""
    text = "\n".join(str(equation) for equation in equations.ordered)
    if text not in _systems:
        _systems[text] = System(equations)
    return _systems[text]


class System:
    """Equations as SymPy, sorted by kind; `rates` has the time derivatives without subexpressions."""

    def __init__(self, equations):
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
        for name, expression in equations.get_substituted_expressions():
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


class _Filter:
    """A DPI whose input comes in packets of charge, or which has none between spikes."""

    def __init__(self, current, rate, driving):
        refuse = UnsupportedEquationsException(f"the equation of {current} is not that of a DPI: see numerics.py")
        growth = growth_of(current, rate)
        floor_term = floor_term_of(current, growth)
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
            self.gain, saturation = gain_term_of(current, growth)
            if self.gain is None:
                raise refuse
            self.jump_size = sympy.simplify(growth.diff(self.packet) / saturation * self.packet * _DT)
            if current in self.jump_size.free_symbols:
                raise refuse

    def folded(self) -> dict[str, str]:
        steps_per_tau = f"(dt*({sympy_to_str(self.speed)}))"
        return {
            self.decay: f"exp(-{steps_per_tau})",
            self.mean_decay: f"(1 - exp(-{steps_per_tau}))/{steps_per_tau}",
        }

    def jump(self) -> str:
        return f"{self.name} = dpi_jump({self.name}, {sympy_to_str(self.gain)}, {sympy_to_str(self.jump_size)})"

    def exact_step(self) -> list[str]:
        """Code up to the current at the end of the step and its mean, by the closed form."""
        name, bottom = self.name, sympy_to_str(self.floor)
        inverse, kappa = sympy_to_str(self.inverse_kappa), sympy_to_str(1 / self.inverse_kappa)
        over = f"(({name}/({bottom}))**({inverse}) - 1)"
        return [
            f"{self.end} = ({bottom})*(1 + {over}*{self.decay}**({inverse}))**({kappa})",
            f"{self.mean} = ({name} + 4*sqrt({name}*{self.end}) + {self.end})*{1 / 6!r}",
        ]

    def ratio_step(self) -> tuple[list[str], str, list[str]]:
        """The same with the inflow as a ratio: code before its division, the denominator, code after it."""
        name, bottom, over = self.name, sympy_to_str(self.floor), f"_{self.name}_over"
        inflow, above = f"_{name}_inflow", f"_{name}_above"
        # About the middle of the step; limited, so that the product of all denominators stays a number.
        before = [f"{over} = limited(({name}/({bottom}) - 1)*(0.5 + 0.5*{self.decay}), 0, 1e9)"]
        after = [
            f"{inflow} = ({bottom})*({_polynomial('a', over)})*{self.reciprocal}",
            f"{above} = {name} - {inflow}",
            f"{self.end} = {inflow} + {above}*{self.decay}",
            f"{self.mean} = {inflow} + {above}*{self.mean_decay}",
        ]
        return before, _polynomial("b", over), after

    @property
    def reciprocal(self) -> str:
        return f"_{self.name}_reciprocal"


def _polynomial(side: str, variable: str) -> str:
    """1 + c1 z + c2 z^2 + ... by Horner's rule, with the coefficients of one side of the ratio."""
    text = f"inflow_{side}{DEGREE}"
    for k in range(DEGREE - 1, 0, -1):
        text = f"inflow_{side}{k} + {variable}*({text})"
    return f"1 + {variable}*({text})"


def _filter_steps(filters, floor: str) -> list[str]:
    """Code of filters up to their currents at the end of the step and their means."""
    if floor == "exact":
        return [line for one in filters for line in one.exact_step()]
    steps = [one.ratio_step() for one in filters]
    divided = reciprocals({one.reciprocal: step[1] for one, step in zip(filters, steps, strict=True)}, "_filters")
    return [*(line for step in steps for line in step[0]), *divided, *(line for step in steps for line in step[2])]


def _slow_factor(factor, rate) -> list[str]:
    growth = growth_of(factor, rate)
    if factor in growth.free_symbols:
        raise UnsupportedEquationsException(f"the equation of {factor} is not that of a slow factor: see numerics.py")
    name, half = factor.name, f"_{factor.name}_half"
    return [
        f"{half} = inline_exp(0.5*dt*({sympy_to_str(growth)}))",
        f"{_mean(factor)} = {name}*{half}",
        f"{name} = limited({_mean(factor)}*{half}, 1/{name}_limit, {name}_limit)",
    ]

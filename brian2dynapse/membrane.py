"""The step of the membrane: code from its equations; what it computes is told in numerics.py."""

from __future__ import annotations

import sympy
from brian2.parsing.sympytools import sympy_to_str
from brian2.stateupdaters.base import UnsupportedEquationsException

REFRACTORY_CLOCK = "refractory_left"  # time until the membrane is free; negative right after a short period
XI = sympy.Symbol("xi", real=True)  # white noise


def growth_of(current: sympy.Symbol, rate: sympy.Expr) -> sympy.Expr:
    """f of dI/dt = I f, in which I_gain and I_0 can be read off."""
    return rate / current  # no expand: it would multiply the denominators out


def floor_term_of(current: sympy.Symbol, growth: sympy.Expr) -> tuple[sympy.Expr, sympy.Pow] | None:
    """I_0 of the term (I_0/I)^(1/kappa), and that term; None if there is no such term."""
    for power in growth.atoms(sympy.Pow):
        if power.base.has(current) and current not in (power.base * current).free_symbols:
            if not power.exp.is_number:
                return power.base * current, power
    return None


def gain_term_of(current: sympy.Symbol, growth: sympy.Expr) -> tuple[sympy.Expr | None, sympy.Expr]:
    """I_gain of the factor 1/(1 + I/I_gain), and that factor; None if there is no such factor."""
    for power in growth.atoms(sympy.Pow):
        slope = power.base.diff(current)
        of_the_gain = any(symbol.name.startswith("I_gain") for symbol in slope.free_symbols)
        if power.exp == -1 and of_the_gain and current not in slope.free_symbols:
            if sympy.simplify(power.base - slope * current - 1) == 0:
                return 1 / slope, power
    return None, sympy.Integer(1)


def reciprocals(denominators: dict[str, str], prefix: str) -> list[str]:
    """Code for reciprocals from a single division, the slowest operation of a processor.

    Parameters
    ----------
    denominators : dict
        Expression of each denominator, by the name of its reciprocal. Their product is far from the limits of a float.
    prefix : str
        Of names for what is in between.
    """
    if not denominators:
        return []
    names = list(denominators)
    lines = [f"{prefix}_denominator{k} = {one}" for k, one in enumerate(denominators.values())]
    product, products = f"{prefix}_denominator0", [f"{prefix}_denominator0"]
    for k in range(1, len(names)):
        lines.append(f"{prefix}_product{k} = {product}*{prefix}_denominator{k}")
        product = f"{prefix}_product{k}"
        products.append(product)
    rest = f"{prefix}_divided{len(names) - 1}"
    lines.append(f"{rest} = 1/{product}")
    for k in range(len(names) - 1, 0, -1):
        lines.append(f"{names[k]} = {rest}*{products[k - 1]}")
        lines.append(f"{prefix}_divided{k - 1} = {rest}*{prefix}_denominator{k}")
        rest = f"{prefix}_divided{k - 1}"
    return [*lines, f"{names[0]} = {rest}"]


def membrane_step(current, system, means) -> list[str]:
    """Code of one step.

    Parameters
    ----------
    current : sympy.Symbol
        The membrane current.
    system : numerics.System
        The equations.
    means : dict
        Filters and slow factors, each with the symbol of its mean over the step.

    Returns
    -------
    list of str
        Lines of abstract code.

    Raises
    ------
    UnsupportedEquationsException
        If the input is not saturated by 1/(1 + Imem/I_gain), or for a function whose derivative is not known.
    """
    name, step = current.name, "t_step"
    rate = system.rates[current]
    noise = (rate.diff(XI) / current).subs(means)
    floor_term = floor_term_of(current, growth_of(current, rate.subs(XI, 0)))
    chain = Chain(current, system, means)
    gain, saturation = gain_term_of(current, growth_of(current, rate.subs(XI, 0)))
    if gain is None:
        raise UnsupportedEquationsException(f"the equation of {name} has no factor 1/(1 + {name}/I_gain)")
    gain = gain.subs(means)
    written = system.expression(name).subs(XI, 0)
    speed, slope = chain.value_and_slope(growth_of(current, written))
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


class Chain:
    """Values and their derivatives by u = ln Imem, line by line along the subexpressions of the equations.

    What costs most gets a line of its own: divisions, powers, `rectified` and absolute values.
    """

    def __init__(self, current, system, means):
        self.current, self.system, self.means = current, system, means
        self._lines, self._reciprocals, self._slopes = [], {}, {}
        self._parts, self._subexpressions = {}, {}

    @property
    def lines(self) -> list[str]:
        """The code."""
        denominators = {symbol.name: sympy_to_str(one) for symbol, one in self._reciprocals.items()}
        return [*reciprocals(denominators, f"_{self.current.name}"), *self._lines]

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

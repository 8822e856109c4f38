"""Codes in scripts of the labs: the lines that set them, found without running the script. No Brian2.

    set_parameter(config.chips[0].cores[1].parameters, "SOIF_LEAK_N", 2, 5)
    config.chips[0].cores[1].parameters["SOIF_LEAK_N"].coarse_value = 2

The script is read as a tree (`ast`); nothing of it is executed. What is needed to know which bias gets which code is
followed: names that stand for numbers, texts, lists or parts of the configuration, ``for`` over what is known, calls of
functions that the script defines. Whatever else a script does is passed over.
"""

from __future__ import annotations

import ast
import itertools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .errors import ExchangeError

SETTER, HALVES = "set_parameter", ("coarse_value", "fine_value")
_DEEPEST = 20  # calls of functions within functions
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}
_CALLS = {
    "range": range,
    "list": list,
    "tuple": tuple,
    "enumerate": enumerate,
    "zip": zip,
    "len": len,
    "reversed": reversed,
}


@dataclass(frozen=True)
class Setting:
    """One line that sets a code, or half of one.

    Attributes
    ----------
    line : int
        In the script.
    owner : tuple
        What it is set of: names and numbers, ``("config", "chips", 0, "cores", 1, "parameters")``.
    bias : object
        Name, as the script has it.
    coarse, fine : object
        As the script has them; None if the line does not set it.
    """

    line: int
    owner: tuple
    bias: object
    coarse: object = None
    fine: object = None


@dataclass(frozen=True)
class Part:
    """A part of a configuration, by its path; or a name that nobody knows, if it has one entry."""

    path: tuple

    def __str__(self) -> str:
        text = ""
        for one in self.path:
            text += (
                f"[{one!r}]" if isinstance(one, int) or text.endswith("parameters") else f".{one}" if text else str(one)
            )
        return text


class _Unknown:
    """A value that a reader cannot know."""

    def __init__(self, node: ast.AST):
        self.text = ast.unparse(node)

    def __str__(self) -> str:
        return self.text


class _NotSaid(Exception):
    """A line whose setting hangs on what is not known."""


def settings(text: str, variables: Mapping | None = None, name: str = "script") -> list[Setting]:
    """All settings of codes, in the order in which the script makes them.

    Parameters
    ----------
    text : str
        Python.
    variables : mapping of str to object, optional
        What names stand for that the script does not say itself: arguments of functions that it does not call.
    name : str
        Of the script, for messages.

    Returns
    -------
    list of Setting
        Functions that nobody calls in the script are read once, after the rest.

    Raises
    ------
    ExchangeError
        For what is not Python, and settings that hang on what is not known, all with their lines.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise ExchangeError(f"line {error.lineno}: is not Python: {error.msg}", name) from None
    reader = _Reader(dict(variables or {}))
    reader.read(tree)
    if reader.errors:
        raise ExchangeError(list(dict.fromkeys(reader.errors)), name)
    return reader.found


def _setters(node: ast.AST) -> list[ast.AST]:
    """The places in a part of the script that set codes."""
    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call) and _called(one) == SETTER]
    stores = [one for one in ast.walk(node) if isinstance(one, ast.Attribute) and one.attr in HALVES]
    return calls + [one for one in stores if isinstance(one.ctx, ast.Store)]


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


class _Reader:
    """Goes through a script."""

    def __init__(self, variables: dict):
        self.variables = variables
        self.found, self.errors = [], []
        self.functions, self.entered, self.depth = {}, set(), 0
        self.setting = set()  # names of functions that set codes, themselves or through others
        self.considered = set()  # places that set codes, and were read

    def read(self, tree: ast.Module) -> None:
        everywhere = [one for one in ast.walk(tree) if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))]
        self.functions = {one.name: one for one in everywhere if one.name != SETTER}
        while more := {name for name, one in self.functions.items() if self.sets(one)} - self.setting:
            self.setting |= more
        known = {"__name__": "__main__"} | self.variables
        self.block(tree.body, known)
        called = {_called(one) for one in ast.walk(tree) if isinstance(one, ast.Call)}
        for uncalled in (True, False):  # first those that call others
            for name, function in self.functions.items():
                if name not in self.entered and (name not in called or not uncalled):
                    self.enter(function, {}, known)
        for one in _setters(tree):
            if id(one) not in self.considered and not self.errors:
                self.errors.append(f"line {one.lineno}: sets codes within an expression; write a line of its own")

    def sets(self, node: ast.AST) -> bool:
        """Whether a part of the script sets codes, itself or by functions that it calls."""
        calls = {_called(one) for one in ast.walk(node) if isinstance(one, ast.Call)}
        return bool(_setters(node)) or bool(calls & self.setting)

    def consider(self, *nodes: ast.AST) -> None:
        """Note that places that set codes were read, though they may set nothing."""
        self.considered |= {id(one) for node in nodes for one in _setters(node)}

    def enter(self, function, given: dict, outside: dict) -> None:
        """The body of a function, with what is known of its arguments."""
        self.entered.add(function.name)
        if self.depth >= _DEEPEST:
            raise _NotSaid(f"{function.name} calls itself; a reader does not follow that")
        arguments = function.args
        names = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        inside = {name: value for name, value in outside.items() if name not in names}
        positional = names[: len(arguments.posonlyargs) + len(arguments.args)]
        defaults = dict(zip(positional[::-1], arguments.defaults[::-1], strict=False))
        defaults |= dict(zip([one.arg for one in arguments.kwonlyargs], arguments.kw_defaults, strict=True))
        inside |= {name: self.value(node, outside) for name, node in defaults.items() if node is not None}
        inside |= {name: value for name, value in self.variables.items() if name in names}
        inside |= {name: Part((name,)) if isinstance(value, _Unknown) else value for name, value in given.items()}
        self.depth += 1
        self.block(function.body, inside)
        self.depth -= 1

    # -- statements ----------------------------------------------------------------------------------

    def block(self, body: list, known: dict) -> None:
        for one in body:
            try:
                self.statement(one, known)
            except _NotSaid as error:
                self.errors.append(f"line {one.lineno}: {error}")

    def statement(self, one: ast.stmt, known: dict) -> None:
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call):
            self.call(one.value, known)
        elif isinstance(one, (ast.Assign, ast.AnnAssign)) and one.value is not None:
            if isinstance(one.value, ast.Call):
                self.call(one.value, known)
            value = self.value(one.value, known)
            for target in one.targets if isinstance(one, ast.Assign) else [one.target]:
                self.assign(target, value, known, one.lineno)
        elif isinstance(one, ast.AugAssign):
            self.add(one, known)
        elif isinstance(one, (ast.For, ast.AsyncFor)):
            self.loop(one, known)
        elif isinstance(one, ast.If):
            self.branch(one, known)
        elif isinstance(one, (ast.With, ast.AsyncWith, ast.ClassDef)):
            self.block([part for part in one.body if not isinstance(part, ast.FunctionDef)], known)
        elif isinstance(one, ast.Try):
            for handler in one.handlers:
                self.refuse(handler, known, "in an except clause: whether it runs is not known")
            self.block([*one.body, *one.orelse, *one.finalbody], known)
        elif isinstance(one, (ast.While, ast.Match)):
            self.refuse(one, known, "in a while or match statement: whether it runs is not known")

    def refuse(self, node: ast.AST, known: dict, why: str) -> None:
        """Pass over a part that may run or not; what it assigns is not known any more."""
        if self.sets(node):
            self.consider(node)
            raise _NotSaid(f"sets codes {why}; or write these lines out")
        for one in ast.walk(node):
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
                known[one.id] = Part((one.id,))

    def loop(self, one, known: dict) -> None:
        over = self.value(one.iter, known)
        if isinstance(over, (Part, _Unknown, int)):
            self.refuse(one, known, f"in a loop over {over}, which is not known here; give it, variables={{...}}")
            return
        self.consider(*one.body)
        for value in over:
            self.assign(one.target, value, known, one.lineno)
            self.block(one.body, known)
        self.block(one.orelse, known)

    def branch(self, one: ast.If, known: dict) -> None:
        test = self.value(one.test, known)
        if isinstance(test, (Part, _Unknown)):
            self.refuse(one, known, f"if {ast.unparse(one.test)}, which is not known here; give it, variables={{...}}")
            return
        taken, other = (one.body, one.orelse) if test else (one.orelse, one.body)
        self.consider(*other)
        self.block(taken, known)

    def add(self, one: ast.AugAssign, known: dict) -> None:
        if isinstance(one.target, ast.Attribute) and one.target.attr in HALVES:
            raise _NotSaid(f"changes {one.target.attr} by an operation; assign the code")
        if isinstance(one.target, ast.Name):
            before, by = known.get(one.target.id), self.value(one.value, known)
            able = isinstance(before, int) and isinstance(by, int) and type(one.op) in _OPERATORS
            known[one.target.id] = _OPERATORS[type(one.op)](before, by) if able else _Unknown(one)

    def assign(self, target: ast.expr, value, known: dict, line: int) -> None:
        if isinstance(target, ast.Name):
            known[target.id] = Part((target.id,)) if isinstance(value, _Unknown) else value
        elif isinstance(target, (ast.Tuple, ast.List)):
            several = isinstance(value, (tuple, list)) and len(value) == len(target.elts)
            for k, one in enumerate(target.elts):
                self.assign(one, value[k] if several else _Unknown(target), known, line)
        elif isinstance(target, ast.Attribute) and target.attr in HALVES:
            self.considered.add(id(target))
            owner = self.value(target.value, known)
            if not isinstance(owner, Part) or len(owner.path) < 2:
                raise _NotSaid(_unclear(owner))
            self.set(Setting(line, owner.path[:-1], owner.path[-1], **{target.attr.removesuffix("_value"): value}))

    def call(self, call: ast.Call, known: dict) -> None:
        name = _called(call)
        if name == SETTER:
            self.considered.add(id(call))
            given = [self.value(one, known) for one in call.args]
            named = {one.arg: self.value(one.value, known) for one in call.keywords}
            order = ("parameters", "name", "coarse", "fine")
            values = dict(zip(order, given, strict=False))
            values |= {key.removesuffix("_value"): one for key, one in named.items() if key}
            if len(given) > 4 or set(values) != set(order):
                raise _NotSaid(f"{ast.unparse(call)}: is not {SETTER}(parameters, name, coarse, fine)")
            owner = values["parameters"]
            if not isinstance(owner, Part):
                raise _NotSaid(_unclear(owner))
            self.set(Setting(call.lineno, owner.path, values["name"], values["coarse"], values["fine"]))
        elif name in self.functions:
            function = self.functions[name]
            names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
            names = names[1:] if names[:1] == ["self"] else names
            given = dict(zip(names, [self.value(one, known) for one in call.args], strict=False))
            given |= {one.arg: self.value(one.value, known) for one in call.keywords if one.arg}
            self.enter(function, given, known)

    def set(self, one: Setting) -> None:
        for what, value in (
            ("its owner", one.owner),
            ("its name", one.bias),
            ("coarse", one.coarse),
            ("fine", one.fine),
        ):
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, (Part, _Unknown)):
                    raise _NotSaid(f"{what} hangs on {part}, which is not known here; give it, variables={{...}}")
        self.found.append(one)

    # -- values --------------------------------------------------------------------------------------

    def value(self, node: ast.expr, known: dict):
        """What an expression stands for: a number, text, list, a `Part`, or `_Unknown`."""
        kinds: dict[type, Callable] = {
            ast.Constant: lambda: node.value,
            ast.Name: lambda: known.get(node.id, Part((node.id,))),
            ast.Attribute: lambda: self.attribute(self.value(node.value, known), node),
            ast.Subscript: lambda: self.item(self.value(node.value, known), self.value(node.slice, known), node),
            ast.Tuple: lambda: tuple(self.several(node.elts, known)),
            ast.List: lambda: self.several(node.elts, known),
            ast.Dict: lambda: dict(zip(*(self.several(many, known) for many in (node.keys, node.values)), strict=True)),
            ast.BinOp: lambda: _OPERATORS[type(node.op)](self.value(node.left, known), self.value(node.right, known)),
            ast.UnaryOp: lambda: _OPERATORS[type(node.op)](self.certain(node.operand, known)),
            ast.Compare: lambda: self.compare(node, known),
            ast.Call: lambda: self.of_call(node, known),
        }
        try:
            return kinds[type(node)]()
        except (KeyError, TypeError, IndexError, AttributeError, ValueError, ZeroDivisionError):
            return _Unknown(node)

    def several(self, nodes: list, known: dict) -> list:
        return [self.value(one, known) for one in nodes]

    def certain(self, node: ast.expr, known: dict):
        value = self.value(node, known)
        if isinstance(value, (Part, _Unknown)):
            raise TypeError
        return value

    def compare(self, node: ast.Compare, known: dict) -> bool:
        sides = [self.certain(one, known) for one in (node.left, *node.comparators)]
        pairs = itertools.pairwise(sides)
        return all(_OPERATORS[type(op)](*pair) for op, pair in zip(node.ops, pairs, strict=True))

    def of_call(self, node: ast.Call, known: dict):
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("items", "keys", "values"):
            owner = self.certain(node.func.value, known)
            return list(getattr(owner, node.func.attr)()) if isinstance(owner, dict) else _Unknown(node)
        if isinstance(node.func, ast.Name) and not node.keywords and node.func.id not in self.functions:
            made = _CALLS[node.func.id](*(self.certain(one, known) for one in node.args))
            return made if isinstance(made, int) else list(made)
        return _Unknown(node)

    @staticmethod
    def attribute(owner, node: ast.Attribute):
        if isinstance(owner, Part):
            return Part((*owner.path, node.attr))
        if isinstance(owner, int):  # chips by number: variables={"chip": 0}
            return Part(("config", "chips", owner, node.attr))
        if isinstance(owner, tuple) and len(owner) == 2:  # cores by numbers: variables={"core": (0, 1)}
            return Part(("config", "chips", owner[0], "cores", owner[1], node.attr))
        return _Unknown(node)

    @staticmethod
    def item(owner, index, node: ast.Subscript):
        if isinstance(owner, Part):
            return Part((*owner.path, index))
        if isinstance(index, (Part, _Unknown)):
            return _Unknown(node)
        return owner[index]


def _unclear(owner) -> str:
    return f"sets codes of {owner}, which is no part of a configuration here; give it, variables={{...}}"

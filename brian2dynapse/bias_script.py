"""Codes in scripts of the labs: the lines that set them, found without running the script. No Brian2.

    set_parameter(config.chips[0].cores[1].parameters, "SOIF_LEAK_N", 2, 5)
    config.chips[0].cores[1].parameters["SOIF_LEAK_N"].coarse_value = 2

The script is read as a tree (`ast`); nothing of it is executed. What is needed to know which bias gets which code is
followed: names that stand for numbers, texts, lists or parts of the configuration, ``for`` over what is known, calls of
functions that the script defines. Whatever else a script does is passed over.
"""

from __future__ import annotations

import ast
from collections import ChainMap, Counter
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import ExchangeError
from .script_values import CHANGING, FUNCTIONS, Part, Unknown, Values, arguments, called, walk

SETTER, HALVES = "set_parameter", ("coarse_value", "fine_value")
_DEEPEST = 20  # calls of functions within functions
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


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


class _NotSaid(Exception):
    """A line whose setting hangs on what is not known."""


class _Leave(Exception):
    """``return``, ``break``, ``continue`` or the end of the script."""


class _Return(_Leave): ...


class _Break(_Leave): ...


class _Continue(_Leave): ...


class _End(_Leave): ...


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
        tree = ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError) as error:  # ValueError: a zero byte
        line = f"line {error.lineno}: " if getattr(error, "lineno", None) else ""
        raise ExchangeError(f"{line}is not Python: {getattr(error, 'msg', error)}", name) from None
    reader = _Reader(dict(variables or {}))
    reader.read(tree)
    if reader.errors:
        raise ExchangeError(list(dict.fromkeys(reader.errors)), name)
    return reader.found


class _Reader(Values):
    """Goes through a script."""

    def __init__(self, variables: dict):
        super().__init__()
        self.variables = variables
        self.found, self.errors = [], []
        self.entered, self.defined, self.depth = set(), {}, 0
        self.setting = set()  # names of functions that set codes, themselves or through others
        self.ambiguous = set()  # names of several methods
        self.around = []  # functions and loops that are being read, the innermost last
        self.module = ChainMap({"__name__": "__main__"} | variables)

    def read(self, tree: ast.Module) -> None:
        everywhere = [one for one in ast.walk(tree) if isinstance(one, FUNCTIONS)]
        for one in everywhere:
            names = arguments(one)
            if one.name == SETTER and len(names) == 4 and ("fine" in names[2] or "coarse" in names[3]):
                self.errors.append(f"line {one.lineno}: {SETTER} takes the fine code first; write coarse, then fine")
        everywhere = [one for one in everywhere if one.name != SETTER]
        self.functions = {one.name: one for one in everywhere}
        counted = Counter(one.name for one in everywhere)
        classes = [one for one in ast.walk(tree) if isinstance(one, ast.ClassDef)]
        methods = {part.name for one in classes for part in one.body if isinstance(part, FUNCTIONS)}
        self.ambiguous = {name for name in methods if counted[name] > 1}
        while more := {one.name for one in everywhere if self.sets(*one.body)} - self.setting:
            self.setting |= more
        try:
            self.block(tree.body, self.module)
        except _Leave:
            return
        calls = {called(one) for one in ast.walk(tree) if isinstance(one, ast.Call)}
        for uncalled in (True, False):  # first those that call others
            for one in everywhere:
                if id(one) not in self.entered and (one.name not in calls or not uncalled):
                    self.open(one, {}, complete=True)

    def places(self, *nodes: ast.AST) -> list[ast.AST]:
        """The places in parts of a script that set codes, themselves or by functions that they call."""
        found = []
        for one in walk(nodes):
            if isinstance(one, ast.Call) and (called(one) == SETTER or called(one) in self.setting):
                found.append(one)
            elif isinstance(one, ast.Call) and called(one) == "setattr":
                found += [one] if any(isinstance(k, ast.Constant) and k.value in HALVES for k in one.args) else []
            elif isinstance(one, ast.Attribute) and one.attr in HALVES and isinstance(one.ctx, ast.Store):
                found.append(one)
        return found

    def sets(self, *nodes: ast.AST) -> bool:
        return bool(self.places(*nodes))

    # -- functions -----------------------------------------------------------------------------------

    def define(self, function, known) -> None:
        """A function from here on: names in it are those of the place, its defaults those of this moment."""
        if function.name == SETTER:
            return
        self.functions[function.name] = function
        given = function.args
        positional = [one.arg for one in (*given.posonlyargs, *given.args)]
        defaults = dict(zip(positional[::-1], given.defaults[::-1], strict=False))
        defaults |= dict(zip([one.arg for one in given.kwonlyargs], given.kw_defaults, strict=True))
        values = {name: self.value(node, known) for name, node in defaults.items() if node is not None}
        self.defined[id(function)] = known, values

    def enter(self, call: ast.Call, known) -> None:
        """A call of a function of the script."""
        name = called(call)
        if name in self.ambiguous and name in self.setting:
            raise _NotSaid(f"{name} is defined more than once, and which one is meant is not known; rename one")
        function = self.functions[name]
        names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        names = names[1:] if names[:1] == ["self"] else names
        given = dict(zip(names, [self.value(one, known) for one in call.args], strict=False))
        given |= {one.arg: self.value(one.value, known) for one in call.keywords if one.arg}
        complete = all(one.arg for one in call.keywords) and not any(isinstance(k, ast.Starred) for k in call.args)
        self.open(function, given, complete)

    def open(self, function, given: dict, complete: bool) -> None:
        """The body of a function, with what is known of its arguments; all of them, if `complete`."""
        self.entered.add(id(function))
        if self.depth >= _DEEPEST:
            raise _NotSaid(f"{function.name} calls itself; a reader does not follow that")
        outside, defaults = self.defined.get(id(function), (self.module, {}))
        inside = outside.new_child({name: Part((name,)) for name in arguments(function)})
        inside |= {one.arg: Part((one.arg,)) for one in (function.args.vararg, function.args.kwarg) if one}
        inside |= defaults if complete else {}
        inside |= {name: value for name, value in self.variables.items() if name in arguments(function)}
        inside |= {name: Part((name,)) if isinstance(value, Unknown) else value for name, value in given.items()}
        self.depth += 1
        self.around.append(function)
        try:
            self.block(function.body, inside)
        except _Return:
            pass
        finally:
            self.depth -= 1
            self.around.pop()
        for one in walk(function.body):
            if isinstance(one, (ast.Global, ast.Nonlocal)):
                scope = self.module if isinstance(one, ast.Global) else outside
                scope.update({name: inside[name] for name in one.names if name in inside.maps[0]})

    # -- statements ----------------------------------------------------------------------------------

    def block(self, body: list, known) -> None:
        for one in body:
            try:
                self.statement(one, known)
            except _NotSaid as error:
                self.errors.append(f"line {one.lineno}: {error}")

    def statement(self, one: ast.stmt, known) -> None:
        if isinstance(one, FUNCTIONS):
            self.define(one, known)
            return
        self.look_into(one, known)
        if isinstance(one, (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return)):
            if isinstance(one.value, ast.Call):
                self.call(one.value, known)
            if isinstance(one, ast.Return):
                raise _Return
            if not isinstance(one, ast.Expr) and one.value is not None:
                value = self.value(one.value, known)
                for target in one.targets if isinstance(one, ast.Assign) else [one.target]:
                    self.assign(target, value, known, one.lineno)
        elif isinstance(one, ast.AugAssign):
            self.add(one, known)
        elif isinstance(one, (ast.For, ast.AsyncFor)):
            self.loop(one, known)
        elif isinstance(one, ast.If):
            self.branch(one, known)
        elif isinstance(one, (ast.With, ast.AsyncWith)):
            self.forget([item.optional_vars for item in one.items if item.optional_vars], known)
            self.block(one.body, known)
        elif isinstance(one, ast.ClassDef):
            for part in one.body:
                self.block([part], known if isinstance(part, FUNCTIONS) else known.new_child())
        elif isinstance(one, ast.Try):
            for handler in one.handlers:
                self.refuse(handler, known, "in an except clause: whether it runs is not known")
            self.block([*one.body, *one.orelse, *one.finalbody], known)
        elif isinstance(one, (ast.While, ast.Match)):
            self.refuse(one, known, "in a while or match statement: whether it runs is not known")
        elif isinstance(one, (ast.Break, ast.Continue)):
            raise _Break if isinstance(one, ast.Break) else _Continue
        elif isinstance(one, ast.Raise):
            raise _Return if any(isinstance(part, FUNCTIONS) for part in self.around) else _End
        elif isinstance(one, (ast.Delete, ast.Import, ast.ImportFrom)):
            self.leave_behind(one, known)

    def look_into(self, one: ast.stmt, known) -> None:
        """Expressions of a line: they must not set codes, and what they assign (:=) or change is not known."""
        inner = [part for part in ast.iter_child_nodes(one) if isinstance(part, (ast.expr, ast.withitem))]
        own = one.value if isinstance(one, (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return)) else None
        if isinstance(own, ast.Call):
            inner = [part for part in inner if part is not own] + list(ast.iter_child_nodes(own))
        nodes = list(walk(inner))
        targets = [part for part in nodes if isinstance(getattr(part, "ctx", None), ast.Store)]
        if any(part not in targets for part in self.places(*inner)):
            raise _NotSaid("sets codes within an expression; write a line of its own")
        by_name = {id(part.func) for part in nodes if isinstance(part, ast.Call)} | {id(getattr(own, "func", None))}
        if any(isinstance(part, ast.Name) and part.id == SETTER and id(part) not in by_name for part in nodes):
            raise _NotSaid(f"hands {SETTER} on, and who calls it is not known; call it by its name")
        self.forget([part for part in nodes if isinstance(part, (ast.NamedExpr, ast.Call))], known)
        changing = isinstance(own, ast.Call) and isinstance(own.func, ast.Attribute) and own.func.attr in CHANGING
        if changing and not isinstance(one, ast.Expr):
            self.not_known_any_more(self.value(own.func.value, known))

    def leave_behind(self, one: ast.stmt, known) -> None:
        names = [alias for alias in getattr(one, "names", []) if isinstance(alias, ast.alias)]
        if any(alias.name == SETTER and alias.asname not in (None, SETTER) for alias in names):
            raise _NotSaid(f"gives {SETTER} another name; keep its name")
        if any(alias.name == "*" for alias in names):  # anything may have another meaning now
            known.update({name: Part((name,)) for name in known if name not in {"__name__", *self.variables}})
        self.forget([one], known)

    def refuse(self, node: ast.AST, known, why: str) -> None:
        """Pass over a part that may run or not; what it assigns is not known any more."""
        if self.sets(node):
            raise _NotSaid(f"sets codes {why}; or write these lines out")
        body = [node.body, getattr(node, "orelse", [])] if hasattr(node, "body") else [node.cases]
        self.refuse_to_leave(node, [one for part in body for one in part])
        self.forget([node], known)

    def refuse_to_leave(self, node: ast.AST, body: list) -> None:
        """A ``return`` or ``break`` that may run or not, with codes that are set behind it."""
        inner = [part for one in walk(body) if isinstance(one, _LOOPS) for part in walk([one])]
        for one in walk(body):
            kinds = FUNCTIONS if isinstance(one, ast.Return) else _LOOPS
            own_loop = isinstance(node, _LOOPS) or any(one is part for part in inner)
            if not isinstance(one, (ast.Return, ast.Break, ast.Continue)) or (kinds is _LOOPS and own_loop):
                continue
            left = next((part for part in reversed(self.around) if isinstance(part, kinds)), None)
            places = self.places(*left.body) if left else []
            if any(isinstance(one, ast.Break) or part.lineno > one.lineno for part in places):
                word = type(one).__name__.lower()
                raise _NotSaid(
                    f"{word} in line {one.lineno} may run or not, and codes are set after it; write these lines out"
                )

    def loop(self, one, known) -> None:
        over = self.value(one.iter, known)
        if isinstance(over, (Part, Unknown, int)):
            self.refuse(one, known, f"in a loop over {over}, which is not known here; give it, variables={{...}}")
            return
        self.around.append(one)
        try:
            for value in list(over):
                self.assign(one.target, value, known, one.lineno)
                try:
                    self.block(one.body, known)
                except _Continue:
                    continue
        except _Break:
            return
        finally:
            self.around.pop()
        self.block(one.orelse, known)

    def branch(self, one: ast.If, known) -> None:
        test = self.value(one.test, known)
        if isinstance(test, (Part, Unknown)):
            self.refuse(one, known, f"if {ast.unparse(one.test)}, which is not known here; give it, variables={{...}}")
            return
        self.block(one.body if test else one.orelse, known)

    def add(self, one: ast.AugAssign, known) -> None:
        if isinstance(one.target, ast.Attribute) and one.target.attr in HALVES:
            raise _NotSaid(f"changes {one.target.attr} by an operation; assign the code")
        before = self.value(one.target, known)
        value = self.value(ast.BinOp(one.target, one.op, one.value), known)
        self.not_known_any_more(before)  # by the other names that it may have
        self.assign(one.target, Unknown(one) if isinstance(value, Unknown) else value, known, one.lineno)

    def assign(self, target: ast.expr, value, known, line: int) -> None:
        if isinstance(target, ast.Name):
            said = isinstance(value, Unknown) and target.id in self.variables
            known[target.id] = self.variables[target.id] if said else (
                Part((target.id,)) if isinstance(value, Unknown) else value
            )  # fmt: skip
        elif isinstance(target, (ast.Tuple, ast.List)):
            several = isinstance(value, (tuple, list)) and len(value) == len(target.elts)
            several = several and not any(isinstance(one, ast.Starred) for one in target.elts)
            for k, one in enumerate(target.elts):
                self.assign(one, value[k] if several else Unknown(target), known, line)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value, known, line)
        elif isinstance(target, ast.Subscript):
            self.store(target, value, known)
        elif isinstance(target, ast.Attribute) and target.attr in HALVES:
            owner = self.value(target.value, known)
            if not isinstance(owner, Part) or len(owner.path) < 2:
                raise _NotSaid(_unclear(owner))
            self.set(Setting(line, owner.path[:-1], owner.path[-1], **{target.attr.removesuffix("_value"): value}))

    def call(self, call: ast.Call, known) -> None:
        name = called(call)
        if name == SETTER:
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
        elif name == "setattr" and self.sets(call):
            raise _NotSaid("sets a code by setattr; assign it")
        elif name in self.functions:
            self.enter(call, known)
        elif isinstance(call.func, ast.Attribute) and name in CHANGING:
            self.change(call, known)
        elif name in ("exit", "quit"):
            raise _End

    def set(self, one: Setting) -> None:
        for what, value in (
            ("its owner", one.owner),
            ("its name", one.bias),
            ("coarse", one.coarse),
            ("fine", one.fine),
        ):
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, (Part, Unknown)):
                    raise _NotSaid(f"{what} hangs on {part}, which is not known here; give it, variables={{...}}")
        self.found.append(one)


def _unclear(owner) -> str:
    return f"sets codes of {owner}, which is no part of a configuration here; give it, variables={{...}}"

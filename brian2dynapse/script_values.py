"""What the expressions of a script stand for, as far as a reader knows without running it. No Brian2."""

from __future__ import annotations

import ast
import itertools
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass

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
    "str": str,
}
_LONGEST = 100_000  # of what a loop goes over; longer ones count time, not cores
CHANGING = (
    "append",
    "extend",
    "insert",
    "remove",
    "clear",
    "sort",
    "reverse",
    "update",
    "pop",
    "popitem",
    "setdefault",
)


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


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


class Unknown:
    """A value that a reader cannot know."""

    def __init__(self, node: ast.AST):
        self.text = ast.unparse(node)

    def __str__(self) -> str:
        return self.text


def is_known(value) -> bool:
    """Whether all of a value is known."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, (list, tuple)):
        return all(map(is_known, value))
    return not isinstance(value, (Part, Unknown))


def walk(nodes) -> Iterator[ast.AST]:
    """All that runs in parts of a script: without the functions that are only defined there."""
    for node in nodes:
        yield node
        if not isinstance(node, FUNCTIONS):
            yield from walk(ast.iter_child_nodes(node))


def called(call: ast.Call) -> str:
    """Name of the function or method."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def arguments(function) -> list[str]:
    """Names of the arguments of a function, but for those with stars."""
    given = function.args
    return [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


class Values:
    """Looks up what expressions stand for.

    Attributes
    ----------
    functions : dict of str to ast.FunctionDef
        Functions of the script: what a call gives back is not known.
    changed : list
        Lists and dictionaries that were changed by what a reader does not follow: not known any more.
    """

    def __init__(self):
        self.functions, self.changed = {}, []

    def value(self, node: ast.expr, known):
        """What an expression stands for: a number, text, list, a `Part`, or `Unknown`."""
        kinds: dict[type, Callable] = {
            ast.Constant: lambda: node.value,
            ast.Name: lambda: known.get(node.id, Part((node.id,))),
            ast.Attribute: lambda: self.attribute(self.value(node.value, known), node),
            ast.Subscript: lambda: self.item(self.value(node.value, known), self.value(node.slice, known), node),
            ast.Tuple: lambda: tuple(self.several(node.elts, known)),
            ast.List: lambda: self.several(node.elts, known),
            ast.Dict: lambda: dict(zip(*(self.several(many, known) for many in (node.keys, node.values)), strict=True)),
            ast.BinOp: lambda: _OPERATORS[type(node.op)](
                self.certain(node.left, known), self.certain(node.right, known)
            ),
            ast.UnaryOp: lambda: _OPERATORS[type(node.op)](self.certain(node.operand, known)),
            ast.Compare: lambda: self.compare(node, known),
            ast.BoolOp: lambda: self.both_or_one(node, known),
            ast.IfExp: lambda: self.value(node.body if self.certain(node.test, known) else node.orelse, known),
            ast.JoinedStr: lambda: "".join(self.written(part, known) for part in node.values),
            ast.Call: lambda: self.of_call(node, known),
        }
        try:
            found = kinds[type(node)]()
        except (KeyError, TypeError, IndexError, AttributeError, ValueError, ZeroDivisionError):
            return Unknown(node)
        return Unknown(node) if any(found is one for one in self.changed) else found

    def several(self, nodes: list, known) -> list:
        if any(isinstance(one, ast.Starred) for one in nodes):
            raise TypeError
        return [self.value(one, known) for one in nodes]

    def certain(self, node: ast.expr, known):
        """A value that is known, all of it."""
        value = self.value(node, known)
        if not is_known(value):
            raise TypeError
        return value

    def compare(self, node: ast.Compare, known) -> bool:
        sides = [self.certain(one, known) for one in (node.left, *node.comparators)]
        pairs = itertools.pairwise(sides)
        return all(_OPERATORS[type(op)](*pair) for op, pair in zip(node.ops, pairs, strict=True))

    def both_or_one(self, node: ast.BoolOp, known):
        for one in node.values:
            value = self.certain(one, known)
            if bool(value) == isinstance(node.op, ast.Or):
                break
        return value

    def written(self, part: ast.expr, known) -> str:
        """A part of an f-string."""
        if isinstance(part, ast.Constant):
            return str(part.value)
        value = self.certain(part.value, known)
        if part.format_spec is not None or part.conversion != -1 or not isinstance(value, (int, str)):
            raise TypeError
        return str(value)

    def of_call(self, node: ast.Call, known):
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("items", "keys", "values"):
            owner = self.value(node.func.value, known)
            return list(getattr(owner, node.func.attr)()) if isinstance(owner, dict) else Unknown(node)
        if not isinstance(node.func, ast.Name) or node.keywords or node.func.id in {*self.functions, *known}:
            return Unknown(node)
        given = self.several(node.args, known)
        if any(isinstance(one, (Part, Unknown)) for one in given):
            return Unknown(node)
        made = _CALLS[node.func.id](*given)
        if isinstance(made, range) and len(made) > _LONGEST:
            return Unknown(node)
        return made if isinstance(made, (int, str, tuple)) else list(made)

    @staticmethod
    def attribute(owner, node: ast.Attribute):
        if isinstance(owner, Part):
            return Part((*owner.path, node.attr))
        if isinstance(owner, int):  # chips by number: variables={"chip": 0}
            return Part(("config", "chips", owner, node.attr))
        if isinstance(owner, tuple) and len(owner) == 2:  # cores by numbers: variables={"core": (0, 1)}
            return Part(("config", "chips", owner[0], "cores", owner[1], node.attr))
        return Unknown(node)

    @staticmethod
    def item(owner, index, node: ast.Subscript):
        if isinstance(owner, Part):
            return Part((*owner.path, index))
        if isinstance(index, (Part, Unknown)):
            return Unknown(node)
        return owner[index]

    # -- what changes a list or a dictionary ---------------------------------------------------------

    def not_known_any_more(self, value) -> None:
        """A list or a dictionary that was changed in a way that is not followed, whatever names it has."""
        if isinstance(value, (list, dict)):
            self.changed.append(value)

    def change(self, call: ast.Call, known) -> None:
        """A method that changes a list or a dictionary, as a line of its own."""
        owner = self.value(call.func.value, known)
        if not isinstance(owner, (list, dict)):
            return
        try:
            given = self.several(call.args, known)
            named = {one.arg: self.value(one.value, known) for one in call.keywords}
            if not all(isinstance(one, (list, dict)) for one in given) and call.func.attr in ("extend", "update"):
                raise TypeError
            getattr(owner, call.func.attr)(*given, **named)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError):
            self.not_known_any_more(owner)

    def store(self, target: ast.Subscript, value, known) -> None:
        """``codes["SOIF_LEAK_N"] = 2, 5`` of a list or a dictionary."""
        owner, index = self.value(target.value, known), self.value(target.slice, known)
        if not isinstance(owner, (list, dict)):
            return
        try:
            if not is_known(index):
                raise TypeError
            owner[index] = value
        except (TypeError, ValueError, IndexError):
            self.not_known_any_more(owner)

    def forget(self, nodes, known) -> None:
        """What parts of a script change that may run or not, or are not followed."""
        for one in itertools.chain.from_iterable(map(ast.walk, nodes)):
            if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load):
                known[one.id] = Part((one.id,))
            elif isinstance(one, ast.Subscript) and not isinstance(one.ctx, ast.Load):
                self.not_known_any_more(self.value(one.value, known))
            elif isinstance(one, ast.Call):
                if isinstance(one.func, ast.Attribute) and one.func.attr in CHANGING:
                    self.not_known_any_more(self.value(one.func.value, known))
                if isinstance(one.func, ast.Name) and one.func.id in self.functions:
                    for argument in one.args:
                        self.not_known_any_more(self.value(argument, known))
            elif isinstance(one, (ast.Import, ast.ImportFrom)):
                for alias in one.names:
                    name = (alias.asname or alias.name).partition(".")[0]
                    known[name] = Part((name,))
            elif isinstance(one, ast.ExceptHandler) and one.name:
                known[one.name] = Part((one.name,))

"""A Jinja environment for recipes from strangers: strict, sandboxed, and bounded in work and size.

Unaware of recipes, steps and places.

Jinja's sandbox keeps templates from Python's insides, but is no resource limit: `'a' * 10**9` is
two gigabytes, and three nested loops never end. Here every loop and macro counts its turns, and
whatever can make a text longer is measured first. No clock, no randomness, no environment.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from types import BuiltinMethodType
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, nodes
from jinja2.ext import Extension
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer

from banana_pipe.recipe.words import nearest

MAX_TEXT = 32 * 1024
"""Bytes of a rendered text. The API names no limit; prompts that work are a few hundred words."""
MAX_WORK = 100_000
"""Turns of loops and calls of macros in one rendering; 64 characters of their text count as one."""
MAX_TOTAL_WORK = 5_000_000
"""The same for all renderings of a recipe together: some seconds."""
MAX_PRODUCT = 4 * 1024 * 1024
"""An operation may not make more than this of its operands: the product of their sizes."""
MAX_BITS = 4096

_HTML_FILTERS = ("e", "escape", "forceescape", "safe", "striptags", "urlize", "xmlattr")
_REMOVED = (*_HTML_FILTERS, "random", "pprint", "filesizeformat")
_METHODS = frozenset(["format", "format_map", "translate", "maketrans", "expandtabs", "encode"])
_WIDTH = re.compile(r"%[^a-zA-Z%]*(?:[0-9]{4}|\*)")


class Refused(Exception):
    """A template does what is not allowed; the message is for its author, `hint` what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Missing(StrictUndefined):
    """A name or a field that is not there."""

    @property
    def _undefined_message(self) -> str:
        name = self._undefined_name
        if self._undefined_hint:
            return self._undefined_hint
        if not isinstance(name, str) or self._undefined_obj is missing:
            return f"`{name}` is not defined"
        if isinstance(self._undefined_obj, Mapping):
            if not self._undefined_obj:
                return f"there is no `{name}` here: there is nothing at all"
            near = nearest(name, map(str, self._undefined_obj))
            fields = ", ".join(map(str, list(self._undefined_obj)[:12]))
            return f"there is no `{name}` here" + (f": did you mean `{near}`?" if near else f", only: {fields}")
        return f"a {_kind(self._undefined_obj)} has no `{name}`"


class _Count(Extension):
    """Lets every loop and macro count its turns, and joins texts by a measured function."""

    work = 0
    total = 0

    def begin(self) -> None:
        self.total += self.work
        self.work = 0

    def tick(self, cost: int) -> str:
        self.work += cost
        if self.work > MAX_WORK or self.total + self.work > MAX_TOTAL_WORK:
            raise Refused("this template's loops do not come to an end in reasonable time")
        return ""

    def join(self, *parts: Any) -> str:
        return "".join(_checked([shown(part) for part in parts]))


class _Rewrite(NodeTransformer):
    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja's name
        return self.counted(node)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802 - Jinja's name
        return self.counted(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802 - Jinja's name
        return self.counted(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - Jinja's name
        self.generic_visit(node)
        return _call("join", node.nodes, node.lineno)

    def counted(self, node: nodes.For | nodes.Macro | nodes.CallBlock) -> nodes.Node:
        self.generic_visit(node)
        cost = 1 + sum(len(data.data) for data in node.find_all(nodes.TemplateData)) // 64
        tick = _call("tick", [nodes.Const(cost, lineno=node.lineno)], node.lineno)
        node.body.insert(0, nodes.ExprStmt(tick, lineno=node.lineno))
        return node


def _call(method: str, arguments: list[nodes.Expr], line: int) -> nodes.Call:
    function = nodes.ExtensionAttribute(_Count.identifier, method, lineno=line)
    return nodes.Call(function, arguments, [], None, None, lineno=line)


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Renders recipes' texts; `begin` before each rendering."""

    intercepted_binops = frozenset(["*", "**", "%", "+"])

    def __init__(self, loader: BaseLoader) -> None:
        super().__init__(
            loader=loader, undefined=Missing, extensions=[_Count], finalize=shown, auto_reload=False, cache_size=1000
        )
        self.globals.clear()
        for name in _REMOVED:
            del self.filters[name]
        self.filters = {name: _measured(function) for name, function in self.filters.items()}
        self.filters["tojson"] = _tojson
        self.filters["format"] = _format
        self.counter: Any = self.extensions[_Count.identifier]

    def begin(self) -> None:
        """Count from zero."""
        self.counter.begin()

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = _Rewrite().visit(super()._parse(source, name, filename))
        return tree

    def getattr(self, obj: Any, attribute: str) -> Any:
        # A row's column wins over a method of the mapping: rows may well have `items` or `title`.
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        if isinstance(value, BuiltinMethodType) and value.__name__ in _METHODS and isinstance(value.__self__, str):
            raise Refused(f"`{value.__name__}` is not allowed in a recipe", "put texts together with `~`")
        return None

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        if isinstance(function, BuiltinMethodType) and function.__self__ is not None:
            _measure(function.__self__, *args, *kwargs.values())
        return super().call(context, function, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            _refuse_widths(left)
        elif operator == "**":
            _measure_power(left, right)
        elif operator in "*+":
            _measure_growth(operator, left, right)
        return super().call_binop(context, operator, left, right)


def shown(value: Any) -> Any:
    """A value as it stands in a text; Refused for what has no business there."""
    kind = type(value)
    if kind is str:
        if len(value) > MAX_TEXT:
            raise Refused("this makes a text of more than 32 KiB")
        return value
    if kind is bool:
        return "true" if value else "false"
    if kind in (int, float):
        return str(value)
    if value is None:
        raise Refused("this is null, and null cannot stand in a text", "give it a value, or ask `{% if … %}` first")
    if isinstance(value, Missing):
        return str(value)
    if isinstance(value, str):
        return shown(str.__str__(value))
    if isinstance(value, Mapping):
        raise Refused("a mapping cannot stand in a text", f"name a field of it, as in `.{next(iter(value), 'name')}`")
    if isinstance(value, list | tuple) or hasattr(value, "__next__"):
        raise Refused("a list cannot stand in a text", "put its parts together with `| join(', ')`")
    raise Refused(f"a {_kind(value)} cannot stand in a text", "call it, with brackets, if it is a function")


def _kind(value: Any) -> str:
    names = {str: "text", int: "number", float: "number", bool: "true or false", list: "list", dict: "mapping"}
    return names.get(type(value), "function" if callable(value) else "value of this kind")


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, int):
        return abs(value)
    if isinstance(value, list | tuple):
        return sum(len(one) if isinstance(one, str) else 1 for one in value)
    return 1


def _measure(*operands: Any) -> None:
    product = 1
    for operand in operands:
        product *= max(1, _size(operand))
        if product > MAX_PRODUCT:
            raise Refused("this would make too long a text")


def _measure_growth(operator: str, left: Any, right: Any) -> None:
    if isinstance(left, int | float) and isinstance(right, int | float):
        _measure_number(left, right)
        return
    size = _size(left) * _size(right) if operator == "*" else _size(left) + _size(right)
    if size > MAX_TEXT:
        raise Refused("this would make a text or list of more than 32 KiB")


def _measure_number(*numbers: float) -> None:
    if any(isinstance(number, int) and number.bit_length() > MAX_BITS for number in numbers):
        raise Refused("this number is too large")


def _measure_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > MAX_BITS:
        raise Refused("this power is too large")


def _checked(parts: Iterable[str]) -> Iterable[str]:
    if sum(map(len, parts)) > MAX_TEXT:
        raise Refused("this would make a text of more than 32 KiB")
    return parts


def _refuse_widths(pattern: str) -> None:
    if _WIDTH.search(pattern):
        raise Refused("this would make too long a text")


def _measured(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def measured(*args: Any, **kwargs: Any) -> Any:
        _measure(*args, *kwargs.values())
        return function(*args, **kwargs)

    return measured


def _tojson(value: Any) -> str:
    """JSON as it is, not Jinja's form for HTML, which turns `'` into an escape."""
    if isinstance(value, Missing):
        return str(value)
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        raise Refused(f"a {_kind(value)} cannot be written as JSON") from None


def _format(pattern: str, *args: Any) -> str:
    _refuse_widths(str(pattern))
    return str(pattern) % tuple(args)

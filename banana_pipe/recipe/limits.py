"""A Jinja environment for recipes from strangers: strict, sandboxed, and bounded in work and size.

Unaware of recipes, steps and places.

Jinja's sandbox keeps templates from Python's insides, but is no resource limit: `'a' * 10**9` is
two gigabytes, and three nested loops never end. Here every loop and macro counts its turns, and
whatever can make a text longer is measured first. No clock, no randomness, no environment.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from types import BuiltinMethodType
from typing import Any, cast

from jinja2 import BaseLoader, Environment, StrictUndefined, nodes, pass_context, pass_environment
from jinja2.filters import do_sum
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer

from banana_pipe.recipe.measures import (
    MAX_TEXT,
    SHORTER,
    Meter,
    Refused,
    checked,
    kind_of,
    measure,
    measure_format,
    measure_growth,
    measure_power,
)
from banana_pipe.recipe.words import nearest

_GLANCING = frozenset(["count", "first", "last", "length"])
"""Filters that look at one value at most: a table of many rows costs them nothing."""
_CHOOSING = frozenset(
    [
        "d",
        "default",
        "groupby",
        "list",
        "map",
        "max",
        "min",
        "reject",
        "rejectattr",
        "reverse",
        "select",
        "selectattr",
        "sort",
        "unique",
    ]
)
"""Filters whose answer has no more in it than they were given: what they go through is counted, and cannot grow."""
_LOOKED, _EACH, _JOIN, _TICK = (f"{name} (ours)" for name in ("looked", "each", "join", "tick"))
"""What templates are rewritten to call: filters whose names no template can write."""
_HTML_FILTERS = ("e", "escape", "forceescape", "safe", "striptags", "urlize", "xmlattr")
_REMOVED = (*_HTML_FILTERS, "random", "pprint", "filesizeformat")
_METHODS = frozenset(["format", "format_map", "translate", "maketrans", "expandtabs", "encode"])
_SHALLOW = frozenset(
    [
        *("map", "select", "reject", "selectattr", "rejectattr", "list", "first", "last", "length", "count"),
        *("batch", "slice", "reverse", "items", "attr", "default", "d", "defined", "undefined", "none", "mapping"),
    ]
)
"""Filters and tests that look at a list's values, but not into them."""


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
                return (
                    f"there is no `{name}` here: nothing stands in it; `names` has the axes of its step, and only those"
                )
            near = nearest(name, map(str, self._undefined_obj))
            fields = ", ".join(map(str, list(self._undefined_obj)[:12]))
            return f"there is no `{name}` here: " + (f"did you mean `{near}`?" if near else f"there are: {fields}")
        return f"a {kind_of(self._undefined_obj)} has no `{name}`: only mappings and rows of tables have fields"


class _Rewrite(NodeTransformer):
    def visit_Template(self, node: nodes.Template) -> nodes.Node:  # noqa: N802 - Jinja's name
        return self.counted(node)

    def visit_Block(self, node: nodes.Block) -> nodes.Node:  # noqa: N802 - Jinja's name
        return self.counted(node)

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja's name
        self.counted(node)
        node.iter = _call(_EACH, node.iter)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802 - Jinja's name
        return self.counted(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802 - Jinja's name
        return self.counted(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - Jinja's name
        self.generic_visit(node)
        return _call(_JOIN, *node.nodes)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 - Jinja's name
        self.generic_visit(node)
        node.expr = _call(_LOOKED, node.expr)
        for operand in node.ops:
            operand.expr = _call(_LOOKED, operand.expr)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - Jinja's name
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _call(_EACH, node.node)
        elif not isinstance(node.arg, nodes.Const):
            node.arg = _call(_LOOKED, node.arg)
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Node:  # noqa: N802 - Jinja's name
        # A key is hashed, all the way down and each time: tuples of tuples are small to write.
        self.generic_visit(node)
        if not isinstance(node.key, nodes.Const):
            node.key = _call(_LOOKED, node.key)
        return node

    def counted(self, node: _Body) -> nodes.Node:
        self.generic_visit(node)
        cost = 1 + sum(len(data.data) for data in node.find_all(nodes.TemplateData)) // 64
        tick = _call(_TICK, nodes.Const(cost, lineno=node.lineno))
        node.body.insert(0, nodes.ExprStmt(tick, lineno=node.lineno))
        return node


_Body = nodes.Template | nodes.Block | nodes.For | nodes.Macro | nodes.CallBlock


def _call(name: str, first: nodes.Node, *rest: nodes.Node) -> nodes.Filter:
    """*first* and *rest* given to what the environment calls *name*: as a filter, for that is a plain call."""
    return nodes.Filter(cast(nodes.Expr, first), name, list(rest), [], None, None, lineno=first.lineno)


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Renders recipes' texts; `begin` before each rendering. *meter* counts what it does, and may count for several."""

    intercepted_binops = frozenset(["*", "**", "%", "+"])

    def __init__(self, loader: BaseLoader, meter: Meter) -> None:
        super().__init__(loader=loader, undefined=Missing, finalize=shown, auto_reload=False, cache_size=1000)
        self.meter = meter
        self.finalize = self._shown
        self.globals.clear()
        for name in _REMOVED:
            del self.filters[name]
        filters: dict[str, Any] = {**self.filters, "tojson": _tojson, "format": self._format, "sum": _sum}
        tests: dict[str, Any] = dict(self.tests)
        self.known_filters = tuple(filters)
        """Those that a template can name."""
        self.filters = {name: self._measured(name, function) for name, function in filters.items()}
        ours: dict[str, Any] = {_LOOKED: meter.looked, _EACH: self._each, _JOIN: self._join, _TICK: self._tick}
        self.filters |= ours
        self.tests = {name: self._counted(name, function) for name, function in tests.items()}
        plain = {name: test for name, test in self.tests.items() if not hasattr(test, "jinja_pass_arg")}
        self._plain_tests: dict[str, Any] = plain

    def begin(self) -> None:
        """Count from zero."""
        self.meter.begin()

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
        owner = getattr(function, "__self__", None)
        args = tuple([self._argument(one) for one in args])
        kwargs = {name: self._argument(one) for name, one in kwargs.items()}
        if isinstance(function, BuiltinMethodType) and owner is not None:
            measure(self.meter.looked(owner), *args, *kwargs.values())
        return self.meter.gave(super().call(context, function, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            measure_format(left, self.meter.weigh(right))
        elif operator == "**":
            measure_power(left, right)
        elif operator in "*+":
            measure_growth(operator, left, right)
        made = super().call_binop(context, operator, left, right)
        return made if isinstance(made, int | float) else self.meter.looked(made)

    def call_test(self, name: str, value: Any, args: Any = None, kwargs: Any = None, *rest: Any, **more: Any) -> Any:
        # A table's every row comes by here: no need to ask each time what the test is to be given besides.
        function = self._plain_tests.get(name)
        if function is None or kwargs:
            return super().call_test(name, value, args, kwargs, *rest, **more)
        return function(value, *args) if args else function(value)

    def _argument(self, value: Any) -> Any:
        # Functions compare and hash what they are given: it is weighed, and counted without what is in it.
        value = self.meter.looked(value, deep=False)
        self.meter.weigh(value)
        return value

    @pass_context
    def _tick(self, _context: Context, cost: int) -> str:
        # With the context, lest it is worked out once, when the template is compiled.
        return self.meter.tick(cost)

    def _each(self, value: Any) -> Any:
        return self.meter.looked(value, deep=False)

    def _join(self, *parts: Any) -> str:
        return str(self.meter.gave("".join(checked([shown(part) for part in parts]))))

    def _shown(self, value: Any) -> Any:
        return self.meter.gave(shown(value))

    def _format(self, pattern: str, *args: Any) -> str:
        measure_format(str(pattern), self.meter.weigh(args))
        return str(pattern) % tuple(args)

    def _measured(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The filter *name*: what it looks at is counted, and what it could make is measured first."""
        if name in _GLANCING:
            return function
        looked, gave = self.meter.looked, self.meter.gave
        deep, grows = name not in _SHALLOW, name not in _CHOOSING
        piped = 1 if hasattr(function, "jinja_pass_arg") else 0

        @functools.wraps(function)
        def measured(*args: Any, **kwargs: Any) -> Any:
            args = tuple([looked(one, deep=deep) for one in args])
            kwargs = {key: looked(one, deep=deep) for key, one in kwargs.items()}
            if grows:
                # A number that is piped in is no width and no count, as those behind it may be.
                first = 1 if isinstance(args[piped], int) else args[piped]
                measure(first, *args[piped + 1 :], *kwargs.values())
            return gave(function(*args, **kwargs))

        return measured

    def _counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The test *name*: its answer is yes or no, so only what it looks at counts."""
        looked, deep = self.meter.looked, name not in _SHALLOW

        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            if kwargs:
                kwargs = {key: looked(one, deep=deep) for key, one in kwargs.items()}
            return function(*[looked(one, deep=deep) for one in args], **kwargs)

        return counted


def shown(value: Any) -> Any:
    """A value as it stands in a text; Refused for what has no business there."""
    kind = type(value)
    if kind is str:
        if len(value) > MAX_TEXT:
            raise Refused("this makes a text of more than 32 KiB", SHORTER)
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
    raise Refused(f"a {kind_of(value)} cannot stand in a text", "call it, with brackets, if it is a function")


def _tojson(value: Any) -> str:
    """JSON as it is, not Jinja's form for HTML, which turns `'` into an escape."""
    if isinstance(value, Missing):
        return str(value)
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        raise Refused(f"a {kind_of(value)} cannot be written as JSON") from None


@pass_environment
def _sum(environment: Environment, values: Any, attribute: str | int | None = None, start: Any = 0) -> Any:
    """Jinja's own, of numbers alone: lists put together one by one are copied again for each."""
    if not isinstance(start, int | float):
        raise Refused("`sum` is of numbers", "put lists together with `+`, texts with `| join`")
    return do_sum(environment, values, attribute, start)

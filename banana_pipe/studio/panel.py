"""What the studio adds to the gallery's page: a bar with what a run would buy, buttons, variables; and what they know.

Unaware of how any of it was found out. Every text is escaped by the template, or stands in JSON without a `<`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from banana_pipe.bills import Bill
from banana_pipe.model import Json
from banana_pipe.prices import show_usd
from banana_pipe.studio.errors import words_of

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class NodeShown:
    """What one can do with a node. `price`: of one take more, in micro-dollars; None: nobody knows."""

    price: int | None
    local: bool
    rerolls: bool
    asks: bool
    chosen: bool
    """Whether a pick, or what was accepted, can end."""
    accepts: bool
    """Whether a file changed by hand can be accepted."""


@dataclass(frozen=True, slots=True)
class Todo:
    """What a run would do. `free`: calls that cost nothing, `to_make` transforms that are made here, `unplaced` pictures
    that would be put in their place, `to_pick` nodes that somebody has to pick from."""

    bill: Bill
    free: int
    to_make: int
    unplaced: int
    to_pick: int

    @property
    def does_something(self) -> bool:
        """Whether a run would do anything."""
        return bool(self.bill.calls or self.free or self.to_make or self.unplaced)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page knows besides its pictures."""

    recipe: str
    todo: Todo
    nodes: Mapping[str, NodeShown]
    variables: Mapping[str, Json]
    runs: Sequence[str]
    commands: Mapping[str, str]


def top(shown: Shown) -> str:
    """HTML that stands above the gallery."""
    return _template().render(shown=shown, words=words_of_run(shown.todo), data=_data(shown))


@cache
def style() -> str:
    """The style sheet."""
    return (_HERE / "studio.css").read_text(encoding="utf-8")


@cache
def script() -> str:
    """The script."""
    return (_HERE / "studio.js").read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((_HERE / "panel.html").read_text(encoding="utf-8"))


def words_of_run(todo: Todo) -> str:
    """What a run would do, in half a sentence."""
    parts = []
    if todo.bill.calls:
        parts.append(f"buy {words_of(todo.bill)}")
    if todo.free:
        parts.append(f"draw {_pictures(todo.free)}, free")
    if todo.to_make:
        parts.append(f"make {_pictures(todo.to_make)} here, free")
    if todo.unplaced:
        parts.append(f"put {_pictures(todo.unplaced)} in place")
    if parts:
        return f"A run would {', and '.join(parts)}"
    if todo.to_pick:
        return f"Nothing to buy; {'1 node waits' if todo.to_pick == 1 else f'{todo.to_pick:,} nodes wait'} for a pick"
    return "All is here, nothing to buy"


def _pictures(number: int) -> str:
    return "1 picture" if number == 1 else f"{number:,} pictures"


def _data(shown: Shown) -> str:
    """What the script knows, as JSON that ends no element and begins none."""
    told = {
        "recipe": shown.recipe,
        "words": words_of_run(shown.todo),
        "bill": bill_json(shown.todo.bill),
        "todo": shown.todo.does_something,
        "nodes": {name: _node(one) for name, one in shown.nodes.items()},
        "vars": [_variable(name, value) for name, value in shown.variables.items()],
        "runs": list(shown.runs),
        "commands": dict(shown.commands),
    }
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def bill_json(bill: Bill) -> dict[str, Json]:
    """A price as pages are told it, and as they agree to it."""
    return {"calls": bill.calls, "micros": bill.cost, "words": words_of(bill)}


def _node(one: NodeShown) -> dict[str, Json]:
    if one.local:
        return {"a": int(one.accepts)} if one.accepts else {}
    can = {"r": one.rerolls, "q": one.asks, "c": one.chosen, "a": one.accepts}
    return {"m": one.price, "w": show_usd(one.price), **{name: 1 for name, yes in can.items() if yes}}


def _variable(name: str, value: Json) -> dict[str, Json]:
    is_text = isinstance(value, str)
    return {
        "name": name,
        "value": value if is_text else json.dumps(value, ensure_ascii=False, default=str),
        "text": int(is_text),
    }

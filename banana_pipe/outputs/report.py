"""The page of a run: `index.html`, to be opened from the file system.

Unaware of who writes it; it is made from the manifest, the run and the graph alone.

Static: no script, no server, nothing from elsewhere. Prompts, names and the provider's words are
hostile text: the template escapes everything, and the policy in the page's head allows pictures of
the folder and this one style sheet, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined, Template

from banana_pipe.model import Graph, Json, Node, Outcome, Run
from banana_pipe.prices import MICROS, show_usd
from banana_pipe.request import describe, request_for
from banana_pipe.transforms import in_words

_HERE = Path(__file__).parent
_TROUBLES = ("failed", "lost", "parked", "blocked", "waiting")
_BADGES = {
    "cached": ("●", "here already"),
    "done": ("✦", "new"),
    "failed": ("✕", "failed"),
    "lost": ("∅", "lost"),
    "parked": ("?", "in doubt"),
    "blocked": ("⊘", "blocked"),
    "waiting": ("…", "waiting"),
    "skipped": ("–", "skipped"),
    "earlier": ("○", "of an earlier run"),
    "modified": ("✎", "changed by hand"),
}
_RUN_BADGES = {
    "ok": ("✓", "all done"),
    "failed": ("✕", "not all done"),
    "parked": ("?", "in doubt"),
    "waiting": ("…", "waiting"),
    "stopped": ("■", "stopped"),
    "interrupted": ("■", "interrupted"),
}
_CONTROLS = re.compile(r"[^\t\n -~\xa0-\U0010ffff]")
"""They have no place in HTML, and a terminal that is shown the file would act on them."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as people see it: an icon, a word, and the name of its colour."""

    kind: str
    icon: str
    word: str


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture in the folder."""

    url: str
    alt: str
    width: int
    height: int
    take: str
    picked: bool
    facts: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str | None], ...]
    """What it was made from: a name, and the picture's URL where it lies in this folder."""


@dataclass(frozen=True, slots=True)
class Card:
    """A node with its pictures, the one that counts first."""

    node: str
    title: str
    badges: tuple[Badge, ...]
    prompt: str
    error: str | None
    shots: tuple[Shot, ...]

    @property
    def instead(self) -> str:
        """What stands in the place of a picture."""
        return "not published" if self.badges[-1].kind in ("done", "cached") else self.badges[-1].word


@dataclass(frozen=True, slots=True)
class Section:
    """A step with its nodes."""

    name: str
    anchor: str
    cards: tuple[Card, ...]


def page(document: Mapping[str, Json], run: Run, graph: Graph, *, command: str) -> bytes:
    """The page for *run* and the folder that the manifest *document* describes; *command* makes it again."""
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    sections = _sections(document, run, graph)
    rendered = _template().render(
        document=document,
        run=run,
        command=command,
        badge=Badge(run.status, *_RUN_BADGES[run.status]),
        facts=_summary(document, run),
        troubles=_troubles(sections),
        sections=sections,
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
    return _CONTROLS.sub("\ufffd", rendered).encode(errors="replace")


def prepare() -> None:
    """Make ready what every page needs."""
    _template()


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((_HERE / "page.html").read_text(encoding="utf-8"))


def _summary(document: Mapping[str, Json], run: Run) -> tuple[tuple[str, str], ...]:
    """The numbers at the top: what is here, what was bought, what it cost, what it did not."""
    pictures = sum(entry["picked"] for entry in document["files"])
    return (
        (str(pictures), "picture" if pictures == 1 else "pictures"),
        (str(run.paid_images), "bought in this run"),
        ("$0" if run.cost == 0 else show_usd(run.cost), "spent"),
        ("$0" if run.saved == 0 else show_usd(run.saved), "saved: it was here already"),
        (_duration(run.seconds), "took"),
    )


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _sections(document: Mapping[str, Json], run: Run, graph: Graph) -> tuple[Section, ...]:
    """The steps in the order of the recipe, then what the folder has of others."""
    outcomes = {outcome.node: outcome for outcome in run.outcomes}
    places = {entry["sha256"]: entry["path"] for entry in document["files"]}
    entries: dict[str, list[Mapping[str, Json]]] = {}
    for entry in document["files"]:
        entries.setdefault(entry["node"], []).append(entry)
    steps: dict[str, list[Card]] = {}
    for node in graph:
        if node.id in outcomes or node.id in entries:
            card = _card(node.id, node, outcomes.get(node.id), entries.pop(node.id, []), places)
            steps.setdefault(node.step, []).append(card)
    for name, left in entries.items():
        steps.setdefault(str(left[0].get("step", name)), []).append(_card(name, None, None, left, places))
    return tuple(Section(name, _anchor(name), tuple(cards)) for name, cards in steps.items())


def _troubles(sections: Iterable[Section]) -> list[Card]:
    """The nodes that did not end well, the worst first."""
    cards = [card for section in sections for card in section.cards if card.badges[0].kind in _TROUBLES]
    return sorted(cards, key=lambda card: _TROUBLES.index(card.badges[0].kind))


def _card(
    name: str,
    node: Node | None,
    outcome: Outcome | None,
    entries: Sequence[Mapping[str, Json]],
    places: Mapping[str, str],
) -> Card:
    kinds: list[str] = [outcome.status if outcome else "earlier"]
    kinds += ["modified"] if outcome and outcome.modified else []
    prompt = _prompt(describe(request_for(node, node.provider, (), 1)) if node else entries[0]["request"])
    ordered = sorted(entries, key=lambda entry: (not entry["picked"], entry["take"]))
    return Card(
        node=name,
        title=" · ".join(value for _, value in node.axes) if node and node.axes else name,
        badges=tuple(Badge(kind, *_BADGES[kind]) for kind in kinds),
        prompt=prompt,
        error=outcome.error if outcome else None,
        shots=tuple(_shot(entry, places) for entry in ordered),
    )


def _shot(entry: Mapping[str, Json], places: Mapping[str, str]) -> Shot:
    return Shot(
        url=_url(entry["path"]),
        alt=f"{entry['node']}, take {_take(entry)}: {_prompt(entry['request'])}"[:300],
        width=entry["width"],
        height=entry["height"],
        take="accepted" if entry["take"] is None else str(entry["take"]),
        picked=entry["picked"],
        facts=tuple((name, text) for name, text in _facts(entry) if text),
        inputs=tuple(_made_from(one, places) for one in entry["inputs"]),
    )


def _facts(entry: Mapping[str, Json]) -> list[tuple[str, str]]:
    request = entry["request"]
    served = f", served by {entry['served']}" if entry["served"] not in (None, entry["model"]) else ""
    price = None if entry["price_usd"] is None else round(entry["price_usd"] * MICROS)
    bought = f"{(entry['bought_at'] or '')[:16].replace('T', ' ')} UTC, {show_usd(price)}, {entry['provider']}"
    made_here = "ops" in request
    return [
        ("file", entry["path"]),
        ("size", f"{entry['width']} × {entry['height']}, {_bytes(entry['bytes'])}"),
        ("made", "here, free" if made_here else ""),
        ("model", "" if made_here else f"{entry['model']}{served}"),
        ("asked for", ", ".join(f"{name} {value}" for name, value in sorted(request.get("params", {}).items()))),
        ("take", "" if made_here else _take(entry)),
        ("bought", bought if entry["bought_at"] else ""),
        ("task", entry["task_id"] or ""),
        ("trace", entry["trace_id"] or ""),
        ("sha256", entry["sha256"]),
        ("key", entry["key"]),
    ]


def _take(entry: Mapping[str, Json]) -> str:
    return "none: accepted as it is" if entry["take"] is None else str(entry["take"])


def _prompt(request: Mapping[str, Json]) -> str:
    """What was asked for, in words: a prompt, or the ops with what is not as they are without saying."""
    if "ops" not in request:
        return str(request["prompt"])
    return " → ".join(in_words(one["op"], one["params"]) for one in request["ops"])


def _made_from(one: Mapping[str, Json], places: Mapping[str, str]) -> tuple[str, str | None]:
    name = str(one.get("node") or one.get("file") or one.get("url") or one["sha256"][:12])
    if one.get("take"):
        name = f"{name}@{one['take']}"
    return name, _url(places[one["sha256"]]) if one["sha256"] in places else None


def _url(path: str) -> str:
    return quote(path, safe="/", errors="replace")


def _anchor(name: str) -> str:
    return "step-" + re.sub(r"[^a-zA-Z0-9_-]", "-", name)


def _bytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1000))} kB"

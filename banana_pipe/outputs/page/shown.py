"""What the gallery shows of each node: its pictures, how it ended, what it was made from.

Unaware of HTML and of files; texts are as they are, whoever draws them escapes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from banana_pipe.explain import word_diff
from banana_pipe.model import Graph, Json, Node, Outcome, Run
from banana_pipe.outputs.page.shots import Shot, hidden_shot, prompt_of, shot_of
from banana_pipe.outputs.page.thumbs import flowing_of
from banana_pipe.request import describe, request_for

TROUBLES = ("failed", "lost", "parked", "blocked", "pick", "waiting")
"""How nodes end that did not end well, the worst first."""
BADGES = {
    "bought": ("✦", "bought"),
    "new": ("✦", "new"),
    "local": ("⚙", "made here"),
    "cached": ("●", "cached"),
    "failed": ("✕", "failed"),
    "lost": ("∅", "lost"),
    "parked": ("?", "parked"),
    "blocked": ("⊘", "blocked"),
    "pick": ("☞", "waiting for a pick"),
    "waiting": ("…", "waiting"),
    "skipped": ("–", "skipped"),
    "earlier": ("○", "of an earlier run"),
    "modified": ("✎", "changed by hand"),
    "call": ("○", "to buy"),
    "draw": ("○", "to draw"),
    "wait": ("…", "to come"),
    "make": ("⚙", "to make"),
    "flight": ("◌", "being made"),
}
_GOOD = ("bought", "new", "local", "cached", "earlier")
_FEW = 6
"""More nodes than these, of a step with two axes, stand together by the first one."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as people see it: an icon, a word, and the name of its colour."""

    kind: str
    icon: str
    word: str


@dataclass(frozen=True, slots=True)
class Card:
    """A node with its pictures, the one that counts first."""

    node: str
    step: str
    title: str
    """The names of its values, or its own."""
    short: str
    """The same without the first of two or more."""
    group: str
    """The first of two or more; empty where there is none."""
    badges: tuple[Badge, ...]
    prompt: str
    error: str | None
    shots: tuple[Shot, ...]
    change: tuple[tuple[str, str], ...]
    """What is different from what was asked before: pieces of `same`, `removed` and `added` words."""
    pending: bool
    """Whether that is not bought yet: the picture is of the words before."""
    seconds: float

    @property
    def kind(self) -> str:
        """How it ended."""
        return self.badges[0].kind

    @property
    def instead(self) -> str:
        """What stands in the place of a picture."""
        return "not published" if self.kind in _GOOD else self.badges[0].word


@dataclass(frozen=True, slots=True)
class Group:
    """Cards that have the first of their axes in common; without a title all of a step."""

    title: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A step with its nodes, in groups with titles where it is `grouped`."""

    name: str
    anchor: str
    groups: tuple[Group, ...]
    cards: tuple[Card, ...]
    grouped: bool


Thumb = Callable[[str, int, int, bool], str | None]
"""Where the small picture of a digest is: its width and height, and whether it is in the folder itself."""


def sections(
    document: Mapping[str, Json],
    run: Run | None,
    graph: Graph,
    thumb: Thumb,
    before: Mapping[str, str],
    kinds: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> tuple[Section, ...]:
    """The steps in the order of the recipe, then what the folder has of others.

    *before* is what nodes asked until this run, where they asked something else; *kinds* are the badges of those
    that are told otherwise than by how they ended.
    """
    outcomes = {outcome.node: outcome for outcome in run.outcomes} if run else {}
    entries: dict[str, list[Mapping[str, Json]]] = {}
    for entry in document["files"]:
        entries.setdefault(entry["node"], []).append(entry)
    cards: dict[str, list[Card]] = {}
    for node in sorted(graph, key=lambda node: node.place):
        if node.id in outcomes or node.id in entries:
            card = _card(node, outcomes.get(node.id), entries.pop(node.id, []), thumb, before.get(node.id))
            card = replace(card, badges=tuple(map(badge, kinds[node.id]))) if node.id in kinds else card
            cards.setdefault(node.step, []).append(card)
    for name, left in entries.items():
        step = str(left[0].get("step", name))
        cards.setdefault(step, []).append(_gone(name, step, left, thumb))
    return tuple(_section(number, name, some) for number, (name, some) in enumerate(cards.items()))


def addressed(shown: Iterable[Section], address: Callable[[str], str]) -> tuple[Section, ...]:
    """The same with each whole picture where *address* says that its digest is asked for."""

    def moved(card: Card) -> Card:
        return replace(card, shots=tuple(replace(shot, url=address(shot.digest)) for shot in card.shots))

    def told(group: Group) -> Group:
        return replace(group, cards=tuple(map(moved, group.cards)))

    return tuple(replace(one, groups=tuple(map(told, one.groups)), cards=tuple(map(moved, one.cards))) for one in shown)


def troubles(shown: Iterable[Section]) -> list[Card]:
    """The nodes that did not end well, the worst first."""
    cards = [card for section in shown for card in section.cards if card.kind in TROUBLES]
    return sorted(cards, key=lambda card: TROUBLES.index(card.kind))


def asked_before(last: Mapping[str, Json] | None, now: Mapping[str, Json]) -> dict[str, str]:
    """What nodes asked in the manifest *last*, perhaps another version's, where they ask something else *now*."""
    asked = _prompts(now["files"])
    try:
        before = _prompts((last or {}).get("files", []))
    except (KeyError, TypeError, AttributeError):
        return {}
    return {node: words for node, words in before.items() if asked.get(node, words) != words}


def _prompts(files: Iterable[Mapping[str, Json]]) -> dict[str, str]:
    return {one["node"]: prompt_of(one["request"]) for one in files if one["picked"]}


@cache
def badge(kind: str) -> Badge:
    """The badge of that kind."""
    return Badge(kind, *BADGES[kind])


def kind_of(outcome: Outcome | None, *, local: bool) -> str:
    """How a node ended, in the words that people filter by."""
    if outcome is None:
        return "earlier"
    if outcome.status == "done":
        bought = any(take.bought and take.result.price != 0 for take in outcome.takes)
        return "local" if local else "bought" if bought else "new"
    return "pick" if outcome.status == "waiting" and outcome.choices else outcome.status


def _section(number: int, name: str, cards: Sequence[Card]) -> Section:
    grouped = len(cards) > _FEW and any(card.group for card in cards)
    groups: dict[str, list[Card]] = {}
    for card in cards:
        groups.setdefault(card.group if grouped else "", []).append(card)
    told = tuple(Group(title, tuple(some)) for title, some in groups.items())
    return Section(name, f"step-{number}", told, tuple(card for group in told for card in group.cards), grouped)


def _card(
    node: Node,
    outcome: Outcome | None,
    entries: Sequence[Mapping[str, Json]],
    thumb: Thumb,
    before: str | None,
) -> Card:
    names = [name for _, name in node.axes]
    kinds = [kind_of(outcome, local=node.is_local), *(["modified"] if outcome and outcome.modified else [])]
    shots = _shots(entries, thumb) or _hidden(node, outcome, thumb)
    now = prompt_of(describe(request_for(node, node.provider, (), 1))) if node.is_local else node.prompt
    had = prompt_of(shots[0].request) if shots and shots[0].request else now
    last, pending = (had, True) if had != now else (before, False)
    return Card(
        node=node.id,
        step=node.step,
        title=" · ".join(names) or node.id,
        short=" · ".join(names[1:] if len(names) > 1 else names) or node.id,
        group=names[0] if len(names) > 1 else "",
        badges=tuple(map(badge, kinds)),
        prompt=now if last is None or not pending else had,
        error=outcome.error if outcome else None,
        shots=shots,
        change=_change(last, now),
        pending=pending,
        seconds=outcome.seconds if outcome and kinds[0] in ("bought", "new", "local") else 0.0,
    )


def _change(last: str | None, now: str) -> tuple[tuple[str, str], ...]:
    if last is None or last == now:
        return ()
    return tuple((piece.kind, piece.text) for piece in word_diff(last, now))


def _gone(name: str, step: str, entries: Sequence[Mapping[str, Json]], thumb: Thumb) -> Card:
    """The pictures of a node that the recipe no longer has."""
    shots = _shots(entries, thumb)
    prompt = prompt_of(shots[0].request)
    return Card(name, step, name, name, "", (badge("earlier"),), prompt, None, shots, (), pending=False, seconds=0.0)


def _shots(entries: Sequence[Mapping[str, Json]], thumb: Thumb) -> tuple[Shot, ...]:
    ordered = sorted(entries, key=lambda entry: (not entry["picked"], entry["take"] or 0))
    return tuple(shot_of(one, thumb(one["sha256"], one["width"], one["height"], True)) for one in ordered)


def _hidden(node: Node, outcome: Outcome | None, thumb: Thumb) -> tuple[Shot, ...]:
    """What a node has that is not published: a small picture of it may be here."""
    flowing = flowing_of(outcome) if outcome else None
    if outcome is None or flowing is None:
        return ()
    small = thumb(flowing.digest, flowing.width, flowing.height, False)
    return (hidden_shot(node, outcome, flowing, small),) if small else ()

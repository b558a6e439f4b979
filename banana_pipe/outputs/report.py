"""The page of a folder: `index.html`, to be opened from the file system.

Unaware of who writes it; it is made from the manifest, the run and the graph alone.

No server, and nothing from elsewhere. Prompts, names and the provider's words are hostile text: the
template escapes everything that it shows; what only the script shows goes in as JSON without a `<`,
and into the page by `textContent`. The policy in the page's head allows pictures of the folder, this
one style sheet and this one script, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined, Template

from banana_pipe.model import Graph, Json, Run
from banana_pipe.outputs.page import graph as graphs
from banana_pipe.outputs.page import shown
from banana_pipe.outputs.page.shots import Shot
from banana_pipe.outputs.page.thumbs import is_needed, thumb_path
from banana_pipe.outputs.page.timeline import Times, timeline
from banana_pipe.outputs.page.words import WORDS, scaled
from banana_pipe.prices import show_usd
from banana_pipe.recipe.drift import Depths, depth_words
from banana_pipe.store.published import RUNS
from banana_pipe.telling.advice import EXITS_OF_STOPS, Asked, advice, commands_like
from banana_pipe.telling.words import duration

MOST_TROUBLES = 200
"""So many are told at the top; all of them stand in the sheet."""

_HERE = Path(__file__).parent / "page"
_RUN_BADGES = {
    "ok": ("✓", "all done"),
    "failed": ("✕", "not all done"),
    "parked": ("?", "in doubt"),
    "waiting": ("…", "waiting"),
    "stopped": ("■", "stopped"),
    "interrupted": ("■", "interrupted"),
}
_CONTROLS = bytes.maketrans(bytes({*range(32), 127} - {9, 10}), b"?" * 31)
_MORE_CONTROLS = re.compile(rb"\xc2[\x80-\x9f]")
"""They have no place in HTML, and a terminal that is shown the file would act on them."""
_SHAPES = (("slim", 9 / 16), ("tall", 3 / 4), ("square", 1.0), ("broad", 4 / 3), ("wide", 16 / 9))


@dataclass(frozen=True, slots=True)
class Known:
    """What may be known besides: who has a small picture, what nodes asked before, when things happened.

    `inlined` are the small pictures themselves, as `data:` addresses by digest: then the page stands alone.
    """

    thumbs: Container[str] = frozenset()
    before: Mapping[str, str] = field(default_factory=dict)
    times: Times | None = None
    inlined: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """What makes the page one that is served and acts: see `studio`.

    *top* is HTML that stands above everything, *style* and *script* come behind the page's own, *facts* stand
    in the place of the last run's. *kinds* say how nodes stand that no run has ended, *address* where the picture
    of a digest is asked for.
    """

    top: str
    style: str
    script: str
    facts: Sequence[tuple[str, str]]
    kinds: Mapping[str, tuple[str, ...]]
    address: Callable[[str], str]


def page(
    document: Mapping[str, Json],
    run: Run | None,
    graph: Graph,
    *,
    command: str,
    known: Known | None = None,
    live: Live | None = None,
) -> bytes:
    """The page for *run* and the folder that the manifest *document* describes; *command* makes it again."""
    known = known or Known()
    sections = shown.sections(document, run, graph, _thumb(known), known.before, live.kinds if live else {})
    if live is not None:
        sections = shown.addressed(sections, live.address)
    cards = [card for one in sections for card in one.cards]
    steps, nodes = (
        {one.name: one.anchor for one in sections},
        {card.node: f"n{place}" for place, card in enumerate(cards)},
    )
    drawing = graphs.draw(graph, {card.node: card.kind for card in cards})
    style, script = _asset("page.css"), _asset("page.js")
    more = [_Asset(text, _hash(text)) for text in (live.style, live.script)] if live else []
    rendered = _template().render(
        document=document,
        command=command,
        badge=shown.Badge(run.status, *_RUN_BADGES[run.status]) if run and not live else None,
        warnings=run.warnings if run else (),
        facts=live.facts if live else _summary(document, run),
        troubles=_troubles(sections, run, graph, commands_like(command, document["recipe"])),
        most_troubles=MOST_TROUBLES,
        sections=sections,
        shapes={one.name: _shape(one) for one in sections},
        kinds=_kinds(cards, every=live is not None),
        sizes={(shot.width, shot.height) for card in cards for shot in card.shots},
        drawing=drawing,
        ends=steps if drawing and not drawing.fine else nodes,
        steps=steps,
        nodes=nodes,
        time_words=WORDS,
        icons={"none": "", **{kind: icon for kind, (icon, _) in shown.BADGES.items()}},
        times=scaled(timeline(known.times, graph) if known.times else None),
        folder=known.inlined is None,
        log=f"{RUNS}/{quote(run.id, errors='replace')}.jsonl" if run and not live else None,
        top=live.top if live else "",
        more=more,
        data=_data(cards, Depths(graph), alone=known.inlined is not None),
        style=style.text,
        style_hash=style.hash,
        script=script.text,
        script_hash=script.hash,
    )
    return _MORE_CONTROLS.sub(b"?", rendered.encode(errors="replace").translate(_CONTROLS))


def prepare() -> None:
    """Make ready what every page needs."""
    _template()
    _asset("page.css")
    _asset("page.js")


@dataclass(frozen=True, slots=True)
class _Asset:
    """A text that stands in the page as it is, with the hash that the policy allows."""

    text: str
    hash: str


@cache
def _asset(name: str) -> _Asset:
    text = (_HERE / name).read_text(encoding="utf-8")
    return _Asset(text, _hash(text))


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((_HERE / "template.html").read_text(encoding="utf-8"))


def _thumb(known: Known) -> shown.Thumb:
    """Where small pictures are: in the page, in the folder, or nowhere."""

    def find(digest: str, width: int, height: int, published: bool) -> str | None:
        if known.inlined is not None:
            return known.inlined.get(digest)
        wanted = is_needed(width, height, published=published)
        return thumb_path(digest) if wanted and digest in known.thumbs else None

    return find


def _summary(document: Mapping[str, Json], run: Run | None) -> list[tuple[str, str]]:
    """The numbers at the top: what is here, what was bought, what it cost, what it did not."""
    pictures = sum(bool(entry["picked"]) for entry in document["files"])
    facts = [(str(pictures), "picture" if pictures == 1 else "pictures")]
    if run is None:
        return facts
    return [
        *facts,
        (str(run.paid_images), "made in this run" if run.cost == 0 else "bought in this run"),
        ("$0" if run.cost == 0 else show_usd(run.cost), "spent"),
        ("$0" if run.saved == 0 else show_usd(run.saved), "saved: it was here already"),
        (duration(run.seconds), "took"),
    ]


def _troubles(
    sections: Iterable[shown.Section], run: Run | None, graph: Graph, command: Callable[..., str]
) -> list[dict[str, Json]]:
    asked = Asked(command, stopped=run is not None and run.exit_code in EXITS_OF_STOPS)
    outcomes = {outcome.node: outcome for outcome in run.outcomes} if run else {}
    return [
        {
            "node": card.node,
            "kind": card.kind,
            "badges": card.badges,
            "error": card.error,
            "prompt": card.prompt,
            "advice": advice(outcomes[card.node], asked, local=graph.nodes[card.node].is_local),
        }
        for card in shown.troubles(sections)
    ]


def _kinds(cards: Iterable[shown.Card], *, every: bool) -> list[tuple[shown.Badge, int]]:
    """The states that there are, or *every* one that there may be, each with how many nodes have it."""
    counted: dict[str, int] = {}
    for card in cards:
        for one in card.badges:
            counted[one.kind] = counted.get(one.kind, 0) + 1
    return [(shown.badge(kind), counted.get(kind, 0)) for kind in shown.BADGES if kind in counted or every]


def _shape(section: shown.Section) -> str:
    """The frame that suits the pictures of a step, if they are alike."""
    ratios = [card.shots[0].width / card.shots[0].height for card in section.cards if card.shots]
    if not ratios:
        return "square"
    names = {min(_SHAPES, key=lambda one: abs(one[1] - ratio) / ratio)[0] for ratio in ratios}
    return names.pop() if len(names) == 1 else "square"


def _data(cards: Iterable[shown.Card], depths: Depths, *, alone: bool) -> str:
    """What the script shows, as JSON that ends no element and begins none."""
    text = json.dumps(
        {"cards": [_card(card, depths, alone) for card in cards]}, ensure_ascii=False, separators=(",", ":")
    )
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _card(card: shown.Card, depths: Depths, alone: bool) -> dict[str, Json]:
    told: dict[str, Json] = {
        "n": card.node,
        "g": card.step,
        "k": [badge.kind for badge in card.badges],
        "t": [_shot(shot, card.prompt, alone) for shot in card.shots],
    }
    if card.title != card.node:
        told["l"] = f"{told['g']} · {card.title}"
    if card.error:
        told["e"] = card.error
    if card.change:
        told |= {"c": card.change, "w": int(card.pending)}
    start = depths.start(card.node) if card.node in depths else None
    if start is not None and (edits := depths.edits(card.node)) > 1:
        told["d"] = depth_words(edits, start)
    if card.seconds:
        told["s"] = duration(card.seconds)
    return told


def _shot(shot: Shot, prompt: str, alone: bool) -> dict[str, Json]:
    """The script fills in again what is left out here: what the digest, the file's name or the inputs say already."""
    told: dict[str, Json] = {
        "h": shot.digest,
        "z": (shot.width, shot.height),
        "n": shot.take,
        "p": int(shot.picked),
        "f": [word if word != shot.digest else 0 for fact in shot.facts for word in fact],
        "i": shot.inputs,
    }
    if shot.url and not alone:
        told["u"] = 1 if ("file", shot.url) == shot.facts[0] else shot.url
    if shot.thumb:
        told["t"] = 1 if shot.thumb == thumb_path(shot.digest) else shot.thumb
    if shot.request:
        told["r"] = _asked(shot, prompt)
    return told


def _asked(shot: Shot, prompt: str) -> dict[str, Json]:
    """The request without what stands in the page already."""
    asked = dict(shot.request)
    if asked.get("prompt") == prompt:
        asked["prompt"] = ""
    if asked.get("images") == [digest for _, digest in shot.inputs]:
        asked["images"] = 0
    return asked

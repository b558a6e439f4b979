"""A comparison as one page, to be opened from anywhere: side by side, swipe, onion skin, flicker, heat.

Unaware of how it was found out.

All of it is in the page: small pictures as data, a style sheet and a script, each by its hash in the policy. Nothing is
asked of anybody. Names and prompts are hostile text: the template escapes everything.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from banana_pipe.comparing.album import Album, Views
from banana_pipe.comparing.differences import Comparison, Difference, asked, far, money, summary
from banana_pipe.comparing.matching import Kind
from banana_pipe.comparing.pixels import SHOWN_SIDE
from banana_pipe.explain import Piece

_HERE = Path(__file__).parent
_CONTROLS = re.compile(r"[^\t\n -~\xa0-\U0010ffff]")
_MOST_WITHOUT = 2000
"""Cards without pictures: of more a browser only gets slow."""
_BADGES: dict[Kind, tuple[str, str]] = {
    "changed": ("≠", "changed"),
    "added": ("+", "added"),
    "removed": ("-", "removed"),
    "renamed": ("→", "renamed"),
    "same": ("=", "same picture, asked otherwise"),
}


@dataclass(frozen=True, slots=True)
class Card:
    """One difference as it stands in the page."""

    name: str
    kind: Kind
    icon: str
    word: str
    facts: tuple[tuple[str, str], ...]
    prompt: tuple[Piece, ...]
    whole: str
    """The prompt, where it was not changed."""
    settings: tuple[tuple[str, str, str], ...]
    trouble: str
    width: int
    height: int
    before: str | None
    after: str | None
    heat: str | None

    @property
    def alt(self) -> str:
        """What a picture shows, for who cannot see it: what was asked for."""
        text = self.whole or "".join(piece.text for piece in self.prompt if piece.kind != "removed")
        return f"{self.name}: {text}"[:300] if text else self.name


def page(comparison: Comparison, album: Album) -> bytes:
    """The page for *comparison*, with the small pictures of *album*."""
    places = {id(one): place for place, one in enumerate(comparison.differences)}
    news = comparison.news
    cards = [_card(one, album.views.get(places[id(one)])) for one in news[:_MOST_WITHOUT]]
    style, script = _text("differences.css"), _text("differences.js")
    rendered = _template().render(
        comparison=comparison,
        summary=summary(comparison),
        counts=[(kind, *_BADGES[kind], number) for kind, number in comparison.counts.items() if number],
        cards=cards,
        unshown=len(news) - len(cards),
        left_out=album.left_out,
        room=album.room // 1_000_000,
        side=SHOWN_SIDE,
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
    )
    return _CONTROLS.sub("\ufffd", rendered).encode(errors="replace")


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_text("differences.html"))


@cache
def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _card(one: Difference, views: Views | None) -> Card:
    shown = one.pair.after or one.pair.before
    icon, word = _BADGES[one.kind]
    width, height = views.size if views else (0, 0)
    return Card(
        name=one.name,
        kind=one.kind,
        icon=icon,
        word=word,
        facts=tuple((name, text) for name, text in _facts(one) if text),
        prompt=one.prompt,
        whole="" if one.prompt or shown is None or shown.request is None else asked(shown.request),
        settings=tuple(_settings(one)),
        trouble=one.reading.trouble,
        width=width,
        height=height,
        before=_data(views.before if views else None),
        after=_data(views.after if views else None),
        heat=_data(views.heat if views else None),
    )


def _facts(one: Difference) -> Sequence[tuple[str, str]]:
    before, after, reading = one.pair.before, one.pair.after, one.reading
    sizes = [f"{size}, {_bytes(size.bytes)}" for size in (reading.before, reading.after) if size is not None]
    same = one.kind == "changed" and reading.distance is not None and one.how_far("pixels") == 0
    shown = after or before
    return (
        ("pixels that differ", "none: other bytes only" if same else far(one, "pixels")),
        ("on average", "" if same else far(one, "mean")),
        ("colour", "" if same else far(one, "colour")),
        ("shape", "" if same else far(one, "shape")),
        ("size", " → ".join(dict.fromkeys(sizes))),
        ("price", money(one)),
        ("file", shown.path if shown else ""),
        ("was", before.path if before is not None and shown is not None and before.path != shown.path else ""),
        ("by hand", "the file was changed by hand" if after is not None and after.by_hand else ""),
    )


def _settings(one: Difference) -> Sequence[tuple[str, str, str]]:
    settings = [(change.name, _value(change.before), _value(change.now)) for change in one.settings]
    pictures = [
        (f"reads {each.place}. {each.name}", *((digest or "none")[:12] for digest in (each.before, each.now)))
        for each in one.pictures
    ]
    return [*settings, *pictures]  # type: ignore[list-item]  # three texts each


def _value(value: object) -> str:
    return "not set" if value is None else str(value)


def _data(picture: bytes | None) -> str | None:
    return None if picture is None else f"data:image/webp;base64,{base64.b64encode(picture).decode()}"


def _bytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1000))} kB"

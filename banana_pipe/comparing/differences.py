"""What is different between two sides: picture by picture what was asked, how far the pixels are apart, and the money.

Unaware of where the sides come from, of how pictures are decoded, and of how any of it is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import get_args

from banana_pipe.comparing.matching import Kind, Pair, Shown
from banana_pipe.comparing.pixels import Distance, Measure
from banana_pipe.explain import Change, PictureChange, Piece, word_diff
from banana_pipe.model import Json
from banana_pipe.prices import show_usd, total
from banana_pipe.transforms import in_words

KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a picture is: its sides in pixels, and its bytes."""

    width: int
    height: int
    bytes: int

    def __str__(self) -> str:
        return f"{self.width} × {self.height}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found out about a pair that is changed. No `distance`: `trouble` says why. No size: it was not decoded."""

    distance: Distance | None = None
    trouble: str = ""
    before: Size | None = None
    after: Size | None = None

    @property
    def resized(self) -> bool:
        """Whether the two have other sides."""
        return None not in (self.before, self.after) and str(self.before) != str(self.after)


@dataclass(frozen=True, slots=True)
class Difference:
    """One picture before and after. Nothing is read of it where its bytes are the same, or where it has no other side."""

    pair: Pair
    reading: Reading = Reading()
    prompt: tuple[Piece, ...] = ()
    settings: tuple[Change, ...] = ()
    pictures: tuple[PictureChange, ...] = ()

    @property
    def kind(self) -> Kind:
        """What became of it."""
        return self.pair.kind

    @property
    def name(self) -> str:
        """How people call it."""
        return self.pair.name

    @property
    def asked_otherwise(self) -> bool:
        """Whether something else was asked for."""
        return bool(self.prompt or self.settings or self.pictures)

    @property
    def is_news(self) -> bool:
        """Whether there is something to tell."""
        return self.kind != "same" or self.asked_otherwise

    def how_far(self, measure: Measure) -> float:
        """How far before and after are apart. What is on one side only, or cannot be measured, is as far as can be."""
        if self.kind in ("same", "renamed"):
            return 0.0
        distance = self.reading.distance
        return 1.0 if distance is None else float(getattr(distance, measure))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides compared: `before` and `after` say which, `notes` what the reader should know about them."""

    before: str
    after: str
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()

    @property
    def news(self) -> list[Difference]:
        """What there is to tell: by kind, what is changed most first."""
        found = [one for one in self.differences if one.is_news]
        return sorted(found, key=lambda one: (KINDS.index(one.kind), -one.how_far("colour")))

    @property
    def counts(self) -> Mapping[Kind, int]:
        """How many there are of each kind."""
        counted = Counter(one.kind for one in self.differences)
        return {kind: counted[kind] for kind in KINDS}

    @property
    def cost(self) -> int | None:
        """What the pictures cost that *after* has and *before* has not, each once; None if one price is unknown."""
        old = {one.pair.before.digest for one in self.differences if one.pair.before}
        new = {one.pair.after.digest: one.pair.after.price for one in self.differences if one.pair.after}
        return total(price for digest, price in new.items() if digest not in old)

    def above(self, limit: float, measure: Measure) -> list[Difference]:
        """Those that are further apart than *limit*."""
        return [one for one in self.differences if one.how_far(measure) > limit]


def difference_of(pair: Pair, measure: Callable[[Pair], Reading]) -> Difference:
    """*pair*, told; only what is changed is measured."""
    reading = measure(pair) if pair.kind == "changed" else Reading()
    if pair.before is None or pair.after is None or None in (pair.before.request, pair.after.request):
        return Difference(pair, reading)
    return Difference(
        pair,
        reading,
        prompt=_words(pair.before, pair.after),
        settings=tuple(_settings(pair.before, pair.after)),
        pictures=tuple(_pictures(pair.before, pair.after)),
    )


def far(one: Difference, measure: Measure) -> str:
    """How far it is apart, for people: a percentage, `=` for the same pixels in other bytes, `?` where nobody knows."""
    if one.kind != "changed":
        return ""
    if one.reading.distance is None:
        return "?"
    share = one.how_far(measure)
    if share == 0:
        return "="
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}" if share >= 0.0005 else "<0.1%"


def money(one: Difference) -> str:
    """What the picture cost that is there now, where that is news."""
    after = one.pair.after
    return show_usd(after.price) if after is not None and one.kind in ("changed", "added") and after.node else ""


def summary(comparison: Comparison) -> str:
    """How many there are of each kind, and what the new ones cost."""
    counts = [f"{number:,} {_SAID[kind]}" for kind, number in comparison.counts.items() if number]
    number = len(comparison.differences)
    said = f"{number:,} {'picture' if number == 1 else 'pictures'}: {', '.join(counts)}" if counts else "no pictures"
    known = [one.pair.after for one in comparison.differences if one.kind in ("changed", "added") and one.pair.after]
    if not any(after.node for after in known):
        return said
    cost = comparison.cost
    return f"{said}; what is new cost {'nothing' if cost == 0 else 'an unknown amount' if cost is None else show_usd(cost)}"


_SAID: Mapping[Kind, str] = {
    "changed": "changed",
    "added": "added",
    "removed": "removed",
    "renamed": "renamed",
    "same": "the same",
}


def asked(request: Mapping[str, Json]) -> str:
    """What was asked for, in words: a prompt, or a line for each op."""
    ops = request.get("ops")
    if not isinstance(ops, list):
        return str(request.get("prompt", ""))
    return "\n".join(_op_words(op) for op in ops)


def _op_words(op: Json) -> str:
    if not isinstance(op, dict) or not isinstance(op.get("params"), dict):
        return str(op)
    return in_words(str(op.get("op")), op["params"])


def _words(before: Shown, after: Shown) -> tuple[Piece, ...]:
    old, new = asked(before.request or {}), asked(after.request or {})
    return () if old == new else tuple(word_diff(old, new))


def _settings(before: Shown, after: Shown) -> Iterator[Change]:
    old, new = _set(before), _set(after)
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield Change(name, old.get(name), new.get(name))


def _set(shown: Shown) -> dict[str, Json]:
    request = shown.request or {}
    params = request.get("params")
    return {
        "provider": request.get("provider"),
        "action": "transform" if "ops" in request else request.get("action"),
        "model": request.get("model"),
        **(params if isinstance(params, dict) else {}),
        "take": shown.take if request.get("provider") else None,
    }


def _pictures(before: Shown, after: Shown) -> Iterator[PictureChange]:
    old, new = [digest for _, digest in before.inputs], [digest for _, digest in after.inputs]
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for was, now in zip_longest(range(i, j), range(k, m)):
            name = after.inputs[now][0] if now is not None else before.inputs[was][0]
            place = (now if now is not None else was) + 1
            yield PictureChange(place, name, _at(old, was), _at(new, now))


def _at(digests: Sequence[Json], place: int | None) -> Json:
    return None if place is None else digests[place]

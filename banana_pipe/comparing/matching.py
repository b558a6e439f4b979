"""Which picture of one side is which of the other: by node and take, by place, by bytes.

Unaware of where the pictures are, and of how they are compared.

In this order, each picture at most once: the one that flows on from a node is that of the same node, whichever take it is,
and any other take the same take of the same node; then what lies at the same path, whatever its suffix (the bytes
decide that); then what has the same bytes, wherever it lies now. What is left was removed, or added.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Container, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from banana_pipe.canonical import Digest
from banana_pipe.model import Json

Kind = Literal["changed", "added", "removed", "renamed", "same"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of one side: where it lies, its bytes by digest, and what is known of how it came to be.

    `request` is the mapping that its key is made of; None where nobody knows it, as for a file without a record.
    """

    path: str
    digest: Digest
    node: str | None = None
    take: int | None = None
    picked: bool = True
    by_hand: bool = False
    """The bytes are not those that the record tells of."""
    request: Mapping[str, Json] | None = None
    inputs: tuple[tuple[str, Digest], ...] = ()
    """What it was made from: the name that the recipe reads it by, and the bytes."""
    model: str | None = None
    price: int | None = None
    bought_at: str | None = None

    @property
    def name(self) -> str:
        """How people call it."""
        if self.node is None:
            return self.path
        return self.node if self.picked else f"{self.node}@{self.take}"


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture before and after; None on one side where there is none."""

    before: Shown | None
    after: Shown | None

    @property
    def kind(self) -> Kind:
        """What became of it."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        if self.before.digest != self.after.digest:
            return "changed"
        nodes = {one.node for one in (self.before, self.after) if one.node is not None}
        return "renamed" if self.before.path != self.after.path or len(nodes) > 1 else "same"

    @property
    def name(self) -> str:
        """How people call it: as it is called now."""
        shown = self.after or self.before
        return shown.name if shown else ""


def match(
    before: Iterable[Shown],
    after: Iterable[Shown],
    unsaid_before: Container[str] = (),
    unsaid_after: Container[str] = (),
) -> list[Pair]:
    """The pairs, sorted by path. Of the nodes in `unsaid_…` that side says nothing: what only the other has is left out."""
    left, right = sorted(before, key=_path), sorted(after, key=_path)
    pairs: list[Pair] = []
    for key in (_slot, _place, _bytes):
        found = _joined(left, right, key)
        pairs += found
        left = _without(left, (pair.before for pair in found))
        right = _without(right, (pair.after for pair in found))
    pairs += [Pair(one, None) for one in left if one.node is None or one.node not in unsaid_after]
    pairs += [Pair(None, one) for one in right if one.node is None or one.node not in unsaid_before]
    return sorted(pairs, key=lambda pair: _path(pair.after or pair.before))


def _joined(left: Iterable[Shown], right: Iterable[Shown], key: Callable[[Shown], Hashable]) -> list[Pair]:
    waiting: defaultdict[Hashable, deque[Shown]] = defaultdict(deque)
    for one in right:
        waiting[key(one)].append(one)
    waiting.pop(None, None)
    return [Pair(one, waiting[key(one)].popleft()) for one in left if waiting.get(key(one))]


def _without(shown: list[Shown], gone: Iterable[Shown | None]) -> list[Shown]:
    taken = {id(one) for one in gone}
    return [one for one in shown if id(one) not in taken]


def _slot(one: Shown) -> Hashable:
    return None if one.node is None else (one.node, None if one.picked else one.take)


def _place(one: Shown) -> Hashable:
    folder, slash, name = one.path.rpartition("/")
    stem, dot, _ = name.rpartition(".")
    return folder + slash + (stem if dot else name)


def _bytes(one: Shown) -> Hashable:
    return one.digest


def _path(one: Shown | None) -> tuple[str, str]:
    return (one.path, one.digest) if one else ("", "")

"""Why a node's request is what it is: what is different from the last one under its name.

Unaware of where requests are kept, of the network, and of how a difference is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from banana_pipe.canonical import Digest
from banana_pipe.comparing.pixels import Distance
from banana_pipe.errors import Location
from banana_pipe.model import Json, Node, NodeInput, PlannedNode, Request
from banana_pipe.recipe.drift import Chain
from banana_pipe.recipe.origins import Origin, Origins, words_of

_LARGE = 3000
"""Words; beyond them the exact comparison takes seconds."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a prompt: the same in both, only in the last, or only in this one."""

    kind: Literal["same", "removed", "added"]
    text: str
    origins: tuple[Origin, ...] = ()
    """Of words that were added."""


@dataclass(frozen=True, slots=True)
class Change:
    """A member of the request that is different; None: it was or is not set. `at`: where it is set now."""

    name: str
    before: Json
    now: Json
    at: Location | None = None


@dataclass(frozen=True, slots=True)
class PictureChange:
    """A picture that is read at *place* (from 1): another one, or one more or less (None)."""

    place: int
    name: str
    before: Digest | None
    now: Digest | None


@dataclass(frozen=True, slots=True)
class Last:
    """What is known of the last request under a node's name.

    `request` is None where its words are nowhere: then the lock file alone says something of it.
    """

    request: Request | None
    provider: str
    model: str
    images: tuple[Digest, ...]
    bought_at: float
    takes: int
    price: int | None
    profile: str | None = None
    """The profile that it was asked under."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a node asks now, under which profile. `images` is None while something that it reads is not known."""

    node: Node
    provider: str
    images: tuple[Digest, ...] | None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different; `prompt` is empty where the words are the same, or the last ones are nowhere."""

    prompt: tuple[Piece, ...]
    changes: tuple[Change, ...]
    pictures: tuple[PictureChange, ...]

    def __bool__(self) -> bool:
        return bool(self.prompt or self.changes or self.pictures)


@dataclass(frozen=True, slots=True)
class Downstream:
    """What reads a node, all the way down, and what a run would buy there."""

    nodes: int
    calls: int
    calls_max: int
    cost: int | None


@dataclass(frozen=True, slots=True)
class Drifted:
    """The edits between a picture and the undrifted one that it began with, and what each of them did to it.

    `hops` are as many as the chain's; None: one of the two pictures is not here, or nobody measured.
    """

    chain: Chain
    hops: tuple[Distance | None, ...]
    whole: Distance | None
    """From the first picture to the last."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One node: what it asks, how it stands, what is different, and what that costs."""

    asked: Asked
    line: PlannedNode
    last: Last | None
    difference: Difference | None
    """None where there is nothing to compare with."""
    waits_for: tuple[str, ...]
    downstream: Downstream
    drifted: Drifted | None = None
    """None where nobody has edited anything."""


def compare(last: Last, asked: Asked, origins: Origins, places: Mapping[str, Location]) -> Difference:
    """What is different in *asked*; *places* are where its settings are set."""
    prompt: tuple[Piece, ...] = ()
    if last.request is not None and last.request.prompt != asked.node.prompt:
        prompt = tuple(
            word_diff(
                last.request.prompt,
                asked.node.prompt,
                lambda words, start, end: origins.of(asked.node, words, start, end),
            )
        )
    return Difference(prompt, tuple(_changes(last, asked, places)), tuple(_pictures(last, asked)))


def word_diff(
    before: str, now: str, find: Callable[[Sequence[str], int, int], Iterable[Origin]] = lambda *_: ()
) -> Iterator[Piece]:
    """The words of *now* and those that it no longer has, in order; *find* says where a run of new words comes from."""
    old, new = words_of(before), words_of(now)
    # White space is shown only where nothing else is different.
    runs = _runs([word.rstrip() for word in old], [word.rstrip() for word in new])
    if all(same for same, _, _ in runs):
        runs = _runs(old, new)
    for same, (i, j), (k, m) in runs:
        if same:
            yield Piece("same", "".join([*new[k : m - 1], max(old[j - 1], new[m - 1], key=len)]))
            continue
        if j > i:
            yield Piece("removed", "".join(old[i:j]))
        if m > k:
            yield Piece("added", "".join(new[k:m]), tuple(find(new, k, m)))


_Run = tuple[bool, tuple[int, int], tuple[int, int]]


def _runs(old: Sequence[str], new: Sequence[str]) -> list[_Run]:
    """Runs that are the same and runs that are not, by turns; one word between two changes is part of them."""
    matcher = SequenceMatcher(None, old, new, autojunk=max(len(old), len(new)) > _LARGE)
    runs: list[_Run] = []
    codes = matcher.get_opcodes()
    for number, (tag, i, j, k, m) in enumerate(codes):
        same = tag == "equal" and (j - i > 1 or number in (0, len(codes) - 1))
        if runs and runs[-1][0] == same:
            _, (first_old, _), (first_new, _) = runs.pop()
            runs.append((same, (first_old, j), (first_new, m)))
        else:
            runs.append((same, (i, j), (k, m)))
    return runs


def _changes(last: Last, asked: Asked, places: Mapping[str, Location]) -> Iterator[Change]:
    node = asked.node
    before: dict[str, Json] = {"provider": last.provider, "model": last.model}
    now: dict[str, Json] = {"provider": asked.provider, "model": node.model}
    if last.request is not None:
        before |= {"action": last.request.action, **last.request.params}
        now |= {"action": node.action, **node.params}
    for name in dict.fromkeys((*before, *now)):
        if before.get(name) != now.get(name):
            # What is not sent is set nowhere: the ratio of the defaults is not for an edit.
            yield Change(name, before.get(name), now.get(name), places.get(name) if name in now else None)


def _pictures(last: Last, asked: Asked) -> Iterator[PictureChange]:
    if asked.images is None or asked.images == last.images:
        return
    names = [one.node if isinstance(one, NodeInput) else one.label for one in asked.node.inputs]
    matcher = SequenceMatcher(None, last.images, asked.images, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            continue
        for step in range(max(j - i, m - k)):
            before = last.images[i + step] if i + step < j else None
            now = asked.images[k + step] if k + step < m else None
            place = k + step if now is not None else i + step
            yield PictureChange(place + 1, names[place] if now is not None else "", before, now)

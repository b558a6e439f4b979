"""A lock file that git could not merge is merged by what it says: what both sides bought is kept.

Unaware of git but for the marks that it leaves, of folders, and of who is right where two sides say different things.

Every line of a lock file is whole by itself, so each side of a conflict, with all that is outside of it, is a lock
file. Where both only add something there is nothing to decide.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from banana_pipe.store.pins import LockAccepted, LockBlock, LockFile, LockLink, LockTake

Side = Literal["ours", "theirs"]
"""As git calls them: the branch that one is on, and the one that is merged into it."""

_EDGE = re.compile(r'^(?:"([0-9a-f]{64})": \{|  "end": "([0-9a-f]{16})"\},$)', re.MULTILINE)
"""Where a block begins, and where it ends."""

V = TypeVar("V")
_Choice = tuple[int | None, LockAccepted | None]
"""The take that somebody picked, and what somebody accepted in its place."""
_NONE: _Choice = (None, None)


@dataclass(frozen=True, slots=True)
class Clash:
    """Something that the two sides decided differently; each in words."""

    name: str
    """The node, or the address."""
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Merged:
    """What both sides say together, and where one of them had to win."""

    lock: LockFile
    clashes: tuple[Clash, ...]


def sides(text: str) -> tuple[str, str] | None:
    """What *text* is on each side of the conflicts in it, ours first; None where there are none.

    The ancestor, which git writes in between if it is told so, is left out.
    """
    ours: list[str] = []
    theirs: list[str] = []
    both = (ours, theirs)
    into: tuple[list[str], ...] = both
    conflicts = 0
    for line in _lines(text):
        mark = line.partition(" ")[0]
        if mark == "<" * 7:
            conflicts += 1
            into = (ours,)
        elif mark == "|" * 7:
            into = ()
        elif mark == "=" * 7:
            into = (theirs,)
        elif mark == ">" * 7:
            into = both
        else:
            for side in into:
                side.append(line)
    return ("\n".join(ours), "\n".join(theirs)) if conflicts else None


def is_as_git_left_it(found: tuple[str, str], ancestor: str, ours: str, theirs: str) -> bool:
    """Whether the two sides *found* in a file are what git makes of these versions, and no hand has been there since.

    Git cuts versions up by lines and decides nothing: a side has all that its own branch did to a line, and may have
    what the other one did. So every line is there as often as in its own version, give or take the other's change.
    Where it cut through blocks a line can be there once more; what only its own version has, it still has.
    """
    before, mine, others = (Counter(_lines(text)) for text in (ancestor, ours, theirs))
    is_whole = all(map(_has_whole_blocks, found))
    for text, own, other in ((found[0], mine, others), (found[1], others, mine)):
        side = Counter(_lines(text))
        for line in {*side, *own, *other, *before}:
            by_other = other[line] - before[line]
            least, most = own[line] + min(0, by_other), own[line] + max(0, by_other)
            if not least <= side[line] <= most and (is_whole or not (other[line] or before[line])):
                return False
    return True


def _has_whole_blocks(text: str) -> bool:
    """Whether every block ends as itself, and none stands twice."""
    edges = _EDGE.findall(text)
    opened, ended = edges[::2], edges[1::2]
    keys = [key for key, _ in opened]
    return len(set(keys)) == len(keys) and [key[:16] for key in keys] == [end for _, end in ended]


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n")


def merge(ancestor: LockFile, ours: LockFile, theirs: LockFile, *, prefer: Side = "ours") -> Merged:
    """Both together, as changes of their *ancestor*; where they differ it is *prefer* who says."""
    referee = _Referee(prefer)
    locks = (ancestor, ours, theirs)
    blocks = {
        base: referee.block(*(lock.blocks.get(base) for lock in locks))
        for base in sorted(set().union(*(lock.blocks for lock in locks)))
    }
    links = {
        url: referee.one(str(url), _link_words, *(lock.links.get(url) for lock in locks))
        for url in sorted(set().union(*(lock.links for lock in locks)))
    }
    merged = LockFile(
        {base: block for base, block in blocks.items() if block is not None},
        {**theirs.extra, **ours.extra},
        {url: link for url, link in links.items() if link is not None},
    )
    return Merged(merged, tuple(referee.clashes))


class _Referee:
    """Takes what only one side changed, and what both changed alike; notes the rest, and gives it to *prefer*."""

    def __init__(self, prefer: Side) -> None:
        self._prefer = prefer
        self.clashes: list[Clash] = []

    def one(self, name: str, words: Callable[[V], str], before: V | None, ours: V | None, theirs: V | None) -> V | None:
        """One thing called *name*, and *words* for it; None: it is not there. What one side took away and the other
        changed stays."""
        if ours == theirs or theirs == before:
            return ours
        if ours == before:
            return theirs
        if ours is None or theirs is None:
            return theirs if ours is None else ours
        self.clashes.append(Clash(name, words(ours), words(theirs)))
        return ours if self._prefer == "ours" else theirs

    def block(self, before: LockBlock | None, ours: LockBlock | None, theirs: LockBlock | None) -> LockBlock | None:
        """The block of one request: all takes of both, and one choice."""
        if ours is None or theirs is None:
            return self.one("", str, before, ours, theirs)
        three = (before, ours, theirs)
        name = next(iter((*ours.labels, *theirs.labels)), ours.base[:12])
        samples = sorted(set().union(*(block.takes for block in three if block)))
        takes = {
            sample: self.one(
                f"{name}@{sample}", _take_words, *(block.takes.get(sample) if block else None for block in three)
            )
            for sample in samples
        }
        pick, accepted = self.one(name, _choice_words, *(_choice(block) if block else None for block in three)) or _NONE
        known = set(before.labels) if before else set()
        here, there = set(ours.labels), set(theirs.labels)
        return replace(
            ours,
            takes={sample: take for sample, take in takes.items() if take is not None},
            labels=tuple(sorted((here & there) | (here - known) | (there - known))),
            pick=pick,
            accepted=accepted,
            extra={**theirs.extra, **ours.extra},
        )


def _choice(block: LockBlock) -> _Choice | None:
    choice = (block.pick, block.accepted)
    return None if choice == _NONE else choice


def _choice_words(choice: _Choice) -> str:
    pick, accepted = choice
    return f"take {pick}" if accepted is None else f"the picture {accepted.artifact.digest[:12]}, accepted"


def _take_words(take: LockTake) -> str:
    return f"the picture {take.artifact.digest[:12]}"


def _link_words(link: LockLink) -> str:
    return f"the picture {link.artifact.digest[:12]}"

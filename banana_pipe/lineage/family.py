"""How a picture came to be, all the way up: what each was made from, until nothing is left to tell.

Unaware of files, stores and git: records go in, a family comes out. Records are texts that anybody may have written:
a picture that would be its own ancestor is told once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from banana_pipe.canonical import Digest
from banana_pipe.model import Json
from banana_pipe.prices import total

MOST = 10_000
"""Pictures of one family."""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A picture that was read to make another one: its bytes, and by which name.

    `outside` says that it came from there: a `file` or a `url`; else it is a node's.
    """

    digest: Digest
    name: str = ""
    take: int | None = None
    outside: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What one record says of a picture. `where` is the record; None: it does not say.

    `request` is the mapping that the key is made of.
    """

    digest: Digest
    where: str
    recipe: str | None = None
    node: str | None = None
    take: int | None = None
    path: str | None = None
    key: str | None = None
    request: Mapping[str, Json] | None = None
    inputs: tuple[Ancestor, ...] | None = None
    provider: str | None = None
    model: str | None = None
    served: str | None = None
    task_id: str | None = None
    trace_id: str | None = None
    price: int | None = None
    bought_at: str | None = None
    accepted: bool = False
    """It was no take of this request: somebody accepted it in place of one."""


@dataclass(frozen=True, slots=True)
class Made:
    """One picture of a family: what all records together say of it."""

    record: Record
    others: tuple[str, ...] = ()
    """Other nodes that had the same bytes."""
    outside: str = ""
    """`file` or `url`, where nobody here made it."""
    label: str = ""
    """The name by which it was read, where it has none of its own."""

    @property
    def is_known(self) -> bool:
        """Whether a record says who made it."""
        return bool(self.record.where)

    @property
    def ends_unknown(self) -> bool:
        """Whether it was made from something, or may have been, and no record says from what."""
        return not self.outside and self.record.inputs is None

    @property
    def name(self) -> str:
        """How people call it."""
        return self.record.node or self.label or self.record.digest[:12]


@dataclass(frozen=True, slots=True)
class Family:
    """A picture with all that it was made from, by digest; the picture itself comes first."""

    root: Digest
    members: Mapping[Digest, Made]

    def parents(self, digest: Digest) -> tuple[Ancestor, ...]:
        """What *digest* was made from."""
        return self.members[digest].record.inputs or ()

    @property
    def cost(self) -> int | None:
        """What all of them cost together; None if one price is unknown."""
        return total(made.record.price for made in self.members.values() if made.is_known)

    def generations(self) -> list[list[Digest]]:
        """The pictures by how far they are from the root, itself alone in the first: each above all that it went into."""
        depth = dict.fromkeys(self.members, 0)
        readers = dict.fromkeys(self.members, 0)
        for digest in self.members:
            for one in self.parents(digest):
                if one.digest in readers:
                    readers[one.digest] += 1
        ready, done = deque([self.root] if not readers[self.root] else []), set[Digest]()
        while ready:
            digest = ready.popleft()
            done.add(digest)
            for one in self.parents(digest):
                if one.digest in depth:
                    depth[one.digest] = max(depth[one.digest], depth[digest] + 1)
                    readers[one.digest] -= 1
                    if not readers[one.digest]:
                        ready.append(one.digest)
        # What is its own ancestor, by a record that lies, has no place of its own.
        left = [digest for digest in self.members if digest not in done]
        levels: list[list[Digest]] = [[] for _ in range(max(depth.values()) + 1)]
        for digest in self.members:
            if digest in done:
                levels[depth[digest]].append(digest)
        return [level for level in (*levels, left) if level]


Find = Callable[[Digest], Sequence[Record]]
"""All that is known of some bytes, what says most first."""
Outside = Callable[[Digest], Ancestor | None]
"""Bytes that nobody here made, as somebody read them."""


def family(root: Digest, find: Find, outside: Outside) -> Family:
    """The picture *root* and all that it was made from."""
    members: dict[Digest, Made] = {}
    waiting: deque[Ancestor] = deque([Ancestor(root)])
    while waiting and len(members) < MOST:
        one = waiting.popleft()
        if one.digest in members:
            continue
        made = _made(one, find(one.digest), outside)
        members[one.digest] = made
        waiting += made.record.inputs or ()
    return Family(root, members)


def _made(one: Ancestor, records: Sequence[Record], outside: Outside) -> Made:
    if not records:
        read = one if one.outside else outside(one.digest) or one
        return Made(Record(one.digest, ""), outside=read.outside, label=read.name)
    whole = joined(records)
    others = [each.node for each in records if each.node and each.node != whole.node]
    return Made(whole, tuple(dict.fromkeys(others)), label=one.name)


def joined(records: Iterable[Record]) -> Record:
    """All that *records* say of one picture; where two say otherwise, the first."""
    first, *rest = records
    for other in rest:
        # Of another node with the same bytes only what came with the bytes counts.
        same = first.node is None or other.node is None or first.node == other.node
        names = [field.name for field in fields(Record) if same or field.name not in _OF_THE_NODE]
        news = {
            name: value
            for name in names
            if getattr(first, name) is None and (value := getattr(other, name)) is not None
        }
        first = replace(first, **news)
    return first


_OF_THE_NODE = ("recipe", "node", "path")

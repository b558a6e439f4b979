"""What a lock file says: what was bought for a recipe, which takes were picked, what addresses mean; and its changes.

Unaware of nodes, recipes, caches, prices' sense and of how it is written; for what labels say see `labels`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from banana_pipe.canonical import Digest
from banana_pipe.model import Artifact, BaseKey, Json, Key, Result, Url
from banana_pipe.store.labels import parts_of


@dataclass(frozen=True, slots=True)
class LockTake:
    """One take of a request: the picture, and where it came from. Times have milliseconds."""

    artifact: Artifact
    bought_at: float
    price: int | None = None
    served: str | None = None
    task_id: str | None = None
    trace_id: str | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)
    """Members that a later version wrote."""


@dataclass(frozen=True, slots=True)
class LockAccepted:
    """A picture that somebody accepted in place of the takes of a request."""

    artifact: Artifact
    accepted_at: float
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LockBlock:
    """What is known of one request: its takes by sample, and the one that somebody picked."""

    base: BaseKey
    provider: str
    model: str
    inputs: tuple[Digest, ...] = ()
    labels: tuple[str, ...] = ()
    takes: Mapping[int, LockTake] = field(default_factory=dict)
    pick: int | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)
    accepted: LockAccepted | None = None
    """What flows on instead of any take, while it stands."""

    @property
    def bought_at(self) -> float:
        """When its latest picture was bought or accepted; 0 without any."""
        dates = [take.bought_at for take in self.takes.values()]
        return max([*dates, *([self.accepted.accepted_at] if self.accepted else [])], default=0.0)


@dataclass(frozen=True, slots=True)
class LockLink:
    """What an address means: the picture that was there when it was first fetched."""

    artifact: Artifact
    fetched_at: float
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bought:
    """A result on its way into the lock: whose take it is, and what was read to make it."""

    base: BaseKey
    sample: int
    inputs: tuple[Digest, ...]
    result: Result


@dataclass(frozen=True, slots=True)
class LockFile:
    """A lock file's content. Never changed: the functions below give another one."""

    blocks: Mapping[BaseKey, LockBlock] = field(default_factory=dict)
    extra: Mapping[str, Json] = field(default_factory=dict)
    links: Mapping[Url, LockLink] = field(default_factory=dict)
    _named: dict[str, list[tuple[str, LockBlock]]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """By node: labels and their blocks, the one bought last first."""

    def block(self, base: BaseKey) -> LockBlock | None:
        """The block of that request."""
        return self.blocks.get(base)

    def pick(self, base: BaseKey) -> int | None:
        """The take that somebody picked for that request."""
        block = self.blocks.get(base)
        return block.pick if block else None

    def accepted(self, base: BaseKey) -> Artifact | None:
        """The picture that somebody accepted for that request."""
        block = self.blocks.get(base)
        return block.accepted.artifact if block and block.accepted else None

    def result(self, base: BaseKey, sample: int, key: Key) -> Result | None:
        """What the lock pins for take *sample*, as the result of *key*."""
        block = self.blocks.get(base)
        take = block.takes.get(sample) if block else None
        if block is None or take is None:
            return None
        return Result(
            key=key,
            artifact=take.artifact,
            provider=block.provider,
            model=block.model,
            served=take.served,
            task_id=take.task_id,
            trace_id=take.trace_id,
            price=take.price,
            bought_at=take.bought_at,
        )

    def latest_with_label(self, label: str) -> LockBlock | None:
        """The block under that label whose latest take was bought last; ties go by key."""
        return next(iter(self.with_label(label)), None)

    def with_label(self, label: str) -> Sequence[LockBlock]:
        """The blocks under that label, the one bought last first; ties go by key."""
        return [block for name, block in self._alike(label) if name == label]

    def in_other_profiles(self, label: str) -> Sequence[tuple[str, LockBlock]]:
        """The blocks under the other labels of the same node, each with its label; in the same order."""
        return [(name, block) for name, block in self._alike(label) if name != label]

    def _alike(self, label: str) -> Sequence[tuple[str, LockBlock]]:
        if not self._named:
            newest_first = sorted(self.blocks.values(), key=lambda block: (block.bought_at, block.base), reverse=True)
            for block in newest_first:
                for name in block.labels:
                    self._named.setdefault(parts_of(name)[0], []).append((name, block))
        return self._named.get(parts_of(label)[0], ())


# --- changes ----------------------------------------------------------------------------------


def with_takes(lock: LockFile, bought: Iterable[Bought], *, replace_lost: bool = False) -> LockFile:
    """*lock* with these takes added.

    A take that the lock has already stays as it is: key → picture is write-once. *replace_lost* is
    for the one exception, bytes that are gone for good and were bought again by consent.
    """
    blocks = dict(lock.blocks)
    for one in bought:
        known = blocks.get(one.base)
        block = known or LockBlock(one.base, one.result.provider, one.result.model, one.inputs)
        if replace_lost or one.sample not in block.takes:
            blocks[one.base] = replace(block, takes={**block.takes, one.sample: _take_of(one.result)})
    return replace(lock, blocks=blocks)


def with_labels(
    lock: LockFile,
    labels: Mapping[BaseKey, Iterable[str]],
    elsewhere: Container[str] = (),
    *,
    profile: str | None = None,
) -> LockFile:
    """*lock* with the labels of the nodes that used each of these requests in a run under *profile*.

    A label stays on the blocks that it had before, so that its last request can be found. Requests
    that the lock does not have are passed over. Labels that are *elsewhere*, or of another profile,
    had no say in this run: a block that has one keeps it.
    """
    named = {
        base: replace(lock.blocks[base], labels=tuple(sorted({*names, *_kept(lock.blocks[base], elsewhere, profile)})))
        for base, names in labels.items()
        if base in lock.blocks
    }
    return replace(lock, blocks={**lock.blocks, **named})


def _kept(block: LockBlock, elsewhere: Container[str], profile: str | None) -> Iterator[str]:
    return (label for label in block.labels if label in elsewhere or parts_of(label)[1] != profile)


def with_pick(lock: LockFile, base: BaseKey, sample: int | None) -> LockFile:
    """*lock* with that take picked; None takes the pick away. Raises KeyError for an unknown request.

    What was accepted for that request stands no longer.
    """
    return with_picks(lock, {base: sample})


def with_picks(lock: LockFile, picks: Mapping[BaseKey, int | None]) -> LockFile:
    """The same for many requests."""
    chosen = {base: replace(lock.blocks[base], pick=sample, accepted=None) for base, sample in picks.items()}
    return replace(lock, blocks={**lock.blocks, **chosen})


def with_accepted(lock: LockFile, pictures: Iterable[tuple[LockBlock, Artifact]], now: float) -> LockFile:
    """*lock* with each picture accepted for the request that its block describes, under its labels as well."""
    blocks = dict(lock.blocks)
    for like, artifact in pictures:
        block = blocks.get(like.base) or like
        accepted = LockAccepted(artifact, round(now * 1000) / 1000)
        blocks[like.base] = replace(block, accepted=accepted, labels=tuple(sorted({*block.labels, *like.labels})))
    return replace(lock, blocks=blocks)


def without_choices(lock: LockFile, bases: Iterable[BaseKey]) -> LockFile:
    """*lock* without the picks of these requests and without what was accepted for them."""
    blocks = dict(lock.blocks)
    for base in bases:
        block = replace(blocks.pop(base), pick=None, accepted=None)
        if block.takes or block.extra:  # nothing is left of one that was only accepted
            blocks[base] = block
    return replace(lock, blocks=blocks)


def without(lock: LockFile, bases: Container[BaseKey], urls: Container[Url]) -> LockFile:
    """*lock* without these requests and addresses."""
    blocks = {base: block for base, block in lock.blocks.items() if base not in bases}
    return replace(lock, blocks=blocks, links={url: link for url, link in lock.links.items() if url not in urls})


def with_links(lock: LockFile, fetched: Mapping[Url, Artifact], at: float) -> LockFile:
    """*lock* with these addresses pinned, fetched *at*; one that is pinned already stays as it is."""
    new = {url: LockLink(artifact, round(at * 1000) / 1000) for url, artifact in fetched.items()}
    return replace(lock, links={**new, **lock.links})


def _take_of(result: Result) -> LockTake:
    return LockTake(
        artifact=result.artifact,
        bought_at=round(result.bought_at * 1000) / 1000,
        price=result.price,
        served=result.served,
        task_id=result.task_id,
        trace_id=result.trace_id,
    )

"""A node's takes: which requests they are, which one flows on, and what makes a picture unfit.

Unaware of what is known of them and of whether anything will be bought. A plan and a run share
these rules, so that they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from banana_pipe.canonical import Digest
from banana_pipe.model import (
    LOCAL,
    Artifact,
    BaseKey,
    Expect,
    FileInput,
    Graph,
    Key,
    Node,
    NodeInput,
    Outcome,
    Pick,
    Place,
    Reason,
    Request,
)
from banana_pipe.prices import PriceTable
from banana_pipe.recipe.references import step_of
from banana_pipe.request import base_key_of, key_of, request_for, with_sample
from banana_pipe.store.labels import label_of
from banana_pipe.store.lookup import Stores, Wanted
from banana_pipe.store.pins import LockBlock, LockFile


@dataclass(frozen=True, slots=True)
class Market:
    """One provider as a plan sees it: its name in keys, what is known there, and its prices."""

    key_name: str
    stores: Stores
    prices: PriceTable
    max_picture_bytes: int
    free: bool = False
    profile: str | None = None
    """What is bought here is bought under this profile; it is in no key."""

    def label(self, name: str) -> str:
        """What the lock file calls the node *name*."""
        return label_of(name, self.profile)

    def price(self, node: Node) -> int | None:
        """What one take of *node* costs."""
        return 0 if self.free else self.prices.price(node.model, node.params, has_extra=node.has_extra)


@dataclass(frozen=True, slots=True)
class TakeWanted:
    """One take of a node: its request and what it is looked up by."""

    request: Request
    wanted: Wanted


def takes_of(node: Node, market: Market, images: Sequence[Digest], asked: Iterable[int]) -> tuple[TakeWanted, ...]:
    """The takes of *node*: 1 to `samples`, the picked one, and those *asked* for by name."""
    first = request_for(node, market.key_name, images, 1)
    base = base_key_of(first)
    samples = {*range(1, node.samples + 1), *asked}
    pick = pick_of(node, market.stores.lock, base)
    if pick is not None:
        samples.add(pick.sample)
    elif node.asks:
        block = market.stores.lock.block(base)
        samples.update(block.takes if block else ())  # who is to choose sees what re-rolls have brought, too
    return tuple(_take(with_sample(first, sample), base) for sample in sorted(samples))


def _take(request: Request, base: BaseKey) -> TakeWanted:
    return TakeWanted(request, Wanted(key_of(request), base, request.sample))


ACCEPTED_AND_GONE = "what was accepted has its bytes nowhere; put the file back, or `pick` a take"


def needed(takes: Sequence[TakeWanted], accepted: Artifact | None, asked: Container[int]) -> tuple[TakeWanted, ...]:
    """Those of *takes* that a run sees to: beside what was *accepted* only those *asked* for by number."""
    return tuple(take for take in takes if accepted is None or take.wanted.sample in asked)


def pick_of(node: Node, lock: LockFile, base: BaseKey) -> Pick | None:
    """The take that somebody chose, in the lock or in the recipe."""
    chosen = lock.pick(base)
    if chosen is not None:
        return Pick(chosen, "lock")
    return None if node.pick is None else Pick(node.pick, "recipe")


def picked(
    node: Node, pick: Pick | None, judged: Mapping[int, Reason | None], among: Sequence[int] | None = None
) -> int | None:
    """The take that flows on: the chosen one, else the first that passes; None: not known yet, or to be asked.

    *judged* has what is wrong (None: nothing) with each take that is known so far. *among* are the takes
    that there are to be: 1 to `samples`, unless told otherwise.
    """
    if pick is not None:
        return pick.sample
    samples = range(1, node.samples + 1) if among is None else among
    if node.asks and (None in judged.values() or any(sample not in judged for sample in samples)):
        return None
    for sample in samples:
        if sample not in judged:
            return None
        if judged[sample] is None:
            return sample
    return next(iter(samples), None)


def flowed(node: Node, lock: LockFile, block: LockBlock) -> Artifact | None:
    """What flowed from *block*, a request that *node* had: what was accepted, else its take by the rule of `picked`.

    Nothing more is bought for it: its takes are those that it has, whatever `samples` says by now.
    """
    if block.accepted is not None:
        return block.accepted.artifact
    judged = {sample: judge(take.artifact, block.inputs, node.expect) for sample, take in block.takes.items()}
    sample = picked(node, pick_of(node, lock, block.base), judged, sorted(judged))
    take = block.takes.get(sample) if sample is not None else None
    return take.artifact if take is not None else None


def originals(node: Node, images: Sequence[Digest]) -> Sequence[Digest]:
    """What a picture of *node* must not be a copy of: a transform may well have nothing to change."""
    return () if node.is_local else images


def judge(artifact: Artifact, images: Sequence[Digest], expect: Expect) -> Reason | None:
    """What is wrong with a picture, whoever made it; None if nothing is."""
    if artifact.blank:
        return "blank"
    if artifact.digest in images:
        return "copy"
    return "expect" if unmet(artifact, expect) else None


def unmet(artifact: Artifact, expect: Expect) -> str:
    """What a picture is, and what was expected instead, in words; empty where all of it is met."""
    found = []
    for name, least, length in (
        ("min_width", expect.min_width, artifact.width),
        ("min_height", expect.min_height, artifact.height),
    ):
        if least is not None and length < least:
            found.append(f"it is {length} pixels {_ALONG[name]}, and `{name}` is {least}")
    if expect.aspect_ratio is not None and not _has_ratio(artifact, expect.aspect_ratio):
        found.append(f"it is {artifact.width} × {artifact.height}, and `aspect_ratio` is {expect.aspect_ratio}")
    kind = artifact.mime.removeprefix("image/")
    if expect.format not in (None, kind):
        found.append(f"it is {kind}, and `format` is {expect.format}")
    if expect.alpha is not None and artifact.alpha is not expect.alpha:
        found.append("it has transparent pixels" if artifact.alpha else "it has no transparent pixel")
    if expect.max_bytes is not None and artifact.size > expect.max_bytes:
        found.append(f"it has {artifact.size:,} bytes, and `max_bytes` is {expect.max_bytes:,}")
    return "; ".join(found)


def to_choose_from(samples: Iterable[int]) -> str:
    """What is said of a node that nobody has picked from; *samples* are the takes that pass."""
    listed = ", ".join(map(str, sorted(samples)))
    return f"nobody has picked yet; there {'are takes' if ',' in listed else 'is take'} {listed}"


_ALONG = {"min_width": "wide", "min_height": "high"}
_RATIO_TOLERANCE = 0.03


def _has_ratio(artifact: Artifact, ratio: str) -> bool:
    width, _, height = ratio.partition(":")
    wanted = float(width) / float(height)
    return abs(artifact.width / artifact.height / wanted - 1) <= _RATIO_TOLERANCE


def samples_of(node: Node, asked: Iterable[int]) -> set[int]:
    """The takes that *node* has for any request that nobody has picked from yet."""
    return {*range(1, node.samples + 1), *asked, *(() if node.pick is None else (node.pick,))}


def asked_takes(graph: Graph) -> dict[str, set[int]]:
    """For each node the takes that others read by number (`hero@2`)."""
    asked: dict[str, set[int]] = {}
    for node in graph:
        for one in node.inputs:
            if isinstance(one, NodeInput) and one.sample is not None:
                asked.setdefault(one.node, set()).add(one.sample)
    return asked


def unsendable(
    node: Node, artifacts: Sequence[Artifact] | None, broken: Mapping[Place, str], market: Market
) -> str | None:
    """Why what *node* reads cannot be sent: an address that it cannot be had from, as *broken* says, or a size.

    *artifacts* are the pictures that it reads; None while something of it is not known.
    """
    places = (one.place for one in node.inputs if not isinstance(one, NodeInput))
    trouble = next((broken[place] for place in places if place in broken), None)
    if trouble is not None or artifacts is None:
        return trouble
    return _of_no_kind(node, artifacts) or _oversized(node, artifacts, market.max_picture_bytes)


def _of_no_kind(node: Node, artifacts: Sequence[Artifact]) -> str | None:
    """Which of *artifacts* is of a kind that no provider takes."""
    for one, artifact in zip(node.inputs, artifacts, strict=True):
        if artifact.mime == "image/avif" and not node.is_local:
            whose = f"the picture of {one.node}" if isinstance(one, NodeInput) else one.label
            return f"{whose} is an AVIF, and the provider takes PNG, JPEG and WebP: `convert` it, or read what it is made of"
    return None


def _oversized(node: Node, artifacts: Sequence[Artifact], limit: int) -> str | None:
    """Which of *artifacts* is too large, naming the step that would make it smaller."""
    for one, artifact in zip(node.inputs, artifacts, strict=True):
        if artifact.size > limit:
            whose = f"the picture of {one.node}" if isinstance(one, NodeInput) else one.label
            cure = (
                f"ask step `{step_of(one.node)}` for a lower `resolution`"
                if isinstance(one, NodeInput)
                else "make that file smaller"
                if isinstance(one, FileInput)
                else "download it, make it smaller, and name that file"
            )
            size = f"{artifact.size / 1e6:.1f} MB"
            return f"{whose} has {size}, and the provider takes {limit / 1e6:.0f} MB: {cure}"
    return None


def had_before(outcomes: Iterable[Outcome]) -> dict[Key, int | None]:
    """The price of each bought picture that was there before the run; those whose bytes are nowhere are not."""
    takes = [(outcome, take) for outcome in outcomes for take in outcome.takes]
    bought = {take.result.key for _, take in takes if take.bought}
    return {
        take.result.key: take.result.price
        for outcome, take in takes
        if take.result.key not in bought
        and take.result.provider != LOCAL
        and (outcome.status != "lost" or any(output.key == take.result.key for output in outcome.outputs))
    }

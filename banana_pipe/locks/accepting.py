"""Accepting: what is there is right, and what reads a node reads that.

Unaware of the command line and of buying: nothing here is paid for.

What is accepted may give what reads it the request that it had before, so the plan is made anew
after each round, with what was accepted so far; the lock files are written once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from banana_pipe.beforehand import plan
from banana_pipe.canonical import Digest
from banana_pipe.errors import UsageError
from banana_pipe.images import NotAPicture, measure, suffix
from banana_pipe.model import Artifact, Graph, Node, Plan, State
from banana_pipe.planning import Decided
from banana_pipe.recipe.select import with_takes
from banana_pipe.regular import read_regular
from banana_pipe.store import lockfile, pins
from banana_pipe.store.labels import parts_of
from banana_pipe.store.pins import LockBlock, LockFile
from banana_pipe.takes import Market, flowed
from banana_pipe.workspace import Workspace

_SUFFIXES = tuple(map(suffix, ("image/png", "image/jpeg", "image/webp", "image/avif")))


@dataclass(frozen=True, slots=True)
class Accepted:
    """A picture that a node has from now. `path`: the published file that it is, if it was changed by hand."""

    node: str
    artifact: Artifact
    path: str | None


@dataclass(frozen=True, slots=True)
class Left:
    """A node that was named, and that there was nothing to accept for."""

    node: str
    why: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What was accepted, what was not, and what a run would buy now."""

    accepted: tuple[Accepted, ...]
    left: tuple[Left, ...]
    then: Plan


@dataclass(frozen=True, slots=True)
class _Change:
    """What is accepted for the request that `block` describes."""

    accepted: Accepted
    provider: str
    block: LockBlock
    data: bytes | None
    """The bytes of a file, to be kept."""


async def accept(workspace: Workspace, texts: Sequence[str] = (), *, write: bool = True) -> Acceptance:
    """Accept what is there for every node that *texts* mean, or for all; without *write* only say what would be.

    A published file that was changed by hand, else the picture that the node had last, becomes what
    flows on from its present request. Free. Raises UsageError where nothing can be accepted of what
    was named, and StoreError.
    """
    nodes = _nodes(workspace.graph, texts)
    changes: dict[str, _Change] = {}
    now = workspace.clock.now()
    seen, decided = workspace, await plan(workspace)
    while True:
        left: list[Left] = []
        found: dict[str, _Change] = {}
        states, pinned = {line.id: line.state for line in decided.plan.nodes}, seen.pinned_digests()
        for node in nodes:
            known = _Known(seen, decided, states[node.id], pinned)
            change = _change(known, node) if node.id not in changes else None
            if isinstance(change, _Change):
                found[node.id] = change
            elif change is not None:
                left.append(change)
        _refuse_two_for_one(found.values())
        if not found:
            break
        changes |= found
        seen = _with_changes(seen, found.values(), now)
        decided = await plan(seen)
    if not changes and left and texts:
        raise UsageError(f"nothing to accept for {left[0].node}: {left[0].why}", hint=_ADVICE)
    if write:
        await _write(workspace, list(changes.values()), now)
    accepted = tuple(changes[node.id].accepted for node in nodes if node.id in changes)
    return Acceptance(accepted, tuple(left) if texts else (), decided.plan)


_ADVICE = "`banana-pipe plan` says how it stands"


def _nodes(graph: Graph, texts: Sequence[str]) -> list[Node]:
    if not texts:
        return list(graph)
    named = {node.id for text in texts for node in with_takes(graph, text)}
    return [node for node in graph if node.id in named]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known when a node is looked at: its state in the plan, and what the lock files name."""

    workspace: Workspace
    decided: Decided
    state: State
    pinned: frozenset[Digest]


def _change(known: _Known, node: Node) -> _Change | Left | None:
    """What there is to accept for *node*; why there is nothing; None where it is right already."""
    if node.is_local:
        return Left(node.id, "it is a transform, made here from what it reads: read the retouched file instead")
    workspace, decided = known.workspace, known.decided
    if node.id not in decided.takes:
        return Left(node.id, "what it reads is not known yet: accept that too, or run the recipe first")
    market = workspace.markets[node.provider]
    first = decided.takes[node.id][0]
    request = first.request
    labels = (market.label(node.id),)
    block = LockBlock(first.wanted.base, request.provider, request.model, request.images, labels)
    by_hand = _file_by_hand(workspace, node, known.pinned)
    if by_hand is not None:
        path, data = by_hand
        return _Change(Accepted(node.id, _measured(path, data), path), node.provider, block, data)
    if known.state == "cached":
        return None
    artifact = _had_last(workspace, market, node)
    if isinstance(artifact, Left):
        return artifact
    return _Change(Accepted(node.id, artifact, None), node.provider, block, None)


def _had_last(workspace: Workspace, market: Market, node: Node) -> Artifact | Left:
    """The picture that flowed on from the node's last request.

    What stands in this output folder says which request that was: what was bought last may not be what
    was used last. Without it, the one that was bought last. One of another profile is meant only where this
    one has none, and where it stands there: its label may be older than labels that say a profile.
    """
    lock, label = market.stores.lock, market.label(node.id)
    there = set(_files_there(workspace, node).values())
    own = [flowed(node, lock, block) for block in lock.with_label(label)]
    others = lock.in_other_profiles(label)
    meant = own or [flowed(node, lock, block) for _, block in others]
    standing = (one for one in meant if one is not None and one.digest in there)
    artifact = next(standing, own[0] if own else None)
    if artifact is None and not own:
        return Left(node.id, _only_elsewhere({parts_of(name)[1] for name, _ in others}))
    if artifact is None:
        return Left(node.id, "nobody has picked one of its takes yet: `pick` does that")
    if not market.stores.has(artifact.digest):
        return Left(node.id, f"the bytes of its last picture, {artifact.digest[:12]}, are nowhere")
    return artifact


def _only_elsewhere(profiles: Iterable[str | None]) -> str:
    """Why there is nothing to accept for a node that only *profiles* have bought for."""
    named = sorted(f"under profile {profile}" if profile else "without a profile" for profile in profiles)
    return "nothing was bought under this name yet" + (f", only {' and '.join(named)}" if named else "")


def _file_by_hand(workspace: Workspace, node: Node, pinned: frozenset[Digest]) -> tuple[str, bytes] | None:
    """The published file of *node*, if what stands there is none of ours: its path and its bytes."""
    published = workspace.markets[node.provider].stores.published
    there = _files_there(workspace, node)
    strange = [path for path, digest in there.items() if not published.is_ours(path, digest, pinned)]
    # Beside a file of ours it is a stranger's, not that one changed.
    if not strange or len(strange) < len(there):
        return None
    if len(strange) > 1:
        raise UsageError(f"{node.id} has several files: {', '.join(strange)}", hint="keep the one that is meant")
    return strange[0], read_regular(workspace.places.out / strange[0])


def _files_there(workspace: Workspace, node: Node) -> dict[str, Digest]:
    """The files that stand where *node* is published: their digests, by path."""
    if node.output is None:
        return {}
    published = workspace.markets[node.provider].stores.published
    return {path: digest for end in _SUFFIXES if (digest := published.digest_at(path := node.output + end))}


def _measured(path: str, data: bytes) -> Artifact:
    try:
        return measure(data)
    except NotAPicture as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from error


def _refuse_two_for_one(changes: Iterable[_Change]) -> None:
    """Two nodes that ask the same are one request: there is one picture to accept for it."""
    first: dict[str, Accepted] = {}
    for change in changes:
        other = first.setdefault(change.block.base, change.accepted)
        if other.artifact.digest != change.accepted.artifact.digest:
            raise UsageError(
                f"{other.node} and {change.accepted.node} ask the same, and have different pictures",
                hint="accept the one that is right",
            )


# --- the lock files -------------------------------------------------------------------------------


def _with_changes(workspace: Workspace, changes: Iterable[_Change], now: float) -> Workspace:
    """*workspace* as it will be with *changes*."""
    markets = dict(workspace.markets)
    for provider, own in _by_provider(changes).items():
        market = markets[provider]
        stores = replace(market.stores, lock=_with_all(market.stores.lock, own, now))
        markets[provider] = replace(market, stores=stores)
    return replace(workspace, markets=markets)


def _with_all(lock: LockFile, changes: Iterable[_Change], now: float) -> LockFile:
    return pins.with_accepted(lock, ((change.block, change.accepted.artifact) for change in changes), now)


def _by_provider(changes: Iterable[_Change]) -> dict[str, list[_Change]]:
    found: dict[str, list[_Change]] = {}
    for change in changes:
        found.setdefault(change.provider, []).append(change)
    return found


async def _write(workspace: Workspace, changes: Sequence[_Change], now: float) -> None:
    """Keep the bytes of files, then write the lock files: what a lock file says is there before it says so."""
    if any(change.data is not None for change in changes):
        workspace.places.make_cache()
    for change in changes:
        if change.data is not None:
            workspace.blobs.put(change.data)
    for provider, own in _by_provider(changes).items():
        path = workspace.lock_of(provider)
        change_all = partial(_with_all, changes=own, now=now)
        await lockfile.update(path, workspace.places.guard_of(path), change_all, workspace.clock)

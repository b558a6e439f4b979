"""Resetting: picks end, and so does what was accepted; the rule of the recipe decides again.

Unaware of the command line. Free: what a run would buy then is said. Pictures stay where they are.

What flows on from a node may give what reads it a request of before, with a pick of its own, so the plan is
made anew after each round; the lock files are written once, at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from banana_pipe.beforehand import plan
from banana_pipe.canonical import Digest
from banana_pipe.model import BaseKey, Node, Plan
from banana_pipe.planning import Decided
from banana_pipe.recipe.select import with_takes
from banana_pipe.store import lockfile, pins
from banana_pipe.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Reset:
    """What a node no longer has: the take that was picked, and the picture that was accepted."""

    node: str
    pick: int | None
    accepted: Digest | None


@dataclass(frozen=True, slots=True)
class Resets:
    """What was reset, the named nodes that nothing was chosen for, and what a run would buy now."""

    reset: tuple[Reset, ...]
    left: tuple[str, ...]
    then: Plan


async def reset_lock(workspace: Workspace, texts: Sequence[str] = (), *, write: bool = True) -> Resets:
    """End picks and what was accepted for every node that *texts* mean, or for all; without *write* only say what
    would end. Raises UsageError for a name that means nothing, and StoreError."""
    named = {node.id for text in texts for node in with_takes(workspace.graph, text)}
    nodes = [node for node in workspace.graph if not node.is_local and (not texts or node.id in named)]
    done: dict[str, dict[BaseKey, None]] = defaultdict(dict)
    told: list[Reset] = []
    seen, decided = workspace, await plan(workspace)
    while found := [one for node in nodes if (one := _chosen(seen, decided, node))]:
        for node, base, ended in found:
            done[node.provider][base] = None
            told.append(ended)
        seen = _without(workspace, done)
        decided = await plan(seen)
    if write:
        for provider, bases in done.items():
            path = workspace.lock_of(provider)
            change = partial(_change, bases=bases)
            await lockfile.update(path, workspace.places.guard_of(path), change, workspace.clock)
    told_of = {ended.node for ended in told}
    left = tuple(node.id for node in nodes if node.id not in told_of) if texts else ()
    return Resets(tuple(told), left, decided.plan)


def _chosen(workspace: Workspace, decided: Decided, node: Node) -> tuple[Node, BaseKey, Reset] | None:
    """What somebody chose for the present request of *node*."""
    takes = decided.takes.get(node.id)
    block = workspace.markets[node.provider].stores.lock.block(takes[0].wanted.base) if takes else None
    if block is None or (block.pick is None and block.accepted is None):
        return None
    accepted = block.accepted.artifact.digest if block.accepted else None
    return node, block.base, Reset(node.id, block.pick, accepted)


def _without(workspace: Workspace, done: Mapping[str, Mapping[BaseKey, None]]) -> Workspace:
    """*workspace* as it will be."""
    markets = dict(workspace.markets)
    for provider, bases in done.items():
        market = markets[provider]
        lock = pins.without_choices(market.stores.lock, bases)
        markets[provider] = replace(market, stores=replace(market.stores, lock=lock))
    return replace(workspace, markets=markets)


def _change(lock: pins.LockFile, bases: Mapping[BaseKey, None]) -> pins.LockFile:
    return pins.without_choices(lock, [base for base in bases if base in lock.blocks])

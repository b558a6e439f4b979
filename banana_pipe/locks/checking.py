"""Checking: recipe, lock file, cache and output folder against each other. Nothing is changed, nothing asked.

Unaware of how findings are shown, and of mending them. Free, without token and network; transforms that
others wait for are made, into the cache: what reads them cannot be known otherwise.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from banana_pipe.beforehand import plan, settle, would_buy
from banana_pipe.canonical import Digest
from banana_pipe.images import suffix
from banana_pipe.locks.usage import Usage, is_named, usage_of
from banana_pipe.model import LOCAL, Artifact, Hit, Key, Known, Node, Plan, PlannedNode, Reason
from banana_pipe.planning import Decided
from banana_pipe.prices import total
from banana_pipe.recipe.select import select
from banana_pipe.store.labels import parts_of
from banana_pipe.store.pins import LockBlock
from banana_pipe.store.published import Standing
from banana_pipe.workspace import Workspace

Kind = Literal[
    "not-bought",  # a run would buy it, or may
    "pick-missing",  # the lock file picks a take that it does not have
    "open",  # a call that is not settled
    "failed",  # a run would fail there
    "lost",  # bought, and its bytes are nowhere
    "not-picked",  # somebody has to pick a take first
    "not-in-lock",  # bought, and only this machine knows
    "by-hand",  # its published file was changed by hand
    "not-published",  # its file is not in the folder, or an older one is
    "labels",  # a run would write other names into the lock file
    "unused",  # nothing asks for it any more
]
KINDS: tuple[Kind, ...] = get_args(Kind)
NOTES: tuple[Kind, ...] = ("labels", "unused")
"""What no one has to do anything about."""

_EXITS: Mapping[Kind, int] = {"not-bought": 5, "open": 6, "not-picked": 7}
_PRECEDENCE = (5, 6, 1, 7)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. `cost` (micro-dollars) is what a run would pay, or what was paid."""

    kind: Kind
    node: str
    """Its name; of a block of the lock file its labels, or the beginning of its key."""
    detail: str = ""
    reason: Reason | None = None
    """Why it would be bought, fails or is open, where that is known."""
    calls: int = 0
    cost: int | None = 0
    path: str | None = None
    """The published file that is meant."""
    exit_code: int = 1


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, and the plan that it was found by."""

    findings: tuple[Finding, ...]
    plan: Plan
    exit_code: int
    pictures: bool
    """Whether pictures were looked at, and not the recipe and its lock file alone."""


async def check_lock(workspace: Workspace, texts: Sequence[str] = (), *, pictures: bool = True) -> Checked:
    """Compare recipe, lock file, cache and output folder, for the nodes that *texts* mean or for all.

    Without *pictures* only recipe and lock file: as if all that is bought were at hand. Raises
    UsageError for a name that means nothing.
    """
    names = _named(workspace, texts)
    decided = await plan(workspace, elsewhere=not pictures)
    if pictures:
        decided = await settle(workspace, decided, frozen=True)
    bought = {line.id for line in would_buy(workspace, decided)}
    lines = [line for line in decided.plan.nodes if line.id in names]
    if not pictures:  # what waits for transforms alone cannot be told without their pictures
        lines = [line for line in lines if line.state != "wait" or line.id in bought]
    pinned = workspace.pinned_digests() if pictures else None
    found = [finding for line in lines for finding in _of_node(workspace, decided, line, pinned)]
    found += _of_locks(workspace, await usage_of(workspace, decided), texts)
    found.sort(key=lambda finding: KINDS.index(finding.kind))
    codes = {finding.exit_code for finding in found}
    return Checked(tuple(found), decided.plan, next((code for code in _PRECEDENCE if code in codes), 0), pictures)


def cost_of(findings: Iterable[Finding]) -> int | None:
    """What it comes to; None where a price is unknown."""
    return total(finding.cost for finding in findings)


SUFFIXES = tuple(map(suffix, ("image/png", "image/jpeg", "image/webp", "image/avif")))


def _named(workspace: Workspace, texts: Sequence[str]) -> set[str]:
    if not texts:
        return set(workspace.graph.nodes)
    return {node.id for text in texts for node, _ in select(workspace.graph, text)}


# --- nodes ----------------------------------------------------------------------------------------


def _of_node(
    workspace: Workspace, decided: Decided, line: PlannedNode, pinned: Container[Digest] | None
) -> Iterator[Finding]:
    node = workspace.graph.nodes[line.id]
    block = _block(workspace, decided, node)
    missing = _pick_missing(line, block)
    yield from [missing] if missing else _by_state(line)
    if missing is None:
        yield from _not_in_lock(decided, node, block)
    if pinned is not None and node.output is not None:
        published = workspace.markets[node.provider].stores.published
        artifact = _artifact(decided, line)
        if artifact is not None:
            path = node.output + suffix(artifact.mime)
            yield from _of_file(line.id, path, published.judge(path, artifact.digest, pinned))
        elif line.state == "local" and not any(published.digest_at(node.output + end) for end in SUFFIXES):
            yield Finding("not-published", line.id, node.output, path=node.output)


def _block(workspace: Workspace, decided: Decided, node: Node) -> LockBlock | None:
    takes = decided.takes.get(node.id)
    return workspace.markets[node.provider].stores.lock.block(takes[0].wanted.base) if takes else None


def _artifact(decided: Decided, line: PlannedNode) -> Artifact | None:
    """What is to be published of a node, where that is known."""
    if line.state != "cached":
        return None
    finding = decided.findings.get(line.key or Key(""))
    known = finding.result.artifact if isinstance(finding, Hit | Known) else None
    return decided.accepted.get(line.id) or known


def _pick_missing(line: PlannedNode, block: LockBlock | None) -> Finding | None:
    if block is None or block.pick is None or block.pick in block.takes or block.accepted:
        return None
    calls = line.calls if line.may_call else 0
    where = "it would have to be bought" if calls else "only this machine has it, and not the lock file"
    cost, code = (line.cost, 5) if calls else (0, 1)
    words = f"take {block.pick} is picked; {where}"
    return Finding("pick-missing", line.id, words, calls=calls, cost=cost, exit_code=code)


def _by_state(line: PlannedNode) -> Iterator[Finding]:
    kind: Kind | None = _OF_STATE.get(line.state)
    if line.state == "wait" and line.reason == "pick":
        kind = None  # what it waits for is told
    if kind is not None and (kind != "not-bought" or line.calls or line.reason == "same"):
        code = _EXITS.get(kind, 1)
        yield Finding(kind, line.id, line.detail, line.reason, line.calls, line.cost, exit_code=code)


_OF_STATE: Mapping[str, Kind] = {
    "call": "not-bought",
    "wait": "not-bought",
    "parked": "open",
    "failed": "failed",
    "lost": "lost",
    "needs-pick": "not-picked",
}


def _not_in_lock(decided: Decided, node: Node, block: LockBlock | None) -> Iterator[Finding]:
    if node.is_local:
        return
    had = block.takes if block else {}
    only_here = [
        take.wanted.sample
        for take in decided.takes.get(node.id, ())
        if isinstance(decided.findings.get(take.wanted.key), Hit | Known) and take.wanted.sample not in had
    ]
    if only_here:
        takes = ", ".join(map(str, only_here))
        words = f"take{'s' if len(only_here) > 1 else ''} {takes}: elsewhere a run would buy it"
        yield Finding("not-in-lock", node.id, words)


def _of_file(node: str, path: str, standing: Standing) -> Iterator[Finding]:
    if standing == "by hand":
        yield Finding("by-hand", node, path, path=path)
    elif standing != "same":
        words = path if standing == "absent" else f"{path}: an older picture is there"
        yield Finding("not-published", node, words, path=path)


# --- lock files -------------------------------------------------------------------------------------


def _of_locks(workspace: Workspace, usage: Usage, texts: Sequence[str]) -> Iterator[Finding]:
    locks = {workspace.lock_of(name): market for name, market in workspace.markets.items() if name != LOCAL}
    for path, market in locks.items():
        lock = market.stores.lock
        for block in lock.blocks.values():
            if not texts or is_named(block, texts):
                yield from _labels(block, usage.requests[path].get(block.base), market.profile)
        for block in usage.unused(path, lock):
            if not texts or is_named(block, texts):
                yield _unused(block)
        for url in usage.unused_links(lock) if not texts else ():
            yield Finding("unused", url, "an address that nothing reads", exit_code=0)


def _labels(block: LockBlock, asked: set[str] | None, profile: str | None) -> Iterator[Finding]:
    """What a run under *profile* would call the block otherwise."""
    if not asked:
        return
    now = {label for label in asked if parts_of(label)[1] == profile}
    said = {label for label in block.labels if parts_of(label)[1] == profile}
    if now and now != said:
        words = f"the lock file says {', '.join(sorted(said)) or 'nothing'}"
        yield Finding("labels", ", ".join(sorted(now)), words, exit_code=0)


def _unused(block: LockBlock) -> Finding:
    price, number = total(take.price for take in block.takes.values()), len(block.takes)
    return Finding("unused", name_of(block), f"{number} take{'' if number == 1 else 's'}", cost=price, exit_code=0)


def name_of(block: LockBlock) -> str:
    """How a block of the lock file is called: by its labels, else by the beginning of its key."""
    return ", ".join(block.labels) or f"request {block.base[:12]}"

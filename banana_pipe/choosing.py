"""Choosing among takes: pick one, or buy one more.

Unaware of the command line; whether a price is agreed to is asked through a callback.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from banana_pipe.buying import Limits, keep_inputs, open_buyer, run_id
from banana_pipe.errors import SpendingStopped, UsageError
from banana_pipe.events import Listener
from banana_pipe.model import Hit, Key, Known, Node, Plan
from banana_pipe.planning import Decided, Market, TakeWanted
from banana_pipe.prices import total
from banana_pipe.purchase.orders import Bought, NotBought, Order
from banana_pipe.recipe.select import select
from banana_pipe.request import key_of, with_sample
from banana_pipe.running import plan
from banana_pipe.store import lockfile
from banana_pipe.store.lookup import Wanted
from banana_pipe.workspace import Workspace, open_recipe


@dataclass(frozen=True, slots=True)
class Picked:
    """A pick that was written. `before`: the pick in the lock until now, if there was one."""

    node: str
    sample: int
    before: int | None


@dataclass(frozen=True, slots=True)
class Price:
    """What somebody is asked to agree to."""

    calls: int
    cost: int | None


@dataclass(frozen=True, slots=True)
class Rerolled:
    """One more take of a node, bought and picked, or why not."""

    node: str
    sample: int
    before: int | None
    """The take that flowed on until now."""
    answer: Bought | NotBought


@dataclass(frozen=True, slots=True)
class Reroll:
    """What a re-roll did, and what a run would buy now."""

    takes: tuple[Rerolled, ...]
    then: Plan


async def pick(workspace: Workspace, text: str, sample: int) -> tuple[Picked, ...]:
    """Choose take *sample* of every node that *text* means; free.

    Raises UsageError where a node has no such take, or its request is not known yet.
    """
    decided = await plan(workspace)
    chosen = [(node, _takes(decided, node)) for node, _ in select(workspace.graph, text)]
    for node, takes in chosen:
        _check_take(workspace, decided, node, takes, sample)
    return tuple(_write_pick(workspace, decided, node, takes, sample) for node, takes in chosen)


async def reroll(
    workspace: Workspace,
    text: str,
    limits: Limits,
    *,
    agree: Callable[[Price], bool],
    emit: Listener = lambda _: None,
) -> Reroll:
    """Buy exactly one more take of every node that *text* means, and pick it.

    Raises SpendingStopped where *agree* says no, and what `run` raises.
    """
    decided = await plan(workspace)
    orders = [await _next_take(workspace, decided, node) for node, _ in select(workspace.graph, text)]
    price = Price(len(orders), total(workspace.markets[node.provider].price(node) for node, _ in orders))
    if not agree(price):
        raise SpendingStopped("nobody agreed to the price, so nothing was bought", hint="agree with --yes")
    taken = [await _buy_one(workspace, decided, node, take, limits, emit) for node, take in orders]
    after = open_recipe(workspace.path, workspace.options, workspace.access, workspace.clock)
    try:
        return Reroll(tuple(taken), (await plan(after)).plan)
    finally:
        after.close()


def _takes(decided: Decided, node: Node) -> tuple[TakeWanted, ...]:
    if node.id not in decided.takes:
        raise UsageError(
            f"the pictures that {node.id} reads are not known yet", hint="run the recipe first, then choose"
        )
    return decided.takes[node.id]


def _check_take(workspace: Workspace, decided: Decided, node: Node, takes: Sequence[TakeWanted], sample: int) -> None:
    known = {take.wanted.sample for take in takes if isinstance(decided.findings[take.wanted.key], Hit | Known)}
    block = workspace.markets[node.provider].stores.lock.block(takes[0].wanted.base)
    known |= set(block.takes) if block else set()
    if not known:
        raise UsageError(f"{node.id} has no picture yet to pick from", hint="run the recipe first")
    if sample not in known:
        listed = ", ".join(str(one) for one in sorted(known))
        raise UsageError(
            f"{node.id} has no take {sample}; it has {listed}", hint="`banana-pipe reroll` buys one more take"
        )


def _write_pick(workspace: Workspace, decided: Decided, node: Node, takes: Sequence[TakeWanted], sample: int) -> Picked:
    market = workspace.markets[node.provider]
    base = takes[0].wanted.base
    before = market.stores.lock.pick(base)
    known = [
        lockfile.Bought(base, take.wanted.sample, take.request.images, finding.result)
        for take in takes
        if isinstance(finding := decided.findings[take.wanted.key], Hit | Known)
    ]
    _change_lock(workspace, node, lambda lock: _with_pick(lock, node, known, sample))
    return Picked(node.id, sample, before)


def _with_pick(lock: lockfile.LockFile, node: Node, known: Sequence[lockfile.Bought], sample: int) -> lockfile.LockFile:
    base = known[0].base
    lock = lockfile.with_takes(lock, known)
    block = lock.block(base)
    labels = {node.id, *(block.labels if block else ())}
    return lockfile.with_pick(lockfile.with_labels(lock, {base: labels}), base, sample)


def _change_lock(workspace: Workspace, node: Node, change: Callable[[lockfile.LockFile], lockfile.LockFile]) -> None:
    path = workspace.lock_of(node.provider)
    lockfile.update(path, workspace.places.guard_of(path), change)


# --- one more take --------------------------------------------------------------------------------


async def _next_take(workspace: Workspace, decided: Decided, node: Node) -> tuple[Node, TakeWanted]:
    """The take with the lowest number that lock, results and ledger do not know."""
    takes = _takes(decided, node)
    market = workspace.markets[node.provider]
    block = market.stores.lock.block(takes[0].wanted.base)
    sample = 0
    while True:
        sample += 1
        request = with_sample(takes[0].request, sample)
        key = key_of(request)
        in_lock = block is not None and sample in block.takes
        if not in_lock and not await _is_known(market, key):
            return node, TakeWanted(request, Wanted(key, takes[0].wanted.base, sample))


async def _is_known(market: Market, key: Key) -> bool:
    return market.stores.results.get(key) is not None or bool(await market.stores.ledger.samples_known([key]))


async def _buy_one(
    workspace: Workspace, decided: Decided, node: Node, take: TakeWanted, limits: Limits, emit: Listener
) -> Rerolled:
    market = workspace.markets[node.provider]
    line = next(line for line in decided.plan.nodes if line.id == node.id)
    before = next((one.wanted.sample for one in decided.takes[node.id] if one.wanted.key == line.key), None)
    answer = await _bought(workspace, market, node, take, limits, emit)
    if isinstance(answer, Bought):
        known = [
            lockfile.Bought(take.wanted.base, take.wanted.sample, take.request.images, answer.result),
        ]
        _change_lock(workspace, node, lambda lock: _with_pick(lock, node, known, take.wanted.sample))
    return Rerolled(node.id, take.wanted.sample, before, answer)


async def _bought(
    workspace: Workspace, market: Market, node: Node, take: TakeWanted, limits: Limits, emit: Listener
) -> Bought | NotBought:
    workspace.places.make_cache()
    keep_inputs(workspace, [node])
    run = run_id(workspace.clock.now())
    async with open_buyer(node.provider, workspace, limits, run, emit) as buyer:
        answer = await buyer.obtain(Order(take.request, take.wanted, node.id, market.price(node), node.timeout))
        if isinstance(answer, NotBought) and buyer.stop_reason is not None:
            raise buyer.stop_reason.error
        return answer

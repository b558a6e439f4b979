"""Choosing among takes: pick one, or buy one more.

Unaware of the command line; whether a price is agreed to is asked through a callback.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count

from banana_pipe import fetching
from banana_pipe.beforehand import plan
from banana_pipe.buying import Limits, interrupt, keep_inputs, open_buyer, run_id
from banana_pipe.errors import BananaError, SpendingStopped, UsageError
from banana_pipe.events import Listener
from banana_pipe.links import SANDBOX
from banana_pipe.model import BaseKey, Hit, Key, Known, Node, Plan
from banana_pipe.planning import Decided
from banana_pipe.prices import total
from banana_pipe.purchase.buyer import Buyer
from banana_pipe.purchase.orders import Bought, NotBought, Order
from banana_pipe.recipe.select import with_takes
from banana_pipe.request import key_of, with_sample
from banana_pipe.running import Interrupts
from banana_pipe.store import lockfile, pins
from banana_pipe.store.lookup import Wanted
from banana_pipe.takes import Market, TakeWanted
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
    picked: bool
    """Whether it flows on from now; where the recipe asks for a pick, that is not for a re-roll to say."""


@dataclass(frozen=True, slots=True)
class Reroll:
    """What a re-roll did, and what a run would buy now."""

    takes: tuple[Rerolled, ...]
    then: Plan
    interrupted: bool
    error: BananaError | None
    """What ended it before its time, where some takes came to something all the same."""


@dataclass(frozen=True, slots=True)
class _Buying:
    """What became of the orders; as in `Reroll`."""

    takes: tuple[Rerolled, ...]
    interrupted: bool
    error: BananaError | None


async def pick(workspace: Workspace, text: str, sample: int) -> tuple[Picked, ...]:
    """Choose take *sample* of every node that *text* means; free.

    Raises UsageError where a node has no such take, or its request is not known yet.
    """
    decided = await plan(workspace)
    nodes = _nodes(workspace, text)
    chosen = [(node, await _had(workspace, node, _takes(workspace, decided, node), sample)) for node in nodes]
    return await _write_picks(workspace, chosen, sample)


async def reroll(
    workspace: Workspace,
    text: str,
    limits: Limits,
    *,
    agree: Callable[[Price], bool],
    emit: Listener = lambda _: None,
    interrupts: Interrupts | None = None,
) -> Reroll:
    """Buy exactly one more take of every node that *text* means, and pick it, but where the recipe asks for a pick.

    Raises SpendingStopped where *agree* says no, what `run` raises, and what stopped it before
    anything came of any take.
    """
    decided = await plan(workspace)
    orders = [
        (node, await _next_take(workspace.markets[node.provider], _takes(workspace, decided, node)))
        for node in _nodes(workspace, text)
    ]
    distinct = {take.wanted.key: workspace.markets[node.provider].price(node) for node, take in orders}
    if not agree(Price(len(distinct), total(distinct.values()))):
        raise SpendingStopped("nobody agreed to the price, so nothing was bought", hint="agree with --yes")
    workspace = await _with_links(workspace, [node for node, _ in orders])
    done = await _buy(workspace, decided, orders, limits, emit, interrupts)
    after = open_recipe(workspace.path, workspace.options, workspace.access, workspace.clock)
    try:
        return Reroll(done.takes, (await plan(after)).plan, done.interrupted, done.error)
    finally:
        after.close()


async def _with_links(workspace: Workspace, nodes: Sequence[Node]) -> Workspace:
    """*workspace* with the bytes of the pictures from the web that *nodes* send. Raises UsageError without them."""
    wanted = fetching.missing(workspace, nodes, {node.id for node in nodes})
    workspace = await fetching.bring(workspace, wanted)
    broken = [workspace.broken[url] for url in wanted if url in workspace.broken]
    if broken:
        raise UsageError(broken[0])
    return workspace


def _nodes(workspace: Workspace, text: str) -> list[Node]:
    nodes = with_takes(workspace.graph, text)
    if nodes[0].is_local:
        hint = "the same pictures always give the same one: choose among the takes of what it reads"
        raise UsageError(f"{nodes[0].id} is a transform and has one picture", hint=hint)
    return nodes


def _takes(workspace: Workspace, decided: Decided, node: Node) -> tuple[TakeWanted, ...]:
    if node.id not in decided.takes:
        hint = _only_drawn(workspace, node) or "run the recipe first, then choose"
        raise UsageError(f"the pictures that {node.id} reads are not known yet", hint=hint)
    return decided.takes[node.id]


def _only_drawn(workspace: Workspace, node: Node) -> str | None:
    """What to do where *node* was made in the sandbox, and is asked for elsewhere."""
    label = workspace.markets[node.provider].label(node.id)
    if node.provider == SANDBOX or lockfile.read(workspace.places.sandbox_lock).latest_with_label(label) is None:
        return None
    return "the sandbox has made it: choose there with --provider sandbox, or run the recipe without it first"


async def _had(workspace: Workspace, node: Node, takes: Sequence[TakeWanted], sample: int) -> list[pins.Bought]:
    """The takes of *node* that are bought, *sample* among them. Raises UsageError where it is not."""
    stores = workspace.markets[node.provider].stores
    block = stores.lock.block(takes[0].wanted.base)
    # The take asked for too: whoever bought it may have been killed before the lock file was written.
    samples = {sample, *(take.wanted.sample for take in takes), *(block.takes if block else ())}
    wanted = [_numbered(takes, one) for one in sorted(samples)]
    findings = await stores.find_many(take.wanted for take in wanted)
    had = [
        pins.Bought(take.wanted.base, take.wanted.sample, take.request.images, finding.result)
        for take in wanted
        if isinstance(finding := findings[take.wanted.key], Hit | Known)
    ]
    if not had:
        hint = _only_drawn(workspace, node) or "run the recipe first"
        raise UsageError(f"{node.id} has no picture yet to pick from", hint=hint)
    if all(bought.sample != sample for bought in had):
        listed = ", ".join(str(bought.sample) for bought in had)
        raise UsageError(
            f"{node.id} has no take {sample}; it has {listed}", hint="`banana-pipe reroll` buys one more take"
        )
    return had


def _numbered(takes: Sequence[TakeWanted], sample: int) -> TakeWanted:
    """Take *sample* of the request that *takes* are takes of."""
    request = with_sample(takes[0].request, sample)
    return TakeWanted(request, Wanted(key_of(request), takes[0].wanted.base, sample))


_Chosen = Sequence[tuple[str, Sequence[pins.Bought]]]
"""Labels, each with the takes that its request has."""


async def _write_picks(
    workspace: Workspace, chosen: Sequence[tuple[Node, Sequence[pins.Bought]]], sample: int
) -> tuple[Picked, ...]:
    """Write that pick for all of them: each lock file is written once."""
    for provider in dict.fromkeys(node.provider for node, _ in chosen):
        market = workspace.markets[provider]
        own = [(market.label(node.id), had) for node, had in chosen if node.provider == provider]
        await _change_lock(workspace, provider, partial(_with_picks, chosen=own, sample=sample))
    locks = {name: market.stores.lock for name, market in workspace.markets.items()}
    return tuple(Picked(node.id, sample, locks[node.provider].pick(had[0].base)) for node, had in chosen)


def _with_picks(lock: pins.LockFile, chosen: _Chosen, sample: int | None) -> pins.LockFile:
    """*lock* with these takes under these labels and that pick; None: the picks stay as they are."""
    lock = pins.with_takes(lock, [bought for _, had in chosen for bought in had])
    labels: dict[BaseKey, set[str]] = {}
    for label, had in chosen:
        base = had[0].base
        labels.setdefault(base, set(lock.blocks[base].labels)).add(label)
    lock = pins.with_labels(lock, labels)
    return lock if sample is None else pins.with_picks(lock, dict.fromkeys(labels, sample))


async def _change_lock(workspace: Workspace, provider: str, change: Callable[[pins.LockFile], pins.LockFile]) -> None:
    path = workspace.lock_of(provider)
    await lockfile.update(path, workspace.places.guard_of(path), change, workspace.clock)


# --- one more take --------------------------------------------------------------------------------


async def _next_take(market: Market, takes: Sequence[TakeWanted]) -> TakeWanted:
    """The take with the lowest number that lock, results and ledger do not know."""
    block = market.stores.lock.block(takes[0].wanted.base)
    for sample in count(1):
        take = _numbered(takes, sample)
        in_lock = block is not None and sample in block.takes
        if not in_lock and not await _is_known(market, take.wanted.key):
            return take
    raise AssertionError("there is always a larger number")


async def _is_known(market: Market, key: Key) -> bool:
    return market.stores.results.get(key) is not None or bool(await market.stores.ledger.samples_known([key]))


async def _buy(
    workspace: Workspace,
    decided: Decided,
    orders: Sequence[tuple[Node, TakeWanted]],
    limits: Limits,
    emit: Listener,
    interrupts: Interrupts | None,
) -> _Buying:
    """Buy all *orders* as one run, so that its caps hold for them together.

    Raises what stopped it before anything came of any of them.
    """
    run = run_id(workspace.clock.now())
    async with AsyncExitStack() as stack:
        buyers = {
            name: await stack.enter_async_context(open_buyer(name, workspace, limits, run, emit))
            for name in dict.fromkeys(node.provider for node, _ in orders)
        }
        workspace.places.make_cache()
        keep_inputs(workspace, [node for node, _ in orders])
        if interrupts is not None:
            interrupts.on_first(partial(interrupt, buyers.values()))
        bought = await asyncio.gather(
            *(_buy_one(workspace, decided, node, take, buyers[node.provider]) for node, take in orders),
            return_exceptions=True,
        )
    interrupted = any(buyer.interrupted for buyer in buyers.values())
    stops = [buyer.stop_reason.error for buyer in buyers.values() if buyer.stop_reason is not None and not interrupted]
    taken = tuple(one for one in bought if isinstance(one, Rerolled))
    bugs = [one for one in bought if not isinstance(one, Rerolled | BananaError)]
    errors = [*(one for one in bought if isinstance(one, BananaError)), *stops]
    # What was bought beside an error is to be said too.
    if bugs or (errors and not any(_came_to_something(one) for one in taken)):
        raise [*bugs, *errors][0]
    return _Buying(taken, interrupted, errors[0] if errors else None)


def _came_to_something(one: Rerolled) -> bool:
    return isinstance(one.answer, Bought) or one.answer.status != "waiting"


async def _buy_one(workspace: Workspace, decided: Decided, node: Node, take: TakeWanted, buyer: Buyer) -> Rerolled:
    market = workspace.markets[node.provider]
    price, label = market.price(node), market.label(node.id)
    answer = await buyer.obtain(Order(take.request, take.wanted, node.id, price, node.timeout))
    if isinstance(answer, Bought):
        bought = pins.Bought(take.wanted.base, take.wanted.sample, take.request.images, answer.result)
        sample = None if node.asks else take.wanted.sample
        change = partial(_with_picks, chosen=[(label, [bought])], sample=sample)
        await _change_lock(workspace, node.provider, change)
    picked = isinstance(answer, Bought) and not node.asks
    return Rerolled(node.id, take.wanted.sample, _flowing(decided, node), answer, picked)


def _flowing(decided: Decided, node: Node) -> int | None:
    """The take of *node* that flows on by the plan, if it is bought."""
    line = next(line for line in decided.plan.nodes if line.id == node.id)
    if line.choices or node.id in decided.accepted:
        return None
    take = next((take for take in decided.takes[node.id] if take.wanted.key == line.key), None)
    return take.wanted.sample if take and isinstance(decided.findings[take.wanted.key], Hit | Known) else None

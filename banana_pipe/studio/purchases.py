"""What costs money: a run and a re-roll, each at a price that somebody agreed to.

Unaware of HTTP. Each function is called in a thread of its own, as a command would be in a process.

A price is agreed to in calls and micro-dollars. What is found to cost more is not begun, and what is begun has the
price that was agreed to as its cap, beside those of flags and configuration.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace

from banana_pipe import beforehand, choosing, running
from banana_pipe.bills import Bill, bill_of
from banana_pipe.buying import Limits, no_token
from banana_pipe.errors import BananaError, UsageError
from banana_pipe.events import Listener
from banana_pipe.model import Json, Run
from banana_pipe.purchase.orders import Bought
from banana_pipe.studio.errors import PriceChanged, told
from banana_pipe.studio.house import House

Settled = Callable[[], None]
"""Called once the price is known to be agreed to, before anything is sent."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Whoever looks on while something is bought."""

    emit: Listener
    interrupts: running.Interrupts
    settled: Settled


def caps_of(house: House, agreed: Bill) -> tuple[str, ...]:
    """The flags of a command that agree to the same."""
    if not agreed.calls:
        return house.caps
    if agreed.cost is None:
        return ("--max-calls", str(agreed.calls))
    return ("--max-calls", str(agreed.calls), "--max-cost", house.commands.dollars(agreed.cost))


async def run(house: House, agreed: Bill, watch: Watch) -> dict[str, Json]:
    """A run, as the command does it. Raises PriceChanged, and what `api.run` raises."""
    with house.opened(paying=True) as opened:
        workspace, decided = await beforehand.fetch(opened, await beforehand.plan(opened), house.limits)
        decided = await beforehand.settle(workspace, decided)
        owed = bill_of(workspace, decided.plan, house.limits.consent)
        _refuse_more(owed, agreed)
        if owed.calls and workspace.access.token is None:
            raise no_token()
        watch.settled()
        done = await running.run(
            workspace,
            _limited(house.limits, agreed),
            decided=decided,
            emit=watch.emit,
            argv=shlex.split(house.commands.about("run", *caps_of(house, agreed)))[1:],
            again=house.commands.about("run", *house.caps),
            interrupts=watch.interrupts,
        )
    return _run_json(done)


async def reroll(house: House, node: str, agreed: Bill, watch: Watch) -> dict[str, Json]:
    """One more take, as the command buys it. Raises PriceChanged, and what `api.reroll` raises."""
    with house.opened(paying=True) as workspace:
        one = workspace.graph.nodes.get(node)
        if one is None:  # part of a name would mean several, and several prices
            raise UsageError(f"there is no node {node}", hint="look at the page again: the recipe has other nodes now")
        free = one.is_local or workspace.markets[one.provider].free

        def agree(price: choosing.Price) -> bool:
            _refuse_more(Bill(0, 0) if free else Bill(price.calls, price.cost), agreed)
            watch.settled()
            return True

        done = await choosing.reroll(
            workspace, node, _limited(house.limits, agreed), agree=agree, emit=watch.emit, interrupts=watch.interrupts
        )
    bought = [one for one in done.takes if isinstance(one.answer, Bought)]
    return {
        "what": "reroll",
        "node": node,
        "status": "interrupted" if done.interrupted else "ok" if bought else "failed",
        "takes": [{"node": one.node, "take": one.sample, "before": one.before, "picked": one.picked} for one in bought],
        "said": next((one.answer.error for one in done.takes if not isinstance(one.answer, Bought)), None),
        "error": told(done.error) if done.error else None,
    }


def _refuse_more(owed: Bill, agreed: Bill) -> None:
    """Raise PriceChanged if *owed* is more than *agreed*, in calls or in money."""
    unknown = owed.cost is None and agreed.cost is not None
    dearer = owed.cost is not None and (owed.cost > (agreed.cost or 0)) and agreed.cost is not None
    if owed.calls > agreed.calls or (owed.calls and (unknown or dearer)):
        raise PriceChanged(owed, agreed)


def _limited(limits: Limits, agreed: Bill) -> Limits:
    """*limits* under which no more is bought than was *agreed*."""
    budget = limits.budget
    budget = replace(budget, max_calls=_least(budget.max_calls, agreed.calls))
    if agreed.cost is None:
        return replace(limits, budget=budget)  # under another cap in money such a call is refused, as ever
    return replace(limits, budget=replace(budget, max_cost=_least(budget.max_cost, agreed.cost)))


def _least(cap: int | None, agreed: int) -> int:
    return agreed if cap is None else min(cap, agreed)


def _run_json(done: Run) -> dict[str, Json]:
    failed = next(
        (outcome for outcome in done.outcomes if outcome.status in ("failed", "lost") and outcome.error), None
    )
    return {
        "what": "run",
        "run_id": done.id,
        "status": done.status,
        "paid_images": done.paid_images,
        "cost": done.cost,
        "seconds": round(done.seconds, 1),
        "placed": done.placed,
        "said": f"{failed.node}: {failed.error}" if failed else None,
        "warnings": list(done.warnings),
        "error": None,
    }


def failed(what: str, error: BananaError) -> dict[str, Json]:
    """How a purchase ended that did not come to its end."""
    return {"what": what, "status": "failed", "said": None, "error": told(error)}

"""Saying what a run will cost before it begins, and asking where that is much.

Unaware of how a run is carried out. The sandbox costs nothing and is never asked about.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import click

from banana_pipe.api import Workspace
from banana_pipe.cli.config import Settings
from banana_pipe.cli.terminal import Paper
from banana_pipe.cli.words import about, count, dollars
from banana_pipe.errors import SpendingStopped
from banana_pipe.model import Plan, PlannedNode
from banana_pipe.prices import total
from banana_pipe.purchase.orders import Consent
from banana_pipe.takes import asked_takes, samples_of


@dataclass(frozen=True, slots=True)
class Bill:
    """What may be bought for money, waits counted; `cost` in micro-dollars, None if unknown."""

    calls: int
    cost: int | None


def bill_of(workspace: Workspace, plan: Plan, consent: Consent) -> Bill:
    """The most that a run of *plan* buys for money, with what *consent* lets it buy again.

    What waits until somebody has picked is another run's to buy, and to ask about.
    """
    graph, markets = workspace.graph, workspace.markets
    for_money = [line for line in plan.nodes if not markets[graph.nodes[line.id].provider].free]
    new = [line for line in for_money if line.may_call]
    again = bill_again(workspace, plan, consent)
    return Bill(sum(line.calls for line in new) + again.calls, total([*(line.cost for line in new), again.cost]))


def bill_again(workspace: Workspace, plan: Plan, consent: Consent) -> Bill:
    """The most that *consent* lets a run buy once more, beyond what *plan* counts as calls and waits.

    That is what is lost, in doubt or was refused; and all that reads what was lost, however far down:
    with another picture its request is another one.
    """
    graph, asked = workspace.graph, asked_takes(workspace.graph)
    calls, costs = 0, []
    replaced: set[str] = set()
    for line in plan.nodes:
        node = graph.nodes[line.id]
        market = workspace.markets[node.provider]
        reads_another = not node.upstream.isdisjoint(replaced)
        if reads_another or (line.state == "lost" and consent.rebuy):
            replaced.add(line.id)
        if (reads_another or _bought_again(line, consent)) and not market.free:
            more = max(0, len(samples_of(node, asked.get(node.id, ()))) - line.calls)
            price = market.price(node)
            calls += more
            costs.append(0 if more == 0 else None if price is None else price * more)
    return Bill(calls, total(costs))


def ask(paper: Paper, bill: Bill, settings: Settings, values: dict[str, Any]) -> None:
    """Go on where *bill* is small or agreed to (options of `spending_options`). Raises SpendingStopped.

    A cap counts as consent where it was given for this call: by flag or in the environment.
    """
    given = settings.from_environment
    capped = any(values[name] is not None or name in given for name in ("max_calls", "max_cost"))
    if values["yes"] or capped or not _is_much(bill, settings):
        return
    words = f"{count(bill.calls, 'call')}, {about(bill.cost)}"
    if not (paper.live and sys.stdin.isatty()):
        raise SpendingStopped(f"this may make up to {words}, and nobody agreed to that", hint=_ways_on(bill))
    if not click.confirm(f"This may make up to {words}. Go on?", default=False, err=True):
        raise SpendingStopped("nothing was bought")


def _is_much(bill: Bill, settings: Settings) -> bool:
    if bill.calls == 0:
        return False
    # An unknown price is not known to be small.
    return bill.calls > settings.confirm_calls or bill.cost is None or bill.cost > settings.confirm_cost


def _ways_on(bill: Bill) -> str:
    cap = f"--max-calls {bill.calls}"
    if bill.cost is not None:
        cap += f" or --max-cost {dollars(bill.cost)}"
    return f"agree with --yes, or set a cap: {cap}"


def _bought_again(line: PlannedNode, consent: Consent) -> bool:
    return (
        (line.state == "lost" and consent.rebuy)
        or (line.state == "parked" and consent.retry_unknown)
        or (line.reason == "refused" and consent.retry_refused)
        or (line.reason == "input" and (consent.rebuy or consent.retry_refused))
    )

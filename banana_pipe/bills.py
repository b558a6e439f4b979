"""What a run may buy for money, as the plan has it: what somebody is asked to agree to before it begins.

Unaware of who is asked, and how. The sandbox costs nothing and stands on no bill.
"""

from __future__ import annotations

from dataclasses import dataclass

from banana_pipe.model import Plan, PlannedNode
from banana_pipe.prices import total
from banana_pipe.purchase.orders import Consent
from banana_pipe.takes import asked_takes, samples_of
from banana_pipe.workspace import Workspace


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


def _bought_again(line: PlannedNode, consent: Consent) -> bool:
    return (
        (line.state == "lost" and consent.rebuy)
        or (line.state == "parked" and consent.retry_unknown)
        or (line.reason == "refused" and consent.retry_refused)
        or (line.reason == "input" and (consent.rebuy or consent.retry_refused))
    )

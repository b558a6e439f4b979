"""What a run says that buys nothing: of what it would have to buy, and of calls that it leaves alone.

Unaware of how a run goes, of the command line and of the lock file.
"""

from __future__ import annotations

from collections.abc import Iterable

from banana_pipe.model import Attempt, Outcome, Plan, PlannedNode
from banana_pipe.prices import show_usd
from banana_pipe.purchase.orders import NotBought, Order
from banana_pipe.purchase.replies import not_fetched, parked, said_before, unfinished

WOULD_BE_BOUGHT = "would have to be bought"


def words_for(plan: Plan) -> dict[str, str]:
    """By node, what is said of what *plan* would buy."""
    return {line.id: _words(line) for line in plan.nodes if line.may_call}


def _words(line: PlannedNode) -> str:
    if not line.calls:
        return f"{WOULD_BE_BOUGHT} by another node that asks the same"
    price = "unknown price" if line.cost is None else show_usd(line.cost)
    return f"{WOULD_BE_BOUGHT}: {line.calls} {'call' if line.calls == 1 else 'calls'}, {price}"


def not_bought(plan: Plan, outcomes: Iterable[Outcome]) -> tuple[PlannedNode, ...]:
    """The lines of *plan* that *outcomes* say were left for want of a purchase."""
    left = {outcome.node for outcome in outcomes if outcome.status == "waiting" and outcome.reason == "frozen"}
    return tuple(line for line in plan.nodes if line.id in left)


def left_open(order: Order, attempt: Attempt) -> NotBought:
    """What is said of *order*, whose *attempt* is open: it is neither asked about nor fetched."""
    if attempt.state == "SUCCEEDED":
        return not_fetched(attempt)
    if attempt.state == "ACCEPTED":
        return unfinished(attempt)
    if attempt.state in ("INTENT", "UNKNOWN"):
        return parked(attempt, "a frozen run asks nobody")
    return said_before(order, attempt)

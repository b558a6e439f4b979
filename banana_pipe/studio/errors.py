"""Errors as the page shows them: where, what, what to do; as JSON, with the lines that a terminal would show.

Unaware of HTTP.
"""

from __future__ import annotations

from banana_pipe.bills import Bill
from banana_pipe.errors import BananaError, RecipeErrors, SpendingStopped
from banana_pipe.model import Json
from banana_pipe.prices import show_usd


class Malformed(BananaError):
    """A request that no page of ours sends."""


class Busy(BananaError):
    """What is asked for has to wait for what is under way."""


class PriceChanged(SpendingStopped):
    """It costs more now than was agreed to. `bill`: what it is now."""

    def __init__(self, now: Bill, agreed: Bill) -> None:
        super().__init__(
            f"it is {words_of(now)} now, and {words_of(agreed)} was agreed to: nothing was bought",
            hint="look at the new price, and agree to that",
        )
        self.bill = now


def words_of(bill: Bill) -> str:
    """`3 pictures for about $0.12`."""
    if not bill.calls:
        return "nothing to pay"
    what = "1 picture" if bill.calls == 1 else f"{bill.calls:,} pictures"
    if bill.cost is None:
        return f"{what} at an unknown price"
    return f"{what}, free" if bill.cost == 0 else f"{what} for about {show_usd(bill.cost)}"


def told(error: BananaError) -> dict[str, Json]:
    """*error* as JSON: of each mistake where, what and what to do; `lines` draws all of it."""
    errors = error.errors if isinstance(error, RecipeErrors) else (error,)
    return {
        "message": error.message,
        "hint": error.hint,
        "at": str(error.at) if error.at else None,
        "errors": [
            {"message": one.message, "hint": one.hint, "at": str(one.at) if one.at else None, "lines": one.lines()}
            for one in errors
        ],
    }

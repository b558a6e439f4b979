"""How a run ended, as one number: what shells and CI go by.

Unaware of how anything came to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from banana_pipe.errors import BananaError
from banana_pipe.model import Outcome, Reason, RunStatus
from banana_pipe.purchase.orders import Stop

EXIT_FROZEN = 5
"""Something would have to be bought, and this run buys nothing."""
_EXIT_OF_WAITING: Mapping[Reason, int] = {"pick": 7, "frozen": EXIT_FROZEN}
_EXIT_OF_STATUS = {"failed": 1, "blocked": 1, "lost": 1, "parked": 6}
_EXIT_OF_STOP = {"cap": 3, "balance": 3, "auth": 4, "interrupt": 130, "store": 1}
_EXIT_PRECEDENCE = (70, 130, 2, 4, 3, 5, 6, 1, 7)


def exit_code_of(outcomes: Sequence[Outcome], stops: Sequence[Stop], error: BananaError | None) -> int:
    """The number of a run, of all that it met the gravest: 0 where everything is there."""
    codes = {_EXIT_OF_STATUS.get(outcome.status, 0) for outcome in outcomes}
    codes |= {_EXIT_OF_WAITING.get(outcome.reason, 0) for outcome in outcomes if outcome.status == "waiting"}
    codes |= {_EXIT_OF_STOP[stop.kind] for stop in stops}
    if error is not None:
        codes.add(error.exit_code)
    return next((code for code in _EXIT_PRECEDENCE if code in codes), 0)


def status_of(exit_code: int) -> RunStatus:
    """The same as a word."""
    statuses: dict[int, RunStatus] = {0: "ok", 1: "failed", 6: "parked", 7: "waiting", 130: "interrupted"}
    return statuses.get(exit_code, "stopped")

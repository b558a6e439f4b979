"""What is said where there is no picture: the reason, the price, and the way on.

Unaware of how things came to be so.
"""

from __future__ import annotations

from collections.abc import Sequence

from banana_pipe.model import Attempt
from banana_pipe.prices import show_usd
from banana_pipe.purchase.orders import NotBought, Order


def said_before(order: Order, attempt: Attempt) -> NotBought:
    """What an attempt that is over, REFUSED or LOST, says of *order* to who does not pay for it again."""
    if attempt.state == "REFUSED":
        return refused(attempt, before=True)
    return lost(order, (attempt.picture or "its link",))


def refused(attempt: Attempt, *, before: bool) -> NotBought:
    """The provider does not want to make this picture."""
    when = "refused before, not asked again" if before else "refused, not billed"
    return NotBought("failed", "refused", f"{when}: {_words(attempt)}; change the words, or `--retry-refused`")


def failed(attempt: Attempt) -> NotBought:
    """The call came to nothing, and cost nothing."""
    if attempt.error_code == "bad_request" or attempt.error_kind == "too_large":  # of what was asked, not of the moment
        return NotBought("failed", "invalid", f"not billed: {_words(attempt)}; asked the same again, it says the same")
    elsewhere = "; is the base URL right?" if attempt.error_code == "no_api" else ""
    return NotBought("failed", "error", f"not billed: {_words(attempt)}{elsewhere}")


def lost(order: Order, places: Sequence[str]) -> NotBought:
    """Paid once, and its bytes are nowhere."""
    looked = ", ".join(places)
    return NotBought(
        "lost", "lost", f"bought, but its bytes are nowhere (looked in {looked}); `--rebuy` buys {order.node} again"
    )


def dead_link(attempt: Attempt) -> NotBought:
    """Paid, and the link of the picture leads nowhere any more."""
    return NotBought("lost", "lost", f"paid ({show_usd(attempt.price)}), but its link is dead; `--rebuy` buys another")


def parked(attempt: Attempt, why: str) -> NotBought:
    """Nobody can say whether this call was paid."""
    said = f": {attempt.error_message.rstrip('.')}" if attempt.error_message else ""
    return NotBought(
        "parked",
        "unknown",
        f"may have been paid ({show_usd(attempt.price)}){said}; {why}. A later run looks again;"
        " `--retry-unknown` gives it up and buys anew",
    )


def elsewhere(attempt: Attempt, origin: str) -> NotBought:
    """It was not sent to *origin*, or not with this token: who had it alone can say what became of it."""
    return NotBought(
        "parked",
        "unknown",
        f"may have been paid ({show_usd(attempt.price)}): it was sent {_sent(attempt, origin)}. A run with that"
        f" {_with(attempt, origin)} collects it; `--retry-unknown` gives it up and buys anew",
        elsewhere=True,
    )


def others_open(number: int) -> str:
    """That *number* attempts of earlier runs wait for the token that they were sent with."""
    calls, verb, them = ("1 call", "is", "it") if number == 1 else (f"{number} calls", "are", "them")
    return (
        f"{calls} of earlier runs {verb} still open, sent with another API token: a run with that token collects {them}"
        " (`banana-pipe ledger show --open`)"
    )


def another_link_elsewhere(attempt: Attempt, origin: str) -> str:
    """The link is dead, and only who had the call can be given another."""
    return (
        f"its link is dead, and it was sent {_sent(attempt, origin)}: a run with that {_with(attempt, origin)} asks for"
        " another (`--rebuy` gives it up)"
    )


def left_alone(attempt: Attempt, origin: str) -> str:
    """Why *attempt* is not settled here, and where it is."""
    return f"left alone: sent {_sent(attempt, origin)}; to settle it, reconcile with that {_with(attempt, origin)}"


def _sent(attempt: Attempt, origin: str) -> str:
    return f"to {attempt.origin}" if attempt.origin != origin else "with another API token"


def _with(attempt: Attempt, origin: str) -> str:
    return "base URL" if attempt.origin != origin else "token"


def unfinished(attempt: Attempt) -> NotBought:
    """Accepted, and still being worked on."""
    return NotBought(
        "parked",
        "resume",
        f"accepted ({show_usd(attempt.price)}, task {attempt.task_id}) but not finished yet; the next run goes on"
        " waiting for it, `--retry-unknown` gives it up and buys anew",
    )


def not_fetched(attempt: Attempt) -> NotBought:
    """Paid, and interrupted before its picture had come."""
    return NotBought(
        "parked",
        "resume",
        f"paid ({show_usd(attempt.price)}), but interrupted before its picture had come; the next run fetches it"
        " without paying",
    )


def _words(attempt: Attempt) -> str:
    words = attempt.error_message or "no reason given"
    return f"{words} (trace_id {attempt.trace_id})" if attempt.trace_id else words

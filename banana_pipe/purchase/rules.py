"""What follows from an error: a table of where it happened × its kind, not a list of exceptions.

Unaware of the ledger, of clocks and of waiting.

A POST is sent again only where it is proven that the one before was not received, or where the
vendor documents that it was not billed. Everything that nobody can say is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from banana_pipe.model import AttemptState
from banana_pipe.providers.base import Kind

StopKind = Literal["cap", "balance", "auth", "interrupt", "store"]


@dataclass(frozen=True, slots=True)
class Rule:
    """`tries`: how many POSTs of one request a run makes while they end this way."""

    state: AttemptState
    tries: int = 1
    slow_down: bool = False
    stops: StopKind | None = None


_UNKNOWN = Rule("UNKNOWN", tries=2)
"""After a look-up that proves absence the call may be made once more in the same run."""

_SAID_NO: Mapping[Kind, Rule] = {
    "transient": Rule("FAILED", tries=3),
    "moderation": Rule("REFUSED"),
    "invalid": Rule("FAILED"),
    "too_large": Rule("FAILED"),
    "no_image": Rule("FAILED"),
    "auth": Rule("FAILED", stops="auth"),
    "disabled": Rule("FAILED", stops="auth"),
    "balance": Rule("FAILED", stops="balance"),
}

_SUBMIT: Mapping[Kind, Rule] = {
    **_SAID_NO,
    "not_sent": Rule("NOT_SENT", tries=4),
    "rate": Rule("NOT_SENT", tries=12, slow_down=True),
}


def after_submit(kind: Kind) -> Rule:
    """What follows from an error of a POST."""
    return _SUBMIT.get(kind, _UNKNOWN)


def after_task(kind: Kind) -> Rule:
    """What follows from a task that ended without a picture: the provider's own word, never a doubt."""
    return _SAID_NO.get(kind, Rule("FAILED"))


def believed_of_anothers(kind: Kind) -> bool:
    """Whether a task that another token sent has failed where this one is told so.

    Only the words that are of the work itself: all others may be as well a word on who asks, or what is
    left of a record that is not shown to everybody; and a failure that is believed is paid for again.
    """
    return kind in ("transient", "moderation")


def pause_before(posts: int, asked_for: float, jitter: float) -> float:
    """Seconds before the next POST after *posts* of them: the vendor advises 1, 2, 4, 8, 16 plus 0 to 1.

    *asked_for* are the seconds that the provider wants us to wait; *jitter* is between 0 and 1, so
    that those who were told the same do not come back at the same moment.
    """
    return max(asked_for, min(16.0, 2.0 ** (posts - 1))) + jitter

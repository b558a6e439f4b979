"""What is asked of a buyer and what it answers.

Unaware of how buying is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from banana_pipe.clock import Clock
from banana_pipe.errors import BananaError
from banana_pipe.events import Listener
from banana_pipe.model import Attempt, Budget, Reason, Request, Result, Status
from banana_pipe.providers.base import Provider
from banana_pipe.purchase.rules import StopKind
from banana_pipe.store.keylock import KeyLocks
from banana_pipe.store.lookup import Stores, Wanted


@dataclass(frozen=True, slots=True)
class Order:
    """One request to be had: its node's name is for messages, the time-out is of the whole call."""

    request: Request
    wanted: Wanted
    node: str
    price: int | None
    timeout: float


@dataclass(frozen=True, slots=True)
class Consent:
    """What the user has agreed to pay for again."""

    retry_unknown: bool = False
    retry_refused: bool = False
    rebuy: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how patient: counts and seconds."""

    calls: int = 8
    """Under way at once; the vendor's limit is reported as 10 for one token."""
    downloads: int = 16
    poll: float = 2.0
    settle: float = 120.0
    """How long a task may take to show in a listing."""
    grace: float = 30.0
    """How long accepted calls are waited for after the first Ctrl-C."""
    busy: float = 0.2
    """Between two looks at a key that another process holds."""
    start: float = 10.0
    """Within which the POST must begin after its intent."""


@dataclass(frozen=True, slots=True)
class Desk:
    """All that a purchase needs around it."""

    provider: Provider
    stores: Stores
    locks: KeyLocks
    clock: Clock
    budget: Budget
    run_id: str
    emit: Listener
    pace: Pace
    consent: Consent = field(default_factory=Consent)

    def sent(self, attempt: Attempt) -> bool:
        """Whether *attempt* was sent from here: to this origin, by this account, whose word on it is whole.

        Another token may be of the same account; but what it is not told of proves nothing.
        """
        return (attempt.origin, attempt.account) == (self.provider.origin, self.provider.account)


@dataclass(frozen=True, slots=True)
class Bought:
    """The picture is here. `paid`: by this run; `replaced`: instead of one whose bytes are gone."""

    result: Result
    paid: bool
    source: Literal["lock", "cache", "ledger"] = "ledger"
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class NotBought:
    """Why there is no picture, as the node's status, with what to do about it.

    `elsewhere`: it was sent to another base URL, or with another token, and nothing was heard of it here.
    """

    status: Status
    reason: Reason
    error: str
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing new is sent any more, and why."""

    kind: StopKind
    error: BananaError

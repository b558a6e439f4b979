"""What a run tells its listeners, as it happens.

Unaware of the listeners: progress, log and page each take the one callback and know no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from banana_pipe.model import Attempt, Json, Outcome, Plan, Run


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run is about to begin."""

    run_id: str
    plan: Plan
    at: float


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A request is about to be sent (its intent is in the ledger)."""

    node: str
    sample: int
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class AttemptMoved:
    """An attempt has a new state, committed to the ledger."""

    node: str
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Waiting:
    """A node waits: for a rate limit, another process, the end of a settling time."""

    node: str
    why: str
    seconds: float


@dataclass(frozen=True, slots=True)
class NodeEnded:
    """A node has its outcome; its pictures are published."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the user should know, though the run goes on."""

    message: str


@dataclass(frozen=True, slots=True)
class FolderLeft:
    """The folder is as this run leaves it; *manifest* says what is in it."""

    manifest: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over; the manifest is written."""

    run: Run
    at: float


Event = RunStarted | CallStarted | AttemptMoved | Waiting | NodeEnded | Warned | FolderLeft | RunEnded
Listener = Callable[[Event], None]

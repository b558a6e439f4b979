"""What a run has told so far, added up: what is under way, what waits, what is spent, what is left.

Unaware of how it is shown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from banana_pipe.clock import Clock
from banana_pipe.events import AttemptMoved, CallStarted, Event, NodeEnded, RunEnded, RunStarted, Waiting
from banana_pipe.model import ACTIVE, COUNTED, Attempt, AttemptState, Outcome, Plan, PlannedNode, Run, Status
from banana_pipe.prices import total


@dataclass(slots=True)
class Flight:
    """An attempt under way for take `sample` (None: not known) of a node; `since` by the boot clock."""

    node: str
    sample: int | None
    state: AttemptState
    since: float

    @property
    def name(self) -> str:
        """The node, with its take where it is not the first."""
        return self.node if self.sample in (None, 1) else f"{self.node}@{self.sample}"


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a node waits, and until when (boot clock)."""

    why: str
    until: float


@dataclass(slots=True)
class Tally:
    """The sum of a run's events. `hear` each of them, in order."""

    clock: Clock
    began: float = field(init=False)
    plan: Plan | None = None
    run_id: str = ""
    run: Run | None = None
    flights: dict[str, Flight] = field(default_factory=dict)
    waits: dict[str, Wait] = field(default_factory=dict)
    ended: dict[str, Status] = field(default_factory=dict)
    first_call: float | None = None
    calls_ended: int = 0
    _idle: frozenset[str] = frozenset()
    _prices: dict[str, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin now, until a run says that it begins."""
        self.began = self.clock.boot()

    def hear(self, event: Event) -> None:
        """Add *event*."""
        match event:
            case RunStarted():
                self.plan, self.run_id, self.began = event.plan, event.run_id, self.clock.boot()
                self._idle = frozenset(node.id for node in event.plan.nodes if _is_idle(node))
            case CallStarted():
                self._attempt(event.node, event.attempt, event.sample)
            case AttemptMoved():
                self._attempt(event.node, event.attempt)
            case Waiting():
                self.waits[event.node] = Wait(event.why, self.clock.boot() + event.seconds)
            case NodeEnded():
                self._node_ended(event.outcome)
            case RunEnded():
                self.run = event.run
            case _:
                pass

    @property
    def to_do(self) -> int:
        """Nodes that were not there when the run began, and that nobody has to pick before."""
        return len(self.plan.nodes) - len(self._idle) if self.plan else 0

    @property
    def made(self) -> int:
        """How many of those have ended."""
        return sum(node not in self._idle for node in self.ended)

    @property
    def statuses(self) -> Counter[Status]:
        """How many nodes ended in which way."""
        return Counter(self.ended.values())

    @property
    def spent(self) -> int | None:
        """What this run's calls cost so far, those under way included; None: a price is unknown."""
        return total(self._prices.values())

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.clock.boot() - self.began

    def seconds_left(self) -> float | None:
        """An estimate from the calls so far; None before there is anything to go by."""
        if self.plan is None or self.first_call is None or not self.calls_ended:
            return None
        left = max(len(self.flights), self.plan.calls_now - self.calls_ended)
        return (self.clock.boot() - self.first_call) / self.calls_ended * left

    def _attempt(self, node: str, attempt: Attempt, sample: int | None = None) -> None:
        now = self.clock.boot()
        self.waits.pop(node, None)
        if self.plan is None or attempt.run_id == self.run_id:
            self._prices[attempt.id] = attempt.price if attempt.state in COUNTED else 0
        if attempt.state in ACTIVE:
            self.first_call = now if self.first_call is None else self.first_call
            flight = self.flights.setdefault(attempt.id, Flight(node, sample, attempt.state, now))
            flight.state = attempt.state
        elif self.flights.pop(attempt.id, None) is not None:
            self.calls_ended += 1

    def _node_ended(self, outcome: Outcome) -> None:
        self.ended[outcome.node] = outcome.status
        self.waits.pop(outcome.node, None)
        for attempt_id in [one for one, flight in self.flights.items() if flight.node == outcome.node]:
            del self.flights[attempt_id]


def _is_idle(node: PlannedNode) -> bool:
    """Whether a run has nothing to do for it: it is there, or waits for somebody's pick."""
    return node.state in ("cached", "needs-pick") or (node.state, node.reason) == ("wait", "pick")

"""What a run has told so far, added up: what is under way, what waits, what is spent, what is left.

Unaware of how it is shown. An event costs the same whether a recipe has ten nodes or ten thousand, and so
does every question that is asked here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from banana_pipe.clock import Clock
from banana_pipe.events import AttemptMoved, CallStarted, Event, NodeEnded, RunEnded, RunStarted, Waiting
from banana_pipe.model import (
    ACTIVE,
    COUNTED,
    Attempt,
    AttemptState,
    Budget,
    Outcome,
    Plan,
    PlannedNode,
    Run,
    Status,
)
from banana_pipe.recipe.references import step_of
from banana_pipe.telling.latencies import Latencies

MOST_TROUBLES = 3
"""So many of the last nodes that ended badly are kept by name; all of them are counted."""


@dataclass(slots=True)
class Flight:
    """An attempt under way for take `sample` (None: not known) of a node; `since` by the boot clock."""

    node: str
    sample: int | None
    state: AttemptState
    since: float
    model: str = ""

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
class StepTally:
    """The nodes of a step. `to_do`: not there when the run began; `made`: those of them that have ended."""

    name: str
    nodes: int = 0
    to_do: int = 0
    made: int = 0
    flying: int = 0
    """Nodes with a call under way."""
    calls_left: int = 0
    """The most calls that are still to be sent."""
    statuses: Counter[Status] = field(default_factory=Counter)

    @property
    def to_come(self) -> int:
        """Nodes that are neither made nor under way."""
        return max(0, self.to_do - self.made - self.flying)


@dataclass(slots=True)
class Tally:
    """The sum of a run's events. `hear` each of them, in order.

    `budget` are the caps it runs under, `jobs` the most calls at once (None: not known), `latencies` what is
    known of how long calls take.
    """

    clock: Clock
    budget: Budget = field(default_factory=Budget)
    jobs: int | None = None
    latencies: Latencies = field(default_factory=Latencies)
    began: float = field(init=False)
    plan: Plan | None = None
    run_id: str = ""
    run: Run | None = None
    steps: dict[str, StepTally] = field(default_factory=dict)
    """In the order of the plan."""
    flights: dict[str, Flight] = field(default_factory=dict)
    waits: dict[str, Wait] = field(default_factory=dict)
    ended: dict[str, Status] = field(default_factory=dict)
    statuses: Counter[Status] = field(default_factory=Counter)
    """How many nodes ended in which way."""
    troubles: list[Outcome] = field(default_factory=list)
    """The last that failed, are lost or in doubt."""
    to_do: int = 0
    """Nodes that were not there when the run began, and that nobody has to pick before."""
    made: int = 0
    """How many of those have ended."""
    calls_begun: int = 0
    """Calls of this run that may cost money, or did."""
    calls_ended: int = 0
    _idle: frozenset[str] = frozenset()
    _known: int = 0
    _unknown: int = 0
    _prices: dict[str, int | None] = field(default_factory=dict)
    _flying: Counter[str] = field(default_factory=Counter)
    _calls_left: dict[str, int] = field(default_factory=dict)
    _heights: Mapping[str, int] = field(default_factory=dict)
    _height_counts: Counter[int] = field(default_factory=Counter)
    _longest: int = 0
    """The greatest height of a node that has not ended."""
    _most_at_once: int = 0

    def __post_init__(self) -> None:
        """Begin now, until a run says that it begins."""
        self.began = self.clock.boot()

    def hear(self, event: Event) -> None:
        """Add *event*."""
        match event:
            case RunStarted():
                self._begin(event)
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
    def spent(self) -> int | None:
        """What this run's calls cost so far, those under way included; None: a price is unknown."""
        return None if self._unknown else self._known

    @property
    def flying(self) -> int:
        """Nodes with a call under way."""
        return len(self._flying)

    @property
    def to_come(self) -> int:
        """Nodes that are neither made nor under way."""
        return max(0, self.to_do - self.made - self.flying)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.clock.boot() - self.began

    def seconds_left(self) -> float | None:
        """An estimate from what calls took so far, here and before; None while nothing is known of them.

        The work that is left, shared among the calls that may be under way at once; but no less than the
        longest row of nodes of which each reads the one before.
        """
        expected = {step.name: self.latencies.of(step.name) for step in self.steps.values() if step.calls_left}
        known = [seconds for seconds in expected.values() if seconds is not None]
        flying = self._flights_left()
        if self.plan is None or (expected and not known) or (self.flights and flying is None):
            return None
        calls = sum(self.steps[step].calls_left for step in expected)
        mean = sum(known) / len(known) if known else 0.0
        work = sum(self.steps[step].calls_left * (mean if it is None else it) for step, it in expected.items())
        lanes = max(1, min(self._lanes(), calls + len(self.flights)))
        row = max(0, self._longest - bool(self.flights)) * work / calls if calls else 0.0
        now = flying or [0.0]
        return max((work + sum(now)) / lanes, row + min(now), *now)

    def _lanes(self) -> int:
        """How many calls there may be at once."""
        if self.jobs is None:
            return self._most_at_once
        # While the provider asks to wait, no more go out than there are.
        return len(self.flights) or 1 if self.waits else self.jobs

    def _flights_left(self) -> list[float] | None:
        """What each call under way still takes; None while nothing is known."""
        now, left = self.clock.boot(), []
        for flight in self.flights.values():
            seconds = self.latencies.of(step_of(flight.node))
            if seconds is None:
                return None
            left.append(max(0.0, seconds - (now - flight.since)))
        return left

    def _begin(self, event: RunStarted) -> None:
        plan = event.plan
        self.plan, self.run_id, self.began = plan, event.run_id, self.clock.boot()
        self._idle = frozenset(node.id for node in plan.nodes if _is_idle(node))
        self._heights = _heights(plan.nodes)
        self._height_counts = Counter(self._heights.values())
        self._longest = max(self._height_counts, default=0)
        for node in plan.nodes:
            step = self._step(node.id)
            step.nodes += 1
            if node.id not in self._idle:
                step.to_do += 1
                self.to_do += 1
            if node.may_call and node.calls:
                self._calls_left[node.id] = node.calls
                step.calls_left += node.calls

    def _step(self, node: str) -> StepTally:
        name = step_of(node)
        return self.steps.setdefault(name, StepTally(name))

    def _attempt(self, node: str, attempt: Attempt, sample: int | None = None) -> None:
        self.waits.pop(node, None)
        if self.plan is None or attempt.run_id == self.run_id:
            self._count(attempt)
        if attempt.state in ACTIVE:
            self._fly(node, attempt, sample)
        elif (flight := self.flights.get(attempt.id)) is not None:
            self._land(attempt.id)
            self.calls_ended += 1
            if attempt.state == "STORED":
                self.latencies.add(step_of(flight.node), flight.model, self.clock.boot() - flight.since)
            elif attempt.state == "NOT_SENT" and flight.node not in self.ended:
                self._owe(flight.node, 1)

    def _fly(self, node: str, attempt: Attempt, sample: int | None) -> None:
        flight = self.flights.get(attempt.id)
        if flight is not None:
            flight.state = attempt.state
            return
        self.flights[attempt.id] = Flight(node, sample, attempt.state, self.clock.boot(), attempt.model)
        self._most_at_once = max(self._most_at_once, len(self.flights))
        self._flying[node] += 1
        if self._flying[node] == 1:
            self._step(node).flying += 1
        if self._calls_left.get(node):
            self._owe(node, -1)

    def _land(self, attempt_id: str) -> None:
        node = self.flights.pop(attempt_id).node
        self._flying[node] -= 1
        if not self._flying[node]:
            del self._flying[node]
            self._step(node).flying -= 1

    def _owe(self, node: str, calls: int) -> None:
        self._calls_left[node] = self._calls_left.get(node, 0) + calls
        self._step(node).calls_left += calls

    def _count(self, attempt: Attempt) -> None:
        """Put what *attempt* costs now into the sum."""
        price = attempt.price if attempt.state in COUNTED else 0
        if attempt.id in self._prices:
            self._add(self._prices[attempt.id], -1)
        elif attempt.state in COUNTED:
            self.calls_begun += 1
        self._prices[attempt.id] = price
        self._add(price, 1)

    def _add(self, price: int | None, sign: int) -> None:
        self._unknown += sign * (price is None)
        self._known += sign * (price or 0)

    def _node_ended(self, outcome: Outcome) -> None:
        node, step = outcome.node, self._step(outcome.node)
        self.waits.pop(node, None)
        if self._flying[node]:
            for attempt_id in [one for one, flight in self.flights.items() if flight.node == node]:
                self._land(attempt_id)
        else:
            del self._flying[node]
        self._owe(node, -self._calls_left.get(node, 0))
        if node in self.ended:
            return
        self.ended[node] = outcome.status
        self.statuses[outcome.status] += 1
        step.statuses[outcome.status] += 1
        self._height_counts[self._heights.get(node, 0)] -= 1
        while self._longest and self._height_counts[self._longest] <= 0:
            self._longest -= 1
        if node not in self._idle:
            step.made += 1
            self.made += 1
        if outcome.status in ("failed", "lost", "parked"):
            self.troubles = [*self.troubles, outcome][-MOST_TROUBLES:]


def _is_idle(node: PlannedNode) -> bool:
    """Whether a run has nothing to do for it: it is there, or waits for somebody's pick."""
    return node.state in ("cached", "needs-pick") or (node.state, node.reason) == ("wait", "pick")


def _heights(nodes: Sequence[PlannedNode]) -> dict[str, int]:
    """For each node the most calls in a row, itself included, of which each waits for the one before.

    A plan has every node behind what it reads.
    """
    heights = dict.fromkeys((node.id for node in nodes), 0)
    for node in reversed(nodes):
        heights[node.id] += bool(node.may_call and node.calls)
        for read in node.inputs:
            name = read if read in heights else read.rpartition("@")[0]
            if name in heights:
                heights[name] = max(heights[name], heights[node.id])
    return heights

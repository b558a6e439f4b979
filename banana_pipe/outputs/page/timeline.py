"""Where the time of a run went: for each call and each local step a bar, packed into as few rows as were busy at once.

Unaware of pictures and of HTML. Moments are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from banana_pipe.clock import Clock
from banana_pipe.events import AttemptMoved, CallStarted, Event, NodeEnded
from banana_pipe.model import Graph, Json

KINDS = ("waiting", "provider", "download", "local")
_DONE = ("STORED", "REFUSED", "FAILED", "NOT_SENT", "UNKNOWN", "ABANDONED", "LOST")
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_TICKS = 9
_SHORTEST = 0.05
"""Seconds; what took less has no bar: it was there."""


@dataclass(slots=True)
class Call:
    """One request: when it was sent, when its picture was ready and when it was here."""

    node: str
    sent: float
    ready: float | None = None
    ended: float | None = None


@dataclass(slots=True)
class Times:
    """What was heard of a run."""

    calls: dict[str, Call] = field(default_factory=dict)
    nodes: dict[str, tuple[float, float]] = field(default_factory=dict)
    """When each node ended, and how many seconds it had taken."""

    def called(self, attempt: str, node: str, at: float) -> None:
        """A request is about to be sent."""
        self.calls[attempt] = Call(node, at)

    def moved(self, attempt: str, node: str, state: str, at: float) -> None:
        """A request has got that far. One that an earlier run sent begins where this one takes it up."""
        call = self.calls.setdefault(attempt, Call(node, at))
        if state == "SUCCEEDED":
            call.ready = at
        elif state in _DONE:
            call.ended = at

    def ended(self, node: str, at: float, seconds: float) -> None:
        """A node has its outcome."""
        self.nodes[node] = (at, seconds)


class Watch:
    """A listener that notes when things happen."""

    def __init__(self, clock: Clock) -> None:
        self.times = Times()
        self._clock = clock

    def __call__(self, event: Event) -> None:
        """Note *event*."""
        match event:
            case CallStarted():
                self.times.called(event.attempt.id, event.node, self._clock.now())
            case AttemptMoved():
                self.times.moved(event.attempt.id, event.node, event.attempt.state, self._clock.now())
            case NodeEnded():
                self.times.ended(event.outcome.node, self._clock.now(), event.outcome.seconds)


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of a row: what it was, for which node, from and to in seconds from the beginning."""

    kind: str
    node: str
    begin: float
    end: float
    row: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """The bars of a run, and how long each kind took in all."""

    bars: tuple[Bar, ...]
    rows: int
    seconds: float
    sums: Mapping[str, float]
    ticks: tuple[float, ...]


_Part = tuple[str, float, float]
"""A bar that has no row yet: what it is, from when to when."""
_Piece = tuple[str, list[_Part]]
"""What belongs in one row for a node."""


def timeline(times: Times, graph: Graph) -> Timeline | None:
    """The bars of what was heard; None where nothing took any time."""
    pieces = [piece for piece in _pieces(times, graph) if piece[1]]
    if not pieces:
        return None
    zero = min(parts[0][1] for _, parts in pieces)
    end = max(parts[-1][2] for _, parts in pieces) - zero
    bars, rows = _packed(pieces, zero)
    sums = dict.fromkeys(KINDS, 0.0)
    for bar in bars:
        sums[bar.kind] += bar.end - bar.begin
    step = next((one for one in _TICKS if end / one <= _MOST_TICKS), _TICKS[-1])
    ticks = tuple(float(tick) for tick in range(0, int(end) + 1, step))
    return Timeline(tuple(bars), rows, max(end, _SHORTEST), sums, ticks)


def times_of(records: Iterable[Mapping[str, Json]]) -> Times:
    """What the log's *records* say, whose `time` is a number already."""
    times = Times()
    for record in records:
        match record.get("type"):
            case "call":
                times.called(str(record["attempt"]), str(record["node"]), record["time"])
            case "attempt":
                times.moved(str(record["attempt"]), str(record["node"]), str(record["state"]), record["time"])
            case "node":
                times.ended(str(record["node"]), record["time"], float(record.get("seconds") or 0))
    return times


def _pieces(times: Times, graph: Graph) -> Iterator[_Piece]:
    """A call with its waiting each, or a local step."""
    for node, (ended, seconds) in times.nodes.items():
        if seconds >= _SHORTEST and node in graph.nodes and graph.nodes[node].is_local:
            yield node, [("local", ended - seconds, ended)]
    for call in times.calls.values():
        ended, seconds = times.nodes.get(call.node, (call.sent, 0.0))
        last = call.ended or call.ready or max(ended, call.sent)
        ready = last if call.ready is None else min(call.ready, last)
        parts = (
            ("waiting", min(ended - seconds, call.sent), call.sent),
            ("provider", call.sent, ready),
            ("download", ready, last),
        )
        yield call.node, [part for part in parts if part[2] - part[1] >= _SHORTEST]


def _packed(pieces: list[_Piece], zero: float) -> tuple[list[Bar], int]:
    """Each piece in the first row that is free by then."""
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    bars: list[Bar] = []
    rows = 0
    for node, parts in sorted(pieces, key=lambda piece: piece[1][0][1]):
        while busy and busy[0][0] <= parts[0][1]:
            heappush(free, heappop(busy)[1])
        if not free:
            heappush(free, rows)
            rows += 1
        row = heappop(free)
        heappush(busy, (parts[-1][2], row))
        bars += [Bar(kind, node, begin - zero, end - zero, row) for kind, begin, end in parts]
    return bars, rows

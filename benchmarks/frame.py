"""What a frame of the live table costs with 100 nodes and with 10,000, and what an event does.

Unaware of terminals: lines are made and put into the block that draws them, and nobody sees them.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

from banana_pipe.canonical import digest_of
from banana_pipe.cli.frame import frame_lines
from banana_pipe.cli.live import Block
from banana_pipe.cli.terminal import Paper
from banana_pipe.clock import SystemClock
from banana_pipe.events import AttemptMoved, CallStarted, NodeEnded, RunStarted
from banana_pipe.model import Attempt, Key, Outcome, Plan, PlannedNode
from banana_pipe.telling.tally import Tally

_SIZES = (100, 10_000)
_STEPS = ("base", "tint", "scene", "thumb")
_FRAMES = 200
_JOBS = 8


def main() -> None:
    """Print milliseconds a frame and microseconds an event for each size, and their ratios."""
    costs = [_measured(size) for size in _SIZES]
    for size, (frame, event) in zip(_SIZES, costs, strict=True):
        print(f"frame: {size:6,} nodes: {frame * 1e3:.2f} ms a frame, {event * 1e6:.1f} µs an event")
    (few, seldom), (many, often) = costs
    print(f"frame: a frame of 100 times the nodes takes {many / few:.2f} times as long, an event {often / seldom:.2f}")


def _measured(nodes: int) -> tuple[float, float]:
    """Processor seconds a frame (the median of many), and an event."""
    names = [f"{step}[n={n}]" for step in _STEPS for n in range(nodes // len(_STEPS))]
    tally = Tally(SystemClock(), jobs=_JOBS)
    lines = tuple(PlannedNode(name, "edit", "call", "new", None, 1, 40_000, ()) for name in names)
    cost = 40_000 * len(lines)
    tally.hear(RunStarted("run", Plan("shop", lines, len(lines), len(lines), cost, cost), 0.0))
    half = names[: nodes // 2]
    event = _seconds(lambda: _made(tally, half)) / (3 * len(half))
    for name in names[len(half) : len(half) + _JOBS]:
        tally.hear(CallStarted(name, 1, _attempt(name)))
    paper, block = Paper(io.StringIO()), Block(lambda _: None)
    frames = [_seconds(lambda: block.draw(frame_lines(paper, tally, 80, 23), 80, 24)) for _ in range(_FRAMES)]
    return median(frames), event


def _made(tally: Tally, names: list[str]) -> None:
    for name in names:
        attempt = _attempt(name)
        tally.hear(CallStarted(name, 1, attempt))
        tally.hear(AttemptMoved(name, replace(attempt, state="STORED")))
        tally.hear(NodeEnded(Outcome(name, "done", "new")))


def _attempt(name: str) -> Attempt:
    return Attempt(
        id=name,
        key=Key(digest_of(name.encode())),
        wire=digest_of(b""),
        origin="https://api.example.org",
        account="0123456789abcdef",
        run_id="run",
        state="INTENT",
        provider="acedata",
        model="nano-banana",
        price=40_000,
        created_at=0.0,
        updated_at=0.0,
        node=name,
    )


def _seconds(act: Callable[[], object]) -> float:
    start = time.process_time()
    act()
    return time.process_time() - start

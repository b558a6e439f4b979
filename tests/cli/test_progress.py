"""Progress from events alone: lines, the live table, and what they add up. Unaware of runs."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from banana_pipe.canonical import digest_of
from banana_pipe.cli.lines import Lines
from banana_pipe.cli.live import LiveTable
from banana_pipe.cli.progress import open_progress
from banana_pipe.cli.tally import Tally
from banana_pipe.cli.terminal import Paper
from banana_pipe.events import AttemptMoved, CallStarted, NodeEnded, RunEnded, RunStarted, Waiting, Warned
from banana_pipe.model import Attempt, Key, Outcome, Plan, PlannedNode, Run, State

RUN = "run-1"


class Hands:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        """The same as `boot`."""
        return self.time

    def boot(self) -> float:
        """What it was set to."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Move on by *seconds*."""
        self.time += seconds


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


class Gone(Screen):
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        """Nobody reads."""
        raise BrokenPipeError


def planned(name: str, state: State = "call") -> PlannedNode:
    return PlannedNode(name, "generate", state, "new", None, 1, 40_000, ())


def started(*nodes: PlannedNode) -> RunStarted:
    calls = sum(node.state != "cached" for node in nodes)
    return RunStarted(RUN, Plan("shop", nodes, calls, calls, 40_000 * calls, 40_000 * calls), 0.0)


def attempt(node: str, run_id: str = RUN) -> Attempt:
    key = Key(digest_of(node.encode()))
    return Attempt(
        id=node,
        key=key,
        wire=digest_of(b""),
        origin="https://api.example.org",
        account="0123456789abcdef",
        run_id=run_id,
        state="INTENT",
        provider="acedata",
        model="nano-banana",
        price=40_000,
        created_at=0.0,
        updated_at=0.0,
        node=node,
    )


def ended() -> RunEnded:
    return RunEnded(Run(RUN, "shop", Path("out"), "ok", 0, (), 0, 0, 0, 0, 1.0), 0.0)


def test_money_and_flights_follow_the_attempts() -> None:
    """What was not sent costs nothing; what others bought is not ours."""
    tally = Tally(Hands())
    tally.hear(started(planned("a"), planned("b")))
    tally.hear(CallStarted("a", 1, attempt("a")))
    tally.hear(CallStarted("b", 2, attempt("b")))
    tally.hear(AttemptMoved("c", replace(attempt("c", "earlier"), state="ACCEPTED")))
    assert tally.spent == 80_000
    assert sorted(flight.name for flight in tally.flights.values()) == ["a", "b@2", "c"]
    tally.hear(AttemptMoved("b", replace(attempt("b"), state="NOT_SENT")))
    assert tally.spent == 40_000
    tally.hear(AttemptMoved("a", replace(attempt("a"), state="STORED")))
    tally.hear(NodeEnded(Outcome("a", "done", "new")))
    assert list(tally.flights) == ["c"]
    assert (tally.made, tally.to_do) == (1, 2)


def test_what_was_there_is_not_counted_as_made() -> None:
    """The bar is about what is to do."""
    tally = Tally(Hands())
    tally.hear(started(planned("a", "cached"), planned("b")))
    tally.hear(NodeEnded(Outcome("a", "cached", "cache")))
    assert (tally.made, tally.to_do) == (0, 1)


def test_what_waits_for_a_pick_is_not_counted() -> None:
    """A run that can make one of three says 1/1, not 3/3."""
    tally = Tally(Hands())
    waits = replace(planned("b", "wait"), reason="pick")
    tally.hear(started(replace(planned("a", "needs-pick"), reason="pick"), waits, planned("c")))
    tally.hear(NodeEnded(Outcome("a", "waiting", "pick")))
    tally.hear(NodeEnded(Outcome("b", "waiting", "pick")))
    assert (tally.made, tally.to_do) == (0, 1)
    tally.hear(NodeEnded(Outcome("c", "done", "new")))
    assert (tally.made, tally.to_do) == (1, 1)


def test_time_left_is_what_the_calls_so_far_say() -> None:
    """Two of four in ten seconds: ten more."""
    hands = Hands()
    tally = Tally(hands)
    tally.hear(started(*(planned(name) for name in "abcd")))
    assert tally.seconds_left() is None
    for name in "ab":
        tally.hear(CallStarted(name, 1, attempt(name)))
    hands.time += 10
    for name in "ab":
        tally.hear(AttemptMoved(name, replace(attempt(name), state="STORED")))
    assert tally.seconds_left() == pytest.approx(10)


def test_lines_tell_ends_new_waits_and_warnings() -> None:
    """Each once, on one line, without control characters; what is only a consequence is left to the summary."""
    stream = io.StringIO()
    lines = Lines(Paper(stream), Tally(Hands()))
    for event in (
        started(planned("a"), planned("b"), planned("c"), planned("d", "cached")),
        Waiting("a", "busy", 0.2),
        Waiting("a", "rate limit", 4.0),
        Waiting("a", "rate limit", 8.0),
        Warned("mind\nthe \033[2Jgap"),
        NodeEnded(Outcome("a", "failed", "error", error="no\033 way", seconds=2.0)),
        NodeEnded(Outcome("b", "blocked", "input", error="needs a")),
        NodeEnded(Outcome("c", "done", "new", seconds=12.0)),
        NodeEnded(Outcome("d", "cached", "cache")),
        ended(),
    ):
        lines.hear(event)
    assert stream.getvalue().splitlines() == [
        "waits    a  rate limit (up to 4.0 s)",
        "warning: mind the [2Jgap",
        "[1/3] failed   a  no way",
        "[3/3] done     c  12 s",
    ]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment as on somebody's desk, 80 columns wide."""
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    return monkeypatch


def test_a_terminal_gets_the_table_and_all_else_lines(terminal: pytest.MonkeyPatch) -> None:
    """CI and a dumb terminal are not drawn over, whatever they say they are."""
    assert isinstance(open_progress(Paper(Screen())), LiveTable)
    assert isinstance(open_progress(Paper(io.StringIO())), Lines)
    terminal.setenv("CI", "true")
    assert isinstance(open_progress(Paper(Screen())), Lines)
    terminal.delenv("CI")
    terminal.setenv("TERM", "dumb")
    assert isinstance(open_progress(Paper(Screen())), Lines)


@pytest.mark.parametrize("colour", [True, False])
def test_the_table_shows_where_the_run_stands(terminal: pytest.MonkeyPatch, *, colour: bool) -> None:
    """Name, bar, time; counts and money; the nodes under way. NO_COLOR takes the colours and nothing else."""
    if not colour:
        terminal.setenv("NO_COLOR", "1")
    stream = Screen()
    hands = Hands()
    table = LiveTable(Paper(stream), Tally(hands))
    table.hear(started(planned("hero[who=fox]"), planned("b"), planned("c")))
    table.hear(CallStarted("hero[who=fox]", 1, attempt("hero[who=fox]")))
    table.hear(AttemptMoved("hero[who=fox]", replace(attempt("hero[who=fox]"), state="ACCEPTED")))
    table.hear(Waiting("b", "rate limit", 30.0))
    table.hear(NodeEnded(Outcome("c", "failed", "error", error="it says no")))
    hands.time += 5
    table.close()
    shown = stream.getvalue()
    for words in (
        "shop",
        "1/3",
        "1 call in flight",
        "$0.04 of at most $0.12",
        "hero[who=fox]",
        "being made",
        "rate limit",
    ):
        assert words in shown
    assert "✗ failed   c  it says no" in shown
    assert ("\033[33m" in shown or "\033[1;33m" in shown) is colour


def test_a_closed_terminal_ends_no_run(terminal: pytest.MonkeyPatch) -> None:
    """What is paid is collected, whoever looks."""
    table = LiveTable(Paper(Gone()), Tally(Hands()))
    table.hear(started(planned("a")))
    table.hear(Warned("mind the gap"))
    table.hear(NodeEnded(Outcome("a", "failed", "error", error="no")))
    table.hear(ended())
    table.close()

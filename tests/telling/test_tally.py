"""What a run's events add up to. Unaware of how it is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from banana_pipe.events import AttemptMoved, CallStarted, NodeEnded
from banana_pipe.model import Outcome
from banana_pipe.telling.tally import Tally
from tests.telling.builders import Hands, attempt, planned, started


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

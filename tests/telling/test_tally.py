"""What a run's events add up to. Unaware of how it is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.events import AttemptMoved, CallStarted, NodeEnded, Waiting
from banana_pipe.model import ACTIVE, COUNTED, AttemptState, Outcome
from banana_pipe.telling.latencies import Latencies
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


def ended_well(tally: Tally, name: str) -> None:
    tally.hear(AttemptMoved(name, replace(attempt(name), state="STORED")))
    tally.hear(NodeEnded(Outcome(name, "done", "new")))


def test_steps_are_counted_by_themselves() -> None:
    """What is made of each, under way, to come, and how it ended."""
    tally = Tally(Hands())
    tally.hear(started(planned("a[n=1]"), planned("a[n=2]", "cached"), planned("b[n=1]"), planned("b[n=2]")))
    tally.hear(NodeEnded(Outcome("a[n=2]", "cached", "cache")))
    tally.hear(CallStarted("a[n=1]", 1, attempt("a[n=1]")))
    tally.hear(CallStarted("b[n=1]", 1, attempt("b[n=1]")))
    tally.hear(NodeEnded(Outcome("b[n=1]", "failed", "error", error="no")))
    a, b = tally.steps.values()
    assert (a.name, a.nodes, a.to_do, a.made, a.flying, a.to_come) == ("a", 2, 1, 0, 1, 0)
    assert (b.name, b.nodes, b.to_do, b.made, b.flying, b.to_come) == ("b", 2, 2, 1, 0, 1)
    assert (dict(a.statuses), dict(b.statuses)) == ({"cached": 1}, {"failed": 1})
    assert [outcome.node for outcome in tally.troubles] == ["b[n=1]"]
    assert (tally.flying, tally.to_come) == (1, 1)


def test_two_takes_of_a_node_are_two_calls_and_one_node_under_way() -> None:
    """A node of four takes is not four nodes."""
    tally = Tally(Hands())
    node = replace(planned("a"), calls=2)
    tally.hear(started(node))
    for sample in (1, 2):
        tally.hear(CallStarted("a", sample, replace(attempt("a"), id=f"a{sample}")))
    assert (len(tally.flights), tally.flying, tally.to_come, tally.calls_begun) == (2, 1, 0, 2)
    tally.hear(AttemptMoved("a", replace(attempt("a"), id="a1", state="STORED")))
    assert (len(tally.flights), tally.flying) == (1, 1)


def test_time_left_knows_steps_that_take_longer() -> None:
    """Ten of a quick one and one of a slow one are not eleven of the mean."""
    hands = Hands()
    known = Latencies({"slow": "pro"})
    tally = Tally(hands, jobs=1, latencies=known)
    tally.hear(started(planned("quick[n=1]"), planned("quick[n=2]"), planned("slow")))
    known.remember(replace(attempt("slow"), state="STORED", model="pro", created_at=1.0, updated_at=61.0))
    tally.hear(CallStarted("quick[n=1]", 1, attempt("quick[n=1]")))
    hands.time += 5
    ended_well(tally, "quick[n=1]")
    assert tally.seconds_left() == pytest.approx(5 + 60)


def test_time_left_is_no_less_than_that_of_the_longest_chain() -> None:
    """Eight calls at once do not help where each reads the one before."""
    hands = Hands()
    tally = Tally(hands, jobs=8)
    links = [replace(planned(f"story[n={n}]"), inputs=(f"story[n={n - 1}]@2",) if n > 1 else ()) for n in range(1, 6)]
    tally.hear(started(*links))
    tally.hear(CallStarted("story[n=1]", 1, attempt("story[n=1]")))
    hands.time += 10
    ended_well(tally, "story[n=1]")
    assert tally.seconds_left() == pytest.approx(40)
    tally.hear(CallStarted("story[n=2]", 1, attempt("story[n=2]")))
    hands.time += 4
    assert tally.seconds_left() == pytest.approx(36)


def test_time_left_shrinks_while_nothing_happens_and_ends_at_nothing() -> None:
    """A call that takes longer than others did is not told as time that runs backwards."""
    hands = Hands()
    tally = Tally(hands, jobs=2)
    tally.hear(started(*(planned(name) for name in "abc")))
    tally.hear(CallStarted("a", 1, attempt("a")))
    hands.time += 10
    ended_well(tally, "a")
    for name in "bc":
        tally.hear(CallStarted(name, 1, attempt(name)))
    seen = []
    for _ in range(4):
        seen.append(tally.seconds_left())
        hands.time += 5
    assert seen == [10, 5, 0, 0]


def test_what_is_blocked_is_not_waited_for() -> None:
    """Its calls will never be sent."""
    hands = Hands()
    tally = Tally(hands, jobs=1)
    tally.hear(started(*(planned(name) for name in "abc")))
    tally.hear(CallStarted("a", 1, attempt("a")))
    hands.time += 10
    ended_well(tally, "a")
    assert tally.seconds_left() == pytest.approx(20)
    tally.hear(NodeEnded(Outcome("b", "blocked", "input")))
    assert tally.seconds_left() == pytest.approx(10)


def test_a_call_that_was_not_sent_is_still_to_be_made() -> None:
    """It goes out again, after a wait; while the provider asks for one, no more go out at once than do."""
    hands = Hands()
    tally = Tally(hands, jobs=8)
    tally.hear(started(*(planned(name) for name in "abcd")))
    for name in "ab":
        tally.hear(CallStarted(name, 1, attempt(name)))
    hands.time += 10
    ended_well(tally, "a")
    tally.hear(AttemptMoved("b", replace(attempt("b"), state="NOT_SENT")))
    assert tally.seconds_left() == pytest.approx(10)
    tally.hear(Waiting("b", "rate limit", 5.0))
    assert tally.seconds_left() == pytest.approx(30)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3), st.sampled_from(get_args(AttemptState)))))
def test_sums_are_what_counting_anew_gives(moves: list[tuple[str, int, AttemptState]]) -> None:
    """Whatever comes in which order: nothing is counted twice, and nothing below nothing."""
    tally = Tally(Hands())
    tally.hear(started(*(replace(planned(name), calls=3) for name in "abc")))
    states: dict[str, AttemptState] = {}
    for node, sample, state in moves:
        one = replace(attempt(node), id=f"{node}{sample}", state=state)
        states[one.id] = state
        tally.hear(CallStarted(node, sample, one) if state == "INTENT" else AttemptMoved(node, one))
    assert tally.spent == 40_000 * sum(state in COUNTED for state in states.values())
    flying = {name for name, state in states.items() if state in ACTIVE}
    assert set(tally.flights) == flying
    assert tally.flying == len({name[0] for name in flying})
    assert sum(step.flying for step in tally.steps.values()) == tally.flying
    assert all(step.calls_left >= 0 for step in tally.steps.values())

"""Why nothing new is sent any more, and how long what is under way is waited for.

Unaware of what would have been sent.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banana_pipe.errors import BananaError, NotAuthorised, SpendingStopped
from banana_pipe.providers.base import ProviderError
from banana_pipe.purchase.orders import NotBought
from banana_pipe.purchase.rules import Rule, StopKind
from banana_pipe.purchase.stops import GraceOver, Stops
from tests.clock import FakeClock, run

T = TypeVar("T")
GRACE = 30.0
KINDS: tuple[StopKind, ...] = ("cap", "balance", "auth", "interrupt", "store")


class Story:
    """A clock, and the stops of a run."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.stops = Stops(self.clock, GRACE)

    def tell(self, story: Coroutine[Any, Any, T]) -> T:
        return run(self.clock, story)

    async def takes(self, seconds: float) -> float:
        """The time at which something is ready that takes so long."""
        await self.clock.sleep(seconds)
        return self.clock.boot()


@settings(max_examples=30)
@given(st.lists(st.sampled_from(KINDS), max_size=5))
def test_the_first_reason_stands_but_for_an_interrupt(kinds: list[StopKind]) -> None:
    """Whoever wants to go is told that; the grace time is counted from the first Ctrl-C."""
    story = Story()

    async def told() -> None:
        begun = story.clock.boot()
        assert story.stops.grace_ends == float("inf")
        for kind in kinds:
            story.stops.stop(kind, BananaError(kind))
            await story.clock.sleep(1)
        reason = story.stops.reason.kind if story.stops.reason else None
        assert reason == ("interrupt" if "interrupt" in kinds else kinds[0] if kinds else None)
        assert story.stops.stopped.is_set() == bool(kinds)
        assert story.stops.interrupted.is_set() == ("interrupt" in kinds)
        if "interrupt" in kinds:
            assert story.stops.grace_ends == begun + kinds.index("interrupt") + GRACE

    story.tell(told())


@pytest.mark.parametrize(
    ("stops", "kind", "error"),
    [("auth", "auth", NotAuthorised), ("balance", "balance", SpendingStopped), (None, None, None)],
)
@pytest.mark.parametrize("trace", [None, "T-9"])
@pytest.mark.parametrize("hint", [None, "ask the vendor"])
def test_an_error_of_the_account_stops_the_run_with_what_helps(
    stops: StopKind | None, kind: str | None, error: type[BananaError] | None, hint: str | None, trace: str | None
) -> None:
    """In the provider's words, with its hint or else ours; an error of one call stops nothing."""
    story = Story()
    story.stops.stop_if(Rule("FAILED", stops=stops), ProviderError("auth", "it says no", hint=hint, trace_id=trace))
    reason = story.stops.reason
    assert (reason.kind if reason else None) == kind
    if reason is not None and error is not None:
        assert type(reason.error) is error
        assert reason.error.message == ("it says no (trace_id T-9)" if trace else "it says no")
        ours = "check ACEDATACLOUD_API_TOKEN" if stops == "auth" else "top up the account"
        assert reason.error.hint == (hint or f"{ours}; what is paid is kept, the same command goes on")


@pytest.mark.parametrize(
    ("kind", "hint", "answer"),
    [
        ("cap", "raise it", NotBought("waiting", "cap", "that much.")),
        ("interrupt", "wait", NotBought("waiting", "stopped", "that much.")),
        ("balance", None, NotBought("waiting", "stopped", "that much.")),
        ("balance", "top up", NotBought("waiting", "stopped", "that much; top up")),
        ("auth", "look", NotBought("waiting", "stopped", "that much; look")),
        (None, None, NotBought("waiting", "stopped", "mug was not begun")),
    ],
)
def test_what_is_not_begun_waits_for_the_reason(kind: StopKind | None, hint: str | None, answer: NotBought) -> None:
    """A cap is told from all else: more can be allowed."""
    story = Story()

    async def told() -> None:
        if kind is not None:
            story.stops.stop(kind, BananaError("that much.", hint=hint))
        assert story.stops.not_now("mug") == answer

    story.tell(told())


def test_what_ends_within_the_grace_is_had_and_all_else_is_cut_off_when_it_ends() -> None:
    """Whoever waits, and whether it began before the Ctrl-C or after it; what ended before is not in the way."""
    story = Story()

    async def told() -> None:
        # Several: whoever still knew of them would come upon one before all that wait.
        for _ in range(20):
            await story.stops.within_grace(story.takes(0))
        before = asyncio.create_task(story.stops.within_grace(story.takes(5)))
        drips = [asyncio.create_task(story.stops.within_grace(story.takes(999))) for _ in range(2)]
        await story.clock.sleep(10)
        story.stops.stop("interrupt", BananaError("Ctrl-C"))
        just = asyncio.create_task(story.stops.within_grace(story.takes(GRACE - 1)))
        late = asyncio.create_task(story.stops.within_grace(story.takes(GRACE + 1)))
        answers = await asyncio.gather(before, just, late, *drips, return_exceptions=True)
        assert answers[:2] == [1_005.0, 1_010.0 + GRACE - 1]
        assert [type(answer) for answer in answers[2:]] == [GraceOver] * 3
        assert story.clock.boot() == 1_010.0 + GRACE

    story.tell(told())


def test_after_the_grace_nothing_is_begun() -> None:
    """Not for a moment: the work is closed as it is."""
    story, begun = Story(), []

    async def begins() -> None:
        begun.append(True)
        await story.clock.sleep(0)

    async def told() -> None:
        story.stops.stop("interrupt", BananaError("Ctrl-C"))
        await story.clock.sleep(GRACE)
        work = begins()
        with pytest.raises(GraceOver):
            await story.stops.within_grace(work)
        assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED
        assert not begun

    story.tell(told())


def test_a_time_out_of_the_works_own_is_not_the_end_of_the_grace() -> None:
    """It goes up as it is."""
    story = Story()

    async def too_slow() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        story.tell(story.stops.within_grace(too_slow()))


@pytest.mark.parametrize(("set_after", "passes"), [(2.0, 2.0), (None, 7.0)])
def test_a_pause_ends_early_where_there_is_no_use_in_it(set_after: float | None, passes: float) -> None:
    """And leaves nobody behind who still waits."""
    story = Story()

    async def told() -> None:
        stopped, begun = asyncio.Event(), story.clock.boot()
        pause = asyncio.create_task(story.stops.pause(7.0, stopped))
        if set_after is not None:
            await story.clock.sleep(set_after)
            stopped.set()
        await pause
        assert story.clock.boot() == begun + passes
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    story.tell(told())

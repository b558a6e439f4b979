"""Waiting for tasks: one call per tick, a deadline each, and nobody forgotten.

Unaware of what is done with a finished task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import pytest

from banana_pipe.providers.base import Done, Kind, Pending, Provider, ProviderError
from banana_pipe.purchase.poller import Poller
from tests.clock import FakeClock, run
from tests.purchase.fake import Fake
from tests.purchase.shop import request

FAR = 1e9


class World:
    """Some accepted tasks and somebody who waits for them."""

    def __init__(self, tasks: int = 1, seconds: float = 10.0) -> None:
        self.clock = FakeClock()
        self.vendor = Fake(self.clock, seconds=seconds)
        self.poller = Poller(self.vendor, self.clock, 2.0)
        call = self.vendor.prepare(request(), [])
        self.tasks = [self.vendor._accept(call) for _ in range(tasks)]

    def finished(self, *deadlines: float) -> list[Done | ProviderError | BaseException | None]:
        async def story() -> list[Done | ProviderError | BaseException | None]:
            waits = (self.poller.finished(*one) for one in zip(self.tasks, deadlines, strict=True))
            try:
                return list(await asyncio.gather(*waits, return_exceptions=True))
            finally:
                await self.poller.close()

        return run(self.clock, story())


def test_all_tasks_are_asked_about_in_one_call_per_tick() -> None:
    """However many wait, the provider hears of it once every two seconds."""
    world = World(tasks=50)
    assert all(isinstance(answer, Done) for answer in world.finished(*[FAR] * 50))
    assert [len(asked) for asked in world.vendor.polled] == [50] * len(world.vendor.polled)
    assert len(world.vendor.polled) <= 7


def test_a_task_is_given_up_at_its_own_deadline() -> None:
    """The others go on being waited for."""
    world = World(tasks=2, seconds=30.0)
    early, late = world.finished(world.clock.boot() + 5, FAR)
    assert early is None
    assert isinstance(late, Done)


def test_a_task_is_asked_about_once_even_after_its_deadline() -> None:
    """What was finished long ago is collected, also by one who comes while a poll is on its way."""
    world = World(tasks=2, seconds=0.0)

    async def story() -> tuple[object, object]:
        first = asyncio.create_task(world.poller.finished(world.tasks[0], FAR))
        await world.clock.sleep(0.005)  # the first poll is on its way, without the second task
        second = asyncio.create_task(world.poller.finished(world.tasks[1], 0.0))
        return await first, await second

    first, second = run(world.clock, story())
    assert isinstance(first, Done)
    assert isinstance(second, Done)


def test_a_provider_that_is_away_is_asked_again() -> None:
    """A 503 says nothing about a task."""
    world = World()
    world.vendor.polls += [ProviderError("unavailable", "503")] * 20
    assert isinstance(world.finished(FAR)[0], Done)


@pytest.mark.parametrize("kind", ["auth", "disabled"])
def test_a_provider_that_will_not_answer_us_ends_the_waiting(kind: str) -> None:
    """Everybody hears of it at once."""
    world = World(tasks=3)
    world.vendor.polls.append(ProviderError(kind, "no"))  # type: ignore[arg-type]
    answers = world.finished(FAR, FAR, FAR)
    assert [getattr(answer, "kind", None) for answer in answers] == [kind] * 3
    assert len(world.vendor.polled) == 1


@pytest.mark.parametrize("kind", ["unknown", "unavailable", "rate"])
def test_a_doubt_about_one_task_is_no_end_of_it(kind: Kind) -> None:
    """Only the provider's own word ends a task; what nobody can say is asked again."""
    world = World()
    world.vendor.tasks["t1"].end = ProviderError(kind, "unreadable")
    assert world.finished(world.clock.boot() + 60) == [None]


def test_a_task_is_given_up_when_its_time_is_over_and_not_a_tick_later() -> None:
    """At its very deadline."""
    clock = FakeClock()
    poller = Poller(cast(Provider, Answers(lambda _: {})), clock, 2.0)
    begun = clock.boot()
    assert run(clock, poller.finished("t1", begun)) is None
    assert clock.boot() == begun


def test_after_who_went_away_nobody_asks() -> None:
    """The others' questions are about what is still waited for."""
    world = World(tasks=2, seconds=30.0)

    async def story() -> None:
        gone, stays = (asyncio.create_task(world.poller.finished(name, FAR)) for name in world.tasks)
        await world.clock.sleep(5)
        gone.cancel()
        await stays
        assert world.vendor.polled[-1] == [world.tasks[1]]

    run(world.clock, story())


def test_a_bug_in_a_provider_is_told_to_those_who_wait() -> None:
    """Nobody waits for ever for a poll that died."""
    world = World(tasks=2)
    world.vendor.tasks.clear()
    world.vendor.polls.append(RuntimeError("a bug"))  # type: ignore[arg-type]
    answers = world.finished(FAR, FAR)
    assert [str(answer) for answer in answers] == ["a bug", "a bug"]


def test_after_an_interrupt_nothing_is_waited_for_beyond_the_grace() -> None:
    """`end_by` holds for all, whatever their own deadlines."""
    world = World(tasks=1, seconds=300.0)
    world.poller.end_by(world.clock.boot() + 30)
    begun = world.clock.boot()
    assert world.finished(FAR) == [None]
    assert world.clock.boot() - begun < 35


class Answers:
    """A provider that answers a poll at once, with what it is told to."""

    def __init__(self, answer: Callable[[Sequence[str]], Mapping[str, Done | Pending]]) -> None:
        self._answer = answer

    async def poll(self, task_ids: Sequence[str]) -> Mapping[str, Done | Pending]:
        return self._answer(task_ids)


@pytest.mark.parametrize("error", [None, ProviderError("auth", "no")])
def test_one_who_went_away_while_it_was_asked_for_is_in_nobodys_way(error: ProviderError | None) -> None:
    """Neither what was answered for it, nor that nothing was, is told to who is gone; the others hear."""
    clock = FakeClock()
    waits: list[asyncio.Task[object]] = []

    def goes_away(task_ids: Sequence[str]) -> Mapping[str, Done | Pending]:
        waits[0].cancel()
        if error is not None:
            raise error
        return {task_id: Done(task_id, None, (), "{}") for task_id in (*task_ids, "nobody's")}

    poller = Poller(cast(Provider, Answers(goes_away)), clock, 2.0)

    async def story() -> list[object]:
        waits.extend(asyncio.create_task(poller.finished(name, FAR)) for name in ("gone", "stays"))
        answers = await asyncio.gather(*waits, return_exceptions=True)
        await poller.close()
        return list(answers)

    gone, stays = run(clock, story())
    assert isinstance(gone, asyncio.CancelledError)
    assert isinstance(stays, Done) if error is None else stays is error


def test_who_still_waits_when_it_is_closed_is_not_left_waiting() -> None:
    """And nothing asks any more; closing what never began is nothing."""
    world = World(seconds=1e9)

    async def story() -> None:
        await Poller(world.vendor, world.clock, 2.0).close()
        waiting = asyncio.create_task(world.poller.finished(world.tasks[0], FAR))
        await world.clock.sleep(5)
        await world.poller.close()
        assert asyncio.all_tasks() <= {asyncio.current_task(), waiting}
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(world.clock, story())
    assert len(world.vendor.polled) == 3

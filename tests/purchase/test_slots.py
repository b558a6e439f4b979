"""How many calls are under way at once, whatever comes in between.

Unaware of calls.
"""

from __future__ import annotations

import asyncio
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.purchase.slots import Slot, Slots

# What happens next: somebody comes, somebody leaves, somebody waiting is cancelled, the provider complains
# or is content, and whether the loop turns before the next thing happens.
ACTS = st.lists(st.tuples(st.sampled_from(["come", "leave", "cancel", "slower", "faster"]), st.booleans()), max_size=60)


async def _turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Crowd:
    """Whoever waits for a slot or holds one."""

    def __init__(self, limit: int, random: Random) -> None:
        self.slots = Slots(limit)
        self.limit = limit
        self._random = random
        self.waiting: list[asyncio.Task[Slot]] = []
        self.held: list[Slot] = []

    def do(self, act: str) -> None:
        if act == "come":
            self.waiting.append(asyncio.create_task(self.slots.take()))
        elif act == "leave" and self.held:
            self.held.pop(self._random.randrange(len(self.held))).release()
        elif act == "cancel" and self.waiting:
            self._random.choice(self.waiting).cancel()
        elif act == "slower" and self.held:
            self._random.choice(self.held).slow_down()
        elif act == "faster":
            self.slots.recover()

    def look(self) -> None:
        for task in [task for task in self.waiting if task.done()]:
            self.waiting.remove(task)
            if not task.cancelled():
                self.held.append(task.result())
        assert len(self.held) <= self.limit
        assert 1 <= self.slots.limit <= self.limit

    async def leave(self) -> None:
        await _turn()
        self.look()
        while self.held:
            self.held.pop().release()
            await _turn()
            self.look()


@given(limit=st.integers(1, 4), acts=ACTS, random=st.randoms(use_true_random=False))
def test_never_more_than_the_limit_and_none_lost(limit: int, acts: list[tuple[str, bool]], random: Random) -> None:
    """No order of comings, goings and cancellations exceeds the limit or loses a slot."""

    async def story() -> None:
        crowd = Crowd(limit, random)
        for act, turn in acts:
            crowd.look()
            crowd.do(act)
            if turn:
                await _turn()
        await crowd.leave()
        assert not crowd.waiting, "whoever waits gets a slot once one is free"
        for _ in range(limit * limit * 4):
            crowd.slots.recover()
        for _ in range(limit):
            await asyncio.wait_for(crowd.slots.take(), 5)
        one_more = asyncio.create_task(crowd.slots.take())
        await _turn()
        assert not one_more.done(), "and there are as many as there were"
        one_more.cancel()

    asyncio.run(story())


def test_one_who_is_cancelled_while_a_slot_comes_free_only_goes_away() -> None:
    """A cancellation stays one, also where the slot is given away in the same moment."""

    async def story() -> None:
        slots = Slots(1)
        first = await slots.take()
        waiting = asyncio.create_task(slots.take())
        await _turn()
        waiting.cancel()
        first.release()
        await _turn()
        assert waiting.cancelled()
        await asyncio.wait_for(slots.take(), 5)

    asyncio.run(story())


def test_one_who_is_cancelled_when_the_slot_was_just_given_gives_it_back() -> None:
    """Before it could know: the next one has it."""

    async def story() -> None:
        slots = Slots(1)
        first = await slots.take()
        waiting, next_one = asyncio.create_task(slots.take()), asyncio.create_task(slots.take())
        await _turn()
        first.release()
        waiting.cancel()
        await _turn()
        assert waiting.cancelled()
        assert next_one.done()

    asyncio.run(story())


def test_contentment_is_for_who_waits() -> None:
    """A slot more is used at once; and a complaint that comes after another, from the same call, counts again."""

    async def story() -> None:
        slots = Slots(8)
        slot = await slots.take()
        for _ in range(3):
            slot.slow_down()
        assert slots.limit == 1
        waiting = asyncio.create_task(slots.take())
        await _turn()
        assert not waiting.done()
        slots.recover()
        await _turn()
        assert waiting.done()
        slots.recover()
        assert slots.limit == 2, "a slot more for a full round of them"
        slots.recover()
        slots.recover()
        assert slots.limit == 3

    asyncio.run(story())


def test_a_complaint_halves_and_contentment_recovers_slowly() -> None:
    """8 → 4 → 2 → 1, then one more for each full round, never above the first."""

    async def story() -> None:
        slots = Slots(8)
        seen = []
        for _ in range(4):
            with await slots.take() as slot:
                slot.slow_down()
            seen.append(slots.limit)
        assert seen == [4, 2, 1, 1]
        slots.recover()
        assert slots.limit == 2
        for _ in range(100):
            slots.recover()
        assert slots.limit == 8

    asyncio.run(story())


def test_who_has_no_slot_has_nothing_to_complain_of() -> None:
    """Its call is over, or was never made."""

    async def story() -> None:
        slots = Slots(8)
        slot = await slots.take()
        slot.release()
        slot.slow_down()
        assert slots.limit == 8

    asyncio.run(story())


def test_complaints_that_come_together_are_one() -> None:
    """Eight calls sent at once and all refused say one thing: half as many, not one at a time."""

    async def story() -> None:
        slots = Slots(8)
        held = [await slots.take() for _ in range(8)]
        for slot in held:
            slot.slow_down()
        assert slots.limit == 4

    asyncio.run(story())


def test_first_come_first_served() -> None:
    """Nobody is passed over, also not by one who comes when a slot has just come free."""

    async def story() -> list[str]:
        slots, served = Slots(1), []

        async def customer(name: str) -> None:
            with await slots.take():
                served.append(name)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for name in "abcde":
                group.create_task(customer(name))
        return served

    assert asyncio.run(story()) == list("abcde")


def test_a_slot_given_back_for_a_while_is_waited_for_again() -> None:
    """Releasing and retaking a slot counts it once, however often either is said."""

    async def story() -> None:
        slots = Slots(1)
        with await slots.take() as slot:
            slot.release()
            slot.release()
            with await slots.take() as other:
                again = asyncio.create_task(slot.retake())
                await _turn()
                assert not again.done()
                other.release()
            await again
            await slot.retake()
        await asyncio.wait_for(slots.take(), 5)

    asyncio.run(story())

"""How many calls are under way at once: halved when the provider says "too many", recovering slowly.

Unaware of what a slot is used for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Self


class Slots:
    """At most *limit* slots are held at once; they are given first come, first served."""

    def __init__(self, limit: int) -> None:
        self._most = limit
        self._limit = float(limit)
        self._held = 0
        self._slowed = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """How many may hold a slot now."""
        return int(self._limit)

    def _slow_down(self, noted: int) -> int:
        """Half as many from now on, never less than one, unless it was slowed down since *noted*."""
        if noted == self._slowed:
            self._slowed += 1
            self._limit = max(1.0, self._limit / 2)
        return self._slowed

    def recover(self) -> None:
        """A call went well: a little more (one more slot for each full round of them)."""
        self._limit = min(float(self._most), self._limit + 1 / self._limit)
        self._wake()

    async def take(self) -> Slot:
        """A slot, as soon as one is free."""
        slot = Slot(self)
        await slot.retake()
        return slot

    async def _wait(self) -> None:
        if self._held < self.limit and not self._queue:
            self._held += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was given the slot in the same moment
                self._give_back()
            raise

    def _give_back(self) -> None:
        self._held -= 1
        self._wake()

    def _wake(self) -> None:
        while self._queue and self._held < self.limit:
            turn = self._queue.popleft()
            if not turn.done():
                self._held += 1
                turn.set_result(None)


class Slot:
    """One slot of *slots*, or none for the moment; leaving the `with` block gives it back."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._noted: int | None = None
        """The slowings-down that were known when it was taken; None while it is not held."""

    async def retake(self) -> None:
        """Hold the slot (again)."""
        if self._noted is None:
            await self._slots._wait()
            self._noted = self._slots._slowed

    def slow_down(self) -> None:
        """The provider is overloaded: half as many from now on.

        Those who took their slots before that say the same once more, and are not counted again.
        """
        if self._noted is not None:
            self._noted = self._slots._slow_down(self._noted)

    def release(self) -> None:
        """Give it to somebody else for now."""
        if self._noted is not None:
            self._noted = None
            self._slots._give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

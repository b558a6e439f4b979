"""One clock for the program and for the vendor, which goes on only where somebody sleeps.

Unaware of who reads it. (`tests.clock` is stricter, and for those who talk to nobody outside.)
"""

from __future__ import annotations

import asyncio
from itertools import count

_MOMENT = 0.003
"""Real seconds that the network has between two steps."""


class SharedClock:
    """A `clock.Clock`. Sleepers wake in the order of their times; each takes the clock to its own."""

    def __init__(self) -> None:
        self._time = 1_790_000_000.0
        self._numbers = count()
        self._asleep: set[tuple[float, int]] = set()

    def now(self) -> float:
        return self._time

    def boot(self) -> float:
        return self._time

    async def sleep(self, seconds: float) -> None:
        me = (self._time + max(0.0, seconds), next(self._numbers))
        self._asleep.add(me)
        try:
            await asyncio.sleep(_MOMENT)
            while min(self._asleep) != me:  # noqa: ASYNC110 - an event would leave the network no moment
                await asyncio.sleep(_MOMENT)
            self._time = max(self._time, me[0])
        finally:
            self._asleep.remove(me)

    def pass_by(self, seconds: float) -> None:
        """Let *seconds* pass between two runs."""
        self._time += seconds

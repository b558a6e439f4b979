"""The clocks: the only place that reads the time or waits for it.

Unaware of who waits and why.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Time as the program sees it; tests hand in one of their own."""

    def now(self) -> float:
        """Seconds since 1970, UTC: for records, never for durations."""

    def boot(self) -> float:
        """Seconds since some start, counting suspended time too: for durations and deadlines."""

    async def sleep(self, seconds: float) -> None:
        """Let *seconds* pass."""


COUNTS_SLEEP = hasattr(time, "CLOCK_BOOTTIME")
"""Whether this system has a clock that goes on while it sleeps."""


class SystemClock:
    """The machine's clocks. `boot` goes on while a laptop sleeps, where the system offers that."""

    def now(self) -> float:
        return time.time()

    def boot(self) -> float:
        if COUNTS_SLEEP:
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

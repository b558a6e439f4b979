"""What the pages of a studio are told: which version of the page there is, what is being bought, how it ended.

Unaware of HTTP, of what is bought and of how the page is made. Whoever listens is told the whole state, once after
some changes rather than for each of them; so a page that was away knows all of it with the first word.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from banana_pipe.clock import Clock
from banana_pipe.events import Event
from banana_pipe.model import Json
from banana_pipe.prices import show_usd
from banana_pipe.telling.tally import Tally

TELL_SECONDS = 0.15
"""Between two words to the same page."""
MOST_FLIGHTS = 12
MOST_LISTENERS = 64


@dataclass(slots=True)
class Going:
    """Something that is being bought: what, its sums, whether it was asked to stop."""

    what: str
    tally: Tally
    cap: int | None
    """Micro-dollars that it may cost."""
    stopping: bool = False

    def told(self) -> dict[str, Json]:
        """Its state as JSON."""
        tally = self.tally
        flights = list(tally.flights.values())
        left = tally.seconds_left()
        return {
            "what": self.what,
            "made": tally.made,
            "to_do": tally.to_do,
            "flights": [{"name": one.name, "state": one.state} for one in flights[:MOST_FLIGHTS]],
            "flying": len(flights),
            "waits": [{"node": node, "why": wait.why} for node, wait in list(tally.waits.items())[:MOST_FLIGHTS]],
            "spent": "$0" if tally.spent == 0 else show_usd(tally.spent),
            "cap": None if not self.cap else show_usd(self.cap),
            "seconds": round(tally.elapsed),
            "left": None if left is None else round(left),
            "stopping": self.stopping,
        }


@dataclass(slots=True)
class Board:
    """The state, and who listens. Only the loop's own thread may touch it."""

    clock: Clock
    version: int = 1
    going: Going | None = None
    ended: Mapping[str, Json] | None = None
    trouble: Mapping[str, Json] | None = None
    """Why the page could not be made anew: the recipe has mistakes, perhaps."""
    _flags: set[asyncio.Event] = field(default_factory=set)
    _closed: bool = False

    @property
    def flying(self) -> frozenset[str]:
        """The nodes that are being bought from here."""
        return frozenset(one.node for one in self.going.tally.flights.values()) if self.going else frozenset()

    @property
    def is_watched(self) -> bool:
        """Whether anybody listens."""
        return bool(self._flags)

    def hear(self, event: Event) -> None:
        """Add what a purchase tells."""
        if self.going is not None:
            self.going.tally.hear(event)
            self.changed()

    def changed(self) -> None:
        """Tell everybody, soon."""
        for flag in self._flags:
            flag.set()

    def close(self) -> None:
        """There will be nothing more to tell."""
        self._closed = True
        self.changed()

    def told(self) -> dict[str, Json]:
        """The state as JSON."""
        return {
            "version": self.version,
            "going": self.going.told() if self.going else None,
            "ended": self.ended,
            "trouble": self.trouble,
        }

    async def states(self) -> AsyncIterator[dict[str, Json]]:
        """The state now and after changes, until the board is closed."""
        with self._listening() as flag:
            while not self._closed:
                flag.clear()
                yield self.told()
                await self.clock.sleep(TELL_SECONDS)
                await flag.wait()

    @property
    def is_full(self) -> bool:
        """Whether so many listen that no more can."""
        return len(self._flags) >= MOST_LISTENERS

    @contextmanager
    def _listening(self) -> Iterator[asyncio.Event]:
        flag = asyncio.Event()
        self._flags.add(flag)
        try:
            yield flag
        finally:
            self._flags.discard(flag)

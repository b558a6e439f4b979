"""A clock that stands still until everybody waits, and then goes straight to the next one's time.

Unaware of what is waited for.

`run` uses an event loop of its own: where nothing is ready, no thread is at work and somebody sleeps,
the clock moves on to the end of the shortest sleep. So a test of two minutes of settling takes no
time, and always goes the same way.
"""

from __future__ import annotations

import asyncio
import heapq
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
PATIENCE = 30.0
"""Real seconds without anything happening, after which the test is stuck."""


class FakeClock:
    """A `clock.Clock`. `jump` sets the wall clock only, as an administrator would."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self._boot = 1_000.0
        self._offset = now - self._boot
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0
        self._at_work = 0

    def now(self) -> float:
        return self._boot + self._offset

    def boot(self) -> float:
        return self._boot

    async def sleep(self, seconds: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._boot + max(0.0, seconds), self._count, turn))
        await turn

    def jump(self, seconds: float) -> None:
        self._offset += seconds

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Somebody works in a thread: time stands still meanwhile."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1

    def go_on(self) -> bool:
        """Wake the next sleeper, if nobody works; whether somebody woke."""
        while self._sleepers and not self._at_work:
            at, _, turn = heapq.heappop(self._sleepers)
            if not turn.done():
                self._boot = max(self._boot, at)
                turn.set_result(None)
                return True
        return False


class _Selector(selectors.DefaultSelector):
    clock: FakeClock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0 or self.clock.go_on():
            return ready
        ready = super().select(PATIENCE if timeout is None else timeout)
        if not ready and timeout is None:
            raise AssertionError("everybody waits, and nobody for the clock")
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: FakeClock) -> None:
        selector = _Selector()
        selector.clock = clock
        self._clock = clock
        super().__init__(selector)

    def run_in_executor(self, executor: Any, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        work = self._clock.at_work()
        work.__enter__()
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(lambda _: work.__exit__(None, None, None))
        return future


def run(clock: FakeClock, story: Coroutine[Any, Any, T]) -> T:
    """Run *story* to its end, however long it takes by *clock*."""
    with asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
        return runner.run(story)

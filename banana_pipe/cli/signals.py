"""Ctrl-C while a run goes on: the first asks it to stop, the second leaves at once.

Unaware of what is running. SIGTERM counts as Ctrl-C. Leaving at once is safe at any moment: what
was paid is in the ledger, and the next run goes on from there.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from banana_pipe.cli.errors import EXIT_INTERRUPTED

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Hears the signals inside a `with` block.

    *first* says what happens at the first one; *last* tidies the terminal before the second ends
    the process.
    """

    def __init__(self, first: Callable[[], None], last: Callable[[], None]) -> None:
        self._first = first
        self._last = last
        self._heard = 0
        self._stop: Callable[[], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._before: dict[signal.Signals, Any] = {}

    def on_first(self, stop: Callable[[], None]) -> None:
        """Call *stop* in the running loop at the first signal."""
        self._loop, self._stop = asyncio.get_running_loop(), stop
        if self._heard:
            self._loop.call_soon(stop)

    def __enter__(self) -> Self:
        self._before = {one: signal.signal(one, self._hear) for one in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self._heard += 1
        if self._heard > 1:
            self._last()
            sys.stdout.flush()
            os._exit(EXIT_INTERRUPTED)
        self._first()
        if self._loop is not None and self._stop is not None:
            # A plain call would not wake a loop that waits for the network.
            self._loop.call_soon_threadsafe(self._stop)

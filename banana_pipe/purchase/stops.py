"""When nothing new is sent any more, and who is told to wait no longer.

Unaware of what would have been sent.
"""

from __future__ import annotations

import asyncio

from banana_pipe.clock import Clock
from banana_pipe.errors import BananaError, NotAuthorised, SpendingStopped
from banana_pipe.providers.base import ProviderError
from banana_pipe.purchase.orders import NotBought, Stop
from banana_pipe.purchase.rules import Rule, StopKind


class Stops:
    """Why a run stopped, if it did: the first reason, but an interrupt wins over all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.reason: Stop | None = None
        self.stopped = asyncio.Event()
        self.interrupted = asyncio.Event()

    def stop(self, kind: StopKind, error: BananaError) -> None:
        """Send nothing new."""
        if self.reason is None or kind == "interrupt":
            self.reason = Stop(kind, error)
        self.stopped.set()
        if kind == "interrupt":
            self.interrupted.set()

    def stop_if(self, rule: Rule, error: ProviderError) -> None:
        """Send nothing new where *rule* says that *error* concerns the whole run."""
        if rule.stops == "auth":
            self.stop("auth", NotAuthorised(error.message, hint=error.hint or _CHECK_IT))
        elif rule.stops is not None:
            self.stop(rule.stops, SpendingStopped(error.message, hint=error.hint or _TOP_UP))

    def not_now(self, node: str) -> NotBought:
        """The answer for a *node* that was not begun."""
        if self.reason is not None and self.reason.kind == "cap":
            return NotBought("waiting", "cap", self.reason.error.message)
        return NotBought("waiting", "stopped", self.reason.error.message if self.reason else f"{node} was not begun")

    async def pause(self, seconds: float, unless: asyncio.Event) -> None:
        """Let *seconds* pass, or less if *unless* is set."""
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        stop = asyncio.ensure_future(unless.wait())
        try:
            await asyncio.wait((sleep, stop), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            stop.cancel()


_CHECK_IT = "check ACEDATACLOUD_API_TOKEN; what is paid is kept, the same command goes on"
_TOP_UP = "top up the account; what is paid is kept, the same command goes on"

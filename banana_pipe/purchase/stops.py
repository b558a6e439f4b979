"""When nothing new is sent any more, and who is told to wait no longer.

Unaware of what would have been sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from banana_pipe.clock import Clock
from banana_pipe.errors import BananaError, NotAuthorised, SpendingStopped
from banana_pipe.providers.base import ProviderError
from banana_pipe.purchase.orders import NotBought, Stop
from banana_pipe.purchase.rules import Rule, StopKind

T = TypeVar("T")


class GraceOver(Exception):
    """The run was interrupted, and this has been waited for long enough."""


class Stops:
    """Why a run stopped, if it did: the first reason, but an interrupt wins over all.

    After an interrupt, what is under way is waited for *grace* seconds.
    """

    def __init__(self, clock: Clock, grace: float) -> None:
        self._clock = clock
        self._grace = grace
        self.grace_ends = float("inf")
        """By `clock.boot()`."""
        self.reason: Stop | None = None
        self.stopped = asyncio.Event()
        self.interrupted = asyncio.Event()
        self._waited_for: set[asyncio.Timeout] = set()
        self._watch: asyncio.Future[None] | None = None
        """Kept, since the loop itself keeps no task alive."""

    def stop(self, kind: StopKind, error: BananaError) -> None:
        """Send nothing new."""
        if self.reason is None or kind == "interrupt":
            self.reason = Stop(kind, error)
        self.stopped.set()
        if kind == "interrupt" and not self.interrupted.is_set():
            self.grace_ends = self._clock.boot() + self._grace
            self.interrupted.set()
            self._watch = asyncio.ensure_future(self._end_of_grace())

    def stop_if(self, rule: Rule, error: ProviderError) -> None:
        """Send nothing new where *rule* says that *error* concerns the whole run."""
        said = error.message if error.trace_id is None else f"{error.message} (trace_id {error.trace_id})"
        if rule.stops == "auth":
            self.stop("auth", NotAuthorised(said, hint=error.hint or _CHECK_IT))
        elif rule.stops is not None:
            self.stop(rule.stops, SpendingStopped(said, hint=error.hint or _TOP_UP))

    def not_now(self, node: str) -> NotBought:
        """The answer for a *node* that was not begun."""
        if self.reason is None:
            return NotBought("waiting", "stopped", f"{node} was not begun")
        kind, error = self.reason.kind, self.reason.error
        if kind in ("auth", "balance") and error.hint:  # only who said no knows what helps
            return NotBought("waiting", "stopped", f"{error.message.rstrip('.')}; {error.hint}")
        return NotBought("waiting", "cap" if kind == "cap" else "stopped", error.message)

    async def within_grace(self, work: Coroutine[Any, Any, T]) -> T:
        """What *work* gives. Raises GraceOver where an interrupted run has waited for it long enough: it is cut off."""
        if self._clock.boot() >= self.grace_ends:
            work.close()
            raise GraceOver
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._waited_for.add(limit)
                try:
                    return await work
                finally:
                    self._waited_for.discard(limit)
        except TimeoutError:
            if not limit.expired():
                raise
        raise GraceOver

    async def _end_of_grace(self) -> None:
        await self._clock.sleep(self._grace)
        for limit in self._waited_for:
            limit.reschedule(asyncio.get_running_loop().time())

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

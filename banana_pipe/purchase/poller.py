"""Waiting for tasks: one batch poll per tick for the whole run.

Unaware of the ledger and of what is done with a finished task.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from banana_pipe.clock import Clock
from banana_pipe.providers.base import Done, Pending, Provider, ProviderError

_ENDS_POLLING = ("auth", "disabled")
_NO_END = ("unknown", "unavailable", "rate")
"""No word on the task itself: it is asked about again."""


@dataclass(slots=True)
class _Watched:
    deadline: float
    future: asyncio.Future[Done | ProviderError | None]


class Poller:
    """Asks *provider* about all watched tasks every *tick* seconds, while there are any."""

    def __init__(self, provider: Provider, clock: Clock, tick: float) -> None:
        self._provider = provider
        self._clock = clock
        self._tick = tick
        self._watched: dict[str, _Watched] = {}
        self._latest = float("inf")
        self._loop: asyncio.Task[None] | None = None

    async def finished(self, task_id: str, deadline: float) -> Done | ProviderError | None:
        """The end of a task, or None where it is not finished at *deadline* (by `clock.boot()`).

        Raises ProviderError where the provider will not answer us any more.
        """
        future: asyncio.Future[Done | ProviderError | None] = asyncio.get_running_loop().create_future()
        self._watched[task_id] = _Watched(deadline, future)
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._poll_while_watched())
        try:
            return await future
        finally:
            self._watched.pop(task_id, None)

    def end_by(self, deadline: float) -> None:
        """Wait for nothing beyond *deadline*, whatever was asked for."""
        self._latest = deadline

    async def close(self) -> None:
        """Stop asking."""
        if self._loop is not None:
            self._loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop

    async def _poll_while_watched(self) -> None:
        try:
            while self._watched:
                await self._poll_once()
                if self._watched:
                    await self._clock.sleep(self._tick)
        except BaseException as error:
            self._refuse_all(error)  # nobody else would tell those who wait
            if not isinstance(error, Exception):
                raise

    async def _poll_once(self) -> None:
        asked = list(self._watched)
        answers: Mapping[str, Done | Pending | ProviderError] = {}
        try:
            answers = await self._provider.poll(asked)
        except ProviderError as error:
            if error.kind in _ENDS_POLLING:
                self._refuse_all(error)
        for task_id, answer in answers.items():
            if isinstance(answer, Done) or (isinstance(answer, ProviderError) and answer.kind not in _NO_END):
                self._answer(task_id, answer)
        self._give_up_the_late(asked)

    def _answer(self, task_id: str, answer: Done | ProviderError | None) -> None:
        watched = self._watched.pop(task_id, None)
        if watched is not None and not watched.future.done():
            watched.future.set_result(answer)

    def _give_up_the_late(self, asked: Iterable[str]) -> None:
        """Give up those whose deadline is over, each asked about at least once."""
        now = self._clock.boot()
        for task_id in asked:
            watched = self._watched.get(task_id)
            if watched is not None and now >= min(watched.deadline, self._latest):
                self._answer(task_id, None)

    def _refuse_all(self, error: BaseException) -> None:
        for task_id in list(self._watched):
            watched = self._watched.pop(task_id)
            if not watched.future.done():
                watched.future.set_exception(error)

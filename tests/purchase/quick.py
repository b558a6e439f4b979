"""A shop's stores without threads and databases on disk, so that a purchase is tried in some milliseconds.

Unaware of purchases. Blobs and keys' locks stay files: they are quick enough.

The tests of `tests/purchase` run on the stores that users have; in memory they run where they are to find
thousands of mistakes, one at a time (`tests/campaigns/mutation`).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Container, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from banana_pipe.canonical import Digest
from banana_pipe.clock import Clock
from banana_pipe.model import Key, Result
from banana_pipe.store.ledger import Ledger, _Waiting

T = TypeVar("T")


class LedgerAtOnce(Ledger):
    """A ledger in memory that serves each caller when it calls. It outlives the runs that close it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(None, clock)
        self.connection = self._open()

    async def _hand_over(self, act: Callable[[sqlite3.Connection], T], *, writes: bool) -> T:
        await asyncio.sleep(0)
        waiting = _Waiting(act, writes, Future())
        self._commit(self.connection, [waiting])
        answer: T = waiting.future.result()
        await asyncio.sleep(0)
        return answer


class ResultsInMemory:
    """Results that outlive the runs that close them."""

    def __init__(self) -> None:
        self._known: dict[Key, Result] = {}

    def get(self, key: Key) -> Result | None:
        return self._known.get(key)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Result]:
        return {key: self._known[key] for key in keys if key in self._known}

    def put(self, result: Result, *, instead: bool = False) -> Result:
        if instead:
            self._known.pop(result.key, None)
        return self._known.setdefault(result.key, result)

    def put_all(self, results: Sequence[Result]) -> list[Result]:
        return [self.put(result) for result in results]

    def keys_of(self, pictures: Container[Digest]) -> list[Key]:
        return [key for key, result in self._known.items() if result.artifact.digest in pictures]

    def forget(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._known.pop(key, None)

    def close(self) -> None:
        """Nothing is open."""


def without_threads(loop: asyncio.AbstractEventLoop) -> None:
    """Let *loop* do what it would give to a thread when it is given it."""

    def at_once(_: object, act: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        done: asyncio.Future[T] = loop.create_future()
        try:
            done.set_result(act(*arguments))
        except Exception as error:  # noqa: BLE001 - whoever asked hears of it
            done.set_exception(error)
        return done

    loop.run_in_executor = at_once  # type: ignore[method-assign, assignment]

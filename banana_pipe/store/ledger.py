"""The record of every attempt that may cost money: `cache/ledger.db`.

Unaware of providers and of what a state means for the next step.

One thread owns the one connection and commits *everything that waits* in one transaction, with a
savepoint per caller: one caller's refusal rolls back nobody else's. A caller goes on only after its
commit. Rollback journal and synchronous=EXTRA, because a commit that is acknowledged must survive
a power loss (WAL does not promise that on the SQLite versions in use).

    (none) -> INTENT -> ACCEPTED -> SUCCEEDED -> STORED
                 |         |            '-> LOST       paid, its link is dead
                 |         |-> REFUSED, FAILED         the provider's own word: not billed
                 |         '-> UNKNOWN                 adopted and failed, but perhaps an equal call's
                 |-> NOT_SENT                          proven: may be sent again
                 '-> UNKNOWN -> ACCEPTED | NOT_SENT | ABANDONED (by consent; the money stays counted)
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from banana_pipe import disk
from banana_pipe.canonical import Digest
from banana_pipe.clock import Clock
from banana_pipe.errors import BananaError, StoreError
from banana_pipe.model import Attempt, AttemptState, Budget, Key
from banana_pipe.store import attempts
from banana_pipe.store.attempts import CapReached, TaskTaken

__all__ = ["CapReached", "Ledger", "TaskTaken"]

T = TypeVar("T")
_BUSY_SECONDS = 60
_REFUSALS = (BananaError, TaskTaken, AssertionError, ValueError, TypeError, sqlite3.IntegrityError)
"""What is one caller's fault: the others' rows are committed all the same."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    act: Callable[[sqlite3.Connection], Any]
    writes: bool
    future: Future[Any]


class Ledger:
    """The ledger in the file *path*, or in memory where it is None (calls that cost nothing).

    Nothing is made on disk before the first write: a plan leaves no ledger behind.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._start = threading.Lock()

    # --- what the program asks of it ---

    async def begin(self, intent: Attempt, budget: Budget, *, instead_of: Attempt | None = None) -> Attempt:
        """Reserve the money of *intent* and write it, in one transaction.

        *instead_of* is an attempt given up by consent in the same transaction: one in doubt becomes
        ABANDONED, one whose picture cannot be had becomes LOST. Raises CapReached, StoreError.
        """

        def act(connection: sqlite3.Connection) -> Attempt:
            if instead_of is not None:
                attempts.move(connection, instead_of, self._given_up(instead_of))
            return attempts.insert_intent(connection, intent, budget)

        return await self._write(act)

    async def advance(self, attempt: Attempt, state: AttemptState, **changes: Any) -> Attempt:
        """Move *attempt* to *state*, changing the fields named; the new row. Raises TaskTaken."""
        after = replace(attempt, state=state, updated_at=self._clock.now(), **changes)
        return await self._write(lambda connection: attempts.move(connection, attempt, after))

    async def give_up(self, attempt: Attempt) -> Attempt:
        """Give *attempt* up by consent: what is in doubt becomes ABANDONED, what is paid LOST."""
        after = self._given_up(attempt)
        return await self._write(lambda connection: attempts.move(connection, attempt, after))

    async def take_in(self, bought: Sequence[Attempt]) -> list[Attempt]:
        """Write finished attempts of another ledger, but for those whose key or call this one knows; what was written."""
        return await self._write(lambda connection: attempts.take_in(connection, bought))

    async def standing(self, keys: Iterable[Key]) -> dict[Key, Attempt]:
        """For each key the attempt that says how it stands: the active one, else its newest claim."""
        wanted = tuple(keys)
        return await self._read(lambda connection: attempts.standing(connection, wanted), {})

    async def open_attempts(self, origin: str | None = None) -> list[Attempt]:
        """The active attempts, of one origin or of all, oldest first."""
        return await self._read(lambda connection: attempts.open_attempts(connection, origin), [])

    async def all_attempts(self) -> list[Attempt]:
        """Every attempt, oldest first."""
        return await self._read(attempts.all_attempts, [])

    async def newest_attempts(self, limit: int) -> list[Attempt]:
        """The last *limit* attempts, newest first."""
        return await self._read(lambda connection: attempts.newest_attempts(connection, limit), [])

    async def attempts_of(self, run_id: str) -> list[Attempt]:
        """The attempts of a run whose money counts, oldest first."""
        return await self._read(lambda connection: attempts.attempts_of(connection, run_id), [])

    async def samples_known(self, keys: Sequence[Key]) -> set[Key]:
        """Those of *keys* that have any attempt at all."""
        return await self._read(lambda connection: attempts.samples_known(connection, keys), set())

    async def known_tasks(self, asker: Attempt, task_ids: Iterable[str], since: float) -> dict[str, Digest | None]:
        """Those of *task_ids* that an attempt at the origin of *asker* has.

        Task id → the wire digest of the POST that named it; None if it was adopted, is another account's, or is of
        an attempt from before *since* (seconds since 1970).
        """
        listed = tuple(task_ids)
        return await self._read(lambda connection: attempts.known_tasks(connection, asker, listed, since), {})

    async def may_have_failed_unnamed(self, attempt: Attempt) -> bool:
        """Whether another attempt sent the same, and may have failed with a task that its answer did not name."""
        return await self._read(lambda connection: attempts.may_have_failed_unnamed(connection, attempt), False)

    async def may_have_sent_too(self, attempt: Attempt, account: str) -> bool:
        """Whether another attempt, of *account*, sent the same and has not found its task yet."""
        return await self._read(lambda connection: attempts.may_have_sent_too(connection, attempt, account), False)

    async def listing_is_proven(self, asker: Attempt) -> bool:
        """Whether the origin of *asker* has ever listed, for its account, a task that a POST of that account had named."""
        return await self._read(lambda connection: attempts.listing_is_proven(connection, asker), False)

    async def prove_listing(self, asker: Attempt, task_id: str) -> None:
        """Keep that the origin of *asker* listed *task_id* for its account."""
        await self._write(lambda connection: attempts.prove_listing(connection, asker, task_id))

    async def spent(self, *, run_id: str | None = None, day: str | None = None) -> tuple[int, int]:
        """Calls and micro-dollars that count as spent, in a run or on a UTC day."""
        return await self._read(lambda connection: attempts.spent(connection, run_id=run_id, day=day), (0, 0))

    async def check_writable(self) -> None:
        """Raise StoreError unless an intent could be written now: before anything is sent."""
        await self._write(lambda _: None)

    def close(self) -> None:
        """Finish what waits and give back the file."""
        with self._start:
            if self._thread is not None:
                self._queue.put(None)
                self._thread.join()
                self._thread = None

    def _given_up(self, attempt: Attempt) -> Attempt:
        state: AttemptState = "LOST" if attempt.state == "SUCCEEDED" else "ABANDONED"
        return replace(attempt, state=state, updated_at=self._clock.now())

    # --- the one thread ---

    async def _write(self, act: Callable[[sqlite3.Connection], T]) -> T:
        return await self._hand_over(act, writes=True)

    async def _read(self, act: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        if self._thread is None and self.path is not None and not self.path.exists():
            return nothing
        return await self._hand_over(act, writes=False)

    async def _hand_over(self, act: Callable[[sqlite3.Connection], T], *, writes: bool) -> T:
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="ledger", daemon=True)
                self._thread.start()
        future: Future[T] = Future()
        self._queue.put(_Waiting(act, writes, future))
        # Shielded: a caller that is cancelled must not hide from us that its row was written.
        return await asyncio.shield(asyncio.wrap_future(future))

    def _serve(self) -> None:
        connection: sqlite3.Connection | None = None
        while True:
            batch, last = self._everything_that_waits()
            try:
                connection = connection or self._open()
                self._commit(connection, batch)
            except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
                explained = self._explained(error)
                for waiting in batch:
                    if not waiting.future.done():
                        waiting.future.set_exception(explained)
                if connection is not None and self.path is not None:  # in whatever state it is now
                    connection.close()
                    connection = None
            if last:
                if connection is not None:
                    connection.close()
                return

    def _everything_that_waits(self) -> tuple[list[_Waiting], bool]:
        batch: list[_Waiting] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _commit(self, connection: sqlite3.Connection, batch: list[_Waiting]) -> None:
        """Serve *batch*: the writers in one transaction, then the readers, who see what was written."""
        writers = [waiting for waiting in batch if waiting.writes]
        if writers:
            self._commit_together(connection, writers)
        for waiting in batch:
            if not waiting.writes:
                self._answer(waiting, connection)

    def _commit_together(self, connection: sqlite3.Connection, writers: list[_Waiting]) -> None:
        disk.announce("begin", self.path)
        connection.execute("BEGIN IMMEDIATE")
        try:
            answers = self._acted(connection, writers)
            disk.announce("commit", self.path)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        for waiting, answer in answers:
            waiting.future.set_result(answer)

    def _acted(self, connection: sqlite3.Connection, writers: list[_Waiting]) -> list[tuple[_Waiting, Any]]:
        """What each of *writers* did, inside a transaction; whoever is refused hears of it and changes nothing."""
        connection.execute("SAVEPOINT together")
        with contextlib.suppress(*_REFUSALS):  # a refusal is rare: a savepoint for each is for then
            return [(waiting, waiting.act(connection)) for waiting in writers]
        connection.execute("ROLLBACK TO together")
        answers: list[tuple[_Waiting, Any]] = []
        for waiting in writers:
            connection.execute("SAVEPOINT caller")
            try:
                answers.append((waiting, waiting.act(connection)))
            except _REFUSALS as refusal:
                connection.execute("ROLLBACK TO caller")
                waiting.future.set_exception(self._explained(refusal))
            connection.execute("RELEASE caller")
        return answers

    def _open(self) -> sqlite3.Connection:
        if self.path is not None:
            disk.make_folder(self.path.parent)
        connection = sqlite3.connect(
            str(self.path) if self.path is not None else ":memory:", timeout=_BUSY_SECONDS, isolation_level=None
        )
        try:
            for setting in ("journal_mode=DELETE", "synchronous=EXTRA", "mmap_size=0", "trusted_schema=OFF"):
                connection.execute(f"PRAGMA {setting}")
            if not attempts.schema_is_there(connection):
                disk.announce("schema", self.path)
                connection.execute("BEGIN IMMEDIATE")
                attempts.create_schema(connection)
                connection.execute("COMMIT")
            else:
                attempts.check(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _answer(self, waiting: _Waiting, connection: sqlite3.Connection) -> None:
        try:
            waiting.future.set_result(waiting.act(connection))
        except Exception as error:  # noqa: BLE001 - handed to the caller whose question it was
            waiting.future.set_exception(self._explained(error))

    def _explained(self, error: BaseException) -> BaseException:
        if isinstance(error, sqlite3.Error | OSError | UnicodeError):  # the last where bytes that are text were damaged
            return StoreError(
                f"cannot use the ledger {self.path}: {error}",
                hint="nothing is bought that could not be recorded: mend the disk or the file, then run again",
            )
        return error

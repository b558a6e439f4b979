"""An attempt, from any state to an end: look for it, wait for it, collect it.

Unaware of who wants the picture and of whether anything will be bought.

Nothing here costs money. Whoever left the attempt where it is, and when, it goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from banana_pipe.events import AttemptMoved, Waiting, Warned
from banana_pipe.model import ACTIVE, Attempt, AttemptState, Key, Request, Result
from banana_pipe.providers.base import Done, ProviderError
from banana_pipe.purchase import replies
from banana_pipe.purchase.collect import Collector
from banana_pipe.purchase.orders import Desk, NotBought
from banana_pipe.purchase.poller import Poller
from banana_pipe.purchase.rules import after_submit, after_task, believed_of_anothers
from banana_pipe.purchase.search import Absent, Adopted, CannotTell, Found, look_for
from banana_pipe.purchase.slots import Slot
from banana_pipe.purchase.stops import Stops
from banana_pipe.request import read_request
from banana_pipe.store.lookup import result_of

T = TypeVar("T")
_LONGEST_STEP = 10.0
_NO_PROOF = "the provider lists no such call, which proves nothing here"


class Follower:
    """Follows the attempts of one run, those that earlier runs left included."""

    def __init__(self, desk: Desk, stops: Stops) -> None:
        self._desk = desk
        self._stops = stops
        self._ledger = desk.stores.ledger
        self._clock = desk.clock
        self._poller = Poller(desk.provider, desk.clock, desk.pace.poll)
        self._collector = Collector(desk, stops)
        self._asking = asyncio.Semaphore(desk.pace.calls)
        """How many ask at once after what another token sent."""
        self._seen: dict[str, float] = {}
        """When each attempt in doubt was first looked for, by `clock.boot()`."""
        self._doubted: set[str] = set()
        """Those that came into doubt in this run."""
        self.first_accepted: float | None = None
        """When a POST of this run was first accepted, by `clock.boot()`."""

    def end_by(self, deadline: float) -> None:
        """Wait for no task beyond *deadline*."""
        self._poller.end_by(deadline)

    async def close(self) -> None:
        """Stop polling."""
        await self._poller.close()

    async def to_its_end(self, attempt: Attempt, slot: Slot, deadline: float) -> Attempt | NotBought:
        """Take *attempt* to an end, whoever began it; NotBought where it stays open, or is paid and lost.

        *slot* is given back as soon as the provider has nothing more to do. *deadline*, by
        `clock.boot()`, is when an unfinished task is left to a later run.
        """
        if attempt.state in ("INTENT", "UNKNOWN", "ACCEPTED") and attempt.origin != self._desk.provider.origin:
            # Who never had it knows nothing of it, and that would be taken for proof.
            return self._elsewhere(await self.doubt(attempt) if attempt.state == "INTENT" else attempt)
        current: Attempt | NotBought = attempt
        while isinstance(current, Attempt) and current.state in ACTIVE:
            if current.state == "INTENT":  # its owner is dead: we hold the lock
                current = await self.doubt(current)
            elif current.state == "UNKNOWN":
                slot.release()
                sent = self._desk.sent(current)
                current = await (self._settle(current) if sent else self._find_anothers(current))
            elif current.state == "ACCEPTED":
                sent = self._desk.sent(current)
                current = await (self._await_task if sent else self._await_anothers)(current, deadline)
            else:
                slot.release()
                current = await self._collector.collect(current)
        if isinstance(current, Attempt) and current.state == "LOST":
            return replies.dead_link(current)
        return current

    async def doubt(self, attempt: Attempt, **noted: Any) -> Attempt:
        """Nobody can say whether this call was received: settling counts from now."""
        self._seen[attempt.id] = self._clock.boot()
        self._doubted.add(attempt.id)
        return await self.move(attempt, "UNKNOWN", under_way_until=self._clock.now(), **noted)

    async def _settle(self, attempt: Attempt) -> Attempt | NotBought:
        """Find the task of a call in doubt, or prove that there is none, or park it."""
        request = await asyncio.to_thread(self._request_of, attempt.key)
        step = self._desk.pace.poll
        while True:
            remaining = self._until_settled(attempt)
            found = await self._look_for(attempt, request)
            if isinstance(found, Adopted):
                self._desk.emit(AttemptMoved(found.attempt.node, found.attempt))
                return found.attempt
            if isinstance(found, CannotTell) and not found.ever:
                return replies.parked(attempt, found.error.message)
            if isinstance(found, CannotTell) and (rule := after_submit(found.error.kind)).stops is not None:
                self._stops.stop_if(rule, found.error)
                return replies.parked(attempt, found.error.message)
            if remaining <= 0 and isinstance(found, Absent) and found.proven:
                return await self.move(attempt, "NOT_SENT")
            patience, why = 0.0, _NO_PROOF
            if isinstance(found, CannotTell):
                patience, why = self._patience(attempt), found.error.message
            wait = max(remaining, self._until_proof(), patience)
            if wait <= 0 or self._stops.interrupted.is_set():
                return replies.parked(attempt, why)
            self._desk.emit(Waiting(attempt.node, "looking for a call that may have been received", wait))
            await self._stops.pause(min(step, wait), self._stops.interrupted)
            step = min(_LONGEST_STEP, step * 1.5)

    async def _look_for(self, attempt: Attempt, request: Request | None) -> Found:
        since = self._clock.now() - self._desk.pace.settle
        return await look_for(attempt, request, self._desk.provider, self._ledger, since=since)

    def _until_settled(self, attempt: Attempt) -> float:
        """Seconds until a listing that lacks the task would mean something."""
        since_boot = self._patience(attempt)
        if attempt.id in self._doubted or attempt.under_way_until is None:
            return since_boot  # whatever the wall clock does meanwhile
        # In doubt since an earlier run: its clock is all we have, but never is it longer than from now on.
        return min(since_boot, attempt.under_way_until + self._desk.pace.settle - self._clock.now())

    def _patience(self, attempt: Attempt) -> float:
        """Seconds until this run has looked for *attempt* as long as settling takes."""
        return self._seen.setdefault(attempt.id, self._clock.boot()) + self._desk.pace.settle - self._clock.boot()

    def _until_proof(self) -> float:
        """Seconds within which a listing may yet show this run's own first call, and so prove itself."""
        if self.first_accepted is None:
            return 0.0
        return self.first_accepted + self._desk.pace.settle - self._clock.boot()

    def _request_of(self, key: Key) -> Request | None:
        data = self._desk.stores.blobs.read(key)  # type: ignore[arg-type] # a key is its request's digest
        with contextlib.suppress(ValueError):  # written by another version
            return None if data is None else read_request(data)
        return None

    async def _await_task(self, attempt: Attempt, deadline: float) -> Attempt | NotBought:
        if attempt.task_id is None:
            raise AssertionError("an ACCEPTED attempt has its task")
        try:
            answer = await self._poller.finished(attempt.task_id, deadline)
        except ProviderError as error:
            self._stops.stop_if(after_submit(error.kind), error)
            return replies.unfinished(attempt)
        if answer is None:
            return replies.unfinished(attempt)
        if isinstance(answer, Done):
            return await self.record(attempt, answer)
        if attempt.adopted and await self._ledger.may_have_failed_unnamed(attempt):
            # Perhaps an equal call's, whose answer named no task: then ours is another one.
            return await self.move(attempt, "UNKNOWN", task_id=None, adopted=False)
        rule = after_task(answer.kind)
        moved = await self.move(attempt, rule.state, **told(answer))
        self._stops.stop_if(rule, answer)
        return moved

    # --- sent with another token: good news is good news, and nothing else proves anything ---

    async def _find_anothers(self, attempt: Attempt) -> Attempt | NotBought:
        """Adopt the task of a call that another token sent, should this one be of the same account."""
        found = await self._patiently(attempt, lambda: self._look_for(attempt, None))
        if not isinstance(found, Adopted):
            return self._elsewhere(attempt)
        self._desk.emit(AttemptMoved(found.attempt.node, found.attempt))
        return found.attempt

    async def _await_anothers(self, attempt: Attempt, deadline: float) -> Attempt | NotBought:
        """Wait for a task that another token was given, if this one is shown it."""
        if attempt.task_id is None:
            raise AssertionError("an ACCEPTED attempt has its task")
        task_id = attempt.task_id
        if await self._patiently(attempt, lambda: self._is_shown(task_id)) is not True:
            return self._elsewhere(attempt)
        try:
            answer = await self._poller.finished(task_id, deadline)
        except ProviderError:
            return self._elsewhere(attempt)
        if answer is None:
            return replies.unfinished(attempt)
        if isinstance(answer, Done):
            return await self.record(attempt, answer)
        if attempt.adopted:  # by its wire: ours may be another one, which nobody here is shown
            return await self.move(attempt, "UNKNOWN", task_id=None, adopted=False)
        if believed_of_anothers(answer.kind):
            return await self.move(attempt, after_task(answer.kind).state, **told(answer))
        return self._elsewhere(attempt)

    async def _is_shown(self, task_id: str) -> bool | CannotTell:
        # Each in a call of its own: a provider may refuse a whole batch for one task that is not ours.
        try:
            return task_id in await self._desk.provider.poll([task_id])
        except ProviderError as error:
            return CannotTell(error, ever=True)

    async def _patiently(self, attempt: Attempt, ask: Callable[[], Awaitable[T | CannotTell]]) -> T | None:
        """What *ask* gives, None where the provider could not be asked for as long as settling takes."""
        while True:
            async with self._asking:
                answer = await ask()
            if not isinstance(answer, CannotTell):
                return answer
            wait = self._patience(attempt)
            will_not = not answer.ever or after_submit(answer.error.kind).stops is not None
            if will_not or wait <= 0 or self._stops.interrupted.is_set():
                return None
            self._desk.emit(Waiting(attempt.node, "asking after a call that another token sent", wait))
            await self._stops.pause(min(_LONGEST_STEP, wait), self._stops.interrupted)

    def _elsewhere(self, attempt: Attempt) -> NotBought:
        return replies.elsewhere(attempt, self._desk.provider.origin)

    async def record(self, attempt: Attempt, answer: Done) -> Attempt:
        """Keep the answer as it came, before the first byte of its picture. Raises TaskTaken."""
        place = await self._collector.keep_place(answer.pictures[0])
        return await self.move(
            attempt,
            "SUCCEEDED",
            task_id=attempt.task_id or answer.task_id,
            trace_id=answer.trace_id or attempt.trace_id,
            served=answer.served,
            response=answer.response,
            picture=place,
        )

    async def keep(self, attempt: Attempt) -> Result:
        """Write the result of a STORED attempt, and give the one that stands; one whose bytes are gone gives way."""
        bought = result_of(attempt)
        standing = await asyncio.to_thread(self._put, bought)
        if standing.artifact.digest != bought.artifact.digest:
            self._desk.emit(Warned(f"{attempt.node}: bought twice by two caches; the first one stands"))
        return standing

    def _put(self, result: Result) -> Result:
        stores = self._desk.stores
        old = stores.results.get(result.key)
        gone = old is not None and not stores.has(old.artifact.digest)
        return stores.results.put(result, instead=gone)

    async def move(self, attempt: Attempt, state: AttemptState, **changes: Any) -> Attempt:
        """Move *attempt* in the ledger, and tell. Raises TaskTaken."""
        moved = await self._ledger.advance(attempt, state, **changes)
        self._desk.emit(AttemptMoved(moved.node, moved))
        return moved


def told(error: ProviderError) -> dict[str, Any]:
    """What an attempt keeps of *error*."""
    kept: dict[str, Any] = {"error_kind": error.kind, "error_code": error.code, "error_message": error.message}
    if error.trace_id is not None:
        kept["trace_id"] = error.trace_id
    if error.body is not None:
        kept["response"] = error.body
    return kept

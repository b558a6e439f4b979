"""One request, paid once: look, and go on from where the ledger stands.

Unaware of graphs, of files in the output folder, and of the order in which requests come.

Resuming *is* buying: whatever an attempt's state is, and whoever left it there, the same loop takes
it to its end. No intent, no network; and a POST only where nothing is known of the key.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from banana_pipe.errors import BananaError
from banana_pipe.events import CallStarted, Waiting
from banana_pipe.images import sniff
from banana_pipe.model import ACTIVE, Attempt, Hit, Key, Known, Open, Request
from banana_pipe.providers.base import Done, Pending, Prepared, ProviderError
from banana_pipe.purchase import replies
from banana_pipe.purchase.follow import Follower, told
from banana_pipe.purchase.orders import Bought, Desk, NotBought, Order, Stop
from banana_pipe.purchase.rules import StopKind, after_submit, after_task, pause_before
from banana_pipe.purchase.slots import Slot, Slots
from banana_pipe.purchase.stops import GraceOver, Stops
from banana_pipe.request import canonical_request
from banana_pipe.store.ledger import CapReached, TaskTaken
from banana_pipe.store.lookup import result_of

Answer = Bought | NotBought


@dataclass(slots=True)
class _Progress:
    """What one order has done so far: POSTs by how they ended, and what the provider asked us to wait."""

    stage: Slot
    """Held while it is made ready, until its call can begin."""
    slot: Slot
    """Held while its call is under way."""
    deadline: float
    posts: Counter[str] = field(default_factory=Counter)
    retry_after: float = 0.0


class Buyer:
    """Buys for one run. Equal orders at the same time are one purchase, within the process and beyond."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._ledger = desk.stores.ledger
        self._clock = desk.clock
        self._slots = Slots(desk.pace.calls)
        # As many are made ready ahead, so that a slot that comes free is used at once; not all that wait,
        # since each has its key's lock and its pictures in memory.
        self._stage = Slots(desk.pace.calls)
        self._stops = Stops(desk.clock, desk.pace.grace)
        self._follower = Follower(desk, self._stops)
        self._flights: dict[Key, asyncio.Future[Answer | None]] = {}
        """Who has a key in hand here, an answer being for all who join; None: look for yourself."""
        self._resumed: dict[Key, NotBought] = {}
        """What a resumption came to: the first who wants that key need not go the same way again."""
        self._ended: dict[Key, NotBought] = {}
        """What this run will not ask for again, whoever else wants it."""

    # --- for the executor ---

    async def obtain(self, order: Order) -> Answer:
        """The picture of *order*, bought unless it is known. Raises StoreError where nothing can be recorded."""
        key = order.wanted.key
        if key in self._ended:
            return self._ended[key]
        while (flown := self._flights.get(key)) is not None:
            await asyncio.wait((flown,))
            if not flown.cancelled() and (answer := flown.result()) is not None:
                return _joined(answer)
        flight: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._flights[key] = flight
        try:
            answer = await self._obtain(order)
            if isinstance(answer, NotBought) and answer.status in ("failed", "lost"):
                self._ended[key] = answer
            flight.set_result(answer)
            return answer
        except asyncio.CancelledError:
            flight.cancel()  # who joined was not cancelled, and goes on alone
            raise
        except BaseException as error:
            flight.set_exception(error)
            flight.exception()  # whoever joined gets it too; nobody having joined is no fault
            raise
        finally:
            del self._flights[key]

    async def resume(self, attempt: Attempt, timeout: float) -> NotBought | None:
        """Take an open attempt, wanted or not, as far as it goes without buying; what is in the way."""
        key = attempt.key
        lock = None if key in self._flights else self._desk.locks.try_take(key)
        if lock is None:
            return None
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            with lock:
                current = (await self._ledger.standing([key])).get(key)
                if current is None or current.state not in ACTIVE:
                    return None
                ended = await self._follower.to_its_end(current, Slot(self._slots), self._clock.boot() + timeout)
                if isinstance(ended, NotBought):
                    self._resumed[key] = ended
                    return ended
                if ended.state == "STORED":
                    await self._follower.keep(ended)
                return None
        finally:
            del self._flights[key]
            flight.set_result(None)

    def stop(self, kind: StopKind, error: BananaError) -> None:
        """Send nothing new. After an interrupt, what is accepted is waited for a grace time only."""
        self._stops.stop(kind, error)
        if kind == "interrupt":
            self._follower.end_by(self._stops.grace_ends)

    @property
    def stop_reason(self) -> Stop | None:
        """Why nothing new is sent any more."""
        return self._stops.reason

    @property
    def may_prove_more(self) -> bool:
        """Whether a POST of this run was accepted, so that another look at what is parked can help."""
        return self._follower.first_accepted is not None

    @property
    def origin(self) -> str:
        """Where this buyer's attempts belong."""
        return self._desk.provider.origin

    @property
    def interrupted(self) -> bool:
        """Whether the user wants to go."""
        return self._stops.interrupted.is_set()

    async def close(self) -> None:
        """Stop polling."""
        await self._follower.close()

    # --- under the key's lock ---

    async def _obtain(self, order: Order) -> Answer:
        told = False
        while True:
            with await self._stage.take() as stage:
                lock = self._desk.locks.try_take(order.wanted.key)
                if lock is not None:
                    with lock, Slot(self._slots) as slot:
                        return await self._under_lock(order, _Progress(stage, slot, self._clock.boot() + order.timeout))
            if self._stops.stopped.is_set():
                return self._stops.not_now(order.node)
            if not told:
                told = True
                self._desk.emit(Waiting(order.node, "another process has this request in hand", self._desk.pace.busy))
            await self._stops.pause(self._desk.pace.busy, self._stops.stopped)

    async def _under_lock(self, order: Order, progress: _Progress) -> Answer:
        while True:
            finding = await self._desk.stores.find(order.wanted)
            instead_of: Attempt | None = None
            if isinstance(finding, Hit):
                await self._heal(finding)
                return Bought(finding.result, paid=False, source=finding.source)
            if isinstance(finding, Known) and (known := await self._known(order, finding)) is not None:
                return known
            if isinstance(finding, Open):
                opened = await self._open(order, finding.attempt, progress)
                if not isinstance(opened, Attempt):
                    return opened
                if opened.state in ACTIVE:
                    instead_of = opened
                elif opened.state not in ("REFUSED", "LOST"):
                    continue  # it holds the key no longer
            answer = await self._buy(order, progress, instead_of)
            if answer is not None:
                return answer

    async def _known(self, order: Order, finding: Known) -> Answer | None:
        """What to do about bytes that are gone: None means buy again, by consent."""
        if not self._desk.consent.rebuy:
            return replies.lost(order, finding.places)
        stores = self._desk.stores
        attempt = (await self._ledger.standing([order.wanted.key])).get(order.wanted.key)
        if attempt is not None and attempt.state == "REFUSED" and not self._desk.consent.retry_refused:
            return replies.refused(attempt, before=True)
        # What an earlier --rebuy bought before it was cut short, or another recipe's did.
        known = stores.results.get(order.wanted.key)
        if known is not None and stores.has(known.artifact.digest):
            return Bought(known, paid=False, source="cache", replaced=True)
        if attempt is not None and attempt.state == "STORED" and stores.has(result_of(attempt).artifact.digest):
            return Bought(await self._follower.keep(attempt), paid=False, replaced=True)
        return None

    async def _open(self, order: Order, attempt: Attempt, progress: _Progress) -> Answer | Attempt:
        """Take what stands in the way to its end; an attempt means: buy (instead of it, if it is active)."""
        consent = self._desk.consent
        if attempt.state == "REFUSED":
            return attempt if consent.retry_refused else replies.said_before(order, attempt)
        if attempt.state == "LOST":
            return attempt if consent.rebuy else replies.said_before(order, attempt)
        progress.stage.release()
        ended = self._resumed.pop(attempt.key, None) or await self._follower.to_its_end(
            attempt, progress.slot, progress.deadline
        )
        if isinstance(ended, NotBought):
            current = (await self._ledger.standing([attempt.key])).get(attempt.key)
            if current is not None and self._given_up_by_consent(current, ended):
                return current
            return ended
        if ended.state == "STORED":
            return await self._bought(order, ended)
        return replies.refused(ended, before=False) if ended.state == "REFUSED" else ended

    async def _buy(self, order: Order, progress: _Progress, instead_of: Attempt | None) -> Answer | None:
        """One POST and what comes of it; None means: look again."""
        if self._stops.stopped.is_set():
            return self._stops.not_now(order.node)
        try:
            call = await self._prepare(order)
        except ProviderError as error:
            return NotBought("failed", "error", str(error))
        if call is None:
            return NotBought("lost", "lost", "the bytes of a picture that it reads are nowhere; `--rebuy` buys them")
        await progress.slot.retake()
        progress.stage.release()
        if self._stops.stopped.is_set():
            return self._stops.not_now(order.node)
        begun = self._clock.boot()
        try:
            attempt = await self._ledger.begin(self._intent(order, call), self._desk.budget, instead_of=instead_of)
        except CapReached as error:
            self.stop("cap", error)
            return self._stops.not_now(order.node)
        if self._stops.interrupted.is_set():  # while the intent was being written
            await self._follower.move(attempt, "NOT_SENT")
            return self._stops.not_now(order.node)
        self._desk.emit(CallStarted(order.node, order.wanted.sample, attempt))
        progress.deadline = begun + order.timeout
        attempt = await self._send(call, attempt, progress, not_after=begun + self._desk.pace.start)
        ended = await self._follower.to_its_end(attempt, progress.slot, progress.deadline)
        if isinstance(ended, NotBought):
            return ended
        if ended.state == "STORED":
            return await self._bought(order, ended)
        return await self._after_no_picture(order, ended, progress)

    async def _prepare(self, order: Order) -> Prepared | None:
        """The call with its pictures' bytes, the request kept as a blob; None if bytes are missing."""
        return await asyncio.to_thread(self._prepared, order.request)

    def _prepared(self, request: Request) -> Prepared | None:
        pictures: list[tuple[str, bytes]] = []
        for digest in request.images:
            data = self._desk.stores.read(digest)
            if data is None:
                return None
            mime = sniff(data)
            if mime is None:
                raise ProviderError("invalid", "a picture that it reads is no PNG, JPEG or WebP")
            pictures.append((mime, data))
        call = self._desk.provider.prepare(request, pictures)
        self._desk.stores.blobs.put(canonical_request(request))
        return call

    def _intent(self, order: Order, call: Prepared) -> Attempt:
        now = self._clock.now()
        return Attempt(
            id=secrets.token_hex(8),
            key=order.wanted.key,
            wire=call.wire,
            origin=self._desk.provider.origin,
            account=self._desk.provider.account,
            run_id=self._desk.run_id,
            state="INTENT",
            provider=order.request.provider,
            model=order.request.model,
            price=order.price,
            created_at=now,
            updated_at=now,
            node=order.node,
        )

    async def _send(self, call: Prepared, attempt: Attempt, progress: _Progress, not_after: float) -> Attempt:
        timeout = max(0.0, progress.deadline - self._clock.boot())
        try:
            answer = await self._within_grace(self._desk.provider.submit(call, not_after=not_after, timeout=timeout))
        except ProviderError as error:
            progress.retry_after = error.retry_after or 0.0
            return await self._after_submit_error(attempt, error, progress.slot)
        self._slots.recover()
        if self._follower.first_accepted is None and answer.task_id is not None:
            self._follower.first_accepted = self._clock.boot()
        try:
            if isinstance(answer, Done):
                return await self._follower.record(attempt, answer)
            return await self._follower.move(attempt, "ACCEPTED", task_id=answer.task_id, trace_id=answer.trace_id)
        except TaskTaken:  # another attempt with the same wire adopted our task: its own is ours to find
            return await self._follower.doubt(attempt)

    async def _after_submit_error(self, attempt: Attempt, error: ProviderError, slot: Slot) -> Attempt:
        rule = after_submit(error.kind)
        if rule.slow_down:
            slot.slow_down()
        if rule.state == "UNKNOWN":
            if error.task_id is None:
                return await self._follower.doubt(attempt, **told(error))
            try:
                return await self._follower.move(attempt, "ACCEPTED", task_id=error.task_id, **told(error))
            except TaskTaken:
                return await self._follower.doubt(attempt, **told(error))
        try:
            moved = await self._follower.move(attempt, rule.state, task_id=error.task_id, **told(error))
        except TaskTaken:
            moved = await self._follower.move(attempt, rule.state, **told(error))
        self._stops.stop_if(rule, error)
        return moved

    async def _within_grace(self, call: Coroutine[Any, Any, Done | Pending]) -> Done | Pending:
        """The answer to *call*, unless an interrupted run has waited for it long enough."""
        try:
            return await self._stops.within_grace(call)
        except GraceOver:
            raise ProviderError("unknown", "interrupted before the answer came") from None

    async def _after_no_picture(self, order: Order, attempt: Attempt, progress: _Progress) -> Answer | None:
        """The provider said no, or the call never arrived: again (None), or that is the answer."""
        if attempt.state == "REFUSED":
            return replies.refused(attempt, before=False)
        kind = attempt.error_kind or "unknown"
        rule = after_task(kind) if attempt.state == "FAILED" else after_submit(kind)  # type: ignore[arg-type]
        if rule.stops is not None:
            return self._stops.not_now(order.node)
        progress.posts[kind] += 1
        posts = progress.posts[kind]
        if posts >= rule.tries:
            return replies.failed(attempt)
        seconds = pause_before(posts, progress.retry_after, random.random())  # noqa: S311 - no secret
        progress.slot.release()
        self._desk.emit(Waiting(order.node, attempt.error_message or "the call was not sent", seconds))
        await self._stops.pause(seconds, self._stops.stopped)
        return None

    def _given_up_by_consent(self, attempt: Attempt, ended: NotBought) -> bool:
        """Whether the user agreed to pay again for *attempt*: an earlier run's, never for what this one did."""
        consent = self._desk.consent
        if attempt.run_id == self._desk.run_id:
            return False
        if attempt.state in ("UNKNOWN", "ACCEPTED"):
            return consent.retry_unknown
        gone = attempt.state == "LOST" or (attempt.state == "SUCCEEDED" and ended.reason == "undecodable")
        return gone and consent.rebuy

    # --- small things ---

    async def _bought(self, order: Order, attempt: Attempt) -> Bought:
        """The answer that a STORED *attempt* is, kept; it replaces a pin of the lock file whose bytes are gone."""
        result, stores = await self._follower.keep(attempt), self._desk.stores
        pinned = stores.lock.result(order.wanted.base, order.wanted.sample, order.wanted.key)
        replaced = (
            pinned is not None
            and pinned.artifact.digest != result.artifact.digest
            and not stores.has(pinned.artifact.digest)
        )
        return Bought(result, paid=attempt.run_id == self._desk.run_id, replaced=replaced)

    async def _heal(self, finding: Hit) -> None:
        if finding.source == "ledger":
            await asyncio.to_thread(self._desk.stores.results.put, finding.result)


def _joined(answer: Answer) -> Answer:
    """The answer for who waited beside the buyer: the money was the buyer's."""
    return replace(answer, paid=False) if isinstance(answer, Bought) else answer

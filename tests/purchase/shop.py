"""A project folder, a fake provider and a clock: what a purchase needs around it, in a few lines.

Unaware of what is tested.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import Any, Self, TypeVar

from banana_pipe.canonical import Digest
from banana_pipe.errors import BananaError
from banana_pipe.events import Event
from banana_pipe.model import Attempt, AttemptState, Budget, Request, Result
from banana_pipe.purchase.buyer import Answer, Buyer
from banana_pipe.purchase.orders import Bought, Consent, Desk, NotBought, Order, Pace
from banana_pipe.request import base_key_of, key_of
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.keylock import KeyLocks
from banana_pipe.store.ledger import Ledger
from banana_pipe.store.lookup import Stores, Wanted
from banana_pipe.store.pins import LockFile
from banana_pipe.store.published import Published
from banana_pipe.store.results import Results
from tests.clock import FakeClock, run
from tests.purchase.fake import Fake
from tests.purchase.quick import LedgerAtOnce, ResultsInMemory, without_threads

T = TypeVar("T")
PRICE = 40_000
NONE, UNCAPPED, USUAL = Consent(), Budget(), Pace()


class WatchedLedger(Ledger):
    """A ledger whose thread the clock knows of: time stands still while it commits."""

    async def _hand_over(self, act: Callable[[sqlite3.Connection], T], *, writes: bool) -> T:
        clock = self._clock
        assert isinstance(clock, FakeClock)
        with clock.at_work():
            return await super()._hand_over(act, writes=writes)


def request(prompt: str = "a mug", sample: int = 1, images: tuple[Digest, ...] = ()) -> Request:
    return Request("acedata", "edit" if images else "generate", "nano-banana", prompt, images, {}, sample)


def order(asked: Request | None = None, *, timeout: float = 600.0, price: int | None = PRICE) -> Order:
    asked = asked or request()
    wanted = Wanted(key_of(asked), base_key_of(asked), asked.sample)
    return Order(asked, wanted, f"{asked.prompt}@{asked.sample}", price, timeout)


@dataclass(slots=True)
class Shop:
    """The folder survives what happens to the runs in it."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    vendor: Fake = field(init=False)
    lock: LockFile = field(default_factory=LockFile)
    events: list[Event] = field(default_factory=list)
    runs: int = 0
    quick: bool = False
    """Whether ledger and results are in memory, and no threads are used."""
    _ledger: LedgerAtOnce = field(init=False, repr=False)
    _results: ResultsInMemory = field(init=False, repr=False, default_factory=ResultsInMemory)

    def __post_init__(self) -> None:
        self.vendor = Fake(self.clock)
        if self.quick:
            self._ledger = LedgerAtOnce(self.clock)

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def ledger(self) -> Ledger:
        """As a run opens it."""
        return self._ledger if self.quick else WatchedLedger(self.cache / "ledger.db", self.clock)

    def results(self) -> Results | ResultsInMemory:
        """As a run opens them."""
        return self._results if self.quick else Results(self.cache / "results")

    def forget_results(self) -> None:
        """Throw them away."""
        if self.quick:
            self._results = ResultsInMemory()
        else:
            rmtree(self.cache / "results")

    @contextmanager
    def another_process(self) -> Iterator[sqlite3.Connection]:
        """The ledger as another process has it open."""
        if self.quick:
            yield self._ledger.connection
            return
        with closing(sqlite3.connect(self.cache / "ledger.db", isolation_level=None)) as connection:
            yield connection

    def open(self, *, consent: Consent = NONE, budget: Budget = UNCAPPED, pace: Pace = USUAL) -> Run:
        """A run: its own buyer and its own handles on everything."""
        self.runs += 1
        stores = Stores(
            Blobs(self.cache / "blobs"),
            self.results(),
            self.ledger(),
            Published(self.folder / "out"),
            self.lock,
        )
        desk = Desk(
            self.vendor,
            stores,
            KeyLocks(self.cache / "locks"),
            self.clock,
            budget,
            f"run-{self.runs}",
            self.events.append,
            pace,
            consent,
        )
        return Run(self, desk)

    def buy(
        self,
        *orders: Order,
        consent: Consent = NONE,
        budget: Budget = UNCAPPED,
        pace: Pace = USUAL,
        meanwhile: Callable[[Buyer], Coroutine[Any, Any, None]] | None = None,
    ) -> list[Answer]:
        """A whole run of its own: resume what is open, then have *orders*; their answers in order."""

        async def story() -> list[Answer]:
            async with self.open(consent=consent, budget=budget, pace=pace) as opened:
                others = [asyncio.create_task(meanwhile(opened.buyer))] if meanwhile else []
                answers = await opened.buy(*orders)
                await asyncio.gather(*others)
                return answers

        return self.run(story())

    def one(
        self,
        wanted: Order | None = None,
        *,
        consent: Consent = NONE,
        budget: Budget = UNCAPPED,
        pace: Pace = USUAL,
        meanwhile: Callable[[Buyer], Coroutine[Any, Any, None]] | None = None,
    ) -> Answer:
        """The answer to one order of a run of its own."""
        return self.buy(wanted or order(), consent=consent, budget=budget, pace=pace, meanwhile=meanwhile)[0]

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return run(self.clock, self._at_once(story) if self.quick else story)

    async def _at_once(self, story: Coroutine[Any, Any, T]) -> T:
        without_threads(asyncio.get_running_loop())
        return await story

    def attempts(self) -> list[Attempt]:
        """Every row of the ledger."""

        async def story() -> list[Attempt]:
            ledger = self.ledger()
            try:
                return await ledger.all_attempts()
            finally:
                ledger.close()

        return self.run(story())

    def states(self) -> list[str]:
        return [attempt.state for attempt in self.attempts()]

    def leave(self, state: AttemptState, wanted: Order | None = None, **changes: Any) -> Attempt:
        """Write an attempt as a dead process would have left it."""
        wanted = wanted or order()

        async def story() -> Attempt:
            async with self.open() as opened:
                call = self.vendor.prepare(wanted.request, [])
                begun = opened.buyer._intent(wanted, call)
                await asyncio.to_thread(opened.buyer._prepared, wanted.request)
                attempt = await opened.stores.ledger.begin(begun, Budget())
                if state == "INTENT":
                    return attempt
                return await opened.stores.ledger.advance(attempt, state, **changes)

        return self.run(story())


@dataclass(slots=True)
class Run:
    """One run; leaving the `with` block ends it, as its process would end."""

    shop: Shop
    desk: Desk
    buyer: Buyer = field(init=False)

    @property
    def stores(self) -> Stores:
        return self.desk.stores

    async def __aenter__(self) -> Self:
        self.buyer = Buyer(self.desk)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.buyer.close()
        self.stores.ledger.close()
        assert isinstance(self.stores.results, Results | ResultsInMemory)
        self.stores.results.close()

    async def buy(self, *orders: Order) -> list[Answer]:
        """Resume what is open, have *orders*, and look once more at what is parked: as the executor does."""
        opened = await self.stores.ledger.open_attempts(self.buyer.origin)
        resumed = [asyncio.create_task(self.buyer.resume(attempt, 600.0)) for attempt in opened]
        answers = await asyncio.gather(*(self.buyer.obtain(wanted) for wanted in orders))
        await asyncio.gather(*resumed)
        again = self.buyer.may_prove_more and not self.buyer.interrupted
        looks = (self._had(wanted, answer, again) for wanted, answer in zip(orders, answers, strict=True))
        return list(await asyncio.gather(*looks))

    async def _had(self, wanted: Order, answer: Answer, again: bool) -> Answer:
        parked = isinstance(answer, NotBought) and answer.status == "parked"
        return await self.buyer.obtain(wanted) if parked and again else answer


def result(answer: Answer) -> Result:
    """The result of an answer that has one."""
    assert isinstance(answer, Bought), answer
    return answer.result


def refused(answer: Answer) -> NotBought:
    """The answer, which is none."""
    assert isinstance(answer, NotBought), answer
    return answer


def interrupt_after(shop: Shop, seconds: float) -> Callable[[Buyer], Coroutine[Any, Any, None]]:
    """The user presses Ctrl-C then."""

    async def interrupt(buyer: Buyer) -> None:
        await shop.clock.sleep(seconds)
        buyer.stop("interrupt", BananaError("interrupted"))

    return interrupt

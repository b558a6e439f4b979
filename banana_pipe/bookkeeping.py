"""The ledger as its owner sees it: every attempt, and what can be done about those still open.

Unaware of recipes: the ledger is the project's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from banana_pipe.buying import Limits, no_token, run_id
from banana_pipe.clock import Clock, SystemClock
from banana_pipe.errors import UsageError
from banana_pipe.events import Listener
from banana_pipe.model import ACTIVE, Attempt
from banana_pipe.providers.acedata import AceData
from banana_pipe.purchase import replies
from banana_pipe.purchase.buyer import Buyer
from banana_pipe.purchase.orders import Desk, NotBought
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.keylock import KeyLocks
from banana_pipe.store.ledger import Ledger
from banana_pipe.store.lookup import Stores, folders_of
from banana_pipe.store.pins import LockFile
from banana_pipe.store.published import Published
from banana_pipe.store.results import Results
from banana_pipe.workspace import Access

_TIMEOUT = 600.0


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What became of an attempt that was open. `trouble`: why it still is, if it is.

    `elsewhere`: it was sent to another base URL, or with another token and this one is told nothing of it.
    """

    before: Attempt
    after: Attempt
    trouble: str | None
    elsewhere: bool = False


async def attempts(cache: Path, clock: Clock | None = None) -> list[Attempt]:
    """Every attempt of the project whose cache is *cache*, oldest first."""
    ledger = Ledger(folders_of(cache)["ledger"], clock or SystemClock())
    try:
        return await ledger.all_attempts()
    finally:
        ledger.close()


async def newest_attempts(cache: Path, limit: int = 500, clock: Clock | None = None) -> list[Attempt]:
    """The last *limit* attempts of the project whose cache is *cache*, newest first: how long calls take."""
    ledger = Ledger(folders_of(cache)["ledger"], clock or SystemClock())
    try:
        return await ledger.newest_attempts(limit)
    finally:
        ledger.close()


async def reconcile(
    cache: Path,
    access: Access,
    limits: Limits | None = None,
    *,
    emit: Listener = lambda _: None,
    clock: Clock | None = None,
) -> list[Reconciled]:
    """Look up every open attempt at the provider of *access*, collect what is paid; buys nothing.

    What was sent to another base URL is left alone; so is what was sent with another token, unless this one is
    shown it. Raises NotAuthorised if anything sent to this base URL is open and there is no token, or if the
    provider does not accept the token that it was sent with.
    """
    clock = clock or SystemClock()
    limits = limits or Limits()
    ledger = Ledger(folders_of(cache)["ledger"], clock)
    provider = AceData(access.base_url, access.token, clock)
    results = Results(folders_of(cache)["results"])
    try:
        everything = await ledger.open_attempts()
        before = [attempt for attempt in everything if attempt.origin == provider.origin]
        if before and access.token is None:
            raise no_token()
        stores = Stores(Blobs(folders_of(cache)["blobs"]), results, ledger, Published(cache / "nothing"), LockFile())
        desk = Desk(
            provider=provider,
            stores=stores,
            locks=KeyLocks(folders_of(cache)["locks"]),
            clock=clock,
            budget=limits.budget,
            run_id=run_id(clock.now()),
            emit=emit,
            pace=limits.pace,
        )
        settled = await _resumed(Buyer(desk), ledger, before)
        others = (attempt for attempt in everything if attempt not in before)
        return [*settled, *(_left_alone(attempt, attempt, provider.origin) for attempt in others)]
    finally:
        await provider.close()
        ledger.close()
        results.close()


async def abandon(cache: Path, attempt_id: str, clock: Clock | None = None) -> Attempt:
    """Give up an attempt in doubt, by its id: its key can be bought anew, its money stays counted.

    Raises UsageError where there is no such attempt, or none in doubt.
    """
    clock = clock or SystemClock()
    ledger = Ledger(folders_of(cache)["ledger"], clock)
    try:
        for attempt in await ledger.open_attempts():
            if attempt.id == attempt_id:
                return await _give_up(attempt, ledger, KeyLocks(folders_of(cache)["locks"]))
        raise UsageError(f"no open attempt has the id {attempt_id}", hint="`banana-pipe ledger show` lists them")
    finally:
        ledger.close()


async def _give_up(attempt: Attempt, ledger: Ledger, locks: KeyLocks) -> Attempt:
    if attempt.state not in ("UNKNOWN", "ACCEPTED", "INTENT"):
        raise UsageError(f"attempt {attempt.id} is paid ({attempt.state}): the next run collects its picture")
    lock = locks.try_take(attempt.key)
    if lock is None:
        raise UsageError(f"a run has attempt {attempt.id} in hand at this moment", hint="try again when it has ended")
    with lock:
        if attempt.state == "INTENT":
            attempt = await ledger.advance(attempt, "UNKNOWN", under_way_until=attempt.updated_at)
        return await ledger.give_up(attempt)


async def _resumed(buyer: Buyer, ledger: Ledger, before: list[Attempt]) -> list[Reconciled]:
    try:
        # At the same time: each may be settled for minutes.
        troubles = await asyncio.gather(*(buyer.resume(attempt, _TIMEOUT) for attempt in before))
    finally:
        await buyer.close()
    stop = buyer.stop_reason
    if stop is not None and stop.kind == "auth":
        raise stop.error
    now = {attempt.id: attempt for attempt in await ledger.all_attempts()}
    return [
        _left_alone(attempt, now[attempt.id], buyer.origin)
        if trouble is not None and trouble.elsewhere
        else Reconciled(attempt, now[attempt.id], _words(now[attempt.id], trouble))
        for attempt, trouble in zip(before, troubles, strict=True)
    ]


def _left_alone(before: Attempt, after: Attempt, origin: str) -> Reconciled:
    return Reconciled(before, after, replies.left_alone(before, origin), elsewhere=True)


def _words(after: Attempt, trouble: NotBought | None) -> str | None:
    if trouble is not None:
        return trouble.error
    return "another process has it in hand" if after.state in ACTIVE else None

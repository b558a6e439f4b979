"""What is known of a request: who wins, and where its bytes are.

Unaware of prices, of providers and of whether anybody will buy.

The lock's pin wins over the results, the results over the ledger. Bytes come from the blobs, else
from a published file whose bytes have that digest. A digest whose bytes are nowhere is `Known`,
never a `Miss`: only a `Miss` can lead to a purchase.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from banana_pipe.canonical import Digest
from banana_pipe.model import ACTIVE, Attempt, BaseKey, Finding, Hit, Key, Known, Miss, Open, Result
from banana_pipe.store.blobs import DAMAGED, REJECTED, Blobs
from banana_pipe.store.ledger import Ledger
from banana_pipe.store.pins import LockFile
from banana_pipe.store.published import Published
from banana_pipe.store.results import ResultStore

Source = Literal["lock", "cache", "ledger"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One key to look up, with what the lock file knows it by."""

    key: Key
    base: BaseKey
    sample: int


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that can know a result or hold its bytes. `lock` is the lock file as last read."""

    blobs: Blobs
    results: ResultStore
    ledger: Ledger
    published: Published
    lock: LockFile

    async def find(self, wanted: Wanted) -> Finding:
        """What is known of one request."""
        return (await self.find_many([wanted]))[wanted.key]

    async def find_many(self, wanted: Iterable[Wanted]) -> dict[Key, Finding]:
        """What is known of each request, in two bulk look-ups."""
        listed = list(wanted)
        pinned = {one.key: self.lock.result(one.base, one.sample, one.key) for one in listed}
        unpinned = [key for key, result in pinned.items() if result is None]
        results = self.results.get_many(unpinned)
        attempts = await self.ledger.standing(pinned)
        return {key: self._judge(key, pinned[key], results, attempts.get(key)) for key in pinned}

    def read(self, digest: Digest) -> bytes | None:
        """The bytes of *digest*, verified, from wherever they are."""
        data = self.blobs.read(digest)
        return data if data is not None else self.published.read(digest)

    def has(self, digest: Digest) -> bool:
        """Whether the bytes of *digest* are somewhere; a blob is only verified when read."""
        return self.blobs.has(digest) or self.published.find(digest) is not None

    def has_all(self, result: Result) -> bool:
        """Whether all bytes of *result* are somewhere: of its picture, and of what is beside it."""
        return all(map(self.has, result.digests))

    def _judge(
        self, key: Key, pinned: Result | None, results: Mapping[Key, Result], attempt: Attempt | None
    ) -> Finding:
        claim = _claim(key, pinned, results, attempt)
        if claim is not None and self.has_all(claim[0]):
            return Hit(*claim)
        if attempt is not None and attempt.state in ACTIVE:
            return Open(key, attempt)
        if claim is not None:  # also where buying it again was refused, or lost once more
            return Known(*claim, places=self._places())
        return Open(key, attempt) if attempt is not None else Miss(key)

    def _places(self) -> tuple[str, ...]:
        return (str(self.blobs.root), str(self.published.out))


def _claim(
    key: Key, pinned: Result | None, results: Mapping[Key, Result], attempt: Attempt | None
) -> tuple[Result, Source] | None:
    if pinned is not None:
        return pinned, "lock"
    if key in results:
        return results[key], "cache"
    if attempt is not None and attempt.state == "STORED":
        return result_of(attempt), "ledger"
    return None


def result_of(attempt: Attempt) -> Result:
    """The result that a STORED *attempt* bought."""
    if attempt.artifact is None:
        raise AssertionError("a STORED attempt names its artifact")
    return Result(
        key=attempt.key,
        artifact=attempt.artifact,
        provider=attempt.provider,
        model=attempt.model,
        served=attempt.served,
        task_id=attempt.task_id,
        trace_id=attempt.trace_id,
        price=attempt.price,
        bought_at=attempt.updated_at,
    )


def folders_of(cache: Path) -> dict[str, Path]:
    """Where each store is kept below the cache folder."""
    return {
        "blobs": cache / "blobs",
        "results": cache / "results",
        "ledger": cache / "ledger.db",
        "locks": cache / "locks",
        "rejected": cache / REJECTED,
        "damaged": cache / DAMAGED,
    }

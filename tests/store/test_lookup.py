"""Who is believed about a request, and where its bytes come from. Only a Miss can buy.

Unaware of prices and providers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from banana_pipe.canonical import Digest, digest_of
from banana_pipe.model import Artifact, AttemptState, BaseKey, Budget, Finding, Hit, Known, Miss, Open, Result
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.ledger import Ledger
from banana_pipe.store.lookup import Stores, Wanted, folders_of, result_of
from banana_pipe.store.pins import LockBlock, LockFile, LockTake
from banana_pipe.store.published import Published
from banana_pipe.store.results import Results
from tests.store.attempts import ARTIFACT, intent, key_of, open_ledger

KEY, BASE = key_of("a"), BaseKey(digest_of(b"base"))
WANTED = Wanted(KEY, BASE, 1)


@dataclass
class World:
    """All stores in one folder, and what each says of one key."""

    folder: Path
    stores: Stores

    def artifact(self, name: str, *, there: bool = True) -> Artifact:
        data = name.encode()
        if there:
            self.stores.blobs.put(data)
        return replace(ARTIFACT, digest=digest_of(data), size=len(data))

    def result(self, artifact: Artifact) -> Result:
        return Result(KEY, artifact, "acedata", "nano-banana", None, None, None, 40_000, 1_790_000_000.0)

    def locked(self, artifact: Artifact) -> Result:
        take = LockTake(artifact, 1_790_000_000.0, 40_000)
        lock = LockFile({BASE: LockBlock(BASE, "acedata", "nano-banana", takes={1: take})})
        self.stores = replace(self.stores, lock=lock)
        return self.result(artifact)

    def cached(self, artifact: Artifact) -> Result:
        return self.stores.results.put(self.result(artifact))

    def attempt(self, *states: AttemptState, artifact: Artifact | None = None) -> Open:
        async def story() -> Open:
            ledger: Ledger = self.stores.ledger
            current = await ledger.begin(intent("a"), Budget())
            for state in states:
                changes = {"artifact": artifact} if state == "STORED" else {}
                current = await ledger.advance(current, state, **changes)
            return Open(KEY, current)

        return asyncio.run(story())

    def find(self) -> Finding:
        return asyncio.run(self.stores.find(WANTED))


@pytest.fixture
def world(in_memory: Path) -> Iterator[World]:
    folders = folders_of(in_memory / "cache")
    results, ledger = Results(folders["results"]), open_ledger(folders["ledger"])
    stores = Stores(Blobs(folders["blobs"]), results, ledger, Published(in_memory / "out"), LockFile())
    yield World(in_memory, stores)
    results.close()
    ledger.close()


def test_nothing_known_is_a_miss(world: World) -> None:
    """And looking makes nothing."""
    assert world.find() == Miss(KEY)
    assert list(world.folder.iterdir()) == []


def test_the_lock_wins_over_the_results_and_they_over_the_ledger(world: World) -> None:
    """Each with bytes of its own: the pin of the recipe stands."""
    stored = world.attempt("SUCCEEDED", "STORED", artifact=world.artifact("ledger's"))
    assert world.find() == Hit(result_of(stored.attempt), "ledger")
    cached = world.cached(world.artifact("cache's"))
    assert world.find() == Hit(cached, "cache")
    locked = world.locked(world.artifact("lock's"))
    assert world.find() == Hit(locked, "lock")


def test_a_pin_whose_bytes_are_gone_is_not_replaced_by_another_picture(world: World) -> None:
    """Known, and lost where its bytes are needed; never quietly the one that the cache has."""
    world.cached(world.artifact("cache's"))
    locked = world.locked(world.artifact("lock's", there=False))
    found = world.find()
    assert isinstance(found, Known)
    assert (found.result, found.source) == (locked, "lock")
    assert found.places == (str(world.folder / "cache" / "blobs"), str(world.folder / "out"))


@pytest.mark.parametrize("source", ["lock", "cache", "ledger"])
def test_gone_bytes_are_known_whoever_knows_them(source: str, world: World) -> None:
    """A state of its own, not a miss."""
    gone = world.artifact("gone", there=False)
    if source == "lock":
        world.locked(gone)
    elif source == "cache":
        world.cached(gone)
    else:
        world.attempt("SUCCEEDED", "STORED", artifact=gone)
    found = world.find()
    assert isinstance(found, Known)
    assert (found.source, found.result.artifact) == (source, gone)


@pytest.mark.parametrize(
    "states", [(), ("ACCEPTED",), ("SUCCEEDED",), ("UNKNOWN",), ("REFUSED",), ("SUCCEEDED", "LOST")]
)
def test_an_attempt_in_the_way_is_open(states: tuple[AttemptState, ...], world: World) -> None:
    """Under way, in doubt, refused or lost: no miss."""
    assert world.find() == Miss(KEY)
    assert world.attempt(*states) == world.find()


@pytest.mark.parametrize("states", [("FAILED",), ("NOT_SENT",), ("UNKNOWN", "ABANDONED")])
def test_what_has_no_claim_is_a_miss(states: tuple[AttemptState, ...], world: World) -> None:
    """Failures are never cached."""
    world.attempt(*states)
    assert world.find() == Miss(KEY)


def test_a_picture_that_is_there_wins_over_any_attempt(world: World) -> None:
    """An attempt of another project's run keeps nobody from what the lock and the blobs have."""
    locked = world.locked(world.artifact("here"))
    world.attempt("UNKNOWN")
    assert world.find() == Hit(locked, "lock")


def test_gone_bytes_that_are_being_bought_again_are_open(world: World) -> None:
    """The attempt goes on; what was refused or lost again leaves the digest known."""
    world.cached(world.artifact("gone", there=False))
    world.attempt("REFUSED")
    assert isinstance(world.find(), Known)
    world.attempt("SUCCEEDED", "LOST")
    assert isinstance(world.find(), Known)
    world.attempt("UNKNOWN")
    assert isinstance(world.find(), Open)


def test_a_published_file_is_as_good_as_a_blob(world: World) -> None:
    """A clone with lock and pictures needs no cache; other bytes under that name are none."""
    data = b"\x89PNG published"
    artifact = replace(ARTIFACT, digest=digest_of(data), size=len(data))
    locked = world.locked(artifact)
    assert isinstance(world.find(), Known)
    (world.folder / "out").mkdir()
    (world.folder / "out" / "base.png").write_bytes(data)
    world.stores = replace(world.stores, published=Published(world.folder / "out"))
    assert world.find() == Hit(locked, "lock")
    assert world.stores.read(artifact.digest) == data
    assert world.stores.read(Digest("0" * 64)) is None


def test_many_are_looked_up_in_one_go(world: World) -> None:
    """Each key gets its own answer."""
    hit = world.cached(world.artifact("here"))
    others = [Wanted(key_of(str(number)), BaseKey(digest_of(b"other")), 1) for number in range(1_200)]
    found = asyncio.run(world.stores.find_many([WANTED, *others]))
    assert found[KEY] == Hit(hit, "cache")
    assert len(found) == 1_201
    assert all(found[other.key] == Miss(other.key) for other in others)

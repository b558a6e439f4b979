"""What may leave the cache: what is free first, what was paid by consent, what is needed never.

Unaware of how it is shown.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from banana_pipe.canonical import Digest
from banana_pipe.care import sweeping, verifying
from banana_pipe.care.books import read_books
from banana_pipe.care.inventory import Item, kept_money, take_stock
from banana_pipe.care.sweeping import Sweep
from banana_pipe.errors import StoreError, UsageError
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.keylock import KeyLocks
from tests.world import CHAIN, World, ends, picture, stands

HOUR = 3_600.0
NOBODY = 4_000_000
"""A process that is not there: Linux gives no such number, macOS neither."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, monkeypatch)
    made.write(CHAIN)
    assert made.run().exit_code == 0
    return made


def age(world: World, hours: float = 2.0) -> None:
    """Let all files have been there for so long."""
    for path in world.cache.rglob("*"):
        if path.is_file():
            os.utime(path, times=(world.clock.now() - hours * HOUR,) * 2)


def stock(world: World) -> list[Item]:
    return take_stock(world.cache, read_books(world.folder, world.cache))


def plan(world: World) -> Sweep:
    return sweeping.plan_sweep(world.folder, world.cache, world.clock)


def sweep(world: World, *, paid: bool = False) -> Sweep:
    return sweeping.sweep(world.folder, world.cache, paid=paid, clock=world.clock)


def kinds(items: tuple[Item, ...] | list[Item]) -> dict[str, int]:
    told: dict[str, int] = {}
    for item in items:
        told[item.kind] = told.get(item.kind, 0) + 1
    return told


def unpin(world: World) -> None:
    """Take away the lock file: nobody names the pictures now but the ledger."""
    world.forget("shop.lock")


def test_everything_has_its_kind_and_the_money_is_counted(world: World) -> None:
    """Three pictures, three requests, two stores of records."""
    world.picture("photo.png", picture(8, 8))
    world.write("version: 1\nsteps: {hero: {images: photo.png, edit: Brighter}, small: {images: hero, "
                "transform: [{resize: {width: 4}}]}}", "more.yaml")  # fmt: skip
    world.run("more.yaml")
    Blobs(world.cache / "blobs").put(b"nobody's")
    found = stock(world)
    assert kinds(found) == {"paid": 4, "request": 4, "input": 1, "free": 1, "unknown": 1, "records": 2}
    assert kept_money(found) == 4 * 39_000
    assert {item.purchase.node for item in found if item.purchase} == {"base", "glaze", "scene", "hero"}


def test_what_a_lock_file_names_never_goes(world: World) -> None:
    """However old, and with consent too."""
    age(world)
    assert sweep(world, paid=True) == Sweep((), (), 0)
    assert world.plan().calls_max == 0


def test_what_was_paid_goes_by_consent_alone(world: World) -> None:
    """And is neither bought again by itself nor looked for as damage."""
    unpin(world)
    age(world)
    found = plan(world)
    assert (kinds(found.free), kinds(found.paid)) == ({}, {"paid": 1})  # the others were sent along with what was paid
    assert [(item.purchase.node, item.purchase.price) for item in found.paid if item.purchase] == [("scene", 39_000)]
    assert sweep(world).paid == ()
    assert kinds(stock(world))["paid"] == 3
    assert len(sweep(world, paid=True).paid) == 1
    world.forget("out")
    assert world.do(verifying.verify(world.folder, world.cache)).damage == ()
    assert stands(world.plan())["scene"] == "lost/lost"
    assert ends(world.run())["scene"] == "lost/lost"
    assert len(world.vendor.posts) == 3


def test_what_is_of_the_last_hour_stays(world: World) -> None:
    """A run under way may be about to name it."""
    unpin(world)
    age(world, hours=0.9)
    assert plan(world) == Sweep((), (), 1)


def test_transforms_and_placeholders_go_first_and_come_again(world: World) -> None:
    """They cost nothing; what a lock file of the sandbox's names stays."""
    world.write("version: 1\nsteps: {hero: {provider: sandbox, generate: A fox}, small: {images: hero, "
                "transform: [{resize: {width: 4}}]}}", "draft.yaml")  # fmt: skip
    world.sandbox.draws["A fox", 1] = picture(9, 9)
    world.run("draft.yaml")
    before = world.pictures(world.folder / "out" / "draft")
    age(world)
    assert kinds(sweep(world).free) == {"free": 1}
    world.forget("cache/sandbox", "out/draft")
    age(world)
    assert kinds(sweep(world).free) == {"free": 1}
    assert world.run("draft.yaml").exit_code == 0
    assert world.pictures(world.folder / "out" / "draft") == before


def test_a_transform_that_a_paid_request_reads_stays(world: World) -> None:
    """Made anew by other libraries it could be other bytes, and then another request: a bill."""
    world.picture("photo.png", picture(8, 8))
    world.write("version: 1\nsteps: {small: {images: photo.png, transform: [{resize: {width: 4}}]}, "
                "hero: {images: small, edit: Brighter}}", "more.yaml")  # fmt: skip
    world.run("more.yaml")
    world.forget("more.lock")
    age(world)
    assert kinds(plan(world).free) == {}


def test_what_was_half_written_goes_when_its_writer_is_gone(world: World) -> None:
    """However new; what a living process writes stays."""
    for owner in (NOBODY, os.getpid()):
        (world.cache / "blobs" / "new" / f".banana-pipe-{owner}-abc").write_bytes(b"half")
    found = sweep(world)
    assert [item.path.name for item in found.free] == [f".banana-pipe-{NOBODY}-abc"]
    assert not found.free[0].path.exists()


def test_what_was_delivered_and_is_no_picture_waits_for_its_call(world: World) -> None:
    """While its attempt is open the bytes are all there is."""
    world.write("version: 1\nsteps: {hero: {generate: A fox}}", "more.yaml")
    world.vendor.fetches.extend([b"no picture"] * 3)
    world.run("more.yaml")
    age(world)
    assert kinds(stock(world))["rejected"] == 1
    assert plan(world).free == ()
    world.run("more.yaml")
    age(world)
    assert kinds(sweep(world).free) == {"rejected": 1}


def test_a_damaged_picture_stays_while_there_is_no_better_one(world: World) -> None:
    """Nearly all of it may be right, and it was paid for."""
    blobs = Blobs(world.cache / "blobs")
    digest = next(one.artifact.digest for one in world.attempts() if one.artifact)
    data = blobs.read(digest)
    assert data is not None
    blobs.set_aside(blobs.path(digest))
    age(world)
    assert (kinds(plan(world).free), kinds(plan(world).paid)) == ({}, {"damaged": 1})
    blobs.put(data)
    age(world)
    assert (kinds(plan(world).free), kinds(plan(world).paid)) == ({"damaged": 1}, {})


def test_what_no_record_names_is_nobody_s_to_throw_away(world: World) -> None:
    """It may be all that is left of a purchase."""
    Blobs(world.cache / "blobs").put(b"from a folder that was cleaned up")
    age(world)
    assert (plan(world).free, kinds(plan(world).paid)) == ((), {"unknown": 1})


def test_nothing_goes_while_a_call_is_in_hand(world: World) -> None:
    """It may need what nobody needed before."""
    world.write("version: 1\nsteps: {hero: {generate: A fox}}", "more.yaml")
    world.vendor.seconds = 10_000.0
    world.run("more.yaml")
    (attempt,) = [one for one in world.attempts() if one.state == "ACCEPTED"]
    lock = KeyLocks(world.cache / "locks").try_take(attempt.key)
    assert lock is not None
    with lock, pytest.raises(StoreError, match="a run is under way"):
        sweep(world)
    sweep(world)


def test_records_that_cannot_be_believed_stop_it(world: World) -> None:
    """Who does not know what is needed removes nothing."""
    lock = world.path("shop.lock")
    text = lock.read_text()
    lock.write_text(text + "=======\n")
    with pytest.raises(UsageError, match=r"shop\.lock"):
        sweep(world)
    lock.write_text(text)
    (world.cache / "ledger.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="ledger"):
        sweep(world)
    assert Digest(next(iter(world.pictures().values())))

"""A cache is verified and repaired: what is damaged is found, put right where it can be, and never deleted.

Unaware of how it is shown.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from banana_pipe.canonical import Digest
from banana_pipe.care import repairing, verifying
from banana_pipe.care.verifying import Damage, Verified
from banana_pipe.errors import StoreError
from banana_pipe.store.blobs import Blobs
from banana_pipe.workspace import Access
from tests.world import CHAIN, TOKEN, World, ends


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, monkeypatch)
    monkeypatch.setattr(repairing, "AceData", lambda *_: made.vendor)
    made.write(CHAIN)
    assert made.run().exit_code == 0
    return made


def verify(world: World) -> Verified:
    return world.do(verifying.verify(world.folder, world.cache))


def repair(world: World, access: Access | None = None) -> Verified:
    return world.do(repairing.repair(world.folder, world.cache, access, world.clock))


def picture(world: World, node: str = "glaze") -> Digest:
    """The picture that *node* had."""
    return next(one.artifact.digest for one in world.attempts() if one.node == node and one.artifact)


def blob(world: World, digest: Digest) -> Path:
    return Blobs(world.cache / "blobs").path(digest)


def flip(path: Path, place: int = 100) -> None:
    """Flip a bit of *path*, as a disk does."""
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)


def truncate(path: Path) -> None:
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[: len(data) // 2])


def empty(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"")


def link(path: Path) -> None:
    elsewhere = path.parents[4] / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def swap_in(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"another file")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: tuple[Callable[[Path], None], ...] = (flip, truncate, empty, link, swap_in, folder, pipe, Path.unlink)


def told(found: Verified) -> list[tuple[str, str, bool]]:
    return [(one.what, one.node, one.healed is not None) for one in found.damage]


def test_a_whole_cache_has_nothing_to_tell(world: World) -> None:
    """Looking changes nothing; a repair neither."""
    before = {path: path.stat().st_mtime_ns for path in world.cache.rglob("*") if path.is_file()}
    found = verify(world)
    assert (found.damage, found.blobs, found.attempts, found.results, found.locks) == ((), 6, 3, 3, 1)
    assert repair(world).damage == ()
    assert before == {path: path.stat().st_mtime_ns for path in world.cache.rglob("*") if path.is_file()}


def test_a_project_without_a_cache_has_nothing_to_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And gets none."""
    (tmp_path / "empty").mkdir()
    empty_one = World(tmp_path / "empty", monkeypatch)
    assert verify(empty_one).damage == ()
    assert repair(empty_one).damage == ()
    assert not empty_one.cache.exists()


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_picture_is_found_and_healed_from_the_published_file(
    world: World, damage: Callable[[Path], None]
) -> None:
    """Whatever stands in its place; and what stood there is set aside."""
    digest = picture(world)
    damage(blob(world, digest))
    found = verify(world)
    assert told(found) == [("missing" if damage is Path.unlink else "blob", "glaze", False)]
    assert told(repair(world)) == [(found.damage[0].what, "glaze", True)]
    assert sha256(blob(world, digest).read_bytes()).hexdigest() == digest
    assert verify(world).damage == ()
    aside = list((world.cache / "damaged").glob("*")) if damage is not Path.unlink else ["nothing to set aside"]
    assert len(aside) == 1


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_what_is_published_nowhere_is_fetched_from_its_link(world: World, damage: Callable[[Path], None]) -> None:
    """Free; and only where that is agreed to."""
    digest = picture(world)
    world.forget("out")
    damage(blob(world, digest))
    assert [one.healed for one in repair(world).damage] == [None]
    assert [one.healed for one in repair(world, TOKEN).damage] == ["from its link"]
    assert verify(world).damage == ()
    assert len(world.vendor.charges) == 3


def test_a_dead_link_is_asked_for_again(world: World) -> None:
    """By the task, as a run does."""
    digest = picture(world)
    world.forget("out")
    blob(world, digest).unlink()
    polled = len(world.vendor.polled)
    world.vendor.fetches.append(b"another picture than the one that was there")
    assert [one.healed for one in repair(world, TOKEN).damage] == ["from its link"]
    assert len(world.vendor.polled) == polled + 1


def test_what_is_nowhere_is_told_with_its_price_and_the_way_on(world: World) -> None:
    """And is not bought again by itself."""
    digest = picture(world)
    world.forget("out")
    flip(blob(world, digest))
    (left,) = repair(world).left
    assert (left.node, left.price, left.paid) == ("glaze", 39_000, True)
    assert str(left.hint).endswith("banana-pipe run shop.yaml --rebuy")
    (still,) = verify(world).left
    assert (still.what, still.name) == ("missing", digest)
    assert ends(world.run())["glaze"] == "lost/lost"
    assert len(world.vendor.posts) == 3


def test_two_pictures_that_were_swapped_change_places(world: World) -> None:
    """Each lies where the other should."""
    one, other = blob(world, picture(world, "base")), blob(world, picture(world, "glaze"))
    world.forget("out")
    aside = one.with_name(".aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    assert len(verify(world).damage) == 2
    assert repair(world).left == []
    assert verify(world).damage == ()


def test_a_picture_under_another_name_is_found(world: World) -> None:
    """A name can be damaged, too."""
    world.forget("out")
    path = blob(world, picture(world))
    path.rename(path.with_name(f"x{path.name[1:]}"))
    assert repair(world).left == []
    assert verify(world).damage == ()


def test_what_was_asked_is_written_anew_from_the_manifest(world: World) -> None:
    """The request behind a key is a blob like any other."""
    key = Digest(world.attempts()[0].key)
    flip(blob(world, key))
    assert [one.healed for one in repair(world).damage] == ["from a manifest"]
    world.forget("out")
    flip(blob(world, key))
    (left,) = repair(world).left
    assert "cannot be read back" in str(left.hint)
    assert verify(world).damage == ()  # it was told


def test_what_nobody_needs_is_set_aside_and_forgotten(world: World) -> None:
    """Nobody paid for it."""
    spare = blob(world, Blobs(world.cache / "blobs").put(b"spare"))
    flip(spare, 1)
    assert [one.paid for one in verify(world).left] == [False]
    assert repair(world).left == []
    assert verify(world).damage == ()


def test_what_was_set_aside_before_is_not_replaced(world: World) -> None:
    """Twice damaged, kept twice."""
    digest = picture(world)
    for _ in range(2):
        flip(blob(world, digest))
        repair(world)
    assert {path.name for path in (world.cache / "damaged").iterdir()} == {digest, f"{digest}.2"}


# --- the records ------------------------------------------------------------------------------


def change(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement, values)
    connection.close()


def test_a_row_of_the_ledger_is_mended_and_a_copy_kept(world: World) -> None:
    """A run refuses to go on before, and goes on after."""
    before = world.attempts()
    ledger = world.cache / "ledger.db"
    change(ledger, "UPDATE attempts SET state = 'STOREE' WHERE seq = 2")
    assert told(verify(world)) == [("attempt", "glaze", False)]
    assert told(repair(world)) == [("attempt", "glaze", True)]
    assert world.attempts() == before
    assert verify(world).damage == ()
    assert (world.cache / "damaged" / "ledger.db.1").exists()


def test_a_row_that_cannot_be_mended_is_told_and_left(world: World) -> None:
    """Nothing is guessed: two bits are more than the digest can tell."""
    ledger = world.cache / "ledger.db"
    change(ledger, "UPDATE attempts SET content = replace(content, 'nano', 'NANO') WHERE seq = 2")
    found = repair(world)
    assert [(one.what, one.healed) for one in found.damage if one.what == "attempt"] == [("attempt", None)]
    assert "backup" in str(found.left[0].hint)


def test_a_file_that_is_no_ledger_is_told(world: World) -> None:
    """Without a traceback of SQLite's, and left as it is."""
    (world.cache / "ledger.db").write_bytes(b"no database" * 1000)
    for found in (verify(world), repair(world)):
        assert [(one.what, one.healed) for one in found.damage] == [("ledger", None)]
    assert (world.cache / "ledger.db").read_bytes() == b"no database" * 1000


def test_damaged_results_are_rebuilt_from_the_ledger(world: World) -> None:
    """Rows one by one, or the whole file."""
    results = world.cache / "results" / "cache.db"
    change(results, "UPDATE Cache SET value = replace(value, 'nano', 'NANO') WHERE rowid = 1")
    change(results, "UPDATE Cache SET key = ? WHERE rowid = 2", "0" * 64)
    assert [one.what for one in verify(world).damage] == ["result", "result"]
    assert repair(world).left == []
    results.write_bytes(b"no database" * 1000)
    assert [one.what for one in verify(world).damage] == ["results"]
    assert repair(world).left == []
    found = verify(world)
    assert (found.damage, found.results) == ((), 3)
    assert {path.name for path in (world.cache / "damaged").iterdir()} == {"results.1", "results.2"}
    assert world.run().called == 0


@pytest.mark.parametrize("name", ["results/cache.db", "ledger.db"])
def test_a_schema_that_is_no_text_any_more_is_told(world: World, name: str) -> None:
    """What SQLite then says of it is none either: neither a check nor a run may stumble over that."""
    world.forget("shop.lock")  # what it pins is looked for nowhere else
    path = world.cache / name
    data = path.read_bytes()
    place, told = data.index(b"CREATE TABLE") - 20, 0
    for offset in range(40):
        path.write_bytes(data[: place + offset] + bytes([data[place + offset] ^ 0x80]) + data[place + offset + 1 :])
        told += len(verify(world).damage)
        with contextlib.suppress(StoreError):
            world.plan()
    assert told


def test_results_that_are_not_there_are_written_without_a_word(world: World) -> None:
    """A run that was killed leaves that, and so does who removes the folder: it is no damage."""
    world.forget("cache/results")
    assert verify(world).damage == ()
    assert repair(world).damage == ()
    assert verify(world).results == 3


def test_a_lock_file_that_cannot_be_read_is_told_at_its_place(world: World) -> None:
    """Git has the one before."""
    lock = world.path("shop.lock")
    lock.write_text(lock.read_text() + "<<<<<<< mine\n")
    (one,) = repair(world).left
    assert (one.what, "shop.lock:" in one.name, one.healed) == ("lock", True, None)


def test_what_a_lock_file_names_is_missed_where_it_is_nowhere(world: World) -> None:
    """A clone with the pictures needs no cache; without either they are lost."""
    world.forget("cache")
    assert verify(world).damage == ()
    world.forget("out")
    found: tuple[Damage, ...] = verify(world).damage
    assert {(one.what, one.node, one.paid) for one in found} == {
        ("missing", node, True) for node in ("base", "glaze", "scene")
    }

"""A project with many pictures, bought in process, and everything that can be done to its files.

Unaware of what is looked for afterwards.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from banana_pipe.care import repairing, verifying
from banana_pipe.care.verifying import Verified
from banana_pipe.clock import SystemClock
from banana_pipe.errors import StoreError
from banana_pipe.model import Attempt, Run
from banana_pipe.store.attempts import COLUMNS
from banana_pipe.workspace import Access
from tests.campaigns.projects import digest_of
from tests.world import World

TEXTS = tuple(name for name in COLUMNS.split(", ") if name not in ("price", "task_id"))
"""The columns of the ledger that are never empty, and are text."""


class _Hurried(SystemClock):
    """The machine's clock, whose waits are none: nothing would come of them."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass(slots=True)
class Shelf:
    """The project: every blob that belongs there, every row of its ledger."""

    world: World
    blobs: Mapping[Path, bytes]
    attempts: Sequence[Attempt]

    @classmethod
    def fill(cls, folder: Path, patch: pytest.MonkeyPatch, pictures: int) -> Shelf:
        """Buy so many pictures."""
        world = World(folder, patch)
        patch.setattr(repairing, "AceData", lambda *_: world.vendor)
        numbers = list(range(pictures))
        world.write(f"version: 1\nsteps: {{cup: {{matrix: {{number: {numbers}}}, generate: 'Cup {{{{ number }}}}'}}}}")
        assert world.run().exit_code == 0
        blobs = {path: path.read_bytes() for path in world.cache.glob("blobs/??/*")}
        assert len(blobs) == 2 * pictures
        return cls(world, blobs, world.attempts())

    @property
    def pictures(self) -> list[Path]:
        """The blobs that were paid for."""
        paid = {one.artifact.digest for one in self.attempts if one.artifact}
        return sorted(path for path in self.blobs if path.name in paid)

    def verify(self) -> Verified:
        return asyncio.run(verifying.verify(self.world.folder, self.world.cache))

    def repair(self, access: Access | None = None) -> Verified:
        vendor, hurried = self.world.vendor, _Hurried()
        its_own, vendor.clock = vendor.clock, hurried  # type: ignore[assignment] # nobody turns the world's here
        try:
            return asyncio.run(repairing.repair(self.world.folder, self.world.cache, access, hurried))
        finally:
            vendor.clock = its_own

    def run(self) -> Run | None:
        """A run; None where it refused to begin. It must never buy: everything was bought."""
        try:
            return self.world.run()
        except StoreError:
            return None

    def unfound(self) -> list[str]:
        """The blobs that a check finds nothing wrong with."""
        found = {one.name for one in self.verify().damage}
        return [path.name for path in self.blobs if path.name not in found]

    def wrong(self) -> list[str]:
        """What is not as it was: blobs, and published files with other bytes than were paid for."""
        paid = {path.name for path in self.pictures}
        found = [f"{path.name} is not what it was" for path, data in self.blobs.items() if _bytes(path) != data]
        served = self.world.out.rglob("*.png") if self.world.out.exists() else ()
        return found + [f"{path} was served" for path in served if digest_of(path) not in paid]

    @property
    def charged_twice(self) -> int:
        """How many calls were made beyond one for each."""
        return len(self.world.vendor.posts) - len(self.attempts)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None


# --- what happens to a file -------------------------------------------------------------------


def flip(path: Path, dice: random.Random) -> None:
    """One bit."""
    data = bytearray(path.read_bytes())
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    _write(path, bytes(data))


def cut_off(path: Path, dice: random.Random) -> None:
    """Somewhere, or wholly."""
    data = path.read_bytes()
    _write(path, data[: dice.randrange(len(data))])


def zeros(path: Path, dice: random.Random) -> None:
    """As a file system leaves it after a power loss."""
    _write(path, b"\0" * path.stat().st_size)


def gone(path: Path, dice: random.Random) -> None:
    """Deleted."""
    path.unlink()


def another(path: Path, dice: random.Random) -> None:
    """Another file, of the same length."""
    _write(path, dice.randbytes(path.stat().st_size))


def link(path: Path, dice: random.Random) -> None:
    """A link to the very bytes, elsewhere."""
    elsewhere = path.parents[4] / f"{path.name}.elsewhere"
    elsewhere.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(elsewhere)


def folder(path: Path, dice: random.Random) -> None:
    """A folder of that name."""
    path.unlink()
    path.mkdir()


def _write(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)


def swap(paths: Sequence[Path]) -> None:
    """Each gets the bytes of the next one."""
    data = [path.read_bytes() for path in paths]
    for path, other in zip(paths, data[1:] + data[:1], strict=True):
        _write(path, other)


HAPPENS: tuple[Callable[[Path, random.Random], None], ...] = (flip, cut_off, zeros, gone, another, link, folder)


# --- what happens to a row, and to a database as a file ----------------------------------------


def flip_column(database: Path, table: str, seq: int, column: str, dice: random.Random) -> None:
    """One bit of one column of one row: what it was is text, what it is may be none."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        query = f"SELECT CAST({column} AS BLOB) FROM {table} WHERE rowid = ?"
        (data,) = connection.execute(query, (seq,)).fetchone()
        changed = bytearray(data)
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
        connection.execute(f"UPDATE {table} SET {column} = CAST(? AS TEXT) WHERE rowid = ?", (bytes(changed), seq))


def flip_anywhere(database: Path, whole: bytes, dice: random.Random) -> None:
    """One bit of the file."""
    data = bytearray(whole)
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    database.write_bytes(data)
    for left in (f"{database}-journal", f"{database}-wal", f"{database}-shm"):
        if os.path.exists(left):
            os.remove(left)

"""Import, clean-up and repair are killed before every durable act, and done again: nothing is lost, nothing is half.

Unaware of what the acts are: they are counted where `disk` announces them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from banana_pipe import disk
from banana_pipe.care import carrying, repairing, sweeping, verifying
from tests.campaigns.score import Line, Tell
from tests.world import CHAIN, NO_TOKEN, World, picture

STEPS = [pytest.param(11, id="short"), pytest.param(1, id="full", marks=pytest.mark.campaign)]
OLD = 1_000_000_000
DRAFT = """
    version: 1
    steps:
      fox: {provider: sandbox, matrix: {n: [1, 2, 3, 4, 5]}, generate: "Fox {{ n }}"}
      small: {each: fox, transform: [{resize: {width: 4}}]}
"""


@dataclass(slots=True)
class Place:
    """A project as it was before, and what is done in it."""

    world: World
    before: Path
    act: Callable[[], object]

    @classmethod
    def of(cls, world: World, act: Callable[[], object]) -> Place:
        before = world.folder.parent / "before"
        shutil.copytree(world.folder, before)
        return cls(world, before, act)

    def again(self) -> None:
        """Everything as it was."""
        shutil.rmtree(self.world.folder)
        shutil.copytree(self.before, self.world.folder)

    def until(self, last: int) -> bool:
        """Do it in a child that is killed before that durable act; whether it got to its end."""
        child = os.fork()
        if child == 0:
            status = 1
            try:
                disk.observe(_Killer(last))
                self.act()
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        assert status in (0, signal.SIGKILL), status
        return status == 0

    def wrong(self) -> list[str]:
        """What a check of the cache tells, what is left half written when it is cleaned up, what a run would buy."""
        sweeping.sweep(self.world.folder, self.world.cache, paid=False)
        found = asyncio.run(verifying.verify(self.world.folder, self.world.cache)).damage
        left = [path.name for path in self.world.cache.rglob(f"{disk.TEMPORARY_PREFIX}*")]
        calls = self.world.plan(access=NO_TOKEN).calls_max
        rows = [] if len(self.world.attempts()) == 3 else ["rows"]
        return [*(f"{one.what} {one.name}" for one in found), *left, *rows, *(["a call"] if calls else [])]


class _Killer:
    def __init__(self, last: int) -> None:
        self._left = last

    def __call__(self, act: str, target: str) -> None:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)


def judge(place: Place, step: int, what: str, *, half: Callable[[], list[str]]) -> Line:
    """*half* tells what is wrong where it was killed; afterwards it is done again to its end."""
    cases, lost, corrupt, last = 0, [], [], 1
    while not place.until(last):
        cases, last = cases + 1, last + step
        corrupt += half()
        place.act()
        lost += place.wrong()
        place.again()
    line = Line(7, f"{what}, killed at every durable act", cases, lost=len(lost), corrupt=len(corrupt))
    assert line.good, (line, lost, corrupt)
    return line


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, monkeypatch)
    made.write(CHAIN)
    assert made.run().exit_code == 0
    return made


@pytest.mark.parametrize("step", STEPS)
def test_an_import_that_is_killed_is_done_again(world: World, tell: Tell, step: int) -> None:
    """Nothing half is ever there, and the second time it is all there, each row once."""
    path = world.folder.parent / "all.tar"
    carrying.export_cache(world.folder, world.cache, path)
    world.forget("cache", "out", "shop.lock")
    place = Place.of(world, lambda: asyncio.run(carrying.import_cache(world.cache, path)))
    rows: list[int] = []

    def half() -> list[str]:
        rows.append(len(world.attempts()))
        # A row without its picture would be a purchase that is lost.
        missing = asyncio.run(verifying.verify(world.folder, world.cache)).damage
        return [one.name for one in missing]

    line = judge(place, step, "import", half=half)
    tell(line)
    assert 0 in rows
    assert 3 in rows or step > 1


@pytest.mark.parametrize("step", [2, pytest.param(1, marks=pytest.mark.campaign)])
def test_a_clean_up_that_is_killed_is_done_again(world: World, tell: Tell, step: int) -> None:
    """What is needed is there at every moment."""
    world.write(DRAFT, "draft.yaml")
    for number in range(1, 6):
        world.sandbox.draws[f"Fox {number}", 1] = picture(9, 9 + number)
    world.run("draft.yaml")
    world.forget("cache/sandbox", "out/draft")
    for path in world.cache.rglob("*"):
        if path.is_file():
            os.utime(path, times=(OLD, OLD))
    place = Place.of(world, lambda: sweeping.sweep(world.folder, world.cache, paid=True))
    line = judge(place, step, "gc", half=place.wrong)
    tell(line)
    assert line.cases


@pytest.mark.parametrize("step", STEPS)
def test_a_repair_that_is_killed_is_done_again(world: World, tell: Tell, step: int) -> None:
    """What is damaged is in its place, set aside, or healed: never gone."""
    blobs = sorted(world.cache.glob("blobs/??/*"))
    for path in blobs:
        data = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    (world.cache / "results" / "cache.db").write_bytes(b"no database" * 1_000)
    place = Place.of(world, lambda: asyncio.run(repairing.repair(world.folder, world.cache)))

    def half() -> list[str]:
        kept = {path.name[:64] for folder in ("blobs/??", "damaged") for path in world.cache.glob(f"{folder}/*")}
        return [path.name for path in blobs if path.name not in kept]

    line = judge(place, step, "verify --repair", half=half)
    tell(line)
    assert line.cases


def test_the_harness_catches_an_import_that_writes_the_ledger_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows whose pictures are not there yet are purchases that are lost."""
    path = world.folder.parent / "all.tar"
    carrying.export_cache(world.folder, world.cache, path)
    world.forget("cache", "out", "shop.lock")
    keep = carrying._keep
    monkeypatch.setattr(carrying, "_keep", lambda file, length, blobs: (0, 0))
    place = Place.of(world, lambda: asyncio.run(carrying.import_cache(world.cache, path)))
    assert place.until(1_000)
    assert place.wrong()
    monkeypatch.setattr(carrying, "_keep", keep)
    place.act()
    assert place.wrong() == []

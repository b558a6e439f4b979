"""Archives that somebody means ill with are refused whole: nothing of them is kept, whatever is wrong with them.

Unaware of how an archive is read.
"""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from banana_pipe.care import carrying
from banana_pipe.care.archive import NoArchive
from tests.campaigns.care.forge import FORGERS, bits, pack, unpack
from tests.campaigns.projects import seed
from tests.campaigns.score import Line, Tell
from tests.world import CHAIN, World


@pytest.fixture
def good(quick_folder: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """An archive of three pictures."""
    world = a_world(quick_folder / "sender", monkeypatch)
    if not (world.folder.parent / "good.tar").exists():
        world.write(CHAIN)
        assert world.run().exit_code == 0
        carrying.export_cache(world.folder, world.cache, world.folder.parent / "good.tar")
    return (world.folder.parent / "good.tar").read_bytes()


def a_world(folder: Path, patch: pytest.MonkeyPatch) -> World:
    number = 0
    while (folder / str(number)).exists():
        number += 1
    (folder / str(number)).mkdir(parents=True)
    return World(folder / str(number), patch)


def offer(world: World, data: bytes) -> str | None:
    """Offer an archive; why it was refused, None where it was taken."""
    path = world.folder.parent / "offered.tar"
    path.write_bytes(data)
    try:
        world.do(carrying.import_cache(world.cache, path, world.clock))
    except NoArchive as error:
        return error.message
    return None


def files(folder: Path) -> dict[str, bytes]:
    """Everything below *folder*."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_archive_that_all_are_forged_of_is_taken(
    good: bytes, quick_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unpacked and packed again it is byte for byte the same."""
    assert pack(unpack(good)) == good
    assert offer(a_world(quick_folder / "taker", monkeypatch), good) is None


@pytest.mark.parametrize("form", ["short", pytest.param("full", marks=pytest.mark.campaign)])
def test_what_is_forged_is_refused_and_leaves_nothing(
    good: bytes, quick_folder: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell, form: str
) -> None:
    """Into an empty project and into one that has a cache: not a file is made, changed or removed."""
    empty, full = (a_world(quick_folder / form / name, monkeypatch) for name in ("empty", "full"))
    full.write(CHAIN.replace("A mug", "A cup"))
    full.run()
    members, taken, left = unpack(good), [], []
    for name, forge in FORGERS.items():
        data = forge(members)
        for world in (empty, full):
            before = files(world.folder)
            why = offer(world, data)
            taken += [name] if why is None else []
            left += [name] if files(world.folder) != before else []
            assert "\x1b" not in (why or ""), name
    outside = sorted(path.name for path in quick_folder.rglob("*escape*"))
    figure = f"{len(FORGERS)} forged archives, {len(taken)} taken, {len(left)} left a trace"
    line = Line(7, "hostile archives", 2 * len(FORGERS), corrupt=len(taken) + len(left) + len(outside), figure=figure)
    tell(line)
    assert (taken, left, outside) == ([], [], [])
    assert len(FORGERS) >= 30


@pytest.mark.parametrize(
    "cases", [pytest.param(100, id="short"), pytest.param(5_000, id="full", marks=pytest.mark.campaign)]
)
def test_an_archive_with_a_flipped_bit_is_refused(
    good: bytes, quick_folder: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell, cases: int
) -> None:
    """Wherever it is: in headers, in records, in pictures, between them."""
    world, dice = a_world(quick_folder / "bits", monkeypatch), random.Random(seed())
    taken = sum(offer(world, data) is None for data in bits(good, cases, dice))
    line = Line(7, "archives with one flipped bit", cases, corrupt=taken + world.cache.exists())
    tell(line)
    assert line.good, line


def test_the_harness_catches_a_reader_that_asks_too_little(
    good: bytes, quick_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that keeps whatever has the right digest takes a script; the harness sees it taken, and its trace."""
    monkeypatch.setattr(carrying, "_check_side_files", lambda content: None)
    world = a_world(quick_folder / "believing", monkeypatch)
    before = files(world.folder)
    assert offer(world, FORGERS["a blob that is a script"](unpack(good))) is None
    assert files(world.folder) != before


def test_the_ledger_has_a_row_for_every_picture_that_came(
    good: bytes, quick_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its price: what the day's cap and `ledger show` count."""
    world = a_world(quick_folder / "rows", monkeypatch)
    assert offer(world, good) is None
    with closing(sqlite3.connect(world.cache / "ledger.db")) as connection:
        rows = connection.execute("SELECT state, price FROM attempts").fetchall()
    assert rows == [("STORED", 39_000)] * 3

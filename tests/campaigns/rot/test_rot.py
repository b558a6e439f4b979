"""Rot of every kind in a project of many pictures: counted is what was found, what was served, what was healed.

Unaware of how damage is found. What was stored is held in memory: that, and the vendor's bill, is the oracle.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pytest

from banana_pipe.care import verifying
from banana_pipe.errors import StoreError
from banana_pipe.model import Key, Result
from banana_pipe.store import mending
from banana_pipe.store.results import Results
from tests.campaigns.projects import seed
from tests.campaigns.rot.shelf import HAPPENS, TEXTS, Shelf, flip, flip_anywhere, flip_column, swap
from tests.campaigns.score import Line, Tell
from tests.world import TOKEN

FORMS = [pytest.param(30, id="short"), pytest.param(1_000, id="full", marks=pytest.mark.campaign)]


def fill(folder: Path, patch: pytest.MonkeyPatch, pictures: int) -> Shelf:
    folder.mkdir(parents=True)
    return Shelf.fill(folder, patch, pictures)


@pytest.fixture
def place(quick_folder: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of the test's own."""
    name: str = request.node.name
    return quick_folder / name.replace("[", "-").strip("]")


@pytest.mark.parametrize("happens", HAPPENS, ids=lambda happens: happens.__name__)
@pytest.mark.parametrize("pictures", FORMS)
def test_every_blob_that_is_damaged_is_found_never_served_and_healed(
    place: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell, pictures: int, happens: Callable[..., None]
) -> None:
    """Every blob, requests too; without the published files, from links; and with them, without the network."""
    pictures = pictures if happens is flip else max(10, pictures // 10)
    shelf, dice = fill(place, monkeypatch, pictures), random.Random(seed())

    def damage() -> None:
        for path in sorted(shelf.blobs):
            happens(path, dice)

    line = judge(shelf, damage, f"{happens.__name__.replace('_', ' ')}: every blob")
    tell(line)
    assert line.good, line


@pytest.mark.parametrize("pictures", FORMS)
def test_blobs_that_were_swapped_change_places(
    place: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell, pictures: int
) -> None:
    """Nothing is lost: the bytes are all there, under other names."""
    shelf = fill(place, monkeypatch, max(10, pictures // 10))
    line = judge(shelf, lambda: swap(sorted(shelf.blobs)), "swapped: every blob")
    tell(line)
    assert line.good, line


def judge(shelf: Shelf, damage: Callable[[], None], what: str) -> Line:
    """What is found, served and healed of a shelf whose blobs are all damaged, twice.

    First the published pictures are there, and no network; then only links and a manifest are.
    """
    damage()
    missed = shelf.unfound()
    shelf.repair()
    wrong = shelf.wrong()
    damage()
    missed += shelf.unfound()
    shelf.world.out.rename(shelf.world.folder.parent / "kept")
    shelf.run()
    served = [words for words in shelf.wrong() if words.endswith("served")]
    shutil.copy(shelf.world.folder.parent / "kept" / "manifest.json", shelf.world.out / "manifest.json")
    links = sum(one.healed == "from its link" for one in shelf.repair(TOKEN).damage)
    wrong += shelf.wrong()
    cases = 2 * len(shelf.blobs)
    return Line(
        6,
        what,
        cases,
        charged_twice=shelf.charged_twice,
        lost=len(missed) + len(wrong),
        corrupt=len(served) + len(shelf.verify().damage),
        figure=f"{cases - len(missed):,} found, {len(served)} served, {cases - len(wrong):,} healed, {links:,} from links",
    )


@pytest.mark.parametrize("pictures", FORMS)
def test_every_row_of_the_ledger_with_a_flipped_bit_is_found_and_mended(
    place: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell, pictures: int
) -> None:
    """In any of its columns, all rows at once: a run refuses to begin, and after the repair the ledger is what it was."""
    shelf, dice = fill(place, monkeypatch, pictures), random.Random(seed())
    ledger = shelf.world.cache / "ledger.db"
    for seq in range(1, pictures + 1):
        flip_column(ledger, "attempts", seq, TEXTS[seq % len(TEXTS)], dice)
    bad = mending.read_ledger(ledger).bad
    began = shelf.run()
    shelf.repair()
    now = shelf.world.attempts()
    same = sum(one == other for one, other in zip(now, shelf.attempts, strict=True))
    line = Line(
        6,
        "one flipped bit in every row of the ledger",
        pictures,
        charged_twice=shelf.charged_twice,
        lost=pictures - len(bad),
        corrupt=pictures - same + (began is not None),
        figure=f"{len(bad):,} found, {same:,} mended, no run began meanwhile",
    )
    tell(line)
    assert line.good, line


@pytest.mark.parametrize("pictures", FORMS)
def test_every_row_of_the_results_with_a_flipped_bit_is_found_and_rebuilt(
    place: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell, pictures: int
) -> None:
    """In key or value: what the results say then is right or nothing."""
    shelf, dice = fill(place, monkeypatch, pictures), random.Random(seed())
    database = shelf.world.cache / "results" / "cache.db"
    before = mending.read_results(database.parent).results
    for seq in range(1, pictures + 1):
        flip_column(database, "Cache", seq, ("key", "value")[seq % 2], dice)
    file = mending.read_results(database.parent)
    found = len(file.bad) + len(file.astray)
    shelf.run()
    shelf.repair()
    after = mending.read_results(database.parent)
    line = Line(
        6,
        "one flipped bit in every row of the results",
        pictures,
        charged_twice=shelf.charged_twice,
        lost=pictures - found,
        corrupt=len(set(before) ^ set(after.results)) + (not after.good),
        figure=f"{found:,} found, all rebuilt",
    )
    tell(line)
    assert line.good, line


@pytest.mark.parametrize(
    "cases", [pytest.param(300, id="short"), pytest.param(2_000, id="full", marks=pytest.mark.campaign)]
)
def test_a_flipped_bit_anywhere_in_a_database_is_harmless_or_found(
    place: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell, cases: int
) -> None:
    """In pages, headers, indexes, free space: whatever passes the check says what was written, nothing else."""
    shelf, dice = fill(place, monkeypatch, 20), random.Random(seed())
    ledger, results = shelf.world.cache / "ledger.db", shelf.world.cache / "results" / "cache.db"
    known = {one.key: one for one in mending.read_results(results.parent).results}
    whole = {path: path.read_bytes() for path in (ledger, results)}
    found = harmless = wrong = 0
    for number in range(cases):
        path = (ledger, results)[number % 2]
        flip_anywhere(path, whole[path], dice)
        good = _ledger_is_good(path) if path == ledger else mending.read_results(results.parent).good
        if path == ledger:
            said = _attempts(shelf)
            wrong += said not in ([], None) and said != shelf.attempts
            wrong += good and said != shelf.attempts
        else:
            told = _results(results.parent, known)
            wrong += any(got != known[key] for key, got in told.items())
            wrong += good and told != known
        found, harmless = found + (not good), harmless + good
        path.write_bytes(whole[path])
    line = Line(
        6, "one flipped bit anywhere in a database's file", cases, corrupt=wrong,
        figure=f"{found:,} found, {harmless:,} in bytes that say nothing",
    )  # fmt: skip
    tell(line)
    assert line.good, line


def _ledger_is_good(path: Path) -> bool:
    try:
        return mending.read_ledger(path).good
    except StoreError:
        return False


def _attempts(shelf: Shelf) -> object:
    try:
        return shelf.world.attempts()
    except StoreError:
        return None


def _results(folder: Path, keys: Iterable[Key]) -> dict[Key, Result]:
    store = Results(folder)
    try:
        return store.get_many(keys)
    except StoreError:
        return {}
    finally:
        store.close()


def test_the_harness_catches_a_check_that_believes_names(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that takes a blob's name for its digest finds nothing: the line says so."""
    shelf, dice = fill(place, monkeypatch, 4), random.Random(seed())

    def damage() -> None:
        for path in sorted(shelf.blobs):
            flip(path, dice)

    monkeypatch.setattr(verifying, "hash_of", lambda path: path.name)
    line = judge(shelf, damage, "believing names")
    assert line.lost >= 8


def test_the_harness_catches_a_ledger_without_digests(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite alone finds nothing in a row that is merely wrong."""
    shelf, dice = fill(place, monkeypatch, 4), random.Random(seed())
    ledger = shelf.world.cache / "ledger.db"
    for seq in range(1, 5):
        flip_column(ledger, "attempts", seq, "content", dice)
    with closing(sqlite3.connect(ledger)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert len(mending.read_ledger(ledger).bad) == 4

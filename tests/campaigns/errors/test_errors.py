"""Whatever the system refuses, and however often: nothing is paid twice, nothing is lost, and it is said.

Unaware of which acts there are; it counts them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import pytest

from tests.campaigns.errors.refusing import ERRORS, Found, Refusal, points, try_all, try_errand
from tests.campaigns.errors.small_disk import is_there, small_disk
from tests.campaigns.kills import NAIVE, SCENES, Manner, Scene, Station
from tests.campaigns.projects import CHAIN, ONE, seed
from tests.campaigns.score import Line, Tell
from tests.campaigns.watched import sqlite_can_be_told

pytestmark = pytest.mark.skipif(not sqlite_can_be_told(), reason="SQLite is built into this Python, out of reach")

SHORT = (Scene(ONE, "at_once", "never"), Scene(CHAIN, "task", "proven"))
SMALL = Scene(CHAIN, "task", "proven", manner=Manner(png_kb=500))
"""Whose pictures alone fill most of the disks below."""
FRESH = Scene(CHAIN, "task", "never")


def drawn(scenes: Iterable[Scene], station: Station, most: int) -> list[Refusal]:
    lot = random.Random(seed())
    return [refusal for scene in scenes for refusal in points(scene, station, most, lot)]


def line_of(found: Found, what: str) -> Line:
    figure = f"{found.refused:,} refused, {found.failed:,} runs failed by it, {len(found.unclear)} without saying why"
    return Line(2, what, found.cases, *found.verdict.counts, figure)


def test_what_the_system_refuses_the_next_run_makes_good(stations: list[Station], tell: Tell) -> None:
    """A write, a sync, a rename or an open fails, once or from then on, in our files and in SQLite's: every POST
    is recorded, the run says what went wrong, and the next one finishes without paying again."""
    found = try_all(drawn(SHORT, stations[0], 1), stations)
    tell(line_of(found, "the n-th act refused, drawn by lot"))
    assert not found.wrong, "\n".join(found.wrong)
    assert found.refused >= 0.9 * found.cases


@pytest.mark.both
def test_who_cannot_record_does_not_spend(stations: list[Station], tell: Tell) -> None:
    """Where nothing can be written from the first act on, nothing is sent."""
    station = stations[0]
    cases = list(product(ERRORS, ("", "ledger")))
    for number, where in cases:
        project = station.project(FRESH)
        fault = {"number": number, "at": 1, "lasting": True, "where": where}
        ended = station.nursery.send(project.errand(station.vendor, fault=fault))
        assert ended.exit_code == 1 or (not where and ended.exit_code == 2), ended  # 2: the recipe cannot be opened
        assert ended.error
        assert not station.vendor.posts
    tell(Line(2, "nothing can be written from the first act on: nothing is sent", len(cases)))


def test_the_same_refusals_catch_a_naive_store(stations: list[Station]) -> None:
    """A harness that finds nothing is worth what it could find."""
    found = try_all(drawn([NAIVE], stations[0], 4), stations)
    assert found.verdict.charged_twice


SIZES = [round(2**16 * 64 ** (number / 31)) for number in range(32)]
"""Bytes free, from 64 KiB to 4 MiB in equal steps."""
ROOMY = 1 << 27


def tried_on_a_small_disk(sizes: Iterable[int], folder: Path) -> Found:
    if not is_there():
        pytest.skip("no user namespaces here, so no disk of a size of one's own")
    found = Found()
    with small_disk(folder / "disk", ROOMY) as disk, Station(disk.folder, disk.nursery) as station:
        for size in sizes:
            project = station.project(SMALL)
            disk.leave_free(size)
            errand = project.errand(station.vendor)
            found.add(try_errand(errand, f"{size} bytes", SMALL, project, station, lambda: disk.resize(ROOMY)))
    return found


def test_a_full_disk_costs_nothing_once_it_has_grown(quick_folder: Path, tell: Tell) -> None:
    """A run ends in the middle of what it writes, and says that the disk is full; with room the next one goes on."""
    found = tried_on_a_small_disk(SIZES[2::8], quick_folder / "few")
    tell(Line(2, "a full disk of four sizes", found.cases, *found.verdict.counts, f"{found.failed} runs failed by it"))
    assert not found.wrong, "\n".join(found.wrong)
    assert found.failed


@pytest.mark.campaign
def test_a_full_disk_of_every_size(quick_folder: Path, tell: Tell) -> None:
    """The same from 64 KiB to 4 MiB."""
    found = tried_on_a_small_disk(SIZES, quick_folder / "all")
    figure = f"64 KiB to 4 MiB free, then grown: {found.failed} runs failed by it"
    tell(Line(2, "a full disk", found.cases, *found.verdict.counts, figure))
    assert not found.wrong, "\n".join(found.wrong)
    assert 8 <= found.failed < len(SIZES)


@pytest.mark.campaign
def test_every_act_by_lot(stations: list[Station], tell: Tell) -> None:
    """The same in all scenes."""
    found = try_all(drawn(SCENES, stations[0], 4), stations)
    tell(line_of(found, "the n-th write, sync, rename, open refused: 4 errors, once and lasting"))
    assert not found.wrong, "\n".join(found.wrong)
    assert found.refused >= 800

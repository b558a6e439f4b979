"""The power goes: what a run was told is on the disk stays there, and the next run pays nothing twice.

Unaware of what is written when; it cuts a trace of all of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

import pytest

from tests.campaigns.kills import SCENES, Report, Scene, Station
from tests.campaigns.power.cuts import drawn, forgotten, go_on, record
from tests.campaigns.projects import CHAIN, ONE, seed
from tests.campaigns.score import Line, Tell
from tests.campaigns.watched import sqlite_can_be_told

pytestmark = pytest.mark.skipif(not sqlite_can_be_told(), reason="SQLite is built into this Python, out of reach")


SHORT = (Scene(ONE, "at_once", "never"), Scene(CHAIN, "task", "proven"))


@dataclass(slots=True)
class Tried:
    """How many states were read, and from how many a run went on; and what was wrong."""

    states: int = 0
    read: int = 0
    forgotten: list[str] = field(default_factory=list)
    report: Report = field(default_factory=Report)


def tried(scenes: Iterable[Scene], stations: Sequence[Station], folder: Path, *, read: int, run: int) -> Tried:
    """Cut a run of each scene: look at *read* of the states that are left, and go on from *run* of them."""
    free: SimpleQueue[Station] = SimpleQueue()
    for station in stations:
        free.put(station)

    def at_a_station(scene: Scene) -> Tried:
        station, found, lot = free.get(), Tried(), random.Random(f"{seed()} {scene}")
        try:
            recorded = record(scene, station)
            cuts = list(recorded.cuts(lot, 2))
            found.states = len(cuts)
            for cut in drawn(cuts, read, lot):
                found.read += 1
                found.forgotten += forgotten(cut, folder / str(scene))
            for cut in drawn(cuts, run, lot):
                found.report.verdict.add(go_on(cut, station, recorded, found.report))
        finally:
            free.put(station)
        return found

    all_found = Tried()
    with ThreadPoolExecutor(len(stations)) as pool:
        for part in pool.map(at_a_station, scenes):
            all_found.states += part.states
            all_found.read += part.read
            all_found.forgotten += part.forgotten
            all_found.report.cases += part.report.cases
            all_found.report.parked += part.report.parked
            all_found.report.verdict.add(part.report.verdict)
    return all_found


def told(found: Tried, tell: Tell) -> None:
    """Two lines of the report, and all that was wrong."""
    figure = f"of {found.states:,} different states that a cut may leave"
    tell(Line(3, "what the run had been told is in the ledger, its pictures are there", found.read,
              lost=len(found.forgotten), figure=figure))  # fmt: skip
    report = found.report
    figure = f"{report.parked} in doubt without a listing"
    tell(Line(3, "run again from what the cut left", report.cases, *report.verdict.counts, figure))
    wrong = found.forgotten + report.verdict.wrong
    assert not wrong, "\n".join(wrong[:50])


def test_what_was_told_outlives_a_power_cut(stations: list[Station], quick_folder: Path, tell: Tell) -> None:
    """Whatever part of what was not synced got to the disk, torn or out of order: every state of an attempt that the
    run went on from is in the ledger, every picture that is STORED is whole, and the next run pays nothing twice."""
    found = tried(SHORT, stations, quick_folder / "few", read=300, run=12)
    told(found, tell)
    assert found.read >= 400


@pytest.mark.parametrize("what", ["sync", "sync folder"])
def test_a_disk_that_syncs_nothing_is_caught(what: str, stations: list[Station], quick_folder: Path) -> None:
    """A harness that finds nothing is worth what it could find."""
    recorded = record(SHORT[0], stations[0])
    lot = random.Random(seed())
    cuts = list(recorded.cuts(lot, 1, forgets=lambda act: act.what == what))
    assert any(forgotten(cut, quick_folder / "never synced") for cut in drawn(cuts, 120, lot))


@pytest.mark.campaign
def test_every_scene(stations: list[Station], quick_folder: Path, tell: Tell) -> None:
    """The same in all scenes."""
    found = tried(SCENES, stations, quick_folder / "all", read=400, run=60)
    told(found, tell)
    assert found.read >= 4_000
    assert found.report.cases >= 600

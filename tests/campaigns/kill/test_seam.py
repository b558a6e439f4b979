"""The seam in the process reaches what strace sees, and every point of it is survived.

Unaware of what is done there.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.campaigns.errands import Ended
from tests.campaigns.kill import tracing
from tests.campaigns.kill.test_strace import SCENES
from tests.campaigns.kills import NAIVE, Case, Scene, Station, try_all
from tests.campaigns.projects import Project, seed
from tests.campaigns.score import Line, Tell
from tests.campaigns.watched import sqlite_can_be_told

pytestmark = pytest.mark.skipif(not sqlite_can_be_told(), reason="this Python has SQLite built in, out of reach")
strace = pytest.mark.skipif(bool(tracing.why_not()), reason=tracing.why_not())
SHORT = 12


@pytest.mark.both
@strace
def test_the_seam_reaches_every_point_that_strace_finds(stations: list[Station], tell: Tell) -> None:
    """Nothing changes a file without being told before, in the same thread; and there are as many points at least."""
    told = traced = 0
    for scene in SCENES:
        project, log, ended = _traced(stations[0], scene, kill_at_file=0)
        found = tracing.calls_on_files(log, project.root)
        assert tracing.untold(log, project.root) == []
        assert ended.acts >= len(found)
        told, traced = told + ended.acts, traced + len(found)
    figure = f"{told:,} points of the seam, {traced:,} write-like calls on files by strace, none untold"
    tell(Line(1, "the seam in the process beside strace", len(SCENES), figure=figure))


@strace
def test_a_seam_that_tells_nothing_is_found_out(stations: list[Station]) -> None:
    """The comparison can fail: a run that nobody watches has as many calls, all of them untold."""
    project, log, _ = _traced(stations[0], SCENES[0], kill_at_file=None)
    found = tracing.calls_on_files(log, project.root)
    assert len(tracing.untold(log, project.root)) == len([one for one in found if "sync" not in one.name]) > 0


def test_a_kill_at_what_is_done_to_a_file_is_survived(stations: list[Station], tell: Tell) -> None:
    """At some of it, drawn by lot: within SQLite's transactions, too."""
    _try(random.Random(seed()).sample(_cases(SCENES[1], stations[0]), SHORT), stations, tell)


def test_such_kills_catch_a_naive_store(stations: list[Station]) -> None:
    """A harness that finds nothing is worth what it could find."""
    cases = _cases(NAIVE, stations[0])
    report = try_all(random.Random(seed()).sample(cases, 4), stations)
    assert report.verdict.charged_twice


@pytest.mark.campaign
@pytest.mark.parametrize("scene", SCENES[2:], ids=str)
def test_all_that_is_done_to_files(stations: list[Station], tell: Tell, scene: Scene) -> None:
    """At all of it, where strace kills nobody (see `test_strace`)."""
    _try(_cases(scene, stations[0]), stations, tell)


def _try(cases: list[Case], stations: list[Station], tell: Tell) -> None:
    report = try_all(cases, stations)
    figure = f"{report.killed:,} killed, {report.parked} in doubt without a listing"
    what = f"before what is done to files by {cases[0].scene}, SQLite's own included"
    tell(Line(1, what, report.cases, *report.verdict.counts, figure))
    assert not report.verdict.wrong, "\n".join(report.verdict.wrong)
    assert report.killed >= 0.8 * report.cases


def _cases(scene: Scene, station: Station) -> list[Case]:
    project = station.project(scene)
    ended = station.nursery.send(project.errand(station.vendor, what=scene.what, kill_at_file=0))
    assert ended.exit_code == 0, ended
    return [Case(scene, (point,), "kill_at_file") for point in range(1, ended.acts + 1)]


def _traced(station: Station, scene: Scene, *, kill_at_file: int | None) -> tuple[Project, Path, Ended]:
    project = station.project(scene)
    log = project.root.with_suffix(".strace")
    told = tracing.told_to(log, *tracing.CALLS, "access", "faccessat", "faccessat2")
    ended = station.nursery.send(project.errand(station.vendor, strace=told, kill_at_file=kill_at_file))
    assert ended.exit_code == 0, ended
    tracing.hush(log)
    return project, log, ended

"""SIGKILL before every durable act, then run again: nothing is paid twice, nothing is lost.

Unaware of which acts there are; it counts them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from tests.campaigns.kills import NAIVE, SCENES, Case, Report, Scene, Station, points_of, try_all
from tests.campaigns.projects import seed
from tests.campaigns.score import Line, Tell

SHORT = 264
"""Points of the short form: 22 in each of the twelve scenes."""
PAIRS = 300


def drawn(scenes: Iterable[Scene], station: Station, most: int | None) -> list[Case]:
    lot = random.Random(seed())
    return [case for scene in scenes for case in points_of(scene, station.acts(scene), most, lot)]


def line_of(report: Report, what: str) -> Line:
    twice, lost, corrupt = report.verdict.counts
    figure = f"{report.killed:,} killed, {report.parked} in doubt without a listing"
    return Line(1, what, report.cases, twice, lost, corrupt, figure)


def test_whatever_a_kill_cuts_short_the_next_run_finishes_without_paying_again(
    stations: list[Station], tell: Tell
) -> None:
    """With a proven listing every request is charged once and every picture is there; without, no call in
    doubt is made again: the run ends with 6 and names it, and only who agrees pays a second time."""
    report = try_all(drawn(SCENES, stations[0], SHORT // len(SCENES)), stations)
    tell(line_of(report, "before a durable act, drawn by lot"))
    assert not report.verdict.wrong, "\n".join(report.verdict.wrong)
    assert report.killed >= 250
    assert report.parked > 0


def test_the_same_kills_catch_a_naive_store(stations: list[Station]) -> None:
    """A harness that finds nothing is worth what it could find."""
    report = try_all(drawn([NAIVE], stations[0], 8), stations)
    assert report.killed == report.cases
    assert report.verdict.charged_twice


@pytest.mark.campaign
@pytest.mark.parametrize("number", range(3))
def test_every_point(stations: list[Station], tell: Tell, number: int) -> None:
    """The same for all durable acts of all scenes, at vendors of three manners."""
    lot = random.Random(f"{seed()}/{number}")
    report = try_all(drawn([scene.in_manner(lot) for scene in SCENES], stations[0], None), stations)
    tell(line_of(report, f"before every durable act, {number + 1} of 3"))
    assert not report.verdict.wrong, "\n".join(report.verdict.wrong)
    # How many acts a run has depends on which commits go together: the last few are not always reached.
    assert report.killed >= 0.95 * report.cases


@pytest.mark.campaign
def test_killed_and_killed_again(stations: list[Station], tell: Tell) -> None:
    """The run that clears up after a kill may be killed too."""
    lot = random.Random(seed())
    acts = {str(scene): stations[0].acts(scene) for scene in SCENES}
    scenes = lot.choices(SCENES, k=PAIRS)
    most = [acts[str(scene)] for scene in scenes]
    cases = [Case(scene, (lot.randint(1, n), lot.randint(1, n // 2))) for scene, n in zip(scenes, most, strict=True)]
    report = try_all(cases, stations)
    tell(line_of(report, "killed, and killed again while clearing up"))
    assert not report.verdict.wrong, "\n".join(report.verdict.wrong)
    assert report.killed >= PAIRS // 2

"""Killed by the system at each call by which a run changes anything, as strace sees them.

Unaware of what is announced to whom.
"""

from __future__ import annotations

import random

import pytest

from tests.campaigns.kill import tracing
from tests.campaigns.kills import Case, Scene, Station, try_all
from tests.campaigns.projects import CHAIN, MATRIX, ONE, seed
from tests.campaigns.score import Line, Tell

pytestmark = pytest.mark.skipif(bool(tracing.why_not()), reason=tracing.why_not())
SCENES = (
    Scene(ONE, "at_once", "never"),
    Scene(CHAIN, "task", "proven"),
    Scene(CHAIN, "at_once", "proven"),
    Scene(MATRIX, "task", "proven"),
)
SHORT = 6


def test_a_kill_at_a_call_of_the_system_is_survived(stations: list[Station], tell: Tell) -> None:
    """At six of them, drawn by lot."""
    cases = _cases(SCENES[1], stations[0])
    _try(random.Random(seed()).sample(cases, SHORT), stations, tell)


@pytest.mark.campaign
@pytest.mark.parametrize("scene", SCENES[:2], ids=str)
def test_every_call_of_the_system(stations: list[Station], tell: Tell, scene: Scene) -> None:
    """At all of them; for the other scenes the seam in the process does it (see `test_seam`), at a tenth of the price."""
    _try(_cases(scene, stations[0]), stations, tell)


def _try(cases: list[Case], stations: list[Station], tell: Tell) -> None:
    report = try_all(cases, stations)
    figure = f"{report.killed:,} killed, {report.parked} in doubt without a listing"
    tell(
        Line(
            1,
            f"at write-like system calls of {cases[0].scene}, by strace",
            report.cases,
            *report.verdict.counts,
            figure,
        )
    )
    assert not report.verdict.wrong, "\n".join(report.verdict.wrong)
    assert report.killed >= 0.8 * report.cases


def _cases(scene: Scene, station: Station) -> list[Case]:
    project = station.project(scene)
    log = project.root / "strace"
    strace = tracing.told_to(log, *tracing.CALLS)
    ended = station.nursery.send(project.errand(station.vendor, strace=strace))
    assert ended.exit_code == 0, ended
    tracing.hush(log)
    return [Case(scene, (told,), "strace") for told in tracing.points(log)]

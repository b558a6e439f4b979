"""Eight workers at once on recipes that share requests, each ended at a moment drawn by lot.

Unaware of what they are doing then.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import pytest

from tests.campaigns.kill.shop import Shop
from tests.campaigns.kills import Answers, Listing, Report, Station, at_all
from tests.campaigns.projects import Verdict, seed
from tests.campaigns.score import Line, Tell

WORKERS = 8
SHORT, LONG = 8, 1_000
"""Kills that must have happened."""
_Vendors = Sequence[tuple[Answers, Listing]]
_VENDORS: _Vendors = (
    ("task", "proven"),
    ("at_once", "proven"),
    ("task", "never"),
    ("at_once", "never"),
)


@dataclass(frozen=True, slots=True)
class _Round:
    number: int
    answers: Answers
    listing: Listing
    waves: int
    """How many times eight workers are sent, one after the other."""
    span: float
    """Seconds that eight workers need whom nobody ends."""


def test_workers_that_die_at_any_moment_leave_nothing_to_be_paid_twice(stations: list[Station], tell: Tell) -> None:
    """What all of them share is charged once; what is in doubt is left to the user."""
    _try_until(SHORT, 1, _VENDORS[1:3], stations, tell)


@pytest.mark.campaign
def test_a_thousand_workers_die(stations: list[Station], tell: Tell) -> None:
    """The same, for longer."""
    _try_until(LONG, 2, _VENDORS, stations, tell)


def _try_until(kills: int, waves: int, vendors: _Vendors, stations: list[Station], tell: Tell) -> None:
    report, span = Report(), _span(stations[0])
    rounds = (_Round(number, *vendor, waves, span) for number, vendor in enumerate(cycle(vendors)))
    while report.killed < kills:
        report.add(at_all(islice(rounds, len(vendors)), stations, _try))
    figure = f"{report.killed:,} killed, {report.parked} in doubt without a listing"
    tell(Line(1, "eight forked workers, ended at any moment", report.cases, *report.verdict.counts, figure))
    assert not report.verdict.wrong, "\n".join(report.verdict.wrong)


def _span(station: Station) -> float:
    shop = Shop.make(station, "task", "proven")
    began = time.monotonic()
    errands = [project.errand(station.vendor) for _ in range(WORKERS) for project in shop.projects]
    ended = station.nursery.send_all(errands[:WORKERS])
    assert [one.exit_code for one in ended] == [0] * WORKERS, ended
    return time.monotonic() - began


def _try(station: Station, this: _Round, report: Report) -> None:
    lot, verdict = random.Random(f"{seed()}/{this.number}"), Verdict()
    shop = Shop.make(station, this.answers, this.listing)
    for _ in range(this.waves):
        errands = [
            lot.choice(shop.projects).errand(station.vendor, kill_after=lot.uniform(0.001, this.span))
            for _ in range(WORKERS)
        ]
        ended = station.nursery.send_all(errands)
        report.cases += WORKERS
        report.killed += sum(one.exit_code is None for one in ended)
        verdict.corrupt += shop.damage()
    report.parked += shop.finish(station, verdict, listing=this.listing == "proven")
    report.verdict.add(verdict.of(f"round {this.number} ({this.answers}/{this.listing})"))
    shutil.rmtree(shop.projects[0].root)

"""A run to which the system refuses something, and the next one, to which it does not.

Unaware of what is right about a purchase: `Station.next_run` compares what is left with the bill.
"""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tests.campaigns.errands import Ended, Errand
from tests.campaigns.kills import Report, Scene, Station
from tests.campaigns.projects import Project, Verdict, damage, judge
from tests.campaigns.watchers import PLACES, chances

ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EMFILE)
_SQLITES_WORDS = ("disk I/O error", "database or disk is full", "unable to open database file", "readonly database")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The *at*-th act of a run of *scene* at that place that can meet *number* does; *lasting*: and all later ones."""

    scene: Scene
    number: int
    at: int
    lasting: bool
    where: str

    def __str__(self) -> str:
        return f"{self.scene}: {errno.errorcode[self.number]} at {self.where} {self.at}{'+' if self.lasting else ''}"

    @property
    def fault(self) -> dict[str, Any]:
        """For an errand."""
        return {"number": self.number, "at": self.at, "lasting": self.lasting, "where": self.where}


@dataclass(slots=True)
class Found:
    """How many cases there were, in how many the system really refused, and all that is wrong."""

    cases: int = 0
    refused: int = 0
    failed: int = 0
    """Runs that ended with another exit code than 0."""
    parked: int = 0
    unclear: list[str] = field(default_factory=list)
    """Ends without a word about what the system said."""
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def wrong(self) -> list[str]:
        """All of it."""
        return self.verdict.wrong + self.unclear

    def add(self, other: Found) -> None:
        """Take over what *other* found."""
        self.cases += other.cases
        self.refused += other.refused
        self.failed += other.failed
        self.parked += other.parked
        self.unclear += other.unclear
        self.verdict.add(other.verdict)


def points(scene: Scene, station: Station, most: int, lot: random.Random) -> Iterator[Refusal]:
    """*most* acts for each error and place, one-shot and lasting, drawn by lot."""
    project = station.project(scene)
    counting = {"number": ERRORS[0], "at": 0}
    counted = station.nursery.send(project.errand(station.vendor, what=scene.what, fault=counting))
    assert counted.exit_code == 0, counted
    for number, where in product(ERRORS, PLACES):
        every = range(1, chances(counted.met, number, where) + 1)
        for lasting in (False, True):
            for at in sorted(lot.sample(every, min(most, len(every)))):
                yield Refusal(scene, number, at, lasting, where)


def try_all(refusals: Iterable[Refusal], stations: Sequence[Station]) -> Found:
    """Try every one, as many at a time as there are stations."""
    free: SimpleQueue[Station] = SimpleQueue()
    for station in stations:
        free.put(station)

    def at_a_station(refusal: Refusal) -> Found:
        station = free.get()
        try:
            return _try(refusal, station)
        finally:
            free.put(station)

    found = Found()
    with ThreadPoolExecutor(len(stations)) as pool:
        for part in pool.map(at_a_station, refusals):
            found.add(part)
    return found


def _try(refusal: Refusal, station: Station) -> Found:
    project = station.project(refusal.scene)
    errand = project.errand(station.vendor, what=refusal.scene.what, fault=refusal.fault)
    return try_errand(errand, str(refusal), refusal.scene, project, station)


def try_errand(
    errand: Errand, name: str, scene: Scene, project: Project, station: Station, mend: Callable[[], None] | None = None
) -> Found:
    """Do *errand*, which may fail, and judge; then *mend* what made it fail, run again, and judge that."""
    found, verdict, rows_before = Found(cases=1), Verdict(), rows(project)
    try:
        ended = station.nursery.send(errand)
    except AssertionError as bug:  # a traceback
        ended = Ended(None, hit=1)
        verdict.lost.append(f"ended with {str(bug).strip().splitlines()[-1]}")
    found.refused, found.failed = ended.hit > 0, ended.exit_code != 0
    if scene.what == "run" and len(station.vendor.posts) > rows(project) - rows_before:
        verdict.charged_twice.append("a POST is recorded nowhere")
    if ended.exit_code == 0:
        verdict.add(judge(project, station.vendor))
    elif ended.exit_code is not None and not _is_told(ended):
        found.unclear.append(f"{name}: exit {ended.exit_code} with {ended.error!r} and {_said(ended)!r}")
    verdict.corrupt += damage(project.cache, project.out)
    if mend is not None:
        mend()
    report = Report()
    verdict.add(station.next_run(scene, project, report))
    found.parked, found.verdict = report.parked, _named(name, verdict)
    shutil.rmtree(project.root)
    return found


def rows(project: Project) -> int:
    """How many attempts the ledger has, whether or not somebody was writing in it when it ended."""
    with tempfile.TemporaryDirectory() as copy:
        for file in project.cache.glob("ledger.db*"):
            shutil.copy(file, copy)
        if not (Path(copy) / "ledger.db").exists():
            return 0
        with closing(sqlite3.connect(Path(copy) / "ledger.db")) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'attempts'").fetchone():
                return 0
            (count,) = connection.execute("SELECT COUNT(*) FROM attempts").fetchone()
            return int(count)


def _said(ended: Ended) -> str:
    """Everything that the run said about failing."""
    nodes = (node.get("error") for node in ended.answer.get("nodes", []))
    return json.dumps([*nodes, *ended.answer.get("warnings", [])])


def _is_told(ended: Ended) -> bool:
    text = ended.error + _said(ended)
    return any(words in text for words in (*map(os.strerror, ERRORS), *_SQLITES_WORDS))


def _named(name: str, verdict: Verdict) -> Verdict:
    def all_named(words: Sequence[str]) -> list[str]:
        return [f"{name}: {word}" for word in words]

    return Verdict(all_named(verdict.charged_twice), all_named(verdict.lost), all_named(verdict.corrupt))

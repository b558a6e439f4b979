"""Killing runs at their durable acts, and looking at what the next run makes of it.

Unaware of what is right about a purchase: `projects.judge` compares files with the bill.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, get_args

from tests.campaigns.errands import Ended
from tests.campaigns.nursery import Nursery
from tests.campaigns.projects import CHAIN, MATRIX, ONE, Project, Shape, Verdict, damage, judge
from tests.canary import CANARY
from tests.vendor import Fault, VendorProcess

C = TypeVar("C")
Answers = Literal["task", "at_once"]
Listing = Literal["proven", "never"]

_BEFORE = Shape(
    "before",
    """
    version: 1
    steps:
      first: {generate: Something bought before}
      second: {generate: Something that never arrived}
    """,
    {},
)


@dataclass(frozen=True, slots=True)
class Manner:
    """What a vendor may do this way or that: the fields of its Behaviour."""

    inline: bool = False
    delay: float = 0.0
    png_kb: int = 0
    page_limit: int = 0
    count: Literal["page", "total"] = "total"

    @classmethod
    def drawn(cls, lot: random.Random) -> Self:
        """One by lot."""
        return cls(
            inline=lot.random() < 0.3,
            delay=lot.choice((0.0, 0.03, 0.06)),
            png_kb=lot.choice((0, 0, 40)),
            page_limit=lot.choice((0, 2, 3)),
            count=lot.choice(("page", "total")),
        )


@dataclass(frozen=True, slots=True)
class Scene:
    """What is run against whom. `listing`: proven by an earlier run, or never offered."""

    shape: Shape
    answers: Answers
    listing: Listing
    what: Literal["run", "naive"] = "run"
    manner: Manner = Manner()

    def __str__(self) -> str:
        return f"{self.shape.name}/{self.answers}/{self.listing}"

    def in_manner(self, lot: random.Random) -> Scene:
        """The same at a vendor whose manner is drawn by lot."""
        return replace(self, manner=Manner.drawn(lot))


SCENES = tuple(
    Scene(shape, answers, listing)
    for shape in (ONE, CHAIN, MATRIX)
    for answers in get_args(Answers)
    for listing in get_args(Listing)
)
NAIVE = Scene(CHAIN, "at_once", "proven", "naive")


@dataclass(frozen=True, slots=True)
class Case:
    """A scene, and where each of its first runs is killed: by default the act before which."""

    scene: Scene
    points: tuple[Any, ...]
    how: Literal["kill_at", "kill_at_file", "kill_after", "strace"] = "kill_at"
    """The field of an errand that takes a point."""

    def __str__(self) -> str:
        return f"{self.scene} {self.how} {'+'.join(map(str, self.points))} ({self.scene.manner})"


@dataclass(slots=True)
class Report:
    """How many cases there were, how many children really died, and all that is wrong."""

    cases: int = 0
    killed: int = 0
    parked: int = 0
    verdict: Verdict = field(default_factory=Verdict)

    def add(self, other: Report) -> None:
        """Take over what *other* says."""
        self.cases += other.cases
        self.killed += other.killed
        self.parked += other.parked
        self.verdict.add(other.verdict)


class Station:
    """A vendor and a nursery of their own (or one that runs already), and caches in which the vendor's listing is proven."""

    def __init__(self, folder: Path, nursery: Nursery | None = None) -> None:
        self._folder = folder
        self._nursery = nursery
        self._numbers = count()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.vendor = self._stack.enter_context(VendorProcess(token=CANARY))
        self.nursery = self._nursery or self._stack.enter_context(Nursery())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def project(self, scene: Scene) -> Project:
        """A new project, and a vendor who remembers nothing; as a user has it who was here before, if proven."""
        proven = self._proven if scene.listing == "proven" else None
        listing = "at_once" if scene.listing == "proven" else "never"
        self.vendor.behave(answers=scene.answers, listing=listing, **asdict(scene.manner))
        self.vendor.reset()
        project = Project.make(self._folder / str(next(self._numbers)), scene.shape)
        if proven is not None and scene.what == "run":
            shutil.copytree(proven, project.cache)
        return project

    def acts(self, scene: Scene) -> int:
        """How many durable acts a run of *scene* has that nobody kills."""
        project = self.project(scene)
        ended = self.nursery.send(project.errand(self.vendor, what=scene.what))
        assert ended.exit_code == 0, ended
        return ended.acts

    @cached_property
    def _proven(self) -> Path:
        """A cache whose ledger knows that the listing shows our tasks.

        That is what a user has after any run in which an answer went missing once: the look-up that
        followed was shown the task of a call whose answer had come.
        """
        self.vendor.behave(answers="task", listing="at_once", **asdict(Manner()))
        self.vendor.reset()
        self.vendor.fault("submit", Fault("reset_before", match="never arrived"))
        project = Project.make(self._folder / "before", _BEFORE)
        ended = self.nursery.send(project.errand(self.vendor, pace={"calls": 1}))
        assert ended.exit_code == 0, ended
        return project.cache

    def try_case(self, case: Case, report: Report) -> None:
        """Kill as *case* wants it, run again, and add to *report* what came of it."""
        project = self.project(case.scene)
        died = 0
        verdict = Verdict()
        for point in case.points:
            ended = self.nursery.send(project.errand(self.vendor, what=case.scene.what, **{case.how: point}))
            died += ended.exit_code is None
            verdict.corrupt += damage(project.cache, project.out)
        verdict.add(self.next_run(case.scene, project, report))
        report.cases += 1
        report.killed += died == len(case.points)
        report.verdict.add(verdict.of(str(case)))
        shutil.rmtree(project.root)

    def next_run(self, scene: Scene, project: Project, report: Report) -> Verdict:
        """Run *project* again, and compare what came of it with the bill; in doubt, with consent once more."""
        doubts = doubts_of(project) if scene.listing == "never" else {}
        # Whoever asks for the books has also waited for what a dead client left in the vendor's ear.
        assert len(self.vendor.charges) <= len(self.vendor.posts)
        ended = self.nursery.send(project.errand(self.vendor, what=scene.what))
        if not doubts:
            return judge_ended(ended, project, self.vendor)
        report.parked += 1
        return self._judge_doubts(doubts, ended, project)

    def _judge_doubts(self, doubts: dict[str, str], ended: Ended, project: Project) -> Verdict:
        """Without a listing a doubt stays one, until somebody agrees to pay again."""
        verdict = Verdict()
        posts = Counter(post.body["prompt"] for post in self.vendor.posts)
        verdict.charged_twice += [f"{prompt!r} was sent {times} times" for prompt, times in posts.items() if times > 1]
        if ended.exit_code != 6:
            verdict.lost.append(f"in doubt, and exit code {ended.exit_code} instead of 6: {ended.error}")
        verdict.lost += [f"{node} is not parked" for node in doubts if ended.statuses.get(node) != "parked"]
        agreed = self.nursery.send(project.errand(self.vendor, consent={"retry_unknown": True}))
        verdict.add(judge_ended(agreed, project, self.vendor, doubted=prompts_of(project, doubts)))
        return verdict


def judge_ended(ended: Ended, project: Project, vendor: VendorProcess, *, doubted: Iterable[str] = ()) -> Verdict:
    verdict = judge(project, vendor, doubted=doubted)
    if ended.exit_code != 0:
        verdict.lost.append(f"exit code {ended.exit_code}: {ended.error} {ended.statuses}")
    elif ended.after and not ended.nothing_left:
        verdict.lost.append("there is something left to do")
    return verdict


def doubts_of(project: Project) -> dict[str, str]:
    """Node → state of every attempt of which nobody knows whether it was received."""
    copy = project.root / "copy"
    copy.mkdir(exist_ok=True)
    # A journal that a killed process left is rolled back by whoever reads: not by us, before the next run.
    for file in project.cache.glob("ledger.db*"):
        shutil.copy(file, copy)
    if not (copy / "ledger.db").exists():
        return {}
    with closing(sqlite3.connect(copy / "ledger.db")) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'attempts'").fetchone():
            return {}
        rows = connection.execute("SELECT state, content FROM attempts WHERE state IN ('INTENT', 'UNKNOWN')")
        return {json.loads(content)["node"]: state for state, content in rows}


def prompts_of(project: Project, nodes: Iterable[str]) -> list[str]:
    """What these nodes ask for: `scene[place=sea,light=day]` is published as `scene/sea/day`."""
    return [project.shape.pictures[path_of(node)] for node in nodes]


def path_of(node: str) -> str:
    step, _, axes = node.rstrip("]").partition("[")
    return "/".join([step, *(axis.partition("=")[2] for axis in axes.split(",") if axis)])


def points_of(scene: Scene, acts: int, most: int | None, lot: random.Random) -> Iterator[Case]:
    """*most* of the points of *scene*, drawn by lot (None: all of them)."""
    every = range(1, acts + 1)
    for point in every if most is None else sorted(lot.sample(every, min(most, acts))):
        yield Case(scene, (point,))


def try_all(cases: Iterable[Case], stations: Sequence[Station]) -> Report:
    """Try every case, as many at a time as there are stations."""
    return at_all(cases, stations, Station.try_case)


def at_all(cases: Iterable[C], stations: Sequence[Station], try_one: Callable[[Station, C, Report], None]) -> Report:
    """Have each case tried at a station that is free, and add up what the reports say."""
    free: SimpleQueue[Station] = SimpleQueue()
    for station in stations:
        free.put(station)

    def at_a_station(case: C) -> Report:
        station, part = free.get(), Report()
        try:
            try_one(station, case, part)
        finally:
            free.put(station)
        return part

    report = Report()
    with ThreadPoolExecutor(len(stations)) as pool:
        for part in pool.map(at_a_station, cases):
            report.add(part)
    return report

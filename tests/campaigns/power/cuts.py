"""A run whose power is cut at every act: what it had been told is there, and the next run pays nothing twice.

Unaware of what a crash leaves of files: that is `crash`. A run is done once, and its trace is cut afterwards.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from banana_pipe.clock import SystemClock
from banana_pipe.errors import StoreError
from banana_pipe.model import Attempt
from banana_pipe.store.ledger import Ledger
from tests.campaigns.kills import Report, Scene, Station
from tests.campaigns.power.crash import Disk, Tree, tree_of, write_tree
from tests.campaigns.projects import Project, Verdict
from tests.campaigns.watched import Act
from tests.campaigns.watchers import PLACES, Mark, place_of, read_trace

Forgets = Callable[[Act], bool]
"""Which acts never reach the disk: for harnesses that must be seen to fail."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A moment of a run, and a state in which its power being cut then may leave the disk."""

    scene: Scene
    at: int
    """After how many lines of the trace."""
    place: str
    """Where the last act was: see `watchers.PLACES`."""
    tree: Tree
    posts: tuple[str, ...]
    """The prompts that were sent until then."""
    known: Mapping[str, Sequence[str]]
    """Attempt → the states that it may be in: the last one that the run was told of, and all later ones."""

    def __str__(self) -> str:
        return f"{self.scene} cut at {self.at}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run that nobody cut, and what was there before it."""

    scene: Scene
    root: Path
    before: Tree
    trace: Sequence[Act | Mark]
    rows: Mapping[str, Sequence[str]]
    """The attempts that were there before."""

    def cuts(self, lot: random.Random, most: int, forgets: Forgets = lambda _: False) -> Iterator[Cut]:
        """At every act: what is left if nothing, or all, or in *most* ways some of what was not synced got there.

        Equal ones are given once.
        """
        disk, seen = Disk(self.before, self.root), set[int]()
        posts: tuple[str, ...] = ()
        told: dict[str, int] = {}
        states = self._states()
        for at, line in enumerate(self.trace, 1):
            place = place_of(line.path) if isinstance(line, Act) else "ledger"
            if isinstance(line, Act):
                if not forgets(line):
                    disk.do(line)
            elif line.what == "post":
                posts = (*posts, line.about)
            else:
                told[line.about] = told.get(line.about, -1) + 1
            known = {**self.rows, **{name: states[name][last:] for name, last in told.items()}}
            for fate in disk.fates(lot, most):
                tree = disk.crash(fate)
                same = hash((tuple(tree.items()), posts, tuple(told.items())))
                if same not in seen:
                    seen.add(same)
                    yield Cut(self.scene, at, place, tree, posts, known)

    def _states(self) -> Mapping[str, list[str]]:
        """Every attempt of the run with the states that it was told of, in order."""
        states: dict[str, list[str]] = {}
        for line in self.trace:
            if isinstance(line, Mark) and line.what == "known":
                states.setdefault(line.about, []).append(line.state)
        return states


def record(scene: Scene, station: Station) -> Recorded:
    """Run *scene* from its beginning to its end. The vendor keeps what he sold."""
    project = station.project(scene)
    before, rows = tree_of(project.root), {one.id: [one.state] for one in _ledger(project.cache)}
    trace = project.root.with_suffix(".trace")
    ended = station.nursery.send(project.errand(station.vendor, trace=str(trace)))
    assert ended.exit_code == 0, ended
    station.vendor.keep()
    return Recorded(scene, project.root, before, read_trace(trace), rows)


def drawn(cuts: Sequence[Cut], most: int, lot: random.Random) -> list[Cut]:
    """*most* of *cuts*, from each of PLACES as many."""
    by_place = [[cut for cut in cuts if cut.place == place] for place in PLACES]
    return [cut for some in by_place for cut in lot.sample(some, min(len(some), most // len(PLACES)))]


def forgotten(cut: Cut, folder: Path) -> list[str]:
    """What the run had been told of and the disk does not know, found by reading it in *folder*."""
    shutil.rmtree(folder, ignore_errors=True)
    cache = {path.removeprefix("cache/"): data for path, data in cut.tree.items() if path.startswith("cache/ledger.db")}
    write_tree(cache, folder)
    try:
        rows = {one.id: one for one in _ledger(folder)}
    except StoreError as error:
        return [f"{cut}: {error.message}"]
    lost = [
        f"{cut}: {name} is {rows[name].state if name in rows else 'not there'} instead of {states[0]}"
        for name, states in cut.known.items()
        if name not in rows or rows[name].state not in states
    ]
    return lost + [f"{cut}: the picture of {one.node}" for one in rows.values() if not _is_kept(one, cut.tree)]


def _ledger(cache: Path) -> list[Attempt]:
    ledger = Ledger(cache / "ledger.db", SystemClock())
    try:
        return asyncio.run(ledger.all_attempts())
    finally:
        ledger.close()


def _is_kept(attempt: Attempt, tree: Tree) -> bool:
    """Whether the bytes of what is STORED are there."""
    if attempt.state != "STORED" or attempt.artifact is None:
        return True
    digest = attempt.artifact.digest
    data = tree.get(f"cache/blobs/{digest[:2]}/{digest}")
    return data is not None and sha256(data).hexdigest() == digest


def go_on(cut: Cut, station: Station, recorded: Recorded, report: Report) -> Verdict:
    """Run again from what *cut* left, at a vendor who has received as much as he had then."""
    report.cases += 1
    project = Project(recorded.root, cut.scene.shape)
    shutil.rmtree(recorded.root)
    write_tree(cut.tree, recorded.root)
    station.vendor.rewind(cut.posts)
    verdict = station.next_run(cut.scene, project, report)
    return Verdict(
        *([f"{cut}: {word}" for word in way] for way in (verdict.charged_twice, verdict.lost, verdict.corrupt))
    )

"""Many workers at the same keys, and whoever has a key's lock is killed: nobody pays twice, no lock stays behind.

Unaware of how a lock is made; an errand knows whether it has one.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.campaigns.kills import Answers, Scene, Station
from tests.campaigns.projects import Verdict, judge, seed
from tests.campaigns.score import Line, Tell
from tests.campaigns.together.test_together import FIFTY, some_of
from tests.store.children import end, go_on, line, start

KEYS = 20
SHAPE = some_of(FIFTY, KEYS)


def test_a_holder_that_is_killed_costs_nobody_anything(stations: list[Station], tell: Tell) -> None:
    """Twenty requests are charged twenty times, whoever died."""
    _try(stations[0], tell, workers=12, rounds=2)


@pytest.mark.campaign
def test_a_thousand_requests_among_thirty_two_workers(stations: list[Station], tell: Tell) -> None:
    """32 workers, 20 keys, 50 rounds, a holder killed in each: exactly 1,000 charges."""
    assert _try(stations[0], tell, workers=32, rounds=50) == 1_000


def _try(station: Station, tell: Tell, *, workers: int, rounds: int) -> int:
    verdict, charges, killed = Verdict(), 0, 0
    for number in range(rounds):
        lot = random.Random(f"{seed()}/{number}")
        found, paid, died = _round(station, lot, workers, "at_once" if number % 2 else "task")
        verdict.add(found.of(f"round {number}"))
        charges += paid
        killed += died > 0
    figure = f"{charges:,} charges for {rounds * KEYS:,} requests; a holder was killed in {killed} rounds"
    tell(Line(5, f"{workers} workers on {KEYS} keys", rounds, *verdict.counts, figure))
    assert not verdict.wrong, "\n".join(verdict.wrong)
    assert killed == rounds
    return charges


def _round(station: Station, lot: random.Random, workers: int, answers: Answers) -> tuple[Verdict, int, int]:
    project = station.project(Scene(SHAPE, answers, "proven"))
    # The first has locks before the others begin, and dies when one of them wants what it has. Whether more die
    # is left to chance: on a busy machine one worker can have every lock, and be one that lives.
    doomed = lot.sample(range(1, workers), workers // 2)
    points = {0: lot.randint(1, 60)} | {worker: lot.randint(1, 12) for worker in doomed}
    errands = [
        project.errand(station.vendor, kill_holding=points.get(worker, 0), leads=worker == 0)
        for worker in range(workers)
    ]
    ended = station.nursery.send_all(errands)
    verdict = judge(project, station.vendor)
    codes = Counter(one.exit_code for one in ended)
    died = codes.pop(None, 0)
    if set(codes) - {0} or died > len(points):
        verdict.lost.append(f"exit codes {codes}, {died} killed")
    again = station.nursery.send(project.errand(station.vendor))
    if set(again.statuses.values()) != {"cached"}:
        verdict.lost.append(f"something was left to do: {again.statuses}")
    if left := list((project.cache / "locks").iterdir()):
        verdict.corrupt.append(f"locks were left behind: {left}")
    charges = len(station.vendor.charges)
    shutil.rmtree(project.root)
    return verdict, charges, died


TAKE = """
import random, sys
from pathlib import Path
from banana_pipe.canonical import digest_of
from banana_pipe.model import Key
from banana_pipe.store.keylock import KeyLocks

locks, keys = KeyLocks(Path(sys.argv[1])), list(range(int(sys.argv[2])))
random.Random(sys.argv[3]).shuffle(keys)
print("ready", flush=True)
input()
for number in keys:
    lock = locks.try_take(Key(digest_of(str(number).encode())))
    if lock is not None:
        lock.__exit__()
"""


@pytest.mark.parametrize("keys", [1_000, pytest.param(100_000, marks=pytest.mark.campaign)])
def test_keys_leave_no_lock_files_behind(quick_folder: Path, tell: Tell, keys: int) -> None:
    """Two processes take and give back every one, each in an order of its own: the folder is empty."""
    locks = quick_folder / f"locks-{keys}"
    children = [start(TAKE, locks, keys, seed() + number) for number in range(2)]
    for child in children:
        assert line(child) == "ready"
    for child in children:
        go_on(child)
    for child in children:
        end(child)
    left = list(locks.iterdir())
    tell(Line(5, "locks taken and given back by two processes", keys, corrupt=len(left)))
    assert left == []

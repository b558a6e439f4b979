"""What may be spent, in calls and in money, by a run and on a day: never more at any interleaving, and all of it.

Unaware of how the ledger counts: its rows are added up here, and the vendor's bill.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from banana_pipe.model import ACTIVE, COUNTED, Attempt, Budget
from banana_pipe.prices import MICROS
from banana_pipe.store import attempts
from tests.campaigns.kills import Scene, Station
from tests.campaigns.projects import Project, damage, seed
from tests.campaigns.score import Line, Tell
from tests.campaigns.together.spenders import Dies, Spenders, Wish
from tests.campaigns.together.test_together import FIFTY, PROCESSES
from tests.store.attempts import NOW

A_DAY = 86_400
SPENDERS = 3
BUDGET = Budget(max_calls=4, max_cost=250_000, max_calls_per_day=6, max_cost_per_day=400_000)
PER_RUN, PER_DAY = 4, 10


@pytest.fixture(scope="module")
def spenders() -> Iterator[Spenders]:
    with Spenders(SPENDERS, BUDGET) as running:
        yield running


class Spending(RuleBasedStateMachine):
    """Processes that reserve at the same time, die over it, and learn how their calls ended."""

    def __init__(self, spenders: Spenders, folder: Path, tried: Counter[str]) -> None:
        super().__init__()
        self._spenders = spenders
        self._folder = tempfile.TemporaryDirectory(dir=folder)
        self._ledger = Path(self._folder.name) / "ledger.db"
        self._tried = tried
        self._number = 0

    @rule(
        drawn=st.lists(
            st.tuples(
                st.sampled_from("xy"),
                st.integers(0, 120_000),
                st.integers(0, 1),
                st.sampled_from(["never", "never", "never", "begin", "commit", "afterwards"]),
            ),
            min_size=1,
            max_size=SPENDERS,
        )
    )
    def reserve(self, drawn: list[tuple[str, int, int, Dies]]) -> None:
        wishes = []
        for run, price, day, dies in drawn:
            self._number += 1
            # A run that goes on after midnight counts as one.
            wishes.append(Wish(str(self._number), run, price, NOW + A_DAY * day, dies))
        answers = self._spenders.reserve(self._ledger, wishes)
        self._tried.update(answers)
        there = {one.id for one in self.rows()}
        for wish, answer in zip(wishes, answers, strict=True):
            if answer == "reserved" or (answer, wish.dies) == ("died", "afterwards"):
                assert wish.id in there
            elif answer != "died":
                assert self.would_break(wish), "refused only where a cap would break"
                assert wish.id not in there

    @precondition(lambda self: self.open_ones())
    @rule(
        spender=st.integers(0, SPENDERS - 1),
        number=st.integers(0, 99),
        state=st.sampled_from(["FAILED", "REFUSED", "NOT_SENT", "SUCCEEDED", "ABANDONED"]),
    )
    def end(self, spender: int, number: int, state: str) -> None:
        standing = self.open_ones()
        self._spenders.end(spender, self._ledger, standing[number % len(standing)].id, state)
        self._tried["ended"] += 1

    @invariant()
    def no_cap_is_broken(self) -> None:
        for wish in (Wish("", run, 0, NOW + A_DAY * day) for run in "xy" for day in range(2)):
            run, on_day = self.spent(wish)
            assert run[0] <= 4
            assert run[1] <= 250_000
            assert on_day[0] <= 6
            assert on_day[1] <= 400_000

    def would_break(self, wish: Wish) -> bool:
        run, day = self.spent(wish)
        return run[0] >= 4 or run[1] + wish.price > 250_000 or day[0] >= 6 or day[1] + wish.price > 400_000

    def spent(self, wish: Wish) -> tuple[tuple[int, int], tuple[int, int]]:
        counted = [one for one in self.rows() if one.state in COUNTED]
        run = [one.price or 0 for one in counted if one.run_id == wish.run_id]
        day = [one.price or 0 for one in counted if one.created_at // A_DAY == wish.created_at // A_DAY]
        return (len(run), sum(run)), (len(day), sum(day))

    def open_ones(self) -> list[Attempt]:
        return [one for one in self.rows() if one.state == "INTENT" and one.state in ACTIVE]

    def rows(self) -> list[Attempt]:
        if not self._ledger.exists():
            return []
        with closing(sqlite3.connect(self._ledger)) as connection:
            return attempts.all_attempts(connection) if attempts.schema_is_there(connection) else []

    def teardown(self) -> None:
        self._folder.cleanup()


def test_no_interleaving_of_processes_breaks_a_cap(spenders: Spenders, quick_folder: Path, tell: Tell) -> None:
    """Whoever reserves, dies or ends when: never above a cap, and refused only where the next call would be."""
    _interleave(spenders, quick_folder, tell, examples=12)


@pytest.mark.campaign
def test_many_interleavings(spenders: Spenders, quick_folder: Path, tell: Tell) -> None:
    """The same, for longer."""
    _interleave(spenders, quick_folder, tell, examples=300)


def _interleave(spenders: Spenders, folder: Path, tell: Tell, *, examples: int) -> None:
    tried = Counter[str]()
    run_state_machine_as_test(
        lambda: Spending(spenders, folder, tried),  # type: ignore[arg-type] # it takes what makes one
        # Which process is first cannot be drawn again, so nothing is made smaller.
        settings=settings(max_examples=examples, stateful_step_count=12, phases=[Phase.generate]),
    )
    refused = tried["run"] + tried["day"]
    figure = f"{tried['reserved']:,} reserved, {refused:,} refused, {tried['died']:,} died; never above a cap"
    tell(Line(5, "steps of processes that share a budget", sum(tried.values()), figure=figure))
    assert refused
    assert tried["died"]


# --- real runs ----------------------------------------------------------------------------------


@pytest.mark.both
@pytest.mark.parametrize("cap", ["max_calls", "max_cost", "max_calls_per_day", "max_cost_per_day"])
def test_eight_runs_spend_exactly_what_they_may(stations: list[Station], tell: Tell, cap: str) -> None:
    """Fifty are wanted: each run gets its four, or all of them their ten; in money it is the same."""
    project = stations[0].project(Scene(FIFTY, "task", "proven"))
    ended = stations[0].nursery.send_all(_errands(stations[0], project, cap))
    allowed = PER_DAY if "day" in cap else PER_RUN * PROCESSES
    charges = len(stations[0].vendor.charges)
    tell(Line(5, f"eight processes and {cap}", PROCESSES, figure=f"{charges} charges, {allowed} allowed"))
    assert [one.exit_code for one in ended] == [3] * PROCESSES, ended
    assert charges == allowed
    assert sum(one.answer["totals"]["called"] for one in ended) == allowed
    if "day" not in cap:
        assert [one.answer["totals"]["called"] for one in ended] == [PER_RUN] * PROCESSES


@pytest.mark.campaign
@pytest.mark.parametrize("cap", ["max_calls", "max_cost", "max_calls_per_day", "max_cost_per_day"])
def test_runs_that_are_killed_spend_no_more_than_they_may(stations: list[Station], tell: Tell, cap: str) -> None:
    """Three of eight die somewhere: by the vendor's bill nobody was allowed more for it."""
    most, killed, rounds = 0, 0, 15
    for number in range(rounds):
        lot = random.Random(f"{seed()}/{cap}/{number}")
        project = stations[0].project(Scene(FIFTY, "task", "proven"))
        doomed = {worker: lot.randint(10, 80) for worker in lot.sample(range(PROCESSES), 3)}
        ended = stations[0].nursery.send_all(_errands(stations[0], project, cap, doomed))
        killed += sum(one.exit_code is None for one in ended)
        most = max(most, len(stations[0].vendor.charges))
        assert {one.exit_code for one in ended} <= {None, 3, 6}, ended
        assert damage(project.cache, project.out) == []
        assert set(Counter(charge.wire for charge in stations[0].vendor.charges).values()) == {1}
    allowed = PER_DAY if "day" in cap else PER_RUN * PROCESSES
    figure = f"{killed} killed, at most {most} charges, {allowed} allowed"
    tell(Line(5, f"eight processes and {cap}, three to be killed", rounds, figure=figure))
    assert most <= allowed


def _errands(station: Station, project: Project, cap: str, doomed: dict[int, int] | None = None) -> list[Any]:
    calls = PER_DAY if "day" in cap else PER_RUN
    price = _price(station, project)
    # One more micro-dollar, and it would be enough for another.
    amount = calls if "calls" in cap else price * (calls + 1) - 1
    # What was done to prove the listing was done today, too.
    if "day" in cap:
        amount += 2 if "calls" in cap else 2 * price
    return [
        project.errand(
            station.vendor,
            out=str(project.out.with_name(f"fifty{number}")),
            budget={cap: amount},
            kill_at=(doomed or {}).get(number, 0),
        )
        for number in range(PROCESSES)
    ]


def _price(station: Station, project: Project) -> int:
    planned = station.nursery.send(project.errand(station.vendor, what="plan"))
    return round(float(planned.answer["nodes"][0]["cost_usd"]) * MICROS)

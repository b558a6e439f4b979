"""`run --watch`: what a run would buy is shown after every save, and bought when somebody says so.

Unaware of how recipes are read, planned and run.

Nothing is bought that was not shown: a key is about the plan that stands on the screen, and where the files say
something else by then, that is shown first. A limit that the command line agrees to is for the whole watch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from banana_pipe.cli.errors import EXIT_INTERRUPTED, show_error
from banana_pipe.cli.keys import GONE, Keys, pause
from banana_pipe.cli.options import Call, shown_path
from banana_pipe.cli.plans import total_lines
from banana_pipe.cli.table import Cell, Column, table
from banana_pipe.cli.words import MOST_NAMED, STATES, amount, count, reason_words
from banana_pipe.errors import BananaError
from banana_pipe.model import Budget, Plan, PlannedNode, Run
from banana_pipe.prices import show_usd
from banana_pipe.watching import Sight, Watched, first, is_record, look, saved, still

INTERVAL = 0.3
"""Seconds between two looks at the files."""
_SETTLED = 0.1
"""Seconds in which nothing more is saved: editors write several files, and some of them twice."""
_MOST_WAITS = 20
"""What is written all the time would never be looked at, and no key be heard."""
_RUN = ("r", "\n")
_QUIT = ("q", GONE)
_COLUMNS = (Column("", gives=0), Column("", gives=1), Column("", gives=2, prose=True), Column("", right=True))


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the recipe: its plan, or why there is none; and what to look at from now on."""

    watched: Watched
    plan: Plan | None = None
    error: BananaError | None = None


class Work(Protocol):
    """What a watch has others do."""

    def read(self, before: Watched) -> Reading:
        """Read the recipe and plan it; *before* is what it was read from last."""

    def show(self, plan: Plan) -> None:
        """Show a plan in full."""

    def run(self, shown: Plan, budget: Budget, is_current: Callable[[], bool]) -> Run | None:
        """Run what was *shown*; None where that is not what the files say any more. Raises BananaError.

        *is_current*, asked once the recipe was read again: whether nobody has saved anything since it was shown.
        """


@dataclass(slots=True)
class Purse:
    """What may be spent: *agreed*, by the command line and for the whole watch; else by each key, for one run."""

    budget: Budget
    agreed: bool
    calls: int = 0
    cost: int = 0
    is_empty: bool = False

    @property
    def left(self) -> Budget:
        """What the next run may spend."""
        if not self.agreed:
            return self.budget
        calls, cost = self.budget.max_calls, self.budget.max_cost
        return replace(
            self.budget,
            max_calls=None if calls is None else max(0, calls - self.calls),
            max_cost=None if cost is None else max(0, cost - self.cost),
        )

    def pay(self, run: Run) -> None:
        """Count what its own caps counted of *run*."""
        calls, cost = run.against_caps
        self.calls += calls
        self.cost += cost
        left = self.left
        self.is_empty = self.agreed and (run.cap == "run" or 0 in (left.max_calls, left.max_cost))


class Watch:
    """One watch, from the first plan until somebody quits.

    *only_plans*: nothing is run, whatever key is pressed.
    """

    def __init__(self, call: Call, work: Work, keys: Keys, purse: Purse, *, only_plans: bool) -> None:
        self._call = call
        self._work = work
        self._keys = keys
        self._purse = purse
        self._only_plans = only_plans
        self._shown: Plan | None = None
        """The plan on the screen; None while the recipe cannot be read."""
        self._last: Plan | None = None
        """The last plan that there was."""
        self._watched = first(call.recipe)
        self._seen: Sight = {}
        self._is_due = False
        """Whether there is a plan that no run was tried of: what failed is not tried again by itself."""

    def go_on(self) -> int:
        """Watch until somebody quits: the exit code."""
        self._look_anew([])
        while True:
            agreed = self._shown if self._purse.agreed and self._is_due and self._runs else None
            if agreed is not None and self._buy(agreed) == EXIT_INTERRUPTED:
                return EXIT_INTERRUPTED
            key = self._keys.wait(INTERVAL)
            if key in _QUIT:
                return 0
            now = self._settled()
            if files := saved(self._seen, now):
                if key in _RUN:
                    self._say("saved meanwhile: look again before it is run")
                self._look_anew(files)
            elif key in _RUN and self._asked() == EXIT_INTERRUPTED:
                return EXIT_INTERRUPTED

    # --- looking ---

    def _is_current(self) -> bool:
        """Whether what is on the screen was made of the files as they are."""
        return not saved(self._seen, look(self._watched))

    def _settled(self) -> Sight:
        """The files as they stand, once nobody writes them any more."""
        now = look(self._watched)
        if not saved(self._seen, now):
            return now
        for _ in range(_MOST_WAITS):
            pause(_SETTLED)
            before, now = now, look(self._watched)
            if now == before:
                break
        return now

    def _look_anew(self, files: Sequence[Path]) -> None:
        if files:
            self._say(f"{_named(files)} saved")
        reading = self._read()
        self._is_due = True
        if reading.error is not None:
            show_error(self._call.err, reading.error)
        elif reading.plan is not None:
            self._show(reading.plan)
        self._invite()

    def _read(self) -> Reading:
        before = look(self._watched)
        reading = self._work.read(self._watched)
        self._seen = still(before, look(reading.watched), self._watched)
        self._watched = reading.watched
        self._shown = reading.plan
        return reading

    def _show(self, plan: Plan) -> None:
        paper = self._call.out
        if self._last is None:
            self._work.show(plan)
        else:
            changed, gone = _differences(self._last, plan)
            rows = [_row(line) for line in changed[:MOST_NAMED]]
            for line in table(paper, _COLUMNS, rows)[1:] if rows else ():
                paper.say(f"  {line}")
            if len(changed) > MOST_NAMED:
                paper.say(paper.styled(f"  and {len(changed) - MOST_NAMED} more", "dim"))
            if gone:
                paper.say(paper.styled(f"  gone: {_few(gone)}", "dim"))
            if not changed and not gone:
                paper.say("  nothing else than before")
            for line in total_lines(paper, plan):
                paper.say(line)
        self._last = plan

    def _invite(self) -> None:
        """What can be done now; keys that were pressed before were about something else."""
        self._keys.forget()
        watching = f"watching {count(sum(not is_record(path) for path in self._watched.files), 'file')}"
        if not self._keys.is_there:
            self._say(watching)
            return
        runs = "r or Enter runs it, " if self._runs else ""
        self._say(f"{watching}: {runs}q quits")

    def _say(self, text: str) -> None:
        self._call.err.say(self._call.err.styled(f"→ {text}", "cyan"))

    # --- buying ---

    @property
    def _to_do(self) -> bool:
        plan = self._shown
        return plan is not None and (
            plan.calls_now > 0 or any(line.state in ("local", "parked") for line in plan.nodes)
        )

    @property
    def _runs(self) -> bool:
        """Whether there is anything to do, and anybody may."""
        return self._to_do and not self._only_plans and not self._purse.is_empty

    def _asked(self) -> int:
        """Somebody pressed the key that runs."""
        if self._shown is None:
            self._say("first the recipe has to be right")
        elif self._only_plans:
            self._say("-n only plans: begin again without it")
        elif self._purse.is_empty:
            self._say(f"the limit of this watch is used up{self._spent()}: quit, and begin with another one")
        else:
            return self._buy(self._shown)
        return 0

    def _buy(self, shown: Plan) -> int:
        self._is_due = False
        try:
            with self._keys.aside():
                run = self._work.run(shown, self._purse.left, self._is_current)
        except BananaError as error:
            if self._purse.agreed:
                raise  # what it spent is not known
            show_error(self._call.err, error)
            self._invite()
            return 0
        if run is None:
            self._say("saved meanwhile: look again before it is run")
            self._look_anew([])
            return 0
        self._purse.pay(run)
        if run.status == "interrupted":
            return EXIT_INTERRUPTED
        self._after()
        return 0

    def _after(self) -> None:
        if self._purse.is_empty:
            self._say(f"the limit of this watch is used up{self._spent()}: from here on plans are shown")
        files = [path for path in saved(self._seen, look(self._watched)) if not is_record(path)]
        if files:
            self._look_anew(files)
            return
        reading = self._read()
        self._last = reading.plan or self._last
        if reading.plan is not None:
            for line in total_lines(self._call.out, reading.plan):
                self._call.out.say(line)
        if reading.error is not None:
            show_error(self._call.err, reading.error)
        self._invite()

    def _spent(self) -> str:
        return f" ({count(self._purse.calls, 'call')}, {amount(self._purse.cost)})"


def _differences(before: Plan, now: Plan) -> tuple[list[PlannedNode], list[str]]:
    """What stands otherwise in *now*, and what is not there any more."""
    had = {line.id: line for line in before.nodes}
    changed = [line for line in now.nodes if line.id not in had or _stand(had[line.id]) != _stand(line)]
    return changed, [name for name in had if name not in {line.id for line in now.nodes}]


def is_same(one: Plan, other: Plan) -> bool:
    """Whether a run of *one* does what a run of *other* does."""
    return [(line.id, *_stand(line)) for line in one.nodes] == [(line.id, *_stand(line)) for line in other.nodes]


def _stand(line: PlannedNode) -> tuple[object, ...]:
    return (line.state, line.key, line.calls, line.cost, line.inputs)


def _row(line: PlannedNode) -> list[Cell]:
    mark = STATES[line.state]
    price = "" if not line.calls else "unknown" if line.cost is None else show_usd(line.cost)
    return [
        Cell(str(mark), mark.style),
        Cell(line.id),
        Cell(line.detail or reason_words(line.state, line.reason)),
        Cell(price),
    ]


def _named(files: Sequence[Path]) -> str:
    return _few([shown_path(path) for path in files])


def _few(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")

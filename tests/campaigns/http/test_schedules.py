"""Schedules of faults drawn by lot: whatever befalls whom, the bill is what the ledger says was paid.

Unaware of retries: after every run the vendor's books and the ledger's rows are compared, and where
all has calmed down every picture is there.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from banana_pipe.purchase import buyer, rules
from tests.campaigns.errands import Ended
from tests.campaigns.http.teller import READER, TWO, Teller
from tests.campaigns.projects import CHAIN, MATRIX, Project, Shape, judge, seed
from tests.campaigns.score import Line, Tell
from tests.campaigns.shared_clock import SharedClock
from tests.canary import CANARY
from tests.vendor import Endpoint, Fault, Vendor

SHORT = 12
FULL = 2_000
MOST_RUNS = 4
"""With faults still to come; then the vendor is calmed."""

_SAID = [(400, "bad_request"), (403, "used_up"), (403, "disabled"), (401, "invalid_token"), (413, "request_too_large")]
_SAID += [(429, "too_many_requests"), (429, "rate_limited"), (500, "api_error"), (504, "timeout"), (500, "new_code")]
_IN_DOUBT = (408, 409, 500, 502, 503, 504, 520)
"""What a gateway may say of a call that was accepted; its other 4xx are documented as not billed."""


def _cut(kind: str) -> st.SearchStrategy[Fault]:
    lengths = st.sampled_from(["right", "missing"])
    return st.builds(Fault, st.just(kind), number=st.sampled_from([0, 1, 20]), length=lengths)


def _plain(*kinds: str) -> st.SearchStrategy[Fault]:
    return st.builds(Fault, st.sampled_from(kinds))


def _bare(kind: str, numbers: Sequence[int]) -> st.SearchStrategy[Fault]:
    return st.builds(Fault, st.just(kind), number=st.sampled_from(numbers))


_STATUS = st.builds(
    lambda said, wait: Fault("status", number=said[0], code=said[1], retry_after=wait),
    st.sampled_from(_SAID),
    st.sampled_from([None, 0, 7, 40]),
)
_TOLD_ITS_TASK = st.builds(
    lambda code: Fault("status_after_accept", number=504, code=code), st.sampled_from(["timeout", "new_code"])
)
_ANYWHERE = _STATUS | _plain("html", "reset_before", "short") | _cut("truncate")
_OFTEN = (400, 404, 429, 500, 502, 503)
KINDS: Mapping[Endpoint, st.SearchStrategy[Fault]] = {
    "submit": _ANYWHERE
    | _plain("reset_after_accept", "html_after_accept", "success_without_data", "fails", "no_image", "forbidden")
    | _bare("bare_after_accept", _IN_DOUBT)
    | _bare("bare", (*_IN_DOUBT, 302, 404, 429))
    | _TOLD_ITS_TASK,
    "poll": _ANYWHERE
    | _plain("success_without_data", "null_response", "no_success_flag", "string_error", "forgets")
    | _bare("bare", _OFTEN),
    "list": _ANYWHERE | _bare("bare", _OFTEN),
    "download": _ANYWHERE | _plain("garbage", "dead_link") | _bare("bare", _OFTEN),
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is bought, how the vendor likes to work, and what goes wrong in which order."""

    shape: Shape
    calls: int
    behaviour: Mapping[str, Any]
    faults: Sequence[tuple[Endpoint, Fault]]
    pause: float
    """Seconds between two runs."""


def _placed(fault: Fault, match: str, skip: int, times: int) -> Fault:
    told = {name: getattr(fault, name) for name in Fault.__dataclass_fields__}
    return Fault(**{**told, "match": match, "skip": skip, "times": times})


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    shape = draw(st.sampled_from([TWO, READER, CHAIN, MATRIX]))
    faults: list[tuple[Endpoint, Fault]] = []
    for endpoint in draw(st.lists(st.sampled_from(list(KINDS)), min_size=2, max_size=8)):
        match = draw(st.sampled_from(["", *shape.pictures.values()])) if endpoint != "list" else ""
        placed = _placed(draw(KINDS[endpoint]), match, draw(st.integers(0, 3)), draw(st.integers(1, 3)))
        faults.append((endpoint, placed))
    listing = draw(st.sampled_from(["at_once", "at_once", "late", "paged", "empty", "never", "rewrites"]))
    behaviour = {
        "answers": draw(st.sampled_from(["task", "at_once"])),
        "listing": listing,
        "listing_delay": draw(st.sampled_from([5.0, 119.0, 600.0])) if listing == "late" else 0.0,
        "delay": draw(st.sampled_from([0.0, 3.0, 50.0])),
        "inline": draw(st.booleans()),
    }
    if behaviour["answers"] == "at_once":
        behaviour["delay"] = 0.0  # who waits for an answer does not sleep, so that the clock would stand still
    return Schedule(shape, draw(st.sampled_from([1, 8])), behaviour, faults, draw(st.sampled_from([1.0, 130.0, 900.0])))


@dataclass(slots=True)
class Tally:
    """What came together while schedules were lived through."""

    schedules: int = 0
    runs: int = 0
    posts: int = 0
    befallen: int = 0
    agreed: int = 0
    """Requests that somebody agreed to pay for once more."""


@dataclass(slots=True)
class Story:
    """One project at one vendor, from the first run until all is there."""

    project: Project
    vendor: Vendor
    agreed: Counter[str] = field(default_factory=Counter)
    """Prompts that were in doubt, refused or lost when the user consented."""

    def check(self) -> None:
        """Compare bill and ledger, whatever else became of the run."""
        rows, charges, posts = self.rows(), self.vendor.charges, self.vendor.posts
        bought = Counter(charge.prompt for charge in charges)
        for prompt, times in bought.items():
            assert times <= 1 + self.agreed[prompt], f"{prompt!r} was charged {times} times"
        sent = Counter(post.body["prompt"] for post in posts)
        noted = Counter(self.prompt_of(row) for row in rows)
        assert sent == noted, "every POST has its row, and every row had its POST"
        billed = {charge.task_id: charge.cost for charge in charges}
        for row in rows:
            self._check_row(row, billed)
        named = {row.get("task_id") for row in rows}
        unnamed = Counter(charge.prompt for charge in charges if charge.task_id not in named)
        doubted = Counter(self.prompt_of(row) for row in rows if row["state"] in ("UNKNOWN", "ABANDONED"))
        assert unnamed <= doubted, "what was billed and not collected is in doubt, by the ledger's own word"

    def _check_row(self, row: Mapping[str, Any], billed: Mapping[str, int]) -> None:
        task, state = row.get("task_id"), row["state"]
        if state in ("SUCCEEDED", "STORED", "LOST"):
            assert billed.get(str(task)) == row["price"], f"{row['node']} was paid by the ledger, and not by the bill"
        elif state in ("NOT_SENT", "FAILED", "REFUSED"):
            assert task not in billed, f"{row['node']} was not billed by the ledger, and was by the vendor"

    def rows(self) -> list[dict[str, Any]]:
        """The ledger's rows, in their order."""
        path = self.project.cache / "ledger.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path)) as connection:
            return [
                json.loads(content) for (content,) in connection.execute("SELECT content FROM attempts ORDER BY seq")
            ]

    def prompt_of(self, row: Mapping[str, Any]) -> str:
        """What the row's node asks for."""
        step, _, axes = row["node"].rstrip("]").partition("[")
        path = "/".join([step, *(axis.partition("=")[2] for axis in axes.split(",") if axis)])
        return self.project.shape.pictures[path]

    def agree(self) -> None:
        """Note what a consent that is given now may cost."""
        last = {row["key"]: row for row in self.rows()}.values()
        self.agreed.update(self.prompt_of(row) for row in last if row["state"] in ("UNKNOWN", "REFUSED", "LOST"))


def live_through(schedule: Schedule, folder: Path, tally: Tally) -> None:
    """Run until all is there: with faults, without them, and at last by consent. Raises AssertionError."""
    root = Path(tempfile.mkdtemp(dir=folder))
    clock = SharedClock()
    with Vendor(token=CANARY, clock=clock.now, **schedule.behaviour) as vendor:
        story = Story(Project.make(root / "shop", schedule.shape), vendor)
        for endpoint, fault in schedule.faults:
            vendor.fault(endpoint, fault)
        ended = _run(story, clock, schedule, tally)
        tally.befallen += sum(fault.times for _, fault in schedule.faults)
        assert ended.exit_code == 0, ended
        verdict = judge(story.project, vendor, doubted=story.agreed.elements())
        assert verdict.wrong == []
        tally.posts += len(vendor.posts)
        tally.agreed += story.agreed.total()
    tally.schedules += 1
    shutil.rmtree(root)


def _run(story: Story, clock: SharedClock, schedule: Schedule, tally: Tally) -> Ended:
    teller = Teller(story.vendor, clock)

    def again(**consent: bool) -> Ended:
        ended = teller(story.project, pace={"calls": schedule.calls}, consent=consent)
        tally.runs += 1
        story.check()
        clock.pass_by(schedule.pause)
        return ended

    for _ in range(MOST_RUNS):
        if (ended := again()).exit_code == 0:
            return ended
    story.vendor.calm()
    if (ended := again()).exit_code == 0:
        return ended
    # What reads a picture that is bought now comes to its own doubt only then.
    for _ in story.project.shape.pictures:
        story.agree()
        if (ended := again(retry_unknown=True, retry_refused=True, rebuy=True)).exit_code == 0:
            break
    return ended


def try_schedules(count: int, folder: Path, *, phases: Sequence[Phase] = tuple(Phase)) -> Tally:
    """Live through *count* schedules. Raises AssertionError for the smallest that goes wrong."""
    tally = Tally()

    @hypothesis.seed(seed())
    @settings(max_examples=count, phases=phases, database=None)
    @given(schedule=schedules())
    def live(schedule: Schedule) -> None:
        live_through(schedule, folder, tally)

    live()
    return tally


def _line(tally: Tally) -> Line:
    figure = (
        f"{tally.runs:,} runs, {tally.posts:,} POSTs, {tally.agreed} paid again by consent; bill = ledger after each"
    )
    return Line(4, "schedules of faults by lot", tally.schedules, figure=figure)


def test_the_bill_is_what_the_ledger_says_whatever_befalls(quick_folder: Path, tell: Tell) -> None:
    """No request is charged twice unless somebody agreed to, no charge is unknown to the ledger, and in the end
    every picture is there."""
    tell(_line(try_schedules(SHORT, quick_folder)))


def test_schedules_catch_who_sends_again_without_proof(quick_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness that finds nothing is worth what it could find: here a doubt is taken for a proof."""
    again = rules.Rule("NOT_SENT", tries=4)
    monkeypatch.setattr(buyer, "after_submit", lambda kind: rules._SUBMIT.get(kind, again))
    with pytest.raises((AssertionError, ExceptionGroup)):
        try_schedules(100, quick_folder, phases=[Phase.generate])


@pytest.mark.campaign
def test_the_bill_is_what_the_ledger_says_two_thousand_times(quick_folder: Path, tell: Tell) -> None:
    """The same, for longer."""
    tell(_line(try_schedules(FULL, quick_folder)))

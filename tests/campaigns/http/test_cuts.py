"""The wire breaks at every byte: of a paid call, of its answer, of a poll, of a listing and of a picture.

Unaware of retries: each case ends with the vendor's bill.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from banana_pipe.purchase import buyer, rules
from tests.campaigns.errands import Ended, do
from tests.campaigns.http.teller import AS_USERS_HAVE_IT, READER
from tests.campaigns.http.wire import Cut, Side, Wire
from tests.campaigns.projects import Project, Verdict, judge, seed
from tests.campaigns.score import Line, Tell
from tests.campaigns.shared_clock import SharedClock
from tests.canary import CANARY
from tests.vendor import Endpoint, Fault, Vendor

SHORT = 1
"""Of each kind, drawn by lot."""
MOST = 400
"""Of the kinds that have more bytes than anybody wants to try."""

_LENGTHS: dict[tuple[Endpoint, Side], int] = {
    ("submit", "request"): 12_000,
    ("submit", "answer"): 330,
    ("poll", "request"): 80,
    ("poll", "answer"): 12_500,
    ("list", "request"): 80,
    ("list", "answer"): 13_000,
    ("download", "answer"): 9_400,
    ("download", "flip"): 9_300 * 8,
}
"""About how many bytes (bits) there are: who cuts behind the end has cut nothing, and all is well too."""


@dataclass(slots=True)
class Findings:
    """What came of the cuts."""

    cases: int = 0
    made: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    runs: int = 0


def cuts(lot: random.Random, most: int) -> Iterator[Cut]:
    """Every byte where there are few, *most* of them by lot where there are many: reset and closed."""
    for (endpoint, side), length in _LENGTHS.items():
        for at in range(length) if length <= most else sorted(lot.sample(range(length), most)):
            # The second call is the one that is cut: the first one's task proves the listing.
            skip = 1 if endpoint in ("submit", "download") else 0
            yield Cut(endpoint, side, at, "close" if at % 2 else "reset", skip)


def try_all(chosen: Iterable[Cut], folder: Path) -> Findings:
    """Run a project of two calls over a wire with each of the cuts."""
    found = Findings()
    clock = SharedClock()
    with Vendor(token=CANARY, clock=clock.now) as vendor, Wire(vendor.base_url) as wire:
        vendor.behave(cdn=wire.base_url)
        for cut in chosen:
            _try(cut, vendor, wire, clock, folder, found)
    return found


def _try(cut: Cut, vendor: Vendor, wire: Wire, clock: SharedClock, folder: Path, found: Findings) -> None:
    vendor.reset()
    if cut.endpoint == "list":
        vendor.fault("submit", Fault("reset_after_accept", match="bowl"))
    wire.cut(cut)
    root = Path(tempfile.mkdtemp(dir=folder))
    project = Project.make(root / "shop", READER)

    def again() -> Ended:
        found.runs += 1
        errand = project.errand(vendor, pace={**AS_USERS_HAVE_IT, "calls": 1})
        return do(replace(errand, base_url=wire.base_url), clock)

    ended = again()
    verdict = judge(project, vendor)
    if ended.exit_code != 0:
        verdict.lost.append(f"exit code {ended.exit_code}: {ended.error} {ended.statuses}")
    found.cases += 1
    found.made += wire.done
    found.verdict.add(_named(cut, verdict))
    shutil.rmtree(root)


def _named(cut: Cut, verdict: Verdict) -> Verdict:
    def name(words: list[str]) -> list[str]:
        return [f"{cut}: {word}" for word in words]

    return Verdict(name(verdict.charged_twice), name(verdict.lost), name(verdict.corrupt))


def _told(found: Findings, what: str) -> Line:
    return Line(4, what, found.cases, *found.verdict.counts, figure=f"{found.made:,} in the middle of something")


def test_wherever_the_wire_breaks_everything_is_had_and_charged_once(quick_folder: Path, tell: Tell) -> None:
    """One run, however it was cut: what was received is looked up, what was not is proven absent and sent again,
    and a picture is whole or fetched again."""
    found = try_all(cuts(random.Random(seed()), SHORT), quick_folder)
    tell(_told(found, "the wire breaks or turns a bit, drawn by lot"))
    assert not found.verdict.wrong, "\n".join(found.verdict.wrong)
    assert found.made > found.cases / 2


def test_the_same_cuts_catch_who_sends_again_without_proof(quick_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness that finds nothing is worth what it could find."""
    again = rules.Rule("NOT_SENT", tries=4)
    monkeypatch.setattr(buyer, "after_submit", lambda kind: rules._SUBMIT.get(kind, again))
    found = try_all([Cut("submit", "answer", 10, skip=1)], quick_folder)
    assert found.verdict.charged_twice


@pytest.mark.campaign
def test_the_wire_breaks_at_every_byte(quick_folder: Path, tell: Tell) -> None:
    """The same, for longer."""
    found = try_all(cuts(random.Random(seed()), MOST), quick_folder)
    tell(_told(found, "the wire breaks or turns a bit, at every byte"))
    assert not found.verdict.wrong, "\n".join(found.verdict.wrong)

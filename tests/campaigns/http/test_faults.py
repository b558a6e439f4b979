"""The vendor and the network misbehave: what is paid is had, what may be paid is not paid again.

Unaware of retries and look-ups: each test ends with the vendor's bill.

The clock is the vendor's too, and goes on only where somebody waits: two minutes take no time.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns.errands import Errand, do
from tests.campaigns.http.teller import READER, TWO, Teller, some
from tests.campaigns.projects import CHAIN, MATRIX, Project, Shape, judge, published, write_recipe
from tests.campaigns.shared_clock import SharedClock
from tests.vendor import FOREVER, Endpoint, Fault, Vendor

CUT = ("reset_after_accept", "bare_after_accept", "html_after_accept")


# --- all done, nothing charged twice ----------------------------------------------------------------


BAD_DAYS: list[tuple[Endpoint, Fault]] = [
    ("submit", Fault("status", number=429, retry_after=7, times=3)),
    ("submit", Fault("status", number=429, code="rate_limited", retry_after=0, times=3)),
    ("submit", Fault("status", number=500, code="api_error", times=2)),
    ("submit", Fault("fails", times=2)),
    ("submit", Fault("reset_after_accept")),
    ("submit", Fault("html_after_accept")),
    *(("submit", Fault("bare_after_accept", number=number)) for number in (500, 502, 504)),
    ("submit", Fault("status_after_accept", number=504, code="timeout")),
    ("submit", Fault("truncate", length="right")),
    ("submit", Fault("truncate")),
    ("submit", Fault("short")),
    ("submit", Fault("success_without_data")),
    ("submit", Fault("reset_before")),
    ("submit", Fault("bare", number=503)),
    ("submit", Fault("html")),
    *(("poll", Fault("bare", number=number, times=3)) for number in (500, 502, 503)),
    ("poll", Fault("status", number=429, retry_after=5, times=2)),
    ("poll", Fault("status", number=500, times=2)),
    ("poll", Fault("html", times=2)),
    ("poll", Fault("reset_before", times=3)),
    ("poll", Fault("truncate", length="right")),
    ("poll", Fault("short")),
    ("poll", Fault("null_response", times=2)),
    ("poll", Fault("success_without_data", times=2)),
    ("poll", Fault("string_error", times=2)),
    ("poll", Fault("forgets", times=2)),
    ("poll", Fault("no_success_flag")),
    ("list", Fault("bare", number=503)),
    ("download", Fault("truncate", times=2)),
    ("download", Fault("truncate", length="right", times=2)),
    ("download", Fault("truncate", number=1)),
    ("download", Fault("short", times=2)),
    ("download", Fault("garbage", times=2)),
    ("download", Fault("bare", number=503, times=3)),
    ("download", Fault("dead_link")),
    ("download", Fault("reset_before", times=3)),
    ("download", Fault("html")),
]


def _name(value: object) -> str:
    if not isinstance(value, Fault):
        return str(value)
    parts = (value.kind, value.number or "", value.code, value.length if value.kind == "truncate" else "")
    return "-".join(str(part) for part in parts if part)


@pytest.mark.parametrize(
    ("endpoint", "fault", "answers"),
    some(
        [(*day, "task") for day in BAD_DAYS]
        + [(*day, "at_once") for day in BAD_DAYS if day[0] != "poll"]  # nobody polls where pictures come at once
    ),
    ids=_name,
)
def test_a_bad_day_costs_time_and_no_money(
    strange: Vendor, told: Teller, tmp_path: Path, endpoint: Endpoint, fault: Fault, answers: str
) -> None:
    """Whatever befalls the second of three calls, all pictures are there and each was charged once.

    A call whose answer nobody understands is looked up: the listing has shown the first call's task.
    """
    project = Project.make(tmp_path / "shop", CHAIN)
    strange.behave(answers=answers)
    strange.fault(endpoint, Fault(**{**_fields(fault), "match": "" if endpoint == "list" else "Fill it with tea"}))
    if endpoint == "list":
        strange.fault("submit", Fault("reset_after_accept", match="Fill it with tea"))
    ended = told(project)
    assert ended.exit_code == 0, ended
    assert judge(project, strange).wrong == []
    assert not any(strange.faults_left.values())


def _fields(fault: Fault) -> dict[str, Any]:
    return {name: getattr(fault, name) for name in Fault.__dataclass_fields__}


def test_retry_after_is_waited_for(strange: Vendor, told: Teller, tmp_path: Path) -> None:
    """Who is told to come back in forty seconds does not come before, and comes once."""
    strange.fault("submit", Fault("status", number=429, retry_after=40))
    project = Project.make(tmp_path / "shop", TWO)
    assert told(project).exit_code == 0
    refused, *_ = strange.posts
    again = [post for post in strange.posts if post.body == refused.body][1:]
    assert [post.at - refused.at >= 40 for post in again] == [True]
    assert judge(project, strange).wrong == []


def test_everything_at_once(strange: Vendor, told: Teller, tmp_path: Path) -> None:
    """All the bad days on one day, eight calls at a time."""
    project = Project.make(tmp_path / "shop", MATRIX)
    strange.behave(delay=3.0)
    strange.fault("submit", Fault("status", number=429, retry_after=2, times=2), Fault("reset_after_accept", skip=1))
    strange.fault("submit", Fault("status", number=500, skip=2), Fault("bare_after_accept", skip=3))
    strange.fault("poll", Fault("bare", number=503, times=4, skip=1))
    strange.fault("download", Fault("truncate"), Fault("short", skip=1), Fault("bare", number=503, skip=2))
    ended = told(project, pace={"calls": 8})
    assert ended.exit_code == 0, ended
    assert judge(project, strange).wrong == []


# --- cut off after acceptance -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "late", "kind"),
    some([(shape, late, kind) for late in (0, 120, 119, 30) for shape in (TWO, READER) for kind in CUT], every=4),
    ids=lambda value: value.name if isinstance(value, Shape) else None,
)
def test_a_call_cut_off_after_it_was_accepted_is_adopted_when_it_is_listed(
    strange: Vendor, told: Teller, tmp_path: Path, shape: Shape, late: int, kind: str
) -> None:
    """Until the last moment of settling, a task that appears in the listing is ours."""
    strange.behave(listing="late", listing_delay=float(late))
    strange.fault("submit", Fault(kind, match="bowl"))
    project = Project.make(tmp_path / "shop", shape)
    ended = told(project)
    assert (ended.exit_code, ended.statuses["bowl"]) == (0, "done"), ended
    assert judge(project, strange).wrong == []
    assert len(strange.posts) == 2


@pytest.mark.parametrize("count", ["page", "total"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_it_is_found_on_any_page(strange: Vendor, told: Teller, tmp_path: Path, size: int, count: str) -> None:
    """Others have used the account meanwhile, and the listing comes in small pages."""
    strange.behave(listing="paged", page_limit=size, count=count)
    others = Project.make(tmp_path / "others", MATRIX)
    strange.fault("submit", Fault("reset_after_accept", match="bowl"))
    project = Project.make(tmp_path / "shop", TWO)
    assert told(others).exit_code == 0
    assert told(project).exit_code == 0
    assert Counter(charge.prompt for charge in strange.charges)["A blue bowl"] == 1
    assert len(strange.posts) == len(MATRIX.pictures) + 2


def test_what_is_listed_too_late_is_adopted_by_a_later_run(
    strange: Vendor, clock: SharedClock, told: Teller, tmp_path: Path
) -> None:
    """Nothing was listed in time, so nothing was proven, nothing bought: the next run finds the task."""
    strange.behave(listing="late", listing_delay=600.0)
    strange.fault("submit", Fault("reset_after_accept", match="bowl"))
    project = Project.make(tmp_path / "shop", TWO)
    ended = told(project)
    assert (ended.exit_code, ended.statuses) == (6, {"cup": "done", "bowl": "parked"})
    clock.pass_by(600.0)
    assert told(project).exit_code == 0
    assert judge(project, strange).wrong == []
    assert len(strange.posts) == 2


@pytest.mark.parametrize(
    ("listing", "kind"),
    some(
        [(listing, kind) for listing in ("never", "empty") for kind in (*CUT, "reset_before", "bare")]
        # Where nothing of ours is hidden, that it is absent can be proven: only what was accepted is in doubt.
        + [("rewrites", kind) for kind in CUT]
    ),
)
def test_where_no_listing_can_tell_a_doubt_is_parked_until_somebody_agrees_to_pay(
    strange: Vendor, clock: SharedClock, told: Teller, tmp_path: Path, listing: str, kind: str
) -> None:
    """Exit code 6 with the price, however often one runs, even if the call never arrived; `retry_unknown` buys."""
    strange.behave(listing=listing)
    strange.fault("submit", Fault(kind, match="bowl"))
    project = Project.make(tmp_path / "shop", READER)
    for cup in ("done", "cached", "cached"):
        ended = told(project)
        assert (ended.exit_code, ended.statuses) == (6, {"cup": cup, "bowl": "parked"})
        assert "may have been paid ($0.039)" in ended.node("bowl")["error"]
        assert len(strange.posts) == 2
        clock.pass_by(1_000.0)
    assert told(project, consent={"retry_unknown": True}).exit_code == 0
    assert judge(project, strange, doubted=[READER.pictures["bowl"]]).wrong == []
    assert len(strange.posts) == 3


def test_a_call_that_never_arrived_is_proven_absent_and_made_again(
    strange: Vendor, told: Teller, tmp_path: Path
) -> None:
    """Where the listing shows what is ours and not this, it was not received: one charge, without asking anybody."""
    strange.fault("submit", Fault("reset_before", match="bowl"))
    project = Project.make(tmp_path / "shop", READER)
    ended = told(project)
    assert (ended.exit_code, ended.statuses) == (0, {"cup": "done", "bowl": "done"})
    first, second = [post.at for post in strange.posts if "bowl" in post.body["prompt"]]
    assert second - first >= 120
    assert judge(project, strange).wrong == []


# --- the account ------------------------------------------------------------------------------------


def test_an_empty_account_is_a_clean_stop(strange: Vendor, told: Teller, tmp_path: Path) -> None:
    """Exit code 3: what is paid is there, nothing more is asked for; topped up, the same command goes on."""
    strange.behave(balance=3)
    project = Project.make(tmp_path / "shop", MATRIX)
    ended = told(project)
    assert ended.exit_code == 3, ended
    assert Counter(ended.statuses.values()) == {"done": 3, "waiting": 2}
    assert len(strange.posts) == 4
    assert sorted(published(project.out).values()) == sorted(strange.pictures.values())
    strange.behave(balance=None)
    assert told(project).exit_code == 0
    assert judge(project, strange).wrong == []


def test_used_up_stops_with_the_vendors_words(strange: Vendor, told: Teller, tmp_path: Path) -> None:
    """Exit code 3, whenever it comes; nothing was charged."""
    strange.fault("submit", Fault("used_up", times=FOREVER))
    project = Project.make(tmp_path / "shop", TWO)
    ended = told(project)
    assert (ended.exit_code, set(ended.statuses.values())) == (3, {"waiting"})
    assert "balance is not sufficient" in ended.node("bowl")["error"]
    assert (len(strange.posts), strange.charges) == (1, [])


def test_a_wrong_token_is_said_once_and_charges_nothing(strange: Vendor, told: Teller, tmp_path: Path) -> None:
    """Exit code 4 after the first call; with the right one everything is bought."""
    project = Project.make(tmp_path / "shop", TWO)
    ended = told(project, token="a-token-of-somebody-else")
    assert (ended.exit_code, set(ended.statuses.values())) == (4, {"waiting"})
    assert (len(strange.posts), strange.charges) == (1, [])
    assert told(project).exit_code == 0
    assert judge(project, strange).wrong == []


def test_without_a_token_nothing_is_sent_and_both_ways_on_are_named(
    strange: Vendor, told: Teller, tmp_path: Path
) -> None:
    """Exit code 4 before the first byte; the second way needs none."""
    project = Project.make(tmp_path / "shop", TWO)
    ended = told(project, token=None)
    assert ended.exit_code == 4
    assert "ACEDATACLOUD_API_TOKEN" in ended.error
    assert "--provider sandbox" in ended.error
    assert strange.received == []
    free = told(project, token=None, provider="sandbox")
    assert free.exit_code == 0
    assert strange.received == []
    assert set(published(Path(free.answer["out"]))) == {"cup.png", "bowl.png"}


def test_without_a_token_what_needs_none_is_done(strange: Vendor, told: Teller, tmp_path: Path) -> None:
    """A run with nothing to buy asks for no token, even if others have left something open."""
    project = Project.make(tmp_path / "shop", CHAIN)
    assert told(project).exit_code == 0
    write_recipe(project.root / "cup.yaml", "version: 1\nsteps: {cup: {generate: A red cup}}")
    errand = Errand(str(project.root / "cup.yaml"), strange.base_url, token=None)
    assert do(errand).exit_code == 0

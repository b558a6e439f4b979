"""What follows from an error of a POST or of a task: the whole table, on a real ledger.

Unaware of how a provider comes to its kinds of errors.
"""

from __future__ import annotations

from typing import get_args

import pytest

from banana_pipe.model import COUNTED, AttemptState, Reason, Status
from banana_pipe.providers.base import Kind, ProviderError
from banana_pipe.purchase.rules import StopKind, after_submit, after_task, believed_of_anothers, pause_before
from tests.purchase.shop import Shop, refused, result

# kind: the attempt's state, POSTs in one run while it goes on like that, the answer, why the run stops
AFTER_SUBMIT: dict[Kind, tuple[AttemptState, int, Status, Reason, StopKind | None]] = {
    "not_sent": ("NOT_SENT", 4, "failed", "error", None),
    "rate": ("NOT_SENT", 12, "failed", "error", None),
    "transient": ("FAILED", 3, "failed", "error", None),
    "moderation": ("REFUSED", 1, "failed", "refused", None),
    "invalid": ("FAILED", 1, "failed", "error", None),
    "too_large": ("FAILED", 1, "failed", "invalid", None),
    "no_image": ("FAILED", 1, "failed", "error", None),
    "auth": ("FAILED", 1, "waiting", "stopped", "auth"),
    "disabled": ("FAILED", 1, "waiting", "stopped", "auth"),
    "balance": ("FAILED", 1, "waiting", "stopped", "balance"),
    "unknown": ("UNKNOWN", 1, "parked", "unknown", None),
    "unavailable": ("UNKNOWN", 1, "parked", "unknown", None),
    "unsupported": ("UNKNOWN", 1, "parked", "unknown", None),
    "dead_link": ("UNKNOWN", 1, "parked", "unknown", None),
    "refused_address": ("UNKNOWN", 1, "parked", "unknown", None),
}
AFTER_TASK: dict[Kind, tuple[AttemptState, int, Status, Reason]] = {
    "transient": ("FAILED", 3, "failed", "error"),
    "moderation": ("REFUSED", 1, "failed", "refused"),
    "invalid": ("FAILED", 1, "failed", "error"),
    "too_large": ("FAILED", 1, "failed", "invalid"),
    "no_image": ("FAILED", 1, "failed", "error"),
    "auth": ("FAILED", 1, "waiting", "stopped"),
    "disabled": ("FAILED", 1, "waiting", "stopped"),
    "balance": ("FAILED", 1, "waiting", "stopped"),
    "unsupported": ("FAILED", 1, "failed", "error"),  # of a task never in doubt, as that of a POST is
}


def test_the_table_is_whole() -> None:
    """Every kind of error has its row here."""
    assert set(AFTER_SUBMIT) == set(get_args(Kind))


@pytest.mark.parametrize("kind", AFTER_SUBMIT)
def test_a_post_that_ends_so(kind: Kind, shop: Shop) -> None:
    """Each kind leads to its state, is tried again only where that costs nothing, and stops the run or not."""
    state, posts, status, reason, stops = AFTER_SUBMIT[kind]
    shop.vendor.fates += [ProviderError(kind, "said so", trace_id="T-9")] * 20
    shop.vendor.lists = False
    answer = refused(shop.one())
    assert (answer.status, answer.reason) == (status, reason)
    assert "said so" in answer.error
    assert shop.states() == [state] * posts
    assert len(shop.vendor.posts) == posts
    assert after_submit(kind).stops == stops
    assert not shop.vendor.charges


@pytest.mark.parametrize(("code", "reason"), [("bad_request", "invalid"), ("no_api", "error"), (None, "error")])
def test_a_word_on_the_request_is_no_word_on_the_moment(code: str | None, reason: Reason, shop: Shop) -> None:
    """A request that is not taken has to change; that there is no such API may be a mistyped base URL."""
    shop.vendor.fates += [ProviderError("invalid", "aspect_ratio is invalid.", code=code)]
    answer = refused(shop.one())
    assert (answer.status, answer.reason) == ("failed", reason)
    assert ("says the same" in answer.error) == (reason == "invalid")


@pytest.mark.parametrize("kind", AFTER_TASK)
def test_a_task_that_ends_so(kind: Kind, shop: Shop) -> None:
    """A task's failure is the provider's own word: never a doubt, and not billed."""
    state, posts, status, reason = AFTER_TASK[kind]
    shop.vendor.ends += [ProviderError(kind, "said so")] * 20
    answer = refused(shop.one())
    assert (answer.status, answer.reason) == (status, reason)
    assert shop.states() == [state] * posts
    assert after_task(kind).state == state


@pytest.mark.parametrize("kind", [kind for kind, row in AFTER_SUBMIT.items() if row[0] in ("NOT_SENT", "FAILED")])
def test_what_was_not_billed_does_not_count(kind: Kind, shop: Shop) -> None:
    """Its money is free again, and the next run buys."""
    shop.vendor.fates += [ProviderError(kind, "no")] * AFTER_SUBMIT[kind][1]
    shop.one()
    assert not [attempt for attempt in shop.attempts() if attempt.state in COUNTED]
    result(shop.one())
    assert len(shop.vendor.charges) == 1


@pytest.mark.parametrize("kind", ["not_sent", "rate", "transient"])
def test_what_passes_is_waited_for(kind: Kind, shop: Shop) -> None:
    """Two such errors and then a picture: bought once, in the same run."""
    shop.vendor.fates += [ProviderError(kind, "later")] * 2
    result(shop.one())
    assert len(shop.vendor.charges) == 1
    assert shop.states()[-1] == "STORED"


def test_only_too_many_calls_slow_all_down() -> None:
    """Half as many from then on; every other error is of one call."""
    assert {kind for kind in get_args(Kind) if after_submit(kind).slow_down} == {"rate"}
    assert not any(after_task(kind).slow_down for kind in get_args(Kind))


def test_what_may_come_right_is_tried_again_so_often() -> None:
    """In one run; what was received for all that is known once more, when it is proven absent. All else once."""
    more = {"not_sent": 4, "rate": 12, "transient": 3}
    once = {"moderation", "invalid", "too_large", "no_image", "auth", "disabled", "balance"}
    assert {kind: after_submit(kind).tries for kind in get_args(Kind)} == {
        kind: 1 if kind in once else more.get(kind, 2) for kind in get_args(Kind)
    }


def test_a_tasks_end_is_never_a_doubt() -> None:
    """Whatever it failed with; and of a task that another token sent only words on the work are believed."""
    assert {after_task(kind).state for kind in get_args(Kind)} == {"FAILED", "REFUSED"}
    assert {kind for kind in get_args(Kind) if believed_of_anothers(kind)} == {"transient", "moderation"}


def test_retry_after_is_kept_to(shop: Shop) -> None:
    """The provider's seconds are the least that is waited."""
    shop.vendor.fates.append(ProviderError("rate", "slow down", retry_after=77.0))
    begun = shop.clock.boot()
    result(shop.one())
    assert 77 <= shop.clock.boot() - begun < 77 + 1 + 15


def test_pauses_grow_to_sixteen_seconds_and_are_spread() -> None:
    """1, 2, 4, 8, 16 and no more, plus a part of a second, also above what was asked for."""
    assert [pause_before(posts, 0, 0) for posts in range(1, 8)] == [1, 2, 4, 8, 16, 16, 16]
    assert pause_before(1, 30, 0.5) == 30.5


def test_an_error_that_names_its_task_is_no_doubt(shop: Shop) -> None:
    """A bare 5xx with a task id is an accepted call."""

    def accept_and_fail() -> None:
        task_id = shop.vendor._accept(shop.vendor.posts[-1])
        raise ProviderError("unknown", "502", task_id=task_id)

    shop.vendor.fates.append(accept_and_fail)
    shop.vendor.lists = False
    assert result(shop.one()).task_id == "t1"
    assert len(shop.vendor.charges) == 1

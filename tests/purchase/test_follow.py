"""An attempt is taken to its end, whoever began it, and nothing is concluded from what was not said.

Unaware of who wants the picture. What a run does with all of it is tried with the buyer.
"""

from __future__ import annotations

import pytest

from banana_pipe.model import Key
from banana_pipe.providers.base import Kind, ProviderError
from banana_pipe.store.blobs import Blobs
from tests.purchase.shop import Shop, order, refused, request


@pytest.mark.parametrize("account", ["us", "them"])
def test_an_accepted_attempt_without_its_task_is_our_bug(account: str, shop: Shop) -> None:
    """It is not taken for a failure."""
    shop.vendor.account = account
    shop.leave("ACCEPTED")
    shop.vendor.account = "us"
    with pytest.raises(AssertionError, match="has its task"):
        shop.one()
    assert shop.states() == ["ACCEPTED"]


@pytest.mark.parametrize(("kind", "stop"), [("auth", "auth"), ("disabled", "auth")])
def test_a_poll_that_is_refused_leaves_the_task_for_later_and_stops_the_run(kind: Kind, stop: str, shop: Shop) -> None:
    """It is paid; with this token there is no use in asking on."""
    shop.leave("ACCEPTED", task_id=shop.vendor._accept(shop.vendor.prepare(request(), [])))
    shop.vendor.polls.append(ProviderError(kind, "no"))

    async def story() -> tuple[object, str | None]:
        async with shop.open() as run:
            (answer,) = await run.buy(order())
            return answer, run.buyer.stop_reason.kind if run.buyer.stop_reason else None

    answer, stopped = shop.run(story())
    assert (refused(answer).status, refused(answer).reason, stopped) == ("parked", "resume", stop)  # type: ignore[arg-type]
    assert (shop.states(), len(shop.vendor.polled)) == (["ACCEPTED"], 1)


def test_anothers_task_that_is_shown_and_then_refused_is_left_to_who_sent_it(shop: Shop) -> None:
    """The second question is not answered: that says nothing of the task, and stops nothing."""
    anothers(shop, seconds=60.0)

    def refuse_from_now_on() -> None:
        if len(shop.vendor.polled) == 2:
            shop.vendor.polls.append(ProviderError("auth", "no"))

    shop.vendor.before_poll = refuse_from_now_on
    answer = refused(shop.one())
    assert (answer.status, answer.elsewhere, shop.states()) == ("parked", True, ["ACCEPTED"])


def test_anothers_task_that_is_not_finished_in_time_goes_on(shop: Shop) -> None:
    """As one of ours does."""
    anothers(shop, seconds=1e9)
    answer = refused(shop.one(order(timeout=60)))
    assert (answer.status, answer.reason, answer.elsewhere) == ("parked", "resume", False)
    assert shop.states() == ["ACCEPTED"]


def anothers(shop: Shop, seconds: float) -> None:
    """Leave a task that another token of the same account was given."""
    shop.vendor.account, shop.vendor.seconds = "old", seconds
    shop.leave("ACCEPTED", task_id=shop.vendor._accept(shop.vendor.prepare(order().request, [])))
    shop.vendor.account, shop.vendor.rotated = "new", True


def test_what_was_asked_in_a_form_that_is_not_known_is_not_guessed(shop: Shop) -> None:
    """Another version wrote it: then any task that cannot be compared may be ours."""
    blobs = Blobs(shop.cache / "blobs")
    strange, nowhere = blobs.put(b'{"type": "another"}'), Key("0" * 64)

    async def story() -> list[object]:
        async with shop.open() as run:
            follower = run.buyer._follower
            return [follower._request_of(Key(strange)), follower._request_of(nowhere)]

    assert shop.run(story()) == [None, None]

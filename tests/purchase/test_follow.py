"""An attempt is taken to its end, whoever began it, and nothing is concluded from what was not said.

Unaware of who wants the picture. What a run does with all of it is tried with the buyer.
"""

from __future__ import annotations

import asyncio

import pytest

from banana_pipe.events import AttemptMoved
from banana_pipe.model import AttemptState, Key
from banana_pipe.providers.base import Kind, ProviderError
from banana_pipe.purchase.follow import told
from banana_pipe.purchase.orders import Pace
from banana_pipe.store.blobs import Blobs
from tests.purchase.shop import Shop, order, refused, request, result


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


@pytest.mark.parametrize("state", ["INTENT", "UNKNOWN", "ACCEPTED"])
def test_of_what_was_sent_elsewhere_nobody_is_asked_here(state: AttemptState, shop: Shop) -> None:
    """A task of that name, or sent with those words, is another one here."""
    here, shop.vendor.origin = shop.vendor.origin, "https://gateway.example.com"
    shop.leave(state, task_id="t1" if state == "ACCEPTED" else None)
    shop.vendor.origin = here
    shop.vendor._accept(shop.vendor.prepare(request(), []))
    answer = refused(shop.one())
    assert (answer.status, answer.elsewhere, shop.vendor.polled) == ("parked", True, [])
    assert shop.states() == ["UNKNOWN" if state == "INTENT" else state]


def test_a_doubt_and_its_end_are_told(shop: Shop) -> None:
    """Step by step."""
    shop.vendor.fates.append("cut")
    result(shop.one())
    moved = [event.attempt.state for event in shop.events if isinstance(event, AttemptMoved)]
    assert moved == ["UNKNOWN", "ACCEPTED", "SUCCEEDED", "STORED"]


def test_a_look_up_that_is_refused_stops_the_run(shop: Shop) -> None:
    """With the same token nothing else would be taken."""
    shop.vendor.listings.append(ProviderError("auth", "invalid token"))
    shop.leave("UNKNOWN")

    async def story() -> str | None:
        async with shop.open() as run:
            await run.buy(order())
            return run.buyer.stop_reason.kind if run.buyer.stop_reason else None

    assert shop.run(story()) == "auth"


def test_a_download_holds_no_place_of_a_call(shop: Shop) -> None:
    """The provider has nothing more to do: the next call begins."""
    begun: list[float] = []
    shop.vendor.drops = 100
    shop.vendor.before_submit = lambda: begun.append(shop.clock.boot())
    shop.buy(order(), order(request("another")), pace=Pace(calls=1))
    assert begun[1] - begun[0] < 50


def test_closing_ends_all_asking(shop: Shop) -> None:
    """Also where somebody was cancelled just before."""

    async def story() -> None:
        async with shop.open() as run:
            wants = asyncio.create_task(run.buyer.obtain(order()))
            await shop.clock.sleep(5)
            wants.cancel()
            await asyncio.gather(wants, return_exceptions=True)
            await run.buyer.close()
            assert asyncio.all_tasks() == {asyncio.current_task()}

    shop.run(story())


def test_what_was_asked_in_a_form_that_is_not_known_is_not_guessed(shop: Shop) -> None:
    """Another version wrote it: then any task that cannot be compared may be ours."""
    blobs = Blobs(shop.cache / "blobs")
    strange, nowhere = blobs.put(b'{"type": "another"}'), Key("0" * 64)

    async def story() -> list[object]:
        async with shop.open() as run:
            follower = run.buyer._follower
            return [follower._request_of(Key(strange)), follower._request_of(nowhere)]

    assert shop.run(story()) == [None, None]


def test_what_the_provider_said_is_kept_as_it_said_it() -> None:
    """Its words, its code, its trace; and its answer, where there was one."""
    said = ProviderError("transient", "it did not work out", code="api_error", trace_id="T-9", body="{}")
    assert told(said) == {
        "error_kind": "transient", "error_message": "it did not work out", "error_code": "api_error",
        "trace_id": "T-9", "response": "{}",
    }  # fmt: skip
    assert set(told(ProviderError("transient", "cut off"))) == {"error_kind", "error_message", "error_code"}

"""An attempt is taken to its end, whoever began it, and nothing is concluded from what was not said.

Unaware of who wants the picture. What a run does with all of it is tried with the buyer.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from banana_pipe.canonical import digest_of
from banana_pipe.events import AttemptMoved, Waiting, Warned
from banana_pipe.model import AttemptState, Key
from banana_pipe.providers.base import Done, Kind, ProviderError
from banana_pipe.purchase.follow import told
from banana_pipe.purchase.orders import Bought, Pace
from banana_pipe.store.blobs import Blobs
from tests.purchase.fake import Fake, noise
from tests.purchase.shop import Shop, interrupt_after, order, refused, request, result


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


def times_of(shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str) -> list[float]:
    """When the provider is asked by that method, as it goes on; in tenths of a second."""
    times: list[float] = []
    ask = getattr(Fake, name)

    async def watched(fake: Fake, *arguments: Any) -> Any:
        times.append(round(shop.clock.boot() - 1_000, 1))
        return await ask(fake, *arguments)

    monkeypatch.setattr(Fake, name, watched)
    return times


def waits(shop: Shop) -> list[tuple[str, str, float]]:
    """What was told of waiting, in tenths of a second."""
    return [(event.node, event.why, round(event.seconds, 1)) for event in shop.events if isinstance(event, Waiting)]


def test_a_list_is_asked_less_and_less_often_until_settling_is_over(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 2 s at first, then half as much again, up to every 10 s; and each time it is told how long it may take."""
    shop.leave("UNKNOWN")
    asked = times_of(shop, monkeypatch, "tasks_since")
    answer = refused(shop.one(pace=Pace(settle=47.0)))
    assert asked == [0.0, 2.0, 5.0, 9.5, 16.3, 26.3, 36.3, 46.3, 47.0]
    assert waits(shop)[:2] == [("a mug@1", "looking for a call that may have been received", left) for left in (47, 45)]
    assert len(waits(shop)) == 8
    assert "; the provider lists no such call, which proves nothing here. A later run" in answer.error


def test_a_provider_that_is_away_is_asked_after_anothers_call_until_settling_is_over(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every ten seconds, and it is told."""
    anothers(shop, seconds=0.0)
    shop.vendor.polls.extend([ProviderError("unavailable", "503")] * 99)
    asked = times_of(shop, monkeypatch, "poll")
    answer = refused(shop.one(pace=Pace(settle=20.5)))
    assert (answer.elsewhere, asked) == (True, [0.0, 10.0, 20.0, 20.5])
    told = "asking after a call that another token sent"
    assert waits(shop) == [("a mug@1", told, 20.5), ("a mug@1", told, 10.5), ("a mug@1", told, 0.5)]


def test_nothing_is_taken_for_unsent_before_settling_is_over(shop: Shop) -> None:
    """Not even in its last second, when the list has just proven itself by a call that is half a second older."""
    shop.vendor.seconds = 0.2
    result(shop.one(order(request("seen")), pace=Pace(poll=0.1)))
    shop.vendor.fates.append("cut")
    shop.vendor.late = 46.6  # the last look but one is at 46.3 s
    assert result(shop.one(pace=Pace(settle=47.0))).task_id == "t2"


def test_a_list_may_prove_itself_for_so_long_after_the_first_call_that_was_accepted(shop: Shop) -> None:
    """Later ones prolong nothing: what stays in doubt is told after one settling time."""
    shop.leave("UNKNOWN")
    shop.vendor.seconds, shop.vendor.complete = 100.0, False
    told: list[float] = []

    async def story() -> None:
        async with shop.open(pace=Pace(calls=1)) as run:

            async def in_doubt() -> None:
                assert refused(await run.buyer.obtain(order())).status == "parked"
                told.append(shop.clock.boot() - 1_000)

            await asyncio.gather(in_doubt(), *(run.buyer.obtain(order(request(f"mug {n}"))) for n in range(3)))

    shop.run(story())
    assert 120 <= told[0] < 130


def test_a_list_that_shows_late_is_waited_for_where_it_may_yet_prove_itself(shop: Shop) -> None:
    """A doubt of long ago: this run's own first call has to show, before its absence means something."""
    shop.vendor.fates.append("vanished")
    assert refused(shop.one()).status == "parked"
    shop.vendor.late = 60.0

    async def story() -> None:
        async with shop.open() as run:
            first = asyncio.create_task(run.buyer.obtain(order(request("another"))))
            await shop.clock.sleep(5)
            result(await run.buyer.obtain(order()))
            result(await first)

    shop.run(story())
    assert sorted(shop.states()) == ["NOT_SENT", "STORED", "STORED"]


def test_after_an_interrupt_a_task_of_another_token_is_waited_for_no_longer_than_the_grace(shop: Shop) -> None:
    """As one of ours is."""
    anothers(shop, seconds=300.0)
    answer = refused(shop.one(meanwhile=interrupt_after(shop, 5)))
    assert (answer.status, answer.reason, answer.elsewhere) == ("parked", "resume", False)
    assert shop.clock.boot() - 1_000 < 40


def test_an_answer_at_once_is_kept_with_its_task_and_its_trace(shop: Shop) -> None:
    """As one of a task is, whose trace is the last that was told, or the only one."""
    shop.vendor.fates.append("sync")
    result(shop.one())
    task_id = shop.vendor._accept(shop.vendor.prepare(request("another"), []))
    shop.leave("ACCEPTED", order(request("another")), task_id=task_id, trace_id="of the POST")
    result(shop.one(order(request("another"))))
    kept = [(attempt.task_id, attempt.trace_id) for attempt in shop.attempts()]
    assert kept == [("t1", "trace-t1"), ("t2", "trace-t2")]


def test_an_answer_without_a_trace_keeps_the_one_that_was_told_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is what support asks for."""
    as_answered = Fake._done

    def without_trace(fake: Fake, task_id: str, *, inline: bool = False) -> Done:
        return replace(as_answered(fake, task_id, inline=inline), trace_id=None)

    monkeypatch.setattr(Fake, "_done", without_trace)
    assert result(shop.one()).trace_id == "trace-t1"


def test_a_task_that_failed_for_want_of_money_stops_the_run(shop: Shop) -> None:
    """As a POST that is answered so does."""
    shop.vendor.ends.append(ProviderError("balance", "no more"))

    async def story() -> None:
        async with shop.open() as run:
            await run.buy(order())
            assert run.buyer.stop_reason is not None
            assert run.buyer.stop_reason.kind == "balance"

    shop.run(story())


@pytest.mark.parametrize("state", ["UNKNOWN", "ACCEPTED"])
def test_an_interrupt_ends_the_asking_after_what_cannot_be_told(state: AttemptState, shop: Shop) -> None:
    """Nobody waits two minutes for a list that is away, ours or another token's."""
    anothers(shop, seconds=0.0) if state == "ACCEPTED" else shop.leave(state)
    shop.vendor.polls.extend([ProviderError("unavailable", "503")] * 99)
    shop.vendor.listings.extend([ProviderError("unavailable", "503")] * 99)
    assert refused(shop.one(meanwhile=interrupt_after(shop, 3))).status == "parked"
    assert shop.clock.boot() - 1_000 < 4


def test_of_what_another_token_sent_not_more_are_asked_after_at_once_than_there_may_be_calls(shop: Shop) -> None:
    """Hundreds of them are no reason to send hundreds of questions at a time."""
    shop.vendor.account = "old"
    for number in range(5):
        shop.leave("UNKNOWN", order(request(f"mug {number}")))
    shop.vendor.account, shop.vendor.lists = "new", False
    begun = shop.clock.boot()
    shop.buy(pace=Pace(calls=2))
    assert shop.clock.boot() - begun == pytest.approx(0.03)


def test_adopting_what_another_token_sent_is_told(shop: Shop) -> None:
    """As every other step is."""
    shop.vendor.account = "old"
    shop.vendor._accept(shop.vendor.prepare(request(), []))
    shop.leave("UNKNOWN")
    shop.vendor.account, shop.vendor.rotated = "new", True
    result(shop.one())
    moved = [event.attempt.state for event in shop.events if isinstance(event, AttemptMoved)]
    assert moved == ["ACCEPTED", "SUCCEEDED", "STORED"]


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


def test_what_was_bought_twice_is_for_everybody_what_came_first(shop: Shop) -> None:
    """Another cache's result came in during the call: it stands, here as in what the lock file will pin."""
    earlier = shop.folder / "earlier"
    kept = result(Shop(earlier).one(order(timeout=99.0)))
    data = noise(99)

    def comes_in(_: str) -> None:
        digest = Blobs(shop.cache / "blobs").put(data)
        results = shop.results()
        results.put(replace(kept, artifact=replace(kept.artifact, digest=digest)))
        results.close()

    shop.vendor.before_answer = comes_in
    bought = shop.one()
    assert isinstance(bought, Bought)
    assert (bought.paid, bought.result.artifact.digest) == (True, digest_of(data))
    assert result(shop.one()) == bought.result
    assert [event.message for event in shop.events if isinstance(event, Warned)] == [
        "a mug@1: bought twice by two caches; the first one stands"
    ]

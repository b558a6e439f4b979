"""One request, paid once, from every state that a run can find.

Unaware of HTTP: the provider is a fake that bills.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from banana_pipe.canonical import Digest, digest_of
from banana_pipe.errors import BananaError, StoreError
from banana_pipe.events import CallStarted, Waiting
from banana_pipe.model import Budget, Request
from banana_pipe.providers.base import Kind, Prepared, ProviderError
from banana_pipe.purchase.buyer import Buyer
from banana_pipe.purchase.orders import Bought, Consent, Order, Pace
from banana_pipe.request import read_request
from banana_pipe.store import attempts
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.keylock import KeyLocks
from tests.purchase.fake import Fake, noise
from tests.purchase.shop import Shop, interrupt_after, order, refused, request, result

UNKNOWN = Consent(retry_unknown=True)
REFUSED = Consent(retry_refused=True)


@pytest.mark.parametrize("fate", ["task", "sync", "inline"])
def test_a_picture_is_bought_once_and_then_known(fate: str, shop: Shop) -> None:
    """Whether the provider answers with a task, a link or the bytes: one charge, and later runs ask nobody."""
    shop.vendor.fates.append(fate)  # type: ignore[arg-type]
    first = shop.one()
    assert first == Bought(result(first), paid=True)
    posts, polled = len(shop.vendor.posts), len(shop.vendor.polled)
    again = shop.one()
    assert again == Bought(result(first), paid=False, source="cache")
    assert (len(shop.vendor.charges), len(shop.vendor.posts), len(shop.vendor.polled)) == (1, posts, polled)
    assert Blobs(shop.cache / "blobs").read(result(first).artifact.digest) == shop.vendor.tasks["t1"].picture


def test_a_result_tells_where_it_came_from(shop: Shop) -> None:
    """Task, trace, model served, price: what the lock file and the manifest need."""
    had = result(shop.one())
    assert (had.task_id, had.trace_id, had.served) == ("t1", "trace-t1", "served-model")
    assert (had.price, had.provider, had.model) == (40_000, "acedata", "nano-banana")


def test_equal_orders_at_once_are_one_purchase(shop: Shop) -> None:
    """The first pays; who joins does not."""
    answers = shop.buy(*[order()] * 5)
    assert [answer.paid for answer in answers if isinstance(answer, Bought)] == [True] + [False] * 4
    assert len(shop.vendor.charges) == 1


def test_who_joined_goes_on_when_the_first_is_cancelled(shop: Shop) -> None:
    """A cancellation is of one node, not of all who want the same picture."""

    async def story() -> None:
        async with shop.open() as run:
            first = asyncio.create_task(run.buyer.obtain(order()))
            joined = asyncio.create_task(run.buyer.obtain(order()))
            await shop.clock.sleep(5)
            first.cancel()
            result(await joined)
            assert first.cancelled()

    shop.run(story())
    assert len(shop.vendor.charges) == 1


def test_a_failure_is_for_all_who_want_the_same_in_a_run(shop: Shop) -> None:
    """A node that comes later does not ask again what the provider has said no to."""
    shop.vendor.fates += [ProviderError("invalid", "no")] * 9

    async def story() -> None:
        async with shop.open() as run:
            for _ in range(3):
                assert refused(await run.buyer.obtain(order())).status == "failed"

    shop.run(story())
    assert len(shop.vendor.posts) == 1


def test_never_more_calls_under_way_than_agreed(shop: Shop) -> None:
    """Accepted tasks count: the vendor limits what it works on, not what is sent."""
    shop.buy(*(order(request(f"mug {n}")) for n in range(12)), pace=Pace(calls=3))
    assert len(shop.vendor.charges) == 12
    assert shop.clock.boot() - 1_000 > 4 * 10
    assert shop.vendor.most_under_way <= 3


# --- what another process left ------------------------------------------------------------------


def test_an_accepted_attempt_is_polled_on(shop: Shop) -> None:
    """No second POST."""
    task_id = shop.vendor._accept(shop.vendor.prepare(request(), []))
    shop.leave("ACCEPTED", task_id=task_id)
    answer = shop.one()
    assert isinstance(answer, Bought)
    assert not answer.paid, "the run that sent it paid for it"
    assert not shop.vendor.posts


def test_a_succeeded_attempt_is_downloaded(shop: Shop) -> None:
    """Neither a POST nor a poll: the ledger has the link."""
    task_id = shop.vendor._accept(shop.vendor.prepare(request(), []))
    shop.leave("SUCCEEDED", task_id=task_id, picture=f"https://cdn.example.com/{task_id}", response="{}")
    assert result(shop.one()).task_id == task_id
    assert not shop.vendor.posts
    assert not shop.vendor.polled


@pytest.mark.parametrize("state", ["INTENT", "UNKNOWN"])
def test_a_call_in_doubt_is_looked_up(state: str, shop: Shop) -> None:
    """Its owner is dead; its task is found by what was sent."""
    shop.vendor._accept(shop.vendor.prepare(request(), []))
    shop.leave(state)  # type: ignore[arg-type]
    assert result(shop.one()).task_id == "t1"
    assert not shop.vendor.posts
    assert [attempt.adopted for attempt in shop.attempts()] == [True]


def test_a_stored_attempt_heals_a_lost_result(shop: Shop) -> None:
    """The results can be thrown away: the ledger knows."""
    had = result(shop.one())
    shop.forget_results()
    assert shop.one() == Bought(had, paid=False, source="ledger")
    assert shop.one() == Bought(had, paid=False, source="cache")
    assert len(shop.vendor.charges) == 1


def test_open_attempts_are_collected_wanted_or_not(shop: Shop) -> None:
    """What is paid is fetched before its link dies, also where the recipe has moved on."""
    task_id = shop.vendor._accept(shop.vendor.prepare(request("gone"), []))
    shop.leave("ACCEPTED", order(request("gone")), task_id=task_id)
    shop.buy(order(request("wanted")))
    assert sorted(attempt.state for attempt in shop.attempts()) == ["STORED", "STORED"]


def test_whose_owner_lives_is_left_alone(shop: Shop) -> None:
    """A key in another's hand is neither looked up nor bought; it is come back to."""
    shop.leave("INTENT")
    held = KeyLocks(shop.cache / "locks").try_take(order().wanted.key)
    assert held is not None

    async def let_go(buyer: Buyer) -> None:
        await shop.clock.sleep(5)
        assert shop.vendor.posts == []
        held.__exit__()
        shop.vendor._accept(shop.vendor.prepare(request(), []))

    result(shop.one(meanwhile=let_go))
    assert not shop.vendor.posts


def test_a_busy_key_keeps_no_slot(shop: Shop) -> None:
    """While one key is in another's hand the only slot serves the others."""
    held = KeyLocks(shop.cache / "locks").try_take(order().wanted.key)
    assert held is not None

    async def let_go(buyer: Buyer) -> None:
        await buyer.obtain(order(request("another")))
        held.__exit__()

    first, _ = shop.buy(order(), order(request("a third")), meanwhile=let_go, pace=Pace(calls=1))
    result(first)
    assert json.loads(shop.vendor.posts[-1].body)["prompt"] == "a mug"


# --- consent --------------------------------------------------------------------------------------


def test_a_refusal_is_remembered(shop: Shop) -> None:
    """It is asked again only with `--retry-refused`."""
    shop.vendor.fates.append(ProviderError("moderation", "not nice", trace_id="T-1"))
    first = refused(shop.one())
    again = refused(shop.one())
    assert (first.reason, again.reason) == ("refused", "refused")
    assert first.error.startswith("refused, not billed: ")
    assert again.error.startswith("refused before, not asked again: ")
    assert "not nice" in again.error
    assert "T-1" in again.error
    assert len(shop.vendor.posts) == 1
    result(shop.one(consent=REFUSED))
    result(shop.one())
    assert len(shop.vendor.charges) == 1


def test_a_refusal_asked_again_can_take_several_posts(shop: Shop) -> None:
    """A 429 on the way does not bring the old refusal back."""
    shop.vendor.fates += [ProviderError("moderation", "no"), ProviderError("rate", "slow")]
    shop.one()
    result(shop.one(consent=REFUSED))


def test_a_doubt_is_parked_until_somebody_agrees(shop: Shop) -> None:
    """Without a listing nothing is sent again; with `--retry-unknown` the old money stays counted."""
    shop.vendor.lists = False
    shop.vendor.fates.append("cut")
    answer = refused(shop.one())
    assert (answer.status, answer.reason) == ("parked", "unknown")
    assert "$0.04" in answer.error
    assert "--retry-unknown" in answer.error
    assert refused(shop.one()).status == "parked"
    assert len(shop.vendor.posts) == 1
    result(shop.one(consent=UNKNOWN))
    assert shop.states() == ["ABANDONED", "STORED"]
    assert len(shop.vendor.posts) == 2


def test_consent_is_for_what_was_there_before_not_for_what_this_run_sends(shop: Shop) -> None:
    """A call that gets lost under `--retry-unknown` is parked like any other."""
    shop.vendor.lists = False
    shop.vendor.fates.append("cut")
    shop.one()
    # The run looks again at what it parked, since another call of it was accepted.
    shop.vendor.fates += ["task", "cut"]
    answers = shop.buy(order(), order(request("another")), consent=UNKNOWN, pace=Pace(calls=1))
    assert refused(answers[0]).status == "parked"
    assert shop.states() == ["ABANDONED", "STORED", "UNKNOWN"]
    assert len(shop.vendor.posts) == 3


def test_an_abandoned_call_that_cannot_be_paid_again_stays_in_doubt(shop: Shop) -> None:
    """Giving up and buying anew are one transaction: over the cap neither happens."""
    shop.vendor.lists = False
    shop.vendor.fates.append("cut")
    shop.one()
    begun = shop.clock.boot()
    answer = refused(shop.one(consent=UNKNOWN, budget=Budget(max_calls_per_day=1)))
    assert (answer.status, answer.reason) == ("waiting", "cap")
    assert shop.states() == ["UNKNOWN"]
    assert shop.clock.boot() - begun == pytest.approx(0.01), "the provider was asked for its list once"


def test_a_task_that_never_ends_is_given_up_by_consent(shop: Shop) -> None:
    """Not finished at the deadline: parked, polled on by the next run, and abandoned only by consent."""
    shop.vendor.seconds = 1e9
    first = refused(shop.one(order(timeout=60)))
    assert (first.status, first.reason) == ("parked", "resume")
    assert "t1" in first.error
    assert refused(shop.one(order(timeout=60))).status == "parked"
    shop.vendor.seconds = 1
    assert result(shop.one(order(timeout=60), consent=UNKNOWN)).task_id == "t2"
    assert shop.states() == ["ABANDONED", "STORED"]


def test_a_refusal_of_what_an_earlier_run_sent_is_an_answer(shop: Shop) -> None:
    """It is told, and not asked again in the same run: neither with consent to ask after what was refused before."""
    task_id = shop.vendor._accept(shop.vendor.prepare(request(), []))
    shop.vendor.tasks[task_id].end = ProviderError("moderation", "not nice")
    shop.leave("ACCEPTED", task_id=task_id)

    async def story() -> None:
        async with shop.open(consent=REFUSED) as run:
            answer = refused(await run.buyer.obtain(order()))
            assert answer.error.startswith("refused, not billed: not nice")

    shop.run(story())
    assert not shop.vendor.posts


def test_what_is_only_away_is_not_given_up_by_consent_to_buy_what_is_lost(shop: Shop) -> None:
    """A download that did not work out today is no loss."""
    shop.leave("SUCCEEDED", task_id="t1", picture="https://cdn.example.com/t1", response="{}")
    shop.vendor.fetches.extend([ProviderError("unavailable", "503")] * 9)
    assert refused(shop.one(consent=Consent(rebuy=True))).status == "failed"
    assert (shop.states(), shop.vendor.posts) == (["SUCCEEDED"], [])


# --- caps and stops -------------------------------------------------------------------------------


def orders(count: int) -> list[Order]:
    return [order(request(f"mug {n}")) for n in range(count)]


def test_exactly_the_cap_is_bought(shop: Shop) -> None:
    """Seven wanted, three allowed: three are had, the others wait, and a larger cap goes on."""
    answers = shop.buy(*orders(7), budget=Budget(max_calls=3))
    assert len(shop.vendor.charges) == 3
    assert sorted(getattr(answer, "reason", "had") for answer in answers) == ["cap"] * 4 + ["had"] * 3
    shop.buy(*orders(7), budget=Budget(max_cost=160_000))
    assert len(shop.vendor.charges) == 7


def test_a_cap_of_the_day_counts_all_runs(shop: Shop) -> None:
    """Yesterday does not count, nor does what was not billed."""
    budget = Budget(max_calls_per_day=2)
    shop.vendor.fates.append(ProviderError("invalid", "no"))
    for wanted in orders(4):
        shop.one(wanted, budget=budget)
    assert len(shop.vendor.charges) == 2
    shop.clock.jump(86_400)
    for wanted in orders(4):
        shop.one(wanted, budget=budget)
    assert len(shop.vendor.charges) == 4


def test_an_unknown_price_is_refused_under_a_cap_in_dollars(shop: Shop) -> None:
    """A cap that could not hold is none."""
    answer = refused(shop.one(order(price=None), budget=Budget(max_cost=10**9)))
    assert answer.reason == "cap"
    assert not shop.vendor.posts
    result(shop.one(order(price=None), budget=Budget(max_cost=10**9, allow_unpriced=True)))


def test_a_cap_stops_at_once_though_another_holds_a_key(shop: Shop) -> None:
    """Nobody waits for another process to find out that there is no money."""
    held = KeyLocks(shop.cache / "locks").try_take(order(request("busy")).wanted.key)
    assert held is not None
    with held:
        begun = shop.clock.boot()
        answers = shop.buy(order(request("busy")), *orders(2), budget=Budget(max_calls=1))
        assert shop.clock.boot() - begun < 15
    assert refused(answers[0]).reason == "cap"
    assert len(shop.vendor.charges) == 1


@pytest.mark.parametrize(("kind", "stop"), [("balance", "balance"), ("auth", "auth"), ("disabled", "auth")])
def test_a_stop_sends_nothing_new_and_collects_what_is_accepted(kind: Kind, stop: str, shop: Shop) -> None:
    """The account is empty: what was accepted before is still fetched."""
    shop.vendor.fates += ["task", ProviderError(kind, "no more")]

    async def story() -> tuple[list[object], str]:
        async with shop.open(pace=Pace(calls=2)) as run:
            answers = await run.buy(*orders(6))
            assert run.buyer.stop_reason is not None
            return list(answers), run.buyer.stop_reason.kind

    answers, kind_of_stop = shop.run(story())
    assert kind_of_stop == stop
    assert sum(isinstance(answer, Bought) for answer in answers) == 1
    assert len(shop.vendor.posts) == 2
    assert len(shop.vendor.charges) == 1


def test_an_interrupt_sends_nothing_new_and_collects_what_is_accepted(shop: Shop) -> None:
    """Within the grace time the accepted ones are finished; the others were not begun."""
    answers = shop.buy(*orders(4), pace=Pace(calls=2), meanwhile=interrupt_after(shop, 5))
    assert sorted(getattr(answer, "reason", "had") for answer in answers) == ["had", "had", "stopped", "stopped"]
    assert len(shop.vendor.posts) == 2


def test_an_interrupt_waits_no_longer_than_the_grace(shop: Shop) -> None:
    """What is not finished then stays accepted, and the next run collects it."""
    shop.vendor.seconds = 300
    answer = refused(shop.one(meanwhile=interrupt_after(shop, 5)))
    assert answer.status == "parked"
    assert shop.clock.boot() - 1_000 < 40
    assert shop.states() == ["ACCEPTED"]
    result(shop.one())
    assert len(shop.vendor.charges) == 1


def test_an_interrupt_does_not_wait_for_an_answer_either(shop: Shop) -> None:
    """A POST that is answered after minutes is in doubt after the grace: its task is looked up and left for later."""
    shop.vendor.seconds = 300
    shop.vendor.fates.append("sync")
    answer = refused(shop.one(meanwhile=interrupt_after(shop, 5)))
    assert answer.status == "parked"
    assert shop.clock.boot() - 1_000 < 40
    assert shop.states() == ["ACCEPTED"]
    result(shop.one())
    assert len(shop.vendor.charges) == 1


def test_an_interrupt_while_the_intent_is_written_sends_nothing(shop: Shop) -> None:
    """Between intent and POST there is one more look."""

    async def story() -> None:
        async with shop.open() as run:
            begin = run.stores.ledger.begin

            async def slow_begin(*args: object, **named: object) -> object:
                attempt = await begin(*args, **named)  # type: ignore[arg-type]
                run.buyer.stop("interrupt", BananaError("interrupted"))
                return attempt

            run.stores.ledger.begin = slow_begin  # type: ignore[method-assign,assignment]
            assert refused(await run.buyer.obtain(order())).reason == "stopped"

    shop.run(story())
    assert not shop.vendor.posts
    assert shop.states() == ["NOT_SENT"]


# --- before a POST --------------------------------------------------------------------------------


def test_a_post_that_would_begin_too_late_ends_itself(shop: Shop) -> None:
    """A laptop that slept between intent and POST must not send: another may have taken over since."""

    def sleep_an_hour() -> None:
        shop.vendor.before_submit = None
        shop.clock._boot += 3_600

    shop.vendor.before_submit = sleep_an_hour
    result(shop.one())
    assert shop.states() == ["NOT_SENT", "STORED"]
    assert len(shop.vendor.posts) == 1


def test_an_intent_is_written_before_anything_is_sent(shop: Shop) -> None:
    """At the moment of the POST the ledger on disk has the attempt with its price."""
    seen: list[tuple[str, int]] = []

    def look() -> None:
        with shop.another_process() as connection:
            seen.extend(connection.execute("SELECT state, price FROM attempts"))

    shop.vendor.before_submit = look
    shop.one()
    assert seen == [("INTENT", 40_000)]
    assert [event.node for event in shop.events if isinstance(event, CallStarted)] == ["a mug@1"]


def test_a_ledger_that_cannot_be_written_stops_before_any_post(shop: Shop) -> None:
    """No record, no money."""
    (shop.cache / "ledger.db").mkdir(parents=True)
    with pytest.raises(StoreError, match="ledger"):
        shop.one()
    assert not shop.vendor.posts


def test_a_picture_that_is_nowhere_cannot_be_sent(shop: Shop) -> None:
    """The node is lost, nothing is bought."""
    gone: Digest = digest_of(b"nowhere")
    answer = refused(shop.one(order(request(images=(gone,)))))
    assert (answer.status, answer.reason) == ("lost", "lost")
    assert answer.error == "the bytes of a picture that it reads are nowhere; `--rebuy` buys them"
    assert not shop.vendor.posts
    assert shop.states() == []


def test_the_request_is_kept_as_a_blob(shop: Shop) -> None:
    """What was asked can be read back by its key."""
    shop.one()
    data = Blobs(shop.cache / "blobs").read(Digest(order().wanted.key))
    assert data is not None
    assert read_request(data) == request()


def test_no_lock_file_is_left(shop: Shop) -> None:
    """Keys are given back, whatever became of them."""
    shop.vendor.fates += ["task", ProviderError("moderation", "no"), "cut"]
    shop.vendor.lists = False
    shop.buy(*orders(5))
    assert list((shop.cache / "locks").iterdir()) == []


def test_what_ended_meanwhile_is_not_resumed(shop: Shop) -> None:
    """Between the list of what is open and its turn: nobody is asked."""
    attempt = shop.leave("ACCEPTED", task_id=shop.vendor._accept(shop.vendor.prepare(request(), [])))
    result(shop.one())
    polled = len(shop.vendor.polled)

    async def story() -> None:
        async with shop.open() as run:
            assert await run.buyer.resume(attempt, 600.0) is None

    shop.run(story())
    assert len(shop.vendor.polled) == polled


def test_a_picture_goes_with_the_call_as_it_is(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes and what they are; what is no picture is not sent, and not paid."""
    blobs = Blobs(shop.cache / "blobs")
    seen: list[tuple[str, bytes]] = []
    prepare = Fake.prepare

    def look(fake: Fake, asked: Request, pictures: Sequence[tuple[str, bytes]]) -> Prepared:
        seen.extend(pictures)
        return prepare(fake, asked, pictures)

    monkeypatch.setattr(Fake, "prepare", look)
    result(shop.one(order(request(images=(blobs.put(noise(1)),)))))
    assert seen == [("image/png", noise(1))]
    answer = refused(shop.one(order(request(images=(blobs.put(b"hello"),)))))
    assert (answer.status, answer.reason) == ("failed", "error")
    assert answer.error == "a picture that it reads is no PNG, JPEG or WebP"
    assert len(shop.vendor.posts) == 1


@pytest.mark.parametrize(
    ("kind", "state"), [("unknown", "UNKNOWN"), ("transient", "FAILED"), ("moderation", "REFUSED")]
)
def test_an_error_that_names_a_task_that_is_taken_keeps_its_words_only(kind: Kind, state: str, shop: Shop) -> None:
    """An equal call adopted it first: this one's own task is another, or it failed without one."""
    other = shop.leave("UNKNOWN", order(request(sample=2)))

    def fail_after_it_was_taken() -> None:
        task_id = shop.vendor._accept(shop.vendor.posts[-1])
        with shop.another_process() as connection:
            attempts.move(connection, other, replace(other, state="ACCEPTED", task_id=task_id, adopted=True))
        raise ProviderError(kind, "502", task_id=task_id, trace_id="T-9")

    shop.vendor.fates.append(fail_after_it_was_taken)
    shop.vendor.lists = False
    held = KeyLocks(shop.cache / "locks").try_take(other.key)
    assert held is not None
    with held:
        shop.one()
    ours = next(one for one in shop.attempts() if one.key == order().wanted.key)
    assert (ours.state, ours.task_id, ours.trace_id, ours.error_message) == (state, None, "T-9", "502")


def test_what_was_not_sent_after_all_is_not_resumed(shop: Shop) -> None:
    """Its row is closed: nothing of it stands."""
    attempt = shop.leave("INTENT")

    async def story() -> None:
        async with shop.open() as run:
            await run.stores.ledger.advance(attempt, "NOT_SENT")
            assert await run.buyer.resume(attempt, 600.0) is None

    shop.run(story())


def test_a_loss_is_for_all_who_want_the_same_in_a_run(shop: Shop) -> None:
    """Nobody asks again after a link that is dead."""
    shop.vendor.fetches.extend([ProviderError("dead_link", "404")] * 9)

    async def story() -> None:
        async with shop.open() as run:
            assert refused(await run.buyer.obtain(order())).status == "lost"
            polled = len(shop.vendor.polled)
            assert refused(await run.buyer.obtain(order())).status == "lost"
            assert (len(shop.vendor.polled), len(shop.vendor.fetches)) == (polled, 6)

    shop.run(story())


def test_an_error_that_nobody_joined_is_told_once(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """By its exception, and not by the event loop as well."""
    shop.leave("ACCEPTED")

    async def story() -> None:
        async with shop.open() as run:
            await run.buyer.obtain(order())

    gc.freeze()  # what was there before is none of this test's: so there is little to look through
    with pytest.raises(AssertionError):
        shop.run(story())
    gc.collect()
    gc.unfreeze()
    assert caplog.records == []


def test_what_this_run_lost_is_lost_for_all_who_want_it(shop: Shop) -> None:
    """Consent to pay again is for what was gone before: a second node does not buy it once more."""
    shop.vendor.fetches.extend([ProviderError("dead_link", "404")] * 9)

    async def story() -> None:
        async with shop.open(consent=Consent(rebuy=True)) as run:
            for _ in range(2):
                assert refused(await run.buyer.obtain(order())).status == "lost"

    shop.run(story())
    assert len(shop.vendor.posts) == 1


# --- what a run is told ---------------------------------------------------------------------------


def waits(shop: Shop) -> list[tuple[str, str, float]]:
    return [(event.node, event.why, event.seconds) for event in shop.events if isinstance(event, Waiting)]


def test_that_another_process_has_a_key_is_told_once(shop: Shop) -> None:
    """Not at each of its looks."""
    held = KeyLocks(shop.cache / "locks").try_take(order().wanted.key)
    assert held is not None

    async def let_go(_: Buyer) -> None:
        await shop.clock.sleep(5)
        held.__exit__()

    result(shop.one(meanwhile=let_go))
    assert waits(shop) == [("a mug@1", "another process has this request in hand", 0.2)]


def test_what_is_resumed_is_kept_as_what_is_bought(shop: Shop) -> None:
    """Its result is written though nobody wants it, so that the next plan knows it without the ledger."""
    attempt = shop.leave("ACCEPTED", task_id=shop.vendor._accept(shop.vendor.prepare(request(), [])))

    async def story() -> None:
        async with shop.open() as run:
            assert await run.buyer.resume(attempt, 600.0) is None

    shop.run(story())
    results = shop.results()
    kept = results.get(attempt.key)
    results.close()
    assert kept is not None
    assert kept.task_id == "t1"


def test_what_was_refused_meanwhile_is_resumed_to_its_end(shop: Shop) -> None:
    """Nothing is in the way any more, and there is nothing to keep."""
    task_id = shop.vendor._accept(shop.vendor.prepare(request(), []))
    shop.vendor.tasks[task_id].end = ProviderError("moderation", "not nice")
    attempt = shop.leave("ACCEPTED", task_id=task_id)

    async def story() -> None:
        async with shop.open() as run:
            assert await run.buyer.resume(attempt, 600.0) is None

    shop.run(story())
    assert shop.states() == ["REFUSED"]


def test_what_is_in_the_way_of_a_resumption_is_told(shop: Shop) -> None:
    """And who wants that key in the same run hears the same, without another way to its end."""
    shop.vendor.seconds = 1e9
    attempt = shop.leave("ACCEPTED", task_id=shop.vendor._accept(shop.vendor.prepare(request(), [])))

    async def story() -> None:
        async with shop.open() as run:
            trouble = await run.buyer.resume(attempt, 60.0)
            assert trouble is not None
            assert (trouble.status, trouble.reason) == ("parked", "resume")
            polled, begun = len(shop.vendor.polled), shop.clock.boot()
            assert await run.buyer.obtain(order()) == trouble
            assert (len(shop.vendor.polled), shop.clock.boot() - begun) == (polled, 0)

    shop.run(story())


def test_a_buyer_says_where_it_buys_and_how_its_run_stands(shop: Shop) -> None:
    """Whose attempts it takes up, whether another look may prove something, and whether somebody wants to go."""

    async def story() -> None:
        async with shop.open() as run:
            buyer = run.buyer
            assert buyer.origin == shop.vendor.origin
            assert (buyer.may_prove_more, buyer.interrupted, buyer.stop_reason) == (False, False, None)
            await buyer.obtain(order())
            assert buyer.may_prove_more
            buyer.stop("balance", BananaError("no more"))
            assert not buyer.interrupted
            buyer.stop("interrupt", BananaError("interrupted"))
            assert buyer.interrupted

    shop.run(story())


def test_a_pause_before_another_post_is_told_in_the_providers_words(shop: Shop) -> None:
    """With its seconds; where there are no words, by what happened."""
    shop.vendor.fates += [ProviderError("rate", "slow down", retry_after=77.0), ProviderError("not_sent", "")]
    result(shop.one())
    (node, why, seconds), (_, without_words, _) = waits(shop)
    assert (node, why, without_words) == ("a mug@1", "slow down", "the call was not sent")
    assert 77 <= seconds <= 78


# --- places ------------------------------------------------------------------------------------------


def test_who_waits_to_send_again_holds_no_place_of_a_call(shop: Shop) -> None:
    """A minute that the provider asked of one is not asked of the others."""
    shop.vendor.fates.append(ProviderError("rate", "slow down", retry_after=1_000.0))
    ends: list[float] = []

    async def story() -> None:
        async with shop.open(pace=Pace(calls=1)) as run:

            async def had(wanted: Order) -> None:
                result(await run.buyer.obtain(wanted))
                ends.append(shop.clock.boot() - 1_000)

            await asyncio.gather(*map(had, orders(2)))

    shop.run(story())
    assert ends[0] < 100 < 1_000 < ends[1]


def test_a_stop_ends_the_pause_before_another_post(shop: Shop) -> None:
    """Nothing will be sent after it."""
    shop.vendor.fates.append(ProviderError("rate", "slow down", retry_after=1_000.0))
    assert refused(shop.one(meanwhile=interrupt_after(shop, 5))).reason == "stopped"
    assert shop.clock.boot() - 1_000 < 6


def test_after_too_many_calls_there_are_fewer_for_a_while(shop: Shop) -> None:
    """Half as many; and as many again when calls go well."""
    shop.vendor.fates += ["task", ProviderError("rate", "slow down", retry_after=15.0)]
    shop.buy(*orders(6), pace=Pace(calls=2))
    together = [len(asked) for asked in shop.vendor.polled]
    assert together[:5] == [1] * 5
    assert 2 in together


def test_as_many_are_made_ready_as_there_are_calls(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that comes free is used at once; what waits behind them has no picture in memory yet."""
    ready: list[float] = []
    prepare = Fake.prepare

    def look(fake: Fake, asked: Request, pictures: Sequence[tuple[str, bytes]]) -> Prepared:
        ready.append(shop.clock.boot() - 1_000)
        return prepare(fake, asked, pictures)

    monkeypatch.setattr(Fake, "prepare", look)
    shop.buy(*orders(4), pace=Pace(calls=1))
    assert ready[:2] == [0, 0]
    assert 10 < ready[2] < 20 < ready[3]


def test_what_is_followed_keeps_nobody_from_being_made_ready(shop: Shop) -> None:
    """An earlier run's task takes neither a call nor a place before it: the vendor has it since long."""
    shop.vendor.seconds = 500.0
    task_id = shop.vendor._accept(shop.vendor.prepare(request(), []))
    shop.vendor.seconds = 10.0
    shop.leave("ACCEPTED", task_id=task_id)

    async def story() -> None:
        async with shop.open(pace=Pace(calls=1)) as run:
            followed = asyncio.create_task(run.buyer.obtain(order()))
            await shop.clock.sleep(1)
            result(await run.buyer.obtain(order(request("another"))))
            assert shop.clock.boot() - 1_000 < 50
            assert not followed.done()
            result(await followed)

    shop.run(story())


# --- what is written ---------------------------------------------------------------------------------


def test_an_intent_says_what_is_bought_where_and_for_whom(shop: Shop) -> None:
    """All that a later run, or a person who reads the ledger, needs of a call whose answer was lost."""
    at = shop.clock.now()
    shop.vendor.lists = False
    shop.vendor.fates.append("cut")
    wanted = order(request(sample=2), price=1_234)
    shop.one(wanted)
    (attempt,) = shop.attempts()
    assert (attempt.key, attempt.wire) == (wanted.wanted.key, shop.vendor.posts[0].wire)
    assert (attempt.origin, attempt.account, attempt.run_id) == (shop.vendor.origin, shop.vendor.account, "run-1")
    assert (attempt.provider, attempt.model, attempt.price) == ("acedata", "nano-banana", 1_234)
    assert (attempt.node, attempt.created_at) == ("a mug@2", at)

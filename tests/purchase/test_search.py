"""The task of a call whose answer was lost: found, proven absent, or parked. Never paid for twice.

Unaware of how a listing is read.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banana_pipe.events import AttemptMoved
from banana_pipe.model import Attempt, AttemptState
from banana_pipe.providers.base import Kind, ProviderError
from banana_pipe.purchase.orders import Bought, Consent, Order, Pace
from banana_pipe.store import attempts
from banana_pipe.store.keylock import KeyLocks
from tests.purchase.conftest import a_shop
from tests.purchase.shop import Shop, interrupt_after, order, refused, request, result

SETTLE = 120.0


def prove(shop: Shop) -> None:
    """Let a look-up see a task that a POST had named: the listing is proven from then on."""
    shop.vendor.prefix = "earlier"
    shop.vendor.fates.extend(["task", "cut"])
    shop.buy(order(request("first")), order(request("second")))
    shop.vendor.charges.clear()
    shop.vendor.posts.clear()
    shop.vendor.prefix = "t"


def test_a_cut_connection_is_adopted(shop: Shop) -> None:
    """Received, answer lost: the task is found by what was sent."""
    shop.vendor.fates.append("cut")
    assert result(shop.one()).task_id == "t1"
    assert len(shop.vendor.posts) == len(shop.vendor.charges) == 1


@pytest.mark.parametrize("late", [0, 1, 30, 90, 119.5])
def test_a_task_that_is_listed_late_is_adopted(late: float, shop: Shop) -> None:
    """Up to the settling time nothing is concluded from its absence, proven listing or not."""
    prove(shop)
    shop.vendor.late = late
    shop.vendor.fates.append("cut")
    assert result(shop.one()).task_id == "t1"
    assert len(shop.vendor.posts) == len(shop.vendor.charges) == 1


def test_a_call_that_never_arrived_is_made_again_after_settling(shop: Shop) -> None:
    """Absent from a proven listing, 120 s after the call ended: not sent, so it is sent."""
    prove(shop)
    shop.vendor.fates.append("vanished")
    begun = shop.clock.boot()
    result(shop.one())
    assert shop.clock.boot() - begun >= SETTLE
    assert [attempt.state for attempt in shop.attempts()][2:] == ["NOT_SENT", "STORED"]
    assert len(shop.vendor.charges) == 1


def test_a_call_that_vanishes_again_and_again_is_not_made_for_ever(shop: Shop) -> None:
    """Two POSTs in a run; then the node has failed, and nothing is parked: both are proven absent."""
    prove(shop)
    shop.vendor.fates.extend(["vanished"] * 5)
    assert refused(shop.one()).status == "failed"
    assert len(shop.vendor.posts) == 2


def test_an_empty_listing_proves_nothing(shop: Shop) -> None:
    """It has never shown a task of ours, so that our call may be hidden too: parked, and never sent again."""
    shop.vendor.fates.append("vanished")
    for _ in range(3):
        assert refused(shop.one()).status == "parked"
    assert len(shop.vendor.posts) == 1


def test_an_adopted_task_proves_nothing(shop: Shop) -> None:
    """Only a task that a POST named shows that the listing has all of ours."""
    shop.vendor.fates.append("cut")
    assert result(shop.one(order(request("adopted")))).task_id == "t1"
    shop.vendor.fates.append("vanished")
    assert refused(shop.one()).status == "parked"


def test_the_first_accepted_call_of_a_run_can_prove_the_listing(shop: Shop) -> None:
    """What nothing was proven of before is looked for again, and then bought, in the same run."""
    shop.vendor.fates.append("vanished")
    assert refused(shop.one()).status == "parked"
    shop.clock.jump(3_600)
    answers = shop.buy(order(), order(request("another")))
    assert all(isinstance(answer, Bought) for answer in answers)
    assert len(shop.vendor.charges) == 2
    assert sorted(shop.states()) == ["NOT_SENT", "STORED", "STORED"]


def test_a_listing_that_is_not_read_to_its_end_proves_nothing(shop: Shop) -> None:
    """The task may be on the next page."""
    prove(shop)
    shop.vendor.complete = False
    shop.vendor.fates.append("vanished")
    assert refused(shop.one()).status == "parked"
    assert len(shop.vendor.posts) == 1


def test_a_task_that_cannot_be_compared_may_be_ours(shop: Shop) -> None:
    """Same action, model and prompt, its pictures rewritten: parked."""
    prove(shop)
    shop.vendor.rewrites = True
    shop.vendor.fates.append("cut")
    assert refused(shop.one()).status == "parked"
    assert len(shop.vendor.posts) == 1


def test_a_task_of_another_prompt_is_not_ours_however_it_is_shown(shop: Shop) -> None:
    """What others ask in the meantime keeps nothing parked."""
    prove(shop)
    shop.vendor.rewrites = True
    shop.vendor._accept(shop.vendor.prepare(request("a colleague's"), []))
    shop.vendor.fates.append("vanished")
    result(shop.one())
    assert len(shop.vendor.posts) == 2


def test_a_provider_without_a_listing_parks_at_once(shop: Shop) -> None:
    """There is nothing to wait for."""
    shop.vendor.lists = False
    shop.vendor.fates.append("cut")
    begun = shop.clock.boot()
    assert refused(shop.one()).status == "parked"
    assert shop.clock.boot() - begun < 5


def test_a_listing_that_is_away_is_asked_again(shop: Shop) -> None:
    """A 503 is no answer; the settling time is there to be used."""
    shop.vendor.listings.extend([ProviderError("unavailable", "503")] * 5)
    shop.vendor.fates.append("cut")
    assert result(shop.one()).task_id == "t1"


@pytest.mark.parametrize("state", ["INTENT", "UNKNOWN", "ACCEPTED"])
def test_what_was_asked_elsewhere_is_not_looked_for_here(state: AttemptState, shop: Shop) -> None:
    """The key is the same behind two gateways; that one of them has no such call says nothing of the other."""
    here, shop.vendor.origin = shop.vendor.origin, "https://gateway.example.com"
    prove(shop)
    shop.leave(state, task_id="t9" if state == "ACCEPTED" else None)
    shop.vendor.origin = here
    shop.clock.jump(3_600)
    answer = refused(shop.one())
    assert answer.status == "parked"
    assert "https://gateway.example.com" in answer.error
    assert shop.vendor.posts == []
    result(shop.one(consent=Consent(retry_unknown=True)))
    assert len(shop.vendor.posts) == 1


@pytest.mark.parametrize("state", ["INTENT", "UNKNOWN", "ACCEPTED"])
def test_what_was_sent_with_another_token_is_not_given_up_where_this_one_is_told_nothing(
    state: AttemptState, shop: Shop
) -> None:
    """Another account's list is whole, proven and empty of our call: that it is absent there says nothing."""
    prove(shop)
    shop.vendor.account = "them"
    prove(shop)
    call = shop.vendor.prepare(order().request, [])
    task_id = shop.vendor._accept(call)
    shop.leave(state, task_id=task_id if state == "ACCEPTED" else None)
    shop.vendor.account = "us"
    shop.clock.jump(3_600)
    answer = refused(shop.one())
    assert answer.status == "parked"
    assert "with another API token. A run with that token collects it; `--retry-unknown`" in answer.error
    assert shop.vendor.posts == []
    shop.vendor.account = "them"
    assert result(shop.one()).task_id == task_id
    assert shop.vendor.posts == []


@pytest.mark.parametrize("state", ["INTENT", "UNKNOWN", "ACCEPTED"])
@pytest.mark.parametrize("seconds", [0.0, 30.0])
def test_a_rotated_token_collects_what_the_old_one_paid(seconds: float, state: AttemptState, shop: Shop) -> None:
    """The account is the same, and shows the task, finished or not: that is our picture."""
    task_id = sent_by_the_old_token(shop, state)
    shop.vendor.tasks[task_id].done_at = shop.clock.now() + seconds
    assert result(shop.one()).task_id == task_id
    assert (shop.states(), shop.vendor.posts) == (["STORED"], [])


@pytest.mark.parametrize(
    ("said", "state", "posts"),
    [
        (ProviderError("transient", "it did not work out", code="api_error"), "FAILED", 1),
        (ProviderError("moderation", "no mugs", code="forbidden"), "REFUSED", 0),
        (ProviderError("no_image", "a record without its answer"), "ACCEPTED", 0),
        (ProviderError("invalid", "there is no such task", code="bad_request"), "ACCEPTED", 0),
        (ProviderError("auth", "not yours", code="token_mismatched"), "ACCEPTED", 0),
    ],
)
def test_of_another_tokens_task_only_words_on_the_work_are_bad_news(
    said: ProviderError, state: str, posts: int, shop: Shop
) -> None:
    """All others may be on who asks; a failure that is believed would be paid for again."""
    task_id = sent_by_the_old_token(shop, "ACCEPTED")
    shop.vendor.tasks[task_id].end = said
    shop.vendor.tasks[task_id].done_at = 0
    shop.one()
    assert (shop.states()[0], len(shop.vendor.posts)) == (state, posts)


@pytest.mark.parametrize("kind", ["auth", "disabled", "balance"])
def test_a_token_that_is_not_accepted_leaves_anothers_task_parked(kind: Kind, shop: Shop) -> None:
    """At once, and nothing is stopped by it."""
    sent_by_the_old_token(shop, "ACCEPTED")
    shop.vendor.rotated = False
    shop.vendor.polls.append(ProviderError(kind, "no"))
    answer, bought = shop.buy(order(), order(request("a bowl")))
    assert (refused(answer).status, refused(answer).elsewhere, shop.states()[0]) == ("parked", True, "ACCEPTED")
    assert result(bought).task_id == "t2"


def test_a_provider_that_is_away_for_a_moment_gives_nothing_of_another_token_up(shop: Shop) -> None:
    """Also with consent to pay again."""
    task_id = sent_by_the_old_token(shop, "ACCEPTED")
    shop.vendor.tasks[task_id].done_at = 0
    shop.vendor.polls.extend([ProviderError("unavailable", "503")] * 5)
    assert result(shop.one(consent=Consent(retry_unknown=True))).task_id == task_id
    assert shop.vendor.posts == []


def test_a_failed_task_is_not_adopted_for_another_tokens_call(shop: Shop) -> None:
    """It may be an equal call's of this account; ours may be paid."""
    task_id = sent_by_the_old_token(shop, "UNKNOWN")
    shop.vendor.tasks[task_id].end = ProviderError("transient", "it did not work out", code="api_error")
    for done_at in (shop.clock.now(), shop.clock.now() + 60.0):  # known before it is adopted, and after
        shop.vendor.tasks[task_id].done_at = done_at
        assert refused(shop.one()).elsewhere
        (attempt,) = shop.attempts()
        assert (attempt.state, attempt.task_id, attempt.adopted) == ("UNKNOWN", None, False)
    assert shop.vendor.posts == []


@pytest.mark.parametrize("state", ["INTENT", "UNKNOWN"])
def test_what_this_token_may_have_sent_is_not_adopted_for_another(state: AttemptState, shop: Shop) -> None:
    """Else this token's own call would be found absent, and be paid for a second time."""
    prove(shop)
    shop.vendor.account = "them"
    shop.leave("UNKNOWN", order(request(sample=1)))
    shop.vendor.account = "us"
    task_id = shop.vendor._accept(shop.vendor.prepare(request(sample=2), []))
    shop.leave(state, order(request(sample=2)))
    assert refused(shop.one(order(request(sample=1)))).elsewhere
    assert result(shop.one(order(request(sample=2)))).task_id == task_id
    assert shop.vendor.posts == []


def test_a_list_that_shows_another_tokens_call_proves_nothing_of_that_tokens_list(shop: Shop) -> None:
    """It is this token's list that showed it."""
    shop.vendor.account = "them"
    result(shop.one(order(request("a bowl"))))
    shop.leave("UNKNOWN")
    shop.vendor.account, shop.vendor.rotated = "us", True
    shop.clock.jump(3_600)
    refused(shop.one())

    async def proven() -> list[bool]:
        async with shop.open() as opened:
            ledger = opened.stores.ledger
            return [await ledger.listing_is_proven(attempt) for attempt in await ledger.all_attempts()]

    assert shop.run(proven()) == [False, False]


def sent_by_the_old_token(shop: Shop, state: AttemptState) -> str:
    """Leave an attempt that was sent with a token that has been rotated since; its task."""
    shop.vendor.account = "old"
    task_id = shop.vendor._accept(shop.vendor.prepare(order().request, []))
    shop.leave(state, task_id=task_id if state == "ACCEPTED" else None)
    shop.vendor.account, shop.vendor.rotated = "new", True
    return task_id


def test_what_was_sent_with_another_token_is_bought_anew_by_consent_alone(shop: Shop) -> None:
    """The token may be gone for good."""
    shop.vendor.account = "them"
    shop.leave("UNKNOWN")
    shop.vendor.account = "us"
    refused(shop.one())
    result(shop.one(consent=Consent(retry_unknown=True)))
    assert shop.states() == ["ABANDONED", "STORED"]


def test_a_proof_is_of_the_account_that_was_asked(shop: Shop) -> None:
    """One list was seen to show our calls; another account's call, absent from its own list, is parked all the same."""
    prove(shop)
    shop.vendor.account = "them"
    shop.vendor.fates.append("vanished")
    assert refused(shop.one()).status == "parked"
    assert len(shop.vendor.posts) == 1


def test_a_listing_that_is_away_gives_nothing_up_at_once(shop: Shop) -> None:
    """Also long after the call, and with consent to pay again: it is asked for as long as settling takes."""
    shop.vendor.fates.append("cut")
    shop.vendor.lists = False
    refused(shop.one())
    shop.vendor.lists = True
    shop.clock.jump(3_600)
    shop.vendor.listings.extend([ProviderError("unavailable", "503")] * 5)
    assert result(shop.one(consent=Consent(retry_unknown=True))).task_id == "t1"
    assert len(shop.vendor.posts) == 1


def test_a_listing_that_stays_away_is_told_in_its_own_words(shop: Shop) -> None:
    """Nothing was listed, so nothing was found missing."""
    shop.vendor.fates.append("cut")
    shop.vendor.listings.extend([ProviderError("unavailable", "the listing answers 503")] * 99)
    assert "the listing answers 503" in refused(shop.one()).error


def test_a_look_up_that_is_refused_stops_the_run_at_once(shop: Shop) -> None:
    """With a token that is not accepted there is no use in two minutes of asking."""
    shop.vendor.listings.extend([ProviderError("auth", "invalid token")] * 99)
    shop.vendor.fates.append("cut")
    begun = shop.clock.boot()
    assert refused(shop.one()).status == "parked"
    assert shop.clock.boot() - begun < 5
    assert shop.states() == ["UNKNOWN"]


def test_another_nodes_call_goes_on_while_one_settles(shop: Shop) -> None:
    """Whoever waits for the end of a settling time holds no slot."""
    prove(shop)
    begun = shop.clock.now()
    shop.vendor.fates.append("vanished")
    answers = shop.buy(order(), *(order(request(f"mug {n}")) for n in range(5)), pace=Pace(calls=1))
    assert all(isinstance(answer, Bought) for answer in answers)
    ends = sorted(attempt.updated_at - begun for attempt in shop.attempts() if attempt.state == "STORED")
    assert ends[-2] < SETTLE < ends[-1], "only the one whose call vanished had to wait"


# --- when settling counts from ------------------------------------------------------------------


def test_settling_counts_from_the_end_of_the_call(shop: Shop) -> None:
    """A call that took minutes before it was cut may have been received at its last moment."""
    prove(shop)
    shop.vendor.seconds = 500.0

    def slow() -> None:
        shop.vendor.before_submit = None
        shop.clock._boot += 5

    shop.vendor.before_submit = slow
    shop.vendor.fates.append("sync")  # time-out after 100 s
    shop.vendor.late = 115.0
    begun = shop.clock.boot()
    assert refused(shop.one(order(timeout=100))).status == "parked"
    assert shop.states()[2:] == ["ACCEPTED"]
    assert shop.clock.boot() - begun > 100
    assert len(shop.vendor.posts) == 1


def test_settling_of_a_dead_owners_call_counts_from_the_first_take_over(shop: Shop) -> None:
    """Written to the row then, and never moved: interrupted again and again, it still ends."""
    prove(shop)
    shop.leave("INTENT")
    first = shop.clock.now() + 1
    short = Pace(settle=SETTLE, grace=0)
    for _ in range(3):
        shop.clock.jump(30)
        assert refused(shop.one(pace=short, meanwhile=interrupt_after(shop, 1))).status == "parked"
    assert first <= (shop.attempts()[-1].under_way_until or 0) <= first + 31
    shop.clock.jump(SETTLE)
    begun = shop.clock.boot()
    result(shop.one())
    assert shop.clock.boot() - begun < 30


def test_a_wall_clock_that_jumps_forward_shortens_no_settling(shop: Shop) -> None:
    """In the process that saw the doubt begin, only time that passes counts."""
    prove(shop)
    shop.vendor.late = 100.0
    shop.vendor.fates.append("cut")
    begun = shop.clock.boot()

    async def jump(_: object) -> None:
        await shop.clock.sleep(5)
        shop.clock.jump(86_400)
        shop.vendor.late += 86_400

    shop.one(meanwhile=jump)
    assert shop.clock.boot() - begun >= 100
    assert len(shop.vendor.posts) == 1


def test_a_wall_clock_that_was_set_back_prolongs_it_to_one_settling_at_most(shop: Shop) -> None:
    """A doubt from the future does not keep a run waiting until that day."""
    prove(shop)
    shop.leave("UNKNOWN", under_way_until=shop.clock.now() + 86_400)
    begun = shop.clock.boot()
    result(shop.one())
    assert SETTLE <= shop.clock.boot() - begun < SETTLE + 60


# --- equal wires ----------------------------------------------------------------------------------


def two() -> list[Order]:
    return [order(request(sample=1)), order(request(sample=2))]


@pytest.mark.parametrize("fate", ["task", "sync"])
@pytest.mark.parametrize("cut_first", [True, False])
def test_two_samples_of_one_prompt_never_share_a_task(fate: str, cut_first: bool, shop: Shop) -> None:
    """One answer lost, the other late: the look-up takes the other's task, who then finds the first one's."""
    prove(shop)
    shop.vendor.fates.extend(["cut", fate] if cut_first else [fate, "cut"])  # type: ignore[list-item]
    first, second = shop.buy(*two())
    assert result(first).artifact.digest != result(second).artifact.digest
    assert {result(first).task_id, result(second).task_id} == {"t1", "t2"}
    assert len(shop.vendor.charges) == len(shop.vendor.posts) == 2


@pytest.mark.parametrize("fate", ["task", "sync"])
def test_who_finds_its_task_taken_looks_for_its_own(fate: str, shop: Shop) -> None:
    """Our task was adopted by an equal call before its answer reached us: its task, or its absence, is ours."""
    prove(shop)
    other = shop.leave("UNKNOWN", order(request(sample=2)))

    def steal(task_id: str) -> None:
        """Another process, resuming sample 2, adopts the task that was made for sample 1."""
        shop.vendor.before_answer = None
        adopt(shop, other, task_id)

    shop.vendor.before_answer = steal
    shop.vendor.fates.append(fate)  # type: ignore[arg-type]
    # The other holds its key, as the process that resumes it would.
    held = KeyLocks(shop.cache / "locks").try_take(other.key)
    assert held is not None
    with held:
        assert result(shop.one()).task_id == "t2", "its own was never received: proven absent, and bought"
    assert result(shop.one(order(request(sample=2)))).task_id == "t1"
    assert len(shop.vendor.charges) == 2


def adopt(shop: Shop, attempt: Attempt, task_id: str) -> None:
    """Let another process adopt *task_id* for *attempt*."""
    with shop.another_process() as connection:
        attempts.move(connection, attempt, replace(attempt, state="ACCEPTED", task_id=task_id, adopted=True))


def test_a_task_that_is_adopted_by_another_meanwhile_is_passed_over(shop: Shop) -> None:
    """Between listing and adoption: the next one with the same wire is as good."""
    other = shop.leave("UNKNOWN", order(request(sample=2)))
    for _ in range(2):
        shop.vendor._accept(shop.vendor.prepare(request(), []))
    shop.leave("UNKNOWN")

    def steal() -> None:
        shop.vendor.before_poll = None
        adopt(shop, other, "t1")

    shop.vendor.before_poll = steal
    held = KeyLocks(shop.cache / "locks").try_take(other.key)
    assert held is not None
    with held:
        assert result(shop.one()).task_id == "t2"
    assert not shop.vendor.posts


@pytest.mark.parametrize("calls", [1, 2])
def test_a_failed_task_of_an_equal_call_is_not_taken_for_ours(calls: int, shop: Shop) -> None:
    """Sample 1 fails without naming its task; sample 2's is alive: to adopt the failure would pay twice.

    One after the other, sample 2 finds it failed; side by side, it adopts it while it still looks well.
    """
    prove(shop)

    async def show_it_late(_: object) -> None:
        await shop.clock.sleep(60)
        shop.vendor.hides.clear()

    shop.vendor.fates.extend(["fails", "cut"])
    shop.vendor.hides.add("t2")
    answers = shop.buy(*two(), pace=Pace(calls=calls), meanwhile=show_it_late)
    # Side by side, either sample can be the one whose call fails.
    (one,) = [answer for answer in answers if isinstance(answer, Bought)]
    (other,) = [answer for answer in answers if not isinstance(answer, Bought)]
    assert refused(other).status == "failed"
    assert one.result.task_id == "t2"
    assert len(shop.vendor.posts) == 2
    assert len(shop.vendor.charges) == 1
    moves = [event.attempt for event in shop.events if isinstance(event, AttemptMoved)]
    assert not [doubt for doubt in moves if doubt.state == "UNKNOWN" and (doubt.task_id or doubt.adopted)]


def test_a_failed_task_is_ours_where_nobody_else_could_have_it(shop: Shop) -> None:
    """The answer was lost and the task failed: that is said at once, not parked."""
    shop.vendor.fates.append("cut")
    shop.vendor.ends.append(ProviderError("moderation", "not nice"))
    shop.vendor.seconds = 0
    answer = refused(shop.one())
    assert (answer.status, answer.reason) == ("failed", "refused")
    assert len(shop.vendor.posts) == 1


@settings(max_examples=25)
@given(
    fates=st.lists(st.sampled_from(["task", "sync", "cut", "vanished", "inline"]), max_size=8),
    late=st.sampled_from([0.0, 3.0, 60.0, 119.0]),
    calls=st.integers(1, 3),
    runs=st.integers(1, 2),
)
def test_any_mishaps_with_a_listing_charge_each_key_once(fates: list[str], late: float, calls: int, runs: int) -> None:
    """Five samples of one prompt and two other requests, whatever is cut or vanishes: seven charges at the end."""
    with a_shop() as shop:
        prove(shop)
        shop.vendor.fates.extend(fates)  # type: ignore[arg-type]
        shop.vendor.late = late
        wanted = [order(request(sample=n)) for n in range(1, 6)] + [order(request("jug")), order(request("pot"))]
        for _ in range(runs):
            shop.buy(*wanted, pace=Pace(calls=calls))
        shop.vendor.fates.clear()
        answers = shop.buy(*wanted)
        assert len({result(answer).artifact.digest for answer in answers}) == len(wanted)
        assert len(shop.vendor.charges) == len(wanted)


@settings(max_examples=15)
@given(fates=st.lists(st.sampled_from(["task", "sync", "cut", "vanished"]), min_size=1, max_size=6))
def test_any_mishaps_without_a_listing_send_nothing_twice(fates: list[str]) -> None:
    """What was cut or vanished is parked, in every run, until `--retry-unknown`."""
    with a_shop() as shop:
        shop.vendor.lists = False
        shop.vendor.fates.extend(fates)  # type: ignore[arg-type]
        wanted = [order(request(sample=n)) for n in range(1, 5)]
        shop.buy(*wanted)
        shop.vendor.fates.clear()
        answers = shop.buy(*wanted)
        in_doubt = sum(fate in ("cut", "vanished") for fate in fates[:4])
        assert sum(getattr(answer, "status", "had") == "parked" for answer in answers) == in_doubt
        assert len(shop.vendor.posts) == 4
        shop.buy(*wanted, consent=Consent(retry_unknown=True))
        assert len(shop.vendor.posts) == 4 + in_doubt

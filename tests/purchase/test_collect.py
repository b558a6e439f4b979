"""From a paid answer to a picture in the cache, and what happens where it cannot be had.

Unaware of networks: links are dead or late as told.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Literal, TypeVar

import pytest

from banana_pipe.canonical import digest_of
from banana_pipe.errors import StoreError
from banana_pipe.events import AttemptMoved
from banana_pipe.model import Artifact, Key, Result
from banana_pipe.providers.base import ProviderError
from banana_pipe.purchase.orders import Bought, Consent, Pace
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.pins import LockBlock, LockFile, LockTake
from tests.purchase.shop import Shop, interrupt_after, order, refused, request, result

REBUY = Consent(rebuy=True)
DEAD = ProviderError("dead_link", "404")
AWAY = ProviderError("unavailable", "503")
T = TypeVar("T")


def some(number: int, answer: T) -> list[T]:
    return [answer] * number


def blob(shop: Shop, digest: str) -> Path:
    return shop.cache / "blobs" / digest[:2] / digest


def test_the_answer_is_kept_before_the_picture_is_fetched(shop: Shop) -> None:
    """A run that fails while downloading leaves all that the next needs: no POST, no poll."""
    shop.vendor.fetches.extend(some(9, AWAY))
    answer = refused(shop.one())
    assert (answer.status, answer.reason) == ("failed", "error")
    (attempt,) = shop.attempts()
    assert (attempt.state, attempt.picture) == ("SUCCEEDED", "https://cdn.example.com/t1")
    assert attempt.response == '{"task_id": "t1"}'
    shop.vendor.fetches.clear()
    shop.vendor.polled.clear()
    assert result(shop.one()).task_id == "t1"
    assert len(shop.vendor.posts) == 1
    assert not shop.vendor.polled


def test_a_download_is_tried_again(shop: Shop) -> None:
    """Three faults that pass, and then the picture."""
    shop.vendor.fetches.extend(some(3, AWAY))
    result(shop.one())
    assert shop.states() == ["STORED"]


def test_a_picture_that_is_not_there_yet_is_waited_for(shop: Shop) -> None:
    """A link that is dead just after the picture was made may only be early."""
    shop.vendor.fetches.extend(some(2, DEAD))
    result(shop.one())
    assert shop.states() == ["STORED"]


def test_a_dead_link_is_lost_after_the_task_was_asked_again(shop: Shop) -> None:
    """Said clearly, remembered, and never bought again without `--rebuy`."""
    shop.vendor.fetches.extend(some(9, DEAD))
    answer = refused(shop.one())
    assert (answer.status, answer.reason) == ("lost", "lost")
    assert "$0.04" in answer.error
    assert "--rebuy" in answer.error
    assert len(shop.vendor.polled) > 1
    shop.vendor.fetches.clear()
    again = refused(shop.one())
    assert again.status == "lost"
    assert "(looked in https://cdn.example.com/t1)" in again.error
    assert len(shop.vendor.posts) == 1
    result(shop.one(consent=REBUY))
    assert shop.states() == ["LOST", "STORED"]


def test_a_link_of_another_provider_is_not_given_up(shop: Shop) -> None:
    """Who did not make the picture cannot say that it is gone: it stays paid, for a run with that base URL."""
    here, shop.vendor.origin = shop.vendor.origin, "https://gateway.example.com"
    shop.leave("SUCCEEDED", task_id="t1", picture="https://cdn.example.com/t1")
    shop.vendor.origin = here
    shop.vendor.fetches.append(DEAD)
    answer = refused(shop.one())
    assert answer.status == "failed"
    assert "https://gateway.example.com" in answer.error
    assert shop.states() == ["SUCCEEDED"]
    shop.vendor.fetches.extend(some(3, DEAD))
    result(shop.one(consent=REBUY))
    assert shop.states() == ["LOST", "STORED"]


def test_a_link_of_another_account_is_not_given_up(shop: Shop) -> None:
    """The link needs no token; that it is dead, and this token is told of no other, proves nothing."""
    shop.vendor.account = "them"
    shop.leave("SUCCEEDED", task_id="t1", picture="https://cdn.example.com/t1")
    shop.vendor.account = "us"
    shop.vendor.fetches.append(DEAD)
    answer = refused(shop.one())
    assert answer.status == "failed"
    assert "with another API token: a run with that token asks for another" in answer.error
    shop.vendor.fetches.append(DEAD)
    shop.vendor.polls.append(ProviderError("auth", "not yours"))
    assert refused(shop.one()).elsewhere
    assert shop.states() == ["SUCCEEDED"]


def test_a_new_link_is_taken_from_who_has_another_token_too(shop: Shop) -> None:
    """Nobody can guess the id of a task: the link that is shown for ours is to our picture."""
    shop.vendor.account = "them"
    task_id = shop.vendor._accept(shop.vendor.prepare(order().request, []))
    shop.vendor.tasks[task_id].done_at = 0
    shop.leave("SUCCEEDED", task_id=task_id, picture="https://old.example.com/gone", response="{}")
    shop.vendor.account, shop.vendor.rotated = "us", True
    shop.vendor.fetches.append(DEAD)
    assert result(shop.one()).task_id == task_id
    assert (shop.states(), shop.vendor.posts) == (["STORED"], [])


def test_a_new_link_is_taken(shop: Shop) -> None:
    """Where the task now names another place, the picture comes from there."""
    task_id = shop.vendor._accept(shop.vendor.prepare(order().request, []))
    shop.vendor.tasks[task_id].done_at = 0
    shop.leave("SUCCEEDED", task_id=task_id, picture="https://old.example.com/gone", response="{}")
    shop.vendor.fetches.append(DEAD)
    result(shop.one())
    (attempt,) = shop.attempts()
    assert (attempt.state, attempt.picture) == ("STORED", f"https://cdn.example.com/{task_id}")


def test_a_link_that_dies_under_rebuy_is_bought_again(shop: Shop) -> None:
    """The consent was for whatever is lost: no second run is needed to find out that it is."""
    shop.leave("SUCCEEDED", task_id="old", picture="https://cdn.example.com/gone", response="{}")
    shop.vendor.fetches.extend(some(3, DEAD))
    assert result(shop.one(consent=REBUY)).task_id == "t1"
    assert shop.states() == ["LOST", "STORED"]


def test_what_this_run_lost_it_does_not_buy_again(shop: Shop) -> None:
    """Consent is for the past: one run pays one request once."""
    shop.vendor.fetches.extend(some(9, DEAD))
    assert refused(shop.one(consent=REBUY)).status == "lost"
    assert len(shop.vendor.posts) == 1


@pytest.mark.parametrize("fate", ["task", "inline"])
def test_bytes_that_are_no_picture_are_kept_and_stay_paid(fate: Literal["task", "inline"], shop: Shop) -> None:
    """The attempt stays SUCCEEDED, the bytes are there to look at, the next run fetches again."""
    shop.vendor.fates.append(fate)
    bad = b"<html>not a picture</html>"
    shop.vendor.fetches.extend(some(3 if fate == "task" else 0, bad))
    shop.vendor.inline = bad
    answer = refused(shop.one())
    assert (answer.status, answer.reason) == ("failed", "undecodable")
    assert answer.error.startswith("paid ($0.04), but what came is no picture: not a picture of a kind that we take")
    assert "HTML" in answer.error
    assert shop.states() == ["SUCCEEDED"]
    assert (shop.cache / "rejected" / digest_of(bad)).read_bytes() == bad
    if fate == "task":
        assert not Blobs(shop.cache / "blobs").has(digest_of(bad))
        result(shop.one())
    else:
        assert refused(shop.one()).reason == "undecodable"
        result(shop.one(consent=REBUY))
        assert shop.states() == ["LOST", "STORED"]


def test_a_download_that_cannot_be_opened_again_stops_the_run_with_words(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback, wherever too many files are open; it stays paid, and the next run fetches it again."""

    def no_more_files(path: Path) -> Artifact:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patched:
        patched.setattr("banana_pipe.purchase.collect.measure_file", no_more_files)
        with pytest.raises(StoreError, match=r"cannot read .*Too many open files"):
            shop.one()
    assert shop.states() == ["SUCCEEDED"]
    result(shop.one())
    assert len(shop.vendor.posts) == 1


def test_undecodable_bytes_are_given_up_by_consent_only(shop: Shop) -> None:
    """`--rebuy` fetches once more, and then buys another in one transaction."""
    shop.vendor.fetches.extend(some(9, b"nonsense"))
    shop.one()
    shop.one()
    assert len(shop.vendor.posts) == 1
    shop.vendor.fetches.clear()
    shop.vendor.fetches.extend(some(3, b"nonsense"))
    result(shop.one(consent=REBUY))
    assert shop.states() == ["LOST", "STORED"]


def test_one_bad_download_is_no_bad_picture(shop: Shop) -> None:
    """Cut off on the way twice, whole the third time."""
    shop.vendor.fetches.extend([b"\x89PNG\r\n\x1a\n cut", b""])
    result(shop.one())


def test_an_inline_picture_is_a_blob_before_the_answer_is_kept(shop: Shop) -> None:
    """What stands in the ledger can be had without asking anybody."""
    shop.vendor.fates.append("inline")
    result(shop.one())
    (attempt,) = shop.attempts()
    assert attempt.picture == f"sha256:{digest_of(shop.vendor.tasks['t1'].picture)}"
    assert not shop.vendor.polled


def test_an_inline_picture_that_was_damaged_is_asked_for_again(shop: Shop) -> None:
    """The task is asked where it is now."""
    task_id = shop.vendor._accept(shop.vendor.prepare(order().request, []))
    shop.vendor.tasks[task_id].done_at = 0
    shop.leave("SUCCEEDED", task_id=task_id, picture=f"sha256:{digest_of(b'gone')}", response="{}")
    assert result(shop.one()).task_id == task_id
    assert not shop.vendor.posts


def test_a_link_that_we_do_not_follow_is_said_and_kept(shop: Shop) -> None:
    """The attempt stays SUCCEEDED: another version or another network may get it."""
    shop.vendor.fetches.append(ProviderError("refused_address", "http://10.0.0.1 is not public"))
    answer = refused(shop.one())
    assert (answer.status, answer.reason) == ("failed", "error")
    assert "10.0.0.1" in answer.error
    assert shop.states() == ["SUCCEEDED"]


@pytest.mark.parametrize(("trouble", "times", "seconds"), [(AWAY, 3, 14), (DEAD, 2, 2)])
def test_what_may_pass_is_waited_for_so_long(trouble: ProviderError, times: int, seconds: int, shop: Shop) -> None:
    """2, 4 and 8 seconds, as the vendor advises; for a link that is early not at all, and then 2."""
    task_id = shop.vendor._accept(shop.vendor.prepare(order().request, []))
    shop.vendor.tasks[task_id].done_at = 0
    shop.leave("SUCCEEDED", task_id=task_id, picture=f"https://cdn.example.com/{task_id}", response="{}")
    shop.vendor.fetches.extend(some(times, trouble))
    begun = shop.clock.boot()
    result(shop.one())
    assert round(shop.clock.boot() - begun, 1) == seconds


def test_what_could_not_be_had_is_told_with_its_price_and_the_way_on(shop: Shop) -> None:
    """It is paid; and each step of it is told as it is taken."""
    shop.vendor.fetches.extend(some(3, b"nonsense"))
    said = refused(shop.one()).error
    assert said.startswith("paid ($0.04), but what came is no picture: ")
    assert said.endswith(
        "; the bytes are in cache/rejected/. The next run fetches again; `--rebuy` gives it up and buys another"
    )
    shop.vendor.fetches.append(ProviderError("refused_address", "not public"))
    assert refused(shop.one()).error == (
        "paid ($0.04), but its picture could not be downloaded: not public. Run again: it is fetched without paying"
    )
    result(shop.one())
    moved = [event.attempt.state for event in shop.events if isinstance(event, AttemptMoved)]
    assert moved == ["ACCEPTED", "SUCCEEDED", "STORED"]


def test_a_dead_link_of_a_call_without_a_task_is_lost(shop: Shop) -> None:
    """There is nothing to ask after; only a link that was early would still come."""
    shop.leave("SUCCEEDED", picture="https://old.example.com/gone", response="{}")
    shop.vendor.fetches.extend(some(3, DEAD))
    assert refused(shop.one()).status == "lost"
    assert (shop.states(), shop.vendor.polled) == (["LOST"], [])


def test_an_answer_that_says_nowhere_where_its_picture_is_is_our_bug(shop: Shop) -> None:
    """It is not taken for lost."""
    shop.leave("SUCCEEDED", task_id="t1", response="{}")
    with pytest.raises(AssertionError, match="where its picture is"):
        shop.one()
    assert shop.states() == ["SUCCEEDED"]


# --- Ctrl-C ---------------------------------------------------------------------------------------


def under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_download_that_drips_ends_with_the_grace_and_the_next_run_fetches_it(shop: Shop) -> None:
    """Nothing is lost: the attempt stays as it was, half a picture stays nowhere, and nothing is paid again."""
    shop.vendor.drops = 1_000
    answer = refused(shop.one(meanwhile=interrupt_after(shop, 15)))
    assert (answer.status, answer.reason) == ("parked", "resume")
    assert "$0.04" in answer.error
    assert shop.clock.boot() - 1_000 < 15 + 30 + 1
    assert shop.states() == ["SUCCEEDED"]
    assert len(under(shop.cache / "blobs")) == 1, "the request alone"
    shop.vendor.drops = 0
    assert result(shop.one()).task_id == "t1"
    assert (len(shop.vendor.posts), len(shop.vendor.charges)) == (1, 1)


def test_a_download_that_ends_within_the_grace_is_kept(shop: Shop) -> None:
    """Ctrl-C asks to finish what is paid, not to drop it."""
    shop.vendor.fetches.extend(some(2, AWAY))
    result(shop.one(meanwhile=interrupt_after(shop, 11)))
    assert shop.states() == ["STORED"]


@pytest.mark.parametrize(("trouble", "grace"), [(AWAY, 4.0), (DEAD, 0.5)])
def test_no_download_begins_anew_after_the_grace(trouble: ProviderError, grace: float, shop: Shop) -> None:
    """Pauses and second looks count too, for all who wait for their turn to download."""
    shop.vendor.fetches.extend(some(99, trouble))
    wanted = [order(request(f"mug {number}")) for number in range(4)]
    pace = Pace(grace=grace, downloads=1)
    answers = shop.buy(*wanted, pace=pace, meanwhile=interrupt_after(shop, 11))
    assert {refused(answer).reason for answer in answers} == {"resume"}
    assert shop.clock.boot() - 1_000 < 11 + grace + 0.1
    assert shop.states() == ["SUCCEEDED"] * 4
    shop.vendor.fetches.clear()
    for answer in shop.buy(*wanted):
        result(answer)
    assert len(shop.vendor.charges) == 4


# --- bytes that are gone --------------------------------------------------------------------------


def test_bytes_that_are_gone_are_lost_not_missing(shop: Shop) -> None:
    """Digest known, bytes nowhere: never bought again by a plain run, which says where it looked."""
    had = result(shop.one())
    blob(shop, had.artifact.digest).unlink()
    answer = refused(shop.one())
    assert (answer.status, answer.reason) == ("lost", "lost")
    assert str(shop.cache / "blobs") in answer.error
    assert len(shop.vendor.posts) == 1


def test_rebuy_replaces_what_is_gone(shop: Shop) -> None:
    """The one exception of write-once: by consent, and the ledger keeps the old digest."""
    old = result(shop.one())
    shop.lock = pinning(old)
    blob(shop, old.artifact.digest).unlink()
    answer = shop.one(consent=REBUY)
    assert isinstance(answer, Bought)
    assert answer.replaced
    assert answer.paid
    assert result(answer).artifact.digest != old.artifact.digest
    assert [attempt.artifact.digest for attempt in shop.attempts() if attempt.artifact] == [
        old.artifact.digest,
        result(answer).artifact.digest,
    ]
    shop.lock = pinning(result(answer))
    assert shop.one() == Bought(result(answer), paid=False, source="lock")


def test_rebuy_buys_nothing_that_is_there(shop: Shop) -> None:
    """Consent alone costs nothing."""
    had = result(shop.one())
    assert shop.one(consent=REBUY) == Bought(had, paid=False, source="cache")


def test_a_rebuy_cut_short_before_its_result_is_not_paid_again(shop: Shop) -> None:
    """Between STORED and the result: the ledger has the new picture, results and lock still name the old one."""
    old = result(shop.one())
    shop.lock = pinning(old)
    blob(shop, old.artifact.digest).unlink()
    new = result(shop.one(consent=REBUY))
    results = shop.results()
    results.put(old, instead=True)
    results.close()
    answer = shop.one(consent=REBUY)
    assert isinstance(answer, Bought)
    assert (answer.result.artifact, answer.paid, answer.replaced) == (new.artifact, False, True)
    assert len(shop.vendor.charges) == 2
    shop.lock = LockFile()
    assert result(shop.one()).artifact == new.artifact, "and the results name it again"


def test_a_rebuy_cut_short_before_its_picture_replaces_the_pin_when_it_is_resumed(shop: Shop) -> None:
    """A plain run collects what was agreed to, and says that it takes the old one's place."""
    old = result(shop.one())
    shop.lock = pinning(old)
    blob(shop, old.artifact.digest).unlink()
    shop.vendor.fetches.extend(some(9, AWAY))
    assert refused(shop.one(consent=REBUY)).status == "failed"
    shop.vendor.fetches.clear()

    async def story() -> object:
        async with shop.open() as run:
            return await run.buyer.obtain(order())

    answer = shop.run(story())
    assert isinstance(answer, Bought)
    assert (answer.paid, answer.replaced) == (False, True)


def test_a_rebuy_that_another_recipe_made_is_used(shop: Shop) -> None:
    """This recipe's lock pins bytes that are gone; the results have the picture bought in their place."""
    old = result(shop.one())
    blob(shop, old.artifact.digest).unlink()
    new = result(shop.one(consent=REBUY))
    shop.lock = pinning(old)
    assert refused(shop.one()).status == "lost"
    answer = shop.one(consent=REBUY)
    assert isinstance(answer, Bought)
    assert (answer.result.artifact, answer.paid, answer.replaced) == (new.artifact, False, True)
    assert answer.source == "cache"
    assert len(shop.vendor.charges) == 2


def test_a_refused_rebuy_leaves_the_digest_known(shop: Shop) -> None:
    """The old picture is still lost rather than refused, and is not asked for again and again."""
    old = result(shop.one())
    blob(shop, old.artifact.digest).unlink()
    shop.vendor.fates.append(ProviderError("moderation", "not any more"))
    assert refused(shop.one(consent=REBUY)).reason == "refused"
    assert refused(shop.one()).status == "lost"
    assert refused(shop.one(consent=REBUY)).error.startswith("refused before, not asked again: ")
    assert len(shop.vendor.posts) == 2
    result(shop.one(consent=Consent(rebuy=True, retry_refused=True)))


def test_a_damaged_blob_is_lost_too(shop: Shop) -> None:
    """Once its bytes were read and found wrong."""
    had = result(shop.one())
    path = blob(shop, had.artifact.digest)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert Blobs(shop.cache / "blobs").read(had.artifact.digest) is None
    assert refused(shop.one()).status == "lost"
    assert len(shop.vendor.posts) == 1


def pinning(pinned: Result) -> LockFile:
    """A lock file that pins this result for the order."""
    base = order().wanted.base
    take = LockTake(pinned.artifact, pinned.bought_at, pinned.price, pinned.served, pinned.task_id, pinned.trace_id)
    block = LockBlock(base, pinned.provider, pinned.model, takes={1: take})
    assert pinned.key == Key(order().wanted.key)
    return LockFile({base: block})

"""The ledger as its owner sees it: what is open, what became of it, and what is given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe import bookkeeping
from banana_pipe.bookkeeping import Reconciled
from banana_pipe.buying import Limits
from banana_pipe.errors import NotAuthorised, UsageError
from banana_pipe.model import Attempt
from banana_pipe.providers.base import ProviderError
from banana_pipe.purchase.orders import Pace
from banana_pipe.store.keylock import KeyLocks
from banana_pipe.workspace import Access
from tests.world import NO_TOKEN, TOKEN, World, ends

ONE = "version: 1\nsteps: {hero: {generate: A fox}}"
THREE = "version: 1\nsteps: {mug: {matrix: {n: [1, 2, 3]}, generate: 'A mug {{ n }}'}}"
QUICK = Limits(pace=Pace(settle=0.0))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def reconcile(world: World, access: Access = TOKEN, limits: Limits | None = None) -> list[Reconciled]:
    return world.do(bookkeeping.reconcile(world.cache, access, limits, clock=world.clock))


def abandon(world: World, attempt: str) -> Attempt:
    return world.do(bookkeeping.abandon(world.cache, attempt, world.clock))


def in_doubt(world: World, text: str = ONE) -> None:
    """Let a run end with all its calls in doubt: they vanished, and nothing is listed."""
    world.write(text)
    world.vendor.fates.extend(["vanished"] * 3)
    world.vendor.lists = False
    world.run(limits=QUICK)
    assert set(world.states()) == {"UNKNOWN"}


def unfinished(world: World) -> None:
    world.write(ONE)
    world.vendor.seconds = 1_000.0
    world.run()
    assert world.states() == ["ACCEPTED"]


class TestAttempts:
    def test_a_project_without_a_ledger_has_none_and_gets_none(self, world: World) -> None:
        """Looking makes nothing."""
        assert world.attempts() == []
        assert reconcile(world, NO_TOKEN) == []
        assert not world.cache.exists()

    def test_all_are_listed_oldest_first_whatever_became_of_them(self, world: World) -> None:
        """With the node's name at the time, and the price."""
        world.write(ONE)
        world.vendor.fates.append(ProviderError("moderation", "no foxes"))
        world.run()
        world.write(ONE.replace("fox", "cat"))
        world.run()
        assert [(one.state, one.node, one.price) for one in world.attempts()] == [
            ("REFUSED", "hero", 39_000),
            ("STORED", "hero", 39_000),
        ]


class TestReconcile:
    def test_what_is_accepted_is_collected_and_nothing_is_bought(self, world: World) -> None:
        """The next run finds it."""
        unfinished(world)
        (done,) = reconcile(world)
        assert (done.before.state, done.after.state, done.trouble) == ("ACCEPTED", "STORED", None)
        assert len(world.vendor.posts) == 1
        ran = world.run(access=NO_TOKEN)
        assert (ran.exit_code, ends(ran)) == (0, {"hero": "cached/cache"})

    def test_what_stays_in_doubt_says_why(self, world: World) -> None:
        """It is given up by name alone."""
        in_doubt(world)
        (done,) = reconcile(world, limits=QUICK)
        assert done.after.state == "UNKNOWN"
        assert "may have been paid" in str(done.trouble)
        assert len(world.vendor.posts) == 1

    def test_all_are_waited_for_at_the_same_time(self, world: World) -> None:
        """Ten minutes for three calls that do not end, not thirty."""
        world.write(THREE)
        world.vendor.seconds = 10_000.0
        world.run()
        before = world.clock.boot()
        assert [done.after.state for done in reconcile(world)] == ["ACCEPTED"] * 3
        assert world.clock.boot() - before < 700.0

    def test_one_that_another_process_has_in_hand_is_left_to_it(self, world: World) -> None:
        """Its key is locked."""
        unfinished(world)
        lock = KeyLocks(world.cache / "locks").try_take(world.attempts()[0].key)
        assert lock is not None
        with lock:
            (done,) = reconcile(world)
        assert (done.after.state, done.trouble) == ("ACCEPTED", "another process has it in hand")

    def test_another_origin_s_are_left_alone(self, world: World) -> None:
        """A mock's tasks are no business of the vendor's; that they are open is said all the same."""
        unfinished(world)
        world.vendor.origin = "http://127.0.0.1:9"
        polled = len(world.vendor.polled)
        for access in (TOKEN, NO_TOKEN):
            (one,) = reconcile(world, access)
            assert (one.before, one.elsewhere) == (one.after, True)
            assert one.trouble == (
                "left alone: sent to https://api.acedata.cloud; to settle it, reconcile with that base URL"
            )
        assert len(world.vendor.polled) == polled

    def test_what_another_token_sent_is_left_alone_where_this_one_is_told_nothing(self, world: World) -> None:
        """It may be another account's, whose tasks are not shown to us: that would look as if there were none."""
        in_doubt(world)
        world.vendor.lists = True
        world.vendor.account = "them"
        (one,) = reconcile(world)
        assert (one.after.state, one.elsewhere) == ("UNKNOWN", True)
        assert one.trouble == "left alone: sent with another API token; to settle it, reconcile with that token"

    @pytest.mark.parametrize("accepted", [True, False])
    def test_what_a_token_sent_is_collected_with_the_next_one(self, accepted: bool, world: World) -> None:
        """A token is rotated, the account and what it has paid stay."""
        world.write(ONE)
        world.vendor.fates.append("task" if accepted else "cut")
        world.vendor.seconds, world.vendor.lists = 1_000.0, False
        world.run(limits=QUICK)
        assert world.states() == ["ACCEPTED" if accepted else "UNKNOWN"]
        world.vendor.account, world.vendor.rotated, world.vendor.lists = "new", True, True
        world.clock.jump(1_000.0)
        (one,) = reconcile(world)
        assert (one.after.state, one.trouble, one.elsewhere) == ("STORED", None, False)
        assert len(world.vendor.charges) == 1

    def test_a_token_that_is_not_accepted_says_nothing_of_what_another_sent(self, world: World) -> None:
        """Left alone as before, and no exit 4: nothing of its own is open."""
        unfinished(world)
        world.vendor.account = "them"
        world.vendor.polls.append(ProviderError("auth", "invalid token"))
        (one,) = reconcile(world)
        assert (one.after.state, one.elsewhere) == ("ACCEPTED", True)

    def test_a_picture_that_another_account_paid_for_is_collected(self, world: World) -> None:
        """Its link needs no token."""
        world.write(ONE)
        world.vendor.fetches.extend([b"no picture"] * 3)
        world.run()
        world.vendor.account = "them"
        (one,) = reconcile(world)
        assert (one.after.state, one.trouble, one.elsewhere) == ("STORED", None, False)

    def test_it_needs_a_token_where_anything_is_open(self, world: World) -> None:
        """And none where nothing is."""
        world.write(ONE)
        world.run()
        assert reconcile(world, NO_TOKEN) == []
        world.write(ONE.replace("fox", "cat"))
        world.vendor.seconds = 10_000.0
        world.run()
        with pytest.raises(NotAuthorised, match="--provider sandbox"):
            reconcile(world, NO_TOKEN)

    def test_a_token_that_is_not_accepted_is_said(self, world: World) -> None:
        """Exit 4, not a list of calls that stay open for no reason."""
        unfinished(world)
        world.vendor.polls.append(ProviderError("auth", "invalid token"))
        with pytest.raises(NotAuthorised, match="invalid token"):
            reconcile(world)
        assert world.states() == ["ACCEPTED"]


class TestAbandon:
    @pytest.mark.parametrize("leave", [in_doubt, unfinished])
    def test_what_is_given_up_can_be_bought_anew_and_its_money_stays_counted(self, world: World, leave: object) -> None:
        """By its id, without asking anybody."""
        assert callable(leave)
        leave(world)
        (attempt,) = world.attempts()
        assert abandon(world, attempt.id).state == "ABANDONED"
        world.vendor.fates.clear()
        world.vendor.seconds = 10.0
        ran = world.run()
        assert (ran.exit_code, ran.called, world.states()) == (0, 1, ["ABANDONED", "STORED"])

    def test_what_is_paid_is_not_given_up(self, world: World) -> None:
        """Its picture is collected by the next run."""
        world.write(ONE)
        world.vendor.fetches.extend([b"no picture"] * 3)
        world.run()
        (attempt,) = world.attempts()
        with pytest.raises(UsageError, match="is paid"):
            abandon(world, attempt.id)
        assert world.states() == ["SUCCEEDED"]

    def test_an_id_that_nobody_has_is_said(self, world: World) -> None:
        """And where the ids are."""
        in_doubt(world)
        with pytest.raises(UsageError, match="ledger show"):
            abandon(world, "nobody")

    def test_what_a_run_has_in_hand_is_left_to_it(self, world: World) -> None:
        """Its key is locked."""
        in_doubt(world)
        (attempt,) = world.attempts()
        lock = KeyLocks(world.cache / "locks").try_take(attempt.key)
        assert lock is not None
        with lock, pytest.raises(UsageError, match="in hand at this moment"):
            abandon(world, attempt.id)
        assert world.states() == ["UNKNOWN"]

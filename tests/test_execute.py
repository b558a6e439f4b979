"""Nodes in their order: what fails blocks its readers and nobody else, and no paid picture is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from banana_pipe.buying import Limits
from banana_pipe.errors import StoreError, UsageError
from banana_pipe.events import CallStarted, Event, NodeEnded
from banana_pipe.model import Attempt, AttemptState
from banana_pipe.outputs.publish import Publisher
from banana_pipe.providers.base import Prepared, ProviderError
from banana_pipe.purchase.buyer import Answer, Buyer
from banana_pipe.purchase.orders import NotBought, Order, Pace
from banana_pipe.store.ledger import Ledger
from tests.world import CHAIN, Artist, World, digests, ends, outcome, plain

TREE = """
    version: 1
    steps:
      a: {generate: A fox}
      b: {generate: A cat}
      on_a: {images: a, edit: Snow}
      on_b: {images: b, edit: Rain}
      both: {images: [on_a, on_b], edit: Together}
"""
SIZES = """
    version: 1
    steps:
      base: {generate: A fox}
      small:
        matrix: {number: [1, 2, 3, 4, 5, 6]}
        images: base
        transform:
          - resize: 50%
          - pad: {by: "{{ number }}"}
"""
REFUSED = ProviderError("moderation", "no foxes", trace_id="trace-9")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def fate_of(
    monkeypatch: pytest.MonkeyPatch, world: World, prompt: str, error: ProviderError | Exception, sample: int = 0
) -> None:
    """Let every POST with *prompt* (and of that *sample*, if one is named) end with *error*."""
    submit = type(world.vendor).submit

    async def submitted(self: Artist, call: Prepared, **named: float) -> object:
        if f'"prompt": "{prompt}"'.encode() in call.body and sample in (0, call.sample):
            await self.clock.sleep(1.0)  # whoever begins beside it has begun
            raise error
        return await submit(self, call, **named)

    monkeypatch.setattr(type(world.vendor), "submit", submitted)


class TestOrder:
    def test_a_node_begins_as_soon_as_what_it_reads_has_ended(self, world: World) -> None:
        """The two branches run beside each other: three rounds of calls, not five."""
        world.write(TREE)
        ran = world.run()
        started = [event.node for event in world.events if isinstance(event, CallStarted)]
        assert started[-1] == "both"
        assert {*started[:2]} == {"a", "b"}
        assert world.vendor.most_under_way == 2
        assert ran.seconds < 4 * world.vendor.seconds
        assert [event.outcome.node for event in world.events if isinstance(event, NodeEnded)][-1] == "both"

    def test_pictures_are_published_as_soon_as_their_node_has_ended(self, world: World) -> None:
        """Not at the end of the run."""
        world.write(CHAIN)
        seen: list[set[str]] = []

        def hear(event: Event) -> None:
            if isinstance(event, CallStarted) and event.node == "scene":
                seen.append({path.name for path in world.out.glob("*.png")})

        world.run(emit=hear)
        assert seen
        assert "base.png" in seen[0]

    def test_equal_requests_of_two_nodes_are_paid_once_and_published_twice(self, world: World) -> None:
        """Each node has its file; the money was the first one's."""
        world.write("version: 1\nsteps: {mug: {matrix: {n: [1, 2, 3]}, generate: A mug}}")
        ran = world.run()
        assert (len(world.vendor.charges), ran.called, ran.paid_images, ran.cost) == (1, 1, 1, 39_000)
        assert len(set(world.pictures().values())) == 1
        assert sorted(world.pictures()) == ["mug/1.png", "mug/2.png", "mug/3.png"]
        assert sorted(one.status for one in ran.outcomes) == ["cached", "cached", "done"]
        assert ran.saved == 0


class TestFailure:
    def test_a_failing_node_blocks_its_readers_and_nobody_else(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Keep going is the default."""
        fate_of(monkeypatch, world, "A fox", REFUSED)
        world.write(TREE)
        ran = world.run()
        assert ends(ran) == {
            "a": "failed/refused",
            "b": "done/new",
            "on_a": "blocked/input",
            "on_b": "done/new",
            "both": "blocked/input",
        }
        assert (ran.exit_code, ran.status) == (1, "failed")
        assert "no foxes (trace_id trace-9)" in str(outcome(ran, "a").error)
        assert outcome(ran, "both").error == "needs on_a"
        assert sorted(world.pictures()) == ["b.png", "on_b.png"]

    def test_a_refusal_is_said_again_by_a_run_that_asks_nobody(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Remembered, with exit 1, and without a token."""
        fate_of(monkeypatch, world, "A fox", REFUSED)
        world.write("version: 1\nsteps: {a: {generate: A fox}, b: {images: a, edit: Snow}}")
        first, again = world.run(), world.run()
        assert ends(first) == ends(again) == {"a": "failed/refused", "b": "blocked/input"}
        assert (again.exit_code, again.called) == (1, 0)
        assert "refused before" in str(outcome(again, "a").error)

    def test_a_picked_take_flows_on_though_another_take_failed(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was chosen and is there is what its readers read."""
        world.write("""
            version: 1
            steps:
              hero: {generate: A fox, pick: 1}
              scene: {images: hero, edit: Snow}
        """)
        first = world.run()
        fate_of(monkeypatch, world, "A fox", REFUSED)
        world.write("""
            version: 1
            steps:
              hero: {generate: A fox, pick: 1, samples: 2}
              scene: {images: hero, edit: Rain}
        """)
        ran = world.run()
        assert ends(ran) == {"hero": "failed/refused", "scene": "done/new"}
        assert outcome(ran, "scene").images == (digests(first)["hero"],)
        assert world.pictures()["hero.png"] == digests(first)["hero"]

    def test_without_a_pick_nothing_flows_on_while_an_earlier_take_is_missing(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else the next run would pick another one, and buy all of its readers again."""
        fate_of(monkeypatch, world, "A fox", ProviderError("invalid", "not so"), sample=1)
        world.write("version: 1\nsteps: {hero: {generate: A fox, samples: 2}, scene: {images: hero, edit: Snow}}")
        ran = world.run()
        assert ends(ran) == {"hero": "failed/error", "scene": "blocked/input"}
        assert (len(world.vendor.charges), list(world.pictures())) == (1, ["_/takes/hero@2.png"])

    @pytest.mark.parametrize(("picture", "reason"), [(plain(), "blank")])
    def test_an_unfit_picture_fails_its_node_is_kept_and_is_not_bought_again(
        self, world: World, picture: bytes, reason: str
    ) -> None:
        """It lies among the takes, where one can look at it."""
        world.write(CHAIN)
        world.vendor.draws = {("A mug", 1): picture}
        ran = world.run()
        assert ends(ran) == {"base": f"failed/{reason}", "glaze": "blocked/input", "scene": "blocked/input"}
        assert "reroll base" in str(outcome(ran, "base").error)
        assert sorted(world.pictures()) == ["_/takes/base@1.png"]
        again = world.run()
        assert (ends(again), again.called, again.exit_code) == (ends(ran), 0, 1)

    def test_fail_fast_sends_nothing_new_after_the_first_failure(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was under way is collected; what was not begun says so."""
        fate_of(monkeypatch, world, "A fox", REFUSED)
        world.write(TREE)
        ran = world.run(limits=Limits(fail_fast=True))
        assert ends(ran) == {
            "a": "failed/refused",
            "b": "done/new",
            "on_a": "blocked/input",
            "on_b": "waiting/stopped",
            "both": "blocked/input",
        }
        assert (ran.exit_code, len(world.vendor.charges)) == (1, 1)

    def test_an_interrupt_begins_no_more_transforms(self, world: World) -> None:
        """Each says that it was not begun, and the next run makes them."""
        world.write(SIZES)
        assert world.run().exit_code == 0
        world.write(SIZES.replace("50%", "25%"))

        class AtOnce:
            def on_first(self, stop: Callable[[], None]) -> None:
                stop()

        ran = world.run(interrupts=AtOnce())
        assert (ran.exit_code, ran.status) == (130, "interrupted")
        smalls = {f"small[number={number}]" for number in range(1, 7)}
        assert ends(ran) == {"base": "cached/lock", **dict.fromkeys(smalls, "waiting/stopped")}
        assert world.run().exit_code == 0

    def test_a_parked_node_blocks_its_readers_and_the_run_says_6(self, world: World) -> None:
        """An outcome that is unknown outranks what it blocks."""
        world.vendor.fates.append("vanished")
        world.vendor.lists = False
        world.write(CHAIN)
        ran = world.run()
        assert ends(ran) == {"base": "parked/unknown", "glaze": "blocked/input", "scene": "blocked/input"}
        assert (ran.exit_code, ran.status, ran.called, ran.paid_images) == (6, "parked", 1, 0)


class TestBugs:
    def test_a_bug_in_one_node_surfaces_after_the_others_money_is_safe(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It never hangs, and never cancels what is paid."""
        fate_of(monkeypatch, world, "A fox", ZeroDivisionError("ours"))
        world.write(TREE)
        with pytest.raises(ZeroDivisionError):
            world.run()
        assert sorted(world.states()) == ["INTENT", "STORED"]

    def test_a_bug_in_one_take_leaves_no_other_take_behind(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """The takes of one node are as separate as nodes are."""
        obtain = Buyer.obtain

        async def broken(self: Buyer, order: Order) -> Answer:
            if order.wanted.sample == 2:
                await world.clock.sleep(1.0)
                raise ZeroDivisionError("ours")
            return await obtain(self, order)

        monkeypatch.setattr(Buyer, "obtain", broken)
        world.write("version: 1\nsteps: {hero: {generate: A fox, samples: 3}}")
        with pytest.raises(ZeroDivisionError):
            world.run()
        assert world.states() == ["STORED", "STORED"]

    @pytest.mark.parametrize("kind", [NodeEnded, CallStarted])
    def test_a_bug_of_a_listener_surfaces(self, world: World, kind: type[Event]) -> None:
        """Even where nobody waits for the node any more."""

        def hear(event: Event) -> None:
            if isinstance(event, kind):
                raise ZeroDivisionError("a listener's")

        world.write(CHAIN)
        with pytest.raises(ZeroDivisionError):
            world.run(emit=hear)

    @pytest.mark.parametrize("error", [asyncio.CancelledError(), GeneratorExit()])
    def test_a_node_that_is_broken_off_ends_the_run_rather_than_letting_it_wait(
        self, world: World, monkeypatch: pytest.MonkeyPatch, error: BaseException
    ) -> None:
        """What is no Exception cannot be an outcome; nobody may wait for that node."""

        async def broken(self: Buyer, order: Order) -> Answer:
            raise error

        monkeypatch.setattr(Buyer, "obtain", broken)
        world.write(CHAIN)
        with pytest.raises(type(error)):
            world.run()

    def test_a_bug_while_resuming_surfaces(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is not taken for an attempt that stays open."""
        world.write("version: 1\nsteps: {a: {generate: A fox}}")
        world.vendor.seconds = 10_000.0
        world.run()

        async def broken(self: Buyer, attempt: Attempt, timeout: float) -> None:
            raise ZeroDivisionError("ours")

        monkeypatch.setattr(Buyer, "resume", broken)
        with pytest.raises(ZeroDivisionError):
            world.run()


class TestOurOwnFiles:
    def test_a_ledger_that_breaks_stops_new_sends_and_keeps_what_is_paid(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The error goes up after lock, manifest and pictures of what was bought before are written."""
        begin = Ledger.begin
        begun: list[str] = []

        async def full(self: Ledger, intent: Attempt, *rest: object, **named: object) -> Attempt:
            begun.append(intent.node)
            if intent.node == "on_a":
                raise StoreError("the disk is full")
            return await begin(self, intent, *rest, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(Ledger, "begin", full)
        world.write(TREE)
        with pytest.raises(StoreError, match="the disk is full"):
            world.run()
        assert "both" not in begun
        assert {"a.png", "b.png"} <= set(world.pictures())
        assert {"a", "b"} <= {label for block in world.lock().blocks.values() for label in block.labels}
        monkeypatch.undo()

    def test_an_error_of_one_take_leaves_no_other_take_behind(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other takes are in the lock file and in the folder when the error goes up."""
        advance = Ledger.advance

        async def full(self: Ledger, attempt: Attempt, state: AttemptState, **changes: object) -> Attempt:
            if len(refused) < 1 and state == "STORED":
                refused.append(attempt.id)
                raise StoreError("the disk is full")
            return await advance(self, attempt, state, **changes)

        refused: list[str] = []
        monkeypatch.setattr(Ledger, "advance", full)
        world.write("version: 1\nsteps: {hero: {generate: A fox, samples: 3}}")
        with pytest.raises(StoreError, match="the disk is full"):
            world.run()
        assert len(world.pictures()) == 2
        (block,) = world.lock().blocks.values()
        assert len(block.takes) == 2
        assert sorted(world.states()) == ["STORED", "STORED", "SUCCEEDED"]
        again = world.run()
        assert (again.exit_code, len(world.vendor.charges), len(world.pictures())) == (0, 3, 3)

    def test_a_picture_that_cannot_be_placed_flows_on_all_the_same(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is paid and stored; only its place is wrong, and the run says so."""
        publish = Publisher.publish

        async def refused(self: Publisher, node: object, outcome: object) -> object:
            if node.id == "base":  # type: ignore[attr-defined]
                raise UsageError("a link stands in the way")
            return await publish(self, node, outcome)  # type: ignore[arg-type]

        monkeypatch.setattr(Publisher, "publish", refused)
        world.write(CHAIN)
        ran = world.run()
        assert ends(ran) == {"base": "failed/error", "glaze": "done/new", "scene": "done/new"}
        assert (outcome(ran, "base").error, ran.exit_code) == ("a link stands in the way", 1)
        assert len(world.lock().blocks) == 3


class TestASecondLook:
    def test_what_is_parked_is_looked_at_again_once_a_listing_could_be_proven(self, world: World) -> None:
        """The first call is lost while nothing is proven; the second one proves the listing; all ends well."""
        world.write("version: 1\nsteps: {a: {generate: A fox, samples: 2}, b: {images: a, edit: Snow}}")
        world.vendor.fates.extend(["vanished"])
        ran = world.run(limits=Limits(pace=Pace(settle=5.0)))
        assert ends(ran) == {"a": "done/new", "b": "done/new"}
        assert (len(world.vendor.charges), ran.paid_images, ran.saved) == (3, 3, 0)
        assert all(take.bought for one in ran.outcomes for take in one.takes)

    def test_what_was_bought_at_the_first_look_counts_as_bought(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A second look at a node does not make its other takes free."""
        obtain = Buyer.obtain
        parked: list[Order] = []

        async def parks_once(self: Buyer, order: Order) -> Answer:
            answer = await obtain(self, order)
            if order.wanted.sample == 2 and not parked:
                parked.append(order)
                return NotBought("parked", "unknown", "in doubt")
            return answer

        monkeypatch.setattr(Buyer, "obtain", parks_once)
        world.write("version: 1\nsteps: {a: {generate: A fox, samples: 2}}")
        ran = world.run()
        (a,) = ran.outcomes
        assert [(take.sample, take.bought) for take in a.takes] == [(1, True), (2, False)]
        assert (a.status, ran.exit_code) == ("done", 0)

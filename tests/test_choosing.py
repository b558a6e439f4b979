"""Choosing among takes: what a pick moves, and what exactly one more take costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from banana_pipe import disk
from banana_pipe.buying import Limits
from banana_pipe.choosing import Picked, Price
from banana_pipe.errors import NotAuthorised, SpendingStopped, StoreError, UsageError
from banana_pipe.model import Budget
from banana_pipe.providers.base import ProviderError
from banana_pipe.purchase.orders import Bought, NotBought, Pace
from banana_pipe.store import lockfile, lockmembers, pins
from banana_pipe.workspace import Options
from tests.world import NO_TOKEN, World, digests, ends, stands

TAKES = """
    version: 1
    steps:
      hero: {generate: A fox, samples: 2}
      scene: {images: hero, edit: In the snow}
"""
COLORS = """
    version: 1
    steps:
      mug:
        matrix: {color: [red, blue]}
        generate: A {{ color }} mug
        samples: 2
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def hero_takes(world: World) -> list[int]:
    """The takes of `hero` in the lock file."""
    block = world.lock().latest_with_label("hero")
    return sorted(block.takes) if block else []


class TestPick:
    def test_the_other_take_flows_on_and_going_back_buys_nothing(self, world: World) -> None:
        """What was bought for either take is there for ever."""
        world.write(TAKES)
        first = world.run()
        assert world.pick("hero", 2) == (Picked("hero", 2, None),)
        assert stands(world.plan()) == {"hero": "cached/lock", "scene": "call/changed"}
        second = world.run()
        assert digests(second)["hero"] != digests(first)["hero"]
        assert len(world.vendor.charges) == 4
        assert world.pick("hero", 1) == (Picked("hero", 1, 2),)
        third = world.run()
        assert (digests(third), third.called) == (digests(first), 0)
        assert len(world.vendor.charges) == 4

    def test_what_is_picked_stands_under_the_node_s_name_and_the_others_among_the_takes(self, world: World) -> None:
        """The folder follows the pick."""
        world.write(TAKES)
        world.run()
        before = world.pictures()
        world.pick("hero", 2)
        world.run()
        after = world.pictures()
        assert after["hero.png"] == before["_/takes/hero@2.png"]
        assert after["_/takes/hero@1.png"] == before["hero.png"]
        assert "_/takes/hero@2.png" not in after

    def test_a_partial_name_picks_for_every_node_that_it_means(self, world: World) -> None:
        """Partial names mean all that match."""
        world.write(COLORS)
        world.run()
        assert [picked.node for picked in world.pick("mug", 2)] == ["mug[color=red]", "mug[color=blue]"]
        assert sorted(block.pick or 0 for block in world.lock().blocks.values()) == [2, 2]

    def test_the_lock_file_is_written_once_however_many_are_picked(self, world: World) -> None:
        """One that has a hundred thousand requests takes seconds to write."""
        world.write(COLORS)
        world.run()
        acts: list[str] = []
        disk.observe(lambda act, target: acts.append(target) if act == "rename" else None)
        try:
            world.pick("mug", 2)
        finally:
            disk.observe(None)
        assert len([target for target in acts if target.endswith("shop.lock")]) == 1

    def test_where_one_node_lacks_the_take_no_node_is_picked(self, world: World) -> None:
        """A choice is made for all of them or for none."""
        world.write(COLORS)
        world.run()
        world.reroll("mug[color=red]")
        world.pick("mug", 1)
        with pytest.raises(UsageError, match=r"mug\[color=blue\] has no take 3; it has 1, 2"):
            world.pick("mug", 3)
        assert [block.pick for block in world.lock().blocks.values()] == [1, 1]

    def test_nothing_bought_yet_is_nothing_to_pick_from(self, world: World) -> None:
        """It says so, and what to do; nothing is written."""
        world.write(TAKES)
        with pytest.raises(UsageError, match=r"no picture yet(.|\n)*run the recipe first"):
            world.pick("hero", 1)
        with pytest.raises(UsageError, match=r"not known yet(.|\n)*run the recipe first"):
            world.pick("scene", 1)
        assert not world.path("shop.lock").exists()

    def test_a_take_that_only_the_ledger_knows_can_be_picked(self, world: World) -> None:
        """A kill between a purchase and the lock file loses no take."""
        world.write(TAKES)
        world.run()
        before = world.path("shop.lock").read_bytes()
        world.reroll("hero")
        world.path("shop.lock").write_bytes(before)
        world.forget("cache/results")
        world.pick("hero", 3)
        assert hero_takes(world) == [1, 2, 3]
        assert stands(world.plan())["hero"] == "cached/lock"

    def test_a_take_beyond_samples_can_be_picked_though_the_first_is_gone_from_the_lock(self, world: World) -> None:
        """A lock file that was mended by hand breaks nothing."""
        world.write(TAKES)
        world.run()
        base, block = next((base, block) for base, block in world.lock().blocks.items() if "hero" in block.labels)
        only = pins.LockFile({base: pins.LockBlock(base, block.provider, block.model, takes={2: block.takes[2]})})
        world.path("shop.lock").write_text(lockmembers.as_text(only))
        world.forget("cache")
        world.write(TAKES.replace("samples: 2", "samples: 1"))
        assert world.pick("hero", 2) == (Picked("hero", 2, None),)
        assert world.lock().pick(base) == 2


class TestReroll:
    def test_one_more_take_is_bought_picked_and_only_what_reads_it_would_be_bought_by_a_run(self, world: World) -> None:
        """The lowest number that nobody knows; the plan afterwards is what a run then does."""
        world.write(TAKES)
        world.run()
        done = world.reroll("hero")
        (taken,) = done.takes
        assert isinstance(taken.answer, Bought)
        assert (taken.node, taken.sample, taken.before) == ("hero", 3, 1)
        assert stands(done.then) == {"hero": "cached/lock", "scene": "call/changed"}
        assert (done.then.calls, done.then.calls_max) == (1, 1)
        ran = world.run()
        assert ends(ran) == {"hero": "cached/lock", "scene": "done/new"}
        assert (ran.called, len(world.vendor.charges)) == (1, 5)
        assert digests(ran)["hero"] == taken.answer.result.artifact.digest

    def test_going_back_to_the_first_take_is_free(self, world: World) -> None:
        """As the words after a re-roll promise."""
        world.write(TAKES)
        first = world.run()
        world.reroll("hero")
        world.pick("hero", 1)
        again = world.run()
        assert (again.called, digests(again)) == (0, digests(first))

    @pytest.mark.parametrize("gone", [("cache",), ("shop.lock", "cache/results"), ("shop.lock", "cache/ledger.db")])
    def test_no_number_is_given_twice_whoever_remembers_it(self, world: World, gone: tuple[str, ...]) -> None:
        """Lock, results and ledger: one of them is enough to know a take."""
        world.write(TAKES)
        world.run()
        world.forget(*gone)
        assert world.reroll("hero").takes[0].sample == 3

    def test_a_number_that_was_refused_is_used_up(self, world: World) -> None:
        """The ledger remembers every attempt, whatever became of it."""
        world.write(TAKES)
        world.run()
        world.vendor.fates.append(ProviderError("moderation", "no foxes"))
        refused = world.reroll("hero").takes[0]
        assert isinstance(refused.answer, NotBought)
        assert (refused.sample, refused.answer.reason) == (3, "refused")
        assert world.lock().pick(next(b.base for b in world.lock().blocks.values() if "hero" in b.labels)) is None
        assert world.reroll("hero").takes[0].sample == 4

    def test_of_a_node_that_has_none_the_first_take_is_bought(self, world: World) -> None:
        """And none flowed on before it."""
        world.write(TAKES)
        (taken,) = world.reroll("hero").takes
        assert (taken.sample, taken.before) == (1, None)

    def test_nobody_agreeing_buys_nothing(self, world: World) -> None:
        """The price is asked about before anything is sent or written."""
        world.write(COLORS)
        asked: list[Price] = []

        def refuse(price: Price) -> bool:
            asked.append(price)
            return False

        with pytest.raises(SpendingStopped, match="nobody agreed"):
            world.reroll("mug", agree=refuse)
        assert asked == [Price(2, 78_000)]
        assert (world.vendor.posts, world.cache.exists()) == ([], False)

    def test_without_a_token_nothing_is_sent_or_written(self, world: World) -> None:
        """The two ways on are said."""
        world.write(TAKES)
        with pytest.raises(NotAuthorised, match="--provider sandbox"):
            world.reroll("hero", access=NO_TOKEN)
        assert (world.vendor.posts, world.cache.exists()) == ([], False)

    def test_only_who_is_asked_for_the_take_needs_a_token(self, world: World) -> None:
        """A placeholder of a recipe that also buys is free."""
        world.write("version: 1\nsteps: {a: {generate: A fox, provider: sandbox}, b: {generate: A cat}}")
        world.run()
        (taken,) = world.reroll("a", access=NO_TOKEN).takes
        assert (taken.sample, len(world.sandbox.charges), len(world.vendor.charges)) == (2, 2, 1)

    def test_a_cap_holds_for_all_nodes_of_a_re_roll_together(self, world: World) -> None:
        """Two nodes are not two runs; what was bought under the cap is kept and picked."""
        world.write(COLORS)
        world.run()
        first, second = world.reroll("mug", limits=Limits(budget=Budget(max_calls=1))).takes
        said = {type(one.answer): one.answer for one in (first, second)}
        assert isinstance(left := said[NotBought], NotBought)
        assert (set(said), left.status, left.reason) == ({Bought, NotBought}, "waiting", "cap")
        assert len(world.vendor.charges) == 5
        assert sorted(block.pick or 0 for block in world.lock().blocks.values()) == [0, 3]
        with pytest.raises(SpendingStopped, match="cap of 0 calls"):
            world.reroll("mug", limits=Limits(budget=Budget(max_calls=0)))

    def test_what_was_bought_before_a_stop_is_told_with_it(self, world: World) -> None:
        """The first take is there, paid and picked; the second met a token that had expired."""
        world.write(COLORS)
        world.run()
        world.vendor.fates.extend(["task", ProviderError("auth", "token expired")])
        done = world.reroll("mug", limits=Limits(pace=Pace(calls=1)))
        assert sorted(type(one.answer).__name__ for one in done.takes) == ["Bought", "NotBought"]
        assert isinstance(done.error, NotAuthorised)
        assert done.error.message == "token expired"

    def test_a_stop_before_anything_came_of_it_is_raised(self, world: World) -> None:
        """There is nothing else to tell."""
        world.write(COLORS)
        world.run()
        world.vendor.fates.extend([ProviderError("auth", "token expired")] * 2)
        with pytest.raises(NotAuthorised, match="token expired"):
            world.reroll("mug")

    def test_a_pick_that_cannot_be_written_hides_no_other(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """One take's lock file was in the way: the other take is there, and the error beside it."""
        world.write(COLORS)
        world.run()
        update, troubles = lockfile.update, [StoreError("the disk is full")]

        def once_not(*told: Any) -> Any:
            if troubles:
                raise troubles.pop()
            return update(*told)

        monkeypatch.setattr(lockfile, "update", once_not)
        done = world.reroll("mug")
        assert [isinstance(one.answer, Bought) for one in done.takes] == [True]
        assert done.error is not None
        assert done.error.message == "the disk is full"

    def test_two_nodes_with_one_request_get_one_more_take_and_pay_once(self, world: World) -> None:
        """Their takes are the same takes."""
        world.write("""
            version: 1
            steps:
              one: {matrix: {n: [1, 2]}, generate: A fox}
        """)
        world.run()
        asked: list[Price] = []

        def agree(price: Price) -> bool:
            asked.append(price)
            return True

        done = world.reroll("one", agree=agree)
        assert [taken.sample for taken in done.takes] == [2, 2]
        assert (asked, len(world.vendor.charges)) == ([Price(1, 39_000)], 2)

    def test_what_a_node_reads_must_be_known(self, world: World) -> None:
        """One more take of what? It says what to do."""
        world.write(TAKES)
        with pytest.raises(UsageError, match="run the recipe first"):
            world.reroll("scene")


class TestProfiles:
    PROFILES = (
        TAKES
        + """
    profiles: {draft: {resolution: 1K}, fewer: {samples: 1}}
"""
    )
    DRAFT = Options(profile="draft")

    def test_what_is_chosen_and_bought_in_a_draft_stays_there(self, world: World) -> None:
        """Its blocks have its labels alone; the final asks, and is told, as if there were no draft."""
        world.write(self.PROFILES)
        world.run(options=self.DRAFT)
        world.pick("hero", 2, options=self.DRAFT)
        (again,) = world.reroll("hero", options=self.DRAFT).takes
        assert (again.sample, again.picked) == (3, True)
        assert {label for block in world.lock().blocks.values() for label in block.labels} == {
            "hero@draft",
            "scene@draft",
        }
        assert stands(world.plan()) == {"hero": "call/new", "scene": "wait/upstream"}
        final = world.run()
        assert next(one.picked for one in final.outcomes if one.node == "hero") == 1
        assert {label: block.pick for block in world.lock().blocks.values() for label in block.labels} == {
            "hero": None, "hero@draft": 3, "scene": None, "scene@draft": None
        }  # fmt: skip

    def test_one_request_of_two_profiles_is_bought_once_and_has_one_pick(self, world: World) -> None:
        """Keys know no profiles: the block has both labels, and its pick is the request's, whoever asks it."""
        world.write(self.PROFILES)
        world.run()
        world.pick("hero", 2)
        fewer = world.run(options=Options(profile="fewer"))
        assert (fewer.called, len(world.vendor.charges)) == (1, 4)  # `scene` of take 2
        assert [block.labels for block in world.lock().blocks.values() if block.pick] == [("hero", "hero@fewer")]
        assert world.run().called == 0
        assert [block.labels for block in world.lock().blocks.values() if block.pick] == [("hero", "hero@fewer")]

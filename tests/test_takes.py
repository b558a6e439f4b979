"""What asks for a pick waits for one, and what a step expects is judged for free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.canonical import digest_of
from banana_pipe.model import Artifact, BaseKey, Expect, Reason
from banana_pipe.providers.base import ProviderError
from banana_pipe.purchase.orders import Bought, Consent
from banana_pipe.store.pins import LockAccepted, LockBlock, LockFile, LockTake
from banana_pipe.takes import flowed, judge, pick_of, picked, unmet
from tests.outputs.builders import node
from tests.world import NO_TOKEN, World, digests, ends, lines, outcome, picture, plain, stands

ASKS = """
    version: 1
    steps:
      hero: {generate: A fox, samples: 2, pick: ask}
      scene: {images: hero, edit: In the snow}
      poster: {images: [scene, logo], edit: A poster}
      logo: {generate: A logo}
"""
EXPECTS = """
    version: 1
    steps:
      hero: {generate: A fox, samples: 3, expect: {min_width: 100}}
      scene: {images: hero, edit: In the snow}
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


class TestAsking:
    def test_what_reads_it_waits_and_everything_else_goes_on(self, world: World) -> None:
        """Its takes are bought and can be looked at; exit code 7, and a plan that says the same."""
        world.write(ASKS)
        assert stands(world.plan()) == {
            "hero": "call/new",
            "logo": "call/new",
            "scene": "wait/pick",
            "poster": "wait/pick",
        }
        fresh = world.plan()
        assert (fresh.calls, fresh.calls_now, fresh.calls_max) == (3, 3, 5)
        assert (fresh.cost_now, fresh.cost_max) == (3 * 39_000, 5 * 39_000)
        ran = world.run()
        assert ends(ran) == {
            "hero": "waiting/pick",
            "logo": "done/new",
            "scene": "waiting/pick",
            "poster": "waiting/pick",
        }
        assert (ran.exit_code, ran.status, ran.called) == (7, "waiting", 3)
        assert sorted(world.pictures()) == ["_/takes/hero@1.png", "_/takes/hero@2.png", "logo.png"]
        plan = world.plan()
        assert stands(plan)["hero"] == "needs-pick/pick"
        assert (lines(plan)["hero"].choices, outcome(ran, "hero").choices) == ((1, 2), (1, 2))
        assert lines(plan)["poster"].detail == "waits for a pick of hero"
        assert (plan.calls, plan.calls_now, plan.calls_max, plan.cost_now) == (0, 0, 2, 0)

    def test_who_may_have_been_picked_from_already_waits_for_what_it_reads(self, world: World) -> None:
        """What a transform gives may be what it was when somebody picked: then this run buys it all."""
        world.picture("fox.png", picture(64, 64))
        world.write("""
            version: 1
            steps:
              small: {images: fox.png, transform: [{resize: {width: 20}}], output: false}
              hero: {images: small, edit: Older, samples: 2, pick: ask}
              scene: {images: hero, edit: In the snow}
        """)
        world.run()
        world.pick("hero", 2)
        world.forget("cache/results", "cache/blobs")
        plan = world.plan()
        assert stands(plan) == {"small": "local/new", "hero": "wait/upstream", "scene": "wait/upstream"}
        assert (plan.calls_now, plan.calls_max) == (3, 3)
        ran = world.run()
        assert (ran.exit_code, ran.called) == (0, 1)

    def test_a_run_that_only_waits_for_a_pick_needs_no_token(self, world: World) -> None:
        """There is nothing to buy before somebody has picked."""
        world.write(ASKS)
        world.run()
        again = world.run(access=NO_TOKEN)
        assert (again.exit_code, again.called) == (7, 0)

    def test_a_pick_goes_on_and_a_pick_of_before_buys_nothing(self, world: World) -> None:
        """Pick 2, run, pick 1, run, pick 2 again, run: what was bought for a take is there for ever."""
        world.write(ASKS)
        world.run()
        world.pick("hero", 2)
        second = world.run()
        assert (second.exit_code, len(world.vendor.charges)) == (0, 5)
        world.pick("hero", 1)
        first = world.run()
        assert (first.exit_code, len(world.vendor.charges)) == (0, 7)
        world.pick("hero", 2)
        assert world.plan().calls_max == 0
        third = world.run()
        assert (third.called, digests(third)) == (0, digests(second))
        assert len(world.vendor.charges) == 7
        assert world.pictures()["hero.png"] == digests(second)["hero"]

    def test_more_samples_buy_only_the_new_takes_and_keep_the_pick(self, world: World) -> None:
        """A pick stands beside the request, whatever else it has takes of."""
        world.write(ASKS)
        world.run()
        world.pick("hero", 2)
        world.run()
        world.write(ASKS.replace("samples: 2", "samples: 4"))
        assert (world.plan().calls, world.plan().calls_max) == (2, 2)
        ran = world.run()
        assert (ran.called, ran.exit_code, outcome(ran, "hero").picked) == (2, 0, 2)

    def test_a_changed_prompt_asks_for_a_new_pick_and_a_renamed_step_does_not(self, world: World) -> None:
        """A pick belongs to a request: names are not in it."""
        world.write(ASKS)
        world.run()
        world.pick("hero", 2)
        world.run()
        world.write(ASKS.replace("hero", "champion"))
        assert world.plan().calls_max == 0
        renamed = world.run()
        assert (renamed.exit_code, renamed.called, outcome(renamed, "champion").picked) == (0, 0, 2)
        world.write(ASKS)
        world.run()
        world.write(ASKS.replace("A fox", "A wolf"))
        changed = world.run()
        assert (changed.exit_code, changed.called) == (7, 2)
        assert ends(changed)["scene"] == "waiting/pick"
        assert "scene.png" in world.pictures(), "what stood there stays until there is something to put in its place"
        world.write(ASKS)
        assert world.run().exit_code == 0

    def test_a_take_that_is_read_by_number_waits_for_nobody(self, world: World) -> None:
        """`hero@2` is that take, whatever is picked."""
        world.write(ASKS.replace("images: hero,", "images: hero@2,"))
        ran = world.run()
        assert ends(ran)["hero"] == "waiting/pick"
        assert ends(ran)["poster"] == "done/new"
        assert ran.exit_code == 7

    def test_a_reroll_under_ask_picks_nothing_and_its_take_can_be_looked_at(self, world: World) -> None:
        """It is one more to choose from."""
        world.write(ASKS)
        world.run()
        rerolled = world.reroll("hero").takes[0]
        assert isinstance(rerolled.answer, Bought)
        assert (rerolled.sample, rerolled.picked, rerolled.before) == (3, False, None)
        assert lines(world.plan())["hero"].choices == (1, 2, 3)
        world.run()
        assert "_/takes/hero@3.png" in world.pictures()
        world.pick("hero", 3)
        ran = world.run()
        assert (ran.exit_code, outcome(ran, "hero").picked) == (0, 3)
        assert len(world.vendor.charges) == 6

    def test_one_take_is_asked_about_too(self, world: World) -> None:
        """Approval: nothing goes on before somebody has seen it."""
        world.write(ASKS.replace("samples: 2, ", ""))
        assert world.run().exit_code == 7
        world.pick("hero", 1)
        assert world.run().exit_code == 0

    def test_where_no_take_is_fit_nobody_is_asked(self, world: World) -> None:
        """There is nothing to choose from: plan and run say that it failed."""
        world.vendor.draws = {("A fox", 1): plain(), ("A fox", 2): plain((1, 2, 3))}
        world.write(ASKS)
        ran = world.run()
        assert (ends(ran)["hero"], ends(ran)["scene"], ran.exit_code) == ("failed/blank", "blocked/input", 1)
        assert (stands(world.plan())["hero"], stands(world.plan())["scene"]) == ("failed/blank", "failed/input")

    def test_while_a_take_is_in_the_way_nobody_is_asked_and_a_pick_helps_all_the_same(self, world: World) -> None:
        """A refusal is the graver news; who takes what is there goes on."""
        world.vendor.fates.append(ProviderError("moderation", "no foxes"))
        world.write(ASKS.partition("      poster:")[0])
        ran = world.run()
        assert (ends(ran)["hero"], ends(ran)["scene"]) == ("failed/refused", "blocked/input")
        assert (stands(world.plan())["hero"], stands(world.plan())["scene"]) == ("failed/refused", "failed/input")
        had = outcome(ran, "hero").takes[0].sample
        world.pick("hero", had)
        assert stands(world.plan())["scene"] == "call/new"
        assert ends(world.run())["scene"] == "done/new"


class TestLost:
    """Takes to choose from whose bytes are nowhere."""

    def test_where_nothing_can_be_looked_at_it_is_lost_and_its_readers_are_blocked(self, world: World) -> None:
        """Not waiting for somebody to pick blindly; a run buys nothing, and names where it looked."""
        world.write(ASKS)
        world.run()
        world.forget("cache", "out")
        plan = world.plan()
        assert stands(plan) == {
            "hero": "lost/lost", "logo": "lost/lost", "scene": "failed/input", "poster": "failed/input"
        }  # fmt: skip
        assert lines(plan)["hero"].choices == ()
        ran = world.run(access=NO_TOKEN)
        assert (ran.exit_code, ran.called) == (1, 0)
        assert ends(ran) == {
            "hero": "lost/lost", "logo": "lost/lost", "scene": "blocked/input", "poster": "blocked/input"
        }  # fmt: skip
        error = str(outcome(ran, "hero").error)
        assert "the bytes of takes 1, 2 are nowhere" in error
        assert (str(world.cache) in error, str(world.out) in error, "`--rebuy` buys them again" in error) == (True,) * 3

    def test_rebuy_buys_them_again_to_choose_from(self, world: World) -> None:
        """Of those that `samples` says; the new digests stand in the lock, and a pick goes on from there."""
        world.write(ASKS.replace(", logo]", "]"))
        world.run()
        world.reroll("hero")
        before = {path: digest for path, digest in world.pictures().items() if path.startswith("_")}
        world.forget("cache", "out")
        ran = world.run(consent=Consent(rebuy=True))
        assert (ends(ran)["hero"], ran.exit_code, ran.called) == ("waiting/pick", 7, 3)
        assert outcome(ran, "hero").choices == (1, 2)
        after = world.pictures()
        assert not {after["_/takes/hero@1.png"], after["_/takes/hero@2.png"]} & set(before.values())
        assert lines(world.plan())["hero"].choices == (1, 2)
        world.pick("hero", 2)
        assert (world.run().exit_code, world.pictures()["hero.png"]) == (0, after["_/takes/hero@2.png"])

    def test_what_can_be_looked_at_is_enough_to_choose_from(self, world: World) -> None:
        """And is what is offered."""
        world.write(ASKS)
        world.run()
        world.forget("cache", "out/shop/_/takes/hero@1.png")
        assert stands(world.plan())["hero"] == "needs-pick/pick"
        assert (lines(world.plan())["hero"].choices, lines(world.plan())["hero"].detail[-6:]) == ((2,), "take 2")
        ran = world.run(access=NO_TOKEN)
        assert (ends(ran)["hero"], outcome(ran, "hero").choices) == ("waiting/pick", (2,))

    def test_what_is_published_nowhere_and_read_by_number_alone_is_not_missed(self, world: World) -> None:
        """A digest is enough for what was made from it; who reads the pick needs bytes."""
        text = """
            version: 1
            steps:
              hero: {generate: A fox, samples: 2, pick: ask, output: false}
              scene: {images: hero@2, edit: In the snow}
        """
        world.write(text)
        world.run()
        world.forget("cache")
        assert stands(world.plan()) == {"hero": "needs-pick/pick", "scene": "cached/lock"}
        world.write(text.replace("scene:", "other: {images: hero, edit: In the rain}\n              scene:"))
        assert stands(world.plan()) == {"hero": "lost/lost", "scene": "cached/lock", "other": "failed/input"}


class TestExpecting:
    def test_the_first_take_that_passes_is_picked(self, world: World) -> None:
        """It flows on, and the others stand among the takes."""
        world.vendor.draws = {("A fox", 2): picture(128, 64)}
        world.write(EXPECTS)
        ran = world.run()
        assert (ran.exit_code, outcome(ran, "hero").picked) == (0, 2)
        assert digests(ran)["hero"] == digest_of(picture(128, 64))
        assert (stands(world.plan())["hero"], world.plan().calls_max) == ("cached/lock", 0)

    def test_a_failing_one_buys_nothing_and_a_mended_one_costs_nothing(self, world: World) -> None:
        """It is judged anew each time, from what is paid and kept."""
        world.write(EXPECTS)
        first = world.run()
        assert (ends(first), first.exit_code) == ({"hero": "failed/expect", "scene": "blocked/input"}, 1)
        error = outcome(first, "hero").error or ""
        assert "it is 8 pixels wide, and `min_width` is 100" in error
        for _ in range(2):
            assert (stands(world.plan()), world.plan().calls_max) == (
                {"hero": "failed/expect", "scene": "failed/input"},
                0,
            )
            assert world.run(access=NO_TOKEN).called == 0
        assert "it is 8 pixels wide" in lines(world.plan())["hero"].detail
        world.write(EXPECTS.replace("min_width: 100", "min_width: 8"))
        mended = world.run()
        assert (mended.exit_code, mended.called, outcome(mended, "hero").picked) == (0, 1, 1)
        assert len(world.vendor.charges) == 4

    def test_a_stricter_one_moves_the_pick_and_another_picture_flows_on(self, world: World) -> None:
        """What is expected is not in the key: no take is bought anew."""
        world.vendor.draws = {("A fox", 3): picture(128, 128)}
        world.write(EXPECTS.replace("min_width: 100", "min_width: 1"))
        assert outcome(world.run(), "hero").picked == 1
        world.write(EXPECTS)
        assert stands(world.plan()) == {"hero": "cached/lock", "scene": "call/changed"}
        assert outcome(world.run(), "hero").picked == 3

    def test_a_picked_take_that_fails_fails_its_node(self, world: World) -> None:
        """A choice is followed; what it chose is judged like everything else."""
        world.vendor.draws = {("A fox", 2): picture(128, 64)}
        world.write(EXPECTS)
        world.run()
        world.pick("hero", 1)
        assert stands(world.plan())["hero"] == "failed/expect"
        assert world.run(access=NO_TOKEN).called == 0

    def test_a_reroll_is_the_way_to_one_that_passes(self, world: World) -> None:
        """One call, and the node is done."""
        world.vendor.draws = {("A fox", 4): picture(128, 64)}
        world.write(EXPECTS)
        world.run()
        assert world.reroll("hero").takes[0].sample == 4
        assert ends(world.run())["hero"] == "cached/lock"

    def test_who_is_asked_sees_only_what_passes(self, world: World) -> None:
        """A failing take is no choice; it can be looked at."""
        world.vendor.draws = {("A fox", 2): picture(128, 64), ("A fox", 3): picture(256, 64)}
        world.write(EXPECTS.replace("samples: 3", "samples: 3, pick: ask"))
        ran = world.run()
        assert (ran.exit_code, outcome(ran, "hero").choices) == (7, (2, 3))
        assert "_/takes/hero@1.png" in world.pictures()

    def test_what_is_expected_may_depend_on_the_axes(self, world: World) -> None:
        """An expression keeps its type; each instance is judged by its own."""
        world.vendor.draws = {("A small fox", 1): picture(16, 16), ("A large fox", 1): picture(16, 16)}
        world.write("""
            version: 1
            steps:
              hero:
                matrix: {size: {small: 8, large: 32}}
                generate: A {{ names.size }} fox
                expect: {min_width: "{{ size }}", aspect_ratio: "{{ '1:1' }}"}
        """)
        assert ends(world.run()) == {"hero[size=small]": "done/new", "hero[size=large]": "failed/expect"}


DIGEST = digest_of(b"x")


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        (Expect(min_width=401), "it is 400 pixels wide, and `min_width` is 401"),
        (Expect(min_width=400, min_height=300), ""),
        (Expect(min_height=301), "it is 300 pixels high, and `min_height` is 301"),
        (Expect(aspect_ratio="4:3"), ""),
        (Expect(aspect_ratio="16:9"), "it is 400 × 300, and `aspect_ratio` is 16:9"),
        (Expect(format="png"), ""),
        (Expect(format="jpeg"), "it is png, and `format` is jpeg"),
        (Expect(alpha=True), "it has no transparent pixel"),
        (Expect(alpha=False), ""),
        (Expect(max_bytes=1000), ""),
        (Expect(max_bytes=999), "it has 1,000 bytes, and `max_bytes` is 999"),
        (Expect(min_width=401, format="webp"), "it is 400 pixels wide, and `min_width` is 401; it is png, and"),
    ],
)
def test_each_expectation_is_judged_and_told(expect: Expect, words: str) -> None:
    """At its border it is met; beyond it the words say what the picture is, and what was wanted."""
    artifact = Artifact(DIGEST, "image/png", 400, 300, 1000)
    assert unmet(artifact, expect).startswith(words)
    assert judge(artifact, [], expect) == ("expect" if words else None)


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 60), st.integers(1, 60))
def test_a_ratio_is_met_within_three_percent(width: int, height: int, wide: int, high: int) -> None:
    """No rounding of a size can fail it, and nothing beyond passes."""
    artifact = Artifact(DIGEST, "image/png", width, height, 1)
    away = width * high / (height * wide)
    if abs(away - 0.97) > 1e-9 and abs(away - 1.03) > 1e-9:
        assert (unmet(artifact, Expect(aspect_ratio=f"{wide}:{high}")) == "") == (0.97 <= away <= 1.03)


BASE = BaseKey("b" * 64)


def block_of(wrong: Mapping[int, Reason | None], pick: int | None = None) -> LockBlock:
    """A block whose takes have that wrong with them, or nothing; take N is N pixels wide."""
    takes = {
        sample: LockTake(Artifact(DIGEST, "image/png", sample, 9, 9, blank=why == "blank"), 0.0)
        for sample, why in wrong.items()
    }
    return LockBlock(BASE, "acedata", "nano-banana", takes=takes, pick=pick)


def flows(block: LockBlock, *, samples: int = 1, pick: int | None = None, asks: bool = False) -> int | None:
    """The take (or what was accepted, by its width) that flowed from *block*."""
    asked = replace(node("hero"), samples=samples, pick=pick, asks=asks)
    artifact = flowed(asked, LockFile({BASE: block}), block)
    return artifact.width if artifact else None


class TestWhatFlowed:
    """The rule of picks, told of a request that a node may ask no more."""

    @given(
        st.dictionaries(st.integers(1, 5), st.sampled_from([None, "blank"]), min_size=1),
        st.none() | st.integers(1, 5),
        st.none() | st.integers(1, 5),
        st.booleans(),
    )
    def test_it_is_what_a_plan_would_have_said(
        self, wrong: dict[int, Reason | None], in_lock: int | None, in_recipe: int | None, asks: bool
    ) -> None:
        """Where the takes are all that there are to be, both give the same, whoever picked."""
        wrong = {number: wrong[sample] for number, sample in enumerate(sorted(wrong), 1)}
        block = block_of(wrong, in_lock)
        asked = replace(node("hero"), samples=len(wrong), pick=in_recipe, asks=asks)
        said = picked(asked, pick_of(asked, LockFile({BASE: block}), BASE), wrong)
        flowing = flows(block, samples=len(wrong), pick=in_recipe, asks=asks)
        assert flowing == (said if said in wrong else None)

    def test_of_more_and_of_fewer_takes_than_now_it_is_the_first_that_passes(self) -> None:
        """What there was is judged, not what `samples` would bring today."""
        assert flows(block_of({1: "blank", 2: None}), samples=1) == 2
        assert flows(block_of({1: None}), samples=4) == 1
        assert flows(block_of({2: "blank", 3: None}), samples=3) == 3

    def test_who_is_to_be_asked_has_no_take_but_where_none_passes(self) -> None:
        """As in a plan: with nothing to choose from the first take says what is wrong."""
        assert flows(block_of({1: None, 2: "blank"}), samples=2, asks=True) is None
        assert flows(block_of({1: "blank", 2: "blank"}), samples=2, asks=True) == 1
        assert flows(block_of({1: None, 2: None}, pick=2), samples=2, asks=True) == 2

    def test_a_pick_that_is_not_there_flowed_to_nobody(self) -> None:
        """In the lock or in the recipe; the lock's wins."""
        assert flows(block_of({1: None}, pick=3)) is None
        assert flows(block_of({1: None}), pick=3) is None
        assert flows(block_of({1: None, 2: None}, pick=1), pick=2) == 1

    def test_what_was_accepted_flows_before_any_take_and_without_one(self) -> None:
        """A block may have nothing else, or nothing at all."""
        accepted = LockAccepted(Artifact(DIGEST, "image/png", 77, 9, 9), 0.0)
        assert flows(replace(block_of({1: None}, pick=1), accepted=accepted)) == 77
        assert flows(replace(block_of({}), accepted=accepted)) == 77
        assert (flows(block_of({})), flows(block_of({}), asks=True)) == (None, None)

"""What would be done, why, and at what price: each state and reason of a plan, from real folders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.buying import Limits
from banana_pipe.canonical import digest_of
from banana_pipe.model import Artifact, AttemptState, Expect, Pick, Reason
from banana_pipe.providers.base import ProviderError
from banana_pipe.purchase.orders import Pace
from banana_pipe.store.lookup import Stores
from banana_pipe.takes import judge, picked
from banana_pipe.workspace import Options
from tests.outputs.builders import node
from tests.purchase.fake import noise
from tests.world import CHAIN, World, ends, lines, plain, stands

PRICE = 39_000
TAKES = """
    version: 1
    steps:
      hero: {generate: A fox, samples: 2}
      scene: {images: hero, edit: In the snow}
"""
HIDDEN = """
    version: 1
    steps:
      base: {generate: A mug, output: false}
      glaze: {images: base, edit: Teal}
"""
IMPATIENT = Limits(pace=Pace(settle=0.0))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def leave(world: World, state: AttemptState) -> None:
    """Let a run of `shop.yaml`, of one node, end with its attempt in *state*."""
    refused = ProviderError("moderation", "no foxes")
    if state == "REFUSED":
        world.vendor.fates.append(refused)
    elif state == "UNKNOWN":
        world.vendor.fates.append("vanished")
        world.vendor.lists = False
    elif state == "ACCEPTED":
        world.vendor.seconds = 10_000.0
    elif state == "SUCCEEDED":
        world.vendor.fetches.extend([b"no picture"] * 3)
    elif state == "LOST":
        world.vendor.fetches.extend([ProviderError("dead_link", "gone", status=404)] * 9)
    elif state == "FAILED":
        world.vendor.fates.append(ProviderError("invalid", "no such ratio"))
    elif state == "NOT_SENT":
        world.vendor.fates.extend([ProviderError("not_sent", "no route")] * 9)
    world.run(limits=IMPATIENT)
    assert set(world.states()) == {state}


class TestStates:
    def test_an_empty_store_calls_for_what_reads_nothing_and_the_rest_waits(self, world: World) -> None:
        """Waits are counted in the largest totals alone."""
        world.write(CHAIN)
        plan = world.plan()
        assert stands(plan) == {"base": "call/new", "glaze": "wait/upstream", "scene": "wait/upstream"}
        assert (plan.calls, plan.calls_max, plan.cost, plan.cost_max) == (1, 3, PRICE, 3 * PRICE)
        assert (lines(plan)["glaze"].key, lines(plan)["scene"].inputs) == (None, ("glaze",))
        assert (lines(plan)["scene"].calls, lines(plan)["scene"].cost) == (1, PRICE)

    def test_a_plan_writes_nothing(self, world: World) -> None:
        """Not even an empty ledger."""
        world.write(CHAIN)
        world.plan()
        assert {path.name for path in world.folder.iterdir()} == {"banana-pipe.toml", "shop.yaml"}

    def test_who_knows_a_picture_is_the_reason(self, world: World) -> None:
        """The lock before the cache, the cache before the ledger."""
        world.write(CHAIN)
        world.run()
        assert set(stands(world.plan()).values()) == {"cached/lock"}
        world.forget("shop.lock")
        assert set(stands(world.plan()).values()) == {"cached/cache"}
        world.forget("cache/results")
        plan = world.plan()
        assert set(stands(plan).values()) == {"cached/ledger"}
        assert (plan.calls_max, plan.cost_max) == (0, 0)

    def test_other_words_under_the_same_name_are_a_change(self, world: World) -> None:
        """Only what the change reaches is called or waits."""
        world.write(CHAIN)
        world.run()
        world.write(CHAIN.replace("Make it teal", "Make it red"))
        plan = world.plan()
        assert stands(plan) == {"base": "cached/lock", "glaze": "call/changed", "scene": "wait/upstream"}

    def test_more_samples_are_takes_of_the_same(self, world: World) -> None:
        """Only those that are missing are counted, and what reads the first does not move."""
        world.write(TAKES)
        world.run()
        world.write(TAKES.replace("samples: 2", "samples: 5"))
        plan = world.plan()
        assert stands(plan) == {"hero": "call/take", "scene": "cached/lock"}
        assert (lines(plan)["hero"].calls, plan.calls_max, plan.cost) == (3, 3, 3 * PRICE)

    @pytest.mark.parametrize(
        ("state", "stand"),
        [
            ("UNKNOWN", "parked/unknown"),
            ("ACCEPTED", "parked/resume"),
            ("SUCCEEDED", "parked/resume"),
            ("REFUSED", "failed/refused"),
            ("LOST", "lost/lost"),
            ("FAILED", "call/new"),
            ("NOT_SENT", "call/new"),
        ],
    )
    def test_an_attempt_says_how_its_node_stands(self, world: World, state: AttemptState, stand: str) -> None:
        """What is open or remembered stands in the way; what was proven unpaid does not."""
        world.write("version: 1\nsteps: {hero: {generate: A fox}}")
        leave(world, state)
        plan = world.plan()
        assert stands(plan) == {"hero": stand}
        assert plan.calls == (1 if stand == "call/new" else 0)
        assert lines(plan)["hero"].key is not None

    def test_of_several_takes_the_gravest_is_said_as_a_run_says_it(self, world: World) -> None:
        """In doubt before refused: it needs a token, and may have been paid."""
        world.write("version: 1\nsteps: {hero: {generate: A fox}}")
        leave(world, "REFUSED")
        world.write(TAKES)
        world.vendor.fates.append("vanished")
        world.vendor.lists = False
        ran = world.run(limits=IMPATIENT)
        assert ends(ran)["hero"] == stands(world.plan())["hero"] == "parked/unknown"

    @pytest.mark.parametrize(
        ("state", "stand", "calls"),
        [("UNKNOWN", "wait/upstream", 1), ("REFUSED", "failed/input", 0), ("LOST", "failed/input", 0)],
    )
    def test_what_reads_it_waits_or_is_without_hope(
        self, world: World, state: AttemptState, stand: str, calls: int
    ) -> None:
        """What no run would bring is not counted, however far down."""
        world.write("version: 1\nsteps: {hero: {generate: A fox}}")
        leave(world, state)
        world.write("""
            version: 1
            steps:
              hero: {generate: A fox}
              scene: {images: hero, edit: Snow, samples: 1}
              thumb: {images: scene, edit: Small}
        """)
        plan = world.plan()
        assert (stands(plan)["scene"], stands(plan)["thumb"]) == (stand, stand)
        assert (plan.calls, plan.calls_max) == (0, 2 * calls)
        if not calls:
            assert lines(plan)["thumb"].detail == "needs scene"

    def test_takes_that_are_missing_are_called_for_whatever_became_of_the_others(self, world: World) -> None:
        """A run would buy them, so a plan counts them."""
        world.write("version: 1\nsteps: {hero: {generate: A fox}}")
        leave(world, "REFUSED")
        world.write(TAKES)
        plan = world.plan()
        assert (stands(plan)["hero"], plan.calls) == ("call/new", 1)

    @pytest.mark.parametrize(("data", "reason"), [(plain(), "blank"), (None, "copy")])
    def test_a_picture_that_is_unfit_is_failed_and_never_bought_again(
        self, world: World, data: bytes | None, reason: str
    ) -> None:
        """Judged anew each time, free; what reads it is not counted."""
        own = noise(577)
        world.picture("fox.png", own)
        world.write("""
            version: 1
            steps:
              hero: {images: fox.png, edit: As it is}
              scene: {images: hero, edit: In the snow}
        """)
        world.vendor.fetches.append(own if data is None else data)
        world.run()
        plan = world.plan()
        assert stands(plan) == {"hero": f"failed/{reason}", "scene": "failed/input"}
        assert (plan.calls_max, len(world.vendor.charges)) == (0, 1)


class TestPicks:
    def test_the_first_take_that_passes_flows_on(self, world: World) -> None:
        """A blank one is passed over."""
        world.write(TAKES)
        world.vendor.draws = {("A fox", 1): plain()}
        world.run()
        decided = world.decide()
        (hero, scene) = decided.plan.nodes
        assert (hero.state, scene.state) == ("cached", "cached")
        assert hero.key == decided.takes["hero"][1].wanted.key

    def test_the_recipe_s_pick_flows_on_and_the_lock_s_wins_over_it(self, world: World) -> None:
        """Somebody's choice is worth more than what the recipe said before."""
        world.write(TAKES.replace("samples: 2", "samples: 3, pick: 2"))
        world.run()
        decided = world.decide()
        assert lines(decided.plan)["hero"].key == decided.takes["hero"][1].wanted.key
        world.pick("hero", 3)
        decided = world.decide()
        assert lines(decided.plan)["hero"].key == decided.takes["hero"][2].wanted.key
        assert lines(decided.plan)["scene"].state == "call"

    def test_a_pick_above_samples_stays_valid_and_is_bought_if_it_is_missing(self, world: World) -> None:
        """In the lock or in the recipe."""
        world.write("version: 1\nsteps: {hero: {generate: A fox, samples: 2, pick: 4}}")
        plan = world.plan()
        assert (plan.calls, plan.cost) == (3, 3 * PRICE)
        world.run()
        assert sorted(world.pictures()) == ["_/takes/hero@1.png", "_/takes/hero@2.png", "hero.png"]
        world.pick("hero", 2)
        world.write("version: 1\nsteps: {hero: {generate: A fox}}")
        assert (stands(world.plan()), world.plan().calls_max) == ({"hero": "cached/lock"}, 0)

    def test_a_take_asked_for_by_number_is_bought_beyond_samples_and_counted(self, world: World) -> None:
        """`hero@3` of a node with one sample; what waits counts such takes too."""
        text = """
            version: 1
            steps:
              fox: {generate: A fox}
              hero: {images: fox, edit: Older}
              third: {images: hero@3, edit: In the snow}
        """
        world.write(text)
        assert (lines(world.plan())["hero"].calls, world.plan().calls_max) == (2, 4)
        world.run()
        assert world.plan().calls_max == 0
        assert len(world.vendor.charges) == 4
        assert lines(world.plan())["third"].inputs == ("hero@3",)

    def test_who_reads_a_take_by_number_does_not_move_the_pick(self, world: World) -> None:
        """Of two blank takes none flows on, though somebody else asked for a third."""
        world.write("""
            version: 1
            steps:
              hero: {generate: A fox, samples: 2}
              third: {images: hero@3, edit: In the snow}
              scene: {images: hero, edit: In the rain}
        """)
        world.vendor.draws = {("A fox", 1): plain((1, 1, 1)), ("A fox", 2): plain((2, 2, 2))}
        world.run()
        assert stands(world.plan()) == {"hero": "failed/blank", "third": "cached/lock", "scene": "failed/input"}

    def test_a_take_that_is_unfit_flows_to_nobody_by_number_either(self, world: World) -> None:
        """Plan and run say the same of it."""
        world.write("""
            version: 1
            steps:
              hero: {generate: A fox, samples: 2}
              second: {images: hero@2, edit: In the snow}
        """)
        world.vendor.draws = {("A fox", 2): plain()}
        ran = world.run()
        assert [outcome.status for outcome in ran.outcomes] == ["done", "blocked"]
        assert stands(world.plan()) == {"hero": "cached/lock", "second": "failed/input"}

    @given(
        st.integers(1, 5),
        st.dictionaries(st.integers(1, 8), st.sampled_from([None, "blank", "copy"])),
        st.none() | st.integers(1, 8),
        st.booleans(),
    )
    def test_the_rule_of_picks(
        self, samples: int, judged: dict[int, Reason | None], pick: int | None, asks: bool
    ) -> None:
        """A choice is followed blindly; else no take flows on before all that stand before it are known unfit.

        Where somebody is to be asked, none flows on at all, unless there is nothing left to choose from.
        """
        chosen = None if pick is None else Pick(pick, "lock")
        flowing = picked(replace(node("hero"), samples=samples, asks=asks), chosen, judged)
        if pick is not None:
            assert flowing == pick
        elif asks and (flowing is None or None in judged.values()):
            assert flowing is None
            assert None in judged.values() or any(sample not in judged for sample in range(1, samples + 1))
        elif flowing is None:
            assert any(sample not in judged for sample in range(1, samples + 1))
        else:
            assert all(sample in judged for sample in range(1, flowing + 1))
            assert all(judged[sample] is not None for sample in range(1, flowing))
            assert judged[flowing] is None or all(judged[sample] for sample in range(1, samples + 1))

    def test_blank_is_said_before_copy(self) -> None:
        """A blank copy of its own input is blank first of all."""
        digest = digest_of(b"x")
        artifact = Artifact(digest, "image/png", 8, 8, 1, blank=True)
        assert judge(artifact, [digest], Expect()) == "blank"


class TestPrices:
    def test_equal_requests_are_counted_once(self, world: World) -> None:
        """Two steps, two nodes of a matrix: distinct keys are what costs."""
        world.write("""
            version: 1
            steps:
              one: {matrix: {n: [1, 2]}, generate: A fox}
              two: {generate: A fox, samples: 2}
        """)
        plan = world.plan()
        assert stands(plan) == {"one[n=1]": "call/new", "one[n=2]": "call/same", "two": "call/new"}
        assert [line.calls for line in plan.nodes] == [1, 0, 1]
        assert [line.cost for line in plan.nodes] == [PRICE, 0, PRICE]
        assert (plan.calls, plan.cost, plan.cost_max) == (2, 2 * PRICE, 2 * PRICE)

    def test_an_unknown_price_makes_unknown_totals(self, world: World) -> None:
        """None where nobody knows, never nothing; what is cached costs nothing all the same."""
        world.write("""
            version: 1
            steps:
              known: {generate: A fox}
              fresh: {generate: A fox, model: nano-banana-99}
              extra: {images: known, edit: Snow, extra: {seed: 7}}
        """)
        plan = world.plan()
        assert [line.cost for line in plan.nodes] == [PRICE, None, None]
        assert (plan.cost, plan.cost_max, plan.calls_max) == (None, None, 3)
        world.run()
        assert (world.plan().cost, world.plan().cost_max) == (0, 0)

    def test_the_sandbox_is_free_beside_the_vendor_and_each_has_its_own_records(self, world: World) -> None:
        """One recipe, two providers: two lock files, one ledger on disk."""
        world.write("""
            version: 1
            steps:
              sketch: {generate: A fox, provider: sandbox}
              hero: {generate: A fox}
              scene: {images: sketch, edit: Snow}
        """)
        plan = world.plan()
        assert (plan.calls, plan.calls_max, plan.cost, plan.cost_max) == (2, 3, PRICE, 2 * PRICE)
        assert lines(plan)["sketch"].key != lines(plan)["hero"].key
        world.run()
        assert (len(world.sandbox.charges), len(world.vendor.charges)) == (1, 2)
        assert sorted(block.provider for block in world.lock().blocks.values()) == ["acedata", "acedata"]
        assert [block.provider for block in world.lock("cache/sandbox/shop.lock").blocks.values()] == ["sandbox"]
        assert sorted(attempt.node for attempt in world.attempts()) == ["hero", "scene"]
        assert set(stands(world.plan()).values()) == {"cached/lock"}


class TestLost:
    def test_what_would_be_published_and_has_its_bytes_nowhere_is_lost(self, world: World) -> None:
        """What reads it needs its digest alone, and is cached."""
        world.write(CHAIN)
        world.run()
        world.forget("cache/blobs", "out/shop/glaze.png")
        plan = world.plan()
        assert stands(plan) == {"base": "cached/lock", "glaze": "lost/lost", "scene": "cached/lock"}
        assert world.decide().lost == {lines(plan)["glaze"].key}
        assert plan.calls_max == 0

    def test_a_published_file_is_as_good_as_a_blob(self, world: World) -> None:
        """A clone with lock and pictures needs no cache."""
        world.write(CHAIN)
        world.run()
        world.forget("cache")
        assert set(stands(world.plan()).values()) == {"cached/lock"}

    def test_a_digest_is_enough_where_nothing_is_sent(self, world: World) -> None:
        """An intermediate that is not published, in a clone: nobody misses its bytes."""
        world.write(HIDDEN)
        world.run()
        world.forget("cache")
        assert stands(world.plan()) == {"base": "cached/lock", "glaze": "cached/lock"}
        assert not world.decide().lost

    def test_it_is_lost_where_it_would_be_sent(self, world: World) -> None:
        """Other words for its reader, and its bytes are needed; a run could not send it."""
        world.write(HIDDEN)
        world.run()
        world.forget("cache")
        world.write(HIDDEN.replace("Teal", "Red"))
        plan = world.plan()
        assert stands(plan) == {"base": "lost/lost", "glaze": "failed/input"}
        assert (plan.calls_max, lines(plan)["glaze"].detail) == (0, "needs base")

    def test_a_take_read_by_number_is_lost_where_its_bytes_are_nowhere(self, world: World) -> None:
        """The picked one is there, and is not the one that is needed."""
        text = """
            version: 1
            steps:
              hero: {generate: A fox, samples: 2}
              scene: {images: hero@2, edit: Snow}
        """
        world.write(text)
        world.run()
        world.forget("cache/blobs", "out/shop/_/takes/hero@2.png")
        assert stands(world.plan()) == {"hero": "cached/lock", "scene": "cached/lock"}
        world.write(text.replace("Snow", "Rain"))
        assert stands(world.plan()) == {"hero": "lost/lost", "scene": "failed/input"}
        assert world.decide().lost == {world.decide().takes["hero"][1].wanted.key}

    def test_a_name_with_signs_in_it_is_a_name(self, world: World) -> None:
        """`@` within a name is no take."""
        text = """
            version: 1
            steps:
              hero: {matrix: {who: ["a@b"]}, generate: "A fox {{ who }}", output: false}
              scene: {each: hero, edit: Snow}
        """
        world.write(text)
        world.run()
        world.forget("cache")
        world.write(text.replace("Snow", "Rain"))
        assert list(stands(world.plan()).values()) == ["lost/lost", "failed/input"]


class TestTooLarge:
    def test_a_file_that_cannot_be_sent_is_said_before_anything_is_spent(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The file, its size, the limit; what reads the node is not counted."""
        monkeypatch.setattr("banana_pipe.workspace.catalog.MAX_PICTURE_BYTES", 100)
        world.picture("fox.png", noise(501))
        world.write("""
            version: 1
            steps:
              hero: {images: fox.png, edit: Older}
              scene: {images: hero, edit: Snow}
        """)
        plan = world.plan()
        assert stands(plan) == {"hero": "failed/error", "scene": "failed/input"}
        assert "fox.png has 0.0 MB" in lines(plan)["hero"].detail
        assert plan.calls_max == 0
        assert (world.run().exit_code, world.vendor.posts) == (1, [])

    def test_a_picture_of_another_step_names_the_step_that_would_make_it_smaller(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where it is known only once it was bought: nothing more is spent on it."""
        monkeypatch.setattr("banana_pipe.workspace.catalog.MAX_PICTURE_BYTES", 100)
        world.write(CHAIN)
        ran = world.run()
        assert [outcome.status for outcome in ran.outcomes] == ["done", "failed", "blocked"]
        assert "ask step `base` for a lower `resolution`" in str(ran.outcomes[1].error)
        assert len(world.vendor.posts) == 1
        assert stands(world.plan()) == {"base": "cached/lock", "glaze": "failed/error", "scene": "failed/input"}

    def test_what_is_bought_already_is_there_however_large_its_inputs(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing is sent, so nothing is too large."""
        world.write(CHAIN)
        world.run()
        monkeypatch.setattr("banana_pipe.workspace.catalog.MAX_PICTURE_BYTES", 100)
        assert set(stands(world.plan()).values()) == {"cached/lock"}


def test_all_nodes_of_one_depth_are_looked_up_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan of a wide recipe makes as many look-ups as it is deep."""
    world.write("""
        version: 1
        steps:
          mug: {matrix: {n: [1, 2, 3, 4, 5, 6, 7, 8]}, generate: "A mug {{ n }}"}
          scene: {each: mug, edit: Snow}
    """)
    world.run()
    looked: list[int] = []
    find_many = Stores.find_many

    async def counted(self: Stores, wanted: object) -> object:
        listed = list(wanted)  # type: ignore[call-overload]
        looked.append(len(listed))
        return await find_many(self, listed)

    monkeypatch.setattr(Stores, "find_many", counted)
    world.plan()
    assert looked == [8, 8]


def test_a_provider_chosen_by_flag_makes_other_keys(world: World) -> None:
    """What was drawn never passes for what was bought."""
    world.write(CHAIN)
    bought = lines(world.plan())["base"].key
    drawn = world.plan(options=Options(provider="sandbox"))
    assert (drawn.cost_max, drawn.calls_max) == (0, 3)
    assert lines(drawn)["base"].key != bought

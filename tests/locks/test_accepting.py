"""What is accepted is right from then on: nothing is bought for it, and what reads it reads that."""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe.canonical import digest_of
from banana_pipe.errors import UsageError
from banana_pipe.store import lockmembers
from banana_pipe.workspace import Options
from tests.world import CHAIN, NO_TOKEN, World, digests, ends, lines, outcome, picture, plain, stands

PANELS = 24
COMIC = "version: 1\nsteps:\n  p1: {generate: A knight wakes}\n" + "".join(
    f"  p{number}: {{images: p{number - 1}, edit: Panel {number}}}\n" for number in range(2, PANELS + 1)
)
ASKS = """
    version: 1
    steps:
      hero: {generate: A fox, samples: 2, pick: ask}
      scene: {images: hero, edit: In the snow}
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def by_hand(world: World, name: str = "glaze.png") -> str:
    """Retouch a published picture; its digest."""
    data = picture(40, 30)
    (world.out / name).write_bytes(data)
    return digest_of(data)


class TestAComic:
    def test_a_reroll_in_the_middle_costs_one_call_and_one_accept_keeps_the_rest(self, world: World) -> None:
        """Panel 7 anew: one call. Panels 8 to 24 as they are: one accept, and none."""
        world.write(COMIC)
        first = world.run()
        assert len(world.vendor.charges) == PANELS
        world.reroll("p7")
        assert (len(world.vendor.charges), world.plan().calls_max) == (PANELS + 1, 17)
        done = world.accept("p8")
        assert [one.node for one in done.accepted] == ["p8"]
        assert done.then.calls_max == 0
        ran = world.run(access=NO_TOKEN)
        assert (ran.exit_code, ran.called, len(world.vendor.charges)) == (0, 0, PANELS + 1)
        before, after = digests(first), digests(ran)
        assert outcome(ran, "p7").picked == 2
        assert {name for name in before if before[name] != after[name] and name != "p8"} == {"p7"}
        accepted = outcome(ran, "p8").accepted
        assert accepted is not None
        assert (accepted.digest, world.pictures()["p8.png"]) == (before["p8"], before["p8"])

    def test_without_an_accept_what_follows_is_done_again(self, world: World) -> None:
        """Panels 8 to 24 redone: 17 calls."""
        world.write(COMIC)
        world.run()
        world.reroll("p7")
        assert world.run().called == 17

    def test_without_names_everything_stays_as_it_is(self, world: World) -> None:
        """All that a run would buy anew for another request has the picture that it had."""
        world.write(COMIC)
        first = world.run()
        world.write(COMIC.replace("Panel 5", "Panel five").replace("Panel 12", "Panel twelve"))
        assert world.plan().calls_max == 20
        done = world.accept()
        assert [one.node for one in done.accepted] == ["p5", "p12"]
        assert (done.then.calls_max, done.left) == (0, ())
        ran = world.run(access=NO_TOKEN)
        assert (ran.called, world.pictures()) == (0, {f"{name}.png": digest for name, digest in digests(first).items()})


class TestTheLastPicture:
    def test_it_is_the_one_that_stands_there_not_the_one_bought_last(self, world: World) -> None:
        """Back at the first wording, its picture is published again: a typo mended then keeps that one."""
        for words in ("A red fox", "A blue fox", "A red fox"):
            world.write(f"version: 1\nsteps:\n  fox: {{generate: {words}}}\n")
            world.run()
        assert len(world.vendor.charges) == 2
        before = world.pictures()["fox.png"]
        world.write("version: 1\nsteps:\n  fox: {generate: A red fox.}\n")
        (done,) = world.accept("fox").accepted
        assert done.artifact.digest == before
        assert (world.run(access=NO_TOKEN).called, world.pictures()) == (0, {"fox.png": before})


class TestAFileByHand:
    def test_it_is_adopted_and_what_reads_it_reads_it(self, world: World) -> None:
        """The file stays; only its reader is bought anew, from these bytes."""
        world.write(CHAIN)
        world.run()
        digest = by_hand(world)
        assert lines(world.plan())["glaze"].modified
        done = world.accept("glaze")
        assert [(one.node, one.path, one.artifact.digest) for one in done.accepted] == [("glaze", "glaze.png", digest)]
        plan = world.plan()
        assert stands(plan) == {"base": "cached/lock", "glaze": "cached/accepted", "scene": "call/changed"}
        assert not lines(plan)["glaze"].modified
        ran = world.run()
        assert (ran.exit_code, ran.called, outcome(ran, "scene").images) == (0, 1, (digest,))
        assert world.pictures()["glaze.png"] == digest
        assert not outcome(ran, "glaze").modified
        again = world.run(access=NO_TOKEN)
        assert (again.called, ends(again)["glaze"]) == (0, "cached/accepted")

    def test_it_and_its_readers_cost_nothing_where_both_are_accepted(self, world: World) -> None:
        """The readers keep the pictures that they had."""
        world.write(CHAIN)
        first = world.run()
        by_hand(world)
        done = world.accept()
        assert [one.node for one in done.accepted] == ["glaze", "scene"]
        assert world.run(access=NO_TOKEN).exit_code == 0
        assert world.pictures()["scene.png"] == digests(first)["scene"]

    def test_its_bytes_are_kept_and_come_back(self, world: World) -> None:
        """A file that was accepted is in the cache: one that is gone is put in place again."""
        world.write(CHAIN)
        world.run()
        digest = by_hand(world)
        world.accept("glaze")
        (world.out / "glaze.png").unlink()
        world.run()
        assert world.pictures()["glaze.png"] == digest

    def test_a_pick_ends_it(self, world: World) -> None:
        """The take flows on again, and takes its place in the folder."""
        world.write(CHAIN)
        first = world.run()
        by_hand(world)
        world.accept("glaze")
        world.run()
        world.pick("glaze", 1)
        assert stands(world.plan()) == dict.fromkeys(("base", "glaze", "scene"), "cached/lock")
        ran = world.run(access=NO_TOKEN)
        assert (ran.called, world.pictures()["glaze.png"]) == (0, digests(first)["glaze"])

    def test_a_clone_with_the_pictures_needs_no_cache(self, world: World) -> None:
        """Lock file and folder are enough; without both the loss is told, and nothing is bought for it."""
        world.write(CHAIN)
        world.run()
        digest = by_hand(world)
        world.accept()
        world.run()
        world.forget("cache")
        assert world.plan().calls_max == 0
        assert world.run(access=NO_TOKEN).exit_code == 0
        world.forget("cache", "out")
        assert stands(world.plan())["glaze"] == "lost/lost"
        lost = world.run(access=NO_TOKEN)
        assert (ends(lost)["glaze"], lost.called) == ("lost/lost", 0)
        assert "put the file back" in (outcome(lost, "glaze").error or "")
        assert digest in world.path("shop.lock").read_text()

    def test_what_is_no_picture_is_refused(self, world: World) -> None:
        """With the file, what it is, and nothing written."""
        world.write(CHAIN)
        world.run()
        before = world.path("shop.lock").read_bytes()
        (world.out / "glaze.png").write_bytes(b"<html>")
        with pytest.raises(UsageError, match=r"glaze\.png: not a picture"):
            world.accept("glaze")
        assert world.path("shop.lock").read_bytes() == before


class TestWhatIsJudged:
    def test_a_failing_picture_is_accepted_and_its_readers_go_on(self, world: World) -> None:
        """While it stands the node is done, unjudged."""
        world.vendor.draws = {("A mug", 1): plain()}
        world.write(CHAIN)
        assert world.run().exit_code == 1
        world.accept("base")
        ran = world.run()
        assert (ran.exit_code, ends(ran)["base"], len(world.vendor.charges)) == (0, "cached/accepted", 3)

    def test_more_samples_buy_nothing_while_it_stands(self, world: World) -> None:
        """The node is done."""
        world.write(CHAIN)
        world.run()
        by_hand(world)
        world.accept()
        world.write(CHAIN.replace("edit: Make it teal", "edit: Make it teal\n        samples: 4"))
        assert world.plan().calls_max == 0

    def test_an_asked_node_keeps_its_picture_of_before(self, world: World) -> None:
        """A mended typo: the old pick's picture under the new request, and nobody is asked."""
        world.write(ASKS)
        world.run()
        world.pick("hero", 2)
        first = world.run()
        world.write(ASKS.replace("A fox", "A red fox"))
        done = world.accept("hero")
        assert [one.artifact.digest for one in done.accepted] == [digests(first)["hero"]]
        ran = world.run(access=NO_TOKEN)
        assert (ran.exit_code, ran.called, ends(ran)["scene"]) == (0, 0, "cached/lock")

    def test_what_was_accepted_last_is_the_last_picture(self, world: World) -> None:
        """A second change of words keeps what the first one kept."""
        world.write(CHAIN)
        world.run()
        digest = by_hand(world)
        world.accept("glaze")
        world.run()
        world.write(CHAIN.replace("Make it teal", "Make it deep teal"))
        assert [one.artifact.digest for one in world.accept("glaze").accepted] == [digest]
        assert world.plan().calls_max == 0


class TestWhatThereIsNot:
    def test_what_is_right_already_is_left_alone(self, world: World) -> None:
        """Nothing to accept, nothing written."""
        world.write(CHAIN)
        world.run()
        before = world.path("shop.lock").read_bytes()
        assert world.accept("base").accepted == ()
        assert world.accept().accepted == ()
        assert world.path("shop.lock").read_bytes() == before

    def test_what_was_never_bought_is_refused_with_why(self, world: World) -> None:
        """So is what reads something unknown, and what nobody has picked from."""
        world.write(CHAIN)
        with pytest.raises(UsageError, match="nothing to accept for base: nothing was bought"):
            world.accept("base")
        with pytest.raises(UsageError, match="what it reads is not known yet"):
            world.accept("scene")
        assert world.accept().accepted == ()
        world.write(ASKS)
        world.run()
        with pytest.raises(UsageError, match="nobody has picked"):
            world.accept("hero")

    def test_a_dry_run_writes_nothing(self, world: World) -> None:
        """It says what would be accepted, and what a run would buy then."""
        world.write(CHAIN)
        world.run()
        before = world.path("shop.lock").read_bytes()
        by_hand(world)
        done = world.accept(write=False)
        assert ([one.node for one in done.accepted], done.then.calls_max) == (["glaze", "scene"], 0)
        assert world.path("shop.lock").read_bytes() == before
        assert world.plan().calls_max == 0
        assert lines(world.plan())["glaze"].modified

    def test_two_that_ask_the_same_have_one_picture(self, world: World) -> None:
        """Different files for one request: which one is right has to be said."""
        world.write("""
            version: 1
            steps:
              one: {generate: A fox}
              two: {generate: A fox}
        """)
        world.run()
        for width, name in ((40, "one.png"), (50, "two.png")):
            (world.out / name).write_bytes(picture(width, 30))
        with pytest.raises(UsageError, match="one and two ask the same"):
            world.accept()
        assert [one.node for one in world.accept("one").accepted] == ["one"]


def test_the_lock_file_keeps_it_and_gives_it_back(world: World) -> None:
    """Its text is read as it was written, and stands beside the takes."""
    world.write(CHAIN)
    world.run()
    digest = by_hand(world)
    world.accept("glaze")
    text = world.path("shop.lock").read_text()
    assert lockmembers.as_text(lockmembers.parse(text, world.path("shop.lock"))) == text
    (block,) = [block for block in world.lock().blocks.values() if block.accepted]
    assert block.accepted is not None
    assert (block.accepted.artifact.digest, sorted(block.takes), block.labels) == (digest, [1], ("glaze",))
    path = world.path("shop.lock")
    with pytest.raises(UsageError, match="what was accepted needs `sha256`"):
        lockmembers.parse(text.replace('"accepted": {"sha256"', '"accepted": {"sha255"'), path)


PROFILES = (
    CHAIN
    + """
    profiles:
      draft: {model: nano-banana, resolution: 1K}
      same: {samples: 2}
"""
)
DRAFT = Options(profile="draft")


class TestProfiles:
    def test_a_draft_s_picture_is_not_the_final_s(self, world: World) -> None:
        """In a clone without pictures nothing says that what was bought last for a draft was ever meant."""
        world.write(PROFILES)
        world.run()
        before = world.pictures()["glaze.png"]
        world.do(world.clock.sleep(60))
        world.run(options=DRAFT)
        world.forget("out")
        world.write(PROFILES.replace("Make it teal", "Make it deep teal"))
        assert [one.artifact.digest for one in world.accept("glaze").accepted] == [before]

    def test_a_name_that_only_a_draft_has_has_nothing_to_accept(self, world: World) -> None:
        """And it is said where there is something."""
        world.write(PROFILES)
        world.run(options=DRAFT)
        with pytest.raises(UsageError, match="nothing was bought under this name yet, only under profile draft"):
            world.accept("base")

    def test_what_a_profile_accepts_stays_in_it(self, world: World) -> None:
        """Its block is the profile's alone, and a run without it asks as before."""
        world.write(PROFILES)
        world.run(options=DRAFT)
        world.write(PROFILES.replace("A mug", "A cup"))
        assert [one.node for one in world.accept("base", options=DRAFT).accepted] == ["base"]
        labels = {label for block in world.lock().blocks.values() for label in block.labels}
        assert labels == {"base@draft", "glaze@draft", "scene@draft"}
        assert stands(world.plan())["base"] == "call/new"

    def test_labels_from_before_they_said_a_profile_are_believed_where_the_picture_stands(self, world: World) -> None:
        """A lock file that an earlier version wrote: the draft's folder says which of the pictures it was."""
        world.write(PROFILES)
        world.run(options=DRAFT)
        path = world.path("shop.lock")
        path.write_text(path.read_text().replace("@draft", ""))
        world.write(PROFILES.replace("A mug", "A cup"))
        assert [one.node for one in world.accept("base", options=DRAFT).accepted] == ["base"]

"""Recipe, lock file, cache and folder against each other: what is found, and with which exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe.errors import UsageError
from banana_pipe.locks.checking import Checked, check_lock
from banana_pipe.store import lockmembers, pins
from banana_pipe.store.lockfile import read
from banana_pipe.workspace import Options
from tests.world import CHAIN, NO_TOKEN, World, picture

TAKES = """
    version: 1
    profiles: {draft: {model: nano-banana-2}}
    steps:
      hero: {generate: A fox, samples: 2}
      small: {images: hero, transform: [{resize: {width: 4}}], output: false}
      scene: {images: small, edit: In the snow}
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def check(world: World, *nodes: str, pictures: bool = True, options: Options | None = None) -> Checked:
    opened = world.open(options=options, access=NO_TOKEN)
    try:
        return world.do(check_lock(opened, nodes, pictures=pictures))
    finally:
        opened.close()


def found(done: Checked) -> list[tuple[str, str]]:
    return [(one.kind, one.node) for one in done.findings]


def test_after_a_run_all_agree(world: World) -> None:
    """Also where nothing but the lock file and the pictures are left, with a transform in the middle."""
    world.write(TAKES)
    world.run()
    assert (found(check(world)), check(world).exit_code) == ([], 0)
    world.forget("cache", "out/shop/_", "out/shop/manifest.json", "out/shop/index.html")
    assert (found(check(world)), check(world).exit_code) == ([], 0)


def test_nothing_is_changed(world: World) -> None:
    """Neither lock file nor folder, whatever is found."""
    world.write(CHAIN)
    world.run()
    lock, pictures = world.path("shop.lock").read_bytes(), world.pictures()
    world.write(CHAIN.replace("A mug", "A jug").replace("glaze", "coat"))
    check(world)
    assert (world.path("shop.lock").read_bytes(), world.pictures()) == (lock, pictures)
    world.forget("cache")
    check(world)
    assert not world.cache.exists()


def test_what_would_be_bought_is_told_with_its_price(world: World) -> None:
    """Exit code 5; what hangs on it may be bought; the block of the old words is not used any more."""
    world.write(CHAIN)
    world.run()
    world.write(CHAIN.replace("Make it teal", "Make it red"))
    done = check(world)
    assert found(done) == [("not-bought", "glaze"), ("not-bought", "scene"), ("unused", "glaze")]
    assert [(one.calls, one.cost, one.exit_code) for one in done.findings] == [
        (1, 39_000, 5),
        (1, 39_000, 5),
        (0, 39_000, 0),
    ]
    assert done.exit_code == 5


def test_names_narrow_it(world: World) -> None:
    """Partial ones too; one that means nothing is a mistake."""
    world.write(CHAIN)
    world.run()
    world.write(CHAIN.replace("Make it teal", "Make it red"))
    assert found(check(world, "base")) == []
    assert found(check(world, "glaze")) == [("not-bought", "glaze"), ("unused", "glaze")]
    with pytest.raises(UsageError, match="no node `glze`"):
        check(world, "glze")


def test_a_renamed_step_is_a_note_and_costs_nothing(world: World) -> None:
    """The file of the new name is missing; the label is told; nothing to buy. A run puts both right."""
    world.write(CHAIN)
    world.run()
    world.write(CHAIN.replace("glaze", "coat"))
    assert world.plan().calls_max == 0
    done = check(world)
    assert found(done) == [("not-published", "coat"), ("labels", "coat")]
    assert done.findings[1].detail == "the lock file says glaze"
    assert (world.run(access=NO_TOKEN).called, found(check(world))) == (0, [])


def test_a_file_changed_by_hand_an_older_one_and_none(world: World) -> None:
    """Each is another kind; each is exit code 1."""
    world.write(CHAIN)
    world.run()
    (world.out / "glaze.png").write_bytes(picture(40, 30))
    (world.out / "scene.png").unlink()
    (world.out / "base.png").write_bytes((world.cache / "blobs").joinpath(*_blob(world, "glaze")).read_bytes())
    done = check(world)
    assert found(done) == [("by-hand", "glaze"), ("not-published", "base"), ("not-published", "scene")]
    assert [one.path for one in done.findings] == ["glaze.png", "base.png", "scene.png"]
    assert done.exit_code == 1


def _blob(world: World, label: str) -> tuple[str, str]:
    block = read(world.path("shop.lock")).latest_with_label(label)
    assert block is not None
    digest = block.takes[1].artifact.digest
    return digest[:2], digest


def test_lost_bytes_are_told_and_a_checkout_without_pictures_may_say_so(world: World) -> None:
    """Recipe and lock file alone agree; what waits for a transform's picture is not called a purchase."""
    world.write(TAKES)
    world.run()
    world.forget("cache", "out")
    done = check(world)
    assert ("lost", "hero") in found(done)
    assert done.exit_code == 1
    assert (found(check(world, pictures=False)), check(world, pictures=False).exit_code) == ([], 0)
    world.write(TAKES.replace("A fox", "A cat"))
    assert check(world, pictures=False).exit_code == 5


def test_what_only_this_machine_has_is_told(world: World) -> None:
    """The lock file is to say it: elsewhere it would be bought."""
    world.write(CHAIN)
    world.run()
    world.forget("shop.lock")
    done = check(world)
    assert (found(done), done.exit_code) == ([("not-in-lock", name) for name in ("base", "glaze", "scene")], 1)


def test_a_pick_without_its_take_is_told(world: World) -> None:
    """As after a merge that kept the pick of one side and not its take."""
    world.write(CHAIN)
    world.run()
    lock = read(world.path("shop.lock"))
    (base,) = [base for base, block in lock.blocks.items() if block.labels == ("base",)]
    world.path("shop.lock").write_text(lockmembers.as_text(pins.with_pick(lock, base, 3)))
    done = check(world)
    (missing,) = (one for one in done.findings if one.kind == "pick-missing")
    assert (missing.node, missing.cost) == ("base", 39_000)
    assert missing.detail == "take 3 is picked; it would have to be bought"
    assert ("not-bought", "base") not in found(done)
    assert done.exit_code == 5


def test_a_node_that_waits_for_a_pick_is_exit_code_7(world: World) -> None:
    """What reads it is not told besides."""
    world.write(CHAIN.replace("generate: A mug", "generate: A mug\n        samples: 2\n        pick: ask"))
    world.run()
    done = check(world)
    assert (found(done), done.exit_code) == ([("not-picked", "base")], 7)


def test_an_open_call_is_exit_code_6(world: World) -> None:
    """It may have been paid."""
    world.write("version: 1\nsteps:\n  base: {generate: A mug}\n")
    world.vendor.seconds = 1_000.0
    world.run()
    done = check(world)
    assert (found(done), done.exit_code) == ([("open", "base")], 6)


def test_blocks_of_profiles_are_used(world: World) -> None:
    """Whichever profile is looked at; a draft is checked in its own folder."""
    world.write(TAKES)
    world.run()
    world.run(options=Options(profile="draft"))
    assert found(check(world)) == []
    assert found(check(world, options=Options(profile="draft"))) == []
    world.write(TAKES.replace("    profiles: {draft: {model: nano-banana-2}}\n", ""))
    assert found(check(world)) == [("unused", "hero@draft"), ("unused", "scene@draft")]


def test_what_a_failing_step_is_called(world: World) -> None:
    """Exit code 1, with what was expected."""
    world.write(CHAIN)
    world.run()
    world.write(CHAIN.replace("edit: Put it on a table", "edit: Put it on a table\n        expect: {min_width: 4000}"))
    done = check(world)
    assert (found(done), done.exit_code) == ([("failed", "scene")], 1)
    assert "min_width" in done.findings[0].detail

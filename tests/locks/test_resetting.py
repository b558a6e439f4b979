"""A reset ends what somebody chose; the rule of the recipe decides again."""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe.errors import UsageError
from banana_pipe.locks.resetting import Resets, reset_lock
from banana_pipe.store.lockfile import read
from tests.world import CHAIN, NO_TOKEN, World, digests, picture, stands

TWO = """
    version: 1
    steps:
      hero: {generate: A fox, samples: 2}
      scene: {images: hero, edit: In the snow, samples: 2}
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def reset(world: World, *nodes: str, write: bool = True) -> Resets:
    opened = world.open(access=NO_TOKEN)
    try:
        return world.do(reset_lock(opened, nodes, write=write))
    finally:
        opened.close()


def told(done: Resets) -> list[tuple[str, int | None, bool]]:
    return [(one.node, one.pick, one.accepted is not None) for one in done.reset]


def test_a_pick_ends_and_the_first_take_flows_on_again(world: World) -> None:
    """Free: the picture of before is published again."""
    world.write(TWO)
    first = world.run()
    world.pick("hero", 2)
    world.run()
    done = reset(world, "hero")
    assert (told(done), done.left, done.then.calls_max) == ([("hero", 2, False)], (), 0)
    assert digests(world.run(access=NO_TOKEN)) == digests(first)


def test_what_was_accepted_ends(world: World) -> None:
    """The take takes its place in the folder; the retouched bytes stay in the cache."""
    world.write(CHAIN)
    first = world.run()
    data = picture(40, 30)
    (world.out / "glaze.png").write_bytes(data)
    world.accept()
    world.run()
    done = reset(world, "glaze", "scene", "base")
    assert (told(done), done.left) == ([("glaze", None, True), ("scene", None, True)], ("base",))
    ran = world.run(access=NO_TOKEN)
    assert (ran.exit_code, digests(ran)) == (0, digests(first))
    assert any(path.read_bytes() == data for path in (world.cache / "blobs").rglob("*") if path.is_file())


def test_what_was_only_accepted_has_to_be_bought(world: World) -> None:
    """A mended typo whose picture stayed: without it the new words were never asked. That is said, and not done."""
    world.write(CHAIN)
    world.run()
    world.write(CHAIN.replace("Put it on", "Place it on"))
    world.accept("scene")
    done = reset(world, "scene")
    assert (told(done), done.then.calls) == ([("scene", None, True)], 1)
    assert stands(world.plan())["scene"] == "call/changed"
    assert len(read(world.path("shop.lock")).blocks) == 3
    assert len(world.vendor.charges) == 3


def test_a_request_that_comes_back_is_reset_too(world: World) -> None:
    """The scene has a pick for each picture of the hero: none of them stands."""
    world.write(TWO)
    world.run()
    world.pick("scene", 2)
    world.pick("hero", 2)
    world.run()
    world.pick("scene", 2)
    assert told(reset(world)) == [("hero", 2, False), ("scene", 2, False), ("scene", 2, False)]
    lock = read(world.path("shop.lock"))
    assert {block.pick for block in lock.blocks.values()} == {None}


def test_a_dry_run_writes_nothing_and_names_may_be_partial(world: World) -> None:
    """What is not named stays."""
    world.write(TWO)
    world.run()
    world.pick("hero", 2)
    before = world.path("shop.lock").read_bytes()
    assert told(reset(world, "hero", write=False)) == [("hero", 2, False)]
    assert (told(reset(world, "scene")), reset(world, "scene").left) == ([], ("scene",))
    assert world.path("shop.lock").read_bytes() == before
    with pytest.raises(UsageError, match="no node"):
        reset(world, "heroes")


def test_where_somebody_is_asked_somebody_is_asked_again(world: World) -> None:
    """`pick: ask` waits as before the first pick."""
    world.write(TWO.replace("A fox, samples: 2", "A fox, samples: 2, pick: ask"))
    world.run()
    world.pick("hero", 1)
    world.run()
    reset(world, "hero")
    assert stands(world.plan())["hero"] == "needs-pick/pick"

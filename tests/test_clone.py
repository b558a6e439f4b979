"""A clone with the recipe, its lock file and the published pictures, and nothing else.

Unaware of git: the cache is taken away by hand.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.world import NO_TOKEN, World, ends

TWO_TAKES = """
version: 1
steps:
  hero: {generate: A fox, samples: 2}
  scene: {matrix: {season: [summer, winter]}, images: hero, edit: "In {{ season }}"}
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def bought(world: World) -> None:
    world.write(TWO_TAKES)
    world.run()
    world.forget("cache")


def test_picking_there_and_back_loses_nothing(world: World) -> None:
    """A take whose only copy is the published file is kept before another takes its place."""
    bought(world)
    before = world.pictures()
    for sample in (2, 1):
        world.pick("hero", sample)
        world.run()
    ran = world.run(access=NO_TOKEN)
    assert (ran.exit_code, ran.called) == (0, 0)
    assert world.pictures() == before


def test_other_words_and_back_lose_nothing(world: World) -> None:
    """What a changed prompt replaces is still there when the words are changed back."""
    bought(world)
    before = world.pictures()
    world.write(TWO_TAKES.replace("In {{", "Deep in {{"))
    assert world.run().called == 2
    world.write(TWO_TAKES)
    ran = world.run(access=NO_TOKEN)
    assert (set(ends(ran).values()), ran.called) == ({"cached/lock"}, 0)
    assert world.pictures() == before


def test_a_value_taken_away_and_put_back_loses_nothing(world: World) -> None:
    """The file of a vanished node goes; its bytes stay."""
    bought(world)
    before = world.pictures()
    world.write(TWO_TAKES.replace(", winter", ""))
    world.run(access=NO_TOKEN)
    assert "scene/winter.png" not in world.pictures()
    world.write(TWO_TAKES)
    ran = world.run(access=NO_TOKEN)
    assert (ran.exit_code, ran.called) == (0, 0)
    assert world.pictures() == before

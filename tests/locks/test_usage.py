"""What a lock file is needed for: every way to read the recipe counts, and what nobody can know counts too."""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe.beforehand import plan, settle
from banana_pipe.locks.usage import Usage, is_named, usage_of
from banana_pipe.store.pins import LockBlock
from banana_pipe.workspace import Options
from tests.world import NO_TOKEN, World

MIXED = """
    version: 1
    steps:
      hero: {generate: A fox, provider: sandbox}
      scene: {images: hero, edit: In the snow}
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def usage(world: World, options: Options | None = None) -> Usage:
    opened = world.open(options=options, access=NO_TOKEN)

    async def story() -> Usage:
        return await usage_of(opened, await settle(opened, await plan(opened), frozen=True))

    try:
        return world.do(story())
    finally:
        opened.close()


def unused(world: World, options: Options | None = None) -> dict[str, list[tuple[str, ...]]]:
    """By lock file the labels of blocks that nothing asks for."""
    used = usage(world, options)
    names = ("shop.lock", "cache/sandbox/shop.lock")
    return {name: [block.labels for block in used.unused(world.path(name), world.lock(name))] for name in names}


def test_what_was_drawn_by_a_flag_and_what_was_bought_by_one_are_used(world: World) -> None:
    """A recipe that asks two providers was run for money alone, and in the sandbox alone: neither lock has too much."""
    world.write(MIXED)
    for provider in (None, "sandbox", "acedata"):
        world.run(options=Options(provider=provider))
    assert unused(world) == {"shop.lock": [], "cache/sandbox/shop.lock": []}
    world.write(MIXED.replace("In the snow", "In the rain"))
    assert unused(world) == {"shop.lock": [("scene",)] * 2, "cache/sandbox/shop.lock": [("scene",)]}


def test_the_sandbox_s_lock_knows_what_the_recipe_itself_draws_there(world: World) -> None:
    """Looked at with the flag or without."""
    world.write(MIXED)
    world.run()
    assert unused(world, Options(provider="sandbox"))["cache/sandbox/shop.lock"] == []


@pytest.mark.parametrize(
    ("text", "label", "named"),
    [
        ("scene", "scene[color=teal,size=m]", True),
        ("scene[size=m]", "scene[color=teal,size=m]", True),
        ("scene[size=s]", "scene[color=teal,size=m]", False),
        ("scene", "scene[size=m]@draft", True),
        ("scen", "scene", False),
        ("banner", "banner/hero", True),
        ("banner", "banners", False),
        ('scene[size="a,b"]', 'scene[size="a,b"]', True),
    ],
)
def test_a_name_means_blocks_of_nodes_that_are_gone_too(text: str, label: str, named: bool) -> None:
    """Whole or in part, under any profile."""
    block = LockBlock("0" * 64, "acedata", "nano-banana", labels=(label,))  # type: ignore[arg-type]
    assert is_named(block, [text]) is named

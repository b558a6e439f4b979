"""Runs of a part of a recipe: what is bought, what stays as it was, and what is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from banana_pipe.shapes import plan_json, run_json
from banana_pipe.workspace import Options
from tests.world import World, ends, stands

SHOP = """
    version: 1
    steps:
      base:
        generate: A mug
        samples: 2
        pick: 1
      glaze:
        matrix: {color: [ivory, teal, red]}
        images: base
        edit: "Make it {{ color }}"
      poster:
        images: [glaze, base@3]
        generate: All of them
"""
FIRST = Options(first=1)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_a_part_buys_what_the_whole_would_buy_and_the_whole_buys_only_the_rest(world: World) -> None:
    """A cheap look is an advance, not an expense."""
    world.write(SHOP)
    assert world.plan(options=FIRST).calls_max == 3
    look = world.run(options=FIRST)
    assert (look.called, ends(look)) == (3, {"base": "done/new", "glaze[color=ivory]": "done/new"})
    rest = world.run()
    assert (rest.called, rest.left_out) == (4, ())
    assert world.run().called == 0


def test_what_was_left_out_is_told(world: World) -> None:
    """By name, in the objects that scripts read and in the log."""
    world.write(SHOP)
    left_out = ["glaze[color=teal]", "glaze[color=red]", "poster"]
    assert plan_json(world.plan(options=FIRST))["left_out"] == left_out
    look = world.run(options=FIRST)
    assert run_json(look)["left_out"] == left_out
    (log,) = (world.out / "_" / "runs").glob("*.jsonl")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["left_out"] for event in events if event["type"] == "plan"] == [left_out]
    assert plan_json(world.plan())["left_out"] == run_json(world.run())["left_out"] == []


def test_pictures_of_left_out_nodes_stay_with_their_place_in_the_manifest(world: World) -> None:
    """So do takes that only a left-out node reads."""
    world.write(SHOP)
    world.run()
    before = world.pictures()
    manifest = json.loads((world.out / "manifest.json").read_text())["files"]
    assert "_/takes/base@3.png" in before
    look = world.run(options=Options(select=("glaze[color=teal]",)))
    assert (look.called, look.removed, world.pictures()) == (0, 0, before)
    assert json.loads((world.out / "manifest.json").read_text())["files"] == manifest


def test_files_of_nodes_that_are_gone_wait_for_a_whole_run(world: World) -> None:
    """A part of a recipe says nothing about what is not in it."""
    world.write(SHOP)
    world.run()
    world.write(SHOP.replace("poster:", "banner:"))
    assert world.run(options=FIRST).removed == 0
    assert "poster.png" in world.pictures()
    assert world.run().removed == 1
    assert "poster.png" not in world.pictures()


def test_a_left_out_node_keeps_its_name_on_a_request_that_it_shares(world: World) -> None:
    """Or a change of it would look like something never asked before."""
    world.write("version: 1\nsteps: {one: {generate: A mug}, two: {generate: A mug}}")
    world.run()
    world.run(options=Options(select=("one",)))
    assert [block.labels for block in world.lock().blocks.values()] == [("one", "two")]
    world.write("version: 1\nsteps: {one: {generate: A mug}, two: {generate: A cup}}")
    assert stands(world.plan())["two"] == "call/changed"


def test_pictures_that_only_left_out_nodes_read_are_not_opened(world: World) -> None:
    """A look at what is there does not wait for the last photo."""
    world.write("""
        version: 1
        steps:
          one: {generate: A mug}
          two: {images: broken.png, edit: Mend it}
    """)
    world.picture("broken.png", b"no picture")
    assert ends(world.run(options=Options(select=("one",)))) == {"one": "done/new"}

"""What each edit did to the picture, as `explain` tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe import drifting
from banana_pipe.drifting import MOST_MEASURED
from banana_pipe.explain import Drifted
from banana_pipe.explaining import explain
from banana_pipe.workspace import Options
from tests.world import NO_TOKEN, World, picture

STORY = """
    version: 1
    steps:
      mug: {generate: A mug, samples: 2, pick: 2}
      story:
        chain: {beat: [a, b, c, d]}
        start: mug
        edit: "{{ beat }}"
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A vendor whose every edit makes the picture 8 pixels wider, but for the third: it changes nothing but one pixel."""
    world = World(tmp_path, monkeypatch)
    world.write(STORY)
    world.vendor.draws = {
        ("A mug", 1): picture(16, 16),
        ("A mug", 2): picture(32, 32),
        ("a", 1): picture(40, 32),
        ("b", 1): picture(48, 32),
        ("c", 1): picture(48, 32, "RGBA"),
        ("d", 1): picture(56, 32),
    }
    return world


def drift_of(world: World, node: str, options: Options | None = None) -> Drifted:
    opened = world.open(options=options, access=NO_TOKEN)
    try:
        (one,) = world.do(explain(opened, node))
    finally:
        opened.close()
    assert one.drifted is not None
    return one.drifted


def test_before_a_run_the_edits_are_told_and_nothing_is_measured(world: World) -> None:
    """There are no pictures yet."""
    drift = drift_of(world, "story[last]")
    assert [hop.edits for hop in drift.chain.hops] == [1, 2, 3, 4]
    assert (drift.hops, drift.whole) == ((None,) * 4, None)


def test_each_hop_is_measured_between_the_pictures_that_flow_on(world: World) -> None:
    """The picked take is the original; another size is another picture, pixel for pixel."""
    world.run()
    drift = drift_of(world, "story[last]")
    assert drift.whole is not None
    assert drift.whole.pixels == 1.0
    assert [None if hop is None else hop.pixels == 1.0 for hop in drift.hops] == [True, True, False, True]


def test_of_a_long_chain_the_last_edits_are_measured_and_what_all_of_them_did(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A story of a hundred pictures would be two hundred to decode."""
    monkeypatch.setattr(drifting, "MOST_HOPS", 2)
    world.run()
    drift = drift_of(world, "story[last]")
    assert [hop is not None for hop in drift.hops] == [False, False, True, True]
    assert drift.whole is not None


def test_what_is_gone_is_not_measured(world: World) -> None:
    """The hops beside it are not, the others are."""
    world.run()
    world.forget("out", "cache/blobs")
    assert drift_of(world, "story[last]").hops == (None,) * 4


def test_a_picture_that_was_accepted_is_the_one_that_is_measured(world: World) -> None:
    """It flows on instead of the take."""
    world.run()
    world.picture("out/shop/story/b.png", picture(40, 32, "RGBA"))
    world.accept("story[beat=b]")
    hops = drift_of(world, "story[beat=b]").hops
    assert hops[1] is not None
    assert hops[1].pixels < 1.0


def test_files_are_originals_and_many_nodes_at_once_are_not_measured(world: World) -> None:
    """Each hop is two pictures to decode."""
    world.picture("photo.png", picture(32, 32))
    world.write(
        f"""
        steps:
          tint: {{matrix: {{n: {list(range(MOST_MEASURED + 1))}}}, images: photo.png, edit: "tint"}}
        """
    )
    world.vendor.draws = {("tint", 1): picture(32, 32, "RGBA")}
    world.run()
    first = drift_of(world, "tint[n=0]")
    assert first.whole is not None
    assert first.whole == first.hops[0]
    opened = world.open(access=NO_TOKEN)
    try:
        many = world.do(explain(opened, "tint"))
    finally:
        opened.close()
    assert [one.drifted and one.drifted.whole for one in many] == [None] * (MOST_MEASURED + 1)

"""How many edits a picture is away from one that nobody has edited. Unaware of pictures."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banana_pipe.model import Graph
from banana_pipe.recipe import load
from banana_pipe.recipe.drift import Depths, input_label, warning
from tests.recipe.conftest import Load

STORY = """
steps:
  mug: {{generate: A mug}}
  story:
    chain: {{beat: [a, b, c, d, e]}}
    {reads}
    edit: The mug {{{{ beat }}}}
  cover: {{images: "story[last]", edit: A cover of it}}
"""


def depths(found: Graph) -> dict[str, int]:
    counted = Depths(found)
    return {node.id: counted.edits(node.id) for node in found}


def told(found: Graph) -> list[str]:
    return [warning(one) for one in Depths(found).deep()]


def test_every_link_is_one_edit_deeper(graph: Load) -> None:
    """And what reads the end goes on counting; the step where it becomes too much is told, once, with its deepest."""
    found = graph(STORY.format(reads="start: mug"))
    assert list(depths(found).values()) == [0, 1, 2, 3, 4, 5, 6]
    (words,) = told(found)
    assert words == (
        "step story: `story[beat=e]` is 5 edits away from `mug`, and each edit loses something (2 of its pictures are more"
        " than 3 away): base it on the original too: `images: [previous, mug]`, without `start`; or say several changes in"
        " one edit"
    )


def test_what_the_advice_says_helps(graph: Load) -> None:
    """With the original beside the link before no picture is more than one edit away, and nobody is warned."""
    found = graph(STORY.format(reads="images: [previous, mug]"))
    assert list(depths(found).values()) == [0, 1, 1, 1, 1, 1, 2]
    assert told(found) == []


def test_the_end_alone_may_be_too_deep(graph: Load) -> None:
    """Then it is the end that is told."""
    found = graph(STORY.format(reads="start: mug").replace("a, b, c, d, e", "a, b, c"))
    (deep,) = Depths(found).deep()
    assert (deep.step, deep.node, deep.nodes, deep.chain.edits) == ("cover", "cover", 1, 4)
    assert deep.chain.base == 'images: ["story[last]", mug]'
    assert not deep.chain.drops_start


SHOP = """
steps:
  base: {matrix: {color: [teal, ivory]}, generate: A mug}
  one: {each: base, edit: one, output: false}
  two: {each: one, edit: two}
  cut: {each: two, transform: [{resize: 300}]}
  three: {each: cut, edit: three, samples: 2}
  four: {each: three, edit: four}
  poster: {images: four, generate: A poster}
"""


def test_transforms_lose_nothing_and_generate_begins_anew(graph: Load) -> None:
    """A resized picture is as far away as the one that it was made of."""
    found = depths(graph(SHOP))
    assert [found[f"{step}[color=teal]"] for step in ("base", "one", "two", "cut", "three", "four")] == [
        0,
        1,
        2,
        2,
        3,
        4,
    ]
    assert found["poster"] == 0


def test_two_edits_in_a_row_that_nobody_tells_apart_could_be_one(graph: Load) -> None:
    """Not where somebody chooses in between, nor across a transform; of a published picture it is said with a reserve."""
    (deep,) = Depths(graph(SHOP)).deep()
    chain = deep.chain
    assert [hop.edits for hop in chain.hops] == [1, 2, 3, 4]
    assert [input_label(hop.reads) for hop in chain.hops] == [
        f"{step}[color=teal]" for step in ("base", "one", "cut", "three")
    ]
    assert [(one.first, one.second, one.shown) for one in chain.merges] == [
        ("one[color=teal]", "two[color=teal]", False)
    ]
    assert chain.base == "images: [three, base]"
    assert "make one edit of `one[color=teal]` and `two[color=teal]`" in warning(deep)
    for change in (("edit: one, output: false", "edit: one"), ("edit: two", "edit: two, model: nano-banana-pro")):
        (deep,) = Depths(graph(SHOP.replace(*change))).deep()
        assert [one.shown for one in deep.chain.merges] == ([True] if "model" not in change[1] else [])


@pytest.mark.parametrize(
    ("reads", "deepest"),
    [
        ("[a, b]", 3),
        ("[b, a]", 3),
        ("[c, b]", 3),
        ("[a, hero.png]", 1),
        ("[hero, b]", 1),
        ("[grid, a]", 3),
        ("[cut, a]", 1),
    ],
)
def test_the_deepest_picture_counts_unless_one_is_undrifted(
    graph: Load, tmp_path: Path, reads: str, deepest: int
) -> None:
    """In whatever place of the list; a grid is as deep as the deepest picture in it."""
    (tmp_path / "hero.png").write_bytes(b"")
    found = graph(
        f"""
steps:
  hero: {{generate: A fox}}
  a: {{images: hero, edit: a}}
  b: {{images: a, edit: b}}
  c: {{images: [b, hero], edit: c}}
  grid: {{images: [hero, b], transform: [{{grid: 2}}]}}
  cut: {{images: hero, transform: [{{resize: 30}}]}}
  end: {{images: {reads}, edit: end}}
"""
    )
    assert depths(found)["end"] == deepest


def test_a_link_without_anything_to_read_is_new(graph: Load) -> None:
    """A chain without `start` and `images` begins with a generate."""
    found = graph("steps: {walk: {chain: {n: [a, b]}, edit: 'step {{ n }}'}}")
    assert list(depths(found).values()) == [0, 1]
    assert Depths(found).chain("walk[n=a]") is None


@settings(max_examples=20)
@given(st.lists(st.sets(st.integers(0, 6), min_size=1, max_size=3), min_size=1, max_size=7))
def test_a_chain_has_as_many_hops_as_the_picture_is_deep(reads: list[set[int]]) -> None:
    """Each hop one deeper than the one before, from an undrifted picture to the node itself."""
    steps = {"s0": "{generate: x}"}
    for number, wanted in enumerate(reads, 1):
        inputs = ", ".join(f"s{min(one, number - 1)}" for one in sorted(wanted))
        steps[f"s{number}"] = f"{{images: [{inputs}], edit: x}}"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "r.yaml"
        path.write_text("steps:\n" + "".join(f"  {name}: {step}\n" for name, step in steps.items()), "utf-8")
        found = load(path)
    counted = Depths(found)
    for node in found:
        chain = counted.chain(node.id)
        if chain is None:
            assert counted.edits(node.id) == 0
            continue
        assert [hop.edits for hop in chain.hops] == list(range(1, counted.edits(node.id) + 1))
        assert chain.hops[-1].node == node.id
        assert input_label(chain.start) == "s0"

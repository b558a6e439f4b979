"""A fold: each link reads the link before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe.model import Node, NodeInput
from banana_pipe.recipe import load
from banana_pipe.recipe.select import select
from tests.recipe.conftest import Load

STORY = """
steps:
  base: {generate: A mug}
  story:
    chain: {beat: {full: is full, steams: steams, empty: is empty}}
    start: base
    edit: "{{ index }}. The mug {{ beat }}"
    output: story/{{ index }}-{{ names.beat }}
  end: {images: "story[last]", edit: Frame it}
"""


def reads(node: Node) -> list[str]:
    return [
        (f"{one.node}@{one.sample}" if one.sample else one.node) if isinstance(one, NodeInput) else one.label
        for one in node.inputs
    ]


def test_a_chain_is_a_fold_from_its_start(graph: Load) -> None:
    """Link 1 edits the start, every next one the link before it; links are counted from 1."""
    found = graph(STORY)
    assert {node.id: reads(node) for node in found} == {
        "base": [],
        "story[beat=full]": ["base"],
        "story[beat=steams]": ["story[beat=full]"],
        "story[beat=empty]": ["story[beat=steams]"],
        "end": ["story[beat=empty]"],
    }
    assert found.nodes["story[beat=steams]"].prompt == "2. The mug steams"
    assert found.nodes["story[beat=steams]"].output == "story/2-steams"


def test_without_a_start_link_1_reads_the_rest_or_generates(graph: Load) -> None:
    """With nothing to read it is a generate, also where the verb is `edit`."""
    found = graph(
        """
steps:
  hero: {generate: H}
  bare: {chain: {n: [1, 2]}, edit: "E {{ n }}"}
  rest: {chain: {n: [1, 2]}, images: [previous, hero], edit: "E {{ n }}"}
  apart: {chain: {n: [1, 2]}, images: hero, edit: "E {{ n }}"}
"""
    )
    assert (found.nodes["bare[n=1]"].action, found.nodes["bare[n=2]"].action) == ("generate", "edit")
    assert reads(found.nodes["rest[n=1]"]) == ["hero"]
    assert reads(found.nodes["rest[n=2]"]) == ["rest[n=1]", "hero"]
    assert reads(found.nodes["apart[n=2]"]) == ["hero"]


def test_there_is_one_fold_for_every_outer_instance(graph: Load) -> None:
    """Axes in the order each, matrix, chain; the chain innermost, and `[last]` the end of every fold that agrees."""
    found = graph(
        """
steps:
  hero: {matrix: {who: [ann, bob]}, generate: "{{ who }}"}
  panel: {each: hero, matrix: {style: [ink, oil]}, chain: {n: [1, 2]}, start: hero, edit: "{{ who }} {{ style }} {{ n }}"}
  cover: {each: hero, images: "panel[last]", edit: C}
  all: {images: "panel[last]@2", edit: A}
  thumb: {each: panel, edit: "T {{ index }}"}
  own: {each: panel, images: "panel[last]", edit: O}
"""
    )
    assert [node.id for node in found if node.step == "panel"][:3] == [
        "panel[who=ann,style=ink,n=1]",
        "panel[who=ann,style=ink,n=2]",
        "panel[who=ann,style=oil,n=1]",
    ]
    assert reads(found.nodes["panel[who=bob,style=oil,n=1]"]) == ["hero[who=bob]"]
    assert reads(found.nodes["panel[who=bob,style=oil,n=2]"]) == ["panel[who=bob,style=oil,n=1]"]
    assert reads(found.nodes["cover[who=bob]"]) == ["panel[who=bob,style=ink,n=2]", "panel[who=bob,style=oil,n=2]"]
    assert reads(found.nodes["all"]) == [
        f"panel[who={who},style={style},n=2]@2" for who in ("ann", "bob") for style in ("ink", "oil")
    ]
    assert reads(found.nodes["thumb[who=ann,style=oil,n=2]"]) == ["panel[who=ann,style=oil,n=2]"]
    assert found.nodes["thumb[who=ann,style=oil,n=2]"].prompt == "T 2"
    assert reads(found.nodes["own[who=ann,style=oil,n=1]"]) == ["panel[who=ann,style=oil,n=2]"]


def test_a_fold_inside_each_starts_from_its_instance_unless_told(graph: Load) -> None:
    """`each` is read where nobody says what is: by link 1, since the others read `previous`."""
    found = graph(
        """
steps:
  hero: {matrix: {who: [ann]}, generate: "{{ who }}"}
  logo: {generate: L}
  a: {each: hero, chain: {n: [1, 2]}, edit: "{{ n }}"}
  b: {each: hero, chain: {n: [1, 2]}, start: logo, edit: "{{ n }}"}
  c: {each: hero, chain: {n: [1, 2]}, images: [previous, logo], edit: "{{ n }}"}
"""
    )
    assert [reads(found.nodes[f"a[who=ann,n={n}]"]) for n in (1, 2)] == [["hero[who=ann]"], ["a[who=ann,n=1]"]]
    assert reads(found.nodes["b[who=ann,n=1]"]) == ["logo"]
    assert reads(found.nodes["c[who=ann,n=1]"]) == ["logo"]


def test_links_may_differ_by_fold_and_come_from_rows(graph: Load) -> None:
    """The values of a chain may be an expression over the outer axes; rows and mappings work as in a matrix."""
    found = graph(
        """
vars: {tales: [{id: fox, beats: [runs, sleeps]}, {id: owl, beats: [{id: x, does: flies}]}]}
steps:
  tale:
    matrix: {tale: "{{ tales }}"}
    chain: {beat: "{{ tale.beats }}"}
    edit: "{{ names.tale }} {{ beat.does if beat is mapping else beat }}"
"""
    )
    assert {node.id: node.prompt for node in found} == {
        "tale[tale=fox,beat=runs]": "fox runs",
        "tale[tale=fox,beat=sleeps]": "fox sleeps",
        "tale[tale=owl,beat=x]": "owl flies",
    }


def test_samples_pick_and_takes_hold_for_every_link(graph: Load) -> None:
    """Each link has its takes; `previous@2` is take 2 of the link before, and of what the fold starts from."""
    found = graph(
        """
steps:
  base: {generate: B, samples: 2}
  story: {chain: {n: [1, 2]}, start: [base, base@1], images: previous@2, edit: "{{ n }}", samples: 3, pick: 2}
"""
    )
    assert {(node.samples, node.pick) for node in found if node.step == "story"} == {(3, 2)}
    assert reads(found.nodes["story[n=1]"]) == ["base@2", "base@2"]
    assert reads(found.nodes["story[n=2]"]) == ["story[n=1]@2"]


def test_a_start_may_be_files(graph: Load, tmp_path: Path) -> None:
    """Also a pattern: link 1 reads all of them."""
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"")
    found = graph("steps: {s: {chain: {n: [1, 2]}, start: '*.png', edit: E}}".replace("E}", "'{{ n }}'}"))
    assert reads(found.nodes["s[n=1]"]) == ["a.png", "b.png"]
    assert reads(found.nodes["s[n=2]"]) == ["s[n=1]"]


def test_reordering_links_keeps_their_names(graph: Load) -> None:
    """A node is named by its beat, not by its place."""
    turned = graph(STORY.replace("full: is full, steams: steams", "steams: steams, full: is full"))
    assert set(turned.nodes) == set(graph(STORY).nodes)
    assert reads(turned.nodes["story[beat=full]"]) == ["story[beat=steams]"]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("story[last]", ["story[who=ann,n=2]", "story[who=bob,n=2]"]),
        ("story[last]@3", ["story[who=ann,n=2]", "story[who=bob,n=2]"]),
    ],
)
def test_commands_take_the_end_of_a_chain(text: str, ids: list[str], graph: Load) -> None:
    """What a recipe may write, a command may: `story[last]` is the last link of each fold."""
    found = graph("steps: {story: {matrix: {who: [ann, bob]}, chain: {n: [1, 2]}, edit: '{{ who }} {{ n }}'}}")
    assert [node.id for node, _ in select(found, text)] == ids


def test_ten_thousand_links_are_no_trouble(tmp_path: Path) -> None:
    """No recursion ends, in whatever order the steps stand."""
    beats = ", ".join(str(n) for n in range(10_000))
    path = tmp_path / "r.yaml"
    path.write_text(
        f"steps: {{end: {{images: 's[last]', edit: E}}, s: {{chain: {{n: [{beats}]}}, when: n % 7 != 3, edit: '{{{{ n }}}}'}}}}"
    )
    found = load(path)
    assert len(found) + len(found.skipped) == 10_001
    assert next(iter(found.nodes)) == "s[n=0]"
    assert reads(found.nodes["end"]) == ["s[n=9998]"]
    assert reads(found.nodes["s[n=4]"]) == ["s[n=2]"]

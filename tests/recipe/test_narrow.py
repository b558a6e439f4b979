"""Which part of a graph a selection and a first look leave in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from banana_pipe.errors import UsageError
from banana_pipe.model import Graph, NodeInput
from banana_pipe.recipe import load
from banana_pipe.recipe.narrow import narrowed
from tests.recipe.conftest import Load

TEXT = """
steps:
  base: {generate: A}
  glaze: {matrix: {color: [ivory, teal, red]}, images: base, edit: "{{ color }}"}
  scene: {each: glaze, matrix: {place: [oak, moss, sand], light: [dawn, dusk]}, edit: "{{ place }} {{ light }}"}
  sheet: {each: glaze, images: scene, generate: all of them}
  poster: {images: glaze, generate: All}
  other: {generate: B}
"""


def part(graph: Graph, *selected: str, first: int | None = None) -> list[str]:
    return list(narrowed(graph, selected, first).nodes)


def test_without_either_it_is_the_graph_itself(graph: Load) -> None:
    """Nothing is made anew for those who ask for all of it."""
    whole = graph(TEXT)
    assert narrowed(whole) is whole


def test_a_selected_node_brings_what_it_needs_and_no_more(graph: Load) -> None:
    """All the way up, and none of its siblings."""
    found = part(graph(TEXT), "scene[color=teal,place=moss,light=dusk]")
    assert found == ["base", "glaze[color=teal]", "scene[color=teal,place=moss,light=dusk]"]


def test_partial_names_mean_all_that_match_and_several_are_joined(graph: Load) -> None:
    """In the graph's order, each once."""
    assert part(graph(TEXT), "other", "glaze[color=red]", "glaze[color=red]") == ["base", "glaze[color=red]", "other"]
    assert len(part(graph(TEXT), "scene[light=dawn]")) == 1 + 3 + 9


def test_a_plus_brings_what_reads_it_all_the_way_down_with_what_that_needs(graph: Load) -> None:
    """The poster of a glaze needs the other glazes, and not their scenes."""
    found = part(graph(TEXT), "glaze[color=teal]+")
    assert [name for name in found if name.startswith(("base", "glaze", "sheet", "poster", "other"))] == [
        *("base", "glaze[color=ivory]", "glaze[color=teal]", "glaze[color=red]"),
        *("sheet[color=teal]", "poster"),
    ]
    assert {name for name in found if name.startswith("scene")} == {
        f"scene[color=teal,place={place},light={light}]"
        for place in ("oak", "moss", "sand")
        for light in ("dawn", "dusk")
    }


def test_first_takes_the_first_few_of_every_fan_out(graph: Load) -> None:
    """A fan-out is what a step makes by its own axes inside one instance of what it is `each` of."""
    assert part(graph(TEXT), first=2) == [
        "base",
        *("glaze[color=ivory]", "glaze[color=teal]"),
        *("scene[color=ivory,place=oak,light=dawn]", "scene[color=ivory,place=oak,light=dusk]"),
        *("scene[color=teal,place=oak,light=dawn]", "scene[color=teal,place=oak,light=dusk]"),
        "other",
    ]


def test_what_would_read_a_left_out_one_is_left_out(graph: Load) -> None:
    """A poster of fewer glazes would be another request, which a full run would not make."""
    whole = graph(TEXT)
    assert "poster" not in part(whole, first=2)
    assert "poster" in part(whole, first=3)
    assert "sheet[color=ivory]" not in part(whole, first=5)
    assert set(part(whole, first=6)) == set(whole.nodes)


def test_each_counts_as_a_fan_out_though_it_is_not_read(graph: Load) -> None:
    """Who is made once per glaze is made for the first glazes."""
    found = part(
        graph("""
steps:
  glaze: {matrix: {color: [ivory, teal, red]}, generate: "{{ color }}"}
  label: {each: glaze, images: [], generate: "Words for {{ color }}"}
"""),
        first=2,
    )
    assert found == ["glaze[color=ivory]", "glaze[color=teal]", "label[color=ivory]", "label[color=teal]"]


def test_the_first_are_those_that_the_recipe_has_first(graph: Load) -> None:
    """Not those that stand first in the graph, because somebody above reads them."""
    found = part(
        graph("""
steps:
  poster: {images: "glaze[color=red]", generate: All}
  glaze: {matrix: {color: [ivory, teal, red]}, generate: "{{ color }}"}
"""),
        first=1,
    )
    assert found == ["glaze[color=ivory]"]


def test_both_together_leave_in_what_each_of_them_does(graph: Load) -> None:
    """Either makes a part smaller, never larger."""
    assert part(graph(TEXT), "glaze", first=1) == ["base", "glaze[color=ivory]"]


@pytest.mark.parametrize(
    ("text", "first", "said", "hint"),
    [
        ("scen", None, "there is no node `scen`", "did you mean `scene`"),
        ("scen+", None, "there is no node `scen`", "did you mean `scene`"),
        ("base@2", None, "--select base@2: this is a take", "name the node"),
        ("glaze[color=red]", 1, "--select glaze[color=red]: --first 1 leaves all of it out", "ask for one of the two"),
        ("+", None, "names no node", "for example"),
    ],
)
def test_a_name_that_leaves_nothing_is_an_error(
    text: str, first: int | None, said: str, hint: str, graph: Load
) -> None:
    """A run of nothing would look like a run with nothing to do."""
    with pytest.raises(UsageError) as caught:
        narrowed(graph(TEXT), [text], first)
    assert said in caught.value.message
    assert hint in (caught.value.hint or "")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_part_is_closed_and_asks_what_the_whole_asks(tmp_path: Path, data: st.DataObject) -> None:
    """Nodes of a part are the whole's own, in its order, and all that they read is in it."""
    path = tmp_path / "recipe.yaml"
    path.write_text(TEXT)
    whole = load(path)
    names = st.sampled_from([*whole.nodes, *(f"{name}+" for name in whole.nodes), "scene", "glaze+"])
    selected = data.draw(st.lists(names, max_size=3))
    first = data.draw(st.none() | st.integers(1, 7))
    try:
        found = narrowed(whole, selected, first)
    except UsageError:
        assert first is not None
        return
    assert list(found.nodes) == [name for name in whole.nodes if name in found.nodes]
    for node in found:
        assert node is whole.nodes[node.id]
        assert all(one.node in found.nodes for one in node.inputs if isinstance(one, NodeInput))


def test_a_chain_is_a_fan_out_inside_the_others(graph: Load) -> None:
    """The first links of the first folds: a link without those before it would be another picture."""
    text = "steps: {s: {matrix: {who: [ann, bob, cid]}, chain: {n: [1, 2, 3]}, edit: '{{ who }} {{ n }}'}}"
    assert part(graph(text), first=2) == [f"s[who={who},n={n}]" for who in ("ann", "bob") for n in (1, 2)]


def test_a_used_recipe_counts_the_fan_outs_of_who_uses_it(graph: Load, tmp_path: Path) -> None:
    """Each by itself, as for steps that stand there: the first of every hero, not those of the first hero."""
    (tmp_path / "part.yaml").write_text("inputs: [photo]\nsteps: {wide: {images: photo, edit: B}}")
    text = """
steps:
  hero: {matrix: {who: [ann, bob, eve]}, generate: "{{ who }}"}
  card: {use: part.yaml, each: hero, matrix: {ink: [red, blue]}, with: {photo: hero}}
"""
    assert part(graph(text), first=1) == ["hero[who=ann]", "card/wide[who=ann,ink=red]"]
    assert [name for name in part(graph(text), first=2) if name.startswith("card")] == [
        f"card/wide[who={who},ink={ink}]" for who in ("ann", "bob") for ink in ("red", "blue")
    ]

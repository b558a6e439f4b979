"""Transforms from a recipe: what the ops are, what they read, and that what is the same has one form.

Unaware of pixels.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe.model import FileInput, Node, NodeInput
from tests.recipe.conftest import Load

HERO = "  hero:\n    matrix: {animal: [fox, owl]}\n    generate: A {{ animal }}\n"


def only(graph: Load, text: str) -> Node:
    """The node `out` of the recipe with these steps."""
    return graph(f"vars: {{width: 320, row: {{w: '320', mode: fill}}}}\nsteps:\n{HERO}  out:\n    {text}\n").nodes[
        "out"
    ]


def test_a_transform_is_a_node_of_its_own_kind(graph: Load) -> None:
    """It asks nobody, and has neither prompt nor model: what `defaults` say of requests is not for it."""
    text = "defaults: {model: nano-banana-pro, samples: 4, provider: sandbox}\nsteps:\n" + HERO
    nodes = graph(
        text + "  thumb:\n    each: hero\n    transform: [{resize: {width: 320}}, trim, {convert: webp}]\n"
    ).nodes
    node = nodes["thumb[animal=owl]"]
    assert (node.action, node.provider, node.model, node.prompt, node.samples) == ("transform", "local", "", "", 1)
    assert node.inputs == (NodeInput("hero[animal=owl]"),)
    assert [op.name for op in node.ops] == ["resize", "trim", "convert"]
    assert node.ops is not nodes["thumb[animal=fox]"].ops
    assert node.ops[0] is nodes["thumb[animal=fox]"].ops[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{resize: {width: 320}}", "{resize: 320}"),
        ("{resize: {width: 320}}", "{resize: {width: '{{ width }}', mode: fit}}"),
        ("{resize: {width: 320}}", "{resize: {width: '{{ row.w }}'}}"),
        ("{resize: {width: 320}}", "{resize: {width: '{{ width // 2 * 2 }}'}}"),
        ("{resize: {width: 50%}}", "{resize: 50.0 %}"),
        ("trim", "{trim: {}}"),
        ("trim", "{trim: }"),
        ("{convert: webp}", "{convert: {format: webp}}"),
        ("{pad: {by: 5, background: white}}", "{pad: {background: '#FFF', by: '5'}}"),
        ("{grid: {columns: 2}}", "{grid: 2}"),
    ],
)
def test_what_means_the_same_is_the_same(graph: Load, one: str, other: str) -> None:
    """However it is written: a single value is the first parameter, numbers may be text, defaults are filled in."""
    images = '"hero[animal=fox]"'
    nodes = [only(graph, f"images: {images}\n    transform: [{op}]") for op in (one, other)]
    assert nodes[0].ops == nodes[1].ops


def test_one_expression_may_hold_all_parameters(graph: Load) -> None:
    """A mapping keeps its type."""
    text = "vars: {size: {width: 320, height: 200, mode: fill}}\nsteps:\n  a: {generate: A fox}\n"
    node = graph(text + '  out: {images: a, transform: [{resize: "{{ size }}"}]}\n').nodes["out"]
    assert node.ops[0].params["mode"] == "fill"


def test_pictures_in_ops_are_inputs_like_any_other(graph: Load, tmp_path: Path) -> None:
    """Behind those that are transformed, in the order of the ops, found in the scope of the node."""
    (tmp_path / "logo.png").write_bytes(b"never opened")
    text = f"steps:\n{HERO}  badge: {{each: hero, transform: [trim]}}\n  out:\n    each: hero\n    transform:\n"
    text += "      - overlay: {picture: badge, position: top-left}\n      - grid: 3\n      - overlay: logo.png\n"
    node = graph(text).nodes["out[animal=owl]"]
    assert node.inputs[:2] == (NodeInput("hero[animal=owl]"), NodeInput("badge[animal=owl]"))
    assert isinstance(node.inputs[2], FileInput)
    assert [op.pictures for op in node.ops] == [(1,), (), (2,)]
    assert all("picture" not in op.params for op in node.ops)


def test_a_grid_takes_all_that_agree_with_it(graph: Load) -> None:
    """As everywhere, a step's name means those that agree with the reader."""
    assert len(only(graph, "images: hero\n    transform: [{grid: 2}]").inputs) == 2
    assert len(only(graph, "images: [hero, hero]\n    transform: [{grid: 2}, {resize: 10}]").inputs) == 4


def test_an_edit_may_read_a_transform(graph: Load) -> None:
    """And a transform a transform; by its one take too."""
    nodes = graph(
        f"steps:\n{HERO}  small: {{each: hero, transform: [trim]}}\n  again: {{each: small, transform: [trim]}}\n"
        "  blue: {each: again, edit: Make it blue, images: small@1}\n"
    ).nodes
    assert nodes["blue[animal=fox]"].inputs == (NodeInput("small[animal=fox]", 1),)


def test_a_transform_may_be_a_chain(graph: Load) -> None:
    """Each link is applied to the one before."""
    nodes = graph(
        "steps:\n  a: {generate: A fox}\n  b:\n    chain: {by: [1, 2]}\n    start: a\n    transform: [{pad: '{{ by }}'}]\n"
    ).nodes
    assert nodes["b[by=1]"].inputs == (NodeInput("a"),)
    assert nodes["b[by=2]"].inputs == (NodeInput("b[by=1]"),)


def test_the_link_before_may_be_laid_on_a_picture(graph: Load) -> None:
    """The first link has none: there the op goes, as for a picture that does not exist."""
    nodes = graph(
        "steps:\n  a: {generate: A fox}\n  b:\n    chain: {n: [1, 2]}\n    images: a\n"
        "    transform: [trim, {overlay: previous}]\n"
    ).nodes
    assert [[op.name for op in nodes[f"b[n={n}]"].ops] for n in (1, 2)] == [["trim"], ["trim", "overlay"]]
    assert nodes["b[n=1]"].inputs == (NodeInput("a"),)
    assert nodes["b[n=2]"].inputs == (NodeInput("a"), NodeInput("b[n=1]"))


def test_what_does_not_exist_is_in_no_grid_and_on_no_picture(graph: Load) -> None:
    """A grid has one picture fewer; an overlay with nothing to lay goes; a transform with nothing to read too."""
    made = graph(
        f"steps:\n{HERO}  cut: {{each: hero, when: animal == 'fox', transform: [trim]}}\n"
        "  sheet: {images: cut, transform: [{grid: 2}]}\n"
        "  stamped: {each: hero, transform: [trim, {overlay: cut}]}\n"
        "  again: {each: hero, images: cut, transform: [trim]}\n"
    )
    assert made.nodes["sheet"].inputs == (NodeInput("cut[animal=fox]"),)
    assert [op.name for op in made.nodes["stamped[animal=fox]"].ops] == ["trim", "overlay"]
    assert [op.name for op in made.nodes["stamped[animal=owl]"].ops] == ["trim"]
    assert [one.id for one in made.skipped] == ["cut[animal=owl]", "again[animal=owl]"]
    assert {node.action for node in made if node.step != "hero"} == {"transform"}


def test_a_used_recipe_may_transform_what_it_is_given(graph: Load, tmp_path: Path) -> None:
    """Its inputs are pictures to transform, and to lay on others."""
    (tmp_path / "card.yaml").write_text(
        "inputs: [photo, badge]\nsteps: {card: {images: photo, transform: [{overlay: badge}, {resize: 50%}]}}\n"
    )
    nodes = graph(
        f"steps:\n{HERO}  x:\n    each: hero\n    use: card.yaml\n    with: {{photo: hero, badge: hero}}\n"
    ).nodes
    assert nodes["x/card[animal=owl]"].inputs == (NodeInput("hero[animal=owl]"),) * 2

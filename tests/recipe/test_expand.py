"""From steps to nodes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from banana_pipe.errors import RecipeErrors
from banana_pipe.model import FileInput, Graph, Node, NodeInput
from banana_pipe.recipe import load
from tests.recipe.conftest import Load

SHOP = """
version: 1
vars:
  product: a ceramic mug
  colors: {ivory: ivory white, teal: deep teal}
defaults: {model: nano-banana-pro, resolution: 2K, aspect_ratio: 3:2}
steps:
  base:
    generate: Studio photo of {{ product }}
    aspect_ratio: 16:9
    samples: 4
    pick: 2
  glaze:
    matrix: {color: "{{ colors }}"}
    images: base
    edit: Change the glaze to {{ color }}.
  scene:
    each: glaze
    matrix: {setting: {oak: an oak table, marble: a counter}}
    edit: Place it on {{ setting }}
  sheet:
    each: glaze
    images: scene
    edit: A sheet of {{ names.color }}
"""


def reads(node: Node) -> list[str]:
    return [one.node if isinstance(one, NodeInput) else one.label for one in node.inputs]


def test_the_shop_is_expanded_as_the_contract_says(graph: Load) -> None:
    """Axes from `each` come first, shared axes agree, outputs are one folder an axis."""
    shop = graph(SHOP)
    assert list(shop.nodes) == [
        "base",
        *["glaze[color=ivory]", "glaze[color=teal]"],
        *["scene[color=ivory,setting=oak]", "scene[color=ivory,setting=marble]"],
        *["scene[color=teal,setting=oak]", "scene[color=teal,setting=marble]"],
        *["sheet[color=ivory]", "sheet[color=teal]"],
    ]
    teal = shop.nodes["sheet[color=teal]"]
    assert reads(teal) == ["scene[color=teal,setting=oak]", "scene[color=teal,setting=marble]"]
    assert teal.prompt == "A sheet of teal"
    assert reads(shop.nodes["scene[color=teal,setting=oak]"]) == ["glaze[color=teal]"]
    assert shop.nodes["scene[color=teal,setting=oak]"].output == "scene/teal/oak"
    assert shop.nodes["glaze[color=teal]"].prompt == "Change the glaze to deep teal."


def test_nothing_is_sent_that_the_recipe_does_not_set(graph: Load) -> None:
    """16:9 arrives as it was written; an edit keeps its first picture's ratio unless the step says one."""
    shop = graph(SHOP)
    assert dict(shop.nodes["base"].params) == {"aspect_ratio": "16:9", "resolution": "2K"}
    assert dict(shop.nodes["glaze[color=teal]"].params) == {"resolution": "2K"}
    bare = graph("steps: {a: {generate: A cat}, b: {edit: B, images: a, aspect_ratio: 1:1}}")
    assert (dict(bare.nodes["a"].params), bare.nodes["a"].model) == ({}, "nano-banana")
    assert dict(bare.nodes["b"].params) == {"aspect_ratio": "1:1"}
    assert (bare.nodes["a"].samples, bare.nodes["a"].pick, bare.nodes["a"].timeout) == (1, None, 600.0)


def test_settings_come_from_the_step_then_the_defaults(graph: Load) -> None:
    """Also `extra` and `timeout`, which stand at the top; `extra` merges by name and keeps types."""
    found = graph(
        """
vars: {strength: 3}
timeout: 90
extra: {seed: 7, style: "{{ s }}", strength: "{{ strength }}"}
defaults: {samples: 2, provider: sandbox}
steps:
  a: {matrix: {s: [x]}, generate: A, timeout: 1.5, extra: {seed: 8, deep: {list: [true, null, "{{ 1.5 }}"]}}}
  b: {matrix: {s: [x]}, generate: B, provider: acedata, samples: 1, model: "m-{{ s }}", pick: 9}
"""
    )
    a, b = found.nodes["a[s=x]"], found.nodes["b[s=x]"]
    assert dict(a.params) == {"seed": 8, "style": "x", "strength": 3, "deep": {"list": [True, None, 1.5]}}
    assert (a.timeout, a.samples, a.provider, a.has_extra) == (1.5, 2, "sandbox", True)
    assert (b.timeout, b.samples, b.provider, b.model, b.pick) == (90.0, 1, "acedata", "m-x", 9)


def test_a_provider_by_flag_wins(graph: Load) -> None:
    """`--provider sandbox` overrides every step."""
    found = graph("steps: {a: {generate: A, provider: acedata}, b: {generate: B}}", provider="sandbox")
    assert {node.provider for node in found} == {"sandbox"}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ("[teal, ivory]", {"teal": "teal", "ivory": "ivory"}),
        ("[1, true, 1.10]", {"1": "1", "true": "true", "1.10": "1.10"}),
        ("{t: deep teal, n: 5}", {"t": "deep teal", "n": "5"}),
        ("'{{ plain }}'", {"a": "a", "b": "b"}),
        ("'{{ named }}'", {"x": "ex", "y": "why"}),
        ("['{{ word }}s', b]", {"mugs": "mugs", "b": "b"}),
        ("photos/*.jpg", {"one": "photos/one.jpg", "two": "photos/two.jpg"}),
        ("[e\u0301t\u00e9]", {"été": "e\u0301té"}),
    ],
)
def test_axes_take_lists_mappings_patterns_and_expressions(
    values: str, named: dict[str, str], graph: Load, tmp_path: Path
) -> None:
    """A list names its values by themselves, a mapping by its keys, files by their stems."""
    (tmp_path / "photos").mkdir()
    for name in ("two.jpg", "one.jpg"):
        (tmp_path / "photos" / name).write_bytes(b"")
    text = f"""
vars: {{plain: [a, b], named: {{x: ex, y: why}}, word: mug}}
steps:
  s: {{matrix: {{v: {values}}}, generate: "{{{{ v }}}}", output: "{{{{ loop_ | default(names.v) }}}}"}}
"""
    assert {dict(node.axes)["v"]: node.prompt for node in graph(text)} == named


def test_rows_are_named_by_id_then_name_then_their_first_column(graph: Load) -> None:
    """Their values are mappings, whatever their columns are called."""
    found = graph(
        """
steps:
  a: {matrix: {r: [{title: T, name: n1, id: 7}]}, generate: "{{ r.title }} {{ r.name }}"}
  b: {matrix: {r: [{title: T, name: n1}]}, generate: "{{ r.title }} {{ r.name }}"}
  c: {matrix: {r: [{title: T, items: some}]}, generate: "{{ r.title }} {{ r.items }}"}
"""
    )
    assert {node.id: node.prompt for node in found} == {"a[r=7]": "T n1", "b[r=n1]": "T n1", "c[r=T]": "T some"}


def test_references_choose_as_they_say(graph: Load) -> None:
    """`[*]` is all, `[axis=name]` some in any order, a bare name those that agree, `@N` a take."""
    found = graph(
        """
steps:
  hero: {matrix: {a: [x, y], b: [p, "q, r"]}, generate: "{{ a }}{{ b }}"}
  all: {images: "hero[*]", edit: E}
  bare: {images: hero, edit: E}
  some: {images: 'hero[b="q, r"]@2', edit: E}
  one: {images: ['hero[b=p,a=y]', hero.png, 'hero[a=x, b=p]'], edit: E}
  agree: {matrix: {b: [p], c: [u, v]}, images: hero, edit: E}
  each_of: {each: hero, generate: G}
  apart: {each: hero, images: [], generate: G}
  computed: {matrix: {a: [x]}, images: "{{ ['hero[a=' ~ (names.a | tojson) ~ ']'] }}", edit: E}
""".replace("hero.png, ", "")
    )
    every = ["hero[a=x,b=p]", 'hero[a=x,b="q, r"]', "hero[a=y,b=p]", 'hero[a=y,b="q, r"]']
    assert reads(found.nodes["all"]) == reads(found.nodes["bare"]) == every
    assert reads(found.nodes["some"]) == [every[1], every[3]]
    assert {one.sample for one in found.nodes["some"].inputs if isinstance(one, NodeInput)} == {2}
    assert reads(found.nodes["one"]) == [every[2], every[0]]
    assert reads(found.nodes["agree[b=p,c=v]"]) == [every[0], every[2]]
    assert reads(found.nodes["each_of[a=x,b=p]"]) == [every[0]]
    assert found.nodes["each_of[a=x,b=p]"].action == "edit"
    assert (reads(found.nodes["apart[a=x,b=p]"]), found.nodes["apart[a=x,b=p]"].action) == ([], "generate")
    assert reads(found.nodes["computed[a=x]"]) == every[:2]


def test_files_and_patterns_are_read_in_order(graph: Load, tmp_path: Path) -> None:
    """Labels are as written, paths absolute; nothing is opened: these are no pictures."""
    for name in ("b.png", "a.png", "c.jpg"):
        (tmp_path / name).write_bytes(b"no picture")
    node = graph("steps: {s: {images: [c.jpg, '*.png'], edit: E}}").nodes["s"]
    assert reads(node) == ["c.jpg", "a.png", "b.png"]
    assert [one.path for one in node.inputs if isinstance(one, FileInput)] == [
        (tmp_path / name).resolve() for name in ("c.jpg", "a.png", "b.png")
    ]


def test_steps_may_stand_in_any_order(graph: Load) -> None:
    """A node stands behind those that it reads, also where the recipe says it before them."""
    found = graph("steps: {c: {each: b, edit: C}, b: {images: a, edit: B}, a: {generate: A}}")
    assert list(found.nodes) == ["a", "b", "c"]


def test_instances_of_a_step_may_read_each_other(graph: Load) -> None:
    """Circles are judged by nodes: a fold written by hand is none."""
    found = graph(
        "steps: {s: {matrix: {n: {one: null, two: 's[n=one]', three: 's[n=two]'}}, images: '{{ [n] if n else [] }}', generate: G}}"
    )
    assert list(found.nodes) == ["s[n=one]", "s[n=two]", "s[n=three]"]


def test_long_chains_are_no_trouble(graph: Load) -> None:
    """Three thousand steps, each reading the next: no recursion ends."""
    steps = "".join(f"  s{n}: {{images: s{n + 1}, edit: E}}\n" for n in range(3000))
    found = graph("steps:\n" + steps + "  s3000: {generate: G}\n")
    assert next(iter(found)).id == "s3000"


def test_outputs_are_templates_or_nothing(graph: Load) -> None:
    """`output: false` is an intermediate; names of axes become safe ones by themselves."""
    found = graph(
        """
steps:
  a: {generate: A, output: false}
  b: {matrix: {x: [p]}, generate: B, output: "deep/{{ names.x }}-{{ x }}"}
  c: {matrix: {x: ["con", "a/b"]}, generate: C}
"""
    )
    assert found.nodes["a"].output is None
    assert found.nodes["b[x=p]"].output == "deep/p-p"
    assert [str(node.output).split("~")[0] for node in found if node.step == "c"] == ["c/con", "c/a-b"]


def test_a_thousand_mistakes_of_one_text_are_one(graph: Load) -> None:
    """Every node of a matrix stumbles over the same word; it is told once."""
    with pytest.raises(RecipeErrors) as raised:
        graph("steps: {s: {matrix: {a: [1, 2, 3], b: [1, 2, 3]}, generate: '{{ oops }}', output: x}}")
    assert [error.message for error in raised.value.errors] == [
        "`oops` is not defined",
        "`s[a=1,b=1]` and `s[a=1,b=2]` both land at `x`",
    ]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.permutations(["teal", "ivory", "red, old"]), st.permutations(["hero", "sheet", "each"]))
def test_order_changes_no_name_and_no_prompt(tmp_path: Path, colors: list[str], order: list[str]) -> None:
    """Lists and steps may be reordered: the same nodes, with the same prompts, outputs and parameters."""

    def load_with(colors: list[str], order: list[str]) -> Graph:
        steps = {
            "hero": f"  hero: {{matrix: {{color: {colors!r}}}, generate: 'A {{{{ color }}}} cat'}}\n",
            "sheet": "  sheet: {images: hero, edit: A sheet}\n",
            "each": "  each: {each: hero, matrix: {size: [s, m]}, edit: In {{ size }}}\n".replace(
                "In {{ size }}", '"In {{ size }}"'
            ),
        }
        path = tmp_path / "r.yaml"
        path.write_text("steps:\n" + "".join(steps[name] for name in order))
        return load(path)

    def told(graph: Graph) -> dict[str, tuple[object, ...]]:
        return {node.id: (node.prompt, node.output, dict(node.params), sorted(reads(node))) for node in graph}

    assert told(load_with(colors, order)) == told(load_with(["teal", "ivory", "red, old"], ["hero", "sheet", "each"]))

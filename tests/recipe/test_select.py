"""Which nodes a user's argument means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from banana_pipe.errors import UsageError
from banana_pipe.recipe import load
from banana_pipe.recipe.references import take_id
from banana_pipe.recipe.select import select
from tests.recipe.conftest import Load

TEXT = """
steps:
  base: {generate: A}
  scene: {matrix: {color: [teal, "Été, red"], setting: [oak, pine]}, generate: "{{ color }}"}
"""


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("base", ["base"]),
        ("scene[setting=oak,color=teal]", ["scene[color=teal,setting=oak]"]),
        ("scene[color=teal]", ["scene[color=teal,setting=oak]", "scene[color=teal,setting=pine]"]),
        ('scene[color="E\u0301te\u0301, red",setting=oak]', ['scene[color="Été, red",setting=oak]']),
    ],
)
def test_partial_names_in_any_order_mean_all_that_match(text: str, ids: list[str], graph: Load) -> None:
    """Equality is on the decoded text in NFC."""
    found = graph(TEXT)
    assert [(node.id, take) for node, take in select(found, text)] == [(one, None) for one in ids]
    assert [(node.id, take) for node, take in select(found, text + "@2")] == [(one, 2) for one in ids]
    assert len(select(found, "scene")) == len(select(found, "scene[*]")) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scen", "did you mean `scene`"),
        ("scene[color=tael,setting=oak]", "did you mean `scene[color=teal,setting=oak]`"),
        ("scene[colour=teal]", "scene[color=teal"),
        ("base[color=teal]", "base"),
        ("scene[", "names no node"),
        ("scene[x]", "does not say which"),
        ("base@0", "count from 1"),
        ("", "names no node"),
        ("Hello World", "names no node"),
    ],
)
def test_no_node_is_told_with_the_nearest(text: str, said: str, graph: Load) -> None:
    """An argument that means nothing is a mistake of usage."""
    with pytest.raises(UsageError) as raised:
        select(graph(TEXT), text)
    assert said in str(raised.value)


names = st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=1, max_size=4)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(names, names)
def test_every_printed_name_selects_its_node(tmp_path: Path, one: list[str], other: list[str]) -> None:
    """Whatever the values are called: a node's id means that node, its take's id that take."""
    file = tmp_path / "v.yaml"
    path = tmp_path / "r.yaml"
    path.write_text(
        "vars: {a: [], b: []}\nsteps: {s: {matrix: {x: '{{ a }}', y: '{{ b }}'}, generate: A, output: false}}"
    )
    file.write_text(json.dumps({"a": one, "b": other}))
    try:
        graph = load(path, vars_files=[file])
    except UsageError:
        return  # equal names, or characters that YAML cannot have
    for node in graph:
        assert select(graph, node.id) == ((node, None),)
        assert select(graph, take_id(node.id, 3)) == ((node, 3),)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("kit", ["kit/base[c=x]", "kit/base[c=y]", "kit/cut[c=x,n=1]", "kit/cut[c=x,n=2]"]),
        ("kit[c=x]", ["kit/base[c=x]", "kit/cut[c=x,n=1]", "kit/cut[c=x,n=2]"]),
        ("kit[n=2]", ["kit/cut[c=x,n=2]", "kit/cut[c=y,n=2]"]),
        ("kit/in", ["kit/in/a[c=x]", "kit/in/a[c=y]"]),
        ("kit[*]", ["kit/in/a[c=x]", "kit/base[c=y]"]),
    ],
)
def test_a_step_that_uses_a_recipe_means_all_that_is_made_there(
    text: str, ids: list[str], graph: Load, tmp_path: Path
) -> None:
    """With these axes, all the way down; the step beside it whose name begins like it is another."""
    (tmp_path / "in.yaml").write_text("steps: {a: {generate: A}}")
    (tmp_path / "kit.yaml").write_text(
        "steps: {base: {generate: B}, cut: {each: base, chain: {n: [1, 2]}, edit: C}, in: {use: in.yaml}}"
    )
    found = graph("steps: {kit: {matrix: {c: [x, y]}, use: kit.yaml}, kit2: {use: in.yaml}, kitty: {generate: K}}")
    named = [node.id for node, _ in select(found, text)]
    assert set(ids) <= set(named)
    assert len(named) == {"kit": 8, "kit[c=x]": 4, "kit[n=2]": 2, "kit/in": 2, "kit[*]": 8}[text]
    assert all(name.startswith("kit/") for name in named)
    assert [take for _, take in select(found, f"{text}@2")] == [2] * len(named)


def test_what_a_used_recipe_does_not_have_is_told_in_its_words(graph: Load, tmp_path: Path) -> None:
    """The nearest axes, the chain that has an end, and what a `when` drops."""
    (tmp_path / "kit.yaml").write_text("steps: {base: {generate: B}, cut: {chain: {n: [1, 2]}, start: base, edit: C}}")
    found = graph("steps: {kit: {matrix: {c: [teal]}, use: kit.yaml}, gone: {when: false, use: kit.yaml}}")
    for text, said in {
        "kit[c=tael]": "did you mean `kit[c=teal]`",
        "kit[last]": "the end of a chain in it is `kit/cut[last]`",
        "gone": "a `when` of the recipe drops it",
        "kot": "did you mean `kit`",
    }.items():
        with pytest.raises(UsageError) as raised:
            select(found, text)
        assert said in str(raised.value.hint)

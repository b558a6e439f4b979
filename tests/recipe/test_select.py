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

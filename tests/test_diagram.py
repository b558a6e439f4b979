"""A graph as Mermaid and as dot: what is drawn, and that no name can break out of its label."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from banana_pipe.diagram import Arrow, Box, Diagram, Group, by_node, by_step, dot, mermaid
from banana_pipe.model import Graph
from banana_pipe.recipe import load

TEXT = """
steps:
  base: {generate: A, samples: 2, output: false}
  glaze: {matrix: {color: [ivory, teal]}, images: [base, "base@3", photo.png], edit: "{{ color }}"}
  poster: {images: [glaze, photo.png], generate: All}
"""


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    (tmp_path / "recipe.yaml").write_text(TEXT)
    (tmp_path / "photo.png").write_bytes(b"")
    return load(tmp_path / "recipe.yaml")


def test_every_node_has_a_box_in_its_step(graph: Graph) -> None:
    """Files are boxes too; what is not published is dashed; an arrow says which take is read."""
    assert list(mermaid(by_node(graph))) == [
        "flowchart LR",
        '  f0(["photo.png"])',
        '  n0["base<br>2 takes"]',
        '  subgraph s2["glaze"]',
        '    n1["ivory"]',
        '    n2["teal"]',
        "  end",
        '  n3["poster"]',
        *("  n0 --> n1", '  n0 -->|"take 3"| n1', "  f0 --> n1"),
        *("  n0 --> n2", '  n0 -->|"take 3"| n2', "  f0 --> n2"),
        *("  n1 --> n3", "  n2 --> n3", "  f0 --> n3"),
        "  classDef hidden stroke-dasharray: 4 3",
        "  class n0 hidden",
    ]


def test_by_step_an_arrow_counts_how_often_it_is_read(graph: Graph) -> None:
    """A hundred thousand nodes are as many boxes as there are steps."""
    assert list(mermaid(by_step(graph)))[1:10] == [
        *('  fn1(["photo.png"])', '  fn2(["photo.png"])'),
        *('  n0["base<br>2 takes"]', '  n1["glaze<br>2 nodes"]', '  n2["poster"]'),
        *('  n0 -->|"×4"| n1', '  fn1 -->|"×2"| n1', '  n1 -->|"×2"| n2', "  fn2 --> n2"),
    ]


def test_dot_says_the_same(graph: Graph) -> None:
    """Clusters for steps, notes for files."""
    text = "\n".join(dot(by_node(graph)))
    assert 'subgraph cluster_2 { label="glaze";' in text
    assert '  f0 [label="photo.png", shape=note, style=solid];' in text
    assert r'  n0 [label="base\n2 takes", style="rounded,dashed"];' in text
    assert '  n0 -> n1 [label="take 3"];' in text
    assert text.count("{") == text.count("}") == 2


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text() | st.sampled_from(['a"]', "%%{init: {}}%%", "`x`", "#quot;", "<script>", "a\\", "&lt;", "a\nend"])
)
def test_no_name_breaks_out_of_its_label(name: str) -> None:
    """Names are text from tables and strangers."""
    drawn = Diagram(name, (Group(name, (Box("n0", (name, name)),)),), (Arrow("n0", "n0", name),))
    label = r"(?:[^\x00-\x7f]|[\w .,:=/@()\[\]+-]|#\d+;)*"
    lines = list(mermaid(drawn))
    assert len(lines) == 5
    assert re.fullmatch(rf'  subgraph s0\["{label}"\]', lines[1])
    assert re.fullmatch(rf'    n0\["{label}<br>{label}"\]', lines[2])
    quoted = r'"(?:[^"\\]|\\["\\n])*"'
    lines = list(dot(drawn))
    assert len(lines) == 9
    assert re.fullmatch(rf"digraph {quoted} {{", lines[0])
    assert re.fullmatch(rf"    n0 \[label={quoted}\];", lines[5])
    assert not [letter for line in lines for letter in line if letter < " "]

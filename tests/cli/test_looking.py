"""`graph`: what is drawn, and how much of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Pipe

RECIPE = "recipes/small.yaml"


def test_mermaid_is_what_one_gets(pipe: Pipe) -> None:
    """It goes into a README as it is."""
    said = pipe("graph", RECIPE)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith('flowchart LR\n  n0["base"]\n')


def test_a_large_graph_is_drawn_by_step_unless_all_is_asked_for(pipe: Pipe, project: Path) -> None:
    """And it says so, beside the data."""
    (project / "large.yaml").write_text(f"steps: {{a: {{matrix: {{n: {[*range(1, 62)]}}}, generate: x}}}}")
    said = pipe("graph", "large.yaml")
    assert '  n0["a<br>61 nodes"]' in said.out
    assert said.err == "by step: 61 nodes; a box for each with --all\n"
    everything = pipe("graph", "large.yaml", "--all", "--format", "dot")
    assert everything.out.count("[label=") == 61
    assert everything.err == ""
    assert len(json.loads(pipe("graph", "large.yaml", "--json").out)["nodes"]) == 61


@pytest.mark.parametrize("arguments", [("--json",), ("--format", "json")])
def test_json_has_every_node_with_what_it_reads(pipe: Pipe, arguments: tuple[str, ...]) -> None:
    """By the names that every command takes."""
    value = json.loads(pipe("graph", RECIPE, *arguments).out)
    assert value["nodes"][1] == {
        "id": "tint[color=ivory]",
        "step": "tint",
        "axes": {"color": "ivory"},
        "action": "edit",
        "samples": 1,
        "output": "tint/ivory",
        "inputs": [{"node": "base", "take": None}],
    }


def test_a_part_is_drawn_alone(pipe: Pipe) -> None:
    """As it would be run."""
    assert "teal" not in pipe("graph", RECIPE, "--first", "1").out
    assert pipe("graph", RECIPE, "--format", "svg").code == 2

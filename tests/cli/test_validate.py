"""`validate` of recipes that only others can use. Unaware of how recipes are read."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Pipe

PART = """
version: 1
inputs: [photo, logo]
steps:
  print: {images: [photo, logo], edit: Print it}
"""


def test_a_recipe_with_inputs_is_good_by_itself(pipe: Pipe, project: Path) -> None:
    """All recipes of a folder can be named at once; what a part's nodes are is known where it is used."""
    (project / "recipes" / "part.yaml").write_text(PART)
    said = pipe("validate", "recipes/part.yaml", "recipes/small.yaml")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0] == "✓ recipes/part.yaml: 1 step, to be used, with photo, logo"
    value = json.loads(pipe("validate", "recipes/part.yaml", "--json").out)["recipes"][0]
    assert (value["valid"], value["steps"], value["nodes"]) == (True, 1, 0)
    assert "nobody does" in pipe("plan", "recipes/part.yaml").err


def test_tests_that_nobody_can_hold_are_not_passed(pipe: Pipe, project: Path) -> None:
    """A part has no prompts until it is used; without a test file of its own it may be among those that are tested."""
    (project / "recipes" / "part.yaml").write_text(PART)
    assert pipe("validate", "recipes/part.yaml", "--prompts").code == 0
    (project / "recipes" / "part.test.yaml").write_text("prompts: [{contains: blue}]")
    assert pipe("validate", "recipes/part.yaml").code == 0
    for said in (pipe("validate", "recipes/part.yaml", "--prompts"), pipe("validate", "recipes/part.test.yaml")):
        assert said.code == 2
        assert "part.test.yaml: the prompts of recipes/part.yaml are known only where its inputs are filled" in said.err


def test_its_mistakes_are_told_all_the_same(pipe: Pipe, project: Path) -> None:
    """And those of what it uses itself."""
    broken = PART.replace("edit", "edti") + "  more: {use: nobody.yaml}\n"
    (project / "recipes" / "part.yaml").write_text(broken)
    said = pipe("validate", "recipes/part.yaml")
    assert said.code == 2
    assert "did you mean `edit`?" in said.err
    assert "nobody.yaml" in said.err


STORY = """
steps:
  mug: {generate: A mug}
  story: {chain: {beat: [a, b, c, d]}, start: mug, edit: "{{ beat }}"}
"""


def test_a_chain_that_is_too_long_is_a_warning_with_what_to_do(pipe: Pipe, project: Path) -> None:
    """And what the warning says to do ends it. `--json` has the parts."""
    (project / "story.yaml").write_text(STORY)
    said = pipe("validate", "story.yaml")
    assert said.code == 0
    assert said.err.startswith("warning: step story: `story[beat=d]` is 4 edits away from `mug`")
    (drift,) = json.loads(pipe("validate", "story.yaml", "--json").out)["recipes"][0]["drift"]
    assert drift == {
        "step": "story",
        "node": "story[beat=d]",
        "line": 4,
        "nodes": 1,
        "edits": 4,
        "from": "mug",
        "base_on": "images: [previous, mug]",
        "merge": [],
    }
    (project / "story.yaml").write_text(STORY.replace("start: mug", drift["base_on"]))
    assert pipe("validate", "story.yaml").err == ""


TESTS = "prompts:\n  - {node: tint, contains: ivory}\n  - {lacks: logo}\n"


def test_prompts_are_held_against_the_test_file_beside_the_recipe(pipe: Pipe, project: Path) -> None:
    """What fails is told with both places, and the exit code is 1; without the flag the file is not read."""
    (project / "recipes" / "small.test.yaml").write_text(TESTS)
    assert pipe("validate", "recipes/small.yaml").code == 0
    said = pipe("validate", "recipes/small.yaml", "--prompts")
    assert said.code == 1
    assert said.out == "✗ recipes/small.yaml: 2 steps, 3 nodes, 3 takes; 3 prompts, 2 tests\n"
    first, _, _, hint = said.err.splitlines()
    assert first == "error: recipes/small.test.yaml:2:28: `tint[color=teal]` does not say `ivory`"
    assert hint == "  → its prompt stands at recipes/small.yaml:13:11"
    value = json.loads(pipe("validate", "recipes/small.yaml", "--prompts", "--json").out)["recipes"][0]
    assert (value["valid"], value["exit_code"]) == (True, 1)
    (failure,) = value["prompts"]["failures"]
    assert (failure["node"], failure["rule"], failure["found"]) == ("tint[color=teal]", "contains", None)
    assert failure["at"] == {"path": "recipes/small.test.yaml", "line": 2, "column": 28}


def test_a_test_file_may_be_named_as_well_as_its_recipe(pipe: Pipe, project: Path) -> None:
    """All files of a folder can be named at once: a hook does."""
    (project / "recipes" / "small.test.yaml").write_text(TESTS.replace("contains: ivory", "contains: make it"))
    said = pipe("validate", "recipes/small.test.yaml", "recipes/small.yaml")
    assert said.code == 0
    assert said.out.splitlines()[0] == "✓ recipes/small.yaml: 2 steps, 3 nodes, 3 takes; 3 prompts, 2 tests"
    (project / "recipes" / "small.test.yaml").write_text("prompts: [{node: tnit, lacks: logo}]")
    said = pipe("validate", "recipes/small.test.yaml")
    assert said.code == 2
    assert "did you mean `tint`?" in said.err
    assert pipe("validate", "recipes/small.test.yaml", "--json").code == 2


def test_each_prompt_that_is_too_long_says_how_long_it_is(pipe: Pipe, project: Path) -> None:
    """One rule, and a length of its own for each: the first one's does not hold for the others."""
    (project / "mug.yaml").write_text("steps: {mug: {matrix: {color: [red, teal]}, generate: 'A {{ color }} mug'}}")
    (project / "mug.test.yaml").write_text("prompts: [{max_length: 8}]")
    said = pipe("validate", "mug.yaml", "--prompts").err
    assert "`mug[color=red]` has 9 characters, 1 too many; `mug[color=teal]` has 10 characters, 2 too many" in said

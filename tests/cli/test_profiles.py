"""`--profile` on the command line: every command that takes a recipe, and a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL, Pipe

RECIPE = "recipes/small.yaml"
PROFILES = "profiles: {draft: {resolution: 1K, samples: 2, vars: {product: a pot}}, final: {resolution: 4K}}\n"


@pytest.fixture
def profiles(project: Path) -> Path:
    """The project, whose recipe has two profiles."""
    (project / RECIPE).write_text(SMALL + PROFILES)
    return project


def test_drafts_are_made_beside_the_finals(profiles: Path, pipe: Pipe) -> None:
    """A folder for each profile, and for the sandbox's; the same command again has nothing to do."""
    for arguments, folder in (((), "small@sandbox"), (("--profile", "draft"), "small@draft@sandbox")):
        said = pipe("run", RECIPE, "--provider", "sandbox", *arguments, "--json")
        assert said.code == 0, said.err
        assert json.loads(said.out)["out"] == str(profiles / "out" / folder)
        assert (profiles / "out" / folder / "tint" / "teal.png").is_file()
        again = pipe("run", RECIPE, "--provider", "sandbox", *arguments, "--json")
        assert json.loads(again.out)["totals"]["called"] == 0
    takes = profiles / "out" / "small@draft@sandbox" / "_" / "takes"
    assert sorted(path.name for path in takes.rglob("*.png")) == ["base@2.png", "ivory@2.png", "teal@2.png"]


@pytest.mark.parametrize(
    "command", [("validate",), ("plan",), ("render",), ("run", "-n"), ("pick", "base", "1"), ("reroll", "base")]
)
@pytest.mark.usefixtures("profiles")
def test_every_command_with_a_recipe_knows_profiles(command: tuple[str, ...], pipe: Pipe) -> None:
    """An unknown one is a usage error, with the nearest name."""
    said = pipe(command[0], RECIPE, *command[1:], "--profile", "drat")
    assert said.code == 2
    assert "the recipe has no profile `drat`" in said.err
    assert "did you mean `draft`? its profiles: draft, final" in said.err


@pytest.mark.usefixtures("profiles")
def test_what_is_rendered_and_planned_is_the_profile_s(pipe: Pipe) -> None:
    """Prompts, parameters, takes; and commands to copy repeat the profile."""
    nodes = json.loads(pipe("render", RECIPE, "--profile", "draft", "--json").out)["nodes"]
    assert nodes[0]["prompt"] == "Photo of a pot"
    assert [(node["params"], node["samples"]) for node in nodes] == [({"resolution": "1K"}, 2)] * 3
    assert json.loads(pipe("plan", RECIPE, "--profile", "draft", "--json").out)["totals"]["calls_max"] == 6
    pipe("run", RECIPE, "--profile", "draft", "--provider", "sandbox")
    picked = pipe("pick", RECIPE, "base", "2", "--profile", "draft", "--provider", "sandbox")
    assert f"banana-pipe run {RECIPE} --profile draft --provider sandbox" in picked.out


def test_what_a_profile_does_not_change_is_not_paid_twice(project: Path, pipe: Pipe) -> None:
    """An equal request is the same request, in whichever folder its picture lands."""
    (project / RECIPE).write_text(SMALL + "profiles: {same: {vars: {product: a mug}}}\n")
    pipe("run", RECIPE, "--provider", "sandbox")
    same = pipe("run", RECIPE, "--profile", "same", "--provider", "sandbox", "--json")
    assert json.loads(same.out)["totals"]["called"] == 0
    assert (project / "out" / "small@same@sandbox" / "base.png").is_file()


def test_mistakes_in_a_table_have_their_line(profiles: Path, pipe: Pipe) -> None:
    """As those in a recipe, from where the recipe is shown; `--allow-read` lets tables be elsewhere."""
    (profiles / "tables").mkdir()
    (profiles / "tables" / "t.csv").write_text("id,title\n1\n")
    (profiles / RECIPE).write_text(SMALL + "data: {t: ../tables/t.csv}\n")
    assert f"{RECIPE}:14:11: `../tables/t.csv` is outside the recipe's folder" in pipe("validate", RECIPE).err
    said = pipe("validate", RECIPE, "--allow-read", "tables")
    assert (said.code, said.err.split("\n")[0]) == (
        2,
        "error: tables/t.csv:2:1: this row has 1 value, the header names 2 columns",
    )

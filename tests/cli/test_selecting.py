"""`--select` and `--first`: what is typed, and what is said of the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Pipe

RECIPE = "recipes/small.yaml"


@pytest.mark.parametrize(
    "arguments",
    [
        (RECIPE, "--select", "tint[color=ivory]", "tint[color=teal]"),
        (RECIPE, "--select", "tint[color=ivory]", "--select", "tint[color=teal]"),
        (RECIPE, "--select=tint[color=ivory]", "tint[color=teal]", "--provider", "sandbox"),
        ("--select", "tint[color=ivory]", "tint[color=teal]", RECIPE),
        ("--select", "tint", "--", RECIPE),
    ],
)
def test_select_takes_all_names_that_follow_it(pipe: Pipe, arguments: tuple[str, ...]) -> None:
    """Repeated or not, before RECIPE or behind it."""
    said = pipe("plan", *arguments, "--json") if "--" not in arguments else pipe("plan", "--json", *arguments)
    assert [node["id"] for node in json.loads(said.out)["nodes"]] == ["base", "tint[color=ivory]", "tint[color=teal]"]


def test_what_follows_and_is_no_name_is_an_argument(pipe: Pipe) -> None:
    """A second recipe is a mistake, not a node."""
    said = pipe("plan", RECIPE, "--select", "tint", "other.yaml")
    assert said.code == 2
    assert "other.yaml" in said.err


def test_a_wrong_name_is_answered_with_the_right_one(pipe: Pipe) -> None:
    """As everywhere."""
    said = pipe("plan", RECIPE, "--select", "tnt+")
    assert said.code == 2
    assert "did you mean `tint`" in said.err


def test_a_plan_says_what_was_left_out(pipe: Pipe) -> None:
    """By step, with how many of how many."""
    last = pipe("plan", RECIPE, "--first", "1").out.splitlines()[-2:]
    assert last == ["2 nodes: 1 call, 1 wait", "left out: tint (1 of 2)"]
    assert pipe("plan", RECIPE, "--select", "base").out.splitlines()[-1] == "left out: tint (all 2)"
    assert "left out" not in pipe("plan", RECIPE).out


def test_a_run_says_that_what_was_chosen_is_there(pipe: Pipe, project: Path) -> None:
    """And what was left out, before and after."""
    said = pipe("run", RECIPE, "--select", "base", "--provider", "sandbox")
    assert said.code == 0
    assert "  left out: tint (all 2)" in said.err.splitlines()
    assert "  left out: tint (all 2)" in said.out.splitlines()
    assert "the chosen node is there, and new" in said.out
    assert not (project / "out" / "small@sandbox" / "tint").exists()


def test_commands_to_copy_ask_for_the_same_part(pipe: Pipe) -> None:
    """The next command of a stopped look is the look."""
    said = pipe("run", RECIPE, "--first", "1", "--select", "tint+", "--max-calls", "0", "--provider", "acedata")
    assert said.code in (3, 4)
    page = pipe("run", RECIPE, "--first", "1", "--select", "tint+", "--provider", "sandbox")
    assert page.code == 0
    html = Path("out/small@sandbox/index.html").read_text()
    assert "banana-pipe run recipes/small.yaml --select tint+ --first 1 --provider sandbox" in html


@pytest.mark.parametrize("number", ["0", "-1", "two"])
def test_first_is_a_number_from_1(pipe: Pipe, number: str) -> None:
    """None at all is not a look."""
    assert pipe("plan", RECIPE, "--first", number).code == 2

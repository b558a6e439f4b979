"""The recipes that come with the project do what their comments promise.

Unaware of how: each is run as a user runs it, in a process of its own that has no network, on the sandbox.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from banana_pipe.cli.group import run_command
from tests.cookbook import new_project, without_network

ROOT = Path(__file__).parent.parent
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))

QUICKSTART = {
    *("family", "glaze/ivory", "glaze/teal", "glaze/terracotta"),
    *("mug", "scene/ivory", "scene/teal", "scene/terracotta"),
}


@pytest.fixture(scope="module")
def isolated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment whose Python has no network."""
    return without_network(tmp_path_factory.mktemp("isolated") / "bin")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of the test's own."""
    return new_project(tmp_path)


def banana(project: Path, env: dict[str, str], *arguments: str) -> dict[str, Any]:
    """What a command prints with `--json`; it must have gone well."""
    command = [sys.executable, "-m", "banana_pipe", *arguments, "--json"]
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def published(folder: Path) -> set[str]:
    """The pictures that a user sees, without their suffixes."""
    return {
        str(path.relative_to(folder).with_suffix(""))
        for path in folder.rglob("*")
        if path.suffix in {".png", ".jpg", ".webp"} and "_" not in path.relative_to(folder).parts
    }


def is_left_alone(project: Path, env: dict[str, str], *arguments: str) -> bool:
    """Whether another run finds nothing to do, and changes no picture."""
    before = {path: path.stat().st_mtime_ns for path in (project / "out").rglob("*.png")}
    again = banana(project, env, "run", *arguments)
    after = {path: path.stat().st_mtime_ns for path in (project / "out").rglob("*.png")}
    statuses = {node["status"] for node in again["nodes"]}
    return again["totals"]["called"] == 0 and statuses == {"cached"} and after == before


def test_a_process_without_network_notices_that_it_has_none(isolated: dict[str, str]) -> None:
    """The guard guards."""
    reach = "import socket; socket.create_connection(('127.0.0.1', 9))"
    done = subprocess.run([sys.executable, "-c", reach], env=isolated, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "reached for the network" in done.stderr


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_each_recipe_is_valid_and_planned_without_warning(
    recipe: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user's first look at it is a clean one, and nothing is left behind by looking."""

    def told(command: str) -> dict[str, Any]:
        assert run_command([command, str(project / "recipes" / recipe.name), "--json"]) == 0
        shown: dict[str, Any] = json.loads(capsys.readouterr().out)
        return shown

    (checked,) = told("validate")["recipes"]
    plan = told("plan")
    assert checked["valid"]
    assert checked["warnings"] == plan["warnings"] == []
    assert plan["totals"]["nodes"] - plan["totals"]["skipped"] == checked["nodes"]
    assert not (project / "cache").exists()
    assert not (project / "out").exists()


def test_the_quickstart_tells_its_story_without_token_and_leaves_nothing_to_do(
    project: Path, isolated: dict[str, str]
) -> None:
    """Eight pictures, a second take, a page and a log; run again: nothing."""
    first = banana(project, isolated, "run", "recipes/quickstart.yaml")
    out = project / "out" / "quickstart"
    assert published(out) == QUICKSTART
    assert [path.stem for path in (out / "_" / "takes").rglob("*@*")] == ["mug@2"]
    assert (out / "index.html").is_file()
    assert len(list((out / "_" / "runs").glob("*.jsonl"))) == 1
    assert first["totals"]["called"] == 9
    assert first["totals"]["cost_usd"] == 0
    assert is_left_alone(project, isolated, "recipes/quickstart.yaml")


def test_one_word_makes_anew_what_it_reaches(project: Path, isolated: dict[str, str]) -> None:
    """The quickstart's promise, by plan: another teal reaches its glaze, and what reads that."""
    banana(project, isolated, "run", "recipes/quickstart.yaml")
    recipe = project / "recipes" / "quickstart.yaml"
    recipe.write_text(recipe.read_text("utf-8").replace("deep teal", "pale teal"), "utf-8")
    plan = banana(project, isolated, "plan", "recipes/quickstart.yaml")
    anew = {node["id"] for node in plan["nodes"] if node["state"] != "cached"}
    assert anew == {"glaze[color=teal]", "scene[color=teal]", "family"}

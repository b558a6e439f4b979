"""The action and the pre-commit hook that other repositories use. Unaware of how plans are made.

The action's script runs as the action runs it: in a clone that has recipe and lock file, without token, with GitHub's files.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import SMALL
from tests.vendor.fixture import env_for, vendor
from tests.vendor.server import Vendor

__all__ = ["vendor"]
MARK = "<!-- banana-pipe review -->"
ROOT = Path(__file__).parent.parent


def run(*command: str | Path, cwd: Path, code: int = 0, **env: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def git(*command: str, cwd: Path) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    return run("git", *who, *command, cwd=cwd)


@pytest.fixture
def clone(tmp_path: Path, vendor: Vendor) -> Path:
    """A clone of a project whose pictures were bought elsewhere: recipe, lock file, a part that others use, a test file, no cache."""
    project = tmp_path / "project"
    (project / "recipes").mkdir(parents=True)
    (project / "recipes" / "small.yaml").write_text(SMALL)
    (project / "recipes" / "part.yaml").write_text(
        "inputs: [photo]\nsteps:\n  red: {images: photo, edit: Make it red}\n"
    )
    (project / "recipes" / "small.test.yaml").write_text("prompts: [{node: tint, contains: make it}]")
    (project / ".gitignore").write_text("out/\ncache/\n")
    git("init", "-q", cwd=project)
    run(sys.executable, "-m", "banana_pipe", "run", "recipes/small.yaml", cwd=project, code=0, **env_for(vendor))
    git("add", "-A", cwd=project)
    git("commit", "-qm", "Bought", cwd=project)
    git("clone", "-q", str(project), str(tmp_path / "clone"), cwd=tmp_path)
    return tmp_path / "clone"


def review(clone: Path, vendor: Vendor, code: int = 0) -> tuple[str, dict[str, str]]:
    """The page, and what the action's other steps are told."""
    scratch = clone.parent
    for name in ("output", "summary"):
        (scratch / name).unlink(missing_ok=True)
    run(
        *(sys.executable, ROOT / "action" / "review.py", scratch / "review.md"),
        cwd=clone,
        code=code,
        RECIPES="recipes/*.yaml nothing/*.yaml",
        GITHUB_OUTPUT=str(scratch / "output"),
        GITHUB_STEP_SUMMARY=str(scratch / "summary"),
        ACEDATACLOUD_API_BASE_URL=vendor.base_url,
    )
    page = (scratch / "review.md").read_text()
    assert (scratch / "summary").read_text() == page
    return page, dict(line.split("=", 1) for line in (scratch / "output").read_text().splitlines())


def test_a_change_is_told_with_its_price_without_a_token(clone: Path, vendor: Vendor) -> None:
    """What is pinned costs nothing; what a change asks anew has a price; nobody is called."""
    sent = len(vendor.received)
    page, told = review(clone, vendor)
    assert page == f"**small**: this change buys nothing\n\n{MARK}\n"
    assert {**told, "page": ""} == {"page": "", "calls": "0", "calls-max": "0", "cost-usd": "0.00"}
    recipe = clone / "recipes" / "small.yaml"
    recipe.write_text(recipe.read_text().replace("Make it", "Glaze it"))
    page, told = review(clone, vendor)
    assert page.startswith("**small**: this change re-draws 2 pictures and costs about $0.078\n")
    assert {**told, "page": ""} == {"page": "", "calls": "2", "calls-max": "2", "cost-usd": "0.08"}
    assert len(vendor.received) == sent


def test_a_wrong_recipe_fails_the_review_and_is_shown_at_its_place(clone: Path, vendor: Vendor) -> None:
    """The other recipes are reviewed all the same."""
    (clone / "recipes" / "wrong.yaml").write_text("steps:\n  a: {generat: A fox}\n")
    page, told = review(clone, vendor, code=1)
    assert "**small**: this change buys nothing\n" in page
    assert "wrong.yaml:2:7: " in page
    assert "did you mean `generate`?" in page
    assert told["calls"] == "0"


def test_the_action_names_what_is_there() -> None:
    """Its script, its outputs, and no secret of the provider's."""
    text = (ROOT / "action.yml").read_text("utf-8")
    action: dict[str, Any] = yaml.safe_load(text)
    assert action["runs"]["using"] == "composite"
    for named in re.findall(r"\$GITHUB_ACTION_PATH/([\w./]+)", text):
        assert (ROOT / named).is_file()
    script = (ROOT / "action" / "review.py").read_text("utf-8")
    told = set(re.findall(r"steps\.review\.outputs\.([\w-]+)", text))
    assert told == {"page", "calls", "calls-max", "cost-usd"}
    assert all(f'"{name}": ' in script for name in told)
    assert all(step["shell"] == "bash" for step in action["runs"]["steps"])
    assert "ACEDATA" not in text
    assert MARK in text
    for step in action["runs"]["steps"]:  # what others wrote reaches a shell as a variable, never as its text
        assert "${{" not in step["run"]


def test_the_pre_commit_hook_takes_recipes_and_finds_mistakes(tmp_path: Path) -> None:
    """Its entry is called with the files of the commit that its pattern lets through."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    committed = ["recipes/small.yaml", "recipes/prompts/hero.yaml", "recipes/small.lock", "README.md", "recipes/b.yml"]
    assert [name for name in committed if re.search(hook["files"], name)] == ["recipes/small.yaml", "recipes/b.yml"]
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "small.yaml").write_text(SMALL)
    program = shutil.which("banana-pipe", path=str(Path(sys.executable).parent)) or "banana-pipe"
    entry = [program, *shlex.split(hook["entry"])[1:]]
    assert shlex.split(hook["entry"])[0] == "banana-pipe"
    assert "3 nodes" in run(*entry, "recipes/small.yaml", cwd=tmp_path)
    (tmp_path / "recipes" / "b.yml").write_text("steps: {a: {generate: '{{ no }}'}}\n")
    assert "b.yml:1:" in run(*entry, "recipes/small.yaml", "recipes/b.yml", cwd=tmp_path, code=2)

"""The guide for teams: its story is lived through, command by command, and what it has others configure exists.

Unaware of how anything works. The vendor draws at random: equal pictures are equal because the lock file pins them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from banana_pipe.cli.group import commands
from tests import tour as tours
from tests.vendor.fixture import CANARY
from tests.vendor.server import Vendor

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "team.md").read_text("utf-8")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[tours.Shell]:
    with Vendor(token=CANARY) as vendor:
        yield tours.shell(vendor, tmp_path)


def test_the_story_goes_as_told(shell: tours.Shell) -> None:
    """Each command says what the guide shows; who has no token is never seen by the vendor; each picture is paid once."""
    others = []
    for command, shown in tours.commands(GUIDE, "tour"):
        seen = len(shell.vendor.received)
        got = shell.says(command)
        if not tours.is_as_shown(shown, got):
            others.append(f"$ {command}{got}")
        if tours.TOKEN not in shell.env:
            assert len(shell.vendor.received) == seen, command
    assert not others, "\n".join(others)
    assert len(shell.vendor.charges) == 6 + 2 + 2 + 1


def _configured(name: str) -> Any:
    (block,) = tours.blocks(GUIDE, f"yaml: {name}")
    return yaml.safe_load(block)


def test_the_workflow_uses_what_the_action_takes_and_commands_that_there_are() -> None:
    """An input that the action doesn't know would be passed over by GitHub with a warning that nobody reads."""
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    jobs = _configured(".github/workflows/pictures.yml")["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    (ours,) = [step for step in steps if step.get("uses", "").startswith("OWNER/banana-pipe")]
    assert set(ours["with"]) <= set(action["inputs"])
    called = [step["run"].split()[1] for step in steps if step.get("run", "").startswith("banana-pipe ")]
    assert called
    assert set(called) <= set(commands.list_commands(None))  # type: ignore[arg-type]


def test_the_hook_is_one_that_there_is() -> None:
    """By its id."""
    known = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    (repository,) = _configured(".pre-commit-config.yaml")["repos"]
    assert {hook["id"] for hook in repository["hooks"]} <= known

"""The guide to the language: every recipe in it runs, and makes the calls that it says.

Unaware of what the guide explains.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from banana_pipe.cli.group import run_command

GUIDE = Path(__file__).parent.parent / "docs" / "language.md"
_BLOCK = re.compile(r"<!-- (file|example): (\S+?)(?:, (.+?))? -->\n```\w+\n(.*?)```", re.DOTALL)
_CALLS = re.compile(r"([0-9]+) calls?\Z")


@dataclass(frozen=True, slots=True)
class Example:
    """A recipe of the guide: its file, and what is done with it in turn: a number of calls, or a command."""

    name: str
    story: tuple[str, ...]


def _blocks() -> Iterator[tuple[str, str, str, str]]:
    for found in _BLOCK.finditer(GUIDE.read_text(encoding="utf-8")):
        yield found[1], found[2], found[3] or "", found[4]


EXAMPLES = [Example(name, tuple(said.split(", then "))) for kind, name, said, _ in _blocks() if kind == "example"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every file of the guide, in a project of its own."""
    for _, name, _, text in _blocks():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_no_recipe_of_the_guide_is_left_out() -> None:
    """Whoever writes an example marks it, or it would not be run."""
    text = GUIDE.read_text(encoding="utf-8")
    assert text.count("```yaml") + text.count("```csv") + text.count("```jinja") == len(list(_blocks()))
    assert len(EXAMPLES) >= 12


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
@pytest.mark.usefixtures("folder")
def test_an_example_makes_the_calls_that_the_guide_says(example: Example, capsys: pytest.CaptureFixture[str]) -> None:
    """Counted by hand in the guide, by the program here; then everything is there."""

    def totals(command: str, *, codes: tuple[int, ...] = (0,)) -> dict[str, int]:
        code = run_command([command, example.name, "--provider", "sandbox", "--json"])
        said = capsys.readouterr()
        assert code in codes, said.err + said.out
        found: dict[str, int] = json.loads(said.out)["totals"]
        return found

    for act in example.story:
        calls = _CALLS.match(act)
        if calls is None:
            command, *arguments = act.split()
            assert run_command([command, example.name, *arguments, "--provider", "sandbox"]) == 0
            capsys.readouterr()
            continue
        planned = totals("plan")
        assert totals("run", codes=(0, 7))["called"] == int(calls[1])
        assert planned["calls"] <= int(calls[1]) <= planned["calls_max"]
    assert totals("plan")["calls_max"] == 0

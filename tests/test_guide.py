"""The guide to the language: every recipe in it runs, and makes the calls that it says.

Unaware of what the guide explains.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from banana_pipe.cli.group import run_command
from tests import guide
from tests import tour as tours
from tests.cookbook import Reader, without_network
from tests.guide import CALLS, GUIDE, Example

EXAMPLES = guide.examples()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every file of the guide, in a project of its own."""
    guide.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_no_recipe_of_the_guide_is_left_out() -> None:
    """Whoever writes an example marks it, or it would not be run."""
    text = GUIDE.read_text(encoding="utf-8")
    assert text.count("```yaml") + text.count("```csv") + text.count("```jinja") == len(list(guide.blocks()))
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

    for act, words in zip(example.story, example.commands(), strict=True):
        calls = CALLS.match(act)
        if calls is None:
            assert run_command(words) == 0
            capsys.readouterr()
            continue
        planned = totals("plan")
        assert totals("run", codes=(0, 7))["called"] == int(calls[1])
        assert planned["calls"] <= int(calls[1]) <= planned["calls_max"]
    assert totals("plan")["calls_max"] == 0


def test_the_first_recipe_of_ones_own_comes_about_as_shown(tmp_path: Path) -> None:
    """From `init` on, with nothing but the guide: what it has one write is written where it says so."""
    env, here, others = without_network(tmp_path / "bin"), tmp_path, list[str]()
    for command, shown in tours.commands(GUIDE.read_text("utf-8"), "tour"):
        if command.startswith("cd "):
            here /= command.split()[1]
            continue
        for name, text in guide.files().items():
            if f" {name}" in command and not (here / name).exists():
                (here / name).write_text(text, "utf-8")
        got = Reader(here, env).says(command)
        if not tours.is_as_shown(shown, got):
            others.append(f"$ {command}{got}")
    assert not others, "\n".join(others)

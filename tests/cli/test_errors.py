"""What becomes of errors that are nobody's mistake but ours, or nobody's at all. Unaware of commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import PIL.Image
import pytest

from banana_pipe.cli.commands import planning
from tests.canary import CANARY
from tests.cli.conftest import Pipe, environment


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Every plan meets a bug that tells the token; the folder in which it is written down."""

    def broken(*_: object, **__: object) -> None:
        raise KeyError(f"Bearer {CANARY} \033[2J")

    monkeypatch.setattr(planning, "read_call", broken)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("ACEDATACLOUD_API_TOKEN", CANARY)
    return tmp_path / "state"


def test_a_bug_is_exit_70_with_a_report_in_a_file(pipe: Pipe, bug: Path) -> None:
    """A short text, the versions, no traceback, no token, no control characters."""
    said = pipe("plan", "recipes/small.yaml")
    assert said.code == 70
    assert "This is a bug in banana-pipe, sorry: KeyError" in said.err
    assert "Traceback" not in said.err
    assert CANARY not in said.err
    assert "\033" not in said.err
    (report,) = bug.rglob("bug-*.txt")
    assert str(report) in said.err
    text = report.read_text()
    assert "Traceback" in text
    assert "banana-pipe 0." in text
    assert "Python 3." in text
    assert CANARY not in text
    assert report.stat().st_mode & 0o077 == 0


def test_a_bug_is_one_object_for_scripts(pipe: Pipe, bug: Path) -> None:
    """As every other end."""
    value = json.loads(pipe("plan", "recipes/small.yaml", "--json").out)
    assert (value["exit_code"], value["error"]["kind"]) == (70, "bug")
    assert CANARY not in json.dumps(value)


def test_the_traceback_is_shown_where_it_is_asked_for(pipe: Pipe, bug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For whoever mends it; the token stays out."""
    monkeypatch.setenv("BANANA_PIPE_DEBUG", "1")
    said = pipe("plan", "recipes/small.yaml")
    assert "Traceback" in said.err
    assert CANARY not in said.err


def test_a_bug_is_told_where_no_file_can_be_written(
    pipe: Pipe, bug: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A bug in telling a bug would hide both."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file" / "below"))
    said = pipe("plan", "recipes/small.yaml")
    assert said.code == 70
    assert "BANANA_PIPE_DEBUG=1" in said.err


def test_interrupted_is_exit_130(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it happens, without a traceback."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(planning, "read_call", interrupted)
    said = pipe("plan", "recipes/small.yaml")
    assert said.code == 130
    assert "Traceback" not in said.err


def test_a_wrong_command_is_answered_with_the_nearest(pipe: Pipe) -> None:
    """And exit 2, as every wrong command line."""
    said = pipe("paln", "recipes/small.yaml")
    assert said.code == 2
    assert "did you mean `plan`?" in said.err
    assert pipe("plan").code == 2
    assert pipe().code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("run recipes/small.yaml --jobs 0", "at least 1 is wanted"),
        ("run recipes/small.yaml --jobs many", "a whole number is wanted"),
        ("run recipes/small.yaml --max-calls=-1", "a whole number is wanted"),
        ("run recipes/small.yaml --max-cost=-1", "dollars are wanted"),
        ("pick recipes/small.yaml base 0", "at least 1 is wanted"),
    ],
)
def test_a_wrong_number_is_told_in_the_words_of_the_settings(pipe: Pipe, arguments: str, words: str) -> None:
    """No `x>=1`: what is wanted, and an example."""
    said = pipe(*arguments.split())
    assert said.code == 2
    assert words in said.err
    assert ">=" not in said.err


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ("plan recipes/small.yaml --nope", "plan"),
        ("plan", "plan"),
        ("run x --jobs 0", "run"),
        ("ledger show --nope", "ledger show"),
    ],
)
def test_a_wrong_command_line_has_a_hint_for_scripts_too(pipe: Pipe, arguments: str, command: str) -> None:
    """The same as people see."""
    said = pipe(*arguments.split(), "--json")
    error = json.loads(said.out)["error"]
    assert error["kind"] == "usage"
    assert error["hint"] == f"banana-pipe {command} --help"
    assert error["hint"] in said.err


def test_a_folder_to_read_must_be_there(pipe: Pipe, project: Path) -> None:
    """A misspelt one would only show as a picture that may not be read."""
    (project / "recipes" / "photos").mkdir()
    plan = ("plan", "recipes/small.yaml", "--allow-read")
    for name in ("photos", "recipes/small.yaml", "x" * 5000, "banana-pipe.toml/x"):
        said = pipe(*plan, "recipes", "--allow-read", name)
        assert said.code == 2
        assert "--allow-read" in said.err
        assert str(project) in said.err
    assert pipe(*plan, "recipes/photos").code == 0
    assert pipe(*plan, str(project.parent)).code == 0


def test_all_mistakes_are_shown_and_counted(pipe: Pipe, project: Path) -> None:
    """One round of mending, not five."""
    (project / "recipes" / "two.yaml").write_text("version: 1\nsteps:\n  a: {generat: A}\n  b: {generate: '{{ x }}'}\n")
    said = pipe("plan", "recipes/two.yaml")
    assert said.err.count("error: ") == 2
    assert said.err.endswith("2 mistakes\n")
    assert "^" in said.err


@pytest.mark.parametrize("arguments", [("recipes/small.yaml",), ("recipes/nobody.yaml", "--json")], ids=" ".join)
def test_a_reader_who_has_gone_is_no_traceback(project: Path, arguments: tuple[str, ...]) -> None:
    """`banana-pipe plan … | head -1`, whether it goes well or not."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        check=False,
        args=[sys.executable, "-m", "banana_pipe", "plan", *arguments],
        cwd=project,
        env=environment(None),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert done.returncode == 1


def test_progress_that_nobody_reads_ends_no_run(project: Path) -> None:
    """What is paid is collected and published, whoever looks."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        check=False,
        args=[sys.executable, "-m", "banana_pipe", "run", "recipes/small.yaml", "--provider", "sandbox", "--json"],
        cwd=project,
        env=environment(None),
        stdout=subprocess.PIPE,
        stderr=writer,
        text=True,
    )
    os.close(writer)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "ok")


def test_a_letter_that_the_stream_lacks_is_written_as_a_plainer_one(project: Path) -> None:
    """An old terminal ends no command."""
    done = subprocess.run(
        check=False,
        args=[sys.executable, "-m", "banana_pipe", "plan", "recipes/small.yaml"],
        cwd=project,
        env=environment({"PYTHONIOENCODING": "ascii"}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "* call" in done.stdout


def test_what_libraries_warn_of_is_not_told(project: Path) -> None:
    """A picture that is too large is refused at its place, in our words; Pillow's lines about it help nobody."""
    PIL.Image.new("1", (10_000, 10_000)).save(project / "large.png")
    (project / "large.yaml").write_text("steps: {a: {images: large.png, transform: [trim]}}")
    command = [sys.executable, "-m", "banana_pipe", "plan", "large.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment(None))
    assert done.returncode == 2
    assert "large.png: this picture has 10000 × 10000 pixels; more than 64 million are not taken" in done.stderr
    assert "Warning" not in done.stderr

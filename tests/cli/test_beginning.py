"""`init`: a project that runs as it is, and nothing of the user's overwritten."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Pipe

FILES = ["pictures.yaml", "prompts/style.j2", "banana-pipe.schema.json", "banana-pipe.toml", ".gitignore"]


@pytest.mark.parametrize("arguments", [(), ("fox",), ("my pictures/fox",)])
def test_what_it_prints_runs_offline_and_free(
    pipe: Pipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Every command it shows, copied into the same shell."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    said = pipe("init", *arguments)
    assert said.code == 0
    commands = [shlex.split(line.partition("→ banana-pipe ")[2]) for line in said.out.splitlines() if "→" in line]
    assert [command[0] for command in commands] == ["plan", "run"]
    for command in commands:
        assert pipe(*command).code == 0
    assert json.loads(pipe("plan", commands[0][1], "--json").out)["totals"]["cached"] == 5
    out = tmp_path / "here" / Path(*arguments) / "out" / "pictures"
    assert (out / "index.html").exists()
    assert "warning" not in pipe("validate", commands[0][1]).err


def test_nothing_is_overwritten(pipe: Pipe, tmp_path: Path) -> None:
    """One file in the way, and none is written."""
    folder = tmp_path / "fox"
    folder.mkdir()
    (folder / "pictures.yaml").symlink_to("nowhere")
    said = pipe("init", "fox")
    assert said.code == 2
    assert "pictures.yaml already: nothing was written" in said.err
    assert [path.name for path in folder.iterdir()] == ["pictures.yaml"]


def test_a_gitignore_of_ones_own_stays(pipe: Pipe, tmp_path: Path) -> None:
    """Most new projects have one already."""
    (tmp_path / "fox").mkdir()
    (tmp_path / "fox" / ".gitignore").write_text("mine\n")
    said = pipe("init", "fox")
    assert said.code == 0
    assert ".gitignore was there and stays as it is" in said.out
    assert (tmp_path / "fox" / ".gitignore").read_text() == "mine\n"
    assert json.loads(pipe("init", "other", "--json").out)["files"] == FILES


def test_a_file_is_no_folder(pipe: Pipe, tmp_path: Path) -> None:
    """Said before anything is tried."""
    (tmp_path / "file").touch()
    said = pipe("init", "file")
    assert said.code == 2
    assert "is no folder" in said.err


def test_git_sees_what_was_written_alone(pipe: Pipe, tmp_path: Path) -> None:
    """Pictures and the cache are not for git."""
    assert pipe("init", "fox").code == 0
    assert pipe("run", "fox/pictures.yaml").code == 0
    git = ["git", "-C", str(tmp_path / "fox")]
    subprocess.run([*git, "init", "-q"], check=True)
    seen = subprocess.run([*git, "status", "--porcelain", "-uall"], capture_output=True, text=True, check=True)
    assert sorted(line[3:] for line in seen.stdout.splitlines()) == sorted(FILES)

"""Folders and pipes where files are expected: told, and waited for by nobody. Unaware of what files say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Pipe, Said, in_process, start

READS = """
version: 1
steps: {older: {images: photos/fox.png, edit: Older}}
"""


def refused(said: Said, *words: str) -> None:
    """The command said what is wrong, and no traceback."""
    assert said.code == 2, said.err
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err


@pytest.mark.parametrize(
    ("place", "command", "why"),
    [
        ("recipes/pipe.yaml", "plan recipes/pipe.yaml", "not a regular file"),
        ("recipes/small.lock", "plan recipes/small.yaml", "not a regular file"),
        ("vars.yaml", "plan recipes/small.yaml --vars vars.yaml", "not a regular file"),
        ("prices.toml", "plan recipes/small.yaml", "not a regular file"),
        ("pyproject.toml", "plan recipes/small.yaml", "not a regular file"),
        ("out/small@sandbox/manifest.json", "run recipes/small.yaml --provider sandbox", "not ours"),
    ],
)
def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(project: Path, place: str, command: str, why: str) -> None:
    """Unpacked from a stranger's archive it would be waited for without end."""
    if place == "pyproject.toml":
        (project / "banana-pipe.toml").unlink()
    (project / place).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(project / place)
    env = {"BANANA_PIPE_PRICES": place} if place == "prices.toml" else {}
    refused(in_process(*command.split(), cwd=project, env=env), Path(place).name, why)


def test_a_pipe_in_the_place_of_the_page_is_left_alone(project: Path) -> None:
    """As everything that a run did not make."""
    page = project / "out" / "small@sandbox" / "index.html"
    page.parent.mkdir(parents=True)
    os.mkfifo(page)
    said = in_process("run", "recipes/small.yaml", "--provider", "sandbox", cwd=project)
    assert said.code == 0
    assert "index.html was not made by banana-pipe" in said.err
    assert page.is_fifo()


def test_a_pipe_or_a_folder_in_the_place_of_a_picture_is_told(project: Path) -> None:
    """At the place in the recipe that names it."""
    (project / "recipes" / "fox.yaml").write_text(READS)
    picture = project / "recipes" / "photos" / "fox.png"
    picture.parent.mkdir()
    os.mkfifo(picture)
    refused(in_process("plan", "recipes/fox.yaml", cwd=project), "fox.yaml:3:", "not a regular file")
    picture.unlink()
    picture.mkdir()
    refused(in_process("plan", "recipes/fox.yaml", cwd=project), "fox.yaml:3:", "is a folder")


def test_a_folder_for_a_recipe_or_for_variables_is_told(pipe: Pipe) -> None:
    """The shell completes names of folders too."""
    refused(pipe("plan", "recipes"), "it is a folder")
    refused(pipe("plan", "recipes/small.yaml", "--vars", "recipes"), "it is a folder")


def test_variables_may_come_from_another_command(project: Path) -> None:
    """A shell's `<(…)` is a pipe that is open already."""
    reader, writer = os.pipe()
    os.write(writer, b"product: a jug\n")
    os.close(writer)
    command = ("render", "recipes/small.yaml", "base", "--vars", f"/dev/fd/{reader}")
    with start(*command, cwd=project, pass_fds=(reader,)) as process:
        os.close(reader)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Photo of a jug" in out


@pytest.mark.parametrize("closed", [0, 1, 2])
@pytest.mark.parametrize("more", [(), ("--json",)], ids=["words", "json"])
def test_a_stream_that_is_closed_is_no_error(project: Path, closed: int, more: tuple[str, ...]) -> None:
    """What a shell does by `>&-` leads nowhere, and no file of ours gets its number."""
    command = ("run", "recipes/small.yaml", "--provider", "sandbox", *more)
    with start(*command, cwd=project, preexec_fn=lambda: os.close(closed)) as process:
        said, told = process.communicate()
    assert (process.returncode, "Traceback" in told, bool(said)) == (0, False, closed != 1)
    assert Path("out/small@sandbox/manifest.json").is_file()

"""The cookbook as its reader lives through it: a copy of the recipes, no network, and the commands of a section.

Unaware of what the recipes are about.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from banana_pipe.cli.group import run_command
from tests import tour as tours

ROOT = Path(__file__).parent.parent
COOKBOOK = (ROOT / "docs" / "cookbook.md").read_text("utf-8")
NAMES = tuple(dict.fromkeys(re.findall(r"^<!-- cookbook: (\S+) -->$", COOKBOOK, re.MULTILINE)))

# Every process started with it in its path ends at the first socket that is no pipe of its own event loop.
_NO_NETWORK = """
import socket

def refuse(*_, **__):
    raise SystemExit("a run on the sandbox reached for the network")

socket.socket.connect = socket.socket.connect_ex = socket.socket.bind = socket.getaddrinfo = refuse
"""


def without_network(folder: Path) -> dict[str, str]:
    """An environment whose `banana-pipe`, and whose Python, has no network and no token; scripts go to *folder*."""
    env = tours.with_program(folder)
    (folder / "sitecustomize.py").write_text(_NO_NETWORK, "utf-8")
    return env | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def new_project(folder: Path) -> Path:
    """A project with a copy of the recipes, and nothing made yet."""
    shutil.copytree(ROOT / "recipes", folder / "recipes", ignore=shutil.ignore_patterns("*.lock"))
    return folder


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody with a new copy of the recipes."""

    project: Path
    env: Mapping[str, str] = field(repr=False)

    def lives_through(self, name: str) -> Iterator[tuple[str, str, str]]:
        """The commands of a section in turn: each, what the cookbook shows of its output, and its output."""
        for command, shown in tours.commands(COOKBOOK, f"cookbook: {name}"):
            yield command, shown, self.says(command)

    def says(self, command: str) -> str:
        """What *command* says, on both streams: in this process, which costs a tenth, where no shell is needed."""
        if not command.startswith("banana-pipe ") or set(command) & set(";|&<>$"):
            return tours.said(command, self.project, self.env)
        said = StringIO()
        with chdir(self.project), redirect_stdout(said), redirect_stderr(said):
            run_command(shlex.split(command)[1:])
        return said.getvalue()

    @property
    def out(self) -> Path:
        """Where the pictures of the one recipe are that was run."""
        (folder,) = (self.project / "out").iterdir()
        return folder


def reader(folder: Path) -> Reader:
    """A reader in *folder*, which is empty."""
    project = folder / "project"
    project.mkdir()
    return Reader(new_project(project), without_network(folder / "bin"))


def live(name: str, folder: Path) -> Path:
    """Live through a section in *folder*; where its pictures are then. What goes otherwise than told ends it."""
    somebody = reader(folder)
    for command, shown, got in somebody.lives_through(name):
        if not tours.is_as_shown(shown, got):
            raise SystemExit(f"$ {command}{got}")
    return somebody.out

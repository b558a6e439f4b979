"""The consoles of a document, lived through as a reader lives through them: what is shown, and what is said.

Unaware of what the commands do. A block behind `<!-- tour: … -->` is read; each of its lines that begins with `$` is a
command, the lines below it are what the document shows of its output: `…` is anything within a line, and any lines
where it stands alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.vendor.fixture import CANARY, env_for
from tests.vendor.server import Vendor

ROOT = Path(__file__).parent.parent


def blocks(document: str, marker: str) -> list[str]:
    """The code blocks of *document* directly behind `<!-- marker -->`, in order."""
    return re.findall(rf"^<!-- {marker} -->\n```\w+\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)


def commands(document: str, marker: str) -> Iterator[tuple[str, str]]:
    """Each command of the consoles behind *marker*, and what is shown below it."""
    for block in blocks(document, marker):
        yield from re.findall(r"^\$ (.*\n)((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def with_program(folder: Path) -> dict[str, str]:
    """An environment whose PATH has `banana-pipe`: this checkout's, by a script in *folder*."""
    folder.mkdir()
    program = folder / "banana-pipe"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m banana_pipe "$@"\n', "utf-8")
    program.chmod(0o755)
    return {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def said(command: str, folder: Path, env: Mapping[str, str]) -> str:
    """What *command* says in *folder*, on both streams."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def is_as_shown(shown: str, got: str) -> bool:
    """Whether *got* is what *shown* says."""
    return re.fullmatch(_pattern(shown), got) is not None


def _pattern(shown: str) -> str:
    lines = [re.escape(line).replace("…", ".*") + "\n" for line in shown.splitlines()]
    return "".join("(?:.*\n)*" if line == ".*\n" else line for line in lines)


@dataclass(slots=True)
class Shell:
    """Somebody's terminal: it stays in the folder that the last `cd` led to, and has a token while it is exported."""

    vendor: Vendor
    folder: Path
    env: dict[str, str] = field(repr=False)

    def says(self, command: str) -> str:
        """What *command* says; a token of the document is the vendor's."""
        if command.startswith(f"export {TOKEN}="):
            self.env[TOKEN] = CANARY
            return ""
        if command.startswith(f"unset {TOKEN}"):
            del self.env[TOKEN]
            return ""
        left = self.folder / ".left-at"
        got = said(f"{command}\npwd > '{left}'", self.folder, self.env)
        self.folder = Path(left.read_text("utf-8").strip())
        left.unlink()
        return got


TOKEN = "ACEDATACLOUD_API_TOKEN"


def shell(vendor: Vendor, folder: Path) -> Shell:
    """A terminal in a new folder below *folder*, with `banana-pipe` and git, and no token yet."""
    env = with_program(folder / "bin") | env_for(vendor)
    del env[TOKEN]
    for who in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{who}_NAME": "Ada", f"GIT_{who}_EMAIL": "ada@example.com"}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    start = folder / "work"
    start.mkdir()
    return Shell(vendor, start, env)

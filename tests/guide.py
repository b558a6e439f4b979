"""The examples of the guide to the language, as files and as what is done with them.

Unaware of what the guide explains.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import tour as tours
from tests.transforms.builders import font

GUIDE = Path(__file__).parent.parent / "docs" / "language.md"
CALLS = re.compile(r"([0-9]+) calls?\Z")
FONT = "fonts/Inter.ttf"
"""Which the guide names and does not show."""
_BLOCK = re.compile(r"<!-- (file|example): (\S+?)(?:, (.+?))? -->\n```\w+\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Example:
    """A recipe of the guide: its file, and what is done with it in turn: a number of calls, or a command."""

    name: str
    story: tuple[str, ...]

    def commands(self) -> Iterator[list[str]]:
        """What a reader says on the command line: a run for every number of calls, free."""
        for act in self.story:
            command, *arguments = ["run"] if CALLS.match(act) else act.split()
            yield [command, self.name, *arguments, "--provider", "sandbox"]


def files() -> dict[str, str]:
    """Every file that the guide shows, examples included."""
    return {name: text for _, name, _, text in blocks()}


def examples() -> list[Example]:
    """The guide's examples, in its order."""
    return [Example(name, tuple(said.split(", then "))) for kind, name, said, _ in blocks() if kind == "example"]


def blocks() -> Iterator[tuple[str, str, str, str]]:
    """Each marked block: `file` or `example`, its name, what is said of it, its text."""
    for found in _BLOCK.finditer(GUIDE.read_text(encoding="utf-8")):
        yield found[1], found[2], found[3] or "", found[4]


def write(folder: Path) -> None:
    """Put every file of the guide into *folder*."""
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / FONT).parent.mkdir(exist_ok=True)
    (folder / FONT).write_bytes(font())


def live(name: str, folder: Path) -> Path:
    """Do with the example *name* what the guide says, in *folder*; where its pictures are then."""
    project = folder / "project"
    project.mkdir()
    write(project)
    env = tours.with_program(folder / "bin")
    (example,) = [one for one in examples() if one.name == f"{name}.yaml"]
    for words in example.commands():
        tours.said(" ".join(["banana-pipe", *(f"'{word}'" for word in words)]), project, env)
    (out,) = (project / "out").iterdir()
    return out

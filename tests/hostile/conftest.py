"""A stranger's project in a folder of its own, beside what it must not reach.

Unaware of what is tried there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.cli.conftest import environment
from tests.hostile.places import PICTURE, SECRET
from tests.vendor.fixture import vendor

__all__ = ["vendor"]


@dataclass(frozen=True, slots=True)
class Told:
    """How a command ended, what it said, what it read outside its project and whom it tried to reach."""

    code: int
    out: str
    err: str
    outside: tuple[str, ...]
    asked: tuple[str, ...]

    @property
    def said(self) -> str:
        return self.out + self.err


@dataclass(slots=True)
class Warden:
    """The process that runs commands in guarded children of its own."""

    process: subprocess.Popen[str]

    def run(self, order: Mapping[str, Any]) -> Told:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        return Told(told["code"], told["out"], told["err"], tuple(told["outside"]), tuple(told["asked"]))


@dataclass(slots=True)
class Stranger:
    """A project from a stranger: `folder` is what was unpacked, beside it stands what is none of its business."""

    warden: Warden
    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, data: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dedent(data).encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
        return path

    def pipe(self, *argv: str, terminal: bool = False) -> Told:
        """The command in a guarded child, its working directory the project."""
        order = {
            "argv": argv,
            "cwd": str(self.folder),
            "roots": [str(self.folder)],
            "terminal": terminal,
            "env": self.env,
        }
        return self.warden.run(order)


@pytest.fixture(scope="session")
def warden() -> Iterator[Warden]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.warden"],
        env=environment(None),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Warden(process)
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def stranger(warden: Warden, tmp_path: Path) -> Stranger:
    """A project with a picture, beside a secret picture and a secret text."""
    own = Stranger(warden, tmp_path / "stranger")
    own.write("banana-pipe.toml", "")
    own.write("photos/cat.png", PICTURE)
    outside = tmp_path / "away"
    outside.mkdir()
    (outside / "me.png").write_bytes(PICTURE)
    (outside / "secret.txt").write_text(SECRET)
    (outside / "secret.csv").write_text(f"id,word\na,{SECRET}\n")
    return own

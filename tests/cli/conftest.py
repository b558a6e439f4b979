"""A project of its own for every test, and the command line called in it.

Unaware of what is tested.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from banana_pipe.cli.group import run_command
from tests.vendor.fixture import env_for, vendor
from tests.vendor.server import Vendor

__all__ = ["vendor"]

ROOT = Path(__file__).parent.parent.parent

SMALL = """
version: 1
vars:
  product: a mug
  colors: {ivory: ivory white, teal: deep teal}
defaults: {model: nano-banana}
steps:
  base:
    generate: Photo of {{ product }}
  tint:
    matrix: {color: "{{ colors }}"}
    images: base
    edit: Make it {{ color }}
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


Pipe = Callable[..., Said]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the recipe `recipes/small.yaml`, as the working directory; polls are quick."""
    (tmp_path / "recipes").mkdir()
    (tmp_path / "banana-pipe.toml").write_text("")
    (tmp_path / "recipes" / "small.yaml").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BANANA_PIPE_POLL_SECONDS", "0.02")
    return tmp_path


@pytest.fixture
def pipe(project: Path, capfd: pytest.CaptureFixture[str]) -> Pipe:
    """Calls a command in this process: `pipe("plan", "recipes/small.yaml")`."""

    def call(*arguments: str) -> Said:
        capfd.readouterr()
        code = run_command(arguments)
        said = capfd.readouterr()
        return Said(code, said.out, said.err)

    return call


@pytest.fixture
def at(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    """The vendor, with an environment that leads there."""
    for name, value in env_for(vendor).items():
        monkeypatch.setenv(name, value)
    return vendor


@pytest.fixture
def made(pipe: Pipe, at: Vendor) -> Vendor:
    """The vendor, after a run of the recipe."""
    assert pipe("run", "recipes/small.yaml").code == 0
    return at


def start(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None, **more: Any) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "banana_pipe", *arguments],
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def in_process(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Said:
    """What the command says in a process of its own."""
    with start(*arguments, cwd=cwd, env=env) as process:
        out, err = process.communicate(timeout=120)
    return Said(process.returncode, out, err)


def environment(env: Mapping[str, str] | None) -> dict[str, str]:
    """The environment of a process that finds the package from anywhere."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}

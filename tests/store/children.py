"""Real processes that run a piece of our code, for tests of what processes do to each other.

Unaware of what they do.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A process that runs *script*, which finds *arguments* in `sys.argv[1:]`."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def line(child: subprocess.Popen[str]) -> str:
    """The next line that *child* says; its errors where it says no more."""
    assert child.stdout is not None
    said = child.stdout.readline()
    if not said:
        raise AssertionError(child.communicate()[1])
    return said.rstrip("\n")


def go_on(child: subprocess.Popen[str]) -> None:
    """Let *child* past its `input()`."""
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


def end(child: subprocess.Popen[str]) -> str:
    """All that *child* says until it ends well."""
    said, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    return said

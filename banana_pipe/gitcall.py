"""Git, asked about a repository that may be a stranger's: it fetches nothing, and nobody waits for its input.

Unaware of what is asked.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

# A clone may lack objects, which git would fetch by itself, in whatever way the repository says. And whoever shows
# signatures with every commit would have them checked here.
_GIT = ("env", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "git", "-c", "log.showSignature=false")


def command(folder: Path, *arguments: str) -> list[str]:
    """The command that asks the repository around *folder*."""
    return [*_GIT, "-C", str(folder), *arguments]


def ask(folder: Path, *arguments: str, timeout: float | None = None) -> subprocess.CompletedProcess[bytes]:
    """What git answers. Raises OSError where there is no git, subprocess.TimeoutExpired after *timeout* seconds."""
    line = command(folder, *arguments)
    return subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False)  # noqa: S603 - ours

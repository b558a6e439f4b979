"""strace: what a run really asks of the system, and a kill at any of it.

Unaware of `disk` and of its observer.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.campaigns.watchers import TOLD
from tests.canary import CANARY

CALLS = (
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "ftruncate",
    "rename",
    "unlink",
    "mkdir",
    "rmdir",
    "chmod",
    "sendto",
)
"""By which bytes and names change, and what is sent is sent."""
_LINE = re.compile(r"(?P<thread>\d+) +(?P<call>\w+)\((?P<told>.*)")


_CHANGES = frozenset(CALLS) - {"fsync", "fdatasync", "sendto"}
"""After a kill a file is what it was whether or not it had been synced."""


@cache
def why_not() -> str:
    """Why nobody can be traced here; empty: they can."""
    if shutil.which("strace") is None:
        return "strace is not there"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"strace may not trace: {tried.stderr.strip()}" if tried.returncode else ""


@dataclass(frozen=True, slots=True)
class Called:
    """A call of the system, in the words of strace; file descriptors are followed by their paths."""

    thread: int
    name: str
    told: str


def told_to(log: Path, *calls: str) -> tuple[str, ...]:
    """What strace is told so that it writes *calls* to *log*."""
    return ("-y", "-s", "256", "-o", str(log), "-e", f"trace={','.join(calls)}")


def hush(log: Path) -> None:
    """Take the token out of *log*: strace has seen what went over the wire, where it belongs."""
    log.write_bytes(log.read_bytes().replace(CANARY.encode(), b"..."))


def read(log: Path) -> Iterator[Called]:
    """What was written there, in order. Where a thread was interrupted, when the call began."""
    for line in log.read_text("utf-8", "replace").splitlines():
        if (found := _LINE.match(line)) is not None:
            yield Called(int(found["thread"]), found["call"], found["told"])


def calls_on_files(log: Path, folder: Path) -> list[Called]:
    """What was done to files below *folder*."""
    return [called for called in read(log) if called.name in CALLS and str(folder) in called.told]


def untold(log: Path, folder: Path) -> list[Called]:
    """Changes of files below *folder* of which their thread was not told (see `watchers.TOLD`) since its last one."""
    told: set[int] = set()
    found = []
    for called in read(log):
        if TOLD in called.told:
            told.add(called.thread)
        elif called.name in _CHANGES and str(folder) in called.told:
            if called.thread not in told:
                found.append(called)
            told.discard(called.thread)
    return found


def points(log: Path) -> list[tuple[str, ...]]:
    """What strace is told to kill at each call: it counts each thread for itself, so the busiest says how many."""
    counts = Counter((called.name, called.thread) for called in read(log))
    most = {name: max(n for (other, _), n in counts.items() if other == name) for name, _ in counts}
    return [_kill(name, number) for name in CALLS for number in range(1, most.get(name, 0) + 1)]


def _kill(name: str, number: int) -> tuple[str, ...]:
    return ("-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={number}")

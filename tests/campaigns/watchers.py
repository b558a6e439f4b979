"""Who watches what a run does to its files: one that has the system refuse, and one that keeps a trace.

Unaware of what is right: neither knows what a purchase is.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch

from banana_pipe.model import Attempt
from banana_pipe.providers.acedata import AceData
from banana_pipe.providers.base import Prepared
from banana_pipe.store.ledger import Ledger
from tests.campaigns.watched import Act, What, watching

_EVERYTHING: frozenset[What] = frozenset(
    ("open", "create", "write", "truncate", "sync", "sync folder", "rename", "remove", "mkdir", "rmdir", "chmod")
)
REFUSED: dict[int, frozenset[What]] = {
    errno.ENOSPC: frozenset(("create", "write", "sync", "rename", "mkdir")),
    errno.EIO: _EVERYTHING,
    errno.EROFS: _EVERYTHING - {"open", "sync", "sync folder"},
    errno.EMFILE: frozenset(("open", "create")),
}
"""What each of the system's errors can meet."""
PLACES = ("ledger", "results", "files")
TOLD = "/told-before-it-happens"
"""What `Killing` asks the system for before each act: it is nowhere, and stands in the trace of a tracer."""


def chances(met: Mapping[str, int], number: int, where: str) -> int:
    """How many of the acts that `Failing` *met* at that place could have met the error *number*."""
    return sum(met.get(f"{where} {what}", 0) for what in REFUSED[number])


def place_of(path: str) -> str:
    """Which of PLACES *path* belongs to: a database's files, or all others."""
    return "ledger" if "/ledger.db" in path else "results" if "/results/" in path else "files"


@dataclass(slots=True)
class Failing:
    """The system refuses, with *number*, the act *at* of those that can be refused so; *lasting*: and all later ones."""

    number: int
    at: int
    lasting: bool = False
    where: str = ""
    """Only there: see `place_of`; empty: everywhere."""
    count: int = 0
    hit: int = 0
    met: Counter[str] = field(default_factory=Counter)
    """How many acts of each kind there were at each of PLACES: see `chances`."""

    def before(self, act: Act) -> None:
        place = place_of(act.path)
        self.met[f"{place} {act.what}"] += 1
        if act.what not in REFUSED[self.number] or self.where not in ("", place):
            return
        self.count += 1
        if self.at and (self.count == self.at or (self.lasting and self.count > self.at)):
            self.hit += 1
            raise OSError(self.number, os.strerror(self.number))

    def after(self, act: Act) -> None:
        """What was done is done."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something besides files that happened then: `post` of a prompt, or `known` of an attempt's new state."""

    what: str
    about: str
    state: str = ""


@dataclass(slots=True)
class Killing:
    """The process dies before the act *at*; 0: it lives. Every act is told to whoever traces the process, too."""

    at: int
    count: int = 0

    def before(self, act: Act) -> None:
        os.access(TOLD, os.F_OK)
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self, act: Act) -> None:
        """What was done is done."""


class _Recording:
    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._turn = threading.Lock()

    def before(self, act: Act) -> None:
        """It is told when it was done."""

    def after(self, act: Act) -> None:
        data = base64.b64encode(act.data).decode()
        self._write([act.what, act.path, act.to, act.offset, data])

    def mark(self, mark: Mark) -> None:
        self._write([mark.what, mark.about, mark.state])

    def _write(self, line: list[Any]) -> None:
        with self._turn:
            self._file.write(json.dumps(line) + "\n")


@contextmanager
def recording(folder: Path, trace: Path) -> Iterator[None]:
    """Write to *trace* what is done below *folder*, with a mark before each POST and after each row that is known."""
    with open(trace, "w", encoding="utf-8") as file, ExitStack() as stack:
        recorder = _Recording(file)
        stack.enter_context(watching(folder, recorder))
        submit = AceData.submit

        async def submit_marked(self: AceData, call: Prepared, **more: Any) -> Any:
            recorder.mark(Mark("post", json.loads(call.body)["prompt"]))
            return await submit(self, call, **more)

        stack.enter_context(patch.object(AceData, "submit", submit_marked))
        for name in ("begin", "advance"):
            stack.enter_context(patch.object(Ledger, name, _marking(getattr(Ledger, name), recorder)))
        yield


def _marking(real: Callable[..., Awaitable[Attempt]], recorder: _Recording) -> Callable[..., Awaitable[Attempt]]:
    async def call(*told: Any, **more: Any) -> Attempt:
        attempt = await real(*told, **more)
        recorder.mark(Mark("known", attempt.id, attempt.state))
        return attempt

    return call


def read_trace(path: Path) -> list[Act | Mark]:
    """What `recording` wrote, in order."""
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    return [_told(line) for line in lines]


def _told(line: list[Any]) -> Act | Mark:
    if len(line) == len(("what", "about", "state")):
        return Mark(*line)
    what, path, to, offset, data = line
    return Act(what, path, to, offset, base64.b64decode(data))

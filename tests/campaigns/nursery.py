"""A process that has everything imported and nothing open, and forks a child for each errand.

Unaware of what the errands are about.

A child costs some milliseconds instead of half a second. It opens its own handles: the parent has
one thread, no event loop and no database. `Nursery` is the handle that tests hold; what they write
is a line of JSON with errands, what they read a line with how those ended.
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from PIL import Image

from tests.campaigns.errands import Ended, Errand, do
from tests.campaigns.meeting import Meeting

_ROOT = Path(__file__).absolute().parents[2]
_BUG = 99
_LAZY = (
    *("anyio._backends._asyncio", "anyio.streams.tls", "concurrent.futures.thread", "httpcore"),
    *("banana_pipe.providers.http", "banana_pipe.providers.transfer", "banana_pipe.outputs.report"),
)
"""What a run imports when it comes to it: each child would import it anew."""


class Nursery:
    """`with Nursery() as nursery: nursery.send(Errand(…))`; *inside* is a command that starts it somewhere else."""

    def __init__(self, inside: Sequence[str] = ()) -> None:
        self._inside = inside

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [*self._inside, sys.executable, "-m", "tests.campaigns.nursery"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    @property
    def pid(self) -> int:
        """Of the process that forks."""
        return self._process.pid

    def wait(self) -> None:
        """Until it is there, wherever it was started."""
        self.send_all([])

    def send(self, errand: Errand) -> Ended:
        """Have one child do *errand*."""
        return self.send_all([errand])[0]

    def send_all(self, errands: Sequence[Errand]) -> list[Ended]:
        """Have a child do each of *errands*, all of them at the same time."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([asdict(errand) for errand in errands]) + "\n")
        self._process.stdin.flush()
        return [_ended(**told) for told in json.loads(self._process.stdout.readline())]


def _ended(status: int, told: str) -> Ended:
    code = os.waitstatus_to_exitcode(status)
    assert code != _BUG, told
    return Ended(**json.loads(told)) if code == 0 else Ended(None, error=f"ended with {code}")


def _warm_up() -> None:
    """Do what every child would do first, as far as it opens nothing."""
    for name in _LAZY:
        importlib.import_module(name)
    Image.preinit()
    made = httpx.create_ssl_context(trust_env=False)  # reads all the world's authorities
    httpx.create_ssl_context = lambda **_: made


def _serve() -> None:
    _warm_up()
    for line in sys.stdin:
        assert threading.active_count() == 1, "whoever forks has one thread"
        told = _have_done([Errand(**described) for described in json.loads(line)])
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def _have_done(errands: Sequence[Errand]) -> list[dict[str, Any]]:
    held, gate = os.pipe()
    meeting = Meeting() if any(errand.leads for errand in errands) else None
    children = [_fork(errand, held, gate, meeting) for errand in errands]
    watchers = [_watch(pid, errand.strace) for errand, (pid, _) in zip(errands, children, strict=True) if errand.strace]
    if meeting is not None:
        meeting.watch()
    os.close(held)
    os.close(gate)  # all of them begin now
    told = _read_all([pipe for _, pipe in children])
    ended = [{"status": os.waitpid(pid, 0)[1], "told": told[pipe]} for pid, pipe in children]
    for watcher in watchers:
        watcher.communicate()
    return ended


def _watch(pid: int, told: Sequence[str]) -> subprocess.Popen[str]:
    """strace, as soon as it has the child in its hand."""
    command = ["strace", "-f", "-p", str(pid), *told]
    watcher = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert watcher.stderr
    said = watcher.stderr.readline()
    assert "attached" in said, said
    return watcher


def _fork(errand: Errand, held: int, gate: int, meeting: Meeting | None) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(gate)
    os.close(reading)
    os.dup2(2, 1)  # the answers' line is not for what a child prints
    code = _BUG
    try:
        os.read(held, 1)
        if meeting is not None:
            (meeting.lead if errand.leads else meeting.follow)()
        os.chdir(errand.cwd)
        told = json.dumps(asdict(do(errand, meeting=meeting)))
        code = 0
    except BaseException:  # noqa: BLE001 - a child never goes back into the parent's loop
        told = traceback.format_exc()
    with open(writing, "w") as pipe:
        pipe.write(told)
    os._exit(code)


def _read_all(pipes: Sequence[int]) -> Mapping[int, str]:
    """What comes through each of *pipes* until its end; none has to wait for another."""
    chunks: dict[int, list[bytes]] = {pipe: [] for pipe in pipes}
    with selectors.DefaultSelector() as waiting:
        for pipe in pipes:
            waiting.register(pipe, selectors.EVENT_READ)
        for pipe in _ready(waiting):
            chunk = os.read(pipe, 1 << 16)
            chunks[pipe].append(chunk)
            if not chunk:
                waiting.unregister(pipe)
                os.close(pipe)
    return {pipe: b"".join(read).decode() for pipe, read in chunks.items()}


def _ready(waiting: selectors.BaseSelector) -> Iterator[int]:
    while waiting.get_map():
        for key, _ in waiting.select():
            yield key.fd


if __name__ == "__main__":
    _serve()

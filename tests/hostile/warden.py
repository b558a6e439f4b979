"""Runs commands, each in a child of its own, and tells what it opened, whom it asked and how it ended.

Unaware of recipes. One JSON object a line: `argv`, `cwd`, `roots`, `terminal` in; `Told` out.

The children are forked, so that one does not import everything anew; their limits are the kernel's:
processor time, memory and file size, so that a slow machine fails nothing.
"""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CPU_SECONDS = 60
MEMORY = 1024 * 1024 * 1024
"""Bytes of address space above what the imports take."""
FILE_SIZE = 64 * 1024 * 1024
PATIENCE = 240
"""Seconds after which a child that waits for somebody is ended: nothing here has anybody to wait for."""

_READS = frozenset(["open", "os.listdir", "os.scandir"])
_SYSTEM = (
    "/dev/null",
    "/dev/urandom",
    "/dev/tty",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/proc/self",
    "/etc/mime.types",
)


class Guard:
    """Listens to what the interpreter does; keeps what is read outside *roots*, and every address asked for."""

    def __init__(self, roots: Sequence[str]) -> None:
        python = [sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path]
        # A user's own configuration is theirs, and read before any recipe is.
        own = [os.environ["XDG_CONFIG_HOME"]]
        self.roots = tuple(os.path.realpath(root) for root in (*roots, *own, *filter(None, python)))
        self.outside: list[str] = []
        self.asked: list[str] = []

    def hear(self, event: str, arguments: Sequence[Any]) -> None:
        if event in _READS and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if not path.startswith(_SYSTEM) and not any(Path(path).is_relative_to(root) for root in self.roots):
                self.outside.append(path)
        elif event == "socket.getaddrinfo":
            self.ask(str(arguments[0]))
        elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
            self.ask(str(arguments[1][0]))
        elif event in ("subprocess.Popen", "os.exec", "os.system", "os.posix_spawn"):
            self.outside.append(f"{event} {arguments[0]!r}")

    def ask(self, host: str) -> None:
        """Nobody is asked: a test that a name is resolved in would depend on the world."""
        if host not in ("127.0.0.1", "localhost"):
            self.asked.append(host)
            raise ConnectionRefusedError("the warden lets nobody out")


def main() -> None:
    """Serve lines until there are no more."""
    # Everything a command imports late, imported once.
    from banana_pipe.cli import group
    from banana_pipe.cli.commands import planning, reading, running  # noqa: F401
    from banana_pipe.providers import http  # noqa: F401
    from banana_pipe.providers.sandbox import app  # noqa: F401

    for line in sys.stdin:
        order = json.loads(line)
        sys.stdout.write(json.dumps(_served(group.run_command, order)) + "\n")
        sys.stdout.flush()


def _served(command: Any, order: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as told:
        pid = os.fork()
        if pid == 0:
            _child(command, order, out.fileno(), err.fileno(), told.fileno())
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        report = json.loads(_text(told) or "{}")
        return {"code": code, "out": _text(out), "err": _text(err), "outside": [], "asked": [], **report}


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode("utf-8", "backslashreplace"))


def _child(command: Any, order: dict[str, Any], out: int, err: int, told: int) -> None:
    code = 99
    try:
        os.chdir(order["cwd"])
        os.environ.update(order["env"])
        guard = Guard(order["roots"])
        _limit()
        if order["terminal"]:
            _on_a_terminal(out)
        else:
            os.dup2(out, 1)
            os.dup2(err, 2)
        # Those of the parent remember what kind of file they wrote to.
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.addaudithook(guard.hear)
        code = command(order["argv"])
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(told, json.dumps({"outside": guard.outside, "asked": guard.asked}).encode())
    except BaseException:  # noqa: BLE001 - it is told like what a command says
        os.write(err, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _limit() -> None:
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(PATIENCE)


def _on_a_terminal(out: int) -> None:
    """A child of the child goes on, on a terminal; what comes to that is copied to *out*."""
    pid, master = pty.fork()
    if pid == 0:
        return
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        os.write(out, data)
    _, status = os.waitpid(pid, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


if __name__ == "__main__":
    main()

"""A bug of ours: a short word of apology, and what is needed to mend it in a file.

Unaware of which command met it. The API token is in neither.
"""

from __future__ import annotations

import os
import platform
import secrets
import traceback
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from platformdirs import user_state_path

from banana_pipe import disk
from banana_pipe.cli.config import redact
from banana_pipe.cli.terminal import Paper, one_line
from banana_pipe.errors import StoreError
from banana_pipe.version import __version__

_LIBRARIES = ("click", "httpx", "diskcache", "jinja2", "pillow", "pyyaml", "starlette", "uvicorn")


def tell_bug(paper: Paper, bug: BaseException) -> str:
    """Write the traceback of *bug* to a file and say so; the message, without the token. BANANA_PIPE_DEBUG=1 shows it too."""
    trace = redact("".join(traceback.format_exception(bug)))
    message = one_line(redact(f"{type(bug).__name__}: {bug}"))
    paper.say(paper.styled("This is a bug in banana-pipe, sorry: ", "bold red") + message)
    if os.environ.get("BANANA_PIPE_DEBUG"):
        paper.say(trace)
    written = _written(f"{_versions()}\n\n{trace}")
    where = f"with the file {written}" if written else "with what BANANA_PIPE_DEBUG=1 shows"
    paper.say(f"  → please report it {where}; the API token is not in it")
    paper.say(f"  → {_versions(short=True)}")
    paper.say("  → what was paid is kept: once it is mended, the same command goes on")
    return message


def _written(text: str) -> Path | None:
    name = f"bug-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}.txt"
    path = user_state_path("banana-pipe") / name
    try:
        disk.write_file(path, text.encode("utf-8", "backslashreplace"), mode=0o600)
    except StoreError:
        return None
    return path


def _versions(*, short: bool = False) -> str:
    ours = f"banana-pipe {__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}"
    return ours if short else "\n".join([ours, *(f"{name} {_version(name)}" for name in _LIBRARIES)])


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "is missing"

"""`serve` as a process of its own.

Unaware of who calls it.
"""

from __future__ import annotations

import json
import resource
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.canary import CANARY
from tests.cli.conftest import start

IMAGES = "/nano-banana/images"
TASKS = "/nano-banana/tasks"


@dataclass(frozen=True, slots=True)
class Running:
    """A process that serves, and what it said first."""

    process: subprocess.Popen[str]
    said: Mapping[str, Any]

    def client(self) -> httpx.Client:
        """A plain client."""
        headers = {"authorization": f"Bearer {CANARY}"}
        return httpx.Client(base_url=self.said["base_url"], headers=headers, trust_env=False, timeout=60)


@contextmanager
def serve(cwd: Path, *more: str, files: int | None = None) -> Iterator[Running]:
    """The command as long as the block lasts, on a port that was free; it may have *files* open."""

    def confine() -> None:
        if files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    command = ("serve", "--port", "0", "--seconds", "0", "--json", *more)
    with start(*command, cwd=cwd, preexec_fn=confine) as process:
        try:
            assert process.stdout is not None
            yield Running(process, json.loads(process.stdout.readline()))
        finally:
            process.kill()

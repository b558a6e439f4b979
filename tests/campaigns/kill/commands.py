"""Errands done by the command as users type it, each in a process that is started for it.

Unaware of what the errands are about.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.campaigns.errands import Ended, Errand
from tests.campaigns.nursery import Nursery
from tests.canary import CANARY

_ROOT = Path(__file__).parents[3]
_UNUSUAL = 97
"""No exit code of the command is larger than this."""


class Shell(Nursery):
    """Does what a nursery does, by `banana-pipe run RECIPE --json`. Killed by SIGKILL where an errand says `kill_after`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    def send_all(self, errands: Sequence[Errand]) -> list[Ended]:
        with ThreadPoolExecutor(len(errands)) as pool:
            return list(pool.map(_typed, errands))


def _typed(errand: Errand) -> Ended:
    command = [sys.executable, "-m", "banana_pipe", "run", errand.recipe, "--json"]
    command += [f"--{name.replace('_', '-')}" for name, given in errand.consent.items() if given]
    process = subprocess.Popen(
        command, cwd=errand.cwd, env=_environment(errand), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        told, said = process.communicate(timeout=errand.kill_after or None)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Ended(None)
    assert 0 <= process.returncode < _UNUSUAL, said
    assert "Traceback" not in said, said
    return Ended(process.returncode, error=said, answer=json.loads(told or "{}"))


def _environment(errand: Errand) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(_ROOT),
        "ACEDATACLOUD_API_TOKEN": CANARY,
        "ACEDATACLOUD_API_BASE_URL": errand.base_url,
        "BANANA_PIPE_POLL_SECONDS": "0.05",
        "BANANA_PIPE_SETTLE_SECONDS": "0.2",
    }

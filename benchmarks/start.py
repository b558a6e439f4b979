"""How long `banana-pipe --version` takes, as a multiple of `python -c "import click"`.

Unaware of everything but the command line. Pairs of runs in turn, the median of their ratios.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

GOAL = 2.5
_PAIRS = 15


def main() -> None:
    """Print the ratio, and beside it what `--help` takes."""
    floor = [sys.executable, "-c", "import click"]
    for option in ("--version", "--help"):
        ratio = _ratio([sys.executable, "-m", "banana_pipe", option], floor)
        goal = f" (goal: at most {GOAL})" if option == "--version" else ""
        print(f'start: banana-pipe {option} / python -c "import click" = {ratio:.2f}{goal}')


def _ratio(command: list[str], floor: list[str]) -> float:
    _seconds(command), _seconds(floor)
    return statistics.median(_seconds(command) / _seconds(floor) for _ in range(_PAIRS))


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began

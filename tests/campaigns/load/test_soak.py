"""A long run of everything at once: ten calls at a time, one in a hundred of each fault, for half an hour.

Unaware of what goes wrong: bill, pictures, open files and memory are looked at, in a process of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns.load.soak import Sample
from tests.campaigns.score import Line, Tell

_ROOT = Path(__file__).absolute().parents[3]
SHORT = 0.0
"""One round."""
LONG = float(os.environ.get("CAMPAIGN_SOAK_SECONDS", "1800"))
MOST_MIB_IN_TEN_MINUTES = 1.0
_TEN_MINUTES = 600.0
ONE_HEAP = {"PYTHONMALLOC": "malloc", "MALLOC_ARENA_MAX": "1"}
"""One heap for all threads, and nothing but it: then the C library's books know of every byte. With a heap for each
thread, as glibc has it else, resident memory creeps for hours while all that is held stays the same to 0.1 MiB: short-
lived threads leave holes in one heap after the other, some 20 MiB that are free."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="open files are counted in /proc")


def _soaked(seconds: float, folder: Path, manner: str) -> tuple[dict[str, Any], list[Sample]]:
    command = [sys.executable, "-m", "tests.campaigns.load.soak", str(seconds), str(folder), manner]
    ended = subprocess.run(
        command, cwd=_ROOT, env={**os.environ, **ONE_HEAP}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    return told, [Sample(**sample) for sample in told["samples"]]


def slope(samples: Sequence[Sample], size: Callable[[Sample], float] = lambda sample: sample.mib) -> float:
    """By how many MiB memory grows in ten minutes, in the second half: before it, things are still being imported
    and pools filled. Theil and Sen's: the middle of the slopes between all pairs, that no peak can bend."""
    late = samples[len(samples) // 2 :]
    pairs = [(one, other) for place, one in enumerate(late) for other in late[place + 1 :]]
    return _TEN_MINUTES * statistics.median((size(b) - size(a)) / (b.seconds - a.seconds) for a, b in pairs)


def _line(told: dict[str, Any], what: str, figure: str) -> Line:
    wrong = told["verdict"]
    twice, lost, corrupt = (len(wrong[way]) for way in ("charged_twice", "lost", "corrupt"))
    first = f"{told['runs']} runs, {told['posts']:,} POSTs for {told['requests']:,} requests"
    return Line(9, what, told["requests"], twice, lost, corrupt, f"{first}, {figure}")


def _wrong(told: dict[str, Any]) -> list[str]:
    return [words for way in told["verdict"].values() for words in way]


def test_a_little_of_everything_at_once_charges_nothing_twice(quick_folder: Path, tell: Tell) -> None:
    """Forty pictures, ten at a time, one in fifty of every fault there is."""
    told, samples = _soaked(SHORT, quick_folder, "small")
    tell(
        _line(told, "soak in small, ten at once, 2 % of each fault", f"{samples[-1].open_files} files open at the end")
    )
    assert _wrong(told) == []
    assert told["posts"] > told["requests"]


@pytest.mark.campaign
def test_half_an_hour_leaves_neither_files_open_nor_memory_behind(quick_folder: Path, tell: Tell) -> None:
    """Nothing double, no more files open than before, and memory that does not grow."""
    told, samples = _soaked(LONG, quick_folder, "large")
    growth = slope(samples)
    half = len(samples) // 2
    early, late = (statistics.median(sample.open_files for sample in part) for part in (samples[:half], samples[half:]))
    held = slope(samples, lambda sample: sample.held)
    figure = f"{early:g} files open, then {late:g}; in ten minutes {growth:+.2f} MiB resident, {held:+.2f} MiB held"
    tell(_line(told, f"soak of {samples[-1].seconds / 60:.0f} minutes, ten at once, 1 % of each fault", figure))
    assert _wrong(told) == []
    assert late <= early, samples
    assert growth < MOST_MIB_IN_TEN_MINUTES, samples
    assert held < MOST_MIB_IN_TEN_MINUTES, samples


def test_the_measure_sees_a_leak_and_no_peak() -> None:
    """A harness that finds nothing is worth what it could find."""
    leaking = [Sample(60.0 * minute, 8, 70 + 0.2 * minute, 50 + 0.1 * minute) for minute in range(30)]
    still = [Sample(60.0 * minute, 8, 70 + 20 * (minute == 22), 50) for minute in range(30)]
    assert slope(leaking) == pytest.approx(2.0)
    assert slope(leaking, lambda sample: sample.held) == pytest.approx(1.0)
    assert slope(still) == 0

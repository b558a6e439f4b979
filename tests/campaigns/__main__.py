"""The whole proof by one command: `python -m tests.campaigns [--seed N] [--part N …] [--at-once N] [--short]`.

Unaware of what the campaigns try: it has pytest run them part by part, and prints their lines as one page.
Tests marked `alone` measure how fast something is, and come last, when nothing else runs.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.campaigns import score

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_LONGEST = 9
"""The part that mostly waits: the others can run beside it, so it begins first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one part went. `passed` is None where nothing is there to be run."""

    part: int
    passed: bool | None
    lines: Sequence[score.Line]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts, print the report; 1 if anything failed."""
    told = _arguments(argv)
    parts = sorted(told.part or score.PARTS, key=lambda part: part != _LONGEST)
    began = time.monotonic()
    with ThreadPoolExecutor(told.at_once) as lanes:
        together = list(lanes.map(partial(_run, seed=told.seed, short=told.short), parts))
    alone = [_run(part, told.seed, short=told.short, alone=True) for part in parts]
    outcomes = sorted(map(_both, together, alone), key=lambda outcome: outcome.part)
    minutes = (time.monotonic() - began) / 60
    page = _page(outcomes, f"The {'short' if told.short else 'full'} forms, seed {told.seed}", minutes)
    sys.stdout.write(page)
    if told.out is not None:
        told.out.write_text(page, encoding="utf-8")
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns", description="Try to break every promise.")
    parser.add_argument("--seed", type=int, default=1, help="of whatever is drawn by lot (default: 1)")
    parser.add_argument("--part", type=int, action="append", choices=list(score.PARTS), help="only this one")
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="parts at the same time (default: 1)")
    parser.add_argument("--short", action="store_true", help="the short forms, as they run with all tests")
    parser.add_argument("--out", type=Path, help="write the report to this file, too")
    return parser.parse_args(argv)


def _run(part: int, seed: int, *, short: bool, alone: bool = False) -> Outcome:
    folder = _HERE / score.PARTS[part][1]
    if not folder.is_dir():
        return Outcome(part, None, ())
    form = "not campaign" if short else "(campaign or both)"
    with tempfile.TemporaryDirectory() as scratch:
        lines = Path(scratch) / "lines.jsonl"
        marks = f"{form} and {'alone' if alone else 'not alone'}"
        command = [sys.executable, "-m", "pytest", "-q", "-m", marks, str(folder)]
        environment = {**os.environ, "CAMPAIGN_SEED": str(seed), score.REPORT: str(lines)}
        ended = subprocess.run(command, cwd=_ROOT, env=environment, check=False).returncode
        # Most parts have nothing that must be alone.
        passed = ended == pytest.ExitCode.OK or (alone and ended == pytest.ExitCode.NO_TESTS_COLLECTED)
        return Outcome(part, passed, score.read(lines))


def _both(together: Outcome, alone: Outcome) -> Outcome:
    """One part whose tests ran in two goes."""
    passed = together.passed and alone.passed
    return Outcome(together.part, passed, [*together.lines, *alone.lines])


def _page(outcomes: Sequence[Outcome], form: str, minutes: float) -> str:
    """The report: a table of all lines, and what they add up to."""
    lines = [line for outcome in outcomes for line in outcome.lines]
    rows = [row for outcome in outcomes for row in _rows(outcome)]
    twice, lost, corrupt = (sum(getattr(line, way) for line in lines) for way in ("charged_twice", "lost", "corrupt"))
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return "\n".join(
        [
            f"# {sum(line.cases for line in lines):,} cases, {twice} charged twice, {lost} lost, {corrupt} corrupt",
            "",
            f"{form}; {machine}, SQLite {sqlite3.sqlite_version}; {minutes:.0f} minutes.",
            "",
            "| part | what was tried | cases | charged twice | lost | corrupt | figures |",
            "|---|---|--:|--:|--:|--:|---|",
            *rows,
            "",
        ]
    )


def _rows(outcome: Outcome) -> list[str]:
    """The lines of one part; its name stands at the first, with a word where it did not pass."""
    name = f"{outcome.part} {score.PARTS[outcome.part][0]}"
    if outcome.passed is not True:
        name += ": **not there**" if outcome.passed is None else ": **FAILED**"
    rows = [
        f"{line.what} | {line.cases:,} | {line.charged_twice} | {line.lost} | {line.corrupt} | {line.figure} |"
        for line in outcome.lines
    ]
    return [f"| {name if number == 0 else ''} | {row}" for number, row in enumerate(rows or ["– | 0 | | | | |"])]


if __name__ == "__main__":
    sys.exit(main())

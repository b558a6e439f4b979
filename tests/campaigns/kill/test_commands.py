"""Real command lines, killed at a moment drawn by lot, then typed again.

Unaware of what they are doing then.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.campaigns.kill.commands import Shell
from tests.campaigns.kills import SCENES, Case, Manner, Station, try_all
from tests.campaigns.projects import seed
from tests.campaigns.score import Line, Tell

SHORT, LONG = 2, 50
SLOW = Manner(delay=0.3)
"""Who dies while its call is under way cannot know what came of it."""


@pytest.fixture
def shells(quick_folder: Path) -> Iterator[list[Station]]:
    """Stations whose nurseries are shells."""
    with ExitStack() as stack:
        folders = [Path(tempfile.mkdtemp(prefix="typed-", dir=quick_folder)) for _ in range(2)]
        yield [stack.enter_context(Station(folder, Shell())) for folder in folders]


def test_a_command_that_was_killed_is_typed_again(shells: list[Station], tell: Tell) -> None:
    """What it had paid for is not paid again, and all is there."""
    _try(SHORT, shells, tell)


@pytest.mark.campaign
def test_fifty_rounds(shells: list[Station], tell: Tell) -> None:
    """The same, for longer."""
    _try(LONG, shells, tell)


def _try(rounds: int, shells: list[Station], tell: Tell) -> None:
    lot, span = random.Random(seed()), _span(shells[0])
    scenes = lot.sample(SCENES, min(rounds, len(SCENES))) + lot.choices(SCENES, k=max(0, rounds - len(SCENES)))
    # Where it takes half of its time to start, kills are drawn from the other half.
    cases = [Case(replace(scene, manner=SLOW), (lot.uniform(span / 4, span),), "kill_after") for scene in scenes]
    report = try_all(cases, shells)
    figure = f"{report.killed} killed, {report.parked} in doubt without a listing"
    tell(Line(1, "command lines, killed at any moment", report.cases, *report.verdict.counts, figure))
    assert not report.verdict.wrong, "\n".join(report.verdict.wrong)
    assert report.killed >= rounds // 2


def _span(shell: Station) -> float:
    """The seconds of the shortest command that nobody kills."""
    project = shell.project(replace(SCENES[0], manner=SLOW))
    began = time.monotonic()
    assert shell.nursery.send(project.errand(shell.vendor)).exit_code == 0
    return time.monotonic() - began

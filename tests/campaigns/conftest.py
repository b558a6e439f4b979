"""Stations for campaigns: started once, since a vendor and a nursery take a second each. And where they tell.

Unaware of what is tried there.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.campaigns import score
from tests.campaigns.kills import Station
from tests.campaigns.nursery import Nursery
from tests.canary import CANARY
from tests.conftest import files_with
from tests.vendor.fixture import vendor

__all__ = ["vendor"]

_IN_MEMORY = Path("/dev/shm")


@pytest.fixture(scope="session")
def quick_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory, where the system has one: a process that is killed takes nothing along from there either."""
    if not os.access(_IN_MEMORY, os.W_OK):
        yield tmp_path_factory.mktemp("campaigns")
        return
    folder = Path(tempfile.mkdtemp(prefix="banana-pipe-tests-", dir=_IN_MEMORY))
    yield folder
    shown = files_with(CANARY, folder)
    shutil.rmtree(folder)
    assert not shown, f"the API token was written to {shown}"


@pytest.fixture(scope="session")
def stations(quick_folder: Path) -> Iterator[list[Station]]:
    """Two places to try things at the same time."""
    with ExitStack() as stack:
        yield [stack.enter_context(Station(quick_folder / str(number))) for number in range(2)]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Children at once."""
    with Nursery() as running:
        yield running


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """What is skipped stands in the report that is being made, too: nobody is to take it for tried."""
    if report.skipped and isinstance(report.longrepr, tuple):
        score.add_skipped(report.nodeid, str(report.longrepr[-1]))


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> score.Tell:
    """Show a line of the report, and add it to the one that is being made."""

    def show(line: score.Line) -> None:
        score.add(line)
        with capsys.disabled():
            sys.stdout.write(f"\n{line}\n")

    return show

"""The page that a campaign ends with says what was tried, and what was not.

Unaware of what the campaigns try.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns import score
from tests.campaigns.__main__ import Outcome, _page
from tests.campaigns.conftest import pytest_runtest_logreport

PLACE = "tests/campaigns/kill/test_strace.py::test_every_call_of_the_system"


def skipped(test: str, reason: str) -> pytest.TestReport:
    """As pytest tells of a test that was skipped."""
    return pytest.TestReport(test, ("", 0, ""), {}, "skipped", ("", 1, reason), "setup")


def test_what_was_skipped_stands_in_the_report_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool that is not there leaves a gap, and a gap is told."""
    monkeypatch.setenv(score.REPORT, str(tmp_path / "lines"))
    pytest_runtest_logreport(skipped(PLACE, "Skipped: strace is not there"))
    pytest_runtest_logreport(skipped("tests/test_disk.py::test_x", "Skipped: no"))
    (line,) = score.read(tmp_path / "lines")
    assert (line.part, line.cases) == (1, 0)
    page = _page([Outcome(1, True, [line])], "The full forms, seed 7", 60.0)
    assert "| 1 Kill | **not tried**: every call of the system | 0 | 0 | 0 | 0 | Skipped: strace is not there |" in page

"""A process that is suspended between its intent and its POST does not post when it wakes: it begins anew.

Unaware of clocks: the vendor's books say what came, the ledger's rows what was meant.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from banana_pipe.clock import SystemClock
from tests.campaigns.errands import Ended
from tests.campaigns.http.test_schedules import Story
from tests.campaigns.projects import ONE, Project, judge
from tests.campaigns.score import Line, Tell
from tests.canary import CANARY
from tests.vendor import Vendor

_ROOT = Path(__file__).absolute().parents[3]
START = 1.0
"""Seconds within which the POST has to begin, in place of ten."""


def _slept(where: str, project: Project, vendor: Vendor, start: float) -> tuple[Ended, list[dict[str, Any]]]:
    """Run *project* by a process that sleeps longer than START, and then the ledger's rows."""
    errand = json.dumps(asdict(project.errand(vendor, pace={"start": start})))
    command = [sys.executable, "-m", "tests.campaigns.http.sleeper", where, errand]
    clock = SystemClock()
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "it ended before it could sleep"
        until = clock.boot() + START + 0.1
        while (left := until - clock.boot()) > 0:
            time.sleep(left)
        assert vendor.posts == []
        process.send_signal(signal.SIGCONT)
        told, _ = process.communicate()
    return Ended(**json.loads(told)), Story(project, vendor).rows()


@pytest.mark.both
@pytest.mark.parametrize("where", ["intent", "connected"])
def test_who_slept_between_intent_and_post_does_not_post_late(tmp_path: Path, tell: Tell, where: str) -> None:
    """The attempt ends itself as not sent, another one begins with an intent of its own: one POST, one charge."""
    project = Project.make(tmp_path / "shop", ONE)
    with Vendor(token=CANARY) as vendor:
        ended, rows = _slept(where, project, vendor, START)
        assert ended.exit_code == 0, ended
        *first, last = [row["state"] for row in rows]
        assert (set(first), last) == ({"NOT_SENT"}, "STORED")
        tell(Line(4, f"a process that was suspended at {where}", 1, charged_twice=len(vendor.posts) - 1))
        assert len(vendor.posts) == 1
        assert judge(project, vendor).wrong == []


def test_who_may_take_its_time_posts_late(tmp_path: Path) -> None:
    """A harness that finds nothing is worth what it could find: without the limit the first intent is sent."""
    project = Project.make(tmp_path / "shop", ONE)
    with Vendor(token=CANARY) as vendor:
        _, (row,) = _slept("connected", project, vendor, start=10_000.0)
        (post,) = vendor.posts
        assert row["state"] == "STORED"
        assert post.at - row["created_at"] > START

"""Ctrl-C once and twice, in a real process. Unaware of how a run stops."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import in_process, start
from tests.vendor.fixture import env_for
from tests.vendor.server import Vendor

RUN = ("run", "recipes/small.yaml", "--json")
NEVER = 3600.0


def begun(process: subprocess.Popen[str], vendor: Vendor, project: Path) -> None:
    """Come back once a call of the run is accepted, and that is in the ledger."""
    ledger = f"file:{project / 'cache' / 'ledger.db'}?mode=ro"
    while process.poll() is None:
        if vendor.posts:
            with sqlite3.connect(ledger, uri=True) as connection:
                if connection.execute("SELECT COUNT(*) FROM attempts WHERE state = 'ACCEPTED'").fetchone()[0]:
                    return
    raise AssertionError(process.communicate())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_one_collects_what_is_accepted_and_sends_nothing_new(
    project: Path, vendor: Vendor, number: signal.Signals
) -> None:
    """Exit 130, a line that says what happens, and the next run goes on."""
    vendor.behave(delay=NEVER)
    with start(*RUN, cwd=project, env=env_for(vendor)) as process:
        begun(process, vendor, project)
        process.send_signal(number)
        assert process.stderr is not None
        while "stopping: nothing new is sent" not in (line := process.stderr.readline()):
            assert line, "the process ended without a word"
        vendor.advance(NEVER)
        out, _ = process.communicate()
    assert process.returncode == 130
    value = json.loads(out)
    assert value["status"] == "interrupted"
    assert [node["status"] for node in value["nodes"]] == ["done", "waiting", "waiting"]
    vendor.behave(delay=0.0)
    assert in_process(*RUN, cwd=project, env=env_for(vendor)).code == 0
    assert len(vendor.charges) == 3


def test_the_second_one_leaves_at_once(project: Path, vendor: Vendor) -> None:
    """Exit 130, a line that says how to go on, and the next run collects what was accepted."""
    vendor.behave(delay=NEVER)
    with start(*RUN, cwd=project, env=env_for(vendor)) as process:
        begun(process, vendor, project)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "stopping" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    said = "left at once: 1 call under way, and what is accepted is paid; to collect it and go on: banana-pipe run"
    assert f"{said} recipes/small.yaml\n" in err
    assert json.loads(out)["error"]["kind"] == "interrupted"
    vendor.advance(NEVER)
    vendor.behave(delay=0.0)
    assert in_process(*RUN, cwd=project, env=env_for(vendor)).code == 0
    assert len(vendor.charges) == 3


def test_a_reroll_collects_and_picks_what_is_accepted_too(project: Path, vendor: Vendor) -> None:
    """One more take is paid like any other: it is not left for a later run to find, unpicked."""
    assert in_process(*RUN, cwd=project, env=env_for(vendor)).code == 0
    vendor.behave(delay=NEVER)
    with start("reroll", "recipes/small.yaml", "base", "--json", cwd=project, env=env_for(vendor)) as process:
        begun(process, vendor, project)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "stopping: nothing new is sent" not in (line := process.stderr.readline()):
            assert line, "the process ended without a word"
        vendor.advance(NEVER)
        out, _ = process.communicate()
    assert process.returncode == 130
    (take,) = json.loads(out)["takes"]
    assert (take["take"], take["status"]) == (2, "done")
    assert '"pick": 2' in (project / "recipes" / "small.lock").read_text()

"""The sandbox's server under load: what it holds, and that slow clients keep nobody out.

Unaware of how it is served. Answers are checked in every form; times are figures, and only the long form,
on a machine that has nothing else to do, holds them to what was promised.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns.score import Line, Tell
from tests.cli.conftest import ROOT, environment
from tests.serving.process import Running, serve

CONNECTIONS = 100
PROMISED_PAIRS = 300
"""Submits a second, and polls a second."""
PROMISED_P99 = 250.0
"""Milliseconds."""


def load(running: Running, **told: float) -> dict[str, Any]:
    """What the generator measured; *told* are its options."""
    options = [f"--{name}={value}" for name, value in told.items()]
    done = subprocess.run(_command("generator", running, *options), **_process(), check=True)
    return dict(json.loads(done.stdout))


@contextmanager
def slow(running: Running, count: int) -> Iterator[list[int]]:
    """*count* slow clients as long as the block lasts; how often they were cut off stands in the list then."""
    cut_off: list[int] = []
    command = _command("slow", running, f"--count={count}")
    with subprocess.Popen(command, stdin=subprocess.PIPE, **_process()) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "there\n"
            yield cut_off
            out, _ = process.communicate("")
            cut_off.append(int(out))
        finally:
            process.kill()


def _command(module: str, running: Running, *options: str) -> list[str]:
    port = running.said["port"]
    return [sys.executable, "-m", f"tests.campaigns.load.{module}", f"--port={port}", *options]


def _process() -> dict[str, Any]:
    return {"cwd": ROOT, "env": environment(None), "text": True, "stdout": subprocess.PIPE}


def spent(running: Running) -> float | None:
    """Seconds of a processor that the server has taken so far, where the system tells."""
    stat = Path(f"/proc/{running.process.pid}/stat")
    if not stat.exists():
        return None
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _figure(measured: dict[str, Any], cpu: float | None = None) -> str:
    words = f"{measured['per_second']:.0f} requests/s, p50 {measured['p50_ms']:.0f} ms, p99 {measured['p99_ms']:.0f} ms"
    return words if cpu is None else f"{words}, {1000 * cpu:.2f} ms of a core each"


def _busy() -> bool:
    return os.getloadavg()[0] > 0.5 * (os.cpu_count() or 1)


def test_a_hundred_connections_submit_and_poll(tmp_path: Path, tell: Tell) -> None:
    """Every answer is right; what it took is a figure."""
    with serve(tmp_path) as running:
        measured = load(running, connections=CONNECTIONS, seconds=3, rate=2 * PROMISED_PAIRS)
    assert (measured["wrong"], measured["first_wrong"]) == (0, "")
    assert measured["requests"] >= CONNECTIONS
    tell(Line(9, "submits and polls at 100 connections", measured["requests"], figure=_figure(measured)))


def test_slow_clients_keep_nobody_out(tmp_path: Path, tell: Tell) -> None:
    """Five kinds of slowness, 100 in all, which is more than a server that may open 128 files lets in."""
    with serve(tmp_path, files=128) as running, slow(running, 100):
        measured = load(running, connections=10, seconds=1, rate=100)
    assert (measured["wrong"], measured["first_wrong"]) == (0, "")
    tell(Line(9, "the same beside 100 slow sockets", measured["requests"], figure=_figure(measured)))


@pytest.mark.alone
@pytest.mark.campaign
def test_the_server_holds_what_is_promised(tmp_path: Path, tell: Tell) -> None:
    """300 submits and 300 polls a second at 100 connections: no wrong answer, p99 below 250 ms, half a core to spare."""
    busy = _busy()
    with serve(tmp_path) as running:
        before = spent(running)
        measured = load(running, connections=CONNECTIONS, seconds=60, rate=2 * PROMISED_PAIRS)
        after = spent(running)
        most = load(running, connections=CONNECTIONS, seconds=30)
    cpu = None if before is None or after is None else (after - before) / measured["requests"]
    place = " on a busy machine" if busy else ""
    tell(Line(9, f"300 submits and 300 polls a second{place}", measured["requests"], figure=_figure(measured, cpu)))
    tell(Line(9, f"as many as go{place}", most["requests"], figure=_figure(most)))
    assert (measured["wrong"], most["wrong"]) == (0, 0)
    assert cpu is None or cpu * 2 * PROMISED_PAIRS < 1
    if not busy:
        assert measured["per_second"] > 0.95 * 2 * PROMISED_PAIRS
        assert measured["p99_ms"] < PROMISED_P99


@pytest.mark.alone
@pytest.mark.campaign
def test_a_thousand_slow_clients_keep_nobody_out(tmp_path: Path, tell: Tell) -> None:
    """Each comes again when it is cut off, for half a minute: past every deadline, and twice as many as are let in."""
    with serve(tmp_path) as running, slow(running, 1000) as cut_off:
        measured = load(running, connections=20, seconds=30, rate=100)
    figure = f"{_figure(measured)}; cut off {cut_off[0]:,} times"
    tell(Line(9, "the same beside 1,000 slow sockets", measured["requests"], figure=figure))
    assert (measured["wrong"], measured["first_wrong"]) == (0, "")

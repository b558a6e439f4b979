"""The guards of `conftest`: each is shown something to catch.

Unaware of the program.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.canary import CANARY
from tests.conftest import NOBODY, YouForgotToFakeTheNetwork, files_with

# A documentation address (RFC 5737): even without the guard nobody would answer.
ELSEWHERE = ("192.0.2.1", 443)


def test_a_test_cannot_connect_elsewhere() -> None:
    """The vendor is out of reach however the test, or the code under it, goes about it."""
    with socket.socket() as plain:
        plain.settimeout(0.1)
        with pytest.raises(YouForgotToFakeTheNetwork):
            plain.connect(ELSEWHERE)
        with pytest.raises(YouForgotToFakeTheNetwork):
            plain.connect_ex(ELSEWHERE)


def test_a_test_cannot_look_up_names_elsewhere() -> None:
    """Not even a name leaves the machine."""
    with pytest.raises(YouForgotToFakeTheNetwork):
        socket.getaddrinfo("api.acedata.cloud", 443)


def test_the_event_loop_is_guarded_too() -> None:
    """asyncio has its own way to connect."""
    with pytest.raises(YouForgotToFakeTheNetwork):
        asyncio.run(asyncio.open_connection(*ELSEWHERE))


def test_loopback_is_open() -> None:
    """Real servers on this machine are what tests talk to."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_a_child_has_neither_token_nor_vendor() -> None:
    """What a test starts inherits the guarded environment."""
    script = "import os; print({k: v for k, v in os.environ.items() if 'ACEDATA' in k})"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == str({"ACEDATACLOUD_API_BASE_URL": NOBODY})


def test_the_home_is_nobodys(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No user's configuration reaches a test."""
    assert Path.home().parent == tmp_path_factory.getbasetemp()
    assert Path(os.environ["XDG_CONFIG_HOME"]) == Path.home()


def test_the_canary_is_found_in_text_databases_and_names(tmp_path: Path) -> None:
    """A scan that finds nothing is worth what it could find."""
    log = tmp_path / "deep" / "run.jsonl"
    log.parent.mkdir()
    log.write_text(f'{{"header": "Bearer {CANARY}"}}\n', encoding="utf-8")
    database = tmp_path / "ledger.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE attempts (note TEXT)")
        connection.execute("INSERT INTO attempts VALUES (?)", (CANARY,))
    connection.close()
    named = tmp_path / CANARY
    named.touch()
    innocent = tmp_path / "out.png"
    innocent.write_bytes(b"\x89PNG")
    try:
        assert files_with(CANARY, tmp_path) == sorted([log, database, named])
    finally:
        for path in (log, database, named):
            path.unlink()

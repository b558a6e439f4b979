"""What the vendor says, and the token: neither moves a terminal, nor stays behind where it must not.

Unaware of how words are cleaned. tests/hostile has the recipes; here they are counted.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from banana_pipe.cli.config import read_token
from tests.campaigns.score import Line, Tell
from tests.canary import CANARY
from tests.conftest import files_with
from tests.hostile.conftest import Stranger, stranger, warden
from tests.hostile.test_terminal import EVIL, escaped, harmless
from tests.vendor import Fault, Vendor
from tests.vendor.behaviour import FOREVER
from tests.vendor.fixture import env_for, vendor

__all__ = ["stranger", "vendor", "warden"]

ENVELOPES: dict[str, tuple[int, Callable[[str], object]]] = {
    "a refusal": (
        403,
        lambda words: {"success": False, "error": {"code": "forbidden", "message": words}, "trace_id": words},
    ),
    "another code": (400, lambda words: {"success": False, "error": {"code": f"bad_{words}", "message": words}}),
    "a bare string": (402, lambda words: {"success": False, "error": words, "trace_id": "t"}),
    "no envelope": (418, lambda words: {words: words, "detail": words}),
    "a page": (502, lambda words: f"<html>{words}</html>"),
}


def _answer(status: int, body: object) -> str:
    text = body if isinstance(body, str) else json.dumps(body)
    data = text.encode()
    head = f"HTTP/1.1 {status} No\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\nconnection: close\r\n\r\n"
    return head + data.decode("latin-1")


@pytest.mark.both
@pytest.mark.parametrize("name", ENVELOPES)
def test_no_word_of_the_vendor_moves_a_terminal_or_sings_the_token(
    stranger: Stranger, vendor: Vendor, name: str, tell: Tell
) -> None:
    """On the terminal, in the log, on the page, in the manifest, in the lock and in the pages of SQLite."""
    status, envelope = ENVELOPES[name]
    words = f"{''.join(EVIL.values())} Authorization: Bearer {CANARY} {CANARY}{CANARY}"
    vendor.fault("submit", Fault("raw", sent=_answer(status, envelope(words)), times=FOREVER))
    stranger.env |= env_for(vendor)
    prompt = escaped("".join(EVIL.values()))
    stranger.write("recipe.yaml", f'steps: {{a: {{matrix: {{v: ["{prompt}"]}}, generate: "fox {{{{ v }}}}"}}}}\n')
    told = [stranger.pipe("run", "recipe.yaml", "--yes", "--allow-unpriced", terminal=True) for _ in range(2)]
    told += [stranger.pipe("ledger", "show", "recipe.yaml", terminal=True)]
    written = [path for path in stranger.folder.rglob("*") if path.suffix in (".jsonl", ".json", ".lock", ".html")]
    moved = [path.name for path in written if _acts(path.read_text("utf-8"))]
    sung = [path.name for path in files_with(CANARY, stranger.folder)]
    tell(Line(8, f"control characters and the token in {name}", len(EVIL) * 2, corrupt=len(moved) + len(sung)))
    for one in told:
        assert CANARY not in one.said
        assert one.code in range(7)
        harmless(replace(one, code=0))
    assert any(path.suffix == ".jsonl" for path in written)
    assert not sung
    assert not moved


def _acts(text: str) -> bool:
    """Whether a terminal that is shown *text* would do anything but show it."""
    return any(unicodedata.category(letter) == "Cc" and letter != "\n" for letter in text)


def _in_a_row(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (?)", (f"said: {CANARY}",))


def _deleted(database: Path) -> None:
    _in_a_row(database)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("DELETE FROM t")


def _waiting(database: Path) -> None:
    """In the log beside it alone: the writer is gone before it moved its pages."""
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA journal_mode=WAL');"
        "c.execute('CREATE TABLE t (x)'); c.execute('INSERT INTO t VALUES (?)', (sys.argv[2],)); c.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(database), CANARY], check=True)


@pytest.mark.parametrize(("plant", "where"), [(_in_a_row, "a.db"), (_deleted, "a.db"), (_waiting, "a.db-wal")])
def test_a_token_in_a_page_of_sqlite_is_found(quick_folder: Path, plant: Callable[[Path], None], where: str) -> None:
    """In a row, in a page that a deleted row left behind, and in the log beside the file: what looks through all
    that the tests leave looks at bytes, so it sees what SQL no longer shows."""
    folder = quick_folder / f"planted-{plant.__name__}"
    folder.mkdir()
    plant(folder / "a.db")
    found = [path.name for path in files_with(CANARY, folder)]
    for path in folder.iterdir():
        path.unlink()
    assert where in found


@pytest.mark.parametrize("place", ["..", "sub", "out", "cache", "photos", "../other"])
def test_an_env_file_counts_only_in_the_projects_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Neither one above, nor one below, nor one where the command is called."""
    root = tmp_path / "home" / "project"
    elsewhere = root / place
    for folder in (root, elsewhere):
        folder.mkdir(parents=True, exist_ok=True)
    (elsewhere / ".env").write_text("ACEDATACLOUD_API_TOKEN=of-somebody-else\n", encoding="utf-8")
    monkeypatch.chdir(elsewhere)
    assert read_token(root) is None


@pytest.mark.campaign
def test_the_hostile_recipes_are_counted(tell: Tell) -> None:
    """Those of tests/hostile, each in a guarded child: nothing read or written outside, no traceback, no long wait."""
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "tests/hostile"]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    found = {
        word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", ended.stdout.splitlines()[-1])
    }
    tell(
        Line(8, "hostile recipes and files", sum(found.values()), corrupt=sum(found.values()) - found.get("passed", 0))
    )
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert found["passed"] >= 40

"""The model believes no sync that the system was not asked for.

Unaware of power cuts. What SQLite syncs besides its files (a new journal's name, a journal's removal) is told to a
watcher from what its source says: here it is compared with what the system sees.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from banana_pipe import disk
from tests.campaigns.kill import tracing
from tests.campaigns.watched import Act, sqlite_can_be_told, watching

pytestmark = [
    pytest.mark.skipif(not sqlite_can_be_told(), reason="SQLite is built into this Python, out of reach"),
    pytest.mark.skipif(bool(tracing.why_not()), reason=tracing.why_not()),
]


class Syncs:
    """Keeps what was synced."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def before(self, act: Act) -> None:
        """It is told when it was done."""

    def after(self, act: Act) -> None:
        if act.what in ("sync", "sync folder"):
            self.paths.append(act.path)


def work(folder: Path) -> None:
    """A database as the ledger's and one as the results', each with rows; a file, replaced; and one that grows."""
    for name, synchronous in (("ledger", "EXTRA"), ("results", "FULL")):
        with closing(sqlite3.connect(folder / name, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute(f"PRAGMA synchronous={synchronous}")
            for statement in ("CREATE TABLE rows (words)", *["INSERT INTO rows VALUES (hex(randomblob(9999)))"] * 3):
                connection.execute(statement)
    for _ in range(2):
        disk.write_file(folder / "new" / "file", b"words")
        disk.append(folder / "lines", b"a line\n")


def test_the_system_is_asked_for_every_sync_that_is_told(tmp_path: Path) -> None:
    """Of the same files, in the same order, by strace."""
    told = Syncs()
    (here := tmp_path / "told").mkdir()
    with watching(here, told):
        work(here)
    (there := tmp_path / "seen").mkdir()
    code = f"from pathlib import Path; from tests.campaigns.power.test_syncs import work; work(Path({str(there)!r}))"
    strace = ["strace", "-f", *tracing.told_to(tmp_path / "log", "fsync", "fdatasync")]
    subprocess.run([*strace, sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=True)
    seen = [found[1] for call in tracing.read(tmp_path / "log") if (found := re.search(r"<(.*?)>", call.told))]
    assert [_named(path, here) for path in told.paths] == [_named(path, there) for path in seen]
    assert len(told.paths) > 30


def _named(path: str, folder: Path) -> str:
    """*path* below *folder*, a temporary name left out."""
    return re.sub(rf"{re.escape(disk.TEMPORARY_PREFIX)}.*", "*", str(Path(path).relative_to(folder)))

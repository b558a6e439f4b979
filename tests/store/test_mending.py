"""What is damaged in ledger and results is told row by row, and what one flipped bit did is undone.

Unaware of blobs and commands.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from banana_pipe.model import Attempt, Budget, Result
from banana_pipe.store import attempts, mending
from banana_pipe.store.results import Results
from tests.store.attempts import ARTIFACT, NOW, intent, key_of, open_ledger

TEXTS = tuple(name for name in attempts.COLUMNS.split(", ") if name != "price")


def filled(path: Path) -> list[Attempt]:
    """Two attempts in a ledger at *path*, in a file that holds nothing else."""

    async def story() -> list[Attempt]:
        ledger = open_ledger(path)
        try:
            for name in "ab":
                accepted = await ledger.advance(await ledger.begin(intent(name), Budget()), "ACCEPTED", task_id=name)
                stored = await ledger.advance(accepted, "SUCCEEDED", picture="https://p")
                await ledger.advance(stored, "STORED", artifact=ARTIFACT)
            return await ledger.all_attempts()
        finally:
            ledger.close()

    written = asyncio.run(story())
    ask(path, "VACUUM")
    return written


def ask(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def flip_the_type(path: Path, start: bytes, column: int) -> None:
    """Flip the lowest bit of a column's type in the header of the record whose first value is *start*.

    A header is its own length and then a type for each column, in numbers of seven bits a byte; one more than
    a blob's type is a text's of that length.
    """
    data = bytearray(path.read_bytes())
    body = data.index(start)
    length = next(length for length in range(3, 40) if data[body - length] == length)
    ends = [place for place in range(body - length + 1, body) if data[place] < 0x80]
    data[ends[column]] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("column", TEXTS)
def test_a_text_that_became_a_blob_is_a_bad_row_and_is_a_text_again(column: str, in_memory: Path) -> None:
    """Same bytes, another type: the ledger refuses such a row, so it must be told, and is mended."""
    ledger = in_memory / "ledger.db"
    written = filled(ledger)
    second = (written[1].id + written[1].key).encode()
    flip_the_type(ledger, second, 1 + attempts.COLUMNS.split(", ").index(column))
    ((kind,),) = ask(ledger, f"SELECT typeof({column}) FROM attempts NOT INDEXED WHERE seq = 2")
    assert kind == "blob"
    found = mending.read_ledger(ledger)
    assert (found.attempts, [row.mended for row in found.bad]) == ((written[0],), [written[1]])
    assert mending.mend_ledger(ledger, found.bad, in_memory / "copy") == mending.LedgerFile(tuple(written))
    with closing(sqlite3.connect(ledger)) as connection:
        attempts.check(connection)
        assert attempts.all_attempts(connection) == written


def kept(folder: Path, names: Sequence[str]) -> list[Result]:
    """Results in a store at *folder*."""
    store = Results(folder)
    made = [Result(key_of(name), ARTIFACT, "acedata", "nano-banana", None, None, None, 40_000, NOW) for name in names]
    for result in made:
        store.put(result)
    store.close()
    return made


@pytest.mark.parametrize("column", ["key", "value"])
def test_a_result_whose_text_became_a_blob_is_astray(column: str, in_memory: Path) -> None:
    """No look-up finds it, so a check must; what it says can still be believed."""
    written = kept(in_memory, "ab")
    ask(in_memory / "cache.db", f"UPDATE Cache SET {column} = CAST({column} AS BLOB) WHERE rowid = 2")
    assert mending.read_results(in_memory) == mending.ResultsFile((written[0],), astray=(written[1],))


@pytest.mark.parametrize("column", ["key", "value"])
def test_a_setting_whose_text_became_a_blob_is_told(column: str, in_memory: Path) -> None:
    """The results cannot be opened with it."""
    kept(in_memory, "a")
    ask(in_memory / "cache.db", f"UPDATE Settings SET {column} = CAST({column} AS BLOB) WHERE key = 'eviction_policy'")
    assert mending.read_results(in_memory).complaints == ("a setting that is not ours: eviction_policy",)


def test_settings_in_a_table_of_another_form_are_told(in_memory: Path) -> None:
    """A bit in the schema makes two columns of one: that is no crash of the check."""
    kept(in_memory, "a")
    ask(in_memory / "cache.db", "ALTER TABLE Settings ADD COLUMN more")
    assert mending.read_results(in_memory).complaints == ("its settings have other columns than ours",)

"""Ledger and results as they are on the disk, damaged or not: what can be believed, what cannot, what can be mended.

Unaware of blobs and of what is done about damage. Elsewhere one damaged row of the ledger stops everything;
here each is told by itself.

A row of the ledger says everything twice, in its columns and in its content, and has a digest over both. So
what one flipped bit did is undone where it must have been so: whatever the digest agrees with is what was written.
"""

# ruff: noqa: S608 - every statement is made of our own constants and question marks

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import diskcache

from banana_pipe import disk
from banana_pipe.errors import StoreError
from banana_pipe.model import Attempt, Result
from banana_pipe.store import attempts, results
from banana_pipe.store.attempts import COLUMNS, MARKS

_PATIENCE_SECONDS = 60
_OF_A_DIGEST = 60
"""Of the 64 digits of a digest so many are the same: then it is the digest that is damaged, nothing else gives such."""
_COMPLAINTS = 100

_TROUBLE = (sqlite3.Error, UnicodeError)
"""The latter where the name of a column, or what SQLite says of one, is no text any more."""

_Row = Sequence[object]


class _Text(bytes):
    """What stands in a file as text, and may be none any more. A blob of the same bytes is none: nobody finds it."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row of the ledger that cannot be believed. `mended`: what it was, where that can be proved."""

    seq: int
    id: str
    mended: Attempt | None


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """What is in a ledger's file. `complaints` are SQLite's, about the file as a whole."""

    attempts: tuple[Attempt, ...] = ()
    bad: tuple[BadRow, ...] = ()
    complaints: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether all of it can be believed."""
        return not (self.bad or self.complaints)


@dataclass(frozen=True, slots=True)
class ResultsFile:
    """What is in the results' file. `astray` were found whole under another key than their own; `bad` are the keys
    (or what stands there) of rows that say nothing."""

    results: tuple[Result, ...] = ()
    astray: tuple[Result, ...] = ()
    bad: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether all of it can be believed."""
        return not (self.astray or self.bad or self.complaints)


# --- the ledger -------------------------------------------------------------------------------


def read_ledger(path: Path) -> LedgerFile:
    """The ledger in the file *path*, as far as it can be read; empty where there is none.

    Raises StoreError for a ledger of another version.
    """
    if not path.exists():
        return LedgerFile()
    found, bad, complaints = [], [], []
    try:
        with closing(_connect(path)) as connection:
            complaints += _complaints(connection)
            if not attempts.schema_is_there(connection):
                complaints += ["it has no tables"]
            for seq, *row in connection.execute(f"SELECT seq, {COLUMNS} FROM attempts NOT INDEXED ORDER BY seq"):
                attempt = _attempt(row)
                if attempt is not None:
                    found.append(attempt)
                else:
                    bad.append(BadRow(seq, _shown(row[0]), _mended(row)))
    except _TROUBLE as error:
        complaints.append(str(error))
    return LedgerFile(tuple(found), tuple(bad), tuple(dict.fromkeys(complaints)))


def mend_ledger(path: Path, bad: Sequence[BadRow], copy: Path) -> LedgerFile:
    """Write the rows of *bad* that can be mended, and the indexes anew; how the file stands then.

    It is first copied to *copy*. What cannot be written is left as it was.
    """
    try:
        with closing(_connect(path)) as connection:
            disk.announce("begin", path)
            connection.execute("BEGIN IMMEDIATE")  # nobody writes while it is copied
            disk.write_file(copy, path.read_bytes(), mode=0o444)
            connection.execute("REINDEX")
            for row in bad:
                if row.mended is not None:
                    connection.execute(
                        f"UPDATE attempts SET ({COLUMNS}) = ({MARKS}) WHERE seq = ?",
                        (*attempts.row_of(row.mended), row.seq),
                    )
            disk.announce("commit", path)
            connection.execute("COMMIT")
    except _TROUBLE:
        pass  # what stands there now is told by reading it
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    return read_ledger(path)


def _attempt(row: _Row) -> Attempt | None:
    try:
        return attempts.believed([_text(value) for value in row])
    except (StoreError, ValueError):
        return None


def _mended(row: _Row) -> Attempt | None:
    """What *row* was before a bit of it was flipped; None where nothing proves it."""
    *columns, digest = row
    content = columns[-1]
    if not isinstance(content, bytes):
        return None
    try:
        return _by_its_content(columns, content, digest) or _by_its_columns(columns, content, digest)
    except (ValueError, TypeError):  # a value of another type than ours
        return None


def _by_its_content(columns: Sequence[object], content: bytes, digest: object) -> Attempt | None:
    """The content is whole: a column or the digest is damaged."""
    attempt = _parsed(content)
    if attempt is None:
        return None
    *others, right = attempts.row_of(attempt)
    was = right.encode() if isinstance(right, str) else b""
    if digest == was:
        return attempt
    there = digest if isinstance(digest, bytes) else b""
    same = sum(one == other for one, other in zip(was, there, strict=False))
    untouched = [_text(value, "replace") for value in columns] == others
    return attempt if untouched and same >= _OF_A_DIGEST else None


def _by_its_columns(columns: Sequence[object], content: bytes, digest: object) -> Attempt | None:
    """Columns and digest are whole, and a bit of the content is not: which one is found by trying."""
    others, wanted = [_text(value) for value in columns[:-1]], _text(digest)
    for text in _flipped(content):
        if attempts.row_digest([*others, text]) == wanted:
            return _parsed(text.encode())
    return None


def _flipped(content: bytes) -> Iterator[str]:
    """*content*, which was ASCII, with each of its bits flipped back."""
    beyond = [place for place, byte in enumerate(content) if byte > 127]
    if len(beyond) > 1:
        return
    for place in beyond or range(len(content)):
        for bit in (7,) if beyond else range(7):
            changed = bytearray(content)
            changed[place] ^= 1 << bit
            yield changed.decode("ascii")


def _parsed(content: bytes) -> Attempt | None:
    try:
        values = json.loads(content)
        artifact = values.pop("artifact")
        return Attempt(**values, artifact=None if artifact is None else results.artifact_from_json(artifact))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


# --- the results ------------------------------------------------------------------------------


def read_results(folder: Path) -> ResultsFile:
    """The results in *folder*, as far as they can be read; empty where there are none."""
    path = folder / "cache.db"
    if not path.exists():
        return ResultsFile()
    found, astray, bad, complaints = [], [], [], []
    query = (
        "SELECT CAST(key AS BLOB), CAST(value AS BLOB), raw = 1 AND mode = ? AND filename IS NULL"
        " AND expire_time IS NULL AND typeof(key) = 'text' AND typeof(value) = 'text'"
        " FROM Cache NOT INDEXED ORDER BY rowid"
    )
    try:
        with closing(_connect(path)) as connection:
            complaints += [*_complaints(connection), *_strange_settings(connection)]
            for key, text, ours in connection.execute(query, (diskcache.core.MODE_RAW,)):
                result = results.from_text(text)
                if result is None:
                    bad.append(_shown(key))
                elif ours and result.key.encode() == key:
                    found.append(result)
                else:
                    astray.append(result)
    except _TROUBLE as error:
        complaints.append(str(error))
    return ResultsFile(tuple(found), tuple(astray), tuple(bad), tuple(dict.fromkeys(complaints)))


def _strange_settings(connection: sqlite3.Connection) -> list[str]:
    """With these nobody can open it."""
    settings = connection.execute("SELECT * FROM Settings")
    if [column[0] for column in settings.description] != ["key", "value"]:
        return ["its settings have other columns than ours"]
    rows = [(_text(key, "replace"), _text(value, "replace")) for key, value in settings]
    return [
        f"a setting that is not ours: {_shown(key)}"
        for key, value in rows
        if key not in results.SETTINGS or type(value) is not type(results.SETTINGS[key])
    ]


# --- both -------------------------------------------------------------------------------------


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(str(path), timeout=_PATIENCE_SECONDS, isolation_level=None)
    connection.text_factory = _Text
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA mmap_size=0")
    return connection


def _complaints(connection: sqlite3.Connection) -> list[str]:
    said = [_shown(line) for (line,) in connection.execute(f"PRAGMA integrity_check({_COMPLAINTS})")]
    return [] if said == ["ok"] else said


def _text(value: object, errors: str = "strict") -> object:
    """*value* as Python's text if it is text, and as it is if it is anything else."""
    return value.decode(errors=errors) if isinstance(value, _Text) else value


def _shown(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)

"""The ledger's rows: the schema, the moves that are legal, and the SQL, inside a transaction.

Unaware of threads, of waiting callers and of when a transaction is committed.

Every row carries the digest of all its columns: SQLite's own integrity check misses flipped bits. A
row that does not match is never believed. Nor is it taken for absent, which is what a search by key
or state would do with a flipped key or state: so `check` reads the whole file when it is opened.
"""

# ruff: noqa: S608 - every statement is made of our own constants and question marks

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from typing import Literal

from banana_pipe.canonical import Digest, canonical_json, digest_of
from banana_pipe.errors import SpendingStopped, StoreError
from banana_pipe.model import ACTIVE, COUNTED, Attempt, AttemptState, Budget, Key
from banana_pipe.prices import show_usd
from banana_pipe.store.results import artifact_from_json, artifact_to_json

SCHEMA_VERSION = 2

MOVES: Mapping[AttemptState, frozenset[AttemptState]] = {
    "INTENT": frozenset({"ACCEPTED", "SUCCEEDED", "REFUSED", "FAILED", "NOT_SENT", "UNKNOWN"}),
    "UNKNOWN": frozenset({"UNKNOWN", "ACCEPTED", "NOT_SENT", "ABANDONED"}),
    "ACCEPTED": frozenset({"UNKNOWN", "SUCCEEDED", "REFUSED", "FAILED", "ABANDONED"}),
    "SUCCEEDED": frozenset({"SUCCEEDED", "STORED", "LOST"}),
    "STORED": frozenset(),
    "REFUSED": frozenset(),
    "FAILED": frozenset(),
    "NOT_SENT": frozenset(),
    "ABANDONED": frozenset(),
    "LOST": frozenset(),
}
"""Where an attempt can go from each state; design drawn in the documentation of the ledger."""

_CLAIMS: tuple[AttemptState, ...] = ("STORED", "REFUSED", "LOST")

COLUMNS = "id, key, origin, run_id, day, state, price, task_id, content, digest"
MARKS = ",".join("?" * len(COLUMNS.split(",")))


def _quoted(states: Iterable[str]) -> str:
    return ",".join(f"'{state}'" for state in states)


_SCHEMA = f"""
CREATE TABLE attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL,
    origin TEXT NOT NULL,
    run_id TEXT NOT NULL,
    day TEXT NOT NULL,
    state TEXT NOT NULL,
    price INTEGER,
    task_id TEXT,
    content TEXT NOT NULL,
    digest TEXT NOT NULL
);
CREATE UNIQUE INDEX one_active ON attempts(key) WHERE state IN ({_quoted(ACTIVE)});
CREATE UNIQUE INDEX one_task ON attempts(origin, task_id) WHERE task_id IS NOT NULL;
CREATE INDEX by_key ON attempts(key);
CREATE INDEX by_run ON attempts(run_id, state, price);
CREATE INDEX by_day ON attempts(day, state, price);
CREATE TABLE proven_listings (origin TEXT, account TEXT, task_id TEXT NOT NULL, PRIMARY KEY (origin, account));
"""


class CapReached(SpendingStopped):
    """The next call would go over a cap. Nothing was written.

    `cap` is which one: a run's or a day's, None where a price that nobody knows is under either.
    """

    def __init__(self, message: str, *, hint: str, cap: Literal["run", "day"] | None) -> None:
        super().__init__(message, hint=hint)
        self.cap = cap


class TaskTaken(Exception):
    """Another attempt already has this task."""


def schema_is_there(connection: sqlite3.Connection) -> bool:
    """Whether the tables are there; a ledger of another version is refused."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"the ledger was written by a newer banana-pipe (version {version} of its form, this one knows"
            f" {SCHEMA_VERSION})",
            hint="update banana-pipe; an older one must not spend beside it",
        )
    if 0 < version < SCHEMA_VERSION:
        raise StoreError(
            f"the ledger has a form from before the first release (version {version}, this one knows {SCHEMA_VERSION})",
            hint="settle what is open with what wrote it, then move the ledger away",
        )
    return bool(version == SCHEMA_VERSION)


def create_schema(connection: sqlite3.Connection) -> None:
    """Make the tables, unless another process was first; inside a transaction."""
    if schema_is_there(connection):
        return
    for statement in _SCHEMA.strip().split(";\n"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def insert_intent(connection: sqlite3.Connection, attempt: Attempt, budget: Budget) -> Attempt:
    """Reserve the money of *attempt* and write it. Raises CapReached."""
    _check_caps(connection, attempt, budget)
    try:
        connection.execute(f"INSERT INTO attempts ({COLUMNS}) VALUES ({MARKS})", row_of(attempt))
    except sqlite3.IntegrityError:
        raise StoreError(
            f"the ledger has another attempt under way for {attempt.node or attempt.key}",
            hint="`banana-pipe ledger show` lists it; run again once it has ended",
        ) from None
    return attempt


def take_in(connection: sqlite3.Connection, bought: Sequence[Attempt]) -> list[Attempt]:
    """Write the STORED attempts *bought* elsewhere, but for those whose key or call is known here; what was written.

    What stands here stays: a key that is bought or under way, and an attempt of that id or task.
    """
    here = standing(connection, [attempt.key for attempt in bought])
    stands = {key for key, attempt in here.items() if attempt.state in (*ACTIVE, "STORED")}
    written = []
    for attempt in bought:
        known = connection.execute(
            "SELECT 1 FROM attempts WHERE id = ? OR (origin = ? AND task_id = ?)",
            (attempt.id, attempt.origin, attempt.task_id),
        ).fetchone()
        if attempt.key not in stands and known is None:
            connection.execute(f"INSERT INTO attempts ({COLUMNS}) VALUES ({MARKS})", row_of(attempt))
            written.append(attempt)
    return written


def move(connection: sqlite3.Connection, before: Attempt, after: Attempt) -> Attempt:
    """Write *after* over *before*. Raises TaskTaken, and StoreError where the row is not *before*."""
    if after.state not in MOVES[before.state]:
        raise AssertionError(f"no attempt goes from {before.state} to {after.state}")
    try:
        done = connection.execute(
            f"UPDATE attempts SET ({COLUMNS}) = ({MARKS}) WHERE id=? AND digest=?",
            (*row_of(after), before.id, row_of(before)[-1]),
        )
    except sqlite3.IntegrityError as error:
        if "task_id" in str(error):
            raise TaskTaken(after.task_id) from None
        raise
    if done.rowcount != 1:
        raise StoreError(f"the ledger's row {before.id} was changed by somebody else")
    return after


def standing(connection: sqlite3.Connection, keys: Iterable[Key]) -> dict[Key, Attempt]:
    """For each key the attempt that says how it stands: the active one, else its newest claim."""
    found: dict[Key, Attempt] = {}
    wanted = list(dict.fromkeys(keys))
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        rows = connection.execute(
            f"SELECT {COLUMNS} FROM attempts WHERE key IN ({','.join('?' * len(part))})"
            f" AND state IN ({_quoted((*ACTIVE, *_CLAIMS))}) ORDER BY seq",
            part,
        )
        for attempt in map(believed, rows):
            if attempt.key not in found or found[attempt.key].state not in ACTIVE:
                found[attempt.key] = attempt
    return found


def open_attempts(connection: sqlite3.Connection, origin: str | None) -> list[Attempt]:
    """The active attempts of *origin* (None: of all), oldest first."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM attempts WHERE state IN ({_quoted(ACTIVE)}) AND (? IS NULL OR origin = ?) ORDER BY seq",
        (origin, origin),
    )
    return [believed(row) for row in rows]


def all_attempts(connection: sqlite3.Connection) -> list[Attempt]:
    """Every attempt, oldest first."""
    return [believed(row) for row in connection.execute(f"SELECT {COLUMNS} FROM attempts ORDER BY seq")]


def newest_attempts(connection: sqlite3.Connection, limit: int) -> list[Attempt]:
    """The last *limit* attempts, newest first."""
    rows = connection.execute(f"SELECT {COLUMNS} FROM attempts ORDER BY seq DESC LIMIT ?", (limit,))
    return [believed(row) for row in rows]


def attempts_of(connection: sqlite3.Connection, run_id: str) -> list[Attempt]:
    """The attempts of a run whose money counts, oldest first."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM attempts WHERE run_id = ? AND state IN ({_quoted(COUNTED)}) ORDER BY seq", (run_id,)
    )
    return [believed(row) for row in rows]


def samples_known(connection: sqlite3.Connection, keys: Iterable[Key]) -> set[Key]:
    """Those of *keys* that have any attempt at all."""
    wanted = list(keys)
    marks = ",".join("?" * len(wanted))
    return {Key(key) for (key,) in connection.execute(f"SELECT key FROM attempts WHERE key IN ({marks})", wanted)}


def known_tasks(
    connection: sqlite3.Connection, asker: Attempt, task_ids: Iterable[str], since: float
) -> dict[str, Digest | None]:
    """Those of *task_ids* that an attempt at the origin of *asker* has.

    Task id → the wire digest of the POST that named it; None if it was adopted, is another account's, or is of
    an attempt from before *since* (seconds since 1970): that it is listed by now does not say how soon it was.
    """
    known: dict[str, Digest | None] = {}
    listed = list(task_ids)
    for start in range(0, len(listed), 500):
        part = listed[start : start + 500]
        rows = connection.execute(
            f"SELECT {COLUMNS} FROM attempts WHERE origin = ? AND task_id IN ({','.join('?' * len(part))})",
            (asker.origin, *part),
        )
        for attempt in map(believed, rows):
            proves = attempt.account == asker.account and not attempt.adopted and attempt.created_at >= since
            known[str(attempt.task_id)] = attempt.wire if proves else None
    return known


def may_have_failed_unnamed(connection: sqlite3.Connection, attempt: Attempt) -> bool:
    """Whether another attempt sent the same, and may have failed with a task that its answer did not name."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM attempts WHERE origin = ? AND task_id IS NULL AND id <> ? AND state <> 'NOT_SENT'",
        (attempt.origin, attempt.id),
    )
    return any(other.wire == attempt.wire for other in map(believed, rows))


def may_have_sent_too(connection: sqlite3.Connection, attempt: Attempt, account: str) -> bool:
    """Whether another attempt, of *account*, sent the same and has not found its task yet."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM attempts WHERE origin = ? AND task_id IS NULL AND id <> ?"
        " AND state IN ('INTENT', 'UNKNOWN')",
        (attempt.origin, attempt.id),
    )
    return any((other.wire, other.account) == (attempt.wire, account) for other in map(believed, rows))


def listing_is_proven(connection: sqlite3.Connection, asker: Attempt) -> bool:
    """Whether the origin of *asker* has ever listed, for its account, a task that a POST of that account had named."""
    row = connection.execute(
        "SELECT 1 FROM proven_listings WHERE origin = ? AND account = ?", (asker.origin, asker.account)
    ).fetchone()
    return row is not None


def prove_listing(connection: sqlite3.Connection, asker: Attempt, task_id: str) -> None:
    """Keep that the origin of *asker* listed *task_id* for its account."""
    connection.execute("INSERT OR IGNORE INTO proven_listings VALUES (?, ?, ?)", (asker.origin, asker.account, task_id))


def spent(connection: sqlite3.Connection, *, run_id: str | None = None, day: str | None = None) -> tuple[int, int]:
    """Calls and micro-dollars that count as spent, in a run or on a UTC day (`2026-11-22`)."""
    column, value = ("run_id", run_id) if run_id is not None else ("day", day)
    calls, cost = connection.execute(
        f"SELECT COUNT(*), COALESCE(SUM(price), 0) FROM attempts WHERE {column} = ? AND state IN ({_quoted(COUNTED)})",
        (value,),
    ).fetchone()
    return int(calls), int(cost)


_Caps = tuple[Literal["run", "day"], str, str, str, dict[str, str], int | None, int | None]


def _check_caps(connection: sqlite3.Connection, attempt: Attempt, budget: Budget) -> None:
    _check_unpriced(attempt, budget)
    run, day = {"run_id": attempt.run_id}, {"day": _day(attempt.created_at)}
    caps: tuple[_Caps, ...] = (
        ("run", "this run", "--max-calls", "--max-cost", run, budget.max_calls, budget.max_cost),
        ("day", f"the day {day['day']} (UTC)", "max_calls_per_day", "max_cost_per_day", day,
         budget.max_calls_per_day, budget.max_cost_per_day),
    )  # fmt: skip
    for cap, whole, calls_name, cost_name, which, max_calls, max_cost in caps:
        if max_calls is None and max_cost is None:
            continue
        calls, cost = spent(connection, **which)
        if max_calls is not None and calls + 1 > max_calls:
            number = "1 call" if max_calls == 1 else f"{max_calls} calls"
            raise CapReached(f"the cap of {number} for {whole} is reached", hint=_raise_it(calls_name), cap=cap)
        if max_cost is not None and cost + (attempt.price or 0) > max_cost:
            raise CapReached(
                f"the cap of {_sum(max_cost)} for {whole} is reached: {_sum(cost)} is spent or reserved, the"
                f" next call costs {show_usd(attempt.price)}",
                hint=_raise_it(cost_name),
                cap=cap,
            )


def _check_unpriced(attempt: Attempt, budget: Budget) -> None:
    capped = budget.max_cost is not None or budget.max_cost_per_day is not None
    if attempt.price is None and capped and not budget.allow_unpriced:
        raise CapReached(
            f"the price of {attempt.node or 'a call'} is unknown, so a cap in dollars could not hold",
            hint="allow it with --allow-unpriced, or cap the number of calls with --max-calls",
            cap=None,
        )


def _sum(cost: int) -> str:
    return show_usd(cost) if cost else "$0"


def _raise_it(name: str) -> str:
    return f"what is paid is kept; the same command with a larger {name} goes on"


_SECONDS_A_DAY = 86_400


def _day(at: float) -> str:
    return _name_of_day(int(at // _SECONDS_A_DAY))


@cache
def _name_of_day(number: int) -> str:
    return datetime.fromtimestamp(number * _SECONDS_A_DAY, UTC).strftime("%Y-%m-%d")


# --- rows -------------------------------------------------------------------------------------

_MANGLED = (
    "nothing is bought while the ledger cannot be believed: `banana-pipe cache verify --repair` mends what can be"
    " mended, else restore cache/ledger.db from a backup"
)


def check(connection: sqlite3.Connection) -> None:
    """Raise StoreError unless all of the file can be believed: its pages and indexes, and every row."""
    (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if said != "ok":
        raise StoreError(f"the ledger is damaged: {said}", hint=_MANGLED)
    for row in connection.execute(f"SELECT {COLUMNS} FROM attempts NOT INDEXED"):
        _check_digest(row)


_FIELDS = tuple(field.name for field in fields(Attempt))


def row_of(attempt: Attempt) -> tuple[object, ...]:
    """The columns of *attempt*, the digest of the others last."""
    values: dict[str, object] = {name: getattr(attempt, name) for name in _FIELDS}
    values["artifact"] = None if attempt.artifact is None else artifact_to_json(attempt.artifact)
    # ASCII, since a provider's words can hold what UTF-8 cannot carry, and must be written down all the same.
    content = json.dumps(values, sort_keys=True, allow_nan=False, separators=(",", ":"))
    day = _day(attempt.created_at)
    columns = (attempt.id, attempt.key, attempt.origin, attempt.run_id, day, attempt.state, attempt.price,
               attempt.task_id, content)  # fmt: skip
    return (*columns, row_digest(columns))


def row_digest(columns: Sequence[object]) -> str:
    """The digest of a row's other columns. Raises TypeError, ValueError for one of a type that is not ours."""
    return digest_of(canonical_json(columns))


def _check_digest(row: Sequence[object]) -> None:
    *columns, digest = row
    try:
        right = row_digest(columns)
    except (TypeError, ValueError):  # a column of another type than ours
        right = None
    if digest != right:
        raise StoreError(f"a row of the ledger is damaged ({row[0]!r}): its digest does not match", hint=_MANGLED)


def believed(row: Sequence[object]) -> Attempt:
    """The attempt of a row, if the whole row is as it was written. Raises StoreError."""
    _check_digest(row)
    try:
        values = json.loads(str(row[-2]))
        artifact = values.pop("artifact")
        return Attempt(**values, artifact=None if artifact is None else artifact_from_json(artifact))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"a row of the ledger cannot be read ({row[0]!r}): {error}", hint=_MANGLED) from None

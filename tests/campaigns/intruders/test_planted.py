"""What somebody planted in the index of results: settings, pickles and file names do nothing at all.

Unaware of how the index is read. Every setting that diskcache knows, and every attribute that it would overwrite.
"""

from __future__ import annotations

import pickle
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import diskcache
import pytest

from banana_pipe.errors import StoreError
from banana_pipe.store.results import Results
from tests.campaigns.score import Line, Tell
from tests.store.test_results import Evil, result_of

SETTINGS = sorted({*diskcache.core.DEFAULT_SETTINGS, *diskcache.core.METADATA})
ATTRIBUTES = sorted({name for one in (diskcache.Cache, diskcache.Disk) for name in dir(one)})
NAMES = [
    *SETTINGS,
    *ATTRIBUTES,
    *(f"disk_{name}" for name in ATTRIBUTES),
    "sqlite_no_such",
    "",
    "\0",
    "sqlite_writable_schema",
]
ROWS = {
    "value": "UPDATE Cache SET mode = 4, value = :planted",
    "key": "UPDATE Cache SET raw = 0, key = :planted",
    "file": "UPDATE Cache SET mode = 4, filename = :file, value = NULL",
    "old file": "UPDATE Cache SET filename = :file, expire_time = 1.0",
    "outside": "UPDATE Cache SET filename = '../../secret'",
}


def values(trace: Path) -> Iterator[object]:
    yield from (
        0,
        1,
        -1,
        2**40,
        "x",
        "least-recently-used",
        "0; DROP TABLE Cache",
        "ON",
        None,
        pickle.dumps(Evil(trace)),
    )


@pytest.fixture
def planted(quick_folder: Path) -> Iterator[Callable[[str, dict[str, object]], Results]]:
    """An index with one result, in which somebody ran a statement."""
    folder = quick_folder / "planted"
    whole = Results(folder / "whole")
    whole.put(result_of("a"))
    whole.close()

    def plant(statement: str, given: dict[str, object]) -> Results:
        shutil.rmtree(folder / "results", ignore_errors=True)
        shutil.copytree(folder / "whole", folder / "results")
        with closing(sqlite3.connect(folder / "results" / "cache.db", isolation_level=None)) as connection:
            connection.execute(statement, given)
        return Results(folder / "results")

    yield plant
    shutil.rmtree(folder)


def _asked(store: Results) -> list[Any]:
    """What it answers to everything that a run asks; None for a refusal with advice."""
    one = result_of("a")
    said: list[Any] = []
    for ask in (
        store.get,
        lambda key: store.get_many([key]).get(key),
        lambda _: store.put(one),
        lambda _: store.put(result_of("b")),
    ):
        try:
            said.append(ask(one.key))
        except StoreError as error:
            said.append(None if error.hint else error)
    store.close()
    return said


@pytest.mark.both
def test_planted_settings_neither_run_nor_drop_nor_change_a_result(
    planted: Callable[[str, dict[str, object]], Results], tmp_path: Path, tell: Tell
) -> None:
    """Each is ours, or the index is refused with advice: what was paid for stays in it."""
    trace = tmp_path / "trace"
    one = result_of("a")
    cases, refused = 0, 0
    wrong: list[str] = []
    for name in NAMES:
        for value in list(values(trace))[:: 1 if name in SETTINGS else 9]:
            said = _asked(
                planted("INSERT OR REPLACE INTO Settings VALUES (:name, :value)", {"name": name, "value": value})
            )
            cases += 1
            refused += said[0] is None
            if any(answer not in (None, one) for answer in said[:3]) or trace.exists():
                wrong.append(f"{name} = {value!r}: {said}")
            if said[0] is not None and said[:3] != [one] * 3:
                wrong.append(f"{name} = {value!r} loses a result: {said}")
    tell(Line(8, "planted settings of the index", cases, corrupt=len(wrong), figure=f"{refused} refused with advice"))
    assert not wrong, "\n".join(wrong)
    assert cases > 300


@pytest.mark.both
def test_planted_rows_neither_run_nor_reach_a_file(
    planted: Callable[[str, dict[str, object]], Results], tmp_path: Path, tell: Tell
) -> None:
    """Pickles of every protocol, in every column; names of files, whole and relative."""
    trace, file = tmp_path / "trace", tmp_path / "secret"
    file.write_bytes(pickle.dumps(Evil(trace)))
    wrong: list[str] = []
    pickles = [pickle.dumps(Evil(trace), protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for name, statement in ROWS.items():
        for data in pickles:
            given = {"planted": data, "file": str(file)}
            _asked(planted(statement, {key: value for key, value in given.items() if f":{key}" in statement}))
            if trace.exists() or file.read_bytes() != pickle.dumps(Evil(trace)):
                wrong.append(name)
    tell(Line(8, "planted pickles and file names", len(ROWS) * len(pickles), corrupt=len(wrong)))
    assert not wrong

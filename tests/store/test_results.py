"""Key → result: written once, text only, never evicted, never more than text whatever is planted.

Unaware of blobs and of the ledger.
"""

from __future__ import annotations

import errno
import json
import pickle
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import diskcache
import pytest

from banana_pipe.canonical import digest_of
from banana_pipe.errors import StoreError
from banana_pipe.model import Artifact, Key, Result, SideFile
from banana_pipe.store.results import Results, TextDisk, artifact_from_json, artifact_to_json
from tests.campaigns.watched import sqlite_can_be_told, watching
from tests.campaigns.watchers import Failing
from tests.store.children import end, go_on, start


def result_of(name: str, picture: str = "picture") -> Result:
    artifact = Artifact(digest_of(picture.encode()), "image/png", 64, 48, 999)
    key = Key(digest_of(name.encode()))
    return Result(key, artifact, "acedata", "nano-banana", "served", "t-1", "T-1", 40_000, 1_790_000_000.5)


@pytest.fixture
def results(in_memory: Path) -> Iterator[Results]:
    store = Results(in_memory / "results")
    yield store
    store.close()


def connect(store: Results) -> sqlite3.Connection:
    return sqlite3.connect(store.root / "cache.db", isolation_level=None)


def test_looking_makes_nothing(results: Results) -> None:
    """A plan leaves no store behind."""
    assert results.get(result_of("a").key) is None
    assert results.get_many([result_of("a").key]) == {}
    assert not results.root.exists()


def test_what_was_put_is_had_again(results: Results) -> None:
    """Every field, also by another handle on the same files."""
    full = result_of("a")
    bare = replace(full, key=result_of("b").key, served=None, task_id=None, trace_id=None, price=None)
    blank = replace(full, key=result_of("c").key, artifact=replace(full.artifact, blank=True))
    for one in (full, bare, blank):
        assert results.put(one) == one
    results.close()
    for one in (full, bare, blank):
        assert results.get(one.key) == one
    assert results.get_many([full.key, bare.key, result_of("no").key]) == {full.key: full, bare.key: bare}


def test_a_result_is_written_once(results: Results) -> None:
    """The first one stands; only by consent is it replaced."""
    first, second = result_of("a", "first"), result_of("a", "second")
    results.put(first)
    assert results.put(second) == first
    assert results.get(first.key) == first
    assert results.put(second, instead=True) == second
    assert results.get(first.key) == second


def test_many_are_written_in_one_go(results: Results) -> None:
    """As one by one: what stands stays; with what lies beside a picture."""
    first, other = result_of("a", "first"), result_of("b")
    beside = (SideFile("-8.png", digest_of(b"x"), "image/png", 1),)
    results.put(first)
    wanted = [result_of("a", "second"), other, replace(result_of("c"), side_files=beside)]
    assert results.put_all(wanted) == [first, *wanted[1:]]
    assert [results.get(one.key) for one in wanted] == [first, *wanted[1:]]
    assert results.put_all([]) == []


def test_keys_are_found_by_what_they_gave(results: Results) -> None:
    """Several may have given the same picture; a row that we did not write gives none, a store that isn't there neither."""
    assert results.keys_of({digest_of(b"mug")}) == []
    assert not results.root.exists()
    mugs = [result_of(name, "mug") for name in ("a", "b")]
    for one in (*mugs, result_of("c", "fox")):
        results.put(one)
    connect(results).execute("UPDATE Cache SET value = '{}' WHERE key = ?", (mugs[0].key,))
    assert results.keys_of({digest_of(b"mug")}) == [mugs[1].key]
    assert results.keys_of({digest_of(b"mug"), digest_of(b"fox")}) == sorted([mugs[1].key, result_of("c").key])


def test_twelve_thousand_keys_at_once(results: Results) -> None:
    """More than SQLite takes in one statement of ours."""
    wanted = [result_of(str(number)).key for number in range(12_000)]
    there = [result_of(str(number)) for number in (0, 4_999, 5_000, 9_999, 11_999)]
    for one in there:
        results.put(one)
    assert results.get_many(wanted) == {one.key: one for one in there}


def test_nothing_is_ever_evicted_or_expires(results: Results) -> None:
    """diskcache's own defaults remove paid results at 1 GiB, ten at a time."""
    first = result_of("first")
    results.put(first)
    cache = results._cache()
    assert (cache.eviction_policy, cache.cull_limit) == ("none", 0)
    with connect(results) as connection:  # as if a gibibyte were stored
        connection.execute("UPDATE Settings SET value = ? WHERE key = 'size'", (cache.size_limit * 4,))
        settings = dict(connection.execute("SELECT key, value FROM Settings"))
    connection.close()
    assert (settings["eviction_policy"], settings["cull_limit"]) == ("none", 0)
    results.close()
    for number in range(50):
        results.put(result_of(str(number)))
    assert cache.volume() > cache.size_limit
    assert results.get(first.key) == first
    assert len(cache) == 51
    with connect(results) as connection:
        assert connection.execute("SELECT COUNT(*) FROM Cache WHERE expire_time IS NOT NULL").fetchone() == (0,)
    connection.close()


def test_it_is_synced_like_what_was_paid_for(results: Results) -> None:
    """Rollback journal and full syncs."""
    results.put(result_of("a"))
    sql = results._cache()._sql
    assert sql("PRAGMA journal_mode").fetchone() == ("delete",)
    assert sql("PRAGMA synchronous").fetchone() == (2,)


# --- damage -----------------------------------------------------------------------------------


def test_a_flipped_bit_in_a_row_is_no_result(results: Results) -> None:
    """In every byte of the value: found, not believed; and the right one can be put again."""
    one = result_of("a")
    results.put(one)
    with connect(results) as connection:
        ((text,),) = connection.execute("SELECT value FROM Cache").fetchall()
        for place in range(len(text)):
            wrong = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
            connection.execute("UPDATE Cache SET value = ?", (wrong,))
            had = {results.get(one.key), results.get_many([one.key]).get(one.key)}
            assert had in ({None}, {one}), f"byte {place}"
        assert results.put(one) == one
        assert results.get(one.key) == one
    connection.close()


def test_a_result_of_another_key_is_not_believed(results: Results) -> None:
    """A row that was moved to another key is whole, and wrong."""
    results.put(result_of("a"))
    with connect(results) as connection:
        connection.execute("UPDATE Cache SET key = ?", (result_of("b").key,))
    connection.close()
    assert results.get(result_of("b").key) is None
    assert results.get_many([result_of("b").key]) == {}


@pytest.mark.skipif(not sqlite_can_be_told(), reason="SQLite is built into this Python, out of reach")
def test_the_first_trouble_is_told_and_not_that_of_clearing_up(in_memory: Path) -> None:
    """Where the disk refuses any act of a commit, the rollback fails too: the disk is what the user hears of."""
    folder = in_memory / "refusing"
    counting = Failing(errno.EIO, 0, where="results")
    with watching(folder, counting):
        assert told_of_putting(folder, counting) == ""
    for at in range(1, counting.count + 1):
        with watching(folder, failing := Failing(errno.EIO, at, where="results")):
            told = told_of_putting(folder, failing)
        assert "disk I/O error" in told or "unable to open database file" in told or told == ""


def told_of_putting(folder: Path, failing: Failing) -> str:
    """What is said when a result is put into a store that was there: *failing* counts from then on."""
    store = Results(folder / "results" / secrets.token_hex(4))
    at, failing.at = failing.at, 0
    store.put(result_of("a"))
    failing.at, failing.count = at, 0
    try:
        store.put(result_of("b"))
    except StoreError as error:
        return error.message
    finally:
        store.close()
    return ""


def test_a_damaged_file_is_an_error_with_advice(results: Results) -> None:
    """Never a traceback of SQLite's."""
    results.root.mkdir(parents=True)
    (results.root / "cache.db").write_bytes(b"no database at all" * 100)
    for ask in (partial(results.get, result_of("a").key), partial(results.put, result_of("a"))):
        with pytest.raises(StoreError, match="results") as caught:
            ask()
        assert "rebuilt from the ledger" in str(caught.value.hint)


# --- planted rows -----------------------------------------------------------------------------


class Evil:
    """Unpickling it makes the file *trace*."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.trace,)


ASKS: dict[str, Callable[[Results, Key], object]] = {
    "get": lambda store, key: store.get(key),
    "get_many": lambda store, key: store.get_many([key]),
    "put": lambda store, key: store.put(result_of("a")),
    "put instead": lambda store, key: store.put(result_of("a"), instead=True),
    "len": lambda store, key: len(store._cache()),
    "iterate": lambda store, key: list(store._cache()),
    "keys": lambda store, key: list(store._cache().iterkeys()),
    "peekitem": lambda store, key: store._cache().peekitem(),
    "pop": lambda store, key: store._cache().pop(key),
    "delete": lambda store, key: store._cache().delete(key),
    "cull": lambda store, key: store._cache().cull(),
    "expire": lambda store, key: store._cache().expire(),
    "clear": lambda store, key: store._cache().clear(),
    "check": lambda store, key: store._cache().check(),
    "pull": lambda store, key: store._cache().pull(),
    "read": lambda store, key: store._cache().read(key),
}
ROWS: dict[str, str] = {
    "a pickled value": "UPDATE Cache SET mode = 4, value = :pickle",
    "a pickled key": "UPDATE Cache SET raw = 0, key = :pickle",
    "a pickled key and value": "UPDATE Cache SET raw = 0, key = :pickle, mode = 4, value = :pickle",
    "a pickled file": "UPDATE Cache SET mode = 4, filename = :secret, value = NULL",
    "a file of bytes": "UPDATE Cache SET mode = 2, filename = :secret, value = NULL",
    "a file of text": "UPDATE Cache SET mode = 3, filename = :secret, value = NULL",
    "a raw value with a file": "UPDATE Cache SET filename = :secret",
    "an expired row with a file": "UPDATE Cache SET filename = :secret, expire_time = 1.0",
}


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("row", ROWS)
def test_a_planted_row_neither_runs_nor_reads_nor_removes(row: str, ask: str, results: Results, tmp_path: Path) -> None:
    """CVE-2025-69872: diskcache's own disks unpickle it, read its file, and delete that."""
    trace, secret = tmp_path / "trace", tmp_path / "secret"
    secret.write_bytes(pickle.dumps(Evil(trace)))
    one = result_of("a")
    results.put(one)
    results.close()
    with connect(results) as connection:
        planted = {"pickle": pickle.dumps(Evil(trace)), "secret": str(secret)}
        connection.execute(ROWS[row], {name: value for name, value in planted.items() if f":{name}" in ROWS[row]})
    connection.close()
    before = secret.read_bytes()
    try:
        answer = ASKS[ask](results, one.key)
    except (ValueError, KeyError, TypeError, StoreError, UserWarning):
        answer = None
    assert not trace.exists()
    assert secret.read_bytes() == before
    if ask in ("get", "get_many") and "file" not in row:
        assert answer in (None, {})


def test_the_stock_disk_runs_what_was_planted(tmp_path: Path) -> None:
    """So that the test above proves something."""
    trace = tmp_path / "trace"
    with diskcache.Cache(str(tmp_path / "stock")) as cache:
        cache["key"] = "value"
        cache._sql("UPDATE Cache SET mode = 4, value = ?", (pickle.dumps(Evil(trace)),))
        cache.get("key")
    assert trace.exists()


@pytest.mark.parametrize(
    ("name", "value"), [("disk_fetch", "x"), ("disk_no_such", 1), ("get", "x"), ("sqlite_no_such", "x"), ("_sql", 1)]
)
def test_planted_settings_are_an_error_and_no_traceback(name: str, value: object, results: Results) -> None:
    """They are set as attributes by diskcache itself."""
    one = result_of("a")
    results.put(one)
    results.close()
    with connect(results) as connection:
        connection.execute("INSERT INTO Settings VALUES (?, ?)", (name, value))
    connection.close()
    for ask in (lambda: results.get(one.key), lambda: results.get_many([one.key]), lambda: results.put(one)):
        with pytest.raises(StoreError, match=name.removeprefix("disk_")) as caught:
            ask()
        assert "rebuilt" in str(caught.value.hint)


def test_our_disk_refuses_everything_but_text() -> None:
    """Both ways, files and pickles included."""
    text = TextDisk("/nowhere")
    key = digest_of(b"")
    assert text.put(key) == (key, True)
    assert text.store("text", False) == (0, diskcache.core.MODE_RAW, None, "text")
    assert text.fetch(diskcache.core.MODE_RAW, None, "text", False) == "text"
    refused: list[Callable[[], object]] = [
        lambda: text.put("short"),
        lambda: text.put(b"x"),
        lambda: text.get(key, False),
        lambda: text.store(b"bytes", False),
        lambda: text.store({"a": 1}, False),
        lambda: text.store("text", True),
        lambda: text.fetch(diskcache.core.MODE_PICKLE, None, b"", False),
        lambda: text.fetch(diskcache.core.MODE_RAW, "file", "text", False),
        lambda: text.fetch(diskcache.core.MODE_RAW, None, b"bytes", False),
        text.filename,
    ]
    for one in refused:
        with pytest.raises(ValueError, match=r"."):
            one()


# --- processes and forms ------------------------------------------------------------------------


def test_many_processes_agree_on_the_first(tmp_path: Path) -> None:
    """All open a store that is not there yet, all write the same key: one result stands, for all."""
    script = """
import sys
from pathlib import Path
from tests.store.test_results import result_of
from banana_pipe.store.results import Results
results = Results(Path(sys.argv[1]))
input()
for number in range(5):
    print(results.put(result_of(str(number), sys.argv[2])).artifact.digest)
"""
    children = [start(script, tmp_path / "results", name) for name in "abcd"]
    for child in children:
        go_on(child)
    said = {end(child) for child in children}
    assert len(said) == 1


def test_an_artifact_is_read_back_from_json() -> None:
    """And anything else is refused."""
    artifact = result_of("a").artifact
    assert artifact_from_json(json.loads(json.dumps(artifact_to_json(artifact)))) == artifact
    with pytest.raises(ValueError, match="digest"):
        artifact_from_json({**artifact_to_json(artifact), "sha256": "../../etc/passwd"})

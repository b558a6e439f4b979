"""What each key gave: key → result, written once.

Unaware of blobs, of the ledger and of which result wins.

Kept by diskcache, as text only. Its stock `Disk` and `JSONDisk` both unpickle a planted row
(CVE-2025-69872) and follow a planted file name, so ours refuses everything but inline text, both
ways; and its defaults would evict paid results at 1 GiB.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import diskcache

from banana_pipe import disk
from banana_pipe.canonical import Digest, canonical_json, digest_of, is_digest
from banana_pipe.errors import StoreError
from banana_pipe.model import SIDE_SUFFIX, Artifact, Json, Key, Result, SideFile

TYPE = "banana-pipe/result/v1"
_LOOK_UP_AT_ONCE = 5_000


class ResultStore(Protocol):
    """What the rest of the program needs of a store of results."""

    def get(self, key: Key) -> Result | None:
        """The result of *key*."""

    def get_many(self, keys: Iterable[Key]) -> Mapping[Key, Result]:
        """The results of those *keys* that have one."""

    def put(self, result: Result, *, instead: bool = False) -> Result:
        """Write *result* unless its key has one; the one that stands. *instead*: replace it."""

    def put_all(self, results: Sequence[Result]) -> list[Result]:
        """Write all *results* as `put` does, in one go; for each the one that stands."""

    def keys_of(self, pictures: Container[Digest]) -> list[Key]:
        """The keys whose result is one of *pictures*."""


class TextDisk(diskcache.Disk):
    """A diskcache `Disk` for digests as keys and inline text as values, and nothing else."""

    def put(self, key: Any) -> tuple[str, bool]:
        """The database's form of *key*."""
        if not is_digest(key):
            raise ValueError("a key is 64 hex digits")
        return key, True

    def get(self, key: Any, raw: Any) -> Any:
        """The key of a row."""
        if not raw or not is_digest(key):
            raise ValueError("a row whose key we did not write")
        return key

    def store(self, value: Any, read: Any, key: Any = None) -> tuple[int, int, None, str]:  # noqa: ARG002
        """Size, mode, file name and value as the database keeps them."""
        if read or type(value) is not str:
            raise ValueError("a value is text")
        return 0, diskcache.core.MODE_RAW, None, value

    def fetch(self, mode: Any, filename: Any, value: Any, read: Any) -> str:
        """The value of a row."""
        if mode != diskcache.core.MODE_RAW or filename is not None or read or type(value) is not str:
            raise ValueError("a row whose value we did not write")
        return value

    def filename(self, key: Any = None, value: Any = None) -> tuple[str, str]:  # noqa: ARG002
        """Values are never files."""
        raise ValueError("values are kept inline")

    def remove(self, file_path: Any) -> None:
        """There are no files to remove."""


SETTINGS = {**diskcache.core.DEFAULT_SETTINGS, **diskcache.core.METADATA}
"""What diskcache itself writes beside the rows, with its defaults."""


class _Cache(diskcache.Cache):
    """A diskcache `Cache` that can be opened while another process writes, and takes no strange settings."""

    def reset(self, key: str, *rest: Any, **named: Any) -> Any:
        """Take over a setting. The stock form makes whatever stands in the file an attribute of its own."""
        if key not in SETTINGS:
            raise ValueError(f"a setting that is not ours: {key}")
        return super().reset(key, *rest, **named)

    def drop_tag_index(self) -> None:
        """Tags are not used; the stock form drops the index that is not there, and fails where somebody writes."""


class Results:
    """Results in the folder *root*. A row that we did not write counts as none."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._opened: Any = None
        self._opening = threading.Lock()

    def get(self, key: Key) -> Result | None:
        """The result of *key*."""
        if not self._exists():
            return None
        try:
            text = self._cache().get(key)
        except ValueError:  # a row that we did not write
            return None
        except _TROUBLE as error:
            raise StoreError(f"cannot read the results in {self.root}: {_first(error)}", hint=_ADVICE) from error
        return believed(key, text)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Result]:
        """The results of those *keys* that have one, in few look-ups."""
        if not self._exists():
            return {}
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, Result] = {}
        for start in range(0, len(wanted), _LOOK_UP_AT_ONCE):
            for key, text in self._rows(wanted[start : start + _LOOK_UP_AT_ONCE]):
                result = believed(key, text)
                if result is not None:
                    found[key] = result
        return found

    def put(self, result: Result, *, instead: bool = False) -> Result:
        """Write *result* unless its key has one; the one that stands. *instead*: replace it."""
        cache = self._cache()
        try:
            disk.announce("commit", self.root)
            return self._put(cache, result, instead=instead)
        except _TROUBLE as error:
            raise StoreError(f"cannot write results in {self.root}: {_first(error)}", hint=_ADVICE) from error

    def put_all(self, results: Sequence[Result]) -> list[Result]:
        """Write all *results* as `put` does, in one transaction: one wait for the disk; for each the one that stands."""
        cache = self._cache()
        try:
            disk.announce("commit", self.root)
            with cache.transact():
                return [self._put(cache, result) for result in results]
        except _TROUBLE as error:
            raise StoreError(f"cannot write results in {self.root}: {_first(error)}", hint=_ADVICE) from error

    def _put(self, cache: Any, result: Result, *, instead: bool = False) -> Result:
        text = _to_text(result)
        if not instead and cache.add(result.key, text):
            return result
        standing = None if instead else self.get(result.key)
        if standing is None:
            cache.set(result.key, text)
        return standing or result

    def keys_of(self, pictures: Container[Digest]) -> list[Key]:
        """The keys whose result is one of *pictures*, in the order of keys; every row is read."""
        if not self._exists():
            return []
        results = (believed(key, text) for key, text in self._select("ORDER BY key"))
        return [result.key for result in results if result is not None and result.artifact.digest in pictures]

    def forget(self, keys: Iterable[Key]) -> None:
        """Take these keys' results away: for what costs nothing and is to be made again."""
        try:
            for key in keys:
                disk.announce("commit", self.root)
                self._cache().delete(key)
        except _TROUBLE as error:
            raise StoreError(f"cannot write results in {self.root}: {_first(error)}", hint=_ADVICE) from error

    def close(self) -> None:
        """Give back the files."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _exists(self) -> bool:
        return self._opened is not None or (self.root / "cache.db").exists()

    def _cache(self) -> Any:
        with self._opening:
            if self._opened is None:
                self._opened = self._open()
        return self._opened

    def _open(self) -> Any:
        disk.make_folder(self.root, 0o700)
        try:
            disk.announce("schema", self.root)
            return _Cache(
                str(self.root),
                disk=TextDisk,
                eviction_policy="none",
                cull_limit=0,
                sqlite_journal_mode="delete",
                sqlite_synchronous=2,
                sqlite_mmap_size=0,
            )
        except (*_TROUBLE, ValueError, TypeError) as error:  # the latter two: its settings were tampered with
            raise StoreError(f"cannot open the results in {self.root}: {_first(error)}", hint=_ADVICE) from error

    def _rows(self, keys: list[Key]) -> list[tuple[Key, Any]]:
        return self._select(f"AND key IN ({','.join('?' * len(keys))})", keys)

    def _select(self, which: str, keys: Sequence[Key] = ()) -> list[tuple[Key, Any]]:
        query = (
            "SELECT key, value FROM Cache"  # noqa: S608 - of our own constants and question marks
            f" WHERE raw = 1 AND mode = {diskcache.core.MODE_RAW} AND filename IS NULL {which}"
        )
        try:
            return [(Key(key), text) for key, text in self._cache()._sql(query, keys)]
        except _TROUBLE as error:
            raise StoreError(f"cannot read the results in {self.root}: {_first(error)}", hint=_ADVICE) from error


def _first(error: BaseException) -> BaseException:
    """What went wrong before *error*, which may only say that the clearing up after it failed too."""
    while isinstance(error.__context__, sqlite3.Error | OSError):
        error = error.__context__
    return error


_TROUBLE = (sqlite3.Error, OSError, diskcache.Timeout)
_ADVICE = "mend the disk; if the file is damaged: `banana-pipe cache verify --repair`; it is rebuilt from the ledger"


def artifact_to_json(artifact: Artifact) -> dict[str, Json]:
    """An artifact as JSON; every store writes it in this form."""
    described: dict[str, Json] = {
        "sha256": artifact.digest,
        "mime": artifact.mime,
        "width": artifact.width,
        "height": artifact.height,
        "bytes": artifact.size,
    }
    if artifact.blank:
        described["blank"] = True
    if artifact.alpha:
        described["alpha"] = True
    return described


def artifact_from_json(described: Mapping[str, Json]) -> Artifact:
    """The artifact that `artifact_to_json` described. Raises KeyError, TypeError, ValueError."""
    if not is_digest(described["sha256"]):
        raise ValueError("not a digest")
    return Artifact(
        digest=described["sha256"],
        mime=str(described["mime"]),
        width=int(described["width"]),
        height=int(described["height"]),
        size=int(described["bytes"]),
        blank=bool(described.get("blank", False)),
        alpha=bool(described.get("alpha", False)),
    )


def side_files_to_json(side_files: Iterable[SideFile]) -> list[Json]:
    """Side files as JSON; every store writes them in this form."""
    return [{"suffix": one.suffix, "sha256": one.digest, "mime": one.mime, "bytes": one.size} for one in side_files]


def side_files_from_json(described: Iterable[Mapping[str, Json]]) -> tuple[SideFile, ...]:
    """The side files that `side_files_to_json` described. Raises KeyError, TypeError, ValueError."""
    found = []
    for one in described:
        if not is_digest(one["sha256"]) or not SIDE_SUFFIX.match(one["suffix"]):
            raise ValueError("not a side file")
        found.append(SideFile(one["suffix"], Digest(one["sha256"]), str(one["mime"]), int(one["bytes"])))
    return tuple(found)


def _to_text(result: Result) -> str:
    record = {
        "type": TYPE,
        "key": result.key,
        "artifact": artifact_to_json(result.artifact),
        "provider": result.provider,
        "model": result.model,
        "served": result.served,
        "task_id": result.task_id,
        "trace_id": result.trace_id,
        "price": result.price,
        "bought_at": result.bought_at,
        **({"side_files": side_files_to_json(result.side_files)} if result.side_files else {}),
    }
    body = canonical_json(record)
    return json.dumps({"record": body.decode(), "sha256": digest_of(body)})


def believed(key: str, text: Any) -> Result | None:
    """The result in a row, if the row is whole and really is about *key*."""
    result = from_text(text)
    return result if result is not None and result.key == key else None


def from_text(text: Any) -> Result | None:
    """The result that the text of a row tells, if it is whole; it says itself which key it is about."""
    try:
        outer = json.loads(text)
        body: str = outer["record"]
        if digest_of(body.encode()) != outer["sha256"]:
            return None
        record = json.loads(body)
        if record["type"] != TYPE or not is_digest(record["key"]):
            return None
        return Result(
            key=Key(record["key"]),
            artifact=artifact_from_json(record["artifact"]),
            provider=record["provider"],
            model=record["model"],
            served=record["served"],
            task_id=record["task_id"],
            trace_id=record["trace_id"],
            price=record["price"],
            bought_at=record["bought_at"],
            side_files=side_files_from_json(record.get("side_files", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None

"""The records of an archive: attempts and results as lines of JSON, and back, believed in nothing but their form.

Unaware of tars, of blobs and of stores.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from hashlib import sha256
from typing import Any

from banana_pipe.canonical import is_digest
from banana_pipe.care.archive import NoArchive
from banana_pipe.model import LOCAL, Artifact, Attempt, Json, Key, Result
from banana_pipe.store.results import (
    artifact_from_json,
    artifact_to_json,
    side_files_from_json,
    side_files_to_json,
)

TYPE = "banana-pipe/archive/v1"
ACCOUNT = "imported"
"""Whose token an imported attempt was sent with: nobody's here."""
MAX_LINE = 4 << 20
_LATEST = 4_102_444_800.0
"""The year 2100."""
_MOST = 10**12
"""Micro-dollars of one call: a million dollars."""
_ID = re.compile(r"[\w.-]{1,64}\Z", re.ASCII)
_PICTURE = re.compile(r"(?:https?://|sha256:)[!-~]+\Z")
_SHORT, _LONG = 4_096, 2 << 20

_NAMES = ("origin", "run_id", "provider", "model", "node")
_OPTIONAL_NAMES = ("task_id", "trace_id", "served", "picture", "error_kind", "error_code")
_WORDS = ("response", "error_message")
_TIMES = ("created_at", "updated_at")


def to_lines(attempts: Iterable[Attempt], results: Iterable[Result]) -> Iterator[bytes]:
    """The records as they stand in an archive, and the digest of it all. Whose token a call was sent with is left out."""
    records: list[Mapping[str, Json]] = [{"type": TYPE}]
    records += [{"attempt": _described(replace(attempt, account=ACCOUNT))} for attempt in attempts]
    records += [{"result": _described(result)} for result in results]
    hashed = sha256()
    for record in records:
        line = _line(record)
        hashed.update(line)
        yield line
    yield _line({"sha256": hashed.hexdigest()})


def from_lines(lines: Iterable[bytes]) -> tuple[list[Attempt], list[Result]]:
    """The records in *lines*. Raises NoArchive for anything but finished purchases and transforms."""
    attempts: list[Attempt] = []
    results: list[Result] = []
    hashed, ended = sha256(), False
    for number, line in enumerate(lines):
        try:
            record = json.loads(line, parse_constant=_no_number)
            _check(not ended, "it stands behind the end")
            if number == 0:
                _check(record == {"type": TYPE}, "it does not say what it is")
            elif record.keys() == {"attempt"}:
                attempts.append(_attempt(record["attempt"]))
            elif record.keys() == {"result"}:
                results.append(_result(record["result"]))
            else:
                _check(record == {"sha256": hashed.hexdigest()}, "they are not as they were written")
                ended = True
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise NoArchive(f"line {number + 1} of the records cannot be believed ({str(error)[:100]})") from None
        hashed.update(line + b"\n")
    if not ended:
        raise NoArchive("the records are cut off")
    _refuse_twins(attempts, results)
    return attempts, results


def _refuse_twins(attempts: list[Attempt], results: list[Result]) -> None:
    if len({one.key for one in attempts} | {one.key for one in results}) != len(attempts) + len(results):
        raise NoArchive("the records name one request twice")
    if len({one.id for one in attempts}) != len(attempts) or len(_tasks(attempts)) != sum(
        one.task_id is not None for one in attempts
    ):
        raise NoArchive("the records name one call twice")


def _tasks(attempts: Iterable[Attempt]) -> set[tuple[str, str]]:
    return {(one.origin, one.task_id) for one in attempts if one.task_id is not None}


def _line(record: Mapping[str, Json]) -> bytes:
    return json.dumps(record, sort_keys=True, allow_nan=False).encode() + b"\n"


def _described(record: Attempt | Result) -> dict[str, Json]:
    artifact, described = record.artifact, asdict(record)
    described.pop("side_files", None)  # most have none, and older archives know of none
    if isinstance(record, Result) and record.side_files:
        described["side_files"] = side_files_to_json(record.side_files)
    return {**described, "artifact": None if artifact is None else artifact_to_json(artifact)}


def _attempt(values: dict[str, Any]) -> Attempt:
    _whole(values, Attempt)
    _check(values["state"] == "STORED", "it is not settled")
    _check(values["account"] == ACCOUNT, "it names an account")
    _check(isinstance(values["id"], str) and _ID.match(values["id"]) is not None, "its id")
    _check(is_digest(values["wire"]), "its wire digest")
    _check(type(values["adopted"]) is bool, "adopted")
    picture = values["picture"]
    _check(picture is None or (isinstance(picture, str) and _PICTURE.match(picture) is not None), "its picture's link")
    _check_common(values, _NAMES, _OPTIONAL_NAMES, _TIMES)
    for name in _WORDS:
        _check(values[name] is None or _is_text(values[name], _LONG), name)
    _check(values["under_way_until"] is None or _is_time(values["under_way_until"]), "under_way_until")
    return Attempt(**{**values, "key": Key(values["key"]), "artifact": _artifact(values["artifact"])})


def _result(values: dict[str, Any]) -> Result:
    _check(isinstance(values, dict), "its members")
    described = values.pop("side_files", [])
    _check(isinstance(described, list), "what lies beside it")
    beside = side_files_from_json(described)
    _check(all(_is_name(one.mime) and 0 < one.size < 1 << 40 for one in beside), "what lies beside it")
    values["side_files"] = beside
    _whole(values, Result)
    _check(values["provider"] == LOCAL, "a purchase stands in the ledger")
    _check(values["price"] == 0, "a transform is free")
    _check_common(values, ("provider", "model"), ("served", "task_id", "trace_id"), ("bought_at",))
    return Result(**{**values, "key": Key(values["key"]), "artifact": _artifact(values["artifact"])})


def _whole(values: object, kind: type[Attempt | Result]) -> None:
    _check(isinstance(values, dict) and values.keys() == {field.name for field in fields(kind)}, "its members")


def _check_common(values: dict[str, Any], names: Iterable[str], optional: Iterable[str], times: Iterable[str]) -> None:
    _check(is_digest(values["key"]), "its key")
    for name in names:
        _check(_is_name(values[name]), name)
    for name in optional:
        _check(values[name] is None or _is_name(values[name]), name)
    for name in times:
        _check(_is_time(values[name]), name)
    price = values["price"]
    _check(price is None or (type(price) is int and 0 <= price <= _MOST), "its price")


def _artifact(described: dict[str, Any]) -> Artifact:
    numbers = [described[name] for name in ("width", "height", "bytes")]
    _check(all(type(number) is int and 0 < number < 1 << 40 for number in numbers), "its picture's size")
    _check(_is_name(described["mime"]), "its picture's type")
    return artifact_from_json(described)


def _is_name(value: object) -> bool:
    return _is_text(value, _SHORT) and str(value).isprintable()


def _is_text(value: object, most: int) -> bool:
    # Half a surrogate pair is no text that a database takes.
    return isinstance(value, str) and len(value) <= most and not re.search("[\ud800-\udfff]", value)


def _is_time(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(float(str(value))) and 0 <= float(str(value)) < _LATEST


def _check(good: bool, what: str) -> None:
    if not good:
        raise ValueError(what)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

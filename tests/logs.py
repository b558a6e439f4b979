"""Holds the logs that runs left against their schema.

Unaware of the runs. Lines of one form are checked once: it is the form that the schema is about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from banana_pipe.outputs.log import SCHEMA

_WORDS = {"type", "status", "state", "reason", "action", "kind", "mime", "cap"}
"""Members whose value is one of a few."""
_DIGEST = re.compile("[0-9a-f]{40,64}")
_VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))


def faults_in(folder: Path) -> list[str]:
    """What is wrong with the logs of all output folders below *folder*."""
    seen: set[Any] = set()
    return [fault for path in sorted(folder.rglob("_/runs/*.jsonl")) for fault in faults_of(path, seen)]


def faults_of(path: Path, seen: set[Any] | None = None) -> Iterator[str]:
    """What is wrong with one log; of forms that were *seen* before nothing is said."""
    seen = set() if seen is None else seen
    *whole, _ = path.read_bytes().split(b"\n")  # of a process that was killed the last line has no end
    for number, line in enumerate(whole, start=1):
        try:
            event = json.loads(line)
        except ValueError:
            yield f"{path}:{number}: no JSON"
            continue
        form = _form(event)
        if form not in seen:
            seen.add(form)
            yield from (f"{path}:{number}: {error.json_path}: {error.message}" for error in _errors(event))


def _errors(event: Any) -> list[Any]:
    return sorted(_VALIDATOR.iter_errors(event), key=str)


def _form(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return tuple((key, _form(inner, key)) for key, inner in value.items())
    if isinstance(value, list):
        return frozenset(_form(inner) for inner in value)
    if isinstance(value, str):
        return value if name in _WORDS else (str, bool(value), bool(_DIGEST.fullmatch(value)))
    return type(value)

"""The log of a run, read back: which run it was, and what it left in its folder.

Unaware of where the pictures are kept now, and of what is done with what the log says.

A log is perhaps a stranger's: whatever it says is looked at before anybody believes it. Of a process
that was killed the last line may be cut off, and `folder` and `end` are missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from banana_pipe.canonical import Digest, is_digest
from banana_pipe.errors import StoreError, UsageError
from banana_pipe.model import SIDE_SUFFIX, Json
from banana_pipe.outputs.publish import PAGE
from banana_pipe.regular import read_regular
from banana_pipe.store.published import MANIFEST, OURS, RUNS, TAKES, is_inside

SUFFIX = ".jsonl"
_PICTURES = (".png", ".jpg", ".webp", ".avif")


@dataclass(frozen=True, slots=True)
class Logged:
    """One run as its log tells it. `files` are the manifest's entries, by path."""

    path: Path
    run_id: str
    recipe: str
    name: str
    version: str
    at: str
    """When its last line was written."""
    files: Mapping[str, Mapping[str, Json]]
    is_whole: bool
    """Whether the run came to its end."""
    events: Sequence[Mapping[str, Any]]

    @property
    def out(self) -> Path | None:
        """The output folder that the log lies in; None where it lies elsewhere."""
        return out_of(self.path)

    def first(self, kind: str) -> Mapping[str, Any]:
        """The first event of that type; empty where there is none."""
        return next((event for event in self.events if event["type"] == kind), {})


def digest_of_entry(entry: Mapping[str, Json]) -> Digest:
    """The picture that *entry*, which was read, is about."""
    return Digest(str(entry["sha256"]))


def files_of_entry(entry: Mapping[str, Json]) -> list[tuple[str, Digest]]:
    """The files that *entry*, which was read, is about: its picture, and what lies beside it."""
    beside = entry.get("side_files", [])
    return [(str(one["path"]), Digest(str(one["sha256"]))) for one in (entry, *beside)]


def out_of(path: Path) -> Path | None:
    """The output folder that the log *path* lies in; None where it lies elsewhere."""
    folder = path.absolute().parent
    return folder.parent.parent if folder.parts[-2:] == tuple(RUNS.split("/")) else None


def logs_in(out: Path) -> list[Path]:
    """The logs in the output folder *out*."""
    return sorted(path for path in (out / RUNS).glob(f"*{SUFFIX}") if path.is_file())


def read_log(path: Path) -> Logged:
    """The run whose log is *path*. Raises UsageError where it cannot be read, StoreError where it cannot be believed."""
    try:
        data = read_regular(path)
    except OSError as error:
        raise UsageError(f"cannot read the log {path}: {error.strerror or error}") from error
    events = list(_events(path, data))
    start = events[0] if events else {}
    if start.get("type") != "start":
        raise StoreError(f"{path} is not the log of a run: it does not begin with its start")
    run_id, recipe, name, versions = (start.get(member) for member in ("run_id", "recipe", "name", "versions"))
    version = versions.get("banana-pipe") if isinstance(versions, dict) else None
    texts = [one for one in (run_id, recipe, name, version) if isinstance(one, str)]
    if len(texts) < 4:
        raise StoreError(f"{path}:1: the start of a run names its run, recipe and version; this one does not")
    files = {str(entry["path"]): entry for number, entry in _entries(events) if _is_sound(path, number, entry)}
    at, kinds = str(events[-1].get("time")), {event["type"] for event in events}
    return Logged(path, texts[0], texts[1], texts[2], texts[3], at, files, {"folder", "end"} <= kinds, events)


def _events(path: Path, data: bytes) -> Iterator[Mapping[str, Any]]:
    *lines, _ = data.split(b"\n")  # what has no end was cut off
    for number, line in enumerate(lines, start=1):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            raise StoreError(f"{path}:{number}: not an event: the log is damaged", hint="bring back the file")
        yield event


def _entries(events: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """What is said of the folder, with the line that says it."""
    for number, event in enumerate(events, start=1):
        found = event.get({"node": "outputs", "folder": "kept"}.get(event["type"], ""))
        for entry in found if isinstance(found, list) else []:
            yield number, entry if isinstance(entry, dict) else {}


def _is_sound(path: Path, number: int, entry: Mapping[str, Json]) -> bool:
    """True; raises StoreError for a picture that no run would place there."""
    name, digest, node = entry.get("path"), entry.get("sha256"), entry.get("node")
    if not (isinstance(name, str) and is_digest(digest) and isinstance(node, str)):
        raise StoreError(f"{path}:{number}: a picture has a path, a sha256 and a node; this one has not")
    ours = name.partition("/")[0] == OURS and not name.startswith(f"{TAKES}/")
    if not is_inside(name) or ours or not name.lower().endswith(_PICTURES):
        raise StoreError(f"{path}:{number}: no run places a picture at {name}")
    beside = entry.get("side_files", [])
    if not isinstance(beside, list) or not all(_lies_beside(name, one) for one in beside):
        raise StoreError(f"{path}:{number}: no run places what is told to lie beside {name}")
    return True


def _lies_beside(picture: str, one: Json) -> bool:
    """Whether *one* is told as a file beside that picture: of its name, and of none that is ours."""
    path, digest = (one.get("path"), one.get("sha256")) if isinstance(one, dict) else (None, None)
    if not isinstance(path, str) or not is_digest(digest) or path.casefold() in (PAGE, MANIFEST):
        return False
    stem = picture.rpartition(".")[0]
    return path.startswith(stem) and SIDE_SUFFIX.match(path[len(stem) :]) is not None

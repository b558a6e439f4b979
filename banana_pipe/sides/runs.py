"""What a run made, by its log: `_/runs/<run-id>.jsonl` of an output folder, with the bytes from the cache.

Unaware of other sides.

A log names every picture that flowed on from the run, bought then or not. What was asked and what it cost other records
know, as far as they still do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from banana_pipe.canonical import Digest
from banana_pipe.comparing.matching import Shown
from banana_pipe.errors import StoreError
from banana_pipe.lineage.family import joined
from banana_pipe.lineage.tracing import Archive, outputs_in
from banana_pipe.model import Json
from banana_pipe.regular import read_regular
from banana_pipe.sides.folders import folder_side
from banana_pipe.sides.side import Side, first_of, shown_by
from banana_pipe.store.published import RUNS

RUN_ID = re.compile(r"\d{8}T[0-9a-zA-Z-]*")
"""The name of a run, or its beginning; nothing that git takes for a commit has a T."""


def logs_of(text: str, folders: Sequence[Path]) -> list[Path]:
    """The logs in these output folders whose run is named *text*, or begins so."""
    if not RUN_ID.fullmatch(text):
        return []
    found = [path for folder in folders for path in sorted((folder / RUNS).glob(f"{text}*.jsonl"))]
    exact = [path for path in found if path.stem == text]
    return exact or found


def run_side(log: Path, about: str, archive: Archive, *, takes: bool) -> Side:
    """What the run of that *log* made. *takes*: what nobody picked, too. Raises StoreError for a log that can't be read."""
    events = list(_events(log))
    pictures = [
        one for event in events if event.get("type") == "node" for one in _pictures(event, archive, takes=takes)
    ]
    plan = next((event for event in events if event.get("type") == "plan"), {})
    left_out = plan.get("left_out")
    ended = any(event.get("type") == "end" for event in events)
    out = log.parent.parent.parent
    return Side(
        about,
        tuple({(one.node, one.take, one.picked): one for one in pictures}.values()),
        first_of([archive.read, folder_side(out, about, archive, takes=True).read]),
        frozenset(filter(_is_text, left_out)) if isinstance(left_out, list) else frozenset(),
        () if ended else (f"the run {log.stem} did not come to its end: what it had not made is missing",),
    )


def _pictures(event: Mapping[str, Json], archive: Archive, *, takes: bool) -> Iterator[Shown]:
    for one in outputs_in(event):
        picked = one.get("picked") is True
        if not (picked or takes):
            continue
        digest, node, take = Digest(one["sha256"]), str(event["node"]), one.get("take")
        records = archive.records(digest)
        # Of several nodes with the same bytes the one that is meant is asked first.
        records.sort(key=lambda record: record.node != node)
        request = archive.request(str(event.get("key"))) if picked else None
        shown = shown_by(joined(records), one["path"], picked=picked) if records else Shown(one["path"], digest)
        take = take if isinstance(take, int) else None
        yield replace(shown, node=node, take=take, picked=picked, request=request or shown.request)


def _events(log: Path) -> Iterator[Mapping[str, Json]]:
    try:
        lines = read_regular(log).splitlines()
    except OSError as error:
        raise StoreError(f"cannot read {log}: {error.strerror}") from error
    for line in lines:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):  # cut off by a crash
            continue
        if isinstance(event, dict):
            yield event


def _is_text(value: Json) -> bool:
    return isinstance(value, str)

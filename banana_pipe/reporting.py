"""The gallery of a folder, made again without a run: from its manifest, the lock file and the last log.

Unaware of the command line. Nothing is asked, nothing is bought; only the page and its small pictures are written.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType

from banana_pipe import disk
from banana_pipe.canonical import Digest
from banana_pipe.errors import StoreError, UsageError
from banana_pipe.explaining import asked_before
from banana_pipe.model import Json, Run
from banana_pipe.outputs import report
from banana_pipe.outputs.foreign import content, refuse_foreign, refuse_links, refuse_to_replace
from banana_pipe.outputs.logged import logs_in, read_log
from banana_pipe.outputs.page.past import moments_of, run_of
from banana_pipe.outputs.page.thumbs import Thumbs, flowing_of, is_needed, thumb_path
from banana_pipe.outputs.page.timeline import Times
from banana_pipe.outputs.publish import PAGE, PAGE_MARK, Publisher
from banana_pipe.store.published import read_manifest
from banana_pipe.workspace import Workspace

MOST_INLINED = 500
"""Pictures of a page that stands alone: about 13 MB."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A page that was written: `page` is its file, `run_id` whose run it tells of, `thumbs` are those made for it."""

    page: Path
    run_id: str | None
    pictures: int
    thumbs: int
    bytes: int
    warnings: tuple[str, ...]


async def report_on(workspace: Workspace, *, command: str, alone: Path | None = None) -> Reported:
    """Write the page of the folder of *workspace*; *command* makes the folder again.

    With *alone* it goes into that file, with small pictures inside, and the folder stays as it is. Raises
    UsageError where there is no folder, where it is another recipe's, and for more pictures than fit.
    """
    places = workspace.places
    refuse_foreign(places.out, places.root, places.recipe_in_project)
    refuse_links(places.out)
    document = read_manifest(places.out)
    if document is None:
        raise UsageError(f"there is no gallery to make: {places.out} has no manifest", hint="run the recipe first")
    document = with_form(document)
    run, times, warnings = last_run(workspace)
    before = await asked_before(workspace)
    wanted = _shown(document, run, everything=alone is not None)
    if alone is not None:
        refuse_to_replace(alone, PAGE_MARK)
        if len(wanted) > MOST_INLINED:
            hint = "the folder can be sent as it is: its index.html needs nothing else"
            raise UsageError(f"{len(wanted)} pictures are more than the {MOST_INLINED} of a single file", hint=hint)
    thumbs = Thumbs(places.out, workspace.read)
    there, made = await asyncio.to_thread(_make, thumbs, wanted)
    known = report.Known(there, before, times, _inlined(places.out, there & wanted) if alone is not None else None)
    page = report.page(document, run, workspace.whole, command=command, known=known)
    if alone is not None:
        disk.write_file(alone, page)
    else:
        warnings += await _publisher(workspace).write_page(page)
    pictures = sum(bool(entry["picked"]) for entry in document["files"])
    return Reported(
        alone or places.out / PAGE, run.id if run else None, pictures, len(made), len(page), tuple(warnings)
    )


def last_run(workspace: Workspace) -> tuple[Run | None, Times | None, list[str]]:
    """The last run that came to its end, by the logs in the folder; when what happened; what to warn of."""
    out = workspace.places.out
    for path in reversed(logs_in(out)):
        try:
            logged = read_log(path)
        except (StoreError, UsageError) as error:
            return None, None, [f"the last run is not told: {error.message}"]
        run = run_of(logged.events, out, workspace.whole)
        if run is not None:
            return run, moments_of(logged.events), []
    return None, None, ["there is no log of a run that came to its end: the page tells of the pictures alone"]


def _shown(document: Mapping[str, Json], run: Run | None, *, everything: bool) -> set[str]:
    """The digests of what the page shows in small."""
    wanted = {
        entry["sha256"]
        for entry in document["files"]
        if everything or is_needed(entry["width"], entry["height"], published=True)
    }
    unpublished = (flowing_of(outcome) for outcome in (run.outcomes if run else ()) if not outcome.outputs)
    return wanted | {artifact.digest for artifact in unpublished if artifact is not None}


_FORMS: Mapping[str, type | UnionType] = {
    **dict.fromkeys(("path", "node", "sha256"), str),
    **dict.fromkeys(("width", "height", "bytes"), int),
    "take": int | None,
    "picked": bool,
    "request": dict,
    "inputs": list,
}


def with_form(document: Mapping[str, Json]) -> Mapping[str, Json]:
    """*document* with those of its files that are told as a run tells them: a stranger's may say anything."""
    files = document.get("files")
    listed = [one for one in files if isinstance(one, dict)] if isinstance(files, list) else []
    whole = [one for one in listed if all(isinstance(one.get(name), form) for name, form in _FORMS.items())]
    return {**document, "files": whole}


def _make(thumbs: Thumbs, wanted: Iterable[str]) -> tuple[set[str], set[str]]:
    """All small pictures that there are then, and those that were made."""
    before = set(thumbs.finish())
    for digest in sorted(wanted):
        thumbs.want(Digest(digest))
    there = thumbs.finish()
    return there, there - before


def _inlined(out: Path, digests: Iterable[str]) -> dict[str, str]:
    pictures = {digest: content(out / thumb_path(digest)) for digest in digests}
    return {
        digest: f"data:image/webp;base64,{base64.b64encode(data).decode()}" for digest, data in pictures.items() if data
    }


def _publisher(workspace: Workspace) -> Publisher:
    places = workspace.places
    return Publisher(
        places.out,
        places.root,
        places.recipe_in_project,
        read=workspace.read,
        keep=workspace.keep,
        known=frozenset(),
        clock=workspace.clock,
    )

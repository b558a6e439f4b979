"""Places pictures in the output folder, and takes away those of nodes that are gone.

Unaware of graphs, prices and where bytes come from (it asks a function for them).

Every picture is journaled, written beside its place, synced and renamed, as soon as its node has
ended; the manifest comes last. Processes that share a folder take turns for each node, so that what
lies half written in the folder while one has its turn was left by somebody who died. A file made by
hand is never replaced or removed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from banana_pipe import disk
from banana_pipe.canonical import Digest
from banana_pipe.clock import Clock
from banana_pipe.images import suffix
from banana_pipe.model import Json, Node, Outcome, Output, Take
from banana_pipe.outputs import manifest
from banana_pipe.outputs.foreign import content, is_marked, refuse_a_way_out, refuse_foreign, refuse_links
from banana_pipe.store.published import (
    JOURNAL,
    LOCK,
    MANIFEST,
    TAKES,
    TEMPORARY,
    Placed,
    Published,
    journal_line,
)
from banana_pipe.takes import ACCEPTED_AND_GONE

PAGE = "index.html"
PAGE_MARK = b'<meta name="generator" content="banana-pipe">'
TURN_POLL_SECONDS = 0.02

T = TypeVar("T")


def plan_outputs(node: Node, takes: Sequence[Take], picked: int | None) -> tuple[Output, ...]:
    """Where each take of *node* goes: the picked one to its output, the others to `_/takes/`."""
    if node.output is None:
        return ()
    outputs = []
    for take in takes:
        artifact, is_picked = take.result.artifact, take.sample == picked
        stem = node.output if is_picked else take_stem(node.output, take.sample)
        path, beside = stem + suffix(artifact.mime), take.result.side_files
        outputs.append(Output(path, artifact, take.sample, is_picked, take.result.key, beside))
    return tuple(outputs)


def take_stem(output: str, sample: int) -> str:
    """Where a take goes that was not picked, without suffix."""
    return f"{TAKES}/{output}@{sample}"


def _accepted_output(node: Node, outcome: Outcome) -> tuple[Output, ...]:
    """Where what was accepted goes: to the node's output."""
    if node.output is None or outcome.accepted is None or outcome.key is None:
        return ()
    path = node.output + suffix(outcome.accepted.mime)
    return (Output(path, outcome.accepted, None, True, outcome.key),)


class Publisher:
    """The output folder *out* during one run of *recipe*, a path below *root*.

    *read* gives a picture's bytes, or None where they are nowhere; *keep* stores those of a file that
    is about to be replaced or removed; *known* are the digests that the lock file has.
    """

    def __init__(
        self,
        out: Path,
        root: Path,
        recipe: str,
        *,
        read: Callable[[Digest], bytes | None],
        keep: Callable[[Path], None],
        known: Container[Digest],
        clock: Clock,
    ) -> None:
        self.out = out
        self._root = root
        self._recipe = recipe
        self._read = read
        self._keep = keep
        self._known = known
        self._clock = clock
        self._published = Published(out)
        self._mine = asyncio.Lock()
        self._settled: dict[str, set[str]] = {}
        """The paths that belong to each node that is done."""
        self.placed = 0
        """Pictures put into the folder so far."""
        self.removed = 0
        """Pictures taken away from it."""

    async def start(self) -> None:
        """Make the folder ready. Raises UsageError if it belongs to another recipe, or has links where we write."""
        refuse_foreign(self.out, self._root, self._recipe)
        refuse_links(self.out)
        async with self._turn():
            await _in_a_thread(self._sweep)

    async def publish(self, node: Node, outcome: Outcome) -> Outcome:
        """Place the takes of *outcome*; it comes back with its outputs, as `modified` or as `lost` where it is."""
        is_done = outcome.status in ("cached", "done")
        # What failed keeps the file that it had: its takes go where one can look at them.
        planned = plan_outputs(node, outcome.takes, outcome.picked if is_done else None)
        planned += _accepted_output(node, outcome) if is_done else ()
        async with self._mine:
            wanting = await _in_a_thread(lambda: [output for output in planned if not self._is_there(output)])
        placed: Mapping[str, str] = {}
        if wanting:
            async with self._turn():
                files = [file for output in wanting for file in output.files.items()]
                placed = await _in_a_thread(lambda: {path: self._place(node.id, path, one) for path, one in files})
            self.placed += sum(standing == "placed" for standing in placed.values())
        told = _told(node, outcome, planned, placed, self.out)
        if told.status in ("cached", "done"):
            self._settled[node.id] = {path for output in planned for path in output.files}
        return told

    async def finish(
        self,
        header: Mapping[str, Json],
        entries: Iterable[Mapping[str, Json]],
        *,
        nodes: Container[str],
        full: bool,
        page: Callable[[Mapping[str, Json]], bytes],
        spared: Container[str] = (),
    ) -> list[str]:
        """Remove what is no longer wanted, write the page and, last, the manifest; gives warnings.

        *nodes* are all names in the recipe. Files of vanished nodes only go in a *full* run, one that
        was to bring every node to its end; files of nodes that did not end well always stay. So do
        those that are *spared*: paths without suffix of what somebody reads who is not in this run.
        """
        async with self._turn():
            return await _in_a_thread(lambda: self._finish(header, list(entries), nodes, full, page, spared))

    async def write_page(self, page: bytes) -> list[str]:
        """Write the page alone, of a folder that stays as it is; gives warnings."""
        async with self._turn():
            return await _in_a_thread(lambda: self._write_page(page))

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        # Polled: a blocking flock in a thread pool can leave two processes waiting for each other.
        async with self._mine:
            while (lock := disk.try_lock(self.out / LOCK)) is None:
                await self._clock.sleep(TURN_POLL_SECONDS)
            with lock:
                yield

    # --- what follows runs in a thread, one at a time ---

    def _sweep(self) -> None:
        new = self.out / TEMPORARY
        for left in sorted(new.glob(f"{disk.TEMPORARY_PREFIX}*")):
            disk.remove(left)

    def _is_there(self, output: Output) -> bool:
        judged = (self._published.judge(path, digest, self._known) for path, digest in output.files.items())
        return all(standing == "same" for standing in judged)

    def _place(self, node: str, path: str, digest: Digest) -> str:
        """`same`, `placed`, `by hand`, or `lost`."""
        standing = self._published.judge(path, digest, self._known)
        if standing in ("same", "by hand"):
            return standing
        refuse_a_way_out(self.out, path)
        data = self._read(digest)
        if data is None:
            return "lost"
        self._keep_bytes(self.out / path)
        disk.append(self.out / JOURNAL, journal_line(Placed(path, digest, node)))
        disk.write_file(self.out / path, data, temporary_in=self.out / TEMPORARY)
        return "placed"

    def _keep_bytes(self, path: Path) -> None:
        """Keep the bytes of a file that is about to go: without a cache it may be all that is left of a purchase."""
        if path.is_file():
            self._keep(path)

    def _finish(
        self,
        header: Mapping[str, Json],
        entries: Sequence[Mapping[str, Json]],
        nodes: Container[str],
        full: bool,
        page: Callable[[Mapping[str, Json]], bytes],
        spared: Container[str],
    ) -> list[str]:
        wanted = {path for paths in self._settled.values() for path in paths}
        wanted.update(path for entry in entries for path, _ in manifest.files_in(entry))
        unwanted = [
            placed
            for placed in self._published.placed()
            if placed.path not in wanted
            and placed.path.rpartition(".")[0] not in spared
            and (placed.node in self._settled or (full and placed.node not in nodes))
        ]
        gone = [placed for placed in unwanted if self._published.digest_at(placed.path) == placed.digest]
        there = [self._standing(entry) for entry in [*self._earlier(wanted), *entries] if self._holds(entry)]
        document = manifest.document(
            header, [entry for entry in there if entry["path"] not in {one.path for one in gone}]
        )
        warnings = self._write_page(page(document))
        self._write_manifest(document, gone)
        for placed in gone:
            self._remove(self.out / placed.path)
            self.removed += 1
        self._shorten_the_journal(document)
        return warnings

    def _remove(self, path: Path) -> None:
        """Remove the file *path*, and the folders that it leaves empty."""
        self._keep_bytes(path)
        disk.remove(path)
        for folder in path.parents:
            if folder == self.out or not disk.remove_empty_folder(folder):
                break

    def _earlier(self, wanted: Container[str]) -> list[Mapping[str, Json]]:
        """What the manifest says of files that this run had nothing to do with."""
        files = (self._published.manifest() or {}).get("files", [])
        return [entry for entry in files if isinstance(entry, dict) and entry.get("path") not in wanted]

    def _holds(self, entry: Mapping[str, Json]) -> bool:
        path = entry.get("path")
        return isinstance(path, str) and self._published.digest_at(path) == entry.get("sha256")

    def _standing(self, entry: Mapping[str, Json]) -> Mapping[str, Json]:
        """*entry* with those of its side files that are there."""
        listed = entry.get("side_files")
        if not isinstance(listed, list):
            return entry
        return {**entry, "side_files": [one for one in listed if isinstance(one, dict) and self._holds(one)]}

    def _write_page(self, page: bytes) -> list[str]:
        path = self.out / PAGE
        if path.exists() and not is_marked(path, PAGE_MARK):
            return [f"{path} was not made by banana-pipe and is left as it is: there is no gallery"]
        self._write(path, page)
        return []

    def _write_manifest(self, document: Mapping[str, Json], gone: Sequence[Placed]) -> None:
        """A manifest that says the same but for its run is left alone: the folder has not changed.

        What is to go leaves the manifest first, so that this never names a file that isn't there; the
        journal remembers it until it is gone.
        """
        if gone:
            disk.append(self.out / JOURNAL, b"".join(map(journal_line, gone)))
        before = self._published.manifest()
        if before is None or not manifest.alike(before, document):
            self._write(self.out / MANIFEST, manifest.as_text(document).encode(errors="backslashreplace"))

    def _write(self, path: Path, data: bytes) -> None:
        if content(path) != data:
            disk.write_file(path, data, temporary_in=self.out / TEMPORARY)

    def _shorten_the_journal(self, document: Mapping[str, Json]) -> None:
        """Keep of the journal what no manifest says: files that others are placing, or of nodes that failed."""
        named = {file for entry in document["files"] for file in manifest.files_in(entry)}
        lines = [
            journal_line(placed)
            for placed in self._published.placed()
            if (placed.path, placed.digest) not in named and self._published.digest_at(placed.path) == placed.digest
        ]
        if lines:
            self._write(self.out / JOURNAL, b"".join(lines))
        elif (self.out / JOURNAL).exists():
            disk.remove(self.out / JOURNAL)


def _told(node: Node, outcome: Outcome, planned: Sequence[Output], placed: Mapping[str, str], out: Path) -> Outcome:
    """*outcome* with what became of its pictures."""
    standing = {path: placed.get(path, "same") for output in planned for path in output.files}
    good = {path for path, one in standing.items() if one in ("same", "placed")}
    found = {output.path: {standing[path] for path in output.files} for output in planned}
    told = replace(
        outcome,
        outputs=tuple(
            replace(output, side_files=tuple(one for path, one in output.beside if path in good))
            for output in planned
            if output.path in good
        ),
        modified=any(output.picked and "by hand" in found[output.path] for output in planned),
    )
    lost = [output for output in planned if output.picked and "lost" in found[output.path]]
    if not lost:
        return told
    if node.is_local:  # whoever read what was damaged has set it aside
        error = "what the cache had of it is damaged; the same command makes it again, free"
        return replace(told, status="failed", reason="error", error=error)
    error = f"paid, but the bytes of {lost[0].artifact.digest[:12]} are neither in the cache nor in {out}"
    error = ACCEPTED_AND_GONE if lost[0].take is None else f"{error}; `run --rebuy` buys it again"
    return replace(told, status="lost", reason="lost", error=error)


async def _in_a_thread(work: Callable[[], T]) -> T:
    """Do *work* in a thread, to its end: who is cancelled meanwhile must not give up the turn before it."""
    doing = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise

"""What an output folder holds: which bytes are where, and which of its files are ours.

Unaware of nodes and of publishing; it only looks.

Two records tell our files from those made by hand: the manifest, which names what is in the folder,
and the journal, which names what was about to be placed since the manifest was written. A record is
never believed about bytes: what is said to be there is hashed.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Literal

from banana_pipe.canonical import Digest, digest_of, is_digest
from banana_pipe.model import Json
from banana_pipe.regular import open_regular

MANIFEST = "manifest.json"
MANIFEST_TYPE = "banana-pipe/manifest/v1"
OURS = "_"
"""The folder below the output folder that is ours alone."""
JOURNAL = f"{OURS}/journal.jsonl"
LOCK = f"{OURS}/lock"
TEMPORARY = f"{OURS}/new"
TAKES = f"{OURS}/takes"
THUMBS = f"{OURS}/thumbs"
RUNS = f"{OURS}/runs"

Standing = Literal["absent", "same", "ours", "by hand"]
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif")
_Signature = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Placed:
    """A file of the manifest or a line of the journal: what we put where, for which node."""

    path: str
    digest: Digest
    node: str


class Published:
    """The output folder *out*, which need not exist. Paths are texts below it, `/` between parts."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._hashed: dict[Path, tuple[_Signature, Digest]] = {}
        self._records = _Records(out)
        self._index: dict[Digest, Path] | None = None

    def find(self, digest: Digest) -> Path | None:
        """A file that has the bytes of *digest*; only what was hashed is an answer."""
        for path in self._records.paths_of(digest):
            if self.digest_at(path) == digest:
                return self.out / path
        # Without a record of it: a clone whose pictures were committed without the manifest.
        if self._index is None:
            self._index = {there: path for path in _pictures(self.out) if (there := self._digest_of(path))}
        found = self._index.get(digest)
        return found if found is not None and self._digest_of(found) == digest else None

    def read(self, digest: Digest) -> bytes | None:
        """The bytes of *digest*, if a file here has them."""
        found = self.find(digest)
        data = _bytes_of(found) if found is not None else None
        return data if data is not None and digest_of(data) == digest else None

    def digest_at(self, path: str) -> Digest | None:
        """The digest of the file *path*; None where there is no file, or the way to it leads out or over a link."""
        is_here = is_inside(path) and link_above(self.out, path) is None
        return self._digest_of(self.out / path) if is_here else None

    def judge(self, path: str, wanted: Digest, known: Container[Digest]) -> Standing:
        """What is at *path*, where *wanted* is to be.

        Ours is what manifest or journal name at this path, and what the lock file has (*known*):
        nothing is lost when such a file is replaced.
        """
        if not os.path.lexists(self.out / path):
            return "absent"
        there = self.digest_at(path)
        if there == wanted:
            return "same"
        return "ours" if there is not None and self.is_ours(path, there, known) else "by hand"

    def is_ours(self, path: str, there: Digest, known: Container[Digest]) -> bool:
        """Whether the bytes *there* at *path* are ours, by manifest, journal or lock file."""
        return there in known or self._records.has(path, there)

    def placed(self) -> list[Placed]:
        """All that manifest and journal say we put here."""
        return self._records.all()

    def manifest(self) -> Mapping[str, Json] | None:
        """The manifest; None where there is none, or none of ours that can be read."""
        return read_manifest(self.out)

    def _digest_of(self, path: Path) -> Digest | None:
        """The file's digest, hashed again only if the file has changed since this object last saw it."""
        try:
            status = os.stat(path)
            signature = (status.st_ino, status.st_size, status.st_mtime_ns)
            if not stat.S_ISREG(status.st_mode):
                return None
            if path not in self._hashed or self._hashed[path][0] != signature:
                with open_regular(path) as file:
                    digest = Digest(hashlib.file_digest(file, "sha256").hexdigest())
                self._hashed[path] = (signature, digest)
            return self._hashed[path][1]
        except OSError:
            return None


class _Records:
    """Manifest and journal of a folder, read again as far as they have changed; for any thread."""

    def __init__(self, out: Path) -> None:
        self._manifest, self._journal, self._out = out / MANIFEST, out / JOURNAL, out
        self._seen: tuple[_Signature | None, int] | None = None
        # One thread's reading on would begin where another's has not ended yet.
        self._guard = Lock()
        self._forget()

    def paths_of(self, digest: Digest) -> tuple[str, ...]:
        """Where *digest* was placed."""
        with self._guard:
            self._look()
            return tuple(self._paths.get(digest, ()))

    def has(self, path: str, digest: Digest) -> bool:
        """Whether *digest* was placed at *path*."""
        with self._guard:
            self._look()
            return path in self._paths.get(digest, ())

    def all(self) -> list[Placed]:
        """All that was placed."""
        with self._guard:
            self._look()
            return list(self._placed)

    def _forget(self) -> None:
        self._placed: dict[Placed, None] = {}
        self._paths: defaultdict[Digest, list[str]] = defaultdict(list)
        self._offset = 0

    def _look(self) -> None:
        manifest, journal = _signature(self._manifest), _signature(self._journal)
        seen = (manifest, journal[0] if journal else 0)
        if seen != self._seen or (journal is not None and journal[1] < self._offset):
            self._forget()
            self._add(files_of(read_manifest(self._out)))
            self._seen = seen
        if journal is not None and journal[1] > self._offset:
            self._add(self._rest_of_the_journal())

    def _rest_of_the_journal(self) -> Iterator[Placed]:
        data = _bytes_of(self._journal, self._offset) or b""
        # A line that is still being written, or that a crash cut off, has no end yet.
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            if placed := _placed(_json_of(line)):
                yield placed

    def _add(self, placed: Iterable[Placed]) -> None:
        for one in placed:
            if one not in self._placed:
                self._placed[one] = None
                self._paths[one.digest].append(one.path)


def read_manifest(out: Path) -> Mapping[str, Json] | None:
    """The manifest of the folder *out*; None where there is none, or none of ours that can be read."""
    document = _json_of(_bytes_of(out / MANIFEST) or b"")
    return document if isinstance(document, dict) and document.get("type") == MANIFEST_TYPE else None


def files_of(manifest: Mapping[str, Json] | None) -> Iterator[Placed]:
    """The files that *manifest* names."""
    files = (manifest or {}).get("files")
    for entry in files if isinstance(files, list) else []:
        if placed := _placed(entry):
            yield placed
            yield from _beside(entry)


def journal_line(placed: Placed) -> bytes:
    """*placed* as the journal has it. It begins with a line's end too: a crash may have cut off the last one."""
    line = json.dumps({"path": placed.path, "sha256": placed.digest, "node": placed.node}, ensure_ascii=False)
    return f"\n{line}\n".encode(errors="backslashreplace")


def is_inside(path: str) -> bool:
    """Whether *path*, as a text, names something below the folder."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError:  # half a character, which JSON can hold and no file is called
        return False
    parts = path.split("/")
    return not any(part in ("", ".", "..") or "\0" in part for part in parts)


def link_above(out: Path, path: str) -> str | None:
    """The first folder on the way from *out* to *path* (a text below it) that is a link."""
    above = (path[:place] for place, letter in enumerate(path) if letter == "/")
    return next((folder for folder in above if os.path.islink(os.path.join(out, folder))), None)


def _placed(entry: Json) -> Placed | None:
    if not isinstance(entry, dict):
        return None
    path, digest, node = entry.get("path"), entry.get("sha256"), entry.get("node")
    if not (isinstance(path, str) and is_inside(path) and is_digest(digest) and isinstance(node, str)):
        return None
    return Placed(path, Digest(str(digest)), node)


def _beside(entry: Mapping[str, Json]) -> Iterator[Placed]:
    """The side files of the picture that *entry* is about."""
    listed = entry.get("side_files")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and (placed := _placed({**one, "node": entry["node"]})):
            yield placed


def _pictures(out: Path) -> Iterator[Path]:
    """Every file below *out* that is named like a picture; links to folders are not followed."""
    for folder, folders, names in os.walk(out):
        if PurePosixPath(os.path.relpath(folder, out)) in (PurePosixPath(TEMPORARY), PurePosixPath(THUMBS)):
            folders.clear()
            continue
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names) if name.lower().endswith(_SUFFIXES))


def _signature(path: Path) -> _Signature | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _bytes_of(path: Path, start: int = 0) -> bytes | None:
    try:
        with open_regular(path) as file:
            file.seek(start)
            return file.read()
    except OSError:
        return None


def _json_of(data: bytes) -> Json:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None

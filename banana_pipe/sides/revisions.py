"""What a git revision has in a folder: its manifest and its pictures, read by git itself.

Unaware of other sides.

Nothing is checked out, no filter and no hook runs, and nothing is fetched: trees and blobs are read as git keeps them
here. Every picture is hashed; of a pointer of Git LFS its digest is taken.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from banana_pipe import gitcall
from banana_pipe.canonical import Digest, digest_of
from banana_pipe.errors import UsageError
from banana_pipe.images import NotAPicture
from banana_pipe.lineage.tracing import Archive
from banana_pipe.model import Json
from banana_pipe.sides.side import POINTER_BYTES, Read, Side, first_of, is_picture, pointed_at, shown_in
from banana_pipe.store.published import MANIFEST, MANIFEST_TYPE, is_inside

_FILES = ("100644", "100755")
_PIECE = 1 << 20
MOST_BYTES = 64 << 20
"""Of a picture: no larger one is ever downloaded."""
_MOST_OF_MANIFEST = 256 << 20


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit of the repository around the folder *root*, and a folder in it, named from the repository's top."""

    root: Path
    name: str
    commit: str
    folder: str


def commit_of(root: Path, name: str) -> str | None:
    """The commit that *name* means in the repository around *root*; None where there is none, or no git."""
    if not name or "\0" in name:
        return None
    try:
        found = gitcall.ask(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except OSError:
        return None
    return found.stdout.decode(errors="replace").strip() if found.returncode == 0 else None


def top_of(root: Path) -> Path | None:
    """The top of the repository around *root*."""
    try:
        found = gitcall.ask(root, "rev-parse", "--show-toplevel")
    except OSError:
        return None
    return Path(found.stdout.decode(errors="surrogateescape").rstrip("\n")) if found.returncode == 0 else None


def date_of(revision: Revision) -> str:
    """When it was committed: the day."""
    return _output(revision.root, "show", "--no-patch", "--format=%cs", revision.commit).decode().strip()


def revision_side(revision: Revision, about: str, archive: Archive, *, takes: bool) -> Side:
    """What *revision* has. *takes*: those too that nobody picked.

    Raises UsageError where it has no such folder, NotAPicture where a blob is too large for what it is to be.
    """
    blobs = dict(_tree(revision))
    pictures = {path: blob for path, blob in blobs.items() if is_picture(path)}
    with Objects(revision.root) as objects:
        manifest = _manifest(objects.read(blobs[MANIFEST], _MOST_OF_MANIFEST)) if MANIFEST in blobs else None
        there = {path: objects.digest(blob) for path, blob in pictures.items()}
    shown, notes = shown_in(manifest, there, archive, takes=takes)
    by_digest = {there[path]: blob for path, blob in pictures.items()}
    return Side(about, tuple(shown), first_of([_reader(revision.root, by_digest), archive.read]), notes=tuple(notes))


class Objects:
    """Reads blobs one after the other through one process of git, in the repository around *root*."""

    def __init__(self, root: Path) -> None:
        command = gitcall.command(root, "cat-file", "--batch")
        pipe, silent = subprocess.PIPE, subprocess.DEVNULL
        self._git = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=silent)  # noqa: S603 - ours

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._git.communicate()

    def read(self, blob: str, most: int = MOST_BYTES) -> bytes:
        """The bytes of *blob*. Raises UsageError where the repository lacks it, NotAPicture for more than *most* bytes."""
        size, answer = self._asked(blob)
        if size > most:
            self._pass_over(answer, size)
            raise NotAPicture(f"{blob[:12]} has {size >> 20} MiB, and is not read: the most is {most >> 20} MiB")
        data = answer.read(size)
        answer.read(1)
        return data

    def digest(self, blob: str) -> Digest:
        """What picture *blob* is, or points at, whatever its size. Raises UsageError where the repository lacks it."""
        size, answer = self._asked(blob)
        head = answer.read(min(size, POINTER_BYTES))
        hashed = hashlib.sha256(head)
        self._pass_over(answer, size - len(head), hashed.update)
        return pointed_at(head) or Digest(hashed.hexdigest())

    def _asked(self, blob: str) -> tuple[int, IO[bytes]]:
        """How many bytes *blob* has, and where they come."""
        ask, answer = _pipe(self._git.stdin), _pipe(self._git.stdout)
        ask.write(f"{blob}\n".encode())
        ask.flush()
        said = answer.readline().split()  # nothing: git ended, as it does where it may not fetch
        if len(said) != 3:
            raise UsageError(
                f"this clone lacks {blob[:12]}, and nothing is fetched for a comparison",
                hint="`git archive REVISION FOLDER >/dev/null` brings what is missing of a partial clone",
            )
        return int(said[2]), answer

    def _pass_over(self, answer: IO[bytes], size: int, use: Callable[[bytes], object] = len) -> None:
        """Read on to the next answer: *size* bytes, in pieces, and the end of the line."""
        while size > 0:
            piece = answer.read(min(size, _PIECE))
            if not piece:
                break
            use(piece)
            size -= len(piece)
        answer.read(1)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise AssertionError("git was started with pipes")
    return stream


def _reader(root: Path, blobs: Mapping[Digest, str]) -> Read:
    def read(digest: Digest) -> bytes | None:
        if digest not in blobs:
            return None
        with Objects(root) as objects:
            data = objects.read(blobs[digest])
        # A pointer has the digest of what it points at.
        return data if digest_of(data) == digest else None

    return read


def _tree(revision: Revision) -> Iterator[tuple[str, str]]:
    """The files below the folder: path and blob. Links and modules are no pictures."""
    listed = gitcall.ask(revision.root, "ls-tree", "-r", "-z", f"{revision.commit}:{revision.folder}")
    if listed.returncode != 0:
        raise UsageError(
            f"{revision.name} has no folder {revision.folder or '.'}",
            hint=f"`git ls-tree -d -r --name-only {revision.commit[:12]}` lists its folders",
        )
    for line in listed.stdout.split(b"\0"):
        if line:
            facts, _, name = line.partition(b"\t")
            mode, _, blob = facts.decode().split(" ")
            path = name.decode(errors="surrogateescape")
            if mode in _FILES and is_inside(path):
                yield path, blob


def _manifest(data: bytes) -> Mapping[str, Json] | None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and document.get("type") == MANIFEST_TYPE else None


def _output(root: Path, *arguments: str) -> bytes:
    done = gitcall.ask(root, *arguments)
    if done.returncode != 0:
        raise UsageError(f"git says: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout

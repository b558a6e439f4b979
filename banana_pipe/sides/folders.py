"""A folder of pictures as it is now: with the manifest of a run, or without any.

Unaware of other sides.

Every file is hashed: what the manifest says of bytes is not believed. Of a pointer of Git LFS its digest is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from banana_pipe.canonical import Digest, digest_of
from banana_pipe.lineage.tracing import Archive
from banana_pipe.regular import open_regular, read_regular
from banana_pipe.sides.side import POINTER_BYTES, Read, Side, first_of, picture_files, pointed_at, shown_in
from banana_pipe.store.published import link_above, read_manifest


def folder_side(folder: Path, about: str, archive: Archive, *, takes: bool) -> Side:
    """What *folder* has now. *takes*: those too that nobody picked."""
    there = dict(_digests(folder))
    pictures, notes = shown_in(read_manifest(folder), there, archive, takes=takes)
    return Side(about, tuple(pictures), first_of([reader(folder, there), archive.read]), notes=tuple(notes))


def reader(folder: Path, there: dict[str, Digest]) -> Read:
    """Gives bytes of the files *there* in *folder*; only those that still have the digest."""
    paths = {digest: path for path, digest in there.items()}

    def read(digest: Digest) -> bytes | None:
        data = _bytes_of(folder / paths[digest]) if digest in paths else None
        return data if data is not None and digest_of(data) == digest else None

    return read


def _digests(folder: Path) -> Iterator[tuple[str, Digest]]:
    for path in picture_files(folder):
        is_ours = link_above(folder, path) is None and not (folder / path).is_symlink()
        digest = _digest_of(folder / path) if is_ours else None
        if digest is not None:
            yield path, digest


def _digest_of(path: Path) -> Digest | None:
    try:
        with open_regular(path) as file:
            pointer = pointed_at(file.read(POINTER_BYTES))
            if pointer is not None:
                return pointer
            file.seek(0)
            return Digest(hashlib.file_digest(file, "sha256").hexdigest())
    except OSError:
        return None


def _bytes_of(path: Path) -> bytes | None:
    try:
        return read_regular(path)
    except OSError:
        return None

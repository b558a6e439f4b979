"""Bytes by their sha256, in `blobs/ab/<sha256>`.

Unaware of what the bytes are and who asked for them.

A blob is written once, synced before it gets its name, read-only, and hashed again at each read:
wrong bytes are set aside and count as missing, so that what is served is what was stored.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from itertools import chain, count
from pathlib import Path

from banana_pipe import disk
from banana_pipe.canonical import Digest, digest_of
from banana_pipe.errors import StoreError

NEW = "new"
"""The folder in which blobs are written."""
REJECTED, DAMAGED = "rejected", "damaged"
"""Folders beside the blobs: what was delivered and is no picture, and what is no longer what it was."""


class Blobs:
    """The store of bytes below the folder *root*."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, digest: Digest) -> Path:
        """Where the bytes of *digest* are, or would be."""
        return self.root / digest[:2] / digest

    def has(self, digest: Digest) -> bool:
        """Whether there is a file for *digest*; its bytes are only checked when read."""
        try:
            return stat.S_ISREG(os.lstat(self.path(digest)).st_mode)
        except _MISSING:
            return False
        except OSError as error:
            raise _cannot_read(self.path(digest), error) from error

    def read(self, digest: Digest) -> bytes | None:
        """The bytes of *digest*, or None if they are not here or no longer what they were."""
        data = _read_regular(self.path(digest))
        if data is None:
            return None
        if digest_of(data) == digest:
            return data
        self.set_aside(self.path(digest))
        return None

    def put(self, data: bytes) -> Digest:
        """Store *data* durably; its digest."""
        digest = digest_of(data)
        if self.read(digest) is None:
            with self.writer() as writer:
                writer.write(data)
                writer.keep()
        return digest

    def writer(self) -> BlobWriter:
        """Somewhere to write bytes whose digest is not known yet."""
        return BlobWriter(self)

    def reject(self, writer: BlobWriter) -> None:
        """Keep what *writer* got outside the store, for a human to look at."""
        folder = self.root.parent / REJECTED
        disk.make_folder(folder)
        writer.take_place(folder / writer.digest, 0o444)

    def set_aside(self, path: Path) -> Path:
        """Take *path* out of the store, for whoever can mend it; where it is now. Nothing there is replaced."""
        folder = self.root.parent / DAMAGED
        names = chain([path.name], (f"{path.name}.{number}" for number in count(2)))
        to = next(folder / name for name in names if not os.path.lexists(folder / name))
        disk.move(path, to)
        return to

    def files(self) -> Iterator[Path]:
        """Everything that lies where blobs lie, whatever it is; what begins with a dot is not ours."""
        for folder in sorted(_entries(self.root), key=lambda entry: entry.name):
            if folder.name != NEW and folder.is_dir(follow_symlinks=False):
                yield from (Path(entry.path) for entry in sorted(_entries(folder), key=lambda entry: entry.name))


class BlobWriter(disk.Temporary):
    """A blob in the making; `digest` and `size` are those of what was written so far."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__(blobs.root / NEW)
        self._blobs = blobs
        self._hash = sha256()
        self.size = 0

    @property
    def digest(self) -> Digest:
        """The digest of what was written so far."""
        return Digest(self._hash.hexdigest())

    def write(self, chunk: bytes) -> None:
        """Add *chunk* at the end."""
        super().write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def keep(self) -> Digest:
        """Make what was written a blob, durably; its digest."""
        path = self._blobs.path(self.digest)
        disk.make_folder(path.parent)
        self.take_place(path, 0o444)
        return self.digest


def _entries(folder: str | Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except _MISSING:
        return []
    except OSError as error:
        raise _cannot_read(Path(folder), error) from error


_MISSING = (FileNotFoundError, NotADirectoryError)


def _read_regular(path: Path) -> bytes | None:
    """The bytes of a regular file; None for anything else, links included.

    What cannot be read just now is not missing: it must not be bought again. Raises StoreError.
    """
    try:
        # Not blocking: a pipe in its place would otherwise wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except _MISSING:
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):  # a link or a socket, by system
            return None
        raise _cannot_read(path, error) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    except OSError as error:
        raise _cannot_read(path, error) from error
    finally:
        os.close(descriptor)


def _cannot_read(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot read {path}: {error.strerror or error}", hint="make it readable; what is paid is not bought again"
    )

"""Everything durable that is done to files: write, sync, rename, append, remove, lock.

Unaware of what the bytes mean. The only module that changes the file system, and so the one seam
at which faults are put in: every act is announced to the observer *before* it happens, SQLite's
commits included (`announce`), and an observer may raise or kill the process there.

A file is written beside its place (or in a folder of the same file system), synced, renamed, and
the folder synced: after a crash it is whole or not there. A failed sync is never tried again as if
it could still succeed: the temporary file is thrown away and the error goes up.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from banana_pipe.errors import StoreError

Observer = Callable[[str, str], None]

TEMPORARY_PREFIX = ".banana-pipe-"

_observer: Observer | None = None


def observe(observer: Observer | None) -> None:
    """Let *observer* see every durable act (what, where) before it happens; None: nobody."""
    global _observer  # noqa: PLW0603 - one seam for the whole process
    _observer = observer


def announce(act: str, target: object) -> None:
    """Tell the observer that *act* is about to happen to *target*."""
    if _observer is not None:
        _observer(act, str(target))


@contextlib.contextmanager
def explained(what: str, path: Path) -> Iterator[None]:
    """Turn the operating system's errors into ours: what could not be done, where, and what helps."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot {what} {path}: {error.strerror or error}", hint=_advice(error)) from error


def _advice(error: OSError) -> str | None:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free some space on that disk and run the same command again: what is paid is kept"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "make that folder writable, or choose another with --cache or --out"
    return None


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Make *path* and what is missing above it, durably."""
    missing = []
    probe = path
    while not probe.is_dir():
        missing.append(probe)
        probe = probe.parent
    for folder in reversed(missing):
        with explained("make the folder", folder):
            announce("mkdir", folder)
            folder.mkdir(mode=mode, exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(path: Path) -> None:
    """Make the names in *path* durable."""
    with explained("sync", path):
        announce("sync", path)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def free_bytes(folder: Path) -> int:
    """How much fits on the disk that *folder* is on."""
    return shutil.disk_usage(folder).free


class Temporary:
    """A file that is being written in *folder*, and is nothing until it takes its place.

    Leaving the `with` block without `take_place` throws it away.
    """

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self.path = folder / f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(6)}"
        with explained("write in", folder):
            announce("create", self.path)
            self._file = open(self.path, "xb")  # noqa: SIM115 - the object is the context manager
        self._placed = False

    def write(self, chunk: bytes) -> None:
        """Add *chunk* at the end."""
        with explained("write", self.path):
            self._file.write(chunk)

    def seal(self) -> None:
        """Make what was written durable; no more can be written."""
        if self._file.closed:
            return
        with explained("write", self.path):
            announce("write", self.path)
            self._file.flush()
            announce("sync", self.path)
            os.fsync(self._file.fileno())
            self._file.close()

    def take_place(self, path: Path, mode: int = 0o644) -> None:
        """Become *path*, replacing what is there, whole and durably."""
        self.seal()
        with explained("write", path):
            self.path.chmod(mode)
            announce("rename", path)
            os.replace(self.path, path)
        self._placed = True
        sync_folder(path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing writes what is still buffered, and on a full disk fails once more: it is thrown away.
        with contextlib.suppress(OSError):
            self._file.close()
        if not self._placed:
            with contextlib.suppress(OSError):
                self.path.unlink()


def is_left_behind(path: Path) -> bool:
    """Whether *path* is a `Temporary` whose process is gone."""
    if not path.name.startswith(TEMPORARY_PREFIX):
        return False
    owner = path.name.removeprefix(TEMPORARY_PREFIX).partition("-")[0]
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OverflowError, PermissionError):
        pass
    return False


def write_file(path: Path, data: bytes, *, mode: int = 0o644, temporary_in: Path | None = None) -> None:
    """Put *data* at *path*, whole and durably, replacing what is there."""
    make_folder(path.parent)
    with Temporary(temporary_in or path.parent) as temporary:
        temporary.write(data)
        temporary.take_place(path, mode)


def append(path: Path, data: bytes) -> None:
    """Add *data* at the end of *path*, durably. A crash can leave a part of it: readers check."""
    make_folder(path.parent)
    fresh = not path.exists()
    with explained("write", path):
        announce("append", path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            announce("sync", path)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    if fresh:
        sync_folder(path.parent)


def move(path: Path, to: Path) -> None:
    """Rename *path* to *to* on the same file system, durably; nothing happens if it is gone."""
    make_folder(to.parent)
    with explained("move", path), contextlib.suppress(FileNotFoundError):
        announce("rename", to)
        os.replace(path, to)
    sync_folder(to.parent)


def remove(path: Path) -> None:
    """Remove the file *path* if it is there."""
    with explained("remove", path), contextlib.suppress(FileNotFoundError):
        announce("remove", path)
        path.unlink()


def remove_empty_folder(path: Path) -> bool:
    """Remove the folder *path* if nothing is in it; whether it went."""
    announce("rmdir", path)
    try:
        path.rmdir()
    except OSError:
        return False
    return True


class FileLock:
    """An exclusive `flock` that its holder has; the kernel gives it back when the holder dies."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def release(self, *, unlink: bool = False) -> None:
        """Give the lock back; *unlink* removes its file first, while it is still held."""
        if unlink:
            with contextlib.suppress(OSError):
                self.path.unlink()
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def try_lock(path: Path) -> FileLock | None:
    """Take the lock file *path* without waiting; None while somebody else has it.

    A holder may unlink the file (`release(unlink=True)`), so whoever gets the lock checks that the
    file it locked is still the one that has the name.
    """
    make_folder(path.parent)
    while True:
        with explained("lock", path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            os.close(descriptor)
            raise StoreError(f"cannot lock {path}: {error.strerror}", hint=_NO_LOCKS) from error
        if _still_named(path, descriptor):
            return FileLock(path, descriptor)
        os.close(descriptor)


_NO_LOCKS = "this file system offers no locks; keep the cache on a local disk (--cache DIR)"


def try_lock_folder(folder: Path, *, else_lock: Path) -> FileLock | None:
    """Take the lock of *folder* itself, which leaves nothing in it; None while somebody else has it.

    Where its file system locks no folders (NFS does not), the lock file *else_lock* is taken instead.
    """
    make_folder(folder)
    while True:
        with explained("lock", folder):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            return None if isinstance(error, BlockingIOError) else try_lock(else_lock)
        if _still_named(folder, descriptor):
            return FileLock(folder, descriptor)
        os.close(descriptor)


def _still_named(path: Path, descriptor: int) -> bool:
    try:
        named = os.stat(path)
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)

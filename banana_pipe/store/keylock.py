"""One holder per key among all processes: `locks/<key>`, an flock that dies with its holder.

Unaware of what is done under the lock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from banana_pipe import disk
from banana_pipe.canonical import is_digest
from banana_pipe.model import Key


class KeyLocks:
    """The locks in the folder *root*. Nobody waits for one: busy means turn to something else."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def try_take(self, key: Key) -> KeyLock | None:
        """The lock of *key*, or None while somebody else has it."""
        lock = disk.try_lock(self.root / key)
        return None if lock is None else KeyLock(lock)

    def sweep(self) -> None:
        """Remove the files of holders that died. They hold nobody up, but nobody else may ever ask for their keys."""
        names = self.root.iterdir() if self.root.is_dir() else ()
        for key in sorted(path.name for path in names if is_digest(path.name)):
            left = self.try_take(Key(key))
            if left is not None:
                with left:
                    pass


class KeyLock:
    """A key that is ours until released; its file goes with it, so that none are left behind."""

    def __init__(self, lock: disk.FileLock) -> None:
        self._lock = lock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release(unlink=True)

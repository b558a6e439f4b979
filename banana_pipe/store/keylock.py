"""One holder per key among all processes: `locks/<key>`, an flock that dies with its holder.

Unaware of what is done under the lock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from banana_pipe import disk
from banana_pipe.model import Key


class KeyLocks:
    """The locks in the folder *root*. Nobody waits for one: busy means turn to something else."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def try_take(self, key: Key) -> KeyLock | None:
        """The lock of *key*, or None while somebody else has it."""
        lock = disk.try_lock(self.root / key)
        return None if lock is None else KeyLock(lock)


class KeyLock:
    """A key that is ours until released; its file goes with it, so that none are left behind."""

    def __init__(self, lock: disk.FileLock) -> None:
        self._lock = lock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release(unlink=True)

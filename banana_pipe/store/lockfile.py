"""The lock file on disk: read, and changed in turns, as text that git merges.

Unaware of what is in it: for that see `pins`, for its text `lockmembers` and `locktext`.

The file is read, changed and written under a flock on its folder, so that no process undoes what
another added, whichever cache it has. Nobody waits inside a thread: those are for paid pictures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from banana_pipe import disk
from banana_pipe.clock import Clock
from banana_pipe.errors import Location, StoreError, UsageError
from banana_pipe.regular import read_regular
from banana_pipe.store import locktext
from banana_pipe.store.lockmembers import as_text, parse
from banana_pipe.store.pins import LockFile

TURN_POLL_SECONDS = 0.02
PATIENCE_SECONDS = 60.0
"""For who has the folder: a turn takes milliseconds."""


def read(path: Path) -> LockFile:
    """The lock file *path*; empty where there is none. Raises UsageError with the place of a mistake."""
    return parse(_text_of(path), path)


async def update(
    path: Path,
    spare_lock: Path,
    change: Callable[[LockFile], LockFile],
    clock: Clock,
    reading: Callable[[str, Path], LockFile] = parse,
) -> LockFile:
    """Change the lock file as it is now, and give it back; it is written only if its text changes.

    *reading* makes a lock of the text; it and *change* are called in a thread. Processes take turns by a flock on the file's folder; where folders
    cannot be locked, by *spare_lock*, a lock file outside it. Raises UsageError, as `read` does, and
    StoreError, also if somebody else has the folder for PATIENCE_SECONDS.
    """
    give_up = clock.boot() + PATIENCE_SECONDS
    while (changed := await asyncio.to_thread(_update_now, path, spare_lock, change, reading)) is None:
        if clock.boot() >= give_up:
            raise StoreError(
                f"cannot change {path}: another program has had {path.parent} locked for {PATIENCE_SECONDS:g} s",
                hint="end it, and run the same command again: what is paid is kept",
            )
        await clock.sleep(TURN_POLL_SECONDS)
    return changed


def _update_now(
    path: Path, spare_lock: Path, change: Callable[[LockFile], LockFile], reading: Callable[[str, Path], LockFile]
) -> LockFile | None:
    """What `update` does, in one go; None where it is somebody else's turn."""
    # Taken and given back in one thread: who is cancelled meanwhile neither keeps it nor gives it up too early.
    turn = disk.try_lock_folder(path.parent, else_lock=spare_lock)
    if turn is None:
        return None
    with turn:
        before = _text_of(path)
        changed = change(reading(before, path))
        after = as_text(changed)
        # A file that does not exist and would hold nothing is not made.
        if after != before.replace("\r\n", "\n") and (before or changed != LockFile()):
            _sweep(path.parent)
            disk.write_file(path, after.encode())
    return changed


def _sweep(folder: Path) -> None:
    """Remove what processes that were killed while writing left in *folder*: people commit it."""
    for path in folder.glob(f"{disk.TEMPORARY_PREFIX}*"):
        if disk.is_left_behind(path):
            disk.remove(path)


def _text_of(path: Path) -> str:
    try:
        return read_regular(path).decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise UsageError("this lock file is not UTF-8", at=Location(str(path), 1, 1), hint=locktext.RESTORE) from error
    except OSError as error:
        raise UsageError(f"cannot read the lock file {path}: {error.strerror}") from error

"""Settling a lock file that git left with conflicts, in its turn like every change of it.

Unaware of recipes: one may have conflicts of its own. What is decided is `store.lockmerge`'s; git, where a merge is
under way, still has the version that both come from.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from banana_pipe import gitcall
from banana_pipe.clock import SystemClock
from banana_pipe.errors import UsageError
from banana_pipe.project import places_of
from banana_pipe.regular import read_regular
from banana_pipe.store import lockfile
from banana_pipe.store.lockmembers import parse
from banana_pipe.store.lockmerge import Clash, Merged, Side, merge, sides
from banana_pipe.store.pins import LockFile

__all__ = ["Clash", "Merged", "Side", "merge_lock"]


async def merge_lock(recipe: Path, *, prefer: Side | None = None, write: bool = True) -> tuple[Path, Merged | None]:
    """The lock file of *recipe*, and what both sides of its conflicts say together; None where it has none.

    It is written if *write*, and if there are no clashes or *prefer* says whose word counts. Raises UsageError where
    there is no lock file or a side is none, StoreError where it cannot be written.
    """
    places = places_of(recipe, recipe.stem, provider=None, out=None, cache=None)
    try:
        text = read_regular(places.lock).decode(errors="replace")
    except OSError as error:
        raise UsageError(f"cannot read the lock file {places.lock}: {error.strerror}") from error
    merged = _merged(text, places.lock, prefer or "ours")
    if merged is not None and write and (prefer is not None or not merged.clashes):
        reading = partial(_settled, prefer=prefer or "ours")
        await lockfile.update(places.lock, places.guard_of(places.lock), _as_it_is, SystemClock(), reading)
    return places.lock, merged


def _as_it_is(lock: LockFile) -> LockFile:
    return lock


def _settled(text: str, path: Path, *, prefer: Side) -> LockFile:
    merged = _merged(text, path, prefer)
    return parse(text, path) if merged is None else merged.lock


def _merged(text: str, path: Path, prefer: Side) -> Merged | None:
    """What both sides of the file's conflicts say, as changes of the version that git still has of both.

    It is the file that is read: who settled some of its conflicts by hand has said something.
    """
    found = sides(text)
    if found is None:
        return None
    ancestor, ours, theirs = (parse(version, path) for version in (_ancestor(path), *found))
    return merge(ancestor, ours, theirs, prefer=prefer)


def _ancestor(path: Path) -> str:
    """What git keeps, in a merge, of *path* as it was before both; empty where it has none."""
    try:
        found = gitcall.ask(path.parent, "cat-file", "blob", f":1:./{path.name}")
    except OSError:
        return ""
    return found.stdout.decode(errors="replace") if found.returncode == 0 else ""

"""Settling a lock file that git left with conflicts, in its turn like every change of it.

Unaware of recipes: one may have conflicts of its own. What is decided is `store.lockmerge`'s; git, where a merge is
under way, still has both versions whole, and the one that both come from.
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
from banana_pipe.store.lockmerge import Clash, Merged, Side, is_as_git_left_it, merge, sides
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
    """What the versions say that git has while a merge is under way.

    Where somebody has settled some of the conflicts in the file, or where git has no versions, it is what the file says:
    its sides, as changes of the ancestor.
    """
    found = sides(text)
    if found is None:
        return None
    ancestor, ours, theirs = (_version(path, number) for number in (1, 2, 3))
    before, said = ancestor or "", found
    if ours is not None and theirs is not None and is_as_git_left_it(found, before, ours, theirs):
        said = ours, theirs
    return merge(*(parse(version, path) for version in (before, *said)), prefer=prefer)


def _version(path: Path, number: int) -> str | None:
    """What git keeps of *path* in a merge: 1 is the ancestor, 2 ours, 3 theirs; None where it has none."""
    try:
        found = gitcall.ask(path.parent, "cat-file", "blob", f":{number}:./{path.name}")
    except OSError:
        return None
    return found.stdout.decode(errors="replace") if found.returncode == 0 else None

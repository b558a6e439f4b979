"""Whether the cache is whole: every blob hashed, every row of ledger and results believed, every picture there.

Unaware of what is done about damage, and of how it is shown. It only looks.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from banana_pipe.canonical import Digest, is_digest
from banana_pipe.care.books import Books, books_of, find_locks
from banana_pipe.care.sources import Sources, hash_of
from banana_pipe.care.sweeping import given_up
from banana_pipe.errors import BananaError
from banana_pipe.store import lockfile, mending
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.lookup import folders_of
from banana_pipe.store.mending import LedgerFile, ResultsFile
from banana_pipe.store.pins import LockFile

What = Literal["blob", "missing", "attempt", "ledger", "result", "results", "lock"]
OF_BYTES: tuple[What, ...] = ("blob", "missing")
UNREADABLE = "it cannot be read"


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it was stored. `healed` says how it was put right; None: it is not."""

    what: What
    name: str
    """A digest, an attempt's id, a key, a file."""
    words: str
    node: str = ""
    price: int | None = None
    paid: bool = False
    healed: str | None = None
    hint: str | None = None
    """What to do about it, where it is not healed."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, and what was found."""

    blobs: int
    bytes: int
    attempts: int
    results: int
    locks: int
    damage: tuple[Damage, ...]

    @property
    def left(self) -> list[Damage]:
        """What is still not as it should be."""
        return [one for one in self.damage if one.healed is None]


@dataclass(frozen=True, slots=True)
class Records:
    """The records as they are on the disk."""

    ledger: LedgerFile
    results: ResultsFile
    locks: Mapping[Path, LockFile]
    broken_locks: Mapping[Path, BananaError]

    @property
    def books(self) -> Books:
        mended = [row.mended for row in self.ledger.bad if row.mended is not None]
        return books_of((*self.ledger.attempts, *mended), (*self.results.results, *self.results.astray), self.locks)


async def verify(root: Path, cache: Path) -> Verified:
    """Look at everything in *cache* and at the lock files in *root*; changes nothing. Raises StoreError."""
    return (await asyncio.to_thread(look, root, cache))[1]


def look(root: Path, cache: Path) -> tuple[Records, Verified]:
    """What `verify` gives, and the records that it rests on."""
    state = _state(root, cache)
    books = state.books
    blobs = Blobs(folders_of(cache)["blobs"])
    paths = [path for path in blobs.files() if is_digest(path.name)]
    bad = {path: words for path in paths if (words := wrong(blobs, path)) is not None}
    damage = [*_of_records(state, cache), *(_of_blob(path, words, books) for path, words in bad.items())]
    damage += _missing(books, blobs, Sources(root, cache), given_up(cache))
    return state, Verified(
        blobs=len(paths),
        bytes=sum(path.lstat().st_size for path in paths if path not in bad),
        attempts=len(state.ledger.attempts) + len(state.ledger.bad),
        results=len(state.results.results) + len(state.results.bad) + len(state.results.astray),
        locks=len(state.locks) + len(state.broken_locks),
        damage=tuple(damage),
    )


def _state(root: Path, cache: Path) -> Records:
    folders = folders_of(cache)
    locks: dict[Path, LockFile] = {}
    broken: dict[Path, BananaError] = {}
    for path in find_locks(root, cache):
        try:
            locks[path] = lockfile.read(path)
        except BananaError as error:
            broken[path] = error
    # The ledger first: a picture is a blob before the ledger says so.
    return Records(mending.read_ledger(folders["ledger"]), mending.read_results(folders["results"]), locks, broken)


def wrong(blobs: Blobs, path: Path) -> str | None:
    """What is wrong with the file *path* among the blobs."""
    if path.is_symlink():
        return "a link stands in its place"
    if not path.is_file():
        return "something else than a file stands in its place"
    digest = hash_of(path)
    if digest is None:
        return UNREADABLE
    if digest != path.name:
        return f"its bytes are others (sha256 {digest[:12]}…)"
    return None if blobs.path(digest) == path else "it lies in the wrong folder"


def _of_records(state: Records, cache: Path) -> Iterator[Damage]:
    folders = folders_of(cache)
    for row in state.ledger.bad:
        node, price = (row.mended.node, row.mended.price) if row.mended else ("", None)
        yield Damage(
            "attempt", row.id, "a row of the ledger is not as it was written", node, price, paid=True,
            hint=None if row.mended else _RESTORE,
        )  # fmt: skip
    for words in state.ledger.complaints:
        yield Damage("ledger", str(folders["ledger"]), f"the ledger's file: {words}", paid=True, hint=_RESTORE)
    for key in (*state.results.bad, *(result.key for result in state.results.astray)):
        yield Damage("result", key, "a row of the results is not as it was written")
    for words in state.results.complaints:
        yield Damage("results", str(folders["results"]), f"the results' file: {words}")
    for path, error in state.broken_locks.items():
        yield Damage("lock", str(error.at or path), error.message, hint=error.hint)


_RESTORE = "nothing is bought while it stands so: restore cache/ledger.db from a backup"


def _of_blob(path: Path, words: str, books: Books) -> Damage:
    return _about(Digest(path.name), "blob", words, books)


def _missing(books: Books, blobs: Blobs, sources: Sources, gone: set[str]) -> Iterator[Damage]:
    """What the records name, and is nowhere; of what this cache bought also what is in the project, and not here."""
    own = {
        digest
        for attempt in books.attempts
        if attempt.state == "STORED" and attempt.artifact is not None
        for digest in (attempt.artifact.digest, Digest(attempt.key))
    }
    for digest in sorted(own - gone):
        if not _lies_there(blobs, digest):
            yield _about(digest, "missing", "its bytes are not in the cache", books)
    for digest in books.shown:
        known = digest in own or digest in books.free or digest in gone
        if not known and not _lies_there(blobs, digest) and sources.find(digest) is None:
            yield _about(digest, "missing", "its bytes are nowhere", books)


def _lies_there(blobs: Blobs, digest: Digest) -> bool:
    """Whether anything is in its place: if it is wrong, that is told already."""
    return os.path.lexists(blobs.path(digest))


def _about(digest: Digest, what: What, words: str, books: Books) -> Damage:
    purchase, hint = books.paid.get(digest), None
    if words == UNREADABLE:
        hint = "make it readable"
    elif purchase is not None:
        hint = _way_on(books.pinned.get(digest))
    elif digest in books.asked:
        hint = "what was asked cannot be read back any more; the picture is not touched by that"
    elif digest in books.pinned and digest not in books.free:
        hint = "bring back the picture that was sent: a file of yours, or one from the web"
    if purchase is None:
        return Damage(what, digest, words, hint=hint)
    return Damage(what, digest, words, purchase.node, purchase.price, paid=True, hint=hint)


def _way_on(lock: Path | None) -> str:
    recipe = next((path.name for path in _recipes(lock) if path.is_file()), "RECIPE")
    return f"bring back the file, `banana-pipe cache import` it, or buy it again: banana-pipe run {recipe} --rebuy"


def _recipes(lock: Path | None) -> list[Path]:
    return [lock.with_suffix(suffix) for suffix in (".yaml", ".yml")] if lock is not None else []

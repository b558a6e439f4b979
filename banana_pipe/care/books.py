"""What ledger, results and lock files say about the blobs of a project: what was paid, what is free, what is needed.

Unaware of which blobs are there, and of what is done with them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from banana_pipe.canonical import Digest, is_digest
from banana_pipe.errors import StoreError
from banana_pipe.links import SANDBOX
from banana_pipe.model import ACTIVE, LOCAL, Attempt, Key, Result
from banana_pipe.regular import open_regular
from banana_pipe.request import read_request
from banana_pipe.store import lockfile, mending
from banana_pipe.store.locktext import ABOUT
from banana_pipe.store.lookup import folders_of
from banana_pipe.store.pins import LockFile

FREE = (SANDBOX, LOCAL)
INLINE = "sha256:"
_HEAD = 4096
_NOT_OURS = ("node_modules", "__pycache__", "venv")


@dataclass(frozen=True, slots=True)
class Purchase:
    """What was paid for one picture, and where it came from."""

    node: str
    model: str
    price: int | None
    bought_at: float
    key: Key | None = None
    task_id: str | None = None
    origin: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """All records of a project. `locks` are its lock files by path."""

    attempts: tuple[Attempt, ...]
    results: tuple[Result, ...]
    locks: Mapping[Path, LockFile]
    paid: Mapping[Digest, Purchase]
    """The pictures that money was paid for."""
    free: frozenset[Digest]
    """Pictures that are made again for nothing."""
    asked: frozenset[Digest]
    """The keys of calls: what was asked is a blob of that name."""
    requests: frozenset[Digest]
    """The keys that any record names, those of transforms and of other caches' purchases too."""
    pinned: Mapping[Digest, Path] = field(default_factory=dict)
    """What a lock file names, with one of those that do."""
    shown: Mapping[Digest, Path] = field(default_factory=dict)
    """Of these the takes, what was accepted, and what addresses are pinned to: not what only a digest is needed of."""

    @property
    def open(self) -> list[Attempt]:
        """The attempts that are not settled."""
        return [attempt for attempt in self.attempts if attempt.state in ACTIVE]


def read_books(root: Path, cache: Path) -> Books:
    """The records of the project in *root* with that *cache*. Raises StoreError where they are damaged."""
    folders = folders_of(cache)
    ledger, results = mending.read_ledger(folders["ledger"]), mending.read_results(folders["results"])
    for what, good in (("ledger", ledger.good), ("results", results.good)):
        if not good:
            hint = "`banana-pipe cache verify` says what; with --repair it mends what can be mended"
            raise StoreError(f"the {what} in {cache} cannot be believed", hint=hint)
    return books_of(ledger.attempts, results.results, read_locks(root, cache))


def books_of(attempts: Iterable[Attempt], results: Iterable[Result], locks: Mapping[Path, LockFile]) -> Books:
    """The books that these records make."""
    attempts, results = tuple(attempts), tuple(results)
    asked = frozenset(Digest(attempt.key) for attempt in attempts)
    pinned: dict[Digest, Path] = {}
    for path, lock in locks.items():
        pinned |= dict.fromkeys(named(lock), path)
    return Books(
        attempts=attempts,
        results=results,
        locks=locks,
        paid=_paid(attempts, results, locks),
        free=frozenset(digest for result in results if result.provider in FREE for digest in result.digests)
        | {take for _, lock in locks.items() for take in _free_takes(lock)},
        asked=asked,
        requests=asked | {Digest(result.key) for result in results},
        pinned=pinned,
        shown={digest: path for path, lock in locks.items() for digest in _shown(lock)},
    )


def read_locks(root: Path, cache: Path) -> dict[Path, LockFile]:
    """Every lock file of ours below *root*, and those of the sandbox. Raises UsageError with the place of a mistake."""
    return {path: lockfile.read(path) for path in find_locks(root, cache)}


def find_locks(root: Path, cache: Path) -> list[Path]:
    """The lock files of ours below *root*, and those of the sandbox."""
    own = [*(cache / "sandbox").glob("*.lock")]
    return sorted({*own, *(path for path in walk(root, cache) if path.suffix == ".lock" and _is_ours(path))})


def walk(root: Path, cache: Path) -> Iterator[Path]:
    """Every file of the project in *root*, its cache and hidden folders left out; links to folders are not followed."""
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(
            name for name in folders if name[0] != "." and name not in _NOT_OURS and here / name != cache
        )
        yield from (here / name for name in sorted(names))


def needed(books: Books, read: Callable[[Digest], bytes | None]) -> dict[Digest, str]:
    """The blobs that must stay, with the reason: what lock files and open attempts need, and what was
    sent with a request that was paid. *read* gives the bytes of a request."""
    found: dict[Digest, str] = {digest: f"pinned by {path.name}" for digest, path in books.pinned.items()}
    for attempt in books.attempts:
        if attempt.state in ACTIVE or attempt.state == "STORED":
            why = "read by a request that was paid" if attempt.state == "STORED" else "needed by a call under way"
            for digest in (*_inputs(read(Digest(attempt.key))), *_inline(attempt)):
                found.setdefault(digest, why)
    return found


def _inputs(request: bytes | None) -> tuple[Digest, ...]:
    try:
        return read_request(request or b"").images
    except ValueError:
        return ()


def _inline(attempt: Attempt) -> list[Digest]:
    """The picture that came with the answer, while it is not judged yet."""
    digest = (attempt.picture or "").removeprefix(INLINE)
    return [Digest(digest)] if attempt.state in ACTIVE and is_digest(digest) else []


def _paid(
    attempts: Iterable[Attempt], results: Iterable[Result], locks: Mapping[Path, LockFile]
) -> dict[Digest, Purchase]:
    found: dict[Digest, Purchase] = {}
    for attempt in attempts:
        if attempt.state == "STORED" and attempt.artifact is not None:
            found[attempt.artifact.digest] = Purchase(
                attempt.node, attempt.model, attempt.price, attempt.updated_at, attempt.key, attempt.task_id,
                attempt.origin, attempt.picture,
            )  # fmt: skip
    for result in results:
        if result.provider not in FREE:
            purchase = Purchase("", result.model, result.price, result.bought_at, result.key, result.task_id)
            found.setdefault(result.artifact.digest, purchase)
    for lock in locks.values():
        for block in lock.blocks.values():
            for take in block.takes.values() if block.provider not in FREE else ():
                label = block.labels[0] if block.labels else ""
                purchase = Purchase(label, block.model, take.price, take.bought_at, None, take.task_id)
                found.setdefault(take.artifact.digest, purchase)
    return found


def _free_takes(lock: LockFile) -> Iterator[Digest]:
    for block in lock.blocks.values():
        if block.provider in FREE:
            yield from (take.artifact.digest for take in block.takes.values())


def named(lock: LockFile) -> Iterator[Digest]:
    """The pictures that *lock* names: takes, what was accepted, what addresses are pinned to, and what was sent."""
    yield from _shown(lock)
    for block in lock.blocks.values():
        yield from block.inputs


def _shown(lock: LockFile) -> Iterator[Digest]:
    for block in lock.blocks.values():
        yield from (take.artifact.digest for take in block.takes.values())
        if block.accepted is not None:
            yield block.accepted.artifact.digest
    yield from (link.artifact.digest for link in lock.links.values())


def _is_ours(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            return ABOUT.encode() in file.read(_HEAD)
    except OSError:
        return False

"""Cleaning: blocks of the lock file that no node asks for any more, under no profile, go.

Unaware of the command line. The rows of the ledger, the results and the bytes stay in the cache: what asks the
same again finds them. A block that is the only record of what was paid stays, unless it is to be forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from banana_pipe.beforehand import plan, settle
from banana_pipe.canonical import Digest
from banana_pipe.care.books import FREE, Books, read_books
from banana_pipe.locks.usage import Usage, is_named, usage_of
from banana_pipe.model import LOCAL, BaseKey, Url
from banana_pipe.prices import total
from banana_pipe.recipe.select import select
from banana_pipe.store import lockfile, pins
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.pins import LockBlock, LockFile
from banana_pipe.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The blocks and addresses that went (or would), with their lock file, and the blocks that stay for their record."""

    removed: tuple[tuple[Path, LockBlock], ...]
    links: tuple[tuple[Path, Url], ...]
    kept: tuple[tuple[Path, LockBlock], ...]
    forgotten: bool = False
    """Whether some of what went was the only record of what was paid."""

    @property
    def cost(self) -> int | None:
        """What was paid for the takes of the blocks that went; None: a price is unknown."""
        return total(take.price for _, block in self.removed for take in block.takes.values())


async def clean_lock(
    workspace: Workspace, texts: Sequence[str] = (), *, forget: bool = False, write: bool = True
) -> Cleaned:
    """Take unused blocks out of the lock files: those with a label that *texts* mean, or all.

    *forget*: also those that this project has no other record of. Without *write* only say what would go.
    Raises UsageError for a name that means nothing, and StoreError.
    """
    usage = await usage_of(workspace, await settle(workspace, await plan(workspace), frozen=True))
    locks = _locks(workspace)
    _refuse_unknown(workspace, locks.values(), texts)
    recorded = _recorded(workspace, read_books(workspace.places.root, workspace.places.cache))
    forgotten = False
    removed: list[tuple[Path, LockBlock]] = []
    kept: list[tuple[Path, LockBlock]] = []
    links: list[tuple[Path, Url]] = []
    for path, lock in locks.items():
        for block in _unused(usage, path, lock, texts):
            alone = not is_recorded(block, recorded)
            (kept if alone and not forget else removed).append((path, block))
            forgotten = forgotten or (alone and forget)
        links += [(path, url) for url in usage.unused_links(lock)] if not texts else []
    done = Cleaned(tuple(removed), tuple(links), tuple(kept), forgotten)
    if write:
        await _write(workspace, done)
    return done


def is_recorded(block: LockBlock, recorded: Collection[Digest]) -> bool:
    """Whether everything that *block* says is known elsewhere, with its bytes: what somebody accepted nobody else knows."""
    if block.accepted is not None:
        return False
    return block.provider in FREE or all(take.artifact.digest in recorded for take in block.takes.values())


def _unused(usage: Usage, path: Path, lock: LockFile, texts: Sequence[str]) -> Iterable[LockBlock]:
    return (block for block in usage.unused(path, lock) if not texts or is_named(block, texts))


def _recorded(workspace: Workspace, books: Books) -> set[Digest]:
    """The pictures that ledger or results know and that are in the cache."""
    known = {one.artifact.digest for one in books.attempts if one.state == "STORED" and one.artifact}
    known |= {one.artifact.digest for one in books.results}
    blobs: Blobs = workspace.blobs
    return {digest for digest in known if blobs.has(digest)}


def _locks(workspace: Workspace) -> dict[Path, LockFile]:
    markets = workspace.markets.items()
    return {workspace.lock_of(name): market.stores.lock for name, market in markets if name != LOCAL}


def _refuse_unknown(workspace: Workspace, locks: Iterable[LockFile], texts: Sequence[str]) -> None:
    """Raise UsageError for a name that is neither a node's nor one that a block has."""
    blocks = [block for lock in locks for block in lock.blocks.values()]
    for text in texts:
        if not any(is_named(block, [text]) for block in blocks):
            select(workspace.graph, text)


async def _write(workspace: Workspace, done: Cleaned) -> None:
    for path in dict.fromkeys([*(path for path, _ in done.removed), *(path for path, _ in done.links)]):
        bases: set[BaseKey] = {block.base for one, block in done.removed if one == path}
        urls: set[Url] = {url for one, url in done.links if one == path}
        change = partial(pins.without, bases=bases, urls=urls)
        await lockfile.update(path, workspace.places.guard_of(path), change, workspace.clock)

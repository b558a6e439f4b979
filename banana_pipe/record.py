"""Keeping the lock files up to date while a run goes on, at intervals and at its end.

Unaware of how pictures are bought and published. What a crash takes from here the ledger still has.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

from banana_pipe.model import BaseKey, Node, Outcome
from banana_pipe.store import lockfile, pins
from banana_pipe.store.pins import LockFile
from banana_pipe.workspace import Workspace

INTERVAL_SECONDS = 5.0
SECONDS_A_REQUEST = 0.002
"""A large file is written more seldom: reading and writing take some 100 µs a request, one twentieth of that."""


class Record:
    """What a run has learnt for the lock file of each provider of *workspace*."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._writing = asyncio.Lock()
        self._takes: dict[str, list[tuple[pins.Bought, bool]]] = defaultdict(list)
        self._labels: dict[str, dict[BaseKey, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._written = workspace.clock.boot()
        self._requests = 0
        """In the largest lock file, as it was last written."""

    def note(self, node: Node, outcome: Outcome) -> None:
        """Note the takes of a node, and that it uses their request; what is made here has no place in a lock file."""
        if outcome.base is None or node.is_local:
            return
        self._labels[node.provider][outcome.base].add(self._workspace.markets[node.provider].label(node.id))
        for take in outcome.takes:
            bought = pins.Bought(outcome.base, take.sample, outcome.images, take.result)
            self._takes[node.provider].append((bought, take.replaced))

    def missing(self) -> list[str]:
        """The nodes with a take that the lock files do not have, as they were read."""
        found = dict[str, None]()
        for provider, takes in self._takes.items():
            lock = self._workspace.markets[provider].stores.lock
            for bought, _ in takes:
                block = lock.block(bought.base)
                if block is None or bought.sample not in block.takes:
                    found |= dict.fromkeys(sorted(self._labels[provider][bought.base]))
        return list(found)

    def is_due(self) -> bool:
        """Whether it is time to write again, and nobody is at it."""
        wait = max(INTERVAL_SECONDS, SECONDS_A_REQUEST * self._requests)
        return not self._writing.locked() and self._workspace.clock.boot() - self._written >= wait

    async def write(self) -> None:
        """Bring the lock files up to date. Raises StoreError, UsageError."""
        async with self._writing:
            clock, places = self._workspace.clock, self._workspace.places
            self._written = clock.boot()
            for provider in list(self._labels):
                # Copies: what is noted while it is somebody else's turn is for the next time.
                takes = list(self._takes[provider])
                labels = {base: set(names) for base, names in self._labels[provider].items()}
                path = self._workspace.lock_of(provider)
                market = self._workspace.markets[provider]
                change = partial(
                    _with,
                    takes=takes,
                    labels=labels,
                    elsewhere=frozenset(map(market.label, self._workspace.left_out)),
                    profile=market.profile,
                )
                written = await lockfile.update(path, places.guard_of(path), change, clock)
                self._requests = max(self._requests, len(written.blocks))
                del self._takes[provider][: len(takes)]


def _with(
    lock: LockFile,
    takes: Sequence[tuple[pins.Bought, bool]],
    labels: Mapping[BaseKey, set[str]],
    elsewhere: frozenset[str],
    profile: str | None,
) -> LockFile:
    lock = pins.with_takes(lock, [bought for bought, replaced in takes if not replaced])
    lock = pins.with_takes(lock, [bought for bought, replaced in takes if replaced], replace_lost=True)
    return pins.with_labels(lock, labels, elsewhere, profile=profile)

"""Transforms are made: bytes read, ops applied in a thread, picture and result kept.

Unaware of graphs, of when a node's turn comes, and of what is published.

Free and the same every time: no ledger, no key lock. Two processes that make the same do it twice.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from banana_pipe import transforms
from banana_pipe.canonical import Digest, digest_of
from banana_pipe.errors import BananaError
from banana_pipe.images import NotAPicture, measure
from banana_pipe.model import LOCAL, FileInput, Input, Key, Node, NodeInput, Result, SideFile
from banana_pipe.regular import read_regular
from banana_pipe.store.lookup import Stores
from banana_pipe.transforms.pixels import Frame, decode

AT_ONCE = max(1, min(4, os.cpu_count() or 1))
"""Pillow leaves the interpreter to others while it works; a picture of 64 million pixels is a quarter of a gigabyte."""


class Workshop:
    """Makes transforms, a few at a time, and keeps what comes out in *stores*."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._room = asyncio.Semaphore(AT_ONCE)
        self._closed = False

    async def make(self, node: Node, key: Key, images: Sequence[Digest]) -> Result | None:
        """The picture of *node*, whose key is *key*, from the pictures *images*; None after `close`.

        Raises BananaError where an op fails or bytes are missing, StoreError where it cannot be kept.
        """
        async with self._room:
            return None if self._closed else await asyncio.to_thread(self._make, node, key, images)

    def close(self) -> None:
        """Begin nothing new. What is begun is made to its end."""
        self._closed = True

    def _make(self, node: Node, key: Key, images: Sequence[Digest]) -> Result:
        reads = [partial(self._read, one, digest) for one, digest in zip(node.inputs, images, strict=True)]
        made = transforms.make(node.ops, reads)
        beside = tuple(
            SideFile(one.suffix, self._stores.blobs.put(one.data), one.mime, len(one.data)) for one in made.beside
        )
        self._stores.blobs.put(made.data)
        # That it has one colour only may be what was wanted: nobody was paid for it.
        artifact = replace(measure(made.data), blank=False)
        result = Result(key, artifact, LOCAL, "", None, None, None, 0, 0.0, beside)
        standing = self._stores.results.put(result)
        if standing.digests == result.digests or self._stores.has_all(standing):
            return standing
        # Made before by other libraries, and its bytes are gone.
        return self._stores.results.put(result, instead=True)

    def _read(self, one: Input, digest: Digest) -> Frame:
        """The picture that *one* is. Raises BananaError, which says its name."""
        name = one.node if isinstance(one, NodeInput) else one.label
        data = _read_file(one, digest) if isinstance(one, FileInput) else self._stores.read(digest)
        if data is None:
            raise BananaError(f"the bytes of {name} are nowhere")
        try:
            return decode(data)
        except NotAPicture as error:
            raise NotAPicture(f"{name}: {error.message}", hint=error.hint) from error


def _read_file(one: FileInput, digest: Digest) -> bytes:
    try:
        data = read_regular(one.path)
    except OSError as error:
        raise BananaError(f"cannot read {one.label}: {error.strerror}", hint="run again once it is there") from error
    if digest_of(data) != digest:
        raise BananaError(f"{one.label} was changed while it was read", hint="run again")
    return data

"""Transforms are made: bytes read, ops applied in a thread, picture and result kept.

Unaware of graphs, of when a node's turn comes, and of what is published.

Free and the same every time: no ledger, no key lock. Two processes that make the same do it twice.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from banana_pipe import transforms
from banana_pipe.canonical import Digest, digest_of
from banana_pipe.errors import BananaError
from banana_pipe.images import NotAPicture, measure
from banana_pipe.model import LOCAL, Artifact, FileInput, Input, Key, Node, NodeInput, Result, SideFile
from banana_pipe.regular import read_regular
from banana_pipe.store.lookup import Stores
from banana_pipe.transforms import Made
from banana_pipe.transforms.pixels import Frame, decode

AT_ONCE = max(1, min(4, os.cpu_count() or 1))
"""Pillow leaves the interpreter to others while it works; a picture of 64 million pixels is a quarter of a gigabyte."""
_KEPT_AT_ONCE = 8
"""Pictures that are made, and wait for the disk: it takes several as fast as one, and the cores need not wait with them."""


class Workshop:
    """Makes transforms, a few at a time, and keeps what comes out in *stores*."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._bench = asyncio.Semaphore(AT_ONCE + _KEPT_AT_ONCE)
        self._room = asyncio.Semaphore(AT_ONCE)
        # Of its own: in the common pool work would stand behind those that wait for the disk.
        self._hands = ThreadPoolExecutor(AT_ONCE, "making")
        self._made: list[tuple[Result, asyncio.Future[Result]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._closed = False

    async def make(self, node: Node, key: Key, images: Sequence[Digest]) -> Result | None:
        """The picture of *node*, whose key is *key*, from the pictures *images*; None after `close`.

        Raises BananaError where an op fails or bytes are missing, StoreError where it cannot be kept.
        """
        async with self._bench:
            async with self._room:
                if self._closed:
                    return None
                work = asyncio.get_running_loop().run_in_executor(self._hands, self._make, node, images)
                made, artifact = await work
            beside = await asyncio.to_thread(self._keep, made)
            return await self._standing(Result(key, artifact, LOCAL, "", None, None, None, 0, 0.0, beside))

    def close(self) -> None:
        """Begin nothing new. What is begun is made to its end."""
        self._closed = True

    def _make(self, node: Node, images: Sequence[Digest]) -> tuple[Made, Artifact]:
        reads = [partial(self._read, one, digest) for one, digest in zip(node.inputs, images, strict=True)]
        files = {
            place: partial(_read_file, one, digest)
            for place, (one, digest) in enumerate(zip(node.inputs, images, strict=True))
            if isinstance(one, FileInput) and one.is_font
        }
        made = transforms.make(node.ops, reads, files)
        # That it has one colour only may be what was wanted: nobody was paid for it.
        return made, replace(measure(made.data), blank=False)

    def _keep(self, made: Made) -> tuple[SideFile, ...]:
        """Keep the bytes; what is beside the picture."""
        put = self._stores.blobs.put
        beside = tuple(SideFile(one.suffix, put(one.data), one.mime, len(one.data)) for one in made.beside)
        put(made.data)
        return beside

    async def _standing(self, result: Result) -> Result:
        """*result* written, or the one that stands: those that come while others are written are written together."""
        written: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._made.append((result, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return await written

    async def _write_all(self) -> None:
        while self._made:
            made, self._made = self._made, []
            try:
                standing = await asyncio.to_thread(self._write, [result for result, _ in made])
            except Exception as error:  # noqa: BLE001 - it is raised where each of them is waited for
                for _, written in made:
                    if not written.done():
                        written.set_exception(error)
            else:
                for (_, written), result in zip(made, standing, strict=True):
                    if not written.done():
                        written.set_result(result)

    def _write(self, results: Sequence[Result]) -> list[Result]:
        standing = self._stores.results.put_all(results)
        return [
            there
            if there.digests == result.digests or self._stores.has_all(there)
            # Made before by other libraries, and its bytes are gone.
            else self._stores.results.put(result, instead=True)
            for result, there in zip(results, standing, strict=True)
        ]

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

"""The bytes of pictures, and of small ones, by digest: only of those that the page shows.

Unaware of HTTP. A digest is no path: nothing that is asked for leads anywhere but to these bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from banana_pipe import disk
from banana_pipe.canonical import Digest, digest_of
from banana_pipe.errors import StoreError
from banana_pipe.images import sniff
from banana_pipe.outputs.foreign import content
from banana_pipe.outputs.page.thumbs import shrunk, thumb_path
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.lookup import folders_of
from banana_pipe.store.published import Published, link_above
from banana_pipe.studio.standing import Standing

AT_ONCE = 2
"""Pictures that are made small at once: a large one takes a quarter of a gigabyte."""
_SMALL = "image/webp"


class Pictures:
    """What a studio shows; *standing* says what that is at the moment."""

    def __init__(self, cache: Path, standing: Callable[[], Standing]) -> None:
        self._blobs = Blobs(folders_of(cache)["blobs"])
        self._standing = standing
        self._room = asyncio.Semaphore(AT_ONCE)

    async def whole(self, digest: str) -> tuple[bytes, str] | None:
        """The bytes and their type; None for what is not shown, or is nowhere."""
        known = self._known(digest)
        data = await asyncio.to_thread(self._read, known) if known else None
        mime = sniff(data) if data is not None else None
        return None if data is None or mime is None else (data, mime)

    async def small(self, digest: str) -> tuple[bytes, str] | None:
        """The same at 320 pixels; the picture itself where it cannot be made small."""
        known = self._known(digest)
        if known is None:
            return None
        async with self._room:
            data = await asyncio.to_thread(self._small, known)
        return (data, _SMALL) if data is not None else await self.whole(digest)

    def _known(self, digest: str) -> Digest | None:
        found = Digest(digest)
        return found if found in self._standing().digests else None

    def _read(self, digest: Digest) -> bytes | None:
        data = self._blobs.read(digest)
        if data is not None:
            return data
        standing = self._standing()
        path = standing.by_hand.get(digest)
        if path is None:
            return Published(standing.out).read(digest)
        is_here = link_above(standing.out, path.relative_to(standing.out).as_posix()) is None and not path.is_symlink()
        found = content(path) if is_here else None
        return found if found is not None and digest_of(found) == digest else None

    def _small(self, digest: Digest) -> bytes | None:
        """A small picture that is there, or is made and kept where there is a folder for it."""
        out = self._standing().out
        name = thumb_path(digest)
        is_ours = link_above(out, name) is None and not (out / name).is_symlink()
        there = content(out / name) if is_ours else None
        if there is not None and sniff(there) == _SMALL:
            return there
        data = self._read(digest)
        small = shrunk(data) if data is not None else None
        if small is not None and is_ours and out.is_dir():
            try:
                disk.write_file(out / name, small)
            except StoreError:
                return small
        return small

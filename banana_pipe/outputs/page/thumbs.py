"""Small pictures for the gallery: `_/thumbs/<sha256>.webp`, made beside a run, each once.

Unaware of graphs and of the page. A picture that cannot be made small is shown as it is: nothing here
ever fails a run.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from banana_pipe import disk
from banana_pipe.canonical import Digest
from banana_pipe.errors import BananaError, StoreError
from banana_pipe.images import FORMATS, refuse_dear_avif, sniff
from banana_pipe.model import Artifact, Json, Outcome
from banana_pipe.store.published import THUMBS

SIDE = 320
"""Pixels of the longer side."""
_QUALITY = 76
_WORKERS = 2
_SUFFIX = ".webp"

Read = Callable[[Digest], bytes | None]


def thumb_path(digest: str) -> str:
    """Where the small picture of *digest* is, below the output folder."""
    return f"{THUMBS}/{digest}{_SUFFIX}"


def is_needed(width: int, height: int, *, published: bool) -> bool:
    """Whether a picture of that size is shown by a smaller one; what is not in the folder always is."""
    return not published or max(width, height) > SIDE


def there(out: Path) -> set[str]:
    """The digests that have a small picture in the folder *out*."""
    try:
        names = os.listdir(out / THUMBS)
    except OSError:
        return set()
    return {name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)}


def flowing_of(outcome: Outcome) -> Artifact | None:
    """The picture of a node that its readers get."""
    if outcome.accepted is not None:
        return outcome.accepted
    return next((take.result.artifact for take in outcome.takes if take.sample == outcome.picked), None)


class Thumbs:
    """The small pictures of the output folder *out*; *read* gives a picture's bytes, or None.

    They are made in threads of their own. `finish` waits for the last of them.
    """

    def __init__(self, out: Path, read: Read) -> None:
        self.out = out
        self._read = read
        self._there: set[str] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._making: dict[str, Future[bool]] = {}

    def note(self, outcome: Outcome) -> None:
        """Want what the gallery shows of a node: its pictures, or the one that flows on where none is published."""
        for output in outcome.outputs:
            if is_needed(output.artifact.width, output.artifact.height, published=True):
                self.want(output.artifact.digest)
        flowing = flowing_of(outcome)
        if flowing is not None and not outcome.outputs:
            self.want(flowing.digest)

    def want(self, digest: Digest) -> None:
        """See to it that *digest* has a small picture."""
        if self._there is None:
            self._there = there(self.out)
        if digest in self._there or digest in self._making:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_WORKERS, "thumbs")
        self._making[digest] = self._pool.submit(self._make, digest)

    def finish(self) -> set[str]:
        """Wait for what is under way; the digests that have a small picture now."""
        if self._there is None:
            self._there = there(self.out)
        self._there |= {digest for digest, made in self._making.items() if made.result()}
        self._making = {}
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        return self._there

    def give_up(self) -> None:
        """Make none of those that are not begun: the run ends otherwise."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def sweep(self, document: Mapping[str, Json], outcomes: Iterable[Outcome]) -> None:
        """Remove those of pictures that are gone, and what a killed process left half written.

        What is here stands in the manifest *document*, or flows on in one of the *outcomes*.
        """
        wanted = {entry["sha256"] for entry in document["files"]}
        wanted |= {flowing.digest for flowing in map(flowing_of, outcomes) if flowing is not None}
        with contextlib.suppress(StoreError):
            for digest in sorted(self.finish() - wanted):
                disk.remove(self.out / thumb_path(digest))
            for left in (self.out / THUMBS).glob(f"{disk.TEMPORARY_PREFIX}*"):
                if disk.is_left_behind(left):
                    disk.remove(left)

    def _make(self, digest: Digest) -> bool:
        try:
            data = self._read(digest)
            small = shrunk(data) if data is not None else None
            if small is None:
                return False
            disk.write_file(self.out / thumb_path(digest), small)
        except BananaError:
            return False
        return True


def shrunk(data: bytes) -> bytes | None:
    """*data* as a WebP of at most `SIDE` pixels a side; None where that cannot be."""
    import PIL.Image

    try:
        if sniff(data) == "image/avif":
            refuse_dear_avif(data)
        with PIL.Image.open(BytesIO(data), formats=tuple(FORMATS.values())) as image:
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
            picture = image if image.mode in ("RGB", "RGBA") else image.convert(_mode(image.has_transparency_data))
            picture.thumbnail((SIDE, SIDE), PIL.Image.Resampling.BICUBIC, reducing_gap=2.0)
            target = BytesIO()
            picture.save(target, "WEBP", quality=_QUALITY, method=2)
            return target.getvalue()
    except Exception:  # noqa: BLE001 - on broken bytes Pillow raises nearly anything
        return None


def _mode(transparent: bool) -> str:
    return "RGBA" if transparent else "RGB"

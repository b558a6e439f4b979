"""Where the bytes of a blob can be had once more: set aside under another name, in a file of the project, at its link.

Unaware of what is damaged, and why. What comes from anywhere is hashed: only the very bytes are an answer.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path

from banana_pipe.canonical import Digest, canonical_json, digest_of
from banana_pipe.care.books import Books, walk
from banana_pipe.errors import BananaError
from banana_pipe.model import Json
from banana_pipe.providers.base import Done, Picture, Provider, ProviderError
from banana_pipe.regular import open_regular, read_regular
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.lookup import folders_of
from banana_pipe.store.published import MANIFEST, files_of, read_manifest

AT_ONCE = 4
SECONDS = 600.0
"""For one link in all."""
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".avif")


class Sources:
    """Everything in the project in *root* that may hold bytes of its cache."""

    def __init__(self, root: Path, cache: Path) -> None:
        self._root, self._cache = root, cache

    def find(self, digest: Digest) -> tuple[bytes, str] | None:
        """The bytes of *digest*, and the words for where they were."""
        for path in self._files.get(digest, ()):
            data = _read(path)
            if data is not None and digest_of(data) == digest:
                return data, f"from {path.relative_to(self._root) if path.is_relative_to(self._root) else path}"
        data = self._requests.get(digest)
        return None if data is None else (data, "from a manifest")

    @cached_property
    def _files(self) -> Mapping[Digest, list[Path]]:
        found: dict[Digest, list[Path]] = {}
        folders = folders_of(self._cache)
        blobs = Blobs(folders["blobs"])
        lost = (path for path in blobs.files() if path != blobs.path(Digest(path.name)))
        strays = [*folders["damaged"].glob("*"), *folders["rejected"].glob("*"), *lost]
        pictures = (path for path in walk(self._root, self._cache) if path.suffix.lower() in _PICTURES)
        for path in (*strays, *pictures):
            digest = hash_of(path)
            if digest is not None:
                found.setdefault(digest, []).append(path)
        return found

    @cached_property
    def _requests(self) -> Mapping[Digest, bytes]:
        """What was asked, as manifests tell it."""
        found: dict[Digest, bytes] = {}
        for path in walk(self._root, self._cache):
            if path.name == MANIFEST:
                found |= {digest_of(data): data for data in _asked(read_manifest(path.parent))}
        return found


def hash_of(path: Path) -> Digest | None:
    """The digest of the file *path*, links not followed; None for what is no file, or cannot be read."""
    if path.is_symlink():
        return None
    try:
        with open_regular(path) as file:
            return Digest(hashlib.file_digest(file, "sha256").hexdigest())
    except OSError:
        return None


def _read(path: Path) -> bytes | None:
    try:
        return read_regular(path)
    except OSError:
        return None


def _asked(manifest: Mapping[str, Json] | None) -> list[bytes]:
    if not any(files_of(manifest)):
        return []
    found = []
    for entry in (manifest or {})["files"]:
        try:
            found.append(canonical_json(entry["request"]))
        except (KeyError, TypeError, ValueError, RecursionError):
            continue
    return found


# --- the links --------------------------------------------------------------------------------


def links_in(books: Books) -> dict[Digest, list[str]]:
    """The addresses at which pictures were, by what was there."""
    found: dict[Digest, list[str]] = {}
    for digest, purchase in books.paid.items():
        if purchase.url is not None and purchase.url.startswith(("https://", "http://")):
            found.setdefault(digest, []).append(purchase.url)
    for lock in books.locks.values():
        for url, link in lock.links.items():
            found.setdefault(link.artifact.digest, []).append(url)
    return found


async def download(wanted: Iterable[Digest], books: Books, blobs: Blobs, provider: Provider) -> set[Digest]:
    """Fetch what can be had of *wanted* from its links, into *blobs*; what came. Free.

    Where a link is dead the provider is asked for another, if the task was sent to it and there is a token.
    """
    links, limit = links_in(books), asyncio.Semaphore(AT_ONCE)

    async def bring(digest: Digest) -> bool:
        async with limit:
            for url in links.get(digest, []):
                if await _fetched(digest, url, blobs, provider):
                    return True
            renewed = await _renewed(digest, books, provider)
            return renewed is not None and await _fetched(digest, renewed, blobs, provider)

    listed = list(dict.fromkeys(wanted))
    came = await asyncio.gather(*(bring(digest) for digest in listed))
    return {digest for digest, is_here in zip(listed, came, strict=True) if is_here}


async def _fetched(digest: Digest, url: str, blobs: Blobs, provider: Provider) -> bool:
    with blobs.writer() as writer:
        write: Callable[[bytes], None] = writer.write
        try:
            async with asyncio.timeout(SECONDS):
                await provider.fetch(Picture(url=url), write)
        except (ProviderError, TimeoutError):
            return False
        if writer.digest != digest:
            return False
        await asyncio.to_thread(writer.keep)
    return True


async def _renewed(digest: Digest, books: Books, provider: Provider) -> str | None:
    """The link that the provider names now."""
    purchase = books.paid.get(digest)
    if purchase is None or purchase.task_id is None or purchase.origin != provider.origin or not provider.account:
        return None
    try:
        answer = (await provider.poll([purchase.task_id])).get(purchase.task_id)
    except BananaError:
        return None
    return answer.pictures[0].url if isinstance(answer, Done) else None

"""Pictures from the web: each fetched once, verified, kept as a blob, and pinned in a lock file.

Unaware of what is bought with them. No token is sent, and only public hosts are asked (`providers.http`).

A pinned address is asked again only where its bytes are nowhere, and must give the same bytes then.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from banana_pipe import disk
from banana_pipe.errors import BananaError
from banana_pipe.images import NotAPicture, measure_file
from banana_pipe.links import homes, links_of
from banana_pipe.model import Artifact, Node, Place, Url
from banana_pipe.providers.base import ProviderError
from banana_pipe.store import lockfile
from banana_pipe.store.blobs import Blobs, BlobWriter
from banana_pipe.store.pins import with_links
from banana_pipe.workspace import Workspace

AT_ONCE = 8
SECONDS = 600.0
"""For one address in all, however often it is tried."""
_PAUSES = (2.0, 4.0)
"""Between tries where the network failed."""


class Fetcher(Protocol):
    """Who gets bytes from the web."""

    async def download(self, url: str, write: Callable[[bytes], None]) -> None:
        """Pass on the bytes at *url*, at most 64 MiB, as they come. Raises ProviderError."""

    async def close(self) -> None:
        """Give back connections."""


def fetcher_for(workspace: Workspace) -> Fetcher:
    """One that has no token and no base URL: every address must be a public one."""
    from banana_pipe.providers.http import Http

    return Http("", None, workspace.clock)


def missing(workspace: Workspace, nodes: Iterable[Node], sending: Container[str]) -> dict[Url, Artifact | None]:
    """What is to be fetched for *nodes*, with what it is pinned to: addresses that nobody has pinned, and
    for those of them that may be *sending*, by name, pinned ones whose bytes are nowhere.

    What this command has asked for in vain is not asked for again.
    """
    found: dict[Url, Artifact | None] = {}
    for node in nodes:
        for url in links_of([node]):
            pin = workspace.files.get(url)
            needed = pin is None or (node.id in sending and not workspace.has(pin.digest))
            if needed and url not in workspace.broken:
                found[url] = pin
    return found


def left_alone(workspace: Workspace, nodes: Iterable[Node]) -> dict[Place, str]:
    """Why *nodes* cannot read what is pinned and has its bytes nowhere, where nothing is to be fetched."""
    return {
        url: f"{url}: what it is pinned to (sha256 {pin.digest[:12]}…) is nowhere here, and a frozen run fetches nothing"
        for url in links_of(nodes)
        if (pin := workspace.files.get(url)) is not None and not workspace.has(pin.digest)
    }


async def bring(workspace: Workspace, wanted: Mapping[Url, Artifact | None]) -> Workspace:
    """*workspace* with the pictures *wanted*, fetched and pinned; in `broken` why others cannot be had.

    Raises StoreError and UsageError where a picture or its pin cannot be written.
    """
    if not wanted:
        return workspace
    workspace.places.make_cache()
    fetcher = fetcher_for(workspace)
    try:
        limit = asyncio.Semaphore(AT_ONCE)
        got = await asyncio.gather(*(_had(workspace, fetcher, limit, url, pin) for url, pin in wanted.items()))
    finally:
        await fetcher.close()
    answers = dict(zip(wanted, got, strict=True))
    fetched = {url: answer for url, answer in answers.items() if isinstance(answer, Artifact)}
    broken: dict[Place, str] = {url: answer for url, answer in answers.items() if isinstance(answer, str)}
    pins = await _pin(workspace, {url: artifact for url, artifact in fetched.items() if wanted[url] is None})
    broken |= {url: _pinned_meanwhile(url, pin) for url, pin in pins.items() if not workspace.has(pin.digest)}
    return replace(workspace, files={**workspace.files, **pins}, broken={**workspace.broken, **broken})


async def _had(
    workspace: Workspace, fetcher: Fetcher, limit: asyncio.Semaphore, url: Url, pin: Artifact | None
) -> Artifact | str:
    """The picture at *url*, or why it cannot be had."""
    try:
        async with limit, asyncio.timeout(SECONDS):
            for pause in _PAUSES:
                try:
                    return await _fetched(fetcher, workspace.blobs, url, pin)
                except ProviderError as error:
                    if error.kind != "unavailable":
                        raise
                    await workspace.clock.sleep(pause)
            return await _fetched(fetcher, workspace.blobs, url, pin)
    except TimeoutError:
        return f"{url}: the picture did not come within {SECONDS:g} s"
    except (ProviderError, NotAPicture, _Another) as error:
        return f"{url}: {error.message}"


class _Another(BananaError):
    """Not the picture that the address is pinned to."""


async def _fetched(fetcher: Fetcher, blobs: Blobs, url: Url, pin: Artifact | None) -> Artifact:
    with blobs.writer() as writer:
        await fetcher.download(url, writer.write)
        return await asyncio.to_thread(_kept, writer, pin)


def _kept(writer: BlobWriter, pin: Artifact | None) -> Artifact:
    """What *writer* holds as a picture and a blob. Raises NotAPicture, StoreError, and _Another where it is not *pin*."""
    writer.seal()
    with disk.explained("read", writer.path):
        artifact = measure_file(writer.path)
    if pin is not None and pin.digest != artifact.digest:
        raise _Another(
            f"another picture is there now than the lock file pins (sha256 {pin.digest[:12]}…), and the bytes of that"
            " one are nowhere: bring them back as a file, or take the address out of the lock file to read what is"
            " there now"
        )
    writer.keep()
    return artifact


def _pinned_meanwhile(url: Place, pin: Artifact) -> str:
    """What is said where another run came first, with another picture, whose bytes are in its own cache."""
    return (
        f"{url}: another run has pinned another picture meanwhile (sha256 {pin.digest[:12]}…), whose bytes are nowhere"
        " here: run again, and it is fetched if it is still there"
    )


async def _pin(workspace: Workspace, fetched: Mapping[Url, Artifact]) -> dict[Place, Artifact]:
    """Pin what was *fetched*. Gives the pictures that the addresses are pinned to now.

    Where another run pinned an address meanwhile, that stands, also with another picture.
    """
    by_lock: dict[Path, dict[Url, Artifact]] = defaultdict(dict)
    for url, home in homes(workspace.whole, workspace.places).items():
        if url in fetched:
            by_lock[home][url] = fetched[url]
    pins: dict[Place, Artifact] = {}
    for path, links in by_lock.items():
        change = partial(with_links, fetched=links, at=workspace.clock.now())
        lock = await lockfile.update(path, workspace.places.guard_of(path), change, workspace.clock)
        pins |= {url: lock.links[url].artifact for url in links}
    return pins

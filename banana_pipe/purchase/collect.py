"""From a paid answer to a picture in the blobs: download, verify, STORED.

Unaware of how the answer came about.

Nothing here costs money, so everything is tried again; what cannot be had stays written as paid.
"""

from __future__ import annotations

import asyncio

from banana_pipe.canonical import Digest
from banana_pipe.events import AttemptMoved
from banana_pipe.images import NotAPicture, measure_file
from banana_pipe.model import Artifact, Attempt
from banana_pipe.prices import show_usd
from banana_pipe.providers.base import Done, Picture, ProviderError
from banana_pipe.purchase.orders import Desk, NotBought

_INLINE = "sha256:"
_UNDECODABLE_TRIES = 3
_PAUSES = (2.0, 4.0, 8.0)
"""Between downloads that failed; the vendor advises 2, 4, 8 s."""


def place_of(picture: Picture, stored: Digest | None) -> str:
    """How an attempt notes where its picture is."""
    return f"{_INLINE}{stored}" if stored is not None else str(picture.url)


class Collector:
    """Downloads of one run, at most `pace.downloads` at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._limit = asyncio.Semaphore(desk.pace.downloads)

    async def collect(self, attempt: Attempt) -> Attempt | NotBought:
        """Bring *attempt* from SUCCEEDED to STORED, or to LOST where its link is dead."""
        undecodable = unavailable = 0
        asked_again = False
        while True:
            try:
                artifact = await self._picture(attempt)
            except NotAPicture as error:
                undecodable += 1
                if undecodable == _UNDECODABLE_TRIES or _is_inline(attempt):
                    return _undecodable(attempt, error)
            except ProviderError as error:
                if error.kind == "dead_link":
                    renewed = None if asked_again else await self._ask_again(attempt)
                    if renewed is None:
                        return await self._move(attempt, "LOST", error_kind=error.kind, error_message=error.message)
                    if isinstance(renewed, NotBought):
                        return renewed
                    attempt, asked_again = renewed, True
                elif error.kind != "unavailable" or unavailable == len(_PAUSES):
                    return _not_now(attempt, error)
                else:
                    await self._desk.clock.sleep(_PAUSES[unavailable])
                    unavailable += 1
            else:
                return await self._move(attempt, "STORED", artifact=artifact)

    async def _picture(self, attempt: Attempt) -> Artifact:
        """The picture of *attempt*, kept as a blob. Raises NotAPicture, ProviderError."""
        assert attempt.picture is not None, "a SUCCEEDED attempt says where its picture is"
        blobs = self._desk.stores.blobs
        if _is_inline(attempt):
            digest = Digest(attempt.picture.removeprefix(_INLINE))
            if blobs.read(digest) is None:
                raise ProviderError("dead_link", "the picture came with the answer, and its bytes are gone")
            return await asyncio.to_thread(measure_file, blobs.path(digest))
        async with self._limit:
            with blobs.writer() as writer:
                await self._desk.provider.fetch(Picture(url=attempt.picture), writer.write)
                await asyncio.to_thread(writer.seal)
                try:
                    artifact = await asyncio.to_thread(measure_file, writer.path)
                except NotAPicture:
                    blobs.reject(writer)
                    raise
                await asyncio.to_thread(writer.keep)
                return artifact

    async def _ask_again(self, attempt: Attempt) -> Attempt | NotBought | None:
        """The attempt with the link that the provider names now; None where it names none."""
        if attempt.task_id is None:
            return None
        try:
            answer = (await self._desk.provider.poll([attempt.task_id])).get(attempt.task_id)
        except ProviderError as error:
            return _not_now(attempt, error)
        if not isinstance(answer, Done) or answer.pictures[0].url is None:
            return None
        return await self._move(attempt, "SUCCEEDED", picture=answer.pictures[0].url, response=answer.response)

    async def _move(self, attempt: Attempt, state: str, **changes: object) -> Attempt:
        moved = await self._desk.stores.ledger.advance(attempt, state, **changes)  # type: ignore[arg-type]
        self._desk.emit(AttemptMoved(moved.node, moved))
        return moved


def _is_inline(attempt: Attempt) -> bool:
    return attempt.picture is not None and attempt.picture.startswith(_INLINE)


def _undecodable(attempt: Attempt, error: NotAPicture) -> NotBought:
    return NotBought(
        "failed",
        "undecodable",
        f"paid ({show_usd(attempt.price)}), but what came is no picture: {error.message}; the bytes are in"
        " cache/rejected/. The next run fetches again; `--rebuy` gives it up and buys another",
    )


def _not_now(attempt: Attempt, error: ProviderError) -> NotBought:
    return NotBought(
        "failed",
        "error",
        f"paid ({show_usd(attempt.price)}), but its picture could not be downloaded: {error.message}. Run again:"
        " it is fetched without paying",
    )

"""From a paid answer to a picture in the blobs: download, verify, STORED.

Unaware of how the answer came about.

Nothing here costs money, so everything is tried again; what cannot be had stays written as paid.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from banana_pipe import disk
from banana_pipe.canonical import Digest
from banana_pipe.events import AttemptMoved
from banana_pipe.images import NotAPicture, measure, measure_file
from banana_pipe.model import Artifact, Attempt
from banana_pipe.prices import show_usd
from banana_pipe.providers.base import Done, Picture, ProviderError
from banana_pipe.purchase import replies
from banana_pipe.purchase.orders import Desk, NotBought
from banana_pipe.purchase.stops import GraceOver, Stops
from banana_pipe.store.blobs import BlobWriter

_INLINE = "sha256:"
_UNDECODABLE_TRIES = 3
_PAUSES = (2.0, 4.0, 8.0)
"""Between downloads that failed; the vendor advises 2, 4, 8 s."""
_PATIENCE = (0.0, 2.0)
"""Before a task is asked again where its picture is: one that was just made can take a moment to be there."""


class Collector:
    """Downloads of one run, at most `pace.downloads` at once."""

    def __init__(self, desk: Desk, stops: Stops) -> None:
        self._desk = desk
        self._stops = stops
        self._limit = asyncio.Semaphore(desk.pace.downloads)

    async def collect(self, attempt: Attempt) -> Attempt | NotBought:
        """Bring *attempt* from SUCCEEDED to STORED, or to LOST where its link is dead.

        After an interrupt the network is waited for within the grace time only: it stays SUCCEEDED then.
        """
        try:
            return await self._collect(attempt)
        except GraceOver:
            return replies.not_fetched(attempt)

    async def _collect(self, attempt: Attempt) -> Attempt | NotBought:
        undecodable = unavailable = asked_again = 0
        while True:
            try:
                artifact = await self._picture(attempt)
            except NotAPicture as error:
                undecodable += 1
                if undecodable == _UNDECODABLE_TRIES or _is_inline(attempt):
                    return _undecodable(attempt, error)
            except ProviderError as error:
                if error.kind == "dead_link":
                    if asked_again == len(_PATIENCE):
                        return await self._move(attempt, "LOST", error_kind=error.kind, error_message=error.message)
                    await self._stops.within_grace(self._desk.clock.sleep(_PATIENCE[asked_again]))
                    renewed = await self._ask_again(attempt)
                    if isinstance(renewed, NotBought):
                        return renewed
                    attempt, asked_again = renewed, asked_again + 1
                elif error.kind != "unavailable" or unavailable == len(_PAUSES):
                    return _not_now(attempt, error)
                else:
                    await self._stops.within_grace(self._desk.clock.sleep(_PAUSES[unavailable]))
                    unavailable += 1
            else:
                return await self._move(attempt, "STORED", artifact=artifact)

    async def keep_place(self, picture: Picture) -> str:
        """How an attempt notes where its picture is; one that came with the answer is a blob first."""
        if picture.data is None:
            return str(picture.url)
        return f"{_INLINE}{await asyncio.to_thread(self._desk.stores.blobs.put, picture.data)}"

    async def _picture(self, attempt: Attempt) -> Artifact:
        """The picture of *attempt*, kept as a blob. Raises NotAPicture, ProviderError."""
        if attempt.picture is None:
            raise AssertionError("a SUCCEEDED attempt says where its picture is")
        blobs = self._desk.stores.blobs
        if _is_inline(attempt):
            digest = Digest(attempt.picture.removeprefix(_INLINE))
            data = await asyncio.to_thread(blobs.read, digest)
            if data is None:
                raise ProviderError("dead_link", "the picture came with the answer, and its bytes are gone")
            try:
                return await asyncio.to_thread(measure, data)
            except NotAPicture:
                with blobs.writer() as writer:
                    writer.write(data)
                    blobs.reject(writer)
                raise
        async with self._limit:
            with blobs.writer() as writer:
                await self._stops.within_grace(self._desk.provider.fetch(Picture(url=attempt.picture), writer.write))
                return await asyncio.to_thread(self._kept, writer)

    def _kept(self, writer: BlobWriter) -> Artifact:
        """What *writer* holds as a picture and a blob. Raises NotAPicture and StoreError."""
        writer.seal()
        try:
            with disk.explained("read", writer.path):
                artifact = measure_file(writer.path)
        except NotAPicture:
            self._desk.stores.blobs.reject(writer)
            raise
        writer.keep()
        return artifact

    async def _ask_again(self, attempt: Attempt) -> Attempt | NotBought:
        """The attempt with the link that the provider names now, or as it was where it names none."""
        if attempt.task_id is None:
            return attempt
        origin = self._desk.provider.origin
        words = replies.another_link_elsewhere(attempt, origin)
        elsewhere = replace(_not_now(attempt, ProviderError("unavailable", words)), elsewhere=True)
        # Who did not send it can be told of another link, never that there is none.
        believed = self._desk.sent(attempt) or self._desk.consent.rebuy
        if attempt.origin != origin and not believed:
            return elsewhere
        try:
            answers = await self._stops.within_grace(self._desk.provider.poll([attempt.task_id]))
        except ProviderError as error:
            return _not_now(attempt, error) if believed else elsewhere
        answer = answers.get(attempt.task_id)
        if not isinstance(answer, Done):
            return attempt if believed else elsewhere
        place = await self.keep_place(answer.pictures[0])
        return await self._move(attempt, "SUCCEEDED", picture=place, response=answer.response)

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

"""Connections that nobody can hold for long: deadlines, and a cap under which the slowest make room.

Unaware of what is asked.

uvicorn bounds the time between two requests and the size of a head, nothing else. Here a head must be
complete in HEAD_SECONDS, a body in BODY_SECONDS, and an answer must be read on within WRITE_SECONDS.
Above the cap a new connection takes the place of the one that has kept us waiting the longest; only
where all others wait for us is it the new one that goes. Who has just been answered is given THANKS_SECONDS
more than others: a wave of new ones that ask nothing does not drive out who asks again and again.

Who is answered before the body is read may send on, into the void, until the deadline of the next head:
a connection that is closed too early takes the answer with it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0
IDLE_SECONDS = 15
BODY_SECONDS = 60.0
WRITE_SECONDS = 60.0
THANKS_SECONDS = 1.0
MAX_HEAD_BYTES = 32 * 1024


class Connection(H11Protocol):
    """One connection, cut off at its deadline. `config.limit_concurrency` is one above the cap."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.waits_since: float | None = None
        """When we began to wait for the client, by the loop's clock; None while it waits for us."""
        self._awaited = ""
        self._deadline: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """A client is there; perhaps another one has to go."""
        super().connection_made(transport)
        self._watch()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """Some bytes of a head, of a body, or of the next request."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """An answer is written; the next request may be there already."""
        super().on_response_complete()
        self._watch()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing was asked for a while. What is not read by now never will be."""
        self.transport.abort()

    def pause_writing(self) -> None:
        """The client does not read as fast as we write."""
        super().pause_writing()
        self._stalled = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        _cancel(self._stalled)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        _cancel(self._deadline)
        _cancel(self._stalled)

    def _watch(self) -> None:
        """Set the deadline of what we wait for, whenever that becomes another thing."""
        # Typed as if it were there from the start.
        if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr]
            awaited = "head"
        else:
            awaited = "body" if self.cycle.more_body else ""
        if awaited == self._awaited:
            return
        _cancel(self._deadline)
        self._awaited = awaited
        answered = self.cycle is not None and awaited == "head"  # type: ignore[redundant-expr]
        self.waits_since = self.loop.time() + THANKS_SECONDS * answered if awaited else None
        if awaited and self in self.connections:
            seconds = HEAD_SECONDS if awaited == "head" else BODY_SECONDS
            self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _make_room(self) -> None:
        if self.limit_concurrency is None or len(self.connections) < self.limit_concurrency:
            return
        waiting = {
            one.waits_since: one
            for one in self.connections
            if isinstance(one, Connection) and one is not self and one.waits_since is not None
        }
        slowest = waiting[min(waiting)] if waiting else self
        # At once: the loop may have more new ones before it tells of this one's end.
        self.connections.discard(slowest)
        slowest.transport.abort()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()

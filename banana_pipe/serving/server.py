"""The sandbox on a port of 127.0.0.1, until it is stopped.

Unaware of the command line, and of what the API answers.

No setting opens it to other machines: it takes any token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from banana_pipe.clock import Clock
from banana_pipe.providers.sandbox import create_app
from banana_pipe.providers.sandbox.app import MAX_BODY_BYTES, gateway_error
from banana_pipe.providers.sandbox.checks import Refused
from banana_pipe.serving.callbacks import Callbacks
from banana_pipe.serving.guard import Guard, Manners
from banana_pipe.serving.loopback import Loopback


def _crowded() -> Refused:
    return Refused(429, "too_many_requests", "Too many large requests at once.", by="gateway")


MANNERS = Manners(
    refuse=gateway_error,
    crowded=_crowded,
    max_body=MAX_BODY_BYTES,
    headers=(
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; sandbox"),
    ),
)


class Server:
    """A sandbox that listens. Raises UsageError where the port cannot be had.

    *port* 0 is any free one. A task of an async call is finished after *seconds*. *tell* hears in a line of
    callbacks that failed, *on_bug* of errors that nobody foresaw.
    """

    def __init__(
        self,
        port: int,
        seconds: float,
        clock: Clock,
        *,
        tell: Callable[[str], None],
        on_bug: Callable[[Exception], None],
    ) -> None:
        self._loopback = Loopback(port, "serve")
        self.port = self._loopback.port
        self._callbacks = Callbacks(clock, tell)
        app = create_app(now=clock.now, seconds=seconds, caller=self._callbacks)
        self._app = Guard(app, self.port, MANNERS, on_bug)

    @property
    def base_url(self) -> str:
        """What clients are told."""
        return self._loopback.base_url

    def run(self) -> None:
        """Serve until `stop`; requests under way have two seconds then."""
        asyncio.run(self._run())

    def stop(self) -> None:
        """End soon. May be called by a signal's handler."""
        self._loopback.stop()

    async def _run(self) -> None:
        try:
            await self._loopback.serve(self._app)
        finally:
            await self._callbacks.close()

"""The sandbox on a port of 127.0.0.1, until it is stopped.

Unaware of the command line, and of what the API answers.

No setting opens it to other machines: it takes any token.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
import socket
from collections.abc import Callable, Iterator

import uvicorn

from banana_pipe.clock import Clock
from banana_pipe.errors import UsageError
from banana_pipe.providers.sandbox import create_app
from banana_pipe.serving.callbacks import Callbacks
from banana_pipe.serving.connections import IDLE_SECONDS, MAX_HEAD_BYTES, Connection
from banana_pipe.serving.guard import Guard

ADDRESS = "127.0.0.1"
MAX_CONNECTIONS = 512
_OTHER_FILES = 64
"""Files that may be open besides connections."""
_BACKLOG = 2048
_LAST_SECONDS = 2
"""How long requests under way may still take once it is stopped."""


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
        self._socket = _listening(port)
        self.port: int = self._socket.getsockname()[1]
        self._callbacks = Callbacks(clock, tell)
        app = create_app(now=clock.now, seconds=seconds, caller=self._callbacks)
        self._uvicorn = _Uvicorn(_config(Guard(app, self.port, on_bug)))

    @property
    def base_url(self) -> str:
        """What clients are told."""
        return f"http://{ADDRESS}:{self.port}"

    def run(self) -> None:
        """Serve until `stop`; requests under way have two seconds then."""
        asyncio.run(self._run())

    def stop(self) -> None:
        """End soon. May be called by a signal's handler."""
        self._uvicorn.should_exit = True

    async def _run(self) -> None:
        try:
            await self._uvicorn.serve(sockets=[self._socket])
        finally:
            await self._callbacks.close()


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are heard by whoever runs this."""
        yield


def _config(app: Guard) -> uvicorn.Config:
    # Errors come to the guard; what else it would say is of clients that send nonsense.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_most_connections() + 1,
        backlog=_BACKLOG,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=_LAST_SECONDS,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )


def _most_connections() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else max(16, min(MAX_CONNECTIONS, files - _OTHER_FILES))


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # A port is free again at once, though connections of before still wait for their end.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
        # So early that whoever is told the port can connect.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} is in use: another program listens there, perhaps another `serve`",
                hint="choose another one with --port, or any free one with --port 0",
            ) from None
        raise UsageError(
            f"cannot listen on port {port}: {error.strerror}", hint="choose one from 1024 with --port"
        ) from error
    return listener

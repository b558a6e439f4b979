"""A port of 127.0.0.1, and an application that answers there until it is stopped.

Unaware of what is answered, and of the command line.

No setting opens it to other machines.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import resource
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from banana_pipe.errors import UsageError
from banana_pipe.serving.connections import IDLE_SECONDS, MAX_HEAD_BYTES, Connection

ADDRESS = "127.0.0.1"
MAX_CONNECTIONS = 512
_OTHER_FILES = 64
"""Files that may be open besides connections."""
_BACKLOG = 2048
_LAST_SECONDS = 2
"""How long requests under way may still take once it is stopped."""


class Loopback:
    """The *port*, listened on from now; 0 is any free one. Raises UsageError where it cannot be had.

    *command* is what else may listen there, for the message.
    """

    def __init__(self, port: int, command: str) -> None:
        self._socket = _listening(port, command)
        self.port: int = self._socket.getsockname()[1]
        self._uvicorn: _Uvicorn | None = None
        self._is_stopped = False

    @property
    def base_url(self) -> str:
        """Scheme, host and port."""
        return f"http://{ADDRESS}:{self.port}"

    async def serve(self, app: ASGIApp) -> None:
        """Let *app* answer until `stop`; requests under way have two seconds then."""
        self._uvicorn = _Uvicorn(_config(app))
        self._uvicorn.should_exit = self._is_stopped
        await self._uvicorn.serve(sockets=[self._socket])

    def close(self) -> None:
        """Listen no more, where nothing was served yet."""
        self._socket.close()

    def stop(self) -> None:
        """End soon. May be called by a signal's handler."""
        self._is_stopped = True
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are heard by whoever runs this."""
        yield


def _config(app: ASGIApp) -> uvicorn.Config:
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


def _listening(port: int, command: str) -> socket.socket:
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
                f"port {port} is in use: another program listens there, perhaps another `{command}`",
                hint="choose another one with --port, or any free one with --port 0",
            ) from None
        raise UsageError(
            f"cannot listen on port {port}: {error.strerror}", hint="choose one from 1024 with --port"
        ) from error
    return listener

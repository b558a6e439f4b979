"""A server in a thread of this process, and clients that are as odd as a test wants them.

Unaware of what is asked.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from banana_pipe.clock import SystemClock
from banana_pipe.serving import Server
from tests.canary import CANARY

IMAGES = "/nano-banana/images"
TASKS = "/nano-banana/tasks"
GENERATE = {"action": "generate", "prompt": "a white siamese cat", "async": True}


@dataclass(slots=True)
class Served:
    """A server that listens; `told` and `bugs` are what it had to say."""

    base_url: str
    port: int
    told: list[str] = field(default_factory=list)
    bugs: list[Exception] = field(default_factory=list)
    heard: threading.Event = field(default_factory=threading.Event)
    """Set once something was told."""

    def client(self, **named: Any) -> httpx.Client:
        """A plain client with a token."""
        headers = {"authorization": f"Bearer {CANARY}"}
        return httpx.Client(base_url=self.base_url, headers=headers, trust_env=False, timeout=60, **named)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        """One POST of JSON on a connection of its own."""
        with self.client() as client:
            return client.post(path, json=body, headers=headers)

    @contextmanager
    def raw(self, sent: bytes = b"") -> Iterator[socket.socket]:
        """A connection on which only *sent* was said."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(sent)
            yield connection


@contextmanager
def serving(seconds: float = 0.0) -> Iterator[Served]:
    """A server as long as the block lasts."""
    served = Served("", 0)

    def tell(line: str) -> None:
        served.told.append(line)
        served.heard.set()

    server = Server(0, seconds, SystemClock(), tell=tell, on_bug=served.bugs.append)
    served.base_url, served.port = server.base_url, server.port
    thread = threading.Thread(target=server.run)
    with ExitStack() as stack:
        stack.callback(thread.join)
        stack.callback(server.stop)
        thread.start()
        yield served
    assert not served.bugs


@pytest.fixture
def served() -> Iterator[Served]:
    """A server whose tasks are finished at once."""
    with serving() as one:
        yield one


def ended(connection: socket.socket) -> bytes:
    """What comes until the server cuts the connection off."""
    received = b""
    try:
        while piece := connection.recv(65_536):
            received += piece
    except ConnectionError:
        pass
    return received

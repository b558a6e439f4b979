"""A server on loopback that answers by a few lines of the test's own, byte by byte if need be.

Unaware of what it is asked: it keeps that for the test to look at.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived; `connection` counts connections from 1."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


Reply = Callable[[Seen, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Loopback:
    """Where it listens, and what it was asked."""

    port: int = 0
    scheme: str = "http"
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """The base URL."""
        return f"{self.scheme}://127.0.0.1:{self.port}"


@asynccontextmanager
async def serving(reply: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[Loopback]:
    """Listen as long as the block lasts; *reply* answers every request."""
    server = Loopback(scheme="https" if tls else "http")
    under_way: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        number = server.connections
        try:
            while not writer.is_closing():
                seen = await _read(reader, number)
                server.seen.append(seen)
                await reply(seen, writer)
                await writer.drain()
            writer.close()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            writer.close()
        except asyncio.CancelledError:
            writer.transport.abort()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(converse(reader, writer))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls, limit=2**20)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _read(reader: asyncio.StreamReader, connection: int) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, path, headers, body, connection)


def message(status: int, body: bytes, length: int | None = None, **headers: str) -> bytes:
    """An HTTP answer as bytes; *length* is what it says its length is. `retry_after="3"` is a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("content-length", str(len(body) if length is None else length))
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in named.items() if value), "", ""]
    return "\r\n".join(lines).encode() + body


def says(status: int, body: bytes | Mapping[str, Any], length: int | None = None, **headers: str) -> Reply:
    """Answer every request so."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def reply(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(message(status, data, length, **headers))
        if length not in (None, len(data)) or headers.get("content_length") == "":
            await writer.drain()
            writer.close()

    return reply


def breaks_after(sent: bytes) -> Reply:
    """Send *sent* and reset the connection."""

    async def reply(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()
        if not sent:
            writer.transport.abort()
        writer.close()

    return reply


def drips(sent: bytes) -> Reply:
    """Send *sent* and then nothing more, the connection staying open."""

    async def reply(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()
        await asyncio.Event().wait()

    return reply

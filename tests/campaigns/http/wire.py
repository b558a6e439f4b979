"""A wire between client and vendor that breaks after so many bytes, or turns one bit of them.

Unaware of what the bytes mean, as far as it can: it tells requests from each other by their paths.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

from tests.vendor import Endpoint

Side = Literal["request", "answer", "flip"]


@dataclass(frozen=True, slots=True)
class Cut:
    """What happens to the one request to *endpoint* that comes after *skip* others.

    `request`: the wire breaks when *at* bytes of its body have come, and the vendor never hears of it.
    `answer`: the vendor has worked, and the wire breaks after *at* bytes of what it says.
    `flip`: the answer comes whole, the *at*-th bit of its body turned.
    """

    endpoint: Endpoint
    side: Side
    at: int
    manner: Literal["reset", "close"] = "reset"
    skip: int = 0


class Wire:
    """`with Wire(vendor.base_url) as wire:`, and the client talks to `wire.base_url`."""

    def __init__(self, to: str) -> None:
        self._to = urlsplit(to)
        self._ready = threading.Event()
        self._stop: Callable[[], object] = bool
        self._cut: Cut | None = None
        self._passed = 0
        self.base_url = ""
        self.done = False
        """Whether the cut was made."""

    def __enter__(self) -> Self:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(listener)), name="wire", daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._thread.join()

    def cut(self, cut: Cut) -> None:
        """What is to happen from now on."""
        self._cut, self._passed, self.done = cut, 0, False

    async def _serve(self, listener: socket.socket) -> None:
        stopped = asyncio.Event()
        server = await asyncio.start_server(self._connection, sock=listener, limit=2**20)
        self._stop = partial(asyncio.get_running_loop().call_soon_threadsafe, stopped.set)
        self._ready.set()
        await stopped.wait()
        server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._turn(reader, writer):
                pass
        writer.close()

    async def _turn(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = _length(head)
        cut = self._due(head)
        if cut is not None and cut.side == "request":
            await reader.readexactly(min(cut.at, length))
            return _break(writer, cut)
        body = await reader.readexactly(length)
        # A poll names the tasks it is about, a listing none: only the body tells them from each other.
        cut = cut or self._due(head, body)
        answer_head, answer = await self._asked(head + body)
        if cut is None:
            writer.write(answer_head + answer)
            return True
        if cut.side == "flip":
            place, bit = divmod(cut.at % (len(answer) * 8), 8)
            turned = bytearray(answer)
            turned[place] ^= 1 << bit
            writer.write(answer_head + turned)
            return True
        writer.write((answer_head + answer)[: cut.at])
        await writer.drain()
        return _break(writer, cut)

    async def _asked(self, request: bytes) -> tuple[bytes, bytes]:
        reader, writer = await asyncio.open_connection(self._to.hostname, self._to.port, limit=2**20)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(_length(head))
        writer.close()
        return head, body

    def _due(self, head: bytes, body: bytes | None = None) -> Cut | None:
        """The cut, if this is the request it is meant for."""
        cut = self._cut
        if cut is None or self.done or cut.endpoint != _endpoint(head, body):
            return None
        self._passed += 1
        self.done = self._passed > cut.skip
        return cut if self.done else None


def _endpoint(head: bytes, body: bytes | None) -> Endpoint | None:
    if head.startswith(b"GET "):
        return "download" if body is None else None
    if b"/images " in head.split(b"\r\n", 1)[0]:
        return "submit" if body is None else None
    if body is None:
        return None
    return "poll" if b'"ids"' in body else "list"


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _break(writer: asyncio.StreamWriter, cut: Cut) -> bool:
    if cut.manner == "reset":
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    return False

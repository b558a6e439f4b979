"""Just enough HTTP/1.1 to be right, and to be wrong on purpose: no library lets one do that.

Unaware of what the requests are about.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from tests.vendor.behaviour import Fault

LARGEST_BODY = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """A request, read to its end."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that could be sent."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """*value* as an answer."""
    return Answer(status, json.dumps(value).encode(), headers=headers or {})


def page(status: int) -> Answer:
    """What a proxy in front of the vendor says: HTML, whatever was asked for."""
    return Answer(status, f"<html><h1>{status}</h1><p>cloud edge</p></html>".encode(), "text/html")


async def read_call(reader: asyncio.StreamReader) -> Call | None:
    """The next request on a connection, None at its end. Raises ValueError for what is no HTTP."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = int(headers.get("content-length", "0"))
    if "transfer-encoding" in headers or length > LARGEST_BODY:
        raise ValueError("only bodies with a length, and not too large")
    return Call(method, target.partition("?")[0], headers, await reader.readexactly(length))


async def deliver(
    answer: Answer, fault: Fault | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Send *answer* the way *fault* wants it. Returns whether the connection can be used again."""
    manner = fault.manner if fault else ""
    if fault is None or manner not in ("raw", "reset", "hang", "truncate", "short", "drip"):
        return await _send(writer, _head(answer, len(answer.body)) + answer.body)
    if manner == "raw":
        await _send(writer, answer.body)
        return False
    if manner == "reset":
        return _reset(writer)
    if manner == "hang":
        await reader.read(1)  # returns when the client has lost its patience
        return False
    if manner == "drip":
        return await _drip(writer, answer, fault)
    part = answer.body[: fault.number or len(answer.body) // 2]
    if manner == "short":
        await _send(writer, _head(answer, len(answer.body)) + part)
        return False
    length = len(part) if fault.length == "right" else None
    await _send(writer, _head(answer, length) + part)
    return length is not None


def _head(answer: Answer, length: int | None) -> bytes:
    framing = "Connection: close" if length is None else f"Content-Length: {length}"
    extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    date = formatdate(usegmt=True)
    return (
        f"HTTP/1.1 {answer.status} -\r\nDate: {date}\r\nContent-Type: {answer.content_type}\r\n{extra}{framing}\r\n\r\n"
    ).encode("latin-1")


async def _send(writer: asyncio.StreamWriter, data: bytes) -> bool:
    writer.write(data)
    await writer.drain()
    return True


def _reset(writer: asyncio.StreamWriter) -> bool:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False


async def _drip(writer: asyncio.StreamWriter, answer: Answer, fault: Fault) -> bool:
    await _send(writer, _head(answer, len(answer.body)))
    step = fault.number or 1
    for at in range(0, len(answer.body), step):
        await _send(writer, answer.body[at : at + step])
        await asyncio.sleep(fault.pause)
    return True

"""Telling clients what became of their tasks: a POST to their `callback_url`, on this machine only.

Unaware of tasks and pictures: what is told is handed in.

The vendor POSTs JSON without a signature, and wants a 2xx soon. How often it tries is nowhere said;
here it is three times. Redirects are not followed, the answer's body is not read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from banana_pipe.clock import Clock
from banana_pipe.providers.sandbox.app import Told
from banana_pipe.providers.sandbox.checks import Refused, bad_request

TRY_SECONDS = 10.0
WAITS = (1.0, 4.0)
"""Seconds before the second and the third try."""
AT_ONCE = 16
MAX_OPEN = 10_000


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a POST goes. `addresses` is empty for another machine."""

    addresses: tuple[str, ...]
    port: int
    host: str
    target: str


class Callbacks:
    """A `providers.sandbox.app.Caller`. *tell* hears in a line what could not be delivered."""

    def __init__(self, clock: Clock, tell: Callable[[str], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._open: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(AT_ONCE)

    def check(self, url: str) -> None:
        """Raises Refused for what is no URL, and while too many are waiting to be called."""
        _place(url)
        if len(self._open) >= MAX_OPEN:
            raise Refused(429, "too_many_requests", "Too many callbacks are waiting.", by="gateway")

    def call(self, url: str, told: Told, at: float) -> None:
        """POST *told* to *url*, not before *at* (seconds since 1970). Other machines are left alone."""
        place = _place(url)
        if not place.addresses:
            self._tell(f"{place.host} is not called back: it is not this machine")
            return
        task = asyncio.get_running_loop().create_task(self._deliver(place, json.dumps(told).encode("ascii"), at))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def close(self) -> None:
        """Call nobody any more."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _deliver(self, place: _Place, body: bytes, at: float) -> None:
        # Two clocks: a timer may ring a moment before the other one has reached the time.
        while (left := at - self._clock.now()) > 0:
            await self._clock.sleep(left)
        trouble = ""
        for wait in (0.0, *WAITS):
            await self._clock.sleep(wait)
            async with self._free:
                trouble = await _tried(place, body)
            if not trouble:
                return
        self._tell(f"{place.host} could not be called back, in {len(WAITS) + 1} tries: {trouble}")


def _place(url: str) -> _Place:
    """Raises Refused for what is no http or https URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        raise bad_request("callback_url is invalid.") from None
    # What is written into the request's head must not end a line of it.
    if not host or not url.isascii() or not url.isprintable() or " " in url or "@" in parts.netloc:
        raise bad_request("callback_url is invalid.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    addresses = _loopback(host) if parts.scheme == "http" else ()
    return _Place(addresses, port, parts.netloc, target)


def _loopback(host: str) -> tuple[str, ...]:
    if host == "localhost":
        return ("127.0.0.1", "::1")
    try:
        return (host,) if ip_address(host).is_loopback else ()
    except ValueError:
        return ()


async def _tried(place: _Place, body: bytes) -> str:
    """Empty if it was taken, else what went wrong at the last address."""
    trouble = ""
    for address in place.addresses:
        try:
            async with asyncio.timeout(TRY_SECONDS):
                status = await _post(address, place, body)
            return "" if 200 <= status < 300 else f"HTTP {status}"
        except TimeoutError:
            return f"no answer within {TRY_SECONDS:g} s"
        except (OSError, ValueError) as error:
            trouble = getattr(error, "strerror", None) or "no HTTP answer"
    return trouble


async def _post(address: str, place: _Place, body: bytes) -> int:
    """The status. Raises OSError, and ValueError for what is no answer."""
    reader, writer = await asyncio.open_connection(address, place.port)
    try:
        head = (
            f"POST {place.target} HTTP/1.1\r\nHost: {place.host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\nUser-Agent: banana-pipe\r\n\r\n"
        )
        writer.write(head.encode("ascii") + body)
        # Not drained: one may answer before the end. Raises ValueError for a line without an end.
        version, status, *_ = (await reader.readline()).split()
        if not version.startswith(b"HTTP/1."):
            raise ValueError(version)
        return int(status)
    finally:
        writer.transport.abort()

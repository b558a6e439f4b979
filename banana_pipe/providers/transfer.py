"""Deadlines, packing, Retry-After: what of HTTP can be said without an HTTP library.

Unaware of connections and of what the bytes mean.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from banana_pipe.clock import Clock
from banana_pipe.providers.reading import MAX_KEPT_BODY, Received

MAX_RETRY_AFTER = 120.0
MAX_SWELLING = 32
"""How many times what came a packed body may be, from SWELLING_FREE bytes on: a picture in Base64 packs to three quarters."""
SWELLING_FREE = 1024 * 1024
_PIECE = 256 * 1024
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class TooLate(Exception):
    """The moment after which the request must not be sent has passed."""


class Packed(Exception):
    """The body is packed in a way that we do not know, or its packing is cut off."""


class Swollen(Exception):
    """The body is packed so tightly that it can only be meant to fill our memory."""


@dataclass(slots=True)
class Sending:
    """Whether the request began to leave, and that it did not begin after its time."""

    clock: Clock
    not_after: float
    began: bool = False

    def begin(self) -> None:
        """Sending begins now. Raises TooLate."""
        if self.clock.boot() > self.not_after:
            raise TooLate
        self.began = True

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:  # noqa: ARG002
        """httpcore's callback; it comes between the connection (TLS included) and the request's first byte."""
        if event == "http11.send_request_headers.started":
            self.begin()


@dataclass(slots=True)
class Reading:
    """What was read of an answer so far."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    trouble: str | None = None

    def cut(self, trouble: str) -> None:
        """Read no further, and keep no more than a record wants: the rest would be memory for nothing."""
        self.trouble = trouble
        del self.body[MAX_KEPT_BODY:]

    def received(self, clock: Clock, trouble: str | None) -> Received:
        """The answer, whole or as far as it came."""
        date = _moment(self.headers.get("date", ""))
        return Received(self.status, bytes(self.body), retry_after(self.headers, clock), trouble, date)


async def unpacked(headers: Mapping[str, str], raw: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The body *raw* in bounded pieces, unpacked. We ask for it plain; some gateways pack it all the same.

    Raises Packed, and Swollen where little becomes too much.
    """
    packing = headers.get("content-encoding", "identity").strip().lower()
    async with aclosing(raw):
        if packing in ("", "identity"):
            async for piece in raw:
                yield piece
            return
        if packing not in ("gzip", "x-gzip", "deflate"):
            raise Packed(f"the answer is packed as {packing}")
        unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
        came = made = 0
        async for piece in raw:
            rest = piece
            came += len(piece)
            while rest:
                if unpacker.eof:  # members follow each other (RFC 1952, section 2.2), zeros may fill up
                    rest = rest.lstrip(b"\0")
                    if not rest:
                        break
                    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
                plain = unpacker.decompress(rest, _PIECE)
                made += len(plain)
                if made > max(SWELLING_FREE, MAX_SWELLING * came):
                    raise Swollen(f"it unpacks to more than {MAX_SWELLING} times what came")
                yield plain
                rest = unpacker.unconsumed_tail or unpacker.unused_data
        yield unpacker.flush()
        if not unpacker.eof:
            raise Packed("the packed answer is cut off")


def retry_after(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Seconds that the answer asks us to wait, at most 120; None where it does not say."""
    asked = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,9})?", asked):
        return min(float(asked), MAX_RETRY_AFTER)
    moment = _moment(asked)
    if moment is None:
        return None
    # By the server's own clock where it tells it.
    now = _moment(headers.get("date", "")) or clock.now()
    return min(max(moment - now, 0.0), MAX_RETRY_AFTER)


def _moment(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

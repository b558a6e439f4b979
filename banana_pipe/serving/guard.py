"""Who is let in: programs of this machine that mean to call us, and no web page of somebody else's.

Unaware of what is behind it.

A page in a browser can send requests to this machine, and with a host name that it has pointed here
(DNS rebinding) read the answers, too. So the Host must be ours, an Origin must be ours as well, and a
POST must say that it is JSON, which no page may send elsewhere without being asked about first. There
are no CORS headers: that question is never answered with yes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_RECEIVED_BYTES = 512 * 1024 * 1024
"""Of all bodies together that are being read."""

_OWN_SITE = ([b"same-origin"], [b"none"])


@dataclass(frozen=True, slots=True)
class Manners:
    """How one server turns people away, and what it says with every answer.

    `refuse` makes the answer of a status, a code and words; `crowded` is raised, where a body is read, while all
    bodies together are too large. A body has at most `max_body` bytes. With `only_pages` a POST comes from a page
    of ours: it says its origin, or at least that it is from the same one.
    """

    refuse: Callable[[int, str, str], ASGIApp]
    crowded: Callable[[], Exception]
    max_body: int
    headers: tuple[tuple[bytes, bytes], ...]
    only_pages: bool = False


class Guard:
    """*app*, reached by *port* alone. *on_bug* hears of errors that nobody foresaw."""

    def __init__(self, app: ASGIApp, port: int, manners: Manners, on_bug: Callable[[Exception], None]) -> None:
        names = ("127.0.0.1", "localhost", "[::1]")
        hosts = {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())
        self._app = app
        self._manners = manners
        self._on_bug = on_bug
        self._hosts = {host.encode("ascii") for host in hosts}
        self._origins = {f"http://{host}".encode("ascii") for host in hosts}
        self._received = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The app's answer, or why there is none."""
        exchange = _Exchange(self, receive, send)
        refusal = self._refusal(scope)
        try:
            await (refusal or self._app)(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            pass  # nobody is there to be told
        except Exception as bug:  # noqa: BLE001 - the client has its 500; whoever serves is told what it was
            self._on_bug(bug)
        finally:
            self._received -= exchange.received

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """What every answer says besides."""
        return self._manners.headers

    def take(self, size: int) -> None:
        """Count *size* bytes of a body. Raises what `crowded` makes where all bodies together are too large."""
        self._received += size
        if self._received > MAX_RECEIVED_BYTES:
            raise self._manners.crowded()

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        refuse, post = self._manners.refuse, scope["method"] == "POST"
        origins = _values(scope, b"origin")
        if _values(scope, b"host") not in [[host] for host in self._hosts]:
            return refuse(421, "misdirected_request", "The Host is not that of this server.")
        if any(origin not in self._origins for origin in origins):
            return refuse(403, "foreign_origin", "Web pages of other origins may not call this server.")
        if self._manners.only_pages and post and not origins and _values(scope, b"sec-fetch-site") not in _OWN_SITE:
            return refuse(403, "no_origin", "A POST has to say which page it comes from.")
        if post and not _is_json(_values(scope, b"content-type")):
            return refuse(415, "unsupported_media_type", "The Content-Type must be application/json.")
        if any(int(length) > self._manners.max_body for length in _values(scope, b"content-length")):
            return refuse(413, "request_too_large", "The request is too large.")
        return None


class _Exchange:
    """One request and its answer, watched."""

    def __init__(self, guard: Guard, receive: Receive, send: Send) -> None:
        self.received = 0
        self._guard = guard
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        """The next piece, counted."""
        message = await self._receive()
        size = len(message.get("body", b""))
        self.received += size
        self._guard.take(size)
        return message

    async def send(self, message: Message) -> None:
        """The answer, with our headers."""
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *self._guard.headers]}
        await self._send(message)


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value.lower() for name, value in scope["headers"] if name == wanted]


def _is_json(types: list[bytes]) -> bool:
    return len(types) == 1 and types[0].partition(b";")[0].strip() == b"application/json"

"""Who is let in: programs of this machine that mean to call the API, and no web page.

Unaware of the API behind it.

A page in a browser can send requests to this machine, and with a host name that it has pointed here
(DNS rebinding) read the answers, too. So the Host must be ours, an Origin must be ours as well, and a
POST must say that it is JSON, which no page may send elsewhere without being asked about first. There
are no CORS headers: that question is never answered with yes.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from banana_pipe.providers.sandbox.app import MAX_BODY_BYTES, gateway_error
from banana_pipe.providers.sandbox.checks import Refused

MAX_RECEIVED_BYTES = 2 * MAX_BODY_BYTES
"""Of all bodies together that are being read."""

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
]


class Guard:
    """*app*, reached by *port* alone. *on_bug* hears of errors that nobody foresaw."""

    def __init__(self, app: ASGIApp, port: int, on_bug: Callable[[Exception], None]) -> None:
        names = ("127.0.0.1", "localhost", "[::1]")
        hosts = {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())
        self._app = app
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

    def take(self, size: int) -> None:
        """Count *size* bytes of a body. Raises Refused where all bodies together are too large."""
        self._received += size
        if self._received > MAX_RECEIVED_BYTES:
            raise Refused(429, "too_many_requests", "Too many large requests at once.", by="gateway")

    def _refusal(self, scope: Scope) -> Response | None:
        if _values(scope, b"host") not in [[host] for host in self._hosts]:
            return gateway_error(421, "misdirected_request", "The Host is not that of this server.")
        if any(origin not in self._origins for origin in _values(scope, b"origin")):
            return gateway_error(403, "foreign_origin", "Web pages of other origins may not call this server.")
        if scope["method"] == "POST" and not _is_json(_values(scope, b"content-type")):
            return gateway_error(415, "unsupported_media_type", "The Content-Type must be application/json.")
        if any(int(length) > MAX_BODY_BYTES for length in _values(scope, b"content-length")):
            return gateway_error(413, "request_too_large", "The request is too large.")
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
            message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
        await self._send(message)


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value.lower() for name, value in scope["headers"] if name == wanted]


def _is_json(types: list[bytes]) -> bool:
    return len(types) == 1 and types[0].partition(b";")[0].strip() == b"application/json"

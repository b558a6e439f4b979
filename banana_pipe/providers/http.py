"""HTTP: the one file that names httpx, and that knows its traps.

Unaware of what the messages mean, of tasks, prices and the ledger.

Transports are used without httpx's client: nothing here follows redirects, keeps cookies, reads the
environment, unpacks without bound or logs addresses. Nothing of httpx's leaves this file either, not
even as the context of an exception: its requests carry the token.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import cached_property
from ipaddress import ip_address
from typing import Any, cast

from banana_pipe.clock import Clock
from banana_pipe.providers.addresses import is_public, is_public_host
from banana_pipe.providers.base import ProviderError
from banana_pipe.providers.reading import Received
from banana_pipe.providers.secret import Token, shown
from banana_pipe.providers.transfer import Reading, Sending, Swollen, TooLate, retry_after, unpacked

# httpx's command line, which nobody asks for here, would bring a terminal library along: a tenth of a second.
sys.modules["httpx._main"] = None  # type: ignore[assignment]
import httpx  # noqa: E402

del sys.modules["httpx._main"]

for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

MIB = 1024 * 1024
MAX_ANSWER_BYTES = 96 * MIB
"""Of one answer: a picture of MAX_DOWNLOAD_BYTES in Base64, and the JSON around it."""
MAX_DOWNLOAD_BYTES = 64 * MIB
MAX_REDIRECTS = 3

CONNECT_SECONDS = 10.0
FREE_CALL_SECONDS = 60.0
SILENT_SECONDS = 60.0
DOWNLOAD_SECONDS = 600.0

_DEAD = (403, 404, 410)
_REDIRECTS = (301, 302, 303, 307, 308)

App = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[MutableMapping[str, Any]]], Callable[..., Awaitable[None]]],
    Awaitable[None],
]
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Http:
    """Talks to one base URL, and fetches pictures from wherever they are.

    With an empty *base_url* only the latter. With *app* (an ASGI application) nothing leaves the process. *resolve* gives the addresses of a host.
    """

    def __init__(
        self,
        base_url: str,
        token: Token | None,
        clock: Clock,
        *,
        app: App | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._base = httpx.URL(base_url.rstrip("/") + "/")
        self._token = token
        self._clock = clock
        self._app = app
        self._resolve = resolve or _addresses
        self._urls: dict[str, httpx.URL] = {}

    async def post_paid(
        self, path: str, body: bytes, headers: Mapping[str, str], *, not_after: float, timeout: float
    ) -> Received:
        """POST once, on a connection of its own, within *timeout* seconds in all.

        Raises ProviderError: not_sent where it is proven that no byte of the request left, unknown
        otherwise. Once a status was read that is returned, with whatever was read of it.
        """
        sending = Sending(self._clock, not_after)
        reading = Reading()
        trouble: str | None
        hint = _NETWORK_HINT
        transport = self._fresh(self._base)
        try:
            async with asyncio.timeout(timeout), transport:
                if self._app is not None:
                    sending.begin()
                await self._exchange(transport, self._post(path, body, headers, None, sending.trace), reading)
        except TooLate:
            trouble, hint = "not sent: the moment for it had passed", "run again; was the computer asleep?"
        except TimeoutError:
            trouble = f"no answer from {self._base.host} within {timeout:g} s"
        # Whatever it was, what counts is whether the request had begun to leave.
        except Exception as error:  # noqa: BLE001
            trouble = self._words(error)
        else:
            trouble = reading.trouble
        if reading.status:
            return reading.received(self._clock, trouble)
        # Raised out here, so that httpx's exception is not even its context.
        raise ProviderError("unknown" if sending.began else "not_sent", trouble or "no answer", hint=hint)

    async def post_free(self, path: str, body: bytes) -> Received:
        """POST what costs nothing and may be repeated. Raises ProviderError of kind unavailable.

        `trouble` is set only where the answer was longer than MAX_ANSWER_BYTES, or packed to be.
        """
        reading = Reading()
        try:
            async with asyncio.timeout(FREE_CALL_SECONDS):
                await self._exchange(self._kept, self._post(path, body, {}, SILENT_SECONDS), reading)
        except TimeoutError:
            trouble = f"no answer from {self._base.host} within {FREE_CALL_SECONDS:g} s"
        except Exception as error:  # noqa: BLE001
            trouble = self._words(error)
        else:
            return reading.received(self._clock, reading.trouble)
        raise ProviderError("unavailable", trouble, hint=_NETWORK_HINT)

    async def download(self, url: str, write: Callable[[bytes], None]) -> None:
        """GET *url*, without any token, and pass its bytes on as they come; what *write* raises passes.

        Public https only, except for the base URL's own scheme, host and port. Raises ProviderError:
        refused_address, dead_link, or unavailable (some bytes may have been passed on by then).
        """
        size = 0
        limit = asyncio.timeout(DOWNLOAD_SECONDS)
        try:
            async with limit, aclosing(self._pieces(url)) as pieces:
                async for piece in pieces:
                    size += len(piece)
                    if size > MAX_DOWNLOAD_BYTES:
                        raise ProviderError("refused_address", f"the link leads to more than {_SIZE_WORDS}: no picture")
                    write(piece)
        except TimeoutError:
            # Else it is from `write`: a disk has time-outs too.
            if not limit.expired():
                raise
        if limit.expired():
            raise ProviderError("unavailable", f"the picture did not come within {DOWNLOAD_SECONDS:g} s")

    async def close(self) -> None:
        """Give back connections."""
        if "_kept" in vars(self):
            await self._kept.aclose()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Tens of milliseconds: made once, shared by all connections.
        return httpx.create_ssl_context(trust_env=False)

    @cached_property
    def _no_tls(self) -> ssl.SSLContext:
        # For plain http nobody's certificates are read. A third of a millisecond: too much for each call.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def _trust(self, url: httpx.URL) -> ssl.SSLContext:
        return self._tls if url.scheme == "https" else self._no_tls

    @cached_property
    def _kept(self) -> httpx.AsyncBaseTransport:
        if self._app is not None:
            return httpx.ASGITransport(self._app)
        return httpx.AsyncHTTPTransport(verify=self._trust(self._base), trust_env=False, limits=_LIMITS)

    def _fresh(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        """A transport for one request: no connection is older than it, and none outlives it."""
        if self._app is not None:
            return httpx.ASGITransport(self._app)
        return httpx.AsyncHTTPTransport(verify=self._trust(url), trust_env=False)

    def _url(self, path: str) -> httpx.URL:
        # Kept: to join two addresses takes as long as to make the rest of a request.
        if path not in self._urls:
            self._urls[path] = self._base.join(path.lstrip("/"))
        return self._urls[path]

    def _post(
        self, path: str, body: bytes, headers: Mapping[str, str], read: float | None, trace: object = None
    ) -> httpx.Request:
        return httpx.Request(
            "POST",
            self._url(path),
            headers={
                **_COMMON_HEADERS,
                "accept": "application/json",
                "content-type": "application/json",
                **({"authorization": self._token.header()} if self._token else {}),
                **headers,
            },
            content=body,
            extensions={"timeout": _timeouts(read), **({"trace": trace} if trace else {})},
        )

    async def _exchange(self, transport: httpx.AsyncBaseTransport, request: httpx.Request, reading: Reading) -> None:
        async with _answered(transport, request) as response, aclosing(_unpacked(response)) as pieces:
            reading.status, reading.headers = response.status_code, response.headers
            try:
                async for piece in pieces:
                    reading.body += piece
                    if len(reading.body) > MAX_ANSWER_BYTES:
                        reading.cut(f"the answer is longer than {MAX_ANSWER_BYTES // MIB} MiB")
                        return
            except Swollen as error:
                reading.cut(f"the answer is no answer: {error}")

    async def _pieces(self, url: str) -> AsyncGenerator[bytes, None]:
        try:
            target = httpx.URL(url)
            for _ in range(MAX_REDIRECTS + 1):
                async with self._opened(target) as response:
                    if response.status_code not in _REDIRECTS:
                        _check_status(response, self._clock)
                        async with aclosing(_unpacked(response)) as pieces:
                            async for piece in pieces:
                                yield piece
                        return
                    target = target.join(response.headers.get("location", ""))
            failure = ProviderError("refused_address", f"the link redirects more than {MAX_REDIRECTS} times")
        except ProviderError:
            raise
        except Swollen as error:
            failure = ProviderError("refused_address", f"the link leads to no picture: {error}")
        except (httpx.InvalidURL, UnicodeError):
            failure = ProviderError("refused_address", "the link to the picture is not an address")
        except Exception as error:  # noqa: BLE001
            failure = ProviderError("unavailable", self._words(error))
        raise failure

    @asynccontextmanager
    async def _opened(self, url: httpx.URL) -> AsyncIterator[httpx.Response]:
        # A name and a password in the link would be sent as an Authorization header.
        if url.userinfo:
            raise _refused("has a user name in it", url)
        if self._base.host and _place(url) == _place(self._base):
            async with _answered(self._kept, _get(url, url)) as response:
                yield response
            return
        if self._app is not None:
            raise _refused("leads out of this process", url)
        requests = await self._pinned(url)
        async with self._fresh(url) as transport, _first_answer(transport, requests) as response:
            yield response

    async def _pinned(self, url: httpx.URL) -> list[httpx.Request]:
        """Requests for *url* at each of its addresses, all checked: what was checked is connected to."""
        if url.scheme != "https":
            raise _refused("is not https", url)
        if not is_public_host(url.host):
            raise _refused("is not on a public host", url)
        port = 443 if url.port is None else url.port
        if not 0 < port < 2**16:
            raise _refused("has no port that exists", url)
        addresses = await self._resolve(url.host, port)
        if not addresses or not all(is_public(ip_address(address.partition("%")[0])) for address in addresses):
            raise _refused("leads to an address that is not public", url)
        return [_get(url, url.copy_with(host=address)) for address in addresses]

    def _words(self, error: Exception) -> str:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return shown(f"the connection failed ({said})", self._token)


# httpx slows sharply above 64 connections, and asks every idle one at each request whether it is still alive.
_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=4)
_COMMON_HEADERS = {"user-agent": "banana-pipe", "accept-encoding": "identity"}
_NETWORK_HINT = "check the network, and the base URL if you set one"
_SIZE_WORDS = f"{MAX_DOWNLOAD_BYTES // MIB} MiB"


def _timeouts(read: float | None) -> dict[str, float | None]:
    return {"connect": CONNECT_SECONDS, "read": read, "write": read, "pool": None}


def _get(url: httpx.URL, at: httpx.URL) -> httpx.Request:
    return httpx.Request(
        "GET",
        at,
        headers={**_COMMON_HEADERS, "accept": "image/*", "host": url.netloc.decode("ascii")},
        extensions={"timeout": _timeouts(SILENT_SECONDS), "sni_hostname": url.raw_host.decode("ascii")},
    )


@asynccontextmanager
async def _answered(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> AsyncIterator[httpx.Response]:
    response = await transport.handle_async_request(request)
    try:
        yield response
    finally:
        await response.aclose()


@asynccontextmanager
async def _first_answer(
    transport: httpx.AsyncBaseTransport, requests: Sequence[httpx.Request]
) -> AsyncIterator[httpx.Response]:
    *others, last = requests
    for request in others:
        try:
            response = await transport.handle_async_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue
        break
    else:
        response = await transport.handle_async_request(last)
    try:
        yield response
    finally:
        await response.aclose()


def _check_status(response: httpx.Response, clock: Clock) -> None:
    status = response.status_code
    if status == 200:
        return
    if status in _DEAD:
        raise ProviderError("dead_link", f"the picture is not at its link any more (HTTP {status})", status=status)
    wait = retry_after(response.headers, clock)
    raise ProviderError("unavailable", f"the picture cannot be had (HTTP {status})", status=status, retry_after=wait)


def _refused(why: str, url: httpx.URL) -> ProviderError:
    # Without path and query: links may be signed.
    return ProviderError("refused_address", f"the link to the picture {why}: {shown(url.host, None)}")


def _place(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _unpacked(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    return unpacked(response.headers, cast("AsyncGenerator[bytes, None]", response.aiter_raw()))


async def _addresses(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))

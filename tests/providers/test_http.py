"""What HTTP can do to a paid call and to a download, on a real server that misbehaves byte by byte."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import random
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from banana_pipe.clock import SystemClock
from banana_pipe.providers import http
from banana_pipe.providers.base import ProviderError
from banana_pipe.providers.http import Http
from banana_pipe.providers.reading import MAX_KEPT_BODY, Received
from banana_pipe.providers.secret import Token
from tests.canary import CANARY
from tests.providers.loopback import Loopback, Reply, Seen, breaks_after, drips, message, says, serving

CLOCK = SystemClock()
GOOD = {"success": True, "task_id": "t-1", "trace_id": "r-1"}
PICTURE = bytes(range(256)) * 400


def _in_chunks(packed: bytes, length: int) -> bytes:
    """An answer packed with gzip, sent in chunks of *length*."""
    pieces = [packed[start : start + length] for start in range(0, len(packed), length)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])
    return b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n" + chunks


async def _no_addresses(host: str, port: int) -> Sequence[str]:
    raise AssertionError(f"{host} must not even be looked up")


def _client(url: str, resolve: http.Resolve = _no_addresses) -> Http:
    return Http(url, Token(CANARY), CLOCK, resolve=resolve)


async def _post(client: Http, timeout: float = 30.0, late_by: float = -10.0) -> Received:
    return await client.post_paid("images", b'{"prompt": "x"}', {}, not_after=CLOCK.boot() - late_by, timeout=timeout)


def post(reply: Reply, timeout: float = 30.0) -> tuple[Received | ProviderError, Loopback]:
    """One paid POST to a server that answers so."""

    async def run() -> tuple[Received | ProviderError, Loopback]:
        async with serving(reply) as server:
            client = _client(server.url)
            try:
                return await _post(client, timeout), server
            except ProviderError as error:
                return error, server
            finally:
                await client.close()

    return asyncio.run(run())


def fetch(reply: Reply, path: str = "/cdn/a.png", **given: Any) -> tuple[bytes | ProviderError, Loopback]:
    """One download from the base URL's own host."""
    return asyncio.run(_fetch(reply, lambda server: server.url + path, **given))


async def _fetch(
    reply: Reply, link: Callable[[Loopback], str], resolve: http.Resolve = _no_addresses
) -> tuple[bytes | ProviderError, Loopback]:
    async with serving(reply) as server:
        client = _client(server.url, resolve)
        got = bytearray()
        try:
            await client.download(link(server), got.extend)
            return bytes(got), server
        except ProviderError as error:
            return error, server
        finally:
            await client.close()


def run(steps: Coroutine[Any, Any, None]) -> None:
    """A test's coroutine, on a loop of its own."""
    asyncio.run(steps)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A certificate for cdn.example.com, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subject = ["-subj", "/CN=cdn.example.com", "-addext", "subjectAltName=DNS:cdn.example.com"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command = ["openssl", "req", "-x509", *curve, *subject, "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    yield certificate, key
    key.unlink()


class TestAPaidPost:
    """What is proven not sent, and what nobody can say."""

    def test_it_arrives_with_the_token_and_asks_for_a_plain_answer(self) -> None:
        """The ordinary case."""
        received, server = post(says(200, GOOD))
        assert isinstance(received, Received)
        assert (received.status, json.loads(received.body), received.trouble) == (200, GOOD, None)
        (seen,) = server.seen
        assert (seen.method, seen.path, seen.json()) == ("POST", "/images", {"prompt": "x"})
        assert seen.headers["authorization"] == f"Bearer {CANARY}"
        assert seen.headers["accept-encoding"] == "identity"
        assert seen.headers["content-type"] == "application/json"
        assert "x-banana-pipe-sample" not in seen.headers

    def test_every_one_has_a_connection_of_its_own(self) -> None:
        """A connection kept too long is closed under the request: a doubt that costs money."""

        async def steps() -> None:
            async with serving(says(200, GOOD)) as server:
                client = _client(server.url)
                await _post(client)
                await asyncio.gather(*(_post(client) for _ in range(80)))
                await client.close()
                assert server.connections == len(server.seen) == 81

        run(steps())

    def test_a_path_in_the_base_url_is_kept(self) -> None:
        """A company's gateway stands below a path."""

        async def steps() -> None:
            async with serving(says(200, GOOD)) as server:
                await _post(_client(f"{server.url}/gateway/v1"))
                assert server.seen[0].path == "/gateway/v1/images"

        run(steps())

    def test_a_refused_connection_is_proven_not_sent(self) -> None:
        """Nobody listened."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            with pytest.raises(ProviderError) as caught:
                asyncio.run(_post(_client(f"http://127.0.0.1:{port}")))
        assert caught.value.kind == "not_sent"

    def test_a_name_without_an_address_is_proven_not_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """DNS says no."""

        def unknown(*_: object, **__: object) -> object:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(ProviderError) as caught:
            asyncio.run(_post(_client("https://nowhere.example")))
        assert caught.value.kind == "not_sent"

    def test_a_failed_handshake_is_proven_not_sent(self) -> None:
        """TLS comes before the request, and this server has never heard of it."""

        async def steps() -> None:
            async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(message(400, b"what?"))
                writer.close()
                await writer.wait_closed()

            listener = await asyncio.start_server(talk, "127.0.0.1", 0)
            async with listener:
                with pytest.raises(ProviderError) as caught:
                    await _post(_client(f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"))
                assert caught.value.kind == "not_sent"

        run(steps())

    def test_a_certificate_that_nobody_vouches_for_is_proven_not_sent(self, certificate: tuple[Path, Path]) -> None:
        """Somebody in between gets neither the request nor the token."""
        theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        theirs.load_cert_chain(*certificate)

        async def steps() -> None:
            async with serving(says(200, GOOD), tls=theirs) as server:
                with pytest.raises(ProviderError) as caught:
                    await _post(_client(server.url))
                assert caught.value.kind == "not_sent"
                assert "CERTIFICATE_VERIFY_FAILED" in caught.value.message
                assert not server.seen

        run(steps())

    def test_a_handshake_that_hangs_is_proven_not_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Connected is not sent."""
        monkeypatch.setattr(http, "CONNECT_SECONDS", 0.3)

        async def steps() -> None:
            async with serving(says(200, GOOD)) as server:
                with pytest.raises(ProviderError) as caught:
                    await _post(_client(f"https://127.0.0.1:{server.port}"))
                assert caught.value.kind == "not_sent"

        run(steps())

    def test_the_deadline_before_a_connection_is_proven_not_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The deadline is for the whole call; what counts is how far it had come."""
        answered = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait())

        async def steps() -> None:
            with pytest.raises(ProviderError) as caught:
                await _post(_client("https://slow.example"), timeout=0.2)
            answered.set()
            assert caught.value.kind == "not_sent"
            assert "0.2 s" in caught.value.message

        run(steps())

    def test_a_moment_too_late_sends_no_byte(self) -> None:
        """The connection stands, the handshake is done; a laptop that slept in between must not post now."""

        async def steps() -> None:
            received: list[bytes] = []
            closed = asyncio.Event()

            async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                received.append(await reader.read())
                writer.close()
                await writer.wait_closed()
                closed.set()

            listener = await asyncio.start_server(note, "127.0.0.1", 0)
            port = listener.sockets[0].getsockname()[1]
            async with listener:
                with pytest.raises(ProviderError) as caught:
                    await _post(_client(f"http://127.0.0.1:{port}"), late_by=0.001)
                await closed.wait()
            assert caught.value.kind == "not_sent"
            assert received == [b""]

        run(steps())

    @pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\ncontent-le"])
    def test_a_connection_that_breaks_before_a_status_is_unknown(self, sent: bytes) -> None:
        """The server may have the whole request."""
        error, server = post(breaks_after(sent))
        assert isinstance(error, ProviderError)
        assert error.kind == "unknown"
        assert len(server.seen) == 1

    def test_silence_until_the_deadline_is_unknown(self) -> None:
        """It was received and may be paid."""
        error, server = post(drips(b""), timeout=1.5)
        assert isinstance(error, ProviderError)
        assert error.kind == "unknown"
        assert "1.5 s" in error.message
        assert server.seen

    def test_a_slow_drip_does_not_outlive_the_deadline(self) -> None:
        """httpx's own time-outs begin anew with every byte."""

        async def drop_by_drop(seen: Seen, writer: asyncio.StreamWriter) -> None:
            writer.write(message(200, b"", length=10_000))
            while not writer.is_closing():
                writer.write(b" ")
                await asyncio.sleep(0.01)

        received, _ = post(drop_by_drop, timeout=1.5)
        assert isinstance(received, Received)
        assert received.trouble
        assert "1.5 s" in received.trouble

    @pytest.mark.parametrize("keep_open", [True, False])
    def test_a_body_that_breaks_off_is_handed_on_as_far_as_it_came(self, keep_open: bool) -> None:
        """The task's id may stand in it."""
        begun = message(200, json.dumps(GOOD).encode()[:-20], length=1000)
        received, _ = post(drips(begun) if keep_open else breaks_after(begun), timeout=1.5)
        assert isinstance(received, Received)
        assert received.trouble
        assert b"t-1" in received.body

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, status: int) -> None:
        """The token does not travel."""

        async def steps() -> None:
            async with (
                serving(says(200, GOOD)) as other,
                serving(says(status, b"", location=f"{other.url}/x")) as server,
            ):
                received = await _post(_client(server.url))
                assert received.status == status
                assert not other.seen

        run(steps())

    def test_an_answer_that_is_packed_all_the_same_is_unpacked(self) -> None:
        """A gateway that packs everything must not turn each purchase into a doubt."""
        for packing, packed in (("gzip", gzip.compress(json.dumps(GOOD).encode())),):
            received, _ = post(says(200, packed, content_encoding=packing))
            assert isinstance(received, Received)
            assert json.loads(received.body) == GOOD

    @pytest.mark.parametrize("cut_at", [1, 7, 30, 10_000])
    @pytest.mark.parametrize("filling", [b"", bytes(512)])
    def test_an_answer_in_several_members_is_whole(self, filling: bytes, cut_at: int) -> None:
        """A gateway may pack piece by piece: what comes after the first piece is no less paid."""
        whole = json.dumps(GOOD).encode()
        members = [gzip.compress(whole[start : start + 9]) for start in range(0, len(whole), 9)]
        packed = filling.join([*members, b""])
        received, _ = post(breaks_after(_in_chunks(packed, cut_at)))
        assert isinstance(received, Received)
        assert (received.body, received.trouble) == (whole, None)

    @pytest.mark.parametrize("more", [gzip.compress(b"}")[:-4], b"and more", b"\x1f"], ids=["cut", "words", "begun"])
    def test_an_answer_followed_by_something_else_is_not_believed(self, more: bytes) -> None:
        """Whether it was all of it nobody can say."""
        received, _ = post(says(200, gzip.compress(b"{}") + more, content_encoding="gzip"))
        assert isinstance(received, Received)
        assert received.trouble

    def test_an_answer_in_an_unknown_packing_keeps_its_status(self) -> None:
        """Its body is not believed."""
        received, _ = post(says(200, b"xx", content_encoding="br"))
        assert isinstance(received, Received)
        assert (received.status, received.body) == (200, b"")
        assert received.trouble
        assert "br" in received.trouble

    def test_an_answer_that_unpacks_to_far_more_than_came_is_cut(self) -> None:
        """Less than the longest answer, and still 250 MB of memory for 90 KB of traffic; its first words are kept."""
        begun = b'{"task_id": "t-1", "more": "'
        received, _ = post(says(200, gzip.compress(begun + b"a" * 90_000_000 + b'"}'), content_encoding="gzip"))
        assert isinstance(received, Received)
        assert received.trouble
        assert "32 times" in received.trouble
        assert received.body.startswith(begun)
        assert len(received.body) == MAX_KEPT_BODY

    def test_an_answer_that_is_only_packed_well_is_whole(self) -> None:
        """A long listing of much the same: thirty to one is no attack, and a megabyte may be anything."""
        lot = random.Random(1)
        for whole in (b"".join(lot.randbytes(100) * 20 for _ in range(1_000)), b" " * 1_000_000):
            received, _ = post(says(200, gzip.compress(whole), content_encoding="gzip"))
            assert isinstance(received, Received)
            assert (received.body == whole, received.trouble) == (True, None)

    def test_an_answer_without_end_is_cut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Memory is bounded, packed or not."""
        monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 2**20)
        bomb = gzip.compress(b" " * 2**26)
        for reply in (says(200, b" " * 2**22), says(200, bomb, content_encoding="gzip")):
            received, _ = post(reply)
            assert isinstance(received, Received)
            assert len(received.body) < 2**21
            assert received.trouble

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("3", 3.0),
            ("0", 0.0),
            ("2.5", 2.5),
            ("86400", 120.0),
            ("-3", None),
            ("soon", None),
            ("", None),
            ("9" * 400, None),
        ],
    )
    def test_retry_after_in_seconds(self, header: str, seconds: float | None) -> None:
        """At most two minutes are believed."""
        received, _ = post(says(429, b"{}", retry_after=header))
        assert isinstance(received, Received)
        assert received.retry_after == seconds

    def test_retry_after_as_a_date_is_read_by_the_servers_clock(self) -> None:
        """Ours may be wrong by hours."""
        there = "Wed, 21 Oct 2015 07:28:00 GMT"
        later = format_datetime(parsedate_to_datetime("Wed, 21 Oct 2015 07:28:17 +0000"), usegmt=True)
        received, _ = post(says(429, b"{}", retry_after=later, date=there))
        assert isinstance(received, Received)
        assert received.retry_after == 17.0
        received, _ = post(says(429, b"{}", retry_after=there, date=later))
        assert isinstance(received, Received)
        assert received.retry_after == 0.0

    def test_an_answer_that_comes_before_the_body_was_sent_counts(self) -> None:
        """413 comes early, the rest of a large body then has nobody to read it."""

        async def steps() -> None:
            async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(message(413, b'{"error": {"code": "request_too_large"}}', connection="close"))
                writer.close()
                await writer.wait_closed()

            listener = await asyncio.start_server(early, "127.0.0.1", 0)
            async with listener:
                client = _client(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
                large = b"x" * 2**25
                try:
                    received = await client.post_paid("images", large, {}, not_after=CLOCK.boot() + 9, timeout=20)
                    outcome: object = received.status
                except ProviderError as error:
                    outcome = error.kind
                # The kernel may drop the answer with the reset: then nobody can say.
                assert outcome in (413, "unknown")

        run(steps())


class TestTheProxiesOfTheEnvironment:
    """They are another's machine."""

    def test_they_are_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The token would pass through them."""
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        received, _ = post(says(200, GOOD))
        assert isinstance(received, Received)


PASSING: dict[str, Reply] = {
    **{str(status): says(status, b"<html>") for status in (429, 500, 502)},
    "503 with a wait": says(503, b"", retry_after="3"),
    "204": says(204, b"", content_length=""),
    "304": says(304, b"", content_length=""),
    "reset": breaks_after(b""),
    "shorter than its length": breaks_after(message(200, PICTURE[:500], length=1000)),
    "chunks that break off": breaks_after(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n"),
    "an unknown packing": says(200, b"xx", content_encoding="br"),
    "no gzip": says(200, b"no gzip", content_encoding="gzip"),
    "gzip that is cut off": says(200, gzip.compress(PICTURE)[:-20], content_encoding="gzip"),
    "gzip and more": says(200, gzip.compress(PICTURE) + b"more", content_encoding="gzip"),
}


class TestADownload:
    """Pictures: free to repeat, and from strangers' addresses."""

    def test_it_arrives_piece_by_piece_without_a_token(self) -> None:
        """A picture's link is not the API."""
        got, server = fetch(says(200, PICTURE))
        assert got == PICTURE
        (seen,) = server.seen
        assert "authorization" not in seen.headers
        assert CANARY not in repr(seen)

    @pytest.mark.parametrize("status", [403, 404, 410])
    def test_a_dead_link(self, status: int) -> None:
        """The task is asked again then."""
        error, _ = fetch(says(status, b"gone"))
        assert isinstance(error, ProviderError)
        assert error.kind == "dead_link"

    @pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING)
    def test_what_may_pass_is_unavailable(self, reply: Reply) -> None:
        """Server errors, resets, bodies that end too early."""
        error, _ = fetch(reply)
        assert isinstance(error, ProviderError)
        assert error.kind == "unavailable"

    def test_silence_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """60 seconds without a byte."""
        monkeypatch.setattr(http, "SILENT_SECONDS", 0.2)
        error, _ = fetch(drips(message(200, b"begun", length=1000)))
        assert isinstance(error, ProviderError)
        assert error.kind == "unavailable"

    def test_a_drip_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """10 minutes in all."""

        async def drop_by_drop(seen: Seen, writer: asyncio.StreamWriter) -> None:
            writer.write(message(200, b"", length=10_000))
            while not writer.is_closing():
                writer.write(b"x")
                await asyncio.sleep(0.01)

        monkeypatch.setattr(http, "DOWNLOAD_SECONDS", 0.3)
        error, _ = fetch(drop_by_drop)
        assert isinstance(error, ProviderError)
        assert error.kind == "unavailable"

    def test_a_bomb_is_defused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A megabyte that unpacks to a gigabyte, and a picture without end."""
        monkeypatch.setattr(http, "MAX_DOWNLOAD_BYTES", 2**20)
        largest = 0

        async def steps(reply: Reply) -> ProviderError:
            async with serving(reply) as server:
                client = _client(server.url)

                def write(piece: bytes) -> None:
                    nonlocal largest
                    largest = max(largest, len(piece))

                with pytest.raises(ProviderError) as caught:
                    await client.download(f"{server.url}/a.png", write)
                await client.close()
                return caught.value

        bomb = gzip.compress(bytes(2**26))
        for reply in (says(200, bomb, content_encoding="gzip"), says(200, bytes(2**22))):
            assert asyncio.run(steps(reply)).kind == "refused_address"
        assert largest <= 2**19

    def test_what_the_writer_raises_passes_unchanged(self) -> None:
        """A full disk is no network error, and a disk's time-out is not the download's."""

        async def steps(trouble: Exception) -> None:
            def write(piece: bytes) -> None:
                raise trouble

            async with serving(says(200, PICTURE)) as server:
                with pytest.raises(type(trouble)) as caught:
                    await _client(server.url).download(f"{server.url}/a.png", write)
                assert caught.value is trouble

        for trouble in (OSError(28, "No space left"), TimeoutError("the disk"), httpx.ReadError("not ours")):
            run(steps(trouble))

    def test_a_redirect_within_the_base_url_is_followed_three_times(self) -> None:
        """Relative addresses too."""

        async def reply(seen: Seen, writer: asyncio.StreamWriter) -> None:
            left = int(seen.path.removeprefix("/"))
            writer.write(message(302, b"", location=f"/{left - 1}") if left else message(200, PICTURE))

        assert fetch(reply, "/3")[0] == PICTURE
        error, server = fetch(reply, "/4")
        assert isinstance(error, ProviderError)
        assert error.kind == "refused_address"
        assert len(server.seen) == 4

    def test_an_empty_redirect_is_an_end(self) -> None:
        """It leads back to itself."""
        error, _ = fetch(says(302, b""))
        assert isinstance(error, ProviderError)
        assert error.kind == "refused_address"


REFUSED = [
    *(
        "http://cdn.example.com/a.png",
        "ftp://cdn.example.com/a.png",
        "file:///etc/passwd",
        "data:,x",
        "//x/a",
        "a.png",
        "",
    ),
    *("https://127.0.0.1/a", "https://127.1/a", "https://0x7f000001/a", "https://2130706433/a", "https://[::1]/a"),
    *("https://[::ffff:127.0.0.1]/a", "https://10.0.0.1/a", "https://169.254.169.254/latest", "https://localhost/a"),
    *("https://printer/a", "https://nas.local/a", "https://x.internal/a", "https://0/a", "https://[fe80::1%25eth0]/a"),
    *("https://user:password@cdn.example.com/a", "https://", "https://:443/a", "https://a b/", "https://\u2100.com:x/"),
    *("https://\uff11\uff12\uff17.0.0.1/a", "https://[::", "https://cdn.example.com:99999/a"),
]


class TestTheGuardOfAddresses:
    """A link, and every redirect, is a stranger's wish to make this machine call somebody."""

    @pytest.mark.parametrize("link", REFUSED)
    def test_a_link_that_is_not_public_https_is_refused_unseen(self, link: str) -> None:
        """Not even its name is looked up."""
        error, server = asyncio.run(_fetch(says(200, PICTURE), lambda _: link))
        assert isinstance(error, ProviderError)
        assert error.kind == "refused_address"
        assert "password" not in str(error)
        assert not server.seen

    @pytest.mark.parametrize("link", REFUSED)
    def test_without_a_base_url_it_is_refused_as_well(self, link: str) -> None:
        """Nor is an empty link its own host then."""
        client = Http("", None, CLOCK, resolve=_no_addresses)
        with pytest.raises(ProviderError) as raised:
            asyncio.run(client.download(link, bytearray().extend))
        assert raised.value.kind == "refused_address"

    @pytest.mark.parametrize("link", REFUSED[:1] + [link for link in REFUSED if link.startswith("https://")])
    def test_a_redirect_there_is_refused_too(self, link: str) -> None:
        """Every hop is checked as the first one is."""
        location = link.encode("ascii", "xmlcharrefreplace").decode()
        error, server = fetch(says(302, b"", location=location))
        assert isinstance(error, ProviderError)
        assert error.kind == "refused_address"
        assert len(server.seen) in (1, 4)

    def test_another_port_or_scheme_of_the_base_url_is_refused(self) -> None:
        """The exception is exactly its scheme, host and port."""

        async def steps() -> None:
            async with serving(says(200, PICTURE)) as other:
                for link in (f"{other.url}/a", f"https://127.0.0.1:{other.port}/a", f"http://localhost:{other.port}/a"):
                    error, _ = await _fetch(says(200, PICTURE), lambda _, link=link: link)  # type: ignore[misc]
                    assert isinstance(error, ProviderError)
                    assert error.kind == "refused_address"
                assert not other.seen

        run(steps())

    @pytest.mark.parametrize(
        "addresses",
        [["127.0.0.1"], ["10.0.0.1"], ["::1"], ["fe80::1%eth0"], ["64:ff9b::7f00:1"], ["8.8.8.8", "192.168.0.1"], []],
    )
    def test_a_public_name_with_a_private_address_is_refused(self, addresses: Sequence[str]) -> None:
        """DNS is a stranger's too; one bad address among good ones is enough."""

        async def resolve(host: str, port: int) -> Sequence[str]:
            assert (host, port) == ("cdn.example.com", 443)
            return addresses

        error, _ = asyncio.run(_fetch(says(200, b""), lambda _: "https://cdn.example.com/a.png", resolve))
        assert isinstance(error, ProviderError)
        assert error.kind == "refused_address"

    def test_a_name_that_cannot_be_resolved_is_unavailable(self) -> None:
        """The network may come back."""

        async def resolve(host: str, port: int) -> Sequence[str]:
            raise socket.gaierror(socket.EAI_AGAIN, "try again")

        error, _ = asyncio.run(_fetch(says(200, b""), lambda _: "https://cdn.example.com/a.png", resolve))
        assert isinstance(error, ProviderError)
        assert error.kind == "unavailable"


class TestThePinnedAddress:
    """What was checked is what is connected to, and still it must be who it says."""

    def _fetch(
        self,
        certificate: tuple[Path, Path],
        monkeypatch: pytest.MonkeyPatch,
        host: str,
        addresses: Sequence[str] = ("127.0.0.1",),
    ) -> tuple[bytes | ProviderError, Loopback]:
        monkeypatch.setattr(http, "is_public", lambda address: address.is_loopback)
        theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        theirs.load_cert_chain(*certificate)
        ours = ssl.create_default_context(cafile=str(certificate[0]))
        looked_up: list[str] = []

        async def resolve(name: str, port: int) -> Sequence[str]:
            looked_up.append(name)
            return addresses

        async def steps() -> tuple[bytes | ProviderError, Loopback]:
            async with serving(says(200, PICTURE), tls=theirs) as server:
                client = _client("https://api.example.com", resolve)
                monkeypatch.setattr(client, "_tls", ours)
                got = bytearray()
                try:
                    await client.download(f"https://{host}:{server.port}/a.png?signed=1", got.extend)
                    return bytes(got), server
                except ProviderError as error:
                    return error, server

        outcome = asyncio.run(steps())
        # Once: a second look-up could give another address (DNS rebinding).
        assert looked_up == [host]
        return outcome

    def test_a_picture_comes_from_the_address_that_was_checked(
        self, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The name is resolved once, by us; the server is asked by its name, in TLS and in HTTP."""
        got, server = self._fetch(certificate, monkeypatch, "cdn.example.com")
        assert got == PICTURE
        assert server.seen[0].headers["host"] == f"cdn.example.com:{server.port}"
        assert server.seen[0].path == "/a.png?signed=1"
        assert "authorization" not in server.seen[0].headers

    def test_without_a_base_url_no_host_is_an_exception_and_no_token_is_sent(
        self, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So are pictures fetched that a recipe names."""
        monkeypatch.setattr(sys.modules[__name__], "_client", lambda _, resolve: Http("", None, CLOCK, resolve=resolve))
        got, server = self._fetch(certificate, monkeypatch, "cdn.example.com")
        assert got == PICTURE
        assert "authorization" not in server.seen[0].headers

    def test_the_next_address_is_tried_where_one_does_not_answer(
        self, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """IPv6 that leads nowhere is common."""
        got, _ = self._fetch(certificate, monkeypatch, "cdn.example.com", ("::1", "127.0.0.9", "127.0.0.1"))
        assert got == PICTURE

    def test_a_certificate_for_another_name_is_no_good(
        self, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Pinning an address does not replace the check of the name."""
        error, server = self._fetch(certificate, monkeypatch, "other.example.com")
        assert isinstance(error, ProviderError)
        assert error.kind == "unavailable"
        assert not server.seen


class TestTheToken:
    """A canary that no error, log or trace may sing."""

    @pytest.mark.parametrize(
        "reply",
        [breaks_after(b""), says(200, b"<html>"), breaks_after(message(200, b"x", length=9))],
        ids=["reset", "page", "short"],
    )
    def test_nothing_of_httpx_hangs_on_an_error(self, reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
        """Its requests carry the token; an error's context would carry them on into a log."""
        with caplog.at_level(logging.DEBUG):
            outcomes = [post(reply)[0], fetch(reply)[0]]
        for outcome in outcomes:
            if isinstance(outcome, ProviderError):
                assert outcome.__context__ is None
                assert outcome.__cause__ is None
                assert CANARY not in repr(vars(outcome)) + str(outcome)
        assert CANARY not in caplog.text

    def test_the_loggers_of_the_library_are_quiet(self) -> None:
        """At INFO it writes every address, signed ones too."""
        for name in ("httpx", "httpcore", "httpcore.http11"):
            assert not logging.getLogger(name).isEnabledFor(logging.INFO)

    def test_no_frame_of_a_traceback_names_it(self) -> None:
        """Pages that show local variables exist."""

        async def steps() -> None:
            async with serving(breaks_after(b"")) as server:
                with pytest.raises(ProviderError) as caught:
                    await _post(_client(server.url))
                ours = [entry for entry in caught.traceback if str(entry.path) == http.__file__]
                assert ours
                assert all(CANARY not in repr(entry.frame.f_locals) for entry in ours)

        run(steps())

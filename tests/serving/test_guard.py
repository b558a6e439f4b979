"""Who is let in. Unaware of what the API answers."""

from __future__ import annotations

import socket

import pytest

from banana_pipe.providers.sandbox import app
from tests.canary import CANARY
from tests.serving.conftest import GENERATE, IMAGES, TASKS, Served, ended


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_the_machines_own_names_are_let_in(served: Served, name: str) -> None:
    """With the port, as clients send it; links stand on the name that was called."""
    host = f"{name}:{served.port}"
    answer = served.post(IMAGES, {**GENERATE, "async": False}, {"host": host, "origin": f"http://{host}"})
    assert answer.status_code == 200
    assert answer.json()["data"][0]["image_url"].lower().startswith(f"http://{host}/cdn/".lower())


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "localhost.:{port}",
        "user@127.0.0.1:{port}",
        "127.1:{port}",
        "[::ffff:127.0.0.1]:{port}",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_name_that_somebody_pointed_here_is_not(served: Served, host: str, method: str) -> None:
    """A page whose host name leads here (DNS rebinding) can ask, and learns nothing."""
    with served.client() as client:
        answer = client.request(method, IMAGES, headers={"host": host.format(port=served.port)}, json=GENERATE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (421, "misdirected_request")
    assert served.post(TASKS, {"action": "retrieve_batch"}).json()["count"] == 0


def test_without_any_host_nobody_is_let_in(served: Served) -> None:
    """HTTP/1.0 can do without one."""
    with served.raw(b"GET /cdn/x.png HTTP/1.0\r\n\r\n") as connection:
        assert ended(connection).startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", "https://127.0.0.1:{port}", ""]
)
def test_a_web_page_of_another_origin_is_not(served: Served, origin: str) -> None:
    """Whatever it sends, and though its browser would not show it the answer: nothing is done for it."""
    answer = served.post(IMAGES, GENERATE, {"origin": origin.format(port=served.port)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_origin")
    assert served.post(TASKS, {"action": "retrieve_batch"}).json()["count"] == 0


def test_no_page_is_allowed_to_ask(served: Served) -> None:
    """A browser's question before a request to another origin gets no leave."""
    with served.client() as client:
        headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
        for asked in (client.options(IMAGES, headers=headers), client.options(IMAGES)):
            assert asked.status_code in (403, 404)
            assert not [name for name in asked.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", None])
def test_a_post_says_that_it_is_json(served: Served, kind: str | None) -> None:
    """What a form or a page may send without being asked about is refused."""
    with served.client() as client:
        headers = {} if kind is None else {"content-type": kind}
        answer = client.post(IMAGES, content=b"{}", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
        answer = client.post(IMAGES, json=GENERATE, headers={"content-type": "application/json; charset=utf-8"})
        assert answer.status_code == 200


def test_every_answer_says_that_it_is_what_it_says(served: Served) -> None:
    """Neither an error nor a picture is taken for a page."""
    with served.client() as client:
        task = client.post(IMAGES, json=GENERATE)
        answers = [task, client.get(f"/cdn/{task.json()['task_id']}.png"), client.get("/"), client.post(IMAGES)]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 415]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert "server" not in answer.headers


def test_a_body_is_refused_by_its_announced_length(served: Served) -> None:
    """Before a byte of it is read; the answer arrives though the client goes on sending."""
    head = (
        f"POST {IMAGES} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {CANARY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {app.MAX_BODY_BYTES + 1}\r\n\r\n"
    )
    with served.raw(head.encode() + b"x" * 100_000) as connection:
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_a_body_without_a_length_is_refused_where_it_becomes_too_long(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks are counted."""
    monkeypatch.setattr(app, "MAX_BODY_BYTES", 200_000)
    with served.client() as client:
        answer = client.post(IMAGES, content=iter([b"x" * 50_000] * 5), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


def test_all_bodies_together_are_bounded(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one request may not hold, many may not hold together; what was read is free again afterwards."""
    monkeypatch.setattr("banana_pipe.serving.guard.MAX_RECEIVED_BYTES", 150_000)
    half = (
        f"POST {IMAGES} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {CANARY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: 120000\r\n\r\n"
    ).encode() + b" " * 100_000
    with served.raw(half), served.raw(half) as second:
        assert second.recv(65_536).startswith(b"HTTP/1.1 429 ")
    for _ in range(3):
        assert served.post(IMAGES, {**GENERATE, "prompt": "x" * 100_000}).status_code == 200


def test_a_head_is_bounded(served: Served) -> None:
    """By its bytes, whatever they are."""
    head = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"x" * 100_000
    with served.raw(head) as connection:
        assert ended(connection)[:12] in (b"HTTP/1.1 400", b"")


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n" * 9999]
)
def test_what_is_no_http_is_no_bug(served: Served, garbage: bytes) -> None:
    """TLS, HTTP/2 and nonsense are answered, or cut off; others go on."""
    with served.raw(garbage) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert ended(connection)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 421", b"")
    assert served.post(IMAGES, GENERATE).status_code == 200

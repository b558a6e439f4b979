"""Nobody holds a connection for long, and nobody keeps others out. Unaware of what is asked."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from banana_pipe.serving import connections, loopback
from tests.canary import CANARY
from tests.serving.conftest import GENERATE, IMAGES, TASKS, Served, ended, serving

SOON = 0.3


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """All deadlines are near."""
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "WRITE_SECONDS"):
        monkeypatch.setattr(connections, name, SOON)


def head(served: Served, path: str = IMAGES, length: int = 1000) -> bytes:
    """The head of a POST."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {CANARY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("sent", ["nothing", "half a head", "half a body", "half a second head", "a refused body"])
def test_who_does_not_go_on_is_cut_off(hasty: None, served: Served, sent: str) -> None:
    """In whatever they are slow; the end comes by itself, without a timer of the test's."""
    whole = head(served, TASKS, 2) + b"{}"
    wrong = head(served, length=1_000_000).replace(b"application/json", b"text/plain")
    begun = {
        "nothing": b"",
        "half a head": head(served)[:60],
        "half a body": head(served) + b'{"action":',
        "half a second head": whole + head(served)[:60],
        "a refused body": wrong + b"x" * 10,
    }[sent]
    with served.raw(begun) as connection:
        answer = ended(connection)
    assert answer[:12] == {"half a second head": b"HTTP/1.1 400", "a refused body": b"HTTP/1.1 415"}.get(sent, b"")


@pytest.mark.parametrize("sent", [b"POST / HTTP/1.1\r\nX: ", None], ids=["head", "body"])
def test_dripping_does_not_move_the_deadline(hasty: None, served: Served, sent: bytes | None) -> None:
    """A byte now and then is no progress."""
    with served.raw(sent or head(served, length=10**8)) as connection, pytest.raises(ConnectionError):
        _send_for_ever(connection, b" ")


def test_who_does_not_read_is_cut_off(hasty: None, served: Served) -> None:
    """Answers to somebody who only asks are not kept for ever, nor are more of them made."""
    task = served.post(IMAGES, {**GENERATE, "prompt": "x" * 30_000}).json()["task_id"]
    asked = f'{{"id": "{task}"}}'.encode()
    with served.raw() as connection, pytest.raises(ConnectionError):
        _send_for_ever(connection, head(served, TASKS, len(asked)) + asked)


def _send_for_ever(connection: socket.socket, piece: bytes) -> None:
    while True:
        connection.sendall(piece)


def test_who_keeps_a_connection_may_ask_again_and_again(served: Served) -> None:
    """Deadlines are those of one request, not of the connection."""
    with served.client() as client:
        assert [client.post(IMAGES, json=GENERATE).status_code for _ in range(50)] == [200] * 50


def test_the_slowest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the cap a new connection takes the place of the one that has waited longest, and is served."""
    monkeypatch.setattr(loopback, "MAX_CONNECTIONS", 20)
    with serving() as served, ExitStack() as stack:
        slow = [stack.enter_context(served.raw(head(served, TASKS, 2)[:50])) for _ in range(100)]
        assert served.post(IMAGES, GENERATE).status_code == 200
        assert ended(slow[0]) == b""
        # The last ones are still there: each may finish what it began.
        slow[-1].sendall(head(served, TASKS, 2)[50:] + b"{}")
        assert slow[-1].recv(65_536).startswith(b"HTTP/1.1 400 ")


def test_who_asks_again_and_again_is_not_driven_out_by_a_wave_of_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has waited the longest of all, but it was answered just now."""
    monkeypatch.setattr(loopback, "MAX_CONNECTIONS", 20)
    # However slow this machine is.
    monkeypatch.setattr(connections, "THANKS_SECONDS", 3600)
    with serving() as served, served.raw() as regular, ExitStack() as stack:
        for _ in range(2):
            regular.sendall(head(served, TASKS, 2) + b"{}")
            answer = b""
            while not answer.endswith(b"}"):
                answer += regular.recv(65_536) or pytest.fail("cut off")
            slow = [stack.enter_context(served.raw(head(served, TASKS, 2)[:50])) for _ in range(100)]
            assert ended(slow[-20]) == b""


def test_where_all_have_just_been_answered_a_new_one_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Being quick keeps nobody out either."""
    monkeypatch.setattr(loopback, "MAX_CONNECTIONS", 20)
    monkeypatch.setattr(connections, "THANKS_SECONDS", 3600)
    with serving() as served, ExitStack() as stack:
        for _ in range(30):
            one = stack.enter_context(served.raw(head(served, TASKS, 2) + b"{}"))
            assert one.recv(65_536).startswith(b"HTTP/1.1 400 ")


def test_a_hundred_slow_ones_do_not_keep_others_out(served: Served) -> None:
    """Each kind of slowness, all at once; the campaign has a thousand."""
    with ExitStack() as stack:
        for begun in (b"", head(served)[:60], head(served) + b"{", head(served)[:-2]):
            for _ in range(25):
                stack.enter_context(served.raw(begun))
        with served.client() as client:
            for _ in range(20):
                task = client.post(IMAGES, json=GENERATE).json()["task_id"]
                assert client.post(TASKS, json={"id": task}).json()["response"]["success"]

"""Clients are told what became of their tasks, on this machine alone. Unaware of pictures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from banana_pipe.providers.sandbox.checks import Refused
from banana_pipe.serving import callbacks
from banana_pipe.serving.callbacks import Callbacks
from tests.providers.loopback import Loopback, Reply, breaks_after, drips, says, serving
from tests.serving.conftest import GENERATE, IMAGES, Served

TOLD = {"success": True, "task_id": "7", "trace_id": "8", "data": []}
NOW = 1_790_000_000.0


class Quick:
    """A clock on which nobody waits; `slept` is for how long they would have."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return NOW + sum(self.slept)

    def boot(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def told_by(reply: Reply, url: str = "{base}/hook?key=1", at: float = NOW) -> tuple[Loopback, list[str], Quick]:
    """What a receiver that answers so has seen, what was said of it, and how long was waited."""
    said: list[str] = []
    clock = Quick()

    async def exchange() -> Loopback:
        async with serving(reply) as receiver:
            caller = Callbacks(clock, said.append)
            where = url.format(base=receiver.url, port=receiver.port)
            caller.check(where)
            caller.call(where, TOLD, at)
            await asyncio.gather(*caller._open)
            return receiver

    return asyncio.run(exchange()), said, clock


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_client_is_told_in_json_at_the_time(name: str) -> None:
    """One POST, with path and query as they were given, and no token."""
    receiver, said, clock = told_by(says(204, b""), f"http://{name}:{{port}}/hook/a%20b?key=1#top", NOW + 2.5)
    (seen,) = receiver.seen
    assert (seen.method, seen.path, seen.json()) == ("POST", "/hook/a%20b?key=1", TOLD)
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["host"] == f"{name}:{receiver.port}"
    assert "authorization" not in seen.headers
    assert (said, clock.slept[0]) == ([], 2.5)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (says(500, b""), "HTTP 500"),
        (says(302, b"", location="http://127.0.0.1:9/"), "HTTP 302"),
        (breaks_after(b""), "no HTTP answer"),
        (breaks_after(b"SSH-2.0-OpenSSH\r\n"), "no HTTP answer"),
        (breaks_after(b"HTTP/1.1\r\n"), "no HTTP answer"),
        (breaks_after(b"x" * 200_000), "no HTTP answer"),
    ],
    ids=["500", "302", "nothing", "SSH", "no status", "no line"],
)
def test_three_tries_then_a_line_that_says_why(reply: Reply, why: str) -> None:
    """Without the path, which may hold a secret; redirects are not followed."""
    receiver, said, clock = told_by(reply)
    assert [seen.path for seen in receiver.seen] == ["/hook?key=1"] * 3
    (line,) = said
    assert line.startswith(f"127.0.0.1:{receiver.port} could not be called back, in 3 tries: ")
    assert why in line or "reset" in line
    assert clock.slept == [0.0, 1.0, 4.0]


def test_the_second_try_is_the_last_if_it_is_taken() -> None:
    """Nobody is told twice what was heard."""
    answers = iter([says(503, b""), says(200, b"{}")])

    async def reply(seen: Any, writer: asyncio.StreamWriter) -> None:
        await next(answers)(seen, writer)

    receiver, said, _ = told_by(reply)
    assert (len(receiver.seen), said) == (2, [])


def test_who_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A status line that never ends holds nobody up."""
    monkeypatch.setattr(callbacks, "TRY_SECONDS", 0.1)
    receiver, said, _ = told_by(drips(b"HTTP/1.1 2"))
    assert len(receiver.seen) == 3
    assert "no answer within 0.1 s" in said[0]


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/hook",
        "https://api.acedata.cloud/health",
        "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://127.1/",
        "http://2130706433/",
        "http://0.0.0.0/",
        "https://127.0.0.1/",
    ],
)
def test_another_machine_is_never_called(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task is taken, as by the vendor, and a line says that nobody was called. No name is looked up."""

    async def never(*_: object, **__: object) -> None:
        raise AssertionError("connected")

    monkeypatch.setattr(asyncio, "open_connection", never)
    receiver, said, _ = told_by(says(200, b""), url)
    assert not receiver.seen
    assert said[0].endswith(" is not called back: it is not this machine")


@pytest.mark.parametrize(
    "url",
    [
        *("", "hook", "/hook", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http:///hook", "http://[::1/"),
        *("http://127.0.0.1:99999/", "http://user:word@127.0.0.1/", "http://127.0.0.1/a b", "http://127.0.0.1/ä"),
        *("http://127.0.0.1/\r\nX: y", "http://127.0.0.1/\x00", "http://127.0.0.1\t/", "http://127.0.0.1:x/"),
    ],
)
def test_what_is_no_url_is_refused(url: str, served: Served) -> None:
    """By the documented code, before anything is remembered."""
    with pytest.raises(Refused, match="callback_url is invalid"):
        Callbacks(Quick(), print).check(url)
    answer = served.post(IMAGES, {**GENERATE, "callback_url": url})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


def test_only_so_many_wait_to_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the vendor's word for too much."""
    monkeypatch.setattr(callbacks, "MAX_OPEN", 2)

    async def ask() -> None:
        caller = Callbacks(Quick(), print)
        for _ in range(2):
            caller.check("http://127.0.0.1:9/")
            caller.call("http://127.0.0.1:9/", TOLD, NOW)
        with pytest.raises(Refused) as refused:
            caller.check("http://127.0.0.1:9/")
        assert (refused.value.status, refused.value.code) == (429, "too_many_requests")
        await caller.close()
        caller.check("http://127.0.0.1:9/")

    asyncio.run(ask())


@pytest.mark.parametrize(("word", "success"), [("", True), ("sandbox-refuse", False), ("sandbox-fail", False)])
def test_what_is_told_is_what_a_poll_says(served: Served, word: str, success: bool) -> None:
    """The `response` of the finished task, good or bad; the POST itself was answered at once."""
    body = {"action": "generate", "prompt": f"a cat {word}"}

    def ask(url: str) -> tuple[Any, Any]:
        task = served.post(IMAGES, {**body, "callback_url": url}).json()
        assert set(task) == {"success", "task_id", "trace_id"}
        return task, served.post("/nano-banana/tasks", {"id": task["task_id"]}).json()

    seen, (task, polled) = asyncio.run(_received(ask))
    assert seen == polled["response"]
    assert (seen["success"], seen["task_id"]) == (success, task["task_id"])


async def _received(ask: Callable[[str], Any]) -> tuple[Any, Any]:
    """The first body that a receiver is sent, and what *ask* made of its URL."""
    came: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def reply(seen: Any, writer: asyncio.StreamWriter) -> None:
        await _ok(seen, writer)
        came.set_result(seen.body)

    async with serving(reply) as receiver:
        asked: Awaitable[Any] = asyncio.to_thread(ask, f"{receiver.url}/hook")
        answered = await asked
        return json.loads(await came), answered


_ok = says(200, b"")

"""The vendor's API as a provider, against servers on loopback and the sandbox in the process."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.canonical import digest_of
from banana_pipe.clock import SystemClock
from banana_pipe.model import Request
from banana_pipe.providers import http
from banana_pipe.providers.acedata import AceData
from banana_pipe.providers.base import Done, Kind, Pending, Picture, Prepared, Provider, ProviderError
from banana_pipe.providers.catalog import MAX_PICTURE_BYTES
from banana_pipe.providers.sandbox import create_app
from banana_pipe.providers.secret import Token
from banana_pipe.providers.wire import listed_task, wire_digest
from tests.canary import CANARY
from tests.providers.loopback import Loopback, Reply, Seen, breaks_after, message, says, serving
from tests.vendor.server import Vendor

CLOCK = SystemClock()
PIXELS = b"\x89PNG\r\n\x1a\n-"
OTHER = b"\xff\xd8\xff-"
LINK = "https://cdn.acedata.cloud/a.png"


def request(*pictures: bytes, **changes: Any) -> Request:
    """A request that reads *pictures*."""
    fields: dict[str, Any] = {
        "provider": "acedata-local",
        "action": "edit" if pictures else "generate",
        "model": "nano-banana",
        "prompt": "a white siamese cat",
        "images": tuple(digest_of(picture) for picture in pictures),
        "params": {},
        "sample": 1,
    }
    return Request(**(fields | changes))


def prepared(*pictures: bytes, **changes: Any) -> Prepared:
    """Its call."""
    provider = AceData("http://127.0.0.1:9", Token(CANARY), CLOCK)
    return provider.prepare(request(*pictures, **changes), [("image/png", picture) for picture in pictures])


def against(reply: Reply, steps: Callable[[AceData, Loopback], Coroutine[Any, Any, None]]) -> None:
    """Run *steps* with a provider whose server answers everything with *reply*."""

    async def run() -> None:
        async with serving(reply) as server:
            provider = AceData(server.url, Token(CANARY), CLOCK)
            try:
                await steps(provider, server)
            finally:
                await provider.close()

    asyncio.run(run())


async def submit(provider: Provider, call: Prepared | None = None) -> Done | Pending:
    """Send *call* now."""
    return await provider.submit(call or prepared(), not_after=CLOCK.boot() + 10, timeout=30)


def _numbered(*cases: tuple[Reply, Kind]) -> list[Any]:
    return [pytest.param(reply, kind, id=f"{number} {kind}") for number, (reply, kind) in enumerate(cases)]


def kind_of(reply: Reply, ask: Callable[[AceData], Coroutine[Any, Any, object]]) -> Kind:
    """The kind of the error that *ask* raises."""
    kinds: list[Kind] = []

    async def steps(provider: AceData, server: Loopback) -> None:
        with pytest.raises(ProviderError) as caught:
            await ask(provider)
        assert caught.value.__context__ is None
        kinds.append(caught.value.kind)

    against(reply, steps)
    return kinds[0]


class TestTheCall:
    """The body that is sent, and the digest that its task is recognised by."""

    def test_only_what_the_recipe_sets_is_sent(self) -> None:
        """A ratio sent with an edit would reframe the picture; the model is always said."""
        body = json.loads(prepared(PIXELS).body)
        picture = f"data:image/png;base64,{base64.b64encode(PIXELS).decode()}"
        assert body == {
            "action": "edit",
            "prompt": "a white siamese cat",
            "model": "nano-banana",
            "image_urls": [picture],
            "async": True,
        }

    def test_a_generate_has_no_field_for_pictures_and_parameters_pass_as_they_are(self) -> None:
        """`16:9` stays text, and what we do not know passes."""
        body = json.loads(prepared(params={"aspect_ratio": "16:9", "resolution": "2K", "seed": 7}).body)
        assert "image_urls" not in body
        assert (body["aspect_ratio"], body["resolution"], body["seed"]) == ("16:9", "2K", 7)

    def test_a_prompt_is_sent_as_it_is_written(self) -> None:
        """In UTF-8, every character of it."""
        prompt = 'Grüße, "猫" 🐈\n\ttwo lines'
        assert json.loads(prepared(prompt=prompt).body.decode("utf-8"))["prompt"] == prompt

    def test_pictures_keep_their_order(self) -> None:
        """The first one sets the ratio; another order is another call."""
        assert prepared(PIXELS, OTHER).wire != prepared(OTHER, PIXELS).wire

    def test_a_picture_up_to_ten_million_bytes_is_sent_and_a_larger_one_is_not(self) -> None:
        """The error comes before anything is spent, and says what would help."""
        prepared(bytes(MAX_PICTURE_BYTES))
        with pytest.raises(ProviderError) as caught:
            prepared(PIXELS, bytes(MAX_PICTURE_BYTES + 1))
        assert caught.value.kind == "too_large"
        assert "picture 2" in caught.value.message
        assert "10,000,001" in caught.value.message
        assert caught.value.hint

    def test_missing_pictures_are_our_mistake(self) -> None:
        """Not the user's, so no ProviderError."""
        provider = AceData("http://127.0.0.1:9", None, CLOCK)
        with pytest.raises(ValueError, match="1 pictures in the request, 0 given"):
            provider.prepare(request(PIXELS), [])

    def test_the_wire_digest_is_of_this_canonical_json(self) -> None:
        """A changed wire digest is a task that is not recognised after an update, and a bill."""
        body = (
            f'{{"action":"edit","image_urls":[{{"sha256":"{digest_of(PIXELS)}"}}],"model":"nano-banana","prompt":"猫"}}'
        )
        assert prepared(PIXELS, prompt="猫").wire == digest_of(body.encode())

    @given(
        st.lists(st.binary(max_size=40), max_size=3),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
        st.dictionaries(
            st.sampled_from(["aspect_ratio", "resolution", "seed"]), st.text("K:0123456789", max_size=5) | st.integers()
        ),
        st.randoms(use_true_random=False),
    )
    def test_a_listed_echo_of_our_body_has_our_wire_digest(
        self, pictures: list[bytes], prompt: str, params: dict[str, Any], chance: Any
    ) -> None:
        """Whatever the order of its fields, with or without `async`, and with pictures named by another type."""
        call = prepared(*pictures, prompt=prompt, params=params)
        fields = list(json.loads(call.body).items())
        chance.shuffle(fields)
        echo: dict[str, Any] = {
            **dict(fields),
            "async": chance.choice([True, False]),
            "callback_url": "https://x.example",
        }
        if pictures:
            echo["image_urls"] = [link.replace("image/png", "image/webp") for link in echo["image_urls"]]
        task = listed_task("t", json.loads(json.dumps(echo)))
        assert (task.wire, task.comparable, task.prompt) == (call.wire, True, prompt)

    def test_an_echo_that_names_pictures_by_their_digest_compares_too(self) -> None:
        """That is how the sandbox shows them."""
        echo = json.loads(prepared(PIXELS).body) | {"image_urls": [f"sha256:{digest_of(PIXELS)}"]}
        task = listed_task("t", echo)
        assert (task.wire, task.comparable) == (prepared(PIXELS).wire, True)

    @pytest.mark.parametrize(
        "changes",
        [
            {"image_urls": [LINK]},
            {"image_urls": []},
            {"image_urls": None},
            {"image_urls": LINK},
            {"image_urls": [None]},
            {"image_urls": ["data:image/png;base64,!!"]},
            {"model": None},
            {"prompt": None},
            {"prompt": "\ud800"},
            {"action": "dance"},
            {"count": 1},
        ],
        ids=repr,
    )
    def test_an_echo_that_was_rewritten_proves_nothing(self, changes: Mapping[str, Any]) -> None:
        """It may be ours all the same."""
        echo = {**json.loads(prepared(PIXELS).body), **changes}
        task = listed_task("t", echo)
        assert not task.comparable

    @pytest.mark.parametrize("echo", [None, "x", [], 3])
    def test_no_echo_proves_nothing(self, echo: object) -> None:
        """It could be anybody's."""
        task = listed_task("t", echo)
        assert (task.comparable, task.action, task.model, task.prompt) == (False, None, None, None)

    def test_a_link_counts_as_its_text(self) -> None:
        """Two addresses are two calls."""
        one, other = ({"image_urls": [f"{LINK}?{number}"]} for number in "12")
        assert wire_digest(one) == wire_digest(dict(one)) != wire_digest(other)


class TestSubmitting:
    """One POST, and what came of it."""

    def test_it_goes_to_the_documented_place_as_it_was_prepared(self) -> None:
        """Byte for byte what the wire digest was made of."""

        async def steps(provider: AceData, server: Loopback) -> None:
            assert await submit(provider) == Pending("t", "r")
            (seen,) = server.seen
            assert (seen.path, seen.body) == ("/nano-banana/images", prepared().body)
            assert "x-banana-pipe-sample" not in seen.headers

        against(says(200, {"success": True, "task_id": "t", "trace_id": "r"}), steps)

    @pytest.mark.parametrize(
        ("reply", "kind"),
        _numbered(
            (says(403, {"error": {"code": "used_up", "message": "no"}}), "balance"),
            (says(403, {"success": False, "error": {"code": "forbidden"}, "task_id": "t"}), "moderation"),
            (says(401, {"error": {"code": "invalid_token"}}), "auth"),
            (says(413, b"<html>"), "too_large"),
            (says(500, {"error": {"code": "api_error"}}), "transient"),
            (says(502, b"<html>Bad Gateway</html>"), "unknown"),
            (says(200, b"<html>Welcome to this hotel</html>"), "unknown"),
            (says(200, b'{"success": true', length=100), "unknown"),
            (says(302, b"", location="https://elsewhere.example"), "invalid"),
            (breaks_after(b""), "unknown"),
        ),
    )
    def test_every_failure_has_a_kind(self, reply: Reply, kind: Kind) -> None:
        """From the wire to the error; the full tables are tested with `answers` and `http`."""
        assert kind_of(reply, submit) == kind

    def test_a_429_says_how_long_to_wait(self) -> None:
        """Nothing was done."""

        async def steps(provider: AceData, server: Loopback) -> None:
            with pytest.raises(ProviderError) as caught:
                await submit(provider)
            assert (caught.value.kind, caught.value.retry_after) == ("rate", 7.0)

        against(says(429, {"error": {"code": "too_many_requests"}}, retry_after="7"), steps)

    def test_a_task_id_in_a_body_that_breaks_off_is_not_lost(self) -> None:
        """The task can be asked."""

        async def steps(provider: AceData, server: Loopback) -> None:
            with pytest.raises(ProviderError) as caught:
                await submit(provider)
            assert (caught.value.kind, caught.value.task_id) == ("unknown", "t-1")

        against(breaks_after(message(200, b'{"success": true, "task_id": "t-1", "da', length=200)), steps)

    def test_a_body_that_breaks_off_behind_its_json_is_whole(self) -> None:
        """A wrong Content-Length is no reason to park a purchase."""

        async def steps(provider: AceData, server: Loopback) -> None:
            assert await submit(provider) == Pending("t")

        against(breaks_after(message(200, b'{"success": true, "task_id": "t"}', length=200)), steps)

    def test_without_a_token_nothing_is_sent(self) -> None:
        """Not by POST, poll or listing; the error says the two ways on."""

        async def steps() -> None:
            async with serving(says(200, {})) as server:
                provider = AceData(server.url, None, CLOCK)
                for ask in (submit(provider), provider.poll(["t"]), provider.tasks_since(0.0)):
                    with pytest.raises(ProviderError) as caught:
                        await ask
                    assert (caught.value.kind, caught.value.code) == ("auth", "no_token")
                    assert caught.value.hint
                    assert "sandbox" in caught.value.hint
                assert not server.connections

        asyncio.run(steps())

    def test_a_token_that_is_echoed_is_masked(self) -> None:
        """In the message, the body and the answer for the ledger."""

        async def echo(seen: Seen, writer: asyncio.StreamWriter) -> None:
            token = seen.headers["authorization"]
            answer: dict[str, Any] = {
                "success": True,
                "data": [{"image_url": LINK}],
                "headers": {"authorization": [token]},
            }
            if "refuse" in seen.json()["prompt"]:
                answer = {"error": {"code": "bad_request", "message": f"bad header {token}"}}
            writer.write(message(200, json.dumps(answer).encode()))

        async def steps(provider: AceData, server: Loopback) -> None:
            with pytest.raises(ProviderError) as caught:
                await submit(provider, prepared(prompt="refuse"))
            assert CANARY not in repr(vars(caught.value)) + str(caught.value)
            assert "***" in caught.value.message
            done = await submit(provider)
            assert CANARY not in repr(done)

        against(echo, steps)

    def test_nothing_shows_the_token(self) -> None:
        """Neither the provider nor its parts."""
        provider = AceData("http://127.0.0.1:9", Token(CANARY), CLOCK)
        assert CANARY not in repr(provider) + repr(vars(provider)) + repr(vars(provider._http))


def task(task_id: str, **fields: Any) -> dict[str, Any]:
    """A record of the tasks API."""
    return {"id": task_id, "created_at": 1000.0, "request": json.loads(prepared().body), **fields}


FINISHED = {"finished_at": 1010.0, "response": {"success": True, "data": [{"image_url": LINK}]}}


class TestPolling:
    """One call for all tasks."""

    def test_all_tasks_are_asked_in_one_call_and_told_by_their_id(self) -> None:
        """In any order; an unknown one is missing, a foreign one is not shown."""

        async def steps(provider: AceData, server: Loopback) -> None:
            stand = await provider.poll(["a", "b", "c", "d"])
            assert isinstance(stand["a"], Done)
            assert stand["a"].pictures == (Picture(url=LINK),)
            assert stand["b"] == Pending("b")
            failed = stand["c"]
            assert isinstance(failed, ProviderError)
            assert failed.kind == "moderation"
            assert set(stand) == {"a", "b", "c"}
            (seen,) = server.seen
            assert seen.path == "/nano-banana/tasks"
            assert seen.json() == {"action": "retrieve_batch", "ids": ["a", "b", "c", "d"]}

        failed = {"response": {"success": False, "error": {"code": "forbidden"}}}
        items = [task("c", **failed), task("b"), task("other", **FINISHED), None, {"no": "id"}, task("a", **FINISHED)]
        against(says(200, {"items": items, "count": 6}), steps)

    def test_no_tasks_need_no_call(self) -> None:
        """Nor a token."""
        provider = AceData("http://127.0.0.1:9", None, CLOCK)
        assert asyncio.run(provider.poll([])) == {}

    def test_many_tasks_are_asked_a_hundred_at_a_time(self) -> None:
        """No document says how many ids a call may have."""

        async def steps(provider: AceData, server: Loopback) -> None:
            ids = [f"t-{number}" for number in range(250)]
            await provider.poll(ids)
            asked = [seen.json()["ids"] for seen in server.seen]
            assert sorted(task_id for some in asked for task_id in some) == sorted(ids)
            assert max(map(len, asked)) == 100

        against(says(200, {"items": []}), steps)

    def test_an_answer_that_is_too_long_is_asked_for_in_halves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Tasks may carry their pictures with them, ours and theirs."""
        monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 5000)

        async def reply(seen: Seen, writer: asyncio.StreamWriter) -> None:
            items = [task(task_id, **FINISHED, padding="x" * 2000) for task_id in seen.json()["ids"]]
            writer.write(message(200, json.dumps({"items": items}).encode()))

        async def steps(provider: AceData, server: Loopback) -> None:
            stand = await provider.poll([str(number) for number in range(8)])
            assert len(stand) == 8
            assert len(server.seen) == 7

        against(reply, steps)

    @pytest.mark.parametrize(
        ("reply", "kind"),
        _numbered(
            (says(401, {"error": {"code": "invalid_token"}}), "auth"),
            (says(403, {"error": {"code": "used_up"}}), "balance"),
            (says(403, {"error": {"code": "disabled"}}), "disabled"),
            (says(400, {"error": {"code": "bad_request"}}), "unavailable"),
            (says(429, {"error": {"code": "too_many_requests"}}), "unavailable"),
            (says(503, b"<html>"), "unavailable"),
            (says(200, b"<html>"), "unavailable"),
            (says(200, {}), "unavailable"),
            (says(200, {"success": False, "error": {"code": "api_error"}}), "unavailable"),
            (says(200, {"items": []}, length=1000), "unavailable"),
            (breaks_after(b""), "unavailable"),
        ),
    )
    def test_a_poll_that_fails_says_whether_to_try_again(self, reply: Reply, kind: Kind) -> None:
        """Nothing is lost by a failed poll."""
        assert kind_of(reply, lambda provider: provider.poll(["t"])) == kind


class _Tasks:
    """A tasks API over a list of records, newest first, that may ignore any filter."""

    def __init__(self, moments: list[float], *, ignores: str = "", most: int = 1000, count: str = "") -> None:
        self.moments = moments
        self.ignores = ignores
        self.most = most
        self.count = count

    async def __call__(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        query = seen.json()
        since = 0 if "created_at_min" in self.ignores else query["created_at_min"]
        found = [moment for moment in self.moments if moment >= since]
        offset = 0 if "offset" in self.ignores else query["offset"]
        limit = min(self.most, 10**9 if "limit" in self.ignores else query["limit"])
        page = [task(f"t-{moment:g}", created_at=moment) for moment in found[offset : offset + limit]]
        counted = {"total": len(found), "page": len(page)}
        writer.write(message(200, json.dumps({"items": page, "count": counted.get(self.count)}).encode()))


class _Growing(_Tasks):
    """A new task is there before every page but the first of each reading, *times* in all."""

    def __init__(self, moments: list[float], times: int, **more: Any) -> None:
        super().__init__(list(moments), **more)
        self.times = times

    async def __call__(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        if seen.json()["offset"] and self.times:
            self.times -= 1
            self.moments.insert(0, self.moments[0] + 1)
        await super().__call__(seen, writer)


def listed(api: Reply, since: float = 100.0) -> tuple[list[str], bool, int]:
    """The ids that a listing shows, whether it is complete, and how many calls it took."""
    outcome: list[tuple[list[str], bool, int]] = []

    async def steps(provider: AceData, server: Loopback) -> None:
        listing = await provider.tasks_since(since)
        outcome.append(([one.task_id for one in listing.tasks], listing.complete, len(server.seen)))

    against(api, steps)
    return outcome[0]


class TestListing:
    """Undocumented, and a proof only if it was read to its end."""

    @pytest.mark.parametrize("count", ["", "total", "page"])
    @pytest.mark.parametrize("number", [0, 1, 99, 100, 101, 250])
    def test_all_pages_are_read(self, number: int, count: str) -> None:
        """To the empty one."""
        moments = [500.0 - moment for moment in range(number)]
        ids, complete, _ = listed(_Tasks(moments, count=count))
        assert ids == [f"t-{moment:g}" for moment in moments]
        assert complete

    def test_a_page_shorter_than_asked_is_no_end(self) -> None:
        """The server may have a smaller limit of its own."""
        ids, complete, calls = listed(_Tasks([500.0 - moment for moment in range(7)], most=2))
        assert (len(ids), complete, calls) == (7, True, 5)

    def test_a_server_that_ignores_the_moment_shows_no_older_tasks(self) -> None:
        """An old task of equal wire is no answer to a call made just now."""
        ids, complete, calls = listed(_Tasks([500.0, 400.0, 50.0, 40.0], ignores="created_at_min", most=2))
        assert (ids, complete, calls) == (["t-500", "t-400"], True, 2)

    def test_a_server_that_shows_the_oldest_first_is_read_to_the_end(self) -> None:
        """An old page does not mean that nothing younger follows."""
        ids, complete, _ = listed(_Tasks([40.0, 50.0, 400.0, 500.0], ignores="created_at_min", most=2))
        assert (ids, complete) == (["t-400", "t-500"], True)

    def test_a_server_that_ignores_the_offset_is_believed_only_where_nothing_was_cut(self) -> None:
        """The same page again is no last page."""
        assert listed(_Tasks([500.0, 400.0], ignores="offset"))[1]
        assert listed(_Tasks([900.0 - moment for moment in range(150)], ignores="offset limit"))[1]
        assert not listed(_Tasks([900.0 - moment for moment in range(150)], ignores="offset"))[1]
        assert not listed(_Tasks([500.0, 400.0, 300.0], ignores="offset", most=2, count="total"))[1]

    @pytest.mark.parametrize("count", ["", "total", "page"])
    @pytest.mark.parametrize("most", [2, 1000])
    def test_a_listing_that_grows_while_it_is_read_is_begun_again(self, count: str, most: int) -> None:
        """Another run of the account buys meanwhile: what moved behind the offset is no server that ignores it."""
        moments = [500.0, 400.0, 300.0, 200.0]
        ids, complete, _ = listed(_Growing(moments, 3, count=count, most=most))
        assert complete
        assert ids == ["t-503", "t-502", "t-501", "t-500", "t-400", "t-300", "t-200"]

    def test_a_listing_that_grows_without_end_is_no_proof(self) -> None:
        """It is not read for ever either."""
        ids, complete, calls = listed(_Growing([500.0, 400.0], 10_000))
        assert ids[-1] == "t-400"
        assert not complete
        assert calls <= 10

    def test_a_count_above_what_was_shown_is_no_proof(self) -> None:
        """Something is missing, whatever the reason."""
        assert not listed(says(200, {"items": [], "count": 3}))[1]

    @pytest.mark.parametrize("item", [None, {}, {"id": ""}, {"id": 3}, {"id": "\ud800"}], ids=repr)
    def test_a_record_that_cannot_be_read_is_no_proof(self, item: object) -> None:
        """It may be ours."""

        async def reply(seen: Seen, writer: asyncio.StreamWriter) -> None:
            items = [] if seen.json()["offset"] else [task("t"), item]
            writer.write(message(200, json.dumps({"items": items}).encode()))

        assert listed(reply)[:2] == (["t"], False)

    def test_a_second_page_that_is_refused_leaves_what_the_first_one_showed(self) -> None:
        """Enough to adopt a task by, not to prove that there is none."""

        async def reply(seen: Seen, writer: asyncio.StreamWriter) -> None:
            refusal = message(400, b'{"error": {"code": "bad_request", "message": "offset is invalid."}}')
            writer.write(
                refusal if seen.json()["offset"] else message(200, json.dumps({"items": [task("t")]}).encode())
            )

        assert listed(reply)[:2] == (["t"], False)

    def test_a_listing_without_end_is_left(self) -> None:
        """A server that invents tasks."""

        async def reply(seen: Seen, writer: asyncio.StreamWriter) -> None:
            items = [task(f"t-{seen.json()['offset']}")]
            writer.write(message(200, json.dumps({"items": items}).encode()))

        ids, complete, calls = listed(reply)
        assert (len(ids), complete, calls) == (200, False, 200)

    def test_the_moment_is_asked_for_in_whole_seconds_and_no_later(self) -> None:
        """Any server reads those."""

        async def steps(provider: AceData, server: Loopback) -> None:
            await provider.tasks_since(1234.9)
            assert server.seen[0].json() == {
                "action": "retrieve_batch",
                "created_at_min": 1234,
                "limit": 100,
                "offset": 0,
            }

        against(says(200, {"items": []}), steps)

    def test_records_that_are_too_long_together_are_read_in_smaller_pages(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An echo carries the pictures that we sent."""
        monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 5000)

        async def reply(seen: Seen, writer: asyncio.StreamWriter) -> None:
            offset, limit = seen.json()["offset"], seen.json()["limit"]
            items = [task(f"t-{number}", padding="x" * 2000) for number in range(offset, min(5, offset + limit))]
            writer.write(message(200, json.dumps({"items": items}).encode()))

        ids, complete, _ = listed(reply)
        assert (len(ids), complete) == (5, True)

    @pytest.mark.parametrize(
        ("reply", "kind"),
        _numbered(
            (says(400, {"error": {"code": "bad_request"}}), "unsupported"),
            (says(404, b"<html>"), "unsupported"),
            (says(400, {"error": {"code": "api_not_implemented"}}), "unsupported"),
            (says(200, {"id": "t"}), "unsupported"),
            (says(401, {"error": {"code": "invalid_token"}}), "auth"),
            (says(500, b"<html>"), "unavailable"),
            (breaks_after(b""), "unavailable"),
        ),
    )
    def test_a_listing_that_is_not_offered_is_told_from_one_that_failed(self, reply: Reply, kind: Kind) -> None:
        """One can be asked again."""
        assert kind_of(reply, lambda provider: provider.tasks_since(0.0)) == kind


class TestFetching:
    """A picture's bytes."""

    def test_an_inline_picture_is_here_already(self) -> None:
        """Without any connection."""
        got = bytearray()
        provider = AceData("http://127.0.0.1:9", None, CLOCK)
        asyncio.run(provider.fetch(Picture(data=PIXELS), got.extend))
        assert got == PIXELS

    def test_a_linked_one_needs_no_token_and_gets_none(self) -> None:
        """What is bought can be collected without one."""

        async def steps() -> None:
            async with serving(says(200, PIXELS)) as server:
                for token in (None, Token(CANARY)):
                    provider = AceData(server.url, token, CLOCK)
                    got = bytearray()
                    await provider.fetch(Picture(url=f"{server.url}/cdn/a.png"), got.extend)
                    await provider.close()
                    assert got == PIXELS
                assert all("authorization" not in seen.headers for seen in server.seen)

        asyncio.run(steps())


async def buy(provider: Provider, call: Prepared) -> bytes:
    """Submit, poll and fetch."""
    answer: object = await submit(provider, call)
    while isinstance(answer, Pending):
        answer = (await provider.poll([answer.task_id]))[answer.task_id]
    assert isinstance(answer, Done)
    got = bytearray()
    await provider.fetch(answer.pictures[0], got.extend)
    return bytes(got)


class TestAgainstTheFakeVendor:
    """The whole way, against an independent server that keeps a bill."""

    @pytest.mark.parametrize("answers", ["task", "at_once"])
    @pytest.mark.parametrize("inline", [False, True])
    def test_a_picture_is_bought_and_its_task_listed_under_our_wire_digest(self, answers: str, inline: bool) -> None:
        """By task or at once, by link or inline; an edit as well."""

        async def steps(vendor: Vendor) -> None:
            provider = AceData(vendor.base_url, Token(CANARY), CLOCK)
            first = prepared()
            picture = await buy(provider, first)
            second = prepared(picture)
            await buy(provider, second)
            assert len(vendor.charges) == 2
            listing = await provider.tasks_since(CLOCK.now() - 600)
            assert listing.complete
            assert {(one.wire, one.comparable) for one in listing.tasks} == {(first.wire, True), (second.wire, True)}
            await provider.close()

        with Vendor(answers=answers, inline=inline, page_limit=1) as vendor:
            asyncio.run(steps(vendor))

    def test_a_listing_that_rewrites_our_pictures_does_not_compare(self) -> None:
        """Then a doubt stays a doubt."""

        async def steps(vendor: Vendor) -> None:
            provider = AceData(vendor.base_url, Token(CANARY), CLOCK)
            await submit(provider, prepared(await buy(provider, prepared())))
            listing = await provider.tasks_since(0.0)
            assert [(one.action, one.comparable) for one in listing.tasks] == [("edit", False), ("generate", True)]
            await provider.close()

        with Vendor(listing="rewrites") as vendor:
            asyncio.run(steps(vendor))


class TestInTheProcess:
    """The sandbox, through the same client."""

    def test_it_is_free_named_sandbox_and_gets_the_sample(self) -> None:
        """Two takes of one prompt differ, and each stays the same."""
        provider = AceData.over_asgi(create_app(), CLOCK)
        assert (provider.name, provider.origin, provider.billable) == ("sandbox", "sandbox", False)

        async def steps() -> None:
            one, two = prepared(sample=1), prepared(sample=2)
            assert one.wire == two.wire
            pictures = [await buy(provider, call) for call in (one, two, one)]
            assert pictures[0] == pictures[2] != pictures[1]
            await buy(provider, prepared(pictures[0]))
            listing = await provider.tasks_since(CLOCK.now() - 600)
            assert listing.complete
            assert all(one.comparable for one in listing.tasks)
            await provider.close()

        asyncio.run(steps())

    def test_it_is_held_to_the_moment_too(self) -> None:
        """The same purchase code runs over it."""
        provider = AceData.over_asgi(create_app(), CLOCK)
        with pytest.raises(ProviderError) as caught:
            asyncio.run(provider.submit(prepared(), not_after=CLOCK.boot() - 1, timeout=30))
        assert caught.value.kind == "not_sent"

    def test_nothing_leaves_the_process(self) -> None:
        """Not even for a picture's link."""
        provider = AceData.over_asgi(create_app(), CLOCK)
        with pytest.raises(ProviderError) as caught:
            asyncio.run(provider.fetch(Picture(url=LINK), bytearray().extend))
        assert caught.value.kind == "refused_address"


def test_http_is_not_imported_before_something_is_sent() -> None:
    """A run with nothing to do needs no HTTP client, and it takes a fifth of a second to import."""
    code = (
        "import sys; from banana_pipe.providers.acedata import AceData; from banana_pipe.clock import SystemClock;"
        "AceData('https://api.acedata.cloud', None, SystemClock()).prepare; print('httpx' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_the_provider_is_one() -> None:
    """It has what the protocol asks for, and a mock's name is not the vendor's."""
    provider: Provider = AceData("http://127.0.0.1:8000/", None, CLOCK)
    assert (provider.name, provider.origin, provider.billable) == ("acedata-local", "http://127.0.0.1:8000", True)
    assert AceData("https://api.acedata.cloud", None, CLOCK).name == "acedata"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
RECORD = st.fixed_dictionaries(
    {}, optional={"id": st.sampled_from(["a", "b"]) | JSON, "created_at": JSON, "request": JSON, "response": JSON}
)


@given(st.lists(RECORD | JSON, max_size=4) | JSON, JSON)
def test_any_page_of_tasks_is_read_or_refused(items: Any, count: Any) -> None:
    """A poll gives a mapping, a listing its tasks, or there is a ProviderError."""
    app = _answers({"items": items, "count": count})
    provider = AceData.over_asgi(app, CLOCK)

    async def steps() -> None:
        try:
            stand = await provider.poll(["a", "b"])
            assert all(isinstance(one, Done | Pending | ProviderError) for one in stand.values())
        except ProviderError as error:
            assert error.kind == "unavailable"  # noqa: PT017
        try:
            for one in (await provider.tasks_since(0.0)).tasks:
                one.task_id.encode("utf-8")
                assert isinstance(one.wire, str)
        except ProviderError as error:
            assert error.kind in ("unsupported", "unavailable")  # noqa: PT017

    asyncio.run(steps())


def _answers(answer: Any) -> http.App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    return app

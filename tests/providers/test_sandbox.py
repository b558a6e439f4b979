"""The sandbox answers as the vendor documents it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from banana_pipe.providers.sandbox import create_app
from banana_pipe.providers.sandbox.checks import MAX_PICTURE_BYTES
from banana_pipe.providers.sandbox.memory import Memory, Task
from banana_pipe.providers.sandbox.sheet import Sheet

IMAGES = "/nano-banana/images"
TASKS = "/nano-banana/tasks"
GENERATE = {"action": "generate", "prompt": "a white siamese cat"}


class Client:
    """A sandbox of its own, called through HTTP as any client would; its clock stands at `time`."""

    def __init__(self, seconds: float = 0.0, base: str = "http://sandbox") -> None:
        self.time = 1_757_183_036.5
        self._app = create_app(now=lambda: self.time, seconds=seconds)
        self._base = base

    def call(self, method: str, url: str, token: str | None = "Bearer sandbox", **given: Any) -> httpx.Response:
        """One exchange."""

        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url=self._base) as client:
                headers = {**({"authorization": token} if token is not None else {}), **given.pop("headers", {})}
                return await client.request(method, url, headers=headers, **given)

        return asyncio.run(exchange())

    def post(self, url: str, body: Any, **given: Any) -> httpx.Response:
        """A POST of JSON."""
        return self.call("POST", url, json=body, **given)

    def picture(self, body: Mapping[str, Any], sample: int = 1) -> bytes:
        """The bytes behind the first link of a synchronous answer."""
        answer = self.post(IMAGES, body, headers={"x-banana-pipe-sample": str(sample)})
        return self.call("GET", answer.json()["data"][0]["image_url"], token=None).content

    def submit(self, body: Mapping[str, Any]) -> str:
        """The id of an asynchronous task."""
        return str(self.post(IMAGES, {**body, "async": True}).json()["task_id"])


def png(width: int = 90, height: int = 60, colour: str = "teal") -> bytes:
    """A small picture."""
    packed = BytesIO()
    Image.new("RGB", (width, height), colour).save(packed, "PNG")
    return packed.getvalue()


def uri(data: bytes, mime: str = "image/png") -> str:
    """The data URI of some bytes."""
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def edit(**fields: Any) -> dict[str, Any]:
    """The body of a good edit, with *fields* changed."""
    return {"action": "edit", "prompt": "let it snow", "image_urls": [uri(png())], **fields}


@pytest.fixture
def client() -> Client:
    """A fresh sandbox."""
    return Client()


class TestImages:
    """POST /nano-banana/images."""

    def test_a_synchronous_call_answers_with_a_link_to_a_picture(self, client: Client) -> None:
        """The success body of the vendor's page; the link's picture is a PNG and says so."""
        answer = client.post(IMAGES, GENERATE).json()
        link = f"http://sandbox/cdn/{answer['task_id']}.png"
        assert answer == {
            "success": True,
            "task_id": answer["task_id"],
            "trace_id": answer["trace_id"],
            "data": [{"prompt": GENERATE["prompt"], "image_url": link}],
        }
        served = client.call("GET", link, token=None)
        assert served.headers["content-type"] == "image/png"
        with Image.open(BytesIO(served.content)) as picture:
            assert (picture.format, picture.size) == ("PNG", (1024, 1024))

    @pytest.mark.parametrize("later", [{"async": True}, {"callback_url": "https://example.org/hook"}])
    def test_an_asynchronous_call_answers_at_once_without_pictures(self, client: Client, later: dict[str, Any]) -> None:
        """`async` gives the ids only; so does a `callback_url`, which nobody calls here."""
        answer = client.post(IMAGES, {**GENERATE, **later})
        assert answer.status_code == 200
        assert set(answer.json()) == {"success", "task_id", "trace_id"}

    def test_an_edit_takes_pictures_as_data_uris(self, client: Client) -> None:
        """The first picture's ratio is kept."""
        with Image.open(BytesIO(client.picture(edit()))) as picture:
            assert picture.size == (1248, 832)

    def test_count_gives_as_many_links_to_different_pictures(self, client: Client) -> None:
        """One link a picture, each another take."""
        data = client.post(IMAGES, {**GENERATE, "count": 3}).json()["data"]
        pictures = {client.call("GET", item["image_url"]).content for item in data}
        assert len(data) == len(pictures) == 3
        assert client.call("GET", data[0]["image_url"].replace(".png", "-4.png")).status_code == 404

    def test_takes_differ_and_stay_the_same_for_ever(self) -> None:
        """The take comes in a header; another sandbox paints the same bytes for the same take."""
        one, other = Client(), Client()
        assert one.picture(GENERATE, sample=2) == other.picture(GENERATE, sample=2)
        assert one.picture(GENERATE, sample=2) != one.picture(GENERATE, sample=1)
        assert one.picture(GENERATE) == client_without_header(one)

    def test_equal_requests_that_name_no_take_get_one_after_the_other(self) -> None:
        """However they are asked, and however many at once; a header takes none away."""
        named, unnamed = Client(), Client()

        def pictures(**more: Any) -> list[bytes]:
            answer = unnamed.post(IMAGES, {**GENERATE, **more}).json()
            task = unnamed.post(TASKS, {"id": answer["task_id"]}).json()
            return [unnamed.call("GET", item["image_url"]).content for item in task["response"]["data"]]

        got = pictures() + pictures(**{"async": True})
        unnamed.picture(GENERATE, sample=1)
        got += pictures(callback_url="https://example.org/hook")
        assert got == [named.picture(GENERATE, sample=take) for take in (1, 2, 3)]
        assert pictures(prompt="a dog") == [named.picture({**GENERATE, "prompt": "a dog"})]
        assert len({*pictures(count=2), *pictures(count=2)}) == 4

    def test_unknown_fields_pass(self, client: Client) -> None:
        """What is not documented today may be tomorrow."""
        answer = client.post(IMAGES, {**GENERATE, "seed": 7, "tomorrow": {"a": [1]}})
        assert answer.status_code == 200
        task = client.post(TASKS, {"id": answer.json()["task_id"]}).json()
        assert task["request"] == {**GENERATE, "seed": 7, "tomorrow": {"a": [1]}}

    def test_links_stand_on_the_address_that_was_called(self) -> None:
        """Served on a port, the pictures are behind that port."""
        client = Client(base="http://127.0.0.1:8123")
        answer = client.post(IMAGES, GENERATE).json()
        assert answer["data"][0]["image_url"] == f"http://127.0.0.1:8123/cdn/{answer['task_id']}.png"


def client_without_header(client: Client) -> bytes:
    """The picture of a client that knows nothing of samples."""
    return client.call("GET", client.post(IMAGES, GENERATE).json()["data"][0]["image_url"]).content


BAD = [
    ([], "The body must be a JSON object."),
    ({"prompt": "x"}, "action is required."),
    ({**GENERATE, "action": "paint"}, "action is invalid."),
    ({**GENERATE, "action": ["edit"]}, "action is invalid."),
    ({"action": "generate"}, "prompt is required."),
    ({**GENERATE, "prompt": ""}, "prompt is required."),
    ({**GENERATE, "prompt": 7}, "prompt is invalid."),
    ({**GENERATE, "model": "nano-banana-9"}, "model is invalid."),
    ({**GENERATE, "model": None}, "model is invalid."),
    ({**GENERATE, "aspect_ratio": "969"}, "aspect_ratio is invalid."),
    ({**GENERATE, "aspect_ratio": 969}, "aspect_ratio is invalid."),
    ({**GENERATE, "resolution": "2k"}, "resolution is invalid."),
    ({**GENERATE, "count": 0}, "count is invalid."),
    ({**GENERATE, "count": 5}, "count is invalid."),
    ({**GENERATE, "count": True}, "count is invalid."),
    ({**GENERATE, "count": 2.0}, "count is invalid."),
    ({**GENERATE, "async": "yes"}, "async is invalid."),
    ({**GENERATE, "callback_url": 1}, "callback_url is invalid."),
    ({**GENERATE, "image_urls": "data:"}, "image_urls is invalid."),
    ({"action": "edit", "prompt": "x"}, "image_urls is required."),
    (edit(image_urls=[]), "image_urls is required."),
    (edit(image_urls=[7]), "image_urls[0] is invalid."),
    (edit(image_urls=["photo.png"]), "image_urls[0] is invalid."),
    (edit(image_urls=["data:image/png;base64,%%%"]), "image_urls[0] is invalid: its base64 cannot be read."),
    (edit(image_urls=[uri(png()), uri(b"no picture")]), "image_urls[1] is not a picture that can be read."),
    (edit(image_urls=[uri(png()[:60])]), "image_urls[0] is not a picture that can be read."),
    (
        edit(image_urls=["https://example.org/a.png"]),
        "image_urls[0] is a link, and the sandbox has no network: send the picture as a data URI.",
    ),
]


class TestRefusals:
    """The two envelopes: the gateway's without `success`, the provider's with it."""

    @pytest.mark.parametrize(
        ("body", "message"), BAD, ids=[f"{nth}: {message}" for nth, (_, message) in enumerate(BAD)]
    )
    def test_each_documented_rule_has_its_message(self, client: Client, body: Any, message: str) -> None:
        """400 `bad_request`, in the gateway's envelope, and nothing is remembered."""
        answer = client.post(IMAGES, body)
        assert_gateway_error(answer, 400, "bad_request", message)
        assert client.post(TASKS, {"action": "retrieve_batch"}).json() == {"items": [], "count": 0}

    @pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"action": NaN', b"[" * 100_000])
    def test_what_is_no_json_is_a_bad_request(self, client: Client, content: bytes) -> None:
        """However it is broken."""
        assert_gateway_error(client.call("POST", IMAGES, content=content), 400, "bad_request")

    def test_a_body_of_very_many_members_is_a_bad_request(self, client: Client) -> None:
        """Two bytes each on the wire, dozens in memory."""
        content = b"[" + b"[]," * 1_000_001 + b"[]]"
        answer = client.call("POST", IMAGES, content=content)
        assert_gateway_error(answer, 400, "bad_request", "The body has too many members.")

    @pytest.mark.parametrize("text", ['"\\ud800"', "NaN", "[Infinity]"])
    def test_what_no_answer_could_carry_back_is_a_bad_request(self, client: Client, text: str) -> None:
        """A task shows its request; half a surrogate pair would break the answer then."""
        content = f'{{"action": "generate", "prompt": "a cat", "more": {text}}}'.encode()
        assert_gateway_error(client.call("POST", IMAGES, content=content), 400, "bad_request")

    @pytest.mark.parametrize("path", [IMAGES, TASKS])
    def test_a_token_is_asked_for(self, client: Client, path: str) -> None:
        """None is 400 `no_token`, an empty or strange one 401 `invalid_token`."""
        assert_gateway_error(client.post(path, GENERATE, token=None), 400, "no_token")
        for strange in ("", "Bearer", "Bearer  ", "Basic abc"):
            assert_gateway_error(client.post(path, GENERATE, token=strange), 401, "invalid_token")

    def test_a_picture_above_10_mb_is_too_large(self, client: Client) -> None:
        """Exactly 10 MB pass that check (and fail as a picture), one byte more does not."""
        limit = uri(b"\0" * MAX_PICTURE_BYTES)
        assert_gateway_error(client.post(IMAGES, edit(image_urls=[limit])), 400, "bad_request")
        above = uri(b"\0" * (MAX_PICTURE_BYTES + 1))
        assert_gateway_error(client.post(IMAGES, edit(image_urls=[above])), 413, "request_too_large")

    def test_a_picture_with_too_many_pixels_is_refused(self, client: Client) -> None:
        """A small file can be a huge picture."""
        packed = BytesIO()
        Image.new("1", (20_000, 20_000)).save(packed, "PNG")
        answer = client.post(IMAGES, edit(image_urls=[uri(packed.getvalue())]))
        assert_gateway_error(answer, 400, "bad_request", "image_urls[0] is not a picture that can be read.")

    def test_an_unknown_path_is_no_api(self, client: Client) -> None:
        """404 `no_api`; so is a known path with another method."""
        assert_gateway_error(client.post("/nano-banana/pictures", {}), 404, "no_api")
        assert_gateway_error(client.call("GET", IMAGES), 404, "no_api")

    @pytest.mark.parametrize("sample", ["0", "-1", "x", "1.0", ""])
    def test_a_sample_counts_from_1(self, client: Client, sample: str) -> None:
        """The header is ours, and checked like the rest."""
        answer = client.post(IMAGES, GENERATE, headers={"x-banana-pipe-sample": sample})
        assert_gateway_error(answer, 400, "bad_request", "x-banana-pipe-sample is invalid.")

    @pytest.mark.parametrize(("word", "status", "code"), [("refuse", 403, "forbidden"), ("fail", 500, "api_error")])
    def test_words_in_the_prompt_try_out_a_failure(self, client: Client, word: str, status: int, code: str) -> None:
        """Whole words only. Asked at once it is the answer, asked by task it is the task's end."""
        body = {**GENERATE, "prompt": f"a cat, Sandbox-{word.title()}!"}
        answer = client.post(IMAGES, body)
        assert answer.status_code == status
        assert set(answer.json()) == {"success", "error", "trace_id", "task_id"}
        assert (answer.json()["success"], answer.json()["error"]["code"]) == (False, code)
        task = client.post(TASKS, {"id": client.submit(body)}).json()
        assert task["response"]["error"]["code"] == code
        assert client.call("GET", f"/cdn/{task['id']}.png").status_code == 404
        assert client.post(IMAGES, {**GENERATE, "prompt": f"sandbox-{word}d"}).status_code == 200


def assert_gateway_error(answer: httpx.Response, status: int, code: str, message: str | None = None) -> None:
    """The gateway's envelope, with that code and perhaps that message."""
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "trace_id"}
    assert answer.json()["error"]["code"] == code
    assert message is None or answer.json()["error"]["message"] == message


class TestTasks:
    """POST /nano-banana/tasks."""

    def test_a_task_is_under_way_until_its_seconds_have_passed(self) -> None:
        """No end, no elapsed time, no response and no picture before; all of them afterwards."""
        client = Client(seconds=11.25)
        task_id = client.submit(GENERATE)
        pending = client.post(TASKS, {"id": task_id, "action": "retrieve"}).json()
        assert not {"finished_at", "elapsed", "response"} & set(pending)
        assert client.call("GET", f"/cdn/{task_id}.png").status_code == 404
        client.time += 11.25
        done = client.post(TASKS, {"id": task_id}).json()
        assert (done["created_at"], done["finished_at"], done["elapsed"]) == (client.time - 11.25, client.time, 11.25)
        assert done["response"]["data"][0]["image_url"] == f"http://sandbox/cdn/{task_id}.png"
        assert client.call("GET", f"/cdn/{task_id}.png").status_code == 200

    def test_a_task_object_has_the_documented_fields(self, client: Client) -> None:
        """Those of the vendor's task guide."""
        task_id = client.submit(GENERATE)
        task = client.post(TASKS, {"id": task_id}).json()
        assert set(task) == {
            *("_id", "id", "api_id", "application_id", "credential_id", "user_id", "created_at", "started_at"),
            *("finished_at", "elapsed", "type", "trace_id", "request", "response"),
        }  # fmt: skip
        assert (task["id"], task["type"], task["request"]) == (task_id, "images", {**GENERATE, "async": True})

    def test_pictures_stand_as_their_digests_in_a_task(self, client: Client) -> None:
        """Nobody wants 10 MB back with each poll."""
        task = client.post(TASKS, {"id": client.submit(edit())}).json()
        assert task["request"]["image_urls"] == [f"sha256:{sha256(png()).hexdigest()}"]

    def test_a_batch_by_ids_leaves_out_what_is_unknown(self, client: Client) -> None:
        """Each task once."""
        first, second = client.submit(GENERATE), client.submit(edit())
        batch = client.post(TASKS, {"action": "retrieve_batch", "ids": [second, "nobody", first, second]}).json()
        assert ({item["id"] for item in batch["items"]}, batch["count"]) == ({first, second}, 2)

    @given(moments=st.lists(st.integers(0, 20), max_size=12), span=st.tuples(st.integers(0, 20), st.integers(0, 20)),
           limit=st.integers(1, 5))  # fmt: skip
    @settings(max_examples=25, deadline=None)
    def test_the_pages_of_a_listing_together_are_the_tasks_of_that_span(
        self, moments: list[int], span: tuple[int, int], limit: int
    ) -> None:
        """Newest first, none twice, none missing; `count` says how many there are."""
        client = Client()
        wanted: list[str] = []
        for moment in sorted(moments):
            client.time = float(moment)
            task_id = client.submit(GENERATE)
            wanted = [task_id, *wanted] if span[0] <= moment <= span[1] else wanted
        asked = {"action": "retrieve_batch", "created_at_min": span[0], "created_at_max": span[1], "limit": limit}
        listed: list[str] = []
        for offset in range(0, len(wanted) + limit, limit):
            page = client.post(TASKS, {**asked, "offset": offset}).json()
            assert page["count"] == len(wanted)
            assert len(page["items"]) <= limit
            listed += [item["id"] for item in page["items"]]
        assert listed == wanted

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "id is required."),
            ({"id": 7}, "id is required."),
            ({"id": "nobody"}, "id is invalid."),
            ({"id": "nobody", "action": "delete"}, "action is invalid."),
            ({"action": "retrieve_batch", "ids": "nobody"}, "ids is invalid."),
            ({"action": "retrieve_batch", "ids": [1]}, "ids is invalid."),
            ({"action": "retrieve_batch", "created_at_min": "today"}, "created_at_min is invalid."),
            ({"action": "retrieve_batch", "ids": ["x"] * 1001}, "ids is invalid."),
            ({"action": "retrieve_batch", "limit": 0}, "limit is invalid."),
            ({"action": "retrieve_batch", "limit": 1001}, "limit is invalid."),
            ({"action": "retrieve_batch", "offset": -1}, "offset is invalid."),
            ([], "The body must be a JSON object."),
        ],
    )
    def test_wrong_questions_are_bad_requests(self, client: Client, body: Any, message: str) -> None:
        """With the field that is wrong."""
        assert_gateway_error(client.post(TASKS, body), 400, "bad_request", message)


@pytest.mark.parametrize("name", ["x.png", "../secret", f"{'0' * 8}-0000-0000-0000-{'0' * 12}.png", ".png"])
def test_the_cdn_knows_its_own_pictures_only(client: Client, name: str) -> None:
    """All else is a dead link."""
    assert client.call("GET", f"/cdn/{name}").status_code == 404


class TestMemory:
    """What is remembered, and for how long."""

    @given(sizes=st.lists(st.integers(0, 5000), max_size=20), most=st.integers(1, 8))
    def test_the_newest_tasks_are_kept_within_bounds(self, sizes: list[int], most: int) -> None:
        """At most so many, at most so many bytes, the oldest go first, the newest always stays."""
        memory = Memory(max_tasks=most, max_bytes=20_000)
        tasks = [self._task(nth, size) for nth, size in enumerate(sizes)]
        for task in tasks:
            memory.add(task)
        kept = memory.between(0, len(tasks))
        assert kept == list(reversed(tasks))[: len(kept)]
        assert len(kept) <= most
        assert sum(task.size() for task in kept) <= 20_000
        assert bool(kept) == bool(tasks)

    @staticmethod
    def _task(nth: int, size: int) -> Task:
        sheet = Sheet("generate", "nano-banana", "x")
        return Task(str(nth), "trace", {"prompt": "x" * size}, (sheet,), nth, nth, None)


def test_sandboxes_share_nothing() -> None:
    """Each has its own tasks: there is no global state."""
    one, other = Client(), Client()
    ask: Callable[[Client], Any] = partial(Client.post, url=TASKS, body={"action": "retrieve_batch"})
    one.submit(GENERATE)
    assert (ask(one).json()["count"], ask(other).json()["count"]) == (1, 0)

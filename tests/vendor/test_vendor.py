"""The oracle itself is tried: what it bills, what it lists, and that its faults are what they say."""

from __future__ import annotations

import ast
import base64
import http.client
import json
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.canary import CANARY
from tests.vendor import FOREVER, Fault, Vendor, VendorProcess
from tests.vendor.behaviour import KINDS
from tests.vendor.fixture import env_for

CAT: dict[str, Any] = {"action": "generate", "prompt": "a cat", "model": "nano-banana", "async": True}
AT_ONCE = {name: value for name, value in CAT.items() if name != "async"}

_TO_CLOSE: list[http.client.HTTPConnection | http.client.HTTPResponse] = []


@pytest.fixture(autouse=True)
def _no_connection_is_left() -> Iterator[None]:
    yield
    while _TO_CLOSE:
        _TO_CLOSE.pop().close()


class Client:
    """One connection to the vendor."""

    def __init__(self, vendor: Vendor | VendorProcess, token: str = CANARY, patience: float = 10) -> None:
        where = urllib.parse.urlsplit(vendor.base_url)
        assert where.hostname
        self._token = token
        self._connection = http.client.HTTPConnection(where.hostname, where.port, timeout=patience)
        _TO_CLOSE.append(self._connection)

    def get(self, link: str) -> http.client.HTTPResponse:
        self._connection.request("GET", urllib.parse.urlsplit(link).path)
        return self._answer()

    def _answer(self) -> http.client.HTTPResponse:
        answer = self._connection.getresponse()
        _TO_CLOSE.append(answer)
        return answer

    def ask(self, path: str, body: Any) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        self._connection.request("POST", path, json.dumps(body), headers)
        return self._answer()

    def say(self, path: str, body: Any) -> tuple[int, Any]:
        answer = self.ask(path, body)
        return answer.status, json.loads(answer.read())

    def submit(self, body: Any) -> Any:
        return self.say("/nano-banana/images", body)[1]

    def tasks(self, **query: Any) -> Any:
        return self.say("/nano-banana/tasks", {"action": "retrieve_batch", **query})[1]

    def listed(self, **query: Any) -> list[str]:
        return [item["request"]["prompt"] for item in self.tasks(created_at_min=0, **query)["items"]]

    def picture(self, body: Any) -> bytes:
        return self.get(self.submit(body)["data"][0]["image_url"]).read()


class Hands:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def client(vendor: Vendor) -> Client:
    return Client(vendor)


def data_uri(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def test_equal_calls_give_different_pictures_and_separate_charges(vendor: Vendor, client: Client) -> None:
    """Nothing is cached at the vendor: who asks twice pays twice, and gets something else."""
    first, second = client.picture(AT_ONCE), client.picture(AT_ONCE)
    assert first != second
    assert len({charge.task_id for charge in vendor.charges}) == 2
    assert len({charge.wire for charge in vendor.charges}) == 1
    assert [vendor.pictures[charge.task_id] for charge in vendor.charges] == [
        sha256(picture).hexdigest() for picture in (first, second)
    ]


@pytest.mark.parametrize(("kind", "name"), [("png", "PNG"), ("jpeg", "JPEG")])
def test_pictures_decode_and_have_many_colours(vendor: Vendor, client: Client, kind: str, name: str) -> None:
    """A picture is valid and not blank; a JPEG may hide behind the name `.png`."""
    vendor.behave(picture=kind)
    with Image.open(BytesIO(client.picture(AT_ONCE))) as picture:
        colours = picture.getcolors(maxcolors=1 << 24)
        assert (picture.format, picture.size) == (name, (64, 48))
        assert colours is not None
        assert len(colours) > 1000


def test_a_picture_is_the_same_at_every_download_and_as_large_as_wanted(vendor: Vendor, client: Client) -> None:
    """Repainting from the seed gives the billed bytes again."""
    vendor.behave(png_kb=200)
    link = client.submit(AT_ONCE)["data"][0]["image_url"]
    first, second = client.get(link).read(), client.get(link).read()
    assert first == second
    assert 190 * 1024 < len(first) < 210 * 1024
    with Image.open(BytesIO(first)) as picture:
        picture.load()


def test_a_task_is_billed_when_it_is_accepted_and_finishes_by_the_vendors_clock() -> None:
    """Pending takes each of its four shapes and never shows a finish or a link."""
    clock = Hands()
    with Vendor(delay=12, clock=clock) as vendor:
        client = Client(vendor)
        accepted = client.submit(CAT)
        assert "data" not in accepted
        assert [charge.task_id for charge in vendor.charges] == [accepted["task_id"]]
        shapes = [client.tasks(ids=[accepted["task_id"]])["items"][0] for _ in range(4)]
        assert len({json.dumps(shape.get("response", "none")) for shape in shapes}) == 4
        assert not any("finished_at" in shape or "image_url" in json.dumps(shape) for shape in shapes)
        early = client.get(f"/cdn/{accepted['task_id']}.png")
        assert (early.status, early.read()[:6]) == (404, b"<html>")
        clock.at += 12
        (done,) = client.tasks(ids=[accepted["task_id"], "unknown"])["items"]
        assert done["finished_at"] - done["created_at"] == done["elapsed"] == 12
        assert client.get(done["response"]["data"][0]["image_url"]).read().startswith(b"\x89PNG")
        assert client.say("/nano-banana/tasks", {"id": accepted["task_id"]})[1] == done


def test_a_vendor_that_answers_at_once_ignores_async(vendor: Vendor, client: Client) -> None:
    """`answers="at_once"` is the server that never heard of `async`."""
    vendor.behave(answers="at_once")
    assert client.submit(CAT)["data"][0]["prompt"] == "a cat"
    vendor.behave(inline=True)
    assert client.submit(CAT)["data"][0]["image_url"].startswith("data:image/png;base64,")


def test_the_wire_leaves_out_async_and_callback_and_counts_pictures_by_their_bytes(
    vendor: Vendor, client: Client
) -> None:
    """The bill tells calls apart by what can change a pixel, not by how a picture was packed."""
    edit = {"action": "edit", "prompt": "bluer", "image_urls": [data_uri(b"one")]}
    client.submit(edit)
    client.submit(edit | {"async": True, "callback_url": "https://x.example/"})
    client.submit(edit | {"image_urls": ["data:image/webp;base64,b25l"]})
    client.submit(edit | {"image_urls": [data_uri(b"two")]})
    client.submit(edit | {"aspect_ratio": "16:9"})
    one, same, packed, other, wide = vendor.charges
    assert one.wire == same.wire == packed.wire
    assert len({one.wire, other.wire, wide.wire}) == 3
    assert one.images == (f"sha256:{sha256(b'one').hexdigest()}",)
    assert (one.params, wide.params) == ({}, {"aspect_ratio": "16:9"})


def test_posts_are_kept_small_and_without_the_token(vendor: Vendor, client: Client) -> None:
    """A test sees what was sent, but neither megabytes nor the canary."""
    client.submit({"action": "edit", "prompt": "x", "image_urls": [data_uri(bytes(1_000_000))]})
    (post,) = vendor.posts
    assert post.headers["authorization"] == "present"
    assert "aspect_ratio" not in post.body
    assert len(repr(post)) < 2000
    assert CANARY not in repr(vendor.received)


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": ""},
        {"action": "paint"},
        {"action": "edit"},
        {"model": "teal"},
        {"aspect_ratio": 969},
        {"resolution": "8K"},
        {"image_urls": ["cat.png"]},
    ],
)
def test_a_wrong_body_is_refused_and_not_billed(vendor: Vendor, client: Client, wrong: dict[str, Any]) -> None:
    """16:9 that arrives as a number is as wrong as a path in place of a picture."""
    status, answer = client.say("/nano-banana/images", CAT | wrong)
    assert (status, answer["error"]["code"]) == (400, "bad_request")
    assert "success" not in answer
    assert (len(vendor.charges), len(vendor.posts)) == (0, 1)


@pytest.mark.parametrize(("token", "status", "code"), [("", 400, "no_token"), ("wrong", 401, "invalid_token")])
def test_without_the_right_token_nothing_is_sold(vendor: Vendor, token: str, status: int, code: str) -> None:
    """Envelope A, and the POST counts as received."""
    stranger = Client(vendor, token)
    for path in ("/nano-banana/images", "/nano-banana/tasks"):
        answered, answer = stranger.say(path, CAT)
        assert (answered, answer["error"]["code"]) == (status, code)
    assert (len(vendor.charges), len(vendor.posts)) == (0, 1)


def test_an_empty_account_says_used_up(vendor: Vendor, client: Client) -> None:
    """After as many pictures as the balance pays for: 403, whatever is asked."""
    vendor.behave(balance=2)
    answers = [client.say("/nano-banana/images", CAT) for _ in range(3)]
    assert [status for status, _ in answers] == [200, 200, 403]
    assert answers[2][1]["error"]["code"] == "used_up"
    assert len(vendor.charges) == 2


def test_listings_come_at_once_late_or_not_at_all() -> None:
    """Each mode shows what it promises, by the vendor's clock."""
    clock = Hands()
    with Vendor(clock=clock) as vendor:
        client = Client(vendor)
        client.submit(CAT)
        assert client.listed() == ["a cat"]
        vendor.behave(listing="late", listing_delay=90)
        assert client.listed() == []
        clock.at += 89
        assert client.listed() == []
        vendor.advance(1)
        assert client.listed() == ["a cat"]
        vendor.behave(listing="empty")
        assert client.tasks(created_at_min=0) == {"items": [], "count": 0}
        vendor.behave(listing="never")
        assert client.tasks(created_at_min=0)["error"]["code"] == "bad_request"


def test_accounts_are_told_nothing_of_each_others_tasks() -> None:
    """If told so: neither listed nor polled; the bill is one."""
    with Vendor(accounts=True) as vendor:
        ours, theirs = Client(vendor, "ours"), Client(vendor, "theirs")
        task_id = ours.submit(CAT)["task_id"]
        assert (ours.listed(), theirs.listed()) == (["a cat"], [])
        assert [len(one.tasks(ids=[task_id])["items"]) for one in (ours, theirs)] == [1, 0]
        vendor.behave(accounts=False)
        assert theirs.listed() == ["a cat"]
        assert len(vendor.charges) == 1


def test_listings_keep_to_the_times_asked_for() -> None:
    """Both bounds belong to the span."""
    clock = Hands()
    with Vendor(clock=clock) as vendor:
        client = Client(vendor)
        for number in range(4):
            client.submit(CAT | {"prompt": f"cat {number}"})
            clock.at += 10
        start = 1_000_000.0
        items = client.tasks(created_at_min=start + 10, created_at_max=start + 20)["items"]
        assert [item["request"]["prompt"] for item in items] == ["cat 2", "cat 1"]


def test_listings_come_in_pages_never_larger_than_the_vendor_likes(vendor: Vendor, client: Client) -> None:
    """A large `limit` is cut down in silence; `count` may mean the page or all of them."""
    prompts = [f"cat {number}" for number in range(5)]
    for prompt in prompts:
        client.submit(CAT | {"prompt": prompt})
    vendor.behave(listing="paged")
    seen = [prompt for offset in (0, 2, 4, 6) for prompt in client.listed(limit=100, offset=offset)]
    assert seen == prompts[::-1]
    assert client.tasks(created_at_min=0, offset=4)["count"] == 5
    vendor.behave(count="page")
    assert client.tasks(created_at_min=0, offset=4)["count"] == 1


def test_a_rewriting_listing_shows_links_where_pictures_were_sent(vendor: Vendor, client: Client) -> None:
    """The task is there, and its pictures can't be compared."""
    vendor.behave(listing="rewrites")
    client.submit({"action": "edit", "prompt": "x", "image_urls": [data_uri(b"one")]})
    (item,) = client.tasks(created_at_min=0)["items"]
    assert [link.split("/")[0] for link in item["request"]["image_urls"]] == ["https:"]


@pytest.mark.parametrize("manner", ["reset", "bare", "html", "status", "hang"])
@pytest.mark.parametrize("accepted", [False, True])
def test_before_acceptance_nothing_is_billed_and_after_it_the_task_is_there(
    vendor: Vendor, manner: str, accepted: bool
) -> None:
    """The two sides of the same silence, told apart only by the ledger and the listing."""
    kind = f"{manner}_after_accept" if accepted else f"{manner}_before" if manner == "reset" else manner
    vendor.fault("submit", Fault(kind, 500 if manner == "status" else 0))
    client = Client(vendor, patience=0.2 if manner == "hang" else 10)
    outcome = _outcome(lambda: client.ask("/nano-banana/images", CAT))
    assert (
        outcome
        == {"reset": "reset", "bare": "502 html", "html": "200 html", "status": "500 json", "hang": "hang"}[manner]
    )
    while not vendor.posts:  # the client's patience may have ended before the vendor's turn came
        time.sleep(0.01)
    assert (len(vendor.charges), len(vendor.posts)) == (int(accepted), 1)
    assert Client(vendor).listed() == ["a cat"] * accepted
    assert vendor.faults_left["submit"] == []


def _outcome(ask: Callable[[], http.client.HTTPResponse]) -> str:
    try:
        answer = ask()
    except ConnectionResetError:
        return "reset"
    except TimeoutError:
        return "hang"
    try:
        json.loads(answer.read())
    except ValueError:
        return f"{answer.status} html"
    return f"{answer.status} json"


def test_errors_carry_code_retry_after_and_for_tasks_the_task_id(vendor: Vendor, client: Client) -> None:
    """Envelope A at the gateway, envelope B where a task exists."""
    vendor.fault("submit", Fault("status", 429, retry_after=1), Fault("status_after_accept", 504), Fault("used_up"))
    answer = client.ask("/nano-banana/images", CAT)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    assert json.loads(answer.read())["error"]["code"] == "too_many_requests"
    status, late = client.say("/nano-banana/images", CAT)
    assert (status, late["error"]["code"], late["success"]) == (504, "timeout", False)
    assert late["task_id"] == vendor.charges[0].task_id
    assert client.submit(CAT)["error"]["code"] == "used_up"


def test_faults_befall_only_the_requests_they_are_meant_for(vendor: Vendor, client: Client) -> None:
    """By prompt, after some have passed, so many times; what is left can be asked for."""
    vendor.fault("submit", Fault("status", 500, match="dog", skip=1, times=2), Fault("status", 404, match="cow"))
    dogs = [client.say("/nano-banana/images", CAT | {"prompt": "a dog"})[0] for _ in range(4)]
    assert dogs == [200, 500, 500, 200]
    assert client.say("/nano-banana/images", CAT)[0] == 200
    assert vendor.faults_left["submit"] == ["status"]
    with pytest.raises(ValueError, match="no fault 'dead_link' of submit"):
        vendor.fault("submit", Fault("dead_link"))


@pytest.mark.parametrize("endpoint", ["submit", "download"])
def test_a_cut_body_is_really_cut(vendor: Vendor, client: Client, endpoint: str) -> None:
    """Framed as whole, without a length, or with too large a one: the three ways to be short."""
    link = client.submit(AT_ONCE)["data"][0]["image_url"]
    whole = client.get(link).read() if endpoint == "download" else b""

    def ask() -> http.client.HTTPResponse:
        another = Client(vendor)
        return another.get(link) if whole else another.ask("/nano-banana/images", AT_ONCE)

    vendor.fault("download", *_CUTS) if whole else vendor.fault("submit", *_CUTS)
    framed, endless, short = ask(), ask(), ask()
    assert framed.headers["Content-Length"] == "40"
    assert endless.headers["Content-Length"] is None
    bodies = [framed.read(), endless.read()]
    assert [len(body) for body in bodies] == [40, 40]
    with pytest.raises(http.client.IncompleteRead) as cut:
        short.read()
    assert len(cut.value.partial) == 40
    if whole:
        assert bodies == [whole[:40]] * 2
        assert ask().read() == whole
    else:
        assert len(vendor.charges) == 4


_CUTS = (Fault("truncate", 40, length="right"), Fault("truncate", 40), Fault("short", 40))


def test_a_dripping_body_comes_whole_but_in_drops(vendor: Vendor) -> None:
    """Each read gets a little, so a time-out between bytes never strikes."""
    vendor.fault("submit", Fault("drip", 40, pause=0.1))
    host, port = vendor.base_url.removeprefix("http://").split(":")
    body = json.dumps(CAT).encode()
    head = f"POST /nano-banana/images HTTP/1.1\r\nAuthorization: Bearer {CANARY}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(head.encode() + body)
        drops = [raw.recv(65536)]
        while not drops[-1].endswith(b"}"):
            drops.append(raw.recv(65536))
    assert len(drops) > 2
    assert json.loads(b"".join(drops).partition(b"\r\n\r\n")[2])["success"]


def test_a_reset_is_a_reset_and_no_polite_end(vendor: Vendor) -> None:
    """The kernel reports ECONNRESET before any byte of an answer."""
    vendor.fault("submit", Fault("reset_after_accept"))
    host, port = vendor.base_url.removeprefix("http://").split(":")
    body = json.dumps(CAT).encode()
    head = f"POST /nano-banana/images HTTP/1.1\r\nAuthorization: Bearer {CANARY}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(head.encode() + body)
        with pytest.raises(ConnectionResetError):
            raw.recv(1)
    assert len(vendor.charges) == 1


def test_the_fate_of_a_task_decides_its_bill(vendor: Vendor, client: Client) -> None:
    """Failures and tasks without a picture cost nothing; blank pictures and copies do."""
    vendor.fault(
        "submit", Fault("forbidden"), Fault("fails", code="timeout"), Fault("no_image"), Fault("blank"), Fault("copy")
    )
    edit = {"action": "edit", "prompt": "x", "image_urls": [data_uri(b"one")]}
    tasks = [client.submit(edit | {"async": True})["task_id"] for _ in range(5)]
    by_id = {item["id"]: item for item in client.tasks(ids=tasks)["items"]}
    responses = [by_id[task]["response"] for task in tasks]
    assert [response.get("error", {}).get("code") for response in responses[:2]] == ["forbidden", "timeout"]
    assert all("finished_at" in item for item in by_id.values())
    assert responses[2]["data"] == []
    assert [charge.task_id for charge in vendor.charges] == tasks[3:]
    with Image.open(BytesIO(client.get(responses[3]["data"][0]["image_url"]).read())) as plain:
        assert plain.getcolors() is not None
        assert len(plain.getcolors() or []) == 1
    assert client.get(responses[4]["data"][0]["image_url"]).read() == b"one"
    vendor.fault("submit", Fault("forbidden"))
    status, answer = client.say("/nano-banana/images", AT_ONCE)
    assert (status, answer["error"]["code"], answer["success"]) == (403, "forbidden", False)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("null_response", None),
        ("success_without_data", {"success": True, "data": []}),
        ("string_error", {"success": False, "error": "fetch failed"}),
    ],
)
def test_a_poll_can_be_told_nonsense_about_some_tasks(vendor: Vendor, client: Client, kind: str, shown: Any) -> None:
    """Only the matching task's item is spoilt, and only once."""
    cat, dog = (client.submit(CAT | {"prompt": prompt})["task_id"] for prompt in ("a cat", "a dog"))
    vendor.fault("poll", Fault(kind, match="dog"))
    items = {item["id"]: item for item in client.tasks(ids=[cat, dog])["items"]}
    assert items[cat]["response"]["data"]
    assert items[dog]["response"] == shown
    assert "finished_at" not in items[dog]
    assert all("finished_at" in item for item in client.tasks(ids=[cat, dog])["items"])


def test_a_poll_can_forget_a_task_or_its_success(vendor: Vendor, client: Client) -> None:
    """A task missing in one answer is there in the next."""
    task = client.submit(CAT)["task_id"]
    vendor.fault("poll", Fault("forgets"), Fault("no_success_flag"), Fault("status", 503))
    assert client.tasks(ids=[task])["items"] == []
    response = client.tasks(ids=[task])["items"][0]["response"]
    assert "success" not in response
    assert response["data"]
    assert client.say("/nano-banana/tasks", {"action": "retrieve_batch", "ids": [task]})[0] == 503


def test_a_submit_can_claim_success_and_show_nothing(vendor: Vendor, client: Client) -> None:
    """The task is billed all the same, and a poll has its picture."""
    vendor.fault("submit", Fault("success_without_data", times=2))
    for body in (CAT, AT_ONCE):
        answer = client.submit(body)
        assert (answer["success"], answer["data"]) == (True, [])
        assert client.tasks(ids=[answer["task_id"]])["items"][0]["response"]["data"]
    assert len(vendor.charges) == 2


def test_links_die_lead_elsewhere_or_to_rubbish(vendor: Vendor, client: Client) -> None:
    """Every way in which a paid picture can fail to come."""
    link = client.submit(AT_ONCE)["data"][0]["image_url"]
    vendor.fault("download", Fault("garbage"), Fault("redirect", to="http://10.0.0.1/x"), Fault("html"))
    garbage = client.get(link).read()
    with pytest.raises(OSError, match="Truncated"):
        Image.open(BytesIO(garbage))
    redirect = client.get(link)
    assert (redirect.status, redirect.headers["Location"], redirect.read()) == (302, "http://10.0.0.1/x", b"")
    assert client.get(link).read().startswith(b"<html>")
    vendor.fault("download", Fault("dead_link", 410, times=FOREVER, match="cat"))
    gone = client.get(link)
    assert (gone.status, gone.read()[:6]) == (410, b"<html>")
    other = client.submit(AT_ONCE | {"prompt": "a dog"})["data"][0]["image_url"]
    assert client.get(other).read().startswith(b"\x89PNG")
    assert vendor.counts["download"] == 5


def test_every_kind_of_fault_can_happen_on_its_endpoint(vendor: Vendor) -> None:
    """None of them crashes the vendor: the next request is answered well."""
    task = Client(vendor).submit(CAT)["task_id"]
    asked: dict[str, Callable[[Client], http.client.HTTPResponse]] = {
        "submit": lambda client: client.ask("/nano-banana/images", CAT),
        "poll": lambda client: client.ask("/nano-banana/tasks", {"action": "retrieve_batch", "ids": [task]}),
        "list": lambda client: client.ask("/nano-banana/tasks", {"action": "retrieve_batch", "created_at_min": 0}),
        "download": lambda client: client.get(f"/cdn/{task}.png"),
    }
    for endpoint, kinds in KINDS.items():
        for kind in sorted(kinds - {"hang", "hang_after_accept", "drip"}):
            vendor.fault(endpoint, Fault(kind, 500 if "status" in kind else 0))
            try:
                asked[endpoint](Client(vendor)).read()
            except (ConnectionResetError, http.client.IncompleteRead):
                assert kind.startswith(("raw", "reset", "short"))
            assert asked[endpoint](Client(vendor)).status == 200, f"after {kind}"
    assert not any(vendor.faults_left.values())


def test_raw_bytes_come_as_they_are_with_the_tasks_id_in_them(vendor: Vendor, client: Client) -> None:
    """Whatever a gateway can say can be written down; before the work nothing is billed, after it the task is."""
    sent = "HTTP/1.1 418 \u00ff\r\ncontent-length: 38\r\n\r\n<{task_id}>"
    vendor.fault("submit", Fault("raw_after_accept", sent=sent))
    answer = client.ask("/nano-banana/images", CAT)
    (charge,) = vendor.charges
    assert (answer.status, answer.read()) == (418, f"<{charge.task_id}>".encode())
    vendor.fault("poll", Fault("raw", sent=sent))
    retrieve = {"action": "retrieve_batch", "ids": [charge.task_id]}
    assert Client(vendor).ask("/nano-banana/tasks", retrieve).read() == f"<{charge.task_id}>".encode()
    vendor.fault("submit", Fault("raw", sent=sent.replace("38", "2")))
    assert Client(vendor).ask("/nano-banana/images", CAT).read() == b"<>"
    assert len(vendor.charges) == 1


def test_faults_may_come_by_chance_and_end_when_the_vendor_is_calmed(vendor: Vendor) -> None:
    """One in two, more or less; then none."""
    vendor.fault("submit", Fault("status", number=429, chance=0.5, times=FOREVER))
    statuses = [Client(vendor).ask("/nano-banana/images", CAT).status for _ in range(40)]
    assert 8 < statuses.count(429) < 32
    vendor.calm()
    assert {Client(vendor).ask("/nano-banana/images", CAT).status for _ in range(20)} == {200}


def test_many_clients_at_once_are_all_billed_once_per_post() -> None:
    """Eight times eight connections, in a process of its own: no POST is lost or counted twice."""
    with VendorProcess(delay=0.01) as vendor:

        def buy(number: int) -> list[str]:
            client = Client(vendor)
            return [client.submit(CAT | {"prompt": f"{number}"})["task_id"] for _ in range(5)]

        with ThreadPoolExecutor(64) as pool:
            bought = [task for tasks in pool.map(buy, range(64)) for task in tasks]
        assert sorted(bought) == sorted(charge.task_id for charge in vendor.charges)
        assert len(vendor.posts) == len(set(bought)) == 320
        assert vendor.peak >= 1


def test_a_vendor_process_is_steered_and_read_by_its_control_pages(vendor_process: VendorProcess) -> None:
    """Behaviour, faults, clock and reset work from outside, and the ledger comes back in types."""
    vendor = vendor_process
    client = Client(vendor)
    vendor.behave(delay=1000, price=7)
    vendor.fault("submit", Fault("status", 500))
    assert [client.say("/nano-banana/images", CAT)[0] for _ in range(2)] == [500, 200]
    (charge,) = vendor.charges
    assert (charge.prompt, charge.cost, charge.images) == ("a cat", 7, ())
    assert "finished_at" not in client.tasks(ids=[charge.task_id])["items"][0]
    vendor.advance(1000)
    assert "finished_at" in client.tasks(ids=[charge.task_id])["items"][0]
    link = f"{vendor.base_url}/cdn/{charge.task_id}.png"
    assert sha256(client.get(link).read()).hexdigest() == vendor.pictures[charge.task_id]
    assert vendor.counts == {"submit": 2, "poll": 2, "download": 1}
    vendor.reset()
    assert (vendor.charges, vendor.received, vendor.pictures) == ([], [], {})
    assert client.get("/_control/behaviour").read().startswith(b'{"answers"')
    assert client.say("/_control/behaviour", {"colour": "red"})[0] == 400
    assert client.say("/_control/faults", {"submit": [{"kind": "dead_link"}]})[0] == 400


def test_a_vendor_process_begins_with_behaviour_and_faults_or_not_at_all(capfd: pytest.CaptureFixture[str]) -> None:
    """They are in force for the first request; a slip of the pen is no vendor with other manners."""
    with VendorProcess(faults={"submit": [Fault("status", 429)]}, answers="at_once") as vendor:
        client = Client(vendor)
        assert client.say("/nano-banana/images", CAT)[0] == 429
        assert client.submit(CAT)["data"]
    with pytest.raises(RuntimeError, match="did not start"):
        VendorProcess(colour="red").start()
    assert "colour" in capfd.readouterr().err


def test_a_vendor_process_outlives_clients_that_are_killed(vendor_process: VendorProcess) -> None:
    """What they had sent is billed, their silence harms nobody."""
    vendor_process.fault("submit", Fault("hang_after_accept"))
    sent = json.dumps(CAT).encode()
    head = f"POST /nano-banana/images HTTP/1.1\r\nAuthorization: Bearer x\r\nContent-Length: {len(sent)}\r\n\r\n"
    vendor_process.behave(token="")
    port = int(vendor_process.base_url.rpartition(":")[2])
    code = (
        "import os, signal, socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1])));"
        "s.sendall(sys.stdin.buffer.read()); print(flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as client:
        assert client.stdin
        assert client.stdout
        client.stdin.write(head.encode() + sent)
        client.stdin.close()
        client.stdout.readline()
        client.kill()
    assert Client(vendor_process).submit(CAT)["success"]
    assert len(vendor_process.charges) == 2


def test_the_environment_leads_a_client_to_the_vendor_with_the_canary(vendor: Vendor) -> None:
    """The one place where tests get their token from."""
    environment = env_for(vendor)
    assert environment["ACEDATACLOUD_API_BASE_URL"] == vendor.base_url
    assert Client(vendor, environment["ACEDATACLOUD_API_TOKEN"]).submit(CAT)["success"]


def test_the_books_can_be_as_if_some_requests_had_never_come(vendor_process: VendorProcess) -> None:
    """What was kept stays kept, however often one goes back to a part of it."""
    client = Client(vendor_process)
    client.submit(CAT)
    client.submit(CAT | {"prompt": "another"})
    vendor_process.keep()
    for prompts in (["another"], [], ["another", CAT["prompt"]]):
        vendor_process.rewind(prompts)
        assert {charge.prompt for charge in vendor_process.charges} == set(prompts)
        assert len(vendor_process.pictures) == len(vendor_process.posts) == len(prompts)
        client.submit(CAT | {"prompt": "later"})


def test_a_port_can_be_taken_again_after_a_stop() -> None:
    """A vendor that goes down and comes back is refused in between, not hung."""
    with Vendor() as vendor:
        client = Client(vendor)
        client.submit(CAT)
        port = int(vendor.base_url.rpartition(":")[2])
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=10)
    with Vendor(port=port) as again:
        assert Client(again).submit(CAT)["success"]


def test_the_vendor_imports_nothing_of_what_it_judges() -> None:
    """An oracle that shares code with the accused would share its errors."""
    for path in Path(__file__).parent.glob("*.py"):
        for line in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in line.names] if isinstance(line, ast.Import) else []
            names += [line.module or ""] if isinstance(line, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "banana_pipe" for name in names), path.name
    asked = "import sys, tests.vendor; sys.exit(any(name.startswith('banana_pipe') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", asked], cwd=Path(__file__).parents[2], check=False).returncode == 0

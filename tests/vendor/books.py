"""The vendor's books: what came in, which tasks there are, and what was billed.

Unaware of HTTP and of threads: its owner locks.
"""

from __future__ import annotations

import base64
import json
import os
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from tests.vendor.behaviour import Behaviour, Fault
from tests.vendor.pictures import Picture, blank, noise

STATUS_OF = {
    "bad_request": 400,
    "no_token": 400,
    "token_mismatched": 400,
    "api_not_implemented": 400,
    "invalid_token": 401,
    "token_expired": 401,
    "disabled": 403,
    "used_up": 403,
    "forbidden": 403,
    "no_api": 404,
    "request_too_large": 413,
    "too_many_requests": 429,
    "api_error": 500,
    "timeout": 504,
}
USUAL_CODE = {
    400: "bad_request",
    401: "invalid_token",
    403: "forbidden",
    404: "no_api",
    413: "request_too_large",
    429: "too_many_requests",
    500: "api_error",
    504: "timeout",
}
MODELS = tuple(
    model + channel
    for model in ("nano-banana", "nano-banana-2", "nano-banana-2-lite", "nano-banana-pro")
    for channel in ("", ":official")
)
RATIOS = ("1:1", "3:2", "2:3", "16:9", "9:16", "4:3", "3:4")
LARGEST_INPUT = 10 * 1024 * 1024


class Refused(Exception):
    """The vendor's word against a request, one of the codes above."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Charge:
    """A line of the bill: one picture that was made."""

    task_id: str
    wire: str
    """The sha256 of the canonical body without async and callback_url, pictures by their digests."""
    action: str
    prompt: str
    model: str
    params: Mapping[str, Any]
    """Everything else that was sent."""
    images: tuple[str, ...]
    """`sha256:…` of each picture sent, or its link."""
    at: float
    cost: int


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came in. The token is left out, pictures stand as `sha256:…`."""

    endpoint: str
    headers: Mapping[str, str]
    """By lower-case name; `authorization` is `present` where there was one."""
    body: Any
    """The JSON, None if there was none; of a download its task_id."""
    at: float


@dataclass(slots=True)
class Task:
    """A task and its fate, which is decided when it is accepted."""

    task_id: str
    trace_id: str
    request: Mapping[str, Any]
    created_at: float
    finished_at: float
    error: str
    """The code it ends with; empty: it succeeds."""
    picture: Picture | None
    owner: str = ""
    """A digest of the token that it was sent with."""

    @property
    def prompt(self) -> str:
        return str(self.request.get("prompt", ""))


class Books:
    """Everything the vendor remembers."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.charges: list[Charge] = []
        self.received: list[Received] = []
        self.pictures: dict[str, str] = {}

    def only(self, prompts: Collection[str]) -> Books:
        """Books of the same vendor, who has received nothing but requests for *prompts*, and was asked nothing since."""
        books = Books()
        books.tasks = {name: task for name, task in self.tasks.items() if task.prompt in prompts}
        books.charges = [charge for charge in self.charges if charge.task_id in books.tasks]
        books.pictures = {name: digest for name, digest in self.pictures.items() if name in books.tasks}
        books.received = [one for one in self.received if one.endpoint == "submit" and one.body["prompt"] in prompts]
        return books

    def accept(self, body: Any, behaviour: Behaviour, fault: Fault | None, now: float, owner: str = "") -> Task:
        """A new task for *body*, billed if it will succeed. Raises Refused."""
        inputs = _check(body)
        if behaviour.balance is not None and len(self.charges) >= behaviour.balance:
            raise Refused("used_up", "Your balance is not sufficient for current request, please buy more.")
        kind = fault.kind if fault else ""
        task = Task(
            task_id=str(uuid.uuid4()),
            trace_id=str(uuid.uuid4()),
            request=body,
            created_at=now,
            finished_at=now + behaviour.delay,
            error=_error(fault),
            picture=None if kind == "no_image" else _picture(kind, behaviour, inputs),
            owner=owner,
        )
        self.tasks[task.task_id] = task
        if task.picture and not task.error:
            self.pictures[task.task_id] = sha256(task.picture()).hexdigest()
            self.charges.append(_charge(task, behaviour.price))
        return task

    def listed(
        self, behaviour: Behaviour, query: Mapping[str, Any], now: float, owner: str = ""
    ) -> tuple[list[Task], int]:
        """A page of tasks by time, newest first, and how many there are in all. Raises Refused."""
        if behaviour.listing == "never":
            raise Refused("bad_request", "ids is required.")
        hidden = behaviour.listing_delay if behaviour.listing == "late" else 0.0
        least, most = query.get("created_at_min", 0), query.get("created_at_max", float("inf"))
        shown = [
            task
            for task in reversed(self.tasks.values())
            if behaviour.listing != "empty" and least <= task.created_at <= most and task.created_at + hidden <= now
            if task.owner == owner or not behaviour.accounts
        ]
        offset, limit = int(query.get("offset") or 0), int(query.get("limit") or 0)
        size = min((bound for bound in (limit, behaviour.page) if bound), default=len(shown))
        return shown[offset : offset + size], len(shown)


def redacted(body: Any) -> Any:
    """*body* with every data URI as `sha256:…` of its bytes."""
    if not isinstance(body, dict) or not isinstance(body.get("image_urls"), list):
        return body
    return body | {"image_urls": [_named(link) for link in body["image_urls"]]}


def wire_of(body: Mapping[str, Any]) -> str:
    """What makes two bodies the same call."""
    plain = {name: value for name, value in redacted(body).items() if name not in ("async", "callback_url")}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _check(body: Any) -> list[bytes]:
    """The pictures that came inside *body*. Raises Refused where the vendor would."""
    if not isinstance(body, dict):
        raise Refused("bad_request", "the body is not a JSON object.")
    if body.get("action") not in ("generate", "edit"):
        raise Refused("bad_request", "action is invalid.")
    if not isinstance(body.get("prompt"), str) or not body["prompt"]:
        raise Refused("bad_request", "prompt is required.")
    if body.get("model", "nano-banana") not in MODELS:
        raise Refused("bad_request", "model is invalid.")
    if body.get("aspect_ratio", "1:1") not in RATIOS:
        raise Refused("bad_request", "aspect_ratio is invalid.")
    if body.get("resolution", "1K") not in ("1K", "2K", "4K"):
        raise Refused("bad_request", "resolution is invalid.")
    links = body.get("image_urls", [])
    if not isinstance(links, list) or (body["action"] == "edit" and not links):
        raise Refused("bad_request", "image_urls is required.")
    return [data for link in links if (data := _input(link)) is not None]


def _input(link: Any) -> bytes | None:
    if isinstance(link, str) and link.startswith(("http://", "https://")):
        return None
    try:
        data = _packed(link)
    except ValueError:
        raise Refused("bad_request", "image_urls is invalid.") from None
    if len(data) > LARGEST_INPUT:
        raise Refused("request_too_large", "the image is larger than 10 MB.")
    return data


def _packed(link: Any) -> bytes:
    head, comma, data = link.partition(",") if isinstance(link, str) else ("", "", "")
    if not (comma and head.startswith("data:image/") and head.endswith(";base64")):
        raise ValueError("no data URI of a picture")
    return base64.b64decode(data, validate=True)


def _named(link: Any) -> Any:
    try:
        return f"sha256:{sha256(_packed(link)).hexdigest()}"
    except ValueError:
        return link


def _error(fault: Fault | None) -> str:
    if fault is None or fault.kind not in ("fails", "forbidden"):
        return ""
    return "forbidden" if fault.kind == "forbidden" else fault.code or "api_error"


def _picture(kind: str, behaviour: Behaviour, inputs: Sequence[bytes]) -> Picture:
    seed = os.urandom(16)
    if kind == "blank":
        return partial(blank, seed)
    if kind == "copy" and inputs:
        return partial(bytes, inputs[0])
    return partial(noise, seed, kind=behaviour.picture, kb=behaviour.png_kb)


def _charge(task: Task, price: int) -> Charge:
    body = redacted(task.request)
    named = ("action", "prompt", "model", "image_urls", "async", "callback_url")
    return Charge(
        task_id=task.task_id,
        wire=wire_of(task.request),
        action=body["action"],
        prompt=body["prompt"],
        model=body.get("model", "nano-banana"),
        params={name: value for name, value in body.items() if name not in named},
        images=tuple(body.get("image_urls", [])),
        at=task.created_at,
        cost=price,
    )

"""The nano-banana API as an ASGI app: images, tasks, and a CDN that paints on demand.

Unaware of the client, the ledger and of what the time is good for.

Any bearer token is good. The take comes in the header `x-banana-pipe-sample` (from 1); without it equal
requests get the takes 1, 2, 3 … in the order of their coming. Words in a prompt that let one try how a failure looks: `sandbox-refuse` (403 `forbidden`, as for a prompt that
the provider's safety policy refuses) and `sandbox-fail` (500 `api_error`). A call with `async` is
accepted first and fails as a task, as it does there. A `callback_url` is answered at once too; whether
somebody is called is for whoever serves the app: inside the process nobody is.

Where the vendor's documents are silent: a listing (`retrieve_batch` without `ids`) comes newest
first, `limit` is 10 unless given, and its `count` is how many match, not how many are on the page;
an unknown id is `bad_request` for `retrieve` and is left out by `retrieve_batch`. Neither a listing nor
a batch has more than 1,000 tasks.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Protocol, TypeVar, cast

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from banana_pipe.clock import SystemClock
from banana_pipe.model import Json
from banana_pipe.providers.sandbox.checks import Order, Refused, bad_request, check_body, check_sample, check_token
from banana_pipe.providers.sandbox.memory import Memory, Task
from banana_pipe.providers.sandbox.painter import paint

SAMPLE_HEADER = "x-banana-pipe-sample"
MAX_BODY_BYTES = 256 * 1024 * 1024
PAINTERS = 2
"""Pictures in the making at once: a 4K one takes some 200 MB."""
SMALL_BYTES = 32 * 1024
"""A body without pictures and not larger is read at once: a thread costs more."""
MAX_MEMBERS = 1_000_000
"""Of a body: an empty list takes two bytes on the wire, and 56 in memory."""
DEFAULT_LIMIT = 10
MAX_LISTED = 1000
_IDS = uuid.UUID("6d7a1c1e-5f0b-4a53-9d0c-2f4f6b1f3a55")
_OWNERS = {f"{what}_id": str(uuid.uuid5(_IDS, what)) for what in ("api", "application", "credential", "user")}

Told = Mapping[str, Json]
T = TypeVar("T")


class Caller(Protocol):
    """Tells clients what became of their tasks."""

    def check(self, url: str) -> None:
        """Raises Refused for what is no URL, or cannot be taken on now."""

    def call(self, url: str, told: Told, at: float) -> None:
        """Have *told* POSTed to *url*, not before *at* (seconds since 1970). Comes back at once."""


def create_app(
    *, now: Callable[[], float] | None = None, seconds: float = 0.0, caller: Caller | None = None
) -> Starlette:
    """A sandbox with a memory of its own.

    *now* gives seconds since 1970 (the machine's clock, if nothing else is handed in). A task of an async call is finished *seconds* after it came; *caller* tells whoever left a `callback_url`.
    """
    sandbox = _Sandbox(now or SystemClock().now, seconds, caller, Memory(), CapacityLimiter(PAINTERS))
    return Starlette(
        routes=[
            Route("/nano-banana/images", sandbox.images, methods=["POST"]),
            Route("/nano-banana/tasks", sandbox.tasks, methods=["POST"]),
            Route("/cdn/{name}", sandbox.cdn, methods=["GET"]),
        ],
        exception_handlers={404: _no_api, 405: _no_api, Refused: _refused},
    )


@dataclass(frozen=True, slots=True)
class _Sandbox:
    now: Callable[[], float]
    seconds: float
    caller: Caller | None
    memory: Memory
    workers: CapacityLimiter

    async def images(self, request: Request) -> Response:
        check_token(request.headers.get("authorization"))
        sample = check_sample(request.headers.get(SAMPLE_HEADER))
        received = await _received(request)
        order = await self._read(received, check_body)
        if order.callback is not None and self.caller is not None:
            self.caller.check(order.callback)
        task = self._task(order, sample)
        self.memory.add(task)
        base = str(request.base_url)
        if order.callback is not None and self.caller is not None:
            self.caller.call(order.callback, _response(task, base), task.finished_at)
        if not order.at_once:
            return JSONResponse({"success": True, "task_id": task.id, "trace_id": task.trace_id})
        return JSONResponse(_response(task, base), task.refusal.status if task.refusal else 200)

    async def tasks(self, request: Request) -> Response:
        check_token(request.headers.get("authorization"))
        body = await self._read(await _received(request), _question)
        action = body.get("action", "retrieve")
        if action == "retrieve":
            return JSONResponse(self._shown(self._one(body), request))
        if action == "retrieve_batch":
            found, count = self._listed(body) if "ids" not in body else self._named(body)
            return JSONResponse({"items": [self._shown(task, request) for task in found], "count": count})
        raise bad_request("action is invalid.")

    async def cdn(self, request: Request) -> Response:
        named = re.fullmatch(r"([0-9a-f-]{36})(?:-([2-4]))?\.png", request.path_params["name"])
        task = self.memory.get(named[1]) if named else None
        nth = int(named[2] or 1) if named else 1
        if task is None or task.refusal or nth > len(task.sheets) or self.now() < task.finished_at:
            return Response(status_code=404)
        png = await to_thread.run_sync(paint, task.sheets[nth - 1], limiter=self.workers)
        return Response(png, media_type="image/png")

    async def _read(self, received: bytearray, check: Callable[[Json], T]) -> T:
        """What *check* makes of the body, in a thread where that may take long. Raises Refused."""
        if len(received) > SMALL_BYTES:
            return await to_thread.run_sync(lambda: check(_parsed(received)), limiter=self.workers)
        body = _parsed(received)
        if isinstance(body, dict) and "image_urls" in body:
            return await to_thread.run_sync(check, body, limiter=self.workers)
        return check(body)

    def _task(self, order: Order, sample: int | None) -> Task:
        created = self.now()
        return Task(
            id=str(uuid.uuid4()),
            trace_id=str(uuid.uuid4()),
            echo=order.echo,
            sheets=order.sheets(sample or self.memory.next_take(order.wire, order.count)),
            created_at=created,
            finished_at=created if order.at_once else created + self.seconds,
            refusal=_refusal(order.sheet.prompt),
        )

    def _one(self, body: Mapping[str, Json]) -> Task:
        task_id = body.get("id")
        if not isinstance(task_id, str):
            raise bad_request("id is required.")
        task = self.memory.get(task_id)
        if task is None:
            raise bad_request("id is invalid.")
        return task

    def _named(self, body: Mapping[str, Json]) -> tuple[list[Task], int]:
        ids = body["ids"]
        if not isinstance(ids, list) or len(ids) > MAX_LISTED or not all(isinstance(one, str) for one in ids):
            raise bad_request("ids is invalid.")
        found = self.memory.known(ids)
        return found, len(found)

    def _listed(self, body: Mapping[str, Json]) -> tuple[list[Task], int]:
        found = self.memory.between(_moment(body, "created_at_min", -inf), _moment(body, "created_at_max", inf))
        offset = _number(body, "offset", 0, least=0)
        limit = _number(body, "limit", DEFAULT_LIMIT, least=1, most=MAX_LISTED)
        return found[offset : offset + limit], len(found)

    def _shown(self, task: Task, request: Request) -> dict[str, Json]:
        return _task_object(task, str(request.base_url), done=self.now() >= task.finished_at)


def _refusal(prompt: str) -> Refused | None:
    words = re.findall(r"[\w-]+", prompt.lower())
    if "sandbox-refuse" in words:
        message = "The request was refused by the provider's safety policy (the prompt says sandbox-refuse)."
        return Refused(403, "forbidden", message, by="provider")
    if "sandbox-fail" in words:
        return Refused(500, "api_error", "fetch failed (the prompt says sandbox-fail)", by="provider")
    return None


def _response(task: Task, base: str) -> dict[str, Json]:
    if task.refusal:
        error = {"code": task.refusal.code, "message": task.refusal.message}
        return {"success": False, "error": error, "trace_id": task.trace_id, "task_id": task.id}
    names = [task.id if nth == 1 else f"{task.id}-{nth}" for nth in range(1, len(task.sheets) + 1)]
    data = [{"prompt": task.echo["prompt"], "image_url": f"{base}cdn/{name}.png"} for name in names]
    return {"success": True, "task_id": task.id, "trace_id": task.trace_id, "data": data}


def _task_object(task: Task, base: str, *, done: bool) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "_id": task.id.replace("-", "")[:24],
        "id": task.id,
        **_OWNERS,
        "created_at": task.created_at,
        "started_at": task.created_at,
        "type": "images",
        "trace_id": task.trace_id,
        "request": task.echo,
    }
    if done:
        shown["finished_at"] = task.finished_at
        shown["elapsed"] = task.finished_at - task.created_at
        shown["response"] = _response(task, base)
    return shown


def _moment(body: Mapping[str, Json], field: str, default: float) -> float:
    value = body.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_request(f"{field} is invalid.")
    return value


def _number(body: Mapping[str, Json], field: str, default: int, *, least: int, most: float = inf) -> int:
    value = body.get(field, default)
    if type(value) is not int or not least <= value <= most:
        raise bad_request(f"{field} is invalid.")
    return value


async def _received(request: Request) -> bytearray:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MAX_BODY_BYTES:
            raise Refused(413, "request_too_large", "The request is too large.", by="gateway")
    return received


def _parsed(received: bytearray) -> Json:
    if sum(map(received.count, (b",", b"[", b"{"))) > MAX_MEMBERS:
        raise bad_request("The body has too many members.")
    try:
        return json.loads(received)
    except (ValueError, RecursionError):
        raise bad_request("The body is not valid JSON.") from None


def _question(body: Json) -> dict[str, Json]:
    if not isinstance(body, dict):
        raise bad_request("The body must be a JSON object.")
    return body


async def _refused(_request: Request, error: Exception) -> Response:
    refused = cast(Refused, error)
    return gateway_error(refused.status, refused.code, refused.message)


async def _no_api(_request: Request, _error: Exception) -> Response:
    return gateway_error(404, "no_api", "No API was found for this path and method.")


def gateway_error(status: int, code: str, message: str) -> Response:
    """An error in the gateway's envelope."""
    return JSONResponse({"error": {"code": code, "message": message}, "trace_id": str(uuid.uuid4())}, status)

"""The vendor's counter: what it answers to each request, and what it does for it.

Unaware of sockets and threads; everything here happens under the one lock.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

from tests.vendor.behaviour import Behaviour, Endpoint, Fault, Plan
from tests.vendor.books import STATUS_OF, Books, Received, Refused, Task, redacted
from tests.vendor.connection import Answer, Call, json_answer, page
from tests.vendor.envelopes import error, instead, pending, replaced, spoilt

_TICK = 0.05
"""Seconds between two looks at a clock that somebody else may turn."""


class Shop:
    """Answers requests by its behaviour and plan of faults, and keeps the books."""

    def __init__(self, behaviour: Behaviour, clock: Callable[[], float]) -> None:
        self.lock = threading.RLock()
        self.base_url = ""
        self._clock = clock
        self._ahead = 0.0
        self.behaviour = behaviour
        self._clear()

    def _clear(self) -> None:
        self.books = self._kept = Books()
        self.plan = Plan()
        self.in_flight = self.peak = self._looks = 0

    def now(self) -> float:
        """The vendor's time, seconds since 1970."""
        return self._clock() + self._ahead

    def behave(self, **changes: Any) -> None:
        """Change the behaviour from now on; tasks keep the moment they were to be finished at."""
        with self.lock:
            self.behaviour = replace(self.behaviour, **changes)

    def advance(self, seconds: float) -> None:
        """Turn the vendor's clock on."""
        with self.lock:
            self._ahead += seconds

    def calm(self) -> None:
        """Forget the faults still to come."""
        with self.lock:
            self.plan = Plan()

    def reset(self) -> None:
        """Forget tasks, books and faults; the behaviour stays."""
        with self.lock:
            self._clear()

    def keep(self) -> None:
        """Remember how the books are now, for `rewind`."""
        with self.lock:
            self._kept = self.books

    def rewind(self, prompts: Collection[str]) -> None:
        """Have the books as they were kept, if nothing but *prompts* had come in."""
        with self.lock:
            self.books = self._kept.only(prompts)

    def snapshot(self) -> dict[str, Any]:
        """All that the books say, as JSON has it."""
        with self.lock:
            return {
                "charges": [asdict(charge) for charge in self.books.charges],
                "received": [asdict(received) for received in self.books.received],
                "pictures": dict(self.books.pictures),
                "counts": Counter(received.endpoint for received in self.books.received),
                "peak": self.peak,
                "faults_left": self.plan.left(),
            }

    async def answer(self, call: Call) -> tuple[Answer, Fault | None]:
        """The answer to *call*, and how it is to be spoilt on its way."""
        body = _json_of(call.body)
        if call.method == "POST" and call.path == "/nano-banana/images":
            with _Counted(self):
                return await self._submit(call, body)
        if call.method == "POST" and call.path == "/nano-banana/tasks":
            return self._tasks(call, body if isinstance(body, dict) else {})
        if call.method == "GET" and call.path.startswith("/cdn/"):
            return self._download(call)
        return error("no_api", "there is no such API."), None

    async def _submit(self, call: Call, body: Any) -> tuple[Answer, Fault | None]:
        with self.lock:
            self._note("submit", call, redacted(body))
            if refused := self._unknown_token(call):
                return refused, None
            prompt = body.get("prompt") if isinstance(body, dict) else None
            fault = self.plan.take("submit", [str(prompt)])
            if fault and fault.before_work:
                return instead(fault), fault
            try:
                task = self.books.accept(body, self.behaviour, fault, self.now(), _owner(call))
            except Refused as word:
                return error(word.code, word.message), None
            at_once = not body.get("async") or self.behaviour.answers == "at_once"
        if fault and fault.kind.endswith("_after_accept"):
            return instead(fault, task), fault
        if at_once:
            await self._until(task.finished_at)
            return self._finished_answer(task, fault), fault
        accepted: dict[str, Any] = {"success": True, "task_id": task.task_id, "trace_id": task.trace_id}
        if fault and fault.kind == "success_without_data":
            accepted["data"] = []
        return json_answer(accepted), fault

    def _tasks(self, call: Call, query: Mapping[str, Any]) -> tuple[Answer, Fault | None]:
        ids = query.get("ids") if query.get("action") == "retrieve_batch" else [query.get("id")]
        endpoint: Endpoint = "list" if ids is None else "poll"
        with self.lock:
            self._note(endpoint, call, query)
            if refused := self._unknown_token(call):
                return refused, None
            if ids is None:
                fault = self.plan.take("list", [])
                return (replaced(fault) or self._list(query, _owner(call))), fault
            found = [task for task_id in ids if (task := self.books.tasks.get(str(task_id)))]
            known = [task for task in found if task.owner == _owner(call) or not self.behaviour.accounts]
            fault = self.plan.take("poll", [task.prompt for task in known])
            told_of = known[0] if known else None
            return (replaced(fault, told_of) or self._poll(query, known, fault)), fault

    def _poll(self, query: Mapping[str, Any], known: Sequence[Task], fault: Fault | None) -> Answer:
        items = [self._shown(task) for task in known]
        if fault:
            befallen = [fault.match in task.prompt for task in known]
            items = [
                spoilt(item, fault) if hit else item
                for item, hit in zip(items, befallen, strict=True)
                if not (hit and fault.kind == "forgets")
            ]
        if query.get("action") == "retrieve_batch":
            # Not in the order of the ids: nothing promises that.
            return json_answer({"items": items[::-1], "count": len(items)})
        return json_answer(items[0]) if items else error("bad_request", "the task does not exist.")

    def _list(self, query: Mapping[str, Any], owner: str) -> Answer:
        try:
            tasks, total = self.books.listed(self.behaviour, query, self.now(), owner)
        except Refused as refused:
            return error(refused.code, refused.message)
        items = [self._shown(task) for task in tasks]
        if self.behaviour.listing == "rewrites":
            for item in items:
                item["request"] = self._rewritten(item["request"])
        return json_answer({"items": items, "count": total if self.behaviour.count == "total" else len(items)})

    def _download(self, call: Call) -> tuple[Answer, Fault | None]:
        task_id = call.path.removeprefix("/cdn/").removesuffix(".png")
        with self.lock:
            self._note("download", call, {"task_id": task_id})
            task = self.books.tasks.get(task_id)
            fault = self.plan.take("download", [task.prompt] if task else [])
        if (other := replaced(fault)) is not None:
            return other, fault
        if task is None or task_id not in self.books.pictures or task.picture is None or task.finished_at > self.now():
            return page(404), fault
        return Answer(200, task.picture(), "image/png"), fault

    def _note(self, endpoint: Endpoint, call: Call, body: Any) -> None:
        present = {"authorization": "present"} if "authorization" in call.headers else {}
        headers = {name: value for name, value in call.headers.items() if name != "cookie"} | present
        self.books.received.append(Received(endpoint, headers, body, self.now()))

    def _unknown_token(self, call: Call) -> Answer | None:
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or not token:
            return error("no_token", "no token was given.")
        if self.behaviour.token and token != self.behaviour.token:
            return error("invalid_token", "the token is invalid.")
        return None

    async def _until(self, moment: float) -> None:
        # A test may hand in or turn the clock, and nobody tells when.
        while (left := moment - self.now()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, _TICK))

    def _finished_answer(self, task: Task, fault: Fault | None) -> Answer:
        response = self._response(task)
        if fault and fault.kind == "success_without_data":
            response["data"] = []
        return json_answer(response, STATUS_OF.get(task.error, 500) if task.error else 200)

    def _response(self, task: Task) -> dict[str, Any]:
        ids = {"task_id": task.task_id, "trace_id": task.trace_id}
        if task.error:
            return {"success": False, "error": {"code": task.error, "message": "it did not work out."}} | ids
        data = [{"prompt": task.prompt, "image_url": self._link(task)}] if task.picture else []
        return {"success": True, "data": data} | ids

    def _link(self, task: Task) -> str:
        if self.behaviour.inline and task.picture:
            return f"data:image/png;base64,{base64.b64encode(task.picture()).decode()}"
        return f"{self.behaviour.cdn or self.base_url}/cdn/{task.task_id}.png"

    def _shown(self, task: Task) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "_id": task.task_id.replace("-", "")[:24],
            "id": task.task_id,
            "created_at": task.created_at,
            "started_at": task.created_at,
            "type": "images",
            "trace_id": task.trace_id,
            "request": dict(task.request),
        }
        if task.finished_at > self.now():
            self._looks += 1
            return shown | pending(task, self._looks)
        times = {"finished_at": task.finished_at, "elapsed": task.finished_at - task.created_at}
        return shown | times | {"response": self._response(task)}

    def _rewritten(self, request: Mapping[str, Any]) -> dict[str, Any]:
        links = [f"https://cdn.vendor.example/uploads/{uuid.uuid4()}.png" for _ in request.get("image_urls", [])]
        return dict(request) | ({"image_urls": links} if links else {})


class _Counted(AbstractContextManager[None]):
    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def __enter__(self) -> None:
        with self._shop.lock:
            self._shop.in_flight += 1
            self._shop.peak = max(self._shop.peak, self._shop.in_flight)

    def __exit__(self, *_: object) -> None:
        with self._shop.lock:
            self._shop.in_flight -= 1


def _owner(call: Call) -> str:
    return sha256(call.headers.get("authorization", "").encode()).hexdigest()


def _json_of(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def system_clock() -> float:
    """Seconds since 1970."""
    return time.time()

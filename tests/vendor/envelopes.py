"""What the vendor's answers look like, good and bad.

Unaware of the books and of when an answer is due.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from tests.vendor.behaviour import Fault
from tests.vendor.books import STATUS_OF, USUAL_CODE, Task
from tests.vendor.connection import Answer, json_answer, page


def pending(task: Task, look: int) -> dict[str, Any]:
    """The four ways in which a task says that it isn't done; a client meets them all."""
    shapes: list[dict[str, Any]] = [
        {},
        {"response": None},
        {"response": {"success": True, "task_id": task.task_id}},
        {"response": {"success": True, "data": []}},
    ]
    return shapes[look % len(shapes)]


def spoilt(item: dict[str, Any], fault: Fault) -> dict[str, Any]:
    unfinished = {name: value for name, value in item.items() if name not in ("finished_at", "elapsed")}
    match fault.kind:
        case "null_response":
            return unfinished | {"response": None}
        case "success_without_data":
            return unfinished | {"response": {"success": True, "data": []}}
        case "string_error":
            return unfinished | {"response": {"success": False, "error": "fetch failed"}}
        case "no_success_flag" if item.get("response"):
            response = {name: value for name, value in item["response"].items() if name != "success"}
            return item | {"response": response}
        case _:
            return item


def replaced(fault: Fault | None, task: Task | None = None) -> Answer | None:
    """What comes instead of an honest answer about *task*, None where that is only spoilt on its way."""
    if fault and fault.manner == "raw":
        return instead(fault, task)
    spoils = ("status", "bare", "html", "dead_link", "garbage", "redirect")
    return instead(fault) if fault and fault.manner in spoils else None


def instead(fault: Fault, task: Task | None = None) -> Answer:
    match fault.manner:
        case "status":
            code = fault.code or USUAL_CODE.get(fault.number, "api_error")
            wait = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
            return error(code, "by request.", task, fault.number or STATUS_OF.get(code, 500), wait)
        case "used_up":
            return error("used_up", "Your balance is not sufficient for current request, please buy more.")
        case "html":
            return page(200)
        case "raw":
            return Answer(200, fault.sent.replace("{task_id}", task.task_id if task else "").encode("latin-1"))
        case "dead_link":
            return page(fault.number or 404)
        case "garbage":
            return Answer(200, b"\x89PNG\r\n\x1a\n" + b"no picture at all. " * 200, "image/png")
        case "redirect":
            return Answer(302, b"", "text/html", {"Location": fault.to})
        case _:
            return page(fault.number or 502)


def error(
    code: str,
    message: str,
    task: Task | None = None,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Envelope A, or B where there is a task."""
    said: dict[str, Any] = {"error": {"code": code, "message": message}, "trace_id": str(uuid.uuid4())}
    if task:
        said |= {"success": False, "task_id": task.task_id, "trace_id": task.trace_id}
    return json_answer(said, STATUS_OF.get(code, 500) if status is None else status, headers)

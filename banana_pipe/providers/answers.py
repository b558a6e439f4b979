"""What the vendor's answers mean: bytes and JSON become Done, Pending or ProviderError.

Unaware of connections, of what was asked, and of what follows from an answer.

The vendor knows two envelopes for errors (with `success` and without), has no status field for tasks,
and its documents disagree on HTTP codes: the code of an error is read first, its status second.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote_to_bytes

from banana_pipe.canonical import digest_of
from banana_pipe.model import Json
from banana_pipe.providers.base import Done, Kind, Pending, Picture, ProviderError
from banana_pipe.providers.secret import Token, shown

MAX_KEPT_BODY = 64 * 1024
MAX_DEPTH = 100
_MAX_ID = 200

# Codes and meanings: the vendor's OpenAPI, `concepts/responses` and the guides of this API.
_BY_CODE: Mapping[str, Kind] = {
    "bad_request": "invalid",
    "api_not_implemented": "invalid",
    "no_api": "invalid",
    "no_token": "auth",
    "token_mismatched": "auth",
    "invalid_token": "auth",
    "token_expired": "auth",
    "disabled": "disabled",
    "used_up": "balance",
    "forbidden": "moderation",
    "request_too_large": "too_large",
    "too_many_requests": "rate",
    "rate_limited": "rate",
    "api_error": "transient",
    "timeout": "unknown",
}
_BY_STATUS: Mapping[int, Kind] = {
    401: "auth",
    402: "balance",
    # Without a code it may be a firewall, the account or the address: never a word on the prompt.
    403: "auth",
    # The request may have been worked on.
    408: "unknown",
    409: "unknown",
    413: "too_large",
    429: "rate",
    499: "unknown",
}
_HINTS: Mapping[Kind, str] = {
    "auth": "check the token in ACEDATACLOUD_API_TOKEN, and that it is for this service",
    "balance": "buy credits in the provider's console and run again: what is paid is kept",
    "disabled": "ask the provider's support; they want the trace id",
    "moderation": "change the prompt or its pictures; this was not billed",
    "too_large": "send fewer or smaller pictures: a 1K resolution upstream, or a JPEG",
}

_DONE_WORDS = {"succeed", "succeeded", "success", "completed", "complete", "finished"}
_FAILED_WORDS = {"failed", "failure", "error", "cancelled", "canceled", "rejected"}
_PENDING_WORDS = {"pending", "queued", "submitted", "started", "processing", "running", "in_progress", "waiting"}


@dataclass(frozen=True, slots=True)
class Received:
    """An answer as HTTP brings it. `trouble`: why the body is only a part of it, None for all of it."""

    status: int
    body: bytes
    retry_after: float | None = None
    """Seconds, at most 120."""
    trouble: str | None = None


def read_submission(received: Received, token: Token | None) -> Done | Pending:
    """The answer to a POST for pictures. Raises ProviderError."""
    answer = _read_object(received, token)
    if answer is None:
        raise _unreadable(received, token)
    response, pictures = _without_inline(answer)
    error = _Error(answer, token)
    success = answer.get("success")
    if pictures and success is not False:
        return _done(response, pictures, answer)
    task_id = _id(answer.get("task_id"))
    undecided = not _is_refusal(received.status) and (error.kind in (None, "unknown") or success is True)
    if task_id is not None and undecided:
        return Pending(task_id, _id(answer.get("trace_id")))
    # A 403 with a code that we do not know is a word on this request; without one, on us.
    unknown_word = "invalid" if received.status == 403 and error.code else _by_status(received.status)
    raise _provider_error(error.kind or unknown_word, error, answer, received, token)


def read_task(task: Mapping[str, Json], token: Token | None) -> Done | Pending | ProviderError:
    """How a task stands, from its record: the rules of the vendor's SDK, since there is no status field."""
    response = task.get("response")
    response = response if isinstance(response, dict) else {}
    named = {"task_id": task.get("id"), "trace_id": response.get("trace_id") or task.get("trace_id")}
    reduced, pictures = _without_inline(response)
    error = _Error(response, token) if "error" in response else _Error(task, token)
    word = _status_word(task) or _status_word(response)
    finished = task.get("finished_at") is not None
    pending = Pending(str(task.get("id")), _id(named.get("trace_id")))
    if word in _PENDING_WORDS:
        return pending
    if word in _FAILED_WORDS:
        return _failed(error, named)
    if word not in _DONE_WORDS and response.get("success") is False:
        return _failed(error, named) if error.code or finished else pending
    if pictures:
        return _done(reduced, pictures, named)
    return _failed(error, named) if finished or word in _DONE_WORDS else pending


def read_free_answer(received: Received, token: Token | None, refused: Kind) -> dict[str, Json]:
    """The answer to a call that costs nothing.

    Raises ProviderError: auth, disabled or balance where the provider says so, *refused* where it will
    not answer this call, unavailable for all that may pass.
    """
    answer = _read_object(received, token)
    if answer is None:
        kind = _of_free_call(None, received.status, refused)
        raise _provider_error(kind, _Error({}, token), {}, received, token)
    error = _Error(answer, token)
    if 200 <= received.status < 300 and not error.there and answer.get("success") is not False:
        return answer
    raise _provider_error(_of_free_call(error.kind, received.status, refused), error, answer, received, token)


def read_json(body: bytes, token: Token | None) -> Json:
    """*body* as JSON, the token masked in it. Raises ValueError for all that is not plainly JSON:
    also for NaN, numbers beyond a float, a name given twice in an object, and too deep a nesting."""

    def plain(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        made = {_masked(name, token): _masked(value, token) for name, value in pairs}
        if len(made) != len(pairs):
            raise ValueError("a name stands twice in an object")
        return made

    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=plain, parse_constant=_no_number, parse_float=_float)
    except RecursionError:
        raise ValueError("nested too deep") from None
    _refuse_depth(value, MAX_DEPTH)
    return value


def bytes_of_data_uri(text: str) -> bytes | None:
    """The bytes of a `data:` URI, None for anything else."""
    head, comma, data = text.partition(",")
    if not comma or head[:5].lower() != "data:":
        return None
    return _from_base64(data) if head.lower().endswith(";base64") else unquote_to_bytes(data)


class _Error:
    """The error in an answer, in whichever form: an object, a bare string, or none."""

    def __init__(self, answer: Mapping[str, Json], token: Token | None) -> None:
        error = answer.get("error")
        said = error if isinstance(error, dict) else {"message": error}
        code, message = said.get("code"), said.get("message")
        self.there = error is not None
        self.code = shown(code, token) if isinstance(code, str) and code else None
        self.message = shown(message, token) if isinstance(message, str) else ""
        self.kind = _BY_CODE.get(self.code) if self.code else None


def _done(response: Mapping[str, Json], pictures: tuple[Picture, ...], named: Mapping[str, Json]) -> Done:
    models = [response.get("model"), *(item.get("model") for item in _items(response.get("data")))]
    return Done(
        task_id=_id(named.get("task_id")),
        trace_id=_id(named.get("trace_id")),
        pictures=pictures,
        response=json.dumps(response),
        served=next((model for model in models if isinstance(model, str) and model.isprintable()), None),
    )


def _failed(error: _Error, named: Mapping[str, Json]) -> ProviderError:
    # `no_image` is not asked for again in the same run: that is for what the vendor documents as not billed.
    kind = error.kind
    if kind in (None, "unknown"):
        kind = "no_image"
    elif kind == "rate":
        kind = "transient"
    return _provider_error(kind, error, named)


def _provider_error(
    kind: Kind, error: _Error, named: Mapping[str, Json], received: Received | None = None, token: Token | None = None
) -> ProviderError:
    status = received.status if received else None
    said = error.message or (f"the provider says {error.code}" if error.code else "")
    return ProviderError(
        kind,
        said or (received and received.trouble) or _no_sense(status),
        code=error.code,
        status=status,
        trace_id=_id(named.get("trace_id")),
        task_id=_id(named.get("task_id")),
        retry_after=received.retry_after if received else None,
        body=_kept(received.body, token) if received and kind == "unknown" else None,
        hint=_REDIRECT_HINT if status is not None and 300 <= status < 400 else _HINTS.get(kind),
    )


def _unreadable(received: Received, token: Token | None) -> ProviderError:
    text = _kept(received.body, token)
    named = {name: _only(re.findall(rf'"{name}"\s*:\s*"([\w.-]{{1,200}})"', text)) for name in ("task_id", "trace_id")}
    return _provider_error(_by_status(received.status), _Error({}, token), named, received, token)


def _read_object(received: Received, token: Token | None) -> dict[str, Json] | None:
    try:
        answer = read_json(received.body, token)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


_REDIRECT_HINT = "set the base URL to where it leads: a token is not sent after a redirect"


def _no_sense(status: int | None) -> str:
    if status is None:
        return "the task ended without a picture, and without a word why"
    if 300 <= status < 400:
        return f"the base URL redirects (HTTP {status})"
    return f"the answer makes no sense (HTTP {status})"


def _by_status(status: int) -> Kind:
    return _BY_STATUS.get(status, "invalid" if 300 <= status < 500 else "unknown")


def _is_refusal(status: int) -> bool:
    return 300 <= status < 500 and _by_status(status) != "unknown"


def _of_free_call(kind: Kind | None, status: int, refused: Kind) -> Kind:
    if kind in ("auth", "disabled", "balance"):
        return kind
    if kind in ("transient", "rate", "unknown") or status == 429:
        return "unavailable"
    if kind is None and status in (401, 403):
        return "auth"
    return refused if kind is not None or _is_refusal(status) else "unavailable"


def _status_word(record: Mapping[str, Json]) -> str:
    for name in ("status", "state"):
        word = record.get(name)
        if isinstance(word, str):
            return word.strip().lower()
    return ""


def _items(data: Json) -> Iterator[dict[str, Json]]:
    for item in data if isinstance(data, list) else ():
        if isinstance(item, dict):
            yield item


def _without_inline(response: Mapping[str, Json]) -> tuple[dict[str, Json], tuple[Picture, ...]]:
    """The response with `sha256:…` in place of pictures, and all its pictures."""
    if not isinstance(response.get("data"), list):
        return dict(response), ()
    items: list[Json] = []
    pictures: list[Picture] = []
    for item in response["data"]:
        reduced, picture = _reduced(item) if isinstance(item, dict) else (item, None)
        items.append(reduced)
        pictures += [picture] if picture else []
    return {**response, "data": items}, tuple(pictures)


def _reduced(item: Mapping[str, Json]) -> tuple[Mapping[str, Json], Picture | None]:
    link, text = item.get("image_url"), item.get("b64_json")
    if isinstance(link, str) and link.strip():
        if link[:5].lower() != "data:":
            return item, Picture(url=link)
        return _kept_apart(item, "image_url", bytes_of_data_uri(link))
    if isinstance(text, str) and text.strip():
        return _kept_apart(item, "b64_json", bytes_of_data_uri(text) or _from_base64(text))
    return item, None


def _kept_apart(item: Mapping[str, Json], name: str, data: bytes | None) -> tuple[Mapping[str, Json], Picture | None]:
    if not data:
        return item, None
    return {**item, name: f"sha256:{digest_of(data)}"}, Picture(data=data)


def _from_base64(text: str) -> bytes | None:
    text = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _id(value: Json) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _MAX_ID and value.isprintable() else None


def _only(found: Sequence[str]) -> str | None:
    return found[0] if len(set(found)) == 1 else None


def _kept(body: bytes, token: Token | None) -> str:
    text = body[:MAX_KEPT_BODY].decode("utf-8", "replace")
    return token.redact(text) if token else text


def _masked(value: Json, token: Token | None) -> Json:
    if token is None:
        return value
    if isinstance(value, list):
        return [token.redact(part) if isinstance(part, str) else part for part in value]
    return token.redact(value) if isinstance(value, str) else value


def _refuse_depth(value: Json, left: int) -> None:
    if not left:
        raise ValueError("nested too deep")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _refuse_depth(inner, left - 1)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:20]} is beyond a float")
    return value

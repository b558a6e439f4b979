"""What the vendor's answers mean: bytes and JSON become Done, Pending or ProviderError.

Unaware of connections, of what was asked, and of what follows from an answer.

Tasks have no status field: whether one is finished is told as the vendor's own SDK tells it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from banana_pipe.canonical import digest_of
from banana_pipe.model import Json
from banana_pipe.providers.base import Done, Kind, Pending, Picture, ProviderError
from banana_pipe.providers.reading import Received, bytes_of_data_uri, from_base64, id_of, read_json
from banana_pipe.providers.refusals import Word, by_status, error_of, is_refusal, kind_of_free_call, unreadable
from banana_pipe.providers.secret import Token

_DONE_WORDS = {"succeed", "succeeded", "success", "completed", "complete", "finished"}
_FAILED_WORDS = {"failed", "failure", "error", "cancelled", "canceled", "rejected"}
_PENDING_WORDS = {"pending", "queued", "submitted", "started", "processing", "running", "in_progress", "waiting"}


def read_submission(received: Received, token: Token | None) -> Done | Pending:
    """The answer to a POST for pictures. Raises ProviderError."""
    answer = _read_object(received, token)
    if answer is None:
        raise unreadable(received, token)
    response, pictures = _without_inline(answer)
    error = Word(answer, token)
    success = answer.get("success")
    if pictures and success is not False:
        return _done(response, pictures, answer)
    task_id = id_of(answer.get("task_id"))
    undecided = not is_refusal(received.status) and (error.kind in (None, "unknown") or success is True)
    if undecided and task_id is not None:
        return Pending(task_id, id_of(answer.get("trace_id")))
    if undecided:
        raise error_of("unknown", error, answer, received, token)
    # A 403 with a code that we do not know is a word on this request; without one, on us.
    by_status_alone = "invalid" if received.status == 403 and error.code else by_status(received.status)
    raise error_of(error.kind or by_status_alone, error, answer, received, token)


def read_task(task: Mapping[str, Json], token: Token | None) -> Done | Pending | ProviderError:
    """How a task stands, from its record: the rules of the vendor's SDK, since there is no status field."""
    response = task.get("response")
    response = response if isinstance(response, dict) else {}
    named = {"task_id": task.get("id"), "trace_id": response.get("trace_id") or task.get("trace_id")}
    reduced, pictures = _without_inline(response)
    error = Word(response, token) if "error" in response else Word(task, token)
    word = _status_word(task) or _status_word(response)
    finished = task.get("finished_at") is not None
    pending = Pending(str(task.get("id")), id_of(named.get("trace_id")))
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
        kind = kind_of_free_call(None, received.status, refused)
        raise error_of(kind, Word({}, token), {}, received, token)
    error = Word(answer, token)
    if 200 <= received.status < 300 and not error.there and answer.get("success") is not False:
        return answer
    raise error_of(kind_of_free_call(error.kind, received.status, refused), error, answer, received, token)


def _done(response: Mapping[str, Json], pictures: tuple[Picture, ...], named: Mapping[str, Json]) -> Done:
    models = [response.get("model"), *(item.get("model") for item in _items(response.get("data")))]
    return Done(
        task_id=id_of(named.get("task_id")),
        trace_id=id_of(named.get("trace_id")),
        pictures=pictures,
        response=json.dumps(response),
        served=next((model for model in models if isinstance(model, str) and model.isprintable()), None),
    )


def _failed(error: Word, named: Mapping[str, Json]) -> ProviderError:
    # `no_image` is not asked for again in the same run: that is for what the vendor documents as not billed.
    kind = error.kind
    if kind in (None, "unknown"):
        kind = "no_image"
    elif kind == "rate":
        kind = "transient"
    return error_of(kind, error, named)


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
            # A lone surrogate (JSON allows it) could not even be written down.
            return item, Picture(url=link.strip().encode("utf-8", "replace").decode())
        return _kept_apart(item, "image_url", bytes_of_data_uri(link))
    if isinstance(text, str) and text.strip():
        return _kept_apart(item, "b64_json", bytes_of_data_uri(text) or from_base64(text))
    return item, None


def _kept_apart(item: Mapping[str, Json], name: str, data: bytes | None) -> tuple[Mapping[str, Json], Picture | None]:
    if not data:
        return item, None
    return {**item, name: f"sha256:{digest_of(data)}"}, Picture(data=data)


def _read_object(received: Received, token: Token | None) -> dict[str, Json] | None:
    try:
        answer = read_json(received.body, token)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None

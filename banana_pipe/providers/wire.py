"""The call as its body, and the digest by which the task of that body is recognised.

Unaware of HTTP, of answers and of the ledger.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from banana_pipe.canonical import Digest, canonical_json, digest_of, is_digest
from banana_pipe.model import Action, Json, Request
from banana_pipe.providers.base import ListedTask
from banana_pipe.providers.reading import bytes_of_data_uri

_NOT_COUNTED = ("async", "callback_url")
_NEVER_SENT = ("count",)
_DIGEST_MARK = "sha256:"
_NO_WIRE = digest_of(b"")
"""No body has it: a body's canonical JSON is never empty."""


def body_of(request: Request, pictures: Sequence[tuple[str, bytes]]) -> dict[str, Json]:
    """The fields sent for *request*; *pictures* are (mime, bytes), in the order of its images.

    What the recipe does not set is not sent: a ratio sent with every edit, as the vendor's SDK does,
    reframes the picture.
    """
    body = {**request.params, "action": request.action, "prompt": request.prompt, "model": request.model}
    if pictures:
        body["image_urls"] = [f"data:{mime};base64,{base64.b64encode(data).decode()}" for mime, data in pictures]
    return {**body, "async": True}


def wire_digest(body: Mapping[str, Json]) -> Digest:
    """The digest of a body, our own or one that a task echoes.

    Without `async` and `callback_url`; a picture counts as the sha256 of its bytes or as its link's
    text. Raises ValueError for what has no canonical JSON.
    """
    counted = {name: value for name, value in body.items() if name not in _NOT_COUNTED}
    if isinstance(counted.get("image_urls"), list):
        counted["image_urls"] = [_counted(picture) for picture in counted["image_urls"]]
    return digest_of(canonical_json(counted))


def listed_task(task_id: str, request: Json) -> ListedTask:
    """A listed task by the *request* that it echoes.

    It is comparable only if it could be a body of ours as it was sent: with action, model and prompt,
    its pictures as bytes (or as their digests), and no field that we never send, which somebody
    must have added then.
    """
    if not isinstance(request, dict):
        return ListedTask(task_id, _NO_WIRE, None, None, None, comparable=False)
    action: Action | None = next((known for known in ("generate", "edit") if request.get("action") == known), None)
    model, prompt = _text(request.get("model")), _text(request.get("prompt"))
    whole = None not in (action, model, prompt) and not any(name in request for name in _NEVER_SENT)
    try:
        wire = wire_digest(request)
    except ValueError:
        wire, whole = _NO_WIRE, False
    comparable = whole and _pictures_compare(request.get("image_urls"), needed=action == "edit")
    return ListedTask(task_id, wire, action, model, prompt, comparable)


def _counted(picture: Json) -> Json:
    data = bytes_of_data_uri(picture) if isinstance(picture, str) else None
    if data is not None:
        return {"sha256": digest_of(data)}
    if isinstance(picture, str) and is_digest(picture.removeprefix(_DIGEST_MARK)):
        return {"sha256": picture.removeprefix(_DIGEST_MARK)}
    return picture


def _pictures_compare(pictures: Json, *, needed: bool) -> bool:
    if not pictures:
        return not needed
    return isinstance(pictures, list) and all(isinstance(_counted(picture), dict) for picture in pictures)


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None

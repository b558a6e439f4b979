"""What came over the wire, as data: bytes to JSON, data URIs to bytes.

Unaware of what the data means. It is a stranger's: nothing in it is believed, and the token is
masked wherever somebody echoes it.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote_to_bytes

from banana_pipe.model import Json
from banana_pipe.providers.secret import Token

MAX_DEPTH = 100
MAX_VALUES = 500_000
"""In one answer, as counted by its marks. A task's record has about thirty; each can cost a hundred bytes of memory."""
_MARKS = (b"[", b"{", b",")
MAX_KEPT_BODY = 64 * 1024
MAX_ID = 200


@dataclass(frozen=True, slots=True)
class Received:
    """An answer as HTTP brings it. `trouble`: why the body is only a part of it, None for all of it."""

    status: int
    body: bytes
    retry_after: float | None = None
    """Seconds, at most 120."""
    trouble: str | None = None
    date: float | None = None
    """When the server says it answered, in seconds since 1970."""

    def kept(self, token: Token | None) -> str:
        """The body for the record: as text, redacted, at most 64 Ki characters."""
        text = self.body.decode("utf-8", "replace")
        return (token.redact(text) if token else text)[:MAX_KEPT_BODY]


def read_json(body: bytes, token: Token | None) -> Json:
    """*body* as JSON, the token masked in it. Raises ValueError for all that is not plainly JSON:
    also for NaN, numbers beyond a float, a name given twice in an object, too deep a nesting and too many values."""

    def plain(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        made = {_masked(name, token): _masked(value, token) for name, value in pairs}
        if len(made) != len(pairs):
            raise ValueError("a name stands twice in an object")
        return made

    if sum(map(body.count, _MARKS)) > MAX_VALUES:
        raise ValueError("more values than any answer has")
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
    return from_base64(data) if head.lower().endswith(";base64") else unquote_to_bytes(data)


def id_of(value: Json) -> str | None:
    """*value* if it can be the id of something: a short, printable text."""
    return value if isinstance(value, str) and 0 < len(value) <= MAX_ID and value.isprintable() else None


def from_base64(text: str) -> bytes | None:
    """The bytes that *text* is the Base64 of (either alphabet, padded or not), None if of none."""
    text = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


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

"""Canonical JSON and the digests made from it.

Unaware of requests, files and everything else that is hashed with it.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any, NewType

Digest = NewType("Digest", str)
"""The sha256 of some bytes, as 64 lower-case hex digits."""

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_readable = json.JSONEncoder(ensure_ascii=False).encode
# JSON itself escapes those below the space.
_CONTROLS = re.compile("[\x7f-\x9f\u2028\u2029]")
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


def canonical_json(value: Any) -> bytes:
    """The one byte string that stands for *value*: sorted keys, no spaces, UTF-8.

    Raises ValueError for NaN and the infinities, for keys that are not text (`{1: 2}` and
    `{"1": 2}` would be one) and for text that UTF-8 cannot carry (lone surrogates).
    """
    _refuse_other_keys(value)
    return _encode(value).encode("utf-8")


def digest_of(data: bytes) -> Digest:
    """The digest of *data*."""
    return Digest(sha256(data).hexdigest())


def is_digest(text: object) -> bool:
    """Whether *text* has the form of a digest."""
    return isinstance(text, str) and _DIGEST.match(text) is not None


def _refuse_other_keys(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if type(key) is not str:
                raise ValueError(f"keys must be text, not {type(key).__name__}: {key!r}")
            _refuse_other_keys(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_other_keys(inner)


def readable_json(value: Any) -> str:
    """*value* as JSON on one line for people: letters as they are, what a terminal would act on as `\\u009b`."""
    text = _readable(value)
    return (
        text if text.isascii() and "\x7f" not in text else _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    )

"""The vendor's ways to say no: codes and statuses to kinds, and the errors made of them.

Unaware of what was asked, and of what follows from a kind.

The vendor knows two envelopes for errors (with `success` and without), and its documents disagree
on HTTP statuses: the code of an error is read first, the status second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from banana_pipe.model import Json
from banana_pipe.providers.base import Kind, ProviderError
from banana_pipe.providers.reading import Received, id_of
from banana_pipe.providers.secret import Token, shown

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
    "balance": "buy credits in the provider's console; what is paid is kept",
    "disabled": "ask the provider's support; they want the trace id",
    "moderation": "change the prompt or its pictures; this was not billed",
    "too_large": "send fewer or smaller pictures: a 1K resolution upstream, or a JPEG",
}
_REDIRECT_HINT = "set the base URL to where it leads: a token is not sent after a redirect"


class Word:
    """The error in an answer, in whichever form: an object, a bare string, or none."""

    def __init__(self, answer: Mapping[str, Json], token: Token | None) -> None:
        error = answer.get("error")
        said = error if isinstance(error, dict) else {"message": error}
        code, message = said.get("code"), said.get("message")
        self.there = bool(error)
        self.code = shown(code, token) if isinstance(code, str) and code else None
        self.message = shown(message, token) if isinstance(message, str) else ""
        self.kind = _BY_CODE.get(self.code) if self.code else None


def error_of(
    kind: Kind, said: Word, named: Mapping[str, Json], received: Received | None = None, token: Token | None = None
) -> ProviderError:
    """The error of *kind* that was *said*, with the ids that *named* has."""
    status = received.status if received else None
    words = said.message or (f"the provider says {said.code}" if said.code else "")
    return ProviderError(
        kind,
        words or (received and received.trouble) or _no_sense(status),
        code=said.code,
        status=status,
        trace_id=id_of(named.get("trace_id")),
        task_id=id_of(named.get("task_id")),
        retry_after=received.retry_after if received else None,
        body=received.kept(token) if received and kind == "unknown" else None,
        hint=_REDIRECT_HINT if status is not None and 300 <= status < 400 else _HINTS.get(kind),
    )


def unreadable(received: Received, token: Token | None) -> ProviderError:
    """The error for an answer that is no JSON object, with the ids that can be read in it all the same."""
    text = received.kept(token)
    named = {name: _one(re.findall(rf'"{name}"\s*:\s*"([\w.-]{{1,200}})"', text)) for name in ("task_id", "trace_id")}
    return error_of(by_status(received.status), Word({}, token), named, received, token)


def _no_sense(status: int | None) -> str:
    if status is None:
        return "the task ended without a picture, and without a word why"
    if 300 <= status < 400:
        return f"the base URL redirects (HTTP {status})"
    if status in (404, 405):
        return f"there is no such API at the base URL (HTTP {status})"
    return f"the answer makes no sense (HTTP {status})"


def by_status(status: int) -> Kind:
    """What a status means where no code says more."""
    return _BY_STATUS.get(status, "invalid" if 300 <= status < 500 else "unknown")


def is_refusal(status: int) -> bool:
    """Whether the status alone says that nothing was done."""
    return 300 <= status < 500 and by_status(status) != "unknown"


def kind_of_free_call(kind: Kind | None, status: int, refused: Kind) -> Kind:
    """What an error means for a call that costs nothing: on us, on this call (*refused*), or passing."""
    if kind in ("auth", "disabled", "balance"):
        return kind
    if kind in ("transient", "rate", "unknown") or status == 429:
        return "unavailable"
    if kind is None and status in (401, 403):
        return "auth"
    return refused if kind is not None or is_refusal(status) else "unavailable"


def _one(found: list[str]) -> str | None:
    return found[0] if len(set(found)) == 1 else None

"""What a provider is: a protocol, the values it answers with, and its one error type.

Unaware of HTTP, of the ledger, and of who calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from banana_pipe.canonical import Digest
from banana_pipe.errors import BananaError
from banana_pipe.model import Action, Request

Kind = Literal[
    # the call never reached the provider: it may be made again
    "not_sent",  # DNS, refused, TLS, connect time-out, pool time-out, or too late after its intent
    "rate",  # 429
    # the provider's own word; documented as not billed
    "transient",  # api_error
    "moderation",  # forbidden: refused for its content
    "invalid",  # bad_request, no_api, api_not_implemented …
    "too_large",  # 413
    "auth",  # no_token, invalid_token, token_expired, token_mismatched
    "disabled",  # the account is closed for abnormal use
    "balance",  # used_up
    "no_image",  # a task that finished without a picture
    # nobody can say
    "unknown",  # time-out, reset, bare 5xx, HTML, unreadable answer: may have been received and paid
    # of polls, listings and downloads, which are free to repeat
    "unavailable",  # could not be asked just now
    "unsupported",  # the provider does not offer this (a listing, say)
    "dead_link",  # 403, 404, 410 for a picture
    "refused_address",  # a link that we do not follow: not https, not public, not a picture of theirs
]


class ProviderError(BananaError):
    """What the provider or the network said instead of an answer.

    `sent` is False where it is proven that no byte of the request left this machine.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        trace_id: str | None = None,
        task_id: str | None = None,
        retry_after: float | None = None,
        body: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind: Kind = kind
        self.code = code
        self.status = status
        self.trace_id = trace_id
        self.task_id = task_id
        self.retry_after = retry_after
        """Seconds that the provider asks us to wait."""
        self.body = body
        """The answer as it came, redacted and at most 64 KiB, where it was not understood."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Where a bought picture is: at a link, or here already as bytes."""

    url: str | None = None
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A finished call: the pictures' places and the answer as JSON text.

    In `response` inline pictures stand as `sha256:…`; everything else is as it came.
    `pictures` is never empty: an answer without any is a ProviderError of kind no_image.
    """

    task_id: str | None
    trace_id: str | None
    pictures: tuple[Picture, ...]
    response: str
    served: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """An accepted call that is being worked on."""

    task_id: str
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call ready to be sent. `wire` is the digest by which its task will be recognised."""

    body: bytes
    wire: Digest
    sample: int


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A task as a listing shows it."""

    task_id: str
    wire: Digest
    action: Action | None
    model: str | None
    prompt: str | None
    comparable: bool
    """False where its pictures are shown rewritten, so that its wire digest proves nothing."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The tasks created since a moment. `complete`: it was read to its last page."""

    tasks: tuple[ListedTask, ...]
    complete: bool


class Provider(Protocol):
    """Somebody who makes pictures for money (or plays it).

    Every method may raise ProviderError; none raises anything of the HTTP library's.
    """

    name: str
    """The name that counts in the key: acedata, acedata-local, sandbox."""
    origin: str
    """Scheme, host and port of the base URL (`sandbox` inside the process): where tasks belong."""
    account: str
    """Who asks there (`Token.account`; empty without a token): whose tasks are listed and known."""
    billable: bool

    def prepare(self, request: Request, pictures: Sequence[tuple[str, bytes]]) -> Prepared:
        """The call for *request*; *pictures* are (mime, bytes) in the order of `request.images`."""

    async def submit(self, call: Prepared, *, not_after: float, timeout: float) -> Done | Pending:
        """Send *call* once, on a connection of its own.

        *not_after* is a moment of `clock.boot()`: where sending would begin later than that,
        ProviderError of kind not_sent. *timeout* bounds the whole call, in seconds.
        """

    async def poll(self, task_ids: Sequence[str]) -> Mapping[str, Done | Pending | ProviderError]:
        """How these tasks stand, in one call; a task that the provider does not know is missing."""

    async def tasks_since(self, since: float) -> Listing:
        """All tasks created at *since* (seconds since 1970) or later."""

    async def fetch(self, picture: Picture, write: Callable[[bytes], None]) -> None:
        """Download *picture* and pass on its bytes as they come, at most 64 MiB."""

    async def close(self) -> None:
        """Give back connections."""

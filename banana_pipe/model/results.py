"""What is asked for, and what came of it: requests, pictures, rows of the ledger, what the stores know.

Unaware of nodes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from banana_pipe.canonical import Digest
from banana_pipe.model.graph import Op
from banana_pipe.model.names import Action, Json, Key


@dataclass(frozen=True, slots=True)
class Request:
    """What the provider sees and what can change a pixel. No names, no paths, no secrets."""

    provider: str
    """The name in the key: acedata, acedata-local or sandbox."""
    action: Action
    model: str
    prompt: str
    images: tuple[Digest, ...]
    params: Mapping[str, Json]
    sample: int
    ops: tuple[Op, ...] = ()


@dataclass(frozen=True, slots=True)
class Artifact:
    """A picture's bytes, named and measured."""

    digest: Digest
    mime: str
    width: int
    height: int
    size: int
    blank: bool = False
    """Every pixel is the same: hardly what was paid for."""
    alpha: bool = False
    """Some pixel is transparent, if only in part."""


SIDE_SUFFIX = re.compile(r"(?:-[A-Za-z0-9]{1,20})?\.[a-z0-9]{1,8}\Z")
"""What a side file may add to its picture's name."""


@dataclass(frozen=True, slots=True)
class SideFile:
    """What a transform makes beside its picture: it is published under the picture's name and `suffix` (`-32.png`)."""

    suffix: str
    digest: Digest
    mime: str
    size: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a key stands for, once and for all: the picture and where it came from."""

    key: Key
    artifact: Artifact
    provider: str
    model: str
    served: str | None
    """The model that the provider says it used, where it says so."""
    task_id: str | None
    trace_id: str | None
    price: int | None
    bought_at: float
    side_files: tuple[SideFile, ...] = ()
    """What was made beside it; only transforms do."""

    @property
    def digests(self) -> tuple[Digest, ...]:
        """Everything that it needs the bytes of: the picture and what is beside it."""
        return (self.artifact.digest, *(one.digest for one in self.side_files))


AttemptState = Literal[
    "INTENT", "ACCEPTED", "SUCCEEDED", "STORED", "REFUSED", "FAILED", "NOT_SENT", "UNKNOWN", "ABANDONED", "LOST"
]
ACTIVE: tuple[AttemptState, ...] = ("INTENT", "ACCEPTED", "SUCCEEDED", "UNKNOWN")
"""States that hold their key: at most one attempt of a key is in one of them."""
COUNTED: tuple[AttemptState, ...] = ("INTENT", "ACCEPTED", "SUCCEEDED", "STORED", "UNKNOWN", "ABANDONED", "LOST")
"""States whose money counts as spent: it was, or nobody can say that it was not."""
BILLED: tuple[AttemptState, ...] = ("SUCCEEDED", "STORED", "LOST")
"""Those of them that are known to have been billed: the provider delivered."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row of the ledger: one POST that may cost money, from its intent to its end.

    The request itself is the blob whose digest is `key`.
    """

    id: str
    key: Key
    wire: Digest
    """Digest of the body as sent, without `async` and `callback_url`; tasks are matched by it."""
    origin: str
    """Scheme, host and port that the POST went to (`sandbox` for the one inside the process)."""
    account: str
    """Whose token it was sent with, as a hash of it: who has another may be told nothing of this call."""
    run_id: str
    state: AttemptState
    provider: str
    model: str
    price: int | None
    created_at: float
    updated_at: float
    node: str = ""
    """A node's name at the time, for messages only."""
    under_way_until: float | None = None
    """Last moment at which our POST could have been under way; settling counts from it."""
    task_id: str | None = None
    adopted: bool = False
    """Whether the task was found in a listing rather than named by the answer to our POST."""
    trace_id: str | None = None
    served: str | None = None
    response: str | None = None
    """The answer as it came (JSON text; inline pictures replaced by their digests)."""
    picture: str | None = None
    """Where the picture is: its link, or `sha256:…` of a blob where the answer carried it."""
    artifact: Artifact | None = None
    error_kind: str | None = None
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """The picture is here. `source` says who knew it."""

    result: Result
    source: Literal["lock", "cache", "ledger"]


@dataclass(frozen=True, slots=True)
class Known:
    """Bought, its digest is known, its bytes are nowhere: fine as a digest, lost as a picture."""

    result: Result
    source: Literal["lock", "cache", "ledger"]
    places: tuple[str, ...]
    """Where the bytes were looked for."""


@dataclass(frozen=True, slots=True)
class Open:
    """An attempt stands in the way: one under way or in doubt, or a refusal that is remembered."""

    key: Key
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Miss:
    """Nothing is known. The only answer of the four that can lead to a purchase."""

    key: Key


Finding = Hit | Known | Open | Miss

"""How the vendor behaves, and how it misbehaves: plain values that a test writes down.

Unaware of sockets, tasks and bills.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Endpoint = Literal["submit", "poll", "list", "download"]
ENDPOINTS: tuple[Endpoint, ...] = ("submit", "poll", "list", "download")

FOREVER = -1

_ANYWHERE = {"status", "bare", "html", "raw", "reset_before", "hang", "truncate", "short", "drip"}
KINDS: Mapping[Endpoint, frozenset[str]] = {
    "submit": frozenset(
        _ANYWHERE
        | {"reset_after_accept", "hang_after_accept", "bare_after_accept", "html_after_accept", "status_after_accept"}
        | {"raw_after_accept"}
        | {"used_up", "forbidden", "fails", "no_image", "success_without_data", "blank", "copy"}
    ),
    "poll": frozenset(
        _ANYWHERE | {"success_without_data", "null_response", "no_success_flag", "string_error", "forgets"}
    ),
    "list": frozenset(_ANYWHERE),
    "download": frozenset(_ANYWHERE | {"dead_link", "garbage", "redirect"}),
}
_BEFORE_WORK = frozenset({"status", "bare", "html", "raw", "reset_before", "hang", "used_up"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour, and the requests that it befalls.

    What happens, by `kind`:

    - `status`: an error in the vendor's envelope, HTTP `number`, `code` (else the usual one);
      `used_up` is 403 with that code. Nothing is accepted, nothing billed.
    - `bare`: an HTML page with HTTP `number` (502). `html`: one with 200. `raw`: the bytes that
      `sent` is in Latin-1, head and all, and the end of the connection; `{task_id}` stands for the
      task's.
    - `reset_before`: the connection is reset, nothing was accepted. `hang`: no answer, ever.
    - `…_after_accept` of these: the same, but the task exists and is billed (`status` then
      carries its `task_id`).
    - `truncate`: only `number` bytes (0: half) of a good body; by `length` framed as if that
      were all (`right`), or ended by closing (`missing`). `short`: fewer than its Content-Length.
    - `drip`: a good body, `number` bytes (1) every `pause` seconds.
    - submit, the task's fate: `fails` (with `code`, else api_error), `forbidden`: ends so, not
      billed; `no_image`: finishes without a picture, not billed; `blank`, `copy`: billed, but
      the picture has one colour, or is the first input, byte for byte.
    - submit and poll: `success_without_data`: `data` is empty though the task is under way or done.
    - poll: `null_response`, `no_success_flag`, `string_error` (`success: false` without a code),
      `forgets` (the task is missing in the answer). They befall the polled tasks that `match`.
    - download: `dead_link` (HTTP `number`, 404), `garbage` (bytes that are no picture),
      `redirect` (302 to `to`).
    """

    kind: str
    number: int = 0
    code: str = ""
    retry_after: float | None = None
    length: Literal["right", "missing"] = "missing"
    to: str = ""
    sent: str = field(default="", repr=False)
    pause: float = 0.01
    match: str = ""
    """Only requests about a prompt that has this text in it."""
    skip: int = 0
    """How many such requests pass before it begins."""
    times: int = 1
    """How many it befalls; FOREVER: all that follow."""
    chance: float = 1.0
    """How likely it befalls one that it could."""

    @property
    def before_work(self) -> bool:
        """Whether it comes before a task could exist."""
        return self.kind in _BEFORE_WORK

    @property
    def manner(self) -> str:
        """The kind without the word on when."""
        return self.kind.removesuffix("_after_accept").removesuffix("_before")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a well-meaning vendor may decide for itself."""

    answers: Literal["task", "at_once"] = "task"
    """`task`: `async: true` is answered with a task id; `at_once`: it is ignored."""
    delay: float = 0.0
    """Seconds of the vendor's clock until a task is finished, or a call answered at once."""
    listing: Literal["at_once", "late", "never", "empty", "rewrites", "paged"] = "at_once"
    """Tasks by time: `late` by `listing_delay`; `never`: refused; `rewrites`: pictures are shown
    as links of the vendor's; `paged`: at once, in pages of at most `page_limit` (2 if not set)."""
    listing_delay: float = 0.0
    page_limit: int = 0
    """The most tasks a page has, whatever was asked for; 0: as asked. Holds for every listing."""
    count: Literal["page", "total"] = "total"
    """What a listing's undocumented `count` counts."""
    picture: Literal["png", "jpeg"] = "png"
    """The bytes; the name says `.png` in any case."""
    png_kb: int = 0
    """About how many KiB a picture has; 0: 64×48 pixels."""
    inline: bool = False
    """Pictures come as data URIs in the answer instead of links."""
    cdn: str = ""
    """What links to pictures begin with, in place of the base URL."""
    token: str = field(default="", repr=False)
    """The only token that is good; empty: any is."""
    accounts: bool = False
    """Every token is an account of its own: who has another neither lists its tasks nor is told of them."""
    balance: int | None = None
    """How many pictures the account can pay for in all; then used_up."""
    price: int = 39_000
    """Of a picture, in micro-dollars."""

    @property
    def page(self) -> int:
        """The most tasks in a page, 0 for no bound."""
        return self.page_limit or (2 if self.listing == "paged" else 0)


Faults = Mapping[Endpoint, Sequence[Fault]]


class Plan:
    """The faults still to come, in order, per endpoint. Not thread-safe: its owner locks."""

    def __init__(self) -> None:
        self._waiting: dict[Endpoint, list[_Waiting]] = {endpoint: [] for endpoint in ENDPOINTS}
        self._lot = random.Random(1)

    def add(self, endpoint: Endpoint, faults: Iterable[Fault]) -> None:
        """Queue *faults*. Raises ValueError for a kind that the endpoint doesn't know."""
        new = list(faults)
        for fault in new:
            if fault.kind not in KINDS[endpoint]:
                raise ValueError(f"no fault {fault.kind!r} of {endpoint}; there are {sorted(KINDS[endpoint])}")
        self._waiting[endpoint] += [_Waiting(fault, fault.skip, fault.times) for fault in new]

    def take(self, endpoint: Endpoint, prompts: Sequence[str]) -> Fault | None:
        """The fault that befalls this request, which is about *prompts*."""
        for waiting in self._waiting[endpoint]:
            if waiting.left and waiting.concerns(prompts):
                if waiting.skip:
                    waiting.skip -= 1
                    continue
                if waiting.fault.chance < 1 and self._lot.random() >= waiting.fault.chance:
                    continue
                waiting.left -= waiting.left != FOREVER
                return waiting.fault
        return None

    def left(self) -> dict[str, list[str]]:
        """The kinds that have not befallen all they were meant for."""
        return {
            endpoint: [waiting.fault.kind for waiting in queue if waiting.left > 0]
            for endpoint, queue in self._waiting.items()
        }


@dataclass(slots=True)
class _Waiting:
    fault: Fault
    skip: int
    left: int

    def concerns(self, prompts: Sequence[str]) -> bool:
        return not self.fault.match or any(self.fault.match in prompt for prompt in prompts)


def read_faults(described: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[Endpoint, list[Fault]]:
    """Faults as JSON has them. Raises KeyError and TypeError for what is none."""
    by_name = {str(endpoint): endpoint for endpoint in ENDPOINTS}
    return {by_name[name]: [Fault(**fault) for fault in faults] for name, faults in described.items()}

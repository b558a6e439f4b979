"""Ace Data Cloud's nano-banana API as a provider, over the network or inside the process.

Unaware of the ledger, of retries and of who calls it. `http` is imported when something is sent.

The wire is that of the vendor's API page and SDK: `POST /nano-banana/images`, which costs money, and
`POST /nano-banana/tasks`, which does not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import floor
from typing import TYPE_CHECKING, Self

from banana_pipe.clock import Clock
from banana_pipe.model import Json, Request
from banana_pipe.providers.answers import read_free_answer, read_submission, read_task
from banana_pipe.providers.base import Done, Kind, Listing, Pending, Picture, Prepared, ProviderError
from banana_pipe.providers.catalog import MAX_PICTURE_BYTES, key_name, origin
from banana_pipe.providers.listing import Pages
from banana_pipe.providers.secret import Token
from banana_pipe.providers.wire import body_of, wire_digest

if TYPE_CHECKING:
    from banana_pipe.providers.http import App, Http, Resolve

IMAGES = "nano-banana/images"
TASKS = "nano-banana/tasks"
SAMPLE_HEADER = "x-banana-pipe-sample"

POLLED_AT_ONCE = 100
LISTED_AT_ONCE = 100


class AceData:
    """The API at *base_url*: the vendor's own, a company's gateway or a mock.

    Without a token nothing is sent but requests for pictures: the rest raises ProviderError (auth).
    *resolve* finds the addresses of hosts of pictures; the system's resolver if not given.
    """

    billable: bool = True

    def __init__(self, base_url: str, token: Token | None, clock: Clock, *, resolve: Resolve | None = None) -> None:
        self.name: str = key_name(base_url)
        self.origin: str = origin(base_url)
        self.account: str = token.account() if token is not None else ""
        self._base_url = base_url
        self._token = token
        self._clock = clock
        self._resolve = resolve
        self._app: App | None = None

    @classmethod
    def over_asgi(cls, app: App, clock: Clock) -> Self:
        """The same client talking to *app* inside this process: the sandbox, free and offline."""
        provider = cls("http://sandbox", Token("sandbox"), clock)
        provider.name = provider.origin = "sandbox"
        provider.billable = False
        provider._app = app
        return provider

    def prepare(self, request: Request, pictures: Sequence[tuple[str, bytes]]) -> Prepared:
        """The call for *request*. Raises ProviderError (too_large) for a picture above 10 MB."""
        if len(pictures) != len(request.images):
            raise ValueError(f"{len(request.images)} pictures in the request, {len(pictures)} given")
        for place, (_, data) in enumerate(pictures, 1):
            _check_size(place, len(data))
        body = body_of(request, pictures)
        return Prepared(
            body=json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8"),
            wire=wire_digest(body),
            sample=request.sample,
        )

    async def submit(self, call: Prepared, *, not_after: float, timeout: float) -> Done | Pending:
        """Send *call* once. Raises ProviderError: see `base.Kind`."""
        self._need_token()
        headers = {SAMPLE_HEADER: str(call.sample)} if self._app is not None else {}
        received = await self._http.post_paid(IMAGES, call.body, headers, not_after=not_after, timeout=timeout)
        return read_submission(received, self._token)

    async def poll(self, task_ids: Sequence[str]) -> Mapping[str, Done | Pending | ProviderError]:
        """How these tasks stand. Raises ProviderError (auth, disabled, balance, unavailable)."""
        stand: dict[str, Done | Pending | ProviderError] = {}
        waiting = [list(task_ids[start : start + POLLED_AT_ONCE]) for start in range(0, len(task_ids), POLLED_AT_ONCE)]
        while waiting:
            ids = waiting.pop()
            answer = await self._ask({"action": "retrieve_batch", "ids": ids}, refused="unavailable")
            if answer is None and len(ids) == 1:
                raise ProviderError("unavailable", "the record of a task is too long to be read", task_id=ids[0])
            if answer is None:
                waiting += [ids[: len(ids) // 2], ids[len(ids) // 2 :]]
                continue
            stand |= {task["id"]: read_task(task, self._token) for task in _tasks(answer) if task["id"] in ids}
        return stand

    async def tasks_since(self, since: float) -> Listing:
        """All tasks created at *since* or later. Raises ProviderError (unsupported, unavailable, auth …)."""
        pages = Pages(since)
        limit = LISTED_AT_ONCE
        while not pages.ended:
            query = {"created_at_min": floor(since), "limit": limit, "offset": pages.offset}
            try:
                answer = await self._ask({"action": "retrieve_batch", **query}, refused="unsupported")
            except ProviderError as error:
                if error.kind != "unsupported" or not pages.offset:
                    raise
                pages.end(complete=False)
                continue
            if answer is not None:
                pages.take(answer, limit)
            elif limit > 1:
                limit //= 2
            else:
                raise ProviderError("unavailable", "the record of a task is too long to be read")
        return pages.listing()

    async def fetch(self, picture: Picture, write: Callable[[bytes], None]) -> None:
        """Pass on the bytes of *picture*. Raises ProviderError (dead_link, refused_address, unavailable)."""
        if picture.data is not None:
            write(picture.data)
        elif picture.url is not None:
            await self._http.download(picture.url, write)

    async def time_there(self) -> float | None:
        """What time it is at the provider (seconds since 1970), None if it doesn't say: a free question, to
        see whether it can be reached, takes the token and lists tasks. Raises ProviderError (unsupported,
        unavailable, auth …)."""
        self._need_token()
        query = {"action": "retrieve_batch", "limit": 1, "offset": 0}
        received = await self._http.post_free(TASKS, json.dumps(query).encode())
        read_free_answer(received, self._token, "unsupported")
        return received.date

    async def close(self) -> None:
        """Give back connections."""
        if "_http" in vars(self):
            await self._http.close()

    @cached_property
    def _http(self) -> Http:
        from banana_pipe.providers.http import Http

        return Http(self._base_url, self._token, self._clock, app=self._app, resolve=self._resolve)

    def _need_token(self) -> None:
        if self._token is None:
            raise ProviderError(
                "auth",
                "there is no API token",
                code="no_token",
                hint="set ACEDATACLOUD_API_TOKEN, or try it for free with --provider sandbox",
            )

    async def _ask(self, query: Mapping[str, Json], *, refused: Kind) -> dict[str, Json] | None:
        """The answer of the tasks API to *query*, None where it is too long to be read."""
        self._need_token()
        received = await self._http.post_free(TASKS, json.dumps(query).encode())
        if received.trouble is not None:
            return None
        answer = read_free_answer(received, self._token, refused)
        if not isinstance(answer.get("items"), list):
            raise ProviderError(refused, "the answer of the tasks API has no list of tasks")
        return answer


def _tasks(answer: Mapping[str, Json]) -> list[dict[str, Json]]:
    return [item for item in answer["items"] if isinstance(item, dict) and isinstance(item.get("id"), str)]


def _check_size(place: int, size: int) -> None:
    if size > MAX_PICTURE_BYTES:
        raise ProviderError(
            "too_large",
            f"input picture {place} has {size:,} bytes, and {MAX_PICTURE_BYTES:,} are the most",
            code="picture_too_large",
            hint="make it smaller first: a lower resolution in the step it comes from, or a JPEG",
        )

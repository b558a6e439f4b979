"""A provider inside the process that answers equal calls with equal pictures, at once and for nothing.

Unaware of stores: it is the world in which cached and uncached runs can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from banana_pipe.canonical import canonical_json, digest_of
from banana_pipe.model import Request
from banana_pipe.providers.base import Done, Listing, Pending, Picture, Prepared, ProviderError
from tests.vendor.pictures import noise


class Drawer:
    """A `providers.base.Provider`; `calls` are the prompts that it was paid for."""

    name = "acedata-local"
    origin = account = "drawer"
    billable = True

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._prompts: dict[bytes, str] = {}

    def prepare(self, request: Request, pictures: Sequence[tuple[str, bytes]]) -> Prepared:
        sent = [request.action, request.model, request.prompt, dict(request.params)]
        body = canonical_json([*sent, [sha256(data).hexdigest() for _, data in pictures]])
        self._prompts[body] = request.prompt
        return Prepared(body, digest_of(body), request.sample)

    async def submit(self, call: Prepared, *, not_after: float, timeout: float) -> Done | Pending:
        self.calls.append(self._prompts[call.body])
        picture = noise(call.body + bytes([call.sample]), kind="png", kb=0)
        task = f"{call.wire}-{call.sample}"
        return Done(task_id=task, trace_id=None, pictures=(Picture(data=picture),), response="{}")

    async def poll(self, task_ids: Sequence[str]) -> Mapping[str, Done | Pending | ProviderError]:
        raise AssertionError("nothing is ever under way")

    async def tasks_since(self, since: float) -> Listing:
        raise AssertionError("nothing is ever in doubt")

    async def fetch(self, picture: Picture, write: Callable[[bytes], None]) -> None:
        raise AssertionError("every picture came with its answer")

    async def close(self) -> None:
        """Nothing is open."""

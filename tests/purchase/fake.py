"""A provider that bills, in memory, and misbehaves as told.

Unaware of the ledger. `charges` is what the bank would say: one entry per picture made.
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Literal

from PIL import Image

from banana_pipe.canonical import digest_of
from banana_pipe.model import Action, Request
from banana_pipe.providers.base import Done, ListedTask, Listing, Pending, Picture, Prepared, ProviderError
from tests.clock import FakeClock

# `task`: accepted; `sync`: answered at once; `inline`: with the bytes themselves; `cut`: accepted, but the
# answer is lost; `fails`: answered when the task has failed, without naming it; `vanished`: never arrived, and nobody can say so; an error is raised, nothing is made.
Fate = Literal["task", "sync", "inline", "cut", "vanished", "fails"] | ProviderError | Callable[[], None]


def noise(seed: int) -> bytes:
    """A small picture that is like no other."""
    stream = BytesIO()
    Image.frombytes("RGB", (8, 8), random.Random(seed).randbytes(192)).save(stream, "PNG")
    return stream.getvalue()


@dataclass(slots=True)
class Task:
    """A task as the provider keeps it. `end`: None for a picture, else what it failed with."""

    account: str
    call: Prepared
    asked: Mapping[str, object]
    created_at: float
    done_at: float
    picture: bytes
    end: ProviderError | None


@dataclass(slots=True)
class Fake:
    """Answers each POST with the next of `fates`, `task` when there are none left."""

    clock: FakeClock
    fates: deque[Fate] = field(default_factory=deque)
    ends: deque[ProviderError | None] = field(default_factory=deque)
    seconds: float = 10.0
    """That a task takes."""
    lists: bool = True
    late: float = 0.0
    """Seconds until a task is listed."""
    complete: bool = True
    rewrites: bool = False
    """Its listing shows requests so that they cannot be compared."""
    hides: set[str] = field(default_factory=set)
    """Tasks that are never listed."""
    polls: deque[ProviderError] = field(default_factory=deque)
    listings: deque[ProviderError] = field(default_factory=deque)
    fetches: deque[ProviderError | bytes] = field(default_factory=deque)
    drops: int = 0
    """Bytes that come one by one, a second between them, before the picture of a link."""
    before_poll: Callable[[], None] | None = None
    before_submit: Callable[[], None] | None = None
    before_answer: Callable[[str], None] | None = None
    name: str = "acedata"
    origin: str = "https://api.example.com:443"
    account: str = "us"
    """Whose token it is asked with: others' tasks are neither listed nor known."""
    rotated: bool = False
    """All those tokens are of one account: each lists and knows the tasks of all."""
    billable: bool = True
    inline: bytes | None = None
    """What it says to be the picture where it answers with the bytes."""
    prefix: str = "t"
    """Of its tasks' ids, which count from 1."""
    tasks: dict[str, Task] = field(default_factory=dict)
    charges: list[str] = field(default_factory=list)
    posts: list[Prepared] = field(default_factory=list)
    polled: list[list[str]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    def prepare(self, request: Request, pictures: Sequence[tuple[str, bytes]]) -> Prepared:
        asked = {"action": request.action, "model": request.model, "prompt": request.prompt, **request.params}
        asked["images"] = [digest_of(data) for _, data in pictures]
        body = json.dumps(asked, sort_keys=True).encode()
        return Prepared(body, digest_of(body), request.sample)

    async def submit(self, call: Prepared, *, not_after: float, timeout: float) -> Done | Pending:
        if self.before_submit:
            self.before_submit()
        if self.clock.boot() > not_after:
            raise ProviderError("not_sent", "too late after its intent")
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.clock.sleep(0.1)
            return await self._answer(call, timeout)
        finally:
            self.under_way -= 1

    async def _answer(self, call: Prepared, timeout: float) -> Done | Pending:
        self.posts.append(call)
        fate = self.fates.popleft() if self.fates else "task"
        if callable(fate):
            fate()
            fate = "task"
        if isinstance(fate, ProviderError):
            raise fate
        if fate == "vanished":
            raise ProviderError("unknown", "the connection was cut")
        if fate == "fails":
            self.ends.append(ProviderError("no_image", "nothing came"))
        task_id = self._accept(call)
        if self.before_answer:
            self.before_answer(task_id)
        if fate == "cut":
            raise ProviderError("unknown", "the connection was cut")
        if fate == "task":
            return Pending(task_id, f"trace-{task_id}")
        if self.seconds > timeout:
            await self.clock.sleep(timeout)
            raise ProviderError("unknown", f"no answer within {timeout:g} s")
        await self.clock.sleep(self.seconds)
        if fate == "fails":
            raise ProviderError("no_image", "nothing came")
        return self._done(task_id, inline=fate == "inline")

    async def poll(self, task_ids: Sequence[str]) -> Mapping[str, Done | Pending | ProviderError]:
        self.polled.append(list(task_ids))
        if self.before_poll:
            self.before_poll()
        await self.clock.sleep(0.01)
        if self.polls:
            raise self.polls.popleft()
        return {task_id: self._stand(task_id) for task_id in task_ids if self._is_ours(task_id)}

    async def tasks_since(self, since: float) -> Listing:
        await self.clock.sleep(0.01)
        if not self.lists:
            raise ProviderError("unsupported", "this provider lists no tasks")
        if self.listings:
            raise self.listings.popleft()
        shown = [self._listed(task_id, task) for task_id, task in self.tasks.items() if self._shows(task_id, since)]
        return Listing(tuple(shown), self.complete)

    async def fetch(self, picture: Picture, write: Callable[[bytes], None]) -> None:
        await self.clock.sleep(0.01)
        for _ in range(self.drops):
            write(b"\x89")
            await self.clock.sleep(1.0)
        answer = self.fetches.popleft() if self.fetches else None
        if isinstance(answer, ProviderError):
            raise answer
        assert picture.url is not None
        write(answer if answer is not None else self.tasks[picture.url.rpartition("/")[2]].picture)

    async def close(self) -> None:
        """Nothing is open."""

    def _accept(self, call: Prepared) -> str:
        task_id = f"{self.prefix}{sum(name.startswith(self.prefix) for name in self.tasks) + 1}"
        now = self.clock.now()
        end = self.ends.popleft() if self.ends else None
        picture = noise(len(self.tasks))
        self.tasks[task_id] = Task(self.account, call, json.loads(call.body), now, now + self.seconds, picture, end)
        if end is None:
            self.charges.append(call.wire)
        return task_id

    def _stand(self, task_id: str) -> Done | Pending | ProviderError:
        task = self.tasks[task_id]
        if self.clock.now() < task.done_at:
            return Pending(task_id)
        return task.end or self._done(task_id)

    def _done(self, task_id: str, *, inline: bool = False) -> Done:
        task = self.tasks[task_id]
        picture = (
            Picture(data=self.inline or task.picture) if inline else Picture(url=f"https://cdn.example.com/{task_id}")
        )
        return Done(task_id, f"trace-{task_id}", (picture,), json.dumps({"task_id": task_id}), served="served-model")

    def _is_ours(self, task_id: str) -> bool:
        return task_id in self.tasks and (self.rotated or self.tasks[task_id].account == self.account)

    def _shows(self, task_id: str, since: float) -> bool:
        created_at = self.tasks[task_id].created_at
        if task_id in self.hides or not self._is_ours(task_id):
            return False
        return created_at >= since and self.clock.now() >= created_at + self.late

    def _listed(self, task_id: str, task: Task) -> ListedTask:
        asked, kind = task.asked, "rewritten" if self.rewrites else task.call.wire
        action: Action = "edit" if asked["action"] == "edit" else "generate"
        return ListedTask(
            task_id,
            digest_of(kind.encode()) if self.rewrites else task.call.wire,
            action,
            str(asked["model"]),
            str(asked["prompt"]),
            comparable=not self.rewrites,
        )

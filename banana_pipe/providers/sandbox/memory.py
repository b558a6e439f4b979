"""The tasks that the sandbox remembers: the newest ones, within bounds.

Unaware of HTTP and of painting.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from banana_pipe.canonical import Digest, canonical_json
from banana_pipe.model import Json
from banana_pipe.providers.sandbox.checks import Refused
from banana_pipe.providers.sandbox.sheet import Sheet

MAX_TASKS = 50_000
MAX_BYTES = 128 * 1024 * 1024
TASK_OVERHEAD = 1024


@dataclass(frozen=True, slots=True)
class Task:
    """An accepted request. Times are seconds since 1970; `refusal` is how it ends, if not well."""

    id: str
    trace_id: str
    echo: Mapping[str, Json]
    sheets: tuple[Sheet, ...]
    created_at: float
    finished_at: float
    refusal: Refused | None

    def size(self) -> int:
        """About how many bytes it holds in memory."""
        pictures = sum(len(picture.jpeg) for picture in self.sheets[0].inputs)
        return TASK_OVERHEAD + pictures + 2 * len(canonical_json(self.echo))


class Memory:
    """Tasks by id, in the order of their coming; the oldest are forgotten first."""

    def __init__(self, max_tasks: int = MAX_TASKS, max_bytes: int = MAX_BYTES) -> None:
        self._tasks: OrderedDict[str, Task] = OrderedDict()
        self._sizes: deque[int] = deque()
        self._takes: OrderedDict[Digest, int] = OrderedDict()
        self._max_tasks = max_tasks
        self._max_bytes = max_bytes
        self._bytes = 0

    def add(self, task: Task) -> None:
        """Remember *task*, whatever its size."""
        self._tasks[task.id] = task
        self._sizes.append(task.size())
        self._bytes += self._sizes[-1]
        while len(self._tasks) > 1 and (len(self._tasks) > self._max_tasks or self._bytes > self._max_bytes):
            self._tasks.popitem(last=False)
            self._bytes -= self._sizes.popleft()

    def next_take(self, wire: Digest, count: int) -> int:
        """The first of *count* takes of a request that did not say which: 1, then what nobody had yet."""
        first = self._takes.pop(wire, 1)
        self._takes[wire] = first + count
        if len(self._takes) > self._max_tasks:
            self._takes.popitem(last=False)
        return first

    def get(self, task_id: str) -> Task | None:
        """The task, unless it is unknown or forgotten."""
        return self._tasks.get(task_id)

    def known(self, task_ids: Iterable[str]) -> list[Task]:
        """Those of *task_ids* that are remembered, each once."""
        return [self._tasks[task_id] for task_id in dict.fromkeys(task_ids) if task_id in self._tasks]

    def between(self, earliest: float, latest: float) -> list[Task]:
        """All that were created in that span, both ends included, the newest first."""
        return [task for task in reversed(self._tasks.values()) if earliest <= task.created_at <= latest]

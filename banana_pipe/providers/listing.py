"""Reading a listing of tasks page by page, and knowing when it was read to its end.

Unaware of HTTP, and of what is looked for.

The filters are undocumented (the vendor's own web client uses them), so that a server may ignore
each of them; a listing that only looks complete would be taken for a proof, and paid for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from banana_pipe.model import Json
from banana_pipe.providers.base import ListedTask, Listing
from banana_pipe.providers.reading import id_of
from banana_pipe.providers.wire import listed_task

MAX_PAGES = 200
MOST_READINGS = 5
"""How often a listing that grows while it is read is begun again: elsewhere the same account may be buying."""


@dataclass(slots=True)
class Pages:
    """The pages read so far of the tasks created at `since` (seconds since 1970) or later."""

    since: float
    offset: int = 0
    ended: bool = False
    _complete: bool = False
    _tasks: list[ListedTask] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _promised: int = 0
    _read: int = 0
    _readable: bool = True
    _newest_first: bool = True
    _last_moment: float = float("inf")
    _readings: int = 1

    def take(self, answer: Mapping[str, Json], limit: int) -> None:
        """Add the page *answer*, which was asked for with *limit* tasks at most."""
        items, count = answer.get("items"), answer.get("count")
        if not isinstance(items, list):
            self.end(complete=False)
            return
        known = len(self._ids)
        only_older = [self._is_older(item) for item in items]
        self._promised = max(self._promised, count if isinstance(count, int) else 0)
        self._read += 1
        self.offset += len(items)
        if items and self._newest_first and all(only_older):
            self.end(complete=self._readable)
        elif not items:
            # A page shorter than its limit is no end: some servers have a smaller limit of their own.
            self.end(complete=self._all_read())
        elif len(items) < known == len(self._ids) and self._readings < MOST_READINGS:
            # The last ones again: what was added in front has moved them, and what was added may be ours.
            self._begin_again()
        elif len(self._ids) == known:
            # The same tasks again: the offset is ignored. All of them, unless our limit cut them.
            self.end(complete=self._all_read() and len(items) == known and known != limit)
        elif self._read >= MAX_PAGES:
            self.end(complete=False)

    def end(self, *, complete: bool) -> None:
        """Read no further."""
        self.ended, self._complete = True, complete

    def listing(self) -> Listing:
        """What was read."""
        return Listing(tuple(self._tasks), self._complete)

    def _begin_again(self) -> None:
        self.offset = self._promised = 0
        self._readable = self._newest_first = True
        self._last_moment = float("inf")
        self._tasks.clear()
        self._ids.clear()
        self._readings += 1

    def _all_read(self) -> bool:
        return self._readable and self._promised <= len(self._ids)

    def _is_older(self, item: Json) -> bool:
        """Add the task *item*, unless it was created before `since`: a server may ignore that filter."""
        task_id = id_of(item.get("id")) if isinstance(item, dict) else None
        if task_id is None:
            self._readable = False
            return False
        moment = item.get("created_at")
        timed = isinstance(moment, int | float) and not isinstance(moment, bool)
        self._newest_first = self._newest_first and timed and moment <= self._last_moment
        self._last_moment = moment if timed else self._last_moment
        older = timed and moment < self.since
        if task_id not in self._ids:
            self._ids.add(task_id)
            if not older:
                self._tasks.append(listed_task(task_id, item.get("request")))
        return bool(older)

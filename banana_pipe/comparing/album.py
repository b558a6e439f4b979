"""Small pictures of what is different, as far as there is room for them: what is changed most keeps its place.

Unaware of where they are shown, and of how far two pictures are apart.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

ROOM = 30_000_000
"""Bytes of all small pictures together: as text in a page they are a third more."""


@dataclass(frozen=True, slots=True)
class Views:
    """The small pictures (WebP) of one difference, and the size at which they are shown; None: there is none."""

    size: tuple[int, int]
    before: bytes | None = None
    after: bytes | None = None
    heat: bytes | None = None

    @property
    def weight(self) -> int:
        """Their bytes."""
        return sum(len(one) for one in (self.before, self.after, self.heat) if one is not None)


@dataclass(slots=True)
class Album:
    """Views by the place of their difference in the comparison. `left_out`: how many found no room."""

    room: int = ROOM
    views: dict[int, Views] = field(default_factory=dict)
    left_out: int = 0
    _weight: int = 0
    _order: list[tuple[float, int]] = field(default_factory=list)

    def add(self, place: int, views: Views, worth: float) -> None:
        """Keep *views*, unless all that is kept is worth more and there is no room."""
        self.views[place] = views
        self._weight += views.weight
        heapq.heappush(self._order, (worth, -place))
        while self._weight > self.room:
            _, last = heapq.heappop(self._order)
            self._weight -= self.views.pop(-last).weight
            self.left_out += 1

"""Runs of projects at a vendor whose clock is theirs: it goes on only where somebody waits.

Unaware of what is misbehaving, and of what is right.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.campaigns.errands import Ended, do
from tests.campaigns.projects import Project, Shape
from tests.campaigns.shared_clock import SharedClock
from tests.vendor import Vendor

AS_USERS_HAVE_IT = {"poll": 2.0, "settle": 120.0, "busy": 0.2, "start": 10_000.0}
"""The program's own pace; but here hours go by while a connection opens."""

TWO = Shape(
    "two",
    """
    version: 1
    steps:
      cup: {generate: A red cup}
      bowl: {generate: A blue bowl}
    """,
    {"cup": "A red cup", "bowl": "A blue bowl"},
)
"""One call that goes well, and one that doesn't."""

READER = Shape(
    "reader",
    """
    version: 1
    steps:
      cup: {generate: A red cup}
      bowl: {images: cup, edit: Make it a bowl}
    """,
    {"cup": "A red cup", "bowl": "Make it a bowl"},
)
"""The same, where the second call sends a picture."""


EVERY = 3
"""The short form of a table tries one case in so many."""


def some(cases: Iterable[tuple[Any, ...]], every: int = EVERY) -> list[Any]:
    """*cases* as parameters of a test: one in *every*, and all of them in the long form."""
    marks = [pytest.mark.both, *[pytest.mark.campaign] * (every - 1)]
    return [pytest.param(*case, marks=marks[number % every]) for number, case in enumerate(cases)]


class Teller:
    """Runs of projects at one vendor."""

    def __init__(self, vendor: Vendor, clock: SharedClock) -> None:
        self._vendor = vendor
        self._clock = clock

    def __call__(self, project: Project, **more: Any) -> Ended:
        """Run *project*, one call at a time so that faults come in the recipe's order."""
        pace = AS_USERS_HAVE_IT | {"calls": 1} | more.pop("pace", {})
        return do(project.errand(self._vendor, pace=pace, **more), self._clock)

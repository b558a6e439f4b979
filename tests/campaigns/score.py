"""What a campaign found: a line on the terminal, and a line of the report.

Unaware of what was tried, and of what is right.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

REPORT = "CAMPAIGN_REPORT"
"""The environment's name of the file that lines are added to; without it they are only printed."""

PARTS: Mapping[int, tuple[str, str]] = {
    1: ("Kill", "kill"),
    2: ("I/O errors", "errors"),
    3: ("Power loss", "power"),
    4: ("HTTP and download", "http"),
    5: ("Concurrency", "together"),
    6: ("Rot", "rot"),
    7: ("Cache care", "care"),
    8: ("Nobody in", "intruders"),
    9: ("Load and soak", "load"),
    10: ("Mutation", "mutation"),
}
"""The name of each part, and the folder beside this file that its tests are in."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was tried: how many cases, and how many of them went wrong in which way.

    `figure` is what else is to be said of it, in a few words: "1,530 killed, 40 in doubt".
    """

    part: int
    what: str
    cases: int
    charged_twice: int = 0
    lost: int = 0
    corrupt: int = 0
    figure: str = ""

    def __str__(self) -> str:
        wrong = f"{self.charged_twice} charged twice, {self.lost} lost, {self.corrupt} corrupt"
        more = f" ({self.figure})" if self.figure else ""
        return f"{PARTS[self.part][0]}: {self.what}: {self.cases:,} cases, {wrong}{more}"

    @property
    def good(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.charged_twice or self.lost or self.corrupt)


Tell = Callable[[Line], None]


def add(line: Line) -> None:
    """Add *line* to the report, if one is being made. Processes may do so at the same time."""
    path = os.environ.get(REPORT)
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(line)) + "\n")


def add_skipped(test: str, reason: str) -> None:
    """Add to the report that *test* (pytest's name of it) was not run, if it is one of a part."""
    file, _, name = test.partition("::")
    for part, (_, folder) in PARTS.items():
        if f"/{folder}/" in file:
            add(Line(part, f"**not tried**: {name.removeprefix('test_').replace('_', ' ')}", 0, figure=reason))


def read(path: Path) -> Sequence[Line]:
    """The lines of a report, in the order of their parts."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return sorted((Line(**json.loads(line)) for line in lines), key=lambda line: line.part)

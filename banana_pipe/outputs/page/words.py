"""Numbers of the gallery for people, and the timeline in the units of its drawing.

Unaware of where the numbers come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from banana_pipe.outputs.page.timeline import KINDS, Bar, Timeline
from banana_pipe.telling.words import duration

WORDS = {"waiting": "waiting", "provider": "provider", "download": "download", "local": "made here"}
_WIDE, _ROW, _GAP, _FOOT = 1000, 14, 4, 18
_MOST_ROWS_TALL = 40
"""More rows than these are drawn thinner."""
MOST_BARS = 900
"""More bars than these are drawn as one shape a kind: nobody points at one of them."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A bar with its place."""

    kind: str
    node: str
    x: str
    y: int
    width: str
    height: int
    words: str


@dataclass(frozen=True, slots=True)
class Times:
    """A timeline to be drawn 1000 units wide."""

    height: int
    bars: tuple[Drawn, ...]
    paths: tuple[tuple[str, str], ...]
    sums: tuple[tuple[str, str], ...]
    ticks: tuple[tuple[str, str], ...]


def scaled(line: Timeline | None) -> Times | None:
    """*line* with places for its bars."""
    if line is None:
        return None
    row = _ROW if line.rows <= _MOST_ROWS_TALL else max(3, _ROW * _MOST_ROWS_TALL // line.rows)
    gap = _GAP if row == _ROW else 1
    each = line.bars if len(line.bars) <= MOST_BARS else ()
    drawn = tuple(_drawn(bar, line.seconds, row, gap) for bar in line.bars)
    return Times(
        height=line.rows * (row + gap) + _FOOT,
        bars=drawn if each else (),
        paths=() if each else tuple(_paths(drawn)),
        sums=tuple((kind, duration(seconds)) for kind, seconds in line.sums.items() if seconds),
        ticks=tuple((f"{tick / line.seconds * _WIDE:.1f}", duration(tick) if tick else "0") for tick in line.ticks),
    )


def _drawn(bar: Bar, seconds: float, row: int, gap: int) -> Drawn:
    return Drawn(
        kind=bar.kind,
        node=bar.node,
        x=f"{bar.begin / seconds * _WIDE:.1f}",
        y=bar.row * (row + gap),
        width=f"{max(1.0, (bar.end - bar.begin) / seconds * _WIDE):.1f}",
        height=row,
        words=f"{WORDS[bar.kind]} {duration(bar.end - bar.begin)}",
    )


def _paths(drawn: Iterable[Drawn]) -> Iterator[tuple[str, str]]:
    bars = list(drawn)
    for kind in KINDS:
        path = "".join(f"M{bar.x} {bar.y}h{bar.width}v{bar.height}h-{bar.width}z" for bar in bars if bar.kind == kind)
        if path:
            yield kind, path

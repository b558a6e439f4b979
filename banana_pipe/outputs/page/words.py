"""Numbers of the gallery for people, and the timeline in the units of its drawing.

Unaware of where the numbers come from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    high = _ROW if line.rows <= _MOST_ROWS_TALL else max(3, _ROW * _MOST_ROWS_TALL // line.rows)
    row = _Row(high, _GAP if high == _ROW else 1, _WIDE / line.seconds)
    few = len(line.bars) <= MOST_BARS
    return Times(
        height=line.rows * (row.height + row.gap) + _FOOT,
        bars=tuple(_drawn(bar, row) for bar in line.bars) if few else (),
        paths=() if few else tuple(_paths(line.bars, row)),
        sums=tuple((kind, duration(seconds)) for kind, seconds in line.sums.items() if seconds),
        ticks=tuple((f"{tick * row.scale:.1f}", duration(tick) if tick else "0") for tick in line.ticks),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """How rows are drawn; `scale`: the units of a second."""

    height: int
    gap: int
    scale: float


def _drawn(bar: Bar, row: _Row) -> Drawn:
    return Drawn(
        kind=bar.kind,
        node=bar.node,
        x=f"{bar.begin * row.scale:.1f}",
        y=bar.row * (row.height + row.gap),
        width=f"{max(1.0, (bar.end - bar.begin) * row.scale):.1f}",
        height=row.height,
        words=f"{WORDS[bar.kind]} {duration(bar.end - bar.begin)}",
    )


def _paths(bars: Sequence[Bar], row: _Row) -> Iterator[tuple[str, str]]:
    scale, high, every = row.scale, row.height, row.height + row.gap
    for kind in KINDS:
        path = "".join(
            [
                f"M{bar.begin * scale:.0f} {bar.row * every}h{max(1.0, (bar.end - bar.begin) * scale):.0f}v{high}H{bar.begin * scale:.0f}z"
                for bar in bars
                if bar.kind == kind
            ]
        )
        if path:
            yield kind, path

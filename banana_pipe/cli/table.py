"""Rows of texts as aligned lines that fit their stream.

Unaware of what the rows are about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from banana_pipe.cli.terminal import Paper, fitted, one_line, shortened, width

_GAP = "  "
_LEAST = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and its style."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and what it does for a narrow terminal.

    `drops`: it is left out before any is shortened. `gives`: it is shortened, those with the higher
    number first; a name loses its middle, and `prose` its end.
    """

    title: str
    right: bool = False
    drops: bool = False
    gives: int = 0
    prose: bool = False


def table(paper: Paper, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """*rows* under their titles, as lines. Columns that are empty in every row are left out."""
    titled = [[Cell(column.title, "dim") for column in columns], *rows]
    cleaned = [[Cell(one_line(cell.text), cell.style) for cell in row] for row in titled]
    widths = [max(width(row[place].text) for row in cleaned) for place in range(len(columns))]
    kept = [place for place in range(len(columns)) if any(row[place].text for row in cleaned[1:])]
    if paper.columns is not None:
        kept = _narrowed(kept, widths, columns, paper.columns - 1)
    return [_line(paper, [(row[place], columns[place], widths[place]) for place in kept]) for row in cleaned]


def _narrowed(kept: list[int], widths: list[int], columns: Sequence[Column], available: int) -> list[int]:
    """The columns of *kept* that stay; takes from *widths* until they fit, as far as they may be shortened."""
    if _whole(kept, widths) > available:
        kept = [place for place in kept if not columns[place].drops]
    for place in sorted(kept, key=lambda place: -columns[place].gives):
        if columns[place].gives:
            surplus = max(0, _whole(kept, widths) - available)
            widths[place] -= min(surplus, max(0, widths[place] - _LEAST))
    return kept


def _whole(kept: Sequence[int], widths: Sequence[int]) -> int:
    return sum(widths[place] for place in kept) + len(_GAP) * (len(kept) - 1)


def _line(paper: Paper, cells: Sequence[tuple[Cell, Column, int]]) -> str:
    parts = []
    for cell, column, room in cells:
        text = shortened(cell.text, room) if column.prose else fitted(cell.text, room)
        styled = paper.styled(text, cell.style)
        blank = " " * (room - width(text))
        parts.append(blank + styled if column.right else styled + blank)
    return _GAP.join(parts).rstrip()

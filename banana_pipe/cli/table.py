"""Rows of texts as aligned lines that fit their stream.

Unaware of what the rows are about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from banana_pipe.cli.terminal import Paper, fitted, one_line, shortened, width

_GAP = "  "
_LEAST, _TINY = 12, 6


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and its style."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and what it does for a narrow terminal.

    `drops`: 1, it is left out before any is shortened; 2, where that is not enough. `gives`: it is shortened, those
    with the higher number first; a name loses its middle, and `prose` its end.
    """

    title: str
    right: bool = False
    drops: int = 0
    gives: int = 0
    prose: bool = False


def table(paper: Paper, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """*rows* under their titles, as lines. Columns that are empty in every row are left out."""
    titled = [[Cell(column.title, "dim") for column in columns], *rows]
    cleaned = [[Cell(one_line(cell.text), cell.style) for cell in row] for row in titled]
    widths = [max(width(row[place].text) for row in cleaned) for place in range(len(columns))]
    kept = [place for place in range(len(columns)) if any(row[place].text for row in cleaned[1:])]
    if paper.columns is not None:
        kept, widths = _narrowed(kept, widths, columns, paper.columns - 1)
    return [_line(paper, [(row[place], columns[place], widths[place]) for place in kept]) for row in cleaned]


def _narrowed(
    kept: list[int], widths: list[int], columns: Sequence[Column], available: int
) -> tuple[list[int], list[int]]:
    """The columns of *kept* that stay, and how wide each column is then."""
    stay, fit = kept, widths
    for gone, least in ((0, None), (1, _LEAST), (2, _LEAST), (2, _TINY)):
        stay = [place for place in kept if not 0 < columns[place].drops <= gone]
        fit = widths if least is None else _shortened(stay, widths, columns, available, least)
        if _whole(stay, fit) <= available:
            break
    return stay, fit


def _shortened(
    kept: list[int], widths: Sequence[int], columns: Sequence[Column], available: int, least: int
) -> list[int]:
    """*widths*, less until they fit, as far as those that give have *least* cells."""
    fit = list(widths)
    for place in sorted(kept, key=lambda place: -columns[place].gives):
        if columns[place].gives:
            surplus = max(0, _whole(kept, fit) - available)
            fit[place] -= min(surplus, max(0, fit[place] - least))
    return fit


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

"""Rows of texts as aligned lines that fit their stream.

Unaware of what the rows are about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from banana_pipe.cli.terminal import Paper, fitted, one_line, width

_GAP = "  "
_LEAST = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and its style."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `gives`: on a narrow terminal it is shortened, those with the higher number first."""

    title: str
    right: bool = False
    gives: int = 0


def table(paper: Paper, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """*rows* under their titles, as lines. Columns that are empty in every row are left out."""
    clean_rows = [[Cell(one_line(cell.text), cell.style) for cell in row] for row in rows]
    kept = [place for place in range(len(columns)) if any(row[place].text for row in clean_rows)]
    titles = [Cell(columns[place].title, "dim") for place in kept]
    body = [[row[place] for place in kept] for row in clean_rows]
    shown = [columns[place] for place in kept]
    widths = [max(width(row[place].text) for row in [titles, *body]) for place in range(len(kept))]
    _narrow(widths, shown, paper.columns)
    return [_line(paper, row, shown, widths) for row in [titles, *body]]


def _narrow(widths: list[int], columns: Sequence[Column], available: int | None) -> None:
    if available is None:
        return
    surplus = sum(widths) + len(_GAP) * (len(widths) - 1) - (available - 1)
    for place in sorted(range(len(columns)), key=lambda place: -columns[place].gives):
        if surplus > 0 and columns[place].gives:
            less = min(surplus, max(0, widths[place] - _LEAST))
            widths[place] -= less
            surplus -= less


def _line(paper: Paper, row: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int]) -> str:
    parts = []
    for cell, column, cells in zip(row, columns, widths, strict=True):
        text = fitted(cell.text, cells) if column.gives else cell.text
        room = " " * (cells - width(text))
        styled = paper.styled(text, cell.style)
        parts.append(room + styled if column.right else styled + room)
    return _GAP.join(parts).rstrip()

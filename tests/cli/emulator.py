"""A terminal as far as ours is asked of: lines that wrap where it ends and flow anew when it is resized.

Unaware of who writes. What no frame may do (clear the whole screen, jump elsewhere than up) it does not understand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from banana_pipe.cli.terminal import width

_PIECE = re.compile(r"\033\[(?P<number>[?0-9;]*)(?P<act>[A-Za-z])|(?P<control>[\r\n])|(?P<text>[^\033\r\n]+)")


@dataclass(slots=True)
class Emulator:
    """A screen of *columns* and *rows*; `wrapped` counts the lines that were written beyond its edge."""

    columns: int
    rows: int
    lines: list[list[str]] = field(default_factory=lambda: [[]])
    """From the first ever written, a cell an entry; the second one of a wide letter is empty."""
    row: int = 0
    """The cursor's, among all rows ever written: a line has as many as it needs."""
    column: int = 0
    wrapped: int = 0
    hidden: bool = False
    styled: bool = False

    def feed(self, text: str) -> None:
        """What is written to it."""
        place = 0
        while place < len(text):
            piece = _PIECE.match(text, place)
            assert piece is not None, f"no terminal is asked for {text[place : place + 12]!r}"
            place = piece.end()
            if piece["text"]:
                self._write(piece["text"])
            elif piece["control"] == "\r":
                self.column = 0
            elif piece["control"] == "\n":
                self._down()
            else:
                self._act(piece["act"], piece["number"])

    def resize(self, columns: int, rows: int) -> None:
        """Its owner drags its edge: long lines flow anew, the cursor stays at its letter."""
        line, offset = self._at(self.row)
        cell = offset + self.column
        self.columns, self.rows = columns, rows
        above = sum(self._rows_of(number) for number in range(line))
        self.row, self.column = above + cell // columns, cell % columns

    @property
    def shown(self) -> list[str]:
        """Every row ever written that is still to be seen, as text; trailing blanks are left out."""
        rows = [
            "".join(cells[start : start + self.columns]).rstrip()
            for cells in self.lines
            for start in range(0, max(1, len(cells)), self.columns)
        ]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def visible(self) -> list[str]:
        """The same without what has left the screen at its upper edge."""
        written = max(self.row + 1, sum(map(self._rows_of, range(len(self.lines)))))
        return self.shown[max(0, written - self.rows) :]

    def _rows_of(self, line: int) -> int:
        return max(1, -(-len(self.lines[line]) // self.columns))

    def _at(self, row: int) -> tuple[int, int]:
        """The line of a row, and the cell of that line that the row begins with."""
        for line in range(len(self.lines)):
            rows = self._rows_of(line)
            if row < rows:
                return line, row * self.columns
            row -= rows
        return len(self.lines) - 1, 0

    def _write(self, text: str) -> None:
        line, offset = self._at(self.row)
        cells = self.lines[line]
        for letter in text:
            if self.column + width(letter) > self.columns:
                self.wrapped += 1
                self.row, self.column, offset = self.row + 1, 0, offset + self.columns
            start = offset + self.column
            cells.extend(" " * (start - len(cells)))
            cells[start : start + width(letter)] = [letter, ""][: width(letter)]
            self.column += width(letter)

    def _down(self) -> None:
        self.row += 1
        if self.row >= sum(map(self._rows_of, range(len(self.lines)))):
            self.lines.append([])

    def _act(self, act: str, number: str) -> None:
        if act == "A":
            assert 0 < int(number) < self.rows, "the cursor would leave the screen"
            self.row -= int(number)
        elif act == "K":
            line, offset = self._at(self.row)
            cells, start = self.lines[line], offset + self.column
            end = offset + self.columns
            cells[start:end] = " " * (len(cells[start:end])) if len(cells) > end else []
        elif act == "J":
            line, offset = self._at(self.row)
            del self.lines[line + 1 :], self.lines[line][offset + self.column :]
        elif act == "m":
            self.styled = True
        else:
            assert (act, number) in {("l", "?25"), ("h", "?25")}, f"no frame may do {number}{act}"
            self.hidden = act == "l"

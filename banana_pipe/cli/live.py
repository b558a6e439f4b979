"""The live table: one block at the terminal's foot that says where a run stands.

Unaware of how the run goes on, and of what the lines say; it draws a tally a few times a second. A stream that
can no longer be written to ends the drawing, never the run.

Nothing is cleared to be drawn anew: the cursor goes up, and each line that has changed is written over the one
before, all in one write. The terminal's size is asked for at each frame, so that a window may be resized; where it
became wider or narrower, all is cleared once.
"""

from __future__ import annotations

import contextlib
import re
from collections import deque
from collections.abc import Callable, Sequence
from threading import Event as Flag
from threading import RLock, Thread

from banana_pipe.cli.frame import frame_lines
from banana_pipe.cli.terminal import Paper, one_line, width
from banana_pipe.events import AttemptMoved, CallStarted, Event, RunEnded, RunStarted, Waiting, Warned
from banana_pipe.telling.tally import Tally

_SECONDS_A_FRAME = 0.125
_STYLED = re.compile(r"\033\[[0-9;]*m")
_UP, _REST, _BELOW, _HIDE, _SHOW = "\033[{}A", "\033[K", "\033[J", "\033[?25l", "\033[?25h"


class LiveTable:
    """Draws the tally while the run goes on; what is noted stays above it."""

    def __init__(self, paper: Paper, tally: Tally) -> None:
        self.tally = tally
        self._paper = paper
        self._block = Block(self._write)
        self._notes: deque[str] = deque()
        self._over = Flag()
        self._thread: Thread | None = None
        # A second Ctrl-C closes the table wherever the first thread is: it may hold the lock already.
        self._lock = RLock()

    def hear(self, event: Event) -> None:
        """Add *event*; the next frame shows it."""
        with self._lock:
            self.tally.hear(event)
        if isinstance(event, CallStarted | AttemptMoved | Waiting) or (
            isinstance(event, RunStarted) and self.tally.to_do
        ):
            self._begin()
        elif isinstance(event, RunEnded):
            self.close()
        elif isinstance(event, Warned):
            self.note(f"warning: {event.message}")

    def note(self, text: str) -> None:
        """Say *text* above the table. Takes no lock: it may be called anywhere, by a signal too."""
        self._notes.append(self._paper.styled(one_line(text), "bold"))
        if self._thread is None and not self._block.is_drawn:
            self._say_notes()

    def draw(self) -> None:
        """Draw where the run stands now."""
        with self._lock:
            if not self._over.is_set():
                columns, rows = self._paper.size()
                lines = frame_lines(self._paper, self.tally, columns, rows - 1)
                self._block.draw(lines, columns, rows, self._taken_notes())

    def close(self) -> None:
        """Take the table away."""
        with self._lock:
            self._over.set()
            self._block.clear(*self._paper.size())
            self._say_notes()

    def _begin(self) -> None:
        """Draw from now on; the first frame waits, for a run that is over at once shows none."""
        if self._thread is None and not self._over.is_set():
            self._thread = Thread(target=self._go_on, name="live table", daemon=True)
            self._thread.start()

    def _go_on(self) -> None:
        while not self._over.wait(_SECONDS_A_FRAME):
            self.draw()

    def _taken_notes(self) -> list[str]:
        return [self._notes.popleft() for _ in range(len(self._notes))]

    def _say_notes(self) -> None:
        for line in self._taken_notes():
            self._write(line + "\n")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._paper.stream.write(text)
            self._paper.stream.flush()


class Block:
    """Lines that are drawn over, again and again. The cursor stands at the beginning of the line below them."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lines: list[str] = []
        self._columns = 0

    @property
    def is_drawn(self) -> bool:
        """Whether there are lines on the screen."""
        return bool(self._lines)

    def draw(self, lines: Sequence[str], columns: int, rows: int, above: Sequence[str] = ()) -> None:
        """Put *lines* in the place of those before, on a terminal of that size, with the lines *above* before them."""
        had = min(self._taken(columns), max(0, rows - 1))
        same = self._lines if had == len(self._lines) and columns == self._columns and not above else []
        parts = [_UP.format(had)] if had else ["" if self._lines else _HIDE]
        if had and columns != self._columns:
            # Rows that an edge has broken stay one line to the terminal, whatever is written over them: a wider window
            # would put them beside each other again, and the next frame would begin too far up.
            parts.append(f"\r{_BELOW}")
        parts += [f"\r{line}{_REST}\n" for line in above]
        for place, line in enumerate(lines):
            parts.append("\n" if place < len(same) and same[place] == line else f"\r{line}{_REST}\n")
        surplus = had - len(above) - len(lines)
        if surplus > 0:
            parts.append(f"\r{_REST}\n" * surplus + _UP.format(surplus))
        if not same or list(lines) != same:
            self._write("".join(parts))
        self._lines, self._columns = list(lines), columns

    def clear(self, columns: int, rows: int) -> None:
        """Take the lines away; what is written next stands in their place."""
        if self._lines:
            self.draw([], columns, rows)
            self._write(f"\r{_SHOW}")

    def _taken(self, columns: int) -> int:
        """How many rows the lines take now: a terminal that was made narrower has broken them."""
        if columns >= self._columns:
            return len(self._lines)
        return sum(max(1, -(-width(_STYLED.sub("", line)) // columns)) for line in self._lines)

"""Progress of a run: one live table on a terminal, plain short lines elsewhere.

Unaware of the command that runs.
"""

from __future__ import annotations

from typing import Protocol

from banana_pipe.cli.lines import Lines
from banana_pipe.cli.terminal import Paper
from banana_pipe.clock import SystemClock
from banana_pipe.events import Event
from banana_pipe.telling.tally import Tally


class Progress(Protocol):
    """A listener that shows what it hears."""

    tally: Tally

    def hear(self, event: Event) -> None:
        """Show *event*."""

    def note(self, text: str) -> None:
        """Say *text* in between."""

    def close(self) -> None:
        """Leave the stream as it was."""


def open_progress(paper: Paper, tally: Tally | None = None) -> Progress:
    """The way of showing progress that *paper* allows; *tally* knows what can be known before."""
    tally = tally or Tally(SystemClock())
    if paper.live:
        from banana_pipe.cli.live import LiveTable

        return LiveTable(paper, tally)
    return Lines(paper, tally)

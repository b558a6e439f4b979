"""Progress from events alone: lines, and the live table. Unaware of runs."""

from __future__ import annotations

import io

import pytest

from banana_pipe.cli.lines import Lines
from banana_pipe.cli.live import LiveTable
from banana_pipe.cli.progress import open_progress
from banana_pipe.cli.terminal import Paper
from banana_pipe.events import NodeEnded, Waiting, Warned
from banana_pipe.model import Outcome
from banana_pipe.telling.tally import Tally
from tests.telling.builders import Hands, ended, planned, started


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


class Gone(Screen):
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        """Nobody reads."""
        raise BrokenPipeError


def test_lines_tell_ends_new_waits_and_warnings() -> None:
    """Each once, on one line, without control characters; what is only a consequence is left to the summary."""
    stream = io.StringIO()
    lines = Lines(Paper(stream), Tally(Hands()))
    for event in (
        started(planned("a"), planned("b"), planned("c"), planned("d", "cached")),
        Waiting("a", "busy", 0.2),
        Waiting("a", "rate limit", 4.0),
        Waiting("a", "rate limit", 8.0),
        Warned("mind\nthe \033[2Jgap"),
        NodeEnded(Outcome("a", "failed", "error", error="no\033 way", seconds=2.0)),
        NodeEnded(Outcome("b", "blocked", "input", error="needs a")),
        NodeEnded(Outcome("c", "done", "new", seconds=12.0)),
        NodeEnded(Outcome("d", "cached", "cache")),
        ended(),
    ):
        lines.hear(event)
    assert stream.getvalue().splitlines() == [
        "waits    a  rate limit (up to 4.0 s)",
        "warning: mind the [2Jgap",
        "[1/3] failed   a  no way",
        "[3/3] done     c  12 s",
    ]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment as on somebody's desk, 80 columns wide."""
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    return monkeypatch


def test_a_terminal_gets_the_table_and_all_else_lines(terminal: pytest.MonkeyPatch) -> None:
    """CI and a dumb terminal are not drawn over, whatever they say they are."""
    assert isinstance(open_progress(Paper(Screen())), LiveTable)
    assert isinstance(open_progress(Paper(io.StringIO())), Lines)
    terminal.setenv("CI", "true")
    assert isinstance(open_progress(Paper(Screen())), Lines)
    terminal.delenv("CI")
    terminal.setenv("TERM", "dumb")
    assert isinstance(open_progress(Paper(Screen())), Lines)


def test_a_closed_terminal_ends_no_run(terminal: pytest.MonkeyPatch) -> None:
    """What is paid is collected, whoever looks."""
    table = LiveTable(Paper(Gone()), Tally(Hands()))
    table.hear(started(planned("a")))
    table.hear(Warned("mind the gap"))
    table.hear(NodeEnded(Outcome("a", "failed", "error", error="no")))
    table.hear(ended())
    table.close()

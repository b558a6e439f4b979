"""The live table on real pseudo-terminals, and on none. Unaware of what the lines say."""

from __future__ import annotations

import codecs
import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import pytest

from banana_pipe.cli.live import LiveTable
from banana_pipe.cli.terminal import Paper
from banana_pipe.events import AttemptMoved, CallStarted, NodeEnded, Warned
from banana_pipe.model import Outcome
from banana_pipe.telling.tally import Tally
from tests.cli.conftest import environment, in_process
from tests.cli.emulator import Emulator
from tests.telling.builders import Hands, attempt, ended, planned, started
from tests.vendor.fixture import env_for
from tests.vendor.server import Vendor

RUN = ("run", "recipes/small.yaml")
NEVER = 3600.0
END = "\x06"
"""Written by tests alone: all that came before it has been read."""
NODES = [f"scene[color={color},setting=setting {n}]" for color in ("ivory", "teal") for n in range(40)]


class Terminal:
    """A pseudo-terminal and what is seen on it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.ours, self.theirs = os.openpty()
        self.screen = Emulator(columns, rows)
        self.said = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Give it another size."""
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(columns, rows)

    def read_on(self) -> bool:
        """Show what came next, waiting for it; False: nobody writes any more."""
        try:
            came = self._decoder.decode(os.read(self.ours, 65536))
        except OSError:  # so Linux says that the other end is closed
            return False
        self.said += came
        self.screen.feed(came.replace(END, ""))
        return True

    def close(self) -> None:
        """Close what is still open."""
        for end in (self.ours, self.theirs):
            os.close(end)


@contextmanager
def terminal_of(columns: int, rows: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Terminal, TextIO]]:
    for name in ("CI", "NO_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = Terminal(columns, rows)
    with open(os.dup(terminal.theirs), "w", encoding="utf-8") as stream:
        yield terminal, stream
    terminal.close()


def in_terminal(terminal: Terminal, *arguments: str, cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    end = terminal.theirs
    command = [sys.executable, "-m", "banana_pipe", *arguments]
    return subprocess.Popen(command, cwd=cwd, env=env, stdin=end, stdout=end, stderr=end)


def seen(terminal: Terminal, act: Callable[[], object]) -> list[str]:
    """What stands on the screen after *act*, which wrote something."""
    before = terminal.said.count(END)
    act()
    os.write(terminal.theirs, END.encode())
    while terminal.said.count(END) == before:
        assert terminal.read_on()
    return terminal.screen.visible


def under_way(table: LiveTable) -> None:
    table.tally.hear(started(*map(planned, NODES), planned("base")))
    for node in NODES[:30]:
        table.tally.hear(NodeEnded(Outcome(node, "done", "new")))
    for node in NODES[30:36]:
        table.tally.hear(CallStarted(node, 1, attempt(node)))


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 50), (40, 12)])
def test_frames_fit_and_the_table_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, columns: int, rows: int
) -> None:
    """No line is wider than the terminal, no frame higher; what is noted stays above; at the end all is gone."""
    with terminal_of(columns, rows, monkeypatch) as (terminal, stream):
        hands = Hands()
        table = LiveTable(Paper(stream), Tally(hands))
        stream.write("$ run\n")
        stream.flush()
        under_way(table)
        first = seen(terminal, table.draw)
        assert any("30/81" in line for line in first)
        assert "\033[?25l" in terminal.said
        for number, node in enumerate(NODES[36:60]):
            hands.time += 3
            table.tally.hear(CallStarted(node, 1, attempt(node)))
            table.tally.hear(AttemptMoved(NODES[30 + number % 6], replace(attempt(NODES[30]), state="SUCCEEDED")))
            if number == 5:
                table.note("stopping: nothing new is sent")
            frame = seen(terminal, table.draw)
            assert sum("30/81" in line for line in frame) == 1, "\n".join(frame)
        assert terminal.screen.shown[:2] == ["$ run", "stopping: nothing new is sent"]
        seen(terminal, table.close)
        assert terminal.screen.shown == ["$ run", "stopping: nothing new is sent"]
        assert not terminal.screen.hidden
        assert terminal.screen.wrapped == 0


@pytest.mark.parametrize(("before", "after"), [((200, 50), (80, 24)), ((80, 24), (200, 50)), ((80, 50), (80, 10))])
def test_a_terminal_may_be_resized(
    monkeypatch: pytest.MonkeyPatch, before: tuple[int, int], after: tuple[int, int]
) -> None:
    """The lines that its new edge has broken are drawn over, and the next frame has the new size."""
    with terminal_of(*before, monkeypatch) as (terminal, stream):
        table = LiveTable(Paper(stream), Tally(Hands()))
        stream.write("$ run\n")
        under_way(table)
        seen(terminal, table.draw)
        terminal.resize(*after)
        frame = seen(terminal, table.draw)
        assert sum("30/81" in line for line in frame) == 1
        assert len(max(frame, key=len)) < after[0]
        if after[1] >= 24:
            assert frame[0] == "$ run"
            assert seen(terminal, table.close) == ["$ run"]
        assert terminal.screen.wrapped == 0


def test_a_terminal_may_become_narrow_and_wide_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of a line that was broken are lines of their own from then on: nothing above is drawn over."""
    with terminal_of(100, 50, monkeypatch) as (terminal, stream):
        table = LiveTable(Paper(stream), Tally(Hands()))
        stream.write("$ run\n")
        under_way(table)
        first = frame = seen(terminal, table.draw)
        for columns in (50, 100, 30, 50, 100):
            terminal.resize(columns, 50)
            frame = seen(terminal, table.draw)
            assert frame[0] == "$ run"
            assert sum("30/81" in line for line in frame) == 1, "\n".join(frame)
        assert frame == first
        assert seen(terminal, table.close) == ["$ run"]


def test_a_line_that_has_not_changed_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not touched cannot flicker; and a frame like the one before writes nothing."""
    with terminal_of(80, 24, monkeypatch) as (terminal, stream):
        hands = Hands()
        table = LiveTable(Paper(stream), Tally(hands))
        under_way(table)
        seen(terminal, table.draw)
        before = len(terminal.said)
        table.draw()
        hands.time += 1
        seen(terminal, table.draw)
        again = terminal.said[before:]
        assert "base" not in again
        assert NODES[30] in again
        assert "\033[2J" not in terminal.said
        assert "\033[J" not in terminal.said


def test_a_run_that_is_over_at_once_shows_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would only flash; and what is noted before there is a table is said all the same."""
    with terminal_of(80, 24, monkeypatch) as (terminal, stream):
        table = LiveTable(Paper(stream), Tally(Hands()))
        assert seen(terminal, lambda: table.hear(Warned("mind the gap"))) == ["warning: mind the gap"]
        table.hear(started(planned("a", "cached")))
        table.hear(ended())
        table.draw()
        stream.write("summary\n")
        stream.flush()
        assert seen(terminal, lambda: None) == ["warning: mind the gap", "summary"]


@pytest.mark.parametrize("name", ["", "NO_COLOR"])
def test_colours_are_for_those_who_want_them(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """NO_COLOR takes the colours and nothing else: the bar can still be read."""
    with terminal_of(80, 24, monkeypatch) as (terminal, stream):
        if name:
            monkeypatch.setenv(name, "1")
        table = LiveTable(Paper(stream), Tally(Hands()))
        under_way(table)
        frame = seen(terminal, table.draw)
        assert terminal.screen.styled is not bool(name)
        assert "━╸─" in frame[0] or "━─" in frame[0]


def test_a_run_in_a_terminal_leaves_its_summary_alone(project: Path, vendor: Vendor) -> None:
    """A real process: the table comes, follows a resize, and goes."""
    vendor.behave(delay=NEVER)
    terminal = Terminal(200, 50)
    wanted = {**env_for(vendor), "TERM": "xterm-256color"}
    env = {name: value for name, value in environment(wanted).items() if name not in ("CI", "COLUMNS", "LINES")}
    with in_terminal(terminal, *RUN, cwd=project, env=env) as process:
        os.close(terminal.theirs)
        while not any("being made" in line for line in terminal.screen.shown):
            assert terminal.read_on(), terminal.said
        assert "0/3 nodes" in terminal.said
        terminal.resize(80, 24)
        before = len(terminal.said)
        while "0/3 nodes" not in terminal.said[before:]:
            assert terminal.read_on(), terminal.said
        vendor.behave(delay=0.0)
        vendor.advance(NEVER)
        while terminal.read_on():
            pass
    os.close(terminal.ours)
    assert process.returncode == 0
    shown = [re.sub(r", [0-9.]+ s$", "", line) for line in terminal.screen.shown]
    assert shown[:3] == [
        "small: 1 call, about $0.039 (at most 3 calls, $0.117) → out/small/",
        "✓ small: all 3 nodes are there, 3 of them new",
        "  3 pictures bought in 3 calls, for $0.117",
    ]
    assert not any("━" in line or "nodes  " in line for line in shown)
    assert not terminal.screen.hidden


def test_a_dumb_terminal_gets_plain_lines(project: Path) -> None:
    """As CI does: nothing that moves a cursor, and no colour."""
    terminal = Terminal(80, 24)
    env = environment({"TERM": "dumb"})
    env.pop("CI", None)
    with in_terminal(terminal, *RUN, "--provider", "sandbox", cwd=project, env=env) as process:
        os.close(terminal.theirs)
        while terminal.read_on():
            pass
    os.close(terminal.ours)
    assert process.returncode == 0
    assert "\033" not in terminal.said
    assert sum("done     " in line for line in terminal.screen.shown) == 3


def test_a_pipe_gets_plain_lines_of_any_length(project: Path) -> None:
    """No width, no colour, no table; one line for each node, in the order of their ends."""
    said = in_process(*RUN, "--provider", "sandbox", cwd=project)
    assert said.code == 0
    assert "\033" not in said.err + said.out
    assert [line.split()[:3] for line in said.err.splitlines()[1:2]] == [["[1/3]", "done", "base"]]

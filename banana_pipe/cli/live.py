"""The live table: one block at the terminal's foot that says where a run stands.

Unaware of how the run goes on; it draws a tally a few times a second. A stream that can no longer
be written to ends the drawing, never the run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, TextIO, cast

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from banana_pipe.cli.lines import outcome_line, worth_telling
from banana_pipe.cli.terminal import Paper, clean, fitted, one_line
from banana_pipe.cli.words import ATTEMPTS, STATUSES, amount, count, duration
from banana_pipe.events import AttemptMoved, CallStarted, Event, NodeEnded, RunEnded, RunStarted, Waiting, Warned
from banana_pipe.model import Status
from banana_pipe.prices import show_usd
from banana_pipe.telling.tally import Tally

_MOST_ROWS = 10
_FRAMES_PER_SECOND = 8
_TOLD: tuple[Status, ...] = ("done", "cached", "failed", "blocked", "parked", "lost", "waiting")


class LiveTable:
    """Draws the tally while the run goes on; failures and warnings stay above it."""

    def __init__(self, paper: Paper, tally: Tally) -> None:
        self.tally = tally
        self._console = Console(
            file=cast(TextIO, _Forgiving(paper.stream)),
            force_terminal=True,
            no_color=not paper.colour,
            width=paper.columns,
            highlight=False,
        )
        self._live = Live(
            get_renderable=self._drawn,
            console=self._console,
            refresh_per_second=_FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def hear(self, event: Event) -> None:
        """Add *event*; the next frame shows it."""
        self.tally.hear(event)
        if isinstance(event, CallStarted | AttemptMoved | Waiting) or (
            isinstance(event, RunStarted) and self.tally.to_do
        ):
            self._live.start()
        elif isinstance(event, RunEnded):
            self.close()
        elif isinstance(event, Warned):
            self.note(f"warning: {event.message}")
        elif isinstance(event, NodeEnded) and worth_telling(event.outcome) and event.outcome.status != "done":
            look = STATUSES[event.outcome.status]
            self._print(Text(f"{look.mark} {clean(outcome_line(event.outcome))}", style=look.style))

    def note(self, text: str) -> None:
        """Say *text* above the table."""
        self._print(Text(one_line(text), style="bold"))

    def close(self) -> None:
        """Take the table away."""
        self._live.stop()

    def _print(self, text: Text) -> None:
        self._console.print(text)

    def _drawn(self) -> RenderableType:
        rows = list(self._rows())
        room = min(_MOST_ROWS, max(1, self._console.height - 5))
        if len(rows) > room:
            hidden = len(rows) - room + 1
            rows = [*rows[: room - 1], (Text(f"… and {hidden} more", style="dim"), Text(""), "")]
        under_way = Table.grid(padding=(0, 2, 0, 0))
        under_way.add_column(no_wrap=True, overflow="ellipsis")
        under_way.add_column(no_wrap=True, overflow="ellipsis")
        under_way.add_column(justify="right", no_wrap=True)
        for row in rows:
            under_way.add_row(*row)
        headline = [self._headline()] if self.tally.plan else []
        return Group(*headline, self._counts(), under_way)

    def _headline(self) -> RenderableType:
        tally = self.tally
        name = fitted(one_line(tally.plan.recipe if tally.plan else ""), 24)
        left = tally.seconds_left()
        when = duration(tally.elapsed) + ("" if left is None else f", about {duration(left)} left")
        line = Table.grid(padding=(0, 2), expand=True)
        for _ in range(2):
            line.add_column(no_wrap=True)
        line.add_column(ratio=1)
        line.add_column(no_wrap=True)
        line.add_row(
            Text(name, style="bold"),
            Text(f"{tally.made}/{count(tally.to_do, 'node')}{_calls(tally)}"),
            ProgressBar(total=max(1, tally.to_do), completed=tally.made, complete_style="yellow"),
            Text(when, style="dim"),
        )
        return line

    def _counts(self) -> Text:
        tally = self.tally
        parts = [(f"● {count(len(tally.flights), 'call')} in flight", "yellow")] if tally.flights else []
        to_come = tally.to_do - tally.made - len({flight.node for flight in tally.flights.values()})
        if to_come > 0:
            parts.append((f"○ {count(to_come, 'node')} to come", "blue"))
        statuses = tally.statuses
        parts += [
            (f"{STATUSES[status].mark} {statuses[status]} {status}", STATUSES[status].style)
            for status in _TOLD
            if statuses[status]
        ]
        most = tally.plan.cost_now if tally.plan else None
        money = "free" if most == 0 else _money(tally.spent)
        parts.append((f"{money} of at most {show_usd(most)}" if most else money, "bold"))
        return Text("   ").join(Text(words, style=style) for words, style in parts)

    def _rows(self) -> Iterator[tuple[RenderableType, RenderableType, str]]:
        now = self.tally.clock.boot()
        for flight in list(self.tally.flights.values()):
            look = ATTEMPTS[flight.state]
            waits = self.tally.waits.get(flight.node)
            what = waits.why if waits else look.word
            yield _row(look.mark, look.style, flight.name, what, duration(now - flight.since))
        flying = {flight.node for flight in list(self.tally.flights.values())}
        for node, wait in list(self.tally.waits.items()):
            if node not in flying and wait.until > now:
                yield _row("○", "blue", node, wait.why, f"{duration(wait.until - now)} more")


def _row(mark: str, style: str, node: str, what: str, when: str) -> tuple[Text, Text, str]:
    return Text.assemble((mark, style), f" {one_line(node)}"), Text(one_line(what), style=style), when


def _calls(tally: Tally) -> str:
    """How many calls of how many have ended, where a node has more than one."""
    most = tally.plan.calls_now if tally.plan else 0
    return f", {min(most, tally.calls_ended)}/{count(most, 'call')}" if most > tally.to_do else ""


def _money(spent: int | None) -> str:
    return f"{amount(spent)} spent" if not spent else show_usd(spent)


class _Forgiving:
    """A stream on which a reader who has gone is no error (rich would end the program)."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

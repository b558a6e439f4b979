"""Progress of a run as plain short lines, for logs and pipes.

Unaware of terminals.
"""

from __future__ import annotations

from banana_pipe.cli.terminal import Paper, clean, one_line
from banana_pipe.cli.words import STATUSES
from banana_pipe.events import Event, NodeEnded, Waiting, Warned
from banana_pipe.model import Outcome
from banana_pipe.prices import show_usd
from banana_pipe.telling.tally import Tally
from banana_pipe.telling.words import duration

LEAST_WAIT = 1.0
"""Seconds; a shorter wait is nothing to tell."""


class Lines:
    """A line for each node that ends, each new wait and each warning."""

    def __init__(self, paper: Paper, tally: Tally) -> None:
        self.tally = tally
        self._paper = paper
        self._told: set[tuple[str, str]] = set()

    def hear(self, event: Event) -> None:
        """Write the line of *event*, if it has one."""
        self.tally.hear(event)
        for line in self._lines(event):
            self.note(line)

    def note(self, text: str) -> None:
        """Write *text*."""
        self._paper.say(clean(text))

    def close(self) -> None:
        """Nothing to leave."""

    def _lines(self, event: Event) -> list[str]:
        match event:
            case NodeEnded() if worth_telling(event.outcome):
                return [f"[{self.tally.made}/{self.tally.to_do}] {outcome_line(event.outcome)}"]
            case Waiting() if event.seconds >= LEAST_WAIT and (event.node, event.why) not in self._told:
                self._told.add((event.node, event.why))
                return [f"waits    {event.node}  {one_line(event.why)} (up to {duration(event.seconds)})"]
            case Warned():
                return [f"warning: {one_line(event.message)}"]
            case _:
                return []


def worth_telling(outcome: Outcome) -> bool:
    """Whether a node's end is news: what was there before is not, nor what only follows from others' ends."""
    return outcome.status in ("done", "failed", "parked", "lost")


def outcome_line(outcome: Outcome) -> str:
    """How a node ended, on one line."""
    words = [f"{STATUSES[outcome.status].word:<8} {outcome.node}"]
    if outcome.status == "done":
        prices = [take.result.price for take in outcome.takes if take.bought]
        words.append(duration(outcome.seconds))
        words.append(" + ".join(show_usd(price) for price in dict.fromkeys(prices)))
    elif outcome.error:
        words.append(one_line(outcome.error))
    return "  ".join(word for word in words if word)

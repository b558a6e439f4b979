"""What to do about a node that did not end well: words, and the command that does it.

Unaware of how a run came about but for what `Asked` says of it. Terminal, gallery, studio and `--json` say the same.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from banana_pipe.model import Outcome, Reason, Status

EXITS_OF_STOPS = (3, 4)
"""With these a run ends that was stopped: a cap, the balance, the token. What is to be done about it comes first."""

_OF_PARTS = ("--select", "--first")
_OF_RUNS = ("--max-calls", "--max-cost", "--jobs", "-j")
"""Options with a value that only a run takes."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do, in words that a command follows where there is one."""

    words: str
    command: str | None = None

    def __str__(self) -> str:
        return self.words if self.command is None else f"{self.words}: {self.command}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a run, as far as it is known.

    `command` says a command about the same recipe, `again` has what was agreed to for this run, and `larger_cap`
    how to go on where a cap has ended it. `stopped`: what has to be done first stands in the node's error.
    """

    command: Callable[..., str]
    again: tuple[str, ...] = ()
    larger_cap: Advice | None = None
    stopped: bool = False
    takes: str = ""
    """Where takes can be looked at."""


def advice(outcome: Outcome, asked: Asked, *, local: bool) -> tuple[Advice, ...]:
    """What to do next about *outcome*, the likeliest first; nothing where it ended well. *local*: of a transform."""
    if local and outcome.reason in _JUDGED:
        return (_change(asked, outcome),)
    advise = _BY_REASON.get((outcome.status, outcome.reason)) or _BY_STATUS.get(outcome.status)
    if advise is None:
        return ()
    first = advise(asked, outcome)
    return (first, _accept(asked, outcome)) if outcome.reason in _JUDGED else (first,)


def commands_like(again: str, recipe: str) -> Callable[..., str]:
    """Commands about *recipe*, under the profile, variables and folders of the run *again*, a command."""
    try:
        words = shlex.split(again)
    except ValueError:
        words = []
    recipe, rest = (words[2], words[3:]) if words[:2] == ["banana-pipe", "run"] and words[2:] else (recipe, [])
    part, kept = _sorted_out(rest)

    def command(name: str, *more: str) -> str:
        return shlex.join(["banana-pipe", *name.split(), recipe, *more, *(part if name == "run" else ()), *kept])

    return command


def _sorted_out(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """What of the options of a run asks for a part of its recipe, and what every command takes."""
    part: list[str] = []
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):  # `--select` takes several
            part.append(word)
            continue
        option = [word] if "=" in word else [word, next(rest, "")]
        name = word.partition("=")[0]
        if name not in _OF_RUNS:
            (part if name in _OF_PARTS else kept).extend(option)
    return part, kept


_JUDGED: tuple[Reason, ...] = ("blank", "copy", "expect")
"""A picture is there, and is not taken for what was asked."""

_Advise = Callable[[Asked, Outcome], Advice]


def _run(words: str, *flags: str) -> _Advise:
    return lambda asked, _: Advice(words, asked.command("run", *flags))


def _say(words: str) -> _Advise:
    return lambda *_: Advice(words)


def _go_on(asked: Asked, _: Outcome) -> Advice:
    return Advice("then, to go on" if asked.stopped else "to go on", asked.command("run", *asked.again))


def _larger_cap(asked: Asked, _: Outcome) -> Advice:
    return asked.larger_cap or Advice("with a larger cap, to go on", asked.command("run", *asked.again))


def _another_take(asked: Asked, outcome: Outcome) -> Advice:
    return Advice("to buy another take", asked.command("reroll", outcome.node))


def _accept(asked: Asked, outcome: Outcome) -> Advice:
    return Advice("if it is right as it is, free", asked.command("lock accept", outcome.node))


def _change(asked: Asked, _: Outcome) -> Advice:
    """A transform gives the same again until the recipe says otherwise, and a provider answers the same."""
    return Advice("change the step in the recipe, or what it reads, then", asked.command("run"))


def _pick(asked: Asked, outcome: Outcome) -> Advice:
    """The command picks the first of the takes; the others' numbers stand in `error`."""
    if not outcome.choices:
        return Advice("it goes on once what it reads is picked")
    look = f"look at {asked.takes}, then " if outcome.outputs and asked.takes else ""
    return Advice(f"{look}to choose", asked.command("pick", outcome.node, str(outcome.choices[0])))


_BY_STATUS: Mapping[Status, _Advise] = {
    "failed": _run("to try again"),
    "lost": _run("to buy again what is lost", "--rebuy"),
    "parked": _run("a later run looks again; to give it up and buy anew", "--retry-unknown"),
    "waiting": _go_on,
    "blocked": _say("it comes by itself once what it reads is there"),
}

_BY_REASON: Mapping[tuple[Status, Reason], _Advise] = {
    ("failed", "refused"): _run("change the words; or to send the same again", "--retry-refused"),
    ("failed", "blank"): _another_take,
    ("failed", "copy"): _another_take,
    ("failed", "expect"): _another_take,
    ("failed", "op"): _change,
    ("failed", "invalid"): _change,
    ("failed", "undecodable"): _run("the next run fetches it again; to give it up and buy anew", "--rebuy"),
    ("waiting", "pick"): _pick,
    ("waiting", "cap"): _larger_cap,
    ("waiting", "frozen"): _run("to buy it, once"),
}

"""What to do about a trouble, in the same words wherever it is shown. Unaware of where."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.model import Outcome, Reason, Status
from banana_pipe.telling.advice import Advice, Asked, advice, commands_like

FAILED: tuple[Reason, ...] = ("error", "refused", "invalid", "op", "blank", "copy", "expect", "undecodable", "input")
WAITING: tuple[Reason, ...] = ("pick", "cap", "stopped", "frozen")
ENDS: list[tuple[Status, Reason]] = [
    *(("failed", reason) for reason in FAILED),
    *(("waiting", reason) for reason in WAITING),
    ("lost", "lost"),
    ("parked", "unknown"),
    ("blocked", "input"),
]


def asked(again: str = "banana-pipe run r.yaml") -> Asked:
    return Asked(commands_like(again, "r.yaml"))


@pytest.mark.parametrize(("status", "reason"), ENDS)
@pytest.mark.parametrize("local", [True, False])
def test_every_trouble_has_something_to_do(status: Status, reason: Reason, *, local: bool) -> None:
    """A half sentence, and a command that can be copied where there is one."""
    told = advice(Outcome("mug[a=x y]", status, reason), asked(), local=local)
    assert told
    for one in told:
        assert one.words[0].islower()
        assert not one.words.endswith((".", ":"))
        assert one.command is None or shlex.split(one.command)[:1] == ["banana-pipe"]
    assert not (local and any("reroll" in str(one) for one in told)), "a transform has no takes"


@pytest.mark.parametrize("status", ["done", "cached", "skipped"])
def test_what_ended_well_needs_nothing(status: Status) -> None:
    """Whatever the reason."""
    for reason in get_args(Reason):
        assert advice(Outcome("a", status, reason), asked(), local=False) == ()


def test_a_picture_that_is_not_taken_can_be_bought_anew_or_taken_as_it_is() -> None:
    """The free way out is said too."""
    told = advice(Outcome("mug[a={x}]", "failed", "expect"), asked(), local=False)
    assert [str(one) for one in told] == [
        "to buy another take: banana-pipe reroll r.yaml 'mug[a={x}]'",
        "if it is right as it is, free: banana-pipe lock accept r.yaml 'mug[a={x}]'",
    ]


def test_a_choice_is_told_by_its_first_take_and_where_to_look() -> None:
    """The numbers of the others stand in the node's error."""
    waits = Outcome("mug[a=x y]", "waiting", "pick", choices=(2, 3))
    (told,) = advice(waits, asked(), local=False)
    assert str(told) == "to choose: banana-pipe pick r.yaml 'mug[a=x y]' 2"
    (told,) = advice(replace(waits, choices=()), asked(), local=False)
    assert told == Advice("it goes on once what it reads is picked")


def test_what_is_known_of_the_run_is_used() -> None:
    """What was agreed to for it, the cap that suffices, what has to be done first."""
    known = replace(asked(), again=("--rebuy",), stopped=True, larger_cap=Advice("to go on", "x --max-calls 3"))
    assert [str(advice(Outcome("a", "waiting", reason), known, local=False)[0]) for reason in ("stopped", "cap")] == [
        "then, to go on: banana-pipe run r.yaml --rebuy",
        "to go on: x --max-calls 3",
    ]


AGAIN = "banana-pipe run r.yaml --max-calls 9 --max-cost=5 --select a 'b[c=d]' --first 2 --set 'p=a b' --profile draft"


def test_commands_are_about_the_same_profile_and_variables() -> None:
    """Without the caps of one run; and only another run asks for the same part."""
    command = commands_like(AGAIN, "other.yaml")
    assert command("pick", "a", "2") == "banana-pipe pick r.yaml a 2 --set 'p=a b' --profile draft"
    assert command("lock accept", "a") == "banana-pipe lock accept r.yaml a --set 'p=a b' --profile draft"
    run = "banana-pipe run r.yaml --rebuy --select a 'b[c=d]' --first 2 --set 'p=a b' --profile draft"
    assert command("run", "--rebuy") == run


@given(st.text())
def test_any_text_gives_a_command_that_a_shell_reads(again: str) -> None:
    """It comes from a manifest or a caller, who may have said anything."""
    command: Callable[..., str] = commands_like(again, "r.yaml")
    assert shlex.split(command("run"))[:2] == ["banana-pipe", "run"]

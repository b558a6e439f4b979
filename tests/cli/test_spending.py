"""Consent before money is spent. Unaware of how it is spent."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import pytest

from banana_pipe.bills import Bill
from banana_pipe.cli.config import Settings
from banana_pipe.cli.spending import ask
from banana_pipe.cli.terminal import Paper
from banana_pipe.errors import SpendingStopped
from tests.cli.conftest import Pipe
from tests.vendor.fixture import env_for
from tests.vendor.server import Vendor

NO_FLAGS = {"yes": False, "max_calls": None, "max_cost": None}


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


@pytest.mark.parametrize(
    ("bill", "asks"),
    [
        (Bill(0, 0), False),
        (Bill(50, 5_000_000), False),
        (Bill(51, 1_000), True),
        (Bill(1, 5_000_001), True),
        (Bill(1, None), True),
    ],
)
def test_much_is_asked_about(bill: Bill, *, asks: bool) -> None:
    """Above 50 calls or $5; and a price that nobody knows is not known to be small."""
    paper = Paper(io.StringIO())
    if not asks:
        ask(paper, bill, Settings(), NO_FLAGS)
        return
    with pytest.raises(SpendingStopped, match="nobody agreed"):
        ask(paper, bill, Settings(), NO_FLAGS)


@pytest.mark.parametrize("flag", [{"yes": True}, {"max_calls": 1}, {"max_cost": 1}], ids=str)
def test_a_flag_is_consent(flag: dict[str, object]) -> None:
    """Agreed, or capped for this call."""
    ask(Paper(io.StringIO()), Bill(1000, None), Settings(), {**NO_FLAGS, **flag})


def test_a_cap_in_the_environment_is_consent_and_one_in_a_file_is_not() -> None:
    """A project's file would otherwise agree to the price for whoever clones it."""
    paper, bill = Paper(io.StringIO()), Bill(1000, None)
    ask(paper, bill, Settings(max_calls=9, from_environment=frozenset({"max_calls"})), NO_FLAGS)
    with pytest.raises(SpendingStopped):
        ask(paper, bill, Settings(max_calls=9), NO_FLAGS)


def test_the_flags_that_agree_are_said() -> None:
    """With amounts that are enough."""
    with pytest.raises(SpendingStopped) as raised:
        ask(Paper(io.StringIO()), Bill(60, 7_001_000), Settings(), NO_FLAGS)
    assert raised.value.exit_code == 3
    assert raised.value.hint == "agree with --yes, or set a cap: --max-calls 60 or --max-cost 7.01"


@pytest.mark.parametrize("answer", [True, False])
def test_on_a_terminal_it_asks(monkeypatch: pytest.MonkeyPatch, *, answer: bool) -> None:
    """No is the default, and no is exit 3."""
    for name in ("CI", "TERM"):
        monkeypatch.delenv(name, raising=False)
    asked: list[str] = []

    def confirm(question: str, **_: object) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr("click.confirm", confirm)
    monkeypatch.setattr(sys, "stdin", Screen())
    if answer:
        ask(Paper(Screen()), Bill(60, 7_000_000), Settings(), NO_FLAGS)
    else:
        with pytest.raises(SpendingStopped, match="nothing was bought"):
            ask(Paper(Screen()), Bill(60, 7_000_000), Settings(), NO_FLAGS)
    assert asked == ["This may make up to 60 calls, about $7.00. Go on?"]


def test_a_run_that_costs_much_sends_nothing_without_consent(
    pipe: Pipe, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 3 where nobody can be asked; waits are counted."""
    for name, value in {**env_for(vendor), "BANANA_PIPE_CONFIRM_CALLS": "2"}.items():
        monkeypatch.setenv(name, value)
    said = pipe("run", "recipes/small.yaml")
    assert said.code == 3
    assert "up to 3 calls" in said.err
    assert "--max-calls 3" in said.err
    assert not vendor.received
    assert pipe("run", "recipes/small.yaml", "--yes").code == 0


def test_the_sandbox_is_never_asked_about(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs nothing."""
    monkeypatch.setenv("BANANA_PIPE_CONFIRM_CALLS", "0")
    monkeypatch.setenv("BANANA_PIPE_CONFIRM_COST", "0")
    assert pipe("run", "recipes/small.yaml", "--provider", "sandbox").code == 0


def test_what_is_bought_again_counts_with_all_that_reads_it(
    pipe: Pipe, project: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another picture upstream is another request downstream, all the way: nobody agreed to those either."""
    for name, value in env_for(vendor).items():
        monkeypatch.setenv(name, value)
    assert pipe("run", "recipes/small.yaml").code == 0
    shutil.rmtree(project / "cache" / "blobs")
    (project / "out" / "small" / "base.png").unlink()
    monkeypatch.setenv("BANANA_PIPE_CONFIRM_CALLS", "2")
    said = pipe("run", "recipes/small.yaml", "--rebuy")
    assert (said.code, len(vendor.charges)) == (3, 3)
    assert said.err.startswith("small: what is bought again: at most 3 calls, about $0.117")
    assert pipe("run", "recipes/small.yaml", "--rebuy", "--yes").code == 0
    assert len(vendor.charges) == 6

"""Where a run stands, as lines. Unaware of terminals."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.cli.frame import frame_lines
from banana_pipe.cli.terminal import Paper, width
from banana_pipe.events import AttemptMoved, CallStarted, NodeEnded, Waiting
from banana_pipe.model import Budget, Outcome, PlannedNode, Status
from banana_pipe.telling.tally import Tally
from tests.telling.builders import Hands, attempt, planned, started


def tally_of(*nodes: PlannedNode, **known: object) -> Tally:
    tally = Tally(Hands(), **known)  # type: ignore[arg-type]
    tally.hear(started(*nodes))
    return tally


def lines_of(tally: Tally, columns: int = 80, rows: int = 23) -> list[str]:
    return frame_lines(Paper(io.StringIO()), tally, columns, rows)


def fly(tally: Tally, node: str, **changed: object) -> None:
    tally.hear(CallStarted(node, 1, replace(attempt(node), **changed)))  # type: ignore[arg-type]


def end(tally: Tally, node: str, status: Status = "done", error: str | None = None) -> None:
    tally.hear(AttemptMoved(node, replace(attempt(node), state="STORED" if status == "done" else "FAILED")))
    tally.hear(NodeEnded(Outcome(node, status, "new" if status == "done" else "error", error=error)))


def test_a_frame_says_what_one_wants_to_know() -> None:
    """How far, how long, what it costs; a row for each step; what is under way; what went wrong."""
    tally = tally_of(
        *(planned(name) for name in ("base", "tint[n=1]", "tint[n=2]", "tint[n=3]")), planned("old", "cached"), jobs=2
    )
    tally.hear(NodeEnded(Outcome("old", "cached", "cache")))
    fly(tally, "base")
    tally.clock.time += 20  # type: ignore[attr-defined]
    end(tally, "base")
    fly(tally, "tint[n=1]")
    fly(tally, "tint[n=2]")
    end(tally, "tint[n=2]", "failed", "it says no")
    tally.clock.time += 4  # type: ignore[attr-defined]
    assert [" ".join(line.replace("─", "").split()) for line in lines_of(tally)] == [
        "shop ━━━━━━━━━━━━━━━━━━━╸ 2/4 nodes 24 s, about 20 s left",
        "$0.08 of at most $0.16 ● 1 in flight ○ 1 to come ✓ 1 cached ✗ 1 failed",
        "",
        "base ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 1/1",
        "tint ━━━━━━━━━━━━━ 1/3 ● 1 ○ 1 ✗ 1 failed",
        "",
        "● tint[n=1] sending 4 s",
        "",
        "✗ tint[n=2] it says no",
    ]


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (Budget(), "$0.04 of at most $0.08 "),
        (Budget(max_cost=50_000), "$0.04 of the cap of $0.05 "),
        (Budget(max_cost=5_000_000), "$0.04 of at most $0.08, cap $5.00 "),
        (Budget(max_calls=1), "$0.04 of at most $0.08, 1 of 1 call (cap) "),
        (Budget(max_calls=9), "$0.04 of at most $0.08 "),
        (Budget(max_cost_per_day=9_000_000), "$0.04 of at most $0.08, cap $9.00 a day "),
    ],
)
def test_money_is_told_with_the_cap_that_it_runs_under(budget: Budget, words: str) -> None:
    """The plan's price alone says nothing of where the run will stop."""
    tally = tally_of(planned("a"), planned("b"), budget=budget)
    fly(tally, "a")
    assert lines_of(tally)[1].startswith(words)


def test_what_waits_for_the_same_is_one_row() -> None:
    """Ten thousand nodes behind another process are no ten thousand rows."""
    tally = tally_of(*(planned(f"a[n={n}]") for n in range(5)))
    for number in range(4):
        tally.hear(Waiting(f"a[n={number}]", "another process has this request in hand", 30.0))
    (row,) = [line for line in lines_of(tally) if "another" in line]
    assert " ".join(row.split()) == "○ 4 nodes another process has this request in hand 30 s more"


def test_only_what_has_room_is_shown_and_the_rest_is_counted() -> None:
    """Steps that are under way rather than those that are done; the oldest calls."""
    nodes = [f"step{step:02}[n={n}]" for step in range(30) for n in range(3)]
    tally = tally_of(*map(planned, nodes))
    for node in nodes[:60]:
        end(tally, node)
    for node in nodes[60:90]:
        fly(tally, node)
    lines = lines_of(tally, rows=23)
    assert len(lines) <= 23
    assert all(any(f"step{step} " in line for line in lines) for step in range(20, 30))
    assert not any("step01 " in line for line in lines)
    assert any("more steps" in line for line in lines)
    assert any("more calls in flight" in line for line in lines)
    assert len(lines_of(tally, rows=3)) <= 3


@given(
    st.integers(12, 220),
    st.integers(1, 60),
    st.lists(st.tuples(st.text(min_size=1, max_size=90), st.sampled_from(["", "fly", "done", "failed", "parked"]))),
)
def test_no_frame_is_larger_than_its_terminal(columns: int, rows: int, nodes: list[tuple[str, str]]) -> None:
    """Whatever the names, in every script; and no control character of theirs is left."""
    ended: dict[str, Status] = {"done": "done", "failed": "failed", "parked": "parked"}
    tally = tally_of(*(planned(name) for name, _ in nodes), budget=Budget(max_cost=50_000))
    for name, what in nodes:
        if what == "fly":
            fly(tally, name)
        elif what:
            end(tally, name, ended[what], error=f"{name} {name}")
    lines = lines_of(tally, columns, rows)
    assert len(lines) <= rows
    assert max(map(width, lines), default=0) < columns
    assert not any("\033" in line or "\n" in line for line in lines)


def test_what_a_frame_does_does_not_grow_with_the_nodes() -> None:
    """Counted in calls of functions: a hundred times the nodes, the same work."""
    assert _calls(10_000) < 1.1 * _calls(100)


def _calls(nodes: int) -> int:
    names = [f"{step}[n={n}]" for step in ("base", "tint", "scene", "thumb") for n in range(nodes // 4)]
    tally = tally_of(*map(planned, names), jobs=8)
    for name in names[: nodes // 2]:
        end(tally, name)
    for name in names[nodes // 2 : nodes // 2 + 8]:
        fly(tally, name)
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        lines_of(tally)
    finally:
        sys.setprofile(before)
    return counted


@pytest.mark.parametrize(("columns", "rows"), [(20, 5), (10, 2), (1, 1)])
def test_the_smallest_terminal_has_a_frame(columns: int, rows: int) -> None:
    """In every script; and nothing stands beyond its edge, the dots of what is cut off included."""
    tally = tally_of(*(planned(f"モカ[n={n}]") for n in range(5)), planned("e\u0301" * 20))
    for n in range(3):
        fly(tally, f"モカ[n={n}]")
    end(tally, "モカ[n=3]", "failed", "ダメ" * 30)
    lines = lines_of(tally, columns, rows)
    assert 0 < len(lines) <= rows
    assert all(width(line) < max(columns, 11) for line in lines)

"""A plan as a table with its totals.

Unaware of how a plan is made and of what is done with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from banana_pipe.cli.selecting import left_out_words
from banana_pipe.cli.table import Cell, Column, table
from banana_pipe.cli.terminal import Paper
from banana_pipe.cli.words import STATES, bill, bill_now, count, reason_words
from banana_pipe.model import Plan, PlannedNode
from banana_pipe.prices import show_usd, total
from banana_pipe.recipe.references import step_of

MOST_LINES = 60
"""A longer plan is shown by step, unless every node is asked for."""

_COLUMNS = (
    Column("state"),
    Column("node", gives=1),
    Column("takes", right=True, drops=2),
    Column("action", drops=1),
    Column("why", gives=2, prose=True),
    Column("price", right=True),
)


def plan_lines(paper: Paper, plan: Plan, *, every_node: bool) -> list[str]:
    """*plan* as lines: a row for each node, or for nodes of one step that stand alike, then the totals."""
    nodes = (*plan.nodes, *plan.skipped)
    grouped = len(nodes) > MOST_LINES and not every_node
    rows = [_group_row(group) for group in _groups(nodes)] if grouped else [_row(node) for node in nodes]
    lines = table(paper, _COLUMNS, rows)
    if grouped:
        lines += ["", paper.styled("by step; every node with --verbose, all of it with --json", "dim")]
    return [*lines, "", *total_lines(paper, plan)]


def total_lines(paper: Paper, plan: Plan) -> list[str]:
    """What it comes to, and how many nodes are in which state."""
    lines = (*plan.nodes, *plan.skipped)
    counted = Counter(node.state for node in lines)
    parts = [f"{number} {STATES[state].word}" for state in STATES if (number := counted[state])]
    style = "bold yellow" if plan.calls_max else "bold green"
    nodes = f"{count(len(lines), 'node')}: {', '.join(parts)}" if parts else "no nodes"
    return [
        paper.styled(bill(plan.calls, plan.cost, plan.calls_max, plan.cost_max), style),
        *(paper.wrapped(f"of these {after}", 0, "dim") if (after := _after(plan)) else []),
        *paper.wrapped(nodes, 0, "dim"),
        *_left_out(paper, plan),
    ]


def _after(plan: Plan) -> str:
    more = plan.calls_after_picks
    return f"{count(more, 'call')} once somebody has picked; a run now: {bill_now(plan)}" if more else ""


def _left_out(paper: Paper, plan: Plan) -> list[str]:
    words = left_out_words(plan.left_out, (node.id for node in plan.nodes))
    return paper.wrapped(words, 0, "dim") if plan.left_out else []


def _row(node: PlannedNode) -> list[Cell]:
    look = STATES[node.state]
    return [
        Cell(str(look), look.style),
        Cell(node.id),
        Cell(f"×{node.calls}" if node.calls > 1 else "", "dim"),
        Cell(node.action, "dim"),
        Cell(_why(node)),
        Cell(_price(node.calls, node.cost)),
    ]


def _why(node: PlannedNode) -> str:
    why = node.detail or reason_words(node.state, node.reason)
    return f"{why}; its file was changed by hand" if node.modified else why


def _price(calls: int, cost: int | None) -> str:
    if not calls:
        return ""
    return "unknown" if cost is None else show_usd(cost)


@dataclass(frozen=True, slots=True)
class _Group:
    step: str
    nodes: tuple[PlannedNode, ...]


def _groups(nodes: Sequence[PlannedNode]) -> Iterable[_Group]:
    """Nodes of one step with one state and one reason, in the plan's order."""
    found: dict[tuple[str, str, str], list[PlannedNode]] = {}
    for node in nodes:
        found.setdefault((step_of(node.id), node.state, node.reason), []).append(node)
    return (_Group(step, tuple(alike)) for (step, _, _), alike in found.items())


def _group_row(group: _Group) -> list[Cell]:
    first = group.nodes[0]
    look = STATES[first.state]
    calls = sum(node.calls for node in group.nodes)
    name = first.id if len(group.nodes) == 1 else f"{group.step} ({len(group.nodes)} nodes)"
    return [
        Cell(str(look), look.style),
        Cell(name),
        Cell(f"×{calls}" if calls > 1 else "", "dim"),
        Cell(first.action, "dim"),
        Cell(_why(first) if len(group.nodes) == 1 else reason_words(first.state, first.reason)),
        Cell(_price(calls, total(node.cost for node in group.nodes))),
    ]

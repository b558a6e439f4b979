"""What is free and clicked: pick, unpick, accept, preview, compare; each does what the command of that name does.

Unaware of HTTP. Each function is called in a thread, as a command would be in a process: what two of them, or one of them
and a command, write at once is kept from harm by the functions that write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from banana_pipe import choosing
from banana_pipe.beforehand import plan
from banana_pipe.bills import bill_of
from banana_pipe.comparing.album import Album
from banana_pipe.comparing.differences import Comparison
from banana_pipe.comparing.shapes import comparison_json
from banana_pipe.errors import UsageError
from banana_pipe.explain import word_diff
from banana_pipe.lineage.tracing import Archive
from banana_pipe.locks.accepting import accept as accept_nodes
from banana_pipe.locks.resetting import reset_lock
from banana_pipe.model import Json, Node, PlannedNode
from banana_pipe.outputs import differences
from banana_pipe.outputs.logged import logs_in
from banana_pipe.planning import Decided
from banana_pipe.prices import show_usd
from banana_pipe.shapes import plan_json
from banana_pipe.sides.contrast import compare_sides
from banana_pipe.sides.naming import Ground, sides_of
from banana_pipe.studio.house import House
from banana_pipe.studio.panel import bill_json, words_of_run
from banana_pipe.studio.standing import todo_of
from banana_pipe.workspace import Workspace

MOST_SHOWN = 200
"""Nodes of a preview that are told one by one; all are counted."""


async def pick(house: House, node: str, take: int) -> dict[str, Json]:
    """Choose *take* of *node*. Raises UsageError."""
    with house.opened() as workspace:
        picked = await choosing.pick(workspace, node, take)
    return {
        "command": house.commands.about("pick", node, str(take)),
        "picked": [{"node": one.node, "take": one.sample, "before": one.before} for one in picked],
    }


async def unpick(house: House, node: str) -> dict[str, Json]:
    """End what was picked or accepted for *node*. Raises UsageError."""
    with house.opened() as workspace:
        done = await reset_lock(workspace, [node])
    return {
        "command": house.commands.about("lock reset", node),
        "reset": [{"node": one.node, "pick": one.pick, "accepted": one.accepted} for one in done.reset],
        "left": list(done.left),
    }


async def accept(house: House, nodes: Sequence[str]) -> dict[str, Json]:
    """Accept what is there for *nodes*. Raises UsageError."""
    with house.opened() as workspace:
        done = await accept_nodes(workspace, nodes)
    return {
        "command": house.commands.about("lock accept", *nodes),
        "accepted": [{"node": one.node, "sha256": one.artifact.digest, "path": one.path} for one in done.accepted],
        "left": [{"node": one.node, "why": one.why} for one in done.left],
    }


async def the_plan(house: House) -> dict[str, Json]:
    """What a run would do now, as `plan --json` tells it."""
    with house.opened() as workspace:
        decided = await plan(workspace)
        bill = bill_of(workspace, decided.plan, house.limits.consent)
    return {"command": house.commands.about("plan"), "bill": bill_json(bill), "plan": plan_json(decided.plan)}


# --- another value ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Planned:
    """A plan, with the nodes that it is of."""

    nodes: Mapping[str, Node]
    lines: Mapping[str, PlannedNode]


async def preview(house: House, sets: Mapping[str, str]) -> dict[str, Json]:
    """What a run would buy if the variables *sets* had these values. Nothing is written. Raises UsageError."""
    with house.opened() as workspace:
        now = _planned(workspace, await plan(workspace))
    with house.opened(sets=sets) as workspace:
        decided = await plan(workspace)
        then = _planned(workspace, decided)
        bill = bill_of(workspace, decided.plan, house.limits.consent)
        todo = todo_of(workspace, decided, bill)
    changed = list(_changed(now, then))
    return {
        "command": house.commands.about("run", sets=sets),
        "bill": bill_json(bill),
        "words": words_of_run(todo),
        "totals": plan_json(decided.plan)["totals"],
        "nodes": changed[:MOST_SHOWN],
        "changed": len(changed),
        "gone": [name for name in now.nodes if name not in then.nodes][:MOST_SHOWN],
        "warnings": list(decided.plan.warnings),
    }


def _planned(workspace: Workspace, decided: Decided) -> _Planned:
    return _Planned(workspace.graph.nodes, {line.id: line for line in decided.plan.nodes})


def _changed(now: _Planned, then: _Planned) -> Iterator[dict[str, Json]]:
    for name, line in then.lines.items():
        before, node = now.nodes.get(name), then.nodes[name]
        other = name not in now.lines or now.lines[name].key != line.key or now.lines[name].state != line.state
        if other or (before is not None and before.prompt != node.prompt):
            yield {
                "node": name,
                "state": line.state,
                "reason": line.reason,
                "calls": line.calls,
                "price": show_usd(line.cost) if line.calls else "",
                "prompt": [
                    (piece.kind, piece.text) for piece in word_diff(before.prompt if before else "", node.prompt)
                ],
            }


# --- two runs ----------------------------------------------------------------------------------------


async def diff(house: House, before: str, after: str | None) -> dict[str, Json]:
    """Two runs of this folder compared, or one with the folder as it is now. Raises UsageError."""
    out, comparison = _compared(house, before, after, None)
    return {
        "command": house.commands.diff(before, after, out),
        "comparison": comparison_json(comparison, None, "pixels"),
    }


async def diff_page(house: House, before: str, after: str | None) -> bytes:
    """The same as a page."""
    album = Album()
    return differences.page(_compared(house, before, after, album)[1], album)


def _compared(house: House, before: str, after: str | None, album: Album | None) -> tuple[Path, Comparison]:
    with house.opened() as workspace:
        places = workspace.places
    known = {path.stem for path in logs_in(places.out)}
    for one in (before, after):
        if one is not None and one not in known:
            raise UsageError(f"there is no run {one} in {places.out}", hint="choose one of the list")
    ground = Ground(places.root, places.root, (places.out,))
    first, second = sides_of(before, after, ground, Archive(places.root, places.cache), takes=False)
    return places.out, compare_sides(first, second, album)

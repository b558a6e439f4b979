"""What a large table costs to plan, in time and memory, a node: a step for each row, and an edit of each.

Unaware of buying. Each size is planned in a fresh process, over an empty store: the recipe is read, expanded,
planned, and the plan is made into both of its forms, the table for people and the JSON for scripts. Memory is the
peak that `tracemalloc` tells, in a process of its own: it takes its time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from pathlib import Path

from banana_pipe import api
from banana_pipe.cli.plans import plan_lines
from banana_pipe.cli.terminal import out

GOAL = 1.1
_SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)

RECIPE = """\
version: 1
data: {rows: rows.csv}
steps:
  photo:
    matrix: {row: "{{ rows }}"}
    generate: Studio photo of {{ row.product }} in {{ row.color }} on a seamless white background
  scene:
    each: photo
    edit: Place {{ row.product }} on an oak table
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What planning so many nodes took: processor seconds by part, and the most bytes at once."""

    nodes: int
    load: float
    plan: float
    show: float
    memory: int = 0

    @property
    def seconds(self) -> float:
        """All parts together."""
        return self.load + self.plan + self.show


def main() -> None:
    """Print seconds, microseconds a node and bytes a node for each size, and how fast they grow."""
    costs = [_in_fresh_process(size) for size in _SIZES]
    for cost in costs:
        print(
            f"table: {cost.nodes:7,} nodes: {cost.seconds:6.2f} s"
            f" (read and expand {cost.load:.2f}, plan {cost.plan:.2f}, show {cost.show:.2f}),"
            f" {cost.seconds / cost.nodes * 1e6:.0f} µs a node,"
            f" {cost.memory / cost.nodes:,.0f} bytes a node at the peak"
        )
    nodes = [cost.nodes for cost in costs]
    seconds = exponent(nodes, [cost.seconds for cost in costs])
    memory = exponent(nodes, [cost.memory for cost in costs])
    print(f"table: time grows by nodes ** {seconds:.2f}, memory by nodes ** {memory:.2f} (goal: at most {GOAL})")


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The slope of *costs* over *sizes*, both logarithmic: 1 is linear, 2 is quadratic."""
    xs, ys = [log(size) for size in sizes], [log(cost) for cost in costs]
    middle, level = _mean(xs), _mean(ys)
    spread = sum((x - middle) ** 2 for x in xs)
    return sum((x - middle) * (y - level) for x, y in zip(xs, ys, strict=True)) / spread


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _in_fresh_process(nodes: int) -> Cost:
    command = [sys.executable, "-m", "benchmarks.table", str(nodes)]
    timed, traced = (
        json.loads(subprocess.run([*command, what], check=True, capture_output=True, text=True).stdout)
        for what in ("time", "memory")
    )
    return Cost(**{**timed, "memory": traced["memory"]})


def _measure(nodes: int, *, memory: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "table.yaml"
        recipe.write_text(RECIPE)
        (recipe.parent / "rows.csv").write_text("".join(_table(nodes // 2)))
        if memory:
            tracemalloc.start()
        times = [time.process_time()]
        workspace = api.open_recipe(recipe)
        times.append(time.process_time())
        plan = api.call(api.plan(workspace)).plan
        times.append(time.process_time())
        shown = plan_lines(out(), plan, every_node=True)
        written = json.dumps(api.plan_json(plan), indent=2)
        times.append(time.process_time())
        _, peak = tracemalloc.get_traced_memory()
        workspace.close()
    assert len(plan.nodes) == nodes
    assert len(shown) > nodes
    assert len(written) > nodes
    load, planned, show = (end - start for start, end in pairwise(times))
    return {"nodes": nodes, "load": load, "plan": planned, "show": show, "memory": peak}


def _table(rows: int) -> Iterable[str]:
    yield "id,product,color\n"
    for number in range(rows):
        yield f"sku-{number:06},product {number},color {number % 97}\n"


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]), memory=sys.argv[2] == "memory")))

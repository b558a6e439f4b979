"""What planning costs a node, in process, beside a plain loop that renders and hashes the same.

Unaware of buying. An expanded matrix of 1,000 nodes over an empty store.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from jinja2.sandbox import ImmutableSandboxedEnvironment

from banana_pipe import api, planning

GOAL = 150
_NODES = (40, 25)
_PROMPT = "A {{ a }} thing with {{ b }} on it, studio light, seamless background"
_ROUNDS = 7


def main() -> None:
    """Print microseconds a node, and the ratio to the plain loop."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "matrix.yaml"
        axes = [
            ", ".join(f"{axis}{number}" for number in range(count)) for axis, count in zip("ab", _NODES, strict=True)
        ]
        recipe.write_text(
            f"version: 1\nsteps:\n  thing:\n    matrix: {{a: [{axes[0]}], b: [{axes[1]}]}}\n    generate: {_PROMPT}\n"
        )
        load = _best(lambda: api.open_recipe(recipe).close())
        workspace = api.open_recipe(recipe)
        plan = _best(lambda: asyncio.run(planning.plan(workspace.graph, workspace.markets, workspace.files)))
        workspace.close()
    count = _NODES[0] * _NODES[1]
    loop = _best(_plain_loop)
    print(f"plan: {plan / count * 1e6:.0f} µs a node (goal: at most {GOAL}), {plan / loop:.1f} × the plain loop")
    print(f"plan: reading and expanding the recipe before it: {load / count * 1e6:.0f} µs a node")


def _plain_loop() -> None:
    """Render and hash the same requests, with nothing around it."""
    template = ImmutableSandboxedEnvironment().from_string(_PROMPT)
    for a in range(_NODES[0]):
        for b in range(_NODES[1]):
            prompt = template.render(a=f"a{a}", b=f"b{b}")
            request = {"action": "generate", "model": "nano-banana", "prompt": prompt, "images": [], "sample": 1}
            sha256(json.dumps(request, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _best(work: Callable[[], object]) -> float:
    """The shortest of some rounds: what the machine can do when nobody disturbs it."""
    seconds = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)

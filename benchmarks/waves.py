"""How near a cold run comes to the best that equal delays allow.

Unaware of anything inside. 416 steps in 104 chains of 4, 32 calls at once, against a server in a
process of its own that answers the POST itself after 1 s: 13 waves of 1 s are the ideal.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from math import ceil
from pathlib import Path

from banana_pipe import api
from banana_pipe.model import Run
from banana_pipe.providers.secret import Token
from banana_pipe.purchase.orders import Pace
from tests.vendor import VendorProcess

GOAL = 0.90
_CHAINS, _LENGTH, _AT_ONCE, _SECONDS = 104, 4, 32, 1.0


def main() -> None:
    """Print the ideal divided by what it took."""
    steps = _CHAINS * _LENGTH
    ideal = ceil(steps / _AT_ONCE) * _SECONDS
    with tempfile.TemporaryDirectory() as folder, VendorProcess(answers="at_once", delay=_SECONDS) as vendor:
        recipe = Path(folder) / "chains.yaml"
        recipe.write_text(_recipe())
        began = time.perf_counter()
        run = asyncio.run(_run(recipe, vendor.base_url))
        took = time.perf_counter() - began
        charges, peak = len(vendor.charges), vendor.peak
    assert run.exit_code == 0, f"the run ended with {run.exit_code}"
    assert charges == steps, f"{charges} charges for {steps} steps"
    print(
        f"waves: {steps} steps in chains of {_LENGTH}, {_AT_ONCE} at once: {ideal:.0f} s ideal, {took:.2f} s,"
        f" {ideal / took:.3f} of the ideal (goal: at least {GOAL}); at most {peak} calls at once"
    )


async def _run(recipe: Path, base_url: str) -> Run:
    workspace = api.open_recipe(recipe, access=api.Access(Token("benchmark"), base_url))
    try:
        return await api.run(workspace, api.Limits(pace=Pace(calls=_AT_ONCE)))
    finally:
        workspace.close()


def _recipe() -> str:
    chains = ", ".join(f"c{number}" for number in range(_CHAINS))
    lines = ["version: 1", "steps:", "  s0:", f"    matrix: {{chain: [{chains}]}}", "    generate: Picture {{ chain }}"]
    for link in range(1, _LENGTH):
        lines += [f"  s{link}:", f"    each: s{link - 1}", f"    edit: Change {link} of {{{{ chain }}}}"]
    return "\n".join(lines) + "\n"

"""How busy 10,000 transforms keep the cores: the processor's time of a whole run, over the time that it took.

Unaware of anything inside. A hundred photos, each cropped, made small in a hundred sizes and written as WebP: what a shop
does. All of it is published. On a machine that does other things at the same time the ratio says little: so it is told what
others took meanwhile, and how many of our threads had something to do for a core, whether they had one or not.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from banana_pipe import api
from banana_pipe.events import RunEnded

GOAL = 1.7
_PHOTOS, _SIZES = 100, 100
_SIDE = 640


def main() -> None:
    """Print the ratio, for as many nodes as the goal is about, or as the command line says."""
    command = [sys.executable, "-m", "benchmarks.local", str(_PHOTOS)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    nodes, wall, busy, others = told["nodes"], told["wall"], told["busy"], told["others"]
    print(
        f"local: {nodes:,} transforms in {wall:.1f} s, {busy:.1f} s of the processor: {busy / wall:.2f} cores of"
        f" {os.cpu_count()} (goal: at least {GOAL}), {wall / nodes * 1e3:.2f} ms a node; others took {others / wall:.2f} cores,"
        f" and there was work for {told['wanted'] / wall:.2f}"
    )


def _measure(photos: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "shop.yaml"
        recipe.write_text(_recipe(photos))
        for number in range(photos):
            _photo(number).save(recipe.parent / f"{number}.jpg", quality=90)
        workspace = api.open_recipe(recipe)
        decided = api.call(api.plan(workspace))
        began, busy, machine = time.perf_counter(), _busy(), _machine()
        wanted = 0.0

        def ended(event: object) -> None:
            nonlocal wanted
            if isinstance(event, RunEnded):
                wanted = _wanted()

        run = api.call(api.run(workspace, decided=decided, emit=ended))
        wall, busy = time.perf_counter() - began, _busy() - busy
        others = _machine() - machine - busy
        workspace.close()
    assert run.exit_code == 0
    assert len(run.outcomes) == photos * _SIZES
    return {"nodes": len(run.outcomes), "wall": wall, "busy": busy, "others": max(0.0, others), "wanted": wanted}


def _busy() -> float:
    """Seconds of the processor that this process took."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _wanted() -> float:
    """Seconds that the threads which are there now had a core, or waited for one; 0 where nobody tells."""
    told = [path.read_text().split() for path in Path("/proc/self/task").glob("*/schedstat")]
    return sum(int(ran) + int(waited) for ran, waited, _ in told) / 1e9


def _machine() -> float:
    """Seconds of the processor that everybody took since the machine started; 0 where nobody tells."""
    try:
        ticks = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    except OSError:
        return 0.0
    user, nice, system, _, _, irq, soft, *_ = map(int, ticks[1:])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def _photo(number: int) -> Image.Image:
    """Many colours and some noise, as photos have them; each another one."""
    across, down = Image.linear_gradient("L"), Image.radial_gradient("L")
    noise = Image.effect_noise((256, 256), 20 + number % 40)
    photo = Image.merge("RGB", (across.rotate(number % 4 * 90), down, noise))
    return photo.resize((_SIDE, _SIDE * 3 // 4))


def _recipe(photos: int) -> str:
    return (
        "version: 1\nsteps:\n  thumb:\n"
        f"    matrix: {{photo: [{', '.join(map(str, range(photos)))}],"
        f" size: [{', '.join(map(str, range(80, 80 + _SIZES)))}]}}\n"
        "    images: '{{ photo }}.jpg'\n"
        "    transform: [{crop: 1:1}, {resize: '{{ size }}'}, {convert: webp}]\n"
    )


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]))))

"""What a gallery costs a picture, as a multiple of what making its small picture alone takes.

Unaware of what the page shows. Pictures of 1K from the sandbox, published by a real run. Measured is `report`, from reading
the recipe to the page on disk, with no small picture there; and beside it, the bytes already read, the making of each
small picture alone, one after the other. In processor seconds: the small pictures are made in two threads, and what waits
for the disk waits for it alone.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from banana_pipe import api
from banana_pipe.outputs.page.thumbs import shrunk

GOAL = 1.3
_PICTURES = 48
_ROUNDS = 5
_RECIPE = """\
version: 1
defaults: {{provider: sandbox}}
steps:
  photo:
    matrix: {{number: [{numbers}]}}
    generate: Studio photo of product {{{{ number }}}} on an oak table at dusk
    resolution: 1K
"""


def main() -> None:
    """Print the ratio, and what both take a picture."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "shop.yaml"
        recipe.write_text(_RECIPE.format(numbers=", ".join(f"n{number}" for number in range(_PICTURES))))
        subprocess.run([sys.executable, "-m", "banana_pipe", "run", str(recipe)], check=True, capture_output=True)
        out = Path(folder) / "out" / "shop"
        pictures = [path.read_bytes() for path in sorted((out / "photo").iterdir())]
        assert len(pictures) == _PICTURES
        # In turn: what disturbs the machine disturbs both.
        pairs = [(_seconds(lambda: _report(recipe, out)), _seconds(lambda: _alone(pictures))) for _ in range(_ROUNDS)]
    report, alone = (min(both) for both in zip(*pairs, strict=True))
    each = f"{report / _PICTURES * 1000:.1f} ms a picture, {alone / _PICTURES * 1000:.1f} ms its small picture alone"
    print(f"report: {report / alone:.2f} × making the small pictures alone (goal: at most {GOAL}): {each}")


def _report(recipe: Path, out: Path) -> None:
    shutil.rmtree(out / "_" / "thumbs")
    workspace = api.open_recipe(recipe)
    try:
        done = api.call(api.report_on(workspace, command="banana-pipe run shop.yaml"))
    finally:
        workspace.close()
    assert (done.pictures, done.thumbs) == (_PICTURES, _PICTURES)


def _alone(pictures: list[bytes]) -> None:
    assert all(shrunk(data) for data in pictures)


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began

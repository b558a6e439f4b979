"""`report`: the gallery of a folder, made again without a run.

Unaware of what the page shows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from banana_pipe import api
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.options import Call, read_call, recipe_argument, recipe_options
from banana_pipe.cli.words import count
from banana_pipe.model import Json


@click.command()
@recipe_argument
@click.option(
    "--single-file",
    "alone",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"Write one file with small pictures inside, of at most {api.MOST_INLINED}.",
)
@recipe_options
def report(recipe: Path, *, alone: Path | None, **values: Any) -> int:
    """Make the gallery of RECIPE again, without a run: index.html in its output folder. Free.

    From the manifest, the lock file and the last run's log. Small pictures that are missing are made too.

    \b
    banana-pipe report shop.yaml
    banana-pipe report shop.yaml --single-file shop.html
    """
    call = read_call(recipe, values)
    with call.opened() as workspace:
        done = api.call(api.report_on(workspace, command=call.command("run"), alone=alone))
    for warning in done.warnings:
        call.err.say(call.err.styled("warning: ", "yellow") + call.err.styled(warning, ""))
    if call.json:
        print_json(call.out, _as_json(workspace.graph.recipe.name, done))
    else:
        _show(call, done)
    return 0


def _show(call: Call, done: api.Reported) -> None:
    paper = call.out
    made = f", {count(done.thumbs, 'small picture')} made" if done.thumbs else ""
    told = paper.styled(f"{count(done.pictures, 'picture')}, {max(1, done.bytes // 1000)} kB{made}", "dim")
    paper.say(f"{paper.styled('✓', 'bold green')} {paper.styled(call.shown(done.page), 'bold')}  {told}")


def _as_json(recipe: str, done: api.Reported) -> dict[str, Json]:
    return {
        "recipe": recipe,
        "page": str(done.page),
        "run_id": done.run_id,
        "pictures": done.pictures,
        "thumbs": done.thumbs,
        "bytes": done.bytes,
        "warnings": list(done.warnings),
    }

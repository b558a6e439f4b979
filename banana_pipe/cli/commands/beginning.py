"""`init`: a small project to begin with.

Unaware of what stands in its files.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from banana_pipe.cli.errors import print_json
from banana_pipe.cli.options import json_option, shown_path
from banana_pipe.cli.terminal import out
from banana_pipe.recipe import jsonschema
from banana_pipe.starting import IGNORED, RECIPE, Started, start

_ABOUT = {
    RECIPE: "the recipe: read it, change it",
    "prompts/style.j2": "words that its prompts share",
    jsonschema.FILE_NAME: "what editors know of recipes",
    "banana-pipe.toml": "how to run: caps, folders",
    IGNORED: "the cache and the pictures stay out of git",
}


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path), default=Path())
@json_option
def init(folder: Path, *, as_json: bool, **_: Any) -> int:
    """Write a small project into DIR (here, if nobody says): it runs at once, offline and free."""
    started = start(folder.absolute())
    if as_json:
        print_json(out(), {"folder": str(started.folder), "files": list(started.files), "kept": list(started.kept)})
    else:
        _show(started)
    return 0


def _show(started: Started) -> None:
    paper, shown = out(), shown_path(started.folder)
    paper.say(paper.styled(f"✓ a project in {'this folder' if shown == '.' else f'{shown}/'}", "bold green"))
    for name in started.files:
        paper.say(f"  {paper.styled(f'{name:<24}', 'cyan')}{paper.styled(_ABOUT[name], 'dim')}")
    if started.kept:
        paper.say(paper.styled(f"  {IGNORED} was there and stays as it is: let it name /cache/ and /out/", "yellow"))
    recipe = RECIPE if shown == "." else f"{shown}/{RECIPE}"
    for command in ("plan", "run"):
        paper.say(paper.styled(f"  → {shlex.join(('banana-pipe', command, recipe))}", "cyan"))

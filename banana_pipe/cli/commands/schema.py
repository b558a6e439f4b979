"""`schema`: the recipe language for editors, and a run's log for programs, as JSON Schemas.

Unaware of what the language is and of what a run says.
"""

from __future__ import annotations

from pathlib import Path

import click

from banana_pipe import disk
from banana_pipe.cli.terminal import out
from banana_pipe.outputs.log import SCHEMA
from banana_pipe.recipe import jsonschema

LOG_NAME = "banana-pipe-log.schema.json"


@click.command()
@click.option("--log", is_flag=True, help="That of a line of a run's log, instead of that of recipes.")
@click.option("--write", is_flag=True, help=f"Write {jsonschema.FILE_NAME} (or {LOG_NAME}) into this folder.")
def schema(*, log: bool, write: bool) -> int:
    """Print the JSON Schema of recipes: with it an editor completes keys, explains them, and marks mistakes.

    \b
    banana-pipe schema --write
    banana-pipe schema --log
    """
    paper = out()
    name = LOG_NAME if log else jsonschema.FILE_NAME
    text = SCHEMA.read_text("utf-8") if log else jsonschema.as_text()
    if not write:
        click.echo(text, nl=False)
        return 0
    disk.write_file(Path(name).absolute(), text.encode())
    paper.say(paper.styled(f"✓ {name}", "bold green"))
    if not log:
        paper.say(f"  the first line of a recipe beside it: {paper.styled(jsonschema.FIRST_LINE, 'cyan')}")
    return 0

"""`schema`: the recipe language for editors, and a run's log for programs, as JSON Schemas.

Unaware of what the language is and of what a run says.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from banana_pipe import disk
from banana_pipe.cli.options import shown_path
from banana_pipe.cli.terminal import out
from banana_pipe.errors import UsageError
from banana_pipe.outputs.foreign import refuse_to_replace
from banana_pipe.outputs.log import SCHEMA
from banana_pipe.recipe import jsonschema

LOG_NAME = "banana-pipe-log.schema.json"
_HERE = "."
"""What stands for the file that nobody names."""


@click.command()
@click.option("--log", is_flag=True, help="That of a line of a run's log, instead of that of recipes.")
@click.option("--tests", is_flag=True, help="That of a recipe's test file, which `validate --prompts` reads.")
@click.option(
    "--write",
    is_flag=False,
    flag_value=_HERE,
    metavar="[FILE]",
    help=f"Write it to FILE, or to {jsonschema.FILE_NAME} (for others, to a name of their own) in this folder.",
)
def schema(*, log: bool, tests: bool, write: str | None) -> int:
    """Print the JSON Schema of recipes: with it an editor completes keys, explains them, and marks mistakes.

    \b
    banana-pipe schema --write
    banana-pipe schema --tests --write
    banana-pipe schema --write editor/recipes.json
    banana-pipe schema --log
    """
    if log and tests:
        raise UsageError("--log and --tests are two schemas", hint="ask for one after the other")
    name, text = _schema(log=log, tests=tests)
    if write is None:
        click.echo(text, nl=False)
        return 0
    path = Path(name if write == _HERE else write)
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint=f"name the file: --write {path / name}")
    refuse_to_replace(path, json.dumps(json.loads(text)["title"]).encode())
    disk.write_file(path.absolute(), text.encode())
    paper = out()
    paper.say(paper.styled(f"✓ {shown_path(path.absolute())}", "bold green"))
    if not log:
        what = "test file" if tests else "recipe"
        line = jsonschema.first_line(os.path.basename(path))
        paper.say(f"  the first line of a {what} beside it: {paper.styled(line, 'cyan')}")
    return 0


def _schema(*, log: bool, tests: bool) -> tuple[str, str]:
    """How its file is called where nobody says, and its text."""
    if log:
        return LOG_NAME, SCHEMA.read_text("utf-8")
    if tests:
        return jsonschema.TESTS_NAME, jsonschema.tests_as_text()
    return jsonschema.FILE_NAME, jsonschema.as_text()

"""`schema`: the recipe language for editors, as a JSON Schema.

Unaware of what the language is.
"""

from __future__ import annotations

from pathlib import Path

import click

from banana_pipe import disk
from banana_pipe.cli.terminal import out
from banana_pipe.recipe import jsonschema


@click.command()
@click.option("--write", is_flag=True, help=f"Write {jsonschema.FILE_NAME} into this folder.")
def schema(*, write: bool) -> int:
    """Print the JSON Schema of recipes: with it an editor completes keys, explains them, and marks mistakes."""
    paper = out()
    if not write:
        click.echo(jsonschema.as_text(), nl=False)
        return 0
    disk.write_file(Path(jsonschema.FILE_NAME).absolute(), jsonschema.as_text().encode())
    paper.say(paper.styled(f"✓ {jsonschema.FILE_NAME}", "bold green"))
    paper.say(f"  the first line of a recipe beside it: {paper.styled(jsonschema.FIRST_LINE, 'cyan')}")
    return 0

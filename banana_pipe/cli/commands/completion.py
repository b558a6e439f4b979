"""`completion`: the script that lets a shell complete commands, options and names.

Unaware of what is completed.
"""

from __future__ import annotations

import click

from banana_pipe.cli.completing import SHELLS, script_for
from banana_pipe.cli.terminal import out


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> int:
    """Print what SHELL (bash, zsh or fish) reads to complete commands, options, nodes, profiles, takes and runs."""
    out().say(script_for(shell, ctx.find_root().command).rstrip("\n"))
    return 0

"""`lock`: what the lock file says, against what is there.

Unaware of how pictures are accepted and kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from banana_pipe import api
from banana_pipe.cli.commands.choosing import say_then, say_what_a_run_buys, totals
from banana_pipe.cli.commands.merging import merge
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.names import complete_node
from banana_pipe.cli.options import Call, read_call, recipe_argument, recipe_options
from banana_pipe.model import Json


@click.group()
def lock() -> None:
    """Compare what the lock file says with what is there, and settle it."""


lock.add_command(merge)


@lock.command(short_help="Accept changed files, or pictures of before.")
@recipe_argument
@click.argument("nodes", metavar="[NODE]...", nargs=-1, shell_complete=complete_node)
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would be accepted.")
@recipe_options
def accept(recipe: Path, nodes: tuple[str, ...], *, dry_run: bool, **values: Any) -> int:
    """Accept what is there: a file changed by hand, else the picture that a node had last. Free.

    Without NODE: of every node that a run would change or leave alone as changed by hand.
    """
    call = read_call(recipe, values)
    workspace = api.open_recipe(recipe, call.options, call.access(token=False))
    try:
        done = api.call(api.accept(workspace, nodes, write=not dry_run))
    finally:
        workspace.close()
    if call.json:
        print_json(call.out, _as_json(done, dry_run=dry_run))
        return 0
    _show(call, workspace, done, dry_run=dry_run)
    if dry_run and done.accepted:
        say_what_a_run_buys(call, done.then, "then")
        call.out.say(call.out.styled(f"  → {call.command('lock accept', *nodes)}", "cyan"))
    else:
        say_then(call, done.then)
    return 0


def _show(call: Call, workspace: api.Workspace, done: api.Acceptance, *, dry_run: bool) -> None:
    paper = call.out
    for one in done.accepted:
        what = "the picture that it had last"
        if one.path is not None:
            what = f"{call.shown(workspace.places.out / one.path)}, as it was changed by hand"
        mark = "○" if dry_run else "✓"
        paper.say(f"{paper.styled(f'{mark} {one.node}', 'bold green')}: {what}")
    for left in done.left:
        paper.say(f"{paper.styled(f'- {left.node}', 'bold yellow')}: {left.why}")
    if not done.accepted:
        paper.say("nothing to accept: what is there is what the recipe asks for")


def _as_json(done: api.Acceptance, *, dry_run: bool) -> dict[str, Json]:
    return {
        "dry_run": dry_run,
        "accepted": [{"node": one.node, "sha256": one.artifact.digest, "path": one.path} for one in done.accepted],
        "left": [{"node": left.node, "why": left.why} for left in done.left],
        "then": totals(done.then),
    }

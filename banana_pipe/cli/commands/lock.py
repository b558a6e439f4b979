"""`lock`: what the lock file says, against what is there.

Unaware of how pictures are accepted and kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from banana_pipe import api
from banana_pipe.cli.commands.choosing import say_then, say_what_a_run_buys, totals
from banana_pipe.cli.commands.merging import merge
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.locks import check_json, check_lines, clean_json, clean_lines, reset_json, reset_lines
from banana_pipe.cli.names import complete_node
from banana_pipe.cli.options import Call, read_call, recipe_argument, recipe_options
from banana_pipe.model import LOCAL, Json, Plan


@click.group()
def lock() -> None:
    """What the lock file says against what is there: compare, accept, start anew, tidy up."""


lock.add_command(merge)


@lock.command(short_help="Accept changed files, or pictures of before.")
@recipe_argument
@click.argument("nodes", metavar="[NODE]...", nargs=-1, shell_complete=complete_node)
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would be accepted.")
@recipe_options
def accept(recipe: Path, nodes: tuple[str, ...], *, dry_run: bool, **values: Any) -> int:
    """Accept what is there: a file changed by hand, else the picture that a node had last. Free.

    Without NODE: of every node that a run would change or leave alone as changed by hand. For example:

    \b
      banana-pipe lock accept recipes/shop.yaml 'scene[color=teal]'
    """
    call = read_call(recipe, values)
    with call.opened() as workspace:
        done = api.call(api.accept(workspace, nodes, write=not dry_run))
    if call.json:
        print_json(call.out, _as_json(done, dry_run=dry_run))
        return 0
    _show(call, workspace, done, dry_run=dry_run)
    _say_next(call, done.then, "lock accept", nodes, dry_run=dry_run and bool(done.accepted))
    return 0


@lock.command(short_help="Compare recipe, lock file, cache and folder.")
@recipe_argument
@click.argument("nodes", metavar="[NODE]...", nargs=-1, shell_complete=complete_node)
@click.option(
    "--no-pictures", is_flag=True, help="Compare recipe and lock file alone: for a checkout without pictures."
)
@recipe_options
def check(recipe: Path, nodes: tuple[str, ...], *, no_pictures: bool, **values: Any) -> int:
    """Compare recipe, lock file, cache and output folder with each other. Changes none of them, needs no token.

    Exit code 0 if they agree, 5 if something would have to be bought, 6 if a call is open, 1 if anything
    else differs, 7 if only picks are missing. For example, in CI:

    \b
      banana-pipe lock check recipes/shop.yaml
      banana-pipe lock check recipes/shop.yaml hero 'scene[color=teal]' --json
    """
    call = read_call(recipe, values)
    with call.opened() as workspace:
        done = api.call(api.check_lock(workspace, nodes, pictures=not no_pictures))
        paths = [workspace.lock_of(name) for name in workspace.markets if name != LOCAL]
    for warning in done.plan.warnings:
        call.err.say(call.err.styled("warning: ", "yellow") + call.err.styled(warning, ""))
    if call.json:
        print_json(call.out, check_json(done, dict.fromkeys(paths)))
    else:
        _say(call, check_lines(call.out, call, done))
    return done.exit_code


@lock.command(short_help="End picks and what was accepted.")
@recipe_argument
@click.argument("nodes", metavar="[NODE]...", nargs=-1, shell_complete=complete_node)
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would end.")
@recipe_options
def reset(recipe: Path, nodes: tuple[str, ...], *, dry_run: bool, **values: Any) -> int:
    """End what was picked and accepted: the rule of the recipe decides again which take flows on. Free.

    Without NODE: of every node. Takes, files and bytes stay. For example:

    \b
      banana-pipe lock reset recipes/shop.yaml hero --dry-run
    """
    call = read_call(recipe, values)
    with call.opened() as workspace:
        done = api.call(api.reset_lock(workspace, nodes, write=not dry_run))
    if call.json:
        print_json(call.out, reset_json(done, dry_run=dry_run))
        return 0
    _say(call, reset_lines(call.out, call, done, dry_run=dry_run))
    _say_next(call, done.then, "lock reset", nodes, dry_run=dry_run and bool(done.reset))
    return 0


@lock.command(short_help="Take out what no node asks for any more.")
@recipe_argument
@click.argument("nodes", metavar="[NODE]...", nargs=-1, shell_complete=complete_node)
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would go.")
@click.option("--forget", is_flag=True, help="Also what nothing but the lock file knows of: it would be bought again.")
@recipe_options
def clean(recipe: Path, nodes: tuple[str, ...], *, dry_run: bool, forget: bool, **values: Any) -> int:
    """Take out of the lock file what no node asks for any more, under no profile. Free.

    With NODE only blocks of that name, also of nodes that are gone. The ledger and the pictures stay in
    the cache. What other values of --set asked counts as used only if they are given. For example:

    \b
      banana-pipe lock clean recipes/shop.yaml --dry-run
    """
    call = read_call(recipe, values)
    with call.opened() as workspace:
        done = api.call(api.clean_lock(workspace, nodes, forget=forget, write=not dry_run))
    if call.json:
        print_json(call.out, clean_json(done, dry_run=dry_run))
        return 0
    _say(call, clean_lines(call.out, call, done, dry_run=dry_run))
    if dry_run and (done.removed or done.links):
        again = (*nodes, "--forget") if forget else nodes
        call.out.say(call.out.styled(f"  → {call.command('lock clean', *again)}", "cyan"))
    return 0


def _say(call: Call, lines: Iterable[str]) -> None:
    for line in lines:
        call.out.say(line)


def _say_next(call: Call, then: Plan, command: str, nodes: Sequence[str], *, dry_run: bool) -> None:
    """What a run would buy now, or after *command*."""
    if dry_run:
        say_what_a_run_buys(call, then, "then")
        call.out.say(call.out.styled(f"  → {call.command(command, *nodes)}", "cyan"))
    else:
        say_then(call, then)


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

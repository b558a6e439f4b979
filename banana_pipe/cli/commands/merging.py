"""`lock merge`: a lock file that git could not merge, settled.

Unaware of how two lock files become one.
"""

from __future__ import annotations

from pathlib import Path

import click

from banana_pipe import api
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.options import json_option, recipe_argument, shown_path
from banana_pipe.cli.terminal import Paper, err, out
from banana_pipe.cli.words import MOST_NAMED, count

EXIT_CLASHES = 1


@click.command(short_help="Settle a lock file that git left in conflict.")
@recipe_argument
@click.option(
    "--ours", "prefer", flag_value="ours", help="Where both sides decided differently, keep this branch's word."
)
@click.option("--theirs", "prefer", flag_value="theirs", help="Keep what git calls theirs.")
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would be settled.")
@json_option
def merge(recipe: Path, *, prefer: api.Side | None, dry_run: bool, as_json: bool) -> int:
    """Settle the lock file of RECIPE that git left in conflict: what both sides bought is kept. Free.

    Where the two picked or accepted differently, nothing is written until you say whose word counts. Ours
    and theirs are as git calls them: in a merge ours is the branch that one is on, in a rebase the other.
    For example, in the middle of a `git merge`:

    \b
      banana-pipe lock merge recipes/shop.yaml
      banana-pipe lock merge recipes/shop.yaml --theirs
    """
    path, merged = api.call(api.merge_lock(recipe, prefer=prefer, write=not dry_run))
    clashes = merged.clashes if merged else ()
    open_ones = bool(clashes) and prefer is None
    if as_json:
        shown = [{"name": one.name, "ours": one.ours, "theirs": one.theirs} for one in clashes]
        settled = merged is not None and not open_ones and not dry_run
        print_json(out(), {"lock": str(path), "conflict": merged is not None, "settled": settled, "clashes": shown})
    else:
        _say(out(), path, merged, prefer, dry_run=dry_run)
    if open_ones:
        err().say(
            err().styled(
                f"  → to keep the one or the other: --ours, --theirs (in a rebase theirs is your own); {_LATER}", "cyan"
            )
        )
    return EXIT_CLASHES if open_ones else 0


def _say(paper: Paper, path: Path, merged: api.Merged | None, prefer: api.Side | None, *, dry_run: bool) -> None:
    name = shown_path(path)
    if merged is None:
        paper.say(f"{name} has no conflict")
        return
    for one in merged.clashes[:MOST_NAMED]:
        words = f"ours says {one.ours}, theirs {one.theirs}"
        words += f"; {prefer} it is" if prefer else ""
        paper.say(f"{paper.styled(f'? {one.name}', 'bold yellow')}: {words}")
    if len(merged.clashes) > MOST_NAMED:
        paper.say(f"  and {len(merged.clashes) - MOST_NAMED} more")
    blocks = f"{count(len(merged.lock.blocks), 'request')} of both sides"
    if merged.clashes and prefer is None:
        paper.say(f"{name} stays as it is: the two sides decided {count(len(merged.clashes), 'thing')} differently")
    elif dry_run:
        paper.say(f"○ {name}: would have {blocks}")
    else:
        paper.say(paper.styled(f"✓ {name}", "bold green") + f": {blocks}; `git add` it when the rest is merged")


_LATER = "`pick` changes one afterwards"

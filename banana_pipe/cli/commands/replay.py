"""`replay`: the folder of a past run, made again.

Unaware of where bytes are kept and how a log is read.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from banana_pipe import api
from banana_pipe.cli.config import read_settings
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.names import complete_run
from banana_pipe.cli.options import json_option, shown_path
from banana_pipe.cli.terminal import Paper, out
from banana_pipe.cli.words import MOST_NAMED, count
from banana_pipe.model import Json
from banana_pipe.project import cache_of, find_root

EXIT_MISSING = 1
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("run", metavar="RUN", shell_complete=complete_run)
@click.option("--out", "to", type=_FOLDER, metavar="DIR", help="Make it there instead of beside the run's own folder.")
@click.option("--cache", type=_FOLDER, metavar="DIR", help="Take the pictures from this cache.")
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would be made, and what is missing.")
@json_option
def replay(run: str, to: Path | None, cache: Path | None, *, dry_run: bool, as_json: bool) -> int:
    """Make the folder of a past RUN again: its pictures, its takes, its manifest, byte for byte.

    Free, offline, and without the recipe: from the run's log, the cache and what is published.
    RUN is a run's id or the beginning of one, `last`, or the file of a log. A folder with anything else in it is
    refused. Exit code 1 if the bytes of a picture are nowhere.

    \b
    banana-pipe replay last
    banana-pipe replay 20261122T155149Z --out /tmp/as-it-was
    banana-pipe replay out/fox/_/runs/20261122T155149Z-131fde.jsonl -n
    """
    here = find_root(Path.cwd())
    settings = read_settings(here)
    chosen = [settings.out] if settings.out else []
    outs = list({os.path.realpath(one): one for one in (*chosen, *_folders(here / "out"))}.values())
    logged = api.read_log(api.find_run(run, outs))
    root = find_root(logged.out) if logged.out is not None else here
    folder = to.absolute() if to is not None else api.beside(logged)
    caches = [cache.absolute()] if cache is not None else [cache_of(one, settings.cache) for one in {root: 0, here: 0}]
    own = [logged.out] if logged.out is not None else []
    done = api.replay(logged, folder, root, caches, [*own, *outs], write=not dry_run)
    if as_json:
        print_json(out(), _as_json(done, dry_run=dry_run))
    else:
        _show(out(), done, dry_run=dry_run)
    return EXIT_MISSING if done.missing else 0


def _folders(place: Path) -> list[Path]:
    try:
        return sorted(path for path in place.iterdir() if path.is_dir())
    except OSError:
        return []


def _show(paper: Paper, done: api.Replay, *, dry_run: bool) -> None:
    logged, missing = done.logged, done.missing
    for entry in missing[:MOST_NAMED]:
        what = f"{entry['node']}, {str(entry['sha256'])[:12]}: its bytes are nowhere"
        paper.say(f"{paper.styled('✗', 'red')} {paper.styled(str(entry['path']), 'bold')}  {what}")
    if len(missing) > MOST_NAMED:
        paper.say(f"  and {len(missing) - MOST_NAMED} more")
    placed, there = (sum(one == word for one in done.standing.values()) for word in ("placed", "there"))
    mark = paper.styled("✗", "bold red") if missing else paper.styled("○" if dry_run else "✓", "bold green")
    verb = "would be made again" if dry_run else "made again"
    besides = f", {there} there already" if there else ""
    lacking = f", {count(len(missing), 'picture')} missing" if missing else ""
    said = f"{logged.name}: {count(placed, 'picture')} of run {logged.run_id} {verb}{besides}{lacking}"
    paper.say(f"{mark} {paper.styled(said, 'bold')}{paper.styled(f' → {shown_path(done.out)}/', 'dim')}")
    if not logged.is_whole:
        paper.say("  this run did not come to its end: what it had published until then")
    if missing:
        paper.say(paper.styled("  → what can be had again, free: banana-pipe cache verify --repair", "cyan"))


def _as_json(done: api.Replay, *, dry_run: bool) -> dict[str, Json]:
    logged, words = done.logged, ("placed", "there", "missing")
    members = ("path", "sha256", "node", "take", "picked")
    return {
        "run_id": logged.run_id,
        "recipe": logged.recipe,
        "log": str(logged.path),
        "out": str(done.out),
        "dry_run": dry_run,
        "whole": logged.is_whole,
        "files": [
            {**{name: entry.get(name) for name in members}, "standing": done.standing[path]}
            for path, entry in sorted(logged.files.items())
        ],
        "totals": {
            "files": len(logged.files),
            **{word: sum(one == word for one in done.standing.values()) for word in words},
            "bytes": done.bytes,
        },
    }

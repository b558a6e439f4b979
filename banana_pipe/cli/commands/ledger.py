"""`ledger`: every attempt that may have cost money, and what can be done about those still open.

Unaware of what recipes say: the ledger is the project's.
"""

from __future__ import annotations

import shlex
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from banana_pipe import api
from banana_pipe.cli.commands.running import read_limits
from banana_pipe.cli.config import Settings, read_base_url, read_settings, read_token
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.options import json_option, shown_path
from banana_pipe.cli.progress import open_progress
from banana_pipe.cli.table import Cell, Column, table
from banana_pipe.cli.terminal import Paper, err, out
from banana_pipe.cli.words import ATTEMPTS, amount, count
from banana_pipe.model import ACTIVE, COUNTED, Attempt
from banana_pipe.prices import show_usd, total
from banana_pipe.project import cache_of, find_root

EXIT_IN_DOUBT = 6

_COLUMNS = (
    Column("id"),
    Column("when (UTC)"),
    Column("state"),
    Column("price", right=True),
    Column("node", gives=2),
    Column("model", drops=1),
    Column("task", drops=1),
    Column("words", gives=1, prose=True),
)
_PLACE = click.argument("recipe", required=False, type=click.Path(path_type=Path, exists=True))
_CACHE = click.option(
    "--cache", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Use this cache."
)


@click.group()
def ledger() -> None:
    """Show every attempt that may have cost money, and settle the open ones.

    The ledger is the project's: the one of RECIPE, or the one around the working directory.
    """


@ledger.command()
@_PLACE
@_CACHE
@click.option("--open", "only_open", is_flag=True, help="Only those that are not settled.")
@json_option
def show(recipe: Path | None, cache: Path | None, *, only_open: bool, as_json: bool) -> int:
    """List every attempt with its state and price, oldest first."""
    _, _, folder = _project(recipe, cache)
    found = api.call(api.attempts(folder))
    listed = [attempt for attempt in found if attempt.state in ACTIVE] if only_open else found
    counted = [attempt for attempt in listed if attempt.state in COUNTED]
    if as_json:
        value = {
            "ledger": str(folder / "ledger.db"),
            "attempts": [api.attempt_json(attempt) for attempt in listed],
            "totals": _totals(listed),
        }
        print_json(out(), value)
        return 0
    paper = out()
    if listed:
        for line in [*table(paper, _COLUMNS, [_row(attempt) for attempt in listed]), ""]:
            paper.say(line)
    still_open = sum(attempt.state in ACTIVE for attempt in listed)
    spent = amount(total(attempt.price for attempt in counted))
    paper.say(paper.styled(f"{count(len(listed), 'attempt')}, {still_open} open; {spent} spent", "bold"))
    paper.say(paper.styled(shown_path(folder / "ledger.db"), "dim"))
    return 0


@ledger.command()
@_PLACE
@_CACHE
@click.option(
    "--abandon",
    "given_up",
    multiple=True,
    metavar="ID",
    help="Give up this attempt in doubt: its money stays counted, the next run buys anew.",
)
@json_option
def reconcile(recipe: Path | None, cache: Path | None, *, given_up: tuple[str, ...], as_json: bool) -> int:
    """Ask the provider about every open attempt, and collect what is paid. Buys nothing.

    What was sent to another base URL is left alone, and counted; so is what was sent with another
    token, unless the one at hand is shown it.
    """
    root, settings, folder = _project(recipe, cache)
    again = [*([str(recipe)] if recipe else []), *(["--cache", str(cache)] if cache else [])]
    if given_up:
        after = [api.call(api.abandon(folder, attempt_id)) for attempt_id in given_up]
        return _show_settled(after, {}, set(), again, folder, as_json=as_json)
    access = api.Access(token=read_token(root), base_url=read_base_url(root), prices=settings.prices)
    progress = open_progress(err())
    try:
        settled = api.call(api.reconcile(folder, access, _limits(settings), emit=progress.hear))
    finally:
        progress.close()
    troubles = {one.after.id: one.trouble for one in settled if one.trouble}
    left = {one.after.id for one in settled if one.elsewhere}
    return _show_settled([one.after for one in settled], troubles, left, again, folder, as_json=as_json)


def _limits(settings: Settings) -> api.Limits:
    return read_limits(settings, {"max_calls": None, "max_cost": None, "allow_unpriced": False})


def _project(recipe: Path | None, cache: Path | None) -> tuple[Path, Settings, Path]:
    """The root, its settings and its cache."""
    root = find_root(Path.cwd() if recipe is None else recipe.resolve().parent)
    settings = read_settings(root)
    return root, settings, cache_of(root, cache or settings.cache)


def _show_settled(
    after: list[Attempt],
    troubles: dict[str, str],
    left: set[str],
    again: list[str],
    folder: Path,
    *,
    as_json: bool,
) -> int:
    """Say what became of *after*: those of *left*, which were left alone, are only counted."""
    open_still = [attempt for attempt in after if attempt.state in ACTIVE]
    exit_code = EXIT_IN_DOUBT if open_still else 0
    if as_json:
        attempts = [{**api.attempt_json(attempt), "trouble": troubles.get(attempt.id)} for attempt in after]
        print_json(out(), {"ledger": str(folder / "ledger.db"), "attempts": attempts, "totals": _totals(after)})
        return exit_code
    paper = out()
    here = [attempt for attempt in after if attempt.id not in left]
    for attempt in here:
        _show_one(paper, attempt, troubles.get(attempt.id))
    if not after:
        paper.say("no attempt is open here: nothing to settle")
    for why, number in Counter(troubles[attempt.id] for attempt in after if attempt.id in left).items():
        paper.say(paper.styled(f"{count(number, 'open attempt')} {why}", ""))
    for attempt in here:
        if attempt.state in ACTIVE:
            command = shlex.join(["banana-pipe", "ledger", "reconcile", *again, "--abandon", attempt.id])
            paper.say(paper.styled(f"  → to give it up: {command}", "cyan"))
    return exit_code


def _show_one(paper: Paper, attempt: Attempt, trouble: str | None) -> None:
    look = ATTEMPTS[attempt.state]
    words = f"{attempt.id}  {attempt.node or attempt.key}  {show_usd(attempt.price)}"
    paper.say(f"{paper.styled(str(look), look.style)}  {paper.styled(words, '')}")
    if trouble:
        paper.say(f"    {paper.styled(trouble, '')}")


def _row(attempt: Attempt) -> list[Cell]:
    look = ATTEMPTS[attempt.state]
    return [
        Cell(attempt.id, "dim"),
        Cell(f"{datetime.fromtimestamp(attempt.created_at, UTC):%Y-%m-%d %H:%M:%S}"),
        Cell(str(look), look.style),
        Cell(show_usd(attempt.price) if attempt.state in COUNTED else ""),
        Cell(attempt.node or attempt.key[:12]),
        Cell(attempt.model, "dim"),
        Cell(attempt.task_id or "", "dim"),
        Cell(attempt.error_message or ""),
    ]


def _totals(attempts: list[Attempt]) -> dict[str, Any]:
    counted = [attempt.price for attempt in attempts if attempt.state in COUNTED]
    spent = total(counted)
    return {
        "attempts": len(attempts),
        "open": sum(attempt.state in ACTIVE for attempt in attempts),
        "spent_usd": None if spent is None else spent / 1_000_000,
    }

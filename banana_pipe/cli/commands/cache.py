"""`cache`: what is kept, what may go, whether it is whole.

Unaware of how files are told, judged and mended.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from banana_pipe import api
from banana_pipe.care.inventory import KINDS, OF_BLOBS
from banana_pipe.cli.config import Settings, read_base_url, read_settings, read_token
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.kept import KINDS_SAID, LISTED, dearest_first, row_of, show_bytes, size_of
from banana_pipe.cli.options import json_option, shown_path
from banana_pipe.cli.table import Cell, Column, table
from banana_pipe.cli.terminal import Paper, out
from banana_pipe.cli.verified import show_verified, verified_json
from banana_pipe.cli.words import amount, count
from banana_pipe.model import Json
from banana_pipe.prices import total, usd
from banana_pipe.project import cache_of, find_root

EXIT_DAMAGED = 1

_PLACE = click.argument("recipe", required=False, type=click.Path(path_type=Path, exists=True))
_CACHE = click.option(
    "--cache", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Use this cache."
)


@dataclass(frozen=True, slots=True)
class _Project:
    """Whose cache it is. `given` are the arguments that lead there once more."""

    root: Path
    settings: Settings
    cache: Path
    given: tuple[str, ...]

    def command(self, *words: str) -> str:
        """A command about the same cache, to be copied into a shell."""
        return shlex.join(["banana-pipe", "cache", *words, *self.given])


@click.group()
def cache() -> None:
    """Look after the cache: what it holds, what may go, whether it is whole.

    The cache is the project's: that of RECIPE, or the one around the working directory.
    """


@cache.command()
@_PLACE
@_CACHE
@json_option
def stats(recipe: Path | None, cache: Path | None, *, as_json: bool) -> int:
    """Count what is kept, by kind, and the money in it."""
    project = _project(recipe, cache)
    items = _stock(project)
    kinds = {kind: [item for item in items if item.kind == kind] for kind in KINDS}
    if as_json:
        told = [{"kind": kind, "files": len(some), "bytes": size_of(some)} for kind, some in kinds.items()]
        print_json(out(), {**_whose(project), "kinds": told, "totals": _totals(items)})
        return 0
    paper = out()
    rows = [
        [Cell(kind), Cell(f"{len(some):,}"), Cell(show_bytes(size_of(some))), Cell(KINDS_SAID[kind], "dim")]
        for kind, some in kinds.items()
        if some
    ]
    columns = (Column("kind"), Column("files", right=True), Column("size", right=True), Column("", prose=True, gives=1))
    for line in [*table(paper, columns, rows), ""] if rows else []:
        paper.say(line)
    kept = amount(api.kept_money(items))
    paper.say(
        paper.styled(
            f"{count(len(items), 'file')}, {show_bytes(size_of(items))}; {kept} was paid for what is here", "bold"
        )
    )
    paper.say(paper.styled(shown_path(project.cache), "dim"))
    return 0


@cache.command()
@click.argument("words", metavar="[WORD]...", nargs=-1)
@click.option("--kind", type=click.Choice(OF_BLOBS), metavar="KIND", help=f"Only these: {', '.join(OF_BLOBS)}.")
@_CACHE
@json_option
def ls(words: tuple[str, ...], kind: str | None, cache: Path | None, *, as_json: bool) -> int:
    """List the blobs, the dearest first.

    WORD: only those whose digest begins with it, or whose node or model has it.
    """
    project = _project(None, cache)
    blobs = [item for item in _stock(project) if item.kind in OF_BLOBS and kind in (None, item.kind)]
    found = sorted((item for item in blobs if _matches(item, words)), key=dearest_first)
    if as_json:
        told = [api.item_json(item, project.cache) for item in found]
        print_json(out(), {**_whose(project), "files": told, "totals": _totals(found)})
        return 0
    paper = out()
    for line in table(paper, LISTED, [row_of(item) for item in found]) if found else ["nothing is listed here"]:
        paper.say(line)
    return 0


@cache.command()
@_PLACE
@_CACHE
@click.option("--paid", is_flag=True, help="What was paid for too, if no lock file and no open call needs it.")
@click.option("--yes", "-y", is_flag=True, help="Remove it. Without this it is only said what would go.")
@json_option
def gc(recipe: Path | None, cache: Path | None, *, paid: bool, yes: bool, as_json: bool) -> int:
    """Remove what nothing needs. A dry run unless --yes; what was paid stays unless --paid.

    What the project's lock files name, what an open call needs, and what was changed within the last
    hour always stays.
    """
    project = _project(recipe, cache)
    if yes:
        found = api.sweep(project.root, project.cache, paid=paid)
    else:
        found = api.plan_sweep(project.root, project.cache)
    going = [*found.free, *(found.paid if paid else ())]
    if as_json:
        told: dict[str, Json] = {
            **_whose(project),
            "removed": yes,
            "files": [api.item_json(item, project.cache) for item in going],
            "totals": _totals(going),
        }
        print_json(out(), told)
        return 0
    _show_sweep(out(), project, found, going, paid=paid, yes=yes)
    return 0


def _show_sweep(
    paper: Paper, project: _Project, found: api.Sweep, going: Sequence[api.Item], *, paid: bool, yes: bool
) -> None:
    for kind in KINDS:
        some = [item for item in found.free if item.kind == kind]
        if some:
            paper.say(f"{count(len(some), 'file')}, {show_bytes(size_of(some))}: {KINDS_SAID[kind]}")
    if found.paid:
        price = amount(total(item.purchase.price if item.purchase else None for item in found.paid))
        words = "paid for, or perhaps" if any(item.purchase is None for item in found.paid) else "paid for"
        paper.say(f"{count(len(found.paid), 'picture')} {words} ({price}), needed by no lock file:")
        for line in table(paper, LISTED, [row_of(item) for item in sorted(found.paid, key=dearest_first)]):
            paper.say(f"  {line}")
    if found.recent:
        paper.say(paper.styled(f"{count(found.recent, 'file')} of the last hour: left alone", "dim"))
    done = "removed" if yes else "would go"
    paper.say(paper.styled(f"{count(len(going), 'file')}, {show_bytes(size_of(going))} {done}", "bold"))
    if found.paid and not paid and not yes:
        paper.say(
            paper.styled(f"  → with what was paid, never to be had again: {project.command('gc', '--paid')}", "cyan")
        )
    if going and not yes:
        paper.say(
            paper.styled(f"  → to remove it: {project.command('gc', *(['--paid'] if paid else []), '--yes')}", "cyan")
        )


@cache.command()
@_PLACE
@_CACHE
@click.option(
    "--repair", is_flag=True, help="Put right what can be, free; what is damaged is set aside, never deleted."
)
@click.option("--offline", is_flag=True, help="With --repair: don't fetch pictures from their links.")
@json_option
def verify(recipe: Path | None, cache: Path | None, *, repair: bool, offline: bool, as_json: bool) -> int:
    """Check every byte and every row. Exit code 1 if anything is damaged (and not repaired).

    A repair takes bytes from the project's pictures and from their links, and rows from what else is known of them.
    """
    project = _project(recipe, cache)
    access = None
    if repair and not offline:
        access = api.Access(token=read_token(project.root), base_url=read_base_url(project.root))
    work = api.repair(project.root, project.cache, access) if repair else api.verify(project.root, project.cache)
    found = api.call(work)
    if as_json:
        print_json(out(), {**_whose(project), **verified_json(found)})
    else:
        show_verified(out(), found, repair=None if repair else project.command("verify", "--repair"))
    return EXIT_DAMAGED if found.left else 0


@cache.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("recipes", metavar="[RECIPE]...", nargs=-1, type=click.Path(path_type=Path, exists=True))
@_CACHE
@json_option
def export(file: Path, recipes: tuple[Path, ...], cache: Path | None, *, as_json: bool) -> int:
    """Write what was bought into one archive, FILE: pictures, what was asked, and the ledger's rows.

    RECIPE: only what the lock files of these recipes name. Exit code 1 if the bytes of a picture are not there.
    """
    project = _project(recipes[0] if recipes else None, cache)
    done = api.export_cache(project.root, project.cache, file, recipes)
    if as_json:
        print_json(out(), {**_whose(project), "archive": str(file), **_carried(done), "absent": len(done.absent)})
        return EXIT_DAMAGED if done.absent else 0
    paper = out()
    for attempt in done.absent:
        paper.say(
            f"{paper.styled('✗', 'red')} {paper.styled(attempt.node or attempt.key[:12], 'bold')}  its bytes are not here"
        )
    paper.say(paper.styled(f"{_said(done)} → {shown_path(file)}, {show_bytes(done.bytes)}", "bold"))
    if done.absent:
        paper.say(paper.styled(f"  → {project.command('verify', '--repair')}", "cyan"))
    return EXIT_DAMAGED if done.absent else 0


@cache.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@_CACHE
@json_option
def import_(file: Path, cache: Path | None, *, as_json: bool) -> int:
    """Take in an archive of `cache export`, whole or not at all. What is here already stays as it is.

    What comes is written into the ledger with its price and date, as bought. Take archives from people whom you
    would let spend your money: what an archive says was asked and bought is believed.
    """
    project = _project(None, cache)
    done = api.call(api.import_cache(project.cache, file))
    if as_json:
        print_json(out(), {**_whose(project), "archive": str(file), **_carried(done), "had": done.had})
        return 0
    paper = out()
    had = f"; {count(done.had, 'purchase')} known here already" if done.had else ""
    paper.say(paper.styled(f"{_said(done)} came, {show_bytes(done.bytes)} new{had}", "bold"))
    return 0


def _said(done: api.Carried) -> str:
    blobs = count(done.blobs, "blob")
    if not done.attempts:
        return f"{count(done.results, 'picture')} that cost nothing, {blobs}"
    cost = amount(total(attempt.price for attempt in done.attempts))
    return f"{count(len(done.attempts), 'picture')} that {cost} was paid for, {blobs}"


def _carried(done: api.Carried) -> dict[str, Json]:
    cost = total(attempt.price for attempt in done.attempts)
    totals = {"attempts": len(done.attempts), "results": done.results, "blobs": done.blobs, "bytes": done.bytes}
    return {"totals": {**totals, "paid_usd": usd(cost)}}


# --- all of them ------------------------------------------------------------------------------


def _project(recipe: Path | None, cache: Path | None) -> _Project:
    root = find_root(Path.cwd() if recipe is None else recipe.resolve().parent)
    settings = read_settings(root)
    given = (*([str(recipe)] if recipe else []), *(["--cache", str(cache)] if cache else []))
    return _Project(root, settings, cache_of(root, cache or settings.cache), given)


def _stock(project: _Project) -> list[api.Item]:
    return api.take_stock(project.cache, api.read_books(project.root, project.cache))


def _whose(project: _Project) -> dict[str, Json]:
    return {"cache": str(project.cache)}


def _totals(items: Sequence[api.Item]) -> dict[str, Json]:
    return {"files": len(items), "bytes": size_of(items), "paid_usd": usd(api.kept_money(items))}


def _matches(item: api.Item, words: Sequence[str]) -> bool:
    about = (item.purchase.node, item.purchase.model) if item.purchase else ()
    return not words or any(str(item.digest).startswith(word) or any(word in text for text in about) for word in words)

"""`doctor`: whether this machine and this project have what the promises need.

Unaware of what is looked at and of what is bad about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from banana_pipe import api
from banana_pipe.cli.config import read_base_url, read_settings, read_token
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.options import json_option
from banana_pipe.cli.terminal import Paper, out
from banana_pipe.cli.words import count
from banana_pipe.project import cache_of, find_root

EXIT_BAD = 1

_LOOKS = {"good": ("✓", "green"), "warning": ("!", "yellow"), "bad": ("✗", "red")}


@click.command()
@click.argument("recipe", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--cache", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Use this cache.")
@click.option("--offline", is_flag=True, help="Don't ask the provider, which is free.")
@json_option
def doctor(recipe: Path | None, cache: Path | None, *, offline: bool, as_json: bool, **_: Any) -> int:
    """Check this machine and the project: disk, locks, space, ledger, clock, prices, provider.

    The project is the one of RECIPE, or the one around the working directory. Buys nothing. Exit code 1 if
    something is bad.
    """
    root = find_root(Path.cwd() if recipe is None else recipe.resolve().parent)
    settings = read_settings(root)
    access = api.Access(token=read_token(root), base_url=read_base_url(root), prices=settings.prices)
    checks = api.call(api.examine(cache_of(root, cache or settings.cache), access, ask=not offline))
    bad = sum(check.verdict == "bad" for check in checks)
    if as_json:
        print_json(out(), {"project": str(root), "checks": [asdict(check) for check in checks], "bad": bad})
    else:
        _show(out(), checks, bad)
    return EXIT_BAD if bad else 0


def _show(paper: Paper, checks: Sequence[api.Check], bad: int) -> None:
    wide = max(len(check.name) for check in checks)
    for check in checks:
        mark, style = _LOOKS[check.verdict]
        first, *rest = paper.wrapped(check.words, wide + 4)
        paper.say(f"{paper.styled(mark, style)} {paper.styled(f'{check.name:<{wide}}', 'bold')}  {first.strip()}")
        for line in rest:
            paper.say(line)
        if check.hint:
            for number, line in enumerate(paper.wrapped(check.hint, wide + 6, "cyan")):
                paper.say(line if number else f"{line[: wide + 4]}{paper.styled('→', 'cyan')} {line[wide + 6 :]}")
    warnings = sum(check.verdict == "warning" for check in checks)
    if bad:
        words, style = f"{count(bad, 'thing')} to put right before anything is bought here", "bold red"
    elif warnings:
        words, style = f"nothing is wrong; {count(warnings, 'thing')} to know", "bold yellow"
    else:
        words, style = "all is well", "bold green"
    paper.say(paper.styled(words, style))

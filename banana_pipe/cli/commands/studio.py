"""`studio`: the gallery of a recipe, live, where one picks, runs and tries.

Unaware of how it is served, and of what is clicked.
"""

from __future__ import annotations

import contextlib
import html
import shlex
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Any

import click
from platformdirs import user_state_path

from banana_pipe import disk
from banana_pipe.cli.commands.running import read_limits
from banana_pipe.cli.errors import EXIT_INTERRUPTED, print_json_line
from banana_pipe.cli.options import (
    POSITIVE,
    Call,
    cap_options,
    consent_options,
    read_call,
    recipe_argument,
    recipe_options,
    shown_path,
)
from banana_pipe.cli.signals import Interrupts
from banana_pipe.cli.terminal import err
from banana_pipe.cli.words import dollars
from banana_pipe.errors import StoreError


@click.command()
@recipe_argument
@recipe_options
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="The port; any free one if nobody says."
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.option("--jobs", "-j", type=POSITIVE, metavar="N", help="Calls under way at once (8).")
@click.option("--fail-fast", is_flag=True, help="Begin nothing new after the first failure.")
@cap_options
@consent_options
def studio(recipe: Path, *, port: int, opens: bool, **values: Any) -> int:
    """Look at RECIPE as it stands, in the browser: pick, run, re-roll, try other values, accept, compare.

    The page says what each click costs, and asks; what it does is what the commands do. It is served to this machine
    alone, at an address that nobody can guess, until Ctrl-C. For example:

    \b
      banana-pipe studio recipes/shop.yaml --open --max-cost 5
    """
    from banana_pipe.studio import House, Studio

    call = read_call(recipe, values)
    limits = read_limits(call.settings, values)
    house = House(recipe, call.options, call.access(token=True), limits, _Commands(call), _caps(values))
    served = Studio(house, port, _tell_bug)
    with contextlib.ExitStack() as stack:

        def ready() -> None:
            _show(call, served.url, served.port)
            if opens:
                stack.enter_context(_opened(served.url))

        def first() -> None:
            if served.stop():
                words = "nothing new is sent, what is accepted is collected for up to"
                call.err.say(f"stopping: {words} {limits.pace.grace:.0f} s (Ctrl-C again leaves at once)")

        def last() -> None:
            call.err.say(f"left at once; what is paid is kept, and {call.command('run')} collects it")

        with Interrupts(first, last):
            served.run(ready)
    if not call.json:
        call.err.say("\nstopped")
    return EXIT_INTERRUPTED


@dataclass(frozen=True, slots=True)
class _Commands:
    """Commands about the recipe, with the options that the studio was given."""

    call: Call

    def about(self, name: str, *more: str, sets: Mapping[str, str] | None = None) -> str:
        """The command *name*, with *more* words; what *sets* sets takes the place of what was set before."""
        call = self.call
        if sets:
            call = replace(call, shared=tuple(_without(call.shared, sets)))
            more = (*more, *(word for name, value in sets.items() for word in ("--set", f"{name}={value}")))
        return call.command(name, *more)

    def diff(self, before: str, after: str | None, out: Path) -> str:
        """The command that compares two runs."""
        return shlex.join(["banana-pipe", "diff", before, *([after] if after else []), "--out", shown_path(out)])

    def dollars(self, price: int) -> str:
        """Micro-dollars as a flag takes them."""
        return dollars(price)


def _without(shared: tuple[str, ...], names: Mapping[str, str]) -> Iterator[str]:
    """*shared*, flags each with a value, without those that set one of *names*."""
    for flag, value in zip(shared[::2], shared[1::2], strict=True):
        if flag != "--set" or value.partition("=")[0].strip() not in names:
            yield from (flag, value)


def _caps(values: Mapping[str, Any]) -> tuple[str, ...]:
    caps = [] if values["max_calls"] is None else ["--max-calls", str(values["max_calls"])]
    caps += [] if values["max_cost"] is None else ["--max-cost", dollars(values["max_cost"])]
    return tuple(caps)


def _show(call: Call, url: str, port: int) -> None:
    if call.json:
        print_json_line(call.out, {"url": url, "port": port})
        return
    paper = call.err
    paper.say(f"{paper.styled('studio', 'bold cyan')}  {paper.styled(url, 'bold')}")
    paper.say(paper.styled("  for this machine alone; whoever has the address can spend; Ctrl-C ends it", "dim"))


@contextmanager
def _opened(url: str) -> Iterator[None]:
    """The page in the browser, by way of a file that only its owner reads: command lines are seen by everybody."""
    path = user_state_path("banana-pipe") / f"studio-{token_hex(6)}.html"
    page = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={html.escape(url)}">\n'
    try:
        disk.write_file(path, page.encode(), mode=0o600)
    except StoreError:
        yield
        return
    try:
        webbrowser.open(path.as_uri())
        yield
    finally:
        with contextlib.suppress(StoreError):
            disk.remove(path)


def _tell_bug(bug: Exception) -> None:
    from banana_pipe.cli.bugs import tell_bug

    tell_bug(err(), bug)

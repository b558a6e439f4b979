"""`--select NODE… NODE+` and `--first N`: a part of a recipe, as plan and run are asked for it.

Unaware of what a part is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import click

from banana_pipe.cli.names import complete_node
from banana_pipe.cli.options import POSITIVE
from banana_pipe.cli.words import count
from banana_pipe.recipe.narrow import READERS
from banana_pipe.recipe.references import BadReference, parse_node, step_of

Command = TypeVar("Command", bound=Callable[..., Any])
_SELECT = "--select"
_MOST_NAMED = 8


class NarrowCommand(click.Command):
    """A command whose `--select` takes all the names that follow it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse *args*, with `--select` repeated before each name behind the first."""
        return super().parse_args(ctx, list(_spread(args)))


def narrowing_options(command: Command) -> Command:
    """`--select` and `--first`, for commands of the class NarrowCommand."""
    return _OPTIONS[0](_OPTIONS[1](command))


def left_out_words(left_out: Iterable[str], kept: Iterable[str]) -> str:
    """`left out: glaze (2 of 3), poster`: what was not asked for, by step."""
    missing, there = (Counter(step_of(node) for node in nodes) for nodes in (left_out, kept))
    named = [_of_step(step, number, number + there[step]) for step, number in missing.items()]
    more = f" and {count(len(named) - _MOST_NAMED, 'step')} more" if len(named) > _MOST_NAMED else ""
    return f"left out: {', '.join(named[:_MOST_NAMED])}{more}"


def _of_step(step: str, missing: int, nodes: int) -> str:
    if missing < nodes:
        return f"{step} ({missing} of {nodes})"
    return step if nodes == 1 else f"{step} (all {nodes})"


def _spread(args: Iterable[str]) -> Iterator[str]:
    named: bool | None = None
    """Whether the `--select` that is being read has a name already; None outside of one."""
    for arg in args:
        if named and _is_name(arg):
            yield _SELECT
        elif named is False:
            named = True
        else:
            named = False if arg == _SELECT else True if arg.startswith(f"{_SELECT}=") else None
        yield arg


def _is_name(arg: str) -> bool:
    try:
        return parse_node(arg.removesuffix(READERS)) is not None
    except BadReference:
        return True


_OPTIONS = (
    click.option(
        _SELECT,
        "select",
        multiple=True,
        metavar="NODE",
        shell_complete=complete_node,
        help="Only these nodes and what they need; NODE+: also what reads them. Takes several.",
    ),
    click.option(
        "--first",
        type=POSITIVE,
        metavar="N",
        help="Only the first N of every fan-out, and nothing that reads one left out: a cheap look.",
    ),
)

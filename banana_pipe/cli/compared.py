"""A comparison as lines: a table of what is different, and below it the words that were changed.

Unaware of how it was found out.
"""

from __future__ import annotations

from collections.abc import Iterator

from banana_pipe.cli.explained import changed_lines
from banana_pipe.cli.table import Cell, Column, table
from banana_pipe.cli.terminal import Paper
from banana_pipe.cli.words import Look
from banana_pipe.comparing.differences import Comparison, Difference, far, money, summary
from banana_pipe.comparing.matching import Kind

MOST = 200
"""Pictures that are listed: of more, a page or the JSON tells."""
MOST_TOLD = 20
"""Of these with their words."""
_COLUMNS = (
    Column(""),
    Column("picture", gives=2),
    Column("pixels", right=True),
    Column("colour", right=True),
    Column("shape", right=True),
    Column("price", right=True),
    Column("", gives=1, prose=True),
)
LOOKS: dict[Kind, Look] = {
    "changed": Look("≠", "changed", "yellow"),
    "added": Look("+", "added", "green"),
    "removed": Look("-", "removed", "red"),
    "renamed": Look("→", "renamed", "blue"),
    "same": Look("=", "same", "dim"),
}


def compared_lines(paper: Paper, comparison: Comparison) -> Iterator[str]:
    """*comparison*: which sides, the table, the words, how many of each kind."""
    yield from paper.wrapped(f"A: {comparison.before}", 0, "dim")
    yield from paper.wrapped(f"B: {comparison.after}", 0, "dim")
    for note in comparison.notes:
        yield from paper.wrapped(f"! {note}", 0, "yellow")
    news = comparison.news
    if news:
        yield ""
        yield from table(paper, _COLUMNS, [_row(one) for one in news[:MOST]])
        if len(news) > MOST:
            yield f"… and {len(news) - MOST:,} more: --json has all, --html FILE shows them"
    for one in [one for one in news[:MOST] if one.asked_otherwise or one.reading.trouble][:MOST_TOLD]:
        yield ""
        yield paper.styled(one.name, "bold cyan")
        if one.reading.trouble:
            yield from paper.wrapped(f"not measured: {one.reading.trouble}", 2, "red")
        yield from changed_lines(paper, one.prompt, one.settings, one.pictures)
    yield ""
    yield from paper.wrapped(summary(comparison), 0, "bold")


def _row(one: Difference) -> list[Cell]:
    look = LOOKS[one.kind]
    return [
        Cell(str(look), look.style),
        Cell(one.name),
        Cell(far(one, "pixels")),
        Cell(far(one, "colour")),
        Cell(far(one, "shape")),
        Cell(money(one)),
        Cell(_remarks(one)),
    ]


def _remarks(one: Difference) -> str:
    """What there is to say besides: where it was, other sides, what was asked otherwise."""
    before, after, reading = one.pair.before, one.pair.after, one.reading
    said = ["by hand"] if after is not None and after.by_hand else []
    if one.kind == "renamed" and before is not None:
        said.append(f"was {before.name if before.name != one.name else before.path}")
    said += [f"{reading.before} → {reading.after}"] if reading.resized else []
    said += ["same pixels"] if one.kind == "changed" and one.how_far("pixels") == 0 else []
    parts = (("prompt", one.prompt), ("settings", one.settings), ("inputs", one.pictures))
    said += [word for word, changed in parts if changed]
    return ", ".join(said)

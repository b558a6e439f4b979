"""An explanation as lines: what has changed, where, and what that costs.

Unaware of how it was found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from banana_pipe.cli.options import shown_path
from banana_pipe.cli.table import Cell, Column, table
from banana_pipe.cli.terminal import Paper, clean, width
from banana_pipe.cli.words import MOST_NAMED, STATES, about, bill, count, input_name, op_lines, reason_words
from banana_pipe.comparing.pixels import Distance
from banana_pipe.drifting import MOST_HOPS
from banana_pipe.errors import Location
from banana_pipe.explain import Change, Drifted, Explanation, PictureChange, Piece
from banana_pipe.model import Json
from banana_pipe.prices import show_usd
from banana_pipe.recipe.drift import based_words, depth_words, merge_words
from banana_pipe.recipe.origins import Origin

_KEPT = 10
"""Words around a change that are shown of a long text."""
_LOOKS = {"same": ("", "", ""), "removed": ("[-", "-]", "red"), "added": ("{+", "+}", "green")}
_INDENT = 4


def explained_lines(paper: Paper, one: Explanation) -> Iterator[str]:
    """*one* explained: the node and how it stands, the difference by kind, what hangs on it."""
    node, line = one.asked.node, one.line
    settings = "".join(
        f", {one}" for one in (node.model, *(f"{name} {value}" for name, value in node.params.items())) if one
    )
    yield paper.styled(node.id, "bold cyan") + paper.styled(f"  {node.action}{settings}", "dim")
    look = STATES[line.state]
    price = f"; {count(line.calls, 'call')}, {about(line.cost)}" if line.calls else ""
    yield f"  {paper.styled(str(look), look.style)}: {(line.detail or reason_words(line.state, line.reason)) + price}"
    if line.key is not None:
        yield paper.styled(f"  key {line.key}", "dim")
    yield ""
    yield from _before(paper, one)
    yield from _difference(paper, one)
    yield from _drift(paper, one.drifted)
    yield from _downstream(paper, one)


def _before(paper: Paper, one: Explanation) -> Iterator[str]:
    if one.asked.node.is_local:
        node = one.asked.node
        names = [input_name(each) for each in node.inputs]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        yield from paper.wrapped(f"made here, free, of {', '.join(names[:MOST_NAMED])}{more}:", 2)
        yield from (f"    {line}" for line in op_lines(node))
        return
    if one.last is None:
        yield "  nothing was asked under this name before; it would ask"
        yield from _text(paper, [Piece("same", one.asked.node.prompt)])
        return
    when = datetime.fromtimestamp(one.last.bought_at, UTC)
    takes = f"{count(one.last.takes, 'take')}, {show_usd(one.last.price)}" if one.last.takes else ""
    said = f"last asked {when:%Y-%m-%d %H:%M} UTC, {takes}" if takes else f"accepted {when:%Y-%m-%d %H:%M} UTC"
    profile = one.last.profile
    if profile != one.asked.profile:
        where = f"under profile {profile}" if profile else "without a profile"
        now = "under this profile" if one.asked.profile else "without a profile"
        yield from paper.wrapped(f"never asked {now}; the last one under its name was asked {where}:", 2, "dim")
    yield paper.styled(f"  {said}", "dim")
    if one.line.reason == "accepted":
        yield "  it stands as it is, whatever its request, until a `pick` or a `reroll`"
    elif one.last.request is None:
        words = "its words are neither in the cache nor in the output folder: only model and pictures can be compared"
        yield from paper.wrapped(words, 2, "yellow")


def _difference(paper: Paper, one: Explanation) -> Iterator[str]:
    if one.line.reason == "accepted" and one.last is not None and not one.last.takes:
        return  # what was accepted was never asked for
    difference = one.difference
    if difference is not None:
        yield from changed_lines(paper, difference.prompt, difference.changes, difference.pictures)
    if one.waits_for:
        if difference is not None and not difference and one.last is not None and one.last.request is not None:
            yield "  its words and settings are the same"
        names = ", ".join(one.waits_for[:4]) + (f" and {len(one.waits_for) - 4} more" if len(one.waits_for) > 4 else "")
        yield from paper.wrapped(f"which pictures it will read is not known yet: it waits for {names}", 2, "blue")
    elif difference is not None and not difference:
        known = one.last is not None and one.last.request is not None
        yield f"  {'nothing has changed' if known else 'nothing else is known to have changed'} since then"


def changed_lines(
    paper: Paper, prompt: Sequence[Piece], settings: Sequence[Change], pictures: Sequence[PictureChange]
) -> Iterator[str]:
    """What was asked otherwise: the words, and where new ones stand; settings; pictures that are read."""
    if prompt:
        yield "  prompt"
        yield from _text(paper, prompt)
        origins = [origin for piece in prompt for origin in piece.origins]
        yield from _table(paper, [_origin_row(origin) for origin in dict.fromkeys(origins)])
    if settings:
        yield "  settings"
        yield from _table(paper, [_change_row(change) for change in settings])
    if pictures:
        yield "  pictures"
        yield from _table(paper, [_picture_row(picture) for picture in pictures])


def _downstream(paper: Paper, one: Explanation) -> Iterator[str]:
    hanging = one.downstream
    if not hanging.nodes:
        yield paper.styled("  nothing reads it", "dim")
        return
    cost = bill(hanging.calls, hanging.cost, hanging.calls_max, hanging.cost)
    if hanging.calls not in (0, hanging.calls_max):
        cost = f"at most {count(hanging.calls_max, 'call')}, {about(hanging.cost)}"
    reads = "reads" if hanging.nodes == 1 else "read"
    yield paper.styled(f"  {count(hanging.nodes, 'node')} {reads} it, directly or not: {cost}", "dim")


def _drift(paper: Paper, one: Drifted | None) -> Iterator[str]:
    """The edits behind a picture that was edited more than once, and what can be done where they are many."""
    if one is None or one.chain.edits < 2:
        return
    chain = one.chain
    style = "yellow" if chain.is_deep else ""
    yield from paper.wrapped(depth_words(chain.edits, chain.start), 2, style)
    rows = [
        [Cell(f"{hop.edits}. {hop.node}"), Cell(f"of {input_name(hop.reads)}"), *_apart(apart)]
        for hop, apart in list(zip(chain.hops, one.hops, strict=True))[-MOST_HOPS:]
    ]
    if (before := chain.edits - len(rows)) > 0:
        rows.insert(0, [Cell(f"… {count(before, 'edit')} before", "dim"), Cell(""), *_apart(None)])
    if one.whole is not None:
        rows.append([Cell("in all"), Cell(f"of {input_name(chain.start)}"), *_apart(one.whole)])
    columns = (Column("", gives=1), Column("", gives=2), Column("pixels", right=True), *_MEASURED)
    lines = _indented(paper, columns, rows)
    yield from lines if one.whole or any(one.hops) else lines[1:]
    said = [based_words(chain)] if chain.is_deep else []
    for words in (*said, *map(merge_words, chain.merges)):
        yield from paper.wrapped(f"→ {words}", 2, "cyan")


_MEASURED = (Column("colour", right=True), Column("shape", right=True))


def _apart(apart: Distance | None) -> list[Cell]:
    values = (None, None, None) if apart is None else (apart.pixels, apart.colour, apart.shape)
    return [Cell("" if value is None else f"{value:.1%}") for value in values]


def _table(paper: Paper, rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    columns = (Column("", gives=1, prose=True), Column("", gives=2), Column(""))
    return iter(_indented(paper, columns, rows)[1:])


def _indented(paper: Paper, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[str]:
    narrow = Paper(paper.stream)
    narrow.columns = None if paper.columns is None else paper.columns - _INDENT
    narrow.colour = paper.colour
    return [" " * _INDENT + line for line in table(narrow, columns, rows)]


def _origin_row(origin: Origin) -> list[Cell]:
    what = origin.what or "stands nowhere as it is: an expression made it"
    at = f"{shown_path(origin.path)}:{origin.line}" if origin.path else ""
    more = f" (or {count(origin.others, 'more place')})" if origin.others else ""
    return [Cell(origin.words, "green"), Cell(what), Cell(at + more, "cyan")]


def _change_row(change: Change) -> list[Cell]:
    return [Cell(change.name), Cell(f"{_shown(change.before)} → {_shown(change.now)}"), Cell(_place(change.at), "cyan")]


def _picture_row(picture: PictureChange) -> list[Cell]:
    before, now = (digest[:12] if digest else "none" for digest in (picture.before, picture.now))
    return [Cell(f"{picture.place}. {picture.name}"), Cell(f"{before} → {now}"), Cell("")]


def _shown(value: Json) -> str:
    return "not set" if value is None else str(value)


def _place(at: Location | None) -> str:
    return f"{shown_path(Path(at.path).absolute())}:{at.line}" if at else ""


# --- words, styled and broken where the terminal ends -----------------------------------------------


def _text(paper: Paper, pieces: Sequence[Piece]) -> Iterator[str]:
    room = None if paper.columns is None else max(30, paper.columns - _INDENT - 1)
    line, used = "", 0
    for text, style in _tokens(paper, pieces):
        for place, part in enumerate(text.split("\n")):
            if place or (room is not None and used and used + width(part.rstrip()) > room):
                yield (" " * _INDENT + line).rstrip()
                line, used = "", 0
            shown = clean(part) if used else clean(part).lstrip()
            line += paper.styled(shown.rstrip(), style) + " " * (len(shown) - len(shown.rstrip()))
            used += width(shown)
    if line.strip():
        yield (" " * _INDENT + line).rstrip()


def _tokens(paper: Paper, pieces: Sequence[Piece]) -> Iterator[tuple[str, str]]:
    for number, piece in enumerate(pieces):
        opening, closing, style = _LOOKS[piece.kind]
        words = _split(piece.text)
        if piece.kind == "same":
            words = _elided(words, first=number == 0, last=number == len(pieces) - 1)
        elif not paper.colour and words:
            words[0] = opening + words[0]
            bare = words[-1].rstrip()
            words[-1] = bare + closing + words[-1][len(bare) :]
        elif piece.kind == "removed" and words and not words[-1][-1].isspace():
            words[-1] += " "
        yield from ((word, style) for word in words)


def _split(text: str) -> list[str]:
    """Words with the white space behind them, line breaks kept."""
    words, word = [], ""
    for letter in text:
        if word and word[-1].isspace() and not letter.isspace():
            words.append(word)
            word = ""
        word += letter
    return [*words, word] if word else words


def _elided(words: list[str], *, first: bool, last: bool) -> list[str]:
    """The words beside a change; all of them where the whole text is the same."""
    if (first and last) or len(words) <= 2 * _KEPT:
        return words
    head = [] if first else words[:_KEPT]
    tail = [] if last else words[-_KEPT:]
    return [*head, "… ", *tail]

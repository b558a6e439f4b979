"""A comparison as Markdown for a comment on a pull request: short enough to be taken, and harmless wherever it is shown.

Unaware of how it was found out, and of which site shows it.

Names, prompts and settings are hostile text. They stand in code only, where no site looks for mentions, links, pictures or
HTML. There is no picture in it: what lies in a folder here has no address there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from banana_pipe.comparing.differences import Comparison, Difference, far, money, summary
from banana_pipe.explain import Piece

MARK = "<!-- made by banana-pipe diff -->\n"
"""The first line, which no site shows: by it the file is known as ours."""
MOST_BYTES = 65_000
"""A comment on GitHub holds 65,536 characters; this is counted in bytes, which are never fewer."""
_ROOM_TO_END = 400
_NAME = 120
_WORDS = 600
_UNSEEN = re.compile(r"[^\n -~\xa0-\u2027\u202f-\u2065\u206a-\ufefe\uff00-\U0010ffff]")
_MARKS = {"changed": "≠ changed", "added": "+ added", "removed": "- removed", "renamed": "→ renamed", "same": "= same"}
_HEAD = ("| | picture | pixels | colour | shape | price | |", "|---|---|---:|---:|---:|---:|---|")


def comment(comparison: Comparison, most: int = MOST_BYTES) -> str:
    """*comparison* in at most *most* bytes; what finds no room is counted in a line of its own."""
    news = comparison.news
    paper = _Paper(most - _ROOM_TO_END)
    paper.add(
        f"{MARK}**{summary(comparison)}**\n\n"
        f"- A: {_code(comparison.before, 400)}\n- B: {_code(comparison.after, 400)}\n"
        + "".join(f"\n> {_code(note, 400)}\n" for note in comparison.notes[:10])
    )
    rows = [_row(one) for one in news]
    # Two thirds for the table: words are worth more than row 300 of it.
    listed = paper.add_table(rows, most * 2 // 3) if rows else 0
    if listed < len(news):
        paper.add(f"\n… and {len(news) - listed:,} more pictures: `banana-pipe diff` shows them all.\n", always=True)
    told = [one for one in news if one.asked_otherwise or one.reading.trouble]
    left = 0
    for one in told:
        left += 0 if not left and paper.add(_told(one)) else 1
    if left:
        paper.add(f"\nWhat was asked otherwise for {left:,} more pictures had no room here.\n", always=True)
    return paper.text


class _Paper:
    def __init__(self, room: int) -> None:
        self.text = ""
        self._room = room

    def add(self, text: str, *, always: bool = False) -> bool:
        """Add *text* if there is room; whether it was added."""
        size = len(text.encode(errors="replace"))
        if size > self._room and not always:
            return False
        self.text += text
        self._room -= size
        return True

    def add_table(self, rows: Sequence[str], room: int) -> int:
        """Add as many *rows* as fit into *room* bytes; how many."""
        text, added = "\n" + "\n".join(_HEAD) + "\n", 0
        for row in rows:
            if len((text + row).encode(errors="replace")) + 1 > min(room, self._room):
                break
            text, added = f"{text}{row}\n", added + 1
        self.add(text)
        return added


def _row(one: Difference) -> str:
    before, reading = one.pair.before, one.reading
    said = [f"was {_code(before.path, _NAME)}"] if one.kind == "renamed" and before is not None else []
    said += [f"{reading.before} → {reading.after}"] if reading.resized else []
    parts = (("prompt", one.prompt), ("settings", one.settings), ("inputs", one.pictures))
    said += [word for word, changed in parts if changed]
    said += ["by hand"] if one.pair.after is not None and one.pair.after.by_hand else []
    cells = [_MARKS[one.kind], _code(one.name, _NAME), *(far(one, name) for name in ("pixels", "colour", "shape"))]
    return f"| {' | '.join([*cells, money(one), ', '.join(said)])} |"


def _told(one: Difference) -> str:
    lines = [*_words(one.prompt)]
    for change in one.settings:
        lines += [f"- {change.name}: {_value(change.before)}", f"+ {change.name}: {_value(change.now)}"]
    for picture in one.pictures:
        was, now = (digest[:12] if digest else "none" for digest in (picture.before, picture.now))
        lines += [f"- input {picture.place} {picture.name}: {was}", f"+ input {picture.place} {picture.name}: {now}"]
    lines += [f"! not measured: {one.reading.trouble}"] if one.reading.trouble else []
    block = "\n".join(_cleaned(line) for line in lines)
    fence = "`" * max(3, _longest_run(block) + 1)
    return f"\n{_code(one.name, _NAME)}\n\n{fence}diff\n{block}\n{fence}\n"


def _words(pieces: Sequence[Piece]) -> Iterator[str]:
    """The words on a line before and one now; of long ones what is around the change."""
    if pieces:
        for mark, kept in (("-", "removed"), ("+", "added")):
            text = "".join(_elided(piece) for piece in pieces if piece.kind in ("same", kept))
            yield f"{mark} {_shortened(' '.join(text.split()), _WORDS)}"


def _elided(piece: Piece) -> str:
    words = piece.text.split()
    if piece.kind != "same" or len(words) <= 16:
        return piece.text
    return f"{' '.join(words[:8])} … {' '.join(words[-8:])} "


def _value(value: object) -> str:
    return "not set" if value is None else _shortened(str(value), 200)


def _code(text: str, most: int) -> str:
    """*text* as code on one line, in a table too."""
    shown = _shortened(" ".join(_cleaned(text).split()), most) or " "
    fence = "`" * (_longest_run(shown) + 1)
    edge = " " if shown.startswith("`") or shown.endswith("`") else ""
    # A bar ends a table's cell even in code; behind a backslash it does not, unless that stands behind another.
    return f"{fence}{edge}{shown}{edge}{fence}".replace("\\|", "\\ |").replace("|", "\\|")


def _cleaned(text: str) -> str:
    return _UNSEEN.sub("�", text.replace("\n", " ").replace("\r", " "))


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2]} … {text[-most // 2 :]}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)

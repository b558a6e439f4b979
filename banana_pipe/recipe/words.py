"""The nearest right word for a wrong one, and how words are shown in messages.

Unaware of recipes and of what the words stand for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

MAX_LISTED = 16
MAX_COMPARED = 500
"""Words that a wrong one is compared with: where thousands are wrong among thousands, it would take hours."""


def nearest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known word, of the first `MAX_COMPARED`, that *word* was probably meant to be: at least so like it."""
    lower = {name.casefold(): name for name in islice(known, MAX_COMPARED)}
    found = get_close_matches(word.casefold(), lower, n=1, cutoff=likeness)
    return lower[found[0]] if found else None


def suggestion(word: str, known: Iterable[str], *, kind: str = "known", most: int = MAX_LISTED) -> str:
    """A hint: the nearest word if there is one, and all the words where they are at most *most*."""
    names = list(known)
    if not names:
        return "there are none"
    near = nearest(word, names)
    if near and len(names) > most:
        return f"did you mean `{near}`?"
    listed = ", ".join(names[:most]) + (", …" if len(names) > most else "")
    return f"did you mean `{near}`? {kind}: {listed}" if near else f"{kind}: {listed}"


def quoted(text: str) -> str:
    """*text* as a quoted YAML scalar on one line."""
    if '"' in text and "\\" not in text and "\n" not in text:
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text, ensure_ascii=False)


def shortened(text: str, length: int = 60) -> str:
    """*text* on one line, its end left out where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"

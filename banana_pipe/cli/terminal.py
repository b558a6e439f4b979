"""The streams a command writes to: what they are, and text that is fit for them.

Unaware of what is said.

What comes from outside (names, prompts, a provider's words) may hold control characters: none
reaches a terminal.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TextIO

_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # within words of some scripts, and within emoji
_ON_OTHERS = {"Mn", "Me"}
_AS_PICTURE = "\ufe0f"  # the sign before it takes two cells on many terminals: better too many than a broken line
_VOWELS = "\u1160\u11ff"  # from and to: of Korean that is written in its parts, as names of files are on some systems
_FALLBACK_COLUMNS = 80
_FALLBACK_ROWS = 24
_LENIENT = "banana_pipe.plainer"
_LEAST_TEXT = 30
_PLAIN: Mapping[str, str] = dict(zip("●○✓✗→×…·–—’“”━╸╺─│├╰≠", '*o+x>x~.--\'""==--||`!', strict=True))
"""Letters of ours that an old encoding lacks, as letters of the same width that none lacks."""

STYLES: Mapping[str, str] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}


class Paper:
    """One stream. `colour`: styles are shown; `live`: it can be drawn over; `columns`: None if not a terminal.

    *optional*: what goes there are words beside the matter, and a reader who has gone is no error.
    """

    def __init__(self, stream: TextIO, *, optional: bool = False) -> None:
        self.stream = stream
        self._forgiven: tuple[type[Exception], ...] = (OSError, ValueError) if optional else ()
        terminal = _is_terminal(stream)
        self.live = terminal and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
        self.colour = self.live and not os.environ.get("NO_COLOR")
        self.columns = _columns(stream) if terminal else None

    def size(self) -> tuple[int, int]:
        """Columns and rows as they are at this moment: a window may have another size than a while ago."""
        return _columns(self.stream), _rows(self.stream)

    def say(self, text: str = "") -> None:
        """Write *text*, which may hold styles of `styled` and nothing else unseen, as lines."""
        with contextlib.suppress(*self._forgiven):
            self.stream.write(text + "\n")
            self.stream.flush()

    def styled(self, text: str, style: str) -> str:
        """*text*, cleaned, in *style* (names of STYLES) where the stream shows it."""
        plain = clean(text)
        if not self.colour or not style or not plain:
            return plain
        return f"\033[{';'.join(STYLES[name] for name in style.split())}m{plain}\033[0m"

    def wrapped(self, text: str, indent: int, style: str = "") -> list[str]:
        """*text* on lines that begin with *indent* spaces, broken between words where the terminal ends."""
        room = None if self.columns is None else max(_LEAST_TEXT, self.columns - indent - 1)
        plain = one_line(text)
        lines = [plain] if room is None or width(plain) <= room else _broken(plain, room)
        return [" " * indent + self.styled(line, style) for line in lines]


_apart: list[TextIO] = []
"""Where data goes while stdout is kept for it."""


def out() -> Paper:
    """Where data goes."""
    return Paper(_apart[-1] if _apart else sys.stdout)


def err() -> Paper:
    """Where messages and progress go."""
    return Paper(sys.stderr, optional=True)


@contextlib.contextmanager
def data_apart() -> Iterator[None]:
    """Keep stdout for what we say: what anybody else prints meanwhile, an op of another package or what it starts, is on stderr."""
    try:
        sys.stdout.flush()
        number, others = sys.stdout.fileno(), sys.stderr.fileno()
        ours = os.dup(number)
        os.dup2(others, number)
    except (OSError, ValueError, AttributeError):  # they are no files
        yield
        return
    with os.fdopen(ours, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors) as stream:
        _apart.append(stream)
        try:
            yield
        finally:
            _apart.pop()
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()  # to stderr
            os.dup2(ours, number)


def clean(text: str) -> str:
    """*text* with a space for everything that a terminal would act on, line breaks excepted."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if _acts(letter) else letter for letter in text)


def one_line(text: str) -> str:
    """*text*, cleaned, on one line."""
    return " ".join(clean(text).split())


def width(text: str) -> int:
    """How many cells *text* takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_cells(letter) for letter in text)


def fitted(text: str, cells: int) -> str:
    """*text* shortened to *cells*, its middle left out: the ends of names tell them apart."""
    if width(text) <= cells:
        return text
    head: list[str] = []
    tail: list[str] = []
    left = cells - 1
    for first, last in zip(text, reversed(text), strict=True):
        left -= _cells(first)
        if left < 0:
            break
        head.append(first)
        left -= _cells(last)
        if left < 0:
            break
        tail.append(last)
    while tail and not _cells(tail[-1]):  # an accent whose letter is left out
        tail.pop()
    return f"{''.join(head)}…{''.join(reversed(tail))}"


def shortened(text: str, cells: int) -> str:
    """*text* shortened to *cells*, its end left out."""
    if width(text) <= cells:
        return text
    head: list[str] = []
    left = cells - 1
    for letter in text:
        left -= _cells(letter)
        if left < 0:
            break
        head.append(letter)
    return f"{''.join(head).rstrip()}…"


def _broken(text: str, room: int) -> list[str]:
    """*text* on lines of at most *room* cells, broken between words; a word that has no room is left whole."""
    lines: list[str] = []
    for word in text.split():
        if lines and width(lines[-1]) + 1 + width(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def be_lenient() -> None:
    """Let a letter that a stream's encoding lacks be written as a plainer one or as an escape, not end the program."""
    codecs.register_error(_LENIENT, _plainer)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_LENIENT)


def _plainer(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    escaped = (_PLAIN.get(letter) or letter.encode("ascii", "backslashreplace").decode() for letter in letters)
    return "".join(escaped), error.end


def _acts(letter: str) -> bool:
    return letter != "\n" and letter not in _JOINERS and unicodedata.category(letter) in _UNSEEN


def _cells(letter: str) -> int:
    if letter in _JOINERS or _VOWELS[0] <= letter <= _VOWELS[1]:
        return 0
    if unicodedata.category(letter) in _ON_OTHERS and letter != _AS_PICTURE:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _columns(stream: TextIO) -> int:
    return _told("COLUMNS") or _measured(stream).columns or _FALLBACK_COLUMNS


def _rows(stream: TextIO) -> int:
    return _told("LINES") or _measured(stream).lines or _FALLBACK_ROWS


def _told(name: str) -> int:
    try:
        return max(0, int(os.environ.get(name) or 0))
    except ValueError:
        return 0


def _measured(stream: TextIO) -> os.terminal_size:
    try:
        return os.get_terminal_size(stream.fileno())
    except (ValueError, OSError):
        return os.terminal_size((0, 0))

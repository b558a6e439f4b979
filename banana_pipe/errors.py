"""What can go wrong, as types: where, what, and what to do next.

Unaware of everything else in the package.

    BananaError                 anything we foresee; carries the exit code of its kind
    ├─ UsageError          2    the user's: a flag, a name, a folder, a lock file
    │  └─ RecipeError      2    one mistake in a recipe, at its place
    │     └─ RecipeErrors  2    all mistakes of a load, in the order of the file
    ├─ SpendingStopped     3    a cap, the balance, or no consent
    ├─ NotAuthorised       4    no token, or the provider refused it
    ├─ StoreError          1    our own files: unreadable, unwritable, damaged
    └─ ProviderError       1    the provider's or the network's (in `providers.base`)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_DRAWN_LINE = 160


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a text file; line and column count from 1. `source` is that line's text."""

    path: str
    line: int
    column: int
    source: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class BananaError(Exception):
    """A foreseen error: *message* says what is wrong, *hint* what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, at: Location | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The error as it is shown: place, message, the line with a caret, the hint."""
        if self.at is None:
            shown = [self.message]
        else:
            shown = [f"{self.at}: {self.message}", *_caret(self.at)]
        if self.hint:
            shown.append(f"  → {self.hint}")
        return shown


class UsageError(BananaError):
    """The command line, a name or a folder is not what it should be."""

    exit_code = 2


class RecipeError(UsageError):
    """One mistake in a recipe or in a file that the recipe reads."""


class RecipeErrors(RecipeError):
    """All mistakes found in one load, sorted by place."""

    def __init__(self, errors: Sequence[RecipeError]) -> None:
        self.errors = tuple(sorted(errors, key=_place))
        super().__init__(f"{len(self.errors)} mistakes" if len(self.errors) != 1 else "1 mistake")

    def lines(self) -> list[str]:
        """Each mistake in full, an empty line between two."""
        shown: list[str] = []
        for error in self.errors:
            shown += ["", *error.lines()] if shown else error.lines()
        return shown


class SpendingStopped(BananaError):
    """A cap or the balance is reached, or nobody agreed to the price."""

    exit_code = 3


class NotAuthorised(BananaError):
    """There is no token where one is needed, or the provider does not accept it."""

    exit_code = 4


class StoreError(BananaError):
    """One of our own files cannot be read, written or believed."""


def _place(error: RecipeError) -> tuple[str, int, int]:
    return (error.at.path, error.at.line, error.at.column) if error.at else ("", 0, 0)


def _caret(at: Location) -> list[str]:
    if not at.source:
        return []
    # A very long line is shown around the caret, so that the caret stays on the screen.
    start = max(0, at.column - 1 - MAX_DRAWN_LINE // 2) if len(at.source) > MAX_DRAWN_LINE else 0
    drawn = at.source[start : start + MAX_DRAWN_LINE].replace("\t", " ")
    number = str(at.line)
    return [f"  {number} | {drawn}", f"  {' ' * len(number)} | {' ' * (at.column - 1 - start)}^"]

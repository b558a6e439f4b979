"""Mistakes are collected while the work goes on, once for every place.

Unaware of what the mistakes are about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, TypeVarTuple

from banana_pipe.errors import Location, RecipeError, RecipeErrors

_Made = TypeVar("_Made")
_Thing = TypeVar("_Thing")
_Arguments = TypeVarTuple("_Arguments")


class SaidElsewhere(RecipeError):
    """Not a mistake of its own: what it comes from is told at its own place."""


def once(errors: Iterable[RecipeError]) -> list[RecipeError]:
    """*errors* without those that say the same of the same place: files that several recipes share are read again."""
    return list({(error.at, error.message): error for error in errors}.values())


def every(make: Callable[[_Thing], _Made], things: Iterable[_Thing]) -> list[_Made]:
    """What *make* gives for each of *things*. Raises RecipeErrors with the mistakes of all of them.

    SaidElsewhere where some could not be made, and none of them has a mistake of its own.
    """
    made: list[_Made] = []
    errors: list[RecipeError] = []
    elsewhere: SaidElsewhere | None = None
    for thing in things:
        try:
            made.append(make(thing))
        except SaidElsewhere as error:
            elsewhere = error
        except RecipeError as error:
            errors += each_of(error)
    if errors:
        raise RecipeErrors(errors)
    if elsewhere is not None:
        raise elsewhere
    return made


def each_of(error: RecipeError) -> Sequence[RecipeError]:
    """The mistakes in *error*, which may be one or several; none where it is told elsewhere."""
    if isinstance(error, SaidElsewhere):
        return ()
    return error.errors if isinstance(error, RecipeErrors) else (error,)


class Complaints:
    """What is wrong so far, in `errors`; a thousand nodes may share a text, so a place is told once."""

    def __init__(self) -> None:
        self.errors: list[RecipeError] = []
        self.told_elsewhere = False
        """Whether something could not be made for what is told at its own place: what is made is not all."""
        self._places: set[Location | None] = set()

    def tried(self, make: Callable[[*_Arguments], _Made], *arguments: *_Arguments) -> _Made | None:
        """What *make* returns; None and a complaint where it raises."""
        try:
            return make(*arguments)
        except SaidElsewhere:
            self.told_elsewhere = True
            return None
        except RecipeError as error:
            self.add(error)
            return None

    def has(self, at: Location) -> bool:
        """Whether something was said about the place *at*."""
        return bool(self.errors) and at in self._places

    def add(self, error: RecipeError) -> None:
        """Keep *error*, each of several in it, unless its place was complained about."""
        for one in each_of(error):
            if one.at not in self._places:
                self._places.add(one.at)
                self.errors.append(one)

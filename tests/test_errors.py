"""Errors as they are shown: where, what, and what to do next.

Unaware of who raises them.
"""

from __future__ import annotations

import pytest

from banana_pipe.errors import (
    MAX_DRAWN_LINE,
    BananaError,
    Location,
    NotAuthorised,
    RecipeError,
    RecipeErrors,
    SpendingStopped,
    StoreError,
    UsageError,
)


def test_an_error_with_a_place_draws_the_line_and_a_caret() -> None:
    """file:line:column, the line, the caret below the column, and the hint."""
    error = RecipeError(
        "no such step", at=Location("shop.yaml", 12, 5, "    images: hreo"), hint="did you mean `hero`?"
    )
    assert str(error).splitlines() == [
        "shop.yaml:12:5: no such step",
        "  12 |     images: hreo",
        "     |     ^",
        "  → did you mean `hero`?",
    ]


def test_an_error_without_a_place_is_one_line() -> None:
    """And its hint."""
    assert str(BananaError("no")) == "no"
    assert str(BananaError("no", hint="yes")) == "no\n  → yes"


@pytest.mark.parametrize("column", [1, 80, 100, 250, 5_000])
def test_the_caret_of_a_long_line_stays_in_sight(column: int) -> None:
    """Only the part around it is drawn, and it still points at the same letter."""
    source = "".join(chr(0x4E00 + place % 5_000) for place in range(5_000))
    *_, drawn, caret = RecipeError("x", at=Location("a", 1, column, source)).lines()
    assert len(drawn) <= MAX_DRAWN_LINE + 6
    assert drawn[caret.index("^")] == source[column - 1]


def test_a_tab_is_as_wide_as_the_caret_thinks() -> None:
    """One column."""
    *_, drawn, caret = RecipeError("x", at=Location("a", 1, 3, "\t\tx")).lines()
    assert drawn[caret.index("^")] == "x"


def test_all_mistakes_are_shown_in_the_order_of_the_files() -> None:
    """An empty line between two; one without a place comes first."""
    errors = RecipeErrors(
        [RecipeError("b", at=Location("a", 10, 1)), RecipeError("c"), RecipeError("a", at=Location("a", 9, 1))]
    )
    assert errors.lines() == ["c", "", "a:9:1: a", "", "a:10:1: b"]
    assert errors.message == "3 mistakes"
    assert RecipeErrors([RecipeError("c")]).message == "1 mistake"


def test_each_kind_has_its_exit_code() -> None:
    """As the table of exit codes says."""
    kinds = {BananaError: 1, UsageError: 2, RecipeError: 2, SpendingStopped: 3, NotAuthorised: 4, StoreError: 1}
    assert {kind: kind.exit_code for kind in kinds} == kinds

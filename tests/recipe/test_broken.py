"""Broken recipes beside what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe.errors import RecipeErrors
from banana_pipe.recipe import load

BROKEN = Path(__file__).parent / "broken"


@pytest.mark.parametrize("name", sorted(path.stem for path in BROKEN.glob("*.yaml")))
def test_a_broken_recipe_is_explained(name: str) -> None:
    """Every mistake has its place, its line with a caret, and what is wrong, word for word."""
    with pytest.raises(RecipeErrors) as raised:
        load(BROKEN / f"{name}.yaml", shown_as=f"{name}.yaml")
    assert str(raised.value) + "\n" == (BROKEN / f"{name}.txt").read_text(encoding="utf-8")
    assert raised.value.exit_code == 2
    for error in raised.value.errors:
        assert error.at is not None


def test_there_are_many_kinds_of_broken_recipes() -> None:
    """At least eighty kinds, each with its text, and no text without its recipe."""
    recipes = {path.stem for path in BROKEN.glob("*.yaml")}
    assert len(recipes) >= 80
    assert recipes == {path.stem for path in BROKEN.glob("*.txt")}

"""Large recipes and large mistakes cost what their size is, not its square."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from banana_pipe.errors import RecipeErrors
from banana_pipe.recipe import words
from banana_pipe.recipe.words import nearest
from tests.recipe.conftest import Load

ROWS = 2_000


def test_a_mistake_in_every_row_is_looked_into_once(graph: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reference should have been is looked for among thousands of names: once, not for each of thousands."""
    asked = []

    def counted(word: str, known: Iterable[str], **named: float) -> list[str]:
        asked.append(len(list(known)))
        return []

    monkeypatch.setattr(words, "get_close_matches", counted)
    rows = ", ".join(f"r{number}" for number in range(ROWS))
    with pytest.raises(RecipeErrors) as raised:
        graph(f"""
steps:
  hero: {{matrix: {{row: [{rows}]}}, generate: "A {{{{ row }}}}"}}
  pose: {{each: hero, images: "hero[row=x{{{{ row }}}}]", edit: B}}
""")
    assert len(raised.value.errors) == 1
    assert len(asked) <= 2


def test_a_wrong_word_is_compared_with_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of wrong words among thousands of right ones end in time; near ones are found where they are few."""
    taken = []

    def names() -> Iterator[str]:
        for number in range(10 * words.MAX_COMPARED):
            taken.append(number)
            yield f"name-{number}"

    nearest("nothing", names())
    assert len(taken) == words.MAX_COMPARED
    assert nearest("colour", ["size", "color"]) == "color"


@pytest.mark.parametrize("wrong", ["generate: 1", "generate: {{ x }}", "genrate: A", "generate: A, images: []"])
def test_mistakes_in_one_long_line_do_not_repeat_it(graph: Load, wrong: str) -> None:
    """A recipe on one line, as JSON writes it, with a mistake in every step: the message grows as the recipe does."""
    recipe = "{steps: {" + ", ".join(f"s{number}: {{{wrong}}}" for number in range(ROWS)) + "}}"
    if wrong.endswith("[]"):
        recipe = recipe.replace("generate", "edit")
    with pytest.raises(RecipeErrors) as raised:
        graph(recipe)
    assert len(raised.value.errors) == ROWS
    assert max(len(str(error)) for error in raised.value.errors) < 1_000

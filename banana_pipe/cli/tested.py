"""Prompts that failed their tests, as people read them.

Unaware of how prompts are tested.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from banana_pipe.cli.options import shown_path
from banana_pipe.cli.words import MOST_NAMED, count
from banana_pipe.errors import BananaError
from banana_pipe.recipe.prompttests import Failure, Verdict, by_place


def failed_words(tested: Verdict) -> Iterator[BananaError]:
    """Each rule that does not hold, at its place, with the prompts that it does not hold for."""
    for group in by_place(tested.failures):
        first = group[0]
        yield BananaError(first.message + _others(group), at=first.at or first.prompt, hint=_hint(first))


def tested_words(tested: Verdict) -> str:
    """`12 prompts, 4 tests`."""
    file = f", {count(tested.tests, 'test')}" if tested.path is not None else ", no test file"
    return f"{count(tested.prompts, 'prompt')}{file}"


def _others(group: Sequence[Failure]) -> str:
    more = group[1:]
    if not more:
        return ""
    rest = f", and {len(more) - MOST_NAMED} more" if len(more) > MOST_NAMED else ""
    if group[0].rule in ("min_length", "max_length"):  # each has a length of its own
        return "".join(f"; {one.message}" for one in more[:MOST_NAMED]) + rest
    named = ", ".join(f"`{one.node}`" for one in more[:MOST_NAMED])
    return f"; the same of {named}{rest}"


def _hint(one: Failure) -> str | None:
    """Where the words stand, for whoever mends them; a place that is drawn already is not said again."""
    if one.found is not None:
        place = f", {shown_path(one.found.path)}:{one.found.line}" if one.found.path else ""
        return f"from {one.found.what}{place}"
    if one.at is not None:
        return f"its prompt stands at {one.prompt}"
    if one.rule == "spaces":
        return "a variable may have nothing in it; where they are meant, the test file says `double_spaces: true`"
    return None

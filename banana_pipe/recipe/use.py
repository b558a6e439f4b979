"""Used recipes are put in their places: the steps of `banner.yaml` become those of step `banner`, `banner/…`.

Unaware of instances, and of what templates render to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from banana_pipe.errors import Location, RecipeError, RecipeErrors
from banana_pipe.model import Part, Recipe, Step, Text
from banana_pipe.recipe.complaints import SaidElsewhere, each_of, every
from banana_pipe.recipe.compose import Library
from banana_pipe.recipe.schema import Checked
from banana_pipe.recipe.words import nearest, shortened, suggestion
from banana_pipe.recipe.yaml import Value

MAX_DEPTH = 8
"""Recipes that use each other, one inside the other: each is a folder of the output."""
MAX_STEPS = 10_000
"""Steps all in all: ten recipes that each use the next one ten times are more than anybody wants."""


def placed(checked: Checked, library: Library) -> Checked:
    """*checked* with the steps of all recipes that it uses; mistakes go to the library's errors."""
    placing = _Placing(library)
    placing.put(checked, "", (checked.recipe.path,))
    recipe = replace(checked.recipe, steps=placing.steps, parts=placing.parts)
    return replace(checked, recipe=recipe, steps=tuple(placing.names))


class _Placing:
    """The steps and parts so far, by their whole names."""

    def __init__(self, library: Library) -> None:
        self.steps: dict[str, Step] = {}
        self.names: list[str] = []
        self.parts: dict[str, Part] = {}
        self._library = library
        self._read: dict[Path, Checked | None] = {}
        self._told: set[Location | None] = set()

    def put(self, checked: Checked, part: str, trail: tuple[Path, ...]) -> None:
        """The steps of *checked* as those of *part*; *trail* are the files that led here."""
        before = f"{part}/" if part else ""
        self.names += [before + name for name in checked.steps]
        for name, step in checked.recipe.steps.items():
            each = replace(step.each, value=before + step.each.value.strip()) if step.each else None
            mine = replace(step, name=before + name, part=part, each=each)
            self.steps[mine.name] = mine
            if step.verb == "use":
                try:
                    self._use(mine, trail)
                except RecipeError as error:
                    self._complain(error)
                    del self.steps[mine.name]

    def _complain(self, error: RecipeError) -> None:
        """Keep *error*, unless its place was complained about: a recipe that is used twice is placed twice."""
        if isinstance(error, SaidElsewhere):
            return
        for one in each_of(error):
            if one.at not in self._told:
                self._told.add(one.at)
                self._library.errors.append(one)

    def _use(self, step: Step, trail: tuple[Path, ...]) -> None:
        path = self._library.find(step.prompt)
        self._check_room(step, path, trail)
        if path not in self._read:
            self._read[path] = self._library.read_other(step.prompt)
        used = self._read[path]
        if used is None:
            raise SaidElsewhere("it has mistakes of its own")
        part = _part(step, used.recipe)
        scope = {name: one for name, one in part.scope.items() if name not in self._library.templates.lost}
        self.parts[step.name] = replace(part, scope=scope)
        self.put(used, step.name, (*trail, path))

    def _check_room(self, step: Step, path: Path, trail: tuple[Path, ...]) -> None:
        real = [one.resolve() for one in trail]
        if path in real:
            names = " -> ".join(self._library.shown(one) for one in (*trail[real.index(path) :], path))
            hint = "a recipe cannot be a part of itself: take one of the `use` away"
            raise RecipeError(f"`use` goes round in a circle: {names}", at=step.prompt.at, hint=hint)
        if len(trail) > MAX_DEPTH:
            hint = "put some of them together"
            raise RecipeError(f"more than {MAX_DEPTH} recipes use each other", at=step.prompt.at, hint=hint)
        if len(self.steps) > MAX_STEPS:
            hint = "use fewer recipes, or split this one"
            raise RecipeError(f"there are more than {MAX_STEPS:,} steps here", at=step.prompt.at, hint=hint)


def _part(step: Step, used: Recipe) -> Part:
    """The place that *step* gives to *used*. Raises RecipeError where `with` does not fit."""
    known = (*used.inputs, *used.variables)
    unknown = [name for name in step.given if name not in known]
    errors = [_unknown(step, name, known) for name in unknown]
    # A name that is misspelt is not missing besides.
    meant = {nearest(name, known) for name in unknown}
    missing = [name for name in used.inputs if name not in step.given and name not in meant]
    if missing:
        errors.append(_missing(step, missing))
    given = [name for name in used.inputs if name in step.given]
    inputs: dict[str, tuple[Text, ...]] = {}
    try:
        inputs.update(zip(given, every(lambda name: _references(name, step.given[name]), given), strict=True))
    except RecipeError as error:
        errors += each_of(error)
    if errors:
        raise RecipeErrors(errors)
    variables = {name: value for name, value in step.given.items() if name in used.variables}
    return Part(scope=used.scope, defaults=used.defaults, inputs=inputs, given=variables)


def _unknown(step: Step, name: str, known: Sequence[str]) -> RecipeError:
    hint = suggestion(name, known, kind="it takes") if known else "it has no `inputs` and no `vars`"
    message = f"`{step.prompt.value}` has no input and no variable `{shortened(name)}`"
    return RecipeError(message, at=step.given[name].at, hint=hint)


def _missing(step: Step, names: Sequence[str]) -> RecipeError:
    listed = " and ".join(f"`{name}`" for name in names)
    example = ", ".join(f"{name}: STEP" for name in names)
    message = f"`{step.prompt.value}` needs its {'input' if len(names) == 1 else 'inputs'} {listed}"
    return RecipeError(message, at=step.prompt.at, hint=f"say what it is: `with: {{{example}}}`")


def _references(name: str, value: Value) -> tuple[Text, ...]:
    found = value.data if isinstance(value.data, list) else [value]
    texts = tuple(one.text for one in found if isinstance(one.data, str))
    if len(texts) < len(found):
        hint = f"a step, a file, or a list of them: `with: {{{name}: hero}}`"
        raise RecipeError(f"input `{name}` takes references", at=value.at, hint=hint)
    return texts


def refuse_inputs(recipe: Recipe, errors: list[RecipeError]) -> None:
    """Complain about `inputs` of a recipe that nobody uses: there is nothing in them."""
    said = {error.at for error in errors}
    for name, at in recipe.inputs.items():
        if at in said:
            continue
        hint = "plan and run the recipe that has `use` and `with` for this one"
        errors.append(
            RecipeError(f"input `{name}` is filled by who uses this recipe, and nobody does", at=at, hint=hint)
        )

"""Text becomes a graph: a recipe is read, checked, rendered and expanded, with every source it read.

Unaware of keys, stores, prices, providers and commands; it reads text files and nothing else, and
never opens a picture.

Read `yaml` (values that know their places), `entries`, `settings`, `steps` and `schema` (what a recipe
may say, from the single value up), `compose` (files that extend each other), `instances` (steps and
their axes), `expand` (instances become nodes); `templates` and `references` are what a text can mean,
`select` what a user's argument means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from banana_pipe.errors import RecipeError, RecipeErrors, UsageError
from banana_pipe.model import Graph, Recipe
from banana_pipe.recipe.complaints import once
from banana_pipe.recipe.compose import Library, under
from banana_pipe.recipe.expand import expand
from banana_pipe.recipe.settings import PROVIDERS
from banana_pipe.recipe.use import placed, refuse_inputs
from banana_pipe.recipe.variables import apply
from banana_pipe.recipe.words import suggestion
from banana_pipe.recipe.written import written


def read_part(path: Path, *, allow_read: Sequence[Path] = ()) -> Recipe | None:
    """The recipe at *path* where it has `inputs`, so that only another recipe can use it; None for any other.

    Checked as far as that goes before somebody fills them. Raises RecipeErrors.
    """
    errors: list[RecipeError] = []
    library = Library(path.absolute(), str(path), allow_read, errors)
    checked = library.read()
    if checked is not None and not checked.recipe.inputs:
        return None
    if checked is not None:
        placed(checked, library)
    if errors or checked is None:
        raise RecipeErrors(once(errors))
    return checked.recipe


def read_profiles(path: Path, *, allow_read: Sequence[Path] = ()) -> tuple[str, ...]:
    """The profiles of the recipe at *path*, with those of what it extends. Raises RecipeErrors."""
    errors: list[RecipeError] = []
    checked = Library(path.absolute(), str(path), allow_read, errors).read()
    if errors or checked is None:
        raise RecipeErrors(once(errors))
    return tuple(checked.profiles)


def load(
    path: Path,
    *,
    sets: Sequence[str] = (),
    vars_files: Sequence[Path] = (),
    allow_read: Sequence[Path] = (),
    provider: str | None = None,
    profile: str | None = None,
    shown_as: str | None = None,
) -> Graph:
    """The graph of the recipe at *path*.

    *sets* are `name=value` texts and win over the mappings in *vars_files*, which win over the
    recipe's own `vars`. *allow_read* are folders (absolute) whose pictures may be read besides the
    recipe's own. *profile* is one of the recipe's: it wins over what steps say themselves, and its
    variables over the recipe's. *provider* overrides every step's, and the profile's. *shown_as* is
    the path as messages write it.

    Raises RecipeErrors with every mistake in the recipe and the files it reads, each at its place;
    UsageError, without a place, for a mistake in an argument.
    """
    if provider is not None and provider not in PROVIDERS:
        hint = suggestion(provider, PROVIDERS, kind="there are")
        raise UsageError(f"there is no provider `{provider}`", hint=hint)
    shown = str(path) if shown_as is None else shown_as
    path = path.absolute()
    errors: list[RecipeError] = []
    library = Library(path, shown, allow_read, errors)
    checked = library.read()
    if checked is None:
        raise RecipeErrors(once(errors))
    refuse_inputs(checked.recipe, errors)
    checked = placed(checked, library)
    recipe = checked.recipe if profile is None else under(profile, checked)
    variables, vars_sources = apply(recipe.variables, vars_files, sets, errors)
    # What the command line says stands for what the recipe itself would: its paths are from there.
    declared = recipe.variables
    variables = {name: one if one is declared.get(name) else written(one, shown) for name, one in variables.items()}
    known = {name: one for name, one in variables.items() if name not in library.templates.lost}
    recipe = replace(recipe, variables=known, sources=(*library.sources, *vars_sources))
    nodes, skipped = expand(recipe, checked.steps, library.templates, library.files, provider, errors)
    if errors:
        raise RecipeErrors(once(errors))
    return Graph(recipe, nodes, (*library.sources, *vars_sources, *library.templates.sources), skipped)

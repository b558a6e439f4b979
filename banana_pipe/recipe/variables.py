"""Variables from outside: `--vars` files and `--set`, over those that the recipe declares.

Unaware of what the variables are used for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from banana_pipe.canonical import digest_of
from banana_pipe.errors import Location, RecipeError, UsageError
from banana_pipe.model import Json, Source
from banana_pipe.recipe.words import nearest, suggestion
from banana_pipe.recipe.yaml import MAX_BYTES, plain, read_yaml, refuse_cuts
from banana_pipe.regular import open_regular

_OPEN_ALREADY = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")


def read_vars_file(
    path: Path, declared: Mapping[str, Json], errors: list[RecipeError]
) -> tuple[dict[str, Json], Source]:
    """The variables in *path*; its mistakes go to *errors*. Raises UsageError if it cannot be read."""
    shown = str(path)
    data = read_bytes(path, "--vars")
    source = Source(path.absolute(), "vars", digest_of(data))
    document = read_yaml(data, shown, errors)
    root = document.root
    if root is None or root.style == "broken" or root.data is None:
        return {}, source
    if not isinstance(root.data, dict):
        hint = "`product: a tea pot`, one variable a line"
        errors.append(RecipeError("a file of variables is a mapping of name: value", at=root.at, hint=hint))
        return {}, source
    for name, value in root.data.items():
        if name not in declared:
            errors.append(_undeclared(name, declared, root.keys[name]))
        refuse_cuts(value, f"variable `{name}`", errors)
    return {name: plain(value) for name, value in root.data.items()}, source


def read_set(text: str, declared: Mapping[str, Json]) -> tuple[str, Json]:
    """The name and the value in `name=value`. Raises UsageError.

    The value is taken as written where the recipe's value is text, else read as YAML.
    """
    name, equals, written = text.partition("=")
    name = name.strip()
    if not equals or not name:
        raise UsageError(f"--set {text!r} is not name=value", hint='for example --set product="a tea pot"')
    if name not in declared:
        raise UsageError(
            f"--set {name}: the recipe has no variable `{name}`",
            hint=suggestion(name, declared, kind="declared in `vars`") if declared else "declare it in `vars` first",
        )
    if isinstance(declared[name], str):
        return name, written
    errors: list[RecipeError] = []
    root = read_yaml(written.encode("utf-8", "replace"), "--set", errors).root
    if root is not None:
        refuse_cuts(root, f"variable `{name}`", errors)
    if errors:
        raise UsageError(f"--set {name}: {errors[0].message}", hint=errors[0].hint)
    return name, None if root is None else plain(root)


def read_bytes(path: Path, what: str, shown: str | None = None) -> bytes:
    """The bytes of a text file, at most one more than may be read; messages write its path as *shown*.

    Raises UsageError.
    """
    named = str(path) if shown is None else shown
    try:
        # A shell's `<(…)` is open already, and its writer there: it can't be waited for in vain.
        with path.open("rb") if str(path).startswith(_OPEN_ALREADY) else open_regular(path) as stream:
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"{what} {named}: there is no such file", hint=_other_file(path)) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{what} {named}: cannot be read: {why}") from None


def _other_file(path: Path) -> str | None:
    """A YAML file beside *path* that may have been meant."""
    try:
        others = (one for one in sorted(path.parent.iterdir()) if one.name != path.name)  # a link to nowhere is there
        beside = {one.stem: one.name for one in others if one.suffix in (".yaml", ".yml")}
    except OSError:
        return None
    near = nearest(path.stem, beside)
    return f"did you mean `{beside[near]}`?" if near else None


def apply(
    declared: Mapping[str, Json], files: Sequence[Path], sets: Sequence[str], errors: list[RecipeError]
) -> tuple[dict[str, Json], tuple[Source, ...]]:
    """The recipe's variables, then those of *files* in their order, then *sets*; and the files read."""
    variables = dict(declared)
    sources = []
    for path in files:
        found, source = read_vars_file(path, declared, errors)
        variables |= found
        sources.append(source)
    for text in sets:
        name, value = read_set(text, declared)
        variables[name] = value
    return variables, tuple(sources)


def _undeclared(name: str, declared: Mapping[str, Json], at: Location) -> RecipeError:
    hint = suggestion(name, declared, kind="declared in `vars`") if declared else "declare it in `vars` first"
    return RecipeError(f"the recipe has no variable `{name}`", at=at, hint=hint)

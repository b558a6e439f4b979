"""The values of a matrix axis: from a list, a mapping, rows, a file glob, or one expression.

Unaware of nodes and of the other axes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from banana_pipe.errors import Location, RecipeError
from banana_pipe.model import Json
from banana_pipe.recipe.complaints import every
from banana_pipe.recipe.entries import is_template
from banana_pipe.recipe.files import Files
from banana_pipe.recipe.references import BadReference, nfc
from banana_pipe.recipe.templates import Scope, Templates
from banana_pipe.recipe.words import shortened
from banana_pipe.recipe.yaml import Value, walk

Named = tuple[str, Json]
"""A value of an axis behind its name."""

_KINDS = "a list, a mapping of name: value, rows, or a file pattern such as `photos/*.jpg`"


def is_fixed(value: Value) -> bool:
    """Whether the axis has the same values wherever it is asked for."""
    return not any(isinstance(inner.data, str) and is_template(inner.data) for inner in walk(value))


def axis_values(axis: str, value: Value, scope: Scope, templates: Templates, files: Files) -> list[Named]:
    """The names and values of *axis*, rendered in *scope*. Raises RecipeError, with every place."""
    if isinstance(value.data, str):
        data = templates.value(value.text, scope)
        named = _from_data(axis, data, value.at, files)
    elif isinstance(value.data, dict):
        values = rendered_by_name(value.data, scope, templates)
        named = [(nfc(name), inner, value.keys[name]) for name, inner in values.items()]
    elif isinstance(value.data, list):
        values = rendered(value, scope, templates)
        named = _from_list(axis, [(inner, one.at) for inner, one in zip(values, value.data, strict=True)])
    else:
        raise RecipeError(f"axis `{axis}` has no values", at=value.at, hint=f"it takes {_KINDS}")
    if not named:
        raise RecipeError(f"axis `{axis}` is empty: nothing would be made", at=value.at, hint=f"it takes {_KINDS}")
    return _unique(axis, named)


def rendered(value: Value, scope: Scope, templates: Templates) -> Json:
    """The value with every text in it rendered; a text that is one expression keeps its type.

    Raises RecipeError, with every place.
    """
    if isinstance(value.data, str):
        return templates.value(value.text, scope)
    if isinstance(value.data, dict):
        return rendered_by_name(value.data, scope, templates)
    if isinstance(value.data, list):
        return every(lambda inner: rendered(inner, scope, templates), value.data)
    return value.data


def rendered_by_name(values: Mapping[str, Value], scope: Scope, templates: Templates) -> dict[str, Json]:
    """The same for each of *values*."""
    return dict(zip(values, every(lambda inner: rendered(inner, scope, templates), values.values()), strict=True))


_Placed = tuple[str, Json, Location]


def _from_data(axis: str, data: Json, at: Location, files: Files) -> list[_Placed]:
    if isinstance(data, dict):
        return [(nfc(name), inner, at) for name, inner in data.items()]
    if isinstance(data, list):
        return _from_list(axis, [(inner, at) for inner in data])
    if isinstance(data, str) and ("*" in data or "?" in data):
        try:
            return [(nfc(PurePosixPath(found).stem), found, at) for found in files.glob(data, at)]
        except BadReference as error:
            raise RecipeError(str(error), at=at, hint=error.hint) from None
    shown = f": `{shortened(data)}`" if isinstance(data, str) else ""
    raise RecipeError(f"axis `{axis}` needs several values{shown}", at=at, hint=f"it takes {_KINDS}")


def _from_list(axis: str, values: list[tuple[Json, Location]]) -> list[_Placed]:
    rows = [isinstance(value, dict) for value, _ in values]
    if any(rows) and not all(rows):
        at = values[rows.index(False)][1]
        raise RecipeError(f"axis `{axis}` has rows and single values", at=at, hint="make all of them rows, or none")
    if any(rows):
        return _rows(axis, values)
    return [(_name(axis, value, at), value, at) for value, at in values]


def _rows(axis: str, rows: list[tuple[Json, Location]]) -> list[_Placed]:
    """Rows are named by their column `id`, else `name`, else the first; the first row decides which."""
    first, at = rows[0]
    column = next((column for column in ("id", "name", *first) if column in first), None)
    if column is None:
        raise RecipeError(f"a row of axis `{axis}` is empty", at=at, hint="a row is a mapping of column: value")
    for row, place in rows:
        if column not in row:
            hint = f"axis `{axis}` is named by its column `{column}`"
            raise RecipeError(f"this row has no `{column}`", at=place, hint=hint)
    return [(_name(axis, row[column], place), row, place) for row, place in rows]


def _name(axis: str, value: Json, at: Location) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return nfc(str(value))
    what = "null" if value is None else "a list or mapping"
    hint = "name it: `{name: value}`, or rows with a column `id`"
    raise RecipeError(f"{what} cannot name a value of axis `{axis}`", at=at, hint=hint)


def _unique(axis: str, named: Iterable[_Placed]) -> list[Named]:
    seen: dict[str, tuple[Json, Location, int]] = {}
    for number, (name, value, at) in enumerate(named, 1):
        if name in seen:
            first = seen[name]
            hint = f"remove one of them: the first is in line {first[1].line}, column {first[1].column}"
            if first[1] == at:
                hint = f"numbers {first[2]} and {number} of its values: give one of them another name"
            if isinstance(value, str) and isinstance(first[0], str) and value != first[0]:
                hint = f"`{first[0]}` and `{value}`: give them names of their own with `{{name: value}}`"
            raise RecipeError(f"axis `{axis}` has two values named `{shortened(name)}`", at=at, hint=hint)
        seen[name] = (value, at, number)
    return [(name, value) for name, (value, *_) in seen.items()]

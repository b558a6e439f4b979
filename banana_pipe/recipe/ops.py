"""The ops of a transform as a recipe writes them: which there are, and what parameters they have.

Unaware of what the parameters render to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from banana_pipe.errors import Location, RecipeError
from banana_pipe.recipe.words import nearest, shortened, suggestion
from banana_pipe.recipe.yaml import Value, refuse_cuts, walk
from banana_pipe.transforms import TRANSFORMS, find, names
from banana_pipe.transforms.base import Transform
from banana_pipe.transforms.plugins import BrokenPlugin

MAX_OPS = 100
_EXAMPLE = "for example `transform: [{resize: {width: 320}}, {convert: webp}]`"


@dataclass(frozen=True, slots=True)
class WrittenOp:
    """One op as written: its name, where that stands, and its parameters (None: there are none)."""

    transform: Transform
    at: Location
    value: Value | None
    sound: bool = True
    """Whether it has all that was meant: else a parameter was complained about, and nothing is missing or too much."""


def read_ops(value: Value | None, errors: list[RecipeError]) -> tuple[WrittenOp | None, ...] | None:
    """The ops in *value*, None for each that was complained about; mistakes go to *errors*.

    None where it is no list of ops.
    """
    if value is None or value.style == "broken":
        return None
    refuse_cuts(value, "`transform`", errors)
    if not isinstance(value.data, list) or not value.data:
        message = "`transform` has no ops" if value.data in ([], None) else "`transform` is a list of ops"
        errors.append(RecipeError(message, at=value.at, hint=_EXAMPLE))
        return None
    if len(value.data) > MAX_OPS:
        errors.append(RecipeError(f"a transform has at most {MAX_OPS} ops", at=value.data[MAX_OPS].at))
        return None
    ops = [_read_op(item, errors) for item in value.data]
    for place, item in enumerate(value.data[1:]):
        before = ops[place]
        # `- resize` and then `- width: 3`: told of the second, and the first lacks nothing.
        if before is not None and ops[place + 1] is None and isinstance(item.data, dict):
            sound = before.sound and not _params(before.transform) & item.data.keys()
            ops[place] = replace(before, sound=sound)
    return tuple(ops)


def _read_op(item: Value, errors: list[RecipeError]) -> WrittenOp | None:
    if item.style == "broken":
        return None
    if isinstance(item.data, str):
        return _named(item.data, item.at, None, errors)
    if not isinstance(item.data, dict) or not item.data:
        errors.append(RecipeError("an op is `name: {parameters}`", at=item.at, hint=_EXAMPLE))
        return None
    name, *others = item.data
    if others:
        errors.append(_several(item, name, others))
        return None
    return _named(name, item.keys[name], item.data[name], errors)


def _several(item: Value, name: str, others: list[str]) -> RecipeError:
    """Two ops in one item; or parameters that stand too far to the left."""
    second = item.keys[others[0]]
    transform = TRANSFORMS.get(name)
    params = _params(transform) if transform else ()
    if others[0] in params and item.data[name].data is None:
        hint = f"it is a parameter of `{name}`: indent it further, or write `{name}: {{{others[0]}: …}}`"
        return RecipeError(f"`{others[0]}` stands beside `{name}`, not in it", at=second, hint=hint)
    hint = f"each in an item of its own: `- {name}: …` and then `- {others[0]}: …`"
    return RecipeError(f"one item has one op, and here are {len(others) + 1}", at=second, hint=hint)


def _named(name: str, at: Location, value: Value | None, errors: list[RecipeError]) -> WrittenOp | None:
    try:
        transform = find(name)
    except BrokenPlugin as error:
        errors.append(RecipeError(error.message, at=at, hint=error.hint))
        return None
    if transform is None:
        hint = suggestion(name, names(), kind="there are")
        homes = _homes(name)
        if homes:
            hint = f"it is a parameter: `{homes[0]}: {{{name}: …}}`"
        elif nearest(name, names()) is None and "{{" not in name:
            hint = f"{hint}; one of another package is there once that is installed"
        if "{{" in name:
            hint = f"the name of an op is no template; {hint}"
        errors.append(RecipeError(f"there is no op `{shortened(name)}`", at=at, hint=hint))
        return None
    before = len(errors)
    if value is not None and isinstance(value.data, dict):
        for key in value.data:
            check_parameter(transform, key, value.keys[key], errors)
    told = value is not None and any(inner.cut or inner.style == "broken" for inner in walk(value))
    sound = len(errors) == before and not told
    return WrittenOp(transform, at, value, sound)


def _params(transform: Transform) -> set[str]:
    return {param.name for param in transform.params}


def _homes(key: str) -> list[str]:
    """The ops that have a parameter *key*."""
    return [one.name for one in TRANSFORMS.values() if any(param.name == key for param in one.params)]


def check_parameter(transform: Transform, key: str, at: Location, errors: list[RecipeError]) -> None:
    """Complain where *transform* has no parameter *key*."""
    names = [param.name for param in transform.params]
    if key in names:
        return
    hint = suggestion(key, names, kind="there are")
    homes = _homes(key)
    if homes and nearest(key, names) is None:
        hint = f"it belongs to {' and '.join(f'`{home}`' for home in homes)}; {hint}"
    errors.append(RecipeError(f"`{transform.name}` has no `{shortened(key)}`", at=at, hint=hint))

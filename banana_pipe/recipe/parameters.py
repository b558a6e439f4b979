"""The parameters of ops for one node: rendered, read into their canonical forms, mistakes told at their places.

Unaware of pictures, and of which nodes the references in ops mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from banana_pipe.errors import Location, RecipeError, RecipeErrors
from banana_pipe.model import Json, Node, Op, Step
from banana_pipe.recipe.axes import is_fixed, rendered
from banana_pipe.recipe.complaints import SaidElsewhere, each_of
from banana_pipe.recipe.ops import WrittenOp, check_parameter
from banana_pipe.recipe.templates import Scope, Templates
from banana_pipe.recipe.words import nearest, quoted, shortened
from banana_pipe.recipe.written import bare
from banana_pipe.recipe.yaml import Value
from banana_pipe.transforms import transform_of
from banana_pipe.transforms.base import BadParams, Param, Transform
from banana_pipe.transforms.kinds import Choice, FontFile, Picture

_Given = Mapping[str, tuple[Json, Location] | None]
"""Parameters by name, each with its place; None where a mistake in it is told."""


@dataclass(frozen=True, slots=True)
class RenderedOp:
    """An op whose parameters are read; `pictures` are the references in them, each with its place."""

    op: Op
    pictures: tuple[tuple[str, Location], ...] = ()
    files: tuple[tuple[str, str, Location], ...] = ()
    """What is no picture: the parameter, the file, and its place."""


class Ops:
    """Renders ops for one node after the other; what is the same for all of them is read once."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._fixed: dict[int, RenderedOp] = {}

    def check(self, written: WrittenOp | None) -> None:
        """Raise RecipeErrors for what is wrong in any scope, where there is none."""
        if written is not None and (written.value is None or is_fixed(written.value)):
            self.rendered(written, {})

    def rendered(self, written: WrittenOp | None, scope: Scope) -> RenderedOp:
        """The op with its parameters. Raises RecipeErrors with every mistake, each at its place.

        SaidElsewhere where the recipe's reader has said what is wrong.
        """
        if written is None:
            raise SaidElsewhere("that op could not be read")
        known = self._fixed.get(id(written))
        if known is not None:
            return known
        errors: list[RecipeError] = []
        found = _checked(written, self._given(written, scope, errors), errors)
        if written.value is None or is_fixed(written.value):
            self._fixed[id(written)] = found
        return found

    def _given(self, written: WrittenOp, scope: Scope, errors: list[RecipeError]) -> _Given:
        """The parameters that are given, by name; mistakes in their templates go to *errors*."""
        value = written.value
        if value is None or value.data is None:
            return {}
        if isinstance(value.data, dict):
            told = [name for name, inner in value.data.items() if inner.style == "broken" or inner.cut]
            whole = {name: inner for name, inner in value.data.items() if name not in told}
            return {name: self._parameter(inner, scope, errors) for name, inner in whole.items()}
        data = rendered(value, scope, self._templates)
        if isinstance(data, dict):  # one expression for all of them
            unknown: list[RecipeError] = []
            for name in data:
                check_parameter(written.transform, name, value.at, unknown)
            if unknown:
                raise unknown[0]
            return {name: (inner, value.at) for name, inner in data.items()}
        return {written.transform.params[0].name: (data, value.at)}

    def _parameter(self, value: Value, scope: Scope, errors: list[RecipeError]) -> tuple[Json, Location] | None:
        try:
            return rendered(value, scope, self._templates), value.at
        except RecipeError as error:
            errors += each_of(error)
            return None


def one_is_left(node: Node, step: Step) -> None:
    """Raise RecipeError where the ops of *node* would leave no picture or several, or are given too many."""
    at = step.images[0].at if step.images else step.prompt.at
    for op in node.ops:
        if len(op.pictures) > len(transform_of(op).pictures):
            message = f"`{op.name}` of `{node.id}` refers to {len(op.pictures)} pictures, and takes one"
            raise RecipeError(message, at=step.prompt.at, hint="say which: `step[axis=name]`, or one file")
    pictures = len(node.inputs) - sum(len(op.places) for op in node.ops)
    if pictures < 1:  # what has nothing left to read does not exist: this never had anything
        message = f"`{node.id}` transforms nothing: no link is before it, and the chain starts from nothing"
        raise RecipeError(message, at=at, hint="say what it begins with: `start: STEP` or `start: photo.png`")
    if pictures > 1 and not any(transform_of(op).joins for op in node.ops):
        hint = "`grid` makes one of many; `each: STEP` makes one of each"
        message = f"`{node.id}` reads {pictures} pictures, and they would all be left: a node is one picture"
        raise RecipeError(message, at=at, hint=hint)


def _checked(written: WrittenOp, given: _Given, errors: list[RecipeError]) -> RenderedOp:
    """The op with what is *given*. Raises RecipeErrors for what is wrong with that, and *errors* besides."""
    transform = written.transform
    read: dict[str, Json] = {}
    for param in transform.params:
        if param.name in given:
            _read(transform, param, given[param.name], read, errors)
        elif param.required and written.sound:
            message = f"`{transform.name}` needs `{param.name}`: {param.kind.words}"
            errors.append(RecipeError(message, at=written.at, hint=_for_example(transform, param)))
        elif param.default is not None:
            read[param.name] = param.default
    if errors:
        raise RecipeErrors(errors)
    if not written.sound or None in given.values():
        raise SaidElsewhere("what is wrong with a parameter of that op is told already")
    params = {name: value for name, value in read.items() if name not in (*transform.pictures, *transform.files)}
    try:
        transform.check(read)
        transform.side_files(params)
    except BadParams as error:
        raise RecipeError(str(error), at=written.at, hint=error.hint) from None
    return RenderedOp(
        Op(transform.name, transform.version, params, package=transform.package),
        tuple((read[name], at) for name, at in _places(transform.pictures, given)),
        tuple((name, read[name], at) for name, at in _places(transform.files, given)),
    )


def _places(names: Iterable[str], given: _Given) -> Iterator[tuple[str, Location]]:
    for name in names:
        found = given.get(name)
        if found is not None:
            yield name, found[1]


def _read(
    transform: Transform,
    param: Param,
    given: tuple[Json, Location] | None,
    read: dict[str, Json],
    errors: list[RecipeError],
) -> None:
    if given is None:
        return
    value, at = given
    try:
        read[param.name] = param.kind.read(value if isinstance(param.kind, Picture | FontFile) else bare(value))
    except ValueError:
        errors.append(_wrong(transform, param, value, at))


def _wrong(transform: Transform, param: Param, value: Json, at: Location) -> RecipeError:
    shown = f"`{shortened(value)}`" if isinstance(value, str) and value.strip() else _shown(value)
    message = f"`{param.name}` of `{transform.name}` is {param.kind.words}; not {shown}"
    options = param.kind.options if isinstance(param.kind, Choice) else ()
    near = nearest(value, options, 0.8) if isinstance(value, str) else None
    return RecipeError(message, at=at, hint=f"did you mean `{near}`?" if near else _for_example(transform, param))


def _shown(value: Json) -> str:
    if value is None:
        return "null"
    return shortened(json.dumps(value, ensure_ascii=False, default=str))


def _for_example(transform: Transform, param: Param) -> str:
    example = param.example
    if isinstance(example, str):
        example = quoted(example) if example.startswith("#") else example
    elif isinstance(example, list):
        example = f"[{', '.join(quoted(one) if str(one).startswith('#') else str(one) for one in example)}]"
    return f"for example `{transform.name}: {{{param.name}: {example}}}`"

"""Steps become instances: the cross product of their axes, inside the instances of `each`.

Unaware of prompts, pictures and requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from banana_pipe.errors import RecipeError, RecipeErrors
from banana_pipe.model import Recipe, Step
from banana_pipe.recipe.axes import Named, axis_values, is_fixed
from banana_pipe.recipe.files import Files
from banana_pipe.recipe.references import node_id
from banana_pipe.recipe.templates import Scope, Templates
from banana_pipe.recipe.words import suggestion

MAX_NODES = 100_000
"""Nodes of a recipe, all in all: more are a mistake in a matrix rather than a wish."""

Axes = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """A step for one name of each of its axes; `parent` is the instance of `each` that it belongs to."""

    id: str
    axes: Axes
    scope: Mapping[str, Any]
    parent: str | None


class Instances:
    """All instances of all steps that could be expanded; what could not is in `errors`."""

    def __init__(self, recipe: Recipe, steps: tuple[str, ...], templates: Templates, files: Files) -> None:
        self.errors: list[RecipeError] = []
        self.of: dict[str, tuple[Instance, ...]] = {}
        self.steps = steps
        self._recipe = recipe
        self._templates = templates
        self._files = files
        self._total = 0
        self._indexes: dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], list[str]]] = {}
        for step in self._in_order():
            self._expand(step)

    def axes_of(self, step: str) -> tuple[str, ...]:
        """The names of the axes of a step that has instances."""
        return tuple(axis for axis, _ in self.of[step][0].axes)

    def matching(self, step: str, names: Mapping[str, str]) -> Sequence[str]:
        """The ids of the instances of *step* that have these names on these axes, in their order."""
        shared = tuple(axis for axis in self.axes_of(step) if axis in names)
        index = self._indexes.get((step, shared))
        if index is None:
            index = self._indexes[step, shared] = {}
            for instance in self.of[step]:
                own = dict(instance.axes)
                index.setdefault(tuple([own[axis] for axis in shared]), []).append(instance.id)
        return index.get(tuple([names[axis] for axis in shared]), ())

    def _in_order(self) -> list[Step]:
        """Steps behind those that their `each` names; those in a circle are left out."""
        ordered: dict[str, Step] = {}
        refused: set[str] = set()
        for step in self._recipe.steps.values():
            trail: list[Step] = []
            current: Step | None = step
            while current is not None and current.name not in ordered and current.name not in refused:
                if current in trail:
                    self._circle(trail[trail.index(current) :])
                    refused.update(one.name for one in trail)
                    break
                trail.append(current)
                current = self._parent(current)
            ordered.update((one.name, one) for one in reversed(trail) if one.name not in refused)
        return list(ordered.values())

    def _circle(self, trail: list[Step]) -> None:
        names = " -> ".join([*(step.name for step in trail), trail[0].name])
        at = trail[0].each.at if trail[0].each else trail[0].at
        self.errors.append(RecipeError(f"`each` goes round in a circle: {names}", at=at, hint="one of them must begin"))

    def _parent(self, step: Step) -> Step | None:
        return self._recipe.steps.get(step.each.value.strip()) if step.each else None

    def _expand(self, step: Step) -> None:
        parents = self._parents(step)
        if parents is None:
            return
        instances: list[Instance] = []
        fixed: dict[str, list[Named]] = {}
        try:
            for parent in parents:
                instances += self._inside(step, parent, fixed)
        except RecipeError as error:
            self.errors += error.errors if isinstance(error, RecipeErrors) else [error]
            return
        self.of[step.name] = tuple(instances)

    def _parents(self, step: Step) -> Sequence[Instance] | None:
        if step.each is None:
            return (Instance("", (), {**self._recipe.scope, "names": {}}, None),)
        name = step.each.value.strip()
        if name in self.of:
            return self.of[name]
        if name not in self.steps:
            others = [one for one in self.steps if one != step.name]
            hint = suggestion(name, others, kind="steps") if others else "there are no other steps"
            if "[" in name or "{" in name:
                hint = "`each` takes the name of a step alone"
            self.errors.append(RecipeError(f"there is no step `{name}`", at=step.each.at, hint=hint))
        return None

    def _inside(self, step: Step, parent: Instance, fixed: dict[str, list[Named]]) -> list[Instance]:
        inherited = {axis for axis, _ in parent.axes}
        rows: list[tuple[Named, ...]] = [()]
        for axis, value in step.matrix.items():
            if axis in inherited:
                hint = "give one of them another name, or leave it out: `each` brings it already"
                raise RecipeError(f"axis `{axis}` comes from `each` already", at=value.at, hint=hint)
            named = fixed.get(axis) or axis_values(axis, value, parent.scope, self._templates, self._files)
            if is_fixed(value):
                fixed[axis] = named
            self._room(step, len(rows) * len(named))
            rows = [(*row, one) for row in rows for one in named]
        self._total += len(rows)
        self._room(step, 0)
        return [_instance(step, parent, row) for row in rows]

    def _room(self, step: Step, more: int) -> None:
        if self._total + more > MAX_NODES:
            hint = "shorten an axis, or split the recipe"
            raise RecipeError(f"the recipe has more than {MAX_NODES:,} pictures here", at=step.at, hint=hint)


def _instance(step: Step, parent: Instance, row: tuple[Named, ...]) -> Instance:
    names = [name for name, _ in row]
    axes = parent.axes + tuple(zip(step.matrix, names, strict=True))
    scope: Scope = parent.scope
    if row:
        values = dict(zip(step.matrix, [value for _, value in row], strict=True))
        scope = {**parent.scope, **values, "names": dict(axes)}
    return Instance(node_id(step.name, axes), axes, scope, parent.id or None)

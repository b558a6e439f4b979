"""Steps become instances: the cross product of their axes, inside the instances of `each`, and chains in each.

Unaware of prompts, pictures and requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from banana_pipe.errors import Location, RecipeError
from banana_pipe.model import Part, Recipe, Skipped, Step, Text
from banana_pipe.recipe.axes import Named, axis_values, is_fixed, rendered_by_name
from banana_pipe.recipe.complaints import each_of
from banana_pipe.recipe.files import Files
from banana_pipe.recipe.references import node_id, step_of
from banana_pipe.recipe.templates import Scope, Templates
from banana_pipe.recipe.words import suggestion
from banana_pipe.recipe.yaml import Value

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
    before: str | None = None
    """The link before this one in its chain."""
    fold: str | None = None
    """The first link of its chain; None where the step has no chain."""

    within: str | None = None
    """The instance of the step that uses the recipe that this one stands in."""

    @property
    def names(self) -> dict[str, str]:
        """The name on each axis."""
        return dict(self.axes)


class Instances:
    """All instances of all steps that could be expanded; what could not is in `errors`.

    Those that a `when` drops are among them, and in `dropped`: what a reference means is judged before.
    """

    def __init__(self, recipe: Recipe, steps: tuple[str, ...], templates: Templates, files: Files) -> None:
        self.errors: list[RecipeError] = []
        self.of: dict[str, tuple[Instance, ...]] = {}
        self.by_id: dict[str, Instance] = {}
        self.dropped: dict[str, Skipped] = {}
        self.steps = steps
        self._recipe = recipe
        self._templates = templates
        self._files = files
        self._total = 0
        self._rooms: dict[str, Instance] = {}
        self._axes: dict[str, tuple[str, ...]] = {}
        self._ends: dict[str, list[Instance]] = {}
        self._indexes: dict[tuple[str, tuple[str, ...], bool], dict[tuple[str, ...], list[str]]] = {}
        for step in self._in_order():
            self._expand(step)

    def axes_of(self, step: str) -> tuple[str, ...]:
        """The names of the axes of a step that was expanded."""
        return self._axes[step]

    def chain_of(self, step: str) -> str | None:
        """The axis that the chain of a step goes along, if it has one."""
        return next(iter(self._recipe.steps[step].chain), None)

    @property
    def uses(self) -> Mapping[str, Part]:
        """The steps that use other recipes, and what is there."""
        return self._recipe.parts

    def step(self, name: str) -> Step:
        """The step of that whole name."""
        return self._recipe.steps[name]

    def inputs_of(self, part: str) -> Mapping[str, tuple[Text, ...]]:
        """What a part's steps read as its inputs: references of who uses it."""
        return self._recipe.parts[part].inputs if part else dict.fromkeys(self._recipe.inputs, ())

    def before(self, instance: Instance) -> str:
        """What stands before the names of the steps of the recipe that *instance* stands in: `banner/`."""
        return "" if instance.within is None else step_of(instance.within) + "/"

    def known_to(self, instance: Instance) -> list[str]:
        """The steps and inputs that a reference of *instance* may name; a step that uses a recipe is no picture."""
        before = self.before(instance)
        pictures = [name for name in self.steps if name not in self.uses]
        steps = [name.removeprefix(before) for name in pictures if name.startswith(before)]
        return [*self.inputs_of(before.removesuffix("/")), *steps]

    def is_broken(self, step: str) -> bool:
        """Whether *step* cannot be known for a mistake told elsewhere: its own, or of the recipe that it is in."""
        parts = step.split("/")
        names = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        return any(name in self.steps and name not in self._recipe.steps for name in names)

    def first_of(self, part: str) -> str:
        """A step of that part, for an example."""
        return next((name for name in self.steps if name.startswith(f"{part}/")), f"{part}/STEP")

    def matching(self, step: str, names: Mapping[str, str]) -> Sequence[str]:
        """The ids of the instances of *step* that have these names on these axes, in their order."""
        return self._matching(step, names, self.axes_of(step), ends=False)

    def ends_matching(self, step: str, names: Mapping[str, str]) -> Sequence[str]:
        """The same for the last links of the chains of *step*, whatever they are called on the chain's axis."""
        return self._matching(step, names, self.axes_of(step)[:-1], ends=True)

    def _matching(self, step: str, names: Mapping[str, str], axes: tuple[str, ...], *, ends: bool) -> Sequence[str]:
        shared = tuple([axis for axis in axes if axis in names])
        index = self._indexes.get((step, shared, ends))
        if index is None:
            index = self._indexes[step, shared, ends] = {}
            for instance in self._ends[step] if ends else self.of[step]:
                own = instance.names
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
        return self._recipe.steps.get(step.parent)

    def _expand(self, step: Step) -> None:
        instances: list[Instance] = []
        fixed: dict[str, list[Named]] = {}
        try:
            parents = self._parents(step)
            if parents is None:
                return
            for parent in parents:
                instances += self._present(step, parent, fixed)
        except RecipeError as error:
            self.errors += each_of(error)
            return
        self.of[step.name] = tuple(instances)
        self.by_id.update((one.id, one) for one in instances)
        inherited = self._axes[step.parent] if step.parent else ()
        self._axes[step.name] = (*inherited, *step.matrix, *step.chain)
        if step.chain:
            follow = {one.before for one in instances}
            self._ends[step.name] = [one for one in instances if one.id not in follow]

    def _present(self, step: Step, parent: Instance, fixed: dict[str, list[Named]]) -> list[Instance]:
        """The instances inside *parent*, those that are dropped noted as such."""
        gone = self.dropped.get(parent.id)
        try:
            instances = self._inside(step, parent, fixed)
        except RecipeError:
            if gone is None:
                raise
            return []  # what its axes are does not matter: none of them would exist
        for one in instances:
            if gone is not None:
                why = f"`{parent.id}` does not exist"
                self.dropped[one.id] = Skipped(one.id, step.name, step.verb, "empty", why)
            elif not self._holds(step, one):
                self.dropped[one.id] = Skipped(one.id, step.name, step.verb, "when")
        return instances

    def _holds(self, step: Step, instance: Instance) -> bool:
        if isinstance(step.when, Text):
            return self._templates.holds(step.when, instance.scope)
        return step.when is not False

    def _parents(self, step: Step) -> Sequence[Instance] | None:
        if step.each is None:
            if not step.part:
                return (Instance("", (), {**self._recipe.scope, "names": {}}, None),)
            return [self._inside_of(one, step.part) for one in self.of.get(step.part, ())] or None
        name = step.parent
        if name in self._recipe.parts:
            hint = f"name one of its steps, as in `each: {self.first_of(name)}`"
            self.errors.append(RecipeError(f"`{name}` uses a recipe, and is no picture", at=step.each.at, hint=hint))
            return None
        if name in self.of:
            return [self._seen_from(step, step.each.at, one) for one in self.of[name]]
        before = f"{step.part}/" if step.part else ""
        name = name.removeprefix(before)
        if name in self.inputs_of(step.part):
            hint = f"`images: {name}` reads it; what is made for each of it belongs into the recipe that uses this one"
            self.errors.append(RecipeError(f"`{name}` is an input, and no step", at=step.each.at, hint=hint))
        elif before + name not in self.steps and not self.is_broken(before + name):
            others = [one.removeprefix(before) for one in self.steps if one != step.name and one.startswith(before)]
            hint = suggestion(name, others, kind="steps") if others else "there are no other steps"
            if "[" in name or "{" in name:
                hint = "`each` takes the name of a step alone"
            self.errors.append(RecipeError(f"there is no step `{name}`", at=step.each.at, hint=hint))
        return None

    def _inside_of(self, use: Instance, part: str) -> Instance:
        """What the steps of a used recipe stand in: its own variables, those that `with` gives among them."""
        room = self._rooms.get(use.id)
        if room is None:
            given = self._recipe.parts[part].given
            there = use.id not in self.dropped  # else nobody asks what it would be given
            values = rendered_by_name(given, use.scope, self._templates) if there else {}
            scope = {**self._recipe.parts[part].scope, **values, "names": use.names}
            room = self._rooms[use.id] = Instance(use.id, use.axes, scope, use.parent, within=use.id)
        return room

    def _seen_from(self, step: Step, at: Location, parent: Instance) -> Instance:
        """*parent* as *step* sees it: out of a used recipe come its axes, and none of its variables.

        Raises RecipeError, at *at*, where an axis has a name that means something else to *step*.
        """
        within = parent.within
        while within is not None and step_of(within) != step.part:
            within = self.by_id[within].within
        if within == parent.within:
            return parent
        outer: Mapping[str, Any] = self._recipe.scope if within is None else self._rooms[within].scope
        values = self._axis_values(parent, within)
        for axis in values:
            if axis in outer:
                what = f"axis `{axis}`, which comes with each `{step_of(parent.id)}`,"
                message = f"{what} has the name of a variable: `{{{{ {axis} }}}}` would mean both"
                raise RecipeError(
                    message, at=at, hint="give one of them another name, here or in the recipe that is used"
                )
        return replace(parent, scope={**outer, **values, "names": parent.names}, within=within)

    def _axis_values(self, instance: Instance, within: str | None) -> dict[str, Any]:
        """The values of the axes that *instance* has as a recipe sees it that stands in *within*, by name."""
        user = None if instance.within is None else self.by_id[instance.within]
        outer = {} if user is None or user.id == within else self._axis_values(user, within)
        # An axis of the user's has no value in here: what has its name in the scope is a variable.
        theirs = {} if user is None else user.names
        own = [axis for axis in (*instance.names, "index") if axis in instance.scope and axis not in theirs]
        return {**{axis: instance.scope[axis] for axis in own}, **outer}

    def _inside(self, step: Step, parent: Instance, fixed: dict[str, list[Named]]) -> list[Instance]:
        rows: list[tuple[Named, ...]] = [()]
        for axis, value in step.matrix.items():
            named = self._values(axis, value, parent, fixed)
            self._room(step, len(rows) * len(named))
            rows = [(*row, one) for row in rows for one in named]
        instances = [_instance(step, parent, row) for row in rows]
        for axis, value in step.chain.items():
            chains = []
            for outer in instances:
                chains.append(_links(step, outer, axis, self._values(axis, value, outer, fixed)))
                self._total += len(chains[-1])
                self._room(step, 0)
            return [link for links in chains for link in links]
        if step.verb != "use":  # no picture: those are its steps'
            self._total += len(rows)
        self._room(step, 0)
        return instances

    def _values(self, axis: str, value: Value, outer: Instance, fixed: dict[str, list[Named]]) -> list[Named]:
        if axis in outer.names:
            hint = "give one of them another name, or leave it out: `each` brings it already"
            said = f"axis `{axis}` comes from `each` already"
            if outer.within is not None and axis in self.by_id[outer.within].names:
                said = f"axis `{axis}` is one of `{outer.within}` already, which uses this recipe"
                hint = "give one of them another name: the axes of who uses a recipe stand in its names too"
            raise RecipeError(said, at=value.at, hint=hint)
        named = fixed.get(axis) or axis_values(axis, value, outer.scope, self._templates, self._files)
        if is_fixed(value):
            fixed[axis] = named
        return named

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
    return Instance(node_id(step.name, axes), axes, scope, parent.id or None, within=parent.within)


def _links(step: Step, outer: Instance, axis: str, named: Sequence[Named]) -> list[Instance]:
    """The links of one chain, inside one instance for the axes outside of it."""
    links: list[Instance] = []
    for index, (name, value) in enumerate(named, start=1):
        axes = (*outer.axes, (axis, name))
        scope = {**outer.scope, axis: value, "index": index, "names": dict(axes)}
        name_of_it = node_id(step.name, axes)
        before, fold = (links[-1].id, links[0].id) if links else (None, name_of_it)
        links.append(Instance(name_of_it, axes, scope, outer.parent, before, fold, outer.within))
    return links

"""Recipes drawn by lot from the grammar of the language, as data.

Unaware of how a recipe is read. What is drawn is right by construction: references name steps that stand before them,
axes are in scope where a text names them, a transform leaves one picture, names of outputs differ. Fan-outs are kept tiny.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from hypothesis import strategies as st

Json = Any
Step = dict[str, Json]
Recipe = Mapping[str, Json]

STEPS = ("cup", "pot", "tray", "box", "lid")
WORDS = ("A red cup", "A tea pot on a tray", "Make it: darker", "no", "016:09", "50 % off – “now”", "{1, 2} & #3")
NAMES = ("a", "b", "c d", "007", "no", "16:9", 'x"y', "é", "p/q", "1", "true")
PICTURES = ("photos/a.png", "photos/b.png")
PARTIAL = ("prompts/light.txt", "soft light from the left")
VARIABLES = ("light", "count", "shot")
"""That every recipe has, beside those of its axes."""
MOST_NODES = 6
"""Of a step."""
MOST_DEEP = 2
"""Recipes that use each other."""
PLAIN = re.compile(r"[a-z0-9]+\Z")


@dataclass(frozen=True)
class Project:
    """A recipe, those that it uses and the text files beside it, by path; `pictures` are there too.

    `profile` is one of the recipe's, to be asked for besides.
    """

    recipe: Recipe
    used: Mapping[str, Recipe] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=lambda: dict([PARTIAL]))
    profile: str | None = None

    @property
    def steps(self) -> dict[str, Step]:
        return dict(self.recipe["steps"])

    def with_steps(self, steps: Mapping[str, Step]) -> Project:
        """The same with other steps."""
        return replace(self, recipe={**self.recipe, "steps": dict(steps)})


@dataclass(frozen=True)
class _Axis:
    """An axis in scope: its names in order, the expression of a text of its value, and whether that is a file."""

    name: str
    names: tuple[str, ...]
    value: str
    is_file: bool = False


@dataclass(frozen=True)
class _Known:
    """What others need to know of a step, or of an input: that has no axes, but may be `many` pictures.

    `local`: there are no takes.
    """

    axes: tuple[_Axis, ...] = ()
    local: bool = False
    chained: bool = False
    many: bool = False

    @property
    def nodes(self) -> int:
        return _count(self.axes)


@dataclass(frozen=True)
class _Reference:
    """A text, and whether it may mean several pictures, or such without takes."""

    text: str
    many: bool = False
    local: bool = False


@dataclass(frozen=True)
class _Part:
    """A recipe that may be used again: it knows nothing of who uses it."""

    path: str
    inputs: tuple[str, ...]
    steps: Mapping[str, _Known]

    @property
    def axes(self) -> set[str]:
        return {axis.name for step in self.steps.values() for axis in step.axes}


@dataclass(frozen=True)
class _Shelf:
    """What all recipes of a project have together."""

    used: dict[str, Recipe] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=lambda: dict([PARTIAL]))
    parts: list[_Part] = field(default_factory=list)


@st.composite
def projects(draw: st.DrawFn) -> Project:
    """A recipe of up to five steps, with its tables, its profiles and the recipes that it uses."""
    shelf = _Shelf()
    recipe, profile = _Author(draw, shelf).recipe()
    return Project(recipe, shelf.used, shelf.files, profile)


class _Author:
    """Writes one recipe, step by step; a *part* is used inside of *outer* axes and has *inputs*."""

    def __init__(
        self,
        draw: st.DrawFn,
        shelf: _Shelf,
        *,
        folder: str = "",
        part: str = "",
        outer: tuple[_Axis, ...] = (),
        inputs: Mapping[str, _Known] | None = None,
    ) -> None:
        self.draw = draw
        self.shelf = shelf
        self.folder = folder
        self.part = part
        self.outer = outer
        self.inputs = dict(inputs or {})
        self.steps: dict[str, _Known] = {}
        self.variables: dict[str, Json] = {"light": "soft light", "count": 3, "shot": self.path(PICTURES[0])}
        self.data: dict[str, str] = {}
        self.is_told = bool(outer) and self.chance(3)
        """Whether it speaks of its user's axes; others cannot use it then."""

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def chance(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(1, one_in)) == one_in)

    @property
    def known(self) -> dict[str, _Known]:
        return {**self.inputs, **self.steps}

    @property
    def depth(self) -> int:
        return len(self.part.split("_")) if self.part else 0

    def own(self, axes: tuple[_Axis, ...]) -> tuple[_Axis, ...]:
        """Those of *axes* that a text here may name."""
        return axes if self.is_told else axes[len(self.outer) :]

    def recipe(self) -> tuple[Recipe, str | None]:
        """The recipe, and the profile to ask for."""
        count = self.draw(st.integers(1, 2 if self.part else len(STEPS)))
        steps = {name: self.step(name) for name in STEPS[:count]}
        recipe: dict[str, Json] = {"version": 1, "vars": self.variables}
        if self.data:
            recipe["data"] = self.data
        if self.chance(3):
            recipe["defaults"] = {"model": self.one_of("nano-banana", "nano-banana-pro"), "aspect_ratio": "3:2"}
        if self.chance(6):
            recipe["extra"] = {"seed": 7}
        if self.chance(6):
            recipe |= self.one_of({"name": "shop 1"}, {"timeout": 60}, {"defaults": {"samples": 2}})
        if self.inputs:
            recipe["inputs"] = list(self.inputs)
        if self.chance(4):
            recipe["profiles"] = {name: self.profile() for name in ("draft", "final")}
        profile = self.one_of("draft", "final") if "profiles" in recipe else None
        return {**recipe, "steps": steps}, profile

    def profile(self) -> Json:
        """Settings and variables; those that are axes stay: references name what is in them."""
        may_say = {
            "model": "nano-banana",
            "samples": self.one_of(1, 2),
            "resolution": "1K",
            "aspect_ratio": "4:3",
            "extra": {"seed": "{{ count }}"},
            "timeout": 30,
            "vars": self.one_of({"light": "dim light"}, {"count": 1}, {"light": "{no}", "count": 2}),
        }
        said = self.draw(st.lists(st.sampled_from(sorted(may_say)), min_size=1, max_size=3, unique=True))
        return {name: may_say[name] for name in said}

    def step(self, name: str) -> Step:
        step: Step = {}
        parent = self.one_of(None, None, *self.known)
        each = parent if parent in self.steps and self.known[parent].nodes < MOST_NODES and self.chance(2) else None
        axes = self.known[each].axes if each else self.outer
        if each:
            step["each"] = each
        axes = self.fan_out(name, step, axes)
        if self.depth < MOST_DEEP and self.chance(5):
            self.use(name, step, axes)
            return step
        chained = self.chance(4) and _count(axes) * 2 <= MOST_NODES
        start = None
        if chained:
            start = self.start(step, axes, parent if each is None else None)
            axes = (*axes, self.chain(name, step))
        self.verb(name, step, axes, None if each or chained else parent, start)
        self.conditions(step, self.own(axes))
        self.settings(name, step, axes[len(self.outer) :])
        self.steps[name] = _Known(axes, "transform" in step, chained)
        return step

    # --- fan-out ----------------------------------------------------------------------------------

    def fan_out(self, step: str, into: Step, axes: tuple[_Axis, ...]) -> tuple[_Axis, ...]:
        matrix: dict[str, Json] = {}
        while self.chance(2) and _count(axes) * 2 <= MOST_NODES and len(matrix) < 2:
            name = f"{self.part}{step}_{len(matrix)}"
            axis, matrix[name] = self.axis(name, ("list", "map", "rows", "glob"))
            axes = (*axes, axis)
        if matrix:
            into["matrix"] = matrix
        return axes

    def axis(self, name: str, kinds: tuple[str, ...]) -> tuple[_Axis, Json]:
        names = tuple(self.draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True)))
        kind = self.one_of(*kinds, "variable", "table")
        if kind == "glob":
            # Its value in a prompt would be another one from another folder.
            return _Axis(name, ("a", "b"), f"names.{name}", is_file=True), self.path("photos/*.png")
        if kind == "table":
            return self.table(name, names)
        values = self.values(kind if kind != "variable" else self.one_of("list", "map", "rows"), names)
        is_row = isinstance(values, list) and isinstance(values[0], dict)
        axis = _Axis(name, names, f"{name}.said" if is_row else name)
        if kind != "variable":
            return axis, values
        self.variables[f"of_{name}"] = values
        return axis, f"{{{{ of_{name} }}}}"

    def values(self, kind: str, names: tuple[str, ...]) -> Json:
        if kind == "map":
            return {name: f"kind {name}" for name in names}
        if kind == "rows":
            return [{"id": name, "said": f"row {name}"} for name in names]
        return list(names)

    def table(self, axis: str, names: tuple[str, ...]) -> tuple[_Axis, Json]:
        suffix = self.one_of("csv", "json", "jsonl", "yaml")
        path = f"tables/{axis}.{suffix}"
        self.data[f"table_{axis}"] = path
        self.shelf.files[self.folder + path] = _table(suffix, [{"id": name, "said": f"row {name}"} for name in names])
        return _Axis(axis, names, f"{axis}.said"), f"{{{{ table_{axis} }}}}"

    def chain(self, step: str, into: Step) -> _Axis:
        axis, values = self.axis(f"{self.part}{step}_link", ("list", "map", "rows"))
        into["chain"] = {axis.name: values}
        return axis

    def start(self, into: Step, axes: tuple[_Axis, ...], parent: str | None) -> _Reference | None:
        """What `start` says, if it says something."""
        if parent is not None and self.chance(2):
            start = self.reference(parent, axes)
            into["start"] = start.text
            return start
        return None

    # --- other recipes ----------------------------------------------------------------------------

    def use(self, name: str, into: Step, axes: tuple[_Axis, ...]) -> None:
        self.conditions(into, self.own(axes))
        scope = {axis.name for axis in axes}
        again = [part for part in self.shelf.parts if not part.axes & scope]
        if again and self.chance(2):
            part = self.one_of(*again)
            given: dict[str, Json] = {one: self.path(self.one_of(*PICTURES)) for one in part.inputs}
        else:
            given, inputs = self.given(axes)
            part = self.used(name, axes, inputs)
        if self.chance(2):
            given["light"] = self.one_of("another light", "{{ light }}, too", "{{ light }}")
        if self.chance(2):
            given["count"] = self.one_of(2, "{{ count }}", "{{ count + 1 }}")
        if self.chance(2):
            given["shot"] = self.one_of("{{ shot }}", self.path(PICTURES[1]))
        into["use"] = os.path.relpath(part.path, self.folder or ".")
        if given:
            into["with"] = given
        for inner, known in part.steps.items():
            self.steps[f"{name}/{inner}"] = replace(known, axes=(*axes, *known.axes))

    def given(self, axes: tuple[_Axis, ...]) -> tuple[dict[str, Json], dict[str, _Known]]:
        """What inputs are given, and what the recipe that has them knows of them."""
        given: dict[str, Json] = {}
        inputs: dict[str, _Known] = {}
        for name in ("photo", "in-2")[: self.draw(st.integers(0, 2))]:
            found = [self.reference(self.one_of(*self.known), axes) for _ in range(2) if self.known]
            files = (_Reference(self.path(PICTURES[0])), _Reference(self.path("photos/*.png"), many=True))
            shots = [_Reference(f"{{{{ {axis.name} }}}}") for axis in axes if axis.is_file]
            reads = self.draw(st.lists(st.sampled_from([*found, *files, *shots]), min_size=1, max_size=2))
            given[name] = reads[0].text if len(reads) == 1 and self.chance(2) else [one.text for one in reads]
            is_many = len(reads) > 1 or any(one.many for one in reads)
            inputs[name] = _Known(local=any(one.local for one in reads), many=is_many)
        return given, inputs

    def used(self, name: str, axes: tuple[_Axis, ...], inputs: Mapping[str, _Known]) -> _Part:
        """Another recipe, written for here."""
        folder = self.one_of("", "kit/")
        outer = tuple(replace(axis, value=f"names.{axis.name}", is_file=False) for axis in axes)
        author = _Author(self.draw, self.shelf, folder=folder, part=f"{self.part}{name}_", outer=outer, inputs=inputs)
        recipe, _ = author.recipe()
        steps = {one: replace(known, axes=known.axes[len(outer) :]) for one, known in author.steps.items()}
        part = _Part(f"{folder}part-{len(self.shelf.used)}.yaml", tuple(inputs), steps)
        self.shelf.used[part.path] = recipe
        self.shelf.files[folder + PARTIAL[0]] = PARTIAL[1]
        if not author.is_told:
            self.shelf.parts.append(part)
        return part

    def path(self, of: str) -> str:
        """A file of the project as this recipe names it."""
        return os.path.relpath(of, self.folder or ".")

    # --- what it makes, of what -----------------------------------------------------------------------

    def verb(
        self, name: str, step: Step, axes: tuple[_Axis, ...], parent: str | None, start: _Reference | None
    ) -> None:
        reads = [self.reference(parent, axes)] if parent else []
        if self.known and self.chance(4):
            reads.append(self.reference(self.one_of(*self.known), axes))
        if self.chance(6):
            path = self.path(self.one_of(*PICTURES, "photos/*.png"))
            reads.append(_Reference(path, many="*" in path))
        if self.chance(2):
            reads += [_Reference(f"{{{{ {axis.name} }}}}") for axis in axes if axis.is_file]
        if self.chance(8):
            reads.append(_Reference("{{ shot }}"))
        own_reads = bool(reads)
        if "chain" in step and (reads or self.chance(4)):
            reads.insert(0, _Reference("previous", many=start is not None and start.many))
        if reads:
            step["images"] = reads[0].text if len(reads) == 1 and self.chance(2) else [one.text for one in reads]
        has_first = own_reads or start is not None or ("each" in step and not reads)
        if has_first and self.chance(3):
            is_many = len(reads) > 1 or any(one.many for one in reads) or bool(start and start.many)
            may_stamp = "chain" in step and not (start and start.many)
            step["transform"] = self.ops(axes, is_many, ["previous"] if may_stamp else [])
            return
        has_input = bool(reads or "each" in step or "chain" in step)
        step["edit" if has_input and not self.chance(6) else "generate"] = self.prompt(name, step, axes)
        if "generate" in step and "chain" not in step and not reads and self.chance(4):
            step["images"] = []

    def reference(self, step: str, axes: tuple[_Axis, ...]) -> _Reference:
        """*step*, or some of its instances, as a step with *axes* names them."""
        known = self.known[step]
        shared = {axis.name for axis in axes}
        several = {axis.name for axis in known.axes if len(axis.names) > 1}
        forms = [_Reference(step, bool(several - shared) or known.many)] * 2
        own = [axis for axis in known.axes if axis not in self.outer]
        if own:
            axis = self.one_of(*own)
            name = self.one_of(*axis.names)
            forms.append(_Reference(f"{step}[*]", bool(several)))
            written = json.dumps(name, ensure_ascii=self.chance(2))
            forms.append(_Reference(f"{step}[{axis.name}={written}]", bool(several - {axis.name})))
            if PLAIN.match(name):
                forms.append(_Reference(f"{step}[ {axis.name} = {name} ]", bool(several - {axis.name})))
        if known.chained:
            forms.append(_Reference(f"{step}[last]", bool(several - shared - {known.axes[-1].name})))
        form: _Reference = self.one_of(*forms)
        take = self.one_of("@1") if known.local else self.one_of("@1", "@2")
        # What fills an input may be a file, and a file has no takes.
        numbered = step in self.steps and self.chance(8)
        return replace(form, text=form.text + (take if numbered else ""), local=known.local)

    def prompt(self, name: str, step: Step, axes: tuple[_Axis, ...]) -> str:
        # The step's own name keeps prompts of different steps apart: equal requests would be one purchase.
        parts = [self.one_of(*WORDS), f"({self.part}{name})"]
        said = [axis for axis in self.own(axes) if not self.chance(6)]
        parts += [self.one_of(f"{{{{ {axis.value} }}}}", f"{{{{ names.{axis.name} }}}}") for axis in said]
        if "chain" in step:
            parts.append("link {{ index }}")
        more = ("{{ light }}", "{{ count * 2 }}", "{% if count > 2 %}many{% else %}few{% endif %}", "\nand\n  more")
        parts += self.draw(st.lists(st.sampled_from([*more, "{% include 'light.txt' %}"]), max_size=2))
        return " ".join(parts)

    def ops(self, axes: tuple[_Axis, ...], is_many: bool, stamps: list[str]) -> list[Json]:
        """One picture of one, or of many: none of them ends as nothing, for what cuts is given a size first."""
        ops = self.draw(st.lists(st.sampled_from([*OPS, *CUTTING]), max_size=2))
        if any(op in CUTTING for op in ops):
            ops.insert(0, {"resize": {"width": 32, "height": "{{ 8 * 3 }}", "mode": "fill"}})
        if self.chance(4):
            ops.append(self.overlay(axes, stamps))
        if is_many or self.chance(6):
            grid = self.one_of({"grid": {"columns": 2, "gap": "1"}}, {"grid": "{{ count }}"}, {"grid": 4})
            ops.insert(self.draw(st.integers(0, len(ops))), grid)
        if not ops or self.chance(4):
            ops.append(self.one_of({"convert": "webp"}, {"convert": {"format": "jpeg", "quality": "{{ count * 20 }}"}}))
        return ops

    def overlay(self, axes: tuple[_Axis, ...], stamps: list[str]) -> Json:
        found = [self.reference(name, axes) for name in self.known]
        picture = self.one_of(*stamps, *[one.text for one in found if not one.many], self.path(PICTURES[0]))
        return self.one_of(
            {"overlay": picture},
            {"overlay": {"picture": picture, "size": "50%", "position": "top-left", "opacity": "{{ 10 * count }}%"}},
        )

    # --- the rest ---------------------------------------------------------------------------------------

    def conditions(self, step: Step, axes: tuple[_Axis, ...]) -> None:
        if axes and self.chance(4):
            axis = self.one_of(*axes)
            name = json.dumps(self.one_of(*axis.names), ensure_ascii=False)
            text = f"names.{axis.name} {self.one_of('==', '!=')} {name}"
            step["when"] = self.one_of(text, f"{{{{ {text} }}}}", "count == 3")

    def settings(self, name: str, step: Step, axes: tuple[_Axis, ...]) -> None:
        may_set: dict[str, tuple[Json, ...]] = {
            "samples": (1, 2, 3),
            "pick": (1, 2, "ask"),
            "aspect_ratio": ("1:1", "16:9", "{{ '3:4' }}"),
            "resolution": ("1K", "2K"),
            "model": ("nano-banana", "nano-banana-2", "nano-banana-pro"),
            "provider": ("sandbox",),
            "timeout": (60, 90.5),
            "expect": ({"min_width": 8}, {"format": "png", "alpha": False}, {"max_bytes": "{{ count * 1000000 }}"}),
            "extra": ({"style": "{{ light }}"}, {"seed": 1, "nested": {"of": [1, "a"]}}),
            "output": (False,),
        }
        if "transform" in step:
            may_set = {"expect": ({"min_width": 2}, {"max_bytes": "{{ count * 1000000 }}"}), "output": (False,)}
        for setting, choices in may_set.items():
            if self.chance(5):
                step[setting] = self.one_of(*choices)
        if self.chance(6) and all(PLAIN.match(one) for axis in axes for one in axis.names):
            step["output"] = "/".join(["out", name, *(f"{{{{ names.{axis.name} }}}}" for axis in axes)])


OPS: tuple[Json, ...] = (
    {"resize": 24},
    {"resize": {"width": 20, "height": 30, "mode": "pad", "gravity": "top", "background": "white"}},
    {"pad": {"by": 2, "top": "10%"}},
    {"pad": {"ratio": "1:1", "background": "#ff000080"}},
    {"convert": "png"},
    {"chroma_key": {"color": "lime", "tolerance": "2%", "softness": 3}},
    {"chroma_key": "#12f"},
    {"rotate": "{{ 9 * 10 }}"},
    {"rotate": {"degrees": 10, "background": "white"}},
    "flip",
    {"palette": {"count": 4, "dither": "floyd-steinberg"}},
    {"palette": {"colors": ["black", "#fff", "red"]}},
    {"mask": {"shape": "rounded", "radius": "20%"}},
)
CUTTING: tuple[Json, ...] = (
    {"resize": {"width": "50%", "height": "{{ count * 20 }}%"}},
    {"crop": "16:9"},
    {"crop": {"box": ["10%", 0, "80%", "100%"]}},
    "trim",
    {"trim": {"tolerance": 0, "margin": 1}},
)
"""Ops that leave less."""


def _count(axes: Iterable[_Axis]) -> int:
    count = 1
    for axis in axes:
        count *= len(axis.names)
    return count


def _table(suffix: str, rows: list[dict[str, str]]) -> str:
    if suffix == "csv":
        return "".join(
            ",".join(_cell(one) for one in row) + "\n" for row in [list(rows[0]), *(r.values() for r in rows)]
        )
    if suffix == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows)
    return json.dumps(rows) if suffix == "json" else yaml.safe_dump(rows, allow_unicode=True)


def _cell(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"' if '"' in text else text

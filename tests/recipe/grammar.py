"""Recipes drawn by lot from the grammar of the language, as data, and other ways to write the same.

Unaware of how a recipe is read. What is drawn is right by construction: references name steps that stand before them,
axes are in scope where a text names them, names of outputs differ. Fan-outs are kept tiny.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from hypothesis import strategies as st

Json = Any
Step = dict[str, Json]

STEPS = ("cup", "pot", "tray", "box", "lid")
WORDS = ("A red cup", "A tea pot on a tray", "Make it: darker", "no", "016:09", "50 % off – “now”", "{1, 2} & #3")
NAMES = ("a", "b", "c d", "007", "no", "16:9", 'x"y', "é", "p/q", "1", "true")
PICTURES = ("photos/a.png", "photos/b.png")
PARTIAL = ("prompts/light.txt", "soft light from the left")
MOST_NODES = 6
"""Of a step."""
PLAIN = re.compile(r"[a-z0-9]+\Z")
_STEP = re.compile(r"([a-z][a-z0-9_-]*)((?:\[.*)?(?:@[0-9]+)?)\Z", re.DOTALL)


@dataclass(frozen=True)
class Project:
    """A recipe and the text files beside it, by path; `pictures` are there too."""

    recipe: Mapping[str, Json]
    files: Mapping[str, str] = field(default_factory=lambda: dict([PARTIAL]))

    @property
    def steps(self) -> dict[str, Step]:
        return dict(self.recipe["steps"])

    def with_steps(self, steps: Mapping[str, Step]) -> Project:
        """The same with other steps."""
        return replace(self, recipe={**self.recipe, "steps": dict(steps)})


# --- the grammar -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Axis:
    """An axis in scope: its names in order, and the expression of a text of its value (None: it has none)."""

    name: str
    names: tuple[str, ...]
    value: str


@dataclass(frozen=True)
class _Known:
    """What later steps need to know of a step."""

    axes: tuple[_Axis, ...]
    samples: int
    asks: bool
    chained: bool = False

    @property
    def nodes(self) -> int:
        count = 1
        for axis in self.axes:
            count *= len(axis.names)
        return count


@st.composite
def projects(draw: st.DrawFn) -> Project:
    """A recipe of up to five steps, with its tables."""
    return _Author(draw).project()


class _Author:
    """Writes one recipe, step by step."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.known: dict[str, _Known] = {}
        self.variables: dict[str, Json] = {"light": "soft light", "count": 3}
        self.files = dict([PARTIAL])
        self.data: dict[str, str] = {}

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def chance(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(1, one_in)) == one_in)

    def project(self) -> Project:
        count = self.draw(st.integers(1, len(STEPS)))
        steps = {name: self.step(name) for name in STEPS[:count]}
        recipe: dict[str, Json] = {"version": 1, "vars": self.variables}
        if self.data:
            recipe["data"] = self.data
        if self.chance(3):
            recipe["defaults"] = {"model": self.one_of("nano-banana", "nano-banana-pro"), "aspect_ratio": "3:2"}
        if self.chance(6):
            recipe["extra"] = {"seed": 7}
        if self.chance(4):
            recipe["profiles"] = {"draft": {"model": "nano-banana", "samples": 1}}
        return Project({**recipe, "steps": steps}, self.files)

    def step(self, name: str) -> Step:
        step: Step = {}
        parent = self.one_of(None, None, *self.known)
        each = parent if parent is not None and self.known[parent].nodes < MOST_NODES and self.chance(2) else None
        axes = self.known[each].axes if each else ()
        if each:
            step["each"] = each
        axes = self.fan_out(name, step, axes)
        chained = self.chance(4) and _count(axes) * 2 <= MOST_NODES
        if chained:
            axes = (*axes, self.chain(name, step, parent if each is None else None))
        self.verb(name, step, axes, None if each or chained else parent)
        self.conditions(step, axes)
        self.settings(name, step, axes)
        asks = step.get("pick") == "ask"
        self.known[name] = _Known(axes, int(step.get("samples", 1)), asks, chained)
        return step

    # --- fan-out ----------------------------------------------------------------------------------

    def fan_out(self, step: str, into: Step, axes: tuple[_Axis, ...]) -> tuple[_Axis, ...]:
        matrix: dict[str, Json] = {}
        while self.chance(2) and _count(axes) * 2 <= MOST_NODES and len(matrix) < 2:
            axis, matrix[f"{step}_{len(matrix)}"] = self.axis(f"{step}_{len(matrix)}", ("list", "map", "rows", "glob"))
            axes = (*axes, axis)
        if matrix:
            into["matrix"] = matrix
        return axes

    def axis(self, name: str, kinds: tuple[str, ...]) -> tuple[_Axis, Json]:
        names = tuple(self.draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True)))
        kind = self.one_of(*kinds, "variable", "table")
        if kind == "glob":
            return _Axis(name, ("a", "b"), name), "photos/*.png"
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
        self.files[path] = _table(suffix, [{"id": name, "said": f"row {name}"} for name in names])
        return _Axis(axis, names, f"{axis}.said"), f"{{{{ table_{axis} }}}}"

    def chain(self, step: str, into: Step, start: str | None) -> _Axis:
        axis, values = self.axis(f"{step}_link", ("list", "map", "rows"))
        into["chain"] = {axis.name: values}
        if start is not None and self.chance(2):
            into["start"] = self.reference(start)
        return axis

    # --- what it makes, of what -----------------------------------------------------------------------

    def verb(self, name: str, step: Step, axes: tuple[_Axis, ...], parent: str | None) -> None:
        reads = [self.reference(parent)] if parent else []
        if self.known and self.chance(4):
            reads.append(self.reference(self.one_of(*self.known)))
        if self.chance(6):
            reads.append(self.one_of(*PICTURES, "photos/*.png"))
        if "chain" in step and (reads or self.chance(4)):
            reads.insert(0, "previous")
        if reads:
            step["images"] = reads[0] if len(reads) == 1 and self.chance(2) else reads
        has_input = bool(reads or "each" in step or "chain" in step)
        step["edit" if has_input and not self.chance(6) else "generate"] = self.prompt(name, step, axes)

    def reference(self, step: str) -> str:
        known = self.known[step]
        forms = [step, step]
        if known.axes:
            axis = self.one_of(*known.axes)
            name = self.one_of(*axis.names)
            forms += [f"{step}[*]", f"{step}[{axis.name}={json.dumps(name, ensure_ascii=self.chance(2))}]"]
            if PLAIN.match(name):
                forms.append(f"{step}[ {axis.name} = {name} ]")
        if known.chained:
            forms.append(f"{step}[last]")
        return str(self.one_of(*forms)) + (f"@{self.one_of(1, 2)}" if self.chance(8) else "")

    def prompt(self, name: str, step: Step, axes: tuple[_Axis, ...]) -> str:
        # The step's own name keeps prompts of different steps apart: equal requests would be one purchase.
        parts = [self.one_of(*WORDS), f"({name})"]
        said = [axis for axis in axes if not self.chance(6)]
        parts += [self.one_of(f"{{{{ {axis.value} }}}}", f"{{{{ names.{axis.name} }}}}") for axis in said]
        if "chain" in step:
            parts.append("link {{ index }}")
        more = ("{{ light }}", "{{ count * 2 }}", "{% if count > 2 %}many{% else %}few{% endif %}", "\nand\n  more")
        parts += self.draw(st.lists(st.sampled_from([*more, "{% include 'light.txt' %}"]), max_size=2))
        return " ".join(parts)

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
            "timeout": (60, 90.5),
            "expect": ({"min_width": 8}, {"format": "png", "alpha": False}, {"max_bytes": "{{ count * 1000000 }}"}),
            "extra": ({"style": "{{ light }}"}, {"seed": 1, "nested": {"of": [1, "a"]}}),
            "output": (False,),
        }
        for setting, choices in may_set.items():
            if self.chance(5):
                step[setting] = self.one_of(*choices)
        if self.chance(6) and all(PLAIN.match(one) for axis in axes for one in axis.names):
            step["output"] = "/".join(["out", name, *(f"{{{{ names.{axis.name} }}}}" for axis in axes)])


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


# --- other ways to write the same -------------------------------------------------------------------


@dataclass(frozen=True)
class Style:
    """How a recipe is put into YAML."""

    write: Callable[[Json], str]
    newline: str = "\n"
    mark: bool = False
    comments: bool = False

    def text(self, recipe: Mapping[str, Json]) -> bytes:
        """*recipe* as the bytes of a file."""
        written = self.write(recipe)
        if self.comments:
            written = f"# A recipe\n---\n\n{written}\n# and that was it\n"
        return (b"\xef\xbb\xbf" if self.mark else b"") + written.replace("\n", self.newline).encode()


class _Bare(yaml.SafeDumper):
    """Quotes only what the language would not take for text: `007`, `16:9` and `no` stand bare."""

    yaml_implicit_resolvers: Any = {}  # noqa: RUF012 - PyYAML's own form


_Bare.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)\Z"), None)
_Bare.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"(?:0|-?[1-9][0-9]*)\Z"), None)
_Bare.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:null)?\Z"), None)
_Bare.add_representer(float, lambda dumper, value: dumper.represent_str(str(value)))


def _bare(value: Json) -> str:
    return str(yaml.dump(value, Dumper=_Bare, sort_keys=False, allow_unicode=True))


def _block(**options: Any) -> Callable[[Json], str]:
    return lambda value: str(yaml.safe_dump(value, sort_keys=False, **options))


STYLES = st.builds(
    Style,
    st.sampled_from(
        [
            _bare,
            _block(allow_unicode=True),
            _block(allow_unicode=True, indent=6, width=20),
            _block(width=1_000_000),
            _block(default_flow_style=True, allow_unicode=True),
            lambda value: json.dumps(value, ensure_ascii=False),
            lambda value: json.dumps(value, indent=3),
        ]
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.booleans(),
)
PLAIN_STYLE = Style(_block(allow_unicode=True))


@st.composite
def rewritten(draw: st.DrawFn, project: Project) -> Project:
    """*project* in other words: whatever of this is drawn, its requests stay what they are."""
    ways = (_renamed, _shuffled, _worded)
    for way in draw(st.lists(st.sampled_from(ways), max_size=len(ways), unique=True)):
        project = way(draw, project)
    for way in (_using, _extending):
        if draw(st.booleans()):
            project = way(draw, project)
    return project


def _renamed(draw: st.DrawFn, project: Project) -> Project:
    """Its steps have other names."""
    fresh = draw(st.permutations([f"new-{name}" for name in project.steps]))
    names = dict(zip(project.steps, fresh, strict=True))

    return project.with_steps({names[name]: _referring(step, names) for name, step in project.steps.items()})


def _referring(step: Step, names: Mapping[str, str]) -> Step:
    """*step* with other names of what it reads."""

    def other(text: Json) -> Json:
        found = _STEP.match(text) if isinstance(text, str) else None
        return names[found[1]] + found[2] if found and found[1] in names else text

    return {key: _mapped(value, other) if key in ("each", "images", "start") else value for key, value in step.items()}


def _mapped(value: Json, change: Callable[[Json], Json]) -> Json:
    return [change(one) for one in value] if isinstance(value, list) else change(value)


def _shuffled(draw: st.DrawFn, project: Project) -> Project:
    """Its keys and steps stand in another order; that of axes and values means something, and stays."""

    def other_order(mapping: Mapping[str, Json]) -> dict[str, Json]:
        return {key: mapping[key] for key in draw(st.permutations(list(mapping)))}

    recipe = other_order(project.recipe)
    recipe |= {key: other_order(recipe[key]) for key in ("vars", "data", "defaults") if key in recipe}
    recipe["steps"] = other_order({name: other_order(step) for name, step in project.steps.items()})
    return replace(project, recipe=recipe)


def _worded(draw: st.DrawFn, project: Project) -> Project:
    """Words of its prompts are variables."""
    moved = draw(st.lists(st.sampled_from(WORDS), min_size=1, unique=True))
    variables = dict(project.recipe["vars"])
    steps = project.steps
    for word in moved:
        name = f"word_{WORDS.index(word)}"
        variables[name] = word
        for step, old in steps.items():
            verb = "edit" if "edit" in old else "generate"
            prompt = old[verb]
            if prompt.startswith(word + " ("):
                steps[step] = {**old, verb: f"{{{{ {name} }}}}{prompt[len(word) :]}"}
    return replace(project.with_steps(steps), recipe={**project.recipe, "vars": variables, "steps": steps})


def _using(draw: st.DrawFn, project: Project) -> Project:
    """One of its steps stands in another recipe that it uses; what that reads are inputs."""
    alone = [name for name, step in project.steps.items() if "each" not in step]
    name = draw(st.sampled_from(alone))
    inputs: dict[str, str] = {}

    def handed(text: Json) -> Json:
        found = _STEP.match(text)
        return inputs.setdefault(text, f"in_{len(inputs)}") if found and found[1] in project.steps else text

    inner = project.steps[name]
    inner = inner | {key: _mapped(inner[key], handed) for key in ("images", "start") if key in inner}
    used = {key: value for key, value in project.recipe.items() if key not in ("steps", "profiles")}
    used |= {"vars": {**used["vars"], "light": "another"}, "inputs": list(inputs.values()), "steps": {name: inner}}
    given = {short: text for text, short in inputs.items()} | {"light": project.recipe["vars"]["light"]}
    files = {**project.files, "used.yaml": draw(STYLES).text(used).decode()}
    steps = {one: _referring(step, {name: f"part/{name}"}) for one, step in project.steps.items()}
    replaced = {("part" if one == name else one): step for one, step in steps.items()}
    return Project({**project.recipe, "steps": replaced | {"part": {"use": "used.yaml", "with": given}}}, files)


def _extending(draw: st.DrawFn, project: Project) -> Project:
    """A part of it stands in a recipe that it extends, some of that twice: what is nearer wins."""
    parent: dict[str, Json] = {}
    child: dict[str, Json] = {}
    for key, value in project.recipe.items():
        if key in ("vars", "data", "defaults", "steps"):
            parent[key], child[key] = _split(draw, value)
        else:
            (parent if key != "version" and draw(st.booleans()) else child)[key] = value
    for name in parent["steps"].keys() & child["steps"].keys():
        parent["steps"][name] = {"generate": "Another picture, which the child's step replaces"}
    text = draw(STYLES).text({key: value for key, value in parent.items() if value}).decode()
    kept = {key: value for key, value in child.items() if value}
    return Project({"extends": "base.yaml", **kept}, {**project.files, "base.yaml": text})


def _split(draw: st.DrawFn, mapping: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """The entries of *mapping*, each in the first, the second or both of two."""
    parent: dict[str, Json] = {}
    child: dict[str, Json] = {}
    for key, value in mapping.items():
        where = draw(st.sampled_from(["parent", "child", "both"]))
        if where != "child":
            parent[key] = value
        if where != "parent":
            child[key] = value
    return parent, child

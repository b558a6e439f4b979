"""Other ways to write the same project: in another style, order or wording, under other names, split into files.

Unaware of how projects are drawn and recipes are read. Whatever is done here, the requests stay what they are.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.recipe.grammar import PARTIAL, VARIABLES, WORDS, Json, Project, Recipe, Step

FOLDERS = ("", "kit/", "more/")
"""Where parts of a recipe may move to."""
_PATH = re.compile(r"(?:photos|tables|kit|more)/|(?:part-[0-9]+|used|base)\.yaml\Z")
_AXIS = re.compile(r"\b(?!of_|table_|in_)[a-z_]+_(?:[0-9]|link)\b")
MAIN = "r.yaml"
"""Where the recipe itself stands; its name means nothing."""
_STEP = re.compile(r"([a-z][a-z0-9_-]*(?:/[a-z][a-z0-9_-]*)*)((?:\[.*)?(?:@[0-9]+)?)\Z", re.DOTALL)


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
    for way in (draw(st.sampled_from([_using, _using_for_each])), _extending):
        if draw(st.booleans()):
            project = way(draw, project)
    return project


def _renamed(draw: st.DrawFn, project: Project) -> Project:
    """Its steps have other names, and so have those of the recipes that it uses, and their inputs."""
    recipes = {MAIN: project.recipe, **project.used}
    names: dict[str, dict[str, str]] = {}
    for path, recipe in recipes.items():
        old = [*recipe["steps"], *recipe.get("inputs", ())]
        fresh = draw(st.permutations([f"new-{name}" for name in old]))
        names[path] = dict(zip(old, fresh, strict=True))

    def other(path: str, recipe: Recipe) -> Recipe:
        steps = {
            names[path][name]: _referring(
                _given(step, path, names), lambda whole: _elsewhere(whole, path, recipes, names)
            )
            for name, step in recipe["steps"].items()
        }
        inputs = {"inputs": [names[path][one] for one in recipe["inputs"]]} if "inputs" in recipe else {}
        return {**recipe, **inputs, "steps": steps}

    used = {path: other(path, recipe) for path, recipe in project.used.items()}
    return replace(project, recipe=other(MAIN, project.recipe), used=used)


def _used_at(step: Step, path: str) -> str:
    """The recipe that *step*, of the one at *path*, uses."""
    return os.path.normpath(os.path.join(os.path.dirname(path), step["use"]))


def _given(step: Step, path: str, names: Mapping[str, Mapping[str, str]]) -> Step:
    """*step* with other names of the inputs that it fills."""
    if "use" not in step:
        return step
    inputs = names[_used_at(step, path)]
    given = {inputs.get(name, name): value for name, value in step.get("with", {}).items()}
    return {**step, "with": given} if given else step


def _elsewhere(whole: str, path: str, recipes: Mapping[str, Recipe], names: Mapping[str, Mapping[str, str]]) -> str:
    """What the step *whole* (`box/lid`) of the recipe at *path* is called now."""
    found: list[str] = []
    current: str | None = path
    for one in whole.split("/"):
        if current is None or one not in names[current]:
            return whole
        found.append(names[current][one])
        step = recipes[current]["steps"].get(one, {})
        current = _used_at(step, current) if "use" in step else None
    return "/".join(found)


def _referring(step: Step, other: Callable[[str], str]) -> Step:
    """*step* with other names of what it reads."""

    def changed(text: Json) -> Json:
        found = _STEP.match(text) if isinstance(text, str) else None
        return other(found[1]) + found[2] if found else text

    return _reading(step, changed, ("each", "images", "start"))


def _reading(step: Step, change: Callable[[Json], Json], keys: tuple[str, ...]) -> Step:
    """*step* with every reference changed: those behind *keys*, those of ops, and what fills inputs."""

    def mapped(key: str, value: Json) -> Json:
        if key in keys:
            return _mapped(value, change)
        if key == "with":
            return {name: _mapped(one, change) if name not in VARIABLES else one for name, one in value.items()}
        return [_overlay(op, change) for op in value] if key == "transform" else value

    return {key: mapped(key, value) for key, value in step.items()}


def _overlay(op: Json, change: Callable[[Json], Json]) -> Json:
    given = op.get("overlay") if isinstance(op, dict) else None
    if isinstance(given, dict):
        return {"overlay": {**given, "picture": change(given["picture"])}}
    return op if given is None else {"overlay": change(given)}


def _mapped(value: Json, change: Callable[[Json], Json]) -> Json:
    return [change(one) for one in value] if isinstance(value, list) else change(value)


def _shuffled(draw: st.DrawFn, project: Project) -> Project:
    """Its keys and steps stand in another order; that of axes and values means something, and stays."""

    def other_order(mapping: Mapping[str, Json]) -> dict[str, Json]:
        return {key: mapping[key] for key in draw(st.permutations(list(mapping)))}

    def step_in_other_order(step: Step) -> Step:
        return other_order({**step, "with": other_order(step["with"])} if "with" in step else step)

    def recipe_in_other_order(old: Recipe) -> Recipe:
        recipe = other_order(old)
        recipe |= {key: other_order(recipe[key]) for key in ("vars", "data", "defaults", "profiles") if key in recipe}
        if "inputs" in recipe:
            recipe["inputs"] = draw(st.permutations(recipe["inputs"]))
        recipe["steps"] = other_order({name: step_in_other_order(step) for name, step in old["steps"].items()})
        return recipe

    used = {path: recipe_in_other_order(recipe) for path, recipe in project.used.items()}
    return replace(project, recipe=recipe_in_other_order(project.recipe), used=used)


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
            prompt = old.get(verb, "")
            if prompt.startswith(word + " ("):
                steps[step] = {**old, verb: f"{{{{ {name} }}}}{prompt[len(word) :]}"}
    return replace(project, recipe={**project.recipe, "vars": variables, "steps": steps})


def _using(draw: st.DrawFn, project: Project) -> Project:
    """Some of its steps stand in another recipe that it uses: one, whose readings are inputs; or one with all it needs."""
    steps = project.steps
    alone = [name for name, step in steps.items() if "each" not in step]
    moved = {draw(st.sampled_from(alone))}
    if draw(st.booleans()):
        moved = _needed(draw(st.sampled_from([*steps])), steps)
    folder = draw(st.sampled_from(FOLDERS))
    inputs: dict[str, str] = {}

    def handed(text: Json) -> Json:
        step = _step_of(text)
        return inputs.setdefault(text, f"in_{len(inputs)}") if step in steps and step not in moved else text

    inner = {name: _reading(steps[name], handed, ("images", "start")) for name in steps if name in moved}
    used = {key: value for key, value in project.recipe.items() if key not in ("steps", "profiles", "name")}
    used = _from(folder, {**used, "vars": {**used["vars"], "light": "another"}, "steps": inner})
    given = {short: text for text, short in inputs.items()}
    given |= {variable: f"{{{{ {variable} }}}}" for variable in used["vars"]}

    def other(whole: str) -> str:
        return f"part/{whole}" if _step_of(whole) in moved else whole

    part = {"use": f"{folder}used.yaml", "with": given}
    replaced = [("part", part) if name in moved else (name, _referring(steps[name], other)) for name in steps]
    return _with_file(project.with_steps(dict(replaced)), f"{folder}used.yaml", {**used, "inputs": [*inputs.values()]})


def _using_for_each(draw: st.DrawFn, project: Project) -> Project:
    """A step that is made for each instance of another stands in a recipe that is used for each of them."""
    steps = project.steps
    inside = [name for name, step in steps.items() if "each" in step]
    if not inside:
        return project
    name = draw(st.sampled_from(inside))
    step = dict(steps[name])
    part: Step = {"each": step.pop("each")}
    if "use" not in step and "images" not in step and "start" not in step:
        step["start" if "chain" in step else "images"] = part["each"]
    if draw(st.booleans()):
        keys = ("matrix",) if "chain" in step else ("matrix", "when")
        part |= {key: step.pop(key) for key in keys if key in step}
    inputs: dict[str, str] = {}

    def handed(text: Json) -> Json:
        return inputs.setdefault(text, f"in_{len(inputs)}") if _step_of(text) in steps else text

    inner = _reading(step, handed, ("images", "start"))
    axes = {*_AXIS.findall(json.dumps(inner))} - {*inner.get("matrix", ()), *inner.get("chain", ())}
    folder = draw(st.sampled_from(FOLDERS))
    used = {key: value for key, value in project.recipe.items() if key not in ("steps", "profiles", "name")}
    used = _from(folder, {**used, "vars": {**used["vars"], **dict.fromkeys(axes, "?")}, "steps": {name: inner}})
    given = {short: text for text, short in inputs.items()}
    given |= {variable: f"{{{{ {variable} }}}}" for variable in used["vars"]}
    part |= {"use": f"{folder}used.yaml", "with": given}

    def other(whole: str) -> str:
        return f"part/{whole}" if _step_of(whole) == name else whole

    replaced = [("part", part) if one == name else (one, _referring(steps[one], other)) for one in steps]
    return _with_file(project.with_steps(dict(replaced)), f"{folder}used.yaml", {**used, "inputs": [*inputs.values()]})


def _needed(name: str, steps: Mapping[str, Step]) -> set[str]:
    """*name* and all steps that it reads, all the way up."""
    read: list[str] = []

    def noted(text: Json) -> Json:
        step = _step_of(text)
        if step in steps and step is not None:
            read.append(step)
        return text

    _reading(steps[name], noted, ("each", "images", "start"))
    return {name}.union(*(_needed(one, steps) for one in read))


def _step_of(text: Json) -> str | None:
    """The step of that recipe that a reference names, or uses."""
    found = _STEP.match(text) if isinstance(text, str) else None
    return found[1].partition("/")[0] if found else None


def _from(folder: str, value: Json) -> Json:
    """*value* with the paths in it as the recipes of *folder* name them."""
    if isinstance(value, dict):
        return {key: _from(folder, one) for key, one in value.items()}
    if isinstance(value, list):
        return [_from(folder, one) for one in value]
    return f"../{value}" if folder and isinstance(value, str) and _PATH.match(value) else value


def _with_file(project: Project, path: str, recipe: Recipe) -> Project:
    """*project* with one more recipe; templates that it includes stand beside it."""
    beside = os.path.join(os.path.dirname(path), PARTIAL[0])
    return replace(project, used={**project.used, path: recipe}, files={**project.files, beside: PARTIAL[1]})


def _extending(draw: st.DrawFn, project: Project) -> Project:
    """A part of it stands in a recipe that it extends, some of that twice: what is nearer wins."""
    parent: dict[str, Json] = {}
    child: dict[str, Json] = {}
    for key, value in project.recipe.items():
        if key in ("vars", "data", "defaults", "profiles", "steps"):
            parent[key], child[key] = _split(draw, value)
        else:
            # Its name is its own, and names the folder of its pictures.
            (parent if key not in ("version", "name") and draw(st.booleans()) else child)[key] = value
    for name in parent["steps"].keys() & child["steps"].keys():
        parent["steps"][name] = {"generate": "Another picture, which the child's step replaces"}
    folder = draw(st.sampled_from(FOLDERS))
    base = _from(folder, {key: value for key, value in parent.items() if value})
    kept = {key: value for key, value in child.items() if value}
    path = f"{folder}base.yaml"
    return _with_file(replace(project, recipe={"extends": path, **kept}), path, base)


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

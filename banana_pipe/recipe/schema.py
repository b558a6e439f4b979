"""Values become a Recipe: which keys there are at its top, what each may hold, and every mistake in them.

Unaware of what templates render to, of files, and of how steps become nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from banana_pipe.errors import Location, RecipeError
from banana_pipe.model import Json, Recipe, Step, Text
from banana_pipe.recipe.entries import DEFAULTS, FIRST_STEPS, PROFILE, STEP, TOP, kind_of
from banana_pipe.recipe.naming import BadName, folder_name
from banana_pipe.recipe.settings import PROVIDERS, Settings
from banana_pipe.recipe.steps import STEP_NAME, VERBS, Declared, Steps
from banana_pipe.recipe.words import nearest, quoted, suggestion
from banana_pipe.recipe.yaml import Document, Value, plain, refuse_cuts

_PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a profile says: settings over those of the steps, and values of variables."""

    settings: Mapping[str, Text | Json]
    variables: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Checked:
    """A recipe of the steps that are sound, and the names of all steps, broken ones included.

    `tables` are the files of `data` as written; nobody has read them yet.
    """

    recipe: Recipe
    steps: tuple[str, ...]
    tables: Mapping[str, Text]
    profiles: Mapping[str, Profile]
    lost: frozenset[str] = frozenset()
    """Variables that have no value for a mistake in it."""


def declared(documents: Iterable[Document]) -> Declared:
    """The names that *documents*, which extend each other, declare."""
    named = [(_names(one, "vars"), _names(one, "data")) for one in documents]
    return Declared(frozenset().union(*(one for one, _ in named)), frozenset().union(*(one for _, one in named)))


def extended(document: Document) -> Value | None:
    """What *document* says that it extends, right or wrong; None where it extends nothing."""
    top = document.root.data if document.root else None
    return top.get("extends") if isinstance(top, dict) else None


def read_recipe(
    document: Document, path: Path, errors: list[RecipeError], known: Declared, *, whole: bool = True
) -> Checked | None:
    """The recipe in *document*; its mistakes go to *errors*. None where nothing can be made of it.

    *known* is what it and those it extends declare. Without *whole* it is one of several files of a
    recipe: its steps may all stand in another.
    """
    if document.root is None:
        if not any(error.at is not None and error.at.path == document.path for error in errors):
            errors.append(RecipeError("the recipe is empty", at=Location(document.path, 1, 1), hint=FIRST_STEPS))
        return None
    return _Reader(errors, known, whole=whole).recipe(document.root, path)


def _names(document: Document, key: str) -> Iterable[str]:
    top = document.root.data if document.root else None
    value = top.get(key) if isinstance(top, dict) else None
    return value.data if value is not None and isinstance(value.data, dict) else ()


def _is_step(value: Value) -> bool:
    return isinstance(value.data, dict) and not {*VERBS, "use"}.isdisjoint(value.data)


class _Reader(Settings):
    """Reads a whole recipe, or one of its files."""

    def __init__(self, errors: list[RecipeError], known: Declared, *, whole: bool) -> None:
        super().__init__(errors)
        self.known = known
        self.whole = whole
        self.lost: set[str] = set()

    def recipe(self, root: Value, path: Path) -> Checked | None:
        top = self.mapping(root, "the recipe", TOP)
        if top is None:
            return None
        self.version(top.get("version"))
        self.extends(top.get("extends"))
        steps, names = self.steps(top.get("steps"), root, path.parent)
        recipe = Recipe(
            path=path,
            name=self.name(top.get("name")) or path.stem,
            variables=self.read_variables(top.get("vars")),
            defaults=self.defaults(top),
            steps=steps,
            sources=(),
            inputs=self.inputs(top.get("inputs"), names),
        )
        tables, profiles = self.tables(top.get("data")), self.profiles(top.get("profiles"))
        return Checked(recipe, names, tables, profiles, frozenset(self.lost))

    def version(self, value: Value | None) -> None:
        if value is not None and value.style != "broken" and (type(value.data) is not int or value.data != 1):
            self.wrong("`version` is 1: no other is known", value, hint="write `version: 1`")

    def name(self, value: Value | None) -> str | None:
        text = self.text(value, "name")
        if text is None:
            return None
        try:
            return folder_name(text.value.strip())
        except BadName as error:
            hint = "letters, digits, spaces and `._-`, beginning with a letter or digit"
            message = f"`name` names the folder of the pictures: {error}"
            self.errors.append(RecipeError(message, at=text.at, hint=hint))
            return None

    def inputs(self, value: Value | None, steps: tuple[str, ...]) -> dict[str, Location]:
        if value is None or value.data is None:
            return {}
        if not isinstance(value.data, list):
            self.wrong(
                f"`inputs` is a list of names, not {kind_of(value)}", value, hint="for example `inputs: [photo]`"
            )
            return {}
        found: dict[str, Location] = {}
        for one in value.data:
            name = self.text(one, "inputs")
            if name is None:
                continue
            what = "a step" if name.value in steps else "a variable" if name.value in self.known.variables else None
            if not STEP_NAME.match(name.value) or name.value == "previous":
                hint = "lower-case letters, digits, `_` and `-`, beginning with a letter: it is read like a step"
                self.wrong(f"{quoted(name.value)} cannot name an input", one, hint=hint)
            elif what is not None:
                self.wrong(f"input `{name.value}` has the name of {what}", one, hint="give one of them another name")
            elif name.value in found:
                self.wrong(f"input `{name.value}` stands here twice", one, hint="remove one of them")
            found[name.value] = name.at
        return found

    def extends(self, value: Value | None) -> None:
        self.file(value, "extends", "for example `extends: base.yaml`")

    def tables(self, value: Value | None) -> dict[str, Text]:
        if value is None or value.data is None:
            return {}
        found: dict[str, Text] = {}
        for name, inner in (self.mapping(value, "`data`", None) or {}).items():
            self.word(name, value.keys[name], "a table")
            if name in self.known.variables:
                message = f"table `{name}` has the name of a variable: `{{{{ {name} }}}}` would mean both"
                hint = "give one of them another name"
                self.errors.append(RecipeError(message, at=value.keys[name], hint=hint))
            text = self.file(inner, name, f"for example `{name}: {name}.csv`")
            if text is not None:
                found[name] = text
        return found

    def profiles(self, value: Value | None) -> dict[str, Profile]:
        if value is None or value.data is None:
            return {}
        found: dict[str, Profile] = {}
        for name, inner in (self.mapping(value, "`profiles`", None) or {}).items():
            if not _PROFILE_NAME.match(name) or name in PROVIDERS:
                hint = "letters, digits, `_`, `-` and `.`, beginning with a letter or digit"
                message = f"{quoted(name)} cannot name a profile: it names the folder of its pictures"
                if name in PROVIDERS:
                    message = f"`{name}` cannot name a profile: it is the name of a provider"
                    hint = f"its folder would be that of `--provider {name}`: give it another name"
                self.errors.append(RecipeError(message, at=value.keys[name], hint=hint))
            if inner.data is None and inner.style != "broken":
                self.wrong(f"profile `{name}` says nothing", inner, hint=f"for example `{name}: {{resolution: 1K}}`")
                continue
            found[name] = self.profile(name, inner)
        return found

    def profile(self, name: str, value: Value) -> Profile:
        entries = self.mapping(value, f"profile `{name}`", PROFILE) or {}
        variables = entries.get("vars")
        if variables is not None and isinstance(variables.data, dict):
            for variable in variables.data:
                if variable not in self.known.variables:
                    hint = "declare it in `vars` first"
                    if self.known.variables:
                        hint = suggestion(variable, sorted(self.known.variables), kind="declared in `vars`")
                    message = f"the recipe has no variable `{variable}`"
                    self.errors.append(RecipeError(message, at=variables.keys[variable], hint=hint))
        settings = self.settings(entries)
        self.check_ratio(settings)
        return Profile(settings, self.read_variables(variables))

    def read_variables(self, value: Value | None) -> dict[str, Json]:
        if value is None or value.data is None:
            return {}
        entries = self.mapping(value, "`vars`", None)
        if entries is None:
            return {}
        found: dict[str, Json] = {}
        for name, inner in entries.items():
            self.word(name, value.keys[name], "a variable")
            before = len(self.errors)
            refuse_cuts(inner, f"variable `{name}`", self.errors)
            # A value that was complained about is not complained about again where it is used.
            lost = inner.style == "broken" or len(self.errors) > before
            found[name] = plain(inner)
            if lost:
                self.lost.add(name)
        return found

    def defaults(self, top: Mapping[str, Value]) -> dict[str, Json]:
        found: dict[str, Json] = {}
        value = top.get("defaults")
        if value is not None and value.data is not None:
            entries = self.mapping(value, "`defaults`", DEFAULTS) or {}
            found |= self.settings(entries)
            self.check_ratio(found)
        return found | self.settings({name: top[name] for name in ("extra", "timeout") if name in top})

    def outside(self, value: Value, entries: Mapping[str, Value]) -> tuple[str, ...]:
        """Keys of a step that stand beside it, and the step that is empty for it; told once."""
        keys = [name for name, inner in entries.items() if name in STEP and not _is_step(inner)]
        if all(isinstance(entries[name].data, dict | None) for name in keys):
            return ()
        before = list(entries)[: list(entries).index(keys[0])]
        empty = before[-1:] if before and entries[before[-1]].data is None else []
        hint = f"indent it further than `{empty[0]}:`, and what else it says" if empty else "indent it further"
        message = f"`{keys[0]}` is a key of a step, and stands beside the steps here"
        self.errors.append(RecipeError(message, at=value.keys[keys[0]], hint=hint))
        return (*empty, *keys)

    def steps(self, value: Value | None, root: Value, folder: Path) -> tuple[dict[str, Step], tuple[str, ...]]:
        if value is None:
            # A misspelt key has been told at its place, with the right word: that is the one mistake.
            if self.whole and all(nearest(key, TOP) != "steps" for key in root.data if key not in TOP):
                self.errors.append(RecipeError("`steps` is missing", at=root.at, hint=FIRST_STEPS))
            return {}, ()
        entries = self.mapping(value, "`steps`", None) if value.data is not None or value.style == "broken" else {}
        if entries is None:
            return {}, ()
        if not entries and self.whole:
            self.wrong("there are no steps", value, hint=FIRST_STEPS)
        reader = Steps(self.errors, self.known, folder)
        steps: dict[str, Step] = {}
        outside = self.outside(value, entries)
        for name, inner in entries.items():
            if name in outside:
                continue
            before = len(self.errors) - reader.harmless
            step = reader.step(name, value.keys[name], inner)
            if len(self.errors) - reader.harmless > before:
                if isinstance(inner.data, dict) and "expect" in inner.data:
                    reader.check_expect(inner.data["expect"])
            elif step is not None:
                steps[name] = step
        return steps, tuple(entries)

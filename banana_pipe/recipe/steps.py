"""Steps: what each may say, what it reads and along which axes, and every mistake in it.

Unaware of the rest of the recipe but for the names that it declares, and of how steps become nodes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from banana_pipe.errors import Location, RecipeError
from banana_pipe.model import Action, Step, Text
from banana_pipe.recipe.entries import STEP, meant
from banana_pipe.recipe.ops import read_ops
from banana_pipe.recipe.settings import Settings
from banana_pipe.recipe.words import quoted
from banana_pipe.recipe.yaml import Value, refuse_cuts, walk

USE = ("use", "with", "matrix", "each", "when")
"""What a step may say that uses another recipe: the pictures are made there."""
VERBS: tuple[Action, ...] = ("generate", "edit", "transform")
NOT_OF_A_TRANSFORM: Mapping[str, str] = {
    **dict.fromkeys(("samples", "pick"), "the same pictures always give the same one: there is nothing to choose from"),
    **dict.fromkeys(
        ("model", "aspect_ratio", "resolution", "provider", "extra", "timeout"),
        "it is made here, by nobody's model: leave it out, or say it in the step that makes the picture",
    ),
}
"""What a step with `transform` cannot say, and why."""
SETTINGS = (*NOT_OF_A_TRANSFORM, "expect", "output")
"""What says nothing of what a step reads, or how often it is made: a misspelt one has no consequences."""
_SCOPE = ("matrix", "each", "chain", "start", "images", "when", "with")
STEP_NAME = re.compile(r"[a-z][a-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class Declared:
    """What a recipe declares together with those that it extends: the names alone."""

    variables: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()


def is_setting(key: str) -> bool:
    """Whether an unknown *key* is probably meant for one of `SETTINGS`."""
    words = meant(key, STEP)
    return bool(words) and {*words} <= {*SETTINGS}


def is_lost(entries: Mapping[str, Value]) -> bool:
    """Whether what a step reads, or how often it is made, could not be read: names would be missing everywhere in it."""
    return any(inner.style == "broken" for key in _SCOPE if key in entries for inner in walk(entries[key]))


class Steps(Settings):
    """Reads steps of a recipe in *folder* that declares what is *known*."""

    def __init__(self, errors: list[RecipeError], known: Declared, folder: Path) -> None:
        super().__init__(errors)
        self.known = known
        self.folder = folder
        self.harmless = 0
        """How many of the mistakes leave their step whole enough to look for more in it."""

    def step(self, name: str, at: Location, value: Value) -> Step | None:
        if not STEP_NAME.match(name) or name == "previous":
            hint = "lower-case letters, digits, `_` and `-`, beginning with a letter"
            message = f"{quoted(name)} cannot name a step"
            if name == "previous":
                message, hint = "`previous` is a reserved word and cannot name a step", "give it another name"
            self.errors.append(RecipeError(message, at=at, hint=hint))
        entries = self.mapping(value, f"step `{name}`", STEP)
        if entries is None:
            return None
        if "use" in entries or ("with" in entries and not set(VERBS) & set(entries)):
            return self.use(name, at, value, entries)
        if "with" in entries:
            hint = "`with` fills the inputs of the recipe that a step uses; pictures to read stand in `images`"
            self.errors.append(RecipeError("`with` without a `use`", at=value.keys["with"], hint=hint))
        verb = self.verb(name, at, value, entries)
        self.harmless += sum(key not in STEP and is_setting(key) for key in value.data)
        before = len(self.errors)
        ops = read_ops(entries.get("transform"), self.errors)
        self.harmless += len(self.errors) - before if ops else 0
        prompt = self.prompt(verb, entries)
        each = self.each(entries.get("each"))
        images = self.images(entries.get("images"))
        none = "images" not in entries or entries["images"].data == []
        if verb in ("edit", "transform") and none and "each" not in entries and "chain" not in entries:
            key = value.keys["images"] if "images" in value.keys else value.keys[verb]
            hint = "say which with `images: STEP` or `images: photo.png`"
            hint += ", or `generate` instead" if verb == "edit" else ""
            self.errors.append(RecipeError(f"step `{name}` {verb}s nothing: it has no pictures", at=key, hint=hint))
        if verb == "transform":
            self.refuse_settings(value)
        settings = self.settings(entries)
        # `images: []` is not the same as no `images`: the step reads nothing, not even its `each`.
        if "images" in entries and none:
            settings["images"] = []
        matrix = self.axes(entries.get("matrix"), "matrix")
        chain = self.chain(entries.get("chain"), matrix)
        start = self.start(entries, value)
        when = self.when(entries.get("when"))
        if prompt is None or verb is None or is_lost(entries):
            return None
        return Step(
            name,
            at,
            verb,
            prompt,
            images or (),
            settings,
            matrix,
            each,
            self.folder,
            chain=chain,
            start=start,
            when=when,
            ops=ops or (),
        )

    def prompt(self, verb: Action | None, entries: Mapping[str, Value]) -> Text | None:
        if verb == "transform":
            return Text("", entries["transform"].at)
        return self.text(entries.get(verb), verb, cut=True) if verb else None

    def refuse_settings(self, value: Value) -> None:
        for key, at in value.keys.items():
            if key in NOT_OF_A_TRANSFORM:
                self.errors.append(RecipeError(f"a transform has no `{key}`", at=at, hint=NOT_OF_A_TRANSFORM[key]))
                self.harmless += 1

    def use(self, name: str, at: Location, value: Value, entries: Mapping[str, Value]) -> Step | None:
        if "use" not in entries:
            hint = "name the recipe: `use: banner.yaml`"
            self.errors.append(RecipeError("`with` without a `use`", at=value.keys["with"], hint=hint))
            return None
        for key in entries:
            if key not in USE:
                hint = f"its steps say that themselves; beside `use` there may be {', '.join(USE[1:])}"
                message = f"step `{name}` uses a recipe: `{key}` means nothing here"
                self.errors.append(RecipeError(message, at=value.keys[key], hint=hint))
        file = self.file(entries["use"], "use", "for example `use: banner.yaml`")
        each = self.each(entries.get("each"))
        given = self.mapping(entries["with"], "`with`", None) if "with" in entries else {}
        for entry, inner in (given or {}).items():
            refuse_cuts(inner, f"`{entry}`", self.errors)
        matrix = self.axes(entries.get("matrix"), "matrix")
        when = self.when(entries.get("when"))
        if file is None or is_lost(entries):
            return None
        return Step(name, at, "use", file, (), {}, matrix, each, self.folder, when=when, given=given or {})

    def verb(self, name: str, at: Location, value: Value, entries: Mapping[str, Value]) -> Action | None:
        verbs = [verb for verb in VERBS if verb in entries]
        if len(verbs) > 1:
            hint = "a step makes one kind of picture: split it in two"
            places = sorted((value.keys[verb], verb) for verb in verbs)
            said = " and ".join(f"`{verb}`" for _, verb in places)
            both = "both " if len(verbs) == 2 else ""
            self.errors.append(RecipeError(f"step `{name}` has {both}{said}", at=places[1][0], hint=hint))
            return None
        if verbs:
            return verbs[0]
        if not any(key not in STEP and meant(key, VERBS) for key in value.keys):
            hint = (
                "`generate: PROMPT` makes a picture, `edit: PROMPT` changes those in `images`, `transform: [OPS]` too"
            )
            self.errors.append(RecipeError(f"step `{name}` does not say what to make", at=at, hint=hint))
        return None

    def each(self, value: Value | None) -> Text | None:
        if value is not None and isinstance(value.data, list):
            hint = "`each: STEP`; what it reads besides stands in `images`, and more axes in `matrix`"
            self.wrong("`each` is one step, not a list", value, hint=hint)
            return None
        return self.text(value, "each")

    def images(self, value: Value | None, key: str = "images") -> tuple[Text, ...] | None:
        """The references as written; None where there are none given."""
        if value is None:
            return None
        listed = value.data if isinstance(value.data, list) else [value]
        texts = [self.text(one, key) for one in listed]
        return tuple(text for text in texts if text is not None)

    def chain(self, value: Value | None, matrix: Mapping[str, Value]) -> dict[str, Value]:
        axes = self.axes(value, "chain")
        if value is None or not axes:
            return {}
        if len(axes) > 1:
            hint = "links follow each other along one axis; others belong into `matrix`: a chain for each of them"
            self.errors.append(RecipeError("`chain` has one axis", at=value.keys[list(axes)[1]], hint=hint))
        for axis in axes:
            if axis in matrix:
                hint = "give one of them another name"
                self.errors.append(RecipeError(f"axis `{axis}` is in `matrix` already", at=value.keys[axis], hint=hint))
        return axes

    def start(self, entries: Mapping[str, Value], step: Value) -> tuple[Text, ...]:
        if "start" in entries and "chain" not in entries and "chain" not in step.keys:
            hint = "`start` is what the first link of a `chain` reads; other steps say it in `images`"
            self.errors.append(RecipeError("`start` without a `chain`", at=step.keys["start"], hint=hint))
        return self.images(entries.get("start"), "start") or ()

    def when(self, value: Value | None) -> Text | bool:
        if value is not None and isinstance(value.data, bool):
            return value.data
        if value is not None and type(value.data) is int:
            hint = "an expression, as in `when: size > 3`; or `true` or `false`"
            self.wrong("`when` is a condition, not a number", value, hint=hint)
            return True
        return self.text(value, "when") or True

    def axes(self, value: Value | None, key: str) -> dict[str, Value]:
        """The axes of `matrix` or `chain`."""
        if value is None:
            return {}
        entries = self.mapping(value, f"`{key}`", None)
        if entries is None:
            return {}
        if not entries:
            self.wrong(f"`{key}` has no axes", value, hint=f"`{key}: {{color: [teal, ivory]}}`, or leave it out")
        for axis, inner in entries.items():
            self.word(axis, value.keys[axis], "an axis")
            refuse_cuts(inner, f"axis `{axis}`", self.errors)
            if axis in self.known.variables | self.known.tables:
                what = "a variable" if axis in self.known.variables else "a table"
                message = f"axis `{axis}` has the name of {what}: `{{{{ {axis} }}}}` would mean both"
                self.errors.append(RecipeError(message, at=value.keys[axis], hint="give one of them another name"))
        return {axis: inner for axis, inner in entries.items() if inner.style != "broken"}

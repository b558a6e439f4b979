"""Values become a Recipe: which keys there are, what each may hold, and every mistake in them.

Unaware of what templates render to, of files, and of how steps become nodes.

The checks are written by hand over the values rather than with pydantic: each knows the place of
its key and its value, the text as it was written and the word that was meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from banana_pipe.errors import MAX_DRAWN_LINE, Location, RecipeError
from banana_pipe.model import Action, Json, Recipe, Step, Text
from banana_pipe.recipe import keys
from banana_pipe.recipe.expectations import EXPECT
from banana_pipe.recipe.naming import BadName, folder_name
from banana_pipe.recipe.ops import read_ops
from banana_pipe.recipe.words import nearest, quoted, suggestion
from banana_pipe.recipe.yaml import Document, Value, plain, refuse_cuts

TOP = keys.names(keys.TOP)
DEFAULTS = keys.names(keys.DEFAULTS)
STEP = keys.names(keys.STEP)
PROFILE = keys.names(keys.PROFILE)
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
REQUEST_FIELDS = frozenset(
    ["action", "prompt", "model", "image_urls", "aspect_ratio", "resolution", "count", "async", "callback_url"]
)
"""Fields of the API that `extra` must not set: they have a key of their own, or are ours to set."""
RESERVED = frozenset(["previous", "index", "names", "last"])
TEMPLATE_WORDS = frozenset(
    [
        *("and", "else", "false", "if", "in", "is", "none", "not", "or", "true"),
        *("caller", "kwargs", "loop", "recursive", "self", "super", "varargs"),
    ]
)
_INSTEAD: Mapping[str, str] = {
    "prompt": "the prompt stands behind `generate:` or `edit:`",
    "action": "the step's verb says it: `generate:` or `edit:`",
    "image_urls": "pictures stand in `images`",
    "count": "`samples: N` makes several, each a request of its own",
    **{name: f"it has a key of its own: `{name}`" for name in ("model", "aspect_ratio", "resolution")},
}
MAX_SAMPLES = 100
MAX_TIMEOUT = 86_400.0

STEP_NAME = re.compile(r"[a-z][a-z0-9_-]*\Z")
PROVIDERS = ("acedata", "sandbox")
_PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?\Z")
_ELSEWHERE: Mapping[str, str] = {
    "token": "the token stands in the environment: ACEDATACLOUD_API_TOKEN",
    "base_url": "the base URL stands in the environment: ACEDATACLOUD_API_BASE_URL",
    "callback_url": "answers are fetched by banana-pipe itself; a recipe cannot have them sent anywhere",
    "proxy": "how the network is reached belongs to the environment, never to a recipe",
}
_ALIASES: Mapping[str, str] = {
    "api_token": "token",
    "api_key": "token",
    "apikey": "token",
    "authorization": "token",
    "acedatacloud_api_token": "token",
    "api_base_url": "base_url",
    "api_base": "base_url",
    "baseurl": "base_url",
    "endpoint": "base_url",
    "callback": "callback_url",
    "webhook": "callback_url",
    "proxies": "proxy",
    "http_proxy": "proxy",
    "https_proxy": "proxy",
}


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


@dataclass(frozen=True, slots=True)
class Declared:
    """What a recipe declares together with those that it extends: the names alone."""

    variables: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()


def declared(documents: Iterable[Document]) -> Declared:
    """The names that *documents*, which extend each other, declare."""
    named = [(_names(one, "vars"), _names(one, "data")) for one in documents]
    return Declared(frozenset().union(*(one for one, _ in named)), frozenset().union(*(one for _, one in named)))


def extended(document: Document) -> Value | None:
    """What *document* says that it extends, right or wrong; None where it extends nothing."""
    top = document.root.data if document.root else None
    return top.get("extends") if isinstance(top, dict) else None


def names_file(value: Value) -> bool:
    """Whether *value* is the name of a file: no template, since it is read before anything is rendered."""
    text = value.data
    return isinstance(text, str) and bool(text.strip()) and "{{" not in text and "{%" not in text


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


FIRST_STEPS = "a first one: `steps: {cat: {generate: A white cat on a sofa}}`"


class _Reader:
    """Reads values and collects what is wrong with them."""

    def __init__(self, errors: list[RecipeError], known: Declared, *, whole: bool) -> None:
        self.errors = errors
        self.known = known
        self.whole = whole
        self.folder = Path()

    def recipe(self, root: Value, path: Path) -> Checked | None:
        top = self.mapping(root, "the recipe", TOP)
        if top is None:
            return None
        self.folder = path.parent
        self.version(top.get("version"))
        self.extends(top.get("extends"))
        steps, names = self.steps(top.get("steps"), root)
        recipe = Recipe(
            path=path,
            name=self.name(top.get("name")) or path.stem,
            variables=self.read_variables(top.get("vars")),
            defaults=self.defaults(top),
            steps=steps,
            sources=(),
            inputs=self.inputs(top.get("inputs"), names),
        )
        return Checked(recipe, names, self.tables(top.get("data")), self.profiles(top.get("profiles")))

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
            self.wrong(f"`inputs` is a list of names, not {_kind(value)}", value, hint="for example `inputs: [photo]`")
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

    def file(self, value: Value | None, key: str, example: str) -> Text | None:
        text = self.text(value, key, cut=True)
        if text is None or value is None or names_file(value):
            return text
        what = "is no template: the file is read before anything is rendered" if text.value.strip() else "is empty"
        self.errors.append(RecipeError(f"`{key}` {what}", at=text.at, hint=example))
        return None

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
        return Profile(self.settings(entries), self.read_variables(variables))

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
            found[name] = plain(inner) if inner.data is not None or not lost else "?"
        return found

    def defaults(self, top: Mapping[str, Value]) -> dict[str, Json]:
        found: dict[str, Json] = {}
        value = top.get("defaults")
        if value is not None and value.data is not None:
            entries = self.mapping(value, "`defaults`", DEFAULTS) or {}
            found |= self.settings(entries)
        return found | self.settings({name: top[name] for name in ("extra", "timeout") if name in top})

    def steps(self, value: Value | None, root: Value) -> tuple[dict[str, Step], tuple[str, ...]]:
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
        steps: dict[str, Step] = {}
        for name, inner in entries.items():
            before = len(self.errors)
            step = self.step(name, value.keys[name], inner)
            if step is not None and len(self.errors) == before:
                steps[name] = step
        return steps, tuple(entries)

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
        ops = read_ops(entries.get("transform"), self.errors)
        prompt = self.prompt(verb, entries)
        each = self.text(entries.get("each"), "each")
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
        if prompt is None or verb is None:
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
        each = self.text(entries.get("each"), "each")
        given = self.mapping(entries["with"], "`with`", None) if "with" in entries else {}
        for entry, inner in (given or {}).items():
            refuse_cuts(inner, f"`{entry}`", self.errors)
        matrix = self.axes(entries.get("matrix"), "matrix")
        when = self.when(entries.get("when"))
        if file is None:
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
        if not any(key not in STEP and nearest(key, VERBS) for key in value.keys):
            hint = (
                "`generate: PROMPT` makes a picture, `edit: PROMPT` changes those in `images`, `transform: [OPS]` too"
            )
            self.errors.append(RecipeError(f"step `{name}` does not say what to make", at=at, hint=hint))
        return None

    def images(self, value: Value | None, key: str = "images") -> tuple[Text, ...] | None:
        """The references as written; None where there are none given."""
        if value is None:
            return None
        listed = value.data if isinstance(value.data, list) else [value]
        texts = [self.text(one, key) for one in listed]
        return tuple(text for text in texts if text is not None)

    def settings(self, entries: Mapping[str, Value]) -> dict[str, Text | Json]:
        found: dict[str, Text | Json] = {}
        for name in ("model", "aspect_ratio", "resolution", "provider"):
            found[name] = self.text(entries.get(name), name)
        output = entries.get("output")
        found["output"] = False if output and output.data is False else self.text(output, "output", cut=True)
        found["samples"] = self.count(entries.get("samples"), "samples", MAX_SAMPLES)
        found["pick"] = self.pick(entries.get("pick"))
        found["expect"] = self.expect(entries.get("expect"))
        found["timeout"] = self.seconds(entries.get("timeout"))
        found["extra"] = self.read_extra(entries.get("extra"))
        return {name: value for name, value in found.items() if value is not None}

    def count(self, value: Value | None, key: str, most: int) -> int | None:
        if value is None or value.style == "broken":
            return None
        if type(value.data) is int and 1 <= value.data <= most:
            return value.data
        quotes = ", without quotes" if value.style == "quoted" else ""
        self.wrong(f"`{key}` is a whole number from 1 to {most}", value, hint=f"for example `{key}: 2`{quotes}")
        return None

    def pick(self, value: Value | None) -> int | Literal["ask"] | None:
        if value is None or value.style == "broken":
            return None
        if value.data == "ask":
            return "ask"
        if type(value.data) is int and value.data >= 1:
            return value.data
        quotes = ", without quotes" if value.style == "quoted" else ""
        hint = f"for example `pick: 2`{quotes}; with `pick: ask`, what reads it waits until somebody has picked"
        self.wrong("`pick` is the number of a take, 1 or more, or `ask`", value, hint=hint)
        return None

    def expect(self, value: Value | None) -> Value | None:
        """The mapping, its keys checked; the values may be templates."""
        entries = self.mapping(value, "`expect`", EXPECT) if value is not None else None
        if value is None or entries is None:
            return None
        return replace(value, data={key: inner for key, inner in entries.items() if inner.style != "broken"})

    def seconds(self, value: Value | None) -> float | None:
        if value is None or value.style == "broken":
            return None
        written = str(value.data) if type(value.data) in (int, str) else ""
        number = float(written) if _SECONDS.match(written) else math.nan
        if 0 < number <= MAX_TIMEOUT:
            return number
        self.wrong(
            "`timeout` is a number of seconds, more than 0 and at most a day", value, hint="for example `timeout: 600`"
        )
        return None

    def read_extra(self, value: Value | None) -> Value | None:
        if value is None or value.data is None:
            return None
        entries = self.mapping(value, "`extra`", None)
        for name in entries or ():
            if name.casefold() in REQUEST_FIELDS:
                hint = _INSTEAD.get(name.casefold(), "banana-pipe sets it itself, where it must be")
                message = f"`extra` passes on fields that we do not know; `{name}` is known"
                self.errors.append(RecipeError(message, at=value.keys[name], hint=hint))
        return value if entries is not None else None

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

    def word(self, name: str, at: Location, what: str) -> None:
        """A name that templates can say."""
        if name in RESERVED or name.casefold() in TEMPLATE_WORDS:
            message, hint = f"`{name}` is a reserved word and cannot name {what}", f"for example `{name}_`"
        elif not _NAME.match(name) or name.startswith("_"):
            message = f"{quoted(name)} cannot name {what}: templates could not say it"
            hint = "letters, digits and `_`, beginning with a letter"
        else:
            return
        self.errors.append(RecipeError(message, at=at, hint=hint))

    def text(self, value: Value | None, key: str, *, cut: bool = False) -> Text | None:
        """The text in *value*. With *cut*, a comment behind it is a mistake: it may be lost text."""
        if value is None or value.style == "broken":
            return None
        if cut:
            refuse_cuts(value, f"`{key}`", self.errors)
        if isinstance(value.data, str):
            return value.text
        if isinstance(value.data, list | dict):
            self.wrong(f"`{key}` is one text, not {_kind(value)}", value, hint="quote a text that has brackets")
        elif value.data is not None:
            hint = f"quote it: {_line(value, quoted(value.raw))}"
            self.wrong(f"`{key}` is a text, not {_kind(value)}", value, hint=hint)
        elif not value.cut or not cut:
            self.wrong(f"`{key}` is empty", value, hint="write its text, or leave the key out")
        return None

    def mapping(self, value: Value, what: str, allowed: Iterable[str] | None) -> Mapping[str, Value] | None:
        """The entries of *value*, those with unknown keys left out and complained about."""
        if value.style == "broken":
            return None
        if not isinstance(value.data, dict):
            self.wrong(f"{what} is a mapping of `key: value`, not {_kind(value)}", value, hint=_spaced(value))
            return None
        if allowed is None:
            return value.data
        known = tuple(allowed)
        for key in value.data:
            if key not in known:
                self.errors.append(_unknown_key(key, value.keys[key], what, known))
        return {key: inner for key, inner in value.data.items() if key in known}

    def wrong(self, message: str, value: Value, *, hint: str | None) -> None:
        self.errors.append(RecipeError(message, at=value.at, hint=hint))


def _unknown_key(key: str, at: Location, what: str, known: tuple[str, ...]) -> RecipeError:
    lower = key.casefold().replace("-", "_")
    elsewhere = _ELSEWHERE.get(_ALIASES.get(lower, lower))
    if elsewhere:
        return RecipeError(f"`{key}` never stands in a recipe", at=at, hint=elsewhere)
    hint = suggestion(key, known, kind="allowed here")
    if nearest(key, known) is None:
        places = (
            (STEP, "in a step"),
            (EXPECT, "in `expect`"),
            (DEFAULTS, "in `defaults`"),
            (TOP, "at the top of the recipe"),
        )
        right = [place for keys, place in places if key in keys and keys is not known]
        hint = f"it belongs {' or '.join(right)}; {hint}" if right else hint
    return RecipeError(f"unknown key `{key}` in {what}", at=at, hint=hint)


def _kind(value: Value) -> str:
    if isinstance(value.data, dict):
        return "a mapping"
    if isinstance(value.data, list):
        return "a list"
    if value.data is None:
        return "null"
    return {bool: "`true` or `false`", int: "a number"}.get(type(value.data), "a text")


def _line(value: Value, written: str) -> str:
    """The value's line as it should be; the value alone where the line is very long."""
    if len(value.at.source) > MAX_DRAWN_LINE:
        return written
    start, end = value.at.column - 1, value.at.column - 1 + len(value.raw)
    return (value.at.source[:start] + written + value.at.source[end:]).strip()


def _spaced(value: Value) -> str | None:
    """What to do about `key:value`, which is one text for YAML."""
    found = re.match(r"([\w-]+):(?=\S)", value.data) if isinstance(value.data, str) else None
    return f"a space stands behind the `:`, as in `{found.group(1)}: …`" if found else None

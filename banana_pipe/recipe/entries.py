"""A mapping's entries: which keys it may have, of what kind each value is, and what is said where it is not.

Unaware of what the keys are for.

The checks are written by hand over the values rather than with pydantic: each knows the place of
its key and its value, the text as it was written and the word that was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from banana_pipe.errors import MAX_DRAWN_LINE, Location, RecipeError
from banana_pipe.model import Text
from banana_pipe.recipe import keys
from banana_pipe.recipe.expectations import EXPECT
from banana_pipe.recipe.words import MAX_LISTED, nearest, quoted, suggestion
from banana_pipe.recipe.yaml import Value, refuse_cuts

TOP = keys.names(keys.TOP)
DEFAULTS = keys.names(keys.DEFAULTS)
STEP = keys.names(keys.STEP)
PROFILE = keys.names(keys.PROFILE)
RESERVED = frozenset(["previous", "index", "names", "last"])
TEMPLATE_WORDS = frozenset(
    [
        *("and", "else", "false", "if", "in", "is", "none", "not", "or", "true"),
        *("caller", "kwargs", "loop", "recursive", "self", "super", "varargs"),
    ]
)
FIRST_STEPS = "a first one: `steps: {cat: {generate: A white cat on a sofa}}`"
_EXAMPLES: Mapping[str, str] = {
    "the recipe": FIRST_STEPS,
    "`steps`": FIRST_STEPS,
    "`vars`": "for example `vars: {product: a ceramic mug}`",
    "`data`": "for example `data: {shops: shops.csv}`",
    "`defaults`": "for example `defaults: {model: nano-banana-pro}`",
    "`profiles`": "for example `profiles: {draft: {resolution: 1K}}`",
    "`expect`": "for example `expect: {min_width: 1024}`, or leave it out",
    "`extra`": "for example `extra: {seed: 7}`",
    "`with`": "for example `with: {photo: hero}`, with the names of the used recipe's `inputs`",
    "`matrix`": "for example `matrix: {color: [teal, ivory]}`",
    "`chain`": "for example `chain: {beat: [full, half empty, empty]}`",
}
_MARKS = ("{{", "{%", "{#")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
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
_MEANT: Mapping[str, tuple[str, ...]] = {
    "prompt": ("generate", "edit"),
    **dict.fromkeys(("ratio", "aspect"), ("aspect_ratio",)),
    **dict.fromkeys(("size", "quality"), ("resolution",)),
    **dict.fromkeys(("count", "n", "takes", "variants"), ("samples",)),
    **dict.fromkeys(("image", "input", "pictures", "source", "reference", "references"), ("images",)),
    **dict.fromkeys(("for_each", "foreach", "for"), ("each",)),
    "axes": ("matrix",),
    "variables": ("vars",),
    **dict.fromkeys(("if", "condition"), ("when",)),
    **dict.fromkeys(("ops", "operations"), ("transform",)),
    **dict.fromkeys(("file", "path", "out"), ("output",)),
}
"""What is called otherwise elsewhere."""


def meant(key: str, known: Iterable[str]) -> list[str]:
    """Which of *known* an unknown *key* probably means: by what it is called elsewhere, else by how it is written."""
    words = tuple(known)
    called = [word for word in _MEANT.get(key.casefold().replace("-", "_"), ()) if word in words]
    near = nearest(key, words)
    return called or ([near] if near else [])


def is_template(text: str) -> bool:
    """Whether *text* has anything to render."""
    return any(mark in text for mark in _MARKS)


def names_file(value: Value) -> bool:
    """Whether *value* is the name of a file: no template, since it is read before anything is rendered."""
    return isinstance(value.data, str) and bool(value.data.strip()) and not is_template(value.data)


class Entries:
    """Reads values and collects in `errors` what is wrong with them."""

    def __init__(self, errors: list[RecipeError]) -> None:
        self.errors = errors

    def mapping(self, value: Value, what: str, allowed: Iterable[str] | None) -> Mapping[str, Value] | None:
        """The entries of *value*, those with unknown keys left out and complained about."""
        if value.style == "broken":
            return None
        if not isinstance(value.data, dict):
            hint = _spaced(value) or _EXAMPLES.get(what) or _example_of(what)
            self.wrong(f"{what} is a mapping of `key: value`, not {kind_of(value)}", value, hint=hint)
            return None
        if allowed is None:
            return value.data
        known = tuple(allowed)
        for key in value.data:
            if key not in known:
                self.errors.append(_unknown_key(key, value.keys[key], what, known))
        return {key: inner for key, inner in value.data.items() if key in known}

    def text(self, value: Value | None, key: str, *, cut: bool = False) -> Text | None:
        """The text in *value*. With *cut*, a comment behind it is a mistake: it may be lost text."""
        if value is None or value.style == "broken":
            return None
        if cut:
            refuse_cuts(value, f"`{key}`", self.errors)
        if isinstance(value.data, str):
            return value.text
        if isinstance(value.data, list | dict):
            self.wrong(f"`{key}` is one text, not {kind_of(value)}", value, hint=_one_text(value))
        elif value.data is not None:
            hint = f"quote it: {_line(value, quoted(value.raw))}"
            self.wrong(f"`{key}` is a text, not {kind_of(value)}", value, hint=hint)
        elif not value.cut or not cut:
            self.wrong(f"`{key}` is empty", value, hint="write its text, or leave the key out")
        return None

    def file(self, value: Value | None, key: str, example: str) -> Text | None:
        text = self.text(value, key, cut=True)
        if text is None or value is None or names_file(value):
            return text
        what = "is no template: the file is read before anything is rendered" if text.value.strip() else "is empty"
        self.errors.append(RecipeError(f"`{key}` {what}", at=text.at, hint=example))
        return None

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

    def wrong(self, message: str, value: Value, *, hint: str | None) -> None:
        self.errors.append(RecipeError(message, at=value.at, hint=hint))


def _unknown_key(key: str, at: Location, what: str, known: tuple[str, ...]) -> RecipeError:
    lower = key.casefold().replace("-", "_")
    elsewhere = _ELSEWHERE.get(_ALIASES.get(lower, lower))
    if elsewhere:
        return RecipeError(f"`{key}` never stands in a recipe", at=at, hint=elsewhere)
    places = (
        (STEP, "in a step"),
        (EXPECT, "in `expect`"),
        (DEFAULTS, "in `defaults`"),
        (TOP, "at the top of the recipe"),
    )
    right = [place for keys, place in places if key in keys and keys is not known]
    hint = f"it belongs {' or '.join(right)}" if right else _did_you_mean(key, known)
    if " " in key and at.source[: at.column - 1].rstrip().endswith(","):
        hint = "a text that has a comma needs quotes, in braces: quote it if this is the rest of one"
    return RecipeError(f"unknown key `{key}` in {what}", at=at, hint=hint)


def _did_you_mean(key: str, known: tuple[str, ...]) -> str:
    words = meant(key, known)
    if words and words != [nearest(key, known)]:
        return f"did you mean {' or '.join(f'`{word}`' for word in words)}?"
    return suggestion(key, known, kind="allowed here", most=MAX_LISTED if words else len(known))


def kind_of(value: Value) -> str:
    """What *value* is, in words."""
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


def _example_of(what: str) -> str:
    """For the hint about something with a name: a step, or a profile."""
    return f"for example `{{{'resolution: 1K' if what.startswith('profile') else 'generate: A white cat on a sofa'}}}`"


def _one_text(value: Value) -> str:
    """What to do about a list or a mapping where a text should be."""
    if value.at.source[value.at.column - 1 : value.at.column] in ("[", "{"):
        return "quote a text that has brackets"
    asks = value.at.source[value.at.column - 1 :].startswith("? ")
    mark = "`? `" if asks else "`: `" if isinstance(value.data, dict) else "`- `"
    return f"{mark} makes {kind_of(value)} of it: quote the text, or begin it with `|` on the line above"


def _spaced(value: Value) -> str | None:
    """What to do about `key:value`, which is one text for YAML."""
    found = re.match(r"([\w-]+):(?=\S)", value.data) if isinstance(value.data, str) else None
    return f"a space stands behind the `:`, as in `{found.group(1)}: …`" if found else None

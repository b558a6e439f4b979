"""Settings: what a step, the defaults and a profile may say of how pictures are made, and every mistake in it.

Unaware of which of the three says it, and of what templates render to.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from banana_pipe.errors import Location, RecipeError
from banana_pipe.model import Json, Text
from banana_pipe.recipe.entries import Entries, is_template
from banana_pipe.recipe.expectations import EXPECT, checked
from banana_pipe.recipe.words import quoted, shortened
from banana_pipe.recipe.yaml import Value

REQUEST_FIELDS = frozenset(
    ["action", "prompt", "model", "image_urls", "aspect_ratio", "resolution", "count", "async", "callback_url"]
)
"""Fields of the API that `extra` must not set: they have a key of their own, or are ours to set."""
_INSTEAD: Mapping[str, str] = {
    "prompt": "the prompt stands behind `generate:` or `edit:`",
    "action": "the step's verb says it: `generate:` or `edit:`",
    "image_urls": "pictures stand in `images`",
    "count": "`samples: N` makes several, each a request of its own",
    **{name: f"it has a key of its own: `{name}`" for name in ("model", "aspect_ratio", "resolution")},
}
MAX_SAMPLES = 100
MAX_TIMEOUT = 86_400.0
PROVIDERS = ("acedata", "sandbox")
_ODD_NUMBER = re.compile(r"[+-]?[0-9][0-9a-zA-Z_.+]*\Z")
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?\Z")
_RATIO = re.compile(r"(?:0*[1-9][0-9]{0,4}:0*[1-9][0-9]{0,4}|auto)\Z")
_SIDES = re.compile(r"([1-9][0-9]{0,4})\s*(?:[x×*/:;,_-]|to|by)\s*([1-9][0-9]{0,4})\Z", re.IGNORECASE)


def check_ratio(written: str, at: Location) -> None:
    """Raise RecipeError where *written* is no ratio at all. Which ones a model knows is asked elsewhere.

    `auto` is a word of other APIs for these models: theirs to refuse.
    """
    if _RATIO.match(written):
        return
    sides = _SIDES.match(written)
    meant = f"{sides[1]}:{sides[2]}" if sides else {"square": "1:1"}.get(written.casefold())
    hint = f"did you mean `{meant}`?" if meant else "for example `aspect_ratio: 16:9`"
    message = f"`aspect_ratio` is width to height, as in `16:9`, not {quoted(shortened(written, 40))}"
    raise RecipeError(message, at=at, hint=hint)


def check_fixed_ratio(settings: Mapping[str, Text | Json]) -> None:
    """Raise RecipeError where the ratio in *settings* is none, as far as that is known before anything is rendered."""
    ratio = settings.get("aspect_ratio")
    if isinstance(ratio, Text) and not is_template(ratio.value):
        check_ratio(ratio.value.strip(), ratio.at)


class Settings(Entries):
    """Reads settings."""

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

    def check_ratio(self, found: Mapping[str, Text | Json]) -> None:
        """Complain about the ratio in *found* where it is none: what no step has nobody renders."""
        try:
            check_fixed_ratio(found)
        except RecipeError as error:
            self.errors.append(error)

    def count(self, value: Value | None, key: str, most: int) -> int | None:
        if value is None or value.style == "broken":
            return None
        if type(value.data) is int and 1 <= value.data <= most:
            return value.data
        quotes = ", without quotes" if value.style == "quoted" else ""
        odd = type(value.data) is str and not quotes and _ODD_NUMBER.match(value.raw)
        digits = ", without a leading `0`, `+`, `_` or point" if odd else ""
        message = f"`{key}` is a whole number from 1 to {most}{_instead(value)}"
        self.wrong(message, value, hint=f"for example `{key}: 2`{quotes}{digits}")
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

    def check_expect(self, value: Value) -> None:
        """Complain about what *value* expects, templates left out: nobody renders what is broken elsewhere."""
        for key, inner in value.data.items() if isinstance(value.data, dict) else ():
            if key in EXPECT and inner.style != "broken" and not is_template(str(inner.data)):
                try:
                    checked(key, inner.data, inner.at)
                except RecipeError as error:
                    self.errors.append(error)

    def seconds(self, value: Value | None) -> float | None:
        if value is None or value.style == "broken":
            return None
        written = str(value.data) if type(value.data) in (int, str) else ""
        number = float(written) if _SECONDS.match(written) else math.nan
        if 0 < number <= MAX_TIMEOUT:
            return number
        message = f"`timeout` is a number of seconds, more than 0 and at most a day{_instead(value)}"
        self.wrong(message, value, hint="for example `timeout: 600`")
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


def _instead(value: Value) -> str:
    """What stands there, for the end of a message; nothing where nothing does."""
    if not value.raw:
        return ""
    return f", not {quoted(value.raw) if value.style == 'quoted' else f'`{shortened(value.raw, 40)}`'}"

"""What a parameter of an op may be: each kind reads a value into one canonical form.

Unaware of ops, of pictures and of where a value stands in a recipe.

A number may come as text, since tables have nothing else; one quantity has one canonical form, so
that one picture has one key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from banana_pipe.model import Json

MAX_SIDE = 16_384
"""Pixels of a side, wherever a recipe names some: WebP ends at 16,383, and 4K is 4,096."""
MAX_PERCENT = 1_000

GRAVITIES: Mapping[str, tuple[int, int]] = {
    "center": (1, 1),
    "top": (1, 0),
    "bottom": (1, 2),
    "left": (0, 1),
    "right": (2, 1),
    "top-left": (0, 0),
    "top-right": (2, 0),
    "bottom-left": (0, 2),
    "bottom-right": (2, 2),
}
"""How many halves of the room that is left stand to the left of and above a thing."""

COLOURS: Mapping[str, str] = {
    "transparent": "#00000000",
    "black": "#000000",
    "white": "#ffffff",
    "gray": "#808080",
    "red": "#ff0000",
    "lime": "#00ff00",
    "green": "#008000",
    "blue": "#0000ff",
    "yellow": "#ffff00",
    "cyan": "#00ffff",
    "magenta": "#ff00ff",
    "orange": "#ffa500",
}
"""Colours by their names in CSS; there `green` is a dark one, and that of green screens is `lime`."""

_UNSEEN = "\n\u00a0\u202f\u200c\u200d"
"""What a text may have that is not seen: a line's end, spaces that hold together (French), joiners (Persian, Hindi)."""
_WHOLE = re.compile(r"[0-9]{1,9}\Z")
_PERCENT = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,3}))?\s*%\Z")
_HEX = re.compile(r"#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})\Z")
_RATIO = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,3})?)\s*:\s*([0-9]{1,4}(?:\.[0-9]{1,3})?)\Z")


class Kind(Protocol):
    """What a value may be. `words` say it in a message, `schema` in JSON Schema."""

    @property
    def words(self) -> str: ...

    @property
    def schema(self) -> Mapping[str, Json]: ...

    def read(self, value: Json) -> Json:
        """The canonical form of *value*. Raises ValueError for one that is not of this kind."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    low: int
    high: int

    @property
    def words(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    @property
    def schema(self) -> Mapping[str, Json]:
        return {"anyOf": [{"type": "integer", "minimum": self.low, "maximum": self.high}, _DIGITS_SCHEMA]}

    def read(self, value: Json) -> int:
        number = _whole(value)
        if number is None or not self.low <= number <= self.high:
            raise ValueError(value)
        return number


@dataclass(frozen=True, slots=True)
class Length:
    """Pixels, or a percentage of something."""

    low: int = 1

    @property
    def words(self) -> str:
        return f"pixels, {self.low} to {MAX_SIDE}, or a percentage up to {MAX_PERCENT}%"

    @property
    def schema(self) -> Mapping[str, Json]:
        return {"anyOf": [Whole(self.low, MAX_SIDE).schema, _PERCENT_SCHEMA]}

    def read(self, value: Json) -> int | str:
        number = _whole(value)
        if number is None:
            percent = _percent(value)
            if (self.low and not share(percent)) or share(percent) * 100 > MAX_PERCENT:
                raise ValueError(value)
            return percent
        return Whole(self.low, MAX_SIDE).read(number)


@dataclass(frozen=True, slots=True)
class Percent:
    """A part of a whole, from 0 (or a little above it) to 100 percent. `30` is `30%`."""

    above_zero: bool = False
    most: int = 100

    @property
    def words(self) -> str:
        return f"a percentage from {'above 0%' if self.above_zero else '0%'} to {self.most}%"

    @property
    def schema(self) -> Mapping[str, Json]:
        return {"anyOf": [Whole(int(self.above_zero), self.most).schema, _PERCENT_SCHEMA]}

    def read(self, value: Json) -> str:
        number = _whole(value)
        percent = f"{number}%" if number is not None else _percent(value)
        if not (self.above_zero * Fraction(1, 1000) <= share(percent) * 100 <= self.most):
            raise ValueError(value)
        return percent


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    options: tuple[str, ...]

    @property
    def words(self) -> str:
        return f"one of {', '.join(self.options)}"

    @property
    def schema(self) -> Mapping[str, Json]:
        return {"enum": list(self.options)}

    def read(self, value: Json) -> str:
        if value not in self.options:
            raise ValueError(value)
        return str(value)


GRAVITY = Choice(tuple(GRAVITIES))


@dataclass(frozen=True, slots=True)
class Colour:
    """`#rgb`, `#rgba`, `#rrggbb`, `#rrggbbaa` or one of a few names."""

    @property
    def words(self) -> str:
        return 'a colour such as "#ff8800" (in quotes), "#ff880080" or white'

    @property
    def schema(self) -> Mapping[str, Json]:
        return {"type": "string", "pattern": r"^\s*(#[0-9A-Fa-f]{3,8}|[A-Za-z]+)\s*$"}

    def read(self, value: Json) -> str:
        text = value.strip().lower() if isinstance(value, str) else ""
        text = COLOURS.get(text, text)
        if not _HEX.match(text):
            raise ValueError(value)
        whole = text if len(text) > 5 else "#" + "".join(2 * digit for digit in text[1:])
        return whole[:7] if whole.endswith("ff") and len(whole) == 9 else whole


@dataclass(frozen=True, slots=True)
class Colours:
    """A list of colours, each once; none is transparent."""

    most: int = 256

    @property
    def words(self) -> str:
        return f'a list of 1 to {self.most} different colours, such as ["#1a1c2c", white]'

    @property
    def schema(self) -> Mapping[str, Json]:
        return {"type": "array", "items": Colour().schema, "minItems": 1, "maxItems": self.most}

    def read(self, value: Json) -> list[str]:
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            raise ValueError(value)
        found = [Colour().read(one) for one in value]
        if len(set(found)) < len(found) or any(len(one) > 7 for one in found):
            raise ValueError(value)
        return found


@dataclass(frozen=True, slots=True)
class Sides:
    """Lengths of squares, each once; from the smallest to the largest."""

    low: int
    high: int
    most: int = 32

    @property
    def words(self) -> str:
        return f"a list of 1 to {self.most} lengths, each from {self.low} to {self.high} pixels"

    @property
    def schema(self) -> Mapping[str, Json]:
        each = Whole(self.low, self.high).schema
        return {"type": "array", "items": each, "minItems": 1, "maxItems": self.most}

    def read(self, value: Json) -> list[int]:
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            raise ValueError(value)
        return sorted({Whole(self.low, self.high).read(one) for one in value})


@dataclass(frozen=True, slots=True)
class Names:
    """Names of pictures, each once, in their order."""

    most: int = 10_000
    longest: int = 200

    @property
    def words(self) -> str:
        return f"a list of different names of at most {self.longest} letters, such as [walk-1, walk-2]"

    @property
    def schema(self) -> Mapping[str, Json]:
        name = {"type": "string", "minLength": 1, "maxLength": self.longest}
        return {"type": "array", "items": name, "minItems": 1, "maxItems": self.most}

    def read(self, value: Json) -> list[str]:
        if not isinstance(value, list) or not 1 <= len(value) <= self.most or len(set(map(str, value))) < len(value):
            raise ValueError(value)
        if not all(isinstance(one, str) and 0 < len(one) <= self.longest and one.isprintable() for one in value):
            raise ValueError(value)
        return list(value)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Width to height."""

    @property
    def words(self) -> str:
        return "width:height, as in 16:9"

    @property
    def schema(self) -> Mapping[str, Json]:
        return {"type": "string", "pattern": r"^\s*[0-9.]+\s*:\s*[0-9.]+\s*$"}

    def read(self, value: Json) -> str:
        found = _RATIO.match(value.strip()) if isinstance(value, str) else None
        if found is None or not all(map(float, found.groups())):
            raise ValueError(value)
        return f"{found[1]}:{found[2]}"


@dataclass(frozen=True, slots=True)
class Box:
    """Left, top, width, height: each in pixels or as a percentage of the picture's own side."""

    @property
    def words(self) -> str:
        return "a list [left, top, width, height], each in pixels or percent"

    @property
    def schema(self) -> Mapping[str, Json]:
        edge, side = Length(0).schema, Length().schema
        return {"type": "array", "prefixItems": [edge, edge, side, side], "minItems": 4, "maxItems": 4}

    def read(self, value: Json) -> list[int | str]:
        if not isinstance(value, list) or len(value) != 4:
            raise ValueError(value)
        return [Length(low).read(one) for low, one in zip((0, 0, 1, 1), value, strict=True)]


class _Named:
    """What a recipe names, as it is written there."""

    __slots__ = ()

    @property
    def schema(self) -> Mapping[str, Json]:
        return {"type": "string"}

    def read(self, value: Json) -> str:
        if not isinstance(value, str) or not value.strip():
            raise ValueError(value)
        return value


@dataclass(frozen=True, slots=True)
class Picture(_Named):
    """A reference to one other picture. Whoever knows references reads it; its bytes stand in the key."""

    @property
    def words(self) -> str:
        return "one picture: a step or a file, as in `images`"


@dataclass(frozen=True, slots=True)
class FontFile(_Named):
    """A font: a file beside the recipe, never a step. Its bytes stand in the key; when it is used they are the value."""

    @property
    def words(self) -> str:
        return "a font file, from the recipe's folder"


@dataclass(frozen=True, slots=True)
class Words:
    """A text that is drawn; a number has to be quoted, as everywhere where text is wanted."""

    longest: int = 2_000

    @property
    def words(self) -> str:
        return f"a text of at most {self.longest:,} letters"

    @property
    def schema(self) -> Mapping[str, Json]:
        return {"type": "string", "minLength": 1}

    def read(self, value: Json) -> str:
        text = value.strip() if isinstance(value, str) else ""
        if not 0 < len(text) <= self.longest or not all(one.isprintable() or one in _UNSEEN for one in text):
            raise ValueError(value)
        return text


def share(percent: str) -> Fraction:
    """`12.5%` as a part of one."""
    return Fraction(percent.removesuffix("%")) / 100


def pixels(length: int | str, whole: int) -> int:
    """A length in pixels; a percentage is of *whole*, rounded to the nearest pixel."""
    return length if isinstance(length, int) else int(share(length) * whole + Fraction(1, 2))


def proportion(ratio: str) -> Fraction:
    """`16:9` as width over height."""
    width, height = ratio.split(":")
    return Fraction(width) / Fraction(height)


def rgba(colour: str) -> tuple[int, int, int, int]:
    """A canonical colour as red, green, blue and alpha, 0 to 255."""
    red, green, blue, alpha = bytes.fromhex(colour[1:] if len(colour) == 9 else colour[1:] + "ff")
    return red, green, blue, alpha


_PERCENT_SCHEMA: Mapping[str, Json] = {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$"}
_DIGITS_SCHEMA: Mapping[str, Json] = {"type": "string", "pattern": r"^\s*[0-9]+\s*$"}


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and _WHOLE.match(value):
        return int(value)
    return value if type(value) is int else None


def _percent(value: Json) -> str:
    found = _PERCENT.match(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(value)
    digits = (found[2] or "").rstrip("0")
    return f"{int(found[1])}{'.' + digits if digits else ''}%"

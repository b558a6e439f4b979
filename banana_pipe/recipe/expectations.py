"""What a step may expect of its pictures: which words there are, and what each of them may be.

Unaware of templates and of pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from banana_pipe.errors import Location, RecipeError
from banana_pipe.model import Json
from banana_pipe.recipe import keys
from banana_pipe.recipe.words import quoted, shortened

EXPECT = keys.names(keys.EXPECT)
FORMATS = ("png", "jpeg", "webp", "avif")

_RATIO = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,4})?):([0-9]{1,5}(?:\.[0-9]{1,4})?)\Z")


def checked(name: str, value: Json, at: Location) -> Json:
    """*value*, rendered, that stands at *at*, if it is one that `expect` takes for *name*. Raises RecipeError."""
    wanted, hint, fits = _CHECKS[name]
    if fits(value):
        return value
    instead = f", not {quoted(shortened(value))}" if isinstance(value, str) else ""
    raise RecipeError(f"`{name}` is {wanted}{instead}", at=at, hint=hint)


def _is_count(value: Json) -> bool:
    return type(value) is int and value >= 1


def _is_ratio(value: Json) -> bool:
    found = _RATIO.match(value) if isinstance(value, str) else None
    return found is not None and float(found[1]) > 0 and float(found[2]) > 0


def _is_format(value: Json) -> bool:
    return value in FORMATS if isinstance(value, str) else False


def _is_choice(value: Json) -> bool:
    return isinstance(value, bool)


_PIXELS = "a whole number of pixels, 1 or more"
_CHECKS: Mapping[str, tuple[str, str, Callable[[Json], bool]]] = {
    "min_width": (_PIXELS, "for example `min_width: 1024`, without quotes", _is_count),
    "min_height": (_PIXELS, "for example `min_height: 1024`, without quotes", _is_count),
    "aspect_ratio": ("width to height, as in `16:9`", "for example `aspect_ratio: 16:9`", _is_ratio),
    "format": (f"one of {', '.join(FORMATS)}", "for example `format: png`", _is_format),
    "alpha": (
        "`true` (some pixel is transparent) or `false` (none is)",
        "for example `alpha: true`, without quotes",
        _is_choice,
    ),
    "max_bytes": (
        "a whole number of bytes, 1 or more",
        "for example `max_bytes: 2000000`, without quotes and units",
        _is_count,
    ),
}

"""text: words on the picture, in a font that lies beside the recipe.

Unaware of what the words say. A font is a file like a picture: its bytes are in the key.
"""

from __future__ import annotations

from fractions import Fraction

from banana_pipe.transforms.base import Param, Params, Transform, TransformFailed, each
from banana_pipe.transforms.fonts import Letters, NotAFont, breaks, drawn, lines_of, opened, refuse_what_it_lacks
from banana_pipe.transforms.kinds import (
    GRAVITIES,
    GRAVITY,
    Choice,
    Colour,
    FontFile,
    Length,
    Percent,
    Words,
    pixels,
    rgba,
    share,
)
from banana_pipe.transforms.pixels import Frame, lay, placed

_LARGEST = 4_096
"""Pixels of a letter: it is drawn as a picture of its own before it stands on this one."""
_ALIGN = {"left": 0, "center": 1, "right": 2}


def _written(frame: Frame, params: Params) -> Frame:
    try:
        return _lettered(frame, params)
    except NotAFont as error:
        raise TransformFailed(f"text: {error.message}", hint=error.hint) from error
    except breaks() as error:  # on broken letters FreeType says so when they are drawn
        raise TransformFailed(f"text: this font cannot be used: {error}", hint="bring back the file") from error


def _lettered(frame: Frame, params: Params) -> Frame:
    size = max(1, pixels(params["size"], min(frame.size)))
    outline = pixels(params["outline"], size)
    margin = pixels(params["margin"], max(frame.size)) + outline
    room = (frame.size[0] - 2 * margin, frame.size[1] - 2 * margin)
    if size > min(room[1], _LARGEST):
        there = f"there is room for {max(0, room[0])} × {max(0, room[1])}, and letters have at most {_LARGEST}"
        raise NotAFont(
            f"letters of {size} pixels are too large: {there}", hint="a smaller `size`, `margin` or `outline` may do"
        )
    letters = opened(params["font"], size, params["text"])
    refuse_what_it_lacks(letters, params["text"])
    lines = lines_of(letters, params["text"], min(pixels(params.get("width", "100%"), frame.size[0]), room[0]))
    step = int(share(params["line_height"]) * size + Fraction(1, 2))
    above, below = letters.height
    block = (max(_whole(letters, line) for line in lines), above + below + step * (len(lines) - 1))
    if block[1] > room[1] or block[0] > room[0]:
        there = f"there is room for {max(0, room[0])} × {max(0, room[1])}"
        lines_are = "its line is" if len(lines) == 1 else f"its {len(lines)} lines are"
        raise NotAFont(
            f"{lines_are} {block[0]} × {block[1]} pixels, and {there}",
            hint="a smaller `size` or `margin` may do",
        )
    left, top = placed(params["position"], frame.size, block)
    across, down = GRAVITIES[params["position"]]
    left, top = left + margin * (1 - across), top + margin * (1 - down)
    standing = [
        (
            line,
            (left + (block[0] - letters.length(line)) * _ALIGN[params["align"]] / 2, float(top + above + step * place)),
        )
        for place, line in enumerate(lines)
    ]
    layer = drawn(letters, standing, frame.size, rgba(params["color"]), (outline, rgba(params["outline_color"])))
    ground = frame.image.copy()
    lay(ground, layer, (0, 0))
    return frame.showing(ground)


def _whole(letters: Letters, line: str) -> int:
    return int(-(-letters.length(line) // 1))


TEXT = Transform(
    name="text",
    version=1,
    about="Words on the picture, broken into lines where they have to be.",
    params=(
        Param("text", Words(), "The words; a new line begins where one is written.", "Summer sale", required=True),
        Param("font", FontFile(), "A TTF or OTF file, from the recipe's folder.", "fonts/Inter.ttf", required=True),
        Param("size", Length(), "Of the letters: pixels, or percent of the shorter side.", "6%", default="8%"),
        Param("color", Colour(), "Of the letters.", "black", default="#ffffff"),
        Param("position", GRAVITY, "Where the words stand.", "top", default="bottom"),
        Param("margin", Length(0), "How far off the edges: pixels, or percent of the longer side.", "3%", default="4%"),
        Param(
            "width",
            Length(),
            "How wide lines may be: pixels, or percent of the picture; else up to the margins.",
            "60%",
        ),
        Param(
            "align",
            Choice(tuple(_ALIGN)),
            "How lines of different lengths stand to each other.",
            "left",
            default="center",
        ),
        Param(
            "line_height",
            Percent(above_zero=True, most=400),
            "From line to line, in percent of the size.",
            "140%",
            default="120%",
        ),
        Param("outline", Length(0), "A line around the letters: pixels, or percent of their size.", "6%", default=0),
        Param("outline_color", Colour(), "Its colour.", "white", default="#000000"),
    ),
    run=each(_written),
)

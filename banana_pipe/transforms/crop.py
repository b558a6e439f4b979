"""crop: a part of the picture, by its ratio or by a box.

Unaware of what is in the picture.
"""

from __future__ import annotations

from fractions import Fraction

from banana_pipe.transforms.base import BadParams, Param, Params, Transform, TransformFailed, each
from banana_pipe.transforms.kinds import GRAVITY, Box, Ratio, pixels, proportion
from banana_pipe.transforms.pixels import Frame, placed


def _check(params: Params) -> None:
    if ("ratio" in params) == ("box" in params):
        hint = "`crop: {ratio: 16:9, gravity: top}` or `crop: {box: [10%, 10%, 80%, 80%]}`"
        raise BadParams("`crop` needs either `ratio` or `box`", hint)


def _cropped(frame: Frame, params: Params) -> Frame:
    width, height = frame.size
    if "ratio" in params:
        ratio = proportion(params["ratio"])
        part = (
            min(width, max(1, int(height * ratio + Fraction(1, 2)))),
            min(height, max(1, int(width / ratio + Fraction(1, 2)))),
        )
        left, top = placed(params["gravity"], frame.size, part)
    else:
        left, top, *part_of = [
            pixels(length, whole) for length, whole in zip(params["box"], 2 * (width, height), strict=True)
        ]
        part = (max(1, part_of[0]), max(1, part_of[1]))
        if left + part[0] > width or top + part[1] > height:
            raise TransformFailed(
                f"crop: the box {part[0]} × {part[1]} at {left}, {top} juts out of the picture, which has {width} × {height}",
                hint="percentages, as in [10%, 0, 80%, 100%], fit pictures of any size",
            )
    return frame.showing(frame.image.crop((left, top, left + part[0], top + part[1])))


CROP = Transform(
    name="crop",
    version=1,
    about="A part of the picture: the largest of a ratio, or a box.",
    params=(
        Param("ratio", Ratio(), "Width to height of what stays: as much as there is of it.", "16:9"),
        Param("gravity", GRAVITY, "Which part stays, of a `ratio`.", "top", default="center"),
        Param("box", Box(), "Left, top, width, height, in pixels or percent.", ["10%", "0", "80%", "100%"]),
    ),
    run=each(_cropped),
    check=_check,
)

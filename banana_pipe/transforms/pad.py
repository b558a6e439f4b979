"""pad: room around the picture, on every side, on some, or up to a ratio.

Unaware of what is in the picture.
"""

from __future__ import annotations

from fractions import Fraction

from banana_pipe.transforms.base import BadParams, Param, Params, Transform, bounded, each
from banana_pipe.transforms.kinds import GRAVITY, Colour, Length, Ratio, pixels, proportion
from banana_pipe.transforms.pixels import Frame, laid_on, placed

_SIDES = ("left", "top", "right", "bottom")


def _check(params: Params) -> None:
    if not {"by", "ratio", *_SIDES} & set(params):
        hint = "for example `pad: {by: 5%}`, `pad: {top: 100}` or `pad: {ratio: 1:1}`"
        raise BadParams("`pad` does not say how much", hint)


def _padded(frame: Frame, params: Params) -> Frame:
    longer = max(frame.size)
    left, top, right, bottom = (pixels(params.get(side, params.get("by", 0)), longer) for side in _SIDES)
    width, height = frame.size[0] + left + right, frame.size[1] + top + bottom
    size = bounded("pad", width, height)
    if "ratio" in params:
        ratio = proportion(params["ratio"])
        size = bounded(
            "pad", max(width, int(height * ratio + Fraction(1, 2))), max(height, int(width / ratio + Fraction(1, 2)))
        )
    across, down = placed(params["gravity"], size, (width, height))
    return frame.showing(laid_on(frame.image, size, (across + left, down + top), params["background"]))


PAD = Transform(
    name="pad",
    version=1,
    about="Room around the picture.",
    params=(
        Param("by", Length(0), "On every side: pixels, or percent of the longer side.", "5%"),
        *(Param(side, Length(0), f"At the {side}, instead of `by`.", 40) for side in _SIDES),
        Param("ratio", Ratio(), "Then so much more that the result has this width to height.", "1:1"),
        Param("gravity", GRAVITY, "Where the picture stands within the room for `ratio`.", "bottom", default="center"),
        Param("background", Colour(), "What is around it.", "white", default="#00000000"),
    ),
    run=each(_padded),
    check=_check,
)

"""resize: another size, within bounds, filling them, or filled up.

Unaware of what the size is for.
"""

from __future__ import annotations

from fractions import Fraction

from banana_pipe.transforms.base import BadParams, Param, Params, Transform, bounded, each, refuse_large
from banana_pipe.transforms.kinds import GRAVITY, Choice, Colour, Length, pixels
from banana_pipe.transforms.pixels import Frame, laid_on, placed, scaled


def _check(params: Params) -> None:
    if "width" not in params and "height" not in params:
        raise BadParams("`resize` needs a size", "for example `resize: {width: 320}` or `resize: {width: 50%}`")
    if params["mode"] != "fit" and not ("width" in params and "height" in params):
        mode = params["mode"]
        raise BadParams(
            f"`mode: {mode}` needs `width` and `height`", f"`resize: {{width: 320, height: 320, mode: {mode}}}`"
        )
    refuse_large(params)


def _resized(frame: Frame, params: Params) -> Frame:
    own = frame.size
    width = pixels(params["width"], own[0]) if "width" in params else None
    height = pixels(params["height"], own[1]) if "height" in params else None
    factors = [Fraction(wanted, had) for wanted, had in ((width, own[0]), (height, own[1])) if wanted is not None]
    factor = max(factors) if params["mode"] == "fill" else min(factors)
    size = bounded("resize", *(int(side * factor + Fraction(1, 2)) for side in own))
    image = scaled(frame.image, size)
    if params["mode"] == "fit" or width is None or height is None:
        return frame.showing(image)
    target = bounded("resize", width, height)
    if params["mode"] == "fill":
        left, top = placed(params["gravity"], size, target)
        return frame.showing(image.crop((left, top, left + target[0], top + target[1])))
    place = placed(params["gravity"], target, size)
    return frame.showing(laid_on(image, target, place, params["background"]))


RESIZE = Transform(
    name="resize",
    version=1,
    about="Another size; the proportions are kept.",
    params=(
        Param("width", Length(), "Width in pixels, or as a percentage of the picture's own.", 320),
        Param("height", Length(), "Height in pixels, or as a percentage of the picture's own.", "50%"),
        Param(
            "mode",
            Choice(("fit", "fill", "pad")),
            "fit: within width and height; fill: all of them, cut off; pad: all of them, with a background around.",
            "fill",
            default="fit",
        ),
        Param("gravity", GRAVITY, "What stays at `fill`, where the picture stands at `pad`.", "top", default="center"),
        Param("background", Colour(), "What is around it at `pad`.", "white", default="#00000000"),
    ),
    run=each(_resized),
    check=_check,
)

"""rotate: the picture turned clockwise, by quarters without any loss, by other angles on a background.

Unaware of which way is up.
"""

from __future__ import annotations

from math import ceil, cos, radians, sin

from banana_pipe.transforms.base import Param, Params, Transform, bounded, each
from banana_pipe.transforms.kinds import Colour, Whole
from banana_pipe.transforms.outlines import quarters, turned
from banana_pipe.transforms.pixels import Frame, laid_on


def _rotated(frame: Frame, params: Params) -> Frame:
    degrees = params["degrees"]
    if degrees % 90 == 0:
        return frame.showing(quarters(frame.image, degrees // 90))
    width, height = frame.size
    across, down = abs(cos(radians(degrees))), abs(sin(radians(degrees)))
    bounded("rotate", ceil(width * across + height * down), ceil(width * down + height * across))
    image = turned(frame.image, degrees)
    return frame.showing(laid_on(image, image.size, (0, 0), params["background"]))


ROTATE = Transform(
    name="rotate",
    version=1,
    about="Turned clockwise; by 90, 180 and 270 degrees nothing is lost.",
    params=(
        Param("degrees", Whole(1, 359), "How far, clockwise: 270 is a quarter to the left.", 90, required=True),
        Param("background", Colour(), "What is in the corners.", "white", default="#00000000"),
    ),
    run=each(_rotated),
)

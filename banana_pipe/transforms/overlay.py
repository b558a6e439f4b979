"""overlay: another picture on top, such as a logo.

Unaware of which picture it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from banana_pipe.transforms.base import Param, Params, Transform, bounded
from banana_pipe.transforms.kinds import GRAVITIES, GRAVITY, Length, Percent, Picture, pixels, share
from banana_pipe.transforms.pixels import Frame, lay, placed, scaled


def _overlaid(frames: Iterable[Frame], params: Params, others: Sequence[Frame]) -> Iterator[Frame]:
    (logo,) = others
    return (_with_logo(frame, logo, params) for frame in frames)


def _with_logo(frame: Frame, logo: Frame, params: Params) -> Frame:
    image = logo.image
    if "size" in params:
        factor = share(params["size"]) * frame.size[0] / image.width
        image = scaled(image, bounded("overlay", *(int(side * factor + Fraction(1, 2)) for side in image.size)))
    if params["opacity"] != "100%":
        image = image.convert("RGBA")
        opacity = share(params["opacity"])
        image.putalpha(image.getchannel("A").point([int(value * opacity + Fraction(1, 2)) for value in range(256)]))
    ground = frame.image.copy()
    lay(ground, image, _place(frame, image.size, params))
    return frame.showing(ground)


def _place(frame: Frame, size: tuple[int, int], params: Params) -> tuple[int, int]:
    """Where it stands: the margin keeps it off those edges that it is put to."""
    margin = pixels(params["margin"], max(frame.size))
    left, top = placed(params["position"], frame.size, size)
    across, down = GRAVITIES[params["position"]]
    return left + margin * (1 - across), top + margin * (1 - down)


OVERLAY = Transform(
    name="overlay",
    version=1,
    about="Another picture on top; it is seen through where it is transparent.",
    params=(
        Param("picture", Picture(), "The other picture: a step or a file.", "logo.png", required=True),
        Param("position", GRAVITY, "Where it stands.", "bottom-right", default="center"),
        Param("size", Percent(above_zero=True), "Its width, in percent of the picture's; without it its own.", "20%"),
        Param("opacity", Percent(), "How much it covers what is below.", "60%", default="100%"),
        Param("margin", Length(0), "How far off the edges: pixels, or percent of the longer side.", "3%", default=0),
    ),
    run=_overlaid,
)

"""trim: the border goes, as far as it has one colour or is transparent.

Unaware of what is in the middle.
"""

from __future__ import annotations

from banana_pipe.transforms.base import Param, Params, Transform, TransformFailed, each
from banana_pipe.transforms.kinds import Colour, Length, Percent, pixels, share
from banana_pipe.transforms.pixels import Frame, distance


def _trimmed(frame: Frame, params: Params) -> Frame:
    image = frame.image
    limit = int(share(params["tolerance"]) * 255)
    corner = image.getpixel((0, 0))
    if not isinstance(corner, tuple):
        raise AssertionError("frames are RGB or RGBA")
    if "color" not in params and len(corner) == 4 and corner[3] <= limit:
        content = image.getchannel("A")
    else:
        colour = params.get("color") or "#" + bytes(corner[:3]).hex()
        content = distance(image, colour)
    found = content.point([255 * (value > limit) for value in range(256)]).getbbox()
    if found is None:
        raise TransformFailed(
            "trim: nothing would be left, all of the picture is like its border",
            hint="a smaller `tolerance` keeps more",
        )
    margin = pixels(params["margin"], max(found[2] - found[0], found[3] - found[1]))
    width, height = frame.size
    box = (
        max(0, found[0] - margin),
        max(0, found[1] - margin),
        min(width, found[2] + margin),
        min(height, found[3] + margin),
    )
    return frame.showing(image.crop(box))


TRIM = Transform(
    name="trim",
    version=1,
    about="Cuts off the border, as far as it is transparent or has one colour.",
    params=(
        Param("tolerance", Percent(), "How far a pixel may be from the border's colour.", "10%", default="5%"),
        Param("margin", Length(0), "What stays of the border: pixels, or percent of the longer side.", 20, default=0),
        Param("color", Colour(), "The border's colour; without it that of the upper left pixel.", "white"),
    ),
    run=each(_trimmed),
)

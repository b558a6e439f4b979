"""convert: how the picture is written.

Unaware of pixels: only what is written last is encoded, and once.
"""

from __future__ import annotations

from dataclasses import replace

from banana_pipe.transforms.base import BadParams, Param, Params, Transform, each
from banana_pipe.transforms.kinds import Choice, Colour, Whole
from banana_pipe.transforms.pixels import Encoding, Frame

_QUALITY = 90
_QUALITIES = {"avif": 75}
"""Its numbers mean more: 75 looks as 90 of the others does."""


def _check(params: Params) -> None:
    if params["format"] == "png" and "quality" in params:
        raise BadParams("a PNG has no `quality`: it loses nothing", "leave `quality` out, or use jpeg or webp")


def _converted(frame: Frame, params: Params) -> Frame:
    mime, quality = f"image/{params['format']}", params.get("quality", _QUALITIES.get(params["format"], _QUALITY))
    return replace(frame, encoding=Encoding(mime, quality, params["background"], frame.encoding.indexed))


CONVERT = Transform(
    name="convert",
    version=1,
    about="The format of the file; without it the result is a PNG, which loses nothing.",
    params=(
        Param("format", Choice(("png", "jpeg", "webp", "avif")), "png, jpeg, webp or avif.", "webp", required=True),
        Param(
            "quality",
            Whole(1, 100),
            f"Of jpeg, webp and avif; {_QUALITY} where nobody says, of avif {_QUALITIES['avif']}.",
            80,
        ),
        Param("background", Colour(), "What is behind transparent parts in a jpeg.", "black", default="#ffffff"),
    ),
    run=each(_converted),
    check=_check,
)

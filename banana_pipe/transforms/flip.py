"""flip: the picture mirrored.

Unaware of what is in the picture: letters are mirrored with it.
"""

from __future__ import annotations

from banana_pipe.transforms.base import Param, Params, Transform, each
from banana_pipe.transforms.kinds import Choice
from banana_pipe.transforms.outlines import mirrored
from banana_pipe.transforms.pixels import Frame


def _flipped(frame: Frame, params: Params) -> Frame:
    return frame.showing(mirrored(frame.image, upside_down=params["direction"] == "vertical"))


FLIP = Transform(
    name="flip",
    version=1,
    about="Mirrored: left becomes right, or top bottom.",
    params=(
        Param(
            "direction",
            Choice(("horizontal", "vertical")),
            "horizontal: left becomes right; vertical: top becomes bottom.",
            "vertical",
            default="horizontal",
        ),
    ),
    run=each(_flipped),
)

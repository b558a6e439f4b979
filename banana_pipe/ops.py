"""What a package needs that brings an op of its own, as an entry point of the group `banana_pipe.ops`.

Unaware of which ops there are. These names stay; the modules behind them may move.
"""

from __future__ import annotations

from banana_pipe.transforms.base import BadParams, Param, Params, Standing, Transform, TransformFailed, bounded, each
from banana_pipe.transforms.kinds import Choice, Colour, Length, Percent, Picture, Ratio, Whole, pixels, rgba, share
from banana_pipe.transforms.pixels import Beside, Frame

__all__ = [
    "BadParams",
    "Beside",
    "Choice",
    "Colour",
    "Frame",
    "Length",
    "Param",
    "Params",
    "Percent",
    "Picture",
    "Ratio",
    "Standing",
    "Transform",
    "TransformFailed",
    "Whole",
    "bounded",
    "each",
    "pixels",
    "rgba",
    "share",
]

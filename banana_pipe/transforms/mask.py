"""mask: parts of the picture become transparent, as another picture or a shape says.

Unaware of which picture it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from banana_pipe.transforms.base import BadParams, Param, Params, Transform
from banana_pipe.transforms.kinds import Choice, Percent, Picture, share
from banana_pipe.transforms.outlines import brightness, inverted, rounded_shape, seen_through
from banana_pipe.transforms.pixels import Frame, scaled

_RADIUS = "12.5%"


def _check(params: Params) -> None:
    if ("picture" in params) == ("shape" in params):
        raise BadParams("`mask` needs either `picture` or `shape`", "`mask: mask.png` or `mask: {shape: circle}`")
    if "shape" in params and "keep" in params:
        raise BadParams("`keep` is of a `picture`, and here is a `shape`", "leave `keep` out")
    if "radius" in params and params.get("shape") != "rounded":
        raise BadParams("`radius` is of `shape: rounded`", "`mask: {shape: rounded, radius: 10%}`")


def _masked(frames: Iterable[Frame], params: Params, others: Sequence[Frame]) -> Iterator[Frame]:
    for frame in frames:
        if "shape" in params:
            part = share("50%" if params["shape"] == "circle" else params.get("radius", _RADIUS))
            mask = rounded_shape(frame.size, part, square=params["shape"] == "circle")
        else:
            keep, other = params.get("keep", "light"), others[0].image
            mask = scaled(other.convert("RGBA").getchannel("A") if keep == "opaque" else brightness(other), frame.size)
            mask = inverted(mask) if keep == "dark" else mask
        yield frame.showing(seen_through(frame.image, mask))


MASK = Transform(
    name="mask",
    version=1,
    about="Cuts out a shape: what is outside of it becomes transparent.",
    params=(
        Param("picture", Picture(), "The shape as another picture, brought to this one's size.", "mask.png"),
        Param(
            "keep",
            Choice(("light", "dark", "opaque")),
            "What stays: where the other picture is light (as nobody says), dark, or not transparent.",
            "dark",
        ),
        Param(
            "shape",
            Choice(("circle", "rounded")),
            "circle: the largest in the middle; rounded: all but the corners.",
            "circle",
        ),
        Param(
            "radius",
            Percent(above_zero=True, most=50),
            f"Of `rounded`: of the shorter side; {_RADIUS} as it is.",
            "10%",
        ),
    ),
    run=_masked,
    check=_check,
)

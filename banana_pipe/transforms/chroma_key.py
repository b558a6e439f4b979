"""chroma_key: one colour becomes transparent, edges softly and without its tinge.

Unaware of what the colour stands behind, and of how a pixel's share of it is told: `keying` knows.
"""

from __future__ import annotations

from banana_pipe.transforms.base import Param, Params, Transform, TransformFailed, each
from banana_pipe.transforms.keying import Screen, cut_out
from banana_pipe.transforms.kinds import Colour, Percent, share
from banana_pipe.transforms.pixels import Frame


def _keyed(frame: Frame, params: Params) -> Frame:
    screen = Screen(params["color"], share(params["tolerance"]), share(params["softness"]))
    cut = cut_out(frame.image, screen)
    if cut is None:
        raise TransformFailed(
            f"chroma_key: nothing would be left, all of the picture is like {screen.colour}",
            hint="a smaller `tolerance` keeps more",
        )
    return frame.showing(cut)


CHROMA_KEY = Transform(
    name="chroma_key",
    version=2,
    about="One colour becomes transparent.",
    params=(
        Param("color", Colour(), "The colour that goes.", "#00ff00", required=True),
        Param("tolerance", Percent(), "How far a pixel may be from it and still go.", "15%", default="30%"),
        Param("softness", Percent(), "How much farther it is half transparent.", "10%", default="20%"),
    ),
    run=each(_keyed),
)

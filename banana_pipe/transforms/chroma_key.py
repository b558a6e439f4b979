"""chroma_key: one colour becomes transparent, edges softly and without its tinge.

Unaware of what the colour stands behind.

A pixel of an edge is a mixture of the colour and of what stands before it. Its alpha is how little
of the colour is in it, and what the colour has given to it is taken off again. Of a strong colour
(a green screen) that little can be told exactly: by how far its channels stand out above the others.
Away from edges a pixel that is somewhat like the colour keeps all of itself.
"""

from __future__ import annotations

from fractions import Fraction

from banana_pipe.transforms.base import Param, Params, Transform, TransformFailed, each
from banana_pipe.transforms.kinds import Colour, Percent, rgba, share
from banana_pipe.transforms.pixels import Frame, distance, near_holes, prominence, without_tinge

_STRONG = 96
"""How far a colour's channels must stand apart (of 255) for mixtures with it to be told from other colours."""


def _keyed(frame: Frame, params: Params) -> Frame:
    colour = params["color"]
    start, softness = share(params["tolerance"]), share(params["softness"])
    channels = rgba(colour)[:3]
    strong = max(channels) - min(channels) >= _STRONG
    # How little of the colour there is: 0 where there is nothing else, 255 where there is none.
    little = prominence(frame.image, colour) if strong else distance(frame.image, colour)
    alpha = little.point(_ramp(start, start + softness))
    if alpha.getextrema() == (0, 0):
        raise TransformFailed(
            f"chroma_key: nothing would be left, all of the picture is like {colour}",
            hint="a smaller `tolerance` keeps more",
        )
    if strong:
        alpha = near_holes(alpha, little.point(_mixture(start)))
    return frame.showing(without_tinge(frame.image, alpha, colour))


def _ramp(start: Fraction, end: Fraction) -> list[int]:
    """Alpha for each of 256 values: none up to *start*, all from *end* on, even between."""
    length = max(end - start, Fraction(1, 255))
    return [
        int(255 * min(max((Fraction(value, 255) - start) / length, Fraction(0)), Fraction(1))) for value in range(256)
    ]


def _mixture(start: Fraction) -> list[int]:
    """Alpha of mixtures: the value itself, but none up to *start*, and no step there."""
    steep = _ramp(start, 2 * start)
    return [value * steep[value] // 255 for value in range(256)]


CHROMA_KEY = Transform(
    name="chroma_key",
    version=1,
    about="One colour becomes transparent.",
    params=(
        Param("color", Colour(), "The colour that goes.", "#00ff00", required=True),
        Param("tolerance", Percent(), "How far a pixel may be from it and still go.", "15%", default="30%"),
        Param("softness", Percent(), "How much farther it is half transparent.", "10%", default="20%"),
    ),
    run=each(_keyed),
)

"""icons: the picture as a square in many sizes, and the small ones together in a file for web sites and windows.

Unaware of who asks for which size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from struct import pack
from typing import TYPE_CHECKING

from banana_pipe.transforms.base import Param, Params, Transform, each
from banana_pipe.transforms.kinds import Colour, Sides
from banana_pipe.transforms.pixels import Beside, Frame, encode, laid_on, placed, scaled

if TYPE_CHECKING:
    from PIL.Image import Image

_MOST = 1024
_IN_ICO = 256
"""The format has one byte for a side."""
_SIZES = [16, 32, 48, 180, 192, 512]


def _suffixes(params: Params) -> tuple[str, ...]:
    ico = (".ico",) if min(params["sizes"]) <= _IN_ICO else ()
    return (*ico, *(f"-{side}.png" for side in params["sizes"]))


def _made(frame: Frame, params: Params) -> Frame:
    squares = [_square(frame.image, wanted, params["background"]) for wanted in params["sizes"]]
    icons = [(square.width, encode(Frame(square))) for square in squares]
    small = [(wanted, data) for wanted, data in icons if wanted <= _IN_ICO]
    beside = [Beside(".ico", "image/vnd.microsoft.icon", _ico(small))] if small else []
    beside += [Beside(f"-{wanted}.png", "image/png", data) for wanted, data in icons]
    return replace(frame.showing(squares[-1]), beside=(*frame.beside, *beside))


def _square(image: Image, side: int, background: str) -> Image:
    """The picture in the middle of a square. It is made small first: a square around a long one would be large."""
    longer = max(image.size)
    width, height = (max(1, (length * side + longer // 2) // longer) for length in image.size)
    place = placed("center", (side, side), (width, height))
    return laid_on(scaled(image, (width, height)), (side, side), place, background)


def _ico(icons: Sequence[tuple[int, bytes]]) -> bytes:
    """A head, an entry of 16 bytes for each icon, and then the icons, which may be PNGs (since Windows Vista)."""
    entries, place = b"", 6 + 16 * len(icons)
    for side, data in icons:
        entries += pack("<4B2H2I", side % 256, side % 256, 0, 0, 1, 32, len(data), place)
        place += len(data)
    return pack("<3H", 0, 1, len(icons)) + entries + b"".join(data for _, data in icons)


ICONS = Transform(
    name="icons",
    version=1,
    about="A square in many sizes: the largest is the picture, and beside it are all as PNG and the small ones as ICO.",
    params=(
        Param(
            "sizes",
            Sides(1, _MOST),
            f"Pixels of a side; up to {_IN_ICO} they are in the ICO too.",
            [16, 32, 512],
            default=_SIZES,
        ),
        Param("background", Colour(), "What is around a picture that is no square.", "white", default="#00000000"),
    ),
    run=each(_made),
    side_files=_suffixes,
)

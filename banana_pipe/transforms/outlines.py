"""Pictures turned and mirrored, and masks: what of a picture is seen.

Unaware of ops and their parameters. A mask has the mode L: what is light in it is seen.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_FINE = 4
"""Curves are drawn so many times as large, and made small."""
_LARGEST_CORNER = 1024


def quarters(image: Image, count: int) -> Image:
    """The picture turned clockwise by *count* quarters, 1 to 3."""
    import PIL.Image

    ways = PIL.Image.Transpose
    return image.transpose((ways.ROTATE_270, ways.ROTATE_180, ways.ROTATE_90)[count - 1])


def turned(image: Image, degrees: int) -> Image:
    """The picture turned clockwise, as large as it is then, its corners transparent."""
    import PIL.Image

    return image.convert("RGBA").rotate(-degrees, PIL.Image.Resampling.BICUBIC, expand=True)


def mirrored(image: Image, *, upside_down: bool) -> Image:
    """The picture as a mirror shows it, beside it or below it."""
    import PIL.Image

    ways = PIL.Image.Transpose
    return image.transpose(ways.FLIP_TOP_BOTTOM if upside_down else ways.FLIP_LEFT_RIGHT)


def brightness(image: Image) -> Image:
    """How light each pixel is (mode L); what is transparent is dark."""
    light = image.convert("RGB").convert("L")
    return light if image.mode == "RGB" else _times(light, image.getchannel("A"))


def inverted(mask: Image) -> Image:
    """Light where *mask* (mode L) is dark."""
    return mask.point([255 - value for value in range(256)])


def seen_through(image: Image, mask: Image) -> Image:
    """The picture as far as *mask* (mode L, of its size) is light."""
    masked = image.convert("RGBA")
    masked.putalpha(_times(masked.getchannel("A"), mask))
    return masked


def rounded_shape(size: tuple[int, int], radius: Fraction, *, square: bool = False) -> Image:
    """A mask of *size*: light but for its corners, which are round by *radius*, a part of the shorter side.

    *square*: the largest square in the middle alone. Its edges are soft.
    """
    import PIL.Image
    import PIL.ImageDraw

    side = min(size)
    inner = (side, side) if square else size
    # Only the corners are curved: they are drawn large and made small, whatever the size of the rest.
    shape = PIL.Image.new("L", inner, 255)
    round_by = max(1, int(side * radius))
    large = PIL.Image.new("L", (_FINE * min(round_by, _LARGEST_CORNER),) * 2)
    PIL.ImageDraw.Draw(large).ellipse((0, 0, 2 * large.width - 1, 2 * large.height - 1), fill=255)
    corner = large.resize(
        (round_by, round_by), PIL.Image.Resampling.BOX if round_by <= _LARGEST_CORNER else PIL.Image.Resampling.BICUBIC
    )
    ways = PIL.Image.Transpose
    shape.paste(corner, (0, 0))
    shape.paste(corner.transpose(ways.FLIP_LEFT_RIGHT), (inner[0] - round_by, 0))
    shape.paste(corner.transpose(ways.FLIP_TOP_BOTTOM), (0, inner[1] - round_by))
    shape.paste(corner.transpose(ways.ROTATE_180), (inner[0] - round_by, inner[1] - round_by))
    if inner == size:
        return shape
    mask = PIL.Image.new("L", size)
    mask.paste(shape, ((size[0] - side) // 2, (size[1] - side) // 2))
    return mask


def _times(one: Image, other: Image) -> Image:
    """Both masks (mode L) on top of each other."""
    import PIL.ImageChops

    return PIL.ImageChops.multiply(one, other)

"""How far two pictures are apart, pixel by pixel and as people see it; and a picture of where.

Unaware of files, nodes and of why somebody asks: decoded pictures go in, numbers and pictures come out.

Every distance is 0 to 1, and the same in both directions:

    pixels  the share of the pixels that differ at all; 1 where the pictures have another size
    mean    how far a pixel is from its counterpart on average: the largest difference of a channel, by 255
    colour  the mean Delta E OK of both pictures at 32 by 32, on grey: the Euclidean distance in Oklab (Björn Ottosson,
            "A perceptual color space for image processing", 2020; `deltaEOK` of CSS Color 4), 1 from black to white
    shape   the share of the 64 bits in which their dHashes differ: whether brightness falls from each pixel to the one on
            its right, at 9 by 8 (Neal Krawetz, "Kind of Like That", 2013)

`pixels` is 0 if and only if the pictures look the same, pixel for pixel: what is wholly transparent in both has no colour.
Pictures of another size are compared at the smaller width and height of the two for all but `pixels`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Literal, get_args

from banana_pipe.images import measure, sniff
from banana_pipe.transforms.pixels import decode, flattened, scaled

if TYPE_CHECKING:
    from PIL.Image import Image

Measure = Literal["pixels", "mean", "colour", "shape"]
MEASURES: tuple[Measure, ...] = get_args(Measure)

_GRID = 32
_ROWS = 8
_FULL = 255
SHOWN_SIDE = 640
_HOT = ((0, (255, 226, 77)), (64, (255, 140, 26)), (160, (232, 30, 60)), (255, (176, 0, 142)))
"""The colours of a heat picture by how far a pixel is off: yellow, orange, red, purple."""


@dataclass(frozen=True, slots=True)
class Distance:
    """How far two pictures are apart, by each measure, from 0 to 1."""

    pixels: float
    mean: float
    colour: float
    shape: float


def seen(data: bytes) -> Image:
    """The picture in *data*, to be compared: upright, in sRGB. Raises NotAPicture."""
    if sniff(data) == "image/webp":
        measure(data)  # its decoder makes room for whatever the header says
    return decode(data).image


def distance(one: Image, other: Image) -> Distance:
    """How far *one* and *other* are apart."""
    off = _apart(one, other)
    counted = off.histogram()
    total = off.width * off.height
    moved = one.size != other.size
    return Distance(
        pixels=1.0 if moved else (total - counted[0]) / total,
        mean=sum(value * number for value, number in enumerate(counted)) / (_FULL * total),
        colour=_colour(one, other),
        shape=(dhash(one) ^ dhash(other)).bit_count() / (_ROWS * _ROWS),
    )


def dhash(image: Image) -> int:
    """The dHash of *image*: 64 bits, row by row."""
    import PIL.Image

    small = _opaque(image).convert("L").resize((_ROWS + 1, _ROWS), PIL.Image.Resampling.BOX)
    levels = small.tobytes()
    bits = 0
    for row in range(_ROWS):
        for column in range(_ROWS):
            place = row * (_ROWS + 1) + column
            bits = bits << 1 | (levels[place] > levels[place + 1])
    return bits


def heat(before: Image, after: Image) -> Image:
    """Where the two differ, on a pale grey *after*: from yellow (a little) to purple (as far as can be).

    One pixel of a large picture still shows.
    """
    import PIL.Image

    off = _apart(before, after)
    size = shown_size(off.size)
    some = off.point([0, *[_FULL] * _FULL]).resize(size, PIL.Image.Resampling.BOX)
    strength = off.resize(size, PIL.Image.Resampling.BOX)
    ground = _opaque(after).convert("L").resize(size, PIL.Image.Resampling.BOX).point(_pale())
    hot = PIL.Image.merge("RGB", [strength.point(list(band)) for band in _bands()])
    where = some.point([0, *[max(150, value) for value in range(1, _FULL + 1)]])
    return PIL.Image.composite(hot, ground.convert("RGB"), where)


def small(image: Image) -> bytes:
    """*image* as a WebP of at most 640 pixels a side, for looking."""
    out = BytesIO()
    scaled(image, shown_size(image.size)).save(out, "WEBP", quality=80, method=4)
    return out.getvalue()


def shown_size(size: tuple[int, int]) -> tuple[int, int]:
    """*size*, made smaller to fit into 640 by 640."""
    factor = min(1.0, SHOWN_SIDE / max(size))
    width, height = (max(1, round(side * factor)) for side in size)
    return width, height


def _apart(one: Image, other: Image) -> Image:
    """The largest difference of a channel at each pixel (mode L)."""
    import PIL.ImageChops

    size = (min(one.width, other.width), min(one.height, other.height))
    one, other = (scaled(image, size) for image in (one, other))
    if "RGBA" in (one.mode, other.mode):
        one, other = (_without_hidden(image) for image in (one, other))
    first, *rest = PIL.ImageChops.difference(one, other).split()
    for band in rest:
        first = PIL.ImageChops.lighter(first, band)
    return first


def _without_hidden(image: Image) -> Image:
    """*image* in mode RGBA, where what nobody sees has no colour."""
    whole = image.convert("RGBA")
    hidden = whole.getchannel("A").point([_FULL, *[0] * _FULL])
    whole.paste((0, 0, 0, 0), (0, 0, *whole.size), hidden)
    return whole


def _opaque(image: Image) -> Image:
    return flattened(image, "#808080")


def _colour(one: Image, other: Image) -> float:
    pairs = zip(_oklab(one), _oklab(other), strict=True)
    apart = [math.dist(first, second) for first, second in pairs]
    return min(1.0, sum(apart) / len(apart))


def _oklab(image: Image) -> Iterator[tuple[float, float, float]]:
    import PIL.Image

    levels = _opaque(image).resize((_GRID, _GRID), PIL.Image.Resampling.BOX).tobytes()
    light = _linear()
    for place in range(0, len(levels), 3):
        red, green, blue = (light[level] for level in levels[place : place + 3])
        long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
        middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
        short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
        yield (
            0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
            1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
            0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
        )


@cache
def _linear() -> tuple[float, ...]:
    """Light by level: the curve of sRGB (IEC 61966-2-1), undone."""
    levels = (level / _FULL for level in range(_FULL + 1))
    return tuple(level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels)


def _pale() -> list[int]:
    return [176 + level * 72 // _FULL for level in range(_FULL + 1)]


@cache
def _bands() -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Red, green and blue by how far a pixel is off, between the colours of _HOT."""
    colours = []
    for level in range(_FULL + 1):
        upper = next(place for place, (at, _) in enumerate(_HOT) if level <= at)
        (start, low), (end, high) = _HOT[max(0, upper - 1)], _HOT[upper]
        part = 0.0 if start == end else (level - start) / (end - start)
        colours.append(tuple(round(a + (b - a) * part) for a, b in zip(low, high, strict=True)))
    red, green, blue = zip(*colours, strict=True)
    return red, green, blue

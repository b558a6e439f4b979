"""How much of each pixel is a screen of one colour, and what stands before it.

Unaware of ops and their parameters.

A pixel of an edge is a mixture: alpha × what stands before + (1 - alpha) × screen. Both are told from
where they are seen alone, close by: models light their screens unevenly and rarely hit a colour, and
what stands before one may be somewhat green itself. How far the pixel has come from one to the other
is its alpha; what the screen has given to it is taken off again.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING

from banana_pipe.transforms.kinds import rgba
from banana_pipe.transforms.pixels import canvas, distance

if TYPE_CHECKING:
    from PIL.Image import Image

_STRONG = 96
"""How far a colour's channels must stand apart (of 255) for the amount of it in a pixel to be told."""
_SOLID = 140
"""What has less of a strong colour than 45 % is taken for a thing of its own, if there is enough of it."""
_CLEAN = 240
_NOISE = range(20, 235)
"""Alpha below and above is that of noise, and becomes nothing and all."""


@dataclass(frozen=True, slots=True)
class Screen:
    """The colour of a screen, how far (0 to 1) a pixel may be from it, and how much farther it is half transparent."""

    colour: str
    tolerance: Fraction
    softness: Fraction

    @property
    def end(self) -> Fraction:
        """From where on nothing is transparent any more."""
        return self.tolerance + self.softness

    @property
    def strong(self) -> bool:
        """Whether its channels stand out, as those of a green screen do and those of a white one do not."""
        channels = rgba(self.colour)[:3]
        return max(channels) - min(channels) >= _STRONG


def cut_out(image: Image, screen: Screen) -> Image | None:
    """*image* (RGB or RGBA) without *screen*, in mode RGBA; None where nothing is left."""
    import PIL.ImageChops

    rgb = image.convert("RGB")
    going = distance(rgb, screen.colour).point(_up_to(int(255 * screen.tolerance)))
    if going.getextrema() == (0, 0):
        plate = canvas(rgb.size, screen.colour[:7])
        alpha = _little(rgb, plate, screen).point(_ramp(screen))
    else:
        alpha, plate = _matte(rgb, going, screen)
    if alpha.getextrema() == (0, 0):
        return None
    cut = _without(plate, rgb, alpha)
    if image.mode == "RGBA":
        cut.putalpha(PIL.ImageChops.multiply(alpha, image.getchannel("A")))
    return cut


def _matte(rgb: Image, going: Image, screen: Screen) -> tuple[Image, Image]:
    """Alpha, and the screen as it is behind every pixel. *going*: what is near enough to its colour."""
    import PIL.Image
    import PIL.ImageChops
    import PIL.ImageFilter

    reach = max(2, round(max(rgb.size) / 160))
    alone = _narrowed(going, reach)
    plate = _spread(rgb, alone if alone.getextrema() != (0, 0) else going)
    little = _little(rgb, plate, screen)
    solid = _narrowed(little.point(_up_to(_SOLID if screen.strong else int(255 * screen.end), 0, 255)), 2 * reach)
    if solid.getextrema() == (0, 0):
        edges = little
    else:
        edges = _quotient(_way(rgb, plate, screen), _way(_spread(rgb, solid), plate, screen))
    edges = edges.point([min(255, max(0, value - _NOISE.start) * 255 // len(_NOISE)) for value in range(256)])
    # Where nothing of the screen is in a pixel nor around it, there is no edge.
    edges = PIL.ImageChops.lighter(edges, _narrowed(little.point(_up_to(_CLEAN, 0, 255)), 1))
    near = PIL.ImageChops.lighter(going, little.point(_up_to(int(255 * screen.tolerance))))
    # Of a weak colour much of what stands before it may have something: its edges are narrow.
    border = _widened(near, 2 * reach if screen.strong else 2).filter(PIL.ImageFilter.BoxBlur(reach / 2))
    alpha = PIL.Image.composite(edges, little.point(_ramp(screen)), border)
    return PIL.ImageChops.subtract(alpha, alone), plate


def _without(plate: Image, rgb: Image, alpha: Image) -> Image:
    """What stands before *plate* in *rgb*, where it is seen as far as *alpha* says."""
    import PIL.Image
    import PIL.ImageChops

    tinge = PIL.ImageChops.multiply(plate, PIL.Image.merge("RGB", (PIL.ImageChops.invert(alpha),) * 3))
    rest = PIL.ImageChops.subtract(rgb, tinge)
    # What is left is the thing times its alpha; Pillow divides it as it leaves this mode.
    return PIL.Image.merge("RGBa", (*rest.split(), alpha)).convert("RGBA")


def _little(rgb: Image, plate: Image, screen: Screen) -> Image:
    """How little of the screen is in each pixel (mode L): 0 nothing else, 255 none of it."""
    import PIL.ImageChops

    if not screen.strong:
        return _apart(rgb, plate)
    whole = _excess(plate, screen.colour)
    return _quotient(PIL.ImageChops.subtract(whole, _excess(rgb, screen.colour)), whole)


def _way(rgb: Image, plate: Image, screen: Screen) -> Image:
    """How far each pixel is from *plate*, in a measure that is even in the share of a mixture."""
    import PIL.ImageChops

    if not screen.strong:
        return _apart(rgb, plate)
    return PIL.ImageChops.subtract(_lack(rgb, screen.colour), _lack(plate, screen.colour))


def _apart(one: Image, other: Image) -> Image:
    """The largest difference of a channel (mode L)."""
    import PIL.ImageChops

    return reduce(PIL.ImageChops.lighter, PIL.ImageChops.difference(one, other).split())


def _excess(image: Image, colour: str) -> Image:
    """How far the channels that stand out in *colour* stand out in each pixel (mode L)."""
    import PIL.ImageChops

    high, low = _channels(image, colour)
    return PIL.ImageChops.subtract(reduce(PIL.ImageChops.darker, high), reduce(PIL.ImageChops.lighter, low))


def _lack(image: Image, colour: str) -> Image:
    """How little the channels of *colour* stand out, or how far behind the others they are (mode L, 128: neither)."""
    import PIL.ImageChops

    high, low = _channels(image, colour)
    return PIL.ImageChops.subtract(
        reduce(PIL.ImageChops.lighter, low), reduce(PIL.ImageChops.darker, high), scale=2, offset=128
    )


def _channels(image: Image, colour: str) -> tuple[list[Image], list[Image]]:
    """The channels of *image* that stand out in *colour*, and the others."""
    values = rgba(colour)[:3]
    middle = (max(values) + min(values)) / 2
    bands = list(zip(image.split(), values, strict=True))
    return [band for band, value in bands if value > middle], [band for band, value in bands if value <= middle]


def _quotient(part: Image, whole: Image) -> Image:
    """255 × *part* / *whole*, at most 255 (mode L)."""
    import PIL.Image

    return PIL.Image.merge("RGBa", (part, part, part, whole)).convert("RGBA").getchannel("R")


def _spread(rgb: Image, mask: Image) -> Image:
    """*rgb* where *mask* is 255, and elsewhere the colours of its surroundings; smooth, without small things."""
    import PIL.Image

    level = rgb.copy()
    level.putalpha(mask)
    levels: list[Image] = []
    while not levels or max(level.size) > 1:
        level = level.reduce(2)
        level.putalpha(level.getchannel("A").point(_up_to(63, 0, 255)))
        levels.append(level)
    mean = _mean(rgb, mask)
    spread = PIL.Image.new("RGBA", (1, 1), mean)
    for level in reversed(levels):
        spread = spread.resize(level.size, PIL.Image.Resampling.BILINEAR)
        spread.alpha_composite(level)
    return spread.resize(rgb.size, PIL.Image.Resampling.BILINEAR).convert("RGB")


def _mean(rgb: Image, mask: Image) -> tuple[int, int, int, int]:
    import PIL.ImageStat

    red, green, blue = PIL.ImageStat.Stat(rgb, mask).mean
    return round(red), round(green), round(blue), 255


def _widened(mask: Image, by: int) -> Image:
    """*mask* and what is within *by* pixels of it; single pixels may get lost."""
    import PIL.ImageFilter

    return mask.filter(PIL.ImageFilter.BoxBlur(by)).point(_up_to(0, 0, 255))


def _narrowed(mask: Image, by: int) -> Image:
    """*mask* without what is within *by* pixels of its end; single holes may get lost."""
    import PIL.ImageFilter

    return mask.filter(PIL.ImageFilter.BoxBlur(by)).point(_up_to(254, 0, 255))


def _up_to(limit: int, low: int = 255, high: int = 0) -> list[int]:
    """A table of 256 values: *low* up to *limit*, *high* above it."""
    return [low if value <= limit else high for value in range(256)]


def _ramp(screen: Screen) -> list[int]:
    """Alpha away from edges, by how little of the screen there is: none within its tolerance, then softly more."""
    length = max(screen.softness, Fraction(1, 255))
    parts = [(Fraction(value, 255) - screen.tolerance) / length for value in range(256)]
    return [int(255 * min(max(part, Fraction(0)), Fraction(1))) for part in parts]

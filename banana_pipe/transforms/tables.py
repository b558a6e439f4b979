"""Pictures of few colours: which ones, and written as a table of them.

Unaware of ops and of how colours are written in a recipe: they are red, green and blue, 0 to 255.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

Colour = tuple[int, int, int]

_TABLE = 256
"""Colours of a picture that is written as a table of them."""


def as_table(image: Image) -> Image | None:
    """The same pixels as numbers of colours; None where there are too many of them, or half transparent ones."""
    import PIL.ImageChops

    found = _pixels(image, _TABLE)
    if found is None or any(0 < pixel[3] < 255 for pixel in found):
        return None
    # Sorted: the same table whichever colour comes first in the picture.
    colours = sorted({pixel[:3] for pixel in found if pixel[3]})
    rgb = image.convert("RGB")
    numbers = _reduced(rgb, colours or [(0, 0, 0)], spread=False)
    off = PIL.ImageChops.difference(numbers.convert("RGB"), rgb)
    if image.mode == "RGBA":
        hidden = PIL.ImageChops.invert(image.getchannel("A"))
        off.paste((0, 0, 0), mask=hidden)
        numbers.paste(len(colours), mask=hidden)
        numbers.info["transparency"] = len(colours)
    # Of colours that are nearly the same Pillow may take the wrong one.
    return numbers if off.getbbox() is None else None


def own_colours(image: Image, count: int) -> list[Colour]:
    """At most *count* colours that are near to those of the picture, as far as one sees them."""
    import PIL.Image

    few = _seen(image)
    if few is not None and len(few) <= count:
        return sorted(few) or [(0, 0, 0)]
    reduced = _without_hidden(image).quantize(count, method=PIL.Image.Quantize.MEDIANCUT, kmeans=1)
    return sorted({pixel[:3] for pixel in _pixels(reduced.convert("RGB"), _TABLE) or ()})


def of_colours(image: Image, colours: Sequence[Colour], *, spread: bool) -> Image:
    """The picture in these colours and no others; with *spread* what is between them is mixed of dots."""
    few = _seen(image)
    if few is not None and few <= set(colours):
        return image
    made = _reduced(_without_hidden(image), colours, spread=spread).convert("RGB")
    if image.mode == "RGBA":
        made.putalpha(image.getchannel("A"))
    return made


def _reduced(rgb: Image, colours: Sequence[Colour], *, spread: bool) -> Image:
    import PIL.Image

    table = PIL.Image.new("P", (1, 1))
    table.putpalette([value for colour in colours for value in colour])
    ways = PIL.Image.Dither
    return rgb.quantize(palette=table, dither=ways.FLOYDSTEINBERG if spread else ways.NONE)


def _pixels(image: Image, most: int) -> list[tuple[int, int, int, int]] | None:
    """The different pixels of the picture, with alpha; None where there are more than *most*."""
    found = image.getcolors(most)
    if found is None:
        return None
    listed = [tuple(colour) for _, colour in found if isinstance(colour, tuple)]
    return [(one[0], one[1], one[2], one[3] if len(one) == 4 else 255) for one in listed]


def _seen(image: Image) -> set[Colour] | None:
    """The colours that one sees; None where there are many."""
    found = _pixels(image, _TABLE * _TABLE)
    return None if found is None else {pixel[:3] for pixel in found if pixel[3]}


def _without_hidden(image: Image) -> Image:
    """The picture without alpha; what nobody sees has the colour of the rest, and counts for nothing."""
    import PIL.ImageStat

    rgb = image.convert("RGB")
    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        if alpha.getextrema() != (0, 0):
            mean = PIL.ImageStat.Stat(rgb, mask=alpha).mean
            rgb.paste(tuple(map(round, mean)), mask=alpha.point([255 * (value == 0) for value in range(256)]))
    return rgb

"""Drawing smooth shapes in coordinates of one's own.

Unaware of what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from banana_pipe.providers.sandbox.palette import Colour

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pen:
    """A pen over *picture*: (0, 0) is at (`left`, `base`) in pixels, y goes up, 1 is `unit` pixels.

    `mirror` -1 draws everything the other way round.
    """

    picture: Image.Image
    left: float
    base: float
    unit: float
    mirror: int = 1

    def at(self, x: float, y: float, size: float, *, mirror: int = 1) -> Pen:
        """A pen whose origin is (x, y) of this one, and whose 1 is *size* here."""
        left, base = self._pixel((x, y))
        return Pen(self.picture, left, base, self.unit * size, mirror)

    def shape(self, points: Sequence[Point], colour: Colour) -> None:
        """A polygon with straight sides."""
        self._draw().polygon([self._pixel(point) for point in points], fill=colour.rgb())

    def blob(self, points: Sequence[Point], colour: Colour) -> None:
        """A closed smooth curve through *points*."""
        self.shape(smooth(points, closed=True), colour)

    def oval(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """An ellipse with its middle at (x, y)."""
        (left, top), (right, bottom) = (
            self._pixel((x - width / 2, y + height / 2)),
            self._pixel((x + width / 2, y - height / 2)),
        )
        self._draw().ellipse((min(left, right), top, max(left, right), bottom), fill=colour.rgb())

    def box(self, x: float, y: float, width: float, height: float, colour: Colour, *, round_: float = 0) -> None:
        """A rectangle standing on y with its middle at x; *round_* is the radius of its corners."""
        left, top = self._pixel((x - width / 2, y + height))
        right, bottom = self._pixel((x + width / 2, y))
        box = (min(left, right), top, max(left, right), bottom)
        self._draw().rounded_rectangle(box, radius=round_ * self.unit, fill=colour.rgb())

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A smooth open line with round ends."""
        thick = max(1.0, width * self.unit)
        spread = max(max(axis) - min(axis) for axis in zip(*points, strict=True))
        # Dots close to each other: Pillow's wide lines leave gaps where they bend.
        dots = smooth(points, steps=min(400, 8 + int(4 * spread * self.unit / thick)))
        draw = self._draw()
        for x, y in map(self._pixel, dots):
            draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=colour.rgb())

    def glow(self, x: float, y: float, width: float, height: float, colour: Colour, strength: float) -> None:
        """A soft ellipse of light (or shadow), strongest in the middle."""
        (left, top), (right, bottom) = (
            self._pixel((x - width / 2, y + height / 2)),
            self._pixel((x + width / 2, y - height / 2)),
        )
        box = (round(min(left, right)), round(top), round(max(left, right)), round(bottom))
        if box[2] <= box[0] or box[3] <= box[1]:
            return
        veil = _DISC.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BILINEAR)
        self.picture.paste(colour.rgb(), box, veil.point([round(level * strength) for level in range(256)]))

    def _pixel(self, point: Point) -> Point:
        return self.left + self.mirror * point[0] * self.unit, self.base - point[1] * self.unit

    def _draw(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.picture)


def gradient(size: tuple[int, int], colours: Sequence[Colour]) -> Image.Image:
    """From the first colour at the top to the last at the bottom."""
    column = Image.new("RGB", (1, len(colours)))
    column.putdata([colour.rgb() for colour in colours])
    # Drawn large first: Pillow's edges are flat for half a step, and that half is cut off.
    step = max(2, -(-size[1] // (len(colours) - 1)))
    tall = column.resize((1, step * len(colours)), Image.Resampling.BILINEAR)
    inner = tall.crop((0, step // 2, 1, tall.height - step // 2))
    return inner.resize(size, Image.Resampling.BILINEAR)


def smooth(points: Sequence[Point], *, closed: bool = False, steps: int = 12) -> list[Point]:
    """*points* joined by a Catmull-Rom curve."""
    count = len(points)
    way: list[Point] = []
    for nth in range(count if closed else count - 1):
        around = [nth - 1, nth, nth + 1, nth + 2]
        indices = [i % count for i in around] if closed else [min(max(i, 0), count - 1) for i in around]
        a, b, c, d = (points[i] for i in indices)
        way += [(_between(a[0], b[0], c[0], d[0], t / steps), _between(a[1], b[1], c[1], d[1], t / steps))
                for t in range(steps)]  # fmt: skip
    return way if closed else [*way, points[-1]]


def _between(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)


def _disc() -> Image.Image:
    disc = Image.radial_gradient("L")
    # Pillow's gradient is 0 in the middle and 255 beyond 128 pixels; a squared fall-off looks like light.
    return disc.point([round(255 * max(0.0, 1 - level / 181) ** 2) for level in range(256)]).filter(
        ImageFilter.GaussianBlur(2)
    )


_DISC = _disc()

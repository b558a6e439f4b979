"""What an edit adds to a picture: birds, stars, snow, rays …

Unaware of the picture that it is added to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import cos, pi, sin
from random import Random

from PIL import Image

from banana_pipe.providers.sandbox.palette import Colour, Palette
from banana_pipe.providers.sandbox.pen import Pen

LIGHT = Colour(0.98, 0.03, 90)
WARM = Colour(0.88, 0.12, 78)


def add_touch(name: str | None, pen: Pen, wide: float, palette: Palette, rng: Random) -> None:
    """Add the touch *name*, or one of the seed's choice."""
    chosen = name or rng.choice(tuple(TOUCHES))
    TOUCHES[chosen](pen, wide, palette, rng)


def _birds(pen: Pen, wide: float, palette: Palette, rng: Random) -> None:
    x, y = rng.uniform(0.2, 0.7) * wide, rng.uniform(0.72, 0.86)
    for nth in range(7):
        rank = (nth + 1) // 2
        bird = pen.at(x + rank * 0.065 * (-1 if nth % 2 else 1), y - rank * 0.03 + rng.uniform(-0.01, 0.01), 0.055)
        bird.line([(-0.5, 0.22), (-0.2, 0.30), (0.0, 0.0), (0.2, 0.30), (0.5, 0.22)], 0.10, palette.ink)


def _stars(pen: Pen, wide: float, palette: Palette, rng: Random) -> None:
    for _ in range(round(26 * wide)):
        x, y, size = rng.uniform(0.02, 0.98) * wide, rng.uniform(0.5, 0.97), rng.uniform(0.008, 0.026)
        pen.glow(x, y, size * 4, size * 4, LIGHT, 0.5)
        thin = size * 0.16
        pen.shape([(x, y + size), (x + thin, y + thin), (x + size, y), (x + thin, y - thin), (x, y - size),
                   (x - thin, y - thin), (x - size, y), (x - thin, y + thin)], LIGHT)  # fmt: skip


def _snow(pen: Pen, wide: float, palette: Palette, rng: Random) -> None:
    for _ in range(round(120 * wide)):
        size = rng.uniform(0.006, 0.02)
        pen.glow(rng.uniform(0, wide), rng.uniform(0, 1), size * 1.7, size * 1.7, LIGHT, 1.0)


def _rain(pen: Pen, wide: float, palette: Palette, rng: Random) -> None:
    drop = palette.mood.low.lit(0.02)
    for _ in range(round(85 * wide)):
        x, y, length = rng.uniform(0, wide + 0.1), rng.uniform(0, 1), rng.uniform(0.03, 0.085)
        pen.line([(x, y), (x - length * 0.22, y - length)], 0.0035, drop)


def _rays(pen: Pen, wide: float, palette: Palette, rng: Random) -> None:
    side = rng.choice((-0.05, 1.05)) * wide
    veil = Image.new("L", pen.picture.size)
    beams = Pen(veil.convert("RGB"), pen.left, pen.base, pen.unit)
    for nth in range(6):
        angle = pi * (0.05 + 0.075 * nth + rng.uniform(-0.01, 0.01))
        spread = rng.uniform(0.012, 0.03) * pi
        reach = 2.2 * max(1.0, wide)
        way = 1 if side < 0 else -1
        ends = [(side + way * reach * cos(turn), 1.1 - reach * sin(turn)) for turn in (angle, angle + spread)]
        beams.shape([(side, 1.1), *ends], Colour(0.42, 0.0, 0))
    pen.picture.paste(WARM.lit(0.06).rgb(), (0, 0), beams.picture.convert("L"))
    pen.glow(side, 1.05, 1.5, 1.5, WARM.lit(0.06), 0.9)


def _petals(pen: Pen, wide: float, palette: Palette, rng: Random) -> None:
    for _ in range(round(34 * wide)):
        x, y, size = rng.uniform(0, wide), rng.uniform(0.04, 0.98), rng.uniform(0.014, 0.034)
        turn = rng.uniform(0, 2 * pi)
        colour = palette.accent.lit(rng.choice((0.18, 0.10, 0.0)))
        leaf = ((0.0, 1.0), (0.5, 0.1), (0.0, -1.0), (-0.5, 0.1))
        pen.blob([(x + size * (a * cos(turn) - b * sin(turn)), y + size * (a * sin(turn) + b * cos(turn)))
                  for a, b in leaf], colour)  # fmt: skip


def _steam(pen: Pen, wide: float, palette: Palette, rng: Random) -> None:
    x = rng.uniform(0.4, 0.6) * wide
    for nth in (-1, 0, 1):
        for step in range(40):
            up = step / 40
            sway = 0.025 * sin(up * 7 + nth * 1.7) * (0.4 + up)
            puff = 0.035 + 0.075 * up
            pen.glow(x + nth * 0.075 + sway, 0.52 + up * 0.42, puff, puff * 1.3, LIGHT, 0.34 * (1 - up))


def _lanterns(pen: Pen, wide: float, palette: Palette, rng: Random) -> None:
    for _ in range(round(7 * wide) + 2):
        x, y, size = rng.uniform(0.05, 0.95) * wide, rng.uniform(0.45, 0.95), rng.uniform(0.03, 0.065)
        pen.glow(x, y, size * 5, size * 5, WARM, 0.6)
        pen.blob([(x - size * 0.34, y - size * 0.5), (x - size * 0.46, y + size * 0.2), (x - size * 0.25, y + size * 0.5),
                  (x + size * 0.25, y + size * 0.5), (x + size * 0.46, y + size * 0.2),
                  (x + size * 0.34, y - size * 0.5)], palette.accent.lit(0.14))  # fmt: skip
        pen.glow(x, y - size * 0.25, size * 0.8, size * 0.8, LIGHT, 1.0)


TOUCHES: Mapping[str, Callable[[Pen, float, Palette, Random], None]] = {
    "birds": _birds,
    "stars": _stars,
    "snow": _snow,
    "rain": _rain,
    "rays": _rays,
    "petals": _petals,
    "steam": _steam,
    "lanterns": _lanterns,
}

"""What an edit adds to a picture: birds, stars, snow, rays …

Unaware of the picture that it is added to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import cos, pi, sin

from PIL import Image

from banana_pipe.providers.sandbox.palette import Colour
from banana_pipe.providers.sandbox.pen import Pen
from banana_pipe.providers.sandbox.stage import Stage

LIGHT = Colour(0.98, 0.03, 90)
WARM = Colour(0.88, 0.12, 78)
QUIET = ("birds", "stars", "rays", "petals", "lanterns")


def add_touch(name: str | None, stage: Stage) -> None:
    """Add the touch *name*, or a quiet one of the dice's choice."""
    TOUCHES[name or stage.rng.choice(QUIET)](stage)


def _birds(stage: Stage) -> None:
    x, y = stage.rng.uniform(0.2, 0.7) * stage.wide, stage.rng.uniform(0.72, 0.86)
    for nth in range(7):
        rank = (nth + 1) // 2
        bird = stage.pen.at(
            x + rank * 0.065 * (-1 if nth % 2 else 1), y - rank * 0.03 + stage.rng.uniform(-0.01, 0.01), 0.055
        )
        bird.line([(-0.5, 0.22), (-0.2, 0.30), (0.0, 0.0), (0.2, 0.30), (0.5, 0.22)], 0.10, stage.palette.ink)


def _stars(stage: Stage) -> None:
    for _ in range(round(26 * stage.wide)):
        x, y, size = (
            stage.rng.uniform(0.02, 0.98) * stage.wide,
            stage.rng.uniform(0.5, 0.97),
            stage.rng.uniform(0.008, 0.026),
        )
        stage.pen.glow(x, y, size * 4, size * 4, LIGHT, 0.5)
        thin = size * 0.16
        stage.pen.shape([(x, y + size), (x + thin, y + thin), (x + size, y), (x + thin, y - thin), (x, y - size),
                   (x - thin, y - thin), (x - size, y), (x - thin, y + thin)], LIGHT)  # fmt: skip


def _snow(stage: Stage) -> None:
    for _ in range(round(120 * stage.wide)):
        size = stage.rng.uniform(0.006, 0.02)
        stage.pen.glow(stage.rng.uniform(0, stage.wide), stage.rng.uniform(0, 1), size * 1.7, size * 1.7, LIGHT, 1.0)


def _rain(stage: Stage) -> None:
    drop = stage.palette.mood.low.lit(0.02)
    for _ in range(round(85 * stage.wide)):
        x, y, length = stage.rng.uniform(0, stage.wide + 0.1), stage.rng.uniform(0, 1), stage.rng.uniform(0.03, 0.085)
        stage.pen.line([(x, y), (x - length * 0.22, y - length)], 0.0035, drop)


def _rays(stage: Stage) -> None:
    side = stage.rng.choice((-0.05, 1.05)) * stage.wide
    veil = Image.new("L", stage.pen.picture.size)
    beams = Pen(veil.convert("RGB"), stage.pen.left, stage.pen.base, stage.pen.unit)
    for nth in range(6):
        angle = pi * (0.05 + 0.075 * nth + stage.rng.uniform(-0.01, 0.01))
        spread = stage.rng.uniform(0.012, 0.03) * pi
        reach = 2.2 * max(1.0, stage.wide)
        way = 1 if side < 0 else -1
        ends = [(side + way * reach * cos(turn), 1.1 - reach * sin(turn)) for turn in (angle, angle + spread)]
        beams.shape([(side, 1.1), *ends], Colour(0.42, 0.0, 0))
    stage.pen.picture.paste(WARM.lit(0.06).rgb(), (0, 0), beams.picture.convert("L"))
    stage.pen.glow(side, 1.05, 1.5, 1.5, WARM.lit(0.06), 0.9)


def _petals(stage: Stage) -> None:
    for _ in range(round(34 * stage.wide)):
        x, y, size = stage.rng.uniform(0, stage.wide), stage.rng.uniform(0.04, 0.98), stage.rng.uniform(0.014, 0.034)
        turn = stage.rng.uniform(0, 2 * pi)
        colour = stage.palette.accent.lit(stage.rng.choice((0.18, 0.10, 0.0)))
        leaf = ((0.0, 1.0), (0.5, 0.1), (0.0, -1.0), (-0.5, 0.1))
        stage.pen.blob([(x + size * (a * cos(turn) - b * sin(turn)), y + size * (a * sin(turn) + b * cos(turn)))
                  for a, b in leaf], colour)  # fmt: skip


def _steam(stage: Stage) -> None:
    x = stage.rng.uniform(0.4, 0.6) * stage.wide
    for nth in (-1, 0, 1):
        for step in range(40):
            up = step / 40
            sway = 0.025 * sin(up * 7 + nth * 1.7) * (0.4 + up)
            puff = 0.035 + 0.075 * up
            stage.pen.glow(x + nth * 0.075 + sway, 0.52 + up * 0.42, puff, puff * 1.3, LIGHT, 0.34 * (1 - up))


def _lanterns(stage: Stage) -> None:
    for _ in range(round(7 * stage.wide) + 2):
        x, y, size = (
            stage.rng.uniform(0.05, 0.95) * stage.wide,
            stage.rng.uniform(0.45, 0.95),
            stage.rng.uniform(0.03, 0.065),
        )
        stage.pen.glow(x, y, size * 5, size * 5, WARM, 0.6)
        stage.pen.blob([(x - size * 0.34, y - size * 0.5), (x - size * 0.46, y + size * 0.2), (x - size * 0.25, y + size * 0.5),
                  (x + size * 0.25, y + size * 0.5), (x + size * 0.46, y + size * 0.2),
                  (x + size * 0.34, y - size * 0.5)], stage.palette.accent.lit(0.14))  # fmt: skip
        stage.pen.glow(x, y - size * 0.25, size * 0.8, size * 0.8, LIGHT, 1.0)


TOUCHES: Mapping[str, Callable[[Stage], None]] = {
    "birds": _birds,
    "stars": _stars,
    "snow": _snow,
    "rain": _rain,
    "rays": _rays,
    "petals": _petals,
    "steam": _steam,
    "lanterns": _lanterns,
}

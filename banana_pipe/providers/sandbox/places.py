"""The seven places that a scene can be in.

Unaware of the sky above and of what stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi, sin
from random import Random

from PIL import Image

from banana_pipe.providers.sandbox.palette import Colour
from banana_pipe.providers.sandbox.pen import Pen, Point, gradient
from banana_pipe.providers.sandbox.stage import Stage

Ground = Callable[[float], float]
"""The height of the ground at some x."""


def _ridge(stage: Stage, height: float, swing: float) -> list[Point]:
    """A line of land from edge to edge: a sum of slow waves."""
    waves = [(stage.rng.uniform(0.35, 0.7) * nth, stage.rng.uniform(0, 2 * pi), swing / nth) for nth in (1, 2, 3)]
    xs = [stage.wide * step / 160 for step in range(161)]
    return [(x, height + sum(size * sin(2 * pi * often * x + phase) for often, phase, size in waves)) for x in xs]


def _land(stage: Stage, line: list[Point], colour: Colour, haze: Colour | None = None) -> None:
    stage.pen.shape([(line[0][0], -0.02), *line, (line[-1][0], -0.02)], colour)
    if haze is not None:
        _haze(stage, min(y for _, y in line) - 0.02, haze)


def _haze(stage: Stage, top: float, colour: Colour) -> None:
    """Mist that thickens towards the bottom, so that the next layer stands off from this one."""
    width, height = stage.pen.picture.size
    above = round(height * (1 - max(top, 0.05)))
    veil = Image.linear_gradient("L").resize((width, height - above)).point([round(v * 0.42) for v in range(256)])
    stage.pen.picture.paste(colour.rgb(), (0, above, width, height), veil)


def _height_at(line: list[Point], x: float) -> float:
    return min(line, key=lambda point: abs(point[0] - x))[1]


def _hills(stage: Stage) -> Ground:
    line: list[Point] = []
    for nth, height in enumerate((0.50, 0.41, 0.31, 0.20)):
        depth = nth / 3
        line = _ridge(stage, height * stage.land, 0.045 * stage.land * (1 - 0.3 * depth))
        _land(stage, line, stage.palette.layer(depth), stage.palette.layer(0).lit(0.06) if nth < 3 else None)
    return lambda x: _height_at(line, x)


def _peaks(stage: Stage) -> Ground:
    for nth, (height, count) in enumerate(((0.66, 3), (0.50, 4))):
        for peak in range(count):
            x = stage.wide * (peak + stage.rng.uniform(0.1, 0.9)) / count
            _mountain(
                stage, x, height * stage.land * stage.rng.uniform(0.8, 1.08), stage.palette.layer(0.12 + 0.3 * nth)
            )
        _haze(stage, 0.34 * stage.land, stage.palette.layer(0).lit(0.08))
    line = _ridge(stage, 0.17 * stage.land, 0.03 * stage.land)
    _land(stage, _ridge(stage, 0.26 * stage.land, 0.035 * stage.land), stage.palette.layer(0.7))
    _land(stage, line, stage.palette.layer(1))
    return lambda x: _height_at(line, x)


def _mountain(stage: Stage, x: float, height: float, colour: Colour) -> None:
    half = height * stage.rng.uniform(0.62, 0.8)
    ridge = x + height * stage.rng.uniform(0.02, 0.10)
    stage.pen.shape([(x - half, 0.1), (x, height), (x + half, 0.1)], colour)
    stage.pen.shape([(x, height), (x + half, 0.1), (ridge + half * 0.2, 0.1), (ridge, height * 0.6)], colour.lit(-0.07))
    snow, cut = stage.palette.mood.sun, 0.26
    left, right = x - half * cut, x + half * cut
    low = height - (height - 0.1) * cut
    stage.pen.shape([(x, height + 0.003), (left - 0.003, low - 0.001), (x - half * 0.12, low + height * 0.035), (x - half * 0.03, low - height * 0.03),
               (x + half * 0.1, low + height * 0.03), (right, low)], snow)  # fmt: skip
    stage.pen.shape([(x, height), (x + half * 0.03, low), (x + half * 0.1, low + height * 0.03), (right, low)],
              snow.lit(-0.08))  # fmt: skip


def _dunes(stage: Stage) -> Ground:
    line: list[Point] = []
    for nth, height in enumerate((0.44, 0.35, 0.24, 0.12)):
        crest = stage.rng.uniform(0.2, 0.8) * stage.wide
        side = stage.rng.choice((-1, 1))
        rise = stage.rng.uniform(0.08, 0.15) * stage.land
        colour = stage.palette.layer(0.05 + 0.22 * nth).lit(0.06)
        line = [
            (stage.wide * s / 160, height * stage.land + rise * _dune(side * (stage.wide * s / 160 - crest)))
            for s in range(161)
        ]
        _land(stage, line, colour)
        shade = [point for point in line if 0 <= side * (point[0] - crest) <= 0.75]
        foot = crest - side * 0.12
        if len(shade) > 1:
            stage.pen.shape([*shade, (foot, -0.02)], colour.lit(-0.07))
    return lambda x: _height_at(line, x)


def _dune(along: float) -> float:
    """A long windward slope (before 0) and a short leeward one."""
    return 1 / (1 + (along * 2.2) ** 2) if along < 0 else 1 / (1 + (along * 4.2) ** 2)


def _sea(stage: Stage) -> Ground:
    horizon = 0.42 * stage.land
    for nth in range(2):
        x = stage.rng.uniform(0, stage.wide)
        height = stage.rng.uniform(0.06, 0.13) * stage.land
        stage.pen.blob([(x - 0.5, horizon - 0.05), (x - 0.25, horizon + height * 0.5), (x, horizon + height),
                  (x + 0.3, horizon + height * 0.35), (x + 0.55, horizon - 0.05)], stage.palette.layer(0.15 * nth))  # fmt: skip
    width, height = stage.pen.picture.size
    water = gradient(
        (width, round(height * horizon) + 1), [stage.palette.layer(0.15).lit(0.05), stage.palette.layer(0.85)]
    )
    stage.pen.picture.paste(water, (0, height - water.height))
    for _ in range(90):
        y = horizon * stage.rng.uniform(0.0, 0.985)
        nearness = 1 - y / horizon
        length = stage.rng.uniform(0.03, 0.16) * (0.35 + nearness)
        colour = stage.palette.layer(0.15 + 0.7 * nearness).lit(stage.rng.choice((0.045, 0.07, -0.04)))
        thick = 0.0035 + 0.007 * nearness * stage.land
        stage.pen.box(stage.rng.uniform(0, stage.wide), y, length, thick, colour, round_=thick / 2)
    return lambda _x: 0.13 * stage.land


def _forest(stage: Stage) -> Ground:
    for nth, height in enumerate((0.44, 0.34, 0.22)):
        line = _ridge(stage, height * stage.land, 0.03 * stage.land)
        colour = stage.palette.layer(0.15 + 0.34 * nth)
        for _ in range(round((26 - 6 * nth) * stage.wide)):
            x = stage.rng.uniform(-0.05, stage.wide + 0.05)
            # A clearing in the front row is where the subject stands.
            if nth < 2 or abs(x / stage.wide - 0.5) > 0.3:
                _fir(
                    stage.pen.at(
                        x, _height_at(line, x) - 0.02, stage.land * stage.rng.uniform(0.15, 0.26) * (1 + 0.25 * nth)
                    ),
                    colour,
                    stage.rng,
                )
        _land(stage, line, colour, stage.palette.layer(0).lit(0.05) if nth < 2 else None)
    floor = _ridge(stage, 0.13 * stage.land, 0.02 * stage.land)
    _land(stage, floor, stage.palette.layer(1))
    return lambda x: _height_at(floor, x)


def _fir(pen: Pen, colour: Colour, rng: Random) -> None:
    shade = colour.lit(rng.uniform(-0.03, 0.02))
    for low, high, half in ((0.0, 0.5, 0.24), (0.28, 0.76, 0.185), (0.54, 1.0, 0.13)):
        pen.shape([(-half, low), (half, low), (0.0, high)], shade)


def _city(stage: Stage) -> Ground:
    for nth, tallest in enumerate((0.62, 0.48, 0.34)):
        x = -stage.rng.uniform(0, 0.1)
        colour = stage.palette.layer(0.1 + 0.36 * nth)
        while x < stage.wide + 0.05:
            width = stage.rng.uniform(0.07, 0.15) * stage.land
            _tower(stage, x + width / 2, width * 0.94, stage.land * tallest * stage.rng.uniform(0.5, 1.0), colour)
            x += width
        _haze(stage, 0.26 * stage.land, stage.palette.layer(0).lit(0.05))
    stage.pen.box(stage.wide / 2, -0.02, stage.wide + 0.1, 0.02 + 0.11 * stage.land, stage.palette.layer(1))
    return lambda _x: 0.09 * stage.land


def _tower(stage: Stage, x: float, width: float, height: float, colour: Colour) -> None:
    stage.pen.box(x, -0.02, width, height + 0.02, colour)
    roof = stage.rng.choice(("flat", "flat", "gable", "mast"))
    if roof == "gable":
        stage.pen.shape(
            [(x - width / 2, height - 0.002), (x + width / 2, height - 0.002), (x, height + width * 0.4)], colour
        )
    if roof == "mast":
        stage.pen.box(x, height - 0.01, width * 0.07, 0.07, colour)
    lit = Colour(0.90, 0.09, 88) if stage.palette.mood.dark else colour.lit(0.10)
    pane, columns = width / 7, 3
    for row in range(int((height - 0.10) / (pane * 2.1))):
        for column in range(columns):
            if stage.rng.random() < (0.45 if stage.palette.mood.dark else 0.6):
                left = x + (column - 1) * width * 0.28
                stage.pen.box(left, height - pane * 2.0 - row * pane * 2.1, pane, pane * 1.15, lit)


def _table(stage: Stage) -> Ground:
    wall, width = stage.palette.mood, stage.wide
    back = [wall.low.lit(-0.05), wall.low.lit(0.02), wall.low.lit(-0.02)]
    if wall.dark:
        back = [wall.top.lit(0.05), wall.low.lit(-0.25), wall.top.lit(0.10)]
    stage.pen.picture.paste(gradient(stage.pen.picture.size, back))
    pane = back[1].lit(0.04)
    lean = stage.rng.choice((-0.22, 0.22)) * stage.land
    for share in (0.30, 0.55):
        x = share * width + stage.rng.uniform(-0.05, 0.05)
        for low in (0.46, 0.76):
            bottom, top = low * stage.land + (1 - stage.land) * 0.4, (low + 0.25) * stage.land + (1 - stage.land) * 0.4
            half = 0.10 * stage.land
            stage.pen.shape([(x - half + lean * low, bottom), (x + half + lean * low, bottom),
                       (x + half + lean * (low + 0.25), top), (x - half + lean * (low + 0.25), top)], pane)  # fmt: skip
    edge = 0.30 * stage.land
    middle = stage.palette.layer(0.42)
    wood = Colour(middle.light + 0.06, middle.chroma * 0.55, middle.hue)
    stage.pen.box(width / 2, -0.02, width + 0.1, edge + 0.02, wood)
    stage.pen.box(width / 2, edge - 0.012, width + 0.1, 0.012, wood.lit(0.07))
    for nth in range(3):
        stage.pen.box(stage.rng.uniform(0, width), edge * (0.2 + 0.22 * nth), stage.rng.uniform(0.3, 0.8), 0.004,
                wood.lit(-0.03), round_=0.002)  # fmt: skip
    return lambda _x: 0.17 * stage.land


PLACES: Mapping[str, Callable[[Stage], Ground]] = {
    "hills": _hills,
    "peaks": _peaks,
    "dunes": _dunes,
    "sea": _sea,
    "forest": _forest,
    "city": _city,
    "table": _table,
}

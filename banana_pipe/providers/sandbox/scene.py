"""The illustrated part of a frame: sky, land, one thing in it, and what an edit adds.

Unaware of the frame around it and of text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi, sin
from random import Random

from PIL import Image, ImageChops, ImageOps

from banana_pipe.providers.sandbox.motifs import MOTIFS, USUAL_COLOURS, draw_motif
from banana_pipe.providers.sandbox.palette import Colour, Palette
from banana_pipe.providers.sandbox.pen import Pen, Point
from banana_pipe.providers.sandbox.touches import add_touch
from banana_pipe.providers.sandbox.words import PLACES, SUBJECTS, TOUCHES, first_of

Size = tuple[int, int]
LONGEST_SIDE = 2600
"""Scenes are drawn twice as large and reduced, so that edges are smooth; larger ones are enlarged."""

WILD_LAND = ("hills", "peaks", "dunes", "forest", "hills")
WILD = (*WILD_LAND, "sea")
AT_HOME: Mapping[str, tuple[str, ...]] = {
    "hills": ("house", "tree", "balloon", "tree"),
    "peaks": ("balloon", "house", "figure"),
    "dunes": ("balloon", "figure", "rocket"),
    "sea": ("boat", "balloon"),
    "forest": ("house", "lantern", "figure"),
    "city": ("balloon", "lantern"),
    "table": ("vase", "mug", "bottle", "banana"),
}
INDOORS = ("mug", "vase", "bottle", "banana", "shirt")
AFLOAT = ("balloon", "rocket")


def new_scene(size: Size, words: list[str], palette: Palette, rng: Random) -> Image.Image:
    """A scene out of nothing but a prompt's *words*."""
    subject = first_of(words, SUBJECTS)
    place = first_of(words, PLACES) or _home_of(subject, rng)
    subject = subject or rng.choice(AT_HOME[place])
    canvas = Image.new("RGB", _drawn_at(size))
    pen = Pen(canvas, 0, canvas.height, canvas.height)
    wide = canvas.width / canvas.height
    # A portrait frame stays a landscape with much sky, rather than a stretched one.
    land = min(1.0, wide * 0.9)
    sun = rng.uniform(0.18, 0.42) if rng.random() < 0.5 else rng.uniform(0.6, 0.84)
    _sky(pen, wide, palette, sun, rng)
    ground = PAINTED[place](pen, wide, land, palette, rng)
    _stand(pen, wide, land, ground, subject, palette, sun, rng)
    return canvas.resize(size, Image.Resampling.LANCZOS)


def edited_scene(size: Size, before: Image.Image, words: list[str], palette: Palette, rng: Random) -> Image.Image:
    """The scene or photograph *before* in another light, with something added."""
    drawn = _drawn_at(size)
    canvas = ImageOps.fit(before, drawn, Image.Resampling.BICUBIC)
    dark, bright = palette.layer(1).lit(-0.12), palette.mood.low.lit(0.03)
    toned = ImageOps.colorize(
        ImageOps.grayscale(canvas), black=dark.rgb(), white=bright.rgb(), mid=palette.accent.rgb()
    )
    canvas = Image.blend(canvas, toned, 0.42 if palette.named else 0.24)
    light = _gradient(drawn, [palette.mood.top.lit(0.05), palette.mood.low])
    canvas = Image.blend(canvas, ImageChops.soft_light(canvas, light), 0.5)
    touch = first_of(words, TOUCHES)
    subject = first_of(words, SUBJECTS)
    pen = Pen(canvas, 0, canvas.height, canvas.height)
    wide = canvas.width / canvas.height
    add_touch(touch, pen, wide, palette, rng)
    if subject is not None and touch is None:
        _beside(pen, wide, subject, palette, rng)
    return canvas.resize(size, Image.Resampling.LANCZOS)


def _home_of(subject: str | None, rng: Random) -> str:
    if subject in INDOORS:
        return "table"
    # Nothing that walks is put on the sea, unless the prompt asks for that.
    return rng.choice(WILD if subject is None or subject in AFLOAT else WILD_LAND)


def _drawn_at(size: Size) -> Size:
    scale = min(2.0, max(LONGEST_SIDE / max(size), 0.5))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _gradient(size: Size, colours: list[Colour]) -> Image.Image:
    """From the first colour at the top to the last at the bottom."""
    column = Image.new("RGB", (1, len(colours)))
    column.putdata([colour.rgb() for colour in colours])
    # Drawn large first: Pillow's edges are flat for half a step, and that half is cut off.
    step = max(2, -(-size[1] // (len(colours) - 1)))
    tall = column.resize((1, step * len(colours)), Image.Resampling.BILINEAR)
    inner = tall.crop((0, step // 2, 1, tall.height - step // 2))
    return inner.resize(size, Image.Resampling.BILINEAR)


def _sky(pen: Pen, wide: float, palette: Palette, sun: float, rng: Random) -> None:
    mood = palette.mood
    pen.picture.paste(_gradient(pen.picture.size, [mood.top, mood.low, mood.low.lit(0.02)]))
    x, y = sun * wide, rng.uniform(0.66, 0.80)
    size = rng.uniform(0.13, 0.19) * min(1.0, wide)
    pen.glow(x, y, size * 7, size * 7, mood.sun, 0.75)
    if mood.dark:
        for _ in range(round(60 * wide)):
            dot = rng.uniform(0.002, 0.006)
            pen.oval(rng.uniform(0, wide), rng.uniform(0.45, 1) ** 0.7, dot, dot, mood.top.lit(rng.uniform(0.2, 0.6)))
    pen.oval(x, y, size, size, mood.sun)
    for _ in range(rng.choice((1, 2, 3))):
        _cloud(pen, rng.uniform(0, wide), rng.uniform(0.58, 0.92), rng.uniform(0.12, 0.26) * min(1.0, wide), palette)


def _cloud(pen: Pen, x: float, y: float, length: float, palette: Palette) -> None:
    colour = palette.mood.low.lit(-0.18 if palette.mood.dark else 0.02)
    for dx, dy, width in ((0.0, 0.0, 1.0), (-0.22, 0.055, 0.5), (0.16, 0.07, 0.62), (0.5, -0.03, 0.7)):
        pen.box(x + dx * length, y + dy * length, width * length, 0.085 * length, colour, round_=0.043 * length)


def _ridge(wide: float, height: float, swing: float, rng: Random) -> list[Point]:
    """A line of land from edge to edge: a sum of slow waves."""
    waves = [(rng.uniform(0.35, 0.7) * nth, rng.uniform(0, 2 * pi), swing / nth) for nth in (1, 2, 3)]
    xs = [wide * step / 160 for step in range(161)]
    return [(x, height + sum(size * sin(2 * pi * often * x + phase) for often, phase, size in waves)) for x in xs]


def _land(pen: Pen, line: list[Point], colour: Colour, haze: Colour | None = None) -> None:
    pen.shape([(line[0][0], -0.02), *line, (line[-1][0], -0.02)], colour)
    if haze is not None:
        _haze(pen, min(y for _, y in line) - 0.02, haze)


def _haze(pen: Pen, top: float, colour: Colour) -> None:
    """Mist that thickens towards the bottom, so that the next layer stands off from this one."""
    width, height = pen.picture.size
    above = round(height * (1 - max(top, 0.05)))
    veil = Image.linear_gradient("L").resize((width, height - above)).point([round(v * 0.42) for v in range(256)])
    pen.picture.paste(colour.rgb(), (0, above, width, height), veil)


def _height_at(line: list[Point], x: float) -> float:
    return min(line, key=lambda point: abs(point[0] - x))[1]


Ground = Callable[[float], float]


def _hills(pen: Pen, wide: float, land: float, palette: Palette, rng: Random) -> Ground:
    line: list[Point] = []
    for nth, height in enumerate((0.50, 0.41, 0.31, 0.20)):
        depth = nth / 3
        line = _ridge(wide, height * land, 0.045 * land * (1 - 0.3 * depth), rng)
        _land(pen, line, palette.layer(depth), palette.layer(0).lit(0.06) if nth < 3 else None)
    return lambda x: _height_at(line, x)


def _peaks(pen: Pen, wide: float, land: float, palette: Palette, rng: Random) -> Ground:
    for nth, (height, count) in enumerate(((0.66, 3), (0.50, 4))):
        for peak in range(count):
            x = wide * (peak + rng.uniform(0.1, 0.9)) / count
            _mountain(pen, x, height * land * rng.uniform(0.8, 1.08), palette.layer(0.12 + 0.3 * nth), palette, rng)
        _haze(pen, 0.34 * land, palette.layer(0).lit(0.08))
    line = _ridge(wide, 0.17 * land, 0.03 * land, rng)
    _land(pen, _ridge(wide, 0.26 * land, 0.035 * land, rng), palette.layer(0.7))
    _land(pen, line, palette.layer(1))
    return lambda x: _height_at(line, x)


def _mountain(pen: Pen, x: float, height: float, colour: Colour, palette: Palette, rng: Random) -> None:
    half = height * rng.uniform(0.62, 0.8)
    ridge = x + height * rng.uniform(0.02, 0.10)
    pen.shape([(x - half, 0.1), (x, height), (x + half, 0.1)], colour)
    pen.shape([(x, height), (x + half, 0.1), (ridge + half * 0.2, 0.1), (ridge, height * 0.6)], colour.lit(-0.07))
    snow, cut = palette.mood.sun, 0.26
    left, right = x - half * cut, x + half * cut
    low = height - (height - 0.1) * cut
    pen.shape([(x, height), (left, low), (x - half * 0.12, low + height * 0.035), (x - half * 0.03, low - height * 0.03),
               (x + half * 0.1, low + height * 0.03), (right, low)], snow)  # fmt: skip
    pen.shape([(x, height), (x + half * 0.03, low), (x + half * 0.1, low + height * 0.03), (right, low)],
              snow.lit(-0.08))  # fmt: skip


def _dunes(pen: Pen, wide: float, land: float, palette: Palette, rng: Random) -> Ground:
    line: list[Point] = []
    for nth, height in enumerate((0.44, 0.35, 0.24, 0.12)):
        crest = rng.uniform(0.2, 0.8) * wide
        side = rng.choice((-1, 1))
        rise = rng.uniform(0.08, 0.15) * land
        colour = palette.layer(0.05 + 0.22 * nth).lit(0.06)
        line = [(wide * s / 160, height * land + rise * _dune(side * (wide * s / 160 - crest))) for s in range(161)]
        _land(pen, line, colour)
        shade = [point for point in line if 0 <= side * (point[0] - crest) <= 0.75]
        foot = crest - side * 0.12
        if len(shade) > 1:
            pen.shape([*shade, (foot, -0.02)], colour.lit(-0.07))
    return lambda x: _height_at(line, x)


def _dune(along: float) -> float:
    """A long windward slope (before 0) and a short leeward one."""
    return 1 / (1 + (along * 2.2) ** 2) if along < 0 else 1 / (1 + (along * 4.2) ** 2)


def _sea(pen: Pen, wide: float, land: float, palette: Palette, rng: Random) -> Ground:
    horizon = 0.42 * land
    for nth in range(2):
        x = rng.uniform(0, wide)
        height = rng.uniform(0.06, 0.13) * land
        pen.blob([(x - 0.5, horizon - 0.05), (x - 0.25, horizon + height * 0.5), (x, horizon + height),
                  (x + 0.3, horizon + height * 0.35), (x + 0.55, horizon - 0.05)], palette.layer(0.15 * nth))  # fmt: skip
    width, height = pen.picture.size
    water = _gradient((width, round(height * horizon) + 1), [palette.layer(0.15).lit(0.05), palette.layer(0.85)])
    pen.picture.paste(water, (0, height - water.height))
    for _ in range(90):
        y = horizon * rng.uniform(0.0, 0.985)
        nearness = 1 - y / horizon
        length = rng.uniform(0.03, 0.16) * (0.35 + nearness)
        colour = palette.layer(0.15 + 0.7 * nearness).lit(rng.choice((0.045, 0.07, -0.04)))
        thick = 0.0035 + 0.007 * nearness * land
        pen.box(rng.uniform(0, wide), y, length, thick, colour, round_=thick / 2)
    return lambda x: 0.13 * land


def _forest(pen: Pen, wide: float, land: float, palette: Palette, rng: Random) -> Ground:
    for nth, height in enumerate((0.44, 0.34, 0.22)):
        line = _ridge(wide, height * land, 0.03 * land, rng)
        colour = palette.layer(0.15 + 0.34 * nth)
        for _ in range(round((26 - 6 * nth) * wide)):
            x = rng.uniform(-0.05, wide + 0.05)
            # A clearing in the front row is where the subject stands.
            if nth < 2 or abs(x / wide - 0.5) > 0.3:
                _fir(
                    pen.at(x, _height_at(line, x) - 0.02, land * rng.uniform(0.15, 0.26) * (1 + 0.25 * nth)),
                    colour,
                    rng,
                )
        _land(pen, line, colour, palette.layer(0).lit(0.05) if nth < 2 else None)
    floor = _ridge(wide, 0.13 * land, 0.02 * land, rng)
    _land(pen, floor, palette.layer(1))
    return lambda x: _height_at(floor, x)


def _fir(pen: Pen, colour: Colour, rng: Random) -> None:
    shade = colour.lit(rng.uniform(-0.03, 0.02))
    for low, high, half in ((0.0, 0.5, 0.24), (0.28, 0.76, 0.185), (0.54, 1.0, 0.13)):
        pen.shape([(-half, low), (half, low), (0.0, high)], shade)


def _city(pen: Pen, wide: float, land: float, palette: Palette, rng: Random) -> Ground:
    for nth, tallest in enumerate((0.62, 0.48, 0.34)):
        x = -rng.uniform(0, 0.1)
        colour = palette.layer(0.1 + 0.36 * nth)
        while x < wide + 0.05:
            width = rng.uniform(0.07, 0.15) * land
            _tower(pen, x + width / 2, width * 0.94, land * tallest * rng.uniform(0.5, 1.0), colour, palette, rng)
            x += width
        _haze(pen, 0.26 * land, palette.layer(0).lit(0.05))
    pen.box(wide / 2, -0.02, wide + 0.1, 0.02 + 0.11 * land, palette.layer(1))
    return lambda x: 0.09 * land


def _tower(pen: Pen, x: float, width: float, height: float, colour: Colour, palette: Palette, rng: Random) -> None:
    pen.box(x, -0.02, width, height + 0.02, colour)
    roof = rng.choice(("flat", "flat", "gable", "mast"))
    if roof == "gable":
        pen.shape([(x - width / 2, height - 0.002), (x + width / 2, height - 0.002), (x, height + width * 0.4)], colour)
    if roof == "mast":
        pen.box(x, height - 0.01, width * 0.07, 0.07, colour)
    lit = Colour(0.90, 0.09, 88) if palette.mood.dark else colour.lit(0.10)
    pane, columns = width / 7, 3
    for row in range(int((height - 0.10) / (pane * 2.1))):
        for column in range(columns):
            if rng.random() < (0.45 if palette.mood.dark else 0.6):
                left = x + (column - 1) * width * 0.28
                pen.box(left, height - pane * 2.0 - row * pane * 2.1, pane, pane * 1.15, lit)


def _table(pen: Pen, wide: float, land: float, palette: Palette, rng: Random) -> Ground:
    wall, width = palette.mood, wide
    back = [wall.low.lit(-0.05), wall.low.lit(0.02), wall.low.lit(-0.02)]
    if wall.dark:
        back = [wall.top.lit(0.05), wall.low.lit(-0.25), wall.top.lit(0.10)]
    pen.picture.paste(_gradient(pen.picture.size, back))
    pane = back[1].lit(0.04)
    lean = rng.choice((-0.22, 0.22)) * land
    for x in (0.30, 0.55):
        x = x * width + rng.uniform(-0.05, 0.05)
        for low in (0.46, 0.76):
            bottom, top = low * land + (1 - land) * 0.4, (low + 0.25) * land + (1 - land) * 0.4
            half = 0.10 * land
            pen.shape([(x - half + lean * low, bottom), (x + half + lean * low, bottom),
                       (x + half + lean * (low + 0.25), top), (x - half + lean * (low + 0.25), top)], pane)  # fmt: skip
    edge = 0.30 * land
    middle = palette.layer(0.42)
    top = Colour(middle.light + 0.06, middle.chroma * 0.55, middle.hue)
    pen.box(width / 2, -0.02, width + 0.1, edge + 0.02, top)
    pen.box(width / 2, edge - 0.012, width + 0.1, 0.012, top.lit(0.07))
    for nth in range(3):
        pen.box(rng.uniform(0, width), edge * (0.2 + 0.22 * nth), rng.uniform(0.3, 0.8), 0.004,
                top.lit(-0.03), round_=0.002)  # fmt: skip
    return lambda x: 0.17 * land


PAINTED: Mapping[str, Callable[[Pen, float, float, Palette, Random], Ground]] = {
    "hills": _hills,
    "peaks": _peaks,
    "dunes": _dunes,
    "sea": _sea,
    "forest": _forest,
    "city": _city,
    "table": _table,
}


def _stand(
    pen: Pen, wide: float, land: float, ground: Ground, subject: str, palette: Palette, sun: float, rng: Random
) -> None:
    """Put the subject on its ground, on the side of the frame that the sun leaves free."""
    along = rng.uniform(0.56, 0.68) if sun < 0.5 else rng.uniform(0.32, 0.44)
    if wide < 1:
        along = rng.uniform(0.44, 0.56)
    size = rng.uniform(0.40, 0.50) * land * (1.08 if subject in INDOORS else 1.0)
    x = along * wide
    y = ground(x) - 0.012
    colour = palette.accent if palette.named else USUAL_COLOURS.get(subject, palette.accent)
    if subject in AFLOAT:
        y, size = y + rng.uniform(0.26, 0.34), size * 0.9
    else:
        pen.glow(x + 0.05 * size, y, size * 1.5, size * 0.22, Colour(0.15, 0.02, palette.ink.hue), 0.55)
    draw_motif(subject, pen.at(x, y, size, mirror=rng.choice((-1, 1))), colour)


def _beside(pen: Pen, wide: float, subject: str, palette: Palette, rng: Random) -> None:
    """Put what an edit speaks of into the picture, smaller and aside."""
    size = rng.uniform(0.24, 0.30) * min(1.0, wide)
    x = rng.choice((0.16, 0.84)) * wide
    y = rng.uniform(0.55, 0.62) if subject in AFLOAT else 0.06
    if subject not in AFLOAT:
        pen.glow(x, y, size * 1.4, size * 0.2, Colour(0.15, 0.02, palette.ink.hue), 0.5)
    draw_motif(subject, pen.at(x, y, size, mirror=rng.choice((-1, 1))), palette.accent)

"""The illustrated part of a frame: sky, land, one thing in it, and what an edit changes.

Unaware of the frame around it and of text.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from PIL import Image, ImageChops, ImageOps

from banana_pipe.providers.sandbox import places, words
from banana_pipe.providers.sandbox.motifs import USUAL_COLOURS, draw_motif
from banana_pipe.providers.sandbox.palette import Colour, Palette
from banana_pipe.providers.sandbox.pen import Pen, gradient
from banana_pipe.providers.sandbox.stage import Stage
from banana_pipe.providers.sandbox.touches import add_touch

Size = tuple[int, int]
LONGEST_SIDE = 2600
"""Scenes are drawn twice as large and reduced, so that edges are smooth, as far as this goes."""

WILD_LAND = ("hills", "peaks", "dunes", "forest", "hills")
WILD = (*WILD_LAND, "sea")
AT_HOME: Mapping[str, tuple[str, ...]] = {
    "hills": ("house", "tree", "balloon", "tree"),
    "peaks": ("balloon", "house", "figure"),
    "dunes": ("balloon", "figure", "rocket"),
    "sea": ("boat", "boat", "balloon"),
    "forest": ("house", "lantern", "figure"),
    "city": ("balloon", "lantern"),
    "table": ("vase", "mug", "bottle", "banana"),
}
INDOORS = ("mug", "vase", "bottle", "banana", "shirt")
ALOFT = ("balloon", "rocket")
MID_TONE = 178
"""The grey that an edit's colour takes the place of: bright things, for those are what one paints."""


def new_scene(size: Size, said: list[str], palette: Palette, rng: Random) -> Image.Image:
    """A scene out of nothing but the words that were *said*."""
    subject = words.first_of(said, words.SUBJECTS)
    place = words.first_of(said, words.PLACES) or _home_of(subject, rng)
    subject = subject or rng.choice(AT_HOME[place])
    stage = _stage(Image.new("RGB", drawn_at(size)), palette, rng)
    sun = rng.uniform(0.18, 0.42) if rng.random() < 0.5 else rng.uniform(0.6, 0.84)
    _sky(stage, sun)
    ground = places.PLACES[place](stage)
    _stand(stage, subject, ground, sun, islet=place == "sea" and subject not in (*ALOFT, "boat"))
    return stage.pen.picture.resize(size, Image.Resampling.LANCZOS)


def edited_scene(size: Size, before: Image.Image, said: list[str], palette: Palette, rng: Random) -> Image.Image:
    """The scene or photograph *before* in another light, and what the words add to it."""
    fitted = ImageOps.fit(before, drawn_at(size), Image.Resampling.BICUBIC)
    stage = _stage(_relit(fitted, palette), palette, rng)
    touch = words.first_of(said, words.TOUCHES)
    subject = words.first_of(said, words.SUBJECTS)
    if touch or not (subject or palette.named):
        add_touch(touch, stage)
    if subject and not touch:
        _beside(stage, subject)
    return stage.pen.picture.resize(size, Image.Resampling.LANCZOS)


def _stage(canvas: Image.Image, palette: Palette, rng: Random) -> Stage:
    return Stage(Pen(canvas, 0, canvas.height, canvas.height), canvas.width / canvas.height, palette, rng)


def drawn_at(size: Size) -> Size:
    """How large a scene of *size* is drawn."""
    scale = min(2.0, max(LONGEST_SIDE / max(size), 1.0))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _home_of(subject: str | None, rng: Random) -> str:
    if subject in INDOORS:
        return "table"
    # Nothing that walks is put on the sea, unless the prompt asks for that.
    return rng.choice(WILD if subject is None or subject in ALOFT else WILD_LAND)


def _relit(picture: Image.Image, palette: Palette) -> Image.Image:
    dark, bright = palette.layer(1).lit(-0.2), palette.mood.low.lit(0.04)
    accent = palette.accent.lit(0.08) if palette.named else palette.layer(0.25)
    toned = ImageOps.colorize(ImageOps.grayscale(picture), dark.rgb(), bright.rgb(), accent.rgb(), midpoint=MID_TONE)
    tinted = Image.blend(picture, toned, 0.5 if palette.named else 0.2)
    # Middle greys leave soft light as it is: the hue of the sky, and neither lighter nor darker over a chain.
    light = [Colour(0.64, colour.chroma, colour.hue) for colour in (palette.mood.top, palette.mood.low)]
    return Image.blend(tinted, ImageChops.soft_light(tinted, gradient(picture.size, light)), 0.6)


def _sky(stage: Stage, sun: float) -> None:
    pen, mood, rng, wide = stage.pen, stage.palette.mood, stage.rng, stage.wide
    pen.picture.paste(gradient(pen.picture.size, [mood.top, mood.low, mood.low.lit(0.02)]))
    x, y = sun * wide, rng.uniform(0.66, 0.80)
    size = rng.uniform(0.13, 0.19) * min(1.0, wide)
    pen.glow(x, y, size * 7, size * 7, mood.sun, 0.75)
    if mood.dark:
        for _ in range(round(60 * wide)):
            dot = rng.uniform(0.002, 0.006)
            pen.oval(rng.uniform(0, wide), rng.uniform(0.45, 1) ** 0.7, dot, dot, mood.top.lit(rng.uniform(0.2, 0.6)))
    pen.oval(x, y, size, size, mood.sun)
    for _ in range(rng.choice((1, 2, 3))):
        _cloud(stage, rng.uniform(0, wide), rng.uniform(0.58, 0.92), rng.uniform(0.12, 0.26) * min(1.0, wide))


def _cloud(stage: Stage, x: float, y: float, length: float) -> None:
    mood = stage.palette.mood
    colour = mood.low.lit(-0.18 if mood.dark else 0.02)
    for dx, dy, width in ((0.0, 0.0, 1.0), (-0.18, 0.06, 0.5), (0.10, 0.06, 0.45), (0.34, -0.06, 0.75)):
        stage.pen.box(x + dx * length, y + dy * length, width * length, 0.09 * length, colour, round_=0.045 * length)


def _stand(stage: Stage, subject: str, ground: places.Ground, sun: float, *, islet: bool) -> None:
    """Put the subject on its ground, on the side of the frame that the sun leaves free."""
    rng, palette = stage.rng, stage.palette
    along = rng.uniform(0.56, 0.68) if sun < 0.5 else rng.uniform(0.32, 0.44)
    if stage.wide < 1:
        along = rng.uniform(0.44, 0.56)
    size = rng.uniform(0.42, 0.52) * stage.land * (1.08 if subject in INDOORS else 1.0)
    x = along * stage.wide
    y = ground(x) - 0.012
    colour = palette.accent if palette.named else USUAL_COLOURS.get(subject, palette.accent)
    if subject in ALOFT:
        y, size = y + rng.uniform(0.26, 0.34), size * 0.9
    else:
        if islet:
            _islet(stage, x, y, size)
        _shadow(stage, x, y, size)
    draw_motif(subject, stage.pen.at(x, y, size, mirror=rng.choice((-1, 1))), colour)


def _islet(stage: Stage, x: float, y: float, size: float) -> None:
    rock = stage.pen.at(x, y, size)
    colour = stage.palette.layer(1)
    rock.oval(0, -0.10, 2.1, 0.16, stage.palette.layer(0.3).lit(0.08))
    rock.blob([(-0.95, -0.10), (-0.6, 0.03), (0.0, 0.07), (0.6, 0.03), (0.95, -0.10), (0.0, -0.14)], colour)


def _beside(stage: Stage, subject: str) -> None:
    """Put what an edit speaks of into the picture, smaller and aside."""
    rng = stage.rng
    size = rng.uniform(0.26, 0.32) * min(1.0, stage.wide)
    x = rng.choice((0.16, 0.84)) * stage.wide
    y = rng.uniform(0.55, 0.62) if subject in ALOFT else 0.06
    if subject not in ALOFT:
        _shadow(stage, x, y, size)
    draw_motif(subject, stage.pen.at(x, y, size, mirror=rng.choice((-1, 1))), stage.palette.accent)


def _shadow(stage: Stage, x: float, y: float, size: float) -> None:
    dark = Colour(0.15, 0.02, stage.palette.ink.hue)
    stage.pen.glow(x + 0.05 * size, y, size * 1.5, size * 0.22, dark, 0.55)

"""One thing alone on a plain ground, as people ask for what is to be cut out: nothing else has the ground's colour.

Unaware of HTTP, and of how it will be cut.

An edit of such a picture moves what stands in it, unless it speaks of another thing: that is drawn anew, as it is where the
picture before has no plain ground.
"""

from __future__ import annotations

import re
from io import BytesIO
from random import Random

from PIL import Image, ImageColor, ImageDraw, ImageFilter, ImageOps

from banana_pipe.providers.sandbox import words
from banana_pipe.providers.sandbox.layout import Box, set_text
from banana_pipe.providers.sandbox.lettering import Type, pieces
from banana_pipe.providers.sandbox.motifs import USUAL_COLOURS, draw_motif
from banana_pipe.providers.sandbox.palette import RGB, Palette
from banana_pipe.providers.sandbox.pen import Pen
from banana_pipe.providers.sandbox.pixels import size_of
from banana_pipe.providers.sandbox.scene import AT_HOME, drawn_at
from banana_pipe.providers.sandbox.sheet import Sheet
from banana_pipe.transforms.pixels import distance

_FOOT = 0.96
"""So far down stands what stands."""
WHITE: RGB = (255, 255, 255)
_HOW = r"(?:plain|flat|solid|uniform|pure|seamless|evenly lit)"
_NAMED = re.compile(
    r"\b(?:on|against|before)\s+(?:an?\s+|the\s+)?((?:[\w#-]+,?\s+){0,6}?)(?:background|backdrop)\b", re.IGNORECASE
)
_SHORT = re.compile(rf"\b(?:on|against)\s+(?:an?\s+)?{_HOW}\s+((?:[\w#-]+\s+){{0,2}}[\w#-]+)", re.IGNORECASE)
_TOLD_APART = 40
"""Levels of a channel; so far a JPEG's plain ground is from being plain."""
_LEAST_GROUND = 0.3
"""Of the pixels, so many have the ground's colour where something stands on a plain one."""


def ground_of(prompt: str) -> tuple[RGB, str] | None:
    """The plain colour that *prompt* wants behind everything, and what else it says; None where it wants none."""
    named = next(
        (found for found in _NAMED.finditer(prompt) if re.search(rf"\b{_HOW}\b", found[1], re.IGNORECASE)), None
    )
    if named is not None:
        return _colour_of(named[1]) or WHITE, prompt[: named.start()] + prompt[named.end() :]
    for found in _SHORT.finditer(prompt):
        colour = _colour_of(found[1])
        if colour is not None:
            return colour, prompt[: found.start()] + prompt[found.end() :]
    return None


def _colour_of(text: str) -> RGB | None:
    """The first colour that *text* names: CSS's, as the ops take them, else one of the painter's own."""
    said = re.findall(r"#[0-9a-f]{6}\b|[a-z]+", text.lower())
    for word in said:
        try:
            red, green, blue = ImageColor.getrgb(word)[:3]
        except ValueError:
            if word in words.COLOURS:
                return words.COLOURS[word].rgb()
        else:
            return (red, green, blue)
    return None


def paint_alone(sheet: Sheet, ground: RGB, said: list[str], palette: Palette, rng: Random) -> tuple[Image.Image, Box]:
    """What *said* speaks of, on *ground*, over its caption; and the box of it without the caption."""
    page = Image.new("RGB", size_of(sheet), ground)
    unit = min(page.size) / 1024
    edge, foot = round(38 * unit), round(0.82 * page.height)
    box = (edge, edge, page.width - edge, foot)
    _stand(page, ground, box, sheet, said, palette, rng)
    _sign(page, ground, (edge, foot + round(14 * unit), page.width - edge, page.height - edge // 2), sheet.prompt, unit)
    return page, box


def _sign(page: Image.Image, ground: RGB, box: Box, prompt: str, unit: float) -> None:
    """Say that it is no model's picture, and below that what was asked for."""
    draw, ink = ImageDraw.Draw(page), _ink_on(ground)
    left, top, right, bottom = box
    type_, tracking, word = Type(max(6, round(22 * unit)), 0.4 * unit), 4 * unit, pieces("SANDBOX")
    base = top + type_.size
    type_.draw(draw, (left + right - type_.width(word, tracking)) / 2, base, word, ink, tracking)
    setting = set_text(prompt, 0.86 * (right - left), bottom - base - 10 * unit, 0.7 * unit)
    y = base + 10 * unit + setting.type.size
    for line in setting.lines:
        x = (left + right - setting.width(line)) / 2
        for each in line:
            x = setting.type.draw(draw, x, y, each, ink) + setting.space
        y += setting.leading


def _ink_on(ground: RGB) -> RGB:
    """A colour in which text can be read there, and which is far from it."""
    red, green, blue = ground
    return (30, 28, 32) if 0.3 * red + 0.59 * green + 0.11 * blue > 110 else (244, 242, 238)


def _stand(
    page: Image.Image, ground: RGB, box: Box, sheet: Sheet, said: list[str], palette: Palette, rng: Random
) -> None:
    """Put what *said* speaks of into *box* of *page*, which is *ground* all over."""
    subject = words.first_of(said, words.SUBJECTS)
    is_same = sheet.action == "edit" and (subject is None or "same" in said)
    before = _standing(sheet.inputs[0].jpeg) if is_same else None
    size = (box[2] - box[0], box[3] - box[1])
    if before is not None:
        figure, mask = _moved(before, size, rng)
        page.paste(_toned(figure, palette) if palette.named else figure, (box[0], box[1]), mask)
        return
    canvas = Image.new("RGB", drawn_at(size), ground)
    subject = subject or rng.choice(AT_HOME["table"])
    colour = palette.accent if palette.named else USUAL_COLOURS.get(subject, palette.accent)
    high = 0.84 * min(canvas.height, canvas.width) * rng.uniform(0.94, 1.0)
    pen = Pen(canvas, canvas.width / 2, canvas.height * _FOOT, high, mirror=rng.choice((-1, 1)))
    draw_motif(subject, pen, colour)
    page.paste(canvas.resize(size, Image.Resampling.LANCZOS), (box[0], box[1]))


def _toned(figure: Image.Image, palette: Palette) -> Image.Image:
    """The same in the colour that an edit names."""
    dark, bright = palette.accent.lit(-0.35), palette.accent.lit(0.3)
    toned = ImageOps.colorize(ImageOps.grayscale(figure), dark.rgb(), bright.rgb(), palette.accent.rgb(), midpoint=170)
    return Image.blend(figure, toned, 0.7)


def _standing(jpeg: bytes) -> tuple[Image.Image, Image.Image] | None:
    """A picture and the mask of what stands in it, if that is on a plain ground."""
    picture = Image.open(BytesIO(jpeg), formats=("JPEG",)).convert("RGB")
    ground = picture.crop((0, 0, 1, 1)).tobytes().hex()
    far = distance(picture, f"#{ground}").point(lambda level: 255 if level > _TOLD_APART else 0)
    share = far.histogram()[0] / (far.width * far.height)
    if share < _LEAST_GROUND or share == 1 or far.crop((0, 0, far.width, 1)).getbbox():
        return None
    return picture, far.filter(ImageFilter.MinFilter(3))


def _moved(
    before: tuple[Image.Image, Image.Image], size: tuple[int, int], rng: Random
) -> tuple[Image.Image, Image.Image]:
    """What stands there in another pose: leaning, hopping, or the other way round."""
    lean, hop, turn = rng.uniform(-14, 14), rng.uniform(0, 0.05), rng.random() < 0.5
    moved = []
    for picture, way in zip(before, (Image.Resampling.BICUBIC, Image.Resampling.BILINEAR), strict=True):
        fitted = ImageOps.fit(picture, size, way)
        turned = ImageOps.mirror(fitted) if turn else fitted
        foot = (size[0] / 2, size[1] * _FOOT)
        moved.append(
            turned.rotate(
                lean, way, center=foot, translate=(0, -round(hop * size[1])), fillcolor=turned.getpixel((0, 0))
            )
        )
    return moved[0], moved[1]

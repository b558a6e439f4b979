"""A sheet becomes a PNG: a storyboard frame that one can read.

Unaware of HTTP, of tasks and of the clock: equal sheets give equal bytes (for one version of Pillow).

The words of a prompt choose colours and scene where they are known, its hash decides the rest. The
composition depends on neither model nor resolution nor ratio, so that a draft looks like what it is
a draft of; takes share their colours and differ in all else.
"""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from random import Random

from PIL import Image, ImageDraw, PngImagePlugin

from banana_pipe.providers.sandbox.checks import SCENE_BOX
from banana_pipe.providers.sandbox.cutout import ground_of, paint_alone
from banana_pipe.providers.sandbox.layout import Box, Frame, frame_for, set_text
from banana_pipe.providers.sandbox.lettering import Type, Word, pieces
from banana_pipe.providers.sandbox.palette import Palette, palette_for
from banana_pipe.providers.sandbox.pixels import size_of
from banana_pipe.providers.sandbox.scene import edited_scene, new_scene
from banana_pipe.providers.sandbox.sheet import InputPicture, Sheet
from banana_pipe.providers.sandbox.strip import paint_strip
from banana_pipe.providers.sandbox.words import COLOURS, MOODS, first_of, words_of

COMPRESSION = 6
LONG_PROMPT = 170
"""Characters; from there on the caption gets more room."""
FOOTNOTE = "Painted offline by the banana-pipe sandbox. No model was asked, nothing was paid."


def paint(sheet: Sheet) -> bytes:
    """The PNG for *sheet*, of the size that `pixels.size_of` says."""
    plain = ground_of(sheet.prompt)
    if plain is not None:
        ground, rest = plain
        words = words_of(rest)
        palette = palette_for(_seeded(sheet.prompt), None, first_of(words, COLOURS))
        return _png(*paint_alone(sheet, ground, words, palette, _dice(sheet)))
    words = words_of(sheet.prompt)
    palette = palette_for(_seeded(sheet.prompt), first_of(words, MOODS), first_of(words, COLOURS))
    width, height = size_of(sheet)
    frame = frame_for(width, height, len(sheet.inputs), long=len(sheet.prompt) > LONG_PROMPT)
    page = Image.new("RGB", (width, height), palette.paper.rgb())
    _paint_scene(page, frame, sheet, words, palette)
    if frame.strip:
        paint_strip(page, frame.strip, sheet.inputs, palette, frame.unit, flush_right=frame.strip[0] > frame.scene[0])
    _header(page, frame, sheet, palette)
    _caption(page, frame, sheet.prompt, palette)
    _footer(page, frame, palette)
    return _png(page, frame.scene)


def _seeded(*parts: object) -> Random:

    return Random(int.from_bytes(sha256("\0".join(map(str, parts)).encode("utf-8", "replace")).digest()))  # noqa: S311


def _dice(sheet: Sheet) -> Random:
    return _seeded(sheet.action, sheet.prompt, sheet.take, *(picture.digest for picture in sheet.inputs))


def _paint_scene(page: Image.Image, frame: Frame, sheet: Sheet, words: list[str], palette: Palette) -> None:
    left, top, right, bottom = frame.scene
    rng = _dice(sheet)
    size = (right - left, bottom - top)
    if sheet.action == "edit":
        scene = edited_scene(size, _opened(sheet.inputs[0]), words, palette, rng)
    else:
        scene = new_scene(size, words, palette, rng)
    page.paste(scene, (left, top), _rounded(size, round(12 * frame.unit)))


def _opened(picture: InputPicture) -> Image.Image:
    return Image.open(BytesIO(picture.jpeg), formats=("JPEG",)).convert("RGB")


def _rounded(size: tuple[int, int], radius: int) -> Image.Image:
    large = Image.new("L", (size[0] * 2, size[1] * 2))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, size[0] * 2 - 1, size[1] * 2 - 1), radius=radius * 2, fill=255)
    return large.resize(size, Image.Resampling.BOX)


def _header(page: Image.Image, frame: Frame, sheet: Sheet, palette: Palette) -> None:
    left, top, right, bottom = frame.header
    draw, unit = ImageDraw.Draw(page), frame.unit
    base = round((top + bottom) / 2 + 7 * unit)
    stamp_left = _pill(page, right, frame.header, unit, palette)
    type_ = Type(max(6, round(20 * unit)))
    tracking = 2.2 * unit
    verb = pieces(sheet.action.upper())
    x = Type(type_.size, 0.35 * unit).draw(draw, left, base, verb, palette.ink.rgb(), tracking)
    room = stamp_left - 14 * unit - x
    details = [sheet.model, f"take {sheet.take}", f"{page.width} \u00d7 {page.height}"]
    for nth, detail in enumerate(details):
        word: Word = pieces(detail)
        needs = type_.width(word) + 34 * unit
        if needs > room:
            return
        dot = x + 15 * unit
        radius = 2.2 * unit
        centre = base - 6.5 * unit
        draw.ellipse((dot - radius, centre - radius, dot + radius, centre + radius), fill=palette.mark.rgb())
        x = type_.draw(draw, x + 32 * unit, base, word, (palette.ink if nth == 0 else palette.muted).rgb())
        room -= needs


def _pill(page: Image.Image, right: int, box: Box, unit: float, palette: Palette) -> float:
    """The mark that this is no model's picture; returns its left edge."""
    type_ = Type(max(6, round(17 * unit)), 0.3 * unit)
    tracking, word = 3.4 * unit, pieces("SANDBOX")
    width = type_.width(word, tracking) - tracking + 34 * unit
    middle, half = (box[1] + box[3]) / 2, 17 * unit
    size = (round(width), round(2 * half))
    page.paste(palette.mark.rgb(), (right - size[0], round(middle - half)), _rounded(size, round(half)))
    type_.draw(
        ImageDraw.Draw(page),
        right - width + 17 * unit,
        middle + 6.2 * unit,
        word,
        palette.paper.lit(0.02).rgb(),
        tracking,
    )
    return right - width


def _caption(page: Image.Image, frame: Frame, prompt: str, palette: Palette) -> None:
    left, top, right, bottom = frame.caption
    unit, draw = frame.unit, ImageDraw.Draw(page)
    bar = round(4 * unit)
    text_left = left + bar + round(16 * unit)
    setting = set_text(prompt, right - text_left, bottom - top, unit)
    y = top + setting.type.size * 1.02
    height = (len(setting.lines) - 1) * setting.leading + setting.type.size * 1.3
    draw.rounded_rectangle((left, top, left + bar, top + height), radius=bar / 2, fill=palette.mark.rgb())
    for line in setting.lines:
        x: float = text_left
        for word in line:
            x = setting.type.draw(draw, x, y, word, palette.ink.rgb()) + setting.space
        y += setting.leading


def _footer(page: Image.Image, frame: Frame, palette: Palette) -> None:
    left, top, right, bottom = frame.footer
    draw, unit = ImageDraw.Draw(page), frame.unit
    draw.line((left, top, right, top), fill=palette.paper.lit(-0.09).rgb(), width=max(1, round(1.5 * unit)))
    setting = set_text(FOOTNOTE, right - left, 20 * unit, unit * 0.42)
    x: float = left
    for word in setting.lines[0]:
        x = setting.type.draw(draw, x, bottom - 4 * unit, word, palette.muted.rgb()) + setting.space


def _png(page: Image.Image, scene: Box) -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Software", "banana-pipe sandbox")
    notes.add_text(SCENE_BOX, ",".join(map(str, scene)))
    packed = BytesIO()
    page.save(packed, "PNG", pnginfo=notes, compress_level=COMPRESSION)
    return packed.getvalue()

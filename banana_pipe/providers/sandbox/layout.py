"""Where things go in a frame, and how a text is broken into lines that fit.

Unaware of colours and of what is in the scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

from banana_pipe.providers.sandbox.lettering import Piece, Type, Word, one_by_one, pieces, words_in

Box = tuple[int, int, int, int]
"""left, top, right, bottom in pixels"""

LEADING = 1.36
SPACE = 0.26
CAPTION_SIZES = (34, 30, 27, 24, 22, 20, 18, 16, 14.5, 13)


@dataclass(frozen=True, slots=True)
class Frame:
    """The parts of a sheet of paper; `unit` is what one pixel of a 1024 × 1024 picture would be."""

    unit: float
    header: Box
    scene: Box
    caption: Box
    strip: Box | None
    footer: Box


def frame_for(width: int, height: int, inputs: int) -> Frame:
    """The frame of a picture of that size with so many inputs: those beside the caption or above it."""
    unit = min(sqrt(width * height), 1.9 * min(width, height)) / 1024
    edge, gap = round(38 * unit), round(18 * unit)
    header = (edge, round(26 * unit), width - edge, round(68 * unit))
    footer = (edge, height - round(50 * unit), width - edge, height - round(24 * unit))
    below = round(height * (0.20 if width >= height else 0.22))
    bottom = footer[1] - gap
    caption = (edge, bottom - below, width - edge, bottom)
    strip: Box | None = None
    if inputs and width > 1.15 * height:
        room = round((width - 2 * edge) * (0.26 if inputs <= 3 else 0.42))
        strip = (width - edge - room, caption[1], width - edge, bottom)
        caption = (edge, caption[1], strip[0] - 2 * gap, bottom)
    elif inputs:
        tall = round((84 if inputs <= 7 else 132) * unit)
        strip = (edge, caption[1] - tall - gap + round(8 * unit), width - edge, caption[1] - gap + round(8 * unit))
    scene = (edge, header[3] + round(12 * unit), width - edge, (strip or caption)[1] - gap)
    if strip and strip[0] > edge:
        scene = (edge, scene[1], width - edge, caption[1] - gap)
    return Frame(unit, header, scene, caption, strip, footer)


@dataclass(frozen=True, slots=True)
class Setting:
    """A text broken into lines; each line is its words. `leading` is the distance of base lines."""

    type: Type
    lines: list[list[Word]]
    leading: float

    @property
    def space(self) -> float:
        """The gap between two words."""
        return self.type.size * SPACE


def set_text(text: str, width: float, height: float, unit: float) -> Setting:
    """*text* as large as fits; what does not fit even small is left out, and the last line says how much."""
    paragraphs = [words for words in words_in(text) if words] or [[]]
    for size in CAPTION_SIZES:
        setting = _set(paragraphs, width, max(6, round(size * unit)), height)
        if len(setting.lines) * setting.leading <= height:
            return setting
    return _cut(setting, width, max(1, int(height / setting.leading)), sum(map(len, paragraphs)))


def _set(paragraphs: list[list[Word]], width: float, size: int, height: float) -> Setting:
    type_, leading = Type(size), size * LEADING
    enough = ceil(height / leading) + 1
    lines: list[list[Word]] = []
    for words in paragraphs:
        if len(lines) >= enough:
            break
        lines += _broken(words, type_, width, enough - len(lines))
    return Setting(type_, lines, leading)


def _broken(words: list[Word], type_: Type, width: float, enough: int) -> list[list[Word]]:
    lines: list[list[Word]] = []
    line: list[Word] = []
    used = 0.0
    for whole in words:
        for word in _fitting(whole, type_, width):
            needs = type_.width(word)
            if line and used + type_.size * SPACE + needs > width:
                lines.append(line)
                if len(lines) >= enough:
                    return lines
                line, used = [], 0.0
            used += needs + (type_.size * SPACE if line else 0)
            line.append(word)
    return [*lines, line] if line else lines


def _fitting(word: Word, type_: Type, width: float) -> list[Word]:
    """The word, or its parts where it is longer than a line."""
    if type_.width(word) <= width:
        return [word]
    parts: list[Word] = []
    part: list[Piece] = []
    used = 0.0
    for piece in one_by_one(word):
        needs = type_.width((piece,))
        if part and used + needs > width:
            parts.append(tuple(part))
            part, used = [], 0.0
        part.append(piece)
        used += needs
    return [*parts, tuple(part)]


def _cut(setting: Setting, width: float, rows: int, words: int) -> Setting:
    lines = [list(line) for line in setting.lines[:rows]]
    while True:
        left = max(1, words - sum(map(len, lines)))
        tail = [pieces(part) for part in f"… and {left} more {'word' if left == 1 else 'words'}".split()]
        line = [*lines[-1], *tail]
        taken = sum(map(setting.type.width, line)) + setting.space * (len(line) - 1)
        if taken <= width or not lines[-1]:
            return Setting(setting.type, [*lines[:-1], line], setting.leading)
        lines[-1].pop()

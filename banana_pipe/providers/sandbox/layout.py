"""Where things go in a frame, and how a text is broken into lines that fit.

Unaware of colours and of what is in the scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

from banana_pipe.providers.sandbox.lettering import Piece, Type, Word, one_by_one, pieces, words_in

Box = tuple[int, int, int, int]
"""left, top, right, bottom in pixels"""

FEW = 3
LEADING = 1.36
SPACE = 0.26
SIZES = (34, 30, 27, 24, 22, 20, 18, 16, 14.5, 13)


@dataclass(frozen=True, slots=True)
class Frame:
    """The parts of a sheet of paper; `unit` is what one pixel of a 1024 × 1024 picture would be."""

    unit: float
    header: Box
    scene: Box
    caption: Box
    strip: Box | None
    footer: Box


def frame_for(width: int, height: int, inputs: int, *, long: bool) -> Frame:
    """The frame of a picture of that size with so many inputs; a *long* text gets more room.

    Up to three inputs stand beside the caption, so that the scene keeps its shape along a chain.
    """
    unit = min(sqrt(width * height), 1.9 * min(width, height)) / 1024
    edge, gap = round(38 * unit), round(18 * unit)
    header = (edge, round(26 * unit), width - edge, round(68 * unit))
    footer = (edge, height - round(50 * unit), width - edge, height - round(24 * unit))
    bottom = footer[1] - gap
    caption = (edge, bottom - max(round(height * (0.25 if long else 0.13)), round(84 * unit)), width - edge, bottom)
    scene = (edge, header[3] + round(12 * unit), width - edge, caption[1] - gap)
    if not inputs:
        return Frame(unit, header, scene, caption, None, footer)
    if inputs <= FEW or width > 1.15 * height:
        room = min(
            round(0.52 * (width - 2 * edge)), round((122 * min(inputs, FEW) + 12) * unit) * (2 if inputs > FEW else 1)
        )
        strip = (width - edge - room, caption[1], width - edge, bottom)
        return Frame(unit, header, scene, (edge, caption[1], strip[0] - gap, bottom), strip, footer)
    strip = (edge, caption[1] - gap - round(96 * unit), width - edge, caption[1] - gap)
    return Frame(unit, header, (*scene[:3], strip[1] - gap), caption, strip, footer)


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

    def width(self, line: list[Word]) -> float:
        """How wide the words of *line* are together."""
        return sum(map(self.type.width, line)) + self.space * (len(line) - 1)


def set_text(text: str, width: float, height: float, unit: float) -> Setting:
    """*text* as large as fits; what does not fit even small is left out, and the last line says how much."""
    paragraphs = [words for words in words_in(text) if words] or [[]]
    setting = Setting(Type(1), [], 1)
    for size in SIZES:
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
        if setting.width(line) <= width or not lines[-1]:
            return Setting(setting.type, [*lines[:-1], line], setting.leading)
        lines[-1].pop()

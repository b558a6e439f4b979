"""The strip of film that shows what a picture was made from, in order, with numbers.

Unaware of the scene, the caption and of what the pictures mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw

from banana_pipe.providers.sandbox.layout import Box
from banana_pipe.providers.sandbox.lettering import Type, pieces
from banana_pipe.providers.sandbox.palette import Palette
from banana_pipe.providers.sandbox.sheet import InputPicture

MOST = 16


@dataclass(frozen=True, slots=True)
class _Grid:
    rows: int
    columns: int
    side: float
    """Of one cell, in pixels; its perforation comes on top."""


def paint_strip(
    page: Image.Image, box: Box, inputs: Sequence[InputPicture], palette: Palette, unit: float, *, flush_right: bool
) -> None:
    """Draw *inputs* into *box*: as many as fit well, the last cell counting the others."""
    shown = list(inputs[:MOST])
    hole = 9 * unit
    grid = _grid(len(shown), box[2] - box[0], box[3] - box[1], hole)
    draw = ImageDraw.Draw(page)
    start = box[2] - grid.columns * grid.side - 4 * unit if flush_right else float(box[0])
    for row in range(grid.rows):
        cells = shown[row * grid.columns : (row + 1) * grid.columns]
        top = box[1] + row * (grid.side + 2 * hole + 3 * unit)
        film = (start, top, start + len(cells) * grid.side + 4 * unit, top + grid.side + 2 * hole)
        draw.rounded_rectangle(film, radius=5 * unit, fill=palette.ink.rgb())
        _perforate(draw, film, hole, palette)
        for column, picture in enumerate(cells):
            left = start + 2 * unit + column * grid.side
            nth = row * grid.columns + column + 1
            label = f"+{len(inputs) - MOST + 1}" if nth == MOST < len(inputs) else str(nth)
            _cell(page, (left, top + hole, left + grid.side, top + hole + grid.side), picture, label, palette, unit)


def _grid(count: int, width: float, height: float, hole: float) -> _Grid:
    def side(rows: int) -> float:
        columns = -(-count // rows)
        return min((width - hole) / columns, height / rows - 2.4 * hole)

    rows = max(range(1, 5), key=side)
    return _Grid(rows, -(-count // rows), max(side(rows), 8))


def _perforate(
    draw: ImageDraw.ImageDraw, film: tuple[float, float, float, float], hole: float, palette: Palette
) -> None:
    step, size = hole * 1.5, hole * 0.46
    for nth in range(int((film[2] - film[0] - size) / step)):
        x = film[0] + step * (nth + 0.55)
        for y in (film[1] + hole * 0.27, film[3] - hole * 0.27 - size):
            draw.rounded_rectangle((x, y, x + size * 1.3, y + size), radius=size * 0.3, fill=palette.paper.rgb())


def _cell(
    page: Image.Image, box: tuple[float, float, float, float], picture: InputPicture, label: str, palette: Palette,
    unit: float,
) -> None:  # fmt: skip
    left, top, right, bottom = (round(edge) for edge in box)
    room = (max(1, right - left - round(4 * unit)), max(1, bottom - top))
    small = Image.open(BytesIO(picture.jpeg), formats=("JPEG",)).convert("RGB")
    # Cut to a square: a row of equal pictures is easier to read than one of true shapes.
    side = min(small.size)
    across, down = (small.width - side) // 2, (small.height - side) // 2
    page.paste(
        small.resize(room, Image.Resampling.LANCZOS, (across, down, across + side, down + side), reducing_gap=3.0),
        (left + round(2 * unit), top),
    )
    _badge(ImageDraw.Draw(page), left + 2 * unit, bottom, label, palette, unit)


def _badge(draw: ImageDraw.ImageDraw, left: float, bottom: float, label: str, palette: Palette, unit: float) -> None:
    type_ = Type(max(6, round(13 * unit)))
    word = pieces(label)
    width, height = max(type_.width(word) + 9 * unit, 18 * unit), 18 * unit
    draw.rounded_rectangle(
        (left + 3 * unit, bottom - height - 3 * unit, left + 3 * unit + width, bottom - 3 * unit),
        radius=height / 2, fill=palette.paper.rgb(),
    )  # fmt: skip
    x = left + 3 * unit + (width - type_.width(word)) / 2
    type_.draw(draw, x, bottom - 7.5 * unit, word, palette.ink.rgb())

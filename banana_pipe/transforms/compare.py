"""compare: pictures side by side, brought to one height, or one above the other, brought to one width.

Unaware of what is different about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from banana_pipe.transforms.base import Param, Params, Transform, bounded, collected
from banana_pipe.transforms.kinds import MAX_SIDE, Choice, Colour, Whole
from banana_pipe.transforms.pixels import Frame, canvas, lay, scaled


def _compared(frames: Iterable[Frame], params: Params, _: Sequence[Frame]) -> Iterator[Frame]:
    shown = collected("compare", frames)
    along = 0 if params["direction"] == "row" else 1
    least = min(frame.size[1 - along] for frame in shown)
    sizes = [_of_height(frame.size, least, along) for frame in shown]
    length = sum(size[along] for size in sizes) + params["gap"] * (len(shown) - 1)
    sheet = canvas(bounded("compare", *((length, least) if along == 0 else (least, length))), params["background"])
    place = 0
    for frame, size in zip(shown, sizes, strict=True):
        lay(sheet, scaled(frame.image, size), (place, 0) if along == 0 else (0, place))
        place += size[along] + params["gap"]
    yield shown[0].showing(sheet)


def _of_height(size: tuple[int, int], least: int, along: int) -> tuple[int, int]:
    """*size* made so small that it is *least* across the direction in which pictures follow each other."""
    length = max(1, int(size[along] * Fraction(least, size[1 - along]) + Fraction(1, 2)))
    return (length, least) if along == 0 else (least, length)


COMPARE = Transform(
    name="compare",
    version=1,
    about="Pictures side by side, all as high as the lowest of them.",
    params=(
        Param(
            "direction",
            Choice(("row", "column")),
            "row: side by side; column: one above the other, all as wide as the narrowest.",
            "column",
            default="row",
        ),
        Param("gap", Whole(0, MAX_SIDE), "Pixels between two pictures.", 4, default=16),
        Param("background", Colour(), "Between them, and behind what is transparent.", "black", default="#ffffff"),
    ),
    run=_compared,
    joins=True,
)

"""grid: many pictures become one, in rows and columns.

Unaware of where the pictures come from; they stand in their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from banana_pipe.transforms.base import Param, Params, Transform, bounded, collected
from banana_pipe.transforms.kinds import GRAVITY, MAX_SIDE, Colour, Whole
from banana_pipe.transforms.pixels import Frame, canvas, lay, placed


def _grid(frames: Iterable[Frame], params: Params, _: Sequence[Frame]) -> Iterator[Frame]:
    cells = collected("grid", frames)
    columns = min(params["columns"], len(cells))
    rows = -(-len(cells) // columns)
    gap = params["gap"]
    width, height = (max(sides) for sides in zip(*(cell.size for cell in cells), strict=True))
    size = bounded("grid", columns * width + (columns - 1) * gap, rows * height + (rows - 1) * gap)
    sheet = canvas(size, params["background"])
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        across, down = placed(params["gravity"], (width, height), cell.size)
        lay(sheet, cell.image, (column * (width + gap) + across, row * (height + gap) + down))
    yield cells[0].showing(sheet)


GRID = Transform(
    name="grid",
    version=1,
    about="All pictures in one, row by row; every cell is as large as the largest picture.",
    params=(
        Param("columns", Whole(1, 1000), "Pictures in a row.", 4, required=True),
        Param("gap", Whole(0, MAX_SIDE), "Pixels between two pictures.", 16, default=0),
        Param("background", Colour(), "Between and behind them.", "white", default="#00000000"),
        Param("gravity", GRAVITY, "Where a smaller picture stands in its cell.", "bottom", default="center"),
    ),
    run=_grid,
    joins=True,
)

"""sprites: many pictures become one sheet, and a file beside it says where each of them is.

Unaware of where the pictures come from. The file has the shape that TexturePacker calls a hash, which game engines read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isqrt

from banana_pipe.model import Json
from banana_pipe.transforms.base import BadParams, Param, Params, Standing, Transform, bounded, collected
from banana_pipe.transforms.kinds import MAX_SIDE, Names, Whole
from banana_pipe.transforms.pixels import Beside, Frame, canvas, lay

_SUFFIX = ".json"
_APP = "banana-pipe"
_MOVES = ("resize", "crop", "trim", "pad", "rotate", "flip", "grid", "compare", "sprites", "icons")
"""Ops behind which a picture does not stand where the JSON says."""
_Size = tuple[int, int]


def _told(params: Params, standing: Standing) -> Params:
    moves = next((name for name in standing.after if name in _MOVES), None)
    if moves is not None:
        hint = f"`{moves}` before `sprites`, or in a step of its own that reads this one"
        raise BadParams(f"`{moves}` behind `sprites` makes its JSON untrue", hint)
    names = list(params.get("names", standing.names))
    if len(names) != len(standing.names):
        hint = "leave `names` out: then they are those of the steps and files"
        raise BadParams(f"`sprites` has {len(standing.names)} pictures and {len(names)} names", hint)
    unwritable = next((name for name in names if not _is_text(name)), None)
    if unwritable is not None:
        raise BadParams(
            f"a picture of `sprites` would be called {unwritable!r}, which no JSON can say",
            "rename the file, or say `names`",
        )
    (most, times), *_ = Counter(names).most_common(1)
    if times > 1:
        raise BadParams(
            f"{times} pictures of `sprites` would be called `{most}`", "`sprites: {names: [walk-1, walk-2]}`"
        )
    return {**params, "names": names, **({"image": standing.file} if standing.file else {})}


def _is_text(name: str) -> bool:
    """Whether UTF-8 has it: the name of a file may be any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _packed(frames: Iterable[Frame], params: Params, _: Sequence[Frame]) -> Iterator[Frame]:
    shown = collected("sprites", frames)
    gap = params["gap"]
    places, (width, height) = _on_shelves([frame.size for frame in shown], gap)
    sheet = canvas(bounded("sprites", width, height), "#00000000")
    for frame, place in zip(shown, places, strict=True):
        lay(sheet, frame.image, place)
    listed = zip(params["names"], places, [frame.size for frame in shown], strict=True)
    atlas = {
        "frames": {name: _frame(place, size) for name, place, size in listed},
        "meta": _meta(params, (width, height)),
    }
    data = json.dumps(atlas, ensure_ascii=False, indent=1).encode() + b"\n"
    made = shown[0].showing(sheet)
    yield replace(made, beside=(*made.beside, Beside(_SUFFIX, "application/json", data)))


def _on_shelves(sizes: Sequence[_Size], gap: int) -> tuple[list[_Size], _Size]:
    """Where each picture stands, and how large the sheet is: of some widths, what gives the squarest one."""
    side = isqrt(sum((width + gap) * (height + gap) for width, height in sizes))
    widest = max(width for width, _ in sizes)
    tried = [_rows(sizes, gap, max(widest, side * eighths // 8)) for eighths in range(8, 17)]
    return min(tried, key=lambda found: (max(found[1]), found[1][0] * found[1][1], found[1][1]))


def _rows(sizes: Sequence[_Size], gap: int, most: int) -> tuple[list[_Size], _Size]:
    """From the highest to the lowest, row by row, none wider than *most*."""
    places: list[_Size] = [(0, 0)] * len(sizes)
    left = top = shelf = across = 0
    for number in sorted(range(len(sizes)), key=lambda number: -sizes[number][1]):
        width, height = sizes[number]
        if left and left + width > most:
            left, top, shelf = 0, top + shelf + gap, 0
        places[number] = (left, top)
        across, shelf = max(across, left + width), max(shelf, height)
        left += width + gap
    return places, (across, top + shelf)


def _frame(place: _Size, size: _Size) -> Mapping[str, Json]:
    (left, top), (width, height) = place, size
    whole = {"w": width, "h": height}
    return {
        "frame": {"x": left, "y": top, **whole},
        "rotated": False,
        "trimmed": False,
        "spriteSourceSize": {"x": 0, "y": 0, **whole},
        "sourceSize": whole,
    }


def _meta(params: Params, size: _Size) -> Mapping[str, Json]:
    image = {"image": params["image"]} if "image" in params else {}
    return {
        "app": _APP,
        "version": "1.0",
        **image,
        "format": "RGBA8888",
        "size": {"w": size[0], "h": size[1]},
        "scale": "1",
    }


SPRITES = Transform(
    name="sprites",
    version=1,
    about="All pictures in one sheet as they are, and beside it a JSON that says where each is, for game engines.",
    params=(
        Param("gap", Whole(0, MAX_SIDE), "Pixels between two pictures.", 1, default=2),
        Param(
            "names",
            Names(),
            "What they are called in the JSON; without it, what their steps and files are.",
            ["walk-1", "walk-2"],
        ),
    ),
    run=_packed,
    joins=True,
    side_files=lambda _: (_SUFFIX,),
    told=_told,
)

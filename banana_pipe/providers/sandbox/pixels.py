"""How many pixels a picture has: by model, ratio and resolution.

Unaware of what is painted on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

from banana_pipe.providers.sandbox.sheet import Sheet

Size = tuple[int, int]

# The engines' own sizes at 1K (Google's table for each engine); 2K and 4K are two and four times these.
FLASH_2_5: Mapping[str, Size] = {
    "1:1": (1024, 1024),
    "3:2": (1248, 832),
    "2:3": (832, 1248),
    "16:9": (1344, 768),
    "9:16": (768, 1344),
    "4:3": (1184, 864),
    "3:4": (864, 1184),
}
PRO_3: Mapping[str, Size] = {
    "1:1": (1024, 1024),
    "3:2": (1264, 848),
    "2:3": (848, 1264),
    "16:9": (1376, 768),
    "9:16": (768, 1376),
    "4:3": (1200, 896),
    "3:4": (896, 1200),
}
RATIOS = tuple(FLASH_2_5)
RESOLUTIONS: Mapping[str, int] = {"1K": 1, "2K": 2, "4K": 4}
ONLY_1K = ("nano-banana", "nano-banana-2-lite")

AREA = 1024 * 1024
SAME_RATIO = 0.015
SAME_AREA = 0.03
LONGEST_RATIO = 8.0


def size_of(sheet: Sheet) -> Size:
    """Width and height in pixels.

    An edit without a ratio keeps that of its first picture, at about the same area.
    """
    family = sheet.model.removesuffix(":official")
    table = FLASH_2_5 if family == "nano-banana" else PRO_3
    scale = 1 if family in ONLY_1K else RESOLUTIONS[sheet.resolution]
    width, height = _at_1k(sheet, table)
    return width * scale, height * scale


def _at_1k(sheet: Sheet, table: Mapping[str, Size]) -> Size:
    if sheet.aspect_ratio is not None:
        return table[sheet.aspect_ratio]
    if sheet.action == "edit" and sheet.inputs:
        return _like((sheet.inputs[0].width, sheet.inputs[0].height), table)
    return table["1:1"]


def _like(first: Size, table: Mapping[str, Size]) -> Size:
    listed = _listed(first, table)
    if listed is not None:
        return listed
    # The next link of a chain keeps exactly the pixels of the one before, whatever rounding would do.
    for scale in RESOLUTIONS.values():
        if _is_ours(first, scale):
            return first[0] // scale, first[1] // scale
    ratio = min(max(first[0] / first[1], 1 / LONGEST_RATIO), LONGEST_RATIO)
    made = _multiple_of_8(sqrt(AREA * ratio)), _multiple_of_8(sqrt(AREA / ratio))
    # Rounded it may have become one of the table's, which the next link would snap to.
    return _listed(made, table) or made


def _listed(size: Size, table: Mapping[str, Size]) -> Size | None:
    """The size in *table* that has about the ratio of *size*."""
    ratio = size[0] / size[1]
    return next((one for one in table.values() if abs(one[0] / one[1] / ratio - 1) < SAME_RATIO), None)


def _is_ours(size: Size, scale: int) -> bool:
    whole = all(length % (8 * scale) == 0 for length in size)
    return whole and abs(size[0] * size[1] / (AREA * scale**2) - 1) < SAME_AREA


def _multiple_of_8(length: float) -> int:
    return max(8, round(length / 8) * 8)

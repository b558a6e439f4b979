"""The pictures of guide and cookbook: their recipes are run on the sandbox, and what they make is put on one sheet each.

Unaware of what the documents explain. `python -m tests.contact_sheets` makes all sheets again, with names of recipes
behind it only theirs. A document asks for one by a comment before its picture: `<!-- sheet: NAME, of GLOB GLOB … -->`,
globs of the recipe's output folder, in the order in which they are shown.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from tests import cookbook, guide

DOCS = Path(__file__).parent.parent / "docs"
WIDTH, HIGHEST, GAP, MOST_BYTES = 960, 300, 8, 60_000
PAPER = (255, 255, 255)
_ASKED = re.compile(r"^<!-- sheet: (\S+), of (.+?) -->\n!\[[^\]]*\]\((\S+)\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture of a document: the recipe whose pictures it shows, which of them, and its file."""

    recipe: str
    globs: tuple[str, ...]
    path: Path

    def draw(self, out: Path) -> bytes:
        """The sheet of what lies in *out*, as WebP."""
        shown = [path for glob in self.globs for path in sorted(out.glob(glob))]
        if not shown:
            raise SystemExit(f"{self.path.name}: nothing in {out} is called {' or '.join(self.globs)}")
        return _packed(_rows([_opened(path) for path in shown]))


def asked(document: Path) -> Iterator[Sheet]:
    """The sheets that *document* asks for."""
    for found in _ASKED.finditer(document.read_text("utf-8")):
        yield Sheet(found[1], tuple(found[2].split()), document.parent / found[3])


def _opened(path: Path) -> Image.Image:
    """The picture, on paper where it is transparent."""
    with Image.open(path) as picture:
        upper = picture.convert("RGBA")
    paper = Image.new("RGBA", upper.size, PAPER)
    return Image.alpha_composite(paper, upper).convert("RGB")


def _rows(pictures: Sequence[Image.Image]) -> Image.Image:
    """All pictures, in rows as wide as the sheet; the last may be shorter. Few don't fill it; none is enlarged."""
    rows = list(_broken(pictures))
    heights: list[int] = []
    for row in rows:
        full = min(_height(row), HIGHEST)
        heights.append(min(full, *heights) if heights and row is rows[-1] else full)
    sheet = Image.new("RGB", (WIDTH, sum(heights) + GAP * (len(rows) - 1)), PAPER)
    y = used = 0
    for row, height in zip(rows, heights, strict=True):
        x = 0
        for picture in row:
            high = min(height, picture.height)
            width = min(round(high * _ratio(picture)), WIDTH - x)
            sheet.paste(picture.resize((width, high), Image.Resampling.LANCZOS), (x, y + height - high))
            x += width + GAP
        y += height + GAP
        used = max(used, x - GAP)
    return sheet.crop((0, 0, used, sheet.height))


def _height(row: Sequence[Image.Image]) -> int:
    """How high a row has to be to fill the sheet's width, with those in their own size that are lower than it."""
    small: list[Image.Image] = []
    while True:
        large = [picture for picture in row if picture not in small]
        if not large:
            return max(picture.height for picture in row)
        room = WIDTH - GAP * (len(row) - 1) - sum(picture.width for picture in small)
        height = round(room / sum(_ratio(picture) for picture in large))
        lower = [picture for picture in large if picture.height < height]
        if not lower:
            return height
        small += lower


def _broken(pictures: Sequence[Image.Image]) -> Iterator[list[Image.Image]]:
    """Rows of about equal width: few pictures stand larger than many."""
    high = 190 if len(pictures) > 12 else 230
    widths = [_ratio(picture) * min(high, picture.height) for picture in pictures]
    count = max(1, ceil(sum(widths) / WIDTH - 0.2))
    row: list[Image.Image] = []
    filled, left = 0.0, count
    for picture, width in zip(pictures, widths, strict=True):
        row.append(picture)
        filled += width
        if left > 1 and filled >= sum(widths) / count - 0.2 * high:
            yield row
            row, filled, left = [], 0.0, left - 1
    if row:
        yield row


def _ratio(picture: Image.Image) -> float:
    return picture.width / picture.height


def _packed(sheet: Image.Image) -> bytes:
    for quality in range(84, 20, -6):
        packed = BytesIO()
        sheet.save(packed, "WEBP", quality=quality, method=6)
        if packed.tell() <= MOST_BYTES:
            return packed.getvalue()
    raise SystemExit(f"no quality makes {sheet.size} smaller than {MOST_BYTES} bytes")


def main(names: Iterable[str]) -> None:
    """Make the sheets of these recipes again, or all."""
    wanted = set(names)
    for document, live in ((DOCS / "language.md", guide.live), (DOCS / "cookbook.md", cookbook.live)):
        for sheet in asked(document):
            if wanted and sheet.recipe not in wanted:
                continue
            with TemporaryDirectory() as folder:
                packed = sheet.draw(live(sheet.recipe, Path(folder)))
            sheet.path.parent.mkdir(exist_ok=True)
            sheet.path.write_bytes(packed)
            sys.stdout.write(f"{sheet.path.relative_to(DOCS.parent)}  {len(packed):,} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Font files: told by their first bytes, and letters measured and drawn with them.

Unaware of ops and of where files come from. Pillow is imported where the first letter is measured.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from banana_pipe.canonical import digest_of
from banana_pipe.errors import BananaError
from banana_pipe.model import Artifact
from banana_pipe.regular import open_regular

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

MAX_BYTES = 32 << 20
"""Of a font file: those with all of Chinese have some 20 MB."""
MIME = "font/sfnt"
_HEADS = (b"\0\1\0\0", b"OTTO", b"true", b"ttcf")
_WEB = (b"wOFF", b"wOF2")
_NO_LETTER = "\U0010fffe"
"""Which no font has."""
_STANDING = (
    (0x20, 0x2FF),
    (0x370, 0x58F),
    (0x10A0, 0x10FF),
    (0x1200, 0x167F),
    (0x1E00, 0x2BFF),
    (0x2C60, 0x2C7F),
    (0x2E80, 0xA4CF),
    (0xA720, 0xA7FF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE4F),
    (0xFF00, 0xFFEF),
    (0x1F000, 0x1FAFF),
    (0x20000, 0x3FFFF),
)
"""Letters that stand one after the other from left to right, each as it is: of Europe, of East Asia, and signs."""
_HOLDING = str.maketrans("\u00a0\u202f", "  ")
"""Spaces at which no line is broken; few fonts have them."""
_UNSEEN = ("Zs", "Cf", "Cc")
_MOST_OF_A_WORD = 40
"""Letters that are shown of one that has no room."""


class NotAFont(BananaError):
    """The bytes are no font that letters can be drawn with, or those that are wanted cannot be drawn with it."""


def measure_font_file(path: Path) -> Artifact:
    """The font in the file *path*. Raises NotAFont and OSError."""
    with open_regular(path) as file:
        return measure_font(file.read(MAX_BYTES + 1))


def measure_font(data: bytes) -> Artifact:
    """The font that *data* is; it has no width and height. Raises NotAFont."""
    if data[:4] in _WEB:
        raise NotAFont("this is a font for the web", hint="TTF and OTF are what we can work with")
    if data[:4] not in _HEADS:
        raise NotAFont(f"not a font: it begins with the bytes {data[:8].hex(' ')}", hint="a TTF or OTF file is one")
    if len(data) > MAX_BYTES:
        raise NotAFont(f"this font is larger than {MAX_BYTES >> 20} MiB")
    return Artifact(digest_of(data), MIME, 0, 0, len(data))


@dataclass(frozen=True, slots=True)
class Letters:
    """A font in one size (pixels)."""

    font: FreeTypeFont

    @property
    def height(self) -> tuple[int, int]:
        """How far letters reach above their line, and below it."""
        above, below = self.font.getmetrics()
        return above, below

    def length(self, text: str) -> float:
        """How long *text* is in one line."""
        return self.font.getlength(text)


def opened(data: bytes, size: int, text: str) -> Letters:
    """The font in *data*, in that size, for the letters of *text*. Raises NotAFont.

    What joins letters is a library that a machine may lack: it is used for those alone that need it. All others
    are set one after the other, the same on every machine.
    """
    import PIL.ImageFont

    layouts = PIL.ImageFont.Layout
    layout = layouts.RAQM if any(map(_is_joined, text)) else layouts.BASIC
    try:
        return Letters(PIL.ImageFont.truetype(BytesIO(data), size, layout_engine=layout))
    except (OSError, ValueError) as error:
        raise NotAFont(f"this font cannot be read: {error}") from error


def breaks() -> tuple[type[Exception], ...]:
    """What Pillow raises as letters are measured and drawn, where the font is broken: of the size that it tells, too."""
    import PIL.Image

    return OSError, ValueError, PIL.Image.DecompressionBombError


def refuse_what_it_lacks(letters: Letters, text: str) -> None:
    """Raise NotAFont where the font has not every letter of *text*, or Pillow cannot join them: boxes would be drawn, or nonsense."""
    import PIL.features

    joined = [one for one in dict.fromkeys(text) if _is_joined(one)]
    if joined and not PIL.features.check("raqm"):
        raise NotAFont(
            f"letters like {' '.join(joined[:3])}, which join others or run from right to left, need FriBiDi",
            hint="Pillow looks for it on the machine: `apt install libfribidi0` or `brew install fribidi` brings it",
        )
    # An accent counts with the letter that it stands on, where the two are one letter: fonts have either.
    whole = unicodedata.normalize("NFC", text) if joined else text
    seen = (one for one in dict.fromkeys(whole) if unicodedata.category(one) not in _UNSEEN)
    # Not every font has a box for what it lacks: those that were cut down to some letters draw nothing.
    nothing = _drawn_alone(letters, _NO_LETTER)
    lacking = [one for one in seen if _drawn_alone(letters, one) == nothing]
    if lacking:
        raise NotAFont(f"the font has no {' '.join(lacking[:10])}", hint="take a font that has these letters")


def _drawn_alone(letters: Letters, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = letters.font.getmask(letter)
    return mask.size, bytes(mask)


def _is_joined(letter: str) -> bool:
    """Whether it has another form or place beside others, as in Arabic, in Hindi, and of accents that are letters of their own."""
    if letter == "\n":
        return False
    return unicodedata.category(letter) in ("Mn", "Mc", "Me", "Cf") or not any(
        low <= ord(letter) <= high for low, high in _STANDING
    )


def lines_of(letters: Letters, text: str, width: int) -> list[str]:
    """*text* in lines no longer than *width*, broken at spaces, and anywhere between letters of Chinese and the like.

    Raises NotAFont where a word is longer.
    """
    lines = [line for paragraph in text.split("\n") for line in _broken(letters, paragraph, width)]
    return [line.translate(_HOLDING) for line in lines]


def _broken(letters: Letters, paragraph: str, width: int) -> Iterator[str]:
    line = ""
    for space, piece in _pieces(paragraph):
        longer = f"{line}{space}{piece}" if line else piece
        if letters.length(longer.translate(_HOLDING)) <= width:
            line = longer
            continue
        if line:
            yield line
        if letters.length(piece.translate(_HOLDING)) > width:
            shown = piece if len(piece) <= _MOST_OF_A_WORD else f"{piece[:_MOST_OF_A_WORD]}…"
            raise NotAFont(
                f"`{shown}` alone is wider than {width} pixels", hint="a smaller `size` may do, or a larger `width`"
            )
        line = piece
    yield line


def _pieces(paragraph: str) -> Iterator[tuple[str, str]]:
    """What stays together, and what stands before it: a space, or nothing."""
    for word in filter(None, paragraph.split(" ")):  # and at no other space
        space, together = " ", ""
        for letter in word:
            if unicodedata.east_asian_width(letter) in ("W", "F"):
                if together:
                    yield space, together
                    space, together = "", ""
                yield space, letter
                space = ""
            else:
                together += letter
        if together:
            yield space, together


def drawn(
    letters: Letters,
    lines: list[tuple[str, tuple[float, float]]],
    size: tuple[int, int],
    colour: tuple[int, int, int, int],
    outline: tuple[int, tuple[int, int, int, int]],
) -> Image:
    """A clear picture of *size* with *lines*, each from its place on: left, and the line that letters stand on."""
    import PIL.Image
    import PIL.ImageDraw

    layer = PIL.Image.new("RGBA", size, (*outline[1][:3], 0) if outline[0] else (*colour[:3], 0))
    draw = PIL.ImageDraw.Draw(layer)
    for text, place in lines:
        draw.text(place, text, colour, letters.font, "ls", stroke_width=outline[0], stroke_fill=outline[1])
    return layer

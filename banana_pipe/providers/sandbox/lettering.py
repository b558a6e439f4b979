"""Text with the one font that Pillow brings along, and what to do where it has no glyph.

Unaware of where the text stands and of what it says.

The font (Aileron, as Pillow bundles it) has ASCII and little else. Letters with accents are put
together from its glyphs, dashes are drawn, signs and emoji become a small box with their name, and
all other characters one with their code point: readable, and the same on every machine.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import ImageDraw, ImageFont

RGB = tuple[int, int, int]

# Marks made of glyphs: the glyph, its size beside the letter's, and where it goes.
MARKS: Mapping[str, tuple[str, float, str]] = {
    "\u0300": ("`", 0.9, "above"),
    "\u0301": ("\u00b4", 0.9, "above"),
    "\u0302": ("^", 0.62, "above"),
    "\u0303": ("~", 0.62, "above"),
    "\u0304": ("-", 0.9, "above"),
    "\u0306": ("v", 0.42, "above"),
    "\u0307": (".", 0.9, "above"),
    "\u0308": ("..", 0.85, "above"),
    "\u030a": ("o", 0.42, "above"),
    "\u030b": ("\u00b4\u00b4", 0.8, "above"),
    "\u030c": ("v", 0.46, "above"),
    "\u0323": (".", 0.9, "below"),
    "\u0326": (",", 0.8, "below"),
    "\u0327": (",", 0.8, "below"),
    "\u0328": (",", 0.8, "below"),
    "\u0335": ("-", 0.9, "through"),
    "\u0338": ("/", 0.8, "through"),
    "\u0336": ("=", 0.9, "through"),
}
# Letters that Unicode does not take apart, as a letter with a mark or as other letters.
SPELLED: Mapping[str, str] = {
    "ø": "o\u0338", "Ø": "O\u0338", "đ": "d\u0335", "Đ": "D\u0335", "ł": "l\u0335", "Ł": "L\u0335",
    "ħ": "h\u0335", "Ħ": "H\u0335", "€": "C\u0336", "£": "L\u0335", "¥": "Y\u0336", "æ": "ae", "Æ": "AE",
    "œ": "oe", "Œ": "OE", "ß": "ss", "\u0131": "i", "→": "->", "←": "<-", "×": "x", "•": "\u00b7", "\u2212": "-",
    "¿": "?", "¡": "!", "†": "+", "„": "\u201d", "\u201a": ",", "\u2032": "'", "″": '"', "≤": "<=", "≥": ">=", "≈": "~",
}  # fmt: skip
DASHES: Mapping[str, float] = {"\u2010": 0.3, "\u2011": 0.3, "\u2012": 0.5, "\u2013": 0.5, "\u2014": 0.9, "\u2015": 0.9}
LONGEST_NAME = 16


@dataclass(frozen=True, slots=True)
class Piece:
    """What is drawn in one go: plain text, a letter with marks, a dash, or a box with a label."""

    text: str
    kind: str = "plain"
    marks: str = ""


Word = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Type:
    """The font at *size* pixels; *bold* thickens it by that many pixels."""

    size: int
    bold: float = 0

    def width(self, word: Iterable[Piece], tracking: float = 0) -> float:
        """How wide *word* is, in pixels, with *tracking* behind every character."""
        return sum(self._advance(piece, tracking) for piece in word)

    def draw(self, draw: ImageDraw.ImageDraw, x: float, y: float, word: Iterable[Piece], fill: RGB,
             tracking: float = 0) -> float:  # fmt: skip
        """Draw *word* from x on the base line y; returns where it ends."""
        for piece in word:
            if piece.kind == "plain":
                self._plain(draw, x, y, piece.text, fill, tracking)
            elif piece.kind == "marked":
                self._marked(draw, x, y, piece, fill)
            elif piece.kind == "dash":
                self._dash(draw, x, y, piece, fill)
            else:
                self._box(draw, x, y, piece, fill)
            x += self._advance(piece, tracking)
        return x

    def _advance(self, piece: Piece, tracking: float) -> float:
        if piece.kind == "dash":
            return self.size * (DASHES[piece.text] + 0.14)
        if piece.kind == "box":
            return max(map(self._label().getlength, piece.text.split())) + self.size * 0.36
        return _font(self.size).getlength(piece.text) + tracking * len(piece.text)

    def _plain(self, draw: ImageDraw.ImageDraw, x: float, y: float, text: str, fill: RGB, tracking: float) -> None:
        parts = text if tracking else (text,)
        for part in parts:
            draw.text((x, y), part, fill=fill, font=_font(self.size), anchor="ls", stroke_width=self.bold)
            x += _font(self.size).getlength(part) + tracking

    def _marked(self, draw: ImageDraw.ImageDraw, x: float, y: float, piece: Piece, fill: RGB) -> None:
        left, top, right, _ = _ink(self.size, piece.text)
        if piece.text == "i" and any(MARKS[mark][2] == "above" for mark in piece.marks):
            # Aileron has no dotless i: it is an l that ends at the height of an x.
            stem, top = _ink(self.size, "l"), _ink(self.size, "x")[1]
            middle, half = x + (left + right) / 2, (stem[2] - stem[0]) / 2
            draw.rectangle((round(middle - half), round(y + top), round(middle + half) - 1, round(y) - 1), fill=fill)
        else:
            draw.text((x, y), piece.text, fill=fill, font=_font(self.size), anchor="ls", stroke_width=self.bold)
        for mark in piece.marks:
            top = self._mark(draw, (x + (left + right) / 2, y), top, mark, fill)

    def _mark(self, draw: ImageDraw.ImageDraw, foot: tuple[float, float], top: float, mark: str, fill: RGB) -> float:
        """Draw *mark* on the letter over *foot* that reaches up to *top*; returns how high it reaches now."""
        glyph, scale, where = MARKS[mark]
        size = max(4, round(self.size * scale))
        left, high, right, low = _ink(size, glyph)
        gap = self.size * 0.07
        bottom = {"above": top - gap, "below": gap + low - high, "through": (top + low - high) / 2}[where]
        at = (foot[0] - (left + right) / 2, foot[1] + bottom - low)
        draw.text(at, glyph, fill=fill, font=_font(size), anchor="ls")
        return bottom - (low - high) if where == "above" else top

    def _dash(self, draw: ImageDraw.ImageDraw, x: float, y: float, piece: Piece, fill: RGB) -> None:
        left, high = round(x + self.size * 0.07), round(y - self.size * 0.27)
        thick = max(1, round(self.size * 0.07))
        draw.rectangle((left, high, left + round(self.size * DASHES[piece.text]), high + thick - 1), fill=fill)

    def _box(self, draw: ImageDraw.ImageDraw, x: float, y: float, piece: Piece, fill: RGB) -> None:
        pad, width = self.size * 0.06, self._advance(piece, 0)
        box = (x + pad, y - self.size * 0.80, x + width - pad, y + self.size * 0.20)
        draw.rounded_rectangle(box, radius=self.size * 0.14, outline=fill, width=max(1, round(self.size * 0.03)))
        lines = piece.text.split()
        for nth, line in enumerate(lines):
            middle = y - self.size * (0.30 + 0.40 * ((len(lines) - 1) / 2 - nth))
            draw.text((x + width / 2, middle), line, fill=fill, font=self._label(), anchor="mm")

    def _label(self) -> ImageFont.FreeTypeFont:
        return _font(max(4, round(self.size * 0.35)))


def words_in(text: str) -> list[list[Word]]:
    """The paragraphs of *text* as words, ready to be measured and drawn."""
    return [[pieces(word) for word in line.split()] for line in text.splitlines()]


def pieces(text: str) -> Word:
    """*text*, without its white space, as pieces that the font can draw."""
    found: list[Piece] = []
    for char in unicodedata.normalize("NFC", text):
        for piece in _pieces_of(char):
            if piece.kind == "plain" and found and found[-1].kind == "plain":
                found[-1] = Piece(found[-1].text + piece.text)
            else:
                found.append(piece)
    return tuple(found)


def one_by_one(word: Word) -> list[Piece]:
    """The pieces of *word* cut into single characters, for breaking it anywhere."""
    return [part for piece in word for part in (map(Piece, piece.text) if piece.kind == "plain" else (piece,))]


@lru_cache(maxsize=4096)
def _pieces_of(char: str) -> Sequence[Piece]:
    if _has(char):
        return (Piece(char),)
    if char in DASHES:
        return (Piece(char, "dash"),)
    if unicodedata.category(char) in ("Cf", "Cc", "Mn", "Me", "Zs", "Zl", "Zp") or "\ufe00" <= char <= "\ufe0f":
        return (Piece(" "),) if unicodedata.category(char) == "Zs" else ()
    spelled = SPELLED.get(char) or unicodedata.normalize("NFKD", char)
    base, marks = spelled[0], spelled[1:]
    if marks and _has(base) and all(mark in MARKS for mark in marks):
        return (Piece(base, "marked", marks),)
    if all(_has(part) for part in spelled):
        return (Piece(spelled),)
    return (Piece(_label_of(char), "box"),)


def _label_of(char: str) -> str:
    name = unicodedata.name(char, "").lower()
    if unicodedata.category(char) == "So" and name and len(name) <= LONGEST_NAME:
        return name
    code = f"{ord(char):04X}"
    return f"{code[: (len(code) + 1) // 2]} {code[(len(code) + 1) // 2 :]}"


@lru_cache(maxsize=4096)
def _has(char: str) -> bool:
    if char == " ":
        return True
    font = _font(32)
    return char.isprintable() and bytes(font.getmask(char)) != bytes(font.getmask("\uffff"))


@lru_cache(maxsize=1024)
def _ink(size: int, text: str) -> tuple[float, float, float, float]:
    """Where *text* leaves ink, from its origin on the base line (the font's own boxes are wider)."""
    mask, (across, down) = _font(size).getmask2(text, anchor="ls")
    left, top, right, bottom = mask.getbbox() or (0, 0, 1, 1)
    return left + across, top + down, right + across, bottom + down


@lru_cache(maxsize=128)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("the sandbox needs a Pillow with FreeType, as its wheels are")
    return font

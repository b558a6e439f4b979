"""A family of pictures, drawn: what a picture was made from, from left to right, with arrows.

Unaware of where records and bytes come from.

Long families are folded: the newest and the oldest generations stay, a card between them says how many are not shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from PIL import Image, ImageChops, ImageDraw, ImageOps
from PIL.PngImagePlugin import PngInfo

from banana_pipe.canonical import Digest
from banana_pipe.comparing.differences import asked
from banana_pipe.images import NotAPicture
from banana_pipe.lineage.family import Family, Made
from banana_pipe.outputs.ancestry import action_of
from banana_pipe.prices import show_usd
from banana_pipe.providers.sandbox.lettering import RGB, Type, Word, pieces, words_in
from banana_pipe.transforms.pixels import decode

MOST_GENERATIONS = 6
MOST_IN_ONE = 6
_SCALE = 2
_MAKER = "banana-pipe why"
MARK = b"tEXtSoftware\0" + _MAKER.encode()
"""By this a file is known as one of these."""
_PAPER, _CARD, _INK, _SOFT, _LINE = (251, 250, 247), (255, 255, 255), (31, 29, 26), (106, 101, 92), (226, 220, 208)
_MAT, _ACCENT, _ARROW = (239, 236, 228), (232, 180, 0), (168, 160, 146)
_WIDTH, _ROOT_WIDTH, _BETWEEN, _ABOVE, _EDGE = 232, 340, 76, 30, 44
_PAD, _ROUND, _APART = 14, 14, 7
_MOST_LETTERS = 500
"""More than any card has room for."""

Read = Callable[[Digest], bytes | None]


@dataclass(frozen=True, slots=True)
class Card:
    """What stands in one place: a picture with its words, or how many are not shown (`digest` is None)."""

    digest: Digest | None
    picture: Image.Image | None
    name: str
    lines: tuple[str, ...]
    prompt: str
    width: int

    @property
    def is_root(self) -> bool:
        """Whether it is the picture that was asked for."""
        return self.width == _ROOT_WIDTH


@dataclass(frozen=True, slots=True)
class Drawn:
    """A card and where it stands: its left upper corner and its height."""

    card: Card
    left: int
    top: int
    height: int

    @property
    def middle(self) -> int:
        """Where arrows begin and end."""
        return self.top + self.height // 2


def portrait(family: Family, read: Read) -> bytes:
    """*family* as a PNG; *read* gives the bytes of its pictures, as far as they are anywhere."""
    columns = _columns(family, read)
    placed = _placed(columns)
    everything = [one for column in placed for one in column]
    size = (
        max(one.left + one.card.width for one in everything) + _EDGE,
        max(one.top + one.height for one in everything) + _EDGE,
    )
    sheet = Image.new("RGB", (size[0] * _SCALE, size[1] * _SCALE), _PAPER)
    arrows = list(_arrows(family, placed))
    _draw_arrows(sheet, arrows)
    for one in everything:
        _draw_card(sheet, one)
    out = BytesIO()
    told = PngInfo()
    told.add_text("Software", _MAKER)
    sheet.save(out, "PNG", optimize=True, pnginfo=told)
    return out.getvalue()


# --- what is shown ----------------------------------------------------------------------------


def _columns(family: Family, read: Read) -> list[list[Card]]:
    """The cards, the oldest generation first."""
    generations = family.generations()
    newest, oldest, folded = generations, [], 0
    if len(generations) > MOST_GENERATIONS:
        newest, oldest = generations[: MOST_GENERATIONS - 2], generations[-1:]
        folded = sum(map(len, generations[MOST_GENERATIONS - 2 : -1]))
    columns = [_column(family, level, read) for level in newest]
    columns += [[_more(folded)]] if folded else []
    columns += [_column(family, level, read) for level in oldest]
    return columns[::-1]


def _column(family: Family, level: Sequence[Digest], read: Read) -> list[Card]:
    shown = level if len(level) <= MOST_IN_ONE else level[: MOST_IN_ONE - 1]
    cards = [_card(digest, family.members[digest], read, is_root=digest == family.root) for digest in shown]
    return cards if len(shown) == len(level) else [*cards, _more(len(level) - len(shown))]


def _more(number: int) -> Card:
    return Card(None, None, f"and {number:,} more", (), "", _WIDTH)


def _card(digest: Digest, made: Made, read: Read, *, is_root: bool) -> Card:
    width = _ROOT_WIDTH if is_root else _WIDTH
    record = made.record
    between = ", " if action_of(record.request) == "transform" else " "
    words = asked(record.request).replace("\n", between) if record.request is not None else ""
    return Card(digest, _picture(read(digest), width), made.name, tuple(_lines(made)), words, width)


def _lines(made: Made) -> Iterator[str]:
    record = made.record
    if made.outside or not made.is_known:
        yield {"file": "a file", "url": "from the web"}.get(made.outside, "no record of it")
        return
    action = action_of(record.request)
    if action == "transform":
        yield "made here, free"
        return
    take = f"take {record.take}" if record.take else "accepted" if record.accepted else None
    yield " \u00b7 ".join(filter(None, (action, record.model)))
    price = None if record.price is None else show_usd(record.price)
    yield " \u00b7 ".join(filter(None, (take, price, (record.bought_at or "")[:10])))


def _picture(data: bytes | None, width: int) -> Image.Image | None:
    if data is None:
        return None
    try:
        image = decode(data).image
    except NotAPicture:
        return None
    side = (width - 2 * _PAD) * _SCALE
    return ImageOps.contain(image, (side, side))


# --- where it stands --------------------------------------------------------------------------


def _placed(columns: Sequence[Sequence[Card]]) -> list[list[Drawn]]:
    heights = [[_height(card) for card in column] for column in columns]
    wholes = [sum(column) + _ABOVE * (len(column) - 1) for column in heights]
    tallest, left = max(wholes), _EDGE
    placed = []
    for column, height, whole in zip(columns, heights, wholes, strict=True):
        top = _EDGE + (tallest - whole) // 2
        drawn = []
        for card, each in zip(column, height, strict=True):
            drawn.append(Drawn(card, left, top, each))
            top += each + _ABOVE
        placed.append(drawn)
        left += max(card.width for card in column) + _BETWEEN
    return placed


def _height(card: Card) -> int:
    if card.digest is None:
        return 56
    picture = _box(card)[1] // _SCALE
    texts = sum(_leading(size) * len(lines) for size, _, lines in _texts(card))
    return _PAD + picture + 10 + texts + (_APART if card.prompt else 0) + _PAD


def _box(card: Card) -> tuple[int, int]:
    """The room for the picture itself, in drawn pixels."""
    side = (card.width - 2 * _PAD) * _SCALE
    return (side, card.picture.height if card.picture is not None else side * 9 // 16)


def _texts(card: Card) -> list[tuple[int, RGB, list[list[Word]]]]:
    """Size, colour and broken lines of each text of *card*."""
    room = card.width - 2 * _PAD
    large, small = (19, 14) if card.is_root else (16, 13)
    found = [(large, _INK, _broken(card.name, large, room, 2))]
    found += [(small, _SOFT, _broken(line, small, room, 1)) for line in card.lines if line]
    found += [(small, _INK, _broken(card.prompt, small, room, 7 if card.is_root else 4))] if card.prompt else []
    return found


def _leading(size: int) -> int:
    return round(size * 1.42)


def _broken(text: str, size: int, room: int, most: int) -> list[list[Word]]:
    """*text* in at most *most* lines of *room* pixels; what is cut off ends in dots."""
    font, lines = Type(size * _SCALE), list[list[Word]]()
    room, space = room * _SCALE, size * _SCALE * 0.28
    used = 0.0
    for word in [word for paragraph in words_in(text[:_MOST_LETTERS]) for word in paragraph]:
        wide = font.width(word)
        if not lines or (used + space + wide > room and lines[-1]):
            lines.append([])
            used = -space
        lines[-1].append(_fitted(font, word, room))
        used += space + wide
    if len(lines) <= most:
        return lines
    dots = words_in("...")[0][0]
    last = lines[most - 1]
    while last and sum(font.width(word) + space for word in last) + font.width(dots) > room:
        last = last[:-1]
    return [*lines[: most - 1], [*last, dots]]


def _fitted(font: Type, word: Word, room: float) -> Word:
    """*word*, cut where it is wider than a line."""
    if font.width(word) <= room:
        return word
    text = "".join(piece.text for piece in word if piece.kind == "plain")
    kept = bisect_right(range(len(text)), room, key=lambda kept: font.width(pieces(text[:kept] + "...")))
    return pieces(text[: max(0, kept - 1)] + "...")


# --- arrows -----------------------------------------------------------------------------------


def _arrows(family: Family, placed: Sequence[Sequence[Drawn]]) -> Iterator[tuple[Drawn, Drawn]]:
    """From each card to each that was made from it; what is folded away leads on to its neighbours."""
    where = {one.card.digest: one for column in placed for one in column if one.card.digest is not None}
    for digest, reader in where.items():
        if digest is not None:
            parents = dict.fromkeys(parent.digest for parent in family.parents(digest))
            yield from ((where[parent], reader) for parent in parents if parent in where)
    for place, column in enumerate(placed):
        for one in column:
            if one.card.digest is None and place + 1 < len(placed):
                yield from ((one, reader) for reader in placed[place + 1] if len(placed[place + 1]) == 1)
            if one.card.digest is None and len(column) == 1 and place:
                yield from ((parent, one) for parent in placed[place - 1])


def _draw_arrows(sheet: Image.Image, arrows: Sequence[tuple[Drawn, Drawn]]) -> None:
    # Drawn at twice the size and made smaller: Pillow's lines have steps.
    fine = 2
    mask = Image.new("L", (sheet.width * fine, sheet.height * fine))
    draw = ImageDraw.Draw(mask)
    unit = _SCALE * fine
    for start, end in arrows:
        x0, y0 = (start.left + start.card.width + 4) * unit, start.middle * unit
        x1, y1 = (end.left - 14) * unit, end.middle * unit
        level = x1 - 8 * unit
        bend = max(30 * unit, (level - x0) * 0.6)
        points = [*(_on_curve(x0, y0, level, y1, bend, step / 60) for step in range(61)), (x1, y1)]
        draw.line(points, fill=255, width=round(2.2 * unit), joint="curve")
        draw.polygon([(x1 + 9 * unit, y1), (x1 - 3 * unit, y1 - 6 * unit), (x1 - 3 * unit, y1 + 6 * unit)], fill=255)
    sheet.paste(_ARROW, (0, 0), mask.resize(sheet.size, Image.Resampling.BOX))


def _on_curve(x0: float, y0: float, x1: float, y1: float, bend: float, at: float) -> tuple[float, float]:
    """A point of the curve that leaves level and arrives level (cubic Bézier)."""
    a, b, c, d = (1 - at) ** 3, 3 * (1 - at) ** 2 * at, 3 * (1 - at) * at**2, at**3
    return a * x0 + b * (x0 + bend) + c * (x1 - bend) + d * x1, (a + b) * y0 + (c + d) * y1


# --- cards ------------------------------------------------------------------------------------


def _draw_card(sheet: Image.Image, one: Drawn) -> None:
    card = one.card
    left, top, width, height = (side * _SCALE for side in (one.left, one.top, card.width, one.height))
    border = 5 if card.is_root else 2
    sheet.paste(_ACCENT if card.is_root else _LINE, (left, top), _rounded(width, height, _ROUND * _SCALE))
    inner = _rounded(width - 2 * border, height - 2 * border, _ROUND * _SCALE - border)
    sheet.paste(_CARD if card.digest is not None else _PAPER, (left + border, top + border), inner)
    draw = ImageDraw.Draw(sheet)
    if card.digest is None:
        word = words_in(card.name)[0]
        _draw_line(draw, word, 15, _SOFT, left + _PAD * _SCALE, top + height // 2 + 5 * _SCALE)
        return
    _draw_picture(sheet, card, left + _PAD * _SCALE, top + _PAD * _SCALE)
    line = top + (_PAD + 10) * _SCALE + _box(card)[1]
    texts = _texts(card)
    for place, (size, colour, lines) in enumerate(texts):
        line += _APART * _SCALE if card.prompt and place == len(texts) - 1 else 0
        for words in lines:
            line += _leading(size) * _SCALE
            _draw_line(draw, words, size, colour, left + _PAD * _SCALE, line - round(size * 0.36) * _SCALE)


def _draw_picture(sheet: Image.Image, card: Card, left: int, top: int) -> None:
    room = _box(card)
    sheet.paste(_MAT, (left, top), _rounded(*room, 8 * _SCALE))
    picture = card.picture
    if picture is None:
        draw = ImageDraw.Draw(sheet)
        _draw_line(draw, words_in("its bytes are nowhere")[0], 13, _SOFT, left + 12 * _SCALE, top + room[1] // 2)
        return
    corner = (left + (room[0] - picture.width) // 2, top + (room[1] - picture.height) // 2)
    mask = _rounded(*picture.size, 8 * _SCALE)
    if picture.mode == "RGBA":
        mask = ImageChops.multiply(mask, picture.getchannel("A"))
    sheet.paste(picture.convert("RGB"), corner, mask)


def _draw_line(draw: ImageDraw.ImageDraw, words: Sequence[Word], size: int, colour: RGB, x: float, y: float) -> None:
    font = Type(size * _SCALE, 0.6 if size >= 16 else 0)
    for word in words:
        x = font.draw(draw, x, y, word, colour) + size * _SCALE * 0.28


@cache
def _rounded(width: int, height: int, radius: int) -> Image.Image:
    """A mask with round corners, and no steps in them."""
    fine = 4
    mask = Image.new("L", (width, height), 255)
    corner = Image.new("L", (2 * radius * fine, 2 * radius * fine))
    ImageDraw.Draw(corner).ellipse((0, 0, 2 * radius * fine - 1, 2 * radius * fine - 1), fill=255)
    disc = corner.resize((2 * radius, 2 * radius), Image.Resampling.BOX)
    for across in (0, 1):
        for down in (0, 1):
            part = disc.crop((across * radius, down * radius, (across + 1) * radius, (down + 1) * radius))
            mask.paste(part, (across * (width - radius), down * (height - radius)))
    return mask

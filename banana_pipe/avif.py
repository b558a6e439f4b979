"""What an AVIF holds, as its boxes and its AV1 headers tell it: whether it is whole, and how many pixels its frames have.

Unaware of pixels: nothing is decoded. (ISO/IEC 14496-12 for boxes, AV1 Image File Format 1.1, AV1 5.5 for sequence headers.)

The size that the file itself declares may be a lie: decoders make room for the frames first, and scale them afterwards.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

Buffer = bytes | mmap.mmap

_MOST_ITEMS = 4_096
_MOST_BOXES = 4_096
"""Of those that stand in one: pictures have some twenty."""
_MOST_UNITS = 65_536
"""Of all items together, which may be many, and all in the same bytes: a picture has some ten."""
_SEQUENCE_HEADER = 1
_HEADER_BYTES = 64
"""Of a sequence header, more than are looked at."""


class BrokenAvif(ValueError):
    """The bytes are no AVIF that can be followed to its frames."""


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    """Where what is in it begins."""
    end: int


def is_avif(head: Buffer) -> bool:
    """Whether the first bytes (64 are enough) are those of a still AVIF."""
    if head[4:8] != b"ftyp":
        return False
    length = min(int.from_bytes(head[:4], "big"), 64)
    brands = [bytes(head[8:12]), *(bytes(head[place : place + 4]) for place in range(16, length, 4))]
    return b"avif" in brands


def ends(data: Buffer) -> bool:
    """Whether the boxes go on, whole, to the last byte."""
    try:
        return all(box.end <= len(data) for box in _boxes(data, 0, len(data)))
    except BrokenAvif:
        return False


def moves(data: Buffer) -> bool:
    """Whether decoders take the frames of a film in it, which nobody has counted, for the picture. Raises BrokenAvif."""
    is_still = data[8:12] == b"avif"
    return not is_still and any(box.kind == b"moov" for box in _boxes(data, 0, len(data)))


def frame_pixels(data: Buffer) -> int:
    """The pixels of all frames in the file together, as their own headers tell them. Raises BrokenAvif."""
    pixels = looked_at = 0
    try:
        for start, end in _extents(data):
            largest = 0
            for unit in _sequence_headers(data, start, end):
                looked_at += 1
                if looked_at > _MOST_UNITS:
                    raise BrokenAvif("it has too many parts")
                largest = max(largest, _largest_frame(_Bits(unit)) if unit else 0)
            pixels += largest
    except IndexError:
        raise BrokenAvif("it is cut off") from None
    return pixels


def _boxes(data: Buffer, place: int, end: int) -> Iterator[_Box]:
    for _ in range(_MOST_BOXES):
        if place >= end:
            return
        length, kind, head = int.from_bytes(data[place : place + 4], "big"), bytes(data[place + 4 : place + 8]), 8
        if length == 1:
            length, head = int.from_bytes(data[place + 8 : place + 16], "big"), 16
        length = length or end - place
        if length < head or place + head > end:
            raise BrokenAvif("its boxes do not follow each other")
        yield _Box(kind, place + head, place + length)
        place += length
    raise BrokenAvif("it has too many boxes")


def _inside(data: Buffer, box: _Box, kind: bytes, skip: int = 0) -> _Box:
    found = next((one for one in _boxes(data, box.start + skip, box.end) if one.kind == kind), None)
    if found is None:
        raise BrokenAvif(f"it has no {kind.decode()}")
    return found


def _extents(data: Buffer) -> Iterator[tuple[int, int]]:
    """Where the bytes of each item are."""
    meta = _inside(data, _Box(b"", 0, len(data)), b"meta")
    iloc = _inside(data, meta, b"iloc", 4)
    reader = _Bytes(data, iloc.start, iloc.end)
    version = reader.take(1)
    reader.take(3)
    sizes, more = reader.take(1), reader.take(1)
    offsets, lengths, bases, indexes = sizes >> 4, sizes & 15, more >> 4, more & 15 if version else 0
    count = reader.take(4 if version == 2 else 2)
    if count > _MOST_ITEMS:
        raise BrokenAvif("it has too many items")
    inside: _Box | None = None
    for _ in range(count):
        reader.take(4 if version == 2 else 2)
        is_inside = (reader.take(2) & 15) if version else 0
        reader.take(2)
        base = reader.take(bases)
        if is_inside == 1:
            inside = inside or _inside(data, meta, b"idat", 4)
        start = inside.start if is_inside == 1 and inside else 0
        if reader.take(2) != 1:
            raise BrokenAvif("an item of it is in pieces")
        reader.take(indexes)
        begin = start + base + reader.take(offsets)
        length = reader.take(lengths)
        yield begin, min(begin + length, len(data)) if length else len(data)


def _sequence_headers(data: Buffer, place: int, end: int) -> Iterator[bytes]:
    """Of each unit in an item its first bytes, if frames are told of there; none of what is no AV1: a grid's layout, or metadata."""
    while place < end:
        head = data[place]
        if head & 0x80:
            break
        place += 1 + (head >> 2 & 1)
        length, place = _leb128(data, place) if head >> 1 & 1 else (end - place, place)
        is_header = head >> 3 & 15 == _SEQUENCE_HEADER
        yield bytes(data[place : min(place + length, end, place + _HEADER_BYTES)]) if is_header else b""
        place += length


def _leb128(data: Buffer, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 56, 7):
        value |= (data[place] & 0x7F) << shift
        place += 1
        if not data[place - 1] & 0x80:
            return value, place
    raise BrokenAvif("a length has no end")


def _largest_frame(bits: _Bits) -> int:
    """Width times height: as said, or (where frames may have others) what can be said in so many bits."""
    bits.take(4)
    is_reduced = bits.take(1)
    if is_reduced:
        bits.take(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    width, height = bits.take(width_bits) + 1, bits.take(height_bits) + 1
    return width * height if is_reduced else 1 << width_bits + height_bits


def _skip_operating_points(bits: _Bits) -> None:
    delays = 0
    has_model = 0
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            zeros = 0
            while not bits.take(1):
                zeros += 1
            bits.take(min(zeros, 32))
        has_model = bits.take(1)
        if has_model:
            delays = bits.take(5) + 1
            bits.take(42)
    has_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if has_model and bits.take(1):
            bits.take(2 * delays + 1)
        if has_delay and bits.take(1):
            bits.take(4)


class _Bytes:
    """Numbers of some bytes each, one after the other."""

    def __init__(self, data: Buffer, place: int, end: int) -> None:
        self._data, self._place, self._end = data, place, end

    def take(self, length: int) -> int:
        if self._place + length > self._end:
            raise BrokenAvif("a box is too short")
        self._place += length
        return int.from_bytes(self._data[self._place - length : self._place], "big")


class _Bits:
    """Numbers of some bits each, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._number, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise BrokenAvif("a header is too short")
        self._left -= count
        return self._number >> self._left & (1 << count) - 1

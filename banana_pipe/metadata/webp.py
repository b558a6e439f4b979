"""Metadata in WebP, by its chunks; the pixels' bytes are never touched.

Unaware of what an XMP packet says.

Chunks and flags: RFC 9649, section 2. A picture without metadata may be one chunk alone; with some it
begins with a VP8X chunk, whose flags say what is there. Content credentials: C2PA specification, appendix A.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from banana_pipe.metadata import exif
from banana_pipe.metadata.base import Unreadable

_HEADER = 12
_EXTENDED, _XMP, _EXIF, _ICC, _CREDENTIALS = b"VP8X", b"XMP ", b"EXIF", b"ICCP", b"C2PA"
_SHOWS = {b"VP8X", b"ICCP", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L"}
_IMAGES = (b"VP8 ", b"VP8L")
_HAS_ICC, _HAS_ALPHA, _HAS_EXIF, _HAS_XMP, _IS_ANIMATED = 0x20, 0x10, 0x08, 0x04, 0x02


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    content: bytes

    @property
    def whole(self) -> bytes:
        padding = b"\0" * (len(self.content) % 2)
        return self.kind + len(self.content).to_bytes(4, "little") + self.content + padding


def read_xmp(data: bytes) -> bytes | None:
    """The XMP packet; None where there is none."""
    return next((chunk.content for chunk in _chunks(data) if chunk.kind == _XMP), None)


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """The picture with this XMP packet and no other, behind its image data."""
    chunks = _extended(list(_chunks(data)))
    place = next((index for index, chunk in enumerate(chunks) if chunk.kind == _XMP), None)
    if place is None:
        place = 1 + max(index for index, chunk in enumerate(chunks) if chunk.kind in _SHOWS or chunk.kind == _EXIF)
    others = [*chunks[:place], _Chunk(_XMP, packet), *chunks[place:]]
    kept = [chunk for index, chunk in enumerate(others) if chunk.kind != _XMP or index == place]
    return _file(_flagged(kept, set_=_HAS_XMP)) + data[_end(data) :]


def strip(data: bytes) -> bytes:
    """The picture without all that does not change how it looks; in its simplest form."""
    chunks = list(_chunks(data))
    kept = [chunk for chunk in chunks if chunk.kind in _SHOWS]
    turned = next((exif.orientation(chunk.content) for chunk in chunks if chunk.kind == _EXIF), 1)
    if turned != 1:
        kept = _extended([*kept, _Chunk(_EXIF, exif.only_orientation(turned))])
        return _file(_flagged(kept, set_=_HAS_EXIF, cleared=_HAS_XMP))
    if len(kept) == 2 and kept[0].kind == _EXTENDED and kept[1].kind in _IMAGES and _canvas(kept[0]) == _size(kept[1]):
        return _file(kept[1:])
    return _file(_flagged(kept, cleared=_HAS_EXIF | _HAS_XMP))


def has_credentials(data: bytes) -> bool:
    """Whether C2PA content credentials are in it."""
    return any(chunk.kind == _CREDENTIALS for chunk in _chunks(data))


def _end(data: bytes) -> int:
    length = int.from_bytes(data[4:8], "little")
    return 8 + length + length % 2


def _chunks(data: bytes) -> Iterator[_Chunk]:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise Unreadable("not a WebP")
    end, place, has_image = 8 + int.from_bytes(data[4:8], "little"), _HEADER, False
    if end > len(data):
        raise Unreadable("this WebP is cut off")
    while place + 8 <= end:
        kind, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        if place + 8 + length > end:
            raise Unreadable("this WebP has a chunk that is longer than the file")
        has_image = has_image or kind in (*_IMAGES, b"ANMF")
        yield _Chunk(kind, data[place + 8 : place + 8 + length])
        place += 8 + length + length % 2
    if not has_image:
        raise Unreadable("this WebP has no picture in it")


def _file(chunks: list[_Chunk]) -> bytes:
    body = b"WEBP" + b"".join(chunk.whole for chunk in chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _extended(chunks: list[_Chunk]) -> list[_Chunk]:
    """The same with a VP8X in front."""
    if chunks[0].kind == _EXTENDED:
        if len(chunks[0].content) < 10:
            raise Unreadable("the first chunk of this WebP is too short")
        return chunks
    if chunks[0].kind not in _IMAGES:
        raise Unreadable("this WebP begins with none of its three forms")
    (width, height), flags = _size(chunks[0]), 0
    if chunks[0].kind == b"VP8L" and chunks[0].content[4] & 0x10:  # `alpha_is_used`
        flags = _HAS_ALPHA
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return [_Chunk(_EXTENDED, bytes((flags, 0, 0, 0)) + canvas), *chunks]


def _flagged(chunks: list[_Chunk], *, set_: int = 0, cleared: int = 0) -> list[_Chunk]:
    first, *rest = chunks
    if first.kind != _EXTENDED or not first.content:
        return chunks
    flags = (first.content[0] | set_) & ~cleared
    return [_Chunk(_EXTENDED, bytes((flags,)) + first.content[1:]), *rest]


def _canvas(extended: _Chunk) -> tuple[int, int]:
    number = int.from_bytes
    return number(extended.content[4:7], "little") + 1, number(extended.content[7:10], "little") + 1


def _size(image: _Chunk) -> tuple[int, int]:
    head, number = image.content[:10], int.from_bytes
    if image.kind == b"VP8L":
        both = number(head[1:5], "little")
        size = (both & 0x3FFF) + 1, (both >> 14 & 0x3FFF) + 1
    else:
        size = number(head[6:8], "little") & 0x3FFF, number(head[8:10], "little") & 0x3FFF
    if len(head) < 10 or 0 in size:
        raise Unreadable("this WebP does not say how large it is")
    return size

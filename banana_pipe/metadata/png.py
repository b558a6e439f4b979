"""Metadata in PNG, by its chunks; the pixels' bytes are never touched.

Unaware of what an XMP packet says.

Chunks and their order: the PNG specification, third edition, sections 5 and 11. XMP has the keyword
of Adobe's XMP specification, part 3; content credentials the chunk of C2PA's, appendix A.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from banana_pipe.metadata import exif
from banana_pipe.metadata.base import Unreadable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"XML:com.adobe.xmp\0"
_CREDENTIALS = b"caBX"
_MAX_XMP = 16 << 20
_COLOUR = {b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"mDCv", b"cLLI", b"cLLi", b"sBIT", b"tRNS"}
_FRAMES = {b"acTL", b"fcTL", b"fdAT"}


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    content: bytes
    whole: bytes
    """As it stands in the file, with length and checksum."""

    @property
    def is_xmp(self) -> bool:
        return self.kind == b"iTXt" and self.content.startswith(_KEYWORD)

    @property
    def shows(self) -> bool:
        """Whether the picture would look different without it."""
        is_critical = not self.kind[0] & 0x20
        return is_critical or self.kind in _COLOUR or self.kind in _FRAMES


def read_xmp(data: bytes) -> bytes | None:
    """The XMP packet; None where there is none."""
    return next((_text(chunk.content) for chunk in _chunks(data) if chunk.is_xmp), None)


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """The picture with this XMP packet and no other; where there was none it stands behind the header."""
    pieces = [SIGNATURE]
    new = _chunk(b"iTXt", _KEYWORD + b"\0\0\0\0" + packet)
    chunks = list(_chunks(data))
    place = next((index for index, chunk in enumerate(chunks) if chunk.is_xmp), 1)
    others = [[] if chunk.is_xmp else [chunk.whole] for chunk in chunks]
    others.insert(place, [new])
    pieces += [whole for some in others for whole in some]
    return b"".join(pieces) + data[_end(chunks) :]


def strip(data: bytes) -> bytes:
    """The picture without all that does not change how it looks."""
    chunks = list(_chunks(data))
    kept = [chunk.whole for chunk in chunks if chunk.shows]
    turned = next((exif.orientation(chunk.content) for chunk in chunks if chunk.kind == b"eXIf"), 1)
    if turned != 1:
        kept.insert(1, _chunk(b"eXIf", exif.only_orientation(turned)))
    return SIGNATURE + b"".join(kept)


def has_credentials(data: bytes) -> bool:
    """Whether C2PA content credentials are in it."""
    return any(chunk.kind == _CREDENTIALS for chunk in _chunks(data))


def _chunks(data: bytes) -> Iterator[_Chunk]:
    if not data.startswith(SIGNATURE):
        raise Unreadable("not a PNG")
    place = len(SIGNATURE)
    while place + 12 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if end > len(data):
            break
        kind = data[place + 4 : place + 8]
        if (place == len(SIGNATURE)) != (kind == b"IHDR"):
            raise Unreadable("this PNG does not begin with its one header")
        yield _Chunk(kind, data[place + 8 : end - 4], data[place:end])
        if kind == b"IEND":
            return
        place = end
    raise Unreadable("this PNG is cut off: its last chunk is missing")


def _end(chunks: list[_Chunk]) -> int:
    return len(SIGNATURE) + sum(len(chunk.whole) for chunk in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def _text(content: bytes) -> bytes | None:
    """The text of an iTXt chunk: behind keyword, two flags, language and translated keyword; perhaps compressed."""
    flags, rest = content[len(_KEYWORD) :][:2], content[len(_KEYWORD) + 2 :]
    pieces = rest.split(b"\0", 2)
    if len(flags) != 2 or len(pieces) != 3:
        return None
    if not flags[0]:
        return pieces[2]
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(pieces[2], _MAX_XMP)
    except zlib.error:
        return None
    return text if unpacking.eof else None

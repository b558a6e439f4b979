"""Bytes become an Artifact: sniffed, decoded to the last pixel, measured.

Unaware of where the bytes come from, who paid for them and what is expected of them.

Pillow is imported where it is first needed: a run with nothing to buy never decodes anything.
"""

from __future__ import annotations

import mmap
import os
import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from banana_pipe.canonical import Digest, digest_of
from banana_pipe.errors import BananaError
from banana_pipe.model import Artifact
from banana_pipe.regular import open_regular

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 64_000_000
"""Nearly four times the largest picture the models make (4K at 21:9: about 17 million)."""

_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_OTHERS = (
    (re.compile(rb"GIF8"), "a GIF"),
    (re.compile(rb"....ftyp(avif|avis)", re.DOTALL), "an AVIF"),
    (re.compile(rb"....ftyp(heic|heix|mif1)", re.DOTALL), "a HEIC"),
    (re.compile(rb"BM....\0\0\0\0", re.DOTALL), "a BMP"),
    (re.compile(rb"II\*\0|MM\0\*"), "a TIFF"),
    (re.compile(rb"%PDF"), "a PDF"),
    (re.compile(rb"\s*(<\?xml[^>]*>\s*)?<svg", re.IGNORECASE), "an SVG"),
    (re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE), "an HTML page"),
    (re.compile(rb"\s*[{\[]"), "JSON"),
)
# In the scan of a JPEG a 0xff that is data is followed by 0x00; 0xd0–0xd7 are restarts within it.
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_JPEG_END = 0xD9

_Buffer = bytes | mmap.mmap


class NotAPicture(BananaError):
    """The bytes are no whole PNG, JPEG or WebP picture of a size that we take."""


def measure(data: bytes) -> Artifact:
    """The picture that *data* is. Raises NotAPicture."""
    return _measure(data, BytesIO(data))


def measure_file(path: Path) -> Artifact:
    """The picture in the file *path*, without holding its bytes. Raises NotAPicture and OSError."""
    with open_regular(path) as file:
        if not os.fstat(file.fileno()).st_size:
            return _measure(b"", file)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _measure(data, file)


def sniff(data: _Buffer) -> str | None:
    """The MIME type that the first bytes tell; None for anything but PNG, JPEG and WebP."""
    head = data[:16]
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def suffix(mime: str) -> str:
    """The suffix of a file of that type, with its dot."""
    return _SUFFIXES[mime]


def _measure(data: _Buffer, stream: BinaryIO) -> Artifact:
    mime = sniff(data)
    if mime is None:
        raise NotAPicture(_what_it_is(data[:256]), hint="PNG, JPEG and WebP are what we can work with")
    if not _ENDS[mime](data):
        raise NotAPicture(f"this {_FORMATS[mime]} picture is cut off: its end is missing ({len(data)} bytes)")
    width, height, blank, alpha = _decode(stream, _FORMATS[mime])
    return Artifact(_digest(data), mime, width, height, len(data), blank, alpha)


def _digest(data: _Buffer) -> Digest:
    return digest_of(data)  # type: ignore[arg-type]  # a map is hashed like bytes, without a copy


def _what_it_is(head: bytes) -> str:
    if not head:
        return "not a picture: there are no bytes"
    for pattern, name in _OTHERS:
        if pattern.match(head):
            return f"not a picture of a kind that we take: it looks like {name}"
    return f"not a picture: it begins with the bytes {head[:8].hex(' ')}"


def _decode(stream: BinaryIO, kind: str) -> tuple[int, int, bool, bool]:
    """Width, height, whether it is blank and whether it has transparency, after decoding every pixel."""
    import PIL.Image

    try:
        with PIL.Image.open(stream, formats=(kind,)) as image:
            width, height = image.size
            # Asked before a pixel is decoded: Pillow itself only warns, and only above 89 million.
            if width * height > MAX_PIXELS:
                raise NotAPicture(_too_large(width, height))
            image.load()
            return width, height, *_looked_at(image)
    except NotAPicture:
        raise
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        raise NotAPicture(f"this picture is larger than {MAX_PIXELS // 1_000_000} million pixels") from error
    except Exception as error:  # on broken bytes Pillow raises nearly anything
        raise NotAPicture(f"this {kind} picture does not decode: {error}") from error


def _too_large(width: int, height: int) -> str:
    return f"this picture has {width} × {height} pixels; more than {MAX_PIXELS // 1_000_000} million are not taken"


def _looked_at(image: Image) -> tuple[bool, bool]:
    """Whether every pixel is the same, and whether some pixel is not wholly opaque."""
    alpha = False
    if image.mode == "P" or image.has_transparency_data:
        image = image.convert("RGBA")
        least, most = image.getchannel("A").getextrema()
        if most == 0:
            return True, True
        alpha = least != 255
    extrema = image.getextrema()
    bands = extrema if isinstance(extrema[0], tuple) else (extrema,)
    return all(low == high for low, high in bands), alpha


def _png_ends(data: _Buffer) -> bool:
    """Whether the chunks go on, whole, to the closing one; what follows it does not matter."""
    place = 8
    while place + 12 <= len(data):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        place += 12 + length
        if kind == b"IEND":
            return place <= len(data)
    return False


def _jpeg_ends(data: _Buffer) -> bool:
    """Whether the segments go on, whole, to the end marker; what follows it does not matter."""
    place = 2
    while found := _JPEG_MARKER.search(data, place):
        marker = found[1][0]
        if marker == _JPEG_END:
            return True
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return False


def _webp_ends(data: _Buffer) -> bool:
    return len(data) >= 8 + int.from_bytes(data[4:8], "little")


_ENDS = {"image/png": _png_ends, "image/jpeg": _jpeg_ends, "image/webp": _webp_ends}

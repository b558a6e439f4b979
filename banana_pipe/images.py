"""Bytes become an Artifact: sniffed, decoded to the last pixel, measured.

Unaware of where the bytes come from, who paid for them and what is expected of them.

Pillow is imported where it is first needed: a run with nothing to buy never decodes anything.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from banana_pipe import avif
from banana_pipe.canonical import Digest, digest_of
from banana_pipe.errors import BananaError
from banana_pipe.model import Artifact
from banana_pipe.regular import open_regular

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 64_000_000
"""Nearly four times the largest picture the models make (4K at 21:9: about 17 million)."""
MAX_MEMORY = 272 * 1024 * 1024
"""Bytes that decoding one picture may take: a WebP of the models' largest fits."""

_DECODED = 4
"""Bytes of a decoded pixel, in whichever mode."""
_WEBP_DECODER = 12
"""Bytes for each pixel that libwebp and Pillow keep besides: two canvases, and a copy to read from."""
_AVIF_DECODER = 11
"""Bytes for each pixel that libavif, dav1d and Pillow keep besides, of 4:4:4 with alpha."""
_JPEG_COEFFICIENT = 2
"""Bytes for each pixel and band that libjpeg keeps of a picture in several scans (a progressive one)."""
_MAX_SCANNED = 512_000_000
"""Pixels of all scans together: each goes over the whole picture, and may take a dozen bytes to ask for."""
_STRIP = 1_000_000
"""Pixels that are looked at together: what a picture is converted to for that need not fit twice."""

_SUFFIX_OF = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/avif": ".avif"}
SUFFIXES = frozenset(_SUFFIX_OF.values())
"""Those of the files that pictures are published as."""
FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/avif": "AVIF"}
"""What Pillow calls each type that we take."""
_OTHERS = (
    (re.compile(rb"GIF8"), "a GIF"),
    (re.compile(rb"....ftypavis", re.DOTALL), "an AVIF that moves"),
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
_JPEG_SCAN = 0xDA

_Buffer = bytes | mmap.mmap


class NotAPicture(BananaError):
    """The bytes are no whole PNG, JPEG, WebP or AVIF picture of a size that we take."""


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
    """The MIME type that the first bytes tell; None for anything but PNG, JPEG, WebP and AVIF."""
    head = data[:16]
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if avif.is_avif(data[:64]):
        return "image/avif"
    return None


def suffix(mime: str) -> str:
    """The suffix of a file of that type, with its dot."""
    return _SUFFIX_OF[mime]


def _measure(data: _Buffer, stream: BinaryIO) -> Artifact:
    mime = sniff(data)
    if mime is None:
        raise NotAPicture(_what_it_is(data[:256]), hint="PNG, JPEG, WebP and AVIF are what we can work with")
    if not _ENDS[mime](data):
        raise NotAPicture(f"this {FORMATS[mime]} picture is cut off: its end is missing ({len(data)} bytes)")
    width, height, blank, alpha = _decode(data, stream, mime)
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


def _decode(data: _Buffer, stream: BinaryIO, mime: str) -> tuple[int, int, bool, bool]:
    """Width, height, whether it is blank and whether it has transparency, after decoding every pixel."""
    import PIL.Image

    kind = FORMATS[mime]
    if mime == "image/webp":
        # Pillow makes room for all of it as soon as it is opened.
        _refuse_dear(kind, *_webp_size(data), _DECODED + _WEBP_DECODER)
    if mime == "image/avif":
        refuse_dear_avif(data)
    try:
        with PIL.Image.open(stream, formats=(kind,)) as image:
            width, height = image.size
            # Asked before a pixel is decoded: Pillow itself only warns, and only above 89 million.
            if mime == "image/jpeg":
                _refuse_dear_jpeg(data, image)
            elif mime == "image/avif":
                _refuse_dear(kind, width, height, _DECODED + _AVIF_DECODER)
            else:
                _refuse_dear(kind, width, height, _DECODED)
            image.load()
            return width, height, *_looked_at(image)
    except NotAPicture:
        raise
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        raise NotAPicture(f"this picture is larger than {MAX_PIXELS // 1_000_000} million pixels") from error
    except Exception as error:  # on broken bytes Pillow raises nearly anything
        raise NotAPicture(f"this {kind} picture does not decode: {error}") from error


def refuse_dear_avif(data: _Buffer) -> None:
    """Refuse an AVIF whose frames take too much memory, whatever size the file declares, and where nobody can read it."""
    import PIL.features

    if not PIL.features.check("avif"):
        raise NotAPicture(
            "this is an AVIF, and the Pillow here cannot read it", hint="`pip install pillow` brings one that can"
        )
    try:
        moves, pixels = avif.moves(data), avif.frame_pixels(data)
    except avif.BrokenAvif as error:
        raise NotAPicture(f"this AVIF picture does not decode: {error}") from None
    if moves:
        raise NotAPicture("this AVIF picture moves", hint="save the frame that is meant as a file of its own")
    most = min(MAX_PIXELS, MAX_MEMORY // (_DECODED + _AVIF_DECODER))
    if pixels > 2 * most:  # of colours, and of transparency
        raise NotAPicture(f"this AVIF picture has frames of {pixels:,} pixels: too many", hint="save it as a PNG")


def _refuse_dear_jpeg(data: _Buffer, image: Image) -> None:
    width, height = image.size
    scans = sum(marker == _JPEG_SCAN for marker in _jpeg_markers(data))
    if scans < 2 and "progressive" not in image.info:
        _refuse_dear("JPEG", width, height, _DECODED)
        return
    _refuse_dear("progressive JPEG", width, height, _DECODED + _JPEG_COEFFICIENT * len(image.getbands()))
    if scans * width * height > _MAX_SCANNED:
        raise NotAPicture(
            f"this JPEG picture has {scans:,} scans of {width} × {height} pixels: too many", hint="save it as a PNG"
        )


def _refuse_dear(kind: str, width: int, height: int, cost: int) -> None:
    """Refuse what takes too much memory at *cost* bytes a pixel."""
    most = min(MAX_PIXELS, MAX_MEMORY // cost)
    if width * height > most:
        raise NotAPicture(
            f"this picture has {width} × {height} pixels; "
            f"more than {most // 1_000_000} million are not taken of a {kind}",
            hint=None if most == MAX_PIXELS else "make it smaller, or save it as a PNG",
        )


def _looked_at(image: Image) -> tuple[bool, bool]:
    """Whether every pixel is the same, and whether some pixel is not wholly opaque."""
    transparent = image.mode == "P" or image.has_transparency_data
    width, height = image.size
    rows = max(1, _STRIP // width)
    least: list[float] = []
    most: list[float] = []
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(height, top + rows)))
        extrema = (strip.convert("RGBA") if transparent else strip).getextrema()
        bands = extrema if isinstance(extrema[0], tuple) else (extrema,)
        lows, highs = zip(*bands, strict=True)
        least = [*map(min, least or lows, lows)]
        most = [*map(max, most or highs, highs)]
    if transparent and most[-1] == 0:
        return True, True
    return least == most, transparent and least[-1] != 255


def _webp_size(data: _Buffer) -> tuple[int, int]:
    """Width and height as the first chunk tells them (RFC 9649, sections 2.5 to 2.7)."""
    chunk, head = data[12:16], data[20:30]
    number = int.from_bytes
    if chunk == b"VP8X":
        return number(head[4:7], "little") + 1, number(head[7:10], "little") + 1
    if chunk == b"VP8L":
        both = number(head[1:5], "little")
        return (both & 0x3FFF) + 1, (both >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        return number(head[6:8], "little") & 0x3FFF, number(head[8:10], "little") & 0x3FFF
    raise NotAPicture("this WEBP picture does not decode: it begins with none of its three forms")


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
    return any(marker == _JPEG_END for marker in _jpeg_markers(data))


def _jpeg_markers(data: _Buffer) -> Iterator[int]:
    """Each segment's marker, up to the end marker; a scan's data is skipped over."""
    place = 2
    while found := _JPEG_MARKER.search(data, place):
        yield found[1][0]
        if found[1][0] == _JPEG_END:
            return
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")


def _webp_ends(data: _Buffer) -> bool:
    return len(data) >= 8 + int.from_bytes(data[4:8], "little")


_ENDS = {"image/png": _png_ends, "image/jpeg": _jpeg_ends, "image/webp": _webp_ends, "image/avif": avif.ends}

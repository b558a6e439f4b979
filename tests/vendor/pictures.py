"""Paints pictures nobody has seen before: noise, quickly, from a seed.

Unaware of what was asked for.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from io import BytesIO

Picture = Callable[[], bytes]
"""Painted when needed, the same bytes each time: seeds are kept, not megabytes."""

WIDTH, HEIGHT = 64, 48


def noise(seed: bytes, *, kind: str, kb: int) -> bytes:
    """A picture of about *kb* KiB (0: 64×48 pixels) in thousands of colours."""
    width, height = _size(kb)
    pixels = random.Random(seed).randbytes(width * height * 3)
    return _jpeg(width, height, pixels) if kind == "jpeg" else _png(width, height, pixels)


def sized(seed: bytes, width: int, height: int) -> bytes:
    """A PNG of that size in pixels."""
    return _png(width, height, random.Random(seed).randbytes(width * height * 3))


def blank(seed: bytes) -> bytes:
    """A PNG with one colour, taken from *seed*."""
    return _png(WIDTH, HEIGHT, seed[:3] * (WIDTH * HEIGHT))


def _size(kb: int) -> tuple[int, int]:
    if not kb:
        return WIDTH, HEIGHT
    height = max(8, round((kb * 1024 / 4) ** 0.5))
    return height * 4 // 3, height


def _png(width: int, height: int, pixels: bytes) -> bytes:
    stride = width * 3
    rows = b"".join(b"\0" + pixels[at : at + stride] for at in range(0, len(pixels), stride))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    # Level 0: noise does not get smaller, and trying costs the most.
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows, 0)), _chunk(b"IEND", b"")]
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _jpeg(width: int, height: int, pixels: bytes) -> bytes:
    from PIL import Image  # lazily: only this kind needs it, and it is slow to load

    out = BytesIO()
    Image.frombytes("RGB", (width, height), pixels).save(out, "JPEG", quality=90)
    return out.getvalue()

"""A sheet becomes a PNG: a storyboard frame that one can read.

Unaware of HTTP, of tasks and of the clock: equal sheets give equal bytes.
"""

from __future__ import annotations

import hashlib
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from banana_pipe.providers.sandbox.pixels import size_of
from banana_pipe.providers.sandbox.sheet import Sheet


def paint(sheet: Sheet) -> bytes:
    """The PNG for *sheet*."""
    seed = hashlib.sha256(repr(sheet).encode()).digest()
    picture = Image.new("RGB", size_of(sheet), tuple(seed[:3]))
    font = ImageFont.load_default(size=picture.width // 20)
    ImageDraw.Draw(picture).text((40, 40), f"SANDBOX\n{sheet.action}\ntake {sheet.take}", fill="white", font=font)
    packed = BytesIO()
    picture.save(packed, "PNG")
    return packed.getvalue()

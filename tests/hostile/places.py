"""What stands in a stranger's project and beside it. Unaware of who tries to reach it."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

SECRET = "CANARY-of-the-home-folder"


def _picture() -> bytes:
    stream = BytesIO()
    image = Image.new("RGB", (16, 16), (200, 30, 30))
    image.putpixel((3, 3), (0, 0, 0))
    image.save(stream, "PNG")
    return stream.getvalue()


PICTURE = _picture()

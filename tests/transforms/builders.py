"""Pictures and ops for the tests of transforms.

Unaware of recipes.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from PIL import Image, ImageFont

from banana_pipe.model import Op
from banana_pipe.transforms import TRANSFORMS, Made, make
from banana_pipe.transforms.pixels import Frame, decode


def picture(width: int, height: int, colour: str = "#c04020", *, mode: str = "RGB") -> Image.Image:
    """A picture of one colour with a white spot in the upper left quarter and a blue pixel in the last corner."""
    image = Image.new(mode, (width, height), colour)
    image.paste("#ffffff", (width // 8, height // 8, width // 4, height // 4))
    image.putpixel((width - 1, height - 1), (0, 0, 255) if mode == "RGB" else (0, 0, 255, 255))
    return image


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The picture as bytes."""
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def op(name: str, *pictures: int, **given: Any) -> Op:
    """An op as a recipe gives it: parameters read, defaults filled in."""
    transform = TRANSFORMS[name]
    params = {param.name: param.default for param in transform.params if param.default is not None}
    params |= {param.name: param.kind.read(given[param.name]) for param in transform.params if param.name in given}
    params = {name: value for name, value in params.items() if name not in transform.files}
    transform.check(params | dict.fromkeys(transform.pictures[: len(pictures)], ""))
    return Op(name, transform.version, params, pictures, files=tuple((one, -1) for one in transform.files))


def font() -> bytes:
    """A font with the letters of English, as Pillow brings it."""
    stream = ImageFont.load_default(10).path  # type: ignore[union-attr]
    assert isinstance(stream, BytesIO)
    return stream.getvalue()


def applied(ops: list[Op], *images: Image.Image | bytes) -> Image.Image:
    """What the ops make of the pictures, decoded."""
    return Image.open(BytesIO(made(ops, *images).data))


def made(ops: list[Op], *images: Image.Image | bytes) -> Made:
    """What the ops make of the pictures."""
    return make(ops, [_reader(one if isinstance(one, bytes) else saved(one)) for one in images], {-1: font})


def _reader(data: bytes) -> Callable[[], Frame]:
    return lambda: decode(data)

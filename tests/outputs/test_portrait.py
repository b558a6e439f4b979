"""A family as a picture: arrows from left to right, and nothing too large."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageChops

from banana_pipe.canonical import Digest, digest_of
from banana_pipe.images import measure
from banana_pipe.lineage.family import Ancestor, Family, Made, Record
from banana_pipe.outputs.portrait import portrait
from tests.world import picture, plain


def digest(name: str) -> Digest:
    return digest_of(name.encode())


def family_of(made_from: dict[str, str], prompt: str = "A mug") -> Family:
    members = {}
    for name, inputs in made_from.items():
        request = {"action": "edit", "prompt": prompt}
        parents = tuple(Ancestor(digest(one), one) for one in inputs)
        record = Record(digest(name), "m", node=name, take=1, request=request, model="m", price=39_000, inputs=parents)
        members[digest(name)] = Made(record)
    return Family(digest(next(iter(made_from))), members)


def drawn(family: Family, bytes_of: dict[str, bytes] | None = None) -> Image.Image:
    by_digest = {digest(name): data for name, data in (bytes_of or {}).items()}
    data = portrait(family, by_digest.get)
    assert measure(data).mime == "image/png"
    return Image.open(BytesIO(data)).convert("RGB")


def columns_with(image: Image.Image, colour: tuple[int, int, int]) -> list[int]:
    """Where, from left to right, *colour* stands."""
    apart = ImageChops.difference(image, Image.new("RGB", image.size, colour)).convert("L").point([255, *[0] * 255])
    box = apart.getbbox()
    return [] if box is None else [box[0], box[2]]


def test_what_it_was_made_from_stands_on_its_left() -> None:
    """The source is red, the result is blue."""
    image = drawn(family_of({"a": "b", "b": ""}), {"a": plain((0, 0, 250)), "b": plain((250, 0, 0))})
    blue, red = columns_with(image, (0, 0, 250)), columns_with(image, (250, 0, 0))
    assert red[1] < blue[0]
    assert columns_with(image, (168, 160, 146))[0] > red[1]


def test_long_and_broad_families_are_folded() -> None:
    """A chain of 300, and a picture of 300: as large as others, and no larger."""
    chain = drawn(family_of({str(n): str(n + 1) if n < 9 else "" for n in range(10)} | {"x": ""}))
    names = [chr(0x4E00 + n) for n in range(300)]
    long = drawn(family_of(dict(zip(names, [*names[1:], ""], strict=True))))
    broad = drawn(family_of({"a": "".join(names), **dict.fromkeys(names, "")}))
    assert chain.width < 5_000
    assert long.width == drawn(family_of(dict(zip(names[:9], [*names[1:9], ""], strict=True)))).width
    assert broad.height < 5_000


@pytest.mark.parametrize(
    "prompt",
    ["", "word " * 4000, "W" * 4000, "漢字" * 40, "\x00\x1b[31m\u202e\ud800", "🦊" * 20, "a\n\n\nb", "é" * 100],
)
def test_any_words_find_their_place(prompt: str) -> None:
    """Cut where there is no room; none makes the picture larger than its card."""
    image = drawn(family_of({"a": "b", "b": ""}, prompt), {"a": picture(20, 2000), "b": picture(2000, 3)})
    assert image.width == drawn(family_of({"a": "b", "b": ""})).width


def test_what_is_nowhere_and_what_is_no_picture_have_a_place_too() -> None:
    """Lineage is known longer than bytes are kept."""
    assert drawn(family_of({"a": "b", "b": ""}), {"b": b"not a picture"}).width > 500


def test_what_shines_through_does_so() -> None:
    """On the mat, not on black."""
    stream = BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(stream, "PNG")
    assert not columns_with(drawn(family_of({"a": ""}), {"a": stream.getvalue()}), (0, 0, 0))

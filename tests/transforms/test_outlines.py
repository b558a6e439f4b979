"""rotate, flip, mask and compare: what comes out, to the pixel, and the laws they obey.

Unaware of recipes and stores.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from banana_pipe.transforms.base import BadParams, TransformFailed
from tests.transforms.builders import applied, made, op, picture, saved

QUARTER = op("rotate", degrees=90)

sizes = st.tuples(st.integers(1, 24), st.integers(1, 24))


@st.composite
def pictures(draw: st.DrawFn) -> Image.Image:
    """Any pixels, with alpha and without."""
    (width, height), mode = draw(sizes), draw(st.sampled_from(["RGB", "RGBA"]))
    wanted = width * height * len(mode)
    seed = draw(st.binary(min_size=1, max_size=64))
    return Image.frombytes(mode, (width, height), (seed * (wanted // len(seed) + 1))[:wanted])


def pixels(image: Image.Image) -> tuple[tuple[int, int], bytes]:
    """What one sees, whether the picture has an idle alpha or not."""
    return image.size, image.convert("RGBA").tobytes()


class TestRotate:
    """Clockwise."""

    @settings(deadline=None, max_examples=20)
    @given(pictures())
    def test_four_quarters_are_the_picture(self, image: Image.Image) -> None:
        """Nothing is lost by a quarter; and two are what 180 is, three what 270 is."""
        assert pixels(applied([QUARTER] * 4, image)) == pixels(image)
        assert pixels(applied([QUARTER] * 2, image)) == pixels(applied([op("rotate", degrees=180)], image))
        assert pixels(applied([QUARTER] * 3, image)) == pixels(applied([op("rotate", degrees=270)], image))

    def test_it_goes_with_the_clock(self) -> None:
        """What was at the upper left is at the upper right."""
        image = Image.new("RGB", (20, 10), "black")
        image.putpixel((0, 0), (255, 255, 255))
        turned = applied([QUARTER], image)
        assert (turned.size, turned.getpixel((9, 0))) == ((10, 20), (255, 255, 255))
        by_little = applied([op("rotate", degrees=10)], picture(100, 100)).convert("RGBA")
        assert by_little.getpixel((30, 20)) == (255, 255, 255, 255)

    @pytest.mark.parametrize(("degrees", "size"), [(30, (224, 188)), (45, (214, 214)), (359, (202, 104))])
    def test_it_becomes_as_large_as_it_has_to(self, degrees: int, size: tuple[int, int]) -> None:
        """Nothing is cut off; the corners are clear, or of the colour that was asked for."""
        clear = applied([op("rotate", degrees=degrees)], picture(200, 100))
        assert clear.size == size
        assert clear.getpixel((0, 0)) == (0, 0, 0, 0)
        blue = applied([op("rotate", degrees=degrees, background="blue")], picture(200, 100))
        assert (blue.mode, blue.getpixel((0, 0))) == ("RGB", (0, 0, 255))

    def test_a_result_that_is_too_large_is_refused_before_it_is_made(self) -> None:
        """A long thin picture, turned by little, would be a square."""
        with pytest.raises(TransformFailed, match="rotate: the result would have 11315 × 11315 pixels"):
            applied([op("rotate", degrees=45)], Image.new("L", (16_000, 1)))


class TestFlip:
    """A mirror."""

    @settings(deadline=None, max_examples=20)
    @given(pictures(), st.sampled_from(["horizontal", "vertical"]))
    def test_twice_is_the_picture(self, image: Image.Image, direction: str) -> None:
        """And both ways are what turning it round is."""
        assert pixels(applied([op("flip", direction=direction)] * 2, image)) == pixels(image)
        both = [op("flip"), op("flip", direction="vertical")]
        assert pixels(applied(both, image)) == pixels(applied([op("rotate", degrees=180)], image))

    def test_left_becomes_right_unless_told_otherwise(self) -> None:
        """The spot is in the upper left."""
        assert applied([op("flip")], picture(80, 40)).getpixel((65, 7)) == (255, 255, 255)
        assert applied([op("flip", direction="vertical")], picture(80, 40)).getpixel((15, 32)) == (255, 255, 255)


class TestMask:
    """What is outside becomes transparent."""

    @pytest.mark.parametrize(
        ("keep", "left", "right"), [("light", 255, 0), ("dark", 0, 255), ("opaque", 255, 255), (None, 255, 0)]
    )
    def test_another_picture_says_what_stays(self, keep: str | None, left: int, right: int) -> None:
        """Where it is light unless told otherwise; it is brought to the picture's size."""
        half = Image.new("L", (10, 10))
        half.paste(255, (0, 0, 5, 10))
        asked = {} if keep is None else {"keep": keep}
        image = applied([op("mask", 1, **asked)], picture(100, 60), half).convert("RGBA")
        assert [image.getpixel((x, 30))[3] for x in (5, 95)] == [left, right]  # type: ignore[index]
        assert image.getpixel((5, 50))[:3] == (192, 64, 32)  # type: ignore[index]

    def test_what_was_transparent_stays_so(self) -> None:
        """A mask takes away and gives nothing back; half of a half is a quarter."""
        image = Image.new("RGBA", (9, 9), (10, 20, 30, 128))
        masked = applied([op("mask", 1)], image, Image.new("L", (9, 9), 128))
        assert masked.getpixel((4, 4)) == (10, 20, 30, 64)

    def test_opaque_is_what_one_sees_of_the_other(self) -> None:
        """A picture that was cut out is the shape of another one."""
        shape = Image.new("RGBA", (20, 20))
        shape.paste((0, 0, 0, 255), (0, 0, 10, 20))
        masked = applied([op("mask", 1, keep="opaque")], picture(20, 20), shape)
        assert [masked.getpixel((x, 15))[3] for x in (2, 17)] == [255, 0]  # type: ignore[index]

    @pytest.mark.parametrize("size", [(100, 100), (160, 100), (31, 77), (1, 1), (3000, 10)])
    def test_a_circle_is_as_large_as_there_is_room(self, size: tuple[int, int]) -> None:
        """Its middle is there, its edge touches, the corners are gone; left is as right, top as bottom."""
        image = applied([op("mask", shape="circle")], Image.new("RGB", size, "red")).convert("RGBA")
        alpha = image.getchannel("A")
        side = min(size)
        assert side < 3 or alpha.getpixel((size[0] // 2, size[1] // 2)) == 255
        assert side < 9 or alpha.getpixel((0, 0)) == 0
        box = alpha.getbbox()
        assert box is not None
        assert (box[2] - box[0], box[3] - box[1]) == (side, side)
        assert alpha.tobytes() == alpha.transpose(Image.Transpose.ROTATE_180).tobytes() or (size[0] - size[1]) % 2
        area = sum(alpha.tobytes()) / 255
        assert side < 9 or area == pytest.approx(3.14159 / 4 * side * side, rel=0.03)

    def test_round_corners_are_of_a_part_of_the_shorter_side(self) -> None:
        """The edges between them stay whole."""
        alpha = applied([op("mask", shape="rounded", radius="20%")], picture(200, 100)).getchannel("A")
        assert [alpha.getpixel(xy) for xy in ((0, 0), (4, 4), (20, 0), (0, 20), (199, 99), (100, 99))] == [
            *(0, 0, 255, 255, 0, 255)
        ]
        assert alpha.getpixel((7, 7)) == 255

    @pytest.mark.parametrize("asked", [{}, {"shape": "circle", "keep": "dark"}, {"shape": "circle", "radius": "10%"}])
    def test_takes_what_goes_together(self, asked: dict[str, Any]) -> None:
        """What would be ignored is told."""
        with pytest.raises(BadParams):
            op("mask", **asked)
        with pytest.raises(BadParams, match="either"):
            op("mask", 1, shape="circle")


class TestCompare:
    """Side by side."""

    @pytest.mark.parametrize(
        ("asked", "size"),
        [({}, (100 + 16 + 50, 50)), ({"gap": 0}, (150, 50)), ({"direction": "column", "gap": 4}, (50, 25 + 4 + 50))],
    )
    def test_all_are_as_high_as_the_lowest(self, asked: dict[str, Any], size: tuple[int, int]) -> None:
        """Nothing is made larger than it is; in a column they are as wide as the narrowest."""
        sheet = applied(
            [op("compare", **asked)], Image.new("RGB", (200, 100), "red"), Image.new("RGB", (50, 50), "blue")
        )
        assert sheet.size == size
        assert sheet.getpixel((0, 0)) == (255, 0, 0)
        assert sheet.getpixel((size[0] - 1, size[1] - 1)) == (0, 0, 255)

    def test_of_one_size_they_stay_as_they_are(self) -> None:
        """To the pixel, with the background between them."""
        one, other = picture(40, 30), picture(20, 30, "#204060")
        sheet = applied([op("compare", gap=5, background="lime")], one, other)
        assert pixels(sheet.crop((0, 0, 40, 30))) == pixels(one)
        assert pixels(sheet.crop((45, 0, 65, 30))) == pixels(other)
        assert sheet.getpixel((42, 10)) == (0, 255, 0)

    def test_holds_no_more_than_there_is_room_for(self) -> None:
        """As `grid` does."""
        large = saved(Image.new("L", (6000, 6000)))
        with pytest.raises(TransformFailed, match="compare: the pictures have more than 64 million pixels together"):
            made([op("compare")], large, large)

    def test_a_gap_is_not_too_large_either(self) -> None:
        """The sheet is asked for its size before it is made."""
        with pytest.raises(TransformFailed, match="compare: the result would have"):
            made([op("compare", gap=16_384)], *[Image.new("L", (1, 5000))] * 2)

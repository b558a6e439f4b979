"""palette: few colours, and a PNG that is written as a table of them.

Unaware of recipes and stores.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from banana_pipe.transforms.base import BadParams
from banana_pipe.transforms.kinds import Colours
from tests.transforms.builders import applied, made, op, picture
from tests.transforms.test_outlines import pictures, pixels

GIVEN = ["#1a1c2c", "#f4f4f4", "#b13e53"]


def photo(mode: str = "RGB", side: int = 64) -> Image.Image:
    """Many colours, evenly from dark to light."""
    across, down = Image.linear_gradient("L").resize((side, side)), Image.radial_gradient("L").resize((side, side))
    return Image.merge("RGB", (across, down, across.transpose(Image.Transpose.ROTATE_90))).convert(mode)


def seen(image: Image.Image) -> set[tuple[int, ...]]:
    """The colours that one sees."""
    return {colour[:3] for _, colour in image.convert("RGBA").getcolors(1 << 20) or [] if colour[3]}  # type: ignore[index]


@settings(deadline=None, max_examples=25)
@given(pictures(), st.integers(2, 256), st.sampled_from(["none", "floyd-steinberg"]))
def test_there_are_at_most_so_many_colours(image: Image.Image, count: int, dither: str) -> None:
    """Of what one sees; the transparency is the same; and a second time changes nothing."""
    asked = op("palette", count=count, dither=dither)
    reduced = applied([asked], image)
    assert len(seen(reduced)) <= count
    assert reduced.convert("RGBA").getchannel("A").tobytes() == image.convert("RGBA").getchannel("A").tobytes()
    assert pixels(applied([asked, asked], image)) == pixels(reduced)


@settings(deadline=None, max_examples=20)
@given(pictures(), st.sampled_from(["none", "floyd-steinberg"]))
def test_no_colour_but_those_that_are_given(image: Image.Image, dither: str) -> None:
    """Whatever was in the picture, mixed or not."""
    reduced = applied([op("palette", colors=GIVEN, dither=dither)], image)
    assert seen(reduced) <= {(0x1A, 0x1C, 0x2C), (0xF4, 0xF4, 0xF4), (0xB1, 0x3E, 0x53)}


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_of_few_colours_stays_as_it_is(mode: str) -> None:
    """To the pixel: pixel art is not to be improved."""
    image = picture(40, 40, mode=mode)
    assert pixels(applied([op("palette", count=3, dither="floyd-steinberg")], image)) == pixels(image)


def test_dots_mix_what_is_not_there() -> None:
    """A grey of black and white is grey from afar."""
    image = Image.new("RGB", (64, 64), (128, 128, 128))
    mixed = applied([op("palette", colors=["black", "white"], dither="floyd-steinberg")], image)
    assert mixed.convert("L").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)) == pytest.approx(128, abs=3)
    assert seen(applied([op("palette", colors=["black", "white"])], image)) in ({(0, 0, 0)}, {(255, 255, 255)})


def test_what_nobody_sees_takes_no_colour() -> None:
    """A picture that was cut out keeps its own colours, whatever is left behind what is transparent."""
    found = []
    for hidden in ((0, 255, 0, 0), (255, 0, 255, 0)):
        image = photo("RGBA")
        image.paste(hidden, (0, 0, 64, 50))
        found.append(seen(applied([op("palette", count=4)], image)))
    assert found[0] == found[1]


class TestWritten:
    """A PNG of few colours is a table of them, and small."""

    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_it_is_a_table_and_the_same_pixels(self, mode: str) -> None:
        """With what is wholly transparent as one more entry."""
        image = photo(mode)
        if mode == "RGBA":
            image.paste((1, 2, 3, 0), (0, 0, 32, 64))
        done = made([op("palette", count=16)], image)
        plain = made([op("palette", count=16), op("flip"), op("flip")], image)
        shown = Image.open(BytesIO(done.data))
        assert (shown.mode, done.mime) == ("P", "image/png")
        assert done == plain
        assert len(seen(shown)) <= 16
        assert ("transparency" in shown.info) == (mode == "RGBA")

    def test_an_op_behind_it_may_need_more_colours(self) -> None:
        """Then it is written as any other picture."""
        assert applied([op("palette", colors=["black", "white"]), op("resize", width=33)], photo()).mode in ("RGB", "P")
        soft = photo("RGBA")
        soft.putalpha(Image.linear_gradient("L").resize((64, 64)))
        assert applied([op("palette", count=8)], soft).mode == "RGBA"

    def test_colours_that_are_nearly_the_same_are_told_apart(self) -> None:
        """Pillow takes the nearest of them roughly; the pixels count, not the table."""
        image = Image.new("RGB", (4, 1))
        for x, grey in enumerate((100, 101, 102, 103)):
            image.putpixel((x, 0), (grey,) * 3)
        assert pixels(applied([op("palette", count=8)], image)) == pixels(image)

    def test_converted_to_png_it_is_still_a_table(self) -> None:
        """The format says how it is written, and not which colours there are."""
        assert applied([op("palette", count=8), op("convert", format="png")], photo()).mode == "P"
        assert applied([op("palette", count=8), op("convert", format="webp")], photo()).mode == "RGB"


@pytest.mark.parametrize("asked", [{}, {"count": 8, "colors": GIVEN}, {"dither": "none"}])
def test_takes_one_of_its_two_ways(asked: dict[str, Any]) -> None:
    """A number or the colours themselves."""
    with pytest.raises(BadParams, match="either"):
        op("palette", **asked)


@pytest.mark.parametrize("wrong", ["red", [], ["red"] * 2, ["#f00", "red"], ["#ff000080"], ["#000"] * 300, [1], None])
def test_colours_are_a_list_of_different_ones(wrong: Any) -> None:
    """None of them is one that lets something through."""
    with pytest.raises(ValueError):  # noqa: PT011 - as in the other kinds
        Colours().read(wrong)

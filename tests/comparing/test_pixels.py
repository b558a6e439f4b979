"""How far pictures are apart, by measure; and that a difference of one pixel can be seen."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from banana_pipe.comparing import pixels
from banana_pipe.images import NotAPicture, measure
from tests.world import picture

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def plain(colour: tuple[int, ...], size: tuple[int, int] = (40, 30)) -> Image.Image:
    return Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour)


@st.composite
def images(draw: st.DrawFn) -> Image.Image:
    """A small picture with a few pixels of few values: equal ones are drawn often."""
    mode = draw(st.sampled_from(["RGB", "RGBA"]))
    width, height = draw(st.sampled_from([(1, 1), (3, 2), (9, 8), (20, 1)]))
    levels = st.sampled_from([0, 1, 128, 255])
    data = draw(st.lists(levels, min_size=width * height * len(mode), max_size=width * height * len(mode)))
    return Image.frombytes(mode, (width, height), bytes(data))


def looks(image: Image.Image) -> tuple[object, ...]:
    """What is seen of *image*: its size, and each pixel; a wholly transparent one has no colour."""
    data = image.convert("RGBA").tobytes()
    seen = (data[place : place + 4] for place in range(0, len(data), 4))
    return (image.size, *(pixel if pixel[3] else b"" for pixel in seen))


@given(images(), images())
def test_no_pixel_differs_if_and_only_if_all_look_the_same(one: Image.Image, other: Image.Image) -> None:
    """The one number that a gate in a CI rests on."""
    far = pixels.distance(one, other)
    assert (far.pixels == 0) == (looks(one) == looks(other))
    if far.pixels == 0:
        assert far.mean == 0


@given(images(), images())
def test_every_distance_is_a_share_and_the_same_in_both_directions(one: Image.Image, other: Image.Image) -> None:
    """Which side is named first does not matter."""
    far = pixels.distance(one, other)
    assert far == pixels.distance(other, one)
    assert all(0 <= getattr(far, name) <= 1 for name in pixels.MEASURES)


@given(images())
def test_a_picture_has_no_distance_from_itself(one: Image.Image) -> None:
    """By any measure."""
    assert pixels.distance(one, one.copy()) == pixels.Distance(0, 0, 0, 0)


def test_black_and_white_are_as_far_apart_as_can_be() -> None:
    """Each pixel, by all that it can be; a plain picture has no shape."""
    far = pixels.distance(plain(BLACK), plain(WHITE))
    assert (far.pixels, far.mean, far.shape) == (1, 1, 0)
    assert far.colour == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("colour", "lab"),
    [
        ((255, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 255, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 255), (0.45201, -0.03246, -0.31153)),
    ],
)
def test_colours_are_where_oklab_has_them(colour: tuple[int, int, int], lab: tuple[float, float, float]) -> None:
    """Red, green and blue of sRGB, as the published tables have them; measured from black, which is the origin."""
    far = pixels.distance(plain(BLACK), plain(colour))
    assert far.colour == pytest.approx(sum(part * part for part in lab) ** 0.5, abs=2e-4)


def test_the_share_counts_pixels_and_the_mean_says_how_far() -> None:
    """Three of 1,200 pixels, each by 51 of 255."""
    one, other = plain(BLACK), plain(BLACK)
    for place in range(3):
        other.putpixel((place, place), (0, 51, 20))
    far = pixels.distance(one, other)
    assert far.pixels == pytest.approx(3 / 1200)
    assert far.mean == pytest.approx(3 / 1200 / 5)


def test_the_shape_is_that_of_brightness() -> None:
    """A slope and its mirror image differ in every bit; a brighter slope in none."""
    slope = Image.linear_gradient("L").rotate(90).convert("RGB")
    assert pixels.distance(slope, slope.transpose(Image.Transpose.FLIP_LEFT_RIGHT)).shape == 1
    assert pixels.distance(slope, slope.point([min(255, 20 + level) for level in range(256)] * 3)).shape == 0


def test_another_size_is_another_picture_even_of_the_same_colour() -> None:
    """Not one pixel has a counterpart; as people see it nothing has changed."""
    assert pixels.distance(plain(WHITE), plain(WHITE, (80, 60))) == pixels.Distance(1, 0, 0, 0)


def test_one_pixel_of_a_large_picture_shows_in_its_heat() -> None:
    """The heat is eight times smaller, and what is a sixty-fourth of a pixel there still stands out."""
    one = plain((40, 90, 160), (4096, 2048))
    other = one.copy()
    other.putpixel((3000, 1000), (41, 90, 160))
    hot = pixels.heat(one, other)
    assert hot.size == (640, 320)
    colours = hot.getcolors()
    assert colours is not None
    assert len(colours) == 2
    (ground, rare) = sorted(colours, reverse=True)
    assert rare[0] <= 2
    assert isinstance(ground[1], tuple)
    assert isinstance(rare[1], tuple)
    assert len(set(ground[1])) == 1
    assert rare[1][0] - rare[1][2] > 40


def test_heat_tells_a_little_from_much() -> None:
    """Yellow for the one, purple for the other, pale grey where nothing differs."""
    one = plain(BLACK, (30, 10))
    other = one.copy()
    other.paste((6, 6, 6), (0, 0, 10, 10))
    other.paste(WHITE, (10, 0, 20, 10))
    hot = pixels.heat(one, other)
    little, much, nothing = (hot.getpixel((column, 5)) for column in (5, 15, 25))
    assert isinstance(little, tuple)
    assert isinstance(much, tuple)
    assert isinstance(nothing, tuple)
    assert little[0] > 180
    assert little[2] < 140 < little[1]
    assert much[1] < 40 < 100 < much[2]
    assert len(set(nothing)) == 1


def test_small_pictures_fit_and_are_not_blown_up() -> None:
    """640 pixels are the most; proportions stay."""
    assert [pixels.shown_size(size) for size in ((1280, 720), (1, 5000), (30, 20))] == [(640, 360), (1, 640), (30, 20)]
    artifact = measure(pixels.small(plain(WHITE, (1280, 720))))
    assert (artifact.mime, artifact.width, artifact.height) == ("image/webp", 640, 360)


def test_what_is_compared_stands_upright() -> None:
    """A camera's orientation is part of what people see."""
    stream = BytesIO()
    turned = Image.Exif()
    turned[0x0112] = 6
    plain(WHITE, (40, 30)).save(stream, "JPEG", exif=turned)
    assert pixels.seen(stream.getvalue()).size == (30, 40)


@pytest.mark.parametrize("data", [b"", b"GIF89a", picture(20, 20)[:40]])
def test_what_is_no_picture_is_told(data: bytes) -> None:
    """Nothing is guessed of broken bytes."""
    with pytest.raises(NotAPicture):
        pixels.seen(data)


def test_a_webp_that_says_it_is_huge_is_refused_before_there_is_room_for_it() -> None:
    """Sixteen thousand pixels a side in forty bytes."""
    head = b"VP8X" + (10).to_bytes(4, "little") + b"\0\0\0\0" + (16382).to_bytes(3, "little") * 2
    with pytest.raises(NotAPicture, match="pixels"):
        pixels.seen(b"RIFF" + (4 + len(head)).to_bytes(4, "little") + b"WEBP" + head)


@settings(max_examples=20)
@given(images())
def test_dhash_has_64_bits(image: Image.Image) -> None:
    """As many as its name says elsewhere."""
    assert 0 <= pixels.dhash(image) < 1 << 64

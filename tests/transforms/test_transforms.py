"""The ops of `transform`: what comes out, to the pixel, and that it always does.

Unaware of recipes and stores.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageFilter, ImageStat

from banana_pipe.images import MAX_PIXELS, NotAPicture, measure
from banana_pipe.transforms import TRANSFORMS, make
from banana_pipe.transforms.base import BadParams, TransformFailed
from banana_pipe.transforms.kinds import Box, Colour, Length, Percent, Ratio, Whole
from banana_pipe.transforms.pixels import Frame, decode
from tests.transforms.builders import applied, made, op, picture, saved


class TestResize:
    """Sizes are as asked for, proportions are kept."""

    @pytest.mark.parametrize(
        ("asked", "size"),
        [
            ({"width": 50}, (50, 25)),
            ({"height": 50}, (100, 50)),
            ({"width": "150%"}, (300, 150)),
            ({"width": 50, "height": 50}, (50, 25)),
            ({"width": 50, "height": 50, "mode": "fill"}, (50, 50)),
            ({"width": 50, "height": 50, "mode": "pad"}, (50, 50)),
            ({"width": "50%", "height": "100%", "mode": "fill"}, (100, 100)),
            ({"width": "0.001%"}, (1, 1)),
        ],
    )
    def test_gives_the_size_that_was_asked_for(self, asked: dict[str, Any], size: tuple[int, int]) -> None:
        """`fit` stays within, `fill` and `pad` are exactly that large."""
        assert applied([op("resize", **asked)], picture(200, 100)).size == size

    def test_fill_keeps_what_gravity_says(self) -> None:
        """The spot is at the left: it stays with `left`, and goes with `right`."""
        left = applied([op("resize", width=50, height=100, mode="fill", gravity="left")], picture(200, 100))
        right = applied([op("resize", width=50, height=100, mode="fill", gravity="right")], picture(200, 100))
        assert left.getpixel((35, 18)) == (255, 255, 255)
        assert all(right.getpixel((x, 18)) == (192, 64, 32) for x in range(50))

    def test_pads_with_nothing_unless_a_colour_is_given(self) -> None:
        """What is around a padded picture lets through what is behind it."""
        clear = applied([op("resize", width=50, height=50, mode="pad")], picture(200, 100))
        white = applied([op("resize", width=50, height=50, mode="pad", background="white")], picture(200, 100))
        assert (clear.mode, clear.getpixel((25, 2))) == ("RGBA", (0, 0, 0, 0))
        assert (white.mode, white.getpixel((25, 2))) == ("RGB", (255, 255, 255))

    def test_what_is_transparent_lends_its_colour_to_nothing(self) -> None:
        """A red picture in front of transparent green stays red at its edges."""
        image = Image.new("RGBA", (100, 100), (0, 255, 0, 0))
        image.paste((255, 0, 0, 255), (0, 0, 50, 100))
        small = applied([op("resize", width=33)], image)
        pixels = [small.getpixel((x, 10)) for x in range(33)]
        assert all(pixel[1] == 0 for pixel in pixels if isinstance(pixel, tuple) and pixel[3])

    def test_refuses_a_result_that_is_too_large(self) -> None:
        """A recipe from a stranger fills nobody's memory."""
        with pytest.raises(TransformFailed, match="16000 × 8000 pixels"):
            applied([op("resize", width=16_000)], picture(200, 100))
        with pytest.raises(BadParams, match="more than 64 million"):
            op("resize", width=16_000, height=16_000, mode="pad")

    @pytest.mark.parametrize("asked", [{}, {"width": 5, "mode": "fill"}, {"height": 5, "mode": "pad"}])
    def test_says_what_is_missing(self, asked: dict[str, Any]) -> None:
        """`fill` and `pad` have nothing to fill without both sides."""
        with pytest.raises(BadParams):
            op("resize", **asked)


class TestCrop:
    """A part of the picture, unchanged."""

    @pytest.mark.parametrize(
        ("ratio", "size"),
        [("1:1", (100, 100)), ("16:9", (178, 100)), ("3:1", (200, 67)), ("1.91:1", (191, 100)), ("1:1000", (1, 100))],
    )
    def test_keeps_as_much_of_a_ratio_as_there_is(self, ratio: str, size: tuple[int, int]) -> None:
        """One side stays whole."""
        assert applied([op("crop", ratio=ratio)], picture(200, 100)).size == size

    def test_a_box_is_left_top_width_height(self) -> None:
        """In pixels or percent, each as it likes."""
        image = applied([op("crop", box=["12.5%", 12, 20, "10%"])], picture(200, 100))
        assert image.size == (20, 10)
        assert image.getextrema() == ((255, 255), (255, 255), (255, 255))

    def test_a_box_that_juts_out_fails_in_words(self) -> None:
        """Filling up with black would be a guess."""
        with pytest.raises(TransformFailed, match="juts out of the picture, which has 200 × 100"):
            applied([op("crop", box=[150, 0, 100, 50])], picture(200, 100))

    @pytest.mark.parametrize("asked", [{}, {"ratio": "1:1", "box": [0, 0, 1, 1]}])
    def test_takes_one_of_its_two_ways(self, asked: dict[str, Any]) -> None:
        """Both at once contradict each other."""
        with pytest.raises(BadParams):
            op("crop", **asked)


class TestTrim:
    """The border goes, the rest stays."""

    def test_cuts_off_what_is_like_the_corner(self) -> None:
        """Small differences, such as those of a JPEG, are a border too."""
        image = Image.new("RGB", (100, 80), (250, 250, 248))
        image.paste((10, 20, 30), (30, 20, 60, 50))
        assert applied([op("trim")], saved(image, "JPEG", quality=90)).size == (30, 30)

    def test_cuts_off_what_is_transparent(self) -> None:
        """Whatever colour it has that nobody sees."""
        image = Image.new("RGBA", (100, 80), (1, 200, 3, 0))
        image.paste((10, 20, 30, 255), (30, 20, 60, 50))
        assert applied([op("trim", margin=5)], image).size == (40, 40)

    def test_a_margin_ends_at_the_picture(self) -> None:
        """It stays of what is there, and is not made up."""
        image = Image.new("RGB", (100, 80), "white")
        image.paste("black", (2, 20, 60, 50))
        assert applied([op("trim", margin="50%")], image).size == (89, 79)

    def test_a_picture_that_is_all_border_fails_in_words(self) -> None:
        """A picture of no pixels is none."""
        with pytest.raises(TransformFailed, match="nothing would be left"):
            applied([op("trim")], Image.new("RGB", (10, 10), "white"))


class TestPad:
    """Room around the picture."""

    @pytest.mark.parametrize(
        ("asked", "size"),
        [
            ({"by": 10}, (220, 120)),
            ({"by": "10%"}, (240, 140)),
            ({"by": 10, "top": 0}, (220, 110)),
            ({"bottom": 7}, (200, 107)),
            ({"ratio": "1:1"}, (200, 200)),
            ({"ratio": "1:1", "by": 10}, (220, 220)),
            ({"ratio": "4:1"}, (400, 100)),
        ],
    )
    def test_gives_the_size_that_was_asked_for(self, asked: dict[str, Any], size: tuple[int, int]) -> None:
        """Sides win over `by`, a ratio comes on top of both."""
        assert applied([op("pad", **asked)], picture(200, 100)).size == size

    def test_the_picture_stands_where_it_was_put(self) -> None:
        """At the bottom all the room is above it."""
        image = applied([op("pad", ratio="1:1", gravity="bottom", background="#00ff0080")], picture(200, 100))
        assert image.getpixel((5, 99)) == (0, 255, 0, 128)
        assert image.getpixel((5, 100)) == (192, 64, 32, 255)


class TestConvert:
    """The bytes are of the kind that was asked for."""

    @pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
    def test_writes_the_format(self, kind: str) -> None:
        """And they decode to the end."""
        done = made([op("convert", format=kind)], picture(200, 100))
        measured = measure(done.data)
        assert (measured.mime, measured.width, measured.height) == (f"image/{kind}", 200, 100) == (done.mime, 200, 100)

    @pytest.mark.parametrize("kind", ["jpeg", "webp"])
    def test_quality_counts(self, kind: str) -> None:
        """Less of it, fewer bytes."""
        noise = Image.effect_noise((128, 128), 60).convert("RGB")
        small, large = (len(made([op("convert", format=kind, quality=q)], noise).data) for q in (20, 95))
        assert small < large / 2

    def test_a_jpeg_has_a_background_instead_of_alpha(self) -> None:
        """White where nobody says."""
        image = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
        white = applied([op("convert", format="jpeg")], image)
        black = applied([op("convert", format="jpeg", background="black")], image)
        assert (white.getpixel((5, 5)), black.getpixel((5, 5))) == ((255, 255, 255), (0, 0, 0))

    def test_what_comes_after_it_keeps_the_format(self) -> None:
        """Encoded is once, at the end."""
        one = made([op("convert", format="webp"), op("resize", width=50)], picture(200, 100))
        other = made([op("resize", width=50), op("convert", format="webp")], picture(200, 100))
        assert one == other

    def test_a_png_has_no_quality(self) -> None:
        """What would be ignored is told."""
        with pytest.raises(BadParams, match="no `quality`"):
            op("convert", format="png", quality=5)

    def test_a_webp_that_cannot_be_so_large_fails_in_words(self) -> None:
        """The format ends at 16,383 pixels a side."""
        with pytest.raises(TransformFailed, match="at most 16383 pixels a side"):
            made([op("resize", width=16_384), op("convert", format="webp")], Image.new("RGB", (400, 1)))


class TestChromaKey:
    """A colour becomes alpha."""

    @staticmethod
    def _screen(colour: str, *, size: int = 64) -> Image.Image:
        """A round grey thing before *colour*, its edge a mixture of both."""
        large = Image.new("RGB", (size * 4, size * 4), colour)
        ImageDraw.Draw(large).ellipse((size, size, size * 3, size * 3), fill=(200, 190, 180))
        return large.resize((size, size), Image.Resampling.BOX)

    @pytest.mark.parametrize("colour", ["#00ff00", "#ff00ff", "#0000ff", "#ffffff"])
    def test_the_colour_goes_and_the_rest_stays(self, colour: str) -> None:
        """Of the four that people use."""
        tolerance = "5%" if colour == "#ffffff" else "30%"
        image = applied([op("chroma_key", color=colour, tolerance=tolerance, softness="5%")], self._screen(colour))
        assert image.mode == "RGBA"
        assert image.getpixel((2, 2)) == (0, 0, 0, 0)
        assert image.getpixel((32, 32)) == (200, 190, 180, 255)

    def test_edges_are_soft_and_have_no_tinge(self) -> None:
        """Before any other background there is no green line around the thing."""
        image = applied([op("chroma_key", color="#00ff00")], self._screen("#00ff00"))
        edge = [
            pixel
            for x in range(64)
            for y in range(64)
            if isinstance(pixel := image.getpixel((x, y)), tuple) and 0 < pixel[3] < 255
        ]
        assert len(edge) > 20
        # Seen before white and before black, green stands out nowhere.
        for red, green, blue, alpha in edge:
            assert (green - max(red, blue)) * alpha / 255 <= 30

    def test_a_thing_that_is_somewhat_green_stays_whole(self) -> None:
        """Away from the edges nothing is taken for the screen."""
        image = self._screen("#00ff00")
        image.paste((90, 160, 80), (28, 28, 36, 36))
        assert applied([op("chroma_key", color="#00ff00")], image).getpixel((32, 32)) == (90, 160, 80, 255)

    @staticmethod
    def _before(thing: Image.Image, ground: Image.Image) -> Image.Image:
        """*thing*, somewhat blurred at its edges, before *ground*."""
        shape = Image.new("L", ground.size)
        ImageDraw.Draw(shape).ellipse((50, 50, 206, 206), fill=255)
        return Image.composite(thing, ground, shape.filter(ImageFilter.GaussianBlur(1.5)))

    @pytest.mark.parametrize("colour", ["#c83c28", "#dcaa8c", "#281e14", "#50823c"])
    def test_before_any_other_ground_it_looks_as_if_it_had_been_there(self, colour: str) -> None:
        """A red, a pale, a dark and a green thing, before a screen that is unevenly lit and not quite its colour."""
        thing = Image.new("RGB", (256, 256), colour)
        light = Image.radial_gradient("L").point(lambda value: 255 - value // 8)
        screen = ImageChops.multiply(Image.new("RGB", (256, 256), "#18dc30"), Image.merge("RGB", (light,) * 3))
        cut = applied([op("chroma_key", color="#00ff00")], self._before(thing, screen)).convert("RGBA")
        for ground in ("#ffffff", "#202030", "#ff00ff"):
            seen = Image.new("RGBA", cut.size, ground)
            seen.alpha_composite(cut)
            wanted = self._before(thing, Image.new("RGB", cut.size, ground))
            off = ImageChops.difference(seen.convert("RGB"), wanted)
            assert max(ImageStat.Stat(off).rms) < 7
            assert off.getpixel((2, 2)) == (0, 0, 0)
            assert off.getpixel((128, 128)) == (0, 0, 0)

    def test_thin_things_have_no_tinge_either(self) -> None:
        """Of hair no pixel shows what it stands before; what is left is soft, and not green."""
        large = Image.new("RGB", (1024, 1024), "#00ff00")
        draw = ImageDraw.Draw(large)
        draw.ellipse((300, 300, 724, 724), fill="#dcaa8c")
        for place in range(0, 1024, 24):
            draw.line((512, 512, place, 0), fill="#5a3214", width=3)
        cut = applied([op("chroma_key", color="#00ff00")], large.resize((256, 256), Image.Resampling.BOX))
        red, green, blue, alpha = cut.split()
        tinge = ImageChops.subtract(green, ImageChops.lighter(red, blue))
        assert ImageChops.multiply(tinge, alpha).point(lambda value: 255 * (value >= 60)).getbbox() is None
        assert len({value for _, value in alpha.getcolors() or []}) > 50

    def test_what_was_transparent_stays_so(self) -> None:
        """Two keys, one after the other, each take their own."""
        image = self._screen("#00ff00")
        image.paste("#ff00ff", (0, 0, 10, 64))
        keys = [op("chroma_key", color="#00ff00"), op("chroma_key", color="#ff00ff")]
        both = applied(keys, image)
        assert [both.getpixel((x, 2))[3] for x in (2, 40)] == [0, 0]  # type: ignore[index]

    def test_a_picture_that_is_all_screen_fails_in_words(self) -> None:
        """Nothing at all is hardly what was meant."""
        with pytest.raises(TransformFailed, match="nothing would be left"):
            applied([op("chroma_key", color="lime")], Image.new("RGB", (9, 9), (3, 250, 5)))


class TestOverlay:
    """Another picture on top."""

    @pytest.mark.parametrize(
        ("position", "corner"),
        [("top-left", (6, 6)), ("bottom-right", (154, 74)), ("center", (80, 40)), ("right", (154, 40))],
    )
    def test_stands_where_it_was_put(self, position: str, corner: tuple[int, int]) -> None:
        """The margin keeps it off the edges that it is put to, and does not move it along them."""
        logo = Image.new("RGB", (80, 40), "#0000ff")
        image = applied([op("overlay", 1, position=position, size="20%", margin="3%")], picture(200, 100), logo)
        assert image.size == (200, 100)
        x, y = corner
        assert image.getpixel((x, y)) == (0, 0, 255)
        assert image.getpixel((x + 39, y + 19)) == (0, 0, 255)
        assert image.getpixel((x - 1, y)) != (0, 0, 255)

    def test_lets_through_as_much_as_its_opacity_says(self) -> None:
        """Half of one and half of the other, and what is transparent in it counts too."""
        logo = Image.new("RGBA", (200, 100), (0, 0, 255, 255))
        logo.paste((0, 0, 0, 0), (0, 0, 100, 100))
        image = applied([op("overlay", 1, opacity=50)], Image.new("RGB", (200, 100), "#ff0000"), logo)
        assert image.getpixel((10, 50)) == (255, 0, 0)
        assert image.getpixel((150, 50)) in {(127, 0, 128), (128, 0, 127)}

    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_one_that_is_larger_is_cut_off(self, mode: str) -> None:
        """On pictures with and without alpha."""
        image = applied([op("overlay", 1)], picture(50, 30, mode=mode), picture(200, 100, "#00ffff", mode="RGBA"))
        assert (image.size, image.mode, image.getpixel((49, 29))) == ((50, 30), "RGB", (0, 255, 255))

    def test_goes_on_each_of_many(self) -> None:
        """It is decoded once, and laid on all."""
        ops = [op("overlay", 2, position="top-left"), op("grid", columns=2)]
        sheet = applied(ops, picture(50, 50), picture(50, 50), Image.new("RGB", (5, 5), "#00ffff"))
        assert [sheet.getpixel((x, 2)) for x in (2, 52)] == [(0, 255, 255), (0, 255, 255)]


class TestGrid:
    """Many become one."""

    @pytest.mark.parametrize(
        ("count", "columns", "size"),
        [(1, 3, (40, 30)), (2, 1, (40, 65)), (3, 2, (85, 65)), (4, 2, (85, 65)), (5, 3, (130, 65))],
    )
    def test_has_as_many_rows_as_it_needs(self, count: int, columns: int, size: tuple[int, int]) -> None:
        """Fewer pictures than columns make a narrower sheet."""
        sheet = applied([op("grid", columns=columns, gap=5)], *[picture(40, 30) for _ in range(count)])
        assert sheet.size == size

    def test_cells_are_aligned_whatever_the_pictures_sizes(self) -> None:
        """Each cell is as large as the widest and the highest; smaller ones stand in their middle."""
        sizes = [(40, 20), (20, 40), (10, 10), (40, 40)]
        colours = ["#ff0000", "#00ff00", "#0000ff", "#ffff00"]
        images = [Image.new("RGB", size, colour) for size, colour in zip(sizes, colours, strict=True)]
        sheet = applied([op("grid", columns=2, gap=4, background="white")], *images)
        assert sheet.size == (84, 84)
        assert sheet.getpixel((0, 10)) == (255, 0, 0)
        assert sheet.getpixel((44 + 10, 0)) == (0, 255, 0)
        assert sheet.getpixel((15, 44 + 15)) == (0, 0, 255)
        assert sheet.getpixel((83, 83)) == (255, 255, 0)
        assert sheet.getpixel((42, 42)) == (255, 255, 255)

    def test_holds_no_more_than_a_sheet_has_room_for(self) -> None:
        """The first pictures too many are refused before all are decoded."""
        read: list[int] = []

        def large() -> Frame:
            read.append(1)
            return decode(data)

        data = saved(Image.new("L", (5000, 5000)))
        with pytest.raises(TransformFailed, match="more than 64 million pixels together"):
            make([op("grid", columns=2)], [large] * 20)
        assert len(read) == 3

    def test_many_large_pictures_are_made_small_one_by_one(self) -> None:
        """`resize` before `grid` holds one large picture at a time."""
        data = saved(Image.new("L", (4000, 4000), 77))
        sheet = applied([op("resize", width=10), op("grid", columns=10)], *[data] * 10)
        assert sheet.size == (100, 10)


class TestPictures:
    """What goes in, however it is kept, and what comes out."""

    def test_several_pictures_left_are_no_result(self) -> None:
        """Recipes are told so when they are read; here too nothing is dropped silently."""
        with pytest.raises(TransformFailed, match="2 pictures are left"):
            made([op("trim")], picture(9, 9), picture(9, 9))

    @pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\nrest", b"GIF89a", b"<html>"])
    def test_bytes_that_are_no_picture_fail_in_words(self, data: bytes) -> None:
        """Never with an error of Pillow's."""
        with pytest.raises(NotAPicture):
            made([op("trim")], data)

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
    def test_every_kind_of_png_is_taken(self, mode: str) -> None:
        """What one sees stays what one sees."""
        image = picture(64, 64, "#808080", mode="RGBA").convert("RGB" if mode == "I;16" else mode)
        if mode == "I;16":
            image = Image.new("I;16", (64, 64), 0x8080)
        small = applied([op("crop", box=[40, 40, 8, 8])], image)
        assert small.mode in ("RGB", "RGBA")
        expected = {"1": (0, 128, 255)}.get(mode, (128,))
        assert small.getpixel((4, 4))[0] in expected  # type: ignore[index]

    def test_a_photo_on_its_side_stands_up(self) -> None:
        """The note about it goes with all metadata, so the pixels have to turn."""
        exif = Image.Exif()
        exif[0x0112] = 6
        photo = saved(picture(64, 32), "JPEG", exif=exif, comment=b"secret")
        done = made([op("resize", width=32)], photo)
        assert (done.width, done.height) == (32, 64)
        assert applied([op("resize", width=32)], photo).info == {}

    def test_a_profile_becomes_pixels(self) -> None:
        """Colours look the same without it."""
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        for kept in (srgb, profile, b"no profile at all"):
            image = applied([op("crop", ratio="1:1")], saved(picture(32, 32), icc_profile=kept))
            assert "icc_profile" not in image.info
            assert image.getpixel((20, 20)) == (192, 64, 32)

    @pytest.mark.parametrize(("mode", "clear"), [("RGB", (0, 0, 0)), ("L", 0), ("P", 0), ("I;16", 0)])
    @pytest.mark.parametrize("profile", [None, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()])
    def test_a_colour_that_stands_for_nothing_stays_transparent(
        self, mode: str, clear: Any, profile: bytes | None
    ) -> None:
        """Of every kind of PNG that may name one, with a profile and without."""
        image = Image.new(mode, (16, 16), clear)
        image.paste(clear if mode == "RGB" else 0, (0, 0, 8, 16))
        image.putpixel((12, 12), (200, 200, 200) if mode == "RGB" else 200)
        data = saved(image, transparency=clear, icc_profile=profile)
        padded = applied([op("pad", by=1)], data)
        assert padded.getpixel((3, 3))[3] == 0  # type: ignore[index]
        assert padded.getpixel((13, 13))[3] == 255  # type: ignore[index]

    @pytest.mark.parametrize("mode", ["P", "RGBA"])
    def test_a_profile_counts_in_every_mode(self, mode: str) -> None:
        """A palette and a picture with alpha look as the same picture without them."""
        image = Image.new("RGB", (8, 8), "#c04020")
        profile = _wide_profile()
        plain, other = (
            applied([op("crop", ratio="1:1")], saved(one, icc_profile=profile)).convert("RGB").getpixel((4, 4))
            for one in (image, image.quantize() if mode == "P" else image.convert(mode))
        )
        assert plain == other != (192, 64, 32)

    @pytest.mark.parametrize("kind", ["PNG", "WEBP"])
    def test_a_moving_picture_is_refused(self, kind: str) -> None:
        """Its first frame would be a guess."""
        frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        with pytest.raises(NotAPicture, match="moves: it has 3 frames"):
            made([op("pad", by=1)], data)

    def test_what_a_phone_adds_to_a_jpeg_is_left_out(self) -> None:
        """A second picture in it is a depth or a preview, and no movement."""
        data = saved(picture(16, 16), "MPO", save_all=True, append_images=[picture(16, 16)])
        assert applied([op("pad", by=1)], data).size == (18, 18)

    @pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
    @pytest.mark.parametrize("notes", [b"garbagegarbage", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\0\x05"])
    def test_metadata_that_are_broken_break_nothing(self, kind: str, notes: bytes) -> None:
        """The pixels are whole, and nothing else is used."""
        assert applied([op("pad", by=1)], saved(picture(16, 16), kind, exif=b"Exif\0\0" + notes)).size == (18, 18)

    def test_what_there_is_no_memory_for_fails_in_words(self) -> None:
        """It is that node's failure, and no bug that ends the run."""

        def too_much() -> Frame:
            raise MemoryError

        with pytest.raises(TransformFailed, match="not enough memory"):
            make([op("trim")], [too_much])

    def test_a_bomb_is_refused_by_its_head(self) -> None:
        """Before a pixel is decoded."""
        side = int(MAX_PIXELS**0.5) + 100
        with pytest.raises(NotAPicture, match="too many"):
            made([op("trim")], saved(Image.new("1", (side, side))))

    def test_the_same_bytes_come_out_in_another_process(self) -> None:
        """No time, no chance and no order of a dictionary is in them."""
        script = (
            "from tests.transforms.builders import *; import hashlib; image = picture(64, 64)\n"
            "for kind in ('png', 'jpeg', 'webp'):\n"
            "    ops = [op('chroma_key', color='#c04020'), op('resize', width=33), op('convert', format=kind)]\n"
            "    print(hashlib.sha256(made(ops, image).data).hexdigest())\n"
        )
        runs = {
            subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
            for _ in range(2)
        }
        assert len(runs) == 1


def _wide_profile() -> bytes:
    """The profile of a space whose red and blue are exchanged: as if it were any other than sRGB."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return data.replace(b"rXYZ", b"\0tmp", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"\0tmp", b"bXYZ", 1)


_REFUSED: list[tuple[Any, list[Any]]] = [
    (Whole(1, 9), [0, 10, "x", True, None, 1.5, [1], "-1", "1" * 99]),
    (Length(), [0, -1, 16_385, "0%", "1001%", "%", "5px", "1e3", None, {}]),
    (Percent(), [101, "101%", -1, "half"]),
    (Percent(above_zero=True), [0, "0%"]),
    (Colour(), ["", "#12345", "#ggg", "blurple", 0, None, "ff0000"]),
    (Ratio(), ["16", "16:0", "0:1", "16:9:1", 969, ":"]),
    (Box(), [[], [1, 2, 3], [0, 0, 0, 5], "0,0,1,1", [0, 0, 1, "x"]]),
]


class TestKinds:
    """One quantity, one canonical form."""

    @pytest.mark.parametrize(
        ("kind", "written", "canonical"),
        [
            (Whole(1, 9), "7", 7),
            (Length(), "050", 50),
            (Length(), "50.0 %", "50%"),
            (Length(0), "0%", "0%"),
            (Percent(), 12, "12%"),
            (Percent(), "12.50%", "12.5%"),
            (Colour(), "#F80", "#ff8800"),
            (Colour(), "#F80F", "#ff8800"),
            (Colour(), "#11223380", "#11223380"),
            (Colour(), "White", "#ffffff"),
            (Ratio(), " 16 : 9 ", "16:9"),
            (Box(), [0, "10%", "5", 6], [0, "10%", 5, 6]),
        ],
    )
    def test_reads_what_people_write(self, kind: Any, written: Any, canonical: Any) -> None:
        """Tables have numbers as text."""
        assert kind.read(written) == canonical
        assert kind.read(canonical) == canonical

    @pytest.mark.parametrize(("kind", "written"), [(kind, bad) for kind, wrong in _REFUSED for bad in wrong])
    def test_refuses_everything_else(self, kind: Any, written: Any) -> None:
        """With a ValueError, whatever it is."""
        with pytest.raises(ValueError):  # noqa: PT011 - what is said is put into words by who knows the parameter
            kind.read(written)

    @given(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.text(),
            st.lists(st.text()),
            st.dictionaries(st.text(), st.text()),
        )
    )
    def test_nothing_but_a_value_error_comes_of_anything(self, written: Any) -> None:
        """Whatever a variable holds; and what was read reads the same again."""
        for kind in {id(param.kind): param.kind for one in TRANSFORMS.values() for param in one.params}.values():
            try:
                read = kind.read(written)
            except ValueError:
                continue
            assert kind.read(read) == read

    def test_defaults_and_examples_are_of_their_kind(self) -> None:
        """What is shown as an example works, and a default is canonical: it stands in the key."""
        for transform in TRANSFORMS.values():
            for param in transform.params:
                assert param.kind.read(param.example) is not None
                assert param.default is None or param.kind.read(param.default) == param.default


@settings(deadline=None, max_examples=40)
@given(
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    asked=st.sampled_from(
        [
            op("resize", width="37%"),
            op("resize", width=13, height=17, mode="fill"),
            op("resize", width=13, height=17, mode="pad"),
            op("crop", ratio="2:3", gravity="bottom-right"),
            op("crop", box=["10%", 0, "80%", "100%"]),
            op("pad", by="7%", ratio="3:2"),
            op("grid", columns=3, gap=1),
            op("convert", format="webp", quality=1),
            op("chroma_key", color="lime"),
            op("chroma_key", color="black", tolerance="1%"),
        ]
    ),
)
def test_pictures_of_any_size_give_a_picture(width: int, height: int, asked: Any) -> None:
    """One pixel wide, one pixel high: never an error of Pillow's."""
    done = made([asked], Image.new("RGBA", (width, height), (9, 8, 7, 99)))
    measured = measure(done.data)
    assert (measured.width, measured.height) == (done.width, done.height)

"""sprites and icons: the sheet, what lies beside the picture, and that both are exactly what went in.

Unaware of recipes and stores.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from banana_pipe.model import Op
from banana_pipe.transforms import TRANSFORMS, Made
from banana_pipe.transforms.base import BadParams, Standing, TransformFailed
from banana_pipe.transforms.kinds import Names, Sides
from tests.transforms.builders import made, op, picture, saved
from tests.transforms.test_outlines import pictures, pixels


def sprites(count: int, **given: Any) -> Op:
    """The op as it stands in a recipe with so many pictures."""
    written = op("sprites", **given)
    tell = TRANSFORMS["sprites"].told
    assert tell is not None
    standing = Standing(tuple(f"p{number}" for number in range(count)), "sheet.png")
    return Op("sprites", written.version, tell(written.params, standing))


def atlas(done: Made) -> Any:
    """What lies beside the sheet."""
    (beside,) = done.beside
    assert (beside.suffix, beside.mime) == (".json", "application/json")
    return json.loads(beside.data)


def sheet(done: Made) -> Image.Image:
    return Image.open(BytesIO(done.data))


class TestSprites:
    """A sheet, and where each picture is in it."""

    @settings(deadline=None, max_examples=25)
    @given(st.lists(pictures(), min_size=1, max_size=12), st.integers(0, 5))
    def test_the_frames_give_back_the_pictures(self, images: list[Image.Image], gap: int) -> None:
        """Exactly; none overlaps another, and all lie within the sheet, whose size is told."""
        done = made([sprites(len(images), gap=gap)], *images)
        told = atlas(done)
        whole = sheet(done).convert("RGBA")
        assert told["meta"]["size"] == {"w": whole.width, "h": whole.height}
        seen = Image.new("L", (whole.width + gap, whole.height + gap))
        for number, image in enumerate(images):
            entry = told["frames"][f"p{number}"]
            left, top, width, height = (entry["frame"][side] for side in "xywh")
            assert (width, height) == image.size == (entry["sourceSize"]["w"], entry["sourceSize"]["h"])
            part = whole.crop((left, top, left + width, top + height))
            assert _visible(part) == _visible(image)
            box = (left, top, left + width + gap, top + height + gap)
            assert box[2] <= seen.width
            assert box[3] <= seen.height
            assert seen.crop(box).getbbox() is None
            seen.paste(255, box)

    def test_the_shape_is_texturepackers_hash(self) -> None:
        """Word for word, as engines read it; names in the order of the pictures, the file by its name."""
        done = made([sprites(2, names=["walk/1", "walk/2"])], picture(4, 3), picture(2, 5))
        frame = {"x": 0, "y": 0, "w": 2, "h": 5}
        assert list(atlas(done)["frames"]) == ["walk/1", "walk/2"]
        assert atlas(done) == {
            "frames": {
                "walk/1": {
                    "frame": {"x": 4, "y": 0, "w": 4, "h": 3},
                    "rotated": False,
                    "trimmed": False,
                    "spriteSourceSize": {"x": 0, "y": 0, "w": 4, "h": 3},
                    "sourceSize": {"w": 4, "h": 3},
                },
                "walk/2": {
                    "frame": frame,
                    "rotated": False,
                    "trimmed": False,
                    "spriteSourceSize": frame,
                    "sourceSize": {"w": 2, "h": 5},
                },
            },
            "meta": {
                "app": "banana-pipe",
                "version": "1.0",
                "image": "sheet.png",
                "format": "RGBA8888",
                "size": {"w": 8, "h": 5},
                "scale": "1",
            },
        }

    @pytest.mark.parametrize(("count", "size"), [(1, (10, 10)), (4, (22, 22)), (5, (34, 22)), (9, (34, 34))])
    def test_the_sheet_is_about_square(self, count: int, size: tuple[int, int]) -> None:
        """Of pictures of one size it is a grid."""
        assert sheet(made([sprites(count)], *[picture(10, 10)] * count)).size == size

    def test_names_are_as_many_as_pictures_and_all_different(self) -> None:
        """An engine could not tell them apart."""
        with pytest.raises(BadParams, match="2 pictures and 1 names"):
            sprites(2, names=["a"])
        tell = TRANSFORMS["sprites"].told
        assert tell is not None
        with pytest.raises(BadParams, match="2 pictures of `sprites` would be called `cat`"):
            tell({}, Standing(("cat", "dog", "cat"), None))
        with pytest.raises(BadParams, match=r"would be called 'a\\udcff', which no JSON can say"):
            tell({}, Standing(("b", "a\udcff"), None))  # the name of a file may be any bytes

    def test_holds_no_more_than_there_is_room_for(self) -> None:
        """Neither of pictures, nor of gaps between them."""
        large = saved(Image.new("L", (6000, 6000)))
        with pytest.raises(TransformFailed, match="sprites: the pictures have more than 64 million"):
            made([sprites(2)], large, large)
        with pytest.raises(TransformFailed, match="sprites: the result would have"):
            made([sprites(4, gap=16_384)], *[picture(9, 9)] * 4)

    def test_what_comes_behind_keeps_the_file(self) -> None:
        """The sheet may be converted; its frames are where they are."""
        done = made([sprites(2), op("convert", format="webp")], picture(9, 9), picture(9, 9))
        assert (done.mime, [one.suffix for one in done.beside]) == ("image/webp", [".json"])


def _visible(image: Image.Image) -> tuple[tuple[int, int], bytes]:
    """What one sees: laid on a sheet, colours behind what is wholly transparent are gone."""
    ground = Image.new("RGBA", image.size)
    ground.alpha_composite(image.convert("RGBA"))
    return pixels(ground)


class TestIcons:
    """One square, many sizes."""

    def test_there_is_a_picture_of_each_size_and_an_ico_of_the_small_ones(self) -> None:
        """The picture itself is the largest; the ICO has the same PNGs in it."""
        done = made([op("icons", sizes=[300, 16, 32])], picture(400, 400))
        assert [one.suffix for one in done.beside] == [".ico", "-16.png", "-32.png", "-300.png"]
        assert sheet(done).size == (300, 300)
        ico, *pngs = (one.data for one in done.beside)
        assert [Image.open(BytesIO(data)).size for data in pngs] == [(16, 16), (32, 32), (300, 300)]
        assert pngs[-1] == done.data
        count = struct.unpack_from("<3H", ico)[2]
        places = [struct.unpack_from("<2I", ico, 6 + 16 * number + 8) for number in range(count)]
        assert [ico[place : place + length] for length, place in places] == pngs[:2]
        with Image.open(BytesIO(ico)) as opened:
            assert opened.info["sizes"] == {(16, 16), (32, 32)}

    def test_256_is_the_largest_in_an_ico(self) -> None:
        """Its side is written as 0; without a small one there is no ICO."""
        ico = made([op("icons", sizes=[256])], picture(9, 9)).beside[0].data
        assert ico[6:8] == b"\0\0"
        assert [one.suffix for one in made([op("icons", sizes=[512])], picture(9, 9)).beside] == ["-512.png"]

    def test_what_is_no_square_stands_in_the_middle_of_one(self) -> None:
        """Nothing of it is cut off; around it is nothing, or a colour."""
        wide = Image.new("RGB", (40, 20), "red")
        clear = sheet(made([op("icons", sizes=[40])], wide))
        assert [clear.getpixel((20, y)) for y in (4, 20, 35)] == [(0, 0, 0, 0), (255, 0, 0, 255), (0, 0, 0, 0)]
        white = sheet(made([op("icons", sizes=[40], background="white")], wide))
        assert (white.mode, white.getpixel((20, 4))) == ("RGB", (255, 255, 255))

    def test_a_long_picture_is_made_small_before_there_is_room_around_it(self) -> None:
        """A square around it would fill the memory; what is thinner than a pixel has one."""
        done = made([op("icons", sizes=[64])], Image.new("L", (60_000, 3), 200))
        assert sheet(done).size == (64, 64)
        assert sheet(done).getchannel("A").getbbox() == (0, 31, 64, 32)

    def test_as_they_are_they_serve_sites_and_phones(self) -> None:
        """Without a word."""
        suffixes = [one.suffix for one in made([op("icons")], picture(9, 9)).beside]
        assert suffixes == [".ico", *(f"-{side}.png" for side in (16, 32, 48, 180, 192, 512))]


def test_the_same_bytes_in_two_processes() -> None:
    """What lies beside the picture is as much the same as the picture."""
    script = (
        "from tests.transforms.test_side_files import *; import hashlib\n"
        "images = [picture(9, 7), picture(20, 3), picture(5, 5)]\n"
        "for done in (made([sprites(3)], *images), made([op('icons')], images[0]),\n"
        "             made([op('palette', count=3, dither='floyd-steinberg'), op('rotate', degrees=33)], images[1]),\n"
        "             made([op('mask', shape='circle'), op('compare')], *images),\n"
        "             made([op('resize', width=200), op('text', text='Sale', font='f')], images[2])):\n"
        "    print(hashlib.sha256(b''.join([done.data, *(one.data for one in done.beside)])).hexdigest())\n"
    )
    runs = {
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(runs) == 1
    assert len(next(iter(runs)).split()) == 5


@pytest.mark.parametrize(
    ("kind", "written"),
    [(Sides(1, 9), wrong) for wrong in ([], [0], [10], 5, ["x"], None, [True])]
    + [(Names(), wrong) for wrong in ([], ["a", "a"], [""], ["x" * 201], ["a\nb"], [1], "a", None)],
)
def test_lists_of_sizes_and_names_are_looked_at(kind: Any, written: Any) -> None:
    """Sizes come in their order and once, names stay as they are."""
    with pytest.raises(ValueError):  # noqa: PT011 - as in the other kinds
        kind.read(written)
    assert Sides(1, 9).read(["7", 2, 7]) == [2, 7]
    assert Names().read(["b", "a"]) == ["b", "a"]

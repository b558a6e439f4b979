"""AVIF: written, read again, measured by its own headers, and never larger than it says."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from functools import partial
from io import BytesIO
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from banana_pipe import avif, images
from banana_pipe.images import NotAPicture, measure, sniff
from tests.transforms.builders import applied, made, op, saved
from tests.world import NO_TOKEN, World, ends, outcome, stands

AVIF = op("convert", format="avif")


def photo(mode: str = "RGB", side: int = 64) -> Image.Image:
    image = Image.merge("RGB", (Image.linear_gradient("L"), Image.radial_gradient("L"), Image.new("L", (256, 256), 90)))
    return image.resize((side, side)).convert(mode)


def lying(data: bytes, side: int) -> bytes:
    """The same file, which says of itself that it has *side* pixels a side."""
    place = data.index(b"ispe") + 8
    return data[:place] + side.to_bytes(4, "big") * 2 + data[place + 8 :]


def box(kind: bytes, data: bytes) -> bytes:
    return (8 + len(data)).to_bytes(4, "big") + kind + data


def items_at(count: int, start: int, length: int, *, is_inside: bool) -> bytes:
    """The box that says of *count* items that all of them are in the same bytes, of the file or of `idat`."""
    place = pack(">3H2I", is_inside, 0, 1, start, length)
    return box(
        b"iloc", b"\1\0\0\0\x44\0" + pack(">H", count) + b"".join(pack(">H", one + 1) + place for one in range(count))
    )


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_is_written_and_read_again(mode: str) -> None:
    """Nearly the same, with its transparency; less quality, fewer bytes."""
    image = photo(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    done = made([AVIF], image)
    told = measure(done.data)
    assert (told.mime, told.width, told.height, told.alpha) == ("image/avif", 64, 64, mode == "RGBA")
    assert (done.mime, sniff(done.data)) == ("image/avif", "image/avif")
    again = applied([op("flip"), op("flip")], done.data).convert("RGB")
    assert max(ImageStat.Stat(ImageChops.difference(again, image.convert("RGB"))).rms) < 6
    small = made([op("convert", format="avif", quality=20)], image)
    assert len(small.data) < len(done.data)


def test_the_same_bytes_in_another_process() -> None:
    """However many cores there are: one thread encodes."""
    script = "from tests.test_avif import *; import hashlib; print(hashlib.sha256(made([AVIF], photo(side=300)).data).hexdigest())"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert ran == hashlib.sha256(made([AVIF], photo(side=300)).data).hexdigest()


class TestHeaders:
    """What is not decoded to be known."""

    def test_frames_are_counted_by_their_own_headers(self) -> None:
        """Colours, and transparency; whatever the file says of itself."""
        clear = photo("RGBA", 48)
        clear.putalpha(Image.linear_gradient("L").resize(clear.size))
        plain, both = made([AVIF], photo(side=48)).data, made([AVIF], clear).data
        assert avif.frame_pixels(plain) in (48 * 48, 64 * 64)
        assert avif.frame_pixels(both) == 2 * avif.frame_pixels(plain)
        assert avif.frame_pixels(lying(plain, 9)) == avif.frame_pixels(plain)

    def test_it_is_whole_or_it_is_not(self) -> None:
        """A file that was cut off is told by its boxes; what follows them does not matter where it is a box."""
        data = made([AVIF], photo()).data
        assert avif.ends(data)
        assert not any(avif.ends(data[:place]) for place in range(33, len(data), 7))
        with pytest.raises(NotAPicture, match="cut off"):
            measure(data[:-1])

    @settings(deadline=None, max_examples=60)
    @given(st.integers(0, 10**6), st.binary(min_size=1, max_size=12))
    def test_broken_bytes_break_nothing(self, place: int, other: bytes) -> None:
        """Wherever they are broken it is a picture, or none that is taken; never another error."""
        whole = made([AVIF], photo(side=16)).data
        place %= len(whole)
        broken = whole[:place] + other + whole[place + len(other) :]
        for look in (lambda: avif.frame_pixels(broken), lambda: measure(broken), lambda: made([op("flip")], broken)):
            try:
                look()
            except (avif.BrokenAvif, NotAPicture):
                continue

    def test_a_bomb_is_refused_by_the_headers_of_its_frames(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Though the file says that it is small: decoders make room for the frames first. (The bound is made small.)"""
        data = made([AVIF], photo(side=300)).data
        assert measure(lying(data, 64)).width == 64
        monkeypatch.setattr(images, "MAX_MEMORY", 15 * 40_000)
        for bomb in (data, lying(data, 64)):
            for look in (measure, partial(applied, [op("flip")])):
                with pytest.raises(NotAPicture, match=r"frames of .* pixels: too many"):
                    look(bomb)

    @pytest.mark.parametrize("is_inside", [True, False])
    def test_nobody_is_kept_busy_by_a_small_file(self, is_inside: bool) -> None:
        """Though thousands of items are said to be in the same bytes, each of thousands of parts. (It would take hours.)"""
        items, parts = 4_096, 100_000
        head = box(b"ftyp", b"avif\0\0\0\0avif")
        more = box(b"free", b"") * parts + box(b"idat", b"") if is_inside else b""
        start = len(head) + 8 + 4 + len(items_at(items, 0, 0, is_inside=is_inside)) + len(more) + 8
        table = items_at(items, 0 if is_inside else start, 2 * parts, is_inside=is_inside)
        data = head + box(b"meta", b"\0\0\0\0" + table + more) + box(b"mdat", b"\x12\0" * parts)
        with pytest.raises(avif.BrokenAvif, match="too many"):
            avif.frame_pixels(data)

    @pytest.mark.parametrize(
        "data", [b"\0\0\0\x14ftypavif\0\0\0\0avif", b"\0\0\0\x14ftypavif\0\0\0\0avif\0\0\0\x0cmeta\0\0\0\0"]
    )
    def test_a_head_alone_is_no_picture(self, data: bytes) -> None:
        """It is told in words."""
        with pytest.raises(NotAPicture, match="does not decode: it has no "):
            measure(data)


def test_a_moving_one_is_refused() -> None:
    """As every moving picture is."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    data = saved(frames[0], "AVIF", save_all=True, append_images=frames[1:])
    for look in (measure, partial(applied, [op("flip")])):
        with pytest.raises(NotAPicture, match="moves"):
            look(data)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, monkeypatch)
    made.picture("a.png", saved(photo(side=600)))
    return made


def test_in_a_run_it_is_a_picture_like_any_other(world: World) -> None:
    """Published, shown small on the page, read by other ops, expected, and had again without the cache."""
    world.write("""
        version: 1
        steps:
          small: {images: a.png, transform: [{convert: avif}], expect: {format: avif}}
          again: {images: small, transform: [flip]}
    """)
    first = world.run(access=NO_TOKEN)
    assert (first.exit_code, (world.out / "small.avif").read_bytes()[4:12]) == (0, b"ftypavif")
    digest = outcome(first, "small").takes[0].result.artifact.digest
    assert (world.out / "_" / "thumbs" / f"{digest}.webp").is_file()
    with Image.open(BytesIO((world.out / "again.png").read_bytes())) as again:
        assert again.size == (600, 600)
    world.forget("cache")
    assert set(stands(world.plan()).values()) == {"cached/cache"}


def test_no_model_reads_it_and_that_is_said_before_anything_is_paid(world: World) -> None:
    """What a file is shows when it is opened; what a step makes, its recipe says: there it is a mistake."""
    world.picture("b.avif", made([AVIF], photo()).data)
    world.write("""
        version: 1
        steps:
          other: {images: b.avif, edit: Put it on a table}
    """)
    done = world.run()
    assert (done.called, ends(done)["other"]) == (0, "failed/error")
    assert "b.avif is an AVIF" in (outcome(done, "other").error or "")

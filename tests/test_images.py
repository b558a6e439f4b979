"""What bytes are taken for a picture, and what is said of the others."""

from __future__ import annotations

import random
import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from banana_pipe.canonical import digest_of
from banana_pipe.images import MAX_PIXELS, NotAPicture, measure, measure_file, suffix

KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def picture(kind: str, size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: object) -> bytes:
    """A noisy picture, so that no part of its bytes can be missing unnoticed."""
    noise = random.Random(7).randbytes(size[0] * size[1] * len(Image.new(mode, (1, 1)).getbands()))
    stream = BytesIO()
    Image.frombytes(mode, size, noise).save(stream, kind, **options)
    return stream.getvalue()


def flat(mode: str, colour: object) -> bytes:
    stream = BytesIO()
    Image.new(mode, (20, 20), colour).save(stream, "PNG")  # type: ignore[arg-type]
    return stream.getvalue()


PICTURES = {kind: picture(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_named_by_its_bytes_and_measured(kind: str) -> None:
    """Digest, type, pixels and size come from the bytes alone."""
    data = PICTURES[kind]
    artifact = measure(data)
    assert (artifact.mime, artifact.width, artifact.height) == (KINDS[kind], 40, 30)
    assert (artifact.digest, artifact.size, artifact.blank) == (digest_of(data), len(data), False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_measures_like_its_bytes(kind: str, tmp_path: Path) -> None:
    """Both forms give one answer, whatever the file is called."""
    (tmp_path / "a.gif").write_bytes(PICTURES[kind])
    assert measure_file(tmp_path / "a.gif") == measure(PICTURES[kind])


def test_an_empty_file_is_no_picture(tmp_path: Path) -> None:
    """An empty file cannot be mapped into memory, and still gets a clear answer."""
    (tmp_path / "a.png").touch()
    with pytest.raises(NotAPicture, match="no bytes"):
        measure_file(tmp_path / "a.png")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_picture_cut_anywhere_is_noticed(kind: str, data: st.DataObject) -> None:
    """A download that ended early is never taken for a picture, not even without its last byte."""
    whole = PICTURES[kind]
    end = data.draw(st.integers(0, len(whole) - 1) | st.integers(len(whole) - 20, len(whole) - 1))
    with pytest.raises(NotAPicture):
        measure(whole[:end])


def test_a_progressive_picture_is_followed_through_all_its_scans() -> None:
    """The end of a JPEG is the end after its last scan."""
    whole = picture("JPEG", progressive=True)
    assert measure(whole).mime == "image/jpeg"
    with pytest.raises(NotAPicture):
        measure(whole[:-2])


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_behind_the_end_do_no_harm(kind: str) -> None:
    """Some tools append things; a paid picture is not refused for that."""
    assert measure(PICTURES[kind] + b"\0 more").width == 40


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", *(data[:60] for data in PICTURES.values())]))
def test_any_bytes_give_a_picture_or_a_clear_no(tail: bytes, head: bytes) -> None:
    """Nothing but NotAPicture comes out of broken bytes."""
    with pytest.raises(NotAPicture):
        measure(head + tail)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"<!DOCTYPE html><p>Bad gateway", "an HTML page"),
        (b'{"error": 1}', "JSON"),
        (b"GIF89a......", "a GIF"),
        (b"\0\0\0\x1cftypavif....", "an AVIF"),
        (b"<svg xmlns=''/>", "an SVG"),
        (b"\x01\x02\x03\x04", "01 02 03 04"),
    ],
)
def test_what_is_no_picture_is_called_by_its_name(data: bytes, word: str) -> None:
    """The message says what came instead."""
    with pytest.raises(NotAPicture, match=word):
        measure(data)


def test_the_largest_picture_of_the_models_fits_and_a_bomb_is_refused_undecoded() -> None:
    """4K at 21:9 is far below the limit; a small file that claims to be huge costs no memory."""
    assert MAX_PIXELS > 6336 * 2688 * 3
    for width, height in ((8001, 8000), (12_000, 12_000), (60_000, 60_000)):
        with pytest.raises(NotAPicture, match="million"):
            measure(bomb(width, height))


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("mode", "colour", "blank"),
    [
        ("RGB", (3, 3, 3), True),
        ("L", 200, True),
        ("RGBA", (9, 9, 9, 255), True),
        ("RGBA", (1, 2, 3, 0), True),
        ("P", 4, True),
        ("I;16", 900, True),
    ],
)
def test_one_colour_is_blank(mode: str, colour: object, blank: bool) -> None:
    """A picture of a single colour is marked, however it is stored."""
    assert measure(flat(mode, colour)).blank is blank


def test_a_picture_that_is_wholly_transparent_is_blank_whatever_it_hides() -> None:
    """What nobody can see is not a picture."""
    image = Image.open(BytesIO(picture("PNG", mode="RGBA")))
    image.putalpha(0)
    stream = BytesIO()
    image.save(stream, "PNG")
    assert measure(stream.getvalue()).blank


def test_one_other_pixel_is_not_blank() -> None:
    """Blank means every single pixel."""
    image = Image.new("RGBA", (20, 20), (5, 5, 5, 255))
    image.putpixel((19, 19), (5, 5, 5, 254))
    stream = BytesIO()
    image.save(stream, "PNG")
    assert not measure(stream.getvalue()).blank


def test_suffixes_follow_the_type() -> None:
    """The bytes decide the suffix."""
    assert [suffix(mime) for mime in KINDS.values()] == [".png", ".jpg", ".webp"]

"""What bytes are taken for a picture, and what is said of the others."""

from __future__ import annotations

import base64
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
        (b"\0\0\0\x1cftypavis....", "an AVIF"),
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


def test_a_webp_that_would_take_gigabytes_is_refused_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow makes room for two canvases of a WebP as soon as it is opened: thirty bytes cost two gigabytes."""
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("it was opened"))
    for chunk, head in WEBP_BOMBS.items():
        body = b"WEBP" + chunk + struct.pack("<I", len(head)) + head
        with pytest.raises(NotAPicture, match=r"16383 × 16383 pixels; more than 17 million are not taken of a WEBP"):
            measure(b"RIFF" + struct.pack("<I", len(body)) + body)


_SIDES = (16_382 | 16_382 << 14).to_bytes(4, "little")
WEBP_BOMBS = {
    b"VP8X": b"\0\0\0\0" + (16_382).to_bytes(3, "little") * 2,
    b"VP8L": b"\x2f" + _SIDES + b"\0" * 5,
    b"VP8 ": b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 16_383, 16_383),
}


def test_what_the_fuzzer_made_of_a_small_webp_is_refused_too() -> None:
    """141 bytes that took more than 256 MiB: 3,969 × 15,426 pixels of one colour."""
    told = (
        "UklGRioAAABXRUJQVlA4TB0AAAAvgE8QDzDIgzzIgxzwUN3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d"
        "3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3dkLYBM+L/qisiov+JjgEA"
    )
    with pytest.raises(NotAPicture, match="million are not taken of a WEBP"):
        measure(base64.b64decode(told))


def test_the_largest_webp_of_the_models_is_taken() -> None:
    """4K at 21:9, in the form that takes most room."""
    stream = BytesIO()
    Image.new("RGB", (6336, 2688)).save(stream, "WEBP", method=0)
    assert measure(stream.getvalue()).width == 6336


def test_a_jpeg_in_more_scans_than_anybody_saves_is_refused_undecoded() -> None:
    """Each scan goes over the whole picture, and a dozen bytes ask for one."""
    whole = picture("JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    scan, end = whole[last:-2], whole[-2:]
    assert measure(whole[:-2] + scan * 20 + end).mime == "image/jpeg"
    size = whole.index(b"\xff\xc2") + 5
    large = whole[:size] + struct.pack(">HH", 5_000, 5_000) + whole[size + 4 : -2]
    with pytest.raises(NotAPicture, match=r"scans of 5000 × 5000 pixels: too many"):
        measure(large + scan * 20 + end)


def test_a_progressive_jpeg_has_less_room_than_a_plain_one() -> None:
    """All its coefficients are kept until its last scan: ten bytes a pixel, not four."""
    whole = picture("JPEG", progressive=True)
    size = whole.index(b"\xff\xc2") + 5
    with pytest.raises(NotAPicture, match="more than 28 million are not taken of a progressive JPEG"):
        measure(whole[:size] + struct.pack(">HH", 6_000, 6_000) + whole[size + 4 :])
    stream = BytesIO()
    Image.new("RGB", (6_000, 6_000)).save(stream, "JPEG")
    assert measure(stream.getvalue()).width == 6_000


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


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_one_other_pixel_is_seen_wherever_it_is(mode: str) -> None:
    """Large pictures are looked at in strips: the first, one between, and the last row of all."""
    for row in (0, 1_500, 2_999):
        image = Image.new(mode, (1_000, 3_000), 7 if mode == "P" else (1, 2, 3, 255)[: len(mode)])
        if mode == "P":
            image.putpalette([shade for shade in range(256) for _ in range(3)])
        image.putpixel((999, row), 8 if mode == "P" else (1, 2, 3, 0) if mode == "RGBA" else (1, 2, 4))
        stream = BytesIO()
        image.save(stream, "PNG", compress_level=1)
        measured = measure(stream.getvalue())
        assert (measured.blank, measured.alpha) == (False, mode == "RGBA")


def test_suffixes_follow_the_type() -> None:
    """The bytes decide the suffix."""
    assert [suffix(mime) for mime in KINDS.values()] == [".png", ".jpg", ".webp"]

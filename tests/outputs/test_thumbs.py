"""Small pictures: which there are, what they look like, and that none of them ever stands in the way."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import PIL.Image
import pytest

from banana_pipe import disk
from banana_pipe.canonical import Digest, digest_of
from banana_pipe.errors import StoreError
from banana_pipe.images import measure
from banana_pipe.model import Outcome, Output
from banana_pipe.outputs.page.thumbs import SIDE, Thumbs, shrunk, thumb_path
from tests.outputs.builders import outcome, take


def picture(width: int, height: int, mode: str = "RGB", form: str = "PNG") -> bytes:
    target = BytesIO()
    PIL.Image.linear_gradient("L").resize((width, height)).convert(mode).save(target, form)
    return target.getvalue()


def done(*pictures: bytes, published: bool = True) -> Outcome:
    """A node with these takes."""
    takes = [take(measure(data), number) for number, data in enumerate(pictures, start=1)]
    ended = outcome("mug", *takes)
    outputs = [
        Output(f"mug{one.sample}.png", one.result.artifact, one.sample, one.sample == 1, one.result.key)
        for one in takes
    ]
    return replace(ended, outputs=tuple(outputs) if published else ())


def thumbs_in(out: Path, *pictures: bytes) -> Thumbs:
    kept = {digest_of(data): data for data in pictures}
    return Thumbs(out, kept.get)


@pytest.mark.parametrize(
    ("mode", "form"), [("RGB", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("L", "JPEG"), ("RGB", "WEBP")]
)
def test_a_picture_is_made_small_in_its_own_ratio(mode: str, form: str) -> None:
    """Whatever its format and its colours, it becomes a WebP whose longer side is that of a sheet."""
    small = shrunk(picture(1600, 800, mode, form))
    assert small is not None
    with PIL.Image.open(BytesIO(small)) as image:
        assert (image.format, image.size) == ("WEBP", (SIDE, SIDE // 2))


def test_the_same_picture_is_made_small_once(tmp_path: Path) -> None:
    """They are named by content: a second run with the same pictures makes none."""
    data = picture(640, 640)
    first = thumbs_in(tmp_path, data)
    first.note(done(data))
    assert first.finish() == {digest_of(data)}
    path = tmp_path / thumb_path(digest_of(data))
    made = path.stat().st_mtime_ns
    second = thumbs_in(tmp_path)  # has no bytes to make one of
    second.note(done(data))
    assert second.finish() == {digest_of(data)}
    assert path.stat().st_mtime_ns == made


def test_a_picture_that_is_small_stands_for_itself(tmp_path: Path) -> None:
    """Of one that is in the folder, and no larger than that, nothing is made."""
    data = picture(SIDE, SIDE)
    thumbs = thumbs_in(tmp_path, data)
    thumbs.note(done(data))
    assert thumbs.finish() == set()
    assert not (tmp_path / "_").exists()


def test_what_is_not_published_is_seen_in_small(tmp_path: Path) -> None:
    """The lineage of a picture leads over intermediates: the one that flows on, and no other take."""
    one, other = picture(64, 64), picture(64, 32)
    thumbs = thumbs_in(tmp_path, one, other)
    thumbs.note(done(one, other, published=False))
    assert thumbs.finish() == {digest_of(one)}


@pytest.mark.parametrize("trouble", ["nowhere", "broken", "full"])
def test_a_picture_that_cannot_be_made_small_fails_nothing(
    tmp_path: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that are nowhere or no picture, a disk that is full: then there is none."""

    def full(path: Path, data: bytes) -> None:
        raise StoreError(f"cannot write {path}: no space left")

    data = picture(640, 640)
    kept = {"nowhere": None, "broken": data[:200], "full": data}[trouble]
    if trouble == "full":
        monkeypatch.setattr(disk, "write_file", full)
    thumbs = Thumbs(tmp_path, lambda _: kept)
    thumbs.note(done(data))
    assert thumbs.finish() == set()


def test_those_of_pictures_that_are_gone_go_too(tmp_path: Path) -> None:
    """What is in the manifest or flows on keeps its own; the leavings of a killed process go."""
    gone, here, hidden = picture(640, 640), picture(640, 320), picture(64, 64)
    thumbs = thumbs_in(tmp_path, gone, here, hidden)
    thumbs.note(done(gone))
    thumbs.note(done(here))
    flowing = done(hidden, published=False)
    thumbs.note(flowing)
    thumbs.finish()
    left = tmp_path / "_/thumbs" / f"{disk.TEMPORARY_PREFIX}999999999-ab"
    left.write_bytes(b"half")
    thumbs.sweep({"files": [{"sha256": digest_of(here)}]}, [flowing])
    names = {Digest(path.stem) for path in (tmp_path / "_/thumbs").iterdir()}
    assert names == {digest_of(here), digest_of(hidden)}

"""Metadata in JPEG, by its segments; the scans' bytes are never touched.

Unaware of what an XMP packet says.

Segments: ITU-T T.81, annex B. XMP is an APP1 with Adobe's name (XMP specification, part 3), content
credentials are JUMBF in APP11 (C2PA specification, appendix A). What colour needs stays: JFIF, ICC
profiles in APP2, and Adobe's APP14, which says how the colours are coded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from banana_pipe.metadata import exif
from banana_pipe.metadata.base import Unreadable

START = b"\xff\xd8"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF = b"Exif\0\0"
_ICC = b"ICC_PROFILE\0"
_MAX_CONTENT = 0xFFFF - 2
_APP0, _APP1, _APP2, _APP11, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xEB, 0xEE, 0xEF
_COMMENT, _SCAN, _END = 0xFE, 0xDA, 0xD9
_ALONE = {0x01, *range(0xD0, 0xD9)}
"""Markers without length and content."""
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
# In a scan 0xff that is data is followed by 0x00; 0xd0–0xd7 are restarts within it.
_AFTER_SCAN = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")


@dataclass(frozen=True, slots=True)
class _Segment:
    marker: int
    content: bytes
    whole: bytes
    """As it stands in the file; a scan with its data."""

    @property
    def is_xmp(self) -> bool:
        return self.marker == _APP1 and self.content.startswith(_XMP)

    @property
    def is_exif(self) -> bool:
        return self.marker == _APP1 and self.content.startswith(_EXIF)

    @property
    def shows(self) -> bool:
        """Whether the picture would look different without it, or is no JFIF then."""
        if self.marker == _APP2:
            return self.content.startswith(_ICC)
        if self.marker == _APP0:
            return self.content.startswith(b"JFIF\0")
        if self.marker == _APP14:
            return self.content.startswith(b"Adobe")
        return self.marker != _COMMENT and not _APP0 <= self.marker <= _APP15


def read_xmp(data: bytes) -> bytes | None:
    """The XMP packet; None where there is none."""
    return next((one.content.removeprefix(_XMP) for one in _segments(data) if one.is_xmp), None)


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """The picture with this XMP packet and no other; where there was none it stands behind JFIF and Exif.

    Raises Unreadable where it is longer than a segment.
    """
    segments = list(_segments(data))
    new = _segment(_APP1, _XMP + packet)
    heads = sum(1 for _ in _heads(segments))
    place = next((index for index, one in enumerate(segments) if one.is_xmp), heads)
    others = [b"" if one.is_xmp else one.whole for one in segments]
    others.insert(place, new)
    return START + b"".join(others) + data[_length(segments) :]


def strip(data: bytes) -> bytes:
    """The picture without all that does not change how it looks."""
    segments = list(_segments(data))
    kept = [one.whole for one in segments if one.shows]
    turned = next((exif.orientation(one.content) for one in segments if one.is_exif), 1)
    if turned != 1:
        has_jfif = bool(segments) and segments[0].marker == _APP0 and segments[0].shows
        kept.insert(int(has_jfif), _segment(_APP1, _EXIF + exif.only_orientation(turned)))
    return START + b"".join(kept)


def has_credentials(data: bytes) -> bool:
    """Whether C2PA content credentials are in it."""
    return any(
        one.marker == _APP11 and one.content.startswith(b"JP") and b"c2pa" in one.content for one in _segments(data)
    )


def _segments(data: bytes) -> Iterator[_Segment]:
    if not data.startswith(START):
        raise Unreadable("not a JPEG")
    place = len(START)
    while found := _MARKER.match(data, place):
        marker, begin = found[1][0], found.end()
        if marker == _END or marker in _ALONE:
            yield _Segment(marker, b"", data[place:begin])
            if marker == _END:
                return
            place = begin
            continue
        end = begin + int.from_bytes(data[begin : begin + 2], "big")
        if end < begin + 2 or end > len(data):
            break
        content = data[begin + 2 : end]
        if marker == _SCAN:
            after = _AFTER_SCAN.search(data, end)
            if after is None:
                break
            end = after.start()
        yield _Segment(marker, content, data[place:end])
        place = end
    raise Unreadable("this JPEG is cut off: its end is missing, or a segment has no beginning")


def _heads(segments: list[_Segment]) -> Iterator[_Segment]:
    for one in segments:
        if one.marker != _APP0 and not one.is_exif:
            return
        yield one


def _length(segments: list[_Segment]) -> int:
    return len(START) + sum(len(one.whole) for one in segments)


def _segment(marker: int, content: bytes) -> bytes:
    if len(content) > _MAX_CONTENT:
        raise Unreadable(
            f"{len(content):,} bytes of metadata do not fit into a JPEG, which has room for {_MAX_CONTENT:,}",
            hint="export it without --prompts, or convert it to PNG or WebP",
        )
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content

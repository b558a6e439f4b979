"""Metadata is put into pictures and taken out of them; not a pixel is touched.

Unaware of where pictures come from and where they go. Containers are edited by hand: image data is
copied byte for byte, never decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from banana_pipe.images import sniff
from banana_pipe.metadata import avif, jpeg, png, webp, xmp
from banana_pipe.metadata.base import Unreadable
from banana_pipe.metadata.xmp import Provenance

__all__ = ["Embedded", "Provenance", "Unreadable", "embed", "embedded_digest", "has_credentials", "strip"]


@dataclass(frozen=True, slots=True)
class Embedded:
    """A picture with its metadata. `replaced`: what XMP was there could not be read and is gone."""

    data: bytes
    replaced: bool


@dataclass(frozen=True, slots=True)
class _Container:
    read_xmp: Callable[[bytes], bytes | None]
    with_xmp: Callable[[bytes, bytes], bytes]
    strip: Callable[[bytes], bytes]
    has_credentials: Callable[[bytes], bool]


_CONTAINERS = {
    "image/png": _Container(png.read_xmp, png.with_xmp, png.strip, png.has_credentials),
    "image/jpeg": _Container(jpeg.read_xmp, jpeg.with_xmp, jpeg.strip, jpeg.has_credentials),
    "image/avif": _Container(avif.read_xmp, avif.with_xmp, avif.strip, avif.has_credentials),
    "image/webp": _Container(webp.read_xmp, webp.with_xmp, webp.strip, webp.has_credentials),
}


def embed(data: bytes, told: Provenance) -> Embedded:
    """The picture *data* with *told* in its XMP; what was embedded before is replaced. Raises Unreadable."""
    container = _container(data)
    packet, replaced = xmp.packet(told, container.read_xmp(data))
    return Embedded(container.with_xmp(data, packet), replaced)


def strip(data: bytes) -> bytes:
    """The picture *data* without metadata, but for what it takes to look the same: colours, which way is up.

    Raises Unreadable.
    """
    return _container(data).strip(data)


def has_credentials(data: bytes) -> bool:
    """Whether the picture *data* has content credentials (C2PA) in it. Raises Unreadable."""
    return _container(data).has_credentials(data)


def embedded_digest(data: bytes) -> str | None:
    """The sha256 of the picture that *data* was embedded from, as its metadata says; None where it says nothing.

    What a file says of itself is a claim: whoever asks looks the digest up in what is known.
    """
    try:
        packet = _container(data).read_xmp(data)
    except Unreadable:
        return None
    return xmp.digest_in(packet) if packet is not None else None


def _container(data: bytes) -> _Container:
    mime = sniff(data)
    if mime is None:
        raise Unreadable("neither PNG nor JPEG nor WebP nor AVIF")
    return _CONTAINERS[mime]

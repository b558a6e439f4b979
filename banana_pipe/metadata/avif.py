"""What an AVIF says of itself, as far as it is looked at: nothing is written into one here.

Unaware of boxes: what metadata begins with is looked for in all of the bytes.
"""

from __future__ import annotations

from banana_pipe.metadata.base import Unreadable

_METADATA = (b"Exif", b"application/rdf+xml")
_CREDENTIALS = (b"c2pa", b"jumb")


def read_xmp(_: bytes) -> bytes | None:
    """None: it is not looked for."""
    return None


def with_xmp(_: bytes, __: bytes) -> bytes:
    """Raises Unreadable."""
    raise Unreadable("an AVIF, into which nothing is written here", hint="`convert: webp` holds what is to be embedded")


def strip(data: bytes) -> bytes:
    """*data*, if it has no metadata, as ours have none. Raises Unreadable."""
    if any(one in data for one in (*_METADATA, *_CREDENTIALS)):
        raise Unreadable(
            "an AVIF with metadata, which nothing is taken out of here", hint="`convert` makes one without"
        )
    return data


def has_credentials(data: bytes) -> bool:
    """Whether there seem to be content credentials in *data*."""
    return any(one in data for one in _CREDENTIALS)

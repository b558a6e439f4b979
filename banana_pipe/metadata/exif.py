"""The one thing in Exif that changes how a picture looks: which way is up.

Unaware of the containers that it comes in.

An Exif block is a TIFF file without pictures: byte order, the offset of a table, and in it entries of
twelve bytes (TIFF 6.0, section 2). Orientation is entry 0x0112, one SHORT from 1 (upright) to 8.
"""

from __future__ import annotations

import struct

_ORIENTATION = 0x0112
_SHORT = 3
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_UPRIGHT = 1
_LAST = 8


def orientation(data: bytes) -> int:
    """What the Exif block *data* says; 1 where it says nothing that can be read."""
    data = data.removeprefix(b"Exif\0\0")
    order = _ORDERS.get(data[:4])
    if order is None or len(data) < 8:
        return _UPRIGHT
    (table,) = struct.unpack_from(f"{order}I", data, 4)
    if table + 2 > len(data):
        return _UPRIGHT
    (entries,) = struct.unpack_from(f"{order}H", data, table)
    for place in range(table + 2, min(table + 2 + 12 * entries, len(data) - 11), 12):
        tag, kind, count, value = struct.unpack_from(f"{order}HHIH", data, place)
        if (tag, kind, count) == (_ORIENTATION, _SHORT, 1):
            return int(value) if _UPRIGHT <= value <= _LAST else _UPRIGHT
    return _UPRIGHT


def only_orientation(value: int) -> bytes:
    """An Exif block that says nothing else."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, _SHORT, 1, value, 0, 0)

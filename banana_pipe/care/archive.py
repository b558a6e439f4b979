"""The archive that caches travel in: a plain tar of two kinds of members, read by hand and byte by byte.

Unaware of what records mean and of where members go.

`banana-pipe/records.jsonl` comes first, then `banana-pipe/blobs/<sha256>` in their order. Everything about a
member but its name and size is fixed, so a header is written anew from these two and compared: whatever a tar can
say besides (links, devices, paths, owners, sparse files, extensions) is another header, and is refused.
Nothing is compressed (pictures are already), so nothing can grow when it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import BinaryIO

from banana_pipe.canonical import Digest
from banana_pipe.errors import StoreError

RECORDS = "banana-pipe/records.jsonl"
BLOBS = "banana-pipe/blobs/"
MAX_MEMBERS = 2_000_000
MAX_RECORDS_BYTES = 1 << 30
MAX_BLOB_BYTES = 1 << 28
_BLOCK = 512
_CHUNK = 1 << 20
_NAME = re.compile(rf"(?:{re.escape(RECORDS)}|{re.escape(BLOBS)}([0-9a-f]{{64}}))\Z")
_SIZE = re.compile(rb"[0-7]{11}\0\Z")


class NoArchive(StoreError):
    """An archive that is not as `cache export` writes it. Nothing of it was kept."""

    def __init__(self, message: str) -> None:
        super().__init__(
            f"{message}: nothing was imported",
            hint="take an archive as `banana-pipe cache export` writes it, whole; unpack it first if it is compressed",
        )


def header(name: str, size: int) -> bytes:
    """The header of a member; a name has at most 100 bytes, and a size eleven octal digits."""
    fields = b"%s%s%s%s%s%s%s%s%s%s%s" % (
        name.encode("ascii").ljust(100, b"\0"),
        b"0000444\0" + b"0000000\0" * 2,
        b"%011o\0" % size,
        b"%011o\0" % 0,
        b" " * 8,
        b"0",
        b"\0" * 100,
        b"ustar\00000",
        b"\0" * 64,
        b"0000000\0" * 2,
        b"\0" * 155,
    )
    block = fields.ljust(_BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def padding(size: int) -> bytes:
    """What stands between a member's bytes and the next header."""
    return b"\0" * (-size % _BLOCK)


END = b"\0" * (2 * _BLOCK)


class Member:
    """A member of an archive that is being read: first its bytes are taken, then comes the next one."""

    def __init__(self, name: str, digest: Digest | None, size: int, file: BinaryIO) -> None:
        self.name = name
        self.digest = digest
        """Of a blob, as its name says; None for the records."""
        self.size = size
        self._file = file
        self._left = size
        self._hash = sha256()

    def chunks(self) -> Iterator[bytes]:
        """Its bytes as they come. Raises NoArchive where they end too early, or are not those of a blob's name."""
        while self._left:
            chunk = self._file.read(min(self._left, _CHUNK))
            if not chunk:
                raise NoArchive(f"the archive ends within {self.name}")
            self._left -= len(chunk)
            self._hash.update(chunk)
            yield chunk
        if self.digest is not None and self._hash.hexdigest() != self.digest:
            raise NoArchive(f"the bytes of {self.name} are others than its name says")

    def skip(self) -> None:
        """Read what is left of it."""
        for _ in self.chunks():
            pass


def members(file: BinaryIO, length: int) -> Iterator[Member]:
    """The members of the archive *file* of *length* bytes, in order. Raises NoArchive at whatever is not as we write it."""
    last = ""
    left = length
    for number in range(MAX_MEMBERS + 1):
        block = file.read(_BLOCK)
        left -= len(block)
        if block == END[:_BLOCK]:
            if file.read(_BLOCK) != block or file.read(1):
                raise NoArchive("something follows the end of the archive")
            if number == 0:
                raise NoArchive("the archive is empty")
            return
        member = _member(block, file)
        if (number == 0) != (member.digest is None) or (number and member.name <= last):
            raise NoArchive(f"{member.name} does not stand where it should, or stands twice")
        if member.size > left:
            raise NoArchive(f"the archive is cut off: it ends within {member.name}")
        if member.size > (MAX_RECORDS_BYTES if member.digest is None else MAX_BLOB_BYTES):
            raise NoArchive(f"{member.name} says that it has {member.size} bytes, which is too much")
        last = member.name if number else ""
        yield member
        member.skip()
        if file.read(len(padding(member.size))) != padding(member.size):
            raise NoArchive(f"something stands behind {member.name}")
        left -= member.size + len(padding(member.size))
    raise NoArchive(f"the archive has more than {MAX_MEMBERS:,} members")


def _member(block: bytes, file: BinaryIO) -> Member:
    if len(block) < _BLOCK:
        raise NoArchive("the archive is cut off")
    name = block[:100].rstrip(b"\0").decode("ascii", errors="backslashreplace")
    known, size = _NAME.match(name), block[124:136]
    if known is None:
        raise NoArchive(f"a member that we would not write: {name[:100]!r}")
    if not _SIZE.match(size) or header(name, int(size[:11], 8)) != block:
        raise NoArchive(f"{name} is no regular file as we would write it")
    return Member(name, Digest(known[1]) if known[1] else None, int(size[:11], 8), file)


def pack(name: str, chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """A member as it stands in an archive."""
    yield header(name, size)
    yield from chunks
    yield padding(size)

"""Archives that are not as they should be, each in one way.

Unaware of how they are read. Every one is made of a good archive, so that nothing else is wrong with it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from banana_pipe.care.archive import BLOBS, END, RECORDS, header, padding
from tests.world import picture

Members = list[tuple[str, bytes]]
Forger = Callable[[Members], bytes]

EVIL_NAMES = (
    "../../escape",
    "/etc/cron.d/escape",
    "banana-pipe/../../escape",
    "banana-pipe/blobs/../../../escape",
    "./banana-pipe/records.jsonl",
    "banana-pipe//records.jsonl",
    "banana-pipe/records.jsonl/",
    "banana-pipe\\blobs\\escape",
    "C:\\escape",
    "banana-pipe/blobs/" + "A" * 64,
    "banana-pipe/blobs/" + "0" * 63,
    "banana-pipe/blobs/" + "0" * 64 + ".py",
    "banana-pipe/blobs/" + "0" * 64 + "\n",
    "banana-pipe/blobs/\x1b[2J" + "0" * 60,
    "banana-pipe/blobs/" + "0" * 32 + "\u202e" + "0" * 31,
    "cache/ledger.db",
    "results/cache.db",
    "",
)


def pack(members: Members, end: bytes = END) -> bytes:
    """An archive as we write it."""
    return b"".join(header(name, len(data)) + data + padding(len(data)) for name, data in members) + end


def unpack(data: bytes) -> Members:
    """The members of an archive, as any tar reads it."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [(one.name, tar.extractfile(one).read()) for one in tar]  # type: ignore[union-attr]


def with_tar(
    members: Members, change: Callable[[int, tarfile.TarInfo], None], form: int = tarfile.USTAR_FORMAT
) -> bytes:
    """The members as Python's tarfile writes them; *change* has its way with each header."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as tar:
        for number, (name, data) in enumerate(members):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o444
            change(number, info)
            tar.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return stream.getvalue()


def _patched(data: bytes, place: int, field: bytes) -> bytes:
    """One field of the first header changed, its sum made right."""
    block = bytearray(data[:512])
    block[place : place + len(field)] = field
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data[512:]


def _lines(members: Members, change: Callable[[list[Any]], Any]) -> bytes:
    """The records changed, everything else made to fit."""
    records = [json.loads(line) for line in members[0][1].splitlines()[:-1]]
    changed = change(records)
    lines = records if changed is None else changed
    text = b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    text += json.dumps({"sha256": sha256(text).hexdigest()}).encode() + b"\n"
    return pack([(RECORDS, text), *members[1:]])


def _attempt(records: list[Any], **changes: Any) -> None:
    """The first attempt, changed."""
    records[1]["attempt"].update(changes)


def _blob(data: bytes) -> tuple[str, bytes]:
    return f"{BLOBS}{sha256(data).hexdigest()}", data


def _with(members: Members, *more: tuple[str, bytes]) -> Members:
    return [members[0], *sorted([*members[1:], *more])]


def _second(place: int, field: bytes) -> Forger:
    """The header of the second member changed in one field, all before it as it should be."""

    def forge(members: Members) -> bytes:
        first = pack(members[:1], b"")
        return first + _patched(pack(members[1:]), place, field)

    return forge


def _typed(kind: bytes, link: str = "") -> Forger:
    return _second(156, kind + link.encode())


def _named(name: str) -> Forger:
    def forge(members: Members) -> bytes:
        raw = name.encode()
        block = _patched(header(RECORDS, 4), 0, raw.ljust(100, b"\0"))
        return pack(members, b"") + block + b"evil" + padding(4) + END

    return forge


def _field(place: int, field: bytes) -> Forger:
    return lambda members: _patched(pack(members), place, field)


def _told(**changes: Any) -> Forger:
    return lambda members: _lines(members, lambda records: _attempt(records, **changes))


def _pax(headers: Mapping[str, str]) -> Forger:
    def forge(members: Members) -> bytes:
        def change(number: int, info: tarfile.TarInfo) -> None:
            if number == 1:
                info.pax_headers = dict(headers)

        return with_tar(members, change, tarfile.PAX_FORMAT)

    return forge


def _other_picture(members: Members) -> bytes:
    """The records name a picture of another size than the one that is there."""

    def change(records: list[Any]) -> None:
        records[1]["attempt"]["artifact"]["width"] += 1

    return _lines(members, change)


def _poisoned(members: Members) -> bytes:
    """A purchase of a key whose request is not there: anything could be served for it."""

    def change(records: list[Any]) -> None:
        records[1]["attempt"]["key"] = "ab" * 32

    return _lines(members, change)


def _swapped_requests(members: Members) -> bytes:
    """A purchase under the key of another provider's request."""
    return _lines(members, lambda records: _attempt(records, provider="acedata-local"))


def _result(members: Members, **changes: Any) -> bytes:
    """A purchase as a bare result: money that the ledger knows nothing of."""

    def change(records: list[Any]) -> None:
        attempt = records.pop(1)["attempt"]
        names = ("key", "artifact", "provider", "model", "served", "task_id", "trace_id", "price")
        records.append({"result": {**{name: attempt[name] for name in names}, "bought_at": 1.0, **changes}})

    return _lines(members, change)


def _longer(number: int, size: int) -> Forger:
    """A member that says that it has more bytes."""

    def forge(members: Members) -> bytes:
        parts = [header(n, len(d)) + d + padding(len(d)) for n, d in members]
        name, data = members[number]
        parts[number] = header(name, size) + data + padding(len(data))
        return b"".join(parts) + END

    return forge


FORGERS: Mapping[str, Forger] = {
    # its form
    "empty": lambda members: b"",
    "only an end": lambda members: END,
    "no end": lambda members: pack(members, b""),
    "half an end": lambda members: pack(members, END[:512]),
    "cut off in a member": lambda members: pack(members)[:3_000],
    "cut off in a header": lambda members: pack(members, b"") + b"banana-pipe/",
    "text": lambda members: b"not an archive at all\n" * 100,
    "more behind the end": lambda members: pack(members) + b"more",
    "another archive behind the end": lambda members: pack(members) * 2,
    "gzip": lambda members: gzip.compress(pack(members)),
    "gzip bomb": lambda members: gzip.compress(bytes(50_000_000)),
    "bzip2": lambda members: bz2.compress(pack(members)),
    "xz": lambda members: lzma.compress(pack(members)),
    "zip": lambda members: _zip(members),  # noqa: PLW0108 - it stands below
    # its members
    "symlink": _typed(tarfile.SYMTYPE, "/etc/passwd"),
    "symlink upward": _typed(tarfile.SYMTYPE, "../../.."),
    "hard link": _typed(tarfile.LNKTYPE, RECORDS),
    "character device": _typed(tarfile.CHRTYPE),
    "block device": _typed(tarfile.BLKTYPE),
    "pipe": _typed(tarfile.FIFOTYPE),
    "folder": _typed(tarfile.DIRTYPE),
    "contiguous file": _typed(tarfile.CONTTYPE),
    "sparse file": _typed(tarfile.GNUTYPE_SPARSE),
    "unknown type": _typed(b"Z"),
    "old form of a regular file": _typed(tarfile.AREGTYPE),
    "pax path": _pax({"path": "../../escape"}),
    "pax size": _pax({"size": "99999999999"}),
    "pax sparse": _pax({"GNU.sparse.major": "1", "GNU.sparse.name": "../escape"}),
    "pax of all": lambda members: with_tar(
        members, lambda n, i: setattr(i, "pax_headers", {"a": "b"}), tarfile.PAX_FORMAT
    ),
    "gnu form": lambda members: with_tar(members, lambda n, i: None, tarfile.GNU_FORMAT),
    "gnu long name": lambda members: with_tar([*members, ("x" * 300, b"evil")], lambda n, i: None, tarfile.GNU_FORMAT),
    "an owner": _second(108, b"0001750\0"),
    "executable": _second(100, b"0004755\0"),
    "a time": _second(136, b"00000000001\0"),
    "an owner's name": _second(265, b"root"),
    "a device's number": _second(329, b"0000001\0"),
    "prefix": _second(345, b"../../.."),
    "something behind the fields": _second(505, b"evil"),
    "a name behind the name": _second(90, b"\0evil"),
    "magic of nobody": _field(257, b"USTAR\0"),
    "wrong sum": lambda members: pack(members)[:148] + b"000000\0 " + pack(members)[156:],
    "negative size": _field(124, b"-0000000001\0"),
    "binary size": _field(124, b"\x80" + bytes(10) + b"\x01"),
    "size with spaces": _field(124, b"        144 "),
    "eight gigabytes": _longer(1, 8**11 - 1),
    "longer than it is": _longer(1, 1_000),
    "records without end": _longer(0, 8**11 - 1),
    "something in the padding": lambda members: pack(members).replace(
        padding(len(members[0][1])), b"x" * len(padding(len(members[0][1]))), 1
    ),
    "twice": lambda members: pack([*members, members[-1]]),
    "another order": lambda members: pack([members[0], *reversed(members[1:])]),
    "records twice": lambda members: pack([members[0], members[0], *members[1:]]),
    "records last": lambda members: pack([*members[1:], members[0]]),
    "no records": lambda members: pack(members[1:]),
    "wrong digest": lambda members: pack(_with(members, (f"{BLOBS}{'0' * 64}", picture(4, 4)))),
    "a flipped bit": lambda members: pack([*members[:-1], (members[-1][0], b"\0" + members[-1][1][1:])]),
    "an empty blob of another name": lambda members: pack(_with(members, (f"{BLOBS}{'0' * 64}", b""))),
    "a blob that is a script": lambda members: pack(_with(members, _blob(b"#!/bin/sh\nrm -rf /\n"))),
    "a blob that is a page": lambda members: pack(_with(members, _blob(b"<svg onload=alert(1)>"))),
    "a picture that is cut off": lambda members: pack(_with(members, _blob(picture(64, 64)[:-20]))),
    "a missing picture": lambda members: pack(members[:-1]),
    **{f"name {name[:40]!r}": _named(name) for name in EVIL_NAMES},
    # its records
    "no type": lambda members: _lines(members, lambda records: records[1:]),
    "another type": lambda members: _lines(members, lambda records: [{"type": "banana-pipe/archive/v2"}, *records[1:]]),
    "a price that somebody changed": lambda members: pack(
        [(RECORDS, members[0][1].replace(b"39000", b"39001", 1)), *members[1:]]
    ),
    "records without their digest": lambda members: pack(
        [(RECORDS, b"".join(members[0][1].splitlines(keepends=True)[:-1])), *members[1:]]
    ),
    "no line behind the last": lambda members: pack([(RECORDS, members[0][1][:-1]), *members[1:]]),
    "no JSON": lambda members: _lines(members, lambda records: [*records, b"{\n"]),
    "deep JSON": lambda members: _lines(members, lambda records: [*records, b"[" * 100_000 + b"\n"]),
    "a number of a million digits": lambda members: _lines(members, lambda r: [*r, b"1" * 1_000_000 + b"\n"]),
    "a line without end": lambda members: _lines(members, lambda records: [*records, b'{"attempt": {}}']),
    "a line of eight megabytes": lambda members: _lines(members, lambda records: [*records, b" " * 8_000_000 + b"\n"]),
    "not UTF-8": lambda members: _lines(members, lambda records: [*records, b"\xff\xfe\n"]),
    "something else": lambda members: _lines(members, lambda records: [*records, {"setting": {"disk": "pickle"}}]),
    "a field too many": _told(surprise=1),
    "a field too few": lambda members: _lines(members, lambda records: records[1]["attempt"].pop("wire") and None),
    "a call under way": _told(state="ACCEPTED"),
    "a call that was given up": _told(state="ABANDONED"),
    "an account": _told(account="0123456789abcdef"),
    "a negative price": _told(price=-1),
    "a price of all the money": _told(price=10**18),
    "a price as text": _told(price="1"),
    "a price that is true": _told(price=True),
    "a time that is none": _told(created_at="now"),
    "a time beyond time": _told(created_at=1e308),
    "an id with a path": _told(id="../../x"),
    "an id that is a list": _told(id=["x"]),
    "a node that colours the terminal": _told(node="\x1b[31mred"),
    "a node of half a letter": _told(node="\ud800"),
    "a link to a file": _told(picture="file:///etc/passwd"),
    "a link with a line's end": _told(picture="https://cdn.example.com/x\r\nHost: evil"),
    "no artifact": _told(artifact=None),
    "an artifact with a path": _told(
        artifact={"sha256": "../x", "mime": "image/png", "width": 1, "height": 1, "bytes": 1}
    ),
    "another picture": _other_picture,
    "a key of nothing": _poisoned,
    "another provider": _swapped_requests,
    "one request twice": lambda members: _lines(members, lambda records: [*records, records[1]]),
    "one call twice": lambda members: _lines(members, lambda r: _attempt(r, task_id=r[2]["attempt"]["task_id"])),
    "one id twice": lambda members: _lines(members, lambda r: _attempt(r, id=r[2]["attempt"]["id"])),
    "a purchase without its row": _result,
    "a purchase as a transform": lambda members: _result(members, provider="local"),
}
"""What is wrong, and who makes it so."""


def _zip(members: Members) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, data in members:
            file.writestr(name, data)
    return stream.getvalue()


def bits(data: bytes, number: int, dice: Any) -> Iterator[bytes]:
    """*data* with one bit flipped, *number* times."""
    for _ in range(number):
        changed = bytearray(data)
        changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        yield bytes(changed)

"""A side of a comparison: its pictures, and where their bytes come from.

Unaware of where it was read from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from banana_pipe.canonical import Digest
from banana_pipe.comparing.matching import Shown
from banana_pipe.lineage.family import Record, joined
from banana_pipe.lineage.tracing import Archive, entries_in, record_of
from banana_pipe.model import Json
from banana_pipe.store.published import OURS

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".avif")
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\nsize \d+\n")
POINTER_BYTES = 1024
"""A pointer of Git LFS is smaller than that."""

Read = Callable[[Digest], bytes | None]


@dataclass(frozen=True, slots=True)
class Side:
    """The pictures of one side. `about` says which it is, `read` gives bytes, `notes` what one should know of it.

    Of the nodes in `unsaid` it says nothing: they were no part of that run.
    """

    about: str
    pictures: tuple[Shown, ...]
    read: Read
    unsaid: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def shown_in(
    manifest: Mapping[str, Json] | None,
    there: Mapping[str, Digest],
    archive: Archive,
    *,
    takes: bool,
) -> tuple[list[Shown], list[str]]:
    """The pictures of a folder with this *manifest* and these files by path, and what one should know of them.

    *takes*: those too that nobody picked. Where not one picture is there the manifest alone is believed.
    """
    entries = [entry for entry in entries_in(manifest) if takes or entry.get("picked") is True]
    alone = bool(entries) and not any(entry["path"] in there for entry in entries)
    shown = []
    for entry in entries:
        digest = entry["sha256"] if alone else there.get(entry["path"])
        if digest is not None:
            by_hand = digest != entry["sha256"]
            one = shown_by(record_of(entry, "", None), entry["path"], picked=entry.get("picked") is True)
            shown.append(replace(one, digest=digest, by_hand=by_hand))
    known = {entry["path"] for entry in entries_in(manifest)}
    strays = (path for path in there if path not in known and not path.startswith(f"{OURS}/"))
    shown += [stray(path, there[path], archive) for path in strays]
    notes = ["no picture is there: its manifest names them, their bytes are looked for elsewhere"] if alone else []
    return shown, notes


def stray(path: str, digest: Digest, archive: Archive) -> Shown:
    """A picture without an entry: its place is its name; what was asked for it, another record may know."""
    records = archive.records(digest)
    if not records:
        return Shown(path, digest)
    return replace(shown_by(joined(records), path, picked=True), node=None, take=None)


def shown_by(record: Record, path: str, *, picked: bool) -> Shown:
    """The picture at *path* of which *record* tells."""
    return Shown(
        path=path,
        digest=record.digest,
        node=record.node,
        take=record.take,
        picked=picked,
        request=record.request,
        inputs=tuple((one.name, one.digest) for one in record.inputs or ()),
        model=record.model,
        price=record.price,
        bought_at=record.bought_at,
    )


def is_picture(path: str) -> bool:
    """Whether *path*, below an output folder, is named like a picture that people look at."""
    hidden = any(part.startswith(".") for part in path.split("/"))
    return path.lower().endswith(PICTURES) and not hidden


def pointed_at(data: bytes) -> Digest | None:
    """The digest in a pointer of Git LFS: it is the sha256 of the bytes that stand elsewhere."""
    found = _POINTER.fullmatch(data) if len(data) < POINTER_BYTES else None
    return Digest(found[1].decode()) if found else None


def picture_files(folder: Path) -> Iterator[str]:
    """The paths of all pictures below *folder*, sorted; links to folders are not followed."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(here, name).relative_to(folder).as_posix()
            if is_picture(path):
                yield path


def first_of(reads: Iterable[Read]) -> Read:
    """Bytes from whoever of *reads* has them first."""
    listed = tuple(reads)

    def read(digest: Digest) -> bytes | None:
        return next((data for one in listed if (data := one(digest)) is not None), None)

    return read

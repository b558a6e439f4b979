"""A delivery is made: pictures are copied out of the project, with metadata put in or taken out.

Unaware of the command line, of which pictures they are, and of how metadata stands in a file.

Files that an export did not write are never replaced: what it writes it notes by sha256, before each
file takes its place, in the project's cache.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from banana_pipe import disk, metadata
from banana_pipe.canonical import Digest, digest_of, is_digest
from banana_pipe.delivery.selection import LOST, Picture, Selection, Wanting
from banana_pipe.errors import StoreError, UsageError
from banana_pipe.metadata import Provenance, Unreadable
from banana_pipe.model import SideFile
from banana_pipe.regular import read_regular
from banana_pipe.store.published import is_inside, link_above, read_manifest
from banana_pipe.workspace import Workspace

Mode = Literal["copy", "embed", "strip"]
Standing = Literal["placed", "there", "missing"]
RECORD = "exported.jsonl"
"""What exports have written, by sha256: a file of the cache folder."""
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Delivered:
    """A file of the delivery. `picture` is None for what goes along with the pictures.

    `beside` is the picture that it was made beside, if it was; then its type is `mime`.
    """

    path: str
    standing: Standing
    digest: Digest | None
    size: int = 0
    picture: Picture | None = None
    credentials: bool = False
    """Whether the provider's content credentials (C2PA) were in it."""
    replaced: bool = False
    """Whether it had XMP that could not be read, and has ours instead."""
    why: str | None = None
    """Why it is missing."""
    beside: Picture | None = None
    mime: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was delivered, and what could not be."""

    folder: Path
    files: tuple[Delivered, ...]
    wanting: tuple[Wanting, ...]

    @property
    def missing(self) -> list[Wanting]:
        """All that is not there, with the reason."""
        lost = [Wanting(one.picture.node.id, one.why or "") for one in self.files if one.picture and one.why]
        return [*self.wanting, *lost]


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done to each picture. `prompts`: what is embedded says what was asked, and of which model."""

    mode: Mode = "copy"
    prompts: bool = False


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that goes along with the pictures, and who gives its bytes."""

    path: str
    read: Callable[[], bytes] = field(repr=False)
    beside: Picture | None = None
    """The picture that it was made beside; then its type is `mime`."""
    mime: str = ""


def told_of(picture: Picture, treatment: Treatment) -> Provenance:
    """What is embedded into *picture*."""
    node, prompts = picture.node, treatment.prompts and not picture.node.is_local
    model = (picture.result.served or picture.result.model) if picture.result else node.model
    return Provenance(
        picture.artifact.digest,
        picture.key,
        picture.source_type,
        prompt=node.prompt if prompts else None,
        system=model if prompts else None,
    )


def treated(data: bytes, picture: Picture, treatment: Treatment) -> tuple[bytes, bool]:
    """The bytes to deliver; whether XMP that could not be read was replaced. Raises Unreadable."""
    if treatment.mode == "embed":
        embedded = metadata.embed(data, told_of(picture, treatment))
        return embedded.data, embedded.replaced
    return (metadata.strip(data) if treatment.mode == "strip" else data), False


# --- where to ------------------------------------------------------------------------------------


def deliver(
    workspace: Workspace,
    selection: Selection,
    folder: Path,
    treatment: Treatment,
    along: Callable[[Sequence[Delivered]], Iterable[Companion]] | None = None,
    *,
    overwrite: bool = False,
    write: bool = True,
) -> Delivery:
    """Put the pictures of *selection* into *folder*, and what *along* gives for them.

    Without *write* it is only said what would be done. Raises UsageError, before anything is written, where
    *folder* is ours or a file there was not written by an export (unless *overwrite*), StoreError where it cannot
    be written.
    """
    refuse_folder(workspace, folder)
    record = Record(workspace.places.cache / RECORD)
    makers = {one.path: _maker(workspace, one, treatment) for one in selection.pictures}
    # Nobody holds the bytes of all pictures at once: they are made once to be looked at, and again to be written.
    files = [makers[one.path]()[0] for one in selection.pictures]
    _join((one for picture in selection.pictures for one in _beside(workspace, picture)), makers, files)
    _join(along(files) if along else (), makers, files)
    standing = {one.path: _standing(folder, one, record) for one in files if one.digest is not None}
    foreign = [path for path, there in standing.items() if there == "foreign"]
    if foreign and not overwrite:
        named = f"{', '.join(foreign[:_NAMED])}{' …' if len(foreign) > _NAMED else ''}"
        raise UsageError(
            f"{folder} has files that no export wrote: {named}",
            hint="they would be replaced; choose another folder, or say --overwrite",
        )
    for one in files if write else ():
        if standing.get(one.path, "there") != "there":
            made, data = makers[one.path]()
            if made.digest is None or data is None:
                raise StoreError(f"the bytes of {one.path} went while it was exported", hint="run the same again")
            record.note(workspace, made.digest)
            disk.write_file(folder / one.path, data)
    return Delivery(
        folder, tuple(replace(one, standing=_told(standing.get(one.path))) for one in files), selection.wanting
    )


Maker = Callable[[], tuple[Delivered, bytes | None]]


def _maker(workspace: Workspace, picture: Picture, treatment: Treatment) -> Maker:
    def make() -> tuple[Delivered, bytes | None]:
        missing = Delivered(picture.path, "missing", None, picture=picture)
        data = workspace.read(picture.artifact.digest)
        if data is None:
            return replace(missing, why=LOST), None
        try:
            credentials = metadata.has_credentials(data)
            ready, replaced = treated(data, picture, treatment)
        except Unreadable as error:
            return replace(missing, why=f"{error.message}{f'; {error.hint}' if error.hint else ''}"), None
        digest = digest_of(ready)
        return Delivered(picture.path, "placed", digest, len(ready), picture, credentials, replaced), ready

    return make


def _join(companions: Iterable[Companion], makers: dict[str, Maker], files: list[Delivered]) -> None:
    for companion in companions:
        if companion.path in makers:
            hint = "another `output` in the recipe makes room for both"
            raise UsageError(f"two files of the delivery would be called {companion.path}", hint=hint)
        makers[companion.path] = _reader(companion)
        files.append(makers[companion.path]()[0])


def _beside(workspace: Workspace, picture: Picture) -> Iterator[Companion]:
    """What lies beside *picture*: it goes along as it is, whatever is done to the picture."""
    stem = picture.path.rpartition(".")[0]
    for one in picture.result.side_files if picture.result else ():
        yield Companion(stem + one.suffix, partial(_bytes_of, workspace, one, stem), picture, one.mime)


def _bytes_of(workspace: Workspace, one: SideFile, stem: str) -> bytes:
    data = workspace.read(one.digest)
    if data is None:
        raise StoreError(f"the bytes of {stem}{one.suffix} are nowhere", hint="`banana-pipe run` makes it again, free")
    return data


def _reader(companion: Companion) -> Maker:
    def make() -> tuple[Delivered, bytes | None]:
        data = companion.read()
        beside, mime = companion.beside, companion.mime
        return Delivered(companion.path, "placed", digest_of(data), len(data), beside=beside, mime=mime), data

    return make


def _told(standing: str | None) -> Standing:
    if standing is None:
        return "missing"
    return "there" if standing == "there" else "placed"


def refuse_folder(workspace: Workspace, folder: Path) -> None:
    """Raise UsageError where *folder* is one that runs write to."""
    places, real = workspace.places, Path(os.path.realpath(folder))
    hint = "a delivery is for elsewhere: choose another folder"
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", hint="choose another folder")
    shared = places.root / "out"
    for ours, words in ((places.out, "the output folder"), (shared, "the output folders"), (places.cache, "the cache")):
        if real.is_relative_to(os.path.realpath(ours)):
            raise UsageError(f"{folder} is in {words} {ours}", hint=hint)
    if real == Path(os.path.realpath(places.root)):
        raise UsageError(f"{folder} is the project itself", hint=hint)
    if read_manifest(folder) is not None:
        raise UsageError(f"{folder} is an output folder: it has a manifest of ours", hint=hint)


def _standing(folder: Path, one: Delivered, record: Record) -> Literal["absent", "there", "ours", "foreign"]:
    """What is at the place of *one*. Raises UsageError where the way there leads over a link."""
    link = link_above(folder, one.path) if is_inside(one.path) else one.path
    if link is not None:
        raise UsageError(f"{folder / link} is a link, and may lead out of {folder}", hint="remove it")
    path = folder / one.path
    if not os.path.lexists(path):
        return "absent"
    try:
        there = None if path.is_symlink() else digest_of(read_regular(path))
    except OSError:
        there = None
    if there == one.digest:
        return "there"
    return "ours" if there in record.written else "foreign"


class Record:
    """What exports of this project have written, by sha256: the file *path*."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.written = set(_lines(path))

    def note(self, workspace: Workspace, digest: Digest) -> None:
        """Note, durably, that a file with that digest is about to be written."""
        if digest not in self.written:
            workspace.places.make_cache()
            # It begins with a line's end too: a crash may have cut off the last one.
            disk.append(self._path, f"\n{json.dumps({'sha256': digest})}\n".encode())
            self.written.add(digest)


def _lines(path: Path) -> Iterator[Digest]:
    try:
        data = read_regular(path)
    except OSError:
        return
    for line in data.splitlines():
        try:
            digest = json.loads(line)["sha256"]
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        if is_digest(digest):
            yield Digest(digest)

"""Caches travel: what was bought goes into one archive, and comes out of it elsewhere, whole or not at all.

Unaware of the archive's form and of the command line.

An archive is read twice: first all of it is checked and nothing is kept, then blobs are placed, then the ledger's
rows, then the results. What stands here stays as it is. Whoever made the archive is believed about what was asked
and paid: digests find damage, not a liar.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from banana_pipe import disk
from banana_pipe.canonical import Digest
from banana_pipe.care import archive
from banana_pipe.care.archive import Member, NoArchive
from banana_pipe.care.books import Books, named, read_books
from banana_pipe.care.records import MAX_LINE, from_lines, to_lines
from banana_pipe.clock import Clock, SystemClock
from banana_pipe.errors import StoreError, UsageError
from banana_pipe.images import NotAPicture, measure
from banana_pipe.model import LOCAL, Artifact, Attempt, Key, Request, Result
from banana_pipe.project import make_cache
from banana_pipe.regular import open_regular
from banana_pipe.request import read_request
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.ledger import Ledger
from banana_pipe.store.lookup import folders_of, result_of
from banana_pipe.store.pins import LockFile
from banana_pipe.store.results import Results

_SPARE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Carried:
    """What went into an archive, or came out of it.

    `had` were here before (import). `absent` are paid pictures that should have gone along, and whose
    bytes or request are not in the cache (export).
    """

    blobs: int
    bytes: int
    attempts: tuple[Attempt, ...]
    results: int
    had: int = 0
    absent: tuple[Attempt, ...] = ()


# --- out --------------------------------------------------------------------------------------


def export_cache(root: Path, cache: Path, path: Path, recipes: Sequence[Path] = ()) -> Carried:
    """Write what was bought into the archive *path*; of *recipes* only, what their lock files name.

    Raises UsageError where *path* is there already or a recipe has no lock file, StoreError where it
    cannot be written or the records cannot be believed.
    """
    if os.path.lexists(path):
        raise UsageError(f"{path} is there already", hint="name another file, or remove that one")
    books = read_books(root, cache)
    blobs = Blobs(folders_of(cache)["blobs"])
    pinned = _pinned(books, [_lock_of(recipe) for recipe in recipes]) if recipes else None
    wanted = [one for one in _bought(books) if pinned is None or _picture(one).digest in pinned]
    here = [one for one in wanted if blobs.read(_picture(one).digest) is not None and blobs.read(Digest(one.key))]
    inputs = {image for one in here for image in _request(blobs, one.key).images}
    others = inputs | (set(books.pinned) if pinned is None else pinned)
    made = [one for one in _made(books) if pinned is None or one.artifact.digest in others]
    made = [one for one in made if all(blobs.read(digest) is not None for digest in one.digests)]
    digests = {Digest(one.key) for one in here} | {_picture(one).digest for one in here}
    digests |= {digest for one in made for digest in one.digests}
    digests |= {digest for digest in others if digest not in books.free and _is_ours(blobs, digest)}
    written = _write(path, blobs, sorted(digests), to_lines(here, made))
    absent = tuple(one for one in wanted if one not in here)
    return Carried(len(digests), written, tuple(here), len(made), absent=absent)


def _pinned(books: Books, paths: Iterable[Path]) -> set[Digest]:
    """What those lock files name."""
    found: set[Digest] = set()
    for path in paths:
        lock: LockFile | None = next((lock for one, lock in books.locks.items() if one.resolve() == path), None)
        if lock is None:
            raise UsageError(f"there is no lock file {path}", hint="a run of that recipe writes it")
        found.update(named(lock))
    return found


def _lock_of(recipe: Path) -> Path:
    return recipe.resolve().with_suffix(".lock")


def _bought(books: Books) -> list[Attempt]:
    """The newest purchase of each key."""
    return list({one.key: one for one in books.attempts if one.state == "STORED" and one.artifact}.values())


def _made(books: Books) -> list[Result]:
    return [one for one in books.results if one.provider == LOCAL]


def _picture(attempt: Attempt) -> Artifact:
    if attempt.artifact is None:
        raise AssertionError("a STORED attempt names its artifact")
    return attempt.artifact


def _request(blobs: Blobs, key: Key) -> Request:
    return read_request(blobs.read(Digest(key)) or b"")


def _is_ours(blobs: Blobs, digest: Digest) -> bool:
    data = blobs.read(digest)
    return data is not None and _is_picture(data)


def _write(path: Path, blobs: Blobs, digests: Sequence[Digest], lines: Iterator[bytes]) -> int:
    records = b"".join(lines)
    written = 0
    with disk.Temporary(path.absolute().parent) as file:
        for piece in archive.pack(archive.RECORDS, [records], len(records)):
            file.write(piece)
            written += len(piece)
        for digest in digests:
            data = blobs.read(digest)
            if data is None:
                raise StoreError(f"{digest[:12]} went while it was read", hint="run the same command again")
            for piece in archive.pack(f"{archive.BLOBS}{digest}", [data], len(data)):
                file.write(piece)
                written += len(piece)
        file.write(archive.END)
        file.take_place(path.absolute())
    return written + len(archive.END)


# --- in ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Content:
    """What an archive has, checked."""

    attempts: list[Attempt] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    requests: dict[Digest, Request] = field(default_factory=dict)
    pictures: dict[Digest, Artifact] = field(default_factory=dict)
    others: dict[Digest, int] = field(default_factory=dict)
    """What is neither, with its size: a result has to name it as a file beside its picture."""


async def import_cache(cache: Path, path: Path, clock: Clock | None = None) -> Carried:
    """Take in what the archive *path* has, whole or not at all; what stands here stays.

    Raises NoArchive where anything about it is not as it should be, UsageError where it cannot be
    read, StoreError where it cannot be kept.
    """
    with _opened(path) as file:
        length = os.fstat(file.fileno()).st_size
        content = _checked(file, length)
        _refuse_without_room(cache, length)
        make_cache(cache)
        file.seek(0)
        new, size = _keep(file, length, Blobs(folders_of(cache)["blobs"]))
    ledger = Ledger(folders_of(cache)["ledger"], clock or SystemClock())
    results = Results(folders_of(cache)["results"])
    try:
        taken = await ledger.take_in(content.attempts) if content.attempts else []
        for result in (*map(result_of, taken), *content.results):
            results.put(result)
    finally:
        ledger.close()
        results.close()
    return Carried(new, size, tuple(taken), len(content.results), had=len(content.attempts) - len(taken))


def _opened(path: Path) -> BufferedReader:
    try:
        return open_regular(path)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


def _checked(file: BufferedReader, length: int) -> _Content:
    content = _Content()
    for member in archive.members(file, length):
        if member.digest is None:
            content.attempts, content.results = from_lines(_lines(member))
        else:
            _check_blob(member.digest, b"".join(member.chunks()), content)
    for attempt in content.attempts:
        request = content.requests.get(Digest(attempt.key))
        if request is None or (request.provider, request.model) != (attempt.provider, attempt.model):
            raise NoArchive(f"what was asked for {attempt.key[:12]} is not in it, or is another request")
    told = [(one.key, one.artifact) for one in content.attempts] + [(one.key, one.artifact) for one in content.results]
    for key, artifact in told:
        if artifact is None or not _alike(content.pictures.get(artifact.digest), artifact):
            raise NoArchive(f"the picture of {key[:12]} is not in it, or is another one")
    _check_side_files(content)
    return content


def _check_side_files(content: _Content) -> None:
    """Raise NoArchive where what lies beside a picture is missing, or something is in it that nobody named."""
    sizes = {one.digest: one.size for result in content.results for one in result.side_files}
    there = content.others | {digest: picture.size for digest, picture in content.pictures.items()}
    for digest in content.others.keys() - sizes.keys():
        raise NoArchive(f"{digest[:12]} is neither a picture nor a request, and lies beside none")
    for digest, size in sizes.items():
        if there.get(digest) != size:
            raise NoArchive(f"{digest[:12]}, which lies beside a picture, is not in it, or is another one")


def _lines(member: Member) -> Iterator[bytes]:
    rest = b""
    for chunk in member.chunks():
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE or any(len(line) > MAX_LINE for line in whole):
            raise NoArchive("a line of the records is too long")
        yield from whole
    if rest:
        raise NoArchive("the records are cut off")


def _check_blob(digest: Digest, data: bytes, content: _Content) -> None:
    try:
        content.requests[digest] = read_request(data)
    except (ValueError, RecursionError):
        try:
            content.pictures[digest] = measure(data)
        except NotAPicture:
            content.others[digest] = len(data)


def _is_picture(data: bytes) -> bool:
    try:
        measure(data)
    except NotAPicture:
        return False
    return True


def _alike(one: Artifact | None, other: Artifact) -> bool:
    """Whether two are one picture; whether it is blank or has alpha may be told otherwise by other libraries."""
    return one is not None and (one.mime, one.width, one.height, one.size) == (
        other.mime,
        other.width,
        other.height,
        other.size,
    )


def _refuse_without_room(cache: Path, length: int) -> None:
    standing = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    if disk.free_bytes(standing) < length + _SPARE_BYTES:
        raise StoreError(
            f"there is not enough room in {standing}: {length:,} bytes are to come", hint="free some space"
        )


def _keep(file: BufferedReader, length: int, blobs: Blobs) -> tuple[int, int]:
    """Place every blob that is not here; how many came, and their bytes."""
    new = size = 0
    for member in archive.members(file, length):
        if member.digest is None or blobs.read(member.digest) is not None:
            continue
        with blobs.writer() as writer:
            for chunk in member.chunks():
                writer.write(chunk)
            writer.keep()
        new, size = new + 1, size + member.size
    return new, size

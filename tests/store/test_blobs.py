"""Bytes by their digest: what is served is what was stored, whatever happened to the file.

Unaware of pictures.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from banana_pipe import disk
from banana_pipe.canonical import Digest, digest_of
from banana_pipe.errors import StoreError
from banana_pipe.store.blobs import Blobs

DATA = b"some bytes"


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@pytest.fixture(autouse=True)
def _nobody_watches_afterwards() -> Iterator[None]:
    yield
    disk.observe(None)


def damage(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def test_what_was_put_is_read(blobs: Blobs) -> None:
    """By its digest, from a read-only file of that name."""
    digest = blobs.put(DATA)
    path = blobs.root / digest[:2] / digest
    assert digest == digest_of(DATA)
    assert blobs.path(digest) == path
    assert blobs.read(digest) == path.read_bytes() == DATA
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_what_is_there_is_not_written_again(blobs: Blobs) -> None:
    """Write-once: the file stays the same file, and nothing durable is done."""
    digest = blobs.put(DATA)
    acts: list[str] = []
    disk.observe(lambda act, target: acts.append(act))
    before = blobs.path(digest).stat().st_ino
    assert blobs.put(DATA) == digest
    assert blobs.path(digest).stat().st_ino == before
    assert acts == []


@pytest.mark.parametrize("place", range(len(DATA)))
def test_a_flipped_bit_is_found_and_set_aside(place: int, blobs: Blobs) -> None:
    """Wrong bytes are missing bytes, kept for whoever wants to look, and can be put again."""
    digest = blobs.put(DATA)
    wrong = bytearray(DATA)
    wrong[place] ^= 1 << place % 8
    damage(blobs.path(digest), bytes(wrong))
    assert blobs.read(digest) is None
    assert not blobs.has(digest)
    assert (blobs.root.parent / "damaged" / digest).read_bytes() == wrong
    assert blobs.put(DATA) == digest
    assert blobs.read(digest) == DATA


@pytest.mark.parametrize("wrong", [b"", DATA[:-1], DATA + b"?"])
def test_a_cut_or_grown_blob_is_found(wrong: bytes, blobs: Blobs) -> None:
    """Also where it has no bytes at all."""
    digest = blobs.put(DATA)
    damage(blobs.path(digest), wrong)
    assert blobs.read(digest) is None


def test_a_link_in_its_place_is_never_followed(blobs: Blobs, tmp_path: Path) -> None:
    """Not even to the right bytes; and putting replaces the link, not what it points to."""
    digest = digest_of(DATA)
    assert blobs.has(digest) is False
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(DATA)
    blobs.path(digest).parent.mkdir(parents=True)
    blobs.path(digest).symlink_to(elsewhere)
    assert not blobs.has(digest)
    assert blobs.read(digest) is None
    assert blobs.put(DATA) == digest
    assert not blobs.path(digest).is_symlink()
    assert not elsewhere.stat().st_mode & stat.S_IXUSR
    assert stat.S_IMODE(elsewhere.stat().st_mode) != 0o444


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_missing(make: object, blobs: Blobs) -> None:
    """A folder or a pipe in its place neither stops us nor keeps us waiting."""
    path = blobs.path(digest_of(DATA))
    path.parent.mkdir(parents=True)
    make(path)  # type: ignore[operator]
    assert not blobs.has(digest_of(DATA))
    assert blobs.read(digest_of(DATA)) is None


def test_what_cannot_be_read_just_now_is_not_missing(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many open files must not turn into a second purchase."""
    digest = blobs.put(DATA)

    def no(*_: object, **__: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "open", no)
    monkeypatch.setattr(os, "lstat", no)
    with pytest.raises(StoreError, match="Too many open files"):
        blobs.read(digest)
    with pytest.raises(StoreError, match="Too many open files"):
        blobs.has(digest)


def test_what_breaks_off_while_it_is_read_is_not_missing(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails is no reason to buy again."""
    digest = blobs.put(DATA)

    def fail(_: int) -> os.stat_result:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", fail)
        with pytest.raises(StoreError, match=r"cannot read .*: Input/output error") as caught:
            blobs.read(digest)
    assert "not bought again" in str(caught.value.hint)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux shows a process its open files")
def test_reading_leaves_no_file_open(blobs: Blobs) -> None:
    """A run reads thousands of them."""
    digest = blobs.put(DATA)
    before = os.listdir("/proc/self/fd")
    assert [blobs.read(digest) for _ in range(8)] == [DATA] * 8
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_what_is_being_written_lies_beside_the_blobs(blobs: Blobs) -> None:
    """In a folder of its own on the same file system: its name is changed in one act, and no digest is its name."""
    with blobs.writer() as writer:
        writer.write(DATA)
        assert writer.path.parent == blobs.root / "new"
        assert writer.keep() == digest_of(DATA)


def test_what_lies_in_the_store_is_listed_in_order(blobs: Blobs, tmp_path: Path) -> None:
    """Whatever it is, by folder and name; neither what is being written nor hidden files, and links are not followed."""
    assert list(blobs.files()) == []
    there = {blobs.path(blobs.put(data)) for data in (b"1", b"2", b"3", b"4")}
    stray = blobs.path(digest_of(b"1")).with_name("stray")
    there.add(stray)
    stray.mkdir()
    (stray / "deeper").touch()
    stray.with_name(".hidden").touch()
    (blobs.root / "alone").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    (blobs.root / "link").symlink_to(tmp_path / "elsewhere")
    with blobs.writer() as writer:
        writer.write(DATA)
        assert list(blobs.files()) == sorted(there)


def test_a_store_that_cannot_be_listed_is_not_empty(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be taken for one that has lost everything."""

    def no(_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "scandir", no)
    with pytest.raises(StoreError, match=r"cannot read .*blobs: Too many open files"):
        list(blobs.files())


def test_what_is_set_aside_takes_nothings_place(blobs: Blobs) -> None:
    """Damaged thrice: three files, the first under its own name."""
    places = []
    for number in range(3):
        path = blobs.path(blobs.put(DATA))
        damage(path, bytes([number]))
        places.append(blobs.set_aside(path))
    folder, digest = blobs.root.parent / "damaged", digest_of(DATA)
    assert places == [folder / digest, folder / f"{digest}.2", folder / f"{digest}.3"]
    assert [place.read_bytes() for place in places] == [b"\0", b"\1", b"\2"]


@pytest.mark.parametrize("n", range(1, 12))
def test_a_crash_before_the_name_leaves_no_blob(n: int, blobs: Blobs) -> None:
    """Whole and named, or not there: nothing in between, at whichever act."""
    left = n

    def crash(act: str, target: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    disk.observe(crash)
    try:
        digest = blobs.put(DATA)
    except KeyboardInterrupt:
        disk.observe(None)
        named = [path for path in blobs.root.rglob("*") if path.is_file()]
        assert all(path == blobs.path(digest_of(DATA)) and path.read_bytes() == DATA for path in named)
        digest = blobs.put(DATA)
    assert blobs.read(digest) == DATA


def test_what_is_given_up_leaves_nothing(blobs: Blobs) -> None:
    """A download that ends early is thrown away; digest and size were those of what came."""
    with blobs.writer() as writer:
        writer.write(DATA)
        writer.write(DATA)
        assert (writer.digest, writer.size) == (digest_of(DATA * 2), len(DATA) * 2)
    assert [path for path in blobs.root.rglob("*") if path.is_file()] == []


def test_rejected_bytes_are_kept_outside_the_store(blobs: Blobs) -> None:
    """Under their digest, read-only, and they are no blob."""
    with blobs.writer() as writer:
        writer.write(DATA)
        blobs.reject(writer)
    kept = blobs.root.parent / "rejected" / digest_of(DATA)
    assert kept.read_bytes() == DATA
    assert stat.S_IMODE(kept.stat().st_mode) == 0o444
    assert not blobs.has(digest_of(DATA))


class LikeADict(RuleBasedStateMachine):
    """Whatever is put, streamed, damaged, removed: a blob is what was stored, or missing."""

    digests = Bundle("digests")

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.blobs = Blobs(Path(self.folder.name) / "blobs")
        self.there: dict[Digest, bytes] = {}
        self.unread: set[Digest] = set()

    @rule(target=digests, data=st.binary(max_size=4))
    def put(self, data: bytes) -> Digest:
        digest = self.blobs.put(data)
        self.there[digest] = data
        self.unread.discard(digest)
        return digest

    @rule(target=digests, chunks=st.lists(st.binary(max_size=3), max_size=3), keep=st.booleans())
    def stream(self, chunks: list[bytes], keep: bool) -> Digest:
        with self.blobs.writer() as writer:
            for chunk in chunks:
                writer.write(chunk)
            digest = writer.digest
            if keep:
                assert writer.keep() == digest
                self.there[digest] = b"".join(chunks)
                self.unread.discard(digest)
        return digest

    @rule(digest=digests, data=st.binary(max_size=4))
    def damage(self, digest: Digest, data: bytes) -> None:
        if digest in self.there and digest_of(data) != digest:
            damage(self.blobs.path(digest), data)
            del self.there[digest]
            self.unread.add(digest)

    @rule(digest=digests)
    def remove(self, digest: Digest) -> None:
        self.blobs.path(digest).unlink(missing_ok=True)
        self.there.pop(digest, None)
        self.unread.discard(digest)

    @rule(digest=digests)
    def read(self, digest: Digest) -> None:
        assert self.blobs.read(digest) == self.there.get(digest)
        self.unread.discard(digest)

    @invariant()
    def what_is_there_is_had(self) -> None:
        names = {Digest(path.name) for path in self.blobs.root.rglob("*") if path.is_file()}
        assert names == set(self.there) | self.unread
        assert all(self.blobs.has(digest) for digest in self.there)

    def teardown(self) -> None:
        self.folder.cleanup()


TestLikeADict = LikeADict.TestCase
TestLikeADict.settings = settings(max_examples=25, stateful_step_count=15)

"""What an output folder is believed to hold."""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import Event, Lock, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe import disk
from banana_pipe.canonical import Digest, digest_of
from banana_pipe.store import published as published_module
from banana_pipe.store.published import (
    JOURNAL,
    MANIFEST,
    MANIFEST_TYPE,
    Placed,
    Published,
    files_of,
    is_inside,
    journal_line,
)

NOBODY: frozenset[Digest] = frozenset()


def put(out: Path, path: str, data: bytes) -> Digest:
    disk.write_file(out / path, data)
    return digest_of(data)


def write_manifest(out: Path, files: dict[str, Digest]) -> None:
    entries = [{"path": path, "sha256": digest, "node": "n"} for path, digest in files.items()]
    put(out, MANIFEST, json.dumps({"type": MANIFEST_TYPE, "files": entries}).encode())


def test_a_file_of_the_manifest_is_found_and_read(tmp_path: Path) -> None:
    """What was published is as good as a blob."""
    digest = put(tmp_path, "scene/teal.png", b"teal")
    write_manifest(tmp_path, {"scene/teal.png": digest})
    published = Published(tmp_path)
    assert published.find(digest) == tmp_path / "scene/teal.png"
    assert published.read(digest) == b"teal"


def test_a_file_of_the_journal_is_found_as_soon_as_it_is_placed(tmp_path: Path) -> None:
    """An object that has looked before sees what others place later, before any manifest is written."""
    published = Published(tmp_path)
    digests = {}
    for name in ("a.bin", "b.bin"):
        digests[name] = put(tmp_path, name, name.encode())
        assert published.find(digests[name]) is None
        disk.append(tmp_path / JOURNAL, journal_line(Placed(name, digests[name], "n")))
        assert published.find(digests[name]) == tmp_path / name


def test_a_journal_line_that_a_crash_cut_off_spoils_no_other(tmp_path: Path) -> None:
    """The next line is whole, and so are those before it."""
    one, two = put(tmp_path, "one", b"1"), put(tmp_path, "two", b"2")
    disk.append(tmp_path / JOURNAL, journal_line(Placed("one", one, "n")))
    disk.append(tmp_path / JOURNAL, journal_line(Placed("lost", one, "n"))[:-9])
    published = Published(tmp_path)
    assert [placed.path for placed in published.placed()] == ["one"]
    disk.append(tmp_path / JOURNAL, journal_line(Placed("two", two, "n")))
    assert [placed.path for placed in published.placed()] == ["one", "two"]


def test_a_clone_without_manifest_is_searched_by_content(tmp_path: Path) -> None:
    """Committed pictures are enough, the unpicked takes among them; other files are not looked at."""
    digest = put(tmp_path, "_/takes/hero@2.webp", b"hero 2")
    other = put(tmp_path, "notes.txt", b"notes")
    half = put(tmp_path, "_/new/x.png", b"half")
    published = Published(tmp_path)
    assert published.read(digest) == b"hero 2"
    assert published.find(other) is None
    assert published.find(half) is None


def test_a_record_is_not_believed_about_bytes(tmp_path: Path) -> None:
    """A file that was changed or removed since is not served under its old digest."""
    digest = put(tmp_path, "a.png", b"as bought")
    write_manifest(tmp_path, {"a.png": digest})
    published = Published(tmp_path)
    assert published.find(digest)
    changed = put(tmp_path, "a.png", b"retouched")
    assert published.find(digest) is None
    assert published.read(digest) is None
    assert published.digest_at("a.png") == changed
    (tmp_path / "a.png").unlink()
    assert published.digest_at("a.png") is None


def test_a_folder_that_does_not_exist_holds_nothing(tmp_path: Path) -> None:
    """Before the first run there is nothing, and looking makes nothing."""
    published = Published(tmp_path / "out")
    assert published.find(digest_of(b"")) is None
    assert published.judge("a.png", digest_of(b""), NOBODY) == "absent"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("record", ["manifest", "journal", "lock"])
def test_ours_is_what_a_record_names(tmp_path: Path, record: str) -> None:
    """Manifest, journal and lock file each tell our files from others."""
    old, wanted = put(tmp_path, "a.png", b"old"), digest_of(b"new")
    published = Published(tmp_path)
    assert published.judge("a.png", wanted, NOBODY) == "by hand"
    if record == "manifest":
        write_manifest(tmp_path, {"a.png": old})
    if record == "journal":
        disk.append(tmp_path / JOURNAL, journal_line(Placed("a.png", old, "n")))
    known = {old} if record == "lock" else NOBODY
    assert published.judge("a.png", wanted, known) == "ours"
    assert published.judge("a.png", old, NOBODY) == "same"


def test_what_a_record_names_elsewhere_is_by_hand(tmp_path: Path) -> None:
    """A person who copies one of our files over another has changed it."""
    old = put(tmp_path, "a.png", b"old")
    put(tmp_path, "b.png", b"old")
    write_manifest(tmp_path, {"a.png": old})
    assert Published(tmp_path).judge("b.png", digest_of(b"new"), NOBODY) == "by hand"


def test_what_is_no_file_is_by_hand_and_never_opened(tmp_path: Path) -> None:
    """A folder, a dead link or a pipe in a picture's place is somebody's, and reading a pipe would hang."""
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "link.png").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    published = Published(tmp_path)
    for name in ("folder.png", "link.png", "pipe.png"):
        assert published.judge(name, digest_of(b"x"), NOBODY) == "by hand"
    assert published.find(digest_of(b"x")) is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"name": "web app"}', b'{"type": "banana-pipe/manifest/v1", "files": {}}', b"\xff"]
)
def test_a_manifest_that_is_not_ours_or_damaged_names_nothing(tmp_path: Path, content: bytes) -> None:
    """Nothing is ours by the word of a file that we cannot read."""
    put(tmp_path, MANIFEST, content)
    assert Published(tmp_path).placed() == []


def test_a_manifest_leads_nowhere_else(tmp_path: Path) -> None:
    """A path that leaves the folder is passed over, whoever wrote it."""
    secret = put(tmp_path, "secret.txt", b"secret")
    out = tmp_path / "out"
    write_manifest(out, {"../secret.txt": secret, str(tmp_path / "secret.txt"): secret})
    assert Published(out).find(secret) is None
    assert Published(out).digest_at("../secret.txt") is None
    assert list(files_of(Published(out).manifest())) == []


@given(st.lists(st.sampled_from(["a", "..", ".", "", "b.png", "\0", "\ud800"]), max_size=4).map("/".join))
def test_inside_is_what_has_only_plain_parts(path: str) -> None:
    """The path that is judged as a text stays below the folder as a file, and can be that of one."""
    if is_inside(path):
        assert os.path.normpath(f"/out/{path}") == f"/out/{path}"
        assert os.fsencode(path)


class _Busy:
    """A lock that tells when somebody has to wait for it."""

    def __init__(self, somebody_waits: Event) -> None:
        self._lock, self._somebody_waits = Lock(), somebody_waits

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._somebody_waits.set()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_threads_that_look_at_once_miss_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop asks for bytes while a thread places files: neither makes the other pass over a line."""
    reader, other_is_done = published_module._bytes_of, Event()
    held_up: list[Thread] = []

    def place(*names: str) -> None:
        for name in names:
            disk.append(tmp_path / JOURNAL, journal_line(Placed(name, put(tmp_path, name, b""), "n")))

    def look() -> None:
        published.placed()
        other_is_done.set()

    def slow(path: Path, start: int = 0) -> bytes | None:
        data = reader(path, start)
        if path.name == "journal.jsonl" and not held_up:
            held_up.append(Thread(target=look))
            held_up[0].start()
            other_is_done.wait()
        return data

    published = Published(tmp_path)
    monkeypatch.setattr(published_module, "_bytes_of", slow)
    monkeypatch.setattr(published._records, "_guard", _Busy(other_is_done))
    place("a")
    published.placed()
    held_up[0].join()
    place("b", "c", "d")
    assert [placed.path for placed in published.placed()] == ["a", "b", "c", "d"]

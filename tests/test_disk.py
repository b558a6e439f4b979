"""Durable acts: whole or not there, announced before they happen, and explained where they fail.

Unaware of what the bytes mean.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from banana_pipe import disk
from banana_pipe.errors import StoreError

ROOT = Path(__file__).parent.parent


class Stop(BaseException):
    """The process ends here."""


@pytest.fixture(autouse=True)
def _nobody_watches_afterwards() -> Iterator[None]:
    yield
    disk.observe(None)


def acts_of(folder: Path, path: Path) -> list[tuple[str, str]]:
    """What writing *path* announces, names relative to *folder*, temporary names left out."""
    seen: list[tuple[str, str]] = []
    disk.observe(lambda act, target: seen.append((act, os.path.relpath(target, folder))))
    disk.write_file(path, b"new")
    disk.observe(None)
    return [(act, "*" if disk.TEMPORARY_PREFIX in target else target) for act, target in seen]


def test_a_file_is_synced_before_it_has_its_name_and_its_name_after(tmp_path: Path) -> None:
    """Write, sync, rename, sync the folder: in this order, new folders first."""
    assert acts_of(tmp_path, tmp_path / "a" / "b") == [
        ("mkdir", "a"),
        ("sync", "."),
        ("create", "*"),
        ("write", "*"),
        ("sync", "*"),
        ("rename", "a/b"),
        ("sync", "a"),
    ]


@pytest.mark.parametrize("n", range(1, 8))
def test_a_crash_leaves_the_old_file_or_the_new_one(n: int, tmp_path: Path) -> None:
    """At whichever act it happens."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    left = n

    def crash(act: str, target: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Stop

    disk.observe(crash)
    try:
        disk.write_file(path, b"new")
    except Stop:
        assert path.read_bytes() == (b"old" if n < 5 else b"new")
    else:
        assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("act", ["mkdir", "create", "write", "sync", "rename"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_an_act_that_fails_is_explained(act: str, number: int, tmp_path: Path) -> None:
    """Where, what, and what to do; and nothing half is left."""

    def fail(what: str, target: str) -> None:
        if what == act:
            raise OSError(number, os.strerror(number))

    disk.observe(fail)
    with pytest.raises(StoreError) as caught:
        disk.write_file(tmp_path / "new" / "file", b"data")
    assert str(tmp_path) in caught.value.message
    assert os.strerror(number) in caught.value.message
    assert (caught.value.hint is None) == (number == errno.EIO)
    assert not list(tmp_path.rglob("*file*"))
    assert not list(tmp_path.rglob(f"{disk.TEMPORARY_PREFIX}*"))


def test_a_full_disk_is_said_once_and_leaves_nothing(tmp_path: Path) -> None:
    """What is still buffered is thrown away: it does not fail a second time, in other words."""
    script = f"""
import resource, signal
from pathlib import Path
from banana_pipe import disk
from banana_pipe.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    disk.write_file(Path({str(tmp_path / "file")!r}), b"x" * 5000)
except StoreError as error:
    print("explained", error.message)
"""
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert child.stdout.startswith("explained cannot write"), child.stderr
    assert list(tmp_path.iterdir()) == []


def test_appending_writes_all_of_it(tmp_path: Path) -> None:
    """Two lines, one behind the other."""
    disk.append(tmp_path / "log", b"one\n")
    disk.append(tmp_path / "log", b"two\n" * 1000)
    assert (tmp_path / "log").read_bytes() == b"one\n" + b"two\n" * 1000


def test_a_link_in_place_of_what_is_appended_to_is_not_followed(tmp_path: Path) -> None:
    """A folder from a stranger must not have us write into the user's own files."""
    victim, link = tmp_path / ".bashrc", tmp_path / "journal.jsonl"
    victim.write_bytes(b"mine")
    link.symlink_to(victim)
    with pytest.raises(StoreError, match="links"):
        disk.append(link, b"theirs")
    assert victim.read_bytes() == b"mine"


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    """Also within one process; and it is free as soon as it is given back."""
    lock = disk.try_lock(tmp_path / "lock")
    assert lock is not None
    assert disk.try_lock(tmp_path / "lock") is None
    lock.release()
    again = disk.try_lock(tmp_path / "lock")
    assert again is not None
    again.release(unlink=True)
    assert not (tmp_path / "lock").exists()


def test_a_lock_whose_file_was_unlinked_meanwhile_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has opened the old file takes the new one, so that all hold the same."""
    path, flock = tmp_path / "lock", fcntl.flock
    first = disk.try_lock(path)
    assert first is not None

    def late(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        first.release(unlink=True)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    second = disk.try_lock(path)
    assert second is not None
    assert path.exists()
    assert disk.try_lock(path) is None
    second.release()


def test_a_lock_is_free_when_its_holder_was_killed(tmp_path: Path) -> None:
    """Whatever it is on, a file or a folder: there is nothing to clean up."""
    script = """
import sys
from pathlib import Path
from banana_pipe import disk
here = Path(sys.argv[1])
held = disk.try_lock(here / "lock"), disk.try_lock_folder(here, else_lock=here / "never")
print(all(held), flush=True)
input()
"""

    def taken() -> list[disk.FileLock | None]:
        return [disk.try_lock(tmp_path / "lock"), disk.try_lock_folder(tmp_path, else_lock=tmp_path / "never")]

    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "True\n"
    assert taken() == [None, None]
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert all(taken())


def test_a_folder_that_took_anothers_place_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git may replace the folder between opening and locking: all hold the one that has the name."""
    folder, flock = tmp_path / "recipes", fcntl.flock
    folder.mkdir()

    def late(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        folder.rename(tmp_path / "old")
        folder.mkdir()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    held = disk.try_lock_folder(folder, else_lock=tmp_path / "never")
    assert held is not None
    assert disk.try_lock_folder(folder, else_lock=tmp_path / "never") is None
    held.release()


def test_where_folders_have_no_lock_a_file_elsewhere_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS locks what is open for writing, which no folder is."""
    flock = fcntl.flock

    def like_nfs(descriptor: int, operation: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", like_nfs)
    spare = tmp_path / "cache" / "turn"
    held = disk.try_lock_folder(tmp_path, else_lock=spare)
    assert held is not None
    assert held.path == spare
    assert disk.try_lock_folder(tmp_path, else_lock=spare) is None
    held.release()


def test_a_link_in_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    """Nor is what it points to made."""
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError):
        disk.try_lock(tmp_path / "lock")
    assert not (tmp_path / "elsewhere").exists()

"""What `doctor` looks at, each thing when it is right and when it is not. Unaware of how it is shown."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from banana_pipe import disk, examining
from banana_pipe.clock import SystemClock
from banana_pipe.examining import CLOCK_SECONDS, Check, examine, file_system
from banana_pipe.providers.secret import Token
from banana_pipe.workspace import Access
from tests.canary import CANARY
from tests.vendor.fixture import vendor
from tests.vendor.server import Vendor

__all__ = ["vendor"]


class Watch(SystemClock):
    """The machine's clock, *wrong* by some seconds."""

    def __init__(self, wrong: float) -> None:
        self._wrong = wrong

    def now(self) -> float:
        return super().now() + self._wrong


def checks(cache: Path, access: Access | None = None, **more: Any) -> dict[str, Check]:
    found = asyncio.run(examine(cache, access or Access(), **more))
    return {check.name: check for check in found}


def at(vendor: Vendor, token: str = CANARY) -> Access:
    return Access(Token(token), vendor.base_url)


@pytest.fixture
def refusing() -> Iterator[Any]:
    """A disk that refuses an act."""

    def refuse(act: str) -> None:
        def observer(what: str, _: str) -> None:
            if what == act:
                raise OSError(errno.EROFS, "Read-only file system")

        disk.observe(observer)

    yield refuse
    disk.observe(None)


def test_a_machine_in_order_is_told_so_and_left_as_it_was(tmp_path: Path, vendor: Vendor) -> None:
    """No cache is made, nothing is bought, no file stays."""
    found = checks(tmp_path / "cache", at(vendor))
    bad = [check for check in found.values() if check.verdict == "bad"]
    assert bad == []
    assert found["provider"].verdict == "good"
    assert list(tmp_path.iterdir()) == []
    assert vendor.posts == []


def test_a_disk_that_takes_nothing_is_bad(tmp_path: Path, refusing: Any) -> None:
    """A run would stop there before it buys."""
    refusing("sync")
    found = checks(tmp_path)["disk"]
    assert (found.verdict, "Read-only" in found.words, found.hint is not None) == ("bad", True, True)


def test_locks_that_hold_nobody_back_are_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system that says yes to everybody."""
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    assert checks(tmp_path)["locks"].verdict == "bad"
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with the way on."""

    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    found = checks(tmp_path)["locks"]
    assert (found.verdict, "--cache" in (found.hint or "")) == ("bad", True)


@pytest.mark.parametrize(("free", "verdict"), [(1 << 20, "bad"), (1 << 29, "warning"), (1 << 40, "good")])
def test_space_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, verdict: str) -> None:
    """Too little for a picture is bad, little is worth knowing."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert checks(tmp_path)["space"].verdict == verdict


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /srv/my\\040pictures nfs4 rw 0 0
tmpfs /srv/my\\040pictures/fast tmpfs rw 0 0
none /srv/my\\040pictures/fast overlay rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/", "ext4"), ("/srv", "ext4"), ("/srv/my pictures/fox", "nfs4"), ("/srv/my pictures/fast/x", "overlay")],
)
def test_the_file_system_of_a_folder_is_the_nearest_mount(tmp_path: Path, folder: str, kind: str) -> None:
    """Spaces in names included; of two mounts at one place the later one counts."""
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert file_system(Path(folder), mounts) == kind
    assert file_system(Path(folder), tmp_path / "none") is None


def test_a_cache_over_a_network_is_worth_knowing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its locks are as good as its server."""
    monkeypatch.setattr(examining, "file_system", lambda _: "nfs4")
    assert checks(tmp_path)["file system"].verdict == "warning"


def test_an_old_sqlite_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger could not be made."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 7, 17))
    assert checks(tmp_path)["sqlite"].verdict == "bad"


def test_a_damaged_ledger_is_bad(tmp_path: Path) -> None:
    """It is read as runs read it."""
    (tmp_path / "ledger.db").write_bytes(b"no database at all" * 100)
    assert checks(tmp_path)["ledger"].verdict == "bad"


def test_a_clock_before_this_program_was_made_is_bad(tmp_path: Path) -> None:
    """A machine whose battery is empty wakes up in 1970."""
    assert checks(tmp_path, clock=Watch(-40 * 365 * 86_400))["clock"].verdict == "bad"


def test_old_prices_are_worth_knowing(tmp_path: Path) -> None:
    """What a run says that it costs is as good as they are."""
    found = checks(tmp_path, clock=Watch(400 * 86_400))["prices"]
    assert (found.verdict, "days old" in found.words) == ("warning", True)


def test_an_engine_whose_end_has_come_is_worth_knowing(tmp_path: Path) -> None:
    """The name stays, and something else may draw."""
    before, after = (checks(tmp_path, clock=Watch(days * 86_400))["engines"] for days in (-3 * 365, 2 * 365))
    assert before.verdict == "good"
    assert (after.verdict, "nano-banana (gemini-2.5-flash-image, 2026-10-02)" in after.words) == ("warning", True)


@pytest.mark.parametrize("wrong", [CLOCK_SECONDS * 2, -CLOCK_SECONDS * 2])
def test_a_clock_that_differs_from_the_providers_is_bad(tmp_path: Path, vendor: Vendor, wrong: float) -> None:
    """Calls are looked up by their time."""
    found = checks(tmp_path, at(vendor), clock=Watch(wrong))["provider"]
    assert (found.verdict, ("behind" if wrong > 0 else "ahead") in found.words) == ("bad", True)


def test_a_provider_that_lists_nothing_is_worth_knowing(tmp_path: Path, vendor: Vendor) -> None:
    """A call whose answer is lost stays in doubt there."""
    vendor.behave(listing="never")
    assert checks(tmp_path, at(vendor))["provider"].verdict == "warning"


def test_a_token_that_is_not_taken_is_bad(tmp_path: Path, vendor: Vendor) -> None:
    """In the provider's own words."""
    assert checks(tmp_path, at(vendor, "another"))["provider"].verdict == "bad"


def test_nobody_is_asked_offline(tmp_path: Path, vendor: Vendor) -> None:
    """With a token it is said whom a run would ask; without, how to get one."""
    assert checks(tmp_path, at(vendor), ask=False)["provider"].verdict == "good"
    assert vendor.received == []
    assert checks(tmp_path)["provider"].verdict == "warning"


def test_a_provider_that_cannot_be_reached_is_bad(tmp_path: Path) -> None:
    """Nothing listens there."""
    found = checks(tmp_path, Access(Token(CANARY), "http://127.0.0.1:9"))["provider"]
    assert (found.verdict, "127.0.0.1" in found.words) == ("bad", True)

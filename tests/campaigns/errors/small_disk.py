"""A disk of a size that can be changed: a file system in memory that only the processes in it see by its name.

Unaware of what is kept there. Needs Linux with user namespaces, and no rights besides.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.campaigns.nursery import Nursery

_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


def is_there() -> bool:
    """Whether this system lets everybody make one."""
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        return False
    mount = [*_NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(mount, capture_output=True, check=False).returncode == 0


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A disk, and the nursery whose children are on it; *folder* is its root, by a name that is good everywhere."""

    nursery: Nursery
    point: Path

    @property
    def folder(self) -> Path:
        return Path(f"/proc/{self.nursery.pid}/root{self.point}")

    def resize(self, size: int) -> None:
        """Give it *size* bytes."""
        self.mount(["-o", f"remount,size={size}", str(self.point)])

    def leave_free(self, size: int) -> None:
        """Have *size* bytes free."""
        told = os.statvfs(self.folder)
        self.resize((told.f_blocks - told.f_bfree) * told.f_frsize + size)

    def mount(self, arguments: Sequence[str]) -> None:
        """Call `mount` where it is mounted."""
        enter = ["nsenter", "--target", str(self.nursery.pid), "--user", "--mount", "--preserve-credentials"]
        subprocess.run([*enter, "mount", *arguments], check=True)


@contextmanager
def small_disk(point: Path, size: int) -> Iterator[SmallDisk]:
    """One of *size* bytes; *point* is an empty folder, and stays empty for everybody else."""
    point.mkdir(parents=True)
    with Nursery(_NAMESPACE) as nursery:
        disk = SmallDisk(nursery, point)
        nursery.wait()
        disk.mount(["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(point)])
        yield disk

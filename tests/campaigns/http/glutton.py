"""`python -m tests.campaigns.http.glutton FOLDER`: swallow every bomb in it, and tell by how many MiB this process grew at most.

Unaware of how much is too much, and of how bombs are made: the most that a process ever had does not
go down again, so that this one must have had little.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import resource
import sys
import tempfile
from pathlib import Path

from banana_pipe.clock import SystemClock
from banana_pipe.images import NotAPicture, measure_file
from banana_pipe.providers.acedata import AceData
from banana_pipe.providers.base import Picture, Prepared, ProviderError
from banana_pipe.providers.secret import Token
from tests.canary import CANARY
from tests.providers.loopback import says, serving
from tests.vendor.pictures import noise

_KIB_IN_MIB = 1024
_GOOD = b'{"success": true, "task_id": "t", "items": []}'
_WAYS = ("submit", "poll", "list", "download")


async def _ask(way: str, body: bytes, folder: Path, packing: str) -> None:
    clock = SystemClock()
    async with serving(says(200, body, content_encoding=packing)) as server:
        provider = AceData(server.url, Token(CANARY), clock)
        with contextlib.suppress(ProviderError):
            if way == "submit":
                await provider.submit(Prepared(b"{}", "w", 1), not_after=clock.boot() + 600, timeout=600)  # type: ignore[arg-type]
            elif way == "poll":
                await provider.poll(["t"])
            elif way == "list":
                await provider.tasks_since(0.0)
            else:
                await provider.fetch(Picture(url=f"{server.url}/a.png"), lambda piece: None)
        await provider.close()


def _look_at(picture: bytes, folder: Path) -> None:
    path = folder / "picture"
    path.write_bytes(picture)
    with contextlib.suppress(NotAPicture):
        measure_file(path)


def _most() -> float:
    """The most memory this process ever had, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # what `getrusage` says here may have been its parent's
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
        assert found
        return int(found[1]) / _KIB_IN_MIB
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / _KIB_IN_MIB / (_KIB_IN_MIB if sys.platform == "darwin" else 1)


def swallow(bombs: Path, scratch: Path) -> dict[str, float]:
    """MiB on top of what was needed before, by bomb: files `*.gz` are answers, all others pictures."""
    for way in _WAYS:
        asyncio.run(_ask(way, _GOOD, scratch, ""))
    _look_at(noise(b"x", kind="png", kb=0), scratch)
    before, grown = _most(), {}
    for path in sorted(bombs.iterdir()):
        if path.suffix == ".gz":
            for way in _WAYS:
                asyncio.run(_ask(way, path.read_bytes(), scratch, "gzip"))
        else:
            _look_at(path.read_bytes(), scratch)
        grown[path.name] = _most() - before
    return grown


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        sys.stdout.write(json.dumps(swallow(Path(sys.argv[1]), Path(made))))

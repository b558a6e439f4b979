"""What a large lock file costs: to adopt what was bought, to read it, to pick, accept and clean, a request.

Unaware of buying. Each size in a fresh process: requests with a picture each, a label and three digests that were read,
through the functions that commands call, with the file written and synced each time.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from banana_pipe.canonical import digest_of
from banana_pipe.clock import SystemClock
from banana_pipe.model import Artifact, BaseKey, Key, Result
from banana_pipe.store import lockfile, pins
from banana_pipe.store.pins import Bought, LockFile
from benchmarks.table import exponent

GOAL = 1.1
_SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many requests took: processor seconds by what was done, and the bytes of the file."""

    requests: int
    bytes: int
    adopt: float
    read: float
    pick: float
    accept: float
    clean: float


def main() -> None:
    """Print seconds for each size and act, microseconds a request, and how fast each act grows."""
    costs = [_in_fresh_process(size) for size in _SIZES]
    acts = [field.name for field in fields(Cost) if field.name not in ("requests", "bytes")]
    for cost in costs:
        parts = ", ".join(f"{act} {getattr(cost, act):.2f}" for act in acts)
        print(f"lock: {cost.requests:7,} requests, {cost.bytes / 1e6:6.1f} MB: {parts} s")
    sizes = [cost.requests for cost in costs]
    slopes = {act: exponent(sizes, [getattr(cost, act) for cost in costs]) for act in acts}
    last = costs[-1]
    each = (last.adopt + last.read) / last.requests * 1e6
    print(f"lock: adopting and reading take {each:.0f} µs a request at {last.requests:,}")
    grown = ", ".join(f"{act} by requests ** {slope:.2f}" for act, slope in slopes.items())
    print(f"lock: time grows: {grown} (goal: at most {GOAL})")


def _in_fresh_process(requests: int) -> Cost:
    command = [sys.executable, "-m", "benchmarks.lock", str(requests)]
    return Cost(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _measure(requests: int) -> dict[str, float]:
    bought = [_bought(number) for number in range(requests)]
    labels = {one.base: [f"scene[sku=s-{number:06}]"] for number, one in enumerate(bought)}
    picks = dict.fromkeys(labels, 1)
    costs: dict[str, float] = {"requests": requests}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.lock"

        def change(how: Callable[[LockFile], LockFile]) -> LockFile:
            return asyncio.run(lockfile.update(path, Path(folder) / "turn", how, SystemClock()))

        costs["adopt"] = _seconds(lambda: change(lambda lock: pins.with_labels(pins.with_takes(lock, bought), labels)))
        costs["bytes"] = path.stat().st_size
        costs["read"] = _seconds(lambda: _read(path, labels))
        lock = lockfile.read(path)
        costs["pick"] = _seconds(lambda: change(partial(pins.with_picks, picks=picks)))
        pictures = [(block, block.takes[1].artifact) for block in lock.blocks.values()]
        costs["accept"] = _seconds(lambda: change(partial(pins.with_accepted, pictures=pictures, now=1.0)))
        half = set(list(labels)[::2])
        costs["clean"] = _seconds(lambda: change(partial(pins.without, bases=half, urls=())))
        assert len(lockfile.read(path).blocks) == requests - len(half)
    return costs


def _read(path: Path, labels: dict[BaseKey, list[str]]) -> None:
    """Read the file, and find what each node asked last."""
    lock = lockfile.read(path)
    assert all(lock.latest_with_label(label) for (label,) in labels.values())


def _bought(number: int) -> Bought:
    name = f"{number}".encode()
    key, picture = digest_of(b"key" + name), digest_of(b"picture" + name)
    artifact = Artifact(picture, "image/png", 1024, 1024, 1_500_000 + number)
    result = Result(Key(key), artifact, "acedata", "nano-banana-pro", None, f"task-{number}", None, 100_000, 1.8e9)
    inputs = tuple(digest_of(f"{number} {place}".encode()) for place in range(3))
    return Bought(BaseKey(digest_of(b"base" + name)), 1, inputs, result)


def _seconds(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]))))

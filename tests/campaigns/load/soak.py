"""`python -m tests.campaigns.load.soak SECONDS FOLDER MANNER`: one process buys, ten at once, while one in a hundred of
everything goes wrong; and tells what it made of it, how many files it has open and how much memory it takes.

Unaware of how much is too much.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

from banana_pipe.providers import http
from tests.campaigns.errands import do
from tests.campaigns.projects import Project, Shape, Verdict, judge
from tests.canary import CANARY
from tests.vendor import FOREVER, Endpoint, Fault, VendorProcess

MANNERS = {
    "large": {"calls": 100, "chance": 0.01, "silent": 3.0, "settle": 8.0},
    "small": {"calls": 40, "chance": 0.02, "silent": 1.5, "settle": 4.0},
}
"""Calls of one round, then comes another project; the chance of each fault; and seconds: who hangs is left alone so soon
(it is minutes, elsewhere), and what is absent after so long is, since the vendor is next door, but on a busy machine."""
MOST_RUNS = 8
"""Until a project has to be done."""
PACE = {"calls": 10, "poll": 0.1}

_KINDS: Mapping[Endpoint, Sequence[Fault]] = {
    "submit": (
        *(Fault(kind) for kind in ("reset_before", "hang", "html", "bare", "fails", "truncate", "short")),
        *(Fault(kind) for kind in ("reset_after_accept", "hang_after_accept", "html_after_accept")),
        *(Fault(kind) for kind in ("bare_after_accept", "success_without_data")),
        Fault("status", number=429, retry_after=1),
        Fault("status", number=500, code="api_error"),
        Fault("status_after_accept", number=504, code="timeout"),
        Fault("drip", pause=0.001),
    ),
    "poll": (
        *(Fault(kind) for kind in ("bare", "html", "reset_before", "hang", "truncate", "short")),
        *(Fault(kind) for kind in ("null_response", "success_without_data", "string_error", "forgets")),
        Fault("no_success_flag"),
        Fault("status", number=429, retry_after=1),
    ),
    "list": tuple(Fault(kind) for kind in ("bare", "html", "reset_before", "hang", "truncate", "short")),
    "download": (
        *(Fault(kind) for kind in ("bare", "html", "reset_before", "hang", "truncate", "short")),
        *(Fault(kind) for kind in ("garbage", "dead_link")),
        Fault("truncate", length="right"),
    ),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """The process between two rounds."""

    seconds: float
    open_files: int
    mib: float
    """Resident, in the page tables' view: what is held, and what the allocator keeps to give again."""
    held: float
    """Of these, MiB that somebody holds, by the C library's own books."""


@dataclass(slots=True)
class Soaked:
    """What came of it."""

    rounds: int = 0
    runs: int = 0
    requests: int = 0
    """Charged, or to be."""
    posts: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    samples: list[Sample] = field(default_factory=list)


def soak(seconds: float, folder: Path, manner: Mapping[str, float]) -> Soaked:
    """Buy for so long in that *manner* (see `MANNERS`), and finish the round that is begun."""
    http.FREE_CALL_SECONDS = http.DOWNLOAD_SECONDS = http.SILENT_SECONDS = manner["silent"]
    soaked = Soaked()
    began = time.monotonic()
    with VendorProcess(token=CANARY, delay=0.05) as vendor:
        for number in count():
            _round(number, vendor, folder, soaked, manner)
            soaked.samples.append(_sample(time.monotonic() - began))
            if time.monotonic() - began >= seconds:
                return soaked
    raise AssertionError("unreachable")


def _round(number: int, vendor: VendorProcess, folder: Path, soaked: Soaked, manner: Mapping[str, float]) -> None:
    vendor.reset()
    for endpoint, faults in _KINDS.items():
        vendor.fault(endpoint, *(_now_and_then(fault, manner["chance"]) for fault in faults))
    project = Project.make(folder / str(number), _shape(number, round(manner["calls"])))
    errand = project.errand(vendor, pace={**PACE, "settle": manner["settle"]})
    ended, runs = do(errand), 1
    while ended.exit_code != 0 and runs < MOST_RUNS:
        ended, runs = do(errand), runs + 1
    soaked.runs += runs
    if ended.exit_code != 0:
        soaked.verdict.lost.append(f"round {number}: exit code {ended.exit_code}: {ended.error} {ended.statuses}")
    soaked.verdict.add(judge(project, vendor))
    soaked.rounds += 1
    soaked.requests += len(project.shape.pictures)
    soaked.posts += vendor.counts.get("submit", 0)
    shutil.rmtree(project.root)


def _now_and_then(fault: Fault, chance: float) -> Fault:
    told = {name: getattr(fault, name) for name in Fault.__dataclass_fields__}
    return Fault(**{**told, "chance": chance, "times": FOREVER})


def _shape(number: int, calls: int) -> Shape:
    scenes = range(1, calls)
    text = f"""
    version: 1
    timeout: 10
    steps:
      cup: {{generate: "Cup of round {number}"}}
      scene:
        matrix: {{place: [{", ".join(f"p{scene}" for scene in scenes)}]}}
        images: cup
        edit: Take it to {{{{ place }}}}
    """
    scenery = {f"scene/p{scene}": f"Take it to p{scene}" for scene in scenes}
    return Shape("soak", text, {"cup": f"Cup of round {number}"} | scenery)


def _sample(seconds: float) -> Sample:
    gc.collect()  # a connection that was cut off may stand in a circle with its error
    held = _held()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Sample(seconds, len(os.listdir("/proc/self/fd")), pages * os.sysconf("SC_PAGE_SIZE") / 2**20, held)


class _Books(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in [
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        ]
    ]


def _held() -> float:
    """MiB in use, after what is free was given back; 0 where the C library does not tell."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):
        return 0.0
    library.malloc_trim(0)
    library.mallinfo2.restype = _Books
    books = library.mallinfo2()
    return float(books.uordblks + books.hblkhd) / 2**20


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[2]) as scratch:
        soaked = soak(float(sys.argv[1]), Path(scratch), MANNERS[sys.argv[3]])
        sys.stdout.write(json.dumps(asdict(soaked)))

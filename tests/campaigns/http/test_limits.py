"""Limits of time and memory hold: drips end, bombs stay small, what is cut off is no picture, dead links are lost.

Unaware of how they are held. The limits of time are made small here; nobody measures how long it took: a drip
would last for minutes, and who ended it was the limit.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from banana_pipe import images
from banana_pipe.images import NotAPicture, measure
from banana_pipe.providers import http
from tests.campaigns.errands import Ended
from tests.campaigns.http.teller import READER, Teller
from tests.campaigns.http.test_rows import BOMBS
from tests.campaigns.projects import Project, Shape, judge, manifest_of
from tests.campaigns.score import Line, Tell
from tests.vendor import FOREVER, Endpoint, Fault, Vendor
from tests.vendor.pictures import noise

_ROOT = Path(__file__).absolute().parents[3]
MOST_MIB = 64
_MB = 1_000_000
SOON = 0.4
"""Seconds of the system's clock, in place of minutes."""

HASTY = Shape("hasty", READER.text.replace("bowl: {", "bowl: {timeout: 1, "), READER.pictures)
"""The second call has a second in all."""


# --- time -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["drip", "hang"])
@pytest.mark.parametrize("endpoint", ["submit", "poll", "list", "download"])
def test_a_deadline_holds_against_a_slow_drip(
    strange: Vendor,
    told: Teller,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    endpoint: Endpoint,
    kind: str,
) -> None:
    """H5: an answer that comes byte by byte, or never, is cut off and asked for again, or looked up: one charge."""
    for name in ("FREE_CALL_SECONDS", "DOWNLOAD_SECONDS", "SILENT_SECONDS"):
        monkeypatch.setattr(http, name, SOON)
    if endpoint == "list":
        strange.fault("submit", Fault("reset_after_accept", match="bowl"))
    match = "" if endpoint == "list" else "bowl"
    strange.fault(endpoint, Fault(kind, number=1, pause=0.05, match=match))
    project = Project.make(tmp_path / "shop", HASTY if endpoint == "submit" else READER)
    ended = told(project)
    assert ended.exit_code == 0, ended
    assert judge(project, strange).wrong == []
    assert not any(strange.faults_left.values())
    again = {"submit": 3 if kind == "hang" else 2, "poll": 3, "list": 2, "download": 3}
    assert strange.counts[endpoint] >= again[endpoint]


# --- memory -----------------------------------------------------------------------------------------


def _packed(start: bytes, filling: bytes, times: int, end: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    filled = b"".join(packer.compress(filling) for _ in range(times))
    return packer.compress(start) + filled + packer.compress(end) + packer.flush()


def _bombs() -> Mapping[str, bytes]:
    """Answers of some hundred KB that want to be hundreds of MB, and pictures that say they are huge."""
    pictures = {f"{number}.picture": bomb for number, bomb in enumerate(BOMBS)}
    return pictures | {
        "a-name.gz": _packed(b'{"task_id": "', b"a" * _MB, 70, b'"}'),
        "deep.gz": _packed(b"", b"[" * _MB, 70, b""),
        "objects.gz": _packed(b'{"items": [', b'{"":0},' * 10_000, 100, b"{}]}"),
        "small-objects.gz": _packed(b'{"items": [', b'{"":0},' * 1_000, 140, b"{}]}"),
        "spaces.gz": _packed(b"", b" " * _MB, 100, b""),
    }


def _swallowed(bombs: Mapping[str, bytes], folder: Path) -> dict[str, float]:
    """MiB that a process of its own grew by, by bomb, each on top of those before."""
    folder.mkdir()
    for name, data in bombs.items():
        (folder / name).write_bytes(data)
    command = [sys.executable, "-m", "tests.campaigns.http.glutton", str(folder)]
    ended = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(ended.stdout))


@pytest.mark.both
def test_bombs_of_gzip_and_of_pixels_cost_less_than_64_mib(tmp_path: Path, tell: Tell) -> None:
    """H16, C5: as answers to a paid call, to a poll and to a listing, and as pictures."""
    grown = _swallowed(_bombs(), tmp_path / "bombs")
    tell(Line(4, "bombs of gzip and of pixels", len(grown), figure=f"{max(grown.values()):.0f} MiB at most"))
    assert max(grown.values()) < MOST_MIB, grown


@pytest.mark.campaign
def test_the_largest_picture_that_is_taken_is_seen_in_the_measure(tmp_path: Path, tell: Tell) -> None:
    """The measure can fail: 64 million pixels are decoded, and cost what they are."""
    width = int(images.MAX_PIXELS**0.5)
    rows = zlib.compress(bytes(width * (width * 3 + 1)), 9)
    header = noise(b"x", kind="png", kb=0)[:8]
    chunks = [(b"IHDR", width.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])), (b"IDAT", rows), (b"IEND", b"")]
    whole = header + b"".join(
        len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big") for name, data in chunks
    )
    (grown,) = _swallowed({"largest": whole}, tmp_path / "bombs").values()
    tell(Line(4, "the largest picture that is taken", 1, figure=f"{len(whole):,} bytes cost {grown:.0f} MiB"))
    assert grown > MOST_MIB


# --- pictures ---------------------------------------------------------------------------------------


@pytest.mark.both
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_picture_that_is_cut_off_anywhere_is_none(kind: str, tell: Tell) -> None:
    """C3, C6: not one of its beginnings is a picture, however much is missing."""
    whole = _picture(kind)
    taken = [end for end in range(len(whole)) if _is_picture(whole[:end])]
    assert _is_picture(whole)
    tell(Line(4, f"a {kind.upper()} cut off after every byte", len(whole), corrupt=len(taken)))
    assert taken == []


def test_who_looks_at_pixels_only_takes_what_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness that finds nothing is worth what it could find: Pillow alone is content with less."""
    monkeypatch.setattr(images, "_ENDS", dict.fromkeys(images._ENDS, lambda data: True))
    assert _is_picture(_picture("png")[:-12])


def _picture(kind: str) -> bytes:
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    Image.frombytes("RGB", (24, 16), bytes(range(256)) * 4 + bytes(128)).save(out, kind.upper())
    return out.getvalue()


def _is_picture(data: bytes) -> bool:
    try:
        measure(data)
    except NotAPicture:
        return False
    return True


# --- links ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [403, 404, 410])
@pytest.mark.parametrize("answers", ["task", "at_once"])
def test_a_dead_link_is_asked_for_again_and_then_lost_for_good(
    strange: Vendor, told: Teller, tmp_path: Path, answers: str, number: int
) -> None:
    """C1: the task is asked twice where its picture is; then it is LOST, said in every run, and bought again by
    nobody but who says so."""
    strange.behave(answers=answers)
    strange.fault("download", Fault("dead_link", number=number, match="bowl", times=FOREVER))
    project = Project.make(tmp_path / "shop", READER)
    for _ in range(3):
        ended = told(project)
        assert (ended.exit_code, ended.statuses["bowl"]) == (1, "lost")
        assert "--rebuy" in _error(ended)
    assert len(strange.posts) == 2
    asked = [received for received in strange.received if received.endpoint == "poll"]
    assert len(asked) >= 2
    strange.calm()
    assert told(project, consent={"rebuy": True}).exit_code == 0
    assert judge(project, strange, doubted=[READER.pictures["bowl"]]).wrong == []
    assert manifest_of(project.out)["files"]


def _error(ended: Ended) -> str:
    return str(ended.node("bowl")["error"])

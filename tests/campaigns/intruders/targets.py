"""What strangers' bytes are given to: the recipe parser, references, a vendor's answers, pictures.

Unaware of where the bytes come from. A target returns for whatever it may refuse, and raises what it must not.
"""

from __future__ import annotations

import atexit
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image

from banana_pipe import images
from banana_pipe.errors import RecipeErrors
from banana_pipe.model import Reference
from banana_pipe.providers.answers import read_free_answer, read_submission, read_task
from banana_pipe.providers.base import ProviderError
from banana_pipe.providers.listing import Pages
from banana_pipe.providers.reading import Received, read_json
from banana_pipe.recipe import load
from banana_pipe.recipe.references import BadReference, node_id, parse_node, parse_reference

MAX_SECONDS = 1.0
"""Of processor time, for one input: how busy the machine is has no part in it."""
MAX_MEMORY = 256 * 1024 * 1024
"""Bytes that the process may grow by, whatever it is given."""
MAX_INPUT = 16 * 1024

_SEEDS = Path(__file__).parent / "seeds"
_STATUSES = (200, 202, 302, 400, 403, 429, 500, 504)


class TooMuch(AssertionError):
    """An input took longer, or more memory, than any may."""


@dataclass(frozen=True, slots=True)
class Target:
    """One way in: `feed` takes any bytes; `seeds` are some that it takes, `words` what they are made of."""

    name: str
    feed: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    words: tuple[bytes, ...]


def within_limits(target: Target, data: bytes) -> float:
    """Give *data* to *target*; the processor's seconds. Raises TooMuch, and what the target must not raise."""
    before = _peak_from_here()
    began = time.thread_time()
    target.feed(data)
    seconds = time.thread_time() - began
    if seconds > MAX_SECONDS:
        raise TooMuch(f"{target.name}: {seconds:.2f} s for {len(data)} bytes")
    if peak() - before > MAX_MEMORY:
        raise TooMuch(f"{target.name}: {(peak() - before) >> 20} MiB for {len(data)} bytes")
    return seconds


def peak() -> int:
    """The most memory that this process has had so far, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _peak_from_here() -> int:
    """The same, after what was before is forgotten, where the system can (Linux, proc_pid_clear_refs(5))."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak()


def feed_recipe(data: bytes) -> None:
    """A recipe alone in its folder; every mistake in it has a place."""
    path = _folder() / "r.yaml"
    path.write_bytes(data)
    try:
        load(path)
    except RecipeErrors as raised:
        _must(bool(raised.errors), "an error without a mistake")
        places = [error.at for error in raised.errors]
        _must(all(at is not None and at.line >= 1 and at.column >= 1 for at in places), "a mistake without a place")


def _must(truth: bool, words: str) -> None:
    """A promise of a target, the kind of its errors apart."""
    if not truth:
        raise AssertionError(words)


@cache
def _folder() -> Path:
    """A folder of this process, gone with it. It stays empty but for one small file."""
    folder = Path(tempfile.mkdtemp(prefix="banana-pipe-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def feed_reference(data: bytes) -> None:
    """A reference, and the name of a node, which is itself again once it is written and read."""
    text = data.decode("utf-8", "replace")
    for parse in (parse_reference, parse_node):
        try:
            referred = parse(text)
        except BadReference as refused:
            _must(bool(str(refused)), "a refusal without a word")
            continue
        if isinstance(referred, Reference) and referred.axes:
            written = node_id(referred.step, referred.axes.items())
            again = parse_node(written)
            _must(again is not None and again.axes == referred.axes, f"{written} is not what it was")


def feed_answer(data: bytes) -> None:
    """The vendor's answer to each kind of call; what is made of it can be written to the ledger."""
    received = Received(_STATUSES[len(data) % len(_STATUSES)], data)
    with suppress(ProviderError):
        done = read_submission(received, None)
        repr(done).encode("utf-8", "backslashreplace")
    with suppress(ProviderError):
        read_free_answer(received, None, "invalid")
    try:
        answer = read_json(data, None)
    except ValueError:
        return
    if isinstance(answer, dict):
        read_task(answer, None)
        pages = Pages(since=1_795_356_000.0)
        pages.take(answer, 50)
        pages.listing()


def feed_picture(data: bytes) -> None:
    """A picture, or clearly none."""
    try:
        measured = images.measure(data)
    except images.NotAPicture as refused:
        _must(bool(str(refused)), "a refusal without a word")
        return
    _must(measured.width > 0 and measured.height > 0, "a picture without a size")


def _files(pattern: str) -> Callable[[], Sequence[bytes]]:
    return lambda: [path.read_bytes() for path in sorted(_SEEDS.glob(pattern))]


def _lines(name: str) -> Callable[[], Sequence[bytes]]:
    return lambda: (_SEEDS / name).read_bytes().splitlines()


def _pictures() -> Sequence[bytes]:
    """A small one of every kind and form that we take."""
    return [
        *(_saved(mode, "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
        _saved("RGB", "PNG", transparency=(0, 0, 0)),
        *(_saved(mode, "JPEG") for mode in ("L", "RGB", "CMYK")),
        _saved("RGB", "JPEG", progressive=True),
        *(_saved(mode, "WEBP", lossless=lossless) for mode in ("RGB", "RGBA") for lossless in (False, True)),
        _saved("RGB", "WEBP", save_all=True, append_images=[Image.new("RGB", (9, 7), "red")]),
    ]


def _saved(mode: str, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    picture = Image.new(mode, (9, 7))
    picture.putpixel((2, 3), 1 if len(picture.getbands()) == 1 else (200,) * len(picture.getbands()))
    picture.save(stream, kind, **options)
    return stream.getvalue()


_YAML = (b"steps:", b"generate: ", b"edit: ", b"images: ", b"matrix: ", b"chain: ", b"each: ", b"use: ", b"extends: ")
_MORE = (b"vars:", b"data:", b"when: ", b"output: ", b"samples: ", b"pick: ", b"transform: ", b"profiles:", b"extra: ")
_SIGNS = (
    b"\n  ",
    b"{{ ",
    b" }}",
    b"{% for x in y %}",
    b"{% endfor %}",
    b"{% set a = b %}",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!",
)
_JSON = (
    b'"task_id":',
    b'"data":[',
    b'"image_url":',
    b'"b64_json":',
    b'"error":{',
    b'"code":',
    b'"success":',
    b'"items":[',
)
_RECORD = (
    b'"response":{',
    b'"finished_at":',
    b'"status":',
    b'"request":{',
    b'"count":',
    b'"created_at":',
    b"1e999",
    b"-0",
)
_PNG = (
    b"IHDR",
    b"IDAT",
    b"IEND",
    b"PLTE",
    b"tRNS",
    b"acTL",
    b"fcTL",
    b"fdAT",
    b"iCCP",
    b"zTXt",
    b"iTXt",
    b"eXIf",
    b"gAMA",
)
_OTHER = (
    b"\xff\xd8\xff\xe1",
    b"\xff\xda",
    b"\xff\xc2",
    b"\xff\xd9",
    b"RIFF",
    b"WEBPVP8 ",
    b"VP8L",
    b"VP8X",
    b"ANIM",
    b"ANMF",
)

TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target("recipe", feed_recipe, _files("*.yaml"), _YAML + _MORE + _SIGNS),
        Target(
            "reference",
            feed_reference,
            _lines("references.txt"),
            (b"[", b"]", b"@2", b"=", b'"', b"\\u", b"https://", b"*"),
        ),
        Target("answer", feed_answer, _lines("answers.jsonl"), _JSON + _RECORD),
        Target("picture", feed_picture, _pictures, _PNG + _OTHER),
    )
}

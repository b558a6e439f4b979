"""Galleries for the browser: folders with pictures and the page that a run would leave there.

Unaware of the browser.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path

import PIL.Image

from banana_pipe.canonical import Digest, digest_of
from banana_pipe.images import measure
from banana_pipe.model import Artifact, Node, Outcome
from banana_pipe.outputs import manifest, report
from banana_pipe.outputs.page.thumbs import Thumbs, shrunk, thumb_path
from banana_pipe.outputs.page.timeline import Times
from banana_pipe.outputs.publish import plan_outputs
from banana_pipe.providers.sandbox.painter import paint
from banana_pipe.providers.sandbox.sheet import Sheet
from tests.outputs.builders import graph, node, outcome, reads, run_of, take

COLOURS = ("ivory", "teal", "terracotta", "plum")
PAINTED = 36
"""Pictures of the real size that are unlike each other; more are the same ones in other bytes."""

Picture = Callable[[int], tuple[bytes, Artifact]]


def plain(number: int) -> tuple[bytes, Artifact]:
    """A small PNG of one colour, unlike those of other numbers."""
    image = PIL.Image.new("RGB", (480, 360), (number * 67 % 256, number * 31 % 256, number * 13 % 256))
    image.paste((250, 240, 220), (120, 90, 240, 180))
    image.putpixel((0, 0), (number % 256, number // 256 % 256, number // 65536))
    target = BytesIO()
    image.save(target, "PNG")
    return target.getvalue(), measure(target.getvalue())


def real(number: int) -> tuple[bytes, Artifact]:
    """A PNG as the sandbox draws them, in 1K, in bytes of its own."""
    data, artifact = _painted(number % PAINTED)
    data = _with_words(data, str(number))
    return data, replace(artifact, digest=digest_of(data), size=len(data))


@cache
def _painted(number: int) -> tuple[bytes, Artifact]:
    places = ("on a table", "in a snowy wood at dusk", "on a beach at noon", "in a meadow full of flowers", "by a lake")
    colour = COLOURS[number % len(COLOURS)]
    data = paint(Sheet("generate", "nano-banana", f"A {colour} mug {places[number % 5]}, {number}", aspect_ratio="4:3"))
    return data, measure(data)


@cache
def _small(number: int) -> bytes:
    small = shrunk(_painted(number)[0])
    assert small is not None
    return small


def _with_words(png: bytes, words: str) -> bytes:
    """The same picture with *words* in its metadata: its last chunk, of twelve bytes, is its end."""
    body = b"tEXtComment\0" + words.encode()
    return b"%s%s%s%s%s" % (
        png[:-12],
        (len(body) - 4).to_bytes(4, "big"),
        body,
        zlib.crc32(body).to_bytes(4, "big"),
        png[-12:],
    )


class Folder:
    """The pictures of a folder, written as they are drawn: *draw* gives the one of a number."""

    def __init__(self, out: Path, draw: Picture) -> None:
        self.out = out
        self._draw = draw
        self._numbers: dict[Digest, int] = {}

    def draw(self, number: int) -> Artifact:
        """The picture of that number; its small one is there where all are of the real size."""
        _, artifact = self._draw(number)
        self._numbers[artifact.digest] = number
        if self._draw is real:
            _write(self.out / thumb_path(artifact.digest), _small(number % PAINTED))
        return artifact

    def read(self, digest: Digest) -> bytes | None:
        """The bytes of a picture that was drawn."""
        return self._draw(self._numbers[digest])[0] if digest in self._numbers else None


def gallery(out: Path, number: int = 12, *, draw: Picture = plain) -> Path:
    """A folder with *number* pictures or a few more, some takes and some troubles; its page."""
    folder = Folder(out, draw)
    ended = list(_ended(number, folder.draw))
    published = [replace(how, outputs=plan_outputs(one, how.takes, how.picked)) for one, how in ended]
    nodes = graph(*(replace(one, place=place) for place, (one, _) in enumerate(ended)))
    thumbs = Thumbs(out, folder.read)
    for how in published:
        thumbs.note(how)
        for output in how.outputs:
            _write(out / output.path, folder.read(output.artifact.digest) or b"")
    run = replace(run_of(*published), out=out, warnings=("the model nano-banana-9 is not known",))
    head = manifest.header(
        recipe="recipes/shop.yaml", root="../..", name="shop", run_id=run.id, at=1_795_356_000.0, version="0.1.0"
    )
    document = manifest.document(head, manifest.entries(nodes, published))
    before = {"mug": "A plain mug on white"}
    known = report.Known(thumbs.finish(), before, _times(published))
    page = out / "index.html"
    page.write_bytes(report.page(document, run, nodes, command="banana-pipe run recipes/shop.yaml", known=known))
    (out / "manifest.json").write_text(manifest.as_text(document), "utf-8")
    return page


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _ended(number: int, made: Callable[[int], Artifact]) -> Iterator[tuple[Node, Outcome]]:
    mug = node("mug", prompt="A mug on white")
    first = outcome("mug", take(made(0), 1, bought=True), take(made(1), 2, bought=True))
    yield mug, first
    last: dict[str, Digest] = dict.fromkeys(COLOURS, first.takes[0].result.artifact.digest)
    names = dict.fromkeys(COLOURS, "mug")
    for place in range(2, number):
        colour, link = COLOURS[place % len(COLOURS)], (place - 2) // len(COLOURS)
        name = f"s{link // 20}[color={colour},n={link}]"
        one = replace(
            node(
                name,
                output=f"s{link // 20}/{colour}/{link}",
                inputs=reads(names[colour]),
                prompt=f"Glaze it {colour}, {link}",
            ),
            axes=(("color", colour), ("n", str(link))),
        )
        how = outcome(name, take(made(place), bought=place % 3 == 0), status="done" if place % 3 else "cached")
        yield one, replace(how, images=(last[colour],))
        last[colour], names[colour] = how.takes[0].result.artifact.digest, name
    waits = node("choose", prompt="Two to choose from")
    both = [take(made(number + some), some, bought=True) for some in (1, 2)]
    yield (
        waits,
        replace(outcome("choose", *both, picked=None, status="waiting", reason="pick"), choices=(1, 2), error="pick"),
    )
    refused = outcome("refused", status="failed", reason="refused", error="forbidden (trace_id 7c0e)")
    yield node("refused", prompt="Something forbidden"), refused


def _times(published: list[Outcome]) -> Times:
    times = Times()
    for place, how in enumerate(published):
        begin = float(place % 40)
        times.called(str(place), how.node, begin + 1)
        times.moved(str(place), how.node, "SUCCEEDED", begin + 9)
        times.moved(str(place), how.node, "STORED", begin + 10)
        times.ended(how.node, begin + 10, 10.0)
    return times

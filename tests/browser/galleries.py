"""Galleries for the browser: folders with pictures and the page that a run would leave there.

Unaware of the browser.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import PIL.Image

from banana_pipe.canonical import Digest
from banana_pipe.images import measure
from banana_pipe.model import Node, Outcome
from banana_pipe.outputs import manifest, report
from banana_pipe.outputs.page.thumbs import Thumbs
from banana_pipe.outputs.page.timeline import Times
from banana_pipe.outputs.publish import plan_outputs
from tests.outputs.builders import graph, node, outcome, reads, run_of, take

COLOURS = ("ivory", "teal", "terracotta", "plum")


def picture(number: int, width: int = 480, height: int = 360) -> bytes:
    """A PNG that is unlike those of other numbers."""
    image = PIL.Image.new("RGB", (width, height), (number * 67 % 256, number * 31 % 256, number * 13 % 256))
    image.paste((250, 240, 220), (width // 4, height // 4, width // 2, height // 2))
    image.putpixel((0, 0), (number % 256, number // 256 % 256, number // 65536))
    target = BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def gallery(out: Path, number: int = 12, *, width: int = 480) -> Path:
    """A folder with *number* pictures or a few more, some takes and some troubles; its page."""
    kept: dict[Digest, bytes] = {}
    ended = list(_ended(number, width, kept))
    published = [replace(how, outputs=plan_outputs(one, how.takes, how.picked)) for one, how in ended]
    nodes = graph(*(replace(one, place=place) for place, (one, _) in enumerate(ended)))
    thumbs = Thumbs(out, kept.get)
    for how in published:
        thumbs.note(how)
        for output in how.outputs:
            path = out / output.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(kept[output.artifact.digest])
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


def _ended(number: int, width: int, kept: dict[Digest, bytes]) -> Iterator[tuple[Node, Outcome]]:
    def made(place: int) -> bytes:
        data = picture(place, width, width * 3 // 4)
        kept[measure(data).digest] = data
        return data

    mug = node("mug", prompt="A mug on white")
    first = outcome("mug", take(measure(made(0)), 1, bought=True), take(measure(made(1)), 2, bought=True))
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
        how = outcome(name, take(measure(made(place)), bought=place % 3 == 0), status="done" if place % 3 else "cached")
        yield one, replace(how, images=(last[colour],))
        last[colour], names[colour] = how.takes[0].result.artifact.digest, name
    waits = node("choose", prompt="Two to choose from")
    both = [take(measure(made(number + some)), some, bought=True) for some in (1, 2)]
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

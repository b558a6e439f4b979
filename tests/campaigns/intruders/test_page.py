"""200 texts that would run, in every field that the page of a run shows: the page is the same as with plain words.

Unaware of the templates. What the page is, html.parser says, and a real browser after it has run whatever runs.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from banana_pipe.errors import Location
from banana_pipe.model import FileInput, Input, Node, NodeInput, Outcome, Take, Url, UrlInput
from banana_pipe.outputs import manifest, report
from banana_pipe.outputs.publish import plan_outputs
from tests.campaigns.intruders.payloads import PAYLOADS
from tests.campaigns.score import Line, Tell
from tests.outputs.builders import Pictures, graph, node, outcome, run_of, take

FIELDS = 26
"""What a page is made of that may be a stranger's: nineteen words of `cards`, seven of the whole run."""
AT = Location("r.yaml", 1, 1)
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND"),
)
Word = Callable[[str], str]


class Shape(HTMLParser):
    """What a page is apart from its words: every element, with the names of its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(sorted(name for name, _ in attrs))))
        self.words += [value for name, value in attrs if value and name in ("alt", "title")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def cards(number: int, word: Word, pictures: Pictures) -> list[tuple[Node, Outcome]]:
    """A node that is done and one that failed, with *word* of a field's name in every field."""
    inputs: tuple[Input, ...] = (
        NodeInput(word("input")),
        FileInput(Path("/x"), word("file"), AT),
        UrlInput(Url(word("url")), AT),
    )
    done = replace(
        node(
            f"a{number}[x={word('node')}]", output=f"a{number}/{word('output')}", inputs=inputs, prompt=word("prompt")
        ),
        step=f"a{number}{word('step')}",
        axes=(("x", word("axis")),),
        model=word("model"),
        params={"resolution": word("param"), word("name of a param"): "1"},
    )
    takes = [_take(pictures, f"{number} {sample}", sample, word) for sample in (1, 2)]
    digests = tuple(pictures.add(f"input {number} {place}").digest for place in range(3))
    failed = replace(node(f"b{number}[{word('failed')}]", prompt=word("failed prompt")), step=f"b{number}")
    return [
        (done, replace(outcome(done.id, *takes), images=digests)),
        (failed, outcome(failed.id, status="failed", reason="refused", error=word("error"))),
    ]


def _take(pictures: Pictures, content: str, sample: int, word: Word) -> Take:
    made = take(pictures.add(content), sample)
    result = replace(
        made.result,
        served=word("served"),
        task_id=word("task"),
        trace_id=word("trace"),
        provider=word("provider"),
        model=word("result's model"),
    )
    return replace(made, result=result)


def page(word: Callable[[int], Word]) -> str:
    """The page of a run of all cards, as text."""
    pictures = Pictures()
    ended = [one for number in range(len(PAYLOADS)) for one in cards(number, word(number), pictures)]
    published = [replace(how, outputs=plan_outputs(one, how.takes, how.picked)) for one, how in ended]
    of_all = [word(number) for number in range(len(PAYLOADS))]
    warnings = tuple(own("warning") for own in of_all)
    run = replace(run_of(*published), warnings=warnings, id="".join(own("run") for own in of_all))
    named = {name: " ".join(own(name) for own in of_all) for name in ("recipe", "root", "name", "version")}
    head = manifest.header(**named, run_id=run.id, at=1_795_356_000.0)
    nodes = graph(*(one for one, _ in ended))
    document = manifest.document(head, manifest.entries(nodes, published))
    return report.page(document, run, nodes, command="".join(own("command") for own in of_all)).decode()


def hostile(number: int) -> Word:
    return lambda field: PAYLOADS[number]


def plain(number: int) -> Word:
    return lambda field: f"{field} {number}"


def seen(html: str, folder: Path, name: str) -> str:
    """The document that a real browser has made of *html*, scripts and handlers included."""
    assert BROWSER is not None
    file = folder / f"{name}.html"
    file.write_text(html, encoding="utf-8")
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'user'}", "--dump-dom", file.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout


def naive(html: str) -> str:
    """The page as it would be if nothing were escaped and no policy stood in its head; it stays where it is."""
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        html = html.replace(entity, letter)
    return re.sub(r"<meta http-equiv=[^>]*>", "", html)


@pytest.mark.both
def test_two_hundred_hostile_texts_in_every_field_change_no_element(tell: Tell) -> None:
    """The same elements with the same attributes as plain words have; and the texts are all there to be read."""
    html = page(hostile)
    shape, expected = Shape(html), Shape(page(plain))
    tell(
        Line(
            8,
            "hostile texts × fields of the page, html.parser",
            len(PAYLOADS) * FIELDS,
            corrupt=int(shape.elements != expected.elements),
        )
    )
    assert len(PAYLOADS) >= 200
    assert shape.elements == expected.elements
    words = "\n".join(shape.words)
    assert [payload for payload in PAYLOADS if payload not in words] == []


def test_the_same_comparison_catches_a_page_that_escapes_nothing() -> None:
    """A harness that finds nothing is worth what it could find."""
    assert Shape(naive(page(hostile))).elements != Shape(page(plain)).elements


@pytest.mark.campaign
@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_real_browser_sees_the_same(tmp_path: Path, tell: Tell) -> None:
    """Its document has the same elements, nothing has run; without escaping nearly everything does."""
    shape, expected = (Shape(seen(page(word), tmp_path, word.__name__)) for word in (hostile, plain))
    owned = "data-owned" in shape.elements[0][1]
    wrong = int(owned or shape.elements != expected.elements)
    tell(Line(8, "hostile texts × fields of the page, Chromium's document", len(PAYLOADS) * FIELDS, corrupt=wrong))
    assert shape.elements == expected.elements
    assert not owned
    caught = Shape(seen(naive(page(hostile)), tmp_path, "naive"))
    assert "data-owned" in caught.elements[0][1]

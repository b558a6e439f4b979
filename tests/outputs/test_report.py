"""What the page of a run shows, and that nothing in it is alive."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from banana_pipe.model import Node, Outcome, Run
from banana_pipe.outputs import manifest, report
from banana_pipe.outputs.publish import PAGE_MARK, plan_outputs
from tests.outputs.builders import Pictures, graph, node, outcome, reads, run_of, take


class Page(HTMLParser):
    """The page as a browser takes it apart."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.style = ""
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(html.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.style += data
        elif self._inside == "script":
            self.scripts[-1] += data
        else:
            self.said.append(data)

    @property
    def text(self) -> str:
        return "".join(self.said)

    @property
    def cards(self) -> list[dict[str, Any]]:
        """What only the script shows."""
        return list(json.loads(self.scripts[0])["cards"])

    @property
    def told(self) -> str:
        """All texts of the page, those that only the script shows among them."""
        return self.text + json.dumps(self.cards, ensure_ascii=False)

    def values(self, *names: str) -> list[str]:
        return [value or "" for _, attributes in self.tags for name, value in attributes.items() if name in names]


def page_of(
    ended: Sequence[tuple[Node, Outcome]], run: Run | None = None, command: str = "banana-pipe run recipes/shop.yaml"
) -> Page:
    published = [replace(how, outputs=plan_outputs(one, how.takes, how.picked)) for one, how in ended]
    run = replace(run or run_of(), outcomes=tuple(published))
    nodes = graph(*(one for one, _ in ended))
    head = manifest.header(
        recipe="recipes/shop.yaml", root="../..", name="shop", run_id=run.id, at=1_795_356_000.0, version="0.1.0"
    )
    document = manifest.document(head, manifest.entries(nodes, published))
    return Page(report.page(document, run, nodes, command=command))


_CONTROLS = re.compile(r"[\x7f-\x9f]")
PICTURES = Pictures()
MUG = (node("mug", prompt="A mug on white"), outcome("mug", take(PICTURES.add("1")), take(PICTURES.add("2"), 2)))
SCENE = (
    node("scene[a=x y]", output="scene/x y #1", inputs=reads("mug"), prompt="On a table"),
    replace(outcome("scene[a=x y]", take(PICTURES.add("3"))), images=(MUG[1].takes[0].result.artifact.digest,)),
)
REFUSED = (
    node("hero", prompt="Something forbidden"),
    outcome("hero", status="failed", reason="refused", error="forbidden: no <people>\ntrace_id: 7c0e"),
)

ALLOWED_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "div", "h1", "h2", "h3", "p", "span", "time", "dl"),
    *("dd", "dt", "code", "nav", "a", "small", "main", "section", "article", "img", "details", "summary", "footer"),
    *("h4", "ul", "li", "b", "kbd", "label", "input", "button", "output", "form", "dialog", "script"),
    *("svg", "g", "path", "rect", "text"),
}
ALLOWED_ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "src", "alt", "title", "width"),
    *("height", "loading", "aria-hidden", "aria-label", "datetime", "decoding", "type", "method", "hidden", "role"),
    *("placeholder", "autocomplete", "spellcheck", "aria-pressed", "aria-live", "aria-haspopup", "aria-labelledby"),
    *("value", "min", "max", "step", "tabindex", "data-a", "data-b"),
    *("viewbox", "d", "x", "y", "rx", "text-anchor"),
}
HOSTILE = (
    *("<script>", "</style>", "</title>", "<!--", "<img src=x>", "]]>", "&lt;", ">", '"', "'", "`", "\n", "\0"),
    *(" onerror=alert(1) ", "{{ 7*7 }}", "{% raw %}", "javascript:", "url(//evil)", "\u2028", "\ud800"),
)
hostile = st.text(max_size=40) | st.lists(st.sampled_from(HOSTILE), max_size=6).map("".join)


@settings(max_examples=60, deadline=None)
@given(hostile, hostile, hostile, hostile)
def test_any_text_stays_text(prompt: str, name: str, error: str, command: str) -> None:
    """Prompts, names and the provider's words bring no tag, no attribute and no address into the page."""
    other = node(f"mug[a={name}]", output=f"mug/{name}", prompt=prompt)
    failed = node(f"bad[{name}]", prompt=prompt)
    how = outcome(other.id, take(PICTURES.add("1")))
    page = page_of(
        [(other, how), (failed, outcome(failed.id, status="failed", error=error))],
        replace(run_of(), warnings=(error, name)),
        command,
    )
    assert {tag for tag, _ in page.tags} <= ALLOWED_TAGS
    assert {attribute for _, attributes in page.tags for attribute in attributes} <= ALLOWED_ATTRIBUTES
    for address in page.values("href", "src"):
        assert address.startswith("#") or not {":", "\\", '"', "'", "<", "?"} & set(address)
        assert not address.startswith("/")
    plain = page_of([MUG])
    assert page.style == plain.style
    assert [page.scripts[1:], len(page.scripts)] == [plain.scripts[1:], 2]
    assert not set("<>&") & set(page.scripts[0])


@settings(max_examples=100, deadline=None)
@given(hostile, hostile)
def test_what_the_script_shows_is_the_very_text(name: str, error: str) -> None:
    """JSON brings every text whole, but for what no page can hold."""
    failed = node(f"bad[{name}]")
    card = page_of([(failed, outcome(failed.id, status="failed", error=error))]).cards[0]
    whole = [text.encode(errors="replace").decode() for text in (failed.id, error)]
    assert [card["n"], card.get("e", "")] == [_CONTROLS.sub("?", whole[0]), _CONTROLS.sub("?", whole[1])]


def test_the_policy_allows_this_style_and_this_script_alone() -> None:
    """The hashes are those of the texts; pictures come from the folder, all else from nowhere."""
    page = page_of([MUG])
    policy = next(value["content"] for tag, value in page.tags if value.get("http-equiv") == "Content-Security-Policy")
    style, script = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (page.style, page.scripts[1])
    )
    assert policy is not None
    assert policy == (
        f"default-src 'none'; img-src 'self' data:; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert "unsafe" not in policy
    assert "://" not in page.html.decode()


def test_our_own_part_of_the_page_is_small() -> None:
    """Style and script together stay below 40 kB, and the script puts no text into the page as HTML."""
    page = page_of([MUG])
    assert len((page.style + page.scripts[1]).encode()) < 40_000
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "import("):
        assert word not in page.scripts[1]


def test_the_page_is_known_as_ours() -> None:
    """A page of somebody else's is never replaced: ours says whose it is near its beginning."""
    assert PAGE_MARK in page_of([MUG]).html[:2048]


def test_every_picture_is_shown_with_its_words_and_numbers() -> None:
    """Node, prompt, take, price, hash and what it was made from."""
    page = page_of([MUG, SCENE])
    for path in ("mug.png", "_/takes/mug@2.png", "scene/x y #1.png"):
        assert path in [unquote(address) for address in page.values("src")]
    for words in ("A mug on white", "On a table", "$0.039", MUG[1].takes[0].result.artifact.digest, "trace-1", "2K"):
        assert words in page.told
    assert page.cards[1]["t"][0]["i"] == [["mug", MUG[1].takes[0].result.artifact.digest]]
    assert any(value.startswith("mug, take 1: A mug on white") for value in page.values("alt"))


def test_links_lead_to_files_whatever_their_names() -> None:
    """A space or a hash in a file's name does not cut the link off."""
    assert "scene/x%20y%20%231.png" in page_of([MUG, SCENE]).values("href")


def test_failures_come_first_in_the_providers_words() -> None:
    """With the trace id that its support asks for, the worst first."""
    blocked = (node("b", inputs=reads("hero")), outcome("b", status="blocked", reason="input", error="needs hero"))
    page = page_of([blocked, MUG, REFUSED])
    text = page.text
    assert "forbidden: no <people>\ntrace_id: 7c0e" in text
    assert text.index("trace_id") < text.index("needs hero") < text.index("A mug on white")
    assert "Not done" not in page_of([MUG]).text


def test_states_have_a_word_and_not_only_a_colour() -> None:
    """Who sees no colours, or hears the page, learns the same."""
    modified = (MUG[0], replace(MUG[1], modified=True))
    text = page_of([modified, REFUSED]).text
    for word in ("new", "changed by hand", "failed"):
        assert word in text


def test_the_run_is_summed_up_with_the_command_that_makes_it_again() -> None:
    """Pictures, money spent and saved, time."""
    page = page_of([MUG, SCENE], command="banana-pipe run recipes/shop.yaml --set a='b c'")
    for words in ("2 pictures", "$0.117", "$0.039", "1 min 15 s", "recipes/shop.yaml --set a='b c'"):
        assert words.replace(" pictures", "") in page.text
    free = page_of([MUG], replace(run_of(), cost=0, saved=None, seconds=3_700.0)).text
    for words in ("$0", "unknown price", "1 h 01 min"):
        assert words in free


def test_a_page_of_nothing_says_so() -> None:
    """A first run in which nothing came about still has a page."""
    assert "no pictures here yet" in page_of([]).text


def test_pictures_of_nodes_that_a_run_left_out_are_shown_too() -> None:
    """The page is of the folder as it is; what this run did not touch says so."""
    document = manifest.document(
        manifest.header(recipe="r.yaml", root="../..", name="shop", run_id="r", at=0.0, version="1"),
        manifest.entries(graph(MUG[0]), [replace(MUG[1], outputs=plan_outputs(*MUG[:1], MUG[1].takes, 1))]),
    )
    text = Page(report.page(document, run_of(), graph(), command="x")).text
    assert "of an earlier run" in text
    assert "A mug on white" in text


def test_what_was_edited_again_and_again_says_so_beside_its_lineage() -> None:
    """How many edits away, and from what; of one edit, and of none, nothing is said."""
    read = SCENE[1].takes[0].result.artifact.digest
    ended = replace(outcome("again", take(PICTURES.add("9"))), images=(read,))
    again = (node("again", inputs=reads("scene[a=x y]")), ended)
    told = {card["n"]: card.get("d") for card in page_of([MUG, SCENE, again]).cards}
    assert told == {
        "mug": None,
        "scene[a=x y]": None,
        "again": "2 edits away from mug, and each edit loses something",
    }

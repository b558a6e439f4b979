"""The page of a comparison: nothing in it is alive but its own script, and it asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from hypothesis import given, settings

from banana_pipe.comparing.album import Album, Views
from banana_pipe.comparing.differences import Comparison, Difference, Reading, difference_of
from banana_pipe.comparing.matching import Pair
from banana_pipe.outputs import differences
from tests.outputs.test_comment import changed, hostile, shown


class Page(HTMLParser):
    """The page as a browser takes it apart."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, str] = {}
        self.said = ""
        self._open = ""
        self.feed(html.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in ("style", "script"):
            self.inside[self._open] = self.inside.get(self._open, "") + data
        else:
            self.said += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


VIEWS = Views((64, 48), b"before", b"after", b"heat")


def page(*found: Difference, room: int = 1000, before: str = "HEAD", notes: tuple[str, ...] = ()) -> Page:
    album = Album(room)
    for place, one in enumerate(found):
        if one.kind == "changed":
            album.add(place, VIEWS, one.how_far("colour"))
    return Page(differences.page(Comparison(before, "out/shop", found, notes), album))


@settings(max_examples=60)
@given(hostile, hostile, hostile, hostile, hostile)
def test_any_text_stays_text(node: str, before: str, now: str, value: str, where: str) -> None:
    """Names and prompts bring no tag, no attribute and no script; style and script are those of a tame page."""
    plain = page(changed("hero", "A mug", "A cup", ratio="1:1"), before="HEAD", notes=("x",))
    got = page(changed(node, before, now, ratio=value), before=where, notes=(where,))
    tame = {tag: set(attributes) for tag, attributes in plain.tags} | {"del": set(), "ins": set()}
    assert {tag for tag, _ in got.tags} <= set(tame)
    assert {name for _, attributes in got.tags for name in attributes} <= {
        name for _, attributes in plain.tags for name in attributes
    }
    assert got.inside == plain.inside
    assert all(str(one["src"]).startswith("data:image/webp;base64,") for one in got.all("img"))


def test_the_policy_allows_this_style_this_script_and_pictures_in_the_page() -> None:
    """By hash; all else comes from nowhere, and goes nowhere."""
    got = page(changed("hero", "A mug", "A cup"))
    policy = next(one["content"] for one in got.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    hashes = {
        tag: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for tag, text in got.inside.items()
    }
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{hashes['style']}'; "
        f"script-src 'sha256-{hashes['script']}'; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"https?:|//[a-z]|url\(|@import|fetch|XMLHttp|import\(", "".join(got.inside.values()))
    assert not [name for _, attributes in got.tags for name in attributes if name.startswith("on") or name == "style"]
    assert not {"a", "link", "iframe", "form", "object"} & {tag for tag, _ in got.tags}


def test_every_picture_says_what_it_shows_and_every_control_what_it_does() -> None:
    """For who cannot see them."""
    got = page(changed("hero", "A mug", "A cup"))
    assert [one["alt"] for one in got.all("img")] == [
        "Before: hero: A cup",
        "Now: hero: A cup",
        "Where hero differs: 50% of the pixels",
    ]
    assert [one.get("aria-label") for one in got.all("input")] == ["From A to B, hero"]
    assert [one["data-mode"] for one in got.all("button")] == ["side", "swipe", "onion", "flicker", "heat"]


def test_what_had_no_room_is_counted_and_still_told() -> None:
    """The one that is changed less has no pictures."""
    near = difference_of(Pair(shown("near", "x"), shown("near", "y", "A cup")), lambda _: Reading())
    got = page(changed("far", "A mug", "A cup"), near, room=VIEWS.weight)
    assert (len(got.all("img")), len(got.all("article"))) == (3, 2)
    assert "1 of these are without their pictures" in got.said


def test_nothing_different_needs_no_script() -> None:
    """A page all the same: somebody asked for it."""
    one = shown("hero", "x")
    got = page(difference_of(Pair(one, one), lambda _: Reading()))
    assert "Nothing is different." in got.said
    assert "script" not in got.inside

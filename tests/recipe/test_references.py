"""References and names of nodes."""

from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.model import Reference, Url
from banana_pipe.recipe.references import (
    BadReference,
    FileReference,
    GlobReference,
    Referred,
    UrlReference,
    nfc,
    node_id,
    parse_node,
    parse_reference,
    take_id,
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("hero", Reference("hero")),
        (" hero ", Reference("hero")),
        ("hero@2", Reference("hero", sample=2)),
        ("hero[*]", Reference("hero", every=True)),
        ("story[last]", Reference("story", last=True)),
        ("story[ last ]@2", Reference("story", last=True, sample=2)),
        ("hero[*]@3", Reference("hero", every=True, sample=3)),
        ("scene[color=teal,setting=oak]", Reference("scene", {"color": "teal", "setting": "oak"})),
        ("scene[ color = deep teal , setting=oak]", Reference("scene", {"color": "deep teal", "setting": "oak"})),
        ('scene[a="x, y]@2"]', Reference("scene", {"a": "x, y]@2"})),
        ('scene[a=""]@1', Reference("scene", {"a": ""}, sample=1)),
        ('scene[a="e\\u0301"]', Reference("scene", {"a": "é"})),
        ("banner/hero", Reference("banner/hero")),
        ("./hero", FileReference("./hero")),
        ("hero.png", FileReference("hero.png")),
        ("Hero", FileReference("Hero")),
        ("photos/1.jpg", FileReference("photos/1.jpg")),
        ("shot[1].png", FileReference("shot[1].png")),
        ("shots/*.png", GlobReference("shots/*.png")),
        ("shot?.png", GlobReference("shot?.png")),
        ("https://x.org/a.png?w=1&h=*#x", UrlReference(Url("https://x.org/a.png?w=1&h=*#x"))),
        (" HTTPS://X.org:8443/a@2 ", UrlReference(Url("HTTPS://X.org:8443/a@2"))),
    ],
)
def test_a_reference_is_decided_by_its_text_alone(text: str, meant: Referred) -> None:
    """What is wholly a step with brackets and take is one; all else is a file, or a glob."""
    assert parse_reference(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        *["", "  ", "hero@0", "hero@99999999", "hero[]", "hero[ende]", "hero[a=]", "hero[a=b,]", "hero[a=b,a=c]"],
        *["hero[a=b c=d]", 'hero[a="b]', "hero[a=b=c]", "http://x.org", "data:image/png,x"],
        *["file:///etc/passwd", "//host/a.png", "https:", "https://", "https:a.png", "https:///a.png", "https://[::"],
        *[
            "https://me:secret@x.org/a.png",
            "https://me@x.org",
            "https://@x.org",
            "https://x.org:99999/a",
            "https://x.org:y",
        ],
        *[
            "https://x.org/a b.png",
            "https://x.org/\x00",
            "https://x.org/\na",
            "https://x.org\\@y.org",
            "https://x/" + "a" * 2000,
        ],
    ],
)
def test_what_refers_to_nothing_says_so(text: str) -> None:
    """Links, empty texts and unreadable brackets are told, each with what to do."""
    with pytest.raises(BadReference):
        parse_reference(text)


@pytest.mark.parametrize(
    ("axes", "name"),
    [
        ([], "s"),
        ([("a", "teal")], "s[a=teal]"),
        ([("a", "deep teal"), ("b", "1.10:x_y-z")], "s[a=deep teal,b=1.10:x_y-z]"),
        ([("a", "")], 's[a=""]'),
        ([("a", " x")], 's[a=" x"]'),
        ([("a", 'a"b')], 's[a="a\\"b"]'),
        ([("a", "a,b")], 's[a="a,b"]'),
        ([("a", "e\u0301té")], "s[a=été]"),
        ([("a", "x\ny")], 's[a="x\\ny"]'),
    ],
)
def test_names_of_nodes_are_canonical(axes: list[tuple[str, str]], name: str) -> None:
    """Letters, digits, inner spaces and `._-:` stand bare; all else is JSON, in NFC."""
    assert node_id("s", axes) == name


def test_a_take_is_named_behind_an_at() -> None:
    """`scene[color=teal]@2` is take 2."""
    assert take_id("scene[color=teal]", 2) == "scene[color=teal]@2"


texts = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True), texts, max_size=4))
def test_a_node_name_means_itself(axes: dict[str, str]) -> None:
    """Whatever an axis calls its values: the printed name is read back as the same names."""
    read = parse_node(node_id("step", axes.items()))
    assert read is not None
    assert read.axes == {axis: nfc(name) for axis, name in axes.items()}
    assert read.step == "step"


def test_axes_are_read_as_they_are_compared_like_their_names() -> None:
    """In NFC, wherever the text comes from: a recipe or a command line. Found by fuzzing."""
    read = parse_reference("a[x\u0344=b]")
    assert isinstance(read, Reference)
    assert read == parse_node("a[x\u0344=b]") == parse_node(node_id("a", read.axes.items()))


@given(texts)
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    """Nothing but BadReference comes out of a text that refers to nothing."""
    try:
        parse_reference(text)
        parse_node(normalize("NFD", text))
    except BadReference:
        pass

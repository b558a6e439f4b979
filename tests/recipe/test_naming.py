"""Names of outputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.recipe.naming import MAX_PART, BadName, collision_key, default_output, output_name

texts = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.mark.parametrize("name", ["hero", "scene/teal/oak", "v1.5", "été/東京", "a_b", "story/1-filled", "index"])
def test_plain_names_stay_as_they_are(name: str) -> None:
    """What every file system takes is taken."""
    assert output_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *["", "/a", "..", "a/../b", "a//b", "a/", "./a", ".hidden", "a/.b", "_", "_a", "_/takes/a", "a\\b", "C:a"],
        *[
            "a\0b",
            "a\nb",
            "CON",
            "nul.txt",
            "nul .txt",
            "a/COM1",
            "lpt9.x/a",
            "com\u00b9",
            "a.",
            "a ",
            " a",
            "a?",
            "a*",
            "<a>",
            'a"',
            "a|b",
        ],
        *[
            "index.html",
            "Manifest.JSON",
            "manifest.json/x",
            "Index.html/x/y",
            "a.png",
            "a.PNG/b",
            "a.jpeg",
            "x" * 101,
            "é" * 51,
            "a\u202eb",
            "a\ufeff",
        ],
        "/".join("a" * 17),
    ],
)
def test_names_that_some_system_cannot_have_are_refused(name: str) -> None:
    """Up, absolute, hidden, ours, devices, suffixes, too long, invisible."""
    with pytest.raises(BadName):
        output_name(name)


@given(texts, texts)
def test_default_names_are_safe_and_told_apart(one: str, other: str) -> None:
    """Whatever an axis calls its values: the default name is allowed, stable and its own."""
    first, second = default_output("s", [one]), default_output("s", [other])
    assert output_name(first) == first
    assert first.count("/") == 1
    assert all(len(part.encode()) <= MAX_PART for part in first.split("/"))
    assert default_output("s", [one]) == first
    if collision_key(one) != collision_key(other):
        assert collision_key(first) != collision_key(second)


def test_default_names_stay_readable() -> None:
    """A comma or a slash costs a short hash, not the words."""
    name = default_output("scene", ["teal", "oak, old/new"])
    assert name.startswith("scene/teal/oak-old-new~")


@pytest.mark.parametrize("name", ["nul.txt", "CON.a", "lpt\u00b9.c"])
def test_no_default_name_is_a_device(name: str) -> None:
    """Windows takes whatever stands before the first dot for one: a picture written there is gone."""
    made = default_output("s", [name])
    assert output_name(made) == made
    assert made.startswith("s/x-")


def test_names_that_differ_only_in_case_or_form_collide() -> None:
    """macOS and Windows would write one file over the other."""
    assert collision_key("Hero/É") == collision_key("hero/e\u0301")

"""YAML by the rules of 1.2, with places."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.errors import RecipeError
from banana_pipe.model import Json
from banana_pipe.recipe.words import quoted
from banana_pipe.recipe.yaml import MAX_BYTES, Value, plain, read_yaml, walk


def read(text: str | bytes) -> Json:
    errors: list[RecipeError] = []
    root = read_yaml(text.encode() if isinstance(text, str) else text, "x.yaml", errors).root
    assert not errors, errors[0]
    return None if root is None else plain(root)


def wrong(text: str | bytes) -> RecipeError:
    errors: list[RecipeError] = []
    read_yaml(text.encode() if isinstance(text, str) else text, "x.yaml", errors)
    return errors[0]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *[("42", 42), ("-7", -7), ("0", 0), ("true", True), ("false", False), ("null", None), ("", None)],
        *[(text, text) for text in ("16:9", "1:1", "1.10", "007", "no", "yes", "on", "1e3", "0x1F", "0o7", "1_000")],
        *[(text, text) for text in ("2024-13-45", "~", "True", "NULL", ".inf", "+5", "-0", "=", "9" * 5000)],
        *[('"42"', "42"), ("'true'", "true"), ("|-\n  42", "42")],
    ],
)
def test_only_whole_numbers_and_three_words_have_types(written: str, value: Any) -> None:
    """PyYAML reads 16:9 as 969, no as false and 007 as 7; here all of it is text as written."""
    found = read(f"a: {written}\n")
    assert found == {"a": value}
    assert type(found["a"]) is type(value)


def test_keys_are_text_as_written() -> None:
    """A mapping may name sizes or answers: its keys are never numbers or booleans."""
    assert read("{1: a, true: b, no: c, 1.10: d}") == {"1": "a", "true": "b", "no": "c", "1.10": "d"}


def test_every_value_knows_its_place() -> None:
    """Line and column count from 1, in characters, and come with the line."""
    root = read_yaml("é: [ü, x]\nb:\n  - |\n    text\n".encode(), "x.yaml", []).root
    assert root is not None
    places = [(value.data, str(value.at)) for value in walk(root) if isinstance(value.data, str)]
    assert places == [("ü", "x.yaml:1:5"), ("x", "x.yaml:1:8"), ("text\n", "x.yaml:3:5")]
    assert root.at.source == "é: [ü, x]"


def test_a_comment_cuts_only_what_is_unquoted_and_on_its_line() -> None:
    """`a # b` loses text; quotes, blocks, a hash inside a word and other lines lose nothing."""
    root = read_yaml(b'a: x # y\nb: "x" # y\nc: x#y\nd: |  # y\n  x\ne: x\n# y\nf: [x, # y\n z]\n', "x.yaml", []).root
    assert isinstance(root, Value)
    assert [name for name, value in root.data.items() if any(inner.cut for inner in walk(value))] == ["a"]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    """Editors on Windows write one; the first key is still itself."""
    assert read(b"\xef\xbb\xbfa: b") == {"a": "b"}


def test_aliases_stand_for_their_value() -> None:
    """A few aliases are fine: what they stand for is the same value again."""
    assert read("a: &x {b: c}\nd: *x\n") == {"a": {"b": "c"}, "d": {"b": "c"}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 1_000_000, "more than 32 levels deep"),
        ("{a: " * 200_000, "more than 32 levels deep"),
        ("- " * 400_000, "more than 32 levels deep"),
        ("? " * 400_000, "more than 32 levels deep"),
        ("\n".join(" " * n + "a:" for n in range(40)), "more than 32 levels deep"),
        (b"a: " + b"x" * MAX_BYTES, "larger than 1 MiB"),
        ("a: &x [1]\nb: [" + "*x, " * 101 + "]", "more than 100 aliases"),
        ("a: \ufffe", "U+FFFE cannot stand in YAML"),
        ("a: b".encode("utf-16"), "UTF-16, not UTF-8"),
        ('a: "\\UB2B2B2B2"', "stands for no character"),
        ('a: "\\ud800"', "stands for no character"),
        ("a: ! b", "no tags"),
        ('a: ! "b"', "no tags"),
        ("a: !!str b", "no tags"),
        ("!!map {a: b}", "no tags"),
        ("? [a]\n: b", "a key must be a text"),
        ("?\n: b", "a key is missing"),
        ("a: *b", "cannot begin with `*`"),
        ("%YAML 9.9\n---\na: b", "incompatible YAML"),
        ("a: @b", "cannot begin with `@`"),
    ],
)
def test_what_could_harm_is_refused_with_a_place(text: str | bytes, said: str) -> None:
    """Depth, size, aliases, tags, strange characters: an error with a place, never a crash."""
    error = wrong(text)
    assert said in error.message
    assert error.at is not None


@given(st.lists(st.text("aé5€'-", min_size=1).filter(lambda one: one[0] not in "'-"), min_size=2, max_size=5))
def test_a_comma_in_braces_loses_nothing_in_silence(parts: list[str]) -> None:
    """`{a: x, y}` is `{a: x, y: null}` for YAML: told, with the whole text in quotes, and read as it was meant."""
    errors: list[RecipeError] = []
    whole = ", ".join(parts)
    root = read_yaml(f"{{a: {whole}, b: {{c: {whole}}}}}".encode(), "x.yaml", errors).root
    assert root is not None
    assert plain(root) == {"a": whole, "b": {"c": whole}}
    assert [error.message for error in errors] == ["a text with a comma, in braces, ends at the comma"] * 2
    for key, error in zip("ac", errors, strict=True):
        assert f"`{key}: {quoted(whole)}`" in str(error.hint)
    assert errors[0].at is not None
    assert errors[0].at.column == len(f"{{a: {parts[0]}, ") + 1


@pytest.mark.parametrize(
    "text",
    ["{a: x, b: }", "{a: x, b: , c: y}", '{a: x, "b":}', "a: x\nb:\n", "{a: x,\n b:\n}"],
)
def test_a_key_with_a_colon_may_have_no_value(text: str) -> None:
    """Who writes the colon means a key: its value is null, in braces and without."""
    found = read(text)
    assert isinstance(found, dict)
    assert (found["a"], found["b"]) == ("x", None)


def test_a_key_alone_in_its_braces_needs_no_colon() -> None:
    """`[{trim}, {flip}]` loses nothing."""
    assert read("a: [{trim}, {flip}]") == {"a": [{"trim": None}, {"flip": None}]}

"""Canonical JSON: one byte string for each value, and no value that could be two.

Unaware of requests.
"""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.canonical import canonical_json, digest_of, is_digest

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_it_reads_back_as_what_it_was(value: Any) -> None:
    """No value is bent on the way, so that two values never have one form."""
    read = json.loads(canonical_json(value))
    assert read == value
    assert repr(read) == repr(value) or isinstance(value, dict | list)


@given(st.dictionaries(TEXT, JSON, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_a_mapping_does_not_matter(value: dict[str, Any], random: Any) -> None:
    """At any depth."""

    def shuffled(one: Any) -> Any:
        if isinstance(one, dict):
            names = list(one)
            random.shuffle(names)
            return {name: shuffled(one[name]) for name in names}
        return [shuffled(part) for part in one] if isinstance(one, list) else one

    assert canonical_json(shuffled(value)) == canonical_json(value)


@given(JSON, JSON)
def test_different_values_have_different_forms(one: Any, other: Any) -> None:
    """True is not 1, 1 is not 1.0, "1" is not 1."""
    assert (canonical_json(one) == canonical_json(other)) == (plain(one) == plain(other))


def plain(value: Any) -> str:
    """A form in which Python's `True == 1 == 1.0` is no equality."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{name!r}:{plain(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(plain, value)) + "]"
    return f"{type(value).__name__} {value!r}"


def test_its_form_is_this() -> None:
    """Sorted, without spaces, UTF-8 as it is."""
    assert (
        canonical_json({"b": [1, 1.5, True, None], "a": 'ü\n"😀'}) == '{"a":"ü\\n\\"😀","b":[1,1.5,true,null]}'.encode()
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [{"deep": math.nan}]])
def test_what_is_no_number_is_refused(value: Any) -> None:
    """NaN is not even equal to itself."""
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(value)


@pytest.mark.parametrize("value", [{1: 2}, {None: 1}, {True: 1}, [{"a": {1.5: 2}}]])
def test_keys_that_are_no_text_are_refused(value: Any) -> None:
    """`{1: 2}` and `{"1": 2}` would be one."""
    with pytest.raises(ValueError, match="keys must be text"):
        canonical_json(value)


def test_what_utf8_cannot_carry_is_refused() -> None:
    """A lone surrogate has no bytes."""
    with pytest.raises(ValueError, match="surrogates"):
        canonical_json("\ud800")


def test_a_digest_is_told_by_its_form() -> None:
    """64 lower-case hex digits, no more, no line end."""
    digest = digest_of(b"")
    assert digest == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert is_digest(digest)
    for other in (digest.upper(), digest[:-1], digest + "\n", digest + "0", None, 5):
        assert not is_digest(other)

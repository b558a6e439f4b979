"""Labels: a node's name, and the profile that it was made under."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.store.labels import label_of, parts_of

NODES = st.sampled_from(
    ["base", "banner/base", "scene[a=x]", 'scene[a="x@y"]', 'b/scene[a="x]@draft"]', "a-b_c[last=1.10]"]
)
PROFILES = st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)


@given(NODES, PROFILES)
def test_a_label_says_both(node: str, profile: str | None) -> None:
    """Whatever stands in the brackets of the axes."""
    assert parts_of(label_of(node, profile)) == (node, profile)


@pytest.mark.parametrize("node", ["base", 'scene[a="x@y"]'])
def test_without_a_profile_it_is_the_name(node: str) -> None:
    """Lock files that were written before labels said a profile are read as they are."""
    assert label_of(node, None) == node

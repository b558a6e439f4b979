"""A request and its key. **A changed key is a bill.**

Unaware of stores and providers.
"""

from __future__ import annotations

import json
import string
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.canonical import Digest, digest_of
from banana_pipe.errors import Location
from banana_pipe.model import Node, Request
from banana_pipe.request import (
    TYPE,
    base_key_of,
    canonical_request,
    key_of,
    read_request,
    request_for,
    with_sample,
)

GOLDEN = json.loads((Path(__file__).parent / "golden" / "keys.json").read_text(encoding="utf-8"))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PARAMS = st.dictionaries(
    st.sampled_from(["aspect_ratio", "resolution", "x", "y"]),
    st.sampled_from(["1:1", "16:9", "2K", "4K", 1, 1.0, True, "1", None]) | st.lists(st.integers(0, 3), max_size=2),
    max_size=3,
)
DIGEST = st.sampled_from([digest_of(letter.encode()) for letter in string.ascii_lowercase[:4]])
REQUESTS = st.builds(
    Request,
    provider=st.sampled_from(["acedata", "acedata-local", "sandbox"]),
    action=st.sampled_from(["generate", "edit"]),
    model=st.sampled_from(["nano-banana", "nano-banana-pro", "nano-banana-2:official"]),
    prompt=TEXT,
    images=st.lists(DIGEST, max_size=3).map(tuple),
    params=PARAMS,
    sample=st.integers(1, 5),
)


def request_of(described: dict[str, Any]) -> Request:
    return Request(**{**described, "images": tuple(described["images"])})


@pytest.mark.parametrize("name", GOLDEN)
def test_no_key_has_changed(name: str) -> None:
    """A changed key is a bill: every picture bought so far would be bought again.

    Never mend this table. Another form of the request needs a new `type`, with the old one still read.
    """
    request = request_of(GOLDEN[name]["request"])
    assert canonical_request(request).decode() == GOLDEN[name]["canonical"]
    assert key_of(request) == GOLDEN[name]["key"]
    assert base_key_of(request) == GOLDEN[name]["base"]


def test_the_table_has_no_two_equal_keys() -> None:
    """Its requests differ in one thing each."""
    assert len({entry["key"] for entry in GOLDEN.values()}) == len(GOLDEN)


@given(REQUESTS, REQUESTS)
def test_different_requests_have_different_keys(one: Request, other: Request) -> None:
    """And equal ones equal keys."""
    same = repr(replace(one, params=sorted(one.params.items()))) == repr(  # type: ignore[arg-type]
        replace(other, params=sorted(other.params.items()))  # type: ignore[arg-type]
    )
    assert (key_of(one) == key_of(other)) == same


@given(REQUESTS)
def test_each_field_counts(request: Request) -> None:
    """What the provider sees, and nothing of it left out."""
    others = [
        replace(request, provider=request.provider + "-x"),
        replace(request, action="edit" if request.action == "generate" else "generate"),
        replace(request, model=request.model + "x"),
        replace(request, prompt=request.prompt + " "),
        replace(request, images=(*request.images, digest_of(b"one more"))),
        replace(request, params={**request.params, "one more": 1}),
        replace(request, sample=request.sample + 1),
    ]
    assert len({key_of(other) for other in [request, *others]}) == len(others) + 1


@given(REQUESTS)
def test_the_order_of_pictures_counts_that_of_parameters_does_not(request: Request) -> None:
    """The provider sees the first picture first."""
    turned = replace(request, images=request.images[::-1])
    assert (key_of(turned) == key_of(request)) == (request.images == request.images[::-1])
    assert key_of(replace(request, params=dict(reversed(list(request.params.items()))))) == key_of(request)


@given(REQUESTS)
def test_a_request_is_read_back_from_its_canonical_form(request: Request) -> None:
    """So that what was asked can be explained, and compared."""
    assert read_request(canonical_request(request)) == request


@given(REQUESTS, st.integers(1, 9))
def test_takes_share_the_base_and_nothing_else(request: Request, sample: int) -> None:
    """The base key names the block in the lock file."""
    other = with_sample(request, sample)
    assert base_key_of(other) == base_key_of(request)
    assert (key_of(other) == key_of(request)) == (sample == request.sample)
    assert str(base_key_of(request)) not in (str(key_of(request)), str(key_of(other)))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b'{"type":"other"}', f'{{"type":"{TYPE}"}}'.encode()])
def test_anything_else_is_no_request(data: bytes) -> None:
    """Of another type, or cut: ValueError and no other."""
    with pytest.raises(ValueError, match=r"."):
        read_request(data)


def test_names_and_places_are_not_in_the_request() -> None:
    """Of a node only that counts which the provider sees."""
    at = Location("a.yaml", 1, 1)
    node = Node(
        "scene[color=teal]", "scene", (("color", "teal"),), "generate", "acedata", "nano-banana", "a mug", (),
        {"resolution": "2K"}, False, 600.0, 1, 1, "scene/teal", at,
    )  # fmt: skip
    renamed = replace(
        node, id="x", step="x", axes=(), output=None, at=Location("b.yaml", 9, 9), timeout=1.0, samples=4, pick=3
    )
    images = (Digest("0" * 64),)
    assert request_for(node, "acedata", images, 2) == request_for(renamed, "acedata", images, 2)
    assert request_for(node, "acedata", images, 2) == Request(
        "acedata", "generate", "nano-banana", "a mug", images, {"resolution": "2K"}, 2
    )

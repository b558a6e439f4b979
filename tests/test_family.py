"""How a picture came to be, from records that anybody may have written."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.canonical import Digest, digest_of
from banana_pipe.lineage.family import Ancestor, Family, Record, family, joined

NAMES = "abcdefgh"


def digest(name: str) -> Digest:
    return digest_of(name.encode())


def family_of(root: str, made_from: Mapping[str, str]) -> Family:
    """The family of *root*, where each name was made from those that it stands for."""
    records = {
        digest(name): [
            Record(digest(name), "m", node=name, price=1000, inputs=tuple(Ancestor(digest(one), one) for one in inputs))
        ]
        for name, inputs in made_from.items()
    }
    return family(digest(root), lambda one: records.get(one, []), lambda _: None)


anything = st.dictionaries(st.sampled_from(NAMES), st.text(st.sampled_from(NAMES), max_size=4))


@given(anything)
def test_each_picture_has_one_place_whatever_records_say(made_from: dict[str, str]) -> None:
    """Also where one would be its own ancestor: a record that lies ends in no loop."""
    found = family_of("a", made_from)
    placed = [one for level in found.generations() for one in level]
    assert sorted(placed) == sorted(found.members)
    assert len(placed) == len(set(placed))


@given(anything)
def test_what_was_made_from_another_stands_before_it(made_from: dict[str, str]) -> None:
    """Where no record lies: each generation above all that it went into."""
    honest = {name: "".join(one for one in inputs if one > name) for name, inputs in made_from.items()}
    found = family_of("a", honest)
    levels = found.generations()
    depth = {one: place for place, level in enumerate(levels) for one in level}
    assert levels[0] == [digest("a")]
    for one in found.members:
        assert all(depth[parent.digest] > depth[one] for parent in found.parents(one))


def test_a_chain_of_thousands_is_told() -> None:
    """No recursion, and each once."""
    long = family(
        digest("0"),
        lambda one: [Record(one, "m", inputs=(Ancestor(digest_of(one.encode())),))],
        lambda _: None,
    )
    assert len(long.members) == 10_000
    assert len(long.generations()) == 10_000


def test_a_family_costs_each_picture_once() -> None:
    """What went into two pictures was paid once; one unknown price makes the whole unknown."""
    assert family_of("a", {"a": "bc", "b": "d", "c": "d", "d": ""}).cost == 4000
    unknown = family(digest("a"), lambda one: [Record(one, "m", inputs=())], lambda _: None)
    assert unknown.cost is None


def test_records_complete_each_other_and_the_first_is_believed() -> None:
    """Of another node with the same bytes only what belongs to the bytes is taken."""
    one = Record(digest("x"), "manifest", node="hero", model="a", price=None)
    two = Record(digest("x"), "ledger", node="other", model="b", task_id="t", price=5, recipe="r.yaml")
    three = Record(digest("x"), "lock", node="hero", recipe="shop.yaml", price=7)
    whole = joined([one, two, three])
    assert (whole.where, whole.node, whole.model, whole.task_id) == ("manifest", "hero", "a", "t")
    assert (whole.price, whole.recipe) == (5, "shop.yaml")

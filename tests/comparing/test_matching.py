"""Which pictures belong together."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.canonical import Digest, digest_of
from banana_pipe.comparing.matching import Pair, Shown, match


def digest(text: str) -> Digest:
    return digest_of(text.encode())


def shown(path: str, content: str, node: str | None = None, take: int | None = 1, *, picked: bool = True) -> Shown:
    return Shown(path, digest(content), node, take if node else None, picked)


shows = st.builds(
    shown,
    st.sampled_from(["a.png", "a.jpg", "b/a.png", "b/c.webp", "_/takes/a@2.png"]),
    st.sampled_from("xyz"),
    st.sampled_from([None, "hero", "scene[a=b]", "icon"]),
    st.sampled_from([None, 1, 2]),
    picked=st.booleans(),
)
sides = st.lists(shows, max_size=8)


def names(pairs: list[Pair]) -> list[tuple[str, str]]:
    return [(pair.kind, pair.name) for pair in pairs]


@given(sides, sides)
def test_every_picture_is_in_exactly_one_pair(before: list[Shown], after: list[Shown]) -> None:
    """Also where names or bytes are there twice: nothing is lost, nothing told twice."""
    pairs = match(before, after)
    assert Counter(id(pair.before) for pair in pairs if pair.before) == Counter(map(id, before))
    assert Counter(id(pair.after) for pair in pairs if pair.after) == Counter(map(id, after))
    assert all(pair.before or pair.after for pair in pairs)


@given(sides)
def test_a_side_and_itself_are_the_same(side: list[Shown]) -> None:
    """Whatever the order."""
    assert {pair.kind for pair in match(side, [*reversed(side)])} <= {"same", "changed", "renamed"}
    tidy = list({(one.path, one.node, one.picked): one for one in side}.values())
    if len({one.path for one in tidy}) == len({one.node for one in tidy}) == len(tidy):
        assert {pair.kind for pair in match(tidy, tidy)} <= {"same"}


@given(sides, sides)
def test_the_other_way_round_what_was_added_was_removed(before: list[Shown], after: list[Shown]) -> None:
    """Nothing else changes its kind but by which of several equals is taken."""
    there, back = (Counter(pair.kind for pair in match(*both)) for both in ((before, after), (after, before)))
    assert (there["added"], there["removed"]) == (back["removed"], back["added"])


def test_the_picture_of_a_node_is_that_of_the_node_whichever_take_flows_on() -> None:
    """A re-roll changes a picture; it does not remove one and add another."""
    pairs = match([shown("hero.png", "x", "hero", 1)], [shown("lead.png", "y", "hero", 2)])
    assert names(pairs) == [("changed", "hero")]


def test_takes_that_nobody_picked_belong_to_the_same_take() -> None:
    """`hero@2` is `hero@2`, wherever it lies."""
    before = [shown("_/takes/hero@1.png", "x", "hero", 1, picked=False)]
    after = [
        shown("_/takes/hero@1.png", "x", "hero", 1, picked=False),
        shown("_/takes/hero@2.png", "y", "hero", 2, picked=False),
    ]
    assert names(match(before, after)) == [("same", "hero@1"), ("added", "hero@2")]


def test_a_node_of_another_name_is_found_by_its_place_and_by_its_bytes() -> None:
    """A renamed step changes no picture."""
    before = [shown("hero.png", "x", "hero"), shown("icon.png", "y", "icon")]
    after = [shown("lead.png", "x", "lead"), shown("icon.png", "z", "sign")]
    assert names(match(before, after)) == [("changed", "sign"), ("renamed", "lead")]


def test_pictures_without_a_record_are_known_by_their_path_whatever_the_suffix() -> None:
    """The bytes decide the suffix; a stem with dots keeps them."""
    before = [shown("a/b.v2.png", "x"), shown("c.png", "y")]
    after = [shown("a/b.v2.jpg", "z"), shown("d.png", "y")]
    assert names(match(before, after)) == [("changed", "a/b.v2.jpg"), ("renamed", "d.png")]


def test_two_that_changed_places_are_both_changed() -> None:
    """By their names, not by their bytes."""
    before = [shown("a.png", "x", "a"), shown("b.png", "y", "b")]
    after = [shown("a.png", "y", "a"), shown("b.png", "x", "b")]
    assert names(match(before, after)) == [("changed", "a"), ("changed", "b")]


def test_what_a_side_says_nothing_of_is_neither_added_nor_removed() -> None:
    """A run of a part knows nothing of the rest."""
    before, after = [shown("a.png", "x", "a")], [shown("b.png", "y", "b"), shown("c.png", "z")]
    assert names(match(before, after, unsaid_before={"b"}, unsaid_after={"a"})) == [("added", "c.png")]

"""A lock file that git left in conflict, merged by what it says; git itself makes the conflicts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banana_pipe.errors import UsageError
from banana_pipe.locks.merging import merge_lock
from banana_pipe.store.lockfile import read
from banana_pipe.store.lockmembers import as_text
from banana_pipe.store.lockmerge import Clash, merge, sides
from banana_pipe.store.pins import LockFile, with_accepted, with_labels, with_pick, with_takes, without
from tests.store.test_lockfile import NAMES, ORDERED, Repository, base, bought, lock_of, picture, pinned

_changes = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["take", "label", "pick"]), st.integers(1, 3)), max_size=5
)


def changed(lock: LockFile, changes: Sequence[tuple[str, str, int]], who: str) -> LockFile:
    """*lock* after what *who* bought, named and picked on a branch; no two branches buy the same picture."""
    for name, what, sample in changes:
        if what == "take" or base(name) not in lock.blocks:
            lock = with_takes(lock, [bought(name, sample, content=who)])
        elif what == "label":
            lock = with_labels(lock, {base(name): [f"{who}{sample}"]})
        else:
            lock = with_pick(lock, base(name), sample)
    return lock


@given(st.sets(st.sampled_from(NAMES), min_size=1), _changes, _changes)
def test_nothing_that_was_bought_is_lost_and_the_order_of_sides_is_no_matter(
    start: set[str], one: list[tuple[str, str, int]], other: list[tuple[str, str, int]]
) -> None:
    """Every take of both is there; who is preferred wins the same from either side; where they agree nobody wins."""
    common = lock_of(*sorted(start))
    ours, theirs = changed(common, one, "a"), changed(common, other, "b")
    merged = merge(common, ours, theirs)
    for key in ours.blocks.keys() | theirs.blocks.keys():
        takes = [lock.blocks[key].takes.keys() for lock in (ours, theirs) if key in lock.blocks]
        assert merged.lock.blocks[key].takes.keys() == set().union(*takes)
    assert merged.lock == merge(common, theirs, ours, prefer="theirs").lock
    assert merge(common, ours, common).lock == merge(common, common, ours).lock == ours
    if not merged.clashes:
        assert merged.lock == merge(common, ours, theirs, prefer="theirs").lock


@settings(max_examples=15)
@given(_changes, _changes)
def test_what_git_leaves_is_merged_as_the_three_locks_are(
    tmp_path_factory: pytest.TempPathFactory, one: list[tuple[str, str, int]], other: list[tuple[str, str, int]]
) -> None:
    """However git cut it up: while a merge is under way it has the whole versions."""
    start = lock_of(ORDERED[0], ORDERED[5])
    ours, theirs = changed(start, one, "a"), changed(start, other, "b")
    repository = Repository(tmp_path_factory.mktemp("git"), start)
    if ours == start or theirs == start or repository.merge(ours, theirs):
        return
    wanted = merge(start, ours, theirs)
    assert merging(repository.path, write=False) == wanted.clashes
    assert merging(repository.path, prefer="ours") == wanted.clashes
    assert read(repository.path) == wanted.lock


def merging(path: Path, **how: object) -> tuple[Clash, ...] | None:
    _, merged = asyncio.run(merge_lock(path.with_suffix(".yaml"), **how))  # type: ignore[arg-type]
    return None if merged is None else merged.clashes


def test_two_branches_that_only_bought_are_settled_without_a_question(tmp_path: Path) -> None:
    """Git cannot order two insertions; here there is nothing to order."""
    start = lock_of(ORDERED[0], ORDERED[5])
    mine, theirs = (with_takes(start, map(bought, names)) for names in (ORDERED[1:3], ORDERED[3:5]))
    repository = Repository(tmp_path, start)
    assert not repository.merge(mine, theirs)
    before = repository.path.read_text()
    assert merging(repository.path, write=False) == ()
    assert repository.path.read_text() == before
    assert merging(repository.path) == ()
    assert read(repository.path) == lock_of(*NAMES)
    assert merging(repository.path) is None


def test_what_was_picked_differently_waits_for_a_word(tmp_path: Path) -> None:
    """Named by its node; the file stays as it is until somebody says whose word counts."""
    start = with_labels(with_takes(lock_of(*NAMES), [bought(NAMES[2], 2)]), {base(NAMES[2]): ["hero"]})
    mine = with_pick(start, base(NAMES[2]), 1)
    theirs = with_accepted(start, [(start.blocks[base(NAMES[2])], picture("x"))], 5.0)
    repository = Repository(tmp_path, start)
    assert not repository.merge(mine, theirs)
    before = repository.path.read_text()
    clash = Clash("hero", "take 1", f"the picture {picture('x').digest[:12]}, accepted")
    assert merging(repository.path) == (clash,)
    assert repository.path.read_text() == before
    assert merging(repository.path, prefer="theirs") == (clash,)
    assert read(repository.path) == theirs


def test_one_take_bought_on_both_branches_and_one_address_fetched_twice_are_clashes() -> None:
    """The same number is another picture: one of the two keeps it, in the cache both are."""
    ours, theirs = (with_takes(LockFile(), [bought("a", 2, content=who)]) for who in "ab")
    digests = [lock.blocks[base("a")].takes[2].artifact.digest[:12] for lock in (ours, theirs)]
    (clash,) = merge(LockFile(), ours, theirs).clashes
    assert clash == Clash(f"{base('a')[:12]}@2", *(f"the picture {digest}" for digest in digests))
    mine, other = pinned(LockFile(), "x"), pinned(LockFile(), "y")
    moved = LockFile(links={next(iter(mine.links)): next(iter(other.links.values()))})
    assert [clash.name for clash in merge(LockFile(), mine, moved).clashes] == ["https://example.com/x.png"]
    assert len(merge(LockFile(), mine, other).lock.links) == 2


def test_what_one_side_took_away_stays_away_unless_the_other_changed_it() -> None:
    """A pick that was reset and a block that was cleaned don't come back; a take that was bought meanwhile does."""
    start = with_pick(with_takes(lock_of(*NAMES), [bought("n0", 2)]), base("n0"), 2)
    cleaned = without(with_pick(start, base("n0"), None), {base("n1"), base("n2")}, ())
    bought_more = with_takes(start, [bought("n1", 3), bought("n3", 2)])
    merged = merge(start, cleaned, bought_more)
    assert merged.clashes == ()
    assert merged.lock.pick(base("n0")) is None
    assert base("n2") not in merged.lock.blocks
    assert set(merged.lock.blocks[base("n1")].takes) == {1, 3}


@pytest.mark.parametrize("style", ["merge", "diff3"])
def test_without_git_the_marks_say_what_the_sides_are(tmp_path: Path, style: str) -> None:
    """The file was carried elsewhere; the ancestor between the sides, if there is one, is nobody's word."""
    start = with_takes(lock_of(*NAMES), [bought(NAMES[2], 2)])
    mine, theirs = (with_pick(start, base(NAMES[2]), sample) for sample in (1, 2))
    repository = Repository(tmp_path, start)
    repository.git("config", "merge.conflictStyle", style)
    assert not repository.merge(mine, theirs)
    assert (f"{'|' * 7} " in repository.path.read_text()) == (style == "diff3")
    repository.git("add", "shop.lock")
    found = sides(repository.path.read_text())
    assert found == (as_text(mine), as_text(theirs))
    assert merging(repository.path, prefer="theirs") == (Clash(base(NAMES[2])[:12], "take 1", "take 2"),)
    assert read(repository.path) == theirs


def test_a_side_that_is_no_lock_file_is_told_and_left(tmp_path: Path) -> None:
    """Somebody edited between the marks."""
    path = tmp_path / "shop.lock"
    text = as_text(lock_of("a"))
    path.write_text(text.replace('"requests"', "<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> b", 1))
    with pytest.raises(UsageError, match="cannot be read"):
        merging(path)
    with pytest.raises(UsageError, match="cannot read the lock file"):
        merging(tmp_path / "none.lock")

"""The lock file: its text, its changes, and how git merges it."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banana_pipe import disk
from banana_pipe.canonical import Digest, digest_of
from banana_pipe.clock import SystemClock
from banana_pipe.errors import Location, StoreError, UsageError
from banana_pipe.model import Artifact, BaseKey, Key, Result, Url
from banana_pipe.store.lockfile import read, update
from banana_pipe.store.lockmembers import as_text, parse, show_time
from banana_pipe.store.pins import (
    Bought,
    LockAccepted,
    LockBlock,
    LockFile,
    LockLink,
    LockTake,
    with_labels,
    with_links,
    with_pick,
    with_takes,
)
from tests.clock import FakeClock, run

SYSTEM = SystemClock()
HERE = Path("recipes/shop.lock")


def base(name: str) -> BaseKey:
    return BaseKey(digest_of(name.encode()))


def result(name: str, sample: int = 1, *, at: float = 1_795_356_000.5, content: str = "") -> Result:
    digest = digest_of(f"{name}{sample}{content}".encode())
    return Result(
        key=Key(digest_of(f"key {name} {sample}".encode())),
        artifact=Artifact(digest, "image/png", 1024, 768, 1234),
        provider="acedata",
        model="nano-banana-pro",
        served="nano-banana-pro-2",
        task_id=f"task-{name}-{sample}",
        trace_id="trace",
        price=39_000,
        bought_at=at,
    )


def bought(name: str, sample: int = 1, *, at: float = 1_795_356_000.5, content: str = "") -> Bought:
    return Bought(base(name), sample, (digest_of(b"input"),), result(name, sample, at=at, content=content))


def lock_of(*names: str) -> LockFile:
    return with_takes(LockFile(), [bought(name) for name in names])


def change(path: Path, how: Callable[[LockFile], LockFile], cache: str = "cache") -> LockFile:
    return asyncio.run(update(path, path.parent / cache / "turn", how, SYSTEM))


# --- laws -------------------------------------------------------------------------------------------

texts = st.text(max_size=12)
digests = st.integers(0, 2**256 - 1).map(lambda number: Digest(f"{number:064x}"))
extras = st.dictionaries(
    st.sampled_from(["approved", "note", "zebra"]), st.recursive(st.integers() | texts, st.lists), max_size=2
)
artifacts = st.builds(
    Artifact,
    digests,
    texts,
    st.integers(1, 9999),
    st.integers(1, 9999),
    st.integers(1, 2**40),
    st.booleans(),
    st.booleans(),
)
takes = st.builds(
    LockTake,
    artifacts,
    st.integers(0, 200_000_000_000_000).map(lambda ms: ms / 1000),
    st.none() | st.integers(0, 10**12 - 1),
    st.none() | texts,
    st.none() | texts,
    st.none() | texts,
    extras,
)
accepted = st.builds(LockAccepted, artifacts, st.integers(0, 200_000_000_000_000).map(lambda ms: ms / 1000), extras)
links = st.builds(LockLink, artifacts, st.integers(0, 200_000_000_000_000).map(lambda ms: ms / 1000), extras)


@st.composite
def locks(draw: st.DrawFn) -> LockFile:
    blocks = {}
    for key in draw(st.lists(digests, max_size=4, unique=True)):
        blocks[BaseKey(key)] = LockBlock(
            base=BaseKey(key),
            provider=draw(texts),
            model=draw(texts),
            inputs=tuple(draw(st.lists(digests, max_size=3))),
            labels=tuple(sorted(draw(st.sets(texts, max_size=3)))),
            takes=draw(st.dictionaries(st.integers(1, 200), takes, max_size=3)),
            pick=draw(st.none() | st.integers(1, 200)),
            extra=draw(extras),
            accepted=draw(st.none() | accepted),
        )
    return LockFile(blocks, draw(extras), draw(st.dictionaries(texts.filter("end".__ne__).map(Url), links, max_size=3)))


@settings(max_examples=50, deadline=None)
@given(locks())
def test_what_is_written_is_read_back(lock: LockFile) -> None:
    """Nothing is lost or changed on the way through the text: no name, no time, no millionth of a dollar."""
    text = as_text(lock)
    assert parse(text, HERE) == lock
    assert as_text(parse(text, HERE)) == text


@settings(max_examples=50, deadline=None)
@given(locks())
def test_the_text_is_sorted_json_with_a_line_of_its_own_for_all_that_changes(lock: LockFile) -> None:
    """Any program can read it; the lines that can be added or changed end in a comma."""
    text = as_text(lock)
    assert isinstance(json.loads(text), dict)
    assert text.endswith("}\n")
    assert [line for line in text.split("\n")[1:-3] if line and line[-1] not in ",{"] == []
    heads = [line[1:65] for line in text.split("\n") if '": {"provider"' in line]
    assert heads == sorted(lock.blocks)


@settings(max_examples=30, deadline=None)
@given(locks(), st.permutations(["a", "b", "c", "d"]), st.integers(0, 4))
def test_the_order_of_changes_does_not_matter(lock: LockFile, order: list[str], split: int) -> None:
    """Processes that add what they bought, in any order and grouping, end with the same text."""
    one = with_takes(lock, [bought(name) for name in "abcd"])
    other = with_takes(with_takes(lock, map(bought, order[:split])), map(bought, order[split:]))
    assert as_text(one) == as_text(other)
    assert as_text(with_takes(one, map(bought, order))) == as_text(one)


@settings(max_examples=300)
@given(st.text(max_size=60) | st.sampled_from(["[" * 100_000, "NaN", '{"version": 1, "requests": {"x": 3}}']))
def test_any_text_is_a_lock_or_a_located_error(text: str) -> None:
    """A damaged lock file never ends in a traceback."""
    try:
        parse(text, HERE)
    except UsageError as error:
        complaints = [error.at, error.hint]
    else:
        complaints = []
    assert None not in complaints


@settings(max_examples=100, deadline=None)
@given(locks(), st.data())
def test_any_damage_to_a_lock_is_a_lock_or_a_located_error(lock: LockFile, data: st.DataObject) -> None:
    """Neither does one whose values were replaced by others."""
    document = json.loads(as_text(with_takes(lock, [bought("a")])))
    spot = document
    while isinstance(spot, dict) and spot:
        name = data.draw(st.sampled_from(sorted(spot)))
        if not isinstance(spot[name], dict) or data.draw(st.booleans()):
            spot[name] = data.draw(st.none() | st.integers() | st.floats() | texts | st.just([1]) | st.just({}))
            break
        spot = spot[name]
    try:
        parse(json.dumps(document), HERE)
    except UsageError as error:
        at = error.at
    else:
        at = Location("", 1, 1)
    assert at is not None


# --- meaning -----------------------------------------------------------------------------------------


def test_a_take_comes_back_as_the_result_that_was_bought() -> None:
    """From the lock alone a clone knows everything that the cache knew."""
    lock = parse(as_text(lock_of("a")), HERE)
    one = result("a")
    assert lock.result(base("a"), 1, one.key) == one
    assert lock.result(base("a"), 2, one.key) is None
    assert lock.result(base("b"), 1, one.key) is None


def test_a_take_is_never_replaced_unless_its_bytes_were_lost() -> None:
    """Key → picture is write-once; only what was lost and bought again by consent takes its place."""
    lock = with_pick(lock_of("a"), base("a"), 1)
    assert with_takes(lock, [bought("a", content="other")]) == lock
    replaced = with_takes(lock, [bought("a", content="other")], replace_lost=True)
    block = replaced.block(base("a"))
    assert block is not None
    assert block.takes[1].artifact == result("a", content="other").artifact
    assert block.pick == 1


def test_a_pick_is_set_and_taken_away() -> None:
    """A pick stands in its block until somebody takes it back."""
    lock = with_pick(lock_of("a", "b"), base("a"), 2)
    assert (lock.pick(base("a")), lock.pick(base("b")), lock.pick(base("c"))) == (2, None, None)
    assert with_pick(lock, base("a"), None) == lock_of("a", "b")


def test_labels_are_those_of_the_last_run_that_used_the_request() -> None:
    """A block forgets its old names, keeps them where it was not used, and unknown requests are passed over."""
    lock = with_labels(lock_of("a", "b"), {base("a"): ["old"], base("b"): ["hero"]})
    lock = with_labels(lock, {base("a"): ["y", "x", "y"], base("c"): ["z"]})
    assert [block.labels for name in "ab" if (block := lock.block(base(name)))] == [("x", "y"), ("hero",)]
    assert lock.block(base("c")) is None


def test_the_last_request_under_a_name_is_the_one_bought_last() -> None:
    """Of two blocks with one label the later purchase counts; of two at one time the greater key."""
    lock = with_takes(LockFile(), [bought("a", at=20.0), bought("b", at=10.0), bought("b", 2, at=30.0)])
    lock = with_labels(lock, {base("a"): ["hero", "only"], base("b"): ["hero"]})
    assert lock.latest_with_label("hero") == lock.block(base("b"))
    assert lock.latest_with_label("only") == lock.block(base("a"))
    assert lock.latest_with_label("none") is None
    tied = with_labels(lock_of("a", "b"), {base("a"): ["hero"], base("b"): ["hero"]})
    assert tied.latest_with_label("hero") == tied.block(max(base("a"), base("b")))


def test_a_run_moves_the_labels_of_its_own_profile_alone() -> None:
    """What a node was called under another one stays, also where the request is the same."""
    lock = with_labels(lock_of("a"), {base("a"): ["old"]})
    lock = with_labels(lock, {base("a"): ["old@draft"]}, profile="draft")
    lock = with_labels(lock, {base("a"): ["new"]})
    assert lock.blocks[base("a")].labels == ("new", "old@draft")
    lock = with_labels(lock, {base("a"): ["new@draft"]}, profile="draft")
    assert lock.blocks[base("a")].labels == ("new", "new@draft")


def test_a_label_is_found_in_its_profile_and_beside_it() -> None:
    """`hero` is not `hero@draft`; who asks for what others called it is told how."""
    newer, older = sorted((base("a"), base("b")), reverse=True)
    lock = with_labels(lock_of("a", "b"), {older: ["hero"], newer: ["hero", "hero@draft", 'hero[a="x@y"]']})
    assert [block.base for block in lock.with_label("hero")] == [newer, older]
    assert [block.base for block in lock.with_label("hero@draft")] == [newer]
    assert [(name, block.base) for name, block in lock.in_other_profiles("hero")] == [("hero@draft", newer)]
    others = [(name, block.base) for name, block in lock.in_other_profiles("hero@final")]
    assert others == [("hero", newer), ("hero@draft", newer), ("hero", older)]


def test_members_of_a_later_version_are_kept() -> None:
    """What this version does not know is written back as it was."""
    document = json.loads(as_text(lock_of("a")))
    document["requests"][base("a")]["approved"] = {"sha256": "f" * 64}
    document["requests"][base("a")]["take 1"]["seed"] = 7
    document["profile"] = "x"
    again = json.loads(as_text(with_pick(parse(json.dumps(document), HERE), base("a"), 1)))
    assert again["requests"][base("a")].pop("pick") == 1
    assert again == document


def test_times_are_utc_and_exact_to_the_millisecond() -> None:
    """What the lock says of a time is what everything else says of it."""
    assert show_time(1_795_356_000.1239) == "2026-11-22T14:00:00.124Z"
    other = as_text(lock_of("a")).replace("2026-11-22T14:00:00.500Z", "2026-11-22T15:00:00.5+01:00")
    assert parse(other, HERE) == lock_of("a")


# --- mistakes ----------------------------------------------------------------------------------------


def complaint(text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse(text, HERE)
    assert caught.value.at is not None
    return caught.value


def test_a_merge_conflict_is_named_with_its_line() -> None:
    """Whoever forgot to resolve it reads so, and how."""
    lines = as_text(with_pick(lock_of("a"), base("a"), 1)).split("\n")
    spot = next(index for index, line in enumerate(lines) if '"pick"' in line)
    lines[spot : spot + 1] = ["<<<<<<< HEAD", '  "pick": 1,', "=======", '  "pick": 2,', ">>>>>>> other"]
    error = complaint("\n".join(lines))
    assert "merge conflict" in error.message
    assert error.at is not None
    assert (error.at.line, error.at.source) == (spot + 1, "<<<<<<< HEAD")


def test_a_merge_that_kept_two_picks_is_named_with_its_line() -> None:
    """A JSON reader would silently take the second."""
    lock = with_pick(with_pick(lock_of("a", "b"), base("a"), 1), base("b"), 3)
    error = complaint(as_text(lock).replace('  "pick": 3,', '  "pick": 3,\n  "pick": 2,'))
    assert '"pick" stands twice' in error.message
    assert error.at is not None
    assert error.at.source == '  "pick": 2,'


def test_a_block_that_stands_twice_is_named_with_its_line() -> None:
    """Its second place is shown."""
    text = as_text(lock_of("a"))
    block = text[text.index(f'"{base("a")}"') : text.index('"end": "of')]
    error = complaint(text.replace(block, block + block))
    assert error.at is not None
    assert error.at.line == 11


def test_a_newer_lock_is_refused_with_the_way_on() -> None:
    """What a later version wrote is not guessed at: that could buy twice."""
    error = complaint(as_text(lock_of("a")).replace('"version": 1', '"version": 2'))
    assert "version 2" in error.message
    assert error.hint
    assert error.hint.startswith("update")
    assert error.at
    assert error.at.line == 3


def test_a_wrong_member_is_named_with_its_block() -> None:
    """The place is that of the block."""
    error = complaint(as_text(lock_of("a")).replace('"width": 1024', '"width": "wide"'))
    assert "`width`" in error.message
    assert error.at
    assert error.at.line == 6


def test_text_that_is_not_utf8_and_files_of_others_are_refused(tmp_path: Path) -> None:
    """Another tool's lock file is not overwritten."""
    path = tmp_path / "poetry.lock"
    for content in (b"\xff\xfe", b"[]", b"{}", b"name = 1", b'"text"'):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"poetry\.lock:1:1"):
            change(path, lambda lock: with_takes(lock, [bought("a")]))
        assert path.read_bytes() == content


# --- the file ------------------------------------------------------------------------------------------


def test_only_a_changed_text_is_written(tmp_path: Path) -> None:
    """A run that learns nothing leaves the file and its date alone, line ends of other systems too."""
    path = tmp_path / "shop.lock"
    change(path, lambda lock: lock)
    assert not path.exists()
    assert change(path, lambda lock: with_takes(lock, [bought("a")])) == lock_of("a") == read(path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    acts: list[str] = []
    disk.observe(lambda act, target: acts.append(act) if target.startswith(str(path.parent / "shop")) else None)
    try:
        change(path, lambda lock: with_takes(lock, [bought("a")]))
    finally:
        disk.observe(None)
    assert acts == []


def test_what_a_killed_process_left_half_written_goes_away(tmp_path: Path) -> None:
    """The recipe's folder is committed: it keeps no temporary files of the dead, and those of the living."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    dead, alive, other = (
        tmp_path / f"{disk.TEMPORARY_PREFIX}{name}" for name in (f"{child.pid}-0a", f"{os.getpid()}-0b", "cats")
    )
    for path in (dead, alive, other):
        path.touch()
    change(tmp_path / "shop.lock", lambda lock: with_takes(lock, [bought("a")]))
    assert [dead.exists(), alive.exists(), other.exists()] == [False, True, True]


def folder_lock(folder: Path) -> disk.FileLock | None:
    return disk.try_lock_folder(folder, else_lock=folder / "never")


def test_nobody_else_has_a_turn_between_reading_and_writing(tmp_path: Path) -> None:
    """What is written is a change of what was last read, whoever else wants to write."""
    path, taken = tmp_path / "shop.lock", []

    def buy(lock: LockFile) -> LockFile:
        taken.append(folder_lock(tmp_path))
        return with_takes(lock, [bought("a")])

    disk.observe(lambda act, target: taken.append(folder_lock(tmp_path)) if act == "rename" else None)
    try:
        change(path, buy)
    finally:
        disk.observe(None)
    assert taken == [None, None]


def add(path: Path, name: str, together: Barrier) -> None:
    together.wait()
    for sample in range(1, 6):
        change(path, lambda lock: with_takes(lock, [bought(name, sample)]), f"../cache-{name}")  # noqa: B023


def test_processes_with_caches_of_their_own_lose_nothing(tmp_path: Path) -> None:
    """Eight write one file at once, and share nothing but it: it ends complete, and beside it is nothing."""
    path = tmp_path / "recipes" / "shop.lock"
    path.parent.mkdir()
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(8)
    processes = [spawn.Process(target=add, args=(path, name, together)) for name in "abcdefgh"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    assert {(key, sample) for key, block in read(path).blocks.items() for sample in block.takes} == {
        (base(name), sample) for name in "abcdefgh" for sample in range(1, 6)
    }
    assert list(path.parent.iterdir()) == [path]


def test_many_who_wait_for_their_turn_take_no_thread_from_others(tmp_path: Path) -> None:
    """The same threads keep paid pictures: nobody sits in one until another process is done."""
    path = tmp_path / "shop.lock"

    async def story() -> None:
        held = folder_lock(tmp_path)
        assert held is not None
        waiting = [
            asyncio.create_task(
                update(path, tmp_path / "turn", lambda lock, n=number: with_takes(lock, [bought(str(n))]), SYSTEM)  # type: ignore[misc]
            )
            for number in range(64)
        ]
        with held:
            for _ in range(3):
                async with asyncio.timeout(30):
                    await asyncio.to_thread(os.getpid)
            assert not any(task.done() for task in waiting)
        await asyncio.gather(*waiting)

    asyncio.run(story())
    assert len(read(path).blocks) == 64


def test_a_folder_that_somebody_keeps_is_not_waited_for_without_end(tmp_path: Path) -> None:
    """`flock recipes banana-pipe …` would wait for itself; it is said what is in the way."""
    clock, path = FakeClock(), tmp_path / "shop.lock"
    held = folder_lock(tmp_path)
    assert held is not None
    with held, pytest.raises(StoreError, match="locked for 60 s"):
        run(clock, update(path, tmp_path / "turn", lambda lock: lock, clock))
    assert not path.exists()


def test_who_is_cancelled_while_writing_gives_its_turn_back_when_it_has_written(tmp_path: Path) -> None:
    """A second Ctrl-C in the middle of a change neither loses the change nor leaves the folder locked."""
    path, begun, cancelled = tmp_path / "shop.lock", Event(), Event()

    def slow(lock: LockFile) -> LockFile:
        begun.set()
        cancelled.wait()
        return with_takes(lock, [bought("a")])

    async def story() -> None:
        writing = asyncio.create_task(update(path, tmp_path / "turn", slow, SYSTEM))
        await asyncio.to_thread(begun.wait)
        writing.cancel()
        await asyncio.wait((writing,))
        assert folder_lock(tmp_path) is None
        cancelled.set()

    asyncio.run(story())
    assert read(path) == lock_of("a")
    assert folder_lock(tmp_path) is not None


# --- git -----------------------------------------------------------------------------------------------


class Repository:
    """A real git repository with one lock file in it."""

    def __init__(self, folder: Path, lock: LockFile) -> None:
        self.folder = folder
        self.path = folder / "shop.lock"
        self.git("init", "-q", "-b", "main")
        self.commit(lock)

    def git(self, *words: str) -> subprocess.CompletedProcess[str]:
        settings = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", *settings, *words], cwd=self.folder, capture_output=True, text=True, check=False)

    def commit(self, lock: LockFile) -> None:
        self.path.write_text(as_text(lock))
        self.git("add", "shop.lock")
        assert self.git("commit", "-q", "-m", "x").returncode == 0

    def merge(self, mine: LockFile, theirs: LockFile) -> bool:
        """Whether two branches that have these locks merge by themselves."""
        self.git("switch", "-q", "-c", "theirs")
        self.commit(theirs)
        self.git("switch", "-q", "main")
        self.commit(mine)
        return self.git("merge", "-q", "theirs").returncode == 0


NAMES = [f"n{index}" for index in range(6)]
ORDERED = sorted(NAMES, key=base)


@pytest.mark.parametrize("distance", [1, 2, 4])
def test_takes_of_different_requests_merge_by_themselves(tmp_path: Path, distance: int) -> None:
    """Even in neighbouring blocks, and a pick here with new names there too."""
    start = lock_of(*NAMES)
    one, other = ORDERED[0], ORDERED[distance]
    mine = with_pick(with_takes(start, [bought(one, 2)]), base(one), 2)
    theirs = with_labels(with_takes(start, [bought(other, 2)]), {base(other): ["new"], base(one): ["named"]})
    repository = Repository(tmp_path, start)
    assert repository.merge(mine, theirs)
    expected = with_labels(with_takes(mine, [bought(other, 2)]), {base(other): ["new"], base(one): ["named"]})
    assert read(repository.path) == expected


def test_new_requests_in_different_places_merge_by_themselves(tmp_path: Path) -> None:
    """A block more between two others is nobody else's business."""
    start = lock_of(*ORDERED[::2])
    mine, theirs = (with_takes(start, [bought(ORDERED[index])]) for index in (1, 3))
    repository = Repository(tmp_path, start)
    assert repository.merge(mine, theirs)
    assert read(repository.path) == lock_of(*ORDERED[:5])


def test_new_requests_in_one_place_conflict_and_keeping_both_is_right(tmp_path: Path) -> None:
    """Git cannot order two insertions; removing the three marker lines makes a whole lock of them."""
    start = lock_of(ORDERED[0], ORDERED[5])
    mine, theirs = (with_takes(start, map(bought, names)) for names in (ORDERED[1:3], ORDERED[3:5]))
    repository = Repository(tmp_path, start)
    assert not repository.merge(mine, theirs)
    with pytest.raises(UsageError, match="merge conflict"):
        read(repository.path)
    kept = [line for line in repository.path.read_text().split("\n") if line[:7] not in ("<" * 7, "=" * 7, ">" * 7)]
    assert parse("\n".join(kept), HERE) == lock_of(*NAMES)


def test_two_picks_of_one_request_conflict_in_that_block_alone(tmp_path: Path) -> None:
    """What two people decided differently, a person decides; everything else has merged."""
    start = with_takes(lock_of(*NAMES), [bought(ORDERED[2], 2)])
    mine = with_takes(with_pick(start, base(ORDERED[2]), 1), [bought(ORDERED[0], 2)])
    theirs = with_takes(with_pick(start, base(ORDERED[2]), 2), [bought(ORDERED[4], 2)])
    repository = Repository(tmp_path, start)
    assert not repository.merge(mine, theirs)
    text = repository.path.read_text()
    assert text.count("<<<<<<<") == 1
    conflict = text[text.index("<<<<<<<") : text.index(">>>>>>>")].split("\n")[1:-1]
    assert conflict == ['  "pick": 1,', "=======", '  "pick": 2,']


def test_lock_blocks_are_compared_by_what_they_say() -> None:
    """An index made for a question is no part of the lock."""
    lock = with_labels(lock_of("a"), {base("a"): ["x"]})
    lock.latest_with_label("x")
    assert lock == with_labels(lock_of("a"), {base("a"): ["x"]})
    assert replace(lock).latest_with_label("x") is not None


def picture(name: str) -> Artifact:
    return Artifact(digest_of(name.encode()), "image/png", 10, 20, 30)


def pinned(lock: LockFile, *names: str) -> LockFile:
    return with_links(lock, {Url(f"https://example.com/{name}.png"): picture(name) for name in names}, 1.5)


def test_an_address_that_is_pinned_stays_what_it_was() -> None:
    """Whoever fetches it later, whatever is there by then."""
    lock = pinned(LockFile(), "a")
    (url,) = lock.links
    assert with_links(lock, {url: picture("another")}, 9.0) == lock


def test_pins_at_different_places_merge_by_themselves(tmp_path: Path) -> None:
    """A line each, an empty one between two; requests bought on the other branch are nobody's business."""
    start = pinned(lock_of("a"), "c", "m", "x")
    mine, theirs = pinned(start, "d"), pinned(with_takes(start, [bought("b")]), "n")
    repository = Repository(tmp_path, start)
    assert repository.merge(mine, theirs)
    assert read(repository.path) == pinned(lock_of("a", "b"), "c", "d", "m", "n", "x")


def test_the_first_pins_of_two_branches_conflict_and_keeping_both_is_right(tmp_path: Path) -> None:
    """The lines that open and close the section are the same on both sides, so they stand outside of the conflict."""
    repository = Repository(tmp_path, lock_of("a"))
    assert not repository.merge(pinned(lock_of("a"), "x"), pinned(lock_of("a"), "y"))
    kept = [line for line in repository.path.read_text().split("\n") if line[:7] not in ("<" * 7, "=" * 7, ">" * 7)]
    assert parse("\n".join(kept), HERE) == pinned(lock_of("a"), "x", "y")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ('{"sha256": "x"}', "a link needs"),
        ("7", "a link is a mapping"),
        (
            f'{{"sha256": "{"a" * 64}", "mime": "image/png", "width": 1, "height": 1, "bytes": 1, "fetched_at": "x"}}',
            "fetched_at",
        ),
    ],
)
def test_a_pin_that_is_none_is_told_at_its_place(members: str, words: str) -> None:
    """With what to do: without its line the address is fetched anew."""
    text = as_text(LockFile()).replace('"requests"', f'"links": {{\n"https://x.org/a": {members}}},\n"requests"')
    with pytest.raises(UsageError, match=words) as raised:
        parse(text, HERE)
    assert raised.value.at is not None
    assert (raised.value.at.line, raised.value.at.column) == (5, 1)
    assert "fetched anew" in str(raised.value.hint)

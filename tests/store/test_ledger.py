"""The ledger: one thread that commits everything that waits, and caps that hold at any interleaving.

Unaware of providers.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import threading
from collections.abc import Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

import banana_pipe.store.ledger
from banana_pipe import disk
from banana_pipe.errors import StoreError
from banana_pipe.model import COUNTED, Attempt, Budget
from banana_pipe.store import attempts
from banana_pipe.store.ledger import CapReached, Ledger, TaskTaken
from tests.dataclass_rules import loose
from tests.store.attempts import ARTIFACT, ORIGIN, intent, key_of, open_ledger
from tests.store.children import end, go_on, line, start

T = TypeVar("T")
FREE = Budget()


@pytest.fixture
def ledger(in_memory: Path) -> Iterator[Ledger]:
    opened = open_ledger(in_memory / "ledger.db")
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _nobody_watches_afterwards() -> Iterator[None]:
    yield
    disk.observe(None)


def do(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(story)


def rows(ledger: Ledger) -> list[tuple[str, str]]:
    """Key's name and state of every row, as another process sees them."""
    assert ledger.path is not None
    with sqlite3.connect(ledger.path) as connection:
        read = attempts.all_attempts(connection)
    connection.close()
    return [(attempt.node, attempt.state) for attempt in read]


def test_looking_makes_nothing(ledger: Ledger) -> None:
    """A plan leaves no ledger behind."""

    async def story() -> None:
        assert await ledger.standing([key_of("a")]) == {}
        assert await ledger.open_attempts() == await ledger.all_attempts() == await ledger.newest_attempts(9) == []
        assert await ledger.samples_known([key_of("a")]) == set()
        assert await ledger.known_tasks(intent(), ["t"], 0.0) == {}
        assert await ledger.spent(day="2026-09-21") == (0, 0)
        assert await ledger.listing_is_proven(intent()) is False
        assert await ledger.may_have_failed_unnamed(intent()) is False
        assert await ledger.may_have_sent_too(intent(), "us") is False

    do(story())
    assert ledger.path is not None
    assert not ledger.path.exists()


def test_what_was_answered_is_on_the_disk(ledger: Ledger) -> None:
    """A caller goes on after its commit: another process sees the row."""

    async def story() -> None:
        attempt = await ledger.begin(intent("a"), FREE)
        assert rows(ledger) == [("a", "INTENT")]
        attempt = await ledger.advance(attempt, "ACCEPTED", task_id="t")
        assert rows(ledger) == [("a", "ACCEPTED")]
        await ledger.advance(attempt, "SUCCEEDED", picture="https://…", response="{}")
        assert rows(ledger) == [("a", "SUCCEEDED")]

    do(story())


def test_it_survives_its_handle(ledger: Ledger) -> None:
    """Opened again, it knows what it knew; so does one that was only read."""

    async def story() -> None:
        attempt = await ledger.begin(intent("a"), FREE)
        await ledger.prove_listing(attempt, "t")
        ledger.close()
        assert await ledger.standing([key_of("a")]) == {key_of("a"): attempt}
        assert await ledger.open_attempts(ORIGIN) == [attempt]
        assert await ledger.open_attempts("https://other") == []
        assert await ledger.attempts_of("run") == [attempt]
        assert await ledger.samples_known([key_of("a"), key_of("b")]) == {key_of("a")}
        assert await ledger.listing_is_proven(intent("b"))
        assert not await ledger.listing_is_proven(intent(origin="https://other"))
        assert not await ledger.listing_is_proven(intent(account="another"))
        assert await ledger.may_have_failed_unnamed(intent("b")) is True
        assert await ledger.may_have_sent_too(intent("b"), attempt.account) is True

    do(story())


def test_what_another_ledger_bought_is_taken_in_and_its_tasks_are_known(ledger: Ledger) -> None:
    """As an import does."""
    bought = intent("a", state="STORED", task_id="t", artifact=ARTIFACT)

    async def story() -> None:
        assert await ledger.take_in([bought]) == [bought]
        assert await ledger.take_in([bought]) == []
        assert await ledger.known_tasks(intent(), iter(["t", "u"]), 0.0) == {"t": bought.wire}

    do(story())


def test_its_names_are_there_and_what_it_hands_around_is_frozen() -> None:
    """Those that others import by them."""
    module = banana_pipe.store.ledger
    assert {vars(module)[name] for name in module.__all__} == {CapReached, Ledger, TaskTaken}
    assert loose(module) == set()


def test_it_is_written_as_durably_as_sqlite_can(ledger: Ledger) -> None:
    """Rollback journal, and the folder synced too when the journal goes."""
    connection = ledger._open()
    modes = [
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "mmap_size")
    ]
    connection.close()
    assert modes[:2] == ["delete", 3]
    assert not modes[2]


def test_what_a_file_says_of_itself_is_not_trusted(ledger: Ledger) -> None:
    """Another journal's mode, or functions in its schema."""
    assert ledger.path is not None
    with closing(sqlite3.connect(ledger.path)) as another:
        another.execute("PRAGMA journal_mode=WAL")
        another.execute("CREATE TABLE kept (a)")
    with closing(ledger._open()) as opened:
        modes = [opened.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "trusted_schema")]
    assert modes == ["delete", 0]


def test_each_act_is_told_before_it_is_done_and_a_look_is_none(ledger: Ledger) -> None:
    """The seam at which crashes are tried; who only looks takes no lock from those who write."""
    told: list[tuple[str, str]] = []

    async def story() -> None:
        await ledger.check_writable()
        disk.observe(lambda act, target: told.append((act, target)))
        await ledger.all_attempts()
        assert told == []
        await ledger.begin(intent("a"), FREE)
        ledger.close()
        disk.observe(None)
        assert told == [("begin", str(ledger.path)), ("commit", str(ledger.path))]

    do(story())


def test_a_new_ledger_and_its_folder_are_made_with_the_first_write(in_memory: Path) -> None:
    """And that is told too."""
    told: list[str] = []
    disk.observe(lambda act, _: told.append(act))
    made = open_ledger(in_memory / "cache" / "ledger.db")
    do(made.check_writable())
    made.close()
    assert told[-3:] == ["schema", "begin", "commit"]
    assert rows(made) == []


def test_who_writes_holds_the_file_from_the_beginning(ledger: Ledger) -> None:
    """What was looked at under a cap is still so when the row is written: nobody writes in between."""
    do(ledger.check_writable())
    assert ledger.path is not None
    with closing(sqlite3.connect(ledger.path, timeout=0, isolation_level=None, check_same_thread=False)) as another:

        def try_to_write(act: str, _: str) -> None:
            if act == "commit":
                with pytest.raises(sqlite3.OperationalError, match="locked"):
                    another.execute("BEGIN IMMEDIATE")

        disk.observe(try_to_write)
        do(ledger.check_writable())


def test_closing_ends_what_waits_and_the_thread(ledger: Ledger) -> None:
    """However slow the disk is; and who forgets to close is not kept alive by it."""

    async def story() -> None:
        waiting = asyncio.create_task(ledger.begin(intent("a"), FREE))
        await asyncio.sleep(0)
        (thread,) = (one for one in threading.enumerate() if one.name == "ledger")
        assert thread.daemon
        ledger.close()
        assert not thread.is_alive()
        assert rows(ledger) == [("a", "INTENT")]
        await waiting

    def slow(act: str, target: str) -> None:
        threading.Event().wait(0.05)

    disk.observe(slow)
    do(story())


# --- many callers -----------------------------------------------------------------------------


def commits_of(story: Coroutine[Any, Any, object]) -> int:
    """How many commits *story* makes, each kept busy until all who come at once have come."""
    count = 0
    first = threading.Event()

    def watch(act: str, target: str) -> None:
        nonlocal count
        if act == "commit":
            count += 1
            first.wait(10)

    async def whole() -> None:
        told = asyncio.create_task(story)
        for _ in range(20):
            await asyncio.sleep(0)
        first.set()
        await told

    disk.observe(watch)
    do(whole())
    disk.observe(None)
    return count


def test_all_who_wait_are_committed_together(ledger: Ledger) -> None:
    """Five hundred callers at once: two or three commits, not five hundred."""

    async def story() -> None:
        await asyncio.gather(*(ledger.begin(intent(str(number)), FREE) for number in range(500)))

    assert commits_of(story()) <= 3
    assert len(rows(ledger)) == 500


def test_one_callers_refusal_rolls_back_nobody_elses_row(ledger: Ledger) -> None:
    """A cap, a taken task, a taken key, our own bug, words that cannot be written: each is its caller's alone."""

    async def story() -> list[object]:
        taken = await ledger.begin(intent("taken"), FREE)
        await ledger.advance(taken, "ACCEPTED", task_id="t")
        other = await ledger.begin(intent("other"), FREE)
        third = await ledger.begin(intent("third"), FREE)
        return await asyncio.gather(
            ledger.begin(intent("a"), FREE),
            ledger.begin(intent("cap"), Budget(max_calls=0)),
            ledger.advance(other, "ACCEPTED", task_id="t"),
            ledger.begin(intent("taken"), FREE),
            ledger.advance(third, "STORED"),
            ledger.advance(third, "ACCEPTED", task_id="\ud800"),
            ledger.begin(intent("b"), FREE),
            ledger.all_attempts(),
            return_exceptions=True,
        )

    answers = do(story())
    kinds = [type(answer) for answer in answers]
    assert kinds == [Attempt, CapReached, TaskTaken, StoreError, AssertionError, StoreError, Attempt, list]
    assert sorted(rows(ledger)) == [
        ("a", "INTENT"), ("b", "INTENT"), ("other", "INTENT"), ("taken", "ACCEPTED"), ("third", "INTENT"),
    ]  # fmt: skip


def test_who_is_cancelled_hides_nothing(ledger: Ledger) -> None:
    """The row of a caller that went away is written, and the thread lives."""

    async def story() -> None:
        gone = asyncio.create_task(ledger.begin(intent("gone"), FREE))
        await asyncio.sleep(0)
        gone.cancel()
        await ledger.begin(intent("stays"), FREE)

    do(story())
    assert sorted(rows(ledger)) == [("gone", "INTENT"), ("stays", "INTENT")]


def test_giving_up_and_beginning_anew_are_one_thing(ledger: Ledger) -> None:
    """Both or neither: over the cap what is in doubt stays so."""

    async def story() -> None:
        doubt = await ledger.advance(await ledger.begin(intent("a"), FREE), "UNKNOWN")
        with pytest.raises(CapReached):
            await ledger.begin(intent("a"), Budget(max_calls=1), instead_of=doubt)
        assert rows(ledger) == [("a", "UNKNOWN")]
        await ledger.begin(intent("a"), Budget(max_calls=2), instead_of=doubt)
        assert rows(ledger) == [("a", "ABANDONED"), ("a", "INTENT")]

    do(story())


@pytest.mark.parametrize(
    ("state", "then"), [("UNKNOWN", "ABANDONED"), ("ACCEPTED", "ABANDONED"), ("SUCCEEDED", "LOST")]
)
def test_what_is_given_up_keeps_its_money_counted(state: str, then: str, ledger: Ledger) -> None:
    """It may have been paid, or was."""

    async def story() -> None:
        attempt = await ledger.advance(await ledger.begin(intent("a"), FREE), state)  # type: ignore[arg-type]
        assert (await ledger.give_up(attempt)).state == then
        assert await ledger.spent(run_id="run") == (1, 40_000)

    do(story())


def test_in_memory_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For calls that cost nothing: same rules, no file."""
    monkeypatch.chdir(tmp_path)

    async def story() -> None:
        ledger = open_ledger(None)
        first = await ledger.begin(intent("a"), Budget(max_calls=1))
        with pytest.raises(CapReached):
            await ledger.begin(intent("b"), Budget(max_calls=1))
        with pytest.raises(StoreError):
            await ledger.begin(intent("a"), FREE)
        await ledger.advance(first, "SUCCEEDED")
        assert [attempt.state for attempt in await ledger.all_attempts()] == ["SUCCEEDED"]
        ledger.close()

    do(story())
    assert list(tmp_path.iterdir()) == []


def test_the_newest_attempts_are_the_last_that_began() -> None:
    """So many, whatever became of them, the last one first."""

    async def story() -> None:
        ledger = open_ledger(None)
        first, second, third = [await ledger.begin(intent(name), FREE) for name in "abc"]
        assert await ledger.newest_attempts(2) == [third, second]
        assert await ledger.newest_attempts(9) == [third, second, first]
        ledger.close()

    do(story())


def test_in_memory_a_commit_that_fails_loses_only_what_it_would_have_written() -> None:
    """There is no file to read the rest from again."""

    async def story() -> None:
        ledger = open_ledger(None)
        first = await ledger.begin(intent("a"), FREE)
        disk.observe(_full)
        with pytest.raises(StoreError):
            await ledger.begin(intent("b"), FREE)
        disk.observe(None)
        last = await ledger.begin(intent("c"), FREE)
        assert await ledger.all_attempts() == [first, last]
        ledger.close()

    do(story())


# --- a file that cannot be used ---------------------------------------------------------------


def test_a_ledger_that_cannot_be_written_says_so_beforehand(ledger: Ledger) -> None:
    """Before anything is sent: that is what `check_writable` is for."""
    assert ledger.path is not None
    ledger.path.mkdir(parents=True)
    with pytest.raises(StoreError, match="ledger") as caught:
        do(ledger.check_writable())
    assert "nothing is bought" in str(caught.value.hint)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_ledger_can_be_read_and_not_written(ledger: Ledger) -> None:
    """A plan needs no right to write."""
    assert ledger.path is not None
    do(ledger.begin(intent("a"), FREE))
    ledger.close()
    ledger.path.chmod(0o444)
    ledger.path.parent.chmod(0o555)
    try:
        assert len(do(ledger.all_attempts())) == 1
        with pytest.raises(StoreError):
            do(ledger.check_writable())
    finally:
        ledger.path.parent.chmod(0o755)


def _full(act: str, target: str) -> None:
    if act == "commit":
        raise OSError(28, "No space left on device")


def test_who_was_refused_hears_of_that_though_the_disk_is_full(ledger: Ledger) -> None:
    """And who was not, of the disk."""

    async def story() -> list[object]:
        await ledger.check_writable()
        disk.observe(_full)
        waiting = (ledger.begin(intent("a"), Budget(max_calls=0)), ledger.begin(intent("b"), FREE))
        return list(await asyncio.gather(*waiting, return_exceptions=True))

    assert [type(answer) for answer in do(story())] == [CapReached, StoreError]


@pytest.mark.parametrize("opened", [False, True])
def test_a_damaged_row_stops_whoever_could_meet_it(opened: bool, ledger: Ledger) -> None:
    """When the file is opened, all of them, also those that nobody asks for; and each when it is read."""
    do(ledger.begin(intent("a"), FREE))
    if not opened:
        ledger.close()
    assert ledger.path is not None
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as another:
        another.execute("UPDATE attempts SET state = 'STORED'")
    with pytest.raises(StoreError, match="a row of the ledger is damaged"):
        do(ledger.all_attempts() if opened else ledger.standing([key_of("b")]))


def test_a_full_disk_fails_all_who_waited_and_none_who_come_later(ledger: Ledger) -> None:
    """Rolled back as a whole, and the next commit works."""

    async def story() -> None:
        kept = await ledger.begin(intent("kept"), FREE)

        disk.observe(_full)
        waiting = (ledger.begin(intent(name), FREE) for name in "abc")
        answers = await asyncio.gather(*waiting, ledger.advance(kept, "UNKNOWN"), return_exceptions=True)
        disk.observe(None)
        assert {type(answer) for answer in answers} == {StoreError}
        await ledger.advance(kept, "ACCEPTED", task_id="t")
        await ledger.begin(intent("a"), FREE)

    do(story())
    assert rows(ledger) == [("kept", "ACCEPTED"), ("a", "INTENT")]


def test_a_flipped_bit_anywhere_in_the_file_is_never_taken_for_an_empty_ledger(ledger: Ledger) -> None:
    """Each byte in turn: the rows as they were, or an error. Never fewer rows, never other ones."""

    async def fill() -> list[Attempt]:
        first = await ledger.begin(intent("a"), FREE)
        await ledger.advance(first, "ACCEPTED", task_id="t-1")
        second = await ledger.advance(await ledger.begin(intent("b"), FREE), "SUCCEEDED", picture="https://p")
        await ledger.advance(second, "STORED", artifact=ARTIFACT)
        return await ledger.all_attempts()

    whole = do(fill())
    ledger.close()
    assert ledger.path is not None
    data = ledger.path.read_bytes()
    used = [place for place, byte in enumerate(data) if byte]
    keys = [attempt.key for attempt in whole]
    chance = random.Random(5)
    found = 0
    for place in chance.sample(used, 400):
        wrong = bytearray(data)
        wrong[place] ^= 1 << chance.randrange(8)
        ledger.path.write_bytes(wrong)
        try:
            stand = do(ledger.standing(keys))
            every = do(ledger.all_attempts())
        except StoreError:
            found += 1
        else:
            assert every == whole, f"byte {place}"
            assert stand == {attempt.key: attempt for attempt in whole}, f"byte {place}"
        ledger.close()
    assert found > 300
    ledger.path.write_bytes(data)


# --- caps ---------------------------------------------------------------------------------------


class Caps(RuleBasedStateMachine):
    """Any interleaving of intents and ends, in two runs on one ledger: never above a cap."""

    open_ones = Bundle("open_ones")

    def __init__(self) -> None:
        super().__init__()
        self.ledger = open_ledger(None)
        self.loop = asyncio.new_event_loop()
        self.number = 0
        self.budget = Budget(max_calls=4, max_cost=250_000, max_calls_per_day=6, max_cost_per_day=400_000)

    def do(self, story: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(story)

    @rule(target=open_ones, run=st.sampled_from("xy"), prices=st.lists(st.integers(0, 120_000), min_size=1, max_size=3))
    def begin(self, run: str, prices: list[int]) -> Any:
        wanted = []
        for price in prices:
            self.number += 1
            wanted.append(intent(str(self.number), run_id=run, price=price))

        async def story() -> list[Attempt | BaseException]:
            waiting = (self.ledger.begin(one, self.budget) for one in wanted)
            return await asyncio.gather(*waiting, return_exceptions=True)

        answers = self.do(story())
        for one, answer in zip(wanted, answers, strict=True):
            assert isinstance(answer, Attempt | CapReached)
            if isinstance(answer, CapReached):
                assert self.would_break(one), "refused only where a cap would break"
        return multiple(*(answer for answer in answers if isinstance(answer, Attempt)))

    @rule(attempt=consumes(open_ones), end=st.sampled_from(["FAILED", "REFUSED", "NOT_SENT", "UNKNOWN", "SUCCEEDED"]))
    def advance(self, attempt: Attempt, end: Any) -> None:
        after = self.do(self.ledger.advance(attempt, end))
        if end == "UNKNOWN":
            self.do(self.ledger.give_up(after))

    def would_break(self, one: Attempt) -> bool:
        (run_calls, run_cost), (calls, cost) = self.spent(one.run_id), self.spent(None)
        price = one.price or 0
        return run_calls >= 4 or run_cost + price > 250_000 or calls >= 6 or cost + price > 400_000

    def spent(self, run: str | None) -> tuple[int, int]:
        counted = [one for one in self.do(self.ledger.all_attempts()) if one.state in COUNTED]
        ours = [one for one in counted if run in (None, one.run_id)]
        return len(ours), sum(one.price or 0 for one in ours)

    @invariant()
    def no_cap_is_broken(self) -> None:
        for run in "xy":
            calls, cost = self.spent(run)
            assert (calls, cost) == self.do(self.ledger.spent(run_id=run))
            assert calls <= 4
            assert cost <= 250_000
        calls, cost = self.spent(None)
        assert calls <= 6
        assert cost <= 400_000

    def teardown(self) -> None:
        self.ledger.close()
        self.loop.close()


TestCaps = Caps.TestCase
TestCaps.settings = settings(max_examples=25, stateful_step_count=12)


SPEND = """
import asyncio, sys
from pathlib import Path
from banana_pipe.model import Budget
from banana_pipe.store.ledger import CapReached, Ledger
from tests.dataclass_rules import loose
from tests.store.attempts import intent, open_ledger

async def story():
    ledger = open_ledger(Path(sys.argv[1]))
    print("ready", flush=True)
    input()
    for number in range(40):
        try:
            attempt = await ledger.begin(
                intent(f"{sys.argv[2]}-{number}", id=f"{sys.argv[2]}-{number}", run_id=sys.argv[2]),
                Budget(max_calls_per_day=90),
            )
        except CapReached:
            break
        if number == 1 and sys.argv[2] == "0":
            print("spent", flush=True)
    ledger.close()

asyncio.run(story())
"""


def test_processes_share_the_cap_of_a_day_also_when_one_is_killed(ledger: Ledger) -> None:
    """Four processes that want 160 calls, one killed in between: exactly the ninety that are allowed."""
    children = [start(SPEND, ledger.path, number) for number in range(4)]
    for child in children:
        assert line(child) == "ready"
    go_on(children[0])
    assert line(children[0]) == "spent"
    for child in children[1:]:
        go_on(child)
    children[0].send_signal(signal.SIGKILL)
    children[0].communicate()
    for child in children[1:]:
        end(child)
    assert len(rows(ledger)) == 90
    assert do(ledger.spent(day="2026-09-21")) == (90, 90 * 40_000)

"""One look for a lost call's task, by all that a listing can show.

Unaware of runs: rows in memory, and a provider that shows what it is told to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from banana_pipe.canonical import digest_of
from banana_pipe.model import Attempt, Budget
from banana_pipe.providers.base import ListedTask, Listing, Pending, Provider, ProviderError
from banana_pipe.purchase.search import Absent, Adopted, CannotTell, Found, look_for
from tests.clock import FakeClock
from tests.purchase.quick import LedgerAtOnce
from tests.purchase.shop import request
from tests.store.attempts import ACCOUNT, intent

ASKED = request("a mug")
WIRE = digest_of(b"wire")


@dataclass
class Shows:
    """A provider that lists these tasks, all of them being worked on."""

    tasks: Sequence[ListedTask] = ()
    complete: bool = True
    account: str = ACCOUNT
    since: list[float] = field(default_factory=list)
    poll_fails: ProviderError | None = None

    async def tasks_since(self, since: float) -> Listing:
        self.since.append(since)
        return Listing(tuple(self.tasks), self.complete)

    async def poll(self, task_ids: Sequence[str]) -> Mapping[str, Pending]:
        if self.poll_fails:
            raise self.poll_fails
        return {task_id: Pending(task_id) for task_id in task_ids}


def look(ledger: LedgerAtOnce, attempt: Attempt, shows: Shows, *, readable: bool = True, since: float = 0.0) -> Found:
    return asyncio.run(look_for(attempt, ASKED if readable else None, cast(Provider, shows), ledger, since=since))


def in_doubt(ledger: LedgerAtOnce, name: str = "ours", **changes: Any) -> Attempt:
    async def story() -> Attempt:
        return await ledger.advance(await ledger.begin(intent(name, **changes), Budget()), "UNKNOWN")

    return asyncio.run(story())


def known(ledger: LedgerAtOnce, task_id: str, **changes: Any) -> None:
    """An attempt of ours whose POST named that task."""

    async def story() -> None:
        begun = await ledger.begin(intent(f"of {task_id}", **changes), Budget())
        await ledger.advance(begun, "ACCEPTED", task_id=task_id)

    asyncio.run(story())


KINDS = {
    # as listed: whether it can be compared, its wire, its prompt; and whether an attempt of ours has it
    "ours": (True, WIRE, "a mug", False),
    "an equal call's": (True, WIRE, "a mug", True),
    "a colleague's": (True, digest_of(b"another"), "a bowl", False),
    "ours in other words": (False, digest_of(b"?"), "a mug", False),
    "a known one in other words": (False, digest_of(b"?"), "a mug", True),
    "a colleague's in other words": (False, WIRE, "a bowl", False),
}


@settings(max_examples=50)
@given(
    shown=st.lists(st.sampled_from(sorted(KINDS)), max_size=5),
    complete=st.booleans(),
    proven=st.booleans(),
    readable=st.booleans(),
)
@example(shown=["a known one in other words"], complete=True, proven=True, readable=True)
def test_a_task_is_adopted_if_it_is_ours_for_certain_and_absent_if_none_can_be(
    shown: list[str], complete: bool, proven: bool, readable: bool
) -> None:
    """Whatever is listed, in whatever order: the first of our wire that nobody has; else absence, proven or not.

    Absence is proven by a list that is whole, that has shown a call of ours, and in which nothing may be ours in
    other words; where nobody can read what was asked, anything that cannot be compared may be.
    """
    ledger = LedgerAtOnce(FakeClock())
    attempt = in_doubt(ledger)
    tasks = []
    for number, kind in enumerate(shown):
        comparable, wire, prompt, is_known = KINDS[kind]
        tasks.append(ListedTask(f"t{number}", wire, "generate", "nano-banana", prompt, comparable=comparable))
        if is_known:
            known(ledger, f"t{number}", wire=wire if comparable else digest_of(b"as sent"))
    if proven:
        asyncio.run(ledger.prove_listing(attempt, "earlier"))
    found = look(ledger, attempt, Shows(tasks, complete), readable=readable)
    proven = proven or "an equal call's" in shown
    in_other_words = {"ours in other words"} | (set() if readable else {"a colleague's in other words"})
    if "ours" in shown:
        assert isinstance(found, Adopted)
        assert (found.attempt.task_id, found.attempt.adopted) == (f"t{shown.index('ours')}", True)
    else:
        assert found == Absent(proven and complete and not in_other_words & set(shown))
    ledger.connection.close()


@pytest.fixture
def ledger() -> LedgerAtOnce:
    return LedgerAtOnce(FakeClock())


def task(number: int) -> ListedTask:
    return ListedTask(f"t{number}", WIRE, "generate", "nano-banana", "a mug", comparable=True)


def test_the_list_begins_ten_minutes_before_the_intent(ledger: LedgerAtOnce) -> None:
    """The provider's clock need not be ours."""
    attempt = in_doubt(ledger)
    look(ledger, attempt, shows := Shows())
    assert shows.since == [attempt.created_at - 600]


def test_a_task_that_somebody_else_adopts_meanwhile_is_passed_over(ledger: LedgerAtOnce) -> None:
    """The next one of that wire is as good."""
    attempt, other = in_doubt(ledger), in_doubt(ledger, "another")

    @dataclass
    class Slow(Shows):
        async def poll(self, task_ids: Sequence[str]) -> Mapping[str, Pending]:
            await ledger.advance(other, "ACCEPTED", task_id="t0", adopted=True)
            return {task_id: Pending(task_id) for task_id in task_ids}

    found = look(ledger, attempt, Slow([task(0), task(1)]))
    assert isinstance(found, Adopted)
    assert found.attempt.task_id == "t1"


@pytest.mark.parametrize("account", [ACCOUNT, "another"])
def test_who_cannot_ask_how_a_task_stands_cannot_tell(account: str, ledger: LedgerAtOnce) -> None:
    """It may yet: nothing is adopted and nothing concluded."""
    error = ProviderError("unavailable", "503")
    asker = in_doubt(ledger, wire=WIRE)
    found = look(ledger, asker, Shows([task(0)], account=account, poll_fails=error))
    assert found == CannotTell(error, ever=True)

"""Looking for the task of a call whose answer we never saw.

Unaware of how long to go on looking and of what absence leads to.

A task is ours if it has our wire digest and no other attempt has it: equal wires are
interchangeable. Not finding one proves something only where the listing itself is proven.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from banana_pipe.canonical import Digest
from banana_pipe.model import Attempt, Request
from banana_pipe.providers.base import Done, ListedTask, Listing, Pending, Provider, ProviderError
from banana_pipe.store.ledger import Ledger, TaskTaken

MARGIN_SECONDS = 600.0
"""How much earlier than our intent the listing begins: the provider's clock need not be ours."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """The task was found; the attempt is ACCEPTED with it."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Absent:
    """No task of ours is listed. `proven`: this listing would have shown it, had it been there."""

    proven: bool


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The provider could not be asked. `ever`: False where it offers no listing at all."""

    error: ProviderError
    ever: bool


Found = Adopted | Absent | CannotTell


async def look_for(
    attempt: Attempt, request: Request | None, provider: Provider, ledger: Ledger, *, since: float
) -> Found:
    """Look once for the task of *attempt* (in UNKNOWN, and sent to *provider*) and adopt it.

    The listing proves itself by a task of a call made *since* then (seconds since 1970): one that shows calls later than
    we wait for them would let us take a call for unsent that was only not listed yet. Where it was sent by another account than the one that asks, its absence proves nothing.
    """
    sent = attempt.account == provider.account
    try:
        listing = await provider.tasks_since(attempt.created_at - MARGIN_SECONDS)
    except ProviderError as error:
        return CannotTell(error, ever=error.kind != "unsupported")
    known = await ledger.known_tasks(attempt, [task.task_id for task in listing.tasks], since)
    if sent:
        await _prove(listing, known, attempt, ledger)
    unclaimed = [task for task in listing.tasks if task.task_id not in known]
    same = [task.task_id for task in unclaimed if task.comparable and task.wire == attempt.wire]
    try:
        ours = await (_perhaps_ours if sent else _perhaps_anothers)(same, attempt, provider, ledger)
    except ProviderError as error:
        return CannotTell(error, ever=True)
    for task_id in ours:
        try:
            return Adopted(await ledger.advance(attempt, "ACCEPTED", task_id=task_id, adopted=True))
        except TaskTaken:
            continue
    proven = (
        sent
        and listing.complete
        and await ledger.listing_is_proven(attempt)
        and not any(_may_be_ours(task, request) for task in unclaimed)
    )
    return Absent(proven)


async def _perhaps_ours(task_ids: Sequence[str], attempt: Attempt, provider: Provider, ledger: Ledger) -> Sequence[str]:
    """Those of *task_ids* that may be adopted, the best first.

    A task that failed comes last; and it is not ours for certain where an equal call was answered
    with an error that named no task: to take its failure for ours would be to pay a second time.
    """
    if not task_ids:
        return ()
    stand = await provider.poll(task_ids)
    failed = [task_id for task_id in task_ids if isinstance(stand.get(task_id), ProviderError)]
    alive = [task_id for task_id in task_ids if task_id not in failed]
    if failed and await ledger.may_have_failed_unnamed(attempt):
        return alive
    return alive + failed


async def _perhaps_anothers(
    task_ids: Sequence[str], attempt: Attempt, provider: Provider, ledger: Ledger
) -> Sequence[str]:
    """Those of *task_ids* that *attempt* may adopt though another account lists them: none that failed.

    And none while a call of that other account could have made them: it would be taken for unsent, and paid again.
    """
    if not task_ids or await ledger.may_have_sent_too(attempt, provider.account):
        return ()
    stand = await provider.poll(task_ids)
    return [task_id for task_id in task_ids if isinstance(stand.get(task_id), Done | Pending)]


async def _prove(listing: Listing, known: Mapping[str, Digest | None], asker: Attempt, ledger: Ledger) -> None:
    """Keep it if the listing shows a task that a POST of this account named, and shows it as it was sent.

    Another account's listing is another listing: it may be empty, and as easily read to its end. Where the
    provider adds to what it shows, no task of ours would ever be recognised by its wire.
    """
    for task in listing.tasks:
        if task.comparable and task.wire == known.get(task.task_id):
            await ledger.prove_listing(asker, task.task_id)
            return


def _may_be_ours(task: ListedTask, request: Request | None) -> bool:
    """Whether *task* could be our call shown in other words: its pictures cannot be compared."""
    if task.comparable:
        return False
    if request is None:
        return True
    ours = (request.action, request.model, request.prompt)
    shown = (task.action, task.model, task.prompt)
    return all(theirs is None or theirs == mine for theirs, mine in zip(shown, ours, strict=True))

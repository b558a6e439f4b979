"""One run of a recipe, from plan to page.

Unaware of the command line and the terminal; what happens is told to one listener.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Protocol

from banana_pipe import frozen
from banana_pipe.beforehand import fetch, may_ask, may_buy_again, may_send, plan, settle
from banana_pipe.buying import Limits, keep_inputs, open_buyer, run_id
from banana_pipe.errors import BananaError, StoreError, UsageError
from banana_pipe.events import AttemptMoved, CallStarted, Event, FolderLeft, Listener, RunEnded, RunStarted, Warned
from banana_pipe.execute import Counter, Executor
from banana_pipe.model import (
    BILLED,
    LOCAL,
    Attempt,
    Json,
    Key,
    Node,
    Outcome,
    Run,
)
from banana_pipe.outputs import manifest, report
from banana_pipe.outputs.foreign import refuse_foreign, refuse_links
from banana_pipe.outputs.log import RunLog, log_path, start_of
from banana_pipe.outputs.page.shown import asked_before
from banana_pipe.outputs.page.thumbs import Thumbs
from banana_pipe.outputs.page.timeline import Watch
from banana_pipe.outputs.publish import Publisher, take_stem
from banana_pipe.planning import Decided
from banana_pipe.prices import total
from banana_pipe.providers.catalog import origin
from banana_pipe.purchase.orders import Stop
from banana_pipe.record import Record
from banana_pipe.store.ledger import CapReached
from banana_pipe.store.published import read_manifest
from banana_pipe.takes import Market, asked_takes, had_before
from banana_pipe.verdict import exit_code_of, status_of
from banana_pipe.version import __version__
from banana_pipe.workspace import Workspace


class Interrupts(Protocol):
    """Whoever hears of Ctrl-C: the first one is a request to stop, the second cancels the run."""

    def on_first(self, stop: Callable[[], None]) -> None:
        """Call *stop* at the first one."""


async def run(
    workspace: Workspace,
    limits: Limits | None = None,
    *,
    decided: Decided | None = None,
    emit: Listener | None = None,
    argv: Sequence[str] = (),
    again: str | None = None,
    interrupts: Interrupts | None = None,
) -> Run:
    """Make the pictures of a recipe, buying what is missing, and leave the output folder.

    *argv* is kept in the log; *again* is the command that makes this folder again, for the page.
    Raises NotAuthorised where a token is needed and there is none, UsageError where the folder is
    another recipe's, StoreError where nothing could be recorded: each before anything is sent.
    """
    limits = limits or Limits()
    workspace, decided = await fetch(workspace, decided or await plan(workspace), limits)
    decided = await settle(workspace, decided, frozen=limits.frozen)
    again = again or shlex.join(("banana-pipe", "run", str(workspace.path)))
    return await _Running(workspace, limits, decided, emit or _silence, argv, again).run(interrupts)


class _Running:
    """The state of one run."""

    def __init__(
        self,
        workspace: Workspace,
        limits: Limits,
        decided: Decided,
        emit: Listener,
        argv: Sequence[str],
        again: str,
    ) -> None:
        self._workspace = workspace
        self._limits = limits
        self._frozen = limits.frozen
        self._decided = decided
        self._argv = argv
        self._again = again
        self._id = run_id(workspace.clock.now())
        self._warnings = [*decided.plan.warnings]
        self._refusals: dict[Key, Attempt] = {}
        """What the provider said no to last, until it is asked for again."""
        self._watch = Watch(workspace.clock)
        self._thumbs = Thumbs(workspace.places.out, workspace.read)
        self._listeners: list[Listener] = [emit, self._watch]
        self._reserved: list[int | None] = []
        """The price of every call of this run."""
        self._entries: dict[str, list[dict[str, Json]]] = {}
        """What the manifest says, by node."""
        self._record = Record(workspace)
        self._log = self._new_log()
        self._publisher = Publisher(
            workspace.places.out,
            workspace.places.root,
            workspace.places.recipe_in_project,
            read=workspace.read,
            keep=workspace.keep,
            known=workspace.pinned_digests(),
            clock=workspace.clock,
        )

    async def run(self, interrupts: Interrupts | None) -> Run:
        """Run, publish, and say how it went."""
        clock = self._workspace.clock
        began = clock.boot()
        self._refuse_the_folder()
        async with AsyncExitStack() as stack:
            counters = await self._open_counters(stack)
            self._workspace.places.make_cache()
            if not self._frozen:
                sending = may_send(self._workspace, self._decided, self._limits)
                keep_inputs(self._workspace, (node for node in sending if not node.is_local))
            await self._publisher.start()
            self._listeners.append(self._log)
            stack.callback(self._log.flush)
            stack.callback(self._thumbs.give_up)
            self._tell(RunStarted(self._id, self._decided.plan, clock.now()))
            executor = Executor(
                self._workspace.graph,
                counters,
                self._workspace.files,
                self._decided.findings,
                lost=self._decided.lost,
                broken=self._workspace.broken,
                publish=self._publish,
                emit=self._tell,
                clock=clock,
                fail_fast=self._limits.fail_fast,
                rebuy=self._limits.consent.rebuy,
                frozen=frozen.words_for(self._decided.plan) if self._frozen else None,
            )
            if interrupts is not None:
                interrupts.on_first(partial(executor.stop, "interrupt", BananaError("interrupted")))
            await executor.run()
            ended = await self._ended(executor, counters.values(), clock.boot() - began)
            return await self._leave(ended, executor.error)

    def _new_log(self) -> RunLog:
        graph, places, token = self._workspace.graph, self._workspace.places, self._workspace.access.token
        recipe, name = places.recipe_in_project, graph.recipe.name
        start = start_of(self._argv, recipe, name, places.out, graph.sources, places.root, __version__)
        redact = token.redact if token is not None else str
        path = log_path(places.out, self._id)
        return RunLog(path, start, entries=self._entries_of, redact=redact, clock=self._workspace.clock)

    def _entries_of(self, outcome: Outcome) -> list[dict[str, Json]]:
        if outcome.node not in self._entries:
            self._entries[outcome.node] = list(manifest.entries(self._workspace.whole, [outcome]))
        return self._entries[outcome.node]

    # --- before anything is sent ---

    def _refuse_the_folder(self) -> None:
        places = self._workspace.places
        refuse_foreign(places.out, places.root, places.recipe_in_project)
        refuse_links(places.out, [node.output for node in self._workspace.graph if node.output is not None])

    async def _open_counters(self, stack: AsyncExitStack) -> dict[str, Counter]:
        """A buyer for each market where something may be bought or is still open."""
        counters = {}
        for name, market in self._workspace.markets.items():
            buyer = None
            if await self._needs_buyer(name, market):
                buyer = await stack.enter_async_context(
                    open_buyer(name, self._workspace, self._limits, self._id, self._tell)
                )
            counters[name] = Counter(market, buyer)
        return counters

    async def _needs_buyer(self, name: str, market: Market) -> bool:
        """Whether this run may call, poll or look up there. Without a token, what others left waits."""
        if name == LOCAL:
            return False
        own = [line for line in self._decided.plan.nodes if self._workspace.graph.nodes[line.id].provider == name]
        asks = may_buy_again(self._decided, self._limits) or any(may_ask(line) for line in own)
        if asks and not self._frozen:
            return True
        if market.free:
            return False
        left = await market.stores.ledger.open_attempts(origin(self._workspace.access.base_url))
        if left and (self._frozen or self._workspace.access.token is None):
            calls = "1 accepted call of an earlier run has to wait"
            calls = calls if len(left) == 1 else f"{len(left)} accepted calls of earlier runs wait"
            why = "a frozen run asks nobody" if self._frozen else "that needs a token"
            self._tell(Warned(f"{calls} to be collected: {why}"))
            return False
        return bool(left)

    # --- while it runs ---

    def _tell(self, event: Event) -> None:
        if isinstance(event, Warned):
            self._warnings.append(event.message)
        elif isinstance(event, CallStarted):
            self._refusals.pop(event.attempt.key, None)
            self._reserved.append(event.attempt.price)
        elif isinstance(event, AttemptMoved) and event.attempt.state in ("FAILED", "NOT_SENT"):
            self._refusals[event.attempt.key] = event.attempt
        for listener in self._listeners:
            listener(event)

    async def _publish(self, node: Node, outcome: Outcome) -> Outcome:
        self._record.note(node, outcome)
        told = await self._publisher.publish(node, outcome)
        self._thumbs.note(told)
        if told.modified:
            self._tell(Warned(f"{node.id}: its file in {self._publisher.out} was changed by hand and is left alone"))
        if not self._frozen and self._record.is_due():
            await self._write_early()
        return told

    async def _write_early(self) -> None:
        """Bring the lock file up to date. Only its last writing must succeed: the ledger knows all of it.

        The page, too, is made ready while calls are under way: nobody waits for that then.
        """
        try:
            await self._record.write()
            await asyncio.to_thread(report.prepare)
        except (StoreError, UsageError) as error:
            trouble = f"the lock file could not be brought up to date, and is tried again: {error.message}"
            if trouble not in self._warnings:
                self._tell(Warned(trouble))

    # --- at the end ---

    async def _ended(self, executor: Executor, counters: Iterable[Counter], seconds: float) -> Run:
        counters = list(counters)
        refused = {attempt.node: attempt for attempt in self._refusals.values()}
        ended = (executor.outcomes[node.id] for node in self._workspace.graph if node.id in executor.outcomes)
        outcomes = tuple(_with_what_was_said(outcome, refused.get(outcome.node)) for outcome in ended)
        stops = [executor.stopped, *(counter.buyer.stop_reason for counter in counters if counter.buyer is not None)]
        bought_there = [
            (counter.market, await counter.market.stores.ledger.attempts_of(self._id)) for counter in counters
        ]
        bought = [attempt for _, attempts in bought_there for attempt in attempts]
        for_money = [attempt for market, attempts in bought_there if not market.free for attempt in attempts]
        exit_code = exit_code_of(outcomes, self._that_count(outcomes, stops), executor.error)
        return Run(
            id=self._id,
            recipe=self._workspace.graph.recipe.name,
            out=self._workspace.places.out,
            status=status_of(exit_code),
            exit_code=exit_code,
            outcomes=outcomes,
            called=len(bought),
            paid_images=sum(attempt.state == "STORED" for attempt in bought),
            cost=total(attempt.price for attempt in bought),
            saved=total(had_before(outcomes).values()),
            asked=self._decided.plan.cost_now,
            reserved=total(self._reserved),
            against_caps=(len(for_money), sum(attempt.price or 0 for attempt in for_money)),
            billed=total(attempt.price for attempt in bought if attempt.state in BILLED),
            seconds=seconds,
            warnings=tuple(self._warnings),
            cap=next((stop.error.cap for stop in stops if stop and isinstance(stop.error, CapReached)), None),
            left_out=self._workspace.left_out,
            skipped=tuple(
                Outcome(one.id, "skipped", one.reason, error=one.detail or None) for one in self._decided.plan.skipped
            ),
            would_buy=frozen.not_bought(self._decided.plan, outcomes) if self._frozen else (),
        )

    def _that_count(self, outcomes: Iterable[Outcome], stops: Iterable[Stop | None]) -> list[Stop]:
        """Those of *stops* that kept from us what was wanted. Where all of it is there, the others are told."""
        met = [stop for stop in stops if stop is not None]
        if any(outcome.status not in ("done", "cached") and outcome.reason != "pick" for outcome in outcomes):
            return met
        only_left = [stop for stop in met if stop.kind in ("auth", "balance")]
        for stop in only_left:
            self._tell(Warned(f"what earlier runs left open was not settled: {stop.error.message}; {stop.error.hint}"))
        return [stop for stop in met if stop not in only_left]

    async def _write_lock(self) -> None:
        """Write the lock file; a frozen run leaves it as it is, and says what is missing there."""
        if not self._frozen:
            await self._record.write()
        elif missing := self._record.missing():
            named = f"{missing[0]} and {len(missing) - 1} more" if len(missing) > 1 else missing[0]
            self._tell(
                Warned(f"{named}: bought, and not in the lock file, so that others would buy it: run without --frozen")
            )

    async def _finish(self, run: Run) -> None:
        graph, places = self._workspace.whole, self._workspace.places
        header = manifest.header(
            recipe=places.recipe_in_project,
            root=places.root_from_out,
            name=graph.recipe.name,
            run_id=run.id,
            at=self._workspace.clock.now(),
            version=__version__,
        )
        entries = [entry for outcome in run.outcomes for entry in self._entries_of(outcome)]
        left: list[Mapping[str, Json]] = []

        def page(document: Mapping[str, Json]) -> bytes:
            left.append(document)
            return report.page(document, run=run, graph=graph, command=self._again, known=self._known(run, document))

        asked = asked_takes(graph) if run.left_out else {}
        spared = {
            take_stem(node.output, sample)
            for node in self._workspace.graph
            for sample in asked.get(node.id, ())
            if node.output is not None
        }
        for warning in await self._publisher.finish(
            header, entries, nodes=graph.nodes, full=not run.left_out, page=page, spared=spared
        ):
            self._tell(Warned(warning))
        self._tell(FolderLeft(left[-1]))
        if not run.left_out:
            await asyncio.to_thread(self._thumbs.sweep, left[-1], run.outcomes)

    def _known(self, run: Run, document: Mapping[str, Json]) -> report.Known:
        """What the page tells besides manifest and run. Waits for the last small pictures."""
        thumbs = self._thumbs.finish()
        made = any(outcome.status == "done" for outcome in run.outcomes)
        before = asked_before(read_manifest(run.out), document) if made else {}
        return report.Known(thumbs=thumbs, before=before, times=self._watch.times)

    async def _leave(self, run: Run, error: BananaError | None) -> Run:
        """Write lock, manifest, page and log, each whatever became of the others; what ended the run goes up."""
        for trouble in await asyncio.gather(self._write_lock(), self._finish(run), return_exceptions=True):
            if isinstance(trouble, StoreError | UsageError):
                error = error or trouble
            elif trouble is not None:
                raise trouble
        publisher = self._publisher
        run = replace(run, warnings=tuple(self._warnings), placed=publisher.placed, removed=publisher.removed)
        self._tell(RunEnded(run, self._workspace.clock.now()))
        if self._log.trouble is not None:
            self._tell(Warned(f"the log is not whole: {self._log.trouble.message}"))
        if error is not None:
            raise error
        return replace(run, warnings=tuple(self._warnings))


def _with_what_was_said(outcome: Outcome, attempt: Attempt | None) -> Outcome:
    """*outcome* with the provider's own words first, where a stop kept its call from being sent again."""
    said = attempt.error_message if attempt else None
    if outcome.status != "waiting" or attempt is None or not said or said in (outcome.error or ""):
        return outcome
    trace = f" (trace_id {attempt.trace_id})" if attempt.trace_id else ""
    return replace(outcome, error=f"not billed: {said}{trace}; it was not sent again: {outcome.error}")


def _silence(_: Event) -> None:
    """Nobody listens."""

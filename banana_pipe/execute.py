"""Runs a graph: the only place where nodes, stores and providers meet.

Unaware of YAML, of the output folder (it hands finished nodes to a callback), and of the terminal.

A node begins as soon as all that it reads has ended. A failure becomes the node's outcome and never
cancels what others have paid for. What is open in the ledger is taken up first, wanted or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from banana_pipe.canonical import Digest
from banana_pipe.clock import Clock
from banana_pipe.errors import BananaError, StoreError
from banana_pipe.events import Listener, NodeEnded, Warned
from banana_pipe.model import (
    Artifact,
    FileInput,
    Finding,
    Graph,
    Hit,
    Key,
    Known,
    Node,
    NodeInput,
    Outcome,
    Reason,
    Status,
    Take,
)
from banana_pipe.planning import Market, TakeWanted, asked_takes, judge, oversized, pick_of, picked, takes_of
from banana_pipe.purchase.buyer import Buyer
from banana_pipe.purchase.orders import Bought, NotBought, Order

Publish = Callable[[Node, Outcome], Awaitable[Outcome]]
"""Places a node's pictures; the outcome with `outputs` and `modified` filled in."""

_ORDER_OF_BLAME: tuple[Status, ...] = ("parked", "lost", "failed", "waiting")
_RESUME_TIMEOUT = 600.0


@dataclass(frozen=True, slots=True)
class Counter:
    """A market that is open: who buys there. `buyer` is None where nothing may be bought."""

    market: Market
    buyer: Buyer | None


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a node reads, all known."""

    artifacts: tuple[Artifact, ...]


class Executor:
    """One run of *graph*. `outcomes` fills as nodes end."""

    def __init__(
        self,
        graph: Graph,
        counters: Mapping[str, Counter],
        files: Mapping[Path, Artifact],
        findings: Mapping[Key, Finding],
        *,
        publish: Publish,
        emit: Listener,
        clock: Clock,
        fail_fast: bool = False,
        rebuy: bool = False,
    ) -> None:
        self._graph = graph
        self._counters = counters
        self._files = files
        self._findings = findings
        self._publish = publish
        self._emit = emit
        self._clock = clock
        self._fail_fast = fail_fast
        self._rebuy = rebuy
        self._asked = asked_takes(graph)
        self._readers = _readers(graph)
        self.outcomes: dict[str, Outcome] = {}
        self._bug: Exception | None = None
        self.error: BananaError | None = None
        """What ended the run before its time: our own files could not be written."""

    async def run(self) -> None:
        """Bring every node to an outcome, as far as the stops allow."""
        resumed = [asyncio.create_task(self._resume(counter)) for counter in self._counters.values()]
        try:
            await self._run_nodes(list(self._graph))
            await asyncio.gather(*resumed)
            again = self._worth_another_look()
            if again:
                await self._run_nodes(again)
            if self._bug is not None:
                raise self._bug
        finally:
            for task in resumed:
                task.cancel()

    # --- order ---

    async def _run_nodes(self, nodes: Sequence[Node]) -> None:
        """Run *nodes* (in the graph's order), each as soon as those of them that it reads have ended."""
        chosen = {node.id for node in nodes}
        missing = {node.id: len(_upstream(node) & chosen) for node in nodes}
        running: set[asyncio.Task[None]] = set()
        ended: asyncio.Queue[str] = asyncio.Queue()

        def begin(node: Node) -> None:
            task = asyncio.create_task(self._node_to_end(node, ended))
            running.add(task)
            task.add_done_callback(running.discard)

        for node in nodes:
            if missing[node.id] == 0:
                begin(node)
        try:
            for _ in range(len(nodes)):
                done = await ended.get()
                for reader in self._readers.get(done, ()):
                    if reader in chosen:
                        missing[reader] -= 1
                        if missing[reader] == 0:
                            begin(self._graph.nodes[reader])
            await asyncio.gather(*running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _node_to_end(self, node: Node, ended: asyncio.Queue[str]) -> None:
        """Bring *node* to its outcome, let its readers begin, and publish it meanwhile."""
        began = self._clock.boot()
        outcome = await self._guarded(node, self._node(node))
        self.outcomes[node.id] = outcome
        ended.put_nowait(node.id)
        if outcome.takes:
            outcome = await self._guarded(node, self._publish(node, outcome))
        outcome = replace(outcome, seconds=round(self._clock.boot() - began, 3))
        self.outcomes[node.id] = outcome
        if self._fail_fast and outcome.status == "failed":
            self._stop_all(None)
        self._emit(NodeEnded(outcome))

    async def _guarded(self, node: Node, work: Awaitable[Outcome]) -> Outcome:
        """What *work* gives; an error becomes the node's outcome, and ours stop the run."""
        try:
            return await work
        except BananaError as error:
            if isinstance(error, StoreError):
                self._stop_all(error)
            return Outcome(node.id, "failed", "error", error=str(error))
        except Exception as bug:  # noqa: BLE001 - ours: nothing new is sent, and it surfaces when the rest has ended
            self._bug = bug
            self._stop_all(BananaError("a bug of ours ended the run"))
            return Outcome(node.id, "failed", "error", error=f"a bug of ours: {bug!r}")

    def _worth_another_look(self) -> list[Node]:
        """Parked nodes that a first accepted call of this run may have made provable, and their readers."""
        chosen: set[str] = set()
        for node in self._graph:
            buyer = self._counters[node.provider].buyer
            status = self.outcomes[node.id].status
            provable = buyer is not None and buyer.may_prove_more and not buyer.interrupted
            if (status == "parked" and provable) or (status == "blocked" and _upstream(node) & chosen):
                chosen.add(node.id)
        return [node for node in self._graph if node.id in chosen]

    # --- one node ---

    async def _node(self, node: Node) -> Outcome:
        reading = self._read(node)
        if isinstance(reading, Outcome):
            return reading
        counter = self._counters[node.provider]
        digests = [artifact.digest for artifact in reading.artifacts]
        takes = takes_of(node, counter.market, digests, self._asked.get(node.id, ()))
        too_large = oversized(node, reading.artifacts, counter.market.max_picture_bytes)
        answers = await asyncio.gather(*(self._take(node, take, counter, too_large) for take in takes))
        return self._judged(node, takes, answers, digests)

    def _read(self, node: Node) -> _Reading | Outcome:
        """What *node* reads, or the outcome that it inherits from what it cannot read."""
        artifacts = []
        missing: list[Outcome] = []
        for one in node.inputs:
            if isinstance(one, FileInput):
                artifacts.append(self._files[one.path])
                continue
            upstream = self.outcomes[one.node]
            artifact = _flowing(upstream, one)
            if artifact is None:
                missing.append(upstream)
            else:
                artifacts.append(artifact)
        return _inherited(node, missing) if missing else _Reading(tuple(artifacts))

    async def _take(self, node: Node, take: TakeWanted, counter: Counter, too_large: str | None) -> Bought | NotBought:
        finding = self._findings.get(take.wanted.key)
        if isinstance(finding, Hit):
            if finding.source == "ledger":  # whoever bought it was killed before the result was written
                await asyncio.to_thread(counter.market.stores.results.put, finding.result)
            return Bought(finding.result, paid=False, source=finding.source)
        if isinstance(finding, Known) and not self._rebuy:
            return Bought(finding.result, paid=False, source=finding.source)
        if counter.buyer is None:
            return NotBought("waiting", "stopped", "nothing can be bought here")
        if too_large is not None:
            return NotBought("failed", "error", too_large)
        order = Order(take.request, take.wanted, node.id, counter.market.price(node), node.timeout)
        return await counter.buyer.obtain(order)

    def _judged(
        self,
        node: Node,
        takes: Sequence[TakeWanted],
        answers: Sequence[Bought | NotBought],
        images: Sequence[Digest],
    ) -> Outcome:
        """The outcome of a node whose takes have all been answered."""
        had = {
            take.wanted.sample: answer
            for take, answer in zip(takes, answers, strict=True)
            if isinstance(answer, Bought)
        }
        judged = {sample: judge(answer.result.artifact, images) for sample, answer in had.items()}
        base = takes[0].wanted.base
        lock = self._counters[node.provider].market.stores.lock
        sample = picked(pick_of(node, lock, base), judged, [take.wanted.sample for take in takes])
        refusals = [answer for answer in answers if isinstance(answer, NotBought)]
        outcome = Outcome(
            node=node.id,
            status="done" if any(answer.paid for answer in had.values()) else "cached",
            reason=_where_from(had, sample),
            key=next((take.wanted.key for take in takes if take.wanted.sample == sample), takes[0].wanted.key),
            base=base,
            images=tuple(images),
            takes=tuple(
                Take(sample, answer.result, answer.paid, replaced=answer.replaced) for sample, answer in had.items()
            ),
            picked=sample if sample in had and judged[sample] is None else None,
        )
        if refusals:
            worst = min(refusals, key=lambda answer: _rank(answer.status))
            return replace(outcome, status=worst.status, reason=worst.reason, error=worst.error)
        wrong = judged.get(sample) if sample is not None else None
        if wrong is not None:
            return replace(outcome, status="failed", reason=wrong, error=_UNFIT[wrong].format(node=node.id))
        return outcome

    # --- around the nodes ---

    async def _resume(self, counter: Counter) -> None:
        """Take up every open attempt of this provider's origin; those of others' nodes only warn."""
        if counter.buyer is None:
            return
        attempts = await counter.market.stores.ledger.open_attempts(counter.buyer.origin)
        troubles = await asyncio.gather(
            *(counter.buyer.resume(attempt, _RESUME_TIMEOUT) for attempt in attempts), return_exceptions=True
        )
        for attempt, trouble in zip(attempts, troubles, strict=True):
            if isinstance(trouble, StoreError):
                self._stop_all(trouble)
            elif isinstance(trouble, NotBought) and attempt.node not in self._graph.nodes:
                self._emit(Warned(f"{attempt.node or attempt.key} (bought by an earlier run): {trouble.error}"))

    def _stop_all(self, error: BananaError | None) -> None:
        if error is not None and self.error is None:
            self.error = error
        for counter in self._counters.values():
            if counter.buyer is not None:
                counter.buyer.stop("store", error or BananaError("another node failed (--fail-fast)"))


_UNFIT: Mapping[Reason, str] = {
    "blank": "the picture has one colour only; it is paid and kept. `reroll {node}` buys another take",
    "copy": "the picture is its own input, byte for byte; it is paid and kept. `reroll {node}` buys another take",
}


def _readers(graph: Graph) -> dict[str, list[str]]:
    readers: dict[str, list[str]] = {}
    for node in graph:
        for upstream in _upstream(node):
            readers.setdefault(upstream, []).append(node.id)
    return readers


def _upstream(node: Node) -> set[str]:
    return {one.node for one in node.inputs if isinstance(one, NodeInput)}


def _flowing(outcome: Outcome, one: NodeInput) -> Artifact | None:
    """The picture of *outcome* that a reader gets by *one*."""
    # What is picked and fit flows on, even where another take of the node is still in the way.
    sample = one.sample if one.sample is not None else outcome.picked
    return next((take.result.artifact for take in outcome.takes if take.sample == sample), None)


def _inherited(node: Node, missing: Sequence[Outcome]) -> Outcome:
    """A reader waits with what waits, and is blocked by everything else."""
    worst = min(missing, key=lambda outcome: _rank(outcome.status))
    names = ", ".join(outcome.node for outcome in missing)
    if all(outcome.status == "waiting" for outcome in missing):
        return Outcome(node.id, "waiting", worst.reason, error=f"waits for {names}")
    return Outcome(node.id, "blocked", "input", error=f"needs {names}")


def _rank(status: Status) -> int:
    return _ORDER_OF_BLAME.index(status) if status in _ORDER_OF_BLAME else len(_ORDER_OF_BLAME)


def _where_from(had: Mapping[int, Bought], sample: int | None) -> Reason:
    answer = had.get(sample) if sample is not None else None
    if answer is None or answer.paid:
        return "new"
    return answer.source

"""Runs a graph: the only place where nodes, stores and providers meet.

Unaware of YAML, of the output folder (it hands finished nodes to a callback), and of the terminal.

A node begins as soon as all that it reads has ended. A failure becomes the node's outcome and never
cancels what others have paid for. What is open in the ledger is taken up first, wanted or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import TypeVar

from banana_pipe.clock import Clock
from banana_pipe.errors import BananaError, StoreError
from banana_pipe.events import Listener, NodeEnded, Warned
from banana_pipe.frozen import WOULD_BE_BOUGHT, left_open
from banana_pipe.images import NotAPicture
from banana_pipe.judging import Judge, flowing, inherited
from banana_pipe.making import Workshop
from banana_pipe.model import (
    Artifact,
    Attempt,
    FileInput,
    Finding,
    Graph,
    Hit,
    Key,
    Known,
    Node,
    NodeInput,
    Open,
    Outcome,
    Place,
    Reason,
    UrlInput,
)
from banana_pipe.purchase.buyer import Buyer
from banana_pipe.purchase.orders import Bought, NotBought, Order, Stop
from banana_pipe.purchase.replies import others_open, said_before
from banana_pipe.purchase.rules import StopKind
from banana_pipe.takes import (
    Market,
    TakeWanted,
    asked_takes,
    needed,
    pick_of,
    takes_of,
    unsendable,
)
from banana_pipe.transforms.base import TransformFailed

T = TypeVar("T")
F = TypeVar("F")
Publish = Callable[[Node, Outcome], Awaitable[Outcome]]
"""Places a node's pictures; the outcome with `outputs` and `modified` filled in."""

_Ended = asyncio.Queue[str | BaseException]
"""The names of nodes as they end, and what ended one that could not even fail."""

_RESUME_TIMEOUT = 600.0


@dataclass(frozen=True, slots=True)
class Counter:
    """A market that is open: who buys there. `buyer` is None where nothing may be bought."""

    market: Market
    buyer: Buyer | None


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a node reads, all known. `gone`: the nodes whose pictures are known by digest alone."""

    artifacts: tuple[Artifact, ...]
    gone: tuple[str, ...]


class Executor:
    """One run of *graph*. `outcomes` fills as nodes end."""

    def __init__(
        self,
        graph: Graph,
        counters: Mapping[str, Counter],
        files: Mapping[Place, Artifact],
        findings: Mapping[Key, Finding],
        *,
        publish: Publish,
        emit: Listener,
        clock: Clock,
        lost: Container[Key] = (),
        broken: Mapping[Place, str] = MappingProxyType({}),
        fail_fast: bool = False,
        rebuy: bool = False,
        frozen: Mapping[str, str] | None = None,
    ) -> None:
        """*files* and *broken* are as in a plan. *lost* is what has its bytes nowhere and is needed; *rebuy*:
        by consent it is bought again. *frozen*: nothing is bought or fetched; by node what is said instead."""
        self._graph = graph
        self._counters = counters
        self._files = files
        self._findings = findings
        self._publish = publish
        self._emit = emit
        self._clock = clock
        self._lost = lost
        self._judge = Judge(findings, lost)
        self._broken = broken
        self._fail_fast = fail_fast
        self._rebuy = rebuy
        self._frozen = frozen
        self._wanted: set[Key] = set()
        self._had: dict[tuple[str, Key], Bought] = {}
        """What this run has got hold of, so that a second look does not look for it."""
        self._asked = asked_takes(graph)
        self._readers = _readers(graph)
        self._making: Workshop | None = None
        self.outcomes: dict[str, Outcome] = {}
        self._bug: Exception | None = None
        self.stopped: Stop | None = None
        """Why nothing new is begun any more, where it was this run's own doing or the user's."""
        self.error: BananaError | None = None
        """What ended the run before its time: our own files could not be written."""

    async def run(self) -> None:
        """Bring every node to an outcome, as far as the stops allow."""
        resumed = [asyncio.create_task(self._resume(counter)) for counter in self._counters.values()]
        try:
            await self._run_nodes(list(self._graph))
            self._tell_unwanted(chain.from_iterable(await asyncio.gather(*resumed)))
            again = self._worth_another_look()
            if again:
                await self._run_nodes(again)
            if self._bug is not None:
                raise self._bug
        finally:
            for task in resumed:
                task.cancel()
            await asyncio.gather(*resumed, return_exceptions=True)

    # --- order ---

    async def _run_nodes(self, nodes: Sequence[Node]) -> None:
        """Run *nodes* (in the graph's order), each as soon as those of them that it reads have ended."""
        chosen = {node.id for node in nodes}
        missing = {node.id: len(node.upstream & chosen) for node in nodes}
        running: set[asyncio.Task[None]] = set()
        ended: _Ended = asyncio.Queue()

        def begin(node: Node) -> None:
            task = asyncio.create_task(self._node_to_end(node, ended))
            running.add(task)
            task.add_done_callback(running.discard)
            task.add_done_callback(partial(_tell_errors, ended))

        for node in nodes:
            if missing[node.id] == 0:
                begin(node)
        try:
            for _ in range(len(nodes)):
                done = await ended.get()
                if isinstance(done, BaseException):
                    raise done
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

    async def _node_to_end(self, node: Node, ended: _Ended) -> None:
        """Bring *node* to its outcome, let its readers begin, and publish it meanwhile."""
        began = self._clock.boot()
        outcome = await self._guarded(self._node(node), partial(_failed, Outcome(node.id, "failed", "error")))
        self.outcomes[node.id] = outcome
        ended.put_nowait(node.id)
        if outcome.takes or outcome.accepted:
            outcome = await self._guarded(self._publish(node, outcome), partial(_failed, outcome))
        outcome = replace(outcome, seconds=round(self._clock.boot() - began, 3))
        self.outcomes[node.id] = outcome
        if self._fail_fast and outcome.status == "failed":
            self._stop_all(None)
        try:
            self._emit(NodeEnded(outcome))
        except Exception as bug:  # noqa: BLE001 - a listener's: what others have paid for is collected all the same
            self._surfaces(bug)

    async def _guarded(self, work: Awaitable[T], failed: Callable[[str], F]) -> T | F:
        """What *work* gives, or what *failed* makes of an error's words; errors of ours stop the run."""
        try:
            return await work
        except BananaError as error:
            if isinstance(error, StoreError):
                self._stop_all(error)
            return failed(str(error))
        except Exception as bug:  # noqa: BLE001 - ours: nothing new is sent, and it surfaces when the rest has ended
            self._surfaces(bug)
            return failed(f"a bug of ours: {bug!r}")

    def _surfaces(self, bug: Exception) -> None:
        self._bug = self._bug or bug
        self._stop_all(BananaError("a bug of ours ended the run"))

    def _worth_another_look(self) -> list[Node]:
        """Nodes in doubt that a first accepted call of this run may have made provable, and their readers."""
        chosen: set[str] = set()
        for node in self._graph:
            buyer = self._counters[node.provider].buyer
            outcome = self.outcomes[node.id]
            in_doubt = outcome.status == "parked" and outcome.reason == "unknown"
            provable = buyer is not None and buyer.may_prove_more and not buyer.interrupted
            if (in_doubt and provable) or (outcome.status == "blocked" and node.upstream & chosen):
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
        request = takes[0].wanted
        accepted = counter.market.stores.lock.accepted(request.base)
        asked = self._asked.get(node.id, set()) | {take.wanted.sample for take in takes if self._is_known(take)}
        takes = needed(takes, accepted, asked)
        # Each is guarded: an error of one must not leave another's money behind.
        answers = await asyncio.gather(
            *(self._guarded(self._take(node, take, reading), _take_failed) for take in takes)
        )
        outcome = Outcome(node.id, "cached", "accepted", request.key, request.base, tuple(digests), accepted=accepted)
        pick = pick_of(node, counter.market.stores.lock, request.base)
        return self._judge.outcome(node, outcome, list(zip(takes, answers, strict=True)), pick)

    def _is_known(self, take: TakeWanted) -> bool:
        """Whether the plan found it: then it can be shown, and costs nothing."""
        return isinstance(self._findings.get(take.wanted.key), Hit | Known)

    def _read(self, node: Node) -> _Reading | Outcome:
        """What *node* reads, or the outcome that it inherits from what it cannot read."""
        artifacts = []
        missing: list[Outcome] = []
        gone: list[str] = []
        for one in node.inputs:
            if not isinstance(one, NodeInput):
                if one.place not in self._files:
                    return self._unread(node, one)
                artifacts.append(self._files[one.place])
                continue
            upstream = self.outcomes[one.node]
            if one.sample is None and upstream.accepted is not None:
                artifacts.append(upstream.accepted)
                if not self._counters[node.provider].market.stores.has(upstream.accepted.digest):
                    gone.append(one.node)
                continue
            take = flowing(self._graph.nodes[one.node], upstream, one)
            if take is None:
                missing.append(upstream)
                continue
            artifacts.append(take.result.artifact)
            if self._judge.is_gone(take):
                gone.append(one.node)
        return inherited(node, missing) if missing else _Reading(tuple(artifacts), tuple(gone))

    def _unread(self, node: Node, one: FileInput | UrlInput) -> Outcome:
        """The outcome of *node*, which reads *one*, a picture from the web that is not there."""
        if one.place in self._broken:
            return Outcome(node.id, "failed", "error", error=self._broken[one.place])
        return Outcome(node.id, "waiting", "frozen", error=f"reads {one.label}, which nobody has fetched yet")

    async def _take(self, node: Node, take: TakeWanted, reading: _Reading) -> Bought | NotBought:
        key = take.wanted.key
        self._wanted.add(key)
        known = self._had.get((node.id, key)) or await self._known(node, take)
        answer = known or await self._obtain(node, take, reading)
        if isinstance(answer, Bought):
            self._had[node.id, key] = answer
        return answer

    async def _known(self, node: Node, take: TakeWanted) -> Bought | None:
        """What the plan found, where nothing has to be bought."""
        finding = self._findings.get(take.wanted.key)
        if isinstance(finding, Hit):
            if finding.source == "ledger":  # whoever bought it was killed before the result was written
                results = self._counters[node.provider].market.stores.results
                await asyncio.to_thread(results.put, finding.result)
            return Bought(finding.result, paid=False, source=finding.source)
        if isinstance(finding, Known) and not (self._rebuy and take.wanted.key in self._lost):
            return Bought(finding.result, paid=False, source=finding.source)
        return None

    async def _obtain(self, node: Node, take: TakeWanted, reading: _Reading) -> Bought | NotBought:
        counter = self._counters[node.provider]
        finding = self._findings.get(take.wanted.key)
        if not isinstance(finding, Open):  # what is open may be there without being sent again
            trouble = unsendable(node, reading.artifacts, self._broken, counter.market)
            if trouble is not None:
                return NotBought("failed", "error", trouble)
            if reading.gone:
                return NotBought("blocked", "input", f"needs {', '.join(reading.gone)}, whose bytes are nowhere")
        if node.is_local:
            return await self._made(node, take)
        order = Order(take.request, take.wanted, node.id, counter.market.price(node), node.timeout)
        if counter.buyer is not None:
            return await counter.buyer.obtain(order)
        if isinstance(finding, Open):
            return said_before(order, finding.attempt) if self._frozen is None else left_open(order, finding.attempt)
        if self._frozen is not None:
            return NotBought("waiting", "frozen", self._frozen.get(node.id, WOULD_BE_BOUGHT))
        raise AssertionError(f"{node.id} would be bought, and the plan did not say so")

    async def _made(self, node: Node, take: TakeWanted) -> Bought | NotBought:
        """The picture of a transform, which counts as new and costs nothing."""
        try:
            result = await self._workshop(node).make(node, take.wanted.key, take.request.images)
            if result is None:
                return NotBought("waiting", "stopped", self.stopped.error.message if self.stopped else "stopped")
        except StoreError:
            raise
        except BananaError as error:
            # The same pictures and ops fail the same way again; a file that could not be read may be there then.
            reason: Reason = "op" if isinstance(error, TransformFailed | NotAPicture) else "error"
            return NotBought("failed", reason, f"{error.message}; {error.hint}" if error.hint else error.message)
        return Bought(result, paid=True)

    def _workshop(self, node: Node) -> Workshop:
        """The one place where transforms are made: it has room for a few at once."""
        if self._making is None:
            self._making = Workshop(self._counters[node.provider].market.stores)
            if self.stopped is not None:
                self._making.close()
        return self._making

    # --- around the nodes ---

    async def _resume(self, counter: Counter) -> list[tuple[Attempt, NotBought]]:
        """Take up every open attempt of this provider's origin; those that stay open, and why."""
        if counter.buyer is None:
            return []
        buyer, open_attempts = counter.buyer, counter.market.stores.ledger.open_attempts
        attempts: list[Attempt] = await self._guarded(open_attempts(buyer.origin), lambda _: [])
        troubles = await asyncio.gather(
            *(self._guarded(buyer.resume(attempt, _RESUME_TIMEOUT), _take_failed) for attempt in attempts)
        )
        return [(attempt, trouble) for attempt, trouble in zip(attempts, troubles, strict=True) if trouble is not None]

    def _tell_unwanted(self, left: Iterable[tuple[Attempt, NotBought]]) -> None:
        """Warn of what stays open and is no node's: of each, and of what another token sent once in all."""
        unwanted = [(attempt, trouble) for attempt, trouble in left if attempt.key not in self._wanted]
        for attempt, trouble in unwanted:
            if not trouble.elsewhere:
                self._emit(Warned(f"{attempt.node or attempt.key} (bought by an earlier run): {trouble.error}"))
        others = sum(trouble.elsewhere for _, trouble in unwanted)
        if others:
            self._emit(Warned(others_open(others)))

    def _stop_all(self, error: BananaError | None) -> None:
        if error is not None and self.error is None:
            self.error = error
        self.stop("store", error or BananaError("another node failed (--fail-fast)"))

    def stop(self, kind: StopKind, error: BananaError) -> None:
        """Begin nothing new, here or at a provider. What is begun or accepted is brought to its end."""
        if self.stopped is None or kind == "interrupt":
            self.stopped = Stop(kind, error)
        if self._making is not None:
            self._making.close()
        for counter in self._counters.values():
            if counter.buyer is not None:
                counter.buyer.stop(kind, error)


def _readers(graph: Graph) -> dict[str, list[str]]:
    readers: dict[str, list[str]] = {}
    for node in graph:
        for upstream in node.upstream:
            readers.setdefault(upstream, []).append(node.id)
    return readers


def _tell_errors(ended: _Ended, task: asyncio.Task[None]) -> None:
    """Say that a node's task broke off: everybody would wait for the node."""
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if error is not None:
        ended.put_nowait(error)


def _failed(so_far: Outcome, error: str) -> Outcome:
    return replace(so_far, status="failed", reason="error", error=error)


def _take_failed(error: str) -> NotBought:
    return NotBought("failed", "error", error)

"""What a node comes to, once all its takes have been answered: done, failed, lost, waiting for a pick.

Unaware of how the answers were had, and of when a node's turn comes.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from banana_pipe.model import Finding, Key, Known, Node, NodeInput, Outcome, Pick, Reason, Status, Take
from banana_pipe.purchase.orders import Bought, NotBought
from banana_pipe.takes import TakeWanted, judge, originals, picked, to_choose_from, unmet

_ORDER_OF_BLAME: tuple[Status, ...] = ("parked", "lost", "failed", "waiting")
_UNFIT_AND_FREE = "not what the step expects: {missed}"
_UNFIT: Mapping[Reason, str] = {
    "blank": "the picture has one colour only; it is paid and kept. `reroll {node}` buys another take",
    "copy": "the picture is its own input, byte for byte; it is paid and kept. `reroll {node}` buys another take",
    "expect": "not what the step expects: {missed}. It is paid and kept; another `expect` is judged for free",
}


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges nodes by what the plan knew: its *findings*, and what is *lost* (its bytes are nowhere, and are needed)."""

    findings: Mapping[Key, Finding]
    lost: Container[Key]

    def is_gone(self, take: Take) -> bool:
        """Whether its picture is known by digest alone, and somebody needs the bytes."""
        return take.result.key in self.lost and not (take.bought or take.replaced)

    def _is_bare(self, take: Take) -> bool:
        """Whether its digest is all that is known of it."""
        known = isinstance(self.findings.get(take.result.key), Known)
        return known and not (take.bought or take.replaced)

    def outcome(
        self, node: Node, so_far: Outcome, answered: Sequence[tuple[TakeWanted, Bought | NotBought]], pick: Pick | None
    ) -> Outcome:
        """*so_far* with its takes: all that the run sees to are *answered*; *pick* is the one that somebody chose."""
        had = {take.wanted.sample: answer for take, answer in answered if isinstance(answer, Bought)}
        read = originals(node, so_far.images)
        judged = {sample: judge(answer.result.artifact, read, node.expect) for sample, answer in had.items()}
        sample = None if so_far.accepted else picked(node, pick, judged)
        outcome = replace(
            so_far,
            status="done" if any(answer.paid for answer in had.values()) else "cached",
            reason="accepted" if so_far.accepted else _where_from(had, sample),
            key=next((take.wanted.key for take, _ in answered if take.wanted.sample == sample), so_far.key),
            takes=tuple(Take(one, answer.result, answer.paid, replaced=answer.replaced) for one, answer in had.items()),
            picked=sample if sample in had and judged[sample] is None else None,
        )
        refusals = [answer for _, answer in answered if isinstance(answer, NotBought)]
        if refusals:
            worst = min(refusals, key=lambda answer: (_rank(answer.status), answer.reason != "unknown"))
            return replace(outcome, status=worst.status, reason=worst.reason, error=worst.error)
        if so_far.accepted:
            return outcome
        wrong = judged.get(sample) if sample is not None else None
        if sample is not None and wrong is not None:
            missed = unmet(had[sample].result.artifact, node.expect)
            words = _UNFIT_AND_FREE if node.is_local else _UNFIT[wrong]
            return replace(outcome, status="failed", reason=wrong, error=words.format(node=node.id, missed=missed))
        return self._lost_or_waiting(
            node, outcome, [take for take in outcome.takes if judged[take.sample] is None], sample
        )

    def _lost_or_waiting(self, node: Node, outcome: Outcome, fit: Sequence[Take], sample: int | None) -> Outcome:
        """*outcome* unless its bytes are nowhere, or nobody has picked one of those that are *fit*."""
        gone = [take for take in outcome.takes if self.is_gone(take)]
        there = tuple(take.sample for take in fit if not self._is_bare(take))
        if gone and ((sample is None and not there) or node.output is None):
            # What is published is looked for where it is published.
            return replace(outcome, status="lost", reason="lost", error=self._lost_words(gone))
        if sample is None:
            choices = there or tuple(take.sample for take in fit)
            return replace(outcome, status="waiting", reason="pick", choices=choices, error=to_choose_from(choices))
        return outcome

    def _lost_words(self, gone: Sequence[Take]) -> str:
        takes = ", ".join(str(take.sample) for take in gone)
        finding = self.findings.get(gone[0].result.key)
        looked = f" (looked in {' and '.join(finding.places)})" if isinstance(finding, Known) else ""
        what, them = (f"take {takes}", "it") if len(gone) == 1 else (f"takes {takes}", "them")
        return f"bought, but the bytes of {what} are nowhere{looked}; `--rebuy` buys {them} again"


def flowing(node: Node, outcome: Outcome, one: NodeInput) -> Take | None:
    """The take of *node* that a reader gets by *one*; an unfit one flows to nobody."""
    # What is picked and fit flows on, even where another take of the node is still in the way.
    sample = one.sample if one.sample is not None else outcome.picked
    read = originals(node, outcome.images)
    fit = (take for take in outcome.takes if judge(take.result.artifact, read, node.expect) is None)
    return next((take for take in fit if take.sample == sample), None)


def inherited(node: Node, missing: Sequence[Outcome]) -> Outcome:
    """The outcome of *node*, which reads what is *missing*: it waits with what waits, and is blocked by all else."""
    worst = min(missing, key=lambda outcome: (_rank(outcome.status), outcome.reason == "pick"))
    names = ", ".join(outcome.node for outcome in missing)
    if all(outcome.status == "waiting" for outcome in missing):
        return Outcome(node.id, "waiting", worst.reason, error=f"waits for {names}")
    return Outcome(node.id, "blocked", "input", error=f"needs {names}")


def _rank(status: Status) -> int:
    return _ORDER_OF_BLAME.index(status) if status in _ORDER_OF_BLAME else len(_ORDER_OF_BLAME)


def _where_from(had: Mapping[int, Bought], sample: int | None) -> Reason:
    answer = had.get(sample) if sample is not None else None
    return "new" if answer is None or answer.paid else answer.source

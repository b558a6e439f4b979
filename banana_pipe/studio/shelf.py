"""The pictures of a recipe as lock file and cache have them now, in the form in which a manifest tells them.

Unaware of pages. What was picked or bought since the last run stands here as the next run would publish it; of a node
whose present request has no picture yet there is what the folder has of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from banana_pipe.canonical import Digest
from banana_pipe.images import NotAPicture, measure_file, suffix
from banana_pipe.model import Artifact, Hit, Json, Key, Known, Node, Outcome, Output, PlannedNode, State, Status, Take
from banana_pipe.outputs import manifest
from banana_pipe.outputs.publish import plan_outputs
from banana_pipe.planning import Decided
from banana_pipe.request import key_of, with_sample
from banana_pipe.takes import Market
from banana_pipe.workspace import Workspace

BY_HAND = "by hand"
"""What stands in the place of a take's number for a file that was changed by hand."""
UNPUBLISHED = "not published"

_STATUS: Mapping[State, Status] = {
    "cached": "cached",
    "call": "waiting",
    "wait": "waiting",
    "local": "waiting",
    "needs-pick": "waiting",
    "skipped": "skipped",
    "parked": "parked",
    "failed": "failed",
    "lost": "lost",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """A node with its pictures: `entries` as in a manifest, `by_hand` a file of it that is none of ours.

    `unplaced`: what flows on does not stand in the folder yet.
    """

    outcome: Outcome
    entries: tuple[Mapping[str, Json], ...]
    by_hand: tuple[Digest, Path] | None = None
    unplaced: bool = False


def kept(
    workspace: Workspace,
    decided: Decided,
    line: PlannedNode,
    there: Sequence[Mapping[str, Json]],
    pinned: frozenset[Digest],
) -> Kept:
    """The node of *line* with its pictures; *there* is what the folder's manifest says of it, *pinned* what lock files have."""
    node = workspace.graph.nodes[line.id]
    outcome = _outcome(workspace.markets[node.provider], decided, node, line)
    if not outcome.takes and outcome.accepted is None:
        return Kept(outcome, tuple(there))
    entries = list(manifest.entries(workspace.graph, [outcome]))
    if node.output is None:
        return Kept(outcome, tuple({**entry, "path": UNPUBLISHED} for entry in entries))
    main = next((output for output in outcome.outputs if output.picked), None)
    if line.modified and main is not None and (found := _by_hand(workspace, node, main)):
        artifact, path = found
        output = Output(main.path, artifact, None, True, main.key)
        own = {**manifest.entry(node, outcome.images, output, None), "take": BY_HAND}
        rest = [{**entry, "picked": False} for entry in entries]
        return Kept(outcome, (own, *rest), (artifact.digest, path))
    unplaced = (
        line.state == "cached" and main is not None and not line.modified and not _stands(workspace, main, pinned)
    )
    return Kept(outcome, tuple(entries), None, unplaced)


def _outcome(market: Market, decided: Decided, node: Node, line: PlannedNode) -> Outcome:
    """How *node* stands, as a run would tell it."""
    wanted = decided.takes.get(node.id, ())
    takes = tuple(_takes(market, decided, node))
    accepted = decided.accepted.get(node.id)
    if accepted is not None and not market.stores.has(accepted.digest):
        accepted = None
    flows = line.state not in ("needs-pick", "failed") and accepted is None
    picked = next((take.sample for take in takes if flows and take.result.key == line.key), None)
    told = Outcome(
        node=node.id,
        status=_STATUS[line.state],
        reason=line.reason,
        key=line.key,
        images=wanted[0].request.images if wanted else (),
        takes=takes,
        picked=picked,
        choices=line.choices,
        accepted=accepted,
        error=(line.detail or None) if line.state in ("failed", "lost", "parked", "needs-pick") else None,
        modified=line.modified,
    )
    placed = node if node.output is not None else replace(node, output=UNPUBLISHED)
    outputs = plan_outputs(placed, takes, picked)
    if accepted is not None and line.key is not None and placed.output is not None:
        outputs = (*outputs, Output(placed.output + suffix(accepted.mime), accepted, None, True, line.key))
    return replace(told, outputs=outputs)


def _takes(market: Market, decided: Decided, node: Node) -> Iterator[Take]:
    """The takes of the present request that are bought and whose bytes are somewhere."""
    wanted = decided.takes.get(node.id, ())
    if not wanted:
        return
    found = {}
    for take in wanted:
        finding = decided.findings.get(take.wanted.key)
        if isinstance(finding, Hit | Known):
            found[take.wanted.sample] = finding.result
    base = wanted[0].wanted.base
    block = market.stores.lock.block(base)
    for sample in block.takes if block else ():
        if sample not in found:
            key: Key = key_of(with_sample(wanted[0].request, sample))
            result = market.stores.lock.result(base, sample, key)
            if result is not None:
                found[sample] = result
    for sample, result in sorted(found.items()):
        if market.stores.has(result.artifact.digest):
            yield Take(sample, result, bought=False)


def _by_hand(workspace: Workspace, node: Node, output: Output) -> tuple[Artifact, Path] | None:
    """The file that stands where *output* is to be, where it is a picture, and no link to one."""
    published = workspace.markets[node.provider].stores.published
    path = workspace.places.out / output.path
    if path.is_symlink() or published.digest_at(output.path) is None:
        return None
    with contextlib.suppress(NotAPicture, OSError):
        return measure_file(path), path
    return None


def _stands(workspace: Workspace, output: Output, pinned: frozenset[Digest]) -> bool:
    stores = next(iter(workspace.markets.values())).stores
    return stores.published.judge(output.path, output.artifact.digest, pinned) == "same"

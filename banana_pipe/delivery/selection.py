"""What of a recipe is delivered: the picture that flows on from each node, and IPTC's word for how it came to be.

Unaware of where it is delivered to, and of what is done to it. Nothing is asked and nothing is paid: what is
not made yet is said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from banana_pipe.canonical import Digest
from banana_pipe.errors import UsageError
from banana_pipe.images import suffix
from banana_pipe.links import SANDBOX
from banana_pipe.model import Artifact, Hit, Key, Known, Node, NodeInput, PlannedNode, Result
from banana_pipe.planning import Decided
from banana_pipe.recipe.select import select
from banana_pipe.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is to be delivered: where, whose it is, and what is known of it."""

    path: str
    node: Node
    artifact: Artifact
    key: Key
    result: Result | None
    """None for what somebody accepted."""
    images: tuple[Digest, ...]
    """What it was made from, in order."""
    source_type: str | None
    """IPTC's word for how it came to be."""


@dataclass(frozen=True, slots=True)
class Wanting:
    """A node whose picture cannot be delivered, and why."""

    node: str
    why: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be delivered."""

    pictures: tuple[Picture, ...]
    wanting: tuple[Wanting, ...]


def chosen(workspace: Workspace, decided: Decided, names: Sequence[str] = ()) -> Selection:
    """The pictures of *names* (of all nodes without any) that flow on and are published. Raises UsageError."""
    wanted = _named(workspace, names) if names else list(workspace.graph)
    origins = _origins(workspace, decided)
    pictures, wanting = [], []
    lines = {line.id: line for line in decided.plan.nodes}
    for node in wanted:
        if node.output is None:
            if names:
                wanting.append(Wanting(node.id, "it is not published (`output: false`)"))
            continue
        line = lines[node.id]
        found = _artifact(line, decided)
        if found is None or line.key is None:
            wanting.append(Wanting(node.id, _WORDS.get(line.state, f"it is not made yet ({line.state})")))
            continue
        artifact, result = found
        images = decided.takes[node.id][0].request.images
        path = node.output + suffix(artifact.mime)
        pictures.append(Picture(path, node, artifact, line.key, result, images, source_type(origins[node.id])))
    return Selection(tuple(pictures), tuple(wanting))


LOST = "it is paid, but its bytes are nowhere"
_WORDS = {
    "needs-pick": "nobody has picked one of its takes yet",
    "failed": "it failed",
    "local": "it is not made yet: a run does, free",
    "lost": LOST,
}


def _named(workspace: Workspace, names: Sequence[str]) -> list[Node]:
    found: dict[str, Node] = {}
    for name in names:
        for node, sample in select(workspace.graph, name):
            if sample is not None:
                raise UsageError(f"{name}: what is delivered is the take that flows on", hint=f"`pick` take {sample}")
            found[node.id] = node
    return [node for node in workspace.graph if node.id in found]


def _artifact(line: PlannedNode, decided: Decided) -> tuple[Artifact, Result | None] | None:
    """The picture that flows on from a node; None where there is none."""
    accepted = decided.accepted.get(line.id)
    if accepted is not None:
        return accepted, None
    finding = decided.findings.get(line.key) if line.key is not None and line.state == "cached" else None
    return (finding.result.artifact, finding.result) if isinstance(finding, Hit | Known) else None


def _origins(workspace: Workspace, decided: Decided) -> Mapping[str, frozenset[str]]:
    """By node, what its picture has of: `trained` (a model), `drawn` (the sandbox), `outside` (files, addresses).

    What somebody accepted and no provider delivered was changed by hand: it counts as from outside, too.
    """
    blocks = [block for market in workspace.markets.values() for block in market.stores.lock.blocks.values()]
    bought = {take.artifact.digest for block in blocks for take in block.takes.values()}
    found: dict[str, frozenset[str]] = {}
    for node in workspace.graph:
        own = set() if node.is_local else {"drawn" if node.provider == SANDBOX else "trained"}
        for one in node.inputs:
            own |= found[one.node] if isinstance(one, NodeInput) else {"outside"}
        accepted = decided.accepted.get(node.id)
        if accepted is not None and accepted.digest not in bought:
            own.add("outside")
        found[node.id] = frozenset(own)
    return found


def source_type(origins: Collection[str]) -> str | None:
    """The IPTC Digital Source Type (http://cv.iptc.org/newscodes/digitalsourcetype/) of what has these *origins*.

    Origins are `trained`, `drawn` and `outside`; None where neither a model nor the sandbox had a part.
    `trainedAlgorithmicMedia` is made by a trained model alone, `compositeWithTrainedAlgorithmicMedia` of that and
    something else; `algorithmicMedia` and `compositeSynthetic` are the like without training: placeholders.
    """
    if "trained" in origins:
        alone = origins == {"trained"}
        return "trainedAlgorithmicMedia" if alone else "compositeWithTrainedAlgorithmicMedia"
    if "drawn" in origins:
        return "compositeSynthetic" if "outside" in origins else "algorithmicMedia"
    return None

"""What a run would do with every node, why, and at what price.

Unaware of buying, of the output folder and of how a plan is shown.

The rules that planning and running share stand here as pure functions: which requests a node's
takes are, which take flows on, and what makes a picture unfit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from banana_pipe.canonical import Digest
from banana_pipe.model import (
    Artifact,
    BaseKey,
    FileInput,
    Finding,
    Graph,
    Hit,
    Key,
    Known,
    Miss,
    Node,
    NodeInput,
    Open,
    Pick,
    Plan,
    PlannedNode,
    Reason,
    Request,
    Result,
    State,
)
from banana_pipe.prices import PriceTable, total
from banana_pipe.request import base_key_of, key_of, request_for, with_sample
from banana_pipe.store.lockfile import LockFile
from banana_pipe.store.lookup import Stores, Wanted


@dataclass(frozen=True, slots=True)
class Market:
    """One provider as a plan sees it: its name in keys, what is known there, and its prices."""

    key_name: str
    stores: Stores
    prices: PriceTable
    max_picture_bytes: int
    free: bool = False

    def price(self, node: Node) -> int | None:
        """What one take of *node* costs."""
        return 0 if self.free else self.prices.price(node.model, node.params, has_extra=node.has_extra)


@dataclass(frozen=True, slots=True)
class TakeWanted:
    """One take of a node: its request and what it is looked up by."""

    request: Request
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Decided:
    """A plan and what was found on the way: a run starts from both.

    Not shown in full: asyncio.run makes a text of a task's result as it ends.
    """

    plan: Plan = field(repr=False)
    findings: Mapping[Key, Finding] = field(repr=False)
    takes: Mapping[str, tuple[TakeWanted, ...]] = field(repr=False)
    """By node, where its inputs are known."""


# --- rules that a plan and a run share --------------------------------------------------------


def takes_of(node: Node, market: Market, images: Sequence[Digest], asked: Iterable[int]) -> tuple[TakeWanted, ...]:
    """The takes of *node*: 1 to `samples`, the picked one, and those *asked* for by name."""
    first = request_for(node, market.key_name, images, 1)
    base = base_key_of(first)
    samples = {*range(1, node.samples + 1), *asked}
    pick = pick_of(node, market.stores.lock, base)
    if pick is not None:
        samples.add(pick.sample)
    return tuple(_take(with_sample(first, sample), base) for sample in sorted(samples))


def _take(request: Request, base: BaseKey) -> TakeWanted:
    return TakeWanted(request, Wanted(key_of(request), base, request.sample))


def pick_of(node: Node, lock: LockFile, base: BaseKey) -> Pick | None:
    """The take that somebody chose, in the lock or in the recipe."""
    chosen = lock.pick(base)
    if chosen is not None:
        return Pick(chosen, "lock")
    return None if node.pick is None else Pick(node.pick, "recipe")


def picked(pick: Pick | None, judged: Mapping[int, Reason | None], samples: Sequence[int]) -> int | None:
    """The take that flows on: the chosen one, else the first that passes; None: not known yet.

    *judged* has what is wrong (None: nothing) with each take that is known so far.
    """
    if pick is not None:
        return pick.sample
    for sample in samples:
        if sample not in judged:
            return None
        if judged[sample] is None:
            return sample
    return samples[0]


def judge(artifact: Artifact, images: Sequence[Digest]) -> Reason | None:
    """What is wrong with a picture, whoever made it; None if nothing is."""
    if artifact.blank:
        return "blank"
    return "copy" if artifact.digest in images else None


def asked_takes(graph: Graph) -> dict[str, set[int]]:
    """For each node the takes that others read by number (`hero@2`)."""
    asked: dict[str, set[int]] = {}
    for node in graph:
        for one in node.inputs:
            if isinstance(one, NodeInput) and one.sample is not None:
                asked.setdefault(one.node, set()).add(one.sample)
    return asked


def oversized(node: Node, artifacts: Sequence[Artifact], limit: int) -> str | None:
    """Why the pictures that *node* reads cannot be sent, naming the step that would make one smaller."""
    for one, artifact in zip(node.inputs, artifacts, strict=True):
        if artifact.size > limit:
            whose = f"the picture of {one.node}" if isinstance(one, NodeInput) else one.label
            cure = (
                f"ask step `{one.node.partition('[')[0]}` for a lower `resolution`"
                if isinstance(one, NodeInput)
                else "make that file smaller"
            )
            size = f"{artifact.size / 1e6:.1f} MB"
            return f"{whose} has {size}, and the provider takes {limit / 1e6:.0f} MB: {cure}"
    return None


# --- the plan -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Seen:
    """One node on the way to its line in the plan."""

    node: Node
    images: tuple[Artifact, ...] | None = None
    """What it reads; None while something of it is not known."""
    takes: tuple[TakeWanted, ...] = ()
    results: dict[int, Result] = field(default_factory=dict)
    """The known takes that pass: only these flow on."""
    sample: int | None = None

    @property
    def artifact(self) -> Artifact | None:
        """The picture that flows on, where it is known."""
        return self.results[self.sample].artifact if self.sample in self.results else None


async def plan(graph: Graph, markets: Mapping[str, Market], files: Mapping[Path, Artifact]) -> Decided:
    """Plan a run of *graph*.

    *markets* are the providers by the name that nodes use, *files* the measured pictures of every
    FileInput. Looks up all nodes of one depth at once.
    """
    asked = asked_takes(graph)
    seen = {node.id: _Seen(node) for node in graph}
    findings: dict[Key, Finding] = {}
    for level in _levels(graph):
        wanted: dict[str, list[Wanted]] = {}
        for one in (seen[node.id] for node in level):
            one.images = _images(one.node, seen, files)
            if one.images is None:
                continue
            market = markets[one.node.provider]
            digests = [image.digest for image in one.images]
            one.takes = takes_of(one.node, market, digests, asked.get(one.node.id, ()))
            wanted.setdefault(one.node.provider, []).extend(take.wanted for take in one.takes)
        for provider, keys in wanted.items():
            findings.update(await markets[provider].stores.find_many(keys))
        for node in level:
            _settle_pick(seen[node.id], markets[node.provider], findings)
    takes = {name: one.takes for name, one in seen.items() if one.takes}
    return Decided(_written(graph, markets, seen, findings), findings, takes)


def _levels(graph: Graph) -> Iterator[list[Node]]:
    """The nodes by depth: each level reads only from those before."""
    depth: dict[str, int] = {}
    levels: list[list[Node]] = []
    for node in graph:
        depth[node.id] = 1 + max((depth[one.node] for one in node.inputs if isinstance(one, NodeInput)), default=-1)
        if depth[node.id] == len(levels):
            levels.append([])
        levels[depth[node.id]].append(node)
    yield from levels


def _images(node: Node, seen: Mapping[str, _Seen], files: Mapping[Path, Artifact]) -> tuple[Artifact, ...] | None:
    images = []
    for one in node.inputs:
        if isinstance(one, FileInput):
            images.append(files[one.path])
            continue
        upstream = seen[one.node]
        sample = one.sample if one.sample is not None else upstream.sample
        if sample not in upstream.results:
            return None
        images.append(upstream.results[sample].artifact)
    return tuple(images)


def _settle_pick(one: _Seen, market: Market, findings: Mapping[Key, Finding]) -> None:
    if one.images is None:
        return
    digests = [image.digest for image in one.images]
    known: dict[int, Result] = {}
    for take in one.takes:
        finding = findings[take.wanted.key]
        if isinstance(finding, Hit | Known):
            known[take.wanted.sample] = finding.result
    judged = {sample: judge(result.artifact, digests) for sample, result in known.items()}
    pick = pick_of(one.node, market.stores.lock, one.takes[0].wanted.base)
    one.sample = picked(pick, judged, [take.wanted.sample for take in one.takes])
    one.results = {sample: result for sample, result in known.items() if judged[sample] is None}


def _written(
    graph: Graph, markets: Mapping[str, Market], seen: Mapping[str, _Seen], findings: Mapping[Key, Finding]
) -> Plan:
    first_asker: dict[Key, str] = {}
    lines = [_line(seen[node.id], markets[node.provider], findings, first_asker) for node in graph]
    lines = _mark_lost(lines, seen, findings)
    calling = [line for line in lines if line.state == "call"]
    maybe = [*calling, *(line for line in lines if line.state == "wait")]
    return Plan(
        recipe=graph.recipe.name,
        nodes=tuple(lines),
        calls=sum(line.calls for line in calling),
        calls_max=sum(line.calls for line in maybe),
        cost=total(line.cost for line in calling),
        cost_max=total(line.cost for line in maybe),
    )


def _line(one: _Seen, market: Market, findings: Mapping[Key, Finding], first_asker: dict[Key, str]) -> PlannedNode:
    node = one.node
    price = market.price(node)
    if one.images is None:
        cost = None if price is None else price * node.samples
        return _planned(one, "wait", "upstream", calls=node.samples, cost=cost)
    blocking = _in_the_way(one, findings)
    if blocking is not None:
        return _planned(one, *blocking)
    missing = [take.wanted for take in one.takes if isinstance(findings[take.wanted.key], Miss)]
    if missing:
        too_large = oversized(node, one.images, market.max_picture_bytes)
        if too_large is not None:
            return _planned(one, "failed", "error", detail=too_large)
        ours = [key for key in missing if first_asker.setdefault(key.key, node.id) == node.id]
        reason = _why_missing(one, market) if ours else "same"
        cost = 0 if not ours else None if price is None else price * len(ours)
        return _planned(one, "call", reason, calls=len(ours), cost=cost)
    return _done_already(one, findings)


def _in_the_way(one: _Seen, findings: Mapping[Key, Finding]) -> tuple[State, Reason] | None:
    for take in one.takes:
        finding = findings[take.wanted.key]
        if isinstance(finding, Open):
            return _OPEN[finding.attempt.state]
    return None


_OPEN: Mapping[str, tuple[State, Reason]] = {
    "INTENT": ("parked", "unknown"),
    "UNKNOWN": ("parked", "unknown"),
    "ACCEPTED": ("parked", "resume"),
    "SUCCEEDED": ("parked", "resume"),
    "REFUSED": ("failed", "refused"),
    "LOST": ("lost", "lost"),
}


def _why_missing(one: _Seen, market: Market) -> Reason:
    if one.results or market.stores.lock.block(one.takes[0].wanted.base) is not None:
        return "take"
    return "new" if market.stores.lock.latest_with_label(one.node.id) is None else "changed"


def _done_already(one: _Seen, findings: Mapping[Key, Finding]) -> PlannedNode:
    """The line of a node whose takes are all known: cached, or unfit by today's checks."""
    sample = one.sample if one.sample is not None else one.takes[0].wanted.sample
    for take in one.takes:
        finding = findings[take.wanted.key]
        if take.wanted.sample == sample and isinstance(finding, Hit | Known):
            wrong = judge(finding.result.artifact, take.request.images)
            return _planned(one, "failed", wrong) if wrong is not None else _planned(one, "cached", finding.source)
    raise AssertionError(f"{one.node.id}: no take of it is missing, open or known")


def _planned(
    one: _Seen, state: State, reason: Reason, *, calls: int = 0, cost: int | None = 0, detail: str = ""
) -> PlannedNode:
    sample = one.sample if one.sample is not None else 1
    keys = {take.wanted.sample: take.wanted.key for take in one.takes}
    return PlannedNode(
        id=one.node.id,
        action=one.node.action,
        state=state,
        reason=reason,
        key=keys.get(sample),
        calls=calls,
        cost=cost,
        inputs=tuple(_shown(read) for read in one.node.inputs),
        detail=detail,
    )


def _shown(one: NodeInput | FileInput) -> str:
    if isinstance(one, FileInput):
        return one.label
    return one.node if one.sample is None else f"{one.node}@{one.sample}"


def _mark_lost(
    lines: list[PlannedNode], seen: Mapping[str, _Seen], findings: Mapping[Key, Finding]
) -> list[PlannedNode]:
    """Say `lost` where bytes are nowhere and needed: to be published, or to be sent by who reads them."""
    needed: set[str] = set()
    for line in lines:
        if line.state in ("call", "wait"):
            needed |= {read.node for read in seen[line.id].node.inputs if isinstance(read, NodeInput)}
    lost: set[str] = set()
    marked = []
    for line in lines:
        known = line.state == "cached" and isinstance(findings.get(line.key or Key("")), Known)
        if known and (line.id in needed or seen[line.id].node.output is not None):
            lost.add(line.id)
            marked.append(replace(line, state="lost", reason="lost"))
        elif line.state == "call" and lost & {read.split("@")[0] for read in line.inputs}:
            marked.append(replace(line, state="wait", reason="upstream"))
        else:
            marked.append(line)
    return marked

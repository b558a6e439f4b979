"""What a run would do with every node, why, and at what price.

Unaware of buying, of the output folder and of how a plan is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from banana_pipe.foresight import Seen, lost_of, settle_images, settle_needs, settle_pick
from banana_pipe.model import (
    LOCAL,
    Artifact,
    Finding,
    Graph,
    Hit,
    Input,
    Key,
    Known,
    Miss,
    Node,
    NodeInput,
    Open,
    Place,
    Plan,
    PlannedNode,
    Reason,
    State,
)
from banana_pipe.prices import total
from banana_pipe.store.lookup import Wanted
from banana_pipe.takes import (
    ACCEPTED_AND_GONE,
    Market,
    TakeWanted,
    asked_takes,
    judge,
    originals,
    samples_of,
    takes_of,
    to_choose_from,
    unmet,
)


@dataclass(frozen=True, slots=True)
class Decided:
    """A plan and what was found on the way: a run starts from both.

    Not shown in full: asyncio.run makes a text of a task's result as it ends.
    """

    plan: Plan = field(repr=False)
    findings: Mapping[Key, Finding] = field(repr=False)
    takes: Mapping[str, tuple[TakeWanted, ...]] = field(repr=False)
    """By node, where its inputs are known."""
    lost: frozenset[Key]
    """What is bought, has its bytes nowhere, and is to be published or sent: what `--rebuy` is about."""
    accepted: Mapping[str, Artifact] = field(default_factory=dict, repr=False)
    """By node, what flows on from it instead of any take."""


async def plan(
    graph: Graph,
    markets: Mapping[str, Market],
    files: Mapping[Place, Artifact],
    broken: Mapping[Place, str] = MappingProxyType({}),
    *,
    elsewhere: bool = False,
) -> Decided:
    """Plan a run of *graph*.

    *markets* are the providers by the name that nodes use, *files* the measured pictures of every
    FileInput, and of every UrlInput that is pinned; *broken* says why others cannot be had. With
    *elsewhere* what is bought counts as there, wherever its bytes are. Looks up all nodes of one depth at once.
    """
    asked = asked_takes(graph)
    seen = {
        node.id: Seen(node, asked=frozenset(asked.get(node.id, ())), sample=None if node.asks else 1) for node in graph
    }
    findings: dict[Key, Finding] = {}
    for level in _levels(graph):
        wanted: dict[str, list[Wanted]] = {}
        for one in (seen[node.id] for node in level):
            settle_images(one, seen, files)
            if one.images is None:
                continue
            market = markets[one.node.provider]
            digests = [image.digest for image in one.images]
            one.takes = takes_of(one.node, market, digests, one.asked)
            one.accepted = market.stores.lock.accepted(one.takes[0].wanted.base)
            there = elsewhere or one.accepted is None or market.stores.has(one.accepted.digest)
            one.is_accepted_gone = not there
            wanted.setdefault(one.node.provider, []).extend(take.wanted for take in one.takes)
        for provider, keys in wanted.items():
            found = await markets[provider].stores.find_many(keys)
            # What is made here is made again where its bytes are nowhere: it is never lost.
            again = provider == LOCAL
            findings.update((k, Miss(k) if again and isinstance(one, Known) else one) for k, one in found.items())
            if elsewhere:
                bought = {k: Hit(one.result, one.source) for k, one in found.items() if isinstance(one, Known)}
                findings.update({} if again else bought)
        for one in (seen[node.id] for node in level):
            settle_pick(one, markets[one.node.provider], findings)
            settle_needs(one, seen, markets[one.node.provider], findings, broken)
    takes = {name: one.takes for name, one in seen.items() if one.takes}
    lost = lost_of(seen, findings)
    accepted = {name: one.accepted for name, one in seen.items() if one.accepted is not None}
    return Decided(_written(graph, markets, seen, findings, lost), findings, takes, lost, accepted)


def _levels(graph: Graph) -> Iterator[list[Node]]:
    """The nodes by depth: each level reads only from those before."""
    depth: dict[str, int] = {}
    levels: list[list[Node]] = []
    for node in graph:
        depth[node.id] = 1 + max((depth[name] for name in node.upstream), default=-1)
        if depth[node.id] == len(levels):
            levels.append([])
        levels[depth[node.id]].append(node)
    yield from levels


def _written(
    graph: Graph,
    markets: Mapping[str, Market],
    seen: Mapping[str, Seen],
    findings: Mapping[Key, Finding],
    lost: Container[Key],
) -> Plan:
    first_asker: dict[Key, str] = {}
    lines = []
    for one in (seen[node.id] for node in graph):
        market = markets[one.node.provider]
        if one.images is None:
            lines.append(_waiting(one, market))
        else:
            lines.append(_line(one, market, findings, first_asker, lost))
    calling = [line for line in lines if line.state == "call"]
    maybe = [*calling, *(line for line in lines if line.state == "wait")]
    return Plan(
        recipe=graph.recipe.name,
        nodes=tuple(lines),
        calls=sum(line.calls for line in calling),
        calls_max=sum(line.calls for line in maybe),
        calls_after_picks=sum(line.calls for line in maybe if not line.may_call),
        cost=total(line.cost for line in calling),
        cost_max=total(line.cost for line in maybe),
        warnings=_beyond_samples(maybe, seen, findings),
        skipped=tuple(
            PlannedNode(one.id, one.action, "skipped", one.reason, None, 0, 0, (), detail=one.detail)
            for one in graph.skipped
        ),
    )


def _beyond_samples(
    lines: Iterable[PlannedNode],
    seen: Mapping[str, Seen],
    findings: Mapping[Key, Finding],
) -> tuple[str, ...]:
    """A word about each take that would be bought beyond a step's `samples`: a slip of the finger costs money."""
    more: Counter[tuple[str, int, int]] = Counter()
    for one in (seen[line.id] for line in lines):
        missing = {take.wanted.sample for take in one.needed if isinstance(findings[take.wanted.key], Miss)}
        wanted = missing if one.takes else samples_of(one.node, one.asked)
        more.update((one.node.step, one.node.samples, sample) for sample in wanted if sample > one.node.samples)
    return tuple(
        f"step {step}: take {sample} is beyond `samples: {samples}`; it is bought besides, with"
        f" {calls} {'call' if calls == 1 else 'calls'} more"
        for (step, samples, sample), calls in sorted(more.items())
    )


def _waiting(one: Seen, market: Market) -> PlannedNode:
    """The line of a node of whose inputs something is not known."""
    if one.unsendable is not None:
        return _planned(one, "failed", "error", detail=one.unsendable)
    if one.needs:
        return _blocked(one)
    calls = 0 if one.node.is_local else len(samples_of(one.node, one.asked))
    cost = _times(market.price(one.node), calls)
    if one.gates:  # no run makes it before somebody has picked
        detail = f"waits for a pick of {_listed(one.gates)}"
        return _planned(one, "wait", "pick", calls=calls, cost=cost, detail=detail)
    detail = f"waits for {_listed(map(_shown, one.unknown))}"
    return _planned(one, "wait", "upstream", calls=calls, cost=cost, detail=detail)


def _listed(names: Iterable[str]) -> str:
    """The first of *names*, and how many more there are: a sheet may read thousands."""
    first, *more = dict.fromkeys(names)
    return f"{first} and {len(more)} more" if more else first


def _blocked(one: Seen) -> PlannedNode:
    return _planned(one, "failed", "input", detail=f"needs {', '.join(dict.fromkeys(one.needs))}")


def _times(price: int | None, calls: int) -> int | None:
    """What *calls* cost; none cost nothing, whatever the price."""
    return None if price is None and calls else (price or 0) * calls


def _line(
    one: Seen,
    market: Market,
    findings: Mapping[Key, Finding],
    first_asker: dict[Key, str],
    lost: Container[Key],
) -> PlannedNode:
    missing = [take.wanted for take in one.needed if isinstance(findings[take.wanted.key], Miss)]
    blocking = _in_the_way(one, findings)
    if missing and one.unsendable is not None:
        return _planned(one, "failed", "error", detail=one.unsendable)
    if missing and one.needs:
        return _blocked(one)
    if missing and one.node.is_local:
        return _planned(one, "local", "new")
    if missing:  # these are bought, whatever became of the other takes
        ours = [key for key in missing if first_asker.setdefault(key.key, one.node.id) == one.node.id]
        reason = _why_missing(one, market) if ours else "same"
        return _planned(one, "call", reason, calls=len(ours), cost=_times(market.price(one.node), len(ours)))
    if blocking is not None:
        return _planned(one, *blocking)
    if any(take.wanted.key in lost for take in one.takes):
        return _planned(one, "lost", "lost")
    if one.accepted is not None:
        if one.is_accepted_gone and one.node.output is not None:
            return _planned(one, "lost", "lost", detail=ACCEPTED_AND_GONE)
        return _planned(one, "cached", "accepted")
    if one.sample is None:
        fit = [take.wanted for take in one.takes if take.wanted.sample in one.results]
        there = [take.sample for take in fit if isinstance(findings[take.key], Hit)] or sorted(one.results)
        return replace(_planned(one, "needs-pick", "pick", detail=to_choose_from(there)), choices=tuple(there))
    return _done_already(one, findings)


def _in_the_way(one: Seen, findings: Mapping[Key, Finding]) -> tuple[State, Reason] | None:
    opened = {_OPEN[found.attempt.state] for take in one.needed if isinstance(found := findings[take.wanted.key], Open)}
    return next((stand for stand in _OPEN.values() if stand in opened), None)


_OPEN: Mapping[str, tuple[State, Reason]] = {
    # The gravest first: of several takes a run says the same one.
    "INTENT": ("parked", "unknown"),
    "UNKNOWN": ("parked", "unknown"),
    "ACCEPTED": ("parked", "resume"),
    "SUCCEEDED": ("parked", "resume"),
    "LOST": ("lost", "lost"),
    "REFUSED": ("failed", "refused"),
}


def _why_missing(one: Seen, market: Market) -> Reason:
    block = market.stores.lock.block(one.takes[0].wanted.base)
    if one.results or (block is not None and block.takes):
        return "take"
    return "new" if market.stores.lock.latest_with_label(market.label(one.node.id)) is None else "changed"


def _done_already(one: Seen, findings: Mapping[Key, Finding]) -> PlannedNode:
    """The line of a node whose takes are all known: cached, or unfit by today's checks."""
    take = one.take(None)
    finding = findings[take.wanted.key] if take is not None else None
    if take is None or not isinstance(finding, Hit | Known):
        raise AssertionError(f"{one.node.id}: no take of it is missing, open or known")
    artifact, expect = finding.result.artifact, one.node.expect
    wrong = judge(artifact, originals(one.node, take.request.images), expect)
    if wrong is not None:
        return _planned(one, "failed", wrong, detail=unmet(artifact, expect) if wrong == "expect" else "")
    return _planned(one, "cached", finding.source)


def _planned(
    one: Seen, state: State, reason: Reason, *, calls: int = 0, cost: int | None = 0, detail: str = ""
) -> PlannedNode:
    take = one.take(None) or next(iter(one.takes), None)
    return PlannedNode(
        id=one.node.id,
        action=one.node.action,
        state=state,
        reason=reason,
        key=take.wanted.key if take is not None else None,
        calls=calls,
        cost=cost,
        inputs=tuple(_shown(read) for read in one.node.inputs),
        detail=detail,
    )


def _shown(one: Input) -> str:
    if not isinstance(one, NodeInput):
        return one.label
    return one.node if one.sample is None else f"{one.node}@{one.sample}"

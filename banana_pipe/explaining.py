"""Explains nodes of a workspace: gathers what they ask, what was asked last, and what hangs on them.

Unaware of the command line. Touches no network, writes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterable, Iterator, Mapping

from banana_pipe.beforehand import plan
from banana_pipe.canonical import Digest, canonical_json
from banana_pipe.drifting import drifted
from banana_pipe.errors import Location
from banana_pipe.explain import Asked, Downstream, Drifted, Explanation, Last, compare
from banana_pipe.model import BaseKey, Node, NodeInput, PlannedNode, Request, Text
from banana_pipe.planning import Decided
from banana_pipe.prices import total
from banana_pipe.recipe.narrow import with_readers
from banana_pipe.recipe.origins import Origins
from banana_pipe.recipe.select import select
from banana_pipe.request import base_key_of, read_request
from banana_pipe.store.labels import parts_of
from banana_pipe.store.pins import LockBlock
from banana_pipe.takes import Market
from banana_pipe.workspace import Workspace


async def explain(workspace: Workspace, text: str) -> tuple[Explanation, ...]:
    """Every node that *text* means, explained. Raises UsageError where it means none."""
    decided = await plan(workspace)
    nodes = [node for node, _ in select(workspace.graph, text)]
    lasts = await _lasts(workspace, nodes)
    origins = Origins(workspace.graph, [one.partition("=")[0].strip() for one in workspace.options.sets])
    lines = {line.id: line for line in decided.plan.nodes}
    drift = drifted(workspace, decided, (node.id for node in nodes))
    return tuple(
        _explained(workspace, decided, node, lasts.get(node.id), origins, lines, drift.get(node.id)) for node in nodes
    )


def _explained(
    workspace: Workspace,
    decided: Decided,
    node: Node,
    last: Last | None,
    origins: Origins,
    lines: Mapping[str, PlannedNode],
    drift: Drifted | None,
) -> Explanation:
    takes = decided.takes.get(node.id)
    images = takes[0].request.images if takes else None
    market = workspace.markets[node.provider]
    asked = Asked(node, market.key_name, images, market.profile)
    return Explanation(
        asked=asked,
        line=lines[node.id],
        last=last,
        difference=compare(last, asked, origins, _places(workspace, node)) if last else None,
        waits_for=() if takes else tuple(_unknown(workspace, node, lines)),
        downstream=_downstream(workspace, node, lines),
        drifted=drift,
    )


def _unknown(workspace: Workspace, node: Node, lines: Mapping[str, PlannedNode]) -> Iterator[str]:
    """What *node* reads whose picture is not known: other nodes, and addresses that nobody has fetched."""
    for one in node.inputs:
        if not isinstance(one, NodeInput):
            if one.place not in workspace.files:
                yield one.label
        elif lines[one.node].state != "cached":
            yield one.node


def _places(workspace: Workspace, node: Node) -> dict[str, Location]:
    """Where the settings of *node*, fields of `extra` among them, are set: in the profile, else in its step, else in its recipe's defaults."""
    recipe = workspace.graph.recipe
    step = recipe.steps[node.step]
    found: dict[str, Location] = {}
    for settings in (recipe.overrides, step.settings, recipe.defaults_of(step)):
        for name, value in settings.items():
            if isinstance(value, Text):
                found.setdefault(name, value.at)
            elif name == "extra":
                for field, inner in value.data.items():
                    found.setdefault(field, inner.at)
    return found


def _downstream(workspace: Workspace, node: Node, lines: Mapping[str, PlannedNode]) -> Downstream:
    readers = [lines[name] for name in with_readers(workspace.graph, {node.id}) - {node.id}]
    buying = [line for line in readers if line.state in ("call", "wait")]
    return Downstream(
        nodes=len(readers),
        calls=sum(line.calls for line in buying if line.state == "call"),
        calls_max=sum(line.calls for line in buying),
        cost=total(line.cost for line in buying),
    )


# --- what was asked last ------------------------------------------------------------------------


async def _lasts(workspace: Workspace, nodes: Iterable[Node]) -> dict[str, Last]:
    """The last request under each node's name: the block of the lock with that label that was bought last.

    A profile that never asked is compared with what was asked elsewhere under the name: that is told.
    """
    found: dict[str, tuple[str, LockBlock]] = {}
    for node in nodes:
        market = workspace.markets[node.provider]
        lock, label = market.stores.lock, market.label(node.id)
        labelled = [(label, block) for block in lock.with_label(label)] or lock.in_other_profiles(label)
        if labelled:
            found[node.id] = labelled[0]
    requests = await _requests(workspace.markets.values(), (block for _, block in found.values()))
    return {name: _last(label, block, requests.get(block.base)) for name, (label, block) in found.items()}


async def asked_before(workspace: Workspace) -> dict[str, str]:
    """The prompt of each node before the one that it was bought with last, where that was another and is kept."""
    bought: dict[str, list[LockBlock]] = {}
    for node in workspace.whole:
        market = workspace.markets[node.provider]
        blocks = market.stores.lock.with_label(market.label(node.id))[:2]
        if len(blocks) > 1:
            bought[node.id] = list(blocks)
    requests = await _requests(workspace.markets.values(), (block for both in bought.values() for block in both))
    prompts = {
        name: [requests[block.base].prompt if block.base in requests else None for block in both]
        for name, both in bought.items()
    }
    return {name: before for name, (now, before) in prompts.items() if before is not None and before != now}


def _last(label: str, block: LockBlock, request: Request | None) -> Last:
    return Last(
        request=request,
        provider=block.provider,
        model=block.model,
        images=block.inputs,
        bought_at=block.bought_at,
        takes=len(block.takes),
        price=total(take.price for take in block.takes.values()),
        profile=parts_of(label)[1],
    )


async def _requests(markets: Iterable[Market], blocks: Iterable[LockBlock]) -> dict[BaseKey, Request]:
    """The words behind *blocks*, as far as output folder and cache have them. Each is what its key says."""
    wanted = {take.artifact.digest for block in blocks for take in block.takes.values()}
    found: dict[BaseKey, Request] = {}
    for market in markets:
        for data in (*_published(market), *await _kept(market, wanted)):
            try:
                request = read_request(data)
                found[base_key_of(request)] = request
            except (ValueError, TypeError):  # not ours, or of a later version
                continue
    return found


def _published(market: Market) -> Iterator[bytes]:
    """The requests that the manifest tells."""
    files = (market.stores.published.manifest() or {}).get("files")
    for entry in files if isinstance(files, list) else []:
        if isinstance(entry, dict):
            with contextlib.suppress(ValueError):
                yield canonical_json(entry.get("request"))


async def _kept(market: Market, wanted: Container[Digest]) -> Iterator[bytes]:
    """The requests that are kept beside what was bought with them; what is free is in no ledger that stays."""
    bought = (a for a in await market.stores.ledger.all_attempts() if a.artifact and a.artifact.digest in wanted)
    keys = dict.fromkeys((*(attempt.key for attempt in bought), *market.stores.results.keys_of(wanted)))
    kept = (market.stores.blobs.read(Digest(key)) for key in keys)
    return (data for data in kept if data is not None)

"""What is known and made ready before a run: its plan, pictures from the web, transforms that others wait for.

Unaware of purchases, and of the output folder but for what was changed there by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from banana_pipe import fetching, planning
from banana_pipe.buying import Limits
from banana_pipe.images import suffix
from banana_pipe.making import Workshop
from banana_pipe.model import LOCAL, Artifact, Hit, Key, Known, Node, PlannedNode, Url, UrlInput
from banana_pipe.planning import Decided
from banana_pipe.workspace import Workspace


async def plan(workspace: Workspace, *, elsewhere: bool = False) -> Decided:
    """What a run would do. Touches no network, writes nothing.

    With *elsewhere*: where the bytes of all that is bought are at hand, as a reviewer's clone seldom has them.
    """
    decided = await planning.plan(
        workspace.graph, workspace.markets, workspace.files, workspace.broken, elsewhere=elsewhere
    )
    modified = _modified(workspace, decided)
    nodes = tuple(replace(line, modified=line.id in modified) for line in decided.plan.nodes)
    warnings = (*workspace.warnings, *decided.plan.warnings)
    whole = replace(decided.plan, nodes=nodes, warnings=warnings, left_out=workspace.left_out)
    return replace(decided, plan=whole)


async def fetch(workspace: Workspace, decided: Decided, limits: Limits) -> tuple[Workspace, Decided]:
    """*workspace* with the pictures from the web that a run needs, and the plan that they make possible.

    Free, and without a token. Pins what was fetched; the plan says what cannot be had. Raises StoreError
    and UsageError where that cannot be written. A frozen run fetches nothing, and says what it would need.
    """
    if limits.frozen:
        broken = fetching.left_alone(workspace, _transforms(workspace, decided))
        if broken.keys() <= workspace.broken.keys():
            return workspace, decided
        workspace = replace(workspace, broken={**workspace.broken, **broken})
    elif wanted := to_fetch(workspace, decided, limits):
        workspace = await fetching.bring(workspace, wanted)
    else:
        return workspace, decided
    return workspace, await plan(workspace)


def to_fetch(workspace: Workspace, decided: Decided, limits: Limits) -> Mapping[Url, Artifact | None]:
    """The addresses that a run asks, with what they are pinned to."""
    if limits.frozen:
        return {}
    sending = {node.id for node in may_send(workspace, decided, limits)}
    return fetching.missing(workspace, workspace.graph, sending)


def would_buy(workspace: Workspace, decided: Decided) -> list[PlannedNode]:
    """What a frozen run would have to buy, as far as a plan can know: what waits for transforms alone may be there."""
    graph = workspace.graph
    buys: set[str] = set()
    for line in decided.plan.nodes:
        node = graph.nodes[line.id]
        unread = any(isinstance(one, UrlInput) and one.url not in workspace.files for one in node.inputs)
        if line.state == "call" or (line.may_call and (unread or not node.upstream.isdisjoint(buys))):
            buys.add(line.id)
    return [line for line in decided.plan.nodes if line.id in buys]


async def settle(workspace: Workspace, decided: Decided, *, frozen: bool = False) -> Decided:
    """The plan after what others wait for was made, as far as it can be made here: where there is no token and
    nothing else is in the way, or where nothing is to be bought at all (*frozen*).

    What reads a transform may be bought already: its request is known when the transform is.
    """
    while local := _to_make_first(workspace, decided, frozen=frozen):
        workspace.places.make_cache()
        workshop = Workshop(workspace.markets[LOCAL].stores)
        takes = [(workspace.graph.nodes[name], decided.takes[name][0]) for name in local]
        done = await asyncio.gather(
            *(workshop.make(node, take.wanted.key, take.request.images) for node, take in takes), return_exceptions=True
        )
        if all(isinstance(one, BaseException) for one in done):
            return decided  # the run says what is wrong
        decided = await plan(workspace)
    return decided


def _to_make_first(workspace: Workspace, decided: Decided, *, frozen: bool) -> list[str]:
    """The transforms that have to be made before anybody can say what those that wait would buy."""
    if not frozen and not _only_waits(workspace, decided):
        return []
    state = {line.id: line.state for line in decided.plan.nodes}
    read: set[str] = set()
    for node in reversed(list(workspace.graph)):
        if state[node.id] == "wait" or node.id in read:
            read |= node.upstream
    return [name for name, one in state.items() if one == "local" and name in read]


def _only_waits(workspace: Workspace, decided: Decided) -> bool:
    """Whether there is no token, and nothing is in the way but that it is not known what some nodes read."""
    if workspace.access.token is not None:
        return False
    graph, markets = workspace.graph, workspace.markets
    asking = {
        line.state for line in decided.plan.nodes if may_ask(line) and not markets[graph.nodes[line.id].provider].free
    }
    return asking == {"wait"}


def _transforms(workspace: Workspace, decided: Decided) -> list[Node]:
    """The transforms that a run makes."""
    return [workspace.graph.nodes[line.id] for line in decided.plan.nodes if line.state == "local"]


def may_ask(line: PlannedNode) -> bool:
    """Whether a run may call, poll or look up for that node."""
    return line.may_call or line.state == "parked"


def may_buy_again(decided: Decided, limits: Limits) -> bool:
    """Whether something is bought anew by consent: then also what reads it, though it is cached now."""
    consent = limits.consent
    agreed = consent.rebuy or consent.retry_refused or consent.retry_unknown
    return agreed and any(line.state in ("lost", "failed") for line in decided.plan.nodes)


def may_send(workspace: Workspace, decided: Decided, limits: Limits) -> list[Node]:
    """The nodes that may need the bytes of what they read: to send them, or to apply ops to them."""
    everything = may_buy_again(decided, limits)
    asking = {line.id for line in decided.plan.nodes if everything or may_ask(line) or line.state == "local"}
    return [node for node in workspace.graph if node.id in asking]


def _modified(workspace: Workspace, decided: Decided) -> set[str]:
    """The nodes whose published file was changed by hand."""
    modified = set()
    pinned = workspace.pinned_digests()
    for line in decided.plan.nodes:
        node = workspace.graph.nodes[line.id]
        finding = decided.findings.get(line.key or Key(""))
        artifact = decided.accepted.get(node.id) or (
            finding.result.artifact if isinstance(finding, Hit | Known) else None
        )
        if line.state == "cached" and node.output is not None and artifact is not None:
            stores = workspace.markets[node.provider].stores
            files = {node.output + suffix(artifact.mime): artifact.digest}
            if node.is_local and isinstance(finding, Hit | Known):
                files |= {node.output + one.suffix: one.digest for one in finding.result.side_files}
            if any(stores.published.judge(path, one, pinned) == "by hand" for path, one in files.items()):
                modified.add(line.id)
    return modified

"""How a recipe stands now: what is there, what a run would buy, what there is to choose; and the page that shows it.

Unaware of HTTP and of what is clicked. Nothing is asked and nothing is bought; nothing is written.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from banana_pipe.beforehand import plan
from banana_pipe.bills import Bill, bill_of
from banana_pipe.canonical import Digest
from banana_pipe.explaining import asked_before
from banana_pipe.model import FileInput, Json, Outcome, PlannedNode, Run
from banana_pipe.outputs import manifest, report
from banana_pipe.outputs.foreign import refuse_foreign
from banana_pipe.outputs.logged import logs_in
from banana_pipe.outputs.page.shown import kind_of
from banana_pipe.outputs.page.timeline import Times
from banana_pipe.planning import Decided
from banana_pipe.prices import show_usd, total
from banana_pipe.reporting import last_run, with_form
from banana_pipe.store.published import MANIFEST, read_manifest
from banana_pipe.studio import panel
from banana_pipe.studio.house import House
from banana_pipe.studio.shelf import Kept, kept
from banana_pipe.version import __version__
from banana_pipe.workspace import Workspace

_MOST_RUNS = 100

Stamp = Mapping[Path, tuple[int, int]]
"""Files, each with its time (nanoseconds since 1970) and size: whether something has changed since."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What was found out: the page, what may be asked for by digest, what a run would buy, and of which files.

    `by_hand` are files that are none of ours, by digest; all other bytes are those of blobs and published files.
    """

    page: bytes
    digests: frozenset[Digest]
    by_hand: Mapping[Digest, Path]
    bill: Bill
    runs: tuple[str, ...]
    files: tuple[Path, ...]
    """Those that the page was made of: where one of them changes, so may the page."""
    out: Path


class _Everything(Container[str]):
    """A small picture of whatever is asked for: it is made then."""

    def __contains__(self, _: object) -> bool:
        return True


async def stand(house: House, workspace: Workspace, flights: Collection[str] = ()) -> Standing:
    """How things stand; *flights* are the nodes that are being bought from here.

    Raises UsageError where the output folder is another recipe's.
    """
    places = workspace.places
    refuse_foreign(places.out, places.root, places.recipe_in_project)
    decided = await plan(workspace)
    document = with_form(read_manifest(places.out) or {})
    last, times = _last(workspace)
    shelf = list(_shelf(workspace, decided, document["files"]))
    entries = [entry for one in shelf for entry in one.entries]
    entries += [entry for entry in document["files"] if entry["node"] not in workspace.graph.nodes]
    bill = bill_of(workspace, decided.plan, house.limits.consent)
    runs = tuple(path.stem for path in reversed(logs_in(places.out)))[:_MOST_RUNS]
    shown = panel.Shown(
        recipe=workspace.graph.recipe.name,
        todo=todo_of(workspace, decided, bill, sum(one.unplaced for one in shelf)),
        nodes={one.outcome.node: _node(workspace, decided, one) for one in shelf},
        variables=dict(workspace.graph.recipe.variables),
        runs=runs,
        commands={"run": house.commands.about("run"), "reroll": house.commands.about("reroll", "%NODE%")},
    )
    page = report.page(
        manifest.document(_header(workspace, document, last), entries),
        _run(workspace, last, shelf, decided.plan.warnings),
        workspace.whole,
        command=house.commands.about("run"),
        known=report.Known(_Everything(), await asked_before(workspace), times),
        live=report.Live(
            top=panel.top(shown),
            style=panel.style(),
            script=panel.script(),
            facts=_facts(decided, shelf, bill),
            kinds=_kinds(workspace, decided, last, flights),
            address=lambda digest: f"_p/{digest}",
        ),
    )
    by_hand = {one.by_hand[0]: one.by_hand[1] for one in shelf if one.by_hand}
    hidden = {take.result.artifact.digest for one in shelf for take in one.outcome.takes}
    digests = frozenset({Digest(entry["sha256"]) for entry in entries} | hidden)
    return Standing(
        house.redacted(page.decode()).encode(),
        digests,
        by_hand,
        bill,
        runs,
        _files(workspace, entries),
        places.out,
    )


def todo_of(workspace: Workspace, decided: Decided, bill: Bill, unplaced: int = 0) -> panel.Todo:
    """What a run would do now; *bill* is what it would buy for money."""
    lines, graph = decided.plan.nodes, workspace.graph
    free = (line for line in lines if line.may_call and workspace.markets[graph.nodes[line.id].provider].free)
    return panel.Todo(
        bill=bill,
        free=sum(line.calls for line in free),
        to_make=sum(line.state == "local" for line in lines),
        unplaced=unplaced,
        to_pick=sum(line.state == "needs-pick" for line in lines),
    )


def stamp(files: Sequence[Path]) -> Stamp:
    """How *files* are now; what is not there is passed over."""
    found = {}
    for path in files:
        with contextlib.suppress(OSError):
            status = os.stat(path)
            found[path] = (status.st_mtime_ns, status.st_size)
    return found


def _last(workspace: Workspace) -> tuple[Run | None, Times | None]:
    run, times, _ = last_run(workspace)
    return run, times


def _shelf(workspace: Workspace, decided: Decided, files: Sequence[Mapping[str, Json]]) -> Iterator[Kept]:
    there: dict[str, list[Mapping[str, Json]]] = {}
    for entry in files:
        there.setdefault(entry["node"], []).append(entry)
    pinned = workspace.pinned_digests()
    for line in decided.plan.nodes:
        yield kept(workspace, decided, line, there.get(line.id, ()), pinned)


def _header(workspace: Workspace, document: Mapping[str, Json], last: Run | None) -> dict[str, Json]:
    places = workspace.places
    head = manifest.header(
        recipe=places.recipe_in_project,
        root=places.root_from_out,
        name=workspace.graph.recipe.name,
        run_id=last.id if last else "",
        at=0.0,
        version=__version__,
    )
    return {**head, "generated_at": str(document.get("generated_at") or "")}


def _run(workspace: Workspace, last: Run | None, shelf: Sequence[Kept], warnings: tuple[str, ...]) -> Run:
    """The last run's end, as it stands now: of what failed then, and would be asked again, its words."""
    said = {outcome.node: outcome for outcome in last.outcomes} if last else {}
    return Run(
        id=last.id if last else "",
        recipe=workspace.graph.recipe.name,
        out=workspace.places.out,
        status="ok",
        exit_code=0,
        outcomes=tuple(_with_words(one.outcome, said.get(one.outcome.node)) for one in shelf),
        called=0,
        paid_images=0,
        cost=0,
        saved=0,
        seconds=0.0,
        warnings=warnings,
    )


def _with_words(outcome: Outcome, then: Outcome | None) -> Outcome:
    if then is None or (then.status != outcome.status and not _failed_then(outcome, then)):
        return outcome
    if _failed_then(outcome, then):
        return replace(outcome, status="failed", reason="error", error=then.error)
    return replace(outcome, error=then.error or outcome.error, seconds=then.seconds)


def _failed_then(outcome: Outcome, then: Outcome | None) -> bool:
    return then is not None and then.status == "failed" and outcome.status == "waiting" and not outcome.choices


def _kinds(
    workspace: Workspace, decided: Decided, last: Run | None, flights: Collection[str]
) -> dict[str, tuple[str, ...]]:
    said = {outcome.node: outcome for outcome in last.outcomes} if last else {}
    kinds = {}
    for line in decided.plan.nodes:
        node = workspace.graph.nodes[line.id]
        kind = "flight" if line.id in flights else _kind(line, said.get(line.id), local=node.is_local)
        failed = kind == "call" and line.id in said and said[line.id].status == "failed"
        kind = "draw" if kind == "call" and workspace.markets[node.provider].free else kind
        kinds[line.id] = (*(("failed",) if failed else ()), kind, *(("modified",) if line.modified else ()))
    return kinds


def _kind(line: PlannedNode, then: Outcome | None, *, local: bool) -> str:
    if line.state == "cached":
        same = then is not None and then.key == line.key and then.status in ("done", "cached")
        return kind_of(then, local=local) if same else "local" if local else "cached"
    if line.state == "failed":
        return "blocked" if line.reason == "input" else "failed"
    return {"call": "call", "wait": "wait", "local": "make", "needs-pick": "pick"}.get(line.state, line.state)


def _facts(decided: Decided, shelf: Sequence[Kept], bill: Bill) -> list[tuple[str, str]]:
    states = Counter(line.state for line in decided.plan.nodes)
    number = len(decided.plan.nodes)
    paid = {take.result.key: take.result.price for one in shelf for take in one.outcome.takes}
    cost = total(paid.values())
    facts = [(f"{states['cached']} of {number}", "pictures here" if number > 1 else "picture here")]
    facts += [(str(states["needs-pick"]), "to pick from")] if states["needs-pick"] else []
    facts += [(str(bill.calls), "to buy")] if bill.calls else []
    return [*facts, ("$0" if cost == 0 else show_usd(cost), "paid for what is here")]


def _node(workspace: Workspace, decided: Decided, one: Kept) -> panel.NodeShown:
    outcome = one.outcome
    node = workspace.graph.nodes[outcome.node]
    market = workspace.markets[node.provider]
    wanted = decided.takes.get(node.id, ())
    block = market.stores.lock.block(wanted[0].wanted.base) if wanted else None
    return panel.NodeShown(
        price=None if node.is_local else market.price(node),
        local=node.is_local,
        rerolls=bool(wanted) and not node.is_local and bool(outcome.takes),
        asks=node.asks,
        chosen=block is not None and (block.pick is not None or block.accepted is not None),
        accepts=outcome.modified,
    )


def _files(workspace: Workspace, entries: Sequence[Mapping[str, Json]]) -> tuple[Path, ...]:
    places = workspace.places
    ledger = places.cache / "ledger.db"
    read = [one.path for node in workspace.whole for one in node.inputs if isinstance(one, FileInput)]
    published = [places.out / str(entry["path"]) for entry in entries]
    own = [places.lock, places.sandbox_lock, ledger, Path(f"{ledger}-wal"), places.out / MANIFEST]
    return tuple(dict.fromkeys([*(source.path for source in workspace.whole.sources), *read, *own, *published]))

"""A run that is over, as far as its log tells of it: what the gallery says of a folder that it comes to later.

Unaware of where logs are and of what is done with what they say. A log may be an older version's: what it does
not have is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import get_args

from banana_pipe.canonical import Digest, is_digest
from banana_pipe.model import (
    LOCAL,
    Artifact,
    Graph,
    Json,
    Key,
    Node,
    Outcome,
    Output,
    Reason,
    Result,
    Run,
    RunStatus,
    Status,
    Take,
)
from banana_pipe.outputs.page.timeline import Times, times_of
from banana_pipe.prices import MICROS

SANDBOX = "sandbox"


def run_of(events: Sequence[Mapping[str, Json]], out: Path, graph: Graph) -> Run | None:
    """The run that these *events* tell, as far as *graph* still has its nodes; None where they have no end."""
    start, end = events[0] if events else {}, events[-1] if events else {}
    if end.get("type") != "end" or end.get("status") not in get_args(RunStatus):
        return None
    told = [event for event in events if event.get("type") == "node" and event.get("node") in graph.nodes]
    return Run(
        id=str(start.get("run_id", "")),
        recipe=str(start.get("recipe", "")),
        out=out,
        status=end["status"],
        exit_code=int(end.get("exit_code") or 0),
        outcomes=tuple(_outcome(event, _price(graph.nodes[event["node"]])) for event in told if _is_known(event)),
        called=int(end.get("called") or 0),
        paid_images=int(end.get("paid_images") or 0),
        cost=_micros(end.get("cost_usd")),
        saved=_micros(end.get("saved_usd")),
        seconds=float(end.get("seconds") or 0),
        warnings=tuple(map(str, end.get("warnings") or ())),
    )


def moments_of(events: Iterable[Mapping[str, Json]]) -> Times:
    """When what happened."""
    return times_of({**event, "time": _moment(str(event.get("time")))} for event in events)


def _is_known(event: Mapping[str, Json]) -> bool:
    return event.get("status") in get_args(Status) and event.get("reason") in get_args(Reason)


def _price(node: Node) -> int | None:
    """Nothing, where nothing is paid; what else was paid, the manifest says."""
    return 0 if node.provider in (LOCAL, SANDBOX) else None


def _outcome(event: Mapping[str, Json], price: int | None) -> Outcome:
    takes = tuple(_takes(event, price))
    waits = event["status"] == "waiting" and event["reason"] == "pick"
    return Outcome(
        node=str(event["node"]),
        status=event["status"],
        reason=event["reason"],
        key=event.get("key"),
        images=tuple(filter(is_digest, event.get("images") or ())),
        takes=takes,
        picked=event.get("picked"),
        choices=tuple(take.sample for take in takes) if waits else (),
        outputs=tuple(_outputs(event)),
        error=event.get("error"),
        modified=bool(event.get("modified")),
        seconds=float(event.get("seconds") or 0),
    )


def _takes(event: Mapping[str, Json], price: int | None) -> Iterator[Take]:
    for one in event.get("takes") or ():
        artifact = _artifact(one)
        if artifact is not None:
            key = Key(str(one.get("key", "")))
            result = Result(key, artifact, "", "", None, None, None, price, 0.0)
            yield Take(int(one.get("take") or 1), result, bool(one.get("bought")))


def _outputs(event: Mapping[str, Json]) -> Iterator[Output]:
    for one in event.get("outputs") or ():
        artifact = _artifact(one)
        if artifact is not None:
            path, key = str(one.get("path")), Key(str(one.get("key", "")))
            yield Output(path, artifact, one.get("take"), bool(one.get("picked")), key)


def _artifact(one: Mapping[str, Json]) -> Artifact | None:
    digest, width, height, size = (one.get(name) for name in ("sha256", "width", "height", "bytes"))
    if not is_digest(digest) or not (isinstance(width, int) and isinstance(height, int) and isinstance(size, int)):
        return None
    return Artifact(Digest(str(digest)), str(one.get("mime")), width, height, size)


def _micros(dollars: Json) -> int | None:
    return round(dollars * MICROS) if isinstance(dollars, int | float) else None


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0

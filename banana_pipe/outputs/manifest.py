"""The manifest: what is in the output folder now, and how each picture came to be.

Unaware of where it is written and of who reads it.

What two runs of one recipe leave is the same but for a few members at the top (`FLEETING`): entries
say nothing of the run that wrote them, and stand sorted by path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from banana_pipe.canonical import Digest, readable_json
from banana_pipe.model import FileInput, Graph, Input, Json, Node, Outcome, Output, Result, UrlInput
from banana_pipe.prices import usd
from banana_pipe.request import describe, request_for
from banana_pipe.store.lockmembers import show_time
from banana_pipe.store.published import MANIFEST_TYPE

FLEETING = ("run_id", "generated_at")
"""What differs between two folders that are alike."""


def header(*, recipe: str, root: str, name: str, run_id: str, at: float, version: str) -> dict[str, Json]:
    """The members at the top; *recipe* is its path from the project's root, *root* that from here, *version* ours."""
    return {
        "type": MANIFEST_TYPE,
        "recipe": recipe,
        "root": root,
        "name": name,
        "run_id": run_id,
        "generated_at": show_time(at),
        "banana_pipe": version,
    }


def entries(graph: Graph, outcomes: Iterable[Outcome]) -> Iterator[dict[str, Json]]:
    """An entry for each output of these *outcomes*."""
    for outcome in outcomes:
        results = {take.sample: take.result for take in outcome.takes}
        for output in outcome.outputs:
            result = None if output.take is None else results[output.take]
            yield entry(graph.nodes[outcome.node], outcome.images, output, result)


def entry(node: Node, images: Sequence[Digest], output: Output, result: Result | None) -> dict[str, Json]:
    """The entry of one picture: what it is, what was asked, what was read, what it cost.

    *result* is None for what somebody accepted: that was not bought for this request.
    """
    artifact = output.artifact
    request = request_for(node, result.provider if result else node.provider, images, output.take or 1)
    return {
        "path": output.path,
        "sha256": artifact.digest,
        "mime": artifact.mime,
        "width": artifact.width,
        "height": artifact.height,
        "bytes": artifact.size,
        "node": node.id,
        "step": node.step,
        "take": output.take,
        "picked": output.picked,
        "key": output.key,
        "request": describe(request),
        "inputs": [{**_named(one), "sha256": digest} for one, digest in zip(node.inputs, images, strict=True)],
        "provider": request.provider,
        "model": (result.model if result else node.model) or None,
        "served": result.served if result else None,
        "task_id": result.task_id if result else None,
        "trace_id": result.trace_id if result else None,
        "price_usd": usd(result.price) if result else None,
        "bought_at": show_time(result.bought_at) if result and result.bought_at else None,
        **({"side_files": side_files(output)} if output.side_files else {}),
    }


def side_files(output: Output) -> list[Json]:
    """What lies beside a picture, as the manifest, the log and `run --json` have it."""
    return [{"path": path, "sha256": one.digest, "mime": one.mime, "bytes": one.size} for path, one in output.beside]


def files_in(entry: Mapping[str, Json]) -> Iterator[tuple[str, Digest]]:
    """Every file that *entry* is about, with its digest: the picture, and what lies beside it."""
    beside = entry.get("side_files")
    for one in (entry, *(beside if isinstance(beside, list) else ())):
        if isinstance(one, Mapping):
            yield str(one.get("path")), Digest(str(one.get("sha256")))


def document(head: Mapping[str, Json], files: Iterable[Mapping[str, Json]]) -> dict[str, Json]:
    """The whole manifest: *files* in the order of their paths."""
    return {**head, "files": sorted(files, key=lambda one: str(one["path"]))}


def alike(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """Whether two manifests differ in nothing but the run that wrote them."""
    return _lasting(one) == _lasting(other)


def as_text(manifest: Mapping[str, Json]) -> str:
    """The manifest as it is written: a line for each member, and one for each file."""
    lines = [f"{readable_json(name)}: {readable_json(value)}" for name, value in manifest.items() if name != "files"]
    files = ",\n  ".join([readable_json(file) for file in manifest["files"]])
    lines.append(f'"files": [\n  {files}\n ]' if files else '"files": []')
    return "{\n " + ",\n ".join(lines) + "\n}\n"


def _lasting(manifest: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in manifest.items() if name not in FLEETING}


def _named(one: Input) -> dict[str, Json]:
    if isinstance(one, FileInput):
        return {"file": one.label}
    if isinstance(one, UrlInput):
        return {"url": one.url}
    return {"node": one.node} if one.sample is None else {"node": one.node, "take": one.sample}

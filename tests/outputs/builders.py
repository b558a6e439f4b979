"""Nodes, outcomes and pictures for the tests of what a run leaves.

Unaware of what is tested with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from banana_pipe.canonical import Digest, digest_of
from banana_pipe.errors import Location
from banana_pipe.model import (
    Artifact,
    BaseKey,
    Graph,
    Input,
    Key,
    Node,
    NodeInput,
    Outcome,
    Reason,
    Recipe,
    Result,
    Run,
    Status,
    Take,
)

AT = Location("recipes/shop.yaml", 1, 1)
SUFFIX_OF = {"image/png": ".png", "image/jpeg": ".jpg"}


class Pictures:
    """Bytes by digest, as a store has them; `read` gives them back."""

    def __init__(self) -> None:
        self.bytes: dict[Digest, bytes] = {}

    def add(self, content: str, mime: str = "image/png") -> Artifact:
        data = f"the picture {content}".encode()
        self.bytes[digest_of(data)] = data
        return Artifact(digest_of(data), mime, 640, 480, len(data))

    def read(self, digest: Digest) -> bytes | None:
        return self.bytes.get(digest)

    def keep(self, path: Path) -> None:
        data = path.read_bytes()
        self.bytes[digest_of(data)] = data


def node(name: str, *, output: str | None = "", inputs: Sequence[Input] = (), prompt: str = "A mug") -> Node:
    step = name.partition("[")[0]
    return Node(
        id=name,
        step=step,
        axes=(),
        action="edit" if inputs else "generate",
        provider="acedata",
        model="nano-banana-pro",
        prompt=prompt,
        inputs=tuple(inputs),
        params={"resolution": "2K"},
        has_extra=False,
        timeout=600.0,
        samples=1,
        pick=None,
        output=name if output == "" else output,
        at=AT,
    )


def graph(*nodes: Node) -> Graph:
    recipe = Recipe(Path("recipes/shop.yaml"), "shop", {}, {}, {}, ())
    return Graph(recipe, {one.id: one for one in nodes}, ())


def take(artifact: Artifact, sample: int = 1, *, bought: bool = False, price: int | None = 39_000) -> Take:
    key = Key(digest_of(f"key {artifact.digest} {sample}".encode()))
    served, task, trace = "gemini-3-pro-image", f"task-{sample}", f"trace-{sample}"
    result = Result(key, artifact, "acedata", "nano-banana-pro", served, task, trace, price, 1_795_356_000.25)
    return Take(sample, result, bought)


def outcome(
    name: str,
    *takes: Take,
    picked: int | None = 1,
    status: Status = "done",
    reason: Reason = "new",
    error: str | None = None,
) -> Outcome:
    key = takes[0].result.key if takes else None
    base = BaseKey(digest_of(name.encode(errors="replace"))) if takes else None
    chosen = picked if takes else None
    return Outcome(name, status, reason, key, base, takes=takes, picked=chosen, error=error, seconds=12.5)


def run_of(*outcomes: Outcome, out: Path = Path("out/shop")) -> Run:
    return Run(
        id="20261122T140000Z-ab12",
        recipe="recipes/shop.yaml",
        out=out,
        status="ok",
        exit_code=0,
        outcomes=outcomes,
        called=3,
        paid_images=3,
        cost=117_000,
        saved=39_000,
        seconds=75.2,
    )


def reads(*names: str) -> tuple[Input, ...]:
    return tuple(NodeInput(name) for name in names)

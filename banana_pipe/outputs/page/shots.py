"""One picture as the gallery shows it: where it is, what it is, what was asked and paid for it.

Unaware of HTML and of files; texts are as they are, whoever draws them escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

from banana_pipe.model import Artifact, Json, Node, NodeInput, Outcome
from banana_pipe.prices import MICROS, show_usd
from banana_pipe.transforms import in_words

_ALT = 300


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture. Without `url` it is not in the folder, without `thumb` there is no small one of it."""

    url: str | None
    thumb: str | None
    digest: str
    alt: str
    width: int
    height: int
    take: str
    picked: bool
    facts: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str], ...]
    """What it was made from: a name, and the digest."""
    request: Mapping[str, Json]

    @property
    def small(self) -> str | None:
        """What stands for it in a sheet."""
        return self.thumb or self.url


def shot_of(entry: Mapping[str, Json], thumb: str | None) -> Shot:
    """The picture that the manifest's *entry* tells of."""
    return Shot(
        url=url_of(entry["path"]),
        thumb=thumb,
        digest=entry["sha256"],
        alt=f"{entry['node']}, take {_take(entry)}: {prompt_of(entry['request'])}"[:_ALT],
        width=entry["width"],
        height=entry["height"],
        take="accepted" if entry["take"] is None else str(entry["take"]),
        picked=entry["picked"],
        facts=tuple([one for one in _facts(entry) if one[1]]),
        inputs=tuple((_named(one), one["sha256"]) for one in entry["inputs"]),
        request=entry["request"],
    )


def hidden_shot(node: Node, outcome: Outcome, artifact: Artifact, thumb: str) -> Shot:
    """A picture that is not published, of which there is a small one."""
    names = [one.node if isinstance(one, NodeInput) else one.label for one in node.inputs]
    return Shot(
        url=None,
        thumb=thumb,
        digest=artifact.digest,
        alt=f"{node.id}, not published: {node.prompt}"[:_ALT],
        width=artifact.width,
        height=artifact.height,
        take=str(outcome.picked or 1),
        picked=True,
        facts=(
            ("size", f"{artifact.width} × {artifact.height}, {_bytes(artifact.size)}; not published"),
            ("sha256", artifact.digest),
            *((("key", outcome.key),) if outcome.key else ()),
        ),
        inputs=tuple(zip(names, outcome.images, strict=False)),
        request={},
    )


def prompt_of(request: Mapping[str, Json]) -> str:
    """What was asked for, in words: a prompt, or the ops with what is not as they are without saying."""
    if "ops" not in request:
        return str(request["prompt"])
    return " → ".join(in_words(one["op"], one["params"]) for one in request["ops"])


def url_of(path: str) -> str:
    """The address of a file in the folder."""
    return quote(path, safe="/", errors="replace")


def _facts(entry: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
    size = ("size", f"{entry['width']} × {entry['height']}, {_bytes(entry['bytes'])}")
    ends = (("sha256", entry["sha256"]), ("key", entry["key"]))
    if "ops" in entry["request"]:
        beside = ", ".join(one["path"] for one in entry.get("side_files", []))
        return (("file", entry["path"]), ("beside it", beside), size, ("made", "here, free"), *ends)
    params = entry["request"].get("params", {})
    served = f", served by {entry['served']}" if entry["served"] not in (None, entry["model"]) else ""
    return (
        ("file", entry["path"]),
        size,
        ("model", f"{entry['model']}{served}"),
        ("asked for", ", ".join([f"{name} {params[name]}" for name in sorted(params)])),
        ("take", _take(entry)),
        ("bought", _bought(entry)),
        ("task", entry["task_id"] or ""),
        ("trace", entry["trace_id"] or ""),
        *ends,
    )


def _bought(entry: Mapping[str, Json]) -> str:
    if not entry["bought_at"]:
        return ""
    price = None if entry["price_usd"] is None else round(entry["price_usd"] * MICROS)
    return f"{entry['bought_at'][:16].replace('T', ' ')} UTC, {_usd(price)}, {entry['provider']}"


_usd = cache(show_usd)
"""Few prices, many pictures."""


def _take(entry: Mapping[str, Json]) -> str:
    return "none: accepted as it is" if entry["take"] is None else str(entry["take"])


def _named(one: Mapping[str, Json]) -> str:
    name = str(one.get("node") or one.get("file") or one.get("url") or one["sha256"][:12])
    return f"{name}@{one['take']}" if one.get("take") else name


def _bytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1000))} kB"

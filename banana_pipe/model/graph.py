"""What a recipe comes to: nodes, each an instance of a step, and what they read.

Unaware of whether anything of it has been made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from banana_pipe.errors import Location
from banana_pipe.model.names import Action, Json, Url
from banana_pipe.model.recipe import Recipe, Source


@dataclass(frozen=True, slots=True)
class NodeInput:
    """The picture of another node: its picked take, or the take asked for."""

    node: str
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class FileInput:
    """A picture file, or a font: absolute path, and the text by which messages call it."""

    path: Path
    label: str
    at: Location
    is_font: bool = False

    @property
    def place(self) -> Path:
        """Where its bytes come from."""
        return self.path


@dataclass(frozen=True, slots=True)
class UrlInput:
    """A picture from the web: which bytes it means, the lock file says."""

    url: Url
    at: Location

    @property
    def place(self) -> Url:
        """Where its bytes come from."""
        return self.url

    @property
    def label(self) -> str:
        """How messages call it."""
        return self.url


Input = NodeInput | FileInput | UrlInput
Place = Path | Url
"""Where a picture from outside the graph is."""


@dataclass(frozen=True, slots=True)
class Op:
    """One op of a transform: its version is part of the key, its parameters are complete and canonical."""

    name: str
    version: int
    params: Mapping[str, Json]
    pictures: tuple[int, ...] = ()
    """The places, among the node's inputs, of the pictures that its parameters refer to."""
    package: str = ""
    """Whose it is, where it is not ours: two packages may have an op of the same name."""
    files: tuple[tuple[str, int], ...] = ()
    """The places of what is no picture, each with its parameter."""

    @property
    def places(self) -> tuple[int, ...]:
        """The places of all that its parameters refer to."""
        return (*self.pictures, *(place for _, place in self.files))


@dataclass(frozen=True, slots=True)
class Expect:
    """What a picture must be; None: whatever it is. Lengths are pixels, sizes bytes."""

    min_width: int | None = None
    min_height: int | None = None
    aspect_ratio: str | None = None
    """`W:H`, to within 3 %."""
    format: Literal["png", "jpeg", "webp", "avif"] | None = None
    alpha: bool | None = None
    """Whether some pixel is to be transparent, if only in part; False: none may be."""
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One instance of a step, rendered: all that a request needs but the digests of its inputs."""

    id: str
    step: str
    axes: tuple[tuple[str, str], ...]
    action: Action
    provider: str
    """`acedata` or `sandbox`: whom to ask; the name in the key depends on the base URL too. Transforms have `local`."""
    model: str
    prompt: str
    inputs: tuple[Input, ...]
    params: Mapping[str, Json]
    """Fields of the request that the recipe sets: aspect_ratio, resolution, those of `extra`."""
    has_extra: bool
    """Whether some of `params` came from `extra`: then the price is unknown."""
    timeout: float
    samples: int
    pick: int | None
    """The take that the recipe picks; None: the first that passes the checks."""
    output: str | None
    """Path below the output folder without suffix, `/` between parts; None: not published."""
    at: Location
    ops: tuple[Op, ...] = ()
    """What a transform does, in its order; others have none."""
    place: int = 0
    """Where it stands among all nodes as the recipe writes them: a graph has each behind what it reads."""
    asks: bool = False
    """`pick: ask`: nothing flows on until somebody has picked."""
    expect: Expect = field(default_factory=Expect)

    @property
    def is_local(self) -> bool:
        """Whether it is made here, free, rather than by a provider."""
        return self.action == "transform"

    @property
    def upstream(self) -> set[str]:
        """The nodes that it reads."""
        return {one.node for one in self.inputs if isinstance(one, NodeInput)}


@dataclass(frozen=True, slots=True)
class Skipped:
    """An instance that does not exist: its `when` is false, or nothing is left of what it would read."""

    id: str
    step: str
    action: str
    reason: Literal["when", "empty"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes of a recipe, each behind those that it reads."""

    recipe: Recipe
    nodes: Mapping[str, Node]
    sources: tuple[Source, ...]
    """Every file that was read as text to make this graph."""
    skipped: tuple[Skipped, ...] = ()
    """What would be nodes but for a `when`."""

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def __len__(self) -> int:
        return len(self.nodes)

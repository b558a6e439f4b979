"""What a person wrote: sources, texts, steps, references; nothing is rendered yet.

Unaware of YAML and of nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from banana_pipe.canonical import Digest
from banana_pipe.errors import Location
from banana_pipe.model.names import Json


@dataclass(frozen=True, slots=True)
class Source:
    """A file that shaped the graph: its absolute path, what it is, and the digest of its bytes."""

    path: Path
    kind: Literal["recipe", "prompt", "vars", "data"]
    digest: Digest


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the recipe, perhaps a template, and where it stands.

    `block` is True for a block scalar (`|`, `>`): its first line stands one line below `at`.
    """

    value: str
    at: Location
    block: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step as written; nothing in it is rendered yet."""

    name: str
    at: Location
    verb: Literal["generate", "edit", "transform", "use"]
    prompt: Text
    """Empty in a transform; its place is that of its ops."""
    images: tuple[Text, ...]
    settings: Mapping[str, Text | Json]
    """model, aspect_ratio, resolution, provider, extra, timeout, samples, pick, expect, output: where given."""
    matrix: Mapping[str, Json]
    each: Text | None
    folder: Path
    """The folder of the file that it stands in: its paths are relative to it."""
    chain: Mapping[str, Json] = field(default_factory=dict)
    """The axis of its links, if it has any: one, with its values."""
    start: tuple[Text, ...] = ()
    """What the first link reads as `previous`."""
    when: Text | bool = True
    given: Mapping[str, Json] = field(default_factory=dict)
    """What `with` says, of a step that uses another recipe; its `prompt` is that recipe's file."""
    part: str = ""
    """The step that uses the recipe that this one stands in; none: the recipe itself."""
    ops: tuple[Any, ...] = ()
    """Those of a transform, as `recipe.ops` reads them."""

    @property
    def parent(self) -> str:
        """The step in whose instances it has its own: that of `each`, else that which uses its recipe; none: empty."""
        return self.each.value.strip() if self.each else self.part


@dataclass(frozen=True, slots=True)
class Part:
    """A used recipe in its place: what its steps know, and what the step that uses it gives to it."""

    scope: Mapping[str, Json]
    defaults: Mapping[str, Json]
    inputs: Mapping[str, tuple[Text, ...]]
    """The references behind each input, in the words of the recipe that uses it."""
    given: Mapping[str, Json]
    """Variables by name, as `with` has them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe as read and checked, with what it extends; `sources` are the files read so far."""

    path: Path
    name: str
    variables: Mapping[str, Json]
    defaults: Mapping[str, Json]
    steps: Mapping[str, Step]
    sources: tuple[Source, ...]
    data: Mapping[str, Json] = field(default_factory=dict)
    """The rows of each table: lists of mappings."""
    overrides: Mapping[str, Text | Json] = field(default_factory=dict)
    """What the chosen profile says; it wins over what the steps say themselves."""

    inputs: Mapping[str, Location] = field(default_factory=dict)
    """What whoever uses the recipe gives to it, by name."""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """The recipes that it uses, by the whole name of the step that does."""

    @property
    def scope(self) -> dict[str, Json]:
        """What templates know everywhere: variables and tables."""
        return {**self.variables, **self.data}

    def defaults_of(self, step: Step) -> Mapping[str, Json]:
        """Those of the recipe that *step* stands in."""
        return self.parts[step.part].defaults if step.part else self.defaults


@dataclass(frozen=True, slots=True)
class Reference:
    """`step[axis=name]@2`: some nodes of a step. No axes: those that agree with the reader."""

    step: str
    axes: Mapping[str, str] = field(default_factory=dict)
    every: bool = False
    """True for `step[*]`."""
    last: bool = False
    """True for `step[last]`: the end of each chain."""
    sample: int | None = None

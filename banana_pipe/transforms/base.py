"""What an op is: its name, its version, its parameters, and what it does to pictures.

Unaware of which ops there are, of recipes and of where pictures come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from banana_pipe.errors import BananaError
from banana_pipe.images import MAX_PIXELS
from banana_pipe.model import Json
from banana_pipe.transforms.kinds import FontFile, Kind, Picture
from banana_pipe.transforms.pixels import Frame

Params = Mapping[str, Any]
"""The parameters of an op in their canonical forms, defaults filled in; those without one may be missing.

Of a file it is its bytes, when pictures are made."""


class TransformFailed(BananaError):
    """An op cannot do what it should with this picture."""


class BadParams(ValueError):
    """Parameters that do not go together; `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter: what it may be, what it is where it is not given (None: nothing), and what it does."""

    name: str
    kind: Kind
    about: str
    example: Json
    default: Json = None
    required: bool = False


Run = Callable[[Iterable[Frame], Params, Sequence[Frame]], Iterator[Frame]]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an op stands in a recipe: the names of its pictures, and of the file that its node becomes."""

    names: tuple[str, ...]
    file: str | None
    """Without folders; None where the picture is not published."""
    after: tuple[str, ...] = ()
    """The ops that come behind it, which may undo what it says of its picture."""


def _nothing(_: Params) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Transform:
    """An op. A new `version` is a new key: it is raised when the same parameters give other pixels.

    `run` takes the pictures, the parameters and the pictures that parameters refer to. A single
    value in a recipe stands for the first parameter. `joins`: many pictures become one.
    """

    name: str
    version: int
    about: str
    params: tuple[Param, ...]
    run: Run
    check: Callable[[Params], None] = lambda _: None
    """Raises BadParams."""
    joins: bool = False
    side_files: Callable[[Params], tuple[str, ...]] = _nothing
    """The suffixes of the files that it makes beside its picture: what is published is known before it is made."""
    told: Callable[[Params, Standing], Params] | None = None
    """Its parameters where it stands; for what can only be known there. Raises BadParams."""
    package: str = ""
    """Whose it is, where it is not ours."""

    @property
    def files(self) -> tuple[str, ...]:
        """The parameters that are files and no pictures."""
        return tuple(param.name for param in self.params if isinstance(param.kind, FontFile))

    @property
    def pictures(self) -> tuple[str, ...]:
        """The parameters that refer to pictures."""
        return tuple(param.name for param in self.params if isinstance(param.kind, Picture))


def each(change: Callable[[Frame, Params], Frame]) -> Run:
    """An op that changes every picture for itself."""

    def run(frames: Iterable[Frame], params: Params, _: Sequence[Frame]) -> Iterator[Frame]:
        return (change(frame, params) for frame in frames)

    return run


def bounded(op: str, width: int, height: int) -> tuple[int, int]:
    """The size of what *op* makes, asked before it is made. Raises TransformFailed for one that is too large."""
    if width * height > MAX_PIXELS:
        limit = f"at most {MAX_PIXELS // 1_000_000} million pixels are made"
        raise TransformFailed(f"{op}: the result would have {width} × {height} pixels; {limit}")
    return max(1, width), max(1, height)


def collected(op: str, frames: Iterable[Frame]) -> list[Frame]:
    """All of them at once, as far as there is room. Raises TransformFailed where there is none."""
    found: list[Frame] = []
    total = 0
    for frame in frames:
        found.append(frame)
        total += frame.size[0] * frame.size[1]
        if total > MAX_PIXELS:
            raise TransformFailed(
                f"{op}: the pictures have more than {MAX_PIXELS // 1_000_000} million pixels together",
                hint="`resize` them before: `transform: [{resize: {width: 512}}, {grid: {columns: 4}}]`",
            )
    return found


def refuse_large(params: Params) -> None:
    """Raise BadParams where the recipe itself names a size above the limit."""
    width, height = params.get("width"), params.get("height")
    if isinstance(width, int) and isinstance(height, int) and width * height > MAX_PIXELS:
        limit = f"{MAX_PIXELS // 1_000_000} million"
        raise BadParams(f"{width} × {height} are more than {limit} pixels", "the models themselves make 17 million")

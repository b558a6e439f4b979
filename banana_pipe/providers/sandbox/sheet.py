"""What the painter is asked for, and the small copies of the pictures that it works from.

Unaware of HTTP, and of how a picture is painted.
"""

from __future__ import annotations

from dataclasses import dataclass

from banana_pipe.canonical import Digest
from banana_pipe.model import Action


@dataclass(frozen=True, slots=True)
class InputPicture:
    """A picture that a request came with, kept small.

    `width` and `height` are those of the picture as sent, in pixels; `jpeg` is a reduced copy, and
    of a picture that was painted here its scene only, so that frames do not nest.
    """

    digest: Digest
    width: int
    height: int
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Sheet:
    """One picture to paint; equal sheets give equal bytes."""

    action: Action
    model: str
    prompt: str
    inputs: tuple[InputPicture, ...] = ()
    aspect_ratio: str | None = None
    resolution: str = "1K"
    take: int = 1

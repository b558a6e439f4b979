"""References and the names of nodes: how they are read and written.

Unaware of which steps, nodes and files there are.

    hero    hero[*]    scene[color=teal,setting="oak, old"]@2    photos/mug.png    shots/*.jpg
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import normalize

from banana_pipe.model import Reference

MAX_SAMPLE = 1_000_000

_STEP = re.compile(r"([a-z][a-z0-9_-]*(?:/[a-z][a-z0-9_-]*)*)(\[.*\])?(?:@([0-9]+))?\Z", re.DOTALL)
_BARE = re.compile(r"[\w.:-]+(?: +[\w.:-]+)*\Z")
_PAIR = re.compile(r'\s*([^\s=\[\],"@]+)\s*=\s*("(?:[^"\\]|\\.)*"|[\w.:-]+(?: +[\w.:-]+)*)\s*(?:,|\Z)', re.DOTALL)
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")


@dataclass(frozen=True, slots=True)
class FileReference:
    """A picture file, as written: relative to the recipe's folder."""

    text: str


@dataclass(frozen=True, slots=True)
class GlobReference:
    """The files that match a pattern of `*` and `?`."""

    text: str


class BadReference(ValueError):
    """The text refers to nothing; `hint` says what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def parse_reference(text: str) -> Reference | FileReference | GlobReference:
    """What *text* refers to, decided by the text alone. Raises BadReference.

    A text that is wholly `step(/step)*`, then perhaps `[…]`, then perhaps `@N`, is a step; all
    else is a file, or a glob if it has `*` or `?`.
    """
    text = text.strip()
    if not text:
        raise BadReference("a reference is empty", "name a step or a file, or leave `images` out")
    _refuse_links(text)
    found = _STEP.match(text)
    if found:
        return _step(found.group(1), found.group(2), found.group(3))
    return GlobReference(text) if "*" in text or "?" in text else FileReference(text)


def parse_node(text: str) -> Reference | None:
    """The node or nodes that a user's argument names; None if it names none at all."""
    found = _STEP.match(normalize("NFC", text.strip()))
    return _step(found.group(1), found.group(2), found.group(3)) if found else None


def node_id(step: str, axes: Iterable[tuple[str, str]]) -> str:
    """The canonical name of a node: `scene[color=teal,setting=oak]`, no brackets without axes."""
    written = ",".join([f"{axis}={_written(name)}" for axis, name in axes])
    return f"{step}[{written}]" if written else step


def take_id(node: str, sample: int) -> str:
    """The name of a take: `scene[color=teal]@2`."""
    return f"{node}@{sample}"


def nfc(name: str) -> str:
    """*name* as names are compared."""
    return name if name.isascii() else normalize("NFC", name)


@lru_cache(maxsize=4096)
def _written(name: str) -> str:
    name = nfc(name)
    return name if _BARE.match(name) else json.dumps(name, ensure_ascii=False)


def _refuse_links(text: str) -> None:
    found = _SCHEME.match(text)
    scheme = found.group(1).casefold() if found else ""
    if scheme == "https":
        raise BadReference("pictures from the web are not read yet", "download it, and name the file")
    if scheme == "http":
        raise BadReference("`http:` is not safe to read from", "download the picture, and name the file")
    if scheme == "data":
        raise BadReference("a picture cannot stand in a recipe", "save it as a file beside the recipe, and name that")
    if text.startswith("//") or "://" in text:
        raise BadReference("this is no file and no step", "name a step, or a file beside the recipe")


def _step(step: str, brackets: str | None, take: str | None) -> Reference:
    sample = int(take) if take and len(take) < 8 else None
    if take and (sample is None or not 1 <= sample <= MAX_SAMPLE):
        raise BadReference(f"`@{take}` is no take", "takes count from 1: `hero@2`")
    if brackets is None:
        return Reference(step, sample=sample)
    inner = brackets[1:-1].strip()
    if inner == "*":
        return Reference(step, every=True, sample=sample)
    return Reference(step, axes=_axes(step, inner), sample=sample)


def _axes(step: str, inner: str) -> Mapping[str, str]:
    axes: dict[str, str] = {}
    position = 0
    while position < len(inner):
        found = _PAIR.match(inner, position)
        if not found:
            raise _unreadable(step, inner)
        axis, name = found.group(1), found.group(2)
        if axis in axes:
            raise BadReference(f"`{axis}` stands twice in the brackets")
        axes[axis] = nfc(_decoded(name) if name.startswith('"') else name)
        position = found.end()
    if not axes or inner.endswith(","):
        raise _unreadable(step, inner)
    return axes


def _decoded(written: str) -> str:
    try:
        return str(json.loads(written, strict=False))
    except ValueError:
        raise BadReference(f"{written} is no JSON string") from None


def _unreadable(step: str, inner: str) -> BadReference:
    hint = f'`{step}[*]` is all of them, `{step}[axis=name]` some; other names in quotes: [axis="a, b"]'
    return BadReference(f"`[{inner}]` does not say which of `{step}`", hint)

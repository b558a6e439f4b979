"""References and the names of nodes: how they are read and written.

Unaware of which steps, nodes and files there are, and of what is behind an address.

    hero    hero[*]    story[last]    scene[color=teal,setting="oak, old"]@2
    photos/mug.png    shots/*.jpg    https://…/mug.png
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import normalize
from urllib.parse import urlsplit

from banana_pipe.model import Reference, Url

MAX_SAMPLE = 1_000_000
MAX_URL = 2_000
"""Characters of an address: what browsers and servers agree on."""

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


@dataclass(frozen=True, slots=True)
class UrlReference:
    """A picture from the web."""

    url: Url


class BadReference(ValueError):
    """The text refers to nothing; `hint` says what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


Referred = Reference | FileReference | GlobReference | UrlReference


def parse_reference(text: str) -> Referred:
    """What *text* refers to, decided by the text alone. Raises BadReference.

    `https://…` is an address; a text that is wholly `step(/step)*`, then perhaps `[…]`, then perhaps `@N`, is a step; all
    else is a file, or a glob if it has `*` or `?`.
    """
    text = text.strip()
    if not text:
        raise BadReference("a reference is empty", "name a step or a file, or leave `images` out")
    if _scheme(text) == "https":
        return UrlReference(_address(text))
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


def step_of(node: str) -> str:
    """The step of a node, by the node's name."""
    return node.partition("[")[0]


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


def _scheme(text: str) -> str:
    found = _SCHEME.match(text)
    return found.group(1).casefold() if found else ""


def _address(text: str) -> Url:
    """*text* as an address that one can ask, whoever is behind it."""
    if len(text) > MAX_URL:
        raise BadReference(f"an address has at most {MAX_URL:,} characters", "download the picture, and name the file")
    if re.search(r"[\s\x00-\x20\x7f-\x9f\\]", text):
        raise BadReference("an address has no spaces, control characters or `\\`", "write a space as `%20`")
    try:
        parts = urlsplit(text)
        host, named, _ = parts.hostname, parts.username is not None, parts.port
    except ValueError as error:
        raise BadReference(f"this is no address: {error}", _ADDRESS) from None
    if not host:
        raise BadReference("this address names no host", _ADDRESS)
    if named or "@" in parts.netloc:
        hint = "a name or password never stands in a recipe: download the picture, and name the file"
        raise BadReference("this address has a user name in it", hint)
    return Url(text)


_ADDRESS = "for example `https://example.com/mug.png`"


def _refuse_links(text: str) -> None:
    scheme = _scheme(text)
    if scheme == "http":
        raise BadReference(
            "`http:` is not safe to read from", "write `https:`, or download the picture and name the file"
        )
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
    if inner == "last":
        return Reference(step, last=True, sample=sample)
    return Reference(step, axes=_axes(step, inner), sample=sample)


def _axes(step: str, inner: str) -> Mapping[str, str]:
    axes: dict[str, str] = {}
    position = 0
    while position < len(inner):
        found = _PAIR.match(inner, position)
        if not found:
            raise _unreadable(step, inner)
        axis, name = nfc(found.group(1)), found.group(2)
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
    hint = f'`{step}[*]` is all of them, `{step}[axis=name]` some, `{step}[last]` the end of a chain; other names in quotes: [axis="a, b"]'
    return BadReference(f"`[{inner}]` does not say which of `{step}`", hint)

"""Where pictures land: names of outputs that every file system takes, and the default ones.

Unaware of steps and nodes beyond their names, and of the folder they land in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from unicodedata import normalize

MAX_PART = 100
"""Bytes of one part: file systems end at 255, and `@12.webp` and temporary names are added."""
MAX_PARTS = 16

_UNSAFE = re.compile(r"[<>:\"|?*\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.|\Z)", re.IGNORECASE
)
_SUFFIX = re.compile(r"\.(?:png|jpe?g|webp|avif|gif)\Z", re.IGNORECASE)
_HASHED = re.compile(r"~[0-9a-f]{8}\Z")
TAKEN = frozenset(["index.html", "manifest.json"])


class BadName(ValueError):
    """The text cannot name an output; the message says why, `hint` what to do."""

    def __init__(self, message: str, hint: str = "for example `cats/{{ names.color }}`") -> None:
        super().__init__(message)
        self.hint = hint


def output_name(text: str) -> str:
    """*text* in NFC, as the path of an output. Raises BadName."""
    name = normalize("NFC", text)
    if not name:
        raise BadName("the name is empty")
    if name.startswith("/"):
        raise BadName("the name is an absolute path", "leave the first `/` out: outputs stay below the output folder")
    parts = name.split("/")
    if len(parts) > MAX_PARTS:
        raise BadName(f"the name has more than {MAX_PARTS} parts")
    for part in parts:
        _check_part(part)
    if parts[0].startswith("_"):
        raise BadName("names that begin with `_` are banana-pipe's own", "begin it with a letter or digit")
    if parts[0].casefold() in TAKEN:  # a folder of that name is in the way, too
        raise BadName(f"`{parts[0]}` is written by banana-pipe itself", "give it another name")
    return name


def folder_name(text: str) -> str:
    """*text* in NFC, as the name of one folder of pictures. Raises BadName."""
    name = normalize("NFC", text)
    if "/" in name or name.startswith(("_", "-")):
        raise BadName("it is one name, beginning with a letter or digit")
    _check_part(name)
    return name


def default_output(step: str, names: Iterable[str]) -> str:
    """Where a node lands unless the recipe says: `step`, or one folder an axis: `scene/teal/oak`.

    A step of a used recipe lands in that one's folder: `banner/scene/teal/oak`.
    """
    return "/".join([*[_safe(part) for part in step.split("/")], *[_safe(name) for name in names]])


def collision_key(name: str) -> str:
    """What two outputs share that some file system takes for the same file."""
    return name.casefold() if name.isascii() else normalize("NFC", normalize("NFD", name).casefold())


@lru_cache(maxsize=4096)
def _safe(name: str) -> str:
    """*name* if it can be a part of a path; else a readable form, told apart by a short hash."""
    name = normalize("NFC", name)
    try:
        _check_part(name)
        if not _HASHED.search(name) and "/" not in name:
            return name
    except BadName:
        pass
    words = re.sub(r"[^\w.-]+", "-", _SUFFIX.sub("", name)).strip("-._ ")
    readable = words.encode()[: MAX_PART // 2].decode("utf-8", "ignore") or "x"
    made = f"{readable}~{sha256(name.encode()).hexdigest()[:8]}"
    return f"x-{made}" if _DEVICE.match(made) else made


def _check_part(part: str) -> None:
    if part == "..":
        raise BadName("`..` leaves the output folder", "name a place in it; `--out DIR` chooses another folder")
    if part in ("", "."):
        raise BadName("a part of the path is empty")
    if part.startswith("."):
        raise BadName(f"`{part}` begins with a dot: it would be hidden", "begin it with a letter or digit")
    unsafe = _UNSAFE.search(part)
    if unsafe:
        raise BadName(f"{unsafe.group()!r} cannot stand in a file name everywhere")
    if part != part.strip() or part.endswith("."):
        raise BadName(f"{part!r} begins or ends with a space, or ends with a dot")
    if _DEVICE.match(part):
        raise BadName(f"`{part}` is the name of a device on Windows", f"give it another name, as in `my-{part}`")
    if _SUFFIX.search(part):
        raise BadName(f"`{part}` has a suffix", "leave it out: the picture's bytes decide it")
    if len(part.encode("utf-8", "surrogatepass")) > MAX_PART:
        raise BadName(f"a part of the path is longer than {MAX_PART} bytes")

"""The form of the lock file's text: JSON whose lines git merges block by block.

Unaware of what a block's members mean.

Blocks stand sorted by key, an empty line between two; so do, in front of them, the addresses of pictures from the
web, where there are any. What can be added or changed is a line that
ends in a comma, and the lines that open and close a block never change and are like no other
block's. So a change touches no other line, two changes of different blocks merge by themselves, and
where both sides of a conflict only add something, keeping both is right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from banana_pipe.errors import Location, UsageError
from banana_pipe.model import Json

VERSION = 1
ABOUT = "What banana-pipe bought for this recipe, and which takes were picked. Belongs into git."
RESTORE = "take it back from git, or remove the file: what was bought stays in the cache, picks do not"

_CONFLICT = re.compile(r"^(<{7}|\|{7}|={7}|>{7})(?= |$)", re.MULTILINE)
_MERGE = "`banana-pipe lock merge` and the recipe keeps what both sides bought, and asks where they differ"
_END = "end"
_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode

Block = tuple[str, Mapping[str, Json], Iterable[tuple[str, Json]]]
"""A key, the members that never change, and those that do, in their order."""


def write(blocks: Iterable[Block], extra: Mapping[str, Json], links: Mapping[str, Json]) -> str:
    """The text of a lock with these *blocks*, in the order given; *extra* and *links* stand above them, sorted."""
    lines = ["{", f'"about": {_json(ABOUT)},', f'"version": {VERSION},']
    lines += [f"{_json(name)}: {_json(extra[name])}," for name in sorted(extra)]
    if links:
        lines += ['"links": {', ""]
        for url in sorted(links):
            lines += [f"{_json(url)}: {_json(links[url])},", ""]
        lines += [f'"{_END}": "of the links"}},', ""]
    lines += ['"requests": {', ""]
    for key, fixed, members in blocks:
        lines.append(f'"{key}": {_json(fixed)[:-1]},')
        lines += [f"  {_json(name)}: {_json(value)}," for name, value in members]
        lines += [f'  "{_END}": "{key[:16]}"}},', ""]
    text = "\n".join([*lines, f'"{_END}": "of the requests"}}', "}", ""])
    # Half a surrogate pair, which only an escape can bring in, goes out as that escape.
    return text.encode(errors="backslashreplace").decode()


def read(text: str, path: Path) -> tuple[dict[str, Json], dict[str, Json], dict[str, Json]]:
    """The blocks in *text*, the content of *path*, by key, the links by address, and what else the document has.

    Raises UsageError with the place: for a merge conflict, for a member that stands twice, for text
    that is no lock file, and for one that a later version wrote.
    """
    document = _document(text, path)
    version, requests = document.pop("version", None), document.pop("requests", None)
    if type(version) is int and version > VERSION:
        raise UsageError(
            f"this lock file has version {version}; this banana-pipe reads version {VERSION}",
            at=place_of(text, path, "version"),
            hint="update banana-pipe: what a later one bought must not be bought again",
        )
    links = document.pop("links", {})
    if version != VERSION or not isinstance(requests, dict) or not isinstance(links, dict):
        raise UsageError("this is not a lock file of banana-pipe", at=_at(text, path, 0), hint=RESTORE)
    document.pop("about", None)
    requests.pop(_END, None)
    links.pop(_END, None)
    for block in requests.values():
        if isinstance(block, dict):
            block.pop(_END, None)
    return requests, links, document


def place_of(text: str, path: Path, name: str) -> Location:
    """Where the member *name* stands first."""
    return _at(text, path, max(0, text.find(_json(name))))


class _Twice(Exception):
    """A member stands twice in one mapping; the argument is its name."""


def _document(text: str, path: Path) -> dict[str, Json]:
    try:
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        if conflict := _CONFLICT.search(text):
            message = "this lock file has an unresolved merge conflict"
            raise UsageError(message, at=_at(text, path, conflict.start()), hint=_MERGE) from None
        at = _at(text, path, error.pos)
        raise UsageError(f"this lock file cannot be read: {error.msg}", at=at, hint=RESTORE) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"this lock file cannot be read: {error}", at=_at(text, path, 0), hint=RESTORE) from None
    except _Twice as twice:
        name = str(twice)
        at = _at(text, path, _second(text, name))
        hint = "this comes of a merge that kept both sides: keep one of the two"
        raise UsageError(f"{_json(name)} stands twice in one place", at=at, hint=hint) from None
    return document if isinstance(document, dict) else {}


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for index, name in enumerate(names) if name in names[:index]))
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _second(text: str, name: str) -> int:
    """Where the line that says *name* again begins, if the text has the form in which we write it."""
    seen: set[str] = set()
    for line in re.finditer(r'^( *)"((?:[^"\\]|\\.)*)":', text, re.MULTILINE):
        if not line[1]:
            seen -= {inner for inner in seen if inner.startswith(" ")}
        member = line[1] + line[2]
        if member in seen and line[2] == _json(name)[1:-1]:
            return line.end(1)
        seen.add(member)
    return max(0, text.find(_json(name)))


def _at(text: str, path: Path, position: int) -> Location:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : end if end >= 0 else len(text)]
    return Location(str(path), text.count("\n", 0, position) + 1, position - start + 1, line)

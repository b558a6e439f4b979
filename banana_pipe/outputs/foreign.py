"""Refuses output folders that are somebody else's, or that would lead out of themselves.

Unaware of what is to be published. It only looks, and before anything is spent: what could not be
placed afterwards must not be bought.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from banana_pipe.errors import UsageError
from banana_pipe.model import Json
from banana_pipe.regular import read_regular
from banana_pipe.store.published import (
    JOURNAL,
    LOCK,
    MANIFEST,
    MANIFEST_TYPE,
    OURS,
    RUNS,
    TAKES,
    TEMPORARY,
    THUMBS,
    is_inside,
    link_above,
    read_manifest,
)

_OWN = (OURS, LOCK, JOURNAL, TEMPORARY, RUNS, TAKES, THUMBS)
_HEAD = 2048
_ELSEWHERE = "choose another folder with --out DIR"


def refuse_foreign(out: Path, root: Path, recipe: str) -> None:
    """Raise UsageError if the folder *out* belongs to something else than *recipe*, a path below *root*.

    The manifest says whose it is. One that was moved or removed has given its folder up.
    """
    path = out / MANIFEST
    if out.exists() and not out.is_dir():
        raise UsageError(f"the output folder {out} is a file", hint=_ELSEWHERE)
    if not os.path.lexists(path):
        return
    found = read_manifest(out)
    if found is None and MANIFEST_TYPE.encode() not in (content(path) or b""):
        raise UsageError(f"{path} is not ours, and would have to be replaced", hint=_ELSEWHERE)
    mine = os.path.realpath(root / recipe)
    for owner in _owners(found or {}, out, root):
        if os.path.isfile(owner) and os.path.realpath(owner) != mine:
            raise _of_another(out, Path(os.path.realpath(owner)), root)


def refuse_links(out: Path, outputs: Iterable[str] = ()) -> None:
    """Raise UsageError if a link stands in the folder *out* where a run writes.

    *outputs* are the paths of its pictures, below *out*: on the way to them and in the folder that is
    ours alone nothing may be a link, wherever it leads. A picture's own place may: it is replaced.
    """
    for path in _OWN:
        if (out / path).is_symlink():
            raise _link(out, path)
    # One of each folder will do: recipes have thousands of pictures in one.
    for path in {path.rpartition("/")[0]: path for path in outputs}.values():
        refuse_a_way_out(out, path)
        refuse_a_way_out(out, f"{TAKES}/{path}")


def refuse_a_way_out(out: Path, path: str) -> None:
    """Raise UsageError if *path*, a text, is nothing below *out*, or a folder on the way to it is a link."""
    if not is_inside(path):
        raise UsageError(f"{path} leads out of the output folder {out}")
    link = link_above(out, path)
    if link is not None:
        raise _link(out, link)


def refuse_to_replace(path: Path, mark: bytes) -> None:
    """Raise UsageError if something is at *path*, a file that a user names, and it is not what we write there.

    That has *mark* near its beginning, and may be written again. An empty file may be filled.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint="name a file in it")
    if os.path.lexists(path) and not is_marked(path, mark) and content(path) != b"":
        raise UsageError(f"{path} is there, and holds something else", hint="choose another name, or remove it")


def is_marked(path: Path, mark: bytes) -> bool:
    """Whether the file *path* has *mark* near its beginning."""
    return mark in (content(path) or b"")[:_HEAD]


def content(path: Path) -> bytes | None:
    """The bytes of the file *path*; None where there is no regular file, or none that can be read."""
    try:
        return read_regular(path)
    except OSError:
        return None


def _owners(found: Mapping[str, Json], out: Path, root: Path) -> Iterator[Path]:
    """Where the recipe that *found* names would be."""
    recipe, from_here = found.get("recipe"), found.get("root")
    if not isinstance(recipe, str):
        return
    real = Path(os.path.realpath(out))
    if isinstance(from_here, str):
        yield real / from_here / recipe
    else:  # a manifest that does not say: in this project, or in the one around `out/NAME`
        yield from (root / recipe, real.parent.parent / recipe)


def _of_another(out: Path, owner: Path, root: Path) -> UsageError:
    if owner.is_relative_to(os.path.realpath(root)):
        shown = owner.relative_to(os.path.realpath(root)).as_posix()
        words = f"the output folder {out} belongs to another recipe, {shown}"
        return UsageError(words, hint=f"{_ELSEWHERE}, or give one of the two recipes a `name:` of its own")
    return UsageError(f"the output folder {out} belongs to a recipe of another project, {owner}", hint=_ELSEWHERE)


def _link(out: Path, path: str) -> UsageError:
    words = f"{out / path} is a link, and may lead out of the output folder: nothing is written through it"
    return UsageError(words, hint=f"remove the link, or {_ELSEWHERE}")

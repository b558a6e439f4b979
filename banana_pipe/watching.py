"""The files that a recipe was read from, looked at again: which of them were saved since.

Unaware of time and of why somebody looks. No file is opened: by inode, size and time of change a save shows, also one
that puts another file in the place of the old one, as most editors do.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from banana_pipe.errors import BananaError, RecipeErrors
from banana_pipe.model import FileInput
from banana_pipe.workspace import Workspace

_PROMPTS = "prompts"
_READ = frozenset((".yaml", ".yml", ".j2", ".txt", ".md", ".csv", ".json", ".jsonl", ".ttf", ".otf", ".ttc"))
_PICTURES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".bmp", ".tif", ".tiff"))

_MOST_FOLDERS = 200
"""Below those of recipes, looked at while something is missing: nobody wants to wait for a whole disk."""

Sight = Mapping[Path, tuple[int, ...] | None]
"""What was seen of each path: what tells one save from the next, nothing but its name, or (None) that it is not there."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What to look at: files, and folders in which others may appear, those of patterns and of partials."""

    files: frozenset[Path]
    folders: frozenset[Path]
    homes: frozenset[Path] = frozenset()
    """The folders of recipes."""
    is_unread: bool = False
    """Whether the recipe cannot be read: what it lacks may then appear anywhere below its folder."""


def watched(workspace: Workspace) -> Watched:
    """All that the recipe of *workspace* was read from, its pictures, and the lock files that say what was picked."""
    graph, places = workspace.graph, workspace.places
    pictures = {one.path for node in workspace.whole for one in node.inputs if isinstance(one, FileInput)}
    read = {source.path for source in graph.sources}
    recipes = {source.path.parent for source in graph.sources if source.kind == "recipe"}
    folders = {path.parent for path in pictures | read} | recipes | {folder / _PROMPTS for folder in recipes}
    files = frozenset(read | pictures | {places.lock, places.sandbox_lock})
    return Watched(files, frozenset(folders), frozenset(recipes))


def first(recipe: Path) -> Watched:
    """What to look at before *recipe* was ever read."""
    path = recipe.absolute()
    return Watched(frozenset({path}), frozenset({path.parent, path.parent / _PROMPTS}), frozenset({path.parent}))


def unread(error: BananaError, before: Watched) -> Watched:
    """What to look at while the recipe cannot be read: what it was read from *before*, and the files with mistakes."""
    errors = error.errors if isinstance(error, RecipeErrors) else (error,)
    wrong = {Path(one.at.path).absolute() for one in errors if one.at is not None}
    homes = {path.parent for path in wrong}
    return Watched(before.files | wrong, before.folders | homes, before.homes | homes, is_unread=True)


def still(before: Sight, now: Sight, at: Watched) -> Sight:
    """What is known of the files in *now* after a reading that began at *before*, when *at* was looked at.

    What was saved while it went on is a save that nobody has read.
    """
    # Of what had but a name before, nobody knows which save was read.
    known = {path: before.get(path) or one for path, one in now.items()}
    new = now.keys() - before.keys()
    folders = _folders(at)
    appeared = {path for path in new if path.parent in folders and _may_be_read(path.name)}
    return {path: one for path, one in known.items() if path not in appeared}


def look(at: Watched) -> Sight:
    """How the files stand now."""
    seen: dict[Path, tuple[int, ...] | None] = {path: () for folder in _folders(at) for path in _entries(folder)}
    for path in at.files:
        try:
            found = os.stat(path)
            seen[path] = (found.st_ino, found.st_size, found.st_mtime_ns)
        except (OSError, ValueError):
            seen[path] = None
    return seen


def is_record(path: Path) -> bool:
    """Whether *path* is what runs write, and nobody by hand: a lock file."""
    return path.suffix == ".lock"


def saved(before: Sight, now: Sight) -> list[Path]:
    """What is another file, new, or gone."""
    return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))


def _folders(at: Watched) -> set[Path]:
    """Those in which files may appear: of a recipe that cannot be read all that are near, the nearest first."""
    found, near = set(at.folders), list(at.homes) if at.is_unread else []
    for folder in near:  # which grows meanwhile
        found.add(folder)
        near += _folders_in(folder)[: _MOST_FOLDERS - len(near)]
    return found


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            named = sorted(one.name for one in entries if one.is_dir(follow_symlinks=False))
    except OSError:
        return []
    return [folder / name for name in named if not name.startswith((".", "_"))]


def _entries(folder: Path) -> Iterable[Path]:
    """The files in *folder* that a recipe may read; what editors put beside them for a moment is none."""
    try:
        with os.scandir(folder) as entries:
            return [folder / one.name for one in entries if _may_be_read(one.name)]
    except OSError:
        return []


def _may_be_read(name: str) -> bool:
    return not name.startswith((".", "#")) and os.path.splitext(name)[1].casefold() in _READ | _PICTURES

"""A new project: a recipe that runs at once, a prompt to share, settings, the schema for editors, and what git passes over.

Unaware of what stands in these files; those that are not made are in `starter/`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from banana_pipe import disk
from banana_pipe.errors import UsageError
from banana_pipe.recipe import jsonschema

_FROM = Path(__file__).parent / "starter"
RECIPE = "pictures.yaml"
IGNORED = ".gitignore"
_FILES = {
    RECIPE: "pictures.yaml",
    "prompts/style.j2": "prompts/style.j2",
    jsonschema.FILE_NAME: None,
    "banana-pipe.toml": "banana-pipe.toml",
    IGNORED: "gitignore",
}
"""Where each file goes, and what it is called in `starter/`; the schema is made."""


@dataclass(frozen=True, slots=True)
class Started:
    """What was written into *folder*. `kept`: the folder had a `.gitignore` of its own."""

    folder: Path
    files: tuple[str, ...]
    kept: tuple[str, ...]


def start(folder: Path) -> Started:
    """Write a small project into *folder*, which is made if it is not there.

    Nothing is overwritten: a `.gitignore` that is there stays, and for any other file that is there
    UsageError is raised before anything is written. Raises StoreError where nothing can be written.
    """
    there = [name for name in _FILES if os.path.lexists(folder / name)]
    in_the_way = [name for name in there if name != IGNORED]
    if in_the_way:
        raise UsageError(
            f"{folder} has {', '.join(in_the_way)} already: nothing was written",
            hint="name another folder, `banana-pipe init DIR`, or move it away",
        )
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder", hint="name another one, `banana-pipe init DIR`")
    written = tuple(name for name in _FILES if name not in there)
    for name in written:
        disk.write_file(folder / name, _content(name))
    return Started(folder, written, tuple(there))


def _content(name: str) -> bytes:
    made = _FILES[name]
    return jsonschema.as_text().encode() if made is None else (_FROM / made).read_bytes()

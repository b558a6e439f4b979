"""Where things are: the project's root, its cache, a recipe's output folder and lock file.

Unaware of what stands in a recipe and of the working directory, but for paths given by flag.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from banana_pipe import disk
from banana_pipe.errors import UsageError
from banana_pipe.regular import read_regular

CONFIG_NAME = "banana-pipe.toml"


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one recipe in its project; all absolute."""

    root: Path
    recipe: Path
    cache: Path
    out: Path
    lock: Path
    sandbox_lock: Path

    @property
    def recipe_in_project(self) -> str:
        """The recipe's path from the root, `/` between parts: how the folder's manifest names it."""
        try:
            return self.recipe.relative_to(self.root).as_posix()
        except ValueError:
            return self.recipe.as_posix()

    @property
    def root_from_out(self) -> str:
        """The way from the output folder to the root, links resolved: with it the manifest says whose folder it is."""
        return Path(os.path.relpath(self.root.resolve(), self.out.resolve())).as_posix()

    def make_cache(self) -> None:
        """Make the cache folder."""
        make_cache(self.cache)

    def guard_of(self, path: Path) -> Path:
        """The lock file under which *path*, a record outside the cache, is changed where its folder has no lock."""
        return self.cache / "locks" / f"file-{path.name}"


def places_of(
    recipe: Path, name: str, *, provider: str | None, out: Path | None, cache: Path | None, profile: str | None = None
) -> Places:
    """The places of *recipe*, whose pictures go to the folder *name*.

    *profile* and *provider* are chosen by flag: their pictures get a folder of their own. *out* and *cache* are
    folders given by flag or configuration, relative to the working directory. Raises UsageError where
    nobody gave them, and the project's own lead out of it.
    """
    recipe = recipe.resolve()
    root = find_root(recipe.parent)
    cache = cache_of(root, cache)
    folder = "@".join([name, *(chosen for chosen in (profile, provider) if chosen)])
    return Places(
        root=root,
        recipe=recipe,
        cache=cache,
        out=out.absolute() if out is not None else _inside(root, root / "out" / folder, "--out"),
        lock=recipe.with_suffix(".lock"),
        sandbox_lock=cache / "sandbox" / f"{recipe.stem}.lock",
    )


def cache_of(root: Path, given: Path | None) -> Path:
    """The cache of the project in *root*: the folder *given*, else its own. Raises UsageError if that leads out."""
    if given is not None:
        return given.absolute()
    cache = _inside(root, root / "cache", "--cache")
    for part in _parts(cache):
        _inside(root, part, "--cache")
    return cache


def make_cache(cache: Path) -> None:
    """Make the folder *cache*, which git passes over: what it holds is bytes, the record is the lock file."""
    ignored = cache / ".gitignore"
    if not ignored.exists():
        disk.write_file(ignored, b"*\n")


def _parts(cache: Path) -> list[Path]:
    """The links in *cache*: of what stands there, only they can lead elsewhere."""
    try:
        with os.scandir(cache) as entries:
            return [Path(entry.path) for entry in entries if entry.is_symlink()]
    except OSError:  # not there yet, or told by whoever needs it
        return []


def is_inside(root: Path, path: Path) -> bool:
    """Whether *path*, from *root*, is there or below, wherever links lead."""
    return Path(os.path.realpath(root / path)).is_relative_to(os.path.realpath(root))


def _inside(root: Path, folder: Path, flag: str) -> Path:
    """*folder*. A project is perhaps a stranger's: links in it must not send what we write elsewhere."""
    if is_inside(root, folder):
        return folder
    hint = f"remove the link; one of your choice is named by {flag}, in the environment or in your own configuration"
    raise UsageError(f"{folder} leads out of the project, to {os.path.realpath(folder)}", hint=hint)


def find_root(folder: Path) -> Path:
    """The project that *folder* is in: the nearest folder upward that says so, else a good guess.

    The search ends below the home folder and at the border of the file system.
    """
    folder = folder.resolve()
    device = folder.stat().st_dev
    home = _home()
    for candidate in (folder, *folder.parents):
        if candidate == home or candidate.stat().st_dev != device:
            break
        if _says_root(candidate):
            return candidate
    return folder.parent if folder.name == "recipes" else folder


def _says_root(folder: Path) -> bool:
    if (folder / CONFIG_NAME).is_file() or (folder / "cache" / "ledger.db").is_file() or (folder / ".git").exists():
        return True
    tools = read_toml(folder / "pyproject.toml").get("tool")
    return isinstance(tools, dict) and "banana-pipe" in tools


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file, empty where there is none. Raises UsageError for one that is broken or no file."""
    try:
        return tomllib.loads(read_regular(path).decode())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
        return {}
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint="it is read for its settings") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}", hint="mend that file, it is read for its settings") from None


def _home() -> Path | None:
    try:
        return Path.home().resolve()
    except RuntimeError:
        return None

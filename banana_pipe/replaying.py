"""The folder of a past run, made again from its log and from what is kept of its pictures.

Unaware of recipes, providers and the command line: nothing is asked, nothing is paid, and it does not
matter what has become of the recipe since. Bytes are found by their sha256 alone, and hashed before
they are believed. Nothing in the cache is changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from banana_pipe import disk
from banana_pipe.canonical import Digest, digest_of
from banana_pipe.errors import StoreError, UsageError
from banana_pipe.model import Json
from banana_pipe.outputs import manifest
from banana_pipe.outputs.logged import SUFFIX, Logged, files_of_entry, logs_in
from banana_pipe.regular import read_regular
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.lookup import folders_of
from banana_pipe.store.published import MANIFEST, Published, link_above, read_manifest

LAST = "last"
_NAMED = 5

Standing = Literal["placed", "there", "missing"]


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of the pictures of a run, by their path; `root` is the project that the folder is in."""

    logged: Logged
    out: Path
    standing: Mapping[str, Standing]
    bytes: int

    @property
    def missing(self) -> list[Mapping[str, Json]]:
        """The entries of the pictures whose bytes are nowhere."""
        return [entry for path, entry in self.logged.files.items() if self.standing[path] == "missing"]


# --- which run ---------------------------------------------------------------------------------


def find_run(words: str, outs: Sequence[Path]) -> Path:
    """The log that *words* mean: a path, `last`, a run's id or the beginning of one; *outs* are the output folders.

    Raises UsageError where there is none, or more than one.
    """
    if words.endswith(SUFFIX) or os.sep in words:
        return Path(words)
    logs = sorted((path for out in outs for path in logs_in(out)), key=_begun)
    if words == LAST and logs:
        return logs[-1]
    found = [path for path in logs if path.stem.startswith(words)]
    exact = [path for path in found if path.stem == words]
    if len(exact or found) != 1:
        raise _which(words, found, logs, outs)
    return (exact or found)[0]


def _begun(path: Path) -> tuple[str, int]:
    """When a run began: to the second its name says it."""
    return path.stem.partition("-")[0], path.stat().st_mtime_ns


def _which(words: str, found: Sequence[Path], logs: Sequence[Path], outs: Sequence[Path]) -> UsageError:
    if found:
        return UsageError(f"{words} is the beginning of {len(found)} runs", hint=_listed(found))
    if logs:
        return UsageError(f"there is no run {words}", hint=f"the last ones: {_listed(logs)}")
    places = ", ".join(map(str, outs)) or "any output folder"
    return UsageError(f"there is no log of a run in {places}", hint="a run writes one; or name the file of one")


def _listed(logs: Sequence[Path]) -> str:
    return ", ".join(path.stem for path in reversed(logs[-_NAMED:]))


# --- its folder --------------------------------------------------------------------------------


def beside(logged: Logged) -> Path:
    """The new folder for a run beside the one that its log lies in. Raises UsageError where that is none of ours."""
    if logged.out is None:
        raise UsageError(f"{logged.path} lies in no output folder", hint="say where to with --out DIR")
    return logged.out.with_name(f"{logged.out.name}@{logged.path.stem}")


def replay(
    logged: Logged, out: Path, root: Path, caches: Sequence[Path], outs: Sequence[Path], *, write: bool = True
) -> Replay:
    """Make the folder *out* be what that run left: its pictures, its takes, its manifest.

    Bytes come from *caches* and from the published pictures in *outs*. Without *write* nothing is placed, and it is
    said what would be. Raises UsageError where *out* has anything else in it, StoreError where it cannot be written or
    where the log's paths cannot all be files.
    """
    _refuse_others(logged, out)
    _refuse_what_does_not_fit(logged, out)
    kept = _Kept(caches, outs)
    standing: dict[str, Standing] = {}
    size = 0
    for path, entry in logged.files.items():
        wanted = [(name, digest) for name, digest in files_of_entry(entry) if _digest_at(out, name) != digest]
        found = [(name, kept.read(digest)) for name, digest in wanted]
        standing[path] = "there" if not wanted else "missing" if any(data is None for _, data in found) else "placed"
        for name, data in found:
            size += len(data or b"")
            if write and data is not None:
                disk.write_file(out / name, data)
    if write:
        _write_manifest(logged, out, root, [path for path, one in standing.items() if one != "missing"])
    return Replay(logged, out, standing, size)


class _Kept:
    """Where bytes may be: caches, and folders with published pictures."""

    def __init__(self, caches: Sequence[Path], outs: Sequence[Path]) -> None:
        self._blobs = [Blobs(folders_of(cache)["blobs"]) for cache in caches]
        self._published = [Published(out) for out in outs]

    def read(self, digest: Digest) -> bytes | None:
        """The bytes of *digest*; what is damaged is passed over, and left to `cache verify`."""
        for blobs in self._blobs:
            data = _content(blobs.path(digest))
            if data is not None and digest_of(data) == digest:
                return data
        found = (published.read(digest) for published in self._published)
        return next((data for data in found if data is not None), None)


def _files_of(logged: Logged) -> dict[str, Digest]:
    """Every file that the run left, by its path: pictures, and what lies beside them."""
    return dict(file for entry in logged.files.values() for file in files_of_entry(entry))


def _refuse_others(logged: Logged, out: Path) -> None:
    """Raise UsageError where *out* has something that this run did not leave."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file", hint="choose another folder with --out DIR")
    known = _files_of(logged)
    mine = (read_manifest(out) or {}).get("run_id") == logged.run_id
    others = [path for path in _files_in(out) if not _is_of(known, out, path) and not (path == MANIFEST and mine)]
    if others:
        named = f"{', '.join(others[:_NAMED])}{' …' if len(others) > _NAMED else ''}"
        raise UsageError(
            f"{out} has something else in it: {named}", hint="nothing is put there; choose a new folder with --out DIR"
        )


def _refuse_what_does_not_fit(logged: Logged, out: Path) -> None:
    """Raise StoreError where a path is a folder of another one, UsageError where a folder stands in its place."""
    known = _files_of(logged)
    files = {*known, MANIFEST}
    for path in known:
        above = next((folder.as_posix() for folder in PurePosixPath(path).parents if folder.as_posix() in files), None)
        if above is not None:
            raise StoreError(
                f"{logged.path} has a picture at {path}, and {above} is a file: no run places both",
                hint="the log is damaged, or not ours: nothing is written",
            )
        if os.path.isdir(out / path):
            hint = "nothing is put there; choose a new folder with --out DIR"
            raise UsageError(f"{out / path} is a folder, and the run has a picture of that name", hint=hint)


def _is_of(known: Mapping[str, Digest], out: Path, path: str) -> bool:
    digest = known.get(path)
    return disk.is_left_behind(out / path) if digest is None else _digest_at(out, path) == digest


def _files_in(out: Path) -> Iterator[str]:
    """Everything below *out* that is no folder, links to folders included."""
    for folder, folders, names in os.walk(out):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted([*names, *links]):
            yield Path(folder, name).relative_to(out).as_posix()


def _digest_at(out: Path, path: str) -> Digest | None:
    if link_above(out, path) is not None or os.path.islink(out / path):
        return None
    data = _content(out / path)
    return None if data is None else digest_of(data)


def _content(path: Path) -> bytes | None:
    try:
        return read_regular(path)
    except OSError:
        return None


def _write_manifest(logged: Logged, out: Path, root: Path, paths: Sequence[str]) -> None:
    way = Path(os.path.relpath(os.path.realpath(root), os.path.realpath(out))).as_posix()
    run_id, version = logged.run_id, logged.version
    head = manifest.header(recipe=logged.recipe, root=way, name=logged.name, run_id=run_id, at=0.0, version=version)
    head["generated_at"] = logged.at
    text = manifest.as_text(manifest.document(head, [logged.files[path] for path in paths]))
    disk.write_file(out / MANIFEST, text.encode(errors="backslashreplace"))

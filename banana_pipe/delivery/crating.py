"""What goes along with a delivery that is an RO-Crate: the recipe, what it reads, and the metadata that tells of both.

Unaware of the form of a crate's metadata. What is told of is the run that left the output folder as it is; a
delivery that has anything else in it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from banana_pipe.canonical import Digest, digest_of
from banana_pipe.delivery.exporting import Companion, Delivered, Treatment
from banana_pipe.errors import StoreError, UsageError
from banana_pipe.model import FileInput, NodeInput
from banana_pipe.outputs import crate
from banana_pipe.outputs.crate import Execution, File, Made
from banana_pipe.outputs.log import log_path
from banana_pipe.outputs.logged import Logged, digest_of_entry, read_log
from banana_pipe.regular import read_regular
from banana_pipe.store.published import read_manifest
from banana_pipe.workspace import Workspace

SOURCES = "_sources"
"""The folder of what was read: no picture's name begins with `_`."""
_MIMES = {".yaml": "application/yaml", ".yml": "application/yaml", ".json": "application/json", ".csv": "text/csv"}


@dataclass(frozen=True, slots=True)
class Words:
    """What only the user knows: who ran it, and what others may do with it."""

    agent: str | None = None
    license: str | None = None


def companions(
    workspace: Workspace, treatment: Treatment, words: Words
) -> Callable[[Sequence[Delivered]], list[Companion]]:
    """Who gives what goes along with some pictures. Raises UsageError where there is no run to tell of."""
    return partial(_companions, workspace, _run_of(workspace), treatment, words)


def _run_of(workspace: Workspace) -> Logged:
    """The run that left the output folder as it is."""
    out, hint = workspace.places.out, "run the recipe first; a crate tells of a run"
    run_id = (read_manifest(out) or {}).get("run_id")
    if not isinstance(run_id, str) or not log_path(out, run_id).is_file():
        raise UsageError(f"there is no log of the run that made {out}", hint=hint)
    return read_log(log_path(out, run_id))


def _companions(
    workspace: Workspace, logged: Logged, treatment: Treatment, words: Words, delivered: Sequence[Delivered]
) -> list[Companion]:
    read = _read(workspace)
    inputs = [one.file for one in read if one.is_input]
    recipe, *texts = [one.file for one in read if not one.is_input]
    pictures = list(_made(logged, inputs, delivered, treatment))
    document = crate.document(
        logged.name,
        _execution(logged),
        recipe,
        texts,
        inputs,
        pictures,
        agent=words.agent,
        license_=words.license,
    )
    local = [Companion(one.file.path, partial(_bytes, one.place, one.file.digest)) for one in read if one.place]
    return [*local, Companion(crate.FILE_NAME, partial(crate.as_bytes, document))]


def _execution(logged: Logged) -> Execution:
    start, end = logged.first("start"), logged.first("end")
    # The profile wants an offset where the log says `Z`.
    began, ended = (str(time).replace("Z", "+00:00") for time in (start.get("time"), end.get("time") or logged.at))
    return Execution(logged.run_id, began, ended, end.get("exit_code") == 0, logged.version)


def _made(
    logged: Logged, inputs: Sequence[File], delivered: Sequence[Delivered], treatment: Treatment
) -> Iterator[Made]:
    known = {digest_of_entry(entry) for entry in logged.files.values()}
    there = [(one, one.picture) for one in delivered if one.picture is not None and one.digest is not None]
    files = {file.digest: file for file in inputs}
    for one, picture in there:
        if picture.artifact.digest not in known:
            raise UsageError(
                f"{picture.node.id}: its picture is not of run {logged.run_id}, which the crate tells of",
                hint="run the recipe, and export it then",
            )
        files[picture.artifact.digest] = _file(one, picture.artifact.mime)
    for one, picture in there:
        yield Made(
            _file(one, picture.artifact.mime),
            picture.node.id,
            picture.key,
            tuple(files[digest] for digest in dict.fromkeys(picture.images) if digest in files),
            picture.source_type,
            picture.node.prompt if treatment.prompts and not picture.node.is_local else None,
        )
    for one in delivered:
        if one.beside is not None and one.beside.artifact.digest in files:
            picture = one.beside
            based_on = (files[picture.artifact.digest],)
            yield Made(_file(one, one.mime), picture.node.id, picture.key, based_on)


def _file(one: Delivered, mime: str) -> File:
    return File(one.path, one.digest or "", one.size, mime)


# --- what was read -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Read:
    """A file that was read, and where it is; in the web: None."""

    file: File
    place: Path | None
    is_input: bool
    """Whether it is a table or a picture; else a text that the recipe is made of."""


def _read(workspace: Workspace) -> list[_Read]:
    """Every file that was read, each once, the recipe first."""
    found = {one.file.path: one for one in (*_texts(workspace), *_pictures(workspace))}
    return list(found.values())


def _texts(workspace: Workspace) -> Iterator[_Read]:
    recipe, lock = workspace.places.recipe, workspace.places.lock
    sources = [(source.path, source.digest, source.kind == "data") for source in workspace.whole.sources]
    if lock.is_file():
        sources.append((lock, digest_of(read_regular(lock)), False))
    for path, digest, is_table in sorted(sources, key=lambda source: source[0] != recipe):
        mime = _MIMES.get(path.suffix, "text/plain")
        file = File(_path(workspace, path, digest), digest, path.stat().st_size, mime, path.name)
        yield _Read(file, path, is_table)


def _pictures(workspace: Workspace) -> Iterator[_Read]:
    for one in (one for node in workspace.whole for one in node.inputs):
        artifact = None if isinstance(one, NodeInput) else workspace.files.get(one.place)
        if isinstance(one, NodeInput) or artifact is None:
            continue
        place = one.path if isinstance(one, FileInput) else None
        path = one.label if place is None else _path(workspace, place, artifact.digest)
        name = one.label if place is None else place.name  # as written it may be a path of this machine
        yield _Read(File(path, artifact.digest, artifact.size, artifact.mime, name), place, is_input=True)


def _path(workspace: Workspace, path: Path, digest: Digest) -> str:
    """Where a file that was read stands in the crate: as in the project, what is elsewhere by its name."""
    root = workspace.places.root
    below = path.relative_to(root).as_posix() if path.is_relative_to(root) else f"{digest[:12]}-{path.name}"
    return f"{SOURCES}/{below}"


def _bytes(path: Path, digest: str) -> bytes:
    data = read_regular(path)
    if digest_of(data) != digest:
        raise StoreError(f"{path} was changed while it was exported", hint="run the same command again")
    return data

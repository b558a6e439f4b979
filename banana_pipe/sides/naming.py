"""Which side a text means: a folder, a run or a git revision; and which folder where it says none.

Unaware of how sides are compared.

In this order, the first that fits:

    a folder that exists     `out/fox`, `./fox`: as it is now
    a run                    `20261122T155149Z-131fde`, or a beginning of it that only one run has
    a revision and a folder  `v1.2:out/fox`, from the repository's top as git has it; `v1.2:./fox` from here
    a revision               `HEAD~1`, `main`: the output folder in it

A branch named like a folder that exists is meant by `refs/heads/NAME`. The output folder is the one that was chosen, else
that of the other side, else the project's only one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from banana_pipe.errors import UsageError
from banana_pipe.lineage.tracing import Archive
from banana_pipe.sides import revisions
from banana_pipe.sides.folders import folder_side
from banana_pipe.sides.revisions import Revision
from banana_pipe.sides.runs import RUN_ID, logs_of, run_side
from banana_pipe.sides.side import Side
from banana_pipe.store.published import MANIFEST, RUNS


@dataclass(frozen=True, slots=True)
class Ground:
    """Where texts are read: the project's root, the working directory, the output folders there are or the one chosen."""

    root: Path
    here: Path
    outs: tuple[Path, ...]

    def shown(self, path: Path) -> str:
        """*path* as one would write it here."""
        relative = os.path.relpath(path, self.here)
        return relative if not relative.startswith("..") else str(path)


@dataclass(frozen=True, slots=True)
class Named:
    """What a text means: one of three, and the output folder that it is about, where it says so."""

    text: str
    folder: Path | None = None
    log: Path | None = None
    commit: str | None = None
    inside: str | None = None
    """The folder in the revision, where the text names it."""
    note: str = ""

    @property
    def about(self) -> Path | None:
        """The output folder that it is about."""
        return self.folder or (self.log.parent.parent.parent if self.log else None)


def output_folders(root: Path, chosen: Path | None) -> tuple[Path, ...]:
    """The output folders of the project in *root*, or the one *chosen*."""
    if chosen is not None:
        return (chosen,)
    found = sorted((root / "out").iterdir()) if (root / "out").is_dir() else []
    return tuple(path for path in found if (path / MANIFEST).is_file() or (path / RUNS).is_dir())


def named(text: str, ground: Ground) -> Named:
    """What *text* means. Raises UsageError where it means nothing, or several runs."""
    folder = ground.here / text
    if text and os.path.isdir(folder):
        branch = revisions.commit_of(ground.root, text) is not None and not text.startswith((".", "/"))
        note = f"{text} is read as the folder; the revision of that name is refs/heads/{text} (or refs/tags/…)"
        return Named(text, folder=folder, note=note if branch else "")
    logs = logs_of(text, ground.outs)
    if len(logs) > 1:
        names = ", ".join(path.stem for path in logs[:4])
        raise UsageError(f"{text} begins the names of {len(logs)} runs: {names}", hint="name one of them in full")
    if logs:
        return Named(text, log=logs[0])
    name, colon, inside = text.partition(":")
    commit = revisions.commit_of(ground.root, name)
    if commit is not None:
        return Named(text, commit=commit, inside=_inside(inside, ground) if colon else None)
    raise _nothing(text, ground)


def sides_of(before: str, after: str | None, ground: Ground, archive: Archive, *, takes: bool) -> tuple[Side, Side]:
    """Both sides; without *after* it is the output folder as it is now. Raises UsageError."""
    first = named(before, ground)
    second = named(after, ground) if after is not None else None
    about = first.about or (second.about if second else None)
    if second is None:
        second = _now(first, ground)
    if first.folder and second.folder and os.path.realpath(first.folder) == os.path.realpath(second.folder):
        raise UsageError(
            f"both sides are the folder {ground.shown(first.folder)} as it is now", hint="name a run or a git revision"
        )
    return tuple(_read(one, about, ground, archive, takes=takes) for one in (first, second))  # type: ignore[return-value]


def _now(first: Named, ground: Ground) -> Named:
    """The folder as it is now that *first* is about."""
    if first.inside is not None:
        top = revisions.top_of(ground.root) or ground.root
        folder = top / first.inside
        if not os.path.isdir(folder):
            raise UsageError(f"there is no folder {ground.shown(folder)} now", hint="name the other side")
        return Named(first.inside, folder=folder)
    own = first.about if first.log else None
    return Named("", folder=own or _only(ground))


def _read(one: Named, about: Path | None, ground: Ground, archive: Archive, *, takes: bool) -> Side:
    notes = (one.note,) if one.note else ()
    if one.folder is not None:
        side = folder_side(one.folder, f"{ground.shown(one.folder)}, as it is now", archive, takes=takes)
    elif one.log is not None:
        out = one.log.parent.parent.parent
        side = run_side(one.log, f"run {one.log.stem} of {ground.shown(out)}", archive, takes=takes)
    else:
        inside = _from_top(about or _only(ground), ground) if one.inside is None else one.inside
        revision = Revision(ground.root, one.text.partition(":")[0], one.commit or "", inside)
        said = f"{revision.name} ({revision.commit[:8]}, {revisions.date_of(revision)}), {inside or '.'}"
        side = revisions.revision_side(revision, said, archive, takes=takes)
    return Side(side.about, side.pictures, side.read, side.unsaid, (*notes, *side.notes))


def _only(ground: Ground) -> Path:
    if len(ground.outs) == 1:
        return ground.outs[0]
    if not ground.outs:
        raise UsageError(f"no output folder is in {ground.root}", hint="name it with --out DIR")
    names = ", ".join(ground.shown(path) for path in ground.outs[:6])
    raise UsageError(f"which folder is meant? There are {names}", hint="choose it with --out DIR, or say REVISION:DIR")


def _inside(text: str, ground: Ground) -> str:
    """The folder of `REV:text` from the repository's top."""
    if text in (".", "..") or text.startswith(("./", "../")):
        return _from_top(ground.here / text, ground)
    return text.strip("/")


def _from_top(folder: Path, ground: Ground) -> str:
    top = revisions.top_of(ground.root) or ground.root
    inside = os.path.relpath(os.path.realpath(folder), os.path.realpath(top))
    if inside.startswith(".."):
        raise UsageError(f"{ground.shown(folder)} is not in the repository {top}", hint="say which: REVISION:DIR")
    return "" if inside == "." else Path(inside).as_posix()


def _nothing(text: str, ground: Ground) -> UsageError:
    if os.path.lexists(ground.here / text):
        return UsageError(f"{text} is a file", hint="name the folder that it is in")
    if RUN_ID.fullmatch(text):
        where = ", ".join(ground.shown(path / RUNS) for path in ground.outs[:4]) or "any output folder"
        return UsageError(f"no run {text} has left its log in {where}", hint="choose the folder with --out DIR")
    return UsageError(f"{text} is no folder, no run and no git revision here", hint=_known(ground.outs))


def _known(outs: Sequence[Path]) -> str:
    runs = sorted((path.stem for out in outs for path in (out / RUNS).glob("*.jsonl")), reverse=True)
    return f"the last run was {runs[0]}" if runs else "folders are named from the working directory"

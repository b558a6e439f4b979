"""What a disk has when the power goes: all that was synced, and of the rest any part, torn and in any order.

Unaware of what the files are.

The model is harsher than the file systems in use, and forgives nothing that POSIX allows:

- What was written to a file is there for certain after a sync of that file; before, each write may be there,
  not there, or there in some of its sectors of 512 bytes, whatever became of the writes before it.
- A name is made, taken away or moved for certain after a sync of its folder; a sync of the file is not enough.
  Before, each of these may have happened or not, whatever became of the ones before it.
- A rename within a folder is whole: it has happened or not. From one folder to another both names may be there.
- A file that has its name and none of its bytes is empty; a hole in it reads as zeros.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tests.campaigns.watched import Act

SECTOR = 512

Tree = Mapping[str, bytes | None]
"""What is below a folder: path → bytes, or None for a folder."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Something on its way to the disk: of a file's bytes (`write`, `cut`), or of a folder's names."""

    kind: Literal["write", "cut", "link", "unlink", "rename", "mkdir"]
    file: int = 0
    path: str = ""
    source: str = ""
    """Of a rename."""
    offset: int = 0
    data: bytes = b""

    @property
    def is_data(self) -> bool:
        """Whether a sync of the file brings it there, not one of a folder."""
        return self.kind in ("write", "cut")


Fate = Callable[[Pending], Sequence[Pending]]
"""What becomes of something that was on its way: itself, a part of it, or nothing."""


@dataclass(slots=True)
class _Image:
    """Names and bytes that are there. A folder is a name without a file."""

    names: dict[str, int | None]
    content: dict[int, bytes]

    def do(self, one: Pending) -> None:
        match one.kind:
            case "write":
                before = self.content.get(one.file, b"").ljust(one.offset, b"\0")
                self.content[one.file] = before[: one.offset] + one.data + before[one.offset + len(one.data) :]
            case "cut":
                self.content[one.file] = self.content.get(one.file, b"")[: one.offset].ljust(one.offset, b"\0")
            case "link":
                self.names[one.path] = one.file
            case "rename":
                self.names[one.path] = one.file
                self.names.pop(one.source, None)
            case "mkdir":
                self.names[one.path] = None
            case "unlink":
                self.names.pop(one.path, None)

    def tree(self) -> Tree:
        """What can be reached from the top."""
        reached: dict[str, bytes | None] = {}
        for path, file in sorted(self.names.items()):
            above = parent_of(path)
            if not above or (above in reached and reached[above] is None):
                reached[path] = None if file is None else self.content.get(file, b"")
        return reached


class Disk:
    """A disk with *tree* on it for certain, to which acts are done; *root* is the folder that the tree is below."""

    def __init__(self, tree: Tree, root: Path) -> None:
        self._root = str(root)
        self._files = 0
        self._live: dict[str, int] = {}
        """Path → file, as the programs see it."""
        self._sure = _Image({}, {})
        self.pending: list[Pending] = []
        for path, data in tree.items():
            self._sure.names[path] = None if data is None else self._new(path)
            if data is not None:
                self._sure.content[self._files] = data

    def _new(self, path: str) -> int:
        self._files += 1
        self._live[path] = self._files
        return self._files

    def do(self, act: Act) -> None:
        """Have *act* done by a program; a sync is what brings things to the disk."""
        path, to = self._below(act.path), self._below(act.to)
        match act.what:
            case "create":
                self.pending.append(Pending("link", self._new(path), path))
            case "write":
                self.pending.append(Pending("write", self._live[path], offset=act.offset, data=act.data))
            case "truncate":
                self.pending.append(Pending("cut", self._live[path], offset=act.offset))
            case "rename":
                file = self._live[to] = self._live.pop(path)
                self.pending.append(Pending("rename", file, to, source=path))
            case "remove":
                self.pending.append(Pending("unlink", self._live.pop(path), path))
            case "mkdir":
                self.pending.append(Pending("mkdir", path=path))
            case "rmdir":
                self.pending.append(Pending("unlink", path=path))
            case "sync":
                self._settle(lambda one: one.is_data and one.file == self._live[path])
            case "sync folder":
                self._settle(lambda one: not one.is_data and path in (parent_of(one.path), parent_of(one.source)))

    def _below(self, path: str) -> str:
        return path.removeprefix(self._root).lstrip("/")

    def _settle(self, is_settled: Callable[[Pending], bool]) -> None:
        for one in self.pending:
            if is_settled(one):
                self._sure.do(one)
        self.pending = [one for one in self.pending if not is_settled(one)]

    def crash(self, fate: Fate) -> Tree:
        """What is there after the power went, if *fate* befell what was on its way."""
        image = _Image(dict(self._sure.names), dict(self._sure.content))
        for one in self.pending:
            for left in fate(one):
                image.do(left)
        return image.tree()

    def fates(self, lot: random.Random, most: int) -> Iterator[Fate]:
        """Nothing got there; all of it did; then *most* others, drawn by lot: one missing, one alone, some torn."""
        yield lambda one: ()
        if not self.pending:
            return
        yield lambda one: (one,)
        for number in range(most):
            chosen = lot.choice(self.pending)
            seed = lot.random()
            yield (_without(chosen), _alone(chosen), _torn(chosen, seed), _some(seed))[number % 4]


def parent_of(path: str) -> str:
    """The folder of *path*; empty for what is at the top, and for the top itself."""
    return path.rpartition("/")[0]


def _without(missing: Pending) -> Fate:
    return lambda one: () if one is missing else (one,)


def _alone(there: Pending) -> Fate:
    return lambda one: (one,) if one is there else ()


def _torn(torn: Pending, seed: float) -> Fate:
    lot = random.Random(seed)
    return lambda one: _part(one, lot) if one is torn else (one,)


def _some(seed: float) -> Fate:
    lot = random.Random(seed)
    return lambda one: lot.choice(((), (one,), _part(one, lot)))


def _part(one: Pending, lot: random.Random) -> Sequence[Pending]:
    """Some sectors of a write, the first ones or any; of a move between folders, the new name beside the old one."""
    if one.kind == "write":
        sectors = list(_sectors(one))
        first = lot.randint(0, len(sectors))
        return sectors[:first] if lot.random() < 0.5 else [sector for sector in sectors if lot.random() < 0.5]
    if one.kind == "rename" and parent_of(one.path) != parent_of(one.source):
        return (replace(one, kind="link"),)
    return ()


def _sectors(write: Pending) -> Iterator[Pending]:
    at, end = write.offset, write.offset + len(write.data)
    while at < end:
        after = min(end, (at // SECTOR + 1) * SECTOR)
        yield replace(write, offset=at, data=write.data[at - write.offset : after - write.offset])
        at = after


def tree_of(root: Path) -> Tree:
    """What is below *root* now."""
    return {
        path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in sorted(root.rglob("*"))
    }


def write_tree(tree: Tree, root: Path) -> None:
    """Make the folder *root* hold *tree*."""
    root.mkdir(parents=True)
    for path, data in sorted(tree.items()):
        if data is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(data)

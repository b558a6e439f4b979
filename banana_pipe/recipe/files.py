"""Picture files that a recipe names: found, and kept inside the folders that it may read.

Unaware of what is in the files: none is opened here.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from banana_pipe.errors import Location
from banana_pipe.recipe.references import BadReference, nfc
from banana_pipe.recipe.words import nearest
from banana_pipe.recipe.written import file_of, like

MAX_PARTS = 100
"""Folders in a path that a pattern goes through."""
MAX_SCANNED = 100_000
"""Directory entries that one pattern may look at."""


class Files:
    """Finds files, links resolved, inside the recipe's folder and those that may be read besides.

    Paths are relative to the file that they are written in, which is the one that they stand in unless
    they know better: *folders* has the folder of each file that is read, by its path as messages show
    it; what stands in none of them is relative to *folder*.
    """

    def __init__(
        self, folder: Path, allowed: Sequence[Path], folders: Mapping[str, Path] = MappingProxyType({})
    ) -> None:
        self._roots = tuple(os.path.realpath(root) for root in (folder, *allowed))
        self._folder = folder
        self._folders = folders
        self._inside: dict[Path, _Inside] = {}

    def find(self, text: str, at: Location | None = None) -> Path:
        """The absolute path, links resolved, of the file *text* that stands at *at*. Raises BadReference."""
        return self._of(text, at).find(str(text))

    def glob(self, text: str, at: Location | None = None) -> list[str]:
        """The files that match the pattern *text*, sorted, written as and where it is. Raises BadReference."""
        found = self._of(text, at).glob(str(text))
        return [like(text, one) for one in found]

    def _of(self, text: str, at: Location | None) -> _Inside:
        folder = self._folders.get(file_of(text, at.path if at else ""), self._folder)
        found = self._inside.get(folder)
        if found is None:
            found = self._inside[folder] = _Inside(folder, self._roots)
        return found


class _Inside:
    """Finds files relative to one folder, inside *roots*."""

    def __init__(self, folder: Path, roots: Sequence[str]) -> None:
        self._folder = os.path.abspath(folder)
        self._roots = roots
        self._found: dict[str, Path] = {}

    def find(self, text: str) -> Path:
        found = self._found.get(text)
        if found is None:
            found = self._found[text] = self._find(text)
        return found

    def glob(self, text: str) -> list[str]:
        start, _, rest = ("/", "", text.lstrip("/")) if text.startswith("/") else ("", "", text)
        budget = [MAX_SCANNED]
        matches = sorted(set(self._matching(start, [part for part in rest.split("/") if part], budget)))
        found = [match for match in matches if self._is_file(match)]
        if not found:
            raise BadReference(f"no file matches `{text}`", "patterns start from the recipe's folder")
        return found

    def _find(self, text: str) -> Path:
        if "\0" in text:
            raise BadReference("a file name has no NUL in it")
        real = self._inside(text)
        try:
            mode = os.stat(real).st_mode
        except FileNotFoundError:
            raise BadReference(f"there is no file `{text}`", self._near(text)) from None
        except OSError as error:
            raise BadReference(f"`{text}` cannot be read: {error.strerror}") from None
        if stat.S_ISDIR(mode):
            raise BadReference(
                f"`{text}` is a folder", f"name a file in it; for all its pictures: `{text.rstrip('/')}/*.png`"
            )
        if not stat.S_ISREG(mode):
            raise BadReference(f"`{text}` is not a regular file")
        return Path(real)

    def _inside(self, text: str) -> str:
        """The real path of *text*; judged before anybody asks whether it exists."""
        real = os.path.realpath(os.path.join(self._folder, text))
        if any(real == root or real.startswith(root.rstrip(os.sep) + os.sep) for root in self._roots):
            return real
        hint = f"copy it beside the recipe, or allow its folder: `--allow-read {os.path.dirname(real)}`"
        raise BadReference(f"`{text}` is outside the recipe's folder", hint)

    def _near(self, text: str) -> str | None:
        if re.match(r"-\S.* -\S", text):
            return "in a list a space stands behind each `-`"
        folder, name = os.path.split(text)
        try:
            names = sorted(os.listdir(self._inside(folder or ".")))
        except (OSError, BadReference):
            return "paths start from the recipe's folder"
        # By what stands before the suffix: all of `*.yaml` are alike in the rest.
        near = nearest(os.path.splitext(name)[0], (os.path.splitext(one)[0] for one in names))
        meant = [one for one in names if os.path.splitext(one)[0] == near]
        if not meant:
            return "paths start from the recipe's folder"
        same = [one for one in meant if one.endswith(os.path.splitext(name)[1])]
        return f"did you mean `{os.path.join(folder, (same or meant)[0])}`?"

    def _is_file(self, text: str) -> bool:
        try:
            return stat.S_ISREG(os.stat(os.path.join(self._folder, text)).st_mode)
        except OSError:
            return False

    def _matching(self, base: str, parts: list[str], budget: list[int]) -> Iterator[str]:
        if not parts:
            yield base
            return
        if base.count("/") + len(parts) > MAX_PARTS:
            raise BadReference("this pattern goes through too many folders", "name the folder more closely")
        part, rest = parts[0], parts[1:]
        if "*" not in part and "?" not in part:
            yield from self._matching(os.path.join(base, part), rest, budget)
        elif part == "**":
            yield from self._matching(base, rest or ["*"], budget)
            for name in self._names(base, budget, folders=True):
                yield from self._matching(os.path.join(base, name), parts, budget)
        else:
            matches = _pattern(part).match
            for name in self._names(base, budget, folders=False):
                if matches(nfc(name)) and (part.startswith(".") or not name.startswith(".")):
                    yield from self._matching(os.path.join(base, name), rest, budget)

    def _names(self, base: str, budget: list[int], *, folders: bool) -> list[str]:
        """Names in the folder *base*; only unlinked, visible folders with *folders*."""
        try:
            entries = list(os.scandir(self._inside(base or ".")))
        except OSError:
            return []
        budget[0] -= len(entries)
        if budget[0] < 0:
            raise BadReference(f"this pattern looks at more than {MAX_SCANNED} files", "name the folder more closely")
        if not folders:
            return [entry.name for entry in entries]
        return [one.name for one in entries if not one.name.startswith(".") and one.is_dir(follow_symlinks=False)]


def _pattern(part: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    # `***` means what `*` does, and would be slow.
    squeezed = re.sub(r"\*+", "*", nfc(part))
    return re.compile("".join(wild.get(one) or re.escape(one) for one in squeezed) + r"\Z", re.DOTALL)

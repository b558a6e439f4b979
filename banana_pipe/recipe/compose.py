"""Recipe files become a recipe: each file is read once, with those that it extends.

Unaware of what templates render to, and of steps beyond their names. It reads text files below the
folders that may be read, and no others.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from banana_pipe.canonical import digest_of
from banana_pipe.errors import RecipeError, UsageError
from banana_pipe.model import Json, Recipe, Source, Text
from banana_pipe.recipe.data import MAX_BYTES as MAX_TABLE
from banana_pipe.recipe.data import SUFFIXES as TABLES
from banana_pipe.recipe.data import Row, read_table
from banana_pipe.recipe.entries import FIRST_STEPS, names_file
from banana_pipe.recipe.files import Files
from banana_pipe.recipe.references import BadReference
from banana_pipe.recipe.schema import Checked, declared, extended, read_recipe
from banana_pipe.recipe.templates import Templates
from banana_pipe.recipe.variables import read_bytes
from banana_pipe.recipe.words import shortened, suggestion
from banana_pipe.recipe.written import written
from banana_pipe.recipe.yaml import MAX_BYTES, Document, Value, read_yaml
from banana_pipe.regular import open_regular

SUFFIXES = (".yaml", ".yml")
"""Of recipe files that others name."""
MAX_TABLES = 16 * 1024 * 1024
"""Bytes of all tables of one load."""
MAX_FILES = 16
"""Files that extend each other, one after the other."""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    document: Document


class Library:
    """The files of one load: the recipe at *path* and whatever it leads to; mistakes go to *errors*.

    `files` and `templates` know the folder of every file read here, for paths are relative to the
    file that they stand in. `sources` are the files read so far.
    """

    def __init__(self, path: Path, shown: str, allowed: Sequence[Path], errors: list[RecipeError]) -> None:
        self.errors = errors
        self._path = path
        self._shown = shown
        self._root = os.path.realpath(path.parent)
        self._folders: dict[str, Path] = {}
        self._lines: dict[str, Sequence[str]] = {}
        self._sources: dict[Path, Source] = {}
        self._documents: dict[Path, Document] = {}
        self._tables_read: dict[Path, list[Row] | None] = {}
        self._table_bytes = 0
        self.files = Files(path.parent, allowed, self._folders)
        self.templates = Templates(path.parent, os.path.dirname(shown), self._lines, self._folders)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files read so far, in the order in which they were first read."""
        return tuple(self._sources.values())

    def read(self) -> Checked | None:
        """The recipe itself. None where nothing can be made of it. Raises UsageError if there is none."""
        return self._composed(
            _File(self._path, self._document(self._path, read_bytes(self._path, "the recipe", self._shown)))
        )

    def read_other(self, text: Text) -> Checked | None:
        """The recipe in the file that *text* names, with what it extends. None where nothing can be made
        of it. Raises RecipeError, at *text*, where it cannot be read."""
        return self._composed(self._file(text))

    def _file(self, text: Text) -> _File:
        path = self.find(text)
        # A mistake draws its line: of what is no recipe, such as a `.env`, none may be shown.
        if path.suffix.lower() not in SUFFIXES:
            raise RecipeError(
                f"`{shortened(text.value)}` is no recipe", at=text.at, hint="recipes end in .yaml or .yml"
            )
        if path not in self._documents:
            self._document(path, self.bytes_of(path, text, MAX_BYTES))
        return _File(path, self._documents[path])

    def find(self, text: Text) -> Path:
        """The file that *text* names, its links resolved. Raises RecipeError at *text*."""
        try:
            return self.files.find(text.value.strip(), text.at)
        except BadReference as error:
            raise RecipeError(str(error), at=text.at, hint=error.hint) from None

    def bytes_of(self, path: Path, text: Text, most: int) -> bytes:
        """The bytes of *path*, which *text* names: at most one more than *most*. Raises RecipeError at *text*."""
        try:
            with open_regular(path) as stream:
                return stream.read(most + 1)
        except OSError as error:
            message = f"`{shortened(text.value)}` cannot be read: {error.strerror}"
            raise RecipeError(message, at=text.at) from None

    def shown(self, path: Path) -> str:
        """*path*, its links resolved, as messages show it: from where the recipe's own folder is shown."""
        if path == self._path:
            return self._shown
        return os.path.normpath(os.path.join(os.path.dirname(self._shown), os.path.relpath(path, self._root)))

    def _document(self, path: Path, data: bytes) -> Document:
        shown = self.shown(path)
        document = read_yaml(data, shown, self.errors)
        self._documents[path] = document
        self._sources[path] = Source(path, "recipe", digest_of(data))
        self._lines[shown] = document.lines
        self._folders[shown] = path.parent
        return document

    def _tables(self, tables: Mapping[str, Text]) -> dict[str, Json]:
        """The rows of all *tables* that could be read; of the others templates know that they are lost."""
        read = {name: self._table(text) for name, text in tables.items()}
        data: dict[str, Json] = {name: rows for name, rows in read.items() if rows is not None}
        self.templates.lost |= read.keys() - data.keys()
        return data

    def _table(self, text: Text) -> list[Row] | None:
        try:
            path = self.find(text)
            if path in self._tables_read:
                return self._tables_read[path]
            if path.suffix.lower() not in TABLES:
                message = f"`{shortened(text.value)}` is no table: CSV, JSON, JSON lines or YAML"
                raise RecipeError(message, at=text.at, hint=suggestion(path.suffix, TABLES, kind="tables end in"))
            content = self.bytes_of(path, text, MAX_TABLE)
        except RecipeError as error:
            self.errors.append(error)
            return None
        self._sources[path] = Source(path, "data", digest_of(content))
        self._table_bytes += len(content)
        if self._table_bytes > MAX_TABLES:
            message = f"the tables of this recipe have more than {MAX_TABLES >> 20} MiB together"
            self.errors.append(RecipeError(message, at=text.at, hint="leave out what is not used"))
            return None
        rows = self._tables_read[path] = read_table(content, path.suffix, self.shown(path), self.errors)
        return rows

    # --- extends ------------------------------------------------------------------------------

    def _composed(self, file: _File) -> Checked | None:
        family, complete = self._family(file)
        known = declared(one.document for one in family)
        whole = len(family) == 1 and complete
        several = len({one.path.parent for one in family}) > 1
        read = [read_recipe(one.document, one.path, self.errors, known, whole=whole) for one in family]
        checked = [
            self._written(one, file) if several else one
            for one, file in zip(read, family, strict=True)
            if one is not None
        ]
        # What is missing would be complained about wherever it is named: the one mistake is enough.
        if not complete or len(checked) < len(family):
            return None
        for one in checked:
            self.templates.lost |= one.lost
        merged = checked[-1]
        for child in reversed(checked[:-1]):
            merged = _extended(merged, child)
        root = file.document.root
        if not merged.steps and not whole and root is not None and not self.errors:
            self.errors.append(
                RecipeError("there are no steps, here or in what it extends", at=root.at, hint=FIRST_STEPS)
            )
        data = self._tables(merged.tables)
        if several:
            data = {name: written(rows, merged.tables[name].at.path) for name, rows in data.items()}
        return replace(merged, recipe=replace(merged.recipe, data=data))

    def _written(self, checked: Checked, file: _File) -> Checked:
        """*checked* with variables that know their file: in a family of several folders they come to others' steps."""
        shown = self.shown(file.path)
        profiles = {
            name: replace(one, variables=written(one.variables, shown)) for name, one in checked.profiles.items()
        }
        recipe = replace(checked.recipe, variables=written(checked.recipe.variables, shown))
        return replace(checked, recipe=recipe, profiles=profiles)

    def _family(self, file: _File) -> tuple[list[_File], bool]:
        """*file* and those it extends, the nearest first; and whether all of them could be read."""
        family = [file]
        while (value := extended(family[-1].document)) is not None:
            if not names_file(value):
                return family, False
            try:
                family.append(self._parent(value.text, family))
            except RecipeError as error:
                self.errors.append(error)
                return family, False
        return family, True

    def _parent(self, text: Text, family: Sequence[_File]) -> _File:
        path = self.find(text)
        real = [Path(os.path.realpath(one.path)) for one in family]
        if path in real:
            names = " -> ".join([*(self.shown(one.path) for one in family[real.index(path) :]), self.shown(path)])
            hint = "one of them must begin: take its `extends` away"
            raise RecipeError(f"`extends` goes round in a circle: {names}", at=text.at, hint=hint)
        if len(family) == MAX_FILES:
            raise RecipeError(f"more than {MAX_FILES} files extend each other", at=text.at, hint="put some together")
        return self._file(text)


def under(profile: str, checked: Checked) -> Recipe:
    """The recipe as it is under its profile *profile*. Raises UsageError if it has none of that name."""
    chosen = checked.profiles.get(profile)
    if chosen is None:
        hint = suggestion(profile, sorted(checked.profiles), kind="its profiles")
        if not checked.profiles:
            hint = "a recipe's profiles stand in its `profiles`"
        raise UsageError(f"--profile {profile}: the recipe has no profile `{profile}`", hint=hint)
    variables = {**checked.recipe.variables, **chosen.variables}
    return replace(checked.recipe, variables=variables, overrides=chosen.settings)


def _extended(parent: Checked, child: Checked) -> Checked:
    """*child* over what it extends, by name. The name of the recipe is its own."""
    kept = {name: step for name, step in parent.recipe.steps.items() if name not in child.steps}
    recipe = replace(
        child.recipe,
        variables={**parent.recipe.variables, **child.recipe.variables},
        defaults=_over(parent.recipe.defaults, child.recipe.defaults),
        steps={**kept, **child.recipe.steps},
        inputs={**parent.recipe.inputs, **child.recipe.inputs},
    )
    return Checked(
        recipe=recipe,
        steps=tuple(dict.fromkeys((*parent.steps, *child.steps))),
        tables={**parent.tables, **child.tables},
        profiles={**parent.profiles, **child.profiles},
    )


def _over(parent: Mapping[str, Json], child: Mapping[str, Json]) -> dict[str, Json]:
    """Defaults by name, and the fields of `extra` too, as a step's stand over the recipe's."""
    merged = {**parent, **child}
    under, over = parent.get("extra"), child.get("extra")
    if isinstance(under, Value) and isinstance(over, Value):
        merged["extra"] = replace(over, data={**under.data, **over.data}, keys={**under.keys, **over.keys})
    return merged

"""Texts of a recipe are rendered, and what goes wrong in them is shown at its line.

Unaware of steps, axes and references: a scope is a mapping of names to plain values.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Template, meta

from banana_pipe.errors import Location, RecipeError, RecipeErrors
from banana_pipe.model import Json, Source, Text
from banana_pipe.recipe.complaints import SaidElsewhere
from banana_pipe.recipe.entries import is_template
from banana_pipe.recipe.failures import column, in_bare, offset, told, undefined, where
from banana_pipe.recipe.limits import BoundedEnvironment, Missing
from banana_pipe.recipe.measures import MAX_DEPTH, MAX_TEXT, SHORTER, Meter, Refused
from banana_pipe.recipe.partials import Partials
from banana_pipe.recipe.words import quoted, shortened
from banana_pipe.recipe.written import Written, written

Scope = Mapping[str, Any]

MAX_SOURCE = 256 * 1024
"""Letters of a template; partials have the same bound."""
MAX_VALUES = 1_000_000
"""Values in what one expression stands for."""
_RESULT = "result_"
_WORDS_FOR_NO = frozenset(["false", "no", "n", "off", "0", "none", "null"])


@dataclass(frozen=True, slots=True)
class _Compiled:
    template: Template | None
    literal: str
    typed: bool
    """Whether the text is one `{{ expression }}`, compiled so that its value can be read."""


class Templates:
    """Renders texts; their partials are beside the file that they stand in.

    *lines* are those of each file that is read, by its path as messages show it; *folders* has their
    folders likewise. A text that stands in none of them belongs to *folder*.
    """

    def __init__(
        self,
        folder: Path,
        shown_folder: str,
        lines: Mapping[str, Sequence[str]],
        folders: Mapping[str, Path] = MappingProxyType({}),
    ) -> None:
        self._lines = lines
        self._folders = folders
        self._folder = folder
        self._counted = 0, False
        # One for all folders: a hundred files may not take a hundred times as long.
        self._meter = Meter()
        self.lost: set[str] = set()
        """Names that would be defined but for a mistake that is told at its own place."""
        self._inside = {folder: _Inside(folder, shown_folder, lines, self._meter, self.lost)}

    @property
    def sources(self) -> tuple[Source, ...]:
        """The partials read so far, sorted by path."""
        found = {source.path: source for inside in self._inside.values() for source in inside.sources}
        return tuple(found[path] for path in sorted(found))

    def check(self, text: Text) -> None:
        """Raise RecipeError if *text* is no template at all; names are judged when it is rendered."""
        self._of(text).check(text)

    def render(self, text: Text, scope: Scope) -> str:
        """*text* with its names filled in: line ends are LF, outer white space is gone.

        Raises RecipeError (RecipeErrors for several undefined names) at the line of the template.
        """
        return self._of(text).render(text, scope)

    def value(self, text: Text, scope: Scope) -> Json:
        """What *text* stands for: the value itself where it is one `{{ expression }}`, else the text.

        In a recipe of several folders all texts in it know the file that they are written in.
        """
        value = self._of(text).value(text, scope)
        return written(value, text.at.path) if self._several_folders() else value

    def holds(self, text: Text, scope: Scope) -> bool:
        """Whether the condition *text* is true; its braces may be left out. Raises RecipeError.

        A text is true if it is not empty; one that only says so (`no`, `false`) is refused.
        """
        return self._of(text).holds(text, scope)

    def _several_folders(self) -> bool:
        # Files are still being read when the first texts are checked: asked again where there are more.
        if self._counted[0] != len(self._folders):
            self._counted = len(self._folders), len(set(self._folders.values())) > 1
        return self._counted[1]

    def _of(self, text: Text) -> _Inside:
        folder = self._folders.get(text.at.path, self._folder)
        found = self._inside.get(folder)
        if found is None:
            found = self._inside[folder] = _Inside(
                folder, os.path.dirname(text.at.path), self._lines, self._meter, self.lost
            )
        return found


class _Inside:
    """Compiles each distinct text of one folder's files once, and reads the partials there."""

    def __init__(
        self, folder: Path, shown_folder: str, lines: Mapping[str, Sequence[str]], meter: Meter, lost: AbstractSet[str]
    ) -> None:
        self._lost = lost
        self._partials = Partials(folder, shown_folder)
        self._environment = BoundedEnvironment(self._partials, meter)
        self._lines = lines
        self._texts: dict[str, _Compiled | Exception] = {}
        self._values: dict[str, _Compiled | Exception] = {}

    @property
    def sources(self) -> Iterable[Source]:
        return self._partials.sources.values()

    def check(self, text: Text) -> None:
        self._compiled(text, self._texts, typed=False)

    def render(self, text: Text, scope: Scope) -> str:
        compiled = self._compiled(text, self._texts, typed=False)
        if compiled.template is None:
            return compiled.literal
        self._environment.begin()
        try:
            return _tidy(compiled.template.render(scope))
        except Exception as error:  # noqa: BLE001 - a template may raise anything; all of it is its author's
            raise self._explain(error, text, scope) from None

    def value(self, text: Text, scope: Scope) -> Json:
        compiled = self._compiled(text, self._values, typed=True)
        if compiled.template is None:
            return compiled.literal
        if not compiled.typed:
            return self.render(text, scope)
        self._environment.begin()
        try:
            return _plain(self._evaluate(compiled.template, scope))
        except Exception as error:  # noqa: BLE001 - as above
            raise self._explain(error, text, scope) from None

    def holds(self, text: Text, scope: Scope) -> bool:
        whole = text if is_template(text.value) else replace(text, value=f"{{{{ {text.value} }}}}")
        try:
            typed = self._compiled(whole, self._values, typed=True).typed
            value = self.value(whole, scope)
        except RecipeError as error:
            if whole is text or isinstance(error, SaidElsewhere):
                raise
            raise in_bare(text, error) from None
        if not typed:
            hint = "leave the braces out: `when: color == 'teal' and size > 3`"
            raise RecipeError("`when` is one expression, not a text with expressions in it", at=text.at, hint=hint)
        if isinstance(value, str) and value.strip().casefold() in _WORDS_FOR_NO:
            hint = f"compare it, as in `{_inner(text.value)} != {quoted(value)}`"
            raise RecipeError(
                f"`when` is the text {quoted(value)} here, and a text is no answer", at=text.at, hint=hint
            )
        return bool(value)

    def _evaluate(self, template: Template, scope: Scope) -> Any:
        context = template.new_context(dict(scope))
        try:
            for _ in template.root_render_func(context):
                pass
        except Exception:  # noqa: BLE001 - raised again, with the lines of the template
            self._environment.handle_exception()
        return context.vars[_RESULT]

    def _compiled(self, text: Text, cache: dict[str, _Compiled | Exception], *, typed: bool) -> _Compiled:
        found = cache.get(text.value)
        if found is None:
            try:
                found = self._compile(text.value, typed=typed)
            except Exception as error:  # noqa: BLE001 - as above
                found = error
            cache[text.value] = found
        if isinstance(found, Exception):
            raise self._explain(found, text, {})
        return found

    def _compile(self, text: str, *, typed: bool) -> _Compiled:
        if not is_template(text):
            return _Compiled(None, _tidy(text), False)
        if len(text) > MAX_SOURCE:
            raise Refused("this template is longer than 256 KiB", "move parts of it to prompts/ and include them")
        expression = self._expression(text.strip()) if typed else None
        if expression is not None:
            return _Compiled(self._environment.from_string(expression), "", True)
        return _Compiled(self._environment.from_string(text), "", False)

    def _expression(self, text: str) -> str | None:
        """A template that sets the value of *text*'s one expression; None if it is not just one."""
        tokens = list(self._environment.lex(text))
        begins = [token for token in tokens if token[1] == "variable_begin"]
        if len(begins) != 1 or tokens[0][1] != "variable_begin" or tokens[-1][1] != "variable_end":
            return None
        inner = text[len(tokens[0][2]) : len(text) - len(tokens[-1][2])]
        return f"{{% set {_RESULT} = {inner} %}}"

    # --- what went wrong, and where ---------------------------------------------------------

    def _explain(self, error: Exception, text: Text, scope: Scope) -> RecipeError:
        file, line = where(error, self._partials.lines)
        one = told(error, scope, self._environment)
        if file is not None:
            if one.undefined in self._lost:
                return SaidElsewhere(f"what `{one.undefined}` would be is told elsewhere")
            return RecipeError(one.message, at=self._in_partial(file, line, one.word), hint=one.hint)
        if one.undefined is not None:
            missing = (self._undefined(text.value, scope) or {one.undefined}) - self._lost
            if not missing:
                return SaidElsewhere(f"what `{one.undefined}` would be is told elsewhere")
            found = [undefined(name, scope, at=self._in_recipe(text, line, name)) for name in sorted(missing)]
            return found[0] if len(found) == 1 else RecipeErrors(found)
        return RecipeError(one.message, at=self._in_recipe(text, line, one.word), hint=one.hint)

    def _undefined(self, text: str, scope: Scope) -> set[str]:
        """All names that the text uses and nobody defines, so that they can be told at once."""
        return meta.find_undeclared_variables(self._environment.parse(text)) - set(scope)

    def _in_partial(self, path: str, line: int, word: str | None) -> Location:
        lines = self._partials.lines[path]
        source = lines[line - 1] if 0 < line <= len(lines) else ""
        return Location(path, line, column(source, word) + 1, source)

    def _in_recipe(self, text: Text, line: int, word: str | None) -> Location:
        lines = self._lines.get(text.at.path, ())
        row, start = text.at.line - 1, text.at.column - 1
        if row >= len(lines):
            return text.at
        if text.block and lines[row][start : start + 1] == "|":
            row = min(row + line, len(lines) - 1)
            return Location(text.at.path, row + 1, column(lines[row], word) + 1, lines[row])
        # Folded and quoted texts have lost their lines: look for the word from their beginning on.
        rest = "\n".join([lines[row][start:], *lines[row + 1 : row + 1 + text.value.count("\n") + 200]])
        found = offset(rest, word)
        down = rest.count("\n", 0, found)
        across = found - (rest.rfind("\n", 0, found) + 1) + (start if down == 0 else 0)
        return Location(text.at.path, row + down + 1, across + 1, lines[row + down])


def _inner(text: str) -> str:
    """A condition without its braces, for a hint."""
    return shortened(text.strip().removeprefix("{{").removesuffix("}}").strip(), 40)


def _tidy(text: str) -> str:
    tidy = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    # A character is at most four bytes.
    if len(tidy) > MAX_TEXT // 4 and len(tidy.encode("utf-8", "surrogatepass")) > MAX_TEXT:
        raise Refused("this text is longer than 32 KiB", SHORTER)
    if not tidy.isascii() and any("\ud800" <= character <= "\udfff" for character in tidy):
        raise Refused("this text has half a character (a lone surrogate) in it")
    return tidy


def _plain(value: Any) -> Json:
    """*value* as plain data. Raises Refused for what is none, or too much."""
    room = iter(range(MAX_VALUES))

    def plain(value: Any, depth: int) -> Json:
        if next(room, None) is None or depth > MAX_DEPTH:
            raise Refused("this value is too large" if depth <= MAX_DEPTH else "this value is too deep")
        if isinstance(value, Missing):
            str(value)
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, str):
            return value if isinstance(value, Written) else str(value)
        if isinstance(value, float) and math.isfinite(value):
            return value
        if isinstance(value, dict):
            if not all(isinstance(name, str) for name in value):
                raise Refused("the keys of this mapping are not all text")
            return {str(name): plain(inner, depth + 1) for name, inner in value.items()}
        if isinstance(value, list | tuple) or hasattr(value, "__next__"):
            return [plain(inner, depth + 1) for inner in value]
        raise Refused("this is no text, number, list or mapping")

    return plain(value, 0)

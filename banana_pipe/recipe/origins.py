"""Where the words of a prompt stand: in which variable, table, partial or line of a recipe.

Unaware of how prompts are rendered, and of why somebody asks.

Words are looked for as they stand. What a filter or an expression has made stands nowhere, and is
said so: a guess would be believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from banana_pipe.model import Graph, Json, Node, Recipe, Step
from banana_pipe.recipe.yaml import walk
from banana_pipe.regular import read_regular

_WORD = re.compile(r"(?:\w+|[^\w\s]+)\s*")
_REMARK = re.compile(r"(?:^|\s)# .*$|^\s*#.*$")
_MOST_CONTEXT = 6


@dataclass(frozen=True, slots=True)
class Origin:
    """Words of a prompt and where they stand; `what` is None where they stand nowhere as they are.

    `others` is how many more places have the same words.
    """

    words: str
    what: str | None
    path: Path | None = None
    line: int | None = None
    others: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    path: Path
    number: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A text in a variable or a table: its path, the names of the rows around it, and the recipe that has it."""

    name: str
    text: str
    rows: frozenset[str]
    file: Path
    by: str = ""
    """Who gave it, where that was not the recipe."""


def words_of(text: str) -> list[str]:
    """*text* in words and signs, each with the white space behind it: joined, they are *text*."""
    lead = text[: len(text) - len(text.lstrip())]
    return ([lead] if lead else []) + _WORD.findall(text)


class Origins:
    """The texts that made a graph. *given* are the variables that the command line set."""

    def __init__(self, graph: Graph, given: Iterable[str] = ()) -> None:
        self._recipe = graph.recipe
        self._lines = [line for source in graph.sources for line in _lines(source.path, source.kind)]
        self._partials = [line.text for line in self._lines if line.kind == "prompt"]
        self._given = frozenset(given)
        self._by_step: dict[str, list[_Leaf]] = {}

    def of(self, node: Node, words: Sequence[str], start: int, end: int) -> Iterator[Origin]:
        """Where the words from *start* to *end* (exclusive) of *node*'s prompt, *words*, come from."""
        lost = ""
        while start < end:
            stop = next((stop for stop in range(end, start, -1) if self._stands(node, words[start:stop])), None)
            if stop is None:
                lost, start = lost + words[start], start + 1
                continue
            if lost.strip():
                yield Origin(_squeezed([lost]), None)
            lost = ""
            yield self._origin(node, words, start, stop)
            start = stop
        if lost.strip():
            yield Origin(_squeezed([lost]), None)

    def _leaves(self, node: Node) -> list[_Leaf]:
        """The texts that can have come into *node*'s prompt: what its step or a partial names, in its own recipe."""
        if node.step not in self._by_step:
            step = self._recipe.steps[node.step]
            said = " ".join([*_said(step, self._recipe), *self._partials])
            scopes = _scopes(step, self._recipe, self._given)
            self._by_step[node.step] = [
                leaf
                for scope, file, given in scopes
                for name, value in scope.items()
                if _has(said, name)
                for leaf in _leaves(name, value, file, " (--set)" if name in given else "")
            ]
        return self._by_step[node.step]

    def _stands(self, node: Node, words: Sequence[str]) -> bool:
        phrase = _squeezed(words)
        # A lone sign stands everywhere.
        worth = any(letter.isalnum() for letter in phrase)
        return worth and (any(_has(leaf.text, phrase) for leaf in self._leaves(node)) or bool(self._with(phrase)))

    def _origin(self, node: Node, words: Sequence[str], start: int, stop: int) -> Origin:
        phrase = _squeezed(words[start:stop])
        leaf = self._leaf(node, phrase)
        lines = self._with(phrase)
        if leaf is None:
            lines = self._narrowed(lines, words, start, stop)
            prompt = self._recipe.steps[node.step].prompt.at.line
            file = _file(self._recipe.steps[node.step])
        else:
            key = leaf.name.rpartition(".")[2]
            file, prompt = leaf.file, 0
            lines = [line for line in lines if line.text.startswith((f"{key}:", f"- {key}:"))] or lines
        # The same words may stand elsewhere too: the recipe that means them comes first, and there the prompt.
        at = min(lines, key=lambda line: (line.path != file, line.number < prompt), default=None)
        what = _leaf_words(leaf, node) if leaf else _line_words(at)
        return Origin(phrase, what, at.path if at else None, at.number if at else None, max(0, len(lines) - 1))

    def _leaf(self, node: Node, phrase: str) -> _Leaf | None:
        found = [leaf for leaf in self._leaves(node) if _has(leaf.text, phrase)]
        names = {name for _, name in node.axes}
        ours = [leaf for leaf in found if leaf.rows & names]
        return next(iter(ours or [leaf for leaf in found if not leaf.rows] or found), None)

    def _with(self, phrase: str) -> list[_Line]:
        return [line for line in self._lines if _has(line.text, phrase)]

    def _narrowed(self, lines: list[_Line], words: Sequence[str], start: int, stop: int) -> list[_Line]:
        """Those of *lines* that have the words around it too, as far as any has."""
        for _ in range(_MOST_CONTEXT):
            if len(lines) < 2:
                break
            for wider in ((max(0, start - 1), stop), (start, min(len(words), stop + 1))):
                closer = [line for line in lines if _has(line.text, _squeezed(words[slice(*wider)]))]
                if closer:
                    lines, (start, stop) = closer, wider
        return lines


def _file(step: Step) -> Path:
    """The recipe file that *step* stands in."""
    return step.folder / Path(step.at.path).name


def _said(step: Step, recipe: Recipe) -> Iterator[str]:
    """The texts that can bring variables into the prompt: its own, and those of axes and of who uses the recipe."""
    current: Step | None = step
    while current is not None:
        yield current.prompt.value
        for value in (*current.matrix.values(), *current.chain.values(), *current.given.values()):
            yield from (inner.data for inner in walk(value) if isinstance(inner.data, str))
        current = recipe.steps.get(current.parent)


def _scopes(
    step: Step, recipe: Recipe, given: frozenset[str]
) -> Iterator[tuple[Mapping[str, Json], Path, frozenset[str]]]:
    """The variables and tables that *step* may mean, its own recipe's first: with the file, and what `--set` gave."""
    while step.part:
        part = recipe.parts[step.part]
        yield {name: value for name, value in part.scope.items() if name not in part.given}, _file(step), frozenset()
        step = recipe.steps[step.part]
    yield recipe.scope, _file(step), given


def _leaves(name: str, value: Json, file: Path, by: str, rows: frozenset[str] = frozenset()) -> Iterator[_Leaf]:
    if isinstance(value, Mapping):
        own = {str(value[column]) for column in ("id", "name") if column in value}
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}", inner, file, by, rows | own | {key})
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            found = rows | {inner} if isinstance(inner, str) else rows
            yield from _leaves(f"{name}[{place}]", inner, file, by, found)
    elif value is not None:
        yield _Leaf(name, _squeezed([str(value)]), rows, file, by)


def _lines(path: Path, kind: str) -> Iterator[_Line]:
    try:
        text = read_regular(path).decode("utf-8-sig", "replace")
    except OSError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        told = _REMARK.sub("", line) if kind in ("recipe", "vars") else line
        yield _Line(path, number, kind, _squeezed([told]))


def _squeezed(words: Sequence[str]) -> str:
    return " ".join("".join(words).split())


def _has(text: str, phrase: str) -> bool:
    """Whether *phrase* stands in *text* and begins and ends with whole words."""
    at = text.find(phrase)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(phrase) :][:1]
        inside = (before.isalnum() and phrase[0].isalnum()) or (after.isalnum() and phrase[-1].isalnum())
        if not inside:
            return True
        at = text.find(phrase, at + 1)
    return False


def _leaf_words(leaf: _Leaf, node: Node) -> str:
    axes = [f"{axis}={name}" for axis, name in node.axes if name in leaf.rows]
    return f"`{leaf.name}`{leaf.by}" + (f", axis {axes[0]}" if axes else "")


def _line_words(line: _Line | None) -> str | None:
    kinds = {"recipe": "the recipe", "prompt": "partial", "vars": "variables", "data": "table"}
    if line is None:
        return None
    return kinds[line.kind] if line.kind == "recipe" else f"{kinds[line.kind]} {line.path.name}"

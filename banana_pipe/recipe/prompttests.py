"""What a recipe's prompts must say, and must not: its test file is read, and its prompts are held against it.

Unaware of requests, and of who asks: prompts are texts here, as they would be sent.

Texts are looked for whatever their case, and white space of any length is one space: prompts are broken into lines
where that is convenient. Two things are looked for without being asked: braces that nothing has rendered, and two spaces
in a row, which is what a variable leaves that has nothing in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from banana_pipe.errors import Location, RecipeError, RecipeErrors, UsageError
from banana_pipe.model import Graph, Node, Text
from banana_pipe.recipe import keys
from banana_pipe.recipe.entries import Entries, is_template, kind_of
from banana_pipe.recipe.origins import Origin, Origins, words_of
from banana_pipe.recipe.references import BadReference, parse_node
from banana_pipe.recipe.select import select
from banana_pipe.recipe.variables import read_bytes
from banana_pipe.recipe.words import shortened
from banana_pipe.recipe.yaml import Value, read_yaml

MARK = ".test"
"""Before a test file's suffix: `shop.test.yaml` is that of `shop.yaml`."""
_SUFFIXES = (".yaml", ".yml")
_BRACES = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
_SPACES = re.compile(r"(?<=\S) {2,}(?=\S)")
_AROUND = 24
MAX_LOOKS = 20_000_000
"""At a text in a prompt, for each KiB of it, and at a node for its name: ten seconds or so, whoever wrote the tests."""
Rule = Literal["braces", "spaces", "contains", "lacks", "min_length", "max_length"]


@dataclass(frozen=True, slots=True)
class Length:
    """A number of characters, and where it stands."""

    value: int
    at: Location


@dataclass(frozen=True, slots=True)
class PromptTest:
    """What the prompts of some nodes must say; without `node`, those of all."""

    node: Text | None
    contains: tuple[Text, ...]
    lacks: tuple[Text, ...]
    min_length: Length | None
    max_length: Length | None

    @property
    def at(self) -> Location:
        """Where the first thing that it says stands."""
        said = (self.node, *self.contains, *self.lacks, self.min_length, self.max_length)
        return min(one.at for one in said if one is not None)


@dataclass(frozen=True, slots=True)
class PromptTests:
    """A test file. `double_spaces`: they are meant."""

    path: Path
    tests: tuple[PromptTest, ...]
    double_spaces: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """A prompt that is not as it must be: by which rule, what is wrong, and where all of that stands.

    `at` is the rule's place in the test file, None for one that always holds; `prompt` is that of the prompt in its
    recipe, `found` says where the words come from that are wrong, where that is known: of the first prompt alone that fails
    by one rule at one place.
    """

    node: str
    rule: Rule
    message: str
    at: Location | None
    prompt: Location
    found: Origin | None = None

    @property
    def place(self) -> tuple[Rule, Location]:
        """What is one mistake with it: the same rule at the same place."""
        return self.rule, self.at or self.prompt


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the prompts of a recipe stood their tests."""

    path: Path | None
    """The test file; None where there is none."""
    tests: int
    prompts: int
    failures: tuple[Failure, ...]


def recipe_of(path: Path) -> Path | None:
    """The recipe whose test file *path* is by its name; None for any other name."""
    stem, suffix = path.stem, path.suffix
    if suffix not in _SUFFIXES or not stem.endswith(MARK) or stem == MARK:
        return None
    beside = [path.with_name(stem.removesuffix(MARK) + one) for one in (suffix, *_SUFFIXES)]
    return next((one for one in beside if one.exists()), beside[0])


def file_beside(recipe: Path) -> Path | None:
    """The test file beside *recipe*; None where there is none."""
    suffixes = dict.fromkeys((recipe.suffix, *_SUFFIXES))
    beside = (recipe.with_name(recipe.stem + MARK + suffix) for suffix in suffixes)
    return next((one for one in beside if os.path.lexists(one)), None)


def read_tests(path: Path) -> PromptTests:
    """The tests in the file *path*. Raises RecipeErrors with all its mistakes, UsageError where it cannot be read."""
    if os.path.dirname(os.path.realpath(path)) != os.path.realpath(path.parent):
        raise UsageError(f"{path} is a link that leads elsewhere", hint="a test file stands beside its recipe")
    errors: list[RecipeError] = []
    root = read_yaml(read_bytes(path, "the test file"), str(path), errors).root
    tests = _Reader(errors).whole(path, root) if root is not None else None
    if tests is None and not errors:
        errors.append(RecipeError("the test file is empty", at=Location(str(path), 1, 1), hint=_EXAMPLE))
    if errors or tests is None:
        raise RecipeErrors(errors)
    return tests


_EXAMPLE = "for example `prompts: [{node: hero, contains: blue scarf, max_length: 800}]`"


class _Reader(Entries):
    def whole(self, path: Path, root: Value) -> PromptTests | None:
        entries = self.mapping(root, "the test file", keys.names(keys.TEST_FILE))
        if entries is None:
            return None
        version = entries.get("version")
        if version is not None and version.data != 1:
            self.wrong("`version` is 1", version, hint="write `version: 1`")
        spaces = entries.get("double_spaces")
        if spaces is not None and not isinstance(spaces.data, bool):
            self.wrong(
                f"`double_spaces` is `true` or `false`, not {kind_of(spaces)}", spaces, hint="`true`: they are meant"
            )
        listed = entries.get("prompts")
        if listed is not None and not isinstance(listed.data, list):
            self.wrong(f"`prompts` is a list, not {kind_of(listed)}", listed, hint=_EXAMPLE)
            return None
        tests = [self.test(one) for one in (listed.data if listed is not None else ())]
        return PromptTests(path, tuple(one for one in tests if one), bool(spaces is not None and spaces.data))

    def test(self, value: Value) -> PromptTest | None:
        entries = self.mapping(value, "a test", keys.names(keys.PROMPT_TEST))
        if entries is None:
            return None
        if not value.data.keys() - {"node"}:
            hint = "for example `contains: blue scarf`, `lacks: logo`, `max_length: 800`"
            self.wrong("a test says what a prompt must be", value, hint=hint)
        node = self.text(entries.get("node"), "node")
        shortest, longest = (self.length(entries.get(key), key) for key in ("min_length", "max_length"))
        if shortest and longest and shortest.value > longest.value:
            message = f"no text has at least {shortest.value} and at most {longest.value} characters"
            self.errors.append(RecipeError(message, at=longest.at, hint="exchange the two"))
        contains, lacks = (tuple(self.texts(entries.get(key), key)) for key in ("contains", "lacks"))
        return PromptTest(node, contains, lacks, shortest, longest)

    def texts(self, value: Value | None, key: str) -> Iterator[Text]:
        if value is None:
            return
        if isinstance(value.data, list) and not value.data:
            self.wrong(f"`{key}` is empty", value, hint="name some words, or leave the key out")
        for one in value.data if isinstance(value.data, list) else [value]:
            text = self.text(one, key, cut=True)
            if text is None:
                continue
            if is_template(text.value):
                hint = "prompts are tested as they would be sent, with every value in its place"
                self.errors.append(RecipeError(f"`{key}` is no template", at=text.at, hint=hint))
            elif not text.value.strip():
                self.errors.append(RecipeError(f"`{key}` is empty", at=text.at, hint="name some words"))
            else:
                yield text

    def length(self, value: Value | None, key: str) -> Length | None:
        if value is None or value.style == "broken":
            return None
        if type(value.data) is not int or value.data < 1:
            self.wrong(f"`{key}` is a number of characters, at least 1", value, hint=f"for example `{key}: 800`")
            return None
        return Length(value.data, value.at)


def held(graph: Graph, tests: PromptTests | None, given: Iterable[str] = ()) -> Verdict:
    """Hold every prompt of *graph* against *tests*, and against what always holds; *given* is what `--set` gave.

    Raises RecipeErrors for tests of nodes that there are not, and where it would take too long.
    """
    asking = [node for node in graph if not node.is_local]
    patience = _Patience()
    judge = _Judge(graph, given, patience)
    failures = [one for node in asking for one in judge.always(node, spaces=tests is None or not tests.double_spaces)]
    for test, nodes in _meant(graph, tests.tests if tests else (), asking, patience):
        failures += [one for node in nodes for one in judge.asked(node, test)]
    return Verdict(tests.path if tests else None, len(tests.tests) if tests else 0, len(asking), tuple(failures))


@dataclass(slots=True)
class _Patience:
    """Counts looks."""

    looks: int = 0

    def spend(self, looks: int, test: PromptTest) -> None:
        """Raise RecipeErrors where it becomes too much."""
        self.looks += looks
        if self.looks > MAX_LOOKS:
            message = "so many tests of so many prompts do not come to an end in reasonable time"
            hint = "say whose prompts a test is about, by the whole name: `node: glaze[color=teal]`"
            raise RecipeErrors([RecipeError(message, at=test.at, hint=hint)])


def _meant(
    graph: Graph, tests: Sequence[PromptTest], asking: list[Node], patience: _Patience
) -> list[tuple[PromptTest, list[Node]]]:
    found: list[tuple[PromptTest, list[Node]]] = []
    errors: list[RecipeError] = []
    for test in tests:
        if test.node is None:
            found.append((test, asking))
            continue
        exact = graph.nodes.get(test.node.value)
        if exact is not None and not exact.is_local:
            found.append((test, [exact]))
            continue
        patience.spend(len(graph), test)
        try:
            found.append((test, _with_prompt(graph, test.node.value)))
        except UsageError as error:
            errors.append(RecipeError(error.message, at=test.node.at, hint=error.hint))
    if errors:
        raise RecipeErrors(errors)
    return found


def _with_prompt(graph: Graph, text: str) -> list[Node]:
    """The nodes that *text* means and that have a prompt. Raises UsageError where there is none."""
    nodes = [node for node, _ in select(graph, text)]
    try:
        wanted = parse_node(text)
    except BadReference:  # `select` would have said so
        wanted = None
    if wanted is not None and wanted.sample is not None:
        raise UsageError(f"`{text}` is a take, and all takes have one prompt", hint="name the node")
    asking = [node for node in nodes if not node.is_local]
    if not asking:
        raise UsageError(f"`{text}` is made here, without a prompt", hint="name a step with `generate` or `edit`")
    return asking


class _Judge:
    def __init__(self, graph: Graph, given: Iterable[str], patience: _Patience) -> None:
        self._graph = graph
        self._given = tuple(given)
        self._patience = patience
        self._origins: Origins | None = None
        self._folded: dict[str, str] = {}
        self._told: set[tuple[Rule, Location]] = set()

    def always(self, node: Node, *, spaces: bool) -> Iterator[Failure]:
        braces = _BRACES.search(node.prompt)
        if braces:
            message = f"`{node.id}` has braces that nothing has rendered: {_around(node.prompt, *braces.span())}"
            yield self._failure(node, "braces", message, None, braces.span())
        if spaces and (gap := _SPACES.search(node.prompt)):
            message = f"`{node.id}` has two spaces in a row: {_around(node.prompt, *gap.span())}"
            yield self._failure(node, "spaces", message, None, None)

    def asked(self, node: Node, test: PromptTest) -> Iterator[Failure]:
        prompt = f" {self._once(node.prompt)} "
        self._patience.spend((1 + len(test.contains) + len(test.lacks)) * (1 + len(prompt) // 1024), test)
        for text in test.contains:
            if self._once(text.value) not in prompt:
                yield self._failure(node, "contains", f"`{node.id}` does not say {_said(text)}", text.at, None)
        for text in test.lacks:
            if self._once(text.value) in prompt:
                where = _span(node.prompt, text.value)
                yield self._failure(node, "lacks", f"`{node.id}` says {_said(text)}", text.at, where)
        length = len(node.prompt)
        if test.min_length and length < test.min_length.value:
            few = f"`{node.id}` has {length} characters, {test.min_length.value - length} too few"
            yield self._failure(node, "min_length", few, test.min_length.at, None)
        if test.max_length and length > test.max_length.value:
            many = f"`{node.id}` has {length} characters, {length - test.max_length.value} too many"
            yield self._failure(node, "max_length", many, test.max_length.at, None)

    def _once(self, text: str) -> str:
        """*text*, folded once: each test is held against every prompt."""
        if text not in self._folded:
            self._folded[text] = _folded(text)
        return self._folded[text]

    def _failure(
        self, node: Node, rule: Rule, message: str, at: Location | None, where: tuple[int, int] | None
    ) -> Failure:
        """*where* in the prompt the words stand that are wrong: looked for once, since the others are told with the first."""
        failure = Failure(node.id, rule, message, at, self._graph.recipe.steps[node.step].prompt.at)
        if where is None or failure.place in self._told:
            return failure
        self._told.add(failure.place)
        return replace(failure, found=self._stands(node, *where))

    def _stands(self, node: Node, start: int, end: int) -> Origin | None:
        """Where what stands between *start* and *end* of *node*'s prompt comes from; None where nobody can say."""
        if self._origins is None:
            self._origins = Origins(self._graph, self._given)
        words = words_of(node.prompt)
        first, last, length = 0, 0, 0
        for place, word in enumerate(words):
            if length <= start:
                first = place
            if length < end:
                last = place
            length += len(word)
        # A sign alone stands everywhere: the word beside it says which one is meant.
        if not any(letter.isalnum() for letter in "".join(words[first : last + 1])):
            last = min(last + 1, len(words) - 1)
        origins = list(self._origins.of(node, words, first, last + 1))
        return origins[0] if len(origins) == 1 and origins[0].what is not None else None


def _folded(text: str) -> str:
    """Spaces at its ends count, as they hold whole words apart; lines' ends there are YAML's."""
    return re.sub(r"\s+", " ", text.strip("\r\n")).casefold()


def _span(prompt: str, text: str) -> tuple[int, int]:
    """Where *text* stands in *prompt*, however its white space and its case are."""
    pattern = r"\s+".join(re.escape(word) for word in text.split())
    found = re.search(pattern, prompt, re.IGNORECASE)
    return found.span() if found else (0, len(prompt))


def _said(text: Text) -> str:
    return f"`{shortened(text.value)}`"


def _around(prompt: str, start: int, end: int) -> str:
    """What stands there, with a little of what is beside it; spaces are shown as they are."""
    before, after = prompt[:start].rpartition("\n")[2], prompt[end:].partition("\n")[0]
    left = ("…" if len(before) > _AROUND else "") + before[-_AROUND:]
    right = after[:_AROUND] + ("…" if len(after) > _AROUND else "")
    return f"`{left}{prompt[start:end]}{right}`"


def by_place(failures: Iterable[Failure]) -> list[list[Failure]]:
    """*failures*, those of one rule together: a word too much in a partial is one mistake, not a thousand."""
    found: dict[tuple[Rule, Location], list[Failure]] = {}
    for one in failures:
        found.setdefault(one.place, []).append(one)
    return list(found.values())

"""YAML text becomes values that know their places, by the rules of YAML 1.2 and a few stricter ones.

Unaware of what a recipe is.

PyYAML's C parser composes the nodes; scalars are resolved here, because its own rules read `16:9`
as the number 969 and `no` as false. Whole numbers, `true`, `false` and `null` have types; all else
is text as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import yaml

from banana_pipe.errors import MAX_DRAWN_LINE, Location, RecipeError
from banana_pipe.model import Json, Text
from banana_pipe.recipe.syntax import syntax_error
from banana_pipe.recipe.words import quoted, shortened

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_ALIASES = 100
MAX_ALIASED_VALUES = 10_000
"""Values that aliases may stand for, all in all: 100 aliases of aliases can be 2**50 values."""
SAFE_BRACKETS = 500
"""So many nested brackets are no danger to the stack of the C parser, which recurses."""

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_NUMBER = re.compile(r"(?:0|-?[1-9][0-9]{0,17})\Z")
_CONSTANTS: Mapping[str, Json] = {"true": True, "false": False, "null": None, "": None}
_COMMENT = re.compile(r"[ \t]+#")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_DEEP_INDENT = re.compile(r"^[ \t?:-]{250}", re.MULTILINE)
_UNTAGGED = "untagged"

Style = Literal["plain", "quoted", "block", "tree", "broken"]


@dataclass(frozen=True, slots=True)
class Value:
    """A value and where it stands. Lists hold Values; mappings too, by text, with `keys`' places.

    A `broken` value has been complained about already; whoever meets one says nothing more.
    """

    data: Any
    at: Location
    style: Style
    raw: str = ""
    """A scalar as it was written, without quotes."""
    cut: bool = False
    """Whether a comment stands behind an unquoted scalar on the same line."""
    keys: Mapping[str, Location] = field(default_factory=dict)

    @property
    def text(self) -> Text:
        """This text with its place, as the model has it."""
        return Text(self.data, self.at, self.style == "block")


@dataclass(frozen=True, slots=True)
class Document:
    """A file of YAML: how its path is shown, its lines, and its one value."""

    path: str
    lines: Sequence[str]
    root: Value | None


def plain(value: Value) -> Json:
    """The value as plain data, without places."""
    if isinstance(value.data, dict):
        return {name: plain(inner) for name, inner in value.data.items()}
    if isinstance(value.data, list):
        return [plain(inner) for inner in value.data]
    return value.data


def refuse_cuts(value: Value, what: str, errors: list[RecipeError]) -> None:
    """Complain about comments behind unquoted scalars in *value*: `#ff0000` may be one by accident."""
    for inner in walk(value):
        if inner.cut:
            whole = inner.at.source[inner.at.column - 1 :].strip() if inner.at.source else inner.raw
            hint = f"quote the text: {quoted(whole)}; or move the comment to a line of its own"
            message = f"what stands behind ` #` is a comment, and would be lost from {what}"
            errors.append(RecipeError(message, at=inner.at, hint=hint))


def walk(value: Value) -> Iterator[Value]:
    """The value and all values inside it."""
    yield value
    if isinstance(value.data, dict | list):
        for inner in value.data.values() if isinstance(value.data, dict) else value.data:
            yield from walk(inner)


def split_lines(text: str) -> list[str]:
    """The lines as the YAML parser counts them."""
    return _BREAK.split(text)


def read_yaml(data: bytes, path: str, errors: list[RecipeError]) -> Document:
    """The document in *data*; whatever is wrong with it goes to *errors*, never anywhere else.

    `root` is None where the text could not be read at all.
    """
    if len(data) > MAX_BYTES:
        hint = "move long texts to prompts/ and include them, or split the recipe"
        errors.append(RecipeError("the file is larger than 1 MiB", at=Location(path, 1, 1), hint=hint))
        return Document(path, (), None)
    text = decode(data, path, errors, "YAML")
    if text is None:
        return Document(path, (), None)
    lines = split_lines(text)
    try:
        root = _Builder(path, lines, errors).read(text)
    except yaml.YAMLError as error:
        errors.append(syntax_error(error, partial(place, path, lines)))
        root = None
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        errors.append(RecipeError(f"this cannot be read as YAML: {error}", at=place(path, lines, 0, 0)))
        root = None
    return Document(path, lines, root)


def decode(data: bytes, path: str, errors: list[RecipeError], what: str) -> str | None:
    """The text in *data*, which is *what*, without a byte order mark. None, and an error, where it is none."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = data[: error.start].decode("utf-8", "replace")
        lines = split_lines(start)
        at = Location(path, len(lines), len(lines[-1]) + 1)
        utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        message = "the file is UTF-16, not UTF-8" if utf16 else f"byte 0x{data[error.start]:02x} is not UTF-8"
        errors.append(RecipeError(message, at=at, hint="save the file as UTF-8"))
        return None
    found = _UNPRINTABLE.search(text)
    if found:
        lines = split_lines(text[: found.start()])
        at = place(path, split_lines(text), len(lines) - 1, len(lines[-1]))
        hint = (
            f'remove it, or write it as an escape in double quotes: "\\u{ord(found.group()):04x}"'
            if what == "YAML"
            else "remove it"
        )
        errors.append(RecipeError(f"character U+{ord(found.group()):04X} cannot stand in {what}", at=at, hint=hint))
        return None
    return text


class _Loader(yaml.CSafeLoader):
    """Leaves tags as they were written: none is made from how a scalar looks."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:  # noqa: ARG002 - PyYAML's signature
        return _UNTAGGED


@dataclass(frozen=True, slots=True)
class _Built:
    value: Value
    size: int
    height: int


class _Builder:
    """Turns composed nodes into Values; every node once, however many aliases it has."""

    def __init__(self, path: str, lines: Sequence[str], errors: list[RecipeError]) -> None:
        self.path = path
        self.lines = lines
        self.errors = errors
        self.built: dict[int, _Built | None] = {}
        self.aliases = 0
        self.aliased = 0
        self.anchors: dict[int, str] = {}
        """Anchors of unquoted texts that no alias uses, by where they begin: probably texts themselves."""

    def read(self, text: str) -> Value | None:
        if text.count("[") + text.count("{") > SAFE_BRACKETS or _DEEP_INDENT.search(text):
            self.check_depth(text)
        if "&" in text:
            self.anchors = _lost_anchors(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        if node is None:
            return None
        return self.build(node, 1).value

    def check_depth(self, text: str) -> None:
        """Look at the events first: composing recurses in C, and `[` a million times is a crash."""
        loader = _Loader(text)
        depth = 0
        try:
            while loader.check_event():
                event = loader.get_event()
                if isinstance(event, yaml.CollectionStartEvent):
                    depth += 1
                    if depth > MAX_DEPTH:
                        raise _refusal("too deep", event)
                elif isinstance(event, yaml.CollectionEndEvent):
                    depth -= 1
        finally:
            loader.dispose()

    def build(self, node: Any, depth: int) -> _Built:
        if id(node) in self.built:
            return self.alias(node, depth)
        self.built[id(node)] = None
        if depth > MAX_DEPTH:
            raise _refusal("too deep", node)
        if self.has_tag(node):
            built = self.tagged(node)
        elif isinstance(node, yaml.ScalarNode):
            built = _Built(self.anchored(node) or self.scalar(node), 1, 1)
        elif isinstance(node, yaml.SequenceNode):
            built = self.sequence(node, depth)
        else:
            built = self.mapping(node, depth)
        self.built[id(node)] = built
        return built

    def alias(self, node: yaml.Node, depth: int) -> _Built:
        built = self.built[id(node)]
        if built is None:
            raise _refusal("inside itself", node)
        self.aliases += 1
        self.aliased += built.size
        if self.aliases > MAX_ALIASES or self.aliased > MAX_ALIASED_VALUES:
            raise _refusal("too many aliases", node)
        if depth + built.height > MAX_DEPTH + 1:
            raise _refusal("too deep", node)
        return built

    def has_tag(self, node: Any) -> bool:
        # The parser drops a lone `!`, but the value begins where it stands.
        mark = node.start_mark
        return node.tag != _UNTAGGED or self.at(mark).source[mark.column : mark.column + 1] == "!"

    def tagged(self, node: yaml.Node) -> _Built:
        shown = node.tag.replace("tag:yaml.org,2002:", "!!") if node.tag != _UNTAGGED else "!"
        hint = "write the value without it"
        start, end = node.start_mark, node.end_mark
        written = self.at(start).source[start.column : end.column].strip() if start.line == end.line else ""
        if isinstance(node, yaml.ScalarNode) and not node.style and written:
            hint += f"; a text that begins with `!` needs quotes: {quoted(written)}"
        self.wrong(f"`{shown}`: a recipe has no tags", start, hint)
        return self.broken(node)

    def anchored(self, node: yaml.ScalarNode) -> Value | None:
        """What *node* was meant to be where an anchor that nobody uses takes its beginning; complained about."""
        name = self.anchors.get(node.start_mark.index)
        if name is None:
            return None
        whole = f"&{name} {node.value}".strip()
        hint = f"quote the text: {quoted(whole)}"
        message = f"`&{name}` names a value for `*{name}` in YAML, and nothing uses it: it would be lost from the text"
        self.wrong(message, node.start_mark, hint)
        return Value(whole, self.at(node.start_mark), "quoted", whole)

    def broken(self, node: yaml.Node) -> _Built:
        return _Built(Value(None, self.at(node.start_mark), "broken"), 1, 1)

    def scalar(self, node: yaml.ScalarNode) -> Value:
        at = self.at(node.start_mark)
        if node.style:
            return Value(node.value, at, "block" if node.style in "|>" else "quoted", node.value)
        end = node.end_mark
        cut = _COMMENT.match(self.lines[end.line], end.column) is not None if end.line < len(self.lines) else False
        return Value(resolved(node.value), at, "plain", node.value, cut)

    def sequence(self, node: yaml.SequenceNode, depth: int) -> _Built:
        built = [self.build(inner, depth + 1) for inner in node.value]
        value = Value([one.value for one in built], self.at(node.start_mark), "tree")
        return _Built(value, 1 + sum(one.size for one in built), 1 + max((one.height for one in built), default=0))

    def mapping(self, node: yaml.MappingNode, depth: int) -> _Built:
        data: dict[str, Value] = {}
        keys: dict[str, Location] = {}
        size, height = 1, 0
        node.value = self.uncut(node)
        for key, inner in node.value:
            if self.braces(node, key):
                return self.broken(node)
            built = self.build(inner, depth + 1)
            size, height = size + built.size, max(height, built.height)
            name = self.key(key, keys)
            if name is not None:
                data[name] = built.value
                keys[name] = self.at(key.start_mark)
        return _Built(Value(data, self.at(node.start_mark), "tree", keys=keys), size, height + 1)

    def uncut(self, node: yaml.MappingNode) -> list[tuple[Any, Any]]:
        """The entries of *node*, but for keys in braces that have no `:` because they are the rest of a text.

        `{scent: lavender, orange}` has a key `orange` for YAML. Alone in its braces such a key is as it was: `{trim}`.
        """
        if not node.flow_style or len(node.value) < 2:
            return list(node.value)
        kept: list[tuple[Any, Any]] = []
        cut: list[Any] = []
        for key, inner in node.value:
            if self.has_colon(key, inner):
                self.rejoin(kept, cut)
                cut = []
                kept.append((key, inner))
            else:
                cut.append(key)
        self.rejoin(kept, cut)
        return kept

    def has_colon(self, key: Any, inner: Any) -> bool:
        """Whether a `:` stands between a key and its value; an empty value begins where the entry ends."""
        if not isinstance(key, yaml.ScalarNode) or not isinstance(inner, yaml.ScalarNode) or inner.value or inner.style:
            return True
        if inner.start_mark.index < key.end_mark.index:  # an alias
            return True
        return any(":" in line.partition("#")[0] for line in self.between(key.end_mark, inner.start_mark))

    def rejoin(self, kept: list[tuple[Any, Any]], cut: Sequence[Any]) -> None:
        """Complain about keys without a `:`, and give the text before them what YAML took for them."""
        if not cut:
            return
        key, inner = kept[-1] if kept else (None, None)
        is_text = isinstance(inner, yaml.ScalarNode) and not inner.style and inner.value
        if key is None or inner is None or not is_text or not key.end_mark.index < inner.start_mark.index:
            written = " ".join(self.between(cut[0].start_mark, cut[0].end_mark))
            hint = "in braces stand `key: value` and commas between them; a text that has a comma needs quotes"
            self.wrong(f"`{shortened(written)}` has no `:` and no value", cut[0].start_mark, hint)
            return
        whole = " ".join(line.strip() for line in self.between(inner.start_mark, cut[-1].end_mark))
        hint = f"quote it: `{key.value}: {quoted(whole)}`; a key of its own has a `:`"
        self.wrong("a text with a comma, in braces, ends at the comma", cut[0].start_mark, hint)
        self.anchors.pop(inner.start_mark.index, None)
        kept[-1] = key, yaml.ScalarNode(inner.tag, whole, inner.start_mark, cut[-1].end_mark, style='"')

    def between(self, start: yaml.Mark, end: yaml.Mark) -> list[str]:
        """The text from *start* to *end*, line by line."""
        lines = [*self.lines[start.line : end.line + 1]]
        if lines:
            lines[-1] = lines[-1][: end.column] if end.line < len(self.lines) else lines[-1]
            lines[0] = lines[0][start.column :]
        return lines

    def braces(self, node: yaml.Node, key: yaml.Node) -> bool:
        """Whether this is `{{ … }}` without quotes, which YAML takes for a mapping in a mapping."""
        if not isinstance(key, yaml.MappingNode) or not key.flow_style:
            return False
        at = self.at(node.start_mark)
        end = node.end_mark.column if node.end_mark.line == node.start_mark.line else None
        written = at.source[at.column - 1 : end]
        hint = "quote the text"
        if written.startswith("{{") and len(written) <= MAX_DRAWN_LINE:
            hint = f"write {quoted(written.strip())}"
        self.errors.append(RecipeError("a text that begins with `{{` needs quotes", at=at, hint=hint))
        return True

    def key(self, key: yaml.Node, seen: Mapping[str, Location]) -> str | None:
        if not isinstance(key, yaml.ScalarNode):
            self.wrong("a key must be a text", key.start_mark, "quote it if it is meant as a text")
            return None
        if self.has_tag(key):
            self.tagged(key)
            return None
        self.anchored(key)
        name: str = key.value
        if not key.style and name == "<<":
            hint = "merge keys are not part of YAML 1.2: use `defaults`, or write the keys out"
            self.wrong("a recipe has no merge keys (`<<`)", key.start_mark, hint)
            return None
        if not key.style and not name:
            self.wrong("a key is missing before the `:`", key.start_mark, 'an empty name is written ""')
            return None
        if name in seen:
            first = seen[name]
            message = f"`{shortened(name)}` stands here twice: first in line {first.line}, column {first.column}"
            self.wrong(message, key.start_mark, "remove one of them, or give it another name")
            return None
        return name

    def at(self, mark: yaml.Mark) -> Location:
        return place(self.path, self.lines, mark.line, mark.column)

    def wrong(self, message: str, mark: yaml.Mark, hint: str) -> None:
        self.errors.append(RecipeError(message, at=self.at(mark), hint=hint))


def _lost_anchors(text: str) -> dict[int, str]:
    """Anchors of unquoted scalars in *text* that no alias uses, by where they begin. Raises YAMLError."""
    loader = _Loader(text)
    found: dict[int, str] = {}
    used = set()
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.AliasEvent):
                used.add(event.anchor)
            elif isinstance(event, yaml.ScalarEvent) and event.anchor and not event.style and event.start_mark:
                found[event.start_mark.index] = event.anchor
    finally:
        loader.dispose()
    return {index: name for index, name in found.items() if name not in used}


def _refusal(problem: str, where: Any) -> yaml.YAMLError:
    """An error of the parser's kind, explained where all of them are."""
    return yaml.composer.ComposerError(None, None, problem, where.start_mark)


def resolved(text: str) -> Json:
    """An unquoted scalar's value."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    return int(text) if _NUMBER.match(text) else text


def place(path: str, lines: Sequence[str], line: int, column: int) -> Location:
    """The place for a line and a column that count from 0."""
    # The end of the text counts as the end of its last line.
    if line >= len(lines):
        line, column = len(lines) - 1, len(lines[-1])
    return Location(path, line + 1, column + 1, lines[line])

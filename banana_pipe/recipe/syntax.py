"""What the YAML parser says, in words that help the author of a recipe.

Unaware of values and of what a recipe is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import yaml

from banana_pipe.errors import Location, RecipeError
from banana_pipe.recipe.words import quoted

Place = Callable[[int, int], Location]
"""The place for a line and a column that count from 0."""

_CONFLICT = re.compile(r"(<{7}|\|{7}|={7}|>{7})(?: |$)")
_BRACKETS = re.compile(r"[\[,{:]\s*([a-z][a-z0-9_/-]*\[[^\[\]]*\](?:@\d+)?)")
_TEXT = re.compile(r"^(\s*(?:- +)*(?:[\w.-]+:\s+)?)([^\s\"'|>].*)$")
_ENCLOSED = re.compile(
    r"""^(\s*(?:- +)*[\w.-]+:\s+)('(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|\{\{.*?\}\}|\[[^\[\]]*\]|\{[^{}]*\})(\s*[^\s#].*)$"""
)
_MARKED = {
    "mapping keys are not allowed": "? ",
    "block sequence entries are not allowed": "- ",
    "whitespace or line break": "!",
    "node content": ",",
}
"""What the parser says where a text begins with a mark of YAML's own."""
_ENTRY = re.compile(r"^\s*(?:- +)*[\w.-]+:\s+(?=[^\s\"'|>&\[{])(.+)$")


@dataclass(frozen=True, slots=True)
class _Said:
    """The parser's words, where it gave up, and where what it was reading begins."""

    problem: str
    at: Location
    begun: Location
    above: str
    """The line above the place."""


_SAID: tuple[tuple[str, str, str], ...] = (
    ("too deep", "more than 32 levels deep", "a recipe is never that deep: is a bracket left open?"),
    ("inside itself", "an alias inside its own anchor never ends", "write the value out"),
    (
        "too many aliases",
        "more than 100 aliases, or aliases of aliases that stand for too much",
        "name the value in `vars`, and write `{{ name }}`",
    ),
    ("found another document", "a second document begins here", "one file is one recipe: remove the `---`"),
    ("second occurrence", "this anchor is defined twice", "give one of them another name"),
    ("unknown escape character", "this escape is not known in double quotes", "write \\\\ for a backslash"),
    ("escape", "this escape stands for no character", "write the character itself"),
    ("tab character", "a tab cannot indent YAML", "use spaces"),
    ("directive", "a line that begins with `%` is meant for the YAML parser", "remove it: a recipe needs none"),
    ("block sequence entries are not allowed", "a `- ` cannot stand here", "begin the list on a line of its own"),
    ("did not find expected '-' indicator", "this line fits no list and no mapping", "check how it is indented"),
    ("did not find expected key", "this line fits no list and no mapping", "check indentation and quotes"),
    ("did not find expected <document start>", "this line belongs to nothing", "check indentation and quotes"),
    ("expected comment or line break", "nothing stands behind `|` or `>`", "begin the text on the next line, indented"),
)


def syntax_error(error: yaml.YAMLError, place: Place) -> RecipeError:
    """The parser's error, at its place, with what to do."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return RecipeError(f"this is not YAML: {error}", at=place(0, 0))
    at = place(mark.line, mark.column)
    problem = str(getattr(error, "problem", None) or error)
    context = getattr(error, "context_mark", None)
    begun = place(context.line, context.column) if context is not None else at
    said = _Said(problem, at, begun, place(mark.line - 1, 0).source if mark.line else "")
    for explain in (
        _conflict,
        _flow_brackets,
        _marks,
        _open_end,
        _bad_start,
        _behind_a_quote,
        _colon,
        _cut_above,
        _no_colon,
    ):
        explained = explain(said)
        if explained:
            return explained
    for part, message, hint in _SAID:
        if part in problem:
            return RecipeError(message, at=at, hint=hint)
    return RecipeError(f"this is not YAML: {problem}", at=at, hint="quote the text, or check how the line is indented")


def _conflict(said: _Said) -> RecipeError | None:
    """What git leaves where it could not merge."""
    at = next((at for at in (said.at, said.begun) if _CONFLICT.match(at.source)), None)
    if at is None:
        return None
    hint = "decide between the two sides here; of a lock file: `banana-pipe lock merge`"
    return RecipeError("this recipe has an unresolved merge conflict", at=replace(at, column=1), hint=hint)


def _flow_brackets(said: _Said) -> RecipeError | None:
    """`images: [hero[*]]`: the inner bracket begins a list for YAML."""
    found = _BRACKETS.search(said.at.source)
    if not found or not ("expected" in said.problem or "mapping values" in said.problem):
        return None
    where = Location(said.at.path, said.at.line, found.start(1) + 1, said.at.source)
    hint = f"write {quoted(found.group(1))}"
    return RecipeError("inside `[…]` and `{…}` a reference with brackets needs quotes", at=where, hint=hint)


def _open_end(said: _Said) -> RecipeError | None:
    """Something was begun and is never closed: the place to show is where it begins."""
    if "end of stream" in said.problem and said.begun.source[said.begun.column - 1 : said.begun.column] in ("'", '"'):
        hint = "close it; a quote inside a text needs the other kind of quotes around it"
        return RecipeError("this quote is never closed", at=said.begun, hint=hint)
    if "',' or ']'" in said.problem or "',' or '}'" in said.problem or "node content" in said.problem:
        comment = re.search(r"\s(#\S*)", said.begun.source[said.begun.column - 1 :])
        if comment:
            hint = f"quote a text that has ` #` in it: {quoted(comment.group(1).rstrip(',]}'))}"
            column = said.begun.column + comment.start(1)
            where = Location(said.begun.path, said.begun.line, column, said.begun.source)
            return RecipeError("a comment begins here, and the bracket before it stays open", at=where, hint=hint)
        if said.begun.source[said.begun.column - 1 : said.begun.column] in ("[", "{"):
            return RecipeError(
                "this bracket is not closed, or a comma is missing after it",
                at=said.begun,
                hint="close it; a text that has brackets or commas in it needs quotes",
            )
    return None


def _marks(said: _Said) -> RecipeError | None:
    """`images: *.png`: the star means something else in YAML."""
    if "undefined alias" not in said.problem and "alphabetic or numeric character" not in said.problem:
        return None
    at = said.begun if said.begun.line == said.at.line else said.at
    mark = at.source[at.column - 1 : at.column]
    if mark not in ("*", "&"):
        return None
    rest = at.source[at.column - 1 :]
    written = rest if re.match(r"\s*(?:- +)*[\w.-]+:\s+$|\s*(?:- +)+$", at.source[: at.column - 1]) else ""
    hint = f"write {quoted(written.strip())}" if written else "quote the text"
    return RecipeError(f"an unquoted text cannot begin with `{mark}`", at=at, hint=hint)


def _bad_start(said: _Said) -> RecipeError | None:
    """A character that no unquoted text may begin with."""
    found = _TEXT.match(said.at.source)
    mark = next((mark for problem, mark in _MARKED.items() if problem in said.problem), None)
    if mark is not None and found and found.group(2).startswith(mark) and found.start(2) > 0 and ":" in found.group(1):
        at = Location(said.at.path, said.at.line, found.start(2) + 1, said.at.source)
        hint = f"write {quoted(found.group(2).strip())}"
        hint += ", or begin the list on a line of its own" if mark == "- " else ""
        return RecipeError(f"an unquoted text cannot begin with `{mark}`", at=at, hint=hint)
    if "cannot start any token" not in said.problem:
        return None
    character = said.at.source[said.at.column - 1 : said.at.column]
    if character == "\t":
        return RecipeError("a tab cannot indent YAML", at=said.at, hint="use spaces")
    hint = f"write {quoted(found.group(2).strip())}" if found else "quote the text"
    shown = f"`{character}`" if character != "`" else "a backtick"
    return RecipeError(f"an unquoted text cannot begin with {shown}", at=said.at, hint=hint)


def _behind_a_quote(said: _Said) -> RecipeError | None:
    """`when: 'teal' == color`: the text ended with its quote. A bracket's ends likewise."""
    found = _ENCLOSED.match(said.at.source)
    expected = "did not find expected key" in said.problem or "mapping values are not allowed" in said.problem
    if not expected or not found or found.end(2) > said.at.column:
        return None
    whole = found.group(2) + found.group(3).rstrip()
    if whole.startswith("'") and whole.endswith("'") and not found.group(3)[0].isspace():
        hint = f"write {quoted(whole[1:-1])}, or two `''` for one inside such quotes"
        return RecipeError("this quote ends the text", at=_back(said.at, found.end(2)), hint=hint)
    kind = "a quote ends with the next one" if whole[0] in "\"'" else "a bracket ends where that is closed"
    return RecipeError(f"a text that begins with {kind}", at=said.at, hint=f"quote all of it: {quoted(whole)}")


def _back(at: Location, column: int) -> Location:
    return Location(at.path, at.line, column, at.source)


def _cut_above(said: _Said) -> RecipeError | None:
    """A text over several lines, and a ` #` in the first of them: the second belongs to nothing."""
    comment = re.search(r"\s#", said.above)
    if not comment or "did not find expected" not in said.problem:
        return None
    hint = "the ` #` in the line above begins a comment, and ends the text there: quote the text"
    return RecipeError("this line fits no list and no mapping", at=said.at, hint=hint)


def _no_colon(said: _Said) -> RecipeError | None:
    """A line of text where `key: value` should be; the parser sees that at the end of the line, or later."""
    if "could not find expected ':'" not in said.problem:
        return None
    hint = "write `key: value`; the lines of a long text are indented below `|` or `>`"
    return RecipeError("this line has no `:`", at=said.begun, hint=hint)


def _colon(said: _Said) -> RecipeError | None:
    """`edit: Note: keep it`: the second colon makes a mapping of a text."""
    if "mapping values are not allowed" not in said.problem:
        return None
    found = _ENTRY.match(said.at.source)
    if found and found.start(1) < said.at.column - 1:
        hint = f"quote the text: {quoted(found.group(1).rstrip())}"
        return RecipeError("an unquoted text cannot have `: ` in it", at=said.at, hint=hint)
    hint = "does the line above have a value already, or is this one indented too far?"
    return RecipeError("a `key:` cannot stand here", at=said.at, hint=hint)

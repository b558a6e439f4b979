"""What went wrong in a template, in its author's words, and the place in its text.

Unaware of recipes, and of how templates are compiled and rendered.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateSyntaxError, UndefinedError

from banana_pipe.errors import Location, RecipeError, RecipeErrors
from banana_pipe.model import Text
from banana_pipe.recipe.limits import BoundedEnvironment
from banana_pipe.recipe.measures import Refused
from banana_pipe.recipe.words import nearest, suggestion

_SPAN = re.compile(r"\{[{%#].*?(?:[}%#]\}|\Z)", re.DOTALL)
_UNDEFINED = re.compile(r"`([^`]+)` is not defined")
_QUOTED = re.compile(r"'([^']+)'")
_UNKNOWN_TAG = re.compile(r"unknown tag '([^']+)'")
_STILL_OPEN = re.compile(r"innermost block that needs to be closed is '([^']+)'")
_MET = re.compile(r"expected token 'end of (?P<end>print statement|statement block)', got '(?P<word>[^']+)'")
_FILTERS = {
    **dict.fromkeys(("upcase", "uppercase", "toupper", "to_upper"), "upper"),
    **dict.fromkeys(("downcase", "lowercase", "tolower", "to_lower"), "lower"),
    **dict.fromkeys(("titlecase", "titleize"), "title"),
    **dict.fromkeys(("strip", "trimmed"), "trim"),
    **dict.fromkeys(("len", "size"), "length"),
}
"""What other languages of templates call a filter of Jinja's."""
_PLAINLY = {
    "expected token 'as', got 'end of statement block'": "an `import` has no name",
    "expected an expression, got 'end of statement block'": "something is missing before `%}`",
    "expected an expression, got 'end of print statement'": "something is missing before `}}`",
    "Expected an expression, got 'end of statement block'": "something is missing before `%}`",
    "Expected an expression, got 'end of print statement'": "something is missing before `}}`",
    "missing end of comment tag": "a comment is not closed",
}
"""The parser's words for what authors do most, in theirs."""
_TAGS = (
    *("if", "elif", "else", "endif", "for", "endfor", "set", "endset", "include", "import", "from"),
    *("macro", "endmacro", "call", "endcall", "filter", "endfilter", "with", "endwith", "raw", "endraw"),
)
_HERE = "<template>"
_ONLY_IN_CHAINS = {
    "index": "the links of a `chain` are counted by it, and this step has none",
    "previous": "it is a reference: in a `chain` write it without braces, `images: [previous, hero]`",
}
_A_NUMBER = "`| int` makes a number of a text, and all that a CSV file has is text"
_TYPES: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"'(\w+)' object is not callable"), "{0} cannot be called", "leave the `(…)` out"),
    (
        re.compile(r'can only concatenate (\w+) \(not "(\w+)"\) to \w+'),
        "`+` is not for {0} and {1}",
        f"`~` joins texts; {_A_NUMBER}",
    ),
    (
        re.compile(r"unsupported operand type\(s\) for (?P<op>.{1,3})(?: or \w+\(\))?: '(\w+)' and '(\w+)'"),
        "`{op}` is not for {0} and {1}",
        f"`~` joins texts; {_A_NUMBER}",
    ),
    (
        re.compile(r"'(?P<op>.{1,2})' not supported between instances of '(\w+)' and '(\w+)'"),
        "`{op}` is not for {0} and {1}",
        _A_NUMBER,
    ),
    (re.compile(r"bad operand type for unary (?P<op>.): '(\w+)'"), "`{op}` is not for {0}", _A_NUMBER),
    (re.compile(r"'(\w+)' object is not iterable"), "{0} has nothing to loop over", "loop over a list or a table"),
)
"""Python's words for values of the wrong kind, ours, and what to do."""
_KINDS = {
    "str": "a text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
    "NoneType": "null",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What to tell; `word` is what to look for in its line, `undefined` the name that nobody defines."""

    message: str
    hint: str | None = None
    word: str | None = None
    undefined: str | None = None


def told(error: Exception, scope: Mapping[str, Any], environment: BoundedEnvironment) -> Told:
    """What to tell of *error*, which a template in *scope* raised."""
    if isinstance(error, Refused):
        return Told(str(error), error.hint)
    if isinstance(error, TemplateSyntaxError):
        return _unreadable(error, environment)
    if isinstance(error, UndefinedError):
        return _missing(str(error), scope)
    if isinstance(error, RecursionError):
        hint = "take the call, or the `include`, out of what it calls"
        return Told("the template calls or includes itself without end", hint)
    if isinstance(error, ZeroDivisionError):
        return Told("this divides by zero", "ask `{% if … %}` first")
    return _of_wrong_types(str(error)) if isinstance(error, TypeError) else Told(f"the template fails: {error}")


def undefined(name: str, scope: Mapping[str, Any], at: Location | None) -> RecipeError:
    """That *name* at *at* is defined nowhere, with what is."""
    if name in _ONLY_IN_CHAINS:
        return RecipeError(f"`{name}` is not defined", at=at, hint=_ONLY_IN_CHAINS[name])
    names = [known for known in scope if known != "names"]
    hint = suggestion(name, names, kind="defined here") if names else f"nothing is: declare it, `vars: {{{name}: …}}`"
    return RecipeError(f"`{name}` is not defined", at=at, hint=hint)


def in_bare(text: Text, error: RecipeError) -> RecipeError:
    """*error* in a condition without braces: shown at the word that it is about, where that is found."""
    if isinstance(error, RecipeErrors):
        return RecipeErrors([in_bare(text, one) for one in error.errors])
    end = "'end of statement block'"
    if end in error.message:
        equals = error.message.endswith("got '='")
        hint = "two values are compared with `==`" if equals else "for example `when: color == 'teal' and size > 3`"
        said = "`=` compares nothing" if equals else "the condition cannot be read to its end"
        return RecipeError(said, at=text.at, hint=hint)
    words = _UNDEFINED.match(error.message) or re.search(r"[`']([^`']+)[`']", error.message)
    start = text.at.column - 1
    found = re.search(rf"(?<![\w.]){re.escape(words.group(1))}(?!\w)", text.at.source[start:]) if words else None
    column = start + (found.start() if found else 0) + 1
    at = Location(text.at.path, text.at.line, column, text.at.source)
    return RecipeError(error.message, at=at, hint=error.hint)


def where(error: Exception, partials: Mapping[str, Sequence[str]]) -> tuple[str | None, int]:
    """File (None: the recipe's own text) and line of the template in which *error* arose."""
    if isinstance(error, TemplateSyntaxError):
        return (error.filename if error.filename in partials else None), error.lineno
    file, line = None, 1
    for frame, number in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        if name == _HERE or name in partials:
            file, line = (None if name == _HERE else name), number
    return file, line


def offset(text: str, word: str | None) -> int:
    """Where *word* stands inside the braces of *text*; else where the first braces begin; else 0."""
    spans = list(_SPAN.finditer(text))
    if word:
        pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)" if word.isidentifier() else re.escape(word))
        for span in spans:
            found = pattern.search(text, span.start() + 2, max(span.end(), span.start() + 2))
            if found:
                return found.start()
    return spans[0].start() if spans else 0


def column(line: str, word: str | None) -> int:
    """The same in one *line*: from 0; where it has no braces, where its text begins."""
    return offset(line, word) or len(line) - len(line.lstrip())


# --- by kind --------------------------------------------------------------------------------


def _unreadable(error: TemplateSyntaxError, environment: BoundedEnvironment) -> Told:
    said = (error.message or "cannot be read").rstrip(".")
    for theirs, ours in _PLAINLY.items():
        said = said.replace(theirs, ours)
    about = _about_end(said, error.source or "") or _about_tag(said)
    if about is not None:
        return about
    found = _QUOTED.search(said)
    word = found.group(1) if found else None
    hint = _syntax_hint(said, word, environment)
    return Told(f"the template cannot be read: {said[:1].lower()}{said[1:]}", hint, word)


def _missing(said: str, scope: Mapping[str, Any]) -> Told:
    name = _UNDEFINED.match(said)
    if name:
        error = undefined(name.group(1), scope, at=None)
        return Told(error.message, error.hint, name.group(1), undefined=name.group(1))
    found = re.search(r"`([^`]+)`", said)
    lacking, _, advice = said.partition(": ")
    return Told(lacking, advice or None, found.group(1) if found else None)


def _of_wrong_types(said: str) -> Told:
    for pattern, message, hint in _TYPES:
        found = pattern.search(said)
        if found:
            named = found.groupdict()
            kinds = [_KINDS.get(kind, "a value of this kind") for kind in found.groups() if kind not in named.values()]
            said = message.format(*kinds, **named)
            operator = re.match(r"`([^`]+)`", said)
            return Told(said, hint, operator.group(1) if operator else None)
    return Told(f"the template fails: {said}")


def _about_end(said: str, template: str) -> Told | None:
    """What *said* means where the parser met a word that it did not expect: nothing closes what *template* has open."""
    met = _MET.search(said)
    if met is None:
        return None
    for opened in re.finditer(r"\{\{|\{%", template):
        begin, end = opened.group(), "}}" if opened.group() == "{{" else "%}"
        inside = template[opened.end() :].partition(begin)[0]
        words = inside.strip("-+ ").split()
        if words and end not in inside:
            hint = f"close it with `{end}`, as in `{begin} {words[0]} {end}`"
            return Told(
                f"`{begin}` is not closed", hint if begin == "{{" else f"close it with `{end}`", " ".join(words[:3])
            )
    if met["end"] != "print statement":
        return None
    hint = "one name or expression stands between `{{` and `}}`: a name has no spaces, and `~` joins texts"
    return Told(f"`{met['word']}` cannot stand there", hint, met["word"])


def _about_tag(said: str) -> Told | None:
    """What *said*, Jinja's words about a tag that is unknown or not closed, means."""
    unknown, still_open = _UNKNOWN_TAG.search(said), _STILL_OPEN.search(said)
    inner = still_open.group(1) if still_open else ""
    closing = f"close `{{% {inner} … %}}` with `{{% end{inner} %}}`"
    if unknown is None:
        return Told(f"`{{% {inner} … %}}` is not closed", closing, inner) if inner else None
    tag = unknown.group(1)
    if tag in _TAGS and inner:
        return Told(f"`{{% {tag} %}}` stands inside `{{% {inner} … %}}`", f"{closing} first", tag)
    if tag in _TAGS:
        return Told(f"`{{% {tag} %}}` belongs to nothing", "remove it, or write what it closes", tag)
    return Told(f"there is no tag `{{% {tag} %}}`", suggestion(tag, _TAGS, kind="there are"), tag)


def _syntax_hint(said: str, word: str | None, environment: BoundedEnvironment) -> str:
    if "comment" in said:
        return "close `{#` with `#}`"
    if "`import` has" in said:
        return 'give it one: `{% import "photography.j2" as photo %}`'
    known = environment.known_filters if "filter" in said else environment.tests if "test" in said else {}
    other = _FILTERS.get(word.casefold()) if word and "filter" in said else None
    near = other or (nearest(word, known) if word else None)
    if near:
        return f"did you mean `{near}`?"
    if "filter named" in said:
        return "filters are Jinja's: upper, lower, capitalize, title, join, default, replace, length and others"
    if "something is missing" in said:
        return "write the expression, as in `{{ color }}` or `{% if color == 'teal' %}`"
    if "unexpected" in said:
        return "close `{{` with `}}` and `{%` with `%}`"
    return "`{{ … }}` and `{% … %}` are Jinja; braces as text stand between `{% raw %}` and `{% endraw %}`"

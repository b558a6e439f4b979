"""Tables: files of rows, each a mapping of column and value, as CSV, JSON, JSON lines or YAML.

Unaware of where the files are and of what their rows are for.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from banana_pipe.errors import Location, RecipeError
from banana_pipe.model import Json
from banana_pipe.recipe.words import shortened
from banana_pipe.recipe.yaml import MAX_BYTES as MAX_YAML_BYTES
from banana_pipe.recipe.yaml import decode, plain, read_yaml, refuse_cuts

MAX_BYTES = 8 * 1024 * 1024
MAX_ROWS = 100_000
MAX_CELLS = 1_000_000
"""Values in the rows of a CSV table, all in all: a megabyte of commas would be as many."""
MAX_ERRORS = 10
"""Mistakes of one table that are shown: a wrong column is wrong in every row."""

Row = dict[str, Json]

_ROWS = "a table is a list of rows, each a mapping of column: value"
_LONGER = f"is longer than {csv.field_size_limit() // 1024} KiB"
_SPACE = re.compile(r"[ \t\r\n]*")


def read_table(data: bytes, suffix: str, path: str, errors: list[RecipeError]) -> list[Row] | None:
    """The rows in *data*, whose format is that of *suffix*, one of `SUFFIXES`; *path* is how messages show the file.

    Mistakes go to *errors*, each at its line; then, None. Values of CSV are text as written.
    """
    start = Location(path, 1, 1)
    read = _READERS[suffix.lower()]
    if len(data) > MAX_BYTES:
        errors.append(RecipeError(f"the table is larger than {MAX_BYTES >> 20} MiB", at=start, hint="split it"))
        return None
    rows: list[Row] = []
    wrong: list[RecipeError] = []
    try:
        for one in read(data, path):
            if isinstance(one, RecipeError):
                wrong.append(one)
            else:
                rows.append(one)
            if len(rows) > MAX_ROWS:
                raise _wrong(f"the table has more than {MAX_ROWS:,} rows", start, "split it")
            if len(wrong) == MAX_ERRORS:
                break
    except RecipeError as error:
        wrong.append(error)
    if not rows and not wrong:
        wrong.append(
            _wrong("the table has no rows", start, "write one, or take the table away: nothing could be made of it")
        )
    errors += wrong
    return None if wrong else rows


_Reader = Callable[[bytes, str], Iterator[Row | RecipeError]]
"""Yields rows and what is wrong with others; raises RecipeError where nothing more can be read."""


def _wrong(message: str, at: Location, hint: str | None) -> RecipeError:
    return RecipeError(message, at=at, hint=hint)


def _text(data: bytes, path: str) -> str:
    errors: list[RecipeError] = []
    text = decode(data, path, errors, "a table")
    if text is None:
        raise errors[0]
    return text


# --- CSV ----------------------------------------------------------------------------------------


def _csv(data: bytes, path: str) -> Iterator[Row | RecipeError]:
    lines = list(io.StringIO(_text(data, path), newline=""))
    columns: list[str] = []
    cells = 0
    for at, record in _records(lines, path):
        if not any(record):
            continue
        cells += len(record)
        if cells > MAX_CELLS:
            raise _wrong(f"the table has more than {MAX_CELLS:,} values", at, "take away columns, or split it")
        if not columns:
            columns = _header(record, at)
            continue
        if len(record) != len(columns):
            hint = 'a value with a comma stands in quotes: "oak, old"'
            if len(record) < len(columns):
                hint = f"the columns: {shortened(', '.join(columns))}"
            yield _wrong(f"this row has {_values(len(record))}, the header names {len(columns)} columns", at, hint)
        else:
            yield dict(zip(columns, record, strict=True))


def _records(lines: Sequence[str], path: str) -> Iterator[tuple[Location, list[str]]]:
    """Every record with the place where it begins; a quoted value may go over several lines."""
    reader = csv.reader(lines, strict=True)
    while True:
        begun = reader.line_num
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _explained(error, _at(path, lines, begun), _at(path, lines, reader.line_num - 1)) from None
        yield _at(path, lines, begun), record


def _explained(error: csv.Error, begun: Location, here: Location) -> RecipeError:
    said = str(error)
    if "unexpected end" in said:
        return _wrong("a value's quote is opened here, and never closed", begun, "a quote in a quoted value is doubled")
    if "field larger" in said:
        return _wrong(f"a value that begins here {_LONGER}", begun, "is a quote left open?")
    if "expected after" in said:
        return _wrong(
            "something stands behind a closing quote", here, 'a quote in a quoted value is doubled: "5"" wide"'
        )
    return _wrong(f"this cannot be read as CSV: {said}", here, None)


def _header(record: list[str], at: Location) -> list[str]:
    columns = [name.strip() for name in record]
    other = next((mark for mark in ";\t|" if mark in record[0]), None) if len(record) == 1 else None
    if other is not None:
        shown = "tabs" if other == "\t" else f"`{other}`"
        raise _wrong(f"columns are separated by commas, not by {shown}", at, "save the table as CSV with commas")
    seen: dict[str, int] = {}
    for number, name in enumerate(columns, 1):
        if not name:
            raise _wrong(f"column {number} has no name", at, "name it; or take its comma away, in every line")
        if name in seen:
            hint = f"columns {seen[name]} and {number}: give one of them another name"
            raise _wrong(f"two columns are named `{shortened(name)}`", at, hint)
        seen[name] = number
    return columns


def _values(number: int) -> str:
    return "1 value" if number == 1 else f"{number} values"


def _at(path: str, lines: Sequence[str], line: int) -> Location:
    """The beginning of the line that counts from 0."""
    line = min(max(line, 0), len(lines) - 1)
    return Location(path, line + 1, 1, lines[line].rstrip("\r\n"))


# --- JSON ---------------------------------------------------------------------------------------


def _json(data: bytes, path: str) -> Iterator[Row | RecipeError]:
    """Row by row, so that each knows its place."""
    text = _text(data, path)
    position = _skip(text, 0)
    if text[position : position + 1] != "[":
        raise _wrong(_ROWS, _in(path, text, position), 'as in `[{"id": "mug", "title": "A mug"}]`')
    position = _skip(text, position + 1)
    more = text[position : position + 1] != "]"
    while more:
        value, end = _decoded(text, position, path)
        yield value if _is_row(value) else _no_row(value, _in(path, text, position))
        position = _skip(text, end)
        mark = text[position : position + 1]
        if mark not in ("]", ","):
            raise _wrong("a comma or `]` is missing here", _in(path, text, position), "write it behind the row before")
        more = mark == ","
        position = _skip(text, position + 1) if more else position
    position = _skip(text, position + 1)
    if position < len(text):
        raise _wrong("something stands behind the table's end", _in(path, text, position), "one file is one table")


def _lines(data: bytes, path: str) -> Iterator[Row | RecipeError]:
    for number, line in enumerate(_text(data, path).split("\n"), 1):
        if not line.strip():
            continue
        start = _skip(line, 0)
        try:
            value, end = _decoded(line, start, path, number)
            if _skip(line, end) < len(line):
                at = Location(path, number, _skip(line, end) + 1, line)
                raise _wrong("something stands behind the row", at, "each line is one row: `{…}`")
        except RecipeError as error:
            yield error
            continue
        yield value if _is_row(value) else _no_row(value, Location(path, number, start + 1, line))


def _is_row(value: Json) -> bool:
    return isinstance(value, dict) and bool(value)


def _no_row(value: Json, at: Location) -> RecipeError:
    message = "this row is empty" if value in ({}, None) else "this row is no mapping"
    return _wrong(message, at, 'a row is `{"column": value, …}`')


def _decoded(text: str, position: int, path: str, line: int | None = None) -> tuple[Json, int]:
    """The JSON value at *position* and where it ends. Raises RecipeError at its place."""

    def at(offset: int) -> Location:
        return _in(path, text, offset) if line is None else Location(path, line, offset + 1, text)

    try:
        value, end = _DECODER.raw_decode(text, position)
        if "\\u" in text[position:end]:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        said = error.msg[:1].lower() + error.msg[1:]
        hint = "is a comma, a quote or a bracket missing here or just before?"
        raise _wrong(f"this cannot be read as JSON: {said}", at(error.pos), hint) from None
    except UnicodeEncodeError:
        raise _wrong("a text here has half a character (a lone surrogate) in it", at(position), None) from None
    except RecursionError:
        raise _wrong("this row is too deep", at(position), "a row is a mapping of column: value") from None
    except ValueError as error:
        hint = "a row has every column once: give one of them another name"
        raise _wrong(f"this row cannot be read: {error}", at(position), hint) from None
    return value, end


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"`{shortened(name)}` stands in it twice")
        found[name] = value
    return found


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(f"{shortened(written)} is no number that can be used")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite)


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _in(path: str, text: str, position: int) -> Location:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    source = text[start : end if end >= 0 else len(text)].rstrip("\r")
    return Location(path, text.count("\n", 0, position) + 1, position - start + 1, source)


# --- YAML ---------------------------------------------------------------------------------------


def _yaml(data: bytes, path: str) -> Iterator[Row | RecipeError]:
    if len(data) > MAX_YAML_BYTES:
        hint = f"CSV and JSON may have {MAX_BYTES >> 20} MiB"
        raise _wrong("a table in YAML is at most 1 MiB", Location(path, 1, 1), hint)
    errors: list[RecipeError] = []
    root = read_yaml(data, path, errors).root
    yield from errors
    if root is None or root.style == "broken":
        return
    if not isinstance(root.data, list):
        raise _wrong(_ROWS, root.at, "as in `- {id: mug, title: A mug}`, one row a line")
    for inner in root.data:
        if inner.style == "broken":
            continue
        errors = []
        refuse_cuts(inner, "the table", errors)
        yield from errors
        yield plain(inner) if _is_row(inner.data) else _no_row(inner.data, inner.at)


_READERS: Mapping[str, _Reader] = {
    ".csv": _csv,
    ".json": _json,
    ".jsonl": _lines,
    ".yaml": _yaml,
    ".yml": _yaml,
}
SUFFIXES = tuple(_READERS)

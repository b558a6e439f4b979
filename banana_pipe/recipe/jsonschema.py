"""The recipe language as a JSON Schema (draft 2020-12), for editors: made of the table in `keys`.

Unaware of files and of what templates render to. It refuses nothing that `validate` accepts; what it
cannot see (names that lead nowhere, templates, what is equal to what) is `validate`'s alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from banana_pipe.model import Json
from banana_pipe.recipe import entries, expectations, keys, settings, steps
from banana_pipe.recipe.keys import Key
from banana_pipe.recipe.naming import MAX_PART
from banana_pipe.recipe.ops import MAX_OPS
from banana_pipe.transforms import find, names
from banana_pipe.transforms.base import Transform
from banana_pipe.transforms.plugins import BrokenPlugin

FILE_NAME = "banana-pipe.schema.json"
TESTS_NAME = "banana-pipe-tests.schema.json"

_TEXT: Json = {"type": "string"}
_TEMPLATE: Json = {"type": "string", "pattern": r"\{\{|\{%|\{#"}
_PORTS = "[cC][oO][mM][0-9\u00b9\u00b2\u00b3]|[lL][pP][tT][0-9\u00b9\u00b2\u00b3]"
_SUFFIXES = ("png", "jpg", "jpeg", "webp", "avif", "gif")
_SCALAR: Json = {"type": ["string", "number", "boolean"]}


def first_line(name: str = FILE_NAME) -> str:
    """What tells an editor of the schema in the file *name*, in a recipe beside it."""
    return f"# yaml-language-server: $schema=./{name}"


def document() -> dict[str, Json]:
    """The whole schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A recipe of banana-pipe",
        "description": "Which pictures a project needs, and how each is made from the others.",
        **_mapping(keys.TOP),
        "anyOf": [
            {"required": ["steps"], "properties": {"steps": {"type": "object", "minProperties": 1}}},
            {"required": ["extends"]},
        ],
        "$defs": _forms(),
    }


def as_text() -> str:
    """The schema as it is written."""
    return _written(document())


def tests_document() -> dict[str, Json]:
    """The schema of test files: what `validate --prompts` reads beside a recipe."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tests of a recipe of banana-pipe",
        "description": "What its prompts must say, and must not.",
        **_mapping(keys.TEST_FILE),
        "$defs": {
            "version": {"const": 1},
            "flag": {"type": "boolean"},
            "text": {"type": "string", "pattern": r"\S"},
            "length": {"type": "integer", "minimum": 1},
            "words": {"type": "string", "pattern": r"\S", "not": _TEMPLATE},
            "texts": {
                "anyOf": [
                    {"$ref": "#/$defs/words"},
                    {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/words"}},
                ]
            },
            "prompt_test": {
                **_mapping(keys.PROMPT_TEST),
                "anyOf": [{"required": [key.name]} for key in keys.PROMPT_TEST if key.name != "node"],
            },
            "prompt_tests": {"type": "array", "items": {"$ref": "#/$defs/prompt_test"}},
        },
    }


def tests_as_text() -> str:
    """That schema as it is written."""
    return _written(tests_document())


def _written(schema: Mapping[str, Json]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def _forms() -> dict[str, Json]:
    """What a key may hold, by the names that `keys` uses."""
    return {
        "version": {"const": 1},
        "name": _folder_name(),
        "text": _TEXT,
        "prompt": {"type": "string", "pattern": r"\S"},
        "file": {"type": "string", "pattern": r"\S", "not": {"pattern": r"\{\{|\{%"}},
        "reference": _TEXT,
        "ops": {"type": "array", "minItems": 1, "maxItems": MAX_OPS, "items": {"$ref": "#/$defs/op"}},
        "op": {"anyOf": [{"enum": names()}, *map(_op_named, names())]},
        "references": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
        "provider": {"anyOf": [{"enum": list(settings.PROVIDERS)}, _TEMPLATE]},
        "ratio": {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*(0*[1-9][0-9]{0,4}:0*[1-9][0-9]{0,4}|auto)\s*$"},
                _TEMPLATE,
            ]
        },
        "samples": {"type": "integer", "minimum": 1, "maximum": settings.MAX_SAMPLES},
        "pick": {"anyOf": [{"type": "integer", "minimum": 1}, {"const": "ask"}]},
        "expect": _mapping(keys.EXPECT),
        "expected_count": {"anyOf": [{"type": "integer", "minimum": 1}, _TEMPLATE]},
        "expected_ratio": {
            "anyOf": [
                {"type": "string", "pattern": r"^[0-9]{1,5}(\.[0-9]{1,4})?:[0-9]{1,5}(\.[0-9]{1,4})?$"},
                _TEMPLATE,
            ]
        },
        "expected_format": {"anyOf": [{"enum": list(expectations.FORMATS)}, _TEMPLATE]},
        "expected_flag": {"anyOf": [{"type": "boolean"}, _TEMPLATE]},
        "output": {"anyOf": [_TEXT, {"const": False}]},
        "seconds": {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": settings.MAX_TIMEOUT},
                {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,9})?$"},
            ]
        },
        "extra": _or_null({"type": "object", "propertyNames": {"not": _one_of(settings.REQUEST_FIELDS)}}),
        "variables": _or_null(
            {
                "type": "object",
                "propertyNames": {"$ref": "#/$defs/word"},
                "additionalProperties": {
                    "title": "a variable",
                    "description": "What `{{ NAME }}` stands for in templates; `--set NAME=VALUE` changes it for one run.",
                },
            }
        ),
        "tables": _or_null(
            _named(
                "word",
                {
                    "title": "a table",
                    "description": "A file of rows, from this recipe's folder: csv, json, jsonl or yaml. Templates see a list.",
                    "$ref": "#/$defs/file",
                },
            )
        ),
        "defaults": _or_null(_mapping(keys.DEFAULTS)),
        "profiles": _or_null(
            {
                "type": "object",
                "propertyNames": {
                    "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
                    "not": {"enum": list(settings.PROVIDERS)},
                },
                "additionalProperties": {
                    "title": "a profile",
                    "description": "What `--profile` with this name makes of the recipe, in a folder of its own.",
                    **_mapping(keys.PROFILE),
                },
            }
        ),
        "steps": _or_null(_named("step_name", {"$ref": "#/$defs/step"})),
        "step": _step(),
        "axes": {**_named("word", {"$ref": "#/$defs/values"}), "minProperties": 1},
        "chain": {**_named("word", {"$ref": "#/$defs/values"}), "minProperties": 1, "maxProperties": 1},
        "given": {
            "type": "object",
            "additionalProperties": {
                "title": "what the used recipe gets",
                "description": "For one of its `inputs` a reference or a list of them, for one of its `vars` the value.",
            },
        },
        "inputs": {
            "type": ["array", "null"],
            "items": {"type": "string", "$ref": "#/$defs/step_name"},
            "uniqueItems": True,
        },
        "condition": {"type": ["string", "boolean"]},
        "values": _values(),
        "word": {
            "title": "a name",
            "description": "A name that templates can say.",
            "pattern": "^[A-Za-z][A-Za-z0-9_]*$",
            "not": {"anyOf": [{"enum": sorted(entries.RESERVED)}, _one_of(entries.TEMPLATE_WORDS)]},
        },
        "step_name": {
            "description": "Lower-case letters, digits, `_` and `-`, beginning with a letter.",
            "pattern": "^[a-z][a-z0-9_-]*$",
            "not": {"const": "previous"},
        },
    }


def _folder_name() -> dict[str, Json]:
    """One name that every file system takes, as `naming.folder_name` has it; its length is in characters here."""
    unsafe = r'/<>:"|?*\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff'
    device = "|".join([*map(_any_case, ("con", "prn", "aux", "nul", "conin$", "conout$")), _PORTS])
    refused = (rf"^\s*({device})( *\.|\s*$)", r"\.\s*$", rf"\.({'|'.join(map(_any_case, _SUFFIXES))})\s*$")
    return {
        "type": "string",
        "pattern": rf"^\s*[^._\-\s{unsafe}]([^{unsafe}]{{0,{MAX_PART - 1}}}[^\s{unsafe}])?\s*$",
        "not": {"anyOf": [{"pattern": pattern} for pattern in refused]},
    }


def _step() -> dict[str, Json]:
    verbs = [{"required": [verb]} for verb in (*steps.VERBS, "use")]
    reads = [{"required": ["images"], "properties": {"images": {"not": {"const": []}}}}]
    reads += [{"required": [key], "not": {"required": ["images"]}} for key in ("each", "chain")]
    return {
        "title": "a step",
        "description": (
            "A step makes a picture: `generate` a new one, `edit` and `transform` one from others, `use` all those of another"
            " recipe. Its name is what others read it by, and where its picture lands."
        ),
        **_mapping(keys.STEP),
        "oneOf": verbs,
        "dependentRequired": {"start": ["chain"], "with": ["use"]},
        "allOf": [
            {"if": {"anyOf": [{"required": [verb]} for verb in ("edit", "transform")]}, "then": {"anyOf": reads}},
            {
                "if": {"required": ["transform"]},
                "then": {"propertyNames": {"not": {"enum": list(steps.NOT_OF_A_TRANSFORM)}}},
            },
            {"if": {"required": ["use"]}, "then": {"propertyNames": {"enum": list(steps.USE)}}},
        ],
    }


def _op_named(name: str) -> Json:
    """The op, ours or another package's; one that cannot be used may be anything: `validate` says what is wrong."""
    try:
        found = find(name)
    except BrokenPlugin as error:
        properties = {name: {"description": error.message}}
        return {"type": "object", "properties": properties, "required": [name], "additionalProperties": False}
    if found is None:
        raise AssertionError(f"{name} was among the names of ops")
    return _op(found)


def _op(transform: Transform) -> Json:
    """An op with its parameters, one value for the first of them, or one expression for all."""
    forms = {param.name: _or_template(param.kind.schema) for param in transform.params}
    properties = {
        param.name: {
            "title": f"{transform.name}: {param.name}",
            "description": param.about,
            "examples": [param.example],
            **({} if param.default is None else {"default": param.default}),
            **forms[param.name],
        }
        for param in transform.params
    }
    whole = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "required": [param.name for param in transform.params if param.required],
    }
    any_of = [whole, forms[transform.params[0].name], {"type": "null"}]
    about = {"title": transform.name, "description": transform.about}
    return {
        **about,
        "type": "object",
        "properties": {transform.name: {**about, "anyOf": any_of}},
        "required": [transform.name],
        "additionalProperties": False,
    }


def _or_template(form: Mapping[str, Json]) -> dict[str, Json]:
    """*form*, or an expression in its place or in that of its parts."""
    if "prefixItems" in form:
        form = {**form, "prefixItems": [_or_template(item) for item in form["prefixItems"]]}
    return {"anyOf": [form, _TEMPLATE]}


def _values() -> dict[str, Json]:
    row = {"type": "object", "minProperties": 1}
    return {
        "title": "an axis",
        "description": (
            "The values of an axis: a list, a mapping of `name: value`, rows of a table, or a file pattern."
            " `{{ color }}` is the value, `{{ names.color }}` its name."
        ),
        "anyOf": [
            {"type": "array", "minItems": 1, "items": _SCALAR},
            {"type": "array", "minItems": 1, "items": {"anyOf": [row, _TEMPLATE]}},
            {"type": "object", "minProperties": 1},
            {"description": "A file pattern, or one expression.", "type": "string", "pattern": r"[*?]|\{\{|\{%|\{#"},
        ],
        "examples": [["ivory", "teal"], {"ivory": "ivory white"}, [{"id": "007", "title": "Mug"}], "photos/*.jpg"],
    }


def _mapping(table: Iterable[Key]) -> dict[str, Json]:
    """A mapping of the keys in *table* and no others."""
    # Without a title of its own an editor heads every explanation by that of the whole.
    properties = {
        key.name: {
            "title": key.name,
            "description": key.about,
            "examples": [key.example],
            "$ref": f"#/$defs/{key.form}",
        }
        for key in table
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _named(name: str, value: Json) -> dict[str, Json]:
    return {"type": "object", "propertyNames": {"$ref": f"#/$defs/{name}"}, "additionalProperties": value}


def _or_null(form: Mapping[str, Json]) -> dict[str, Json]:
    """*form*, or nothing behind the key."""
    return {**form, "type": [form["type"], "null"]}


def _one_of(words: Iterable[str]) -> dict[str, Json]:
    """Any of these *words*, however they are capitalised."""
    return {"pattern": f"^({'|'.join(map(_any_case, sorted(words)))})$"}


def _any_case(word: str) -> str:
    """A pattern of *word*, however it is capitalised."""
    return "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else re.escape(letter) for letter in word)

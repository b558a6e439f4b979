"""The JSON Schema of the language, beside what `validate` says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from banana_pipe.errors import RecipeError, RecipeErrors
from banana_pipe.model import Json
from banana_pipe.recipe import jsonschema, keys, load
from banana_pipe.recipe.schema import declared, extended, read_recipe
from banana_pipe.recipe.yaml import plain, read_yaml
from banana_pipe.transforms import TRANSFORMS

DOCUMENT = jsonschema.document()
SCHEMA = Draft202012Validator(DOCUMENT)
BROKEN = Path(__file__).parent / "broken"
RECIPES = Path(__file__).parent.parent.parent / "recipes"
TABLES = {"top": keys.TOP, "defaults": keys.DEFAULTS, "profile": keys.PROFILE, "expect": keys.EXPECT, "step": keys.STEP}

BEYOND = re.compile(
    "has the name of a (step|variable|table)|the recipe has no variable|is a comment, and|is in `matrix` already"
)
"""What `recipe.schema` says of two places at once, or of a comment: no schema can see it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the examples read."""
    folder = tmp_path_factory.mktemp("agree")
    (folder / "photos").mkdir()
    (folder / "photos" / "mug.png").touch()
    (folder / "base.yaml").write_text("vars: {product: a mug}\nsteps: {base: {generate: A mug}}")
    (folder / "banner.yaml").write_text("inputs: [photo]\nsteps: {wide: {images: photo, edit: Widen it}}")
    (folder / "shops.csv").write_text("id,name\n1,Berlin\n")
    return folder


def mistakes(folder: Path, document: Json) -> list[str]:
    """What `validate` says of *document*, in a file in *folder*."""
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    try:
        load(path)
    except RecipeErrors as errors:
        return [error.message for error in errors.errors]
    return []


def read(path: Path) -> tuple[Json, list[str]]:
    """What stands in a recipe, and what `recipe.schema` says of it: before anything is rendered, found or compared.

    None, and what is wrong, where the file cannot be read at all.
    """
    errors: list[RecipeError] = []
    document = read_yaml(path.read_bytes(), str(path), errors)
    if errors or document.root is None:
        return None, [error.message for error in errors]
    read_recipe(document, path, errors, declared([document]), whole=extended(document) is None)
    return plain(document.root), [error.message for error in errors if not BEYOND.search(error.message)]


# --- the table -------------------------------------------------------------------------------------


def test_it_is_a_schema() -> None:
    """By the rules of its own draft, and with every reference leading somewhere."""
    Draft202012Validator.check_schema(DOCUMENT)
    referred = set(re.findall(r'"#/\$defs/(\w+)"', jsonschema.as_text()))
    assert referred <= set(DOCUMENT["$defs"])


@pytest.mark.parametrize("place", TABLES)
def test_every_key_has_a_description_and_an_example_that_is_right(place: str) -> None:
    """What an editor shows is true."""
    for key in TABLES[place]:
        assert key.about.endswith("."), key.name
        form = {"$ref": f"#/$defs/{key.form}", "$defs": DOCUMENT["$defs"]}
        assert Draft202012Validator(form).is_valid(key.example), key.name


@pytest.mark.parametrize("key", keys.STEP, ids=lambda key: key.name)
def test_every_example_of_a_step_is_a_step(folder: Path, key: keys.Key) -> None:
    """Pasted into a recipe it is accepted."""
    step = {key.name: key.example}
    if key.name in ("use", "with"):
        step = {"use": "banner.yaml", "with": {"photo": "base"}}
    elif key.name not in ("generate", "edit", "transform"):
        step["generate"] = "A mug"
    if key.name in ("edit", "transform"):
        step["images"] = "base"
    if key.name == "start":
        step["chain"] = {"beat": ["full", "empty"]}
    assert not mistakes(folder, BASE | {"steps": BASE["steps"] | {"more": step}})


@pytest.mark.parametrize("key", keys.TOP, ids=lambda key: key.name)
def test_every_example_of_a_recipe_is_accepted(folder: Path, key: keys.Key) -> None:
    """At the top as well."""
    said = mistakes(folder, BASE | {key.name: key.example})
    assert not said or (
        key.name == "inputs" and said == ["input `photo` is filled by who uses this recipe, and nobody does"]
    )


# --- agreement --------------------------------------------------------------------------------------

BASE: dict[str, Json] = {"vars": {"product": "a mug"}, "steps": {"base": {"generate": "A mug"}}}
VERBS = ("generate", "edit", "transform", "use")
WORDS = sorted(
    {key.name for table in TABLES.values() for key in table}
    | set(TRANSFORMS)
    | {param.name for transform in TRANSFORMS.values() for param in transform.params}
    | {"base", "previous", "x1", "Color", "and", "a b"}
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 120)
    | st.sampled_from([*WORDS, "", " ", "{{ product }}", "*.png", "0.5"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Json]:
    """A recipe of examples, right or with a mistake or two."""
    document: dict[str, Json] = {key.name: key.example for key in draw(_some(keys.TOP))}
    chosen = draw(_some([key for key in keys.STEP if key.name not in VERBS]))
    verb = draw(st.sampled_from([key for key in keys.STEP if key.name in VERBS]))
    document |= BASE
    document["steps"] = {**BASE["steps"], "more": {key.name: key.example for key in (*chosen, verb)}}
    document = deepcopy(document)
    for _ in range(draw(st.integers(0, 2))):
        _mutate(draw, document)
    return document


def _some(table: Sequence[keys.Key]) -> st.SearchStrategy[list[keys.Key]]:
    return st.lists(st.sampled_from(table), unique_by=lambda key: key.name)


def _mutate(draw: st.DrawFn, document: dict[str, Json]) -> None:
    holder: Any = draw(st.sampled_from(list(_holders(document))))
    if isinstance(holder, list):
        holder[draw(st.integers(0, len(holder) - 1))] = draw(VALUES)
        return
    name = draw(st.sampled_from([*holder, *WORDS]))
    if name in holder and draw(st.booleans()):
        del holder[name]
    else:
        holder[name] = draw(VALUES)


def _holders(value: Json) -> Iterator[Json]:
    """Every mapping in *value*, and every list that is not empty."""
    if isinstance(value, dict) or (isinstance(value, list) and value):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _holders(inner)


NAMES = st.one_of(
    st.text(max_size=8),
    st.lists(
        st.sampled_from(
            [
                *'aZ0é漢 ._-/\\<>:|?*"~@',
                "con",
                "NUL",
                "com1",
                "lpt²",
                "conin$",
                ".png",
                ".JPG",
                ".tar",
                "\u200b",
                "\t",
                "x" * 50,
            ]
        ),
        max_size=5,
    ).map("".join),
)


@given(name=NAMES)
def test_the_schema_and_validate_agree_about_names_of_folders(folder: Path, name: str) -> None:
    """To the letter, but for a length in bytes: what no file system takes an editor marks."""
    wrong = mistakes(folder, BASE | {"name": name})
    # As YAML reads it: a line break of its own kind is a space there.
    value, _ = read(folder / "recipe.yaml")
    too_long = any("longer than" in one for one in wrong)
    assert value is None or too_long or SCHEMA.is_valid(value) is not bool(wrong)


@given(document=documents())
def test_the_schema_and_validate_agree(folder: Path, document: dict[str, Json]) -> None:
    """What `validate` accepts the schema accepts, and what it refuses by the form alone the schema refuses."""
    said = mistakes(folder, document)
    value, wrong = read(folder / "recipe.yaml")
    accepted = SCHEMA.is_valid(value)
    assert accepted or said
    assert not (accepted and wrong)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.name)
def test_the_recipes_of_the_project_are_accepted(path: Path) -> None:
    """An editor that knows the schema has nothing to say of them."""
    assert not list(SCHEMA.iter_errors(read(path)[0]))


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_recipe_that_is_broken_in_its_form_is_refused(path: Path) -> None:
    """The golden mistakes, as far as the file can be read at all."""
    value, wrong = read(path)
    assert value is None or not (wrong and SCHEMA.is_valid(value))

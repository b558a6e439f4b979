"""`schema`: what editors are told."""

from __future__ import annotations

import json
from pathlib import Path

from banana_pipe.recipe import jsonschema
from tests.cli.conftest import Pipe


def test_it_is_printed_whole(pipe: Pipe) -> None:
    """For whoever wants it elsewhere; nothing is written."""
    said = pipe("schema")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out) == jsonschema.document()
    assert not Path(jsonschema.FILE_NAME).exists()


def test_it_is_written_into_this_folder_and_the_first_line_of_recipes_is_told(pipe: Pipe, project: Path) -> None:
    """An older one is replaced: it is made, not written."""
    (project / jsonschema.FILE_NAME).write_text('{"title": "A recipe of banana-pipe"}')
    said = pipe("schema", "--write")
    assert said.code == 0
    assert "# yaml-language-server: $schema=./banana-pipe.schema.json" in said.out
    assert json.loads((project / jsonschema.FILE_NAME).read_text()) == jsonschema.document()


def test_that_of_the_log_is_printed_and_written(pipe: Pipe, project: Path) -> None:
    """For whoever reads logs by program; that of recipes is left alone."""
    said = pipe("schema", "--log")
    assert (said.code, json.loads(said.out)["title"]) == (0, "A line of a run's log, `_/runs/RUN-ID.jsonl`")
    assert pipe("schema", "--log", "--write").code == 0
    assert (project / "banana-pipe-log.schema.json").read_text() == said.out
    assert not (project / jsonschema.FILE_NAME).exists()


def test_it_is_written_where_one_says(pipe: Pipe, project: Path) -> None:
    """With folders that are not there yet; a folder is no file."""
    said = pipe("schema", "--write", "editor/recipes.json")
    assert said.code == 0
    assert "# yaml-language-server: $schema=./recipes.json" in said.out
    assert json.loads((project / "editor" / "recipes.json").read_text()) == jsonschema.document()
    said = pipe("schema", "--write", "editor")
    assert said.code == 2
    assert "--write editor/banana-pipe.schema.json" in said.err


def test_nothing_of_a_user_is_replaced(pipe: Pipe, project: Path) -> None:
    """Other commands take a recipe where this one takes the file to write."""
    recipe = project / "mine.yaml"
    recipe.write_text("version: 1\nsteps: {a: {generate: a cat}}\n")
    said = pipe("schema", "--write", "mine.yaml")
    assert (said.code, "mine.yaml is there, and holds something else" in said.err) == (2, True)
    assert "a cat" in recipe.read_text()
    assert pipe("schema", "--tests", "--write").code == 0
    assert pipe("schema", "--write", "banana-pipe-tests.schema.json").code == 2
    assert pipe("schema", "--tests", "--write").code == 0


def test_that_of_test_files_has_a_name_of_its_own(pipe: Pipe, project: Path) -> None:
    """So that both may stand in one folder."""
    assert pipe("schema", "--tests", "--write").code == 0
    path = project / "banana-pipe-tests.schema.json"
    assert json.loads(path.read_text()) == json.loads(pipe("schema", "--tests").out) == jsonschema.tests_document()
    assert pipe("schema", "--tests", "--log").code == 2

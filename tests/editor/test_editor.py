"""Recipes in an editor: what is marked, what is offered, and what is told of each word.

Unaware of how the schema is made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from banana_pipe.recipe import jsonschema, keys
from banana_pipe.recipe.keys import Key
from banana_pipe.transforms import TRANSFORMS
from tests.editor.client import Editor, Mark

TESTS_LINE = jsonschema.first_line(jsonschema.TESTS_NAME)


def write(project: Path, name: str, text: str, first: str | None = None) -> Path:
    """*text* behind the line that tells editors of the schema."""
    path = project / name
    path.write_text(f"{first or jsonschema.first_line()}\n{text}", "utf-8")
    return path


def test_what_init_leaves_is_right_and_known_to_the_editor(editor: Editor, project: Path) -> None:
    """Nothing is marked, and the first key is explained: its first line names the schema beside it."""
    path = project / "pictures.yaml"
    assert editor.opened(path) == []
    line = path.read_text("utf-8").splitlines().index("version: 1") + 1
    assert "The version of the language: 1." in editor.hover(path, line, 2)


WRONG = """\
version: 1
steps:
  hero:
    generat: A fox
  mug:
    generate: A mug
    samples: many
    expect: {min_width: -1}
  cut:
    images: hero
    transform: [{resize: {widht: 3}}, {nothing: 3}]
"""


def test_mistakes_are_marked_at_their_lines(editor: Editor, project: Path) -> None:
    """As somebody types them, before any command is called."""
    marks = editor.opened(write(project, "wrong.yaml", WRONG))
    told = [(mark.line, mark.says) for mark in marks]
    for line, words in (
        (5, "generat"),
        (8, 'Expected "integer"'),
        (9, "below the minimum"),
        (12, "widht"),
        (12, "resize"),
    ):
        assert any(at == line and words in says for at, says in told), (line, words, told)
    assert {mark.line for mark in marks} == {4, 5, 8, 9, 12}


def test_what_may_stand_there_is_offered(editor: Editor, project: Path) -> None:
    """Verbs and all other keys in a step, ops in a transform, what `expect` knows, and the names of providers."""
    text = "steps:\n  hero:\n    generate: A fox\n    \n  cut:\n    images: hero\n    transform:\n      - \n  b:\n    expect:\n      \n    provider: \n"
    path = write(project, "offers.yaml", text)
    editor.opened(path)
    assert {key.name for key in keys.STEP} - {"generate"} <= set(editor.offers(path, 5, 5))
    assert set(TRANSFORMS) <= set(editor.offers(path, 9, 9))
    assert {key.name for key in keys.EXPECT} <= set(editor.offers(path, 12, 7))
    assert {"acedata", "sandbox"} <= set(editor.offers(path, 13, 15))


def _lines(table: Iterable[Key], indent: int) -> list[str]:
    return [f"{' ' * indent}{key.name}: {json.dumps(key.example)}" for key in table]


def test_every_key_is_explained_where_one_points_at_it(editor: Editor, project: Path) -> None:
    """With its own name above; whether the recipe is whole does not matter to who reads."""
    top = [*_lines([key for key in keys.TOP if key.name != "steps"], 0), "steps:", "  hero:", *_lines(keys.STEP, 4)]
    path = write(project, "hover.yaml", "\n".join(top) + "\n")
    editor.opened(path)
    step = len(keys.TOP) + 3
    places = [(line, 2, key) for line, key in enumerate((key for key in keys.TOP if key.name != "steps"), 2)]
    places += [(line, 6, key) for line, key in enumerate(keys.STEP, step)]
    for line, column, key in places:
        shown = editor.hover(path, line, column)
        assert key.about in shown, (key.name, shown)
        assert f"#### {key.name}" in shown
    assert "A step makes a picture" in editor.hover(path, step - 1, 4)


def test_every_op_and_each_of_its_parameters_is_explained(editor: Editor, project: Path) -> None:
    """Where one points at it, in a step that is right."""
    lines, places = [], []
    for op in TRANSFORMS.values():
        lines.append(f"      - {op.name}:")
        places.append((len(lines), 10, op.about))
        for param in op.params:
            lines.append(f"          {param.name}: {json.dumps(param.example)}")
            places.append((len(lines), 12, param.about))
    path = write(project, "ops.yaml", "steps:\n  cut:\n    images: a.png\n    transform:\n" + "\n".join(lines) + "\n")
    editor.opened(path)
    for line, column, about in places:
        assert about in editor.hover(path, line + 5, column), (line, about)


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("prompts:\n  - {node: hero, lacks: logo, max_length: 40}\n", []),
        ("prompts:\n  - lack: logo\n", [3]),
        ("prompts:\n  - max_length: no\n", [3]),
    ],
)
def test_a_test_file_has_a_schema_too(editor: Editor, project: Path, text: str, marks: list[int]) -> None:
    """`schema --tests --write` puts it there."""
    path = write(project, f"a{len(text)}.test.yaml", text, TESTS_LINE)
    found: list[Mark] = editor.opened(path)
    assert sorted({mark.line for mark in found}) == marks
    assert keys.TEST_FILE[1].about in editor.hover(path, 2, 3)

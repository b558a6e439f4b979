"""Variables from outside, sources, and what `load` reads and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe.canonical import digest_of
from banana_pipe.errors import RecipeErrors, UsageError
from banana_pipe.recipe import load
from tests.recipe.conftest import Load

TEXT = """
name: shop
vars: {product: a mug, colors: [teal], count: 3, on: false}
steps:
  s: {matrix: {color: "{{ colors }}"}, generate: "{{ product }} {{ color }} {{ count }} {{ on }}"}
"""


def prompts(graph: Load, *sets: str, files: list[Path] | None = None) -> list[str]:
    return [node.prompt for node in graph(TEXT, sets=sets, vars_files=files or [])]


def test_set_takes_text_as_written_where_the_recipe_has_text(graph: Load) -> None:
    """`--set product=007 # x` is these very letters; a list or number is read as YAML."""
    assert prompts(graph, "product=007 # x: [y") == ["007 # x: [y teal 3 false"]
    assert prompts(graph, "colors=[a, 1.10]", "count=16:9", "on=true") == ["a mug a 16:9 true", "a mug 1.10 16:9 true"]
    assert prompts(graph, "product=") == ["teal 3 false"]


def test_set_wins_over_vars_and_vars_over_the_recipe(graph: Load, tmp_path: Path) -> None:
    """Later files win over earlier ones."""
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("product: a pot\ncount: 1\n")
    two.write_text("product: a jug\non: true\n")
    assert prompts(graph, "on=false", files=[one, two]) == ["a jug teal 1 false"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prodct=x", "did you mean `product`"),
        ("product", "name=value"),
        ("=x", "name=value"),
        ("colors=[a", "not closed"),
        ("count=3 # b", "comment"),
        ("colors=!!python/name:os.system", "no tags"),
        ("colors=\ud800", "colors"),
    ],
)
def test_a_mistake_in_a_set_has_no_place_but_a_name(text: str, said: str, graph: Load) -> None:
    """It stands on the command line, not in the recipe."""
    with pytest.raises(UsageError) as raised:
        prompts(graph, text)
    assert raised.value.at is None
    assert said in str(raised.value)


def test_mistakes_in_a_vars_file_have_their_place_there(graph: Load, tmp_path: Path) -> None:
    """Misspelt names and lost comments, beside the mistakes of the recipe itself."""
    file = tmp_path / "v.yaml"
    file.write_text("prodct: a pot\ncolors: red #ff0000\n")
    with pytest.raises(RecipeErrors) as raised:
        graph(TEXT + "  t: {generate: '{{ oops }}'}\n", vars_files=[file])
    places = [str(error.at) for error in raised.value.errors if error.at]
    assert f"{file}:1:1" in places
    assert f"{file}:2:9" in places
    assert any(place.startswith("recipe.yaml:6:") for place in places)


def test_every_file_that_was_read_is_a_source(graph: Load, tmp_path: Path) -> None:
    """Recipe, vars files and partials, each with the digest of its bytes."""
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "p.txt").write_text("soft")
    file = tmp_path / "v.yaml"
    file.write_text("a: y\n")
    found = graph("vars: {a: x}\nsteps: {s: {generate: '{{ a }} {% include \"p.txt\" %}'}}", vars_files=[file])
    assert [node.prompt for node in found] == ["y soft"]
    assert [(source.kind, source.path.name) for source in found.sources] == [
        ("recipe", "recipe.yaml"),
        ("vars", "v.yaml"),
        ("prompt", "p.txt"),
    ]
    for source in found.sources:
        assert source.path.is_absolute()
        assert source.digest == digest_of(source.path.read_bytes())
    assert found.recipe.sources == found.sources[:2]


def test_a_recipe_is_named_by_itself_or_its_file(graph: Load) -> None:
    """`name` is the folder's name; it cannot lead elsewhere."""
    assert graph(TEXT).recipe.name == "shop"
    assert graph("steps: {s: {generate: A}}").recipe.name == "recipe"
    for name in ("../x", ".x", "_x", "a/b", '""', "-x"):
        with pytest.raises(RecipeErrors):
            graph(f"name: {name}\nsteps: {{s: {{generate: A}}}}")


def test_messages_write_the_path_as_the_user_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also that of a partial; without `shown_as` it is the path as given."""
    (tmp_path / "r" / "prompts").mkdir(parents=True)
    (tmp_path / "r" / "x.yaml").write_text("steps: {s: {generate: '{% include \"p.txt\" %}'}}")
    (tmp_path / "r" / "prompts" / "p.txt").write_text("\n{{ oops }}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeErrors) as raised:
        load(Path("r/x.yaml"))
    assert str(raised.value).startswith("r/prompts/p.txt:2:4: `oops` is not defined")


def test_files_that_cannot_be_read_are_a_matter_of_usage(tmp_path: Path, graph: Load) -> None:
    """No recipe, a folder, no vars file, a provider that is none: exit code 2, no traceback."""
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "a\0b"):
        with pytest.raises(UsageError):
            load(path)
    with pytest.raises(UsageError):
        graph(TEXT, vars_files=[tmp_path / "none.yaml"])
    with pytest.raises(UsageError, match="there is no provider"):
        graph(TEXT, provider="sandbx")


def test_pictures_outside_need_leave(graph: Load, tmp_path: Path) -> None:
    """`allow_read` widens what may be read."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "a.png").write_bytes(b"")
    text = f"steps: {{s: {{images: '../{outside.name}/a.png', edit: E}}}}"
    with pytest.raises(RecipeErrors, match="outside the recipe"):
        graph(text)
    assert len(graph(text, allow_read=[outside])) == 1

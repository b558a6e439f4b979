"""Recipes that extend others: what is merged, what is relative to which file, and what cannot be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from banana_pipe.errors import RecipeErrors, UsageError
from banana_pipe.model import FileInput, Graph, NodeInput
from banana_pipe.recipe import load
from tests.recipe.conftest import Load

BASE = """
vars: {product: a mug, light: soft light}
defaults: {model: nano-banana, resolution: 1K}
extra: {seed: 1, style: plain}
steps:
  hero: {generate: "{{ product }} in {{ light }}"}
  side: {images: hero, edit: From the side}
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.yaml"
    path.write_text(BASE)
    return path


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    """Files by their path below *folder*."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def open_at(folder: Path, name: str = "recipe.yaml", **options: Any) -> Graph:
    return load(folder / name, shown_as=name, **options)


def said(folder: Path, name: str = "recipe.yaml", **options: Any) -> list[str]:
    """The mistakes of a recipe, each as its place and its message."""
    with pytest.raises(RecipeErrors) as raised:
        open_at(folder, name, **options)
    return [f"{error.at}: {error.message}" for error in raised.value.errors]


def requests(graph: Graph) -> dict[str, tuple[object, ...]]:
    """All that makes the request of each node."""
    return {node.id: (node.prompt, node.model, dict(node.params), node.inputs, node.samples) for node in graph}


@pytest.mark.usefixtures("base")
def test_a_recipe_has_what_it_extends(graph: Load) -> None:
    """Alone, `extends` is the other recipe, under a name of its own."""
    child, parent = graph("extends: base.yaml"), graph(BASE)
    assert requests(child) == requests(parent)
    assert child.recipe.name == "recipe"
    assert [source.path.name for source in child.sources] == ["recipe.yaml", "base.yaml"]


@pytest.mark.usefixtures("base")
def test_variables_and_defaults_merge_by_name(graph: Load) -> None:
    """What the child names is its own, the rest its parent's; the fields of `extra` too."""
    child = graph("""
extends: base.yaml
vars: {product: a pot, size: big}
defaults: {resolution: 4K}
extra: {style: fine}
steps:
  top: {generate: "{{ size }} {{ light }}"}
""")
    found = requests(child)
    params = {"resolution": "4K", "seed": 1, "style": "fine"}
    assert found["hero"][:3] == ("a pot in soft light", "nano-banana", params)
    assert found["top"][:3] == ("big soft light", "nano-banana", params)


@pytest.mark.usefixtures("base")
def test_a_step_of_the_same_name_replaces_the_whole_step(graph: Load) -> None:
    """Nothing of the parent's step is left, and what reads it reads the child's."""
    child = graph("extends: base.yaml\nsteps: {side: {matrix: {n: [1, 2]}, generate: 'Side {{ n }}'}}")
    assert list(child.nodes) == ["hero", "side[n=1]", "side[n=2]"]
    assert all(not node.inputs for node in child)


def test_parents_may_have_parents(tmp_path: Path) -> None:
    """The nearest wins; a parent needs no steps, and neither does a child."""
    write(
        tmp_path,
        {
            "words.yaml": "vars: {a: 1, b: 1, c: 1}",
            "steps.yaml": "extends: words.yaml\nvars: {b: 2, c: 2}\nsteps: {s: {generate: '{{ a }}{{ b }}{{ c }}'}}",
            "recipe.yaml": "extends: steps.yaml\nvars: {c: 3}",
        },
    )
    assert open_at(tmp_path).nodes["s"].prompt == "123"


def test_paths_are_relative_to_the_file_they_stand_in(tmp_path: Path) -> None:
    """Pictures, patterns, axes of files and partials alike, those of the child from its own folder."""
    write(
        tmp_path,
        {
            "photo.png": b"x",
            "prompts/tone.j2": "loud",
            "shared/photo.png": b"x",
            "shared/shots/a.png": b"x",
            "shared/prompts/tone.j2": "quiet",
            "shared/base.yaml": """
steps:
  one: {images: [photo.png, "shots/*.png"], edit: '{% include "tone.j2" %}'}
  all: {matrix: {shot: "shots/*.png"}, images: "{{ shot }}", edit: x}
""",
            "recipe.yaml": """
extends: shared/base.yaml
steps: {two: {images: photo.png, edit: '{% include "tone.j2" %}'}}
""",
        },
    )
    found = open_at(tmp_path)
    shared = tmp_path / "shared"
    paths = {node.id: [one.path for one in node.inputs if isinstance(one, FileInput)] for node in found}
    assert paths == {
        "one": [shared / "photo.png", shared / "shots" / "a.png"],
        "all[shot=a]": [shared / "shots" / "a.png"],
        "two": [tmp_path / "photo.png"],
    }
    assert (found.nodes["one"].prompt, found.nodes["two"].prompt) == ("quiet", "loud")
    assert {source.path for source in found.sources} == {
        tmp_path / "recipe.yaml",
        shared / "base.yaml",
        tmp_path / "prompts" / "tone.j2",
        shared / "prompts" / "tone.j2",
    }


def test_every_mistake_of_every_file_is_told_where_it_is(tmp_path: Path) -> None:
    """Checks of values and what templates say, in the child, in its parent and in the parent's partial."""
    write(
        tmp_path,
        {
            "shared/prompts/p.j2": "{{ nowhere }}",
            "shared/base.yaml": "steps:\n  a: {generate: '{{ oops }}'}\n  b: {generate: '{% include \"p.j2\" %}'}\n",
            "recipe.yaml": "extends: shared/base.yaml\nsteps:\n  c: {generate: '{{ ups }}'}\n",
        },
    )
    assert said(tmp_path) == [
        "recipe.yaml:3:21: `ups` is not defined",
        "shared/base.yaml:2:21: `oops` is not defined",
        "shared/prompts/p.j2:1:4: `nowhere` is not defined",
    ]
    write(tmp_path, {"shared/base.yaml": "stps: {}", "recipe.yaml": "extends: shared/base.yaml\nsteps: {A: {edit: 1}}"})
    assert {line.split(": ")[0].split(":")[0] for line in said(tmp_path)} == {"recipe.yaml", "shared/base.yaml"}


@pytest.mark.parametrize(
    ("child", "message"),
    [
        ("extends: bse.yaml", "recipe.yaml:1:10: there is no file `bse.yaml`"),
        ("extends: ../x.yaml", "recipe.yaml:1:10: `../x.yaml` is outside the recipe's folder"),
        ("extends: /etc/passwd", "recipe.yaml:1:10: `/etc/passwd` is outside the recipe's folder"),
        ("extends: [base.yaml]", "recipe.yaml:1:10: `extends` is one text, not a list"),
        ("extends:", "recipe.yaml:1:9: `extends` is empty"),
        ("extends: '{{ base }}.yaml'", "recipe.yaml:1:10: `extends` is no template"),
        ("extends: .", "recipe.yaml:1:10: `.` is a folder"),
        ("extends: pipe", "recipe.yaml:1:10: `pipe` is not a regular file"),
        ("extends: recipe.yaml", "recipe.yaml:1:10: `extends` goes round in a circle"),
        ("extends: .env", "recipe.yaml:1:10: `.env` is no recipe"),
        ("extends: env.yaml", "recipe.yaml:1:10: `env.yaml` is no recipe"),
        ("extends: empty.yaml", "empty.yaml:1:1: the recipe is empty"),
        ("extends: bare.yaml", "recipe.yaml:1:1: there are no steps, here or in what it extends"),
        ("extends: bare.yaml\nsteps: {s: {matrix: {v: [1]}, generate: x}}", "recipe.yaml:2:22: axis `v` has the name"),
    ],
)
@pytest.mark.usefixtures("base")
def test_what_cannot_be_extended_is_explained(child: str, message: str, tmp_path: Path) -> None:
    """A place in the child, one mistake, and no words about steps that are missing because of it."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "env.yaml").symlink_to(".env")
    write(tmp_path, {"recipe.yaml": child, "empty.yaml": "", "bare.yaml": "vars: {v: 1}", ".env": "TOKEN=secret"})
    found = said(tmp_path)
    assert len(found) == 1
    assert found[0].startswith(message)


@pytest.mark.parametrize("top", ["extends: env.yaml", "extends: .env", "data: {t: env.csv}", "data: {t: .env}"])
def test_no_line_is_shown_of_what_is_neither_recipe_nor_table(top: str, tmp_path: Path) -> None:
    """A stranger's recipe beside a `.env` can't have its token printed, not by a link either."""
    (tmp_path / "env.yaml").symlink_to(".env")
    (tmp_path / "env.csv").symlink_to(".env")
    write(tmp_path, {".env": "TOKEN=hidden\n\t: hidden", "recipe.yaml": f"{top}\nsteps: {{s: {{generate: x}}}}"})
    with pytest.raises(RecipeErrors) as raised:
        open_at(tmp_path)
    assert "hidden" not in str(raised.value)


def test_a_circle_is_found_behind_links_too(tmp_path: Path) -> None:
    """It is the file that counts, not what it is called; and sixteen files are enough."""
    write(tmp_path, {"a.yaml": "extends: b.yaml", "b.yaml": "extends: again.yaml"})
    (tmp_path / "again.yaml").symlink_to("a.yaml")
    assert said(tmp_path, "a.yaml") == ["b.yaml:1:10: `extends` goes round in a circle: a.yaml -> b.yaml -> a.yaml"]
    write(tmp_path, {f"{n}.yaml": f"extends: {n + 1}.yaml" for n in range(20)})
    assert said(tmp_path, "0.yaml") == ["15.yaml:1:10: more than 16 files extend each other"]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """Unless that folder may be read; then paths in it are from there, and its mistakes have their place."""
    write(tmp_path, {"in/recipe.yaml": "extends: base.yaml", "out/base.yaml": BASE + "  x: {generate: '{{ x }}'}\n"})
    (tmp_path / "in" / "base.yaml").symlink_to(tmp_path / "out" / "base.yaml")
    assert said(tmp_path / "in") == ["recipe.yaml:1:10: `base.yaml` is outside the recipe's folder"]
    assert said(tmp_path / "in", allow_read=[tmp_path / "out"]) == ["../out/base.yaml:8:21: `x` is not defined"]


def test_set_reaches_the_variables_of_a_parent(base: Path) -> None:
    """They are the recipe's own, and misspelt ones are told as ever."""
    (base.parent / "recipe.yaml").write_text("extends: base.yaml")
    assert open_at(base.parent, sets=["product=a jug"]).nodes["hero"].prompt == "a jug in soft light"
    with pytest.raises(UsageError, match="did you mean `product`"):
        open_at(base.parent, sets=["prduct=a jug"])


def test_a_used_recipe_has_its_parent_s_everything(tmp_path: Path) -> None:
    """Inputs, variables, tables and defaults; the user's profile reaches it, its `extra` does not."""
    write(
        tmp_path,
        {
            "parts/words.csv": "id,text\na,Sale\nb,New\n",
            "parts/base.yaml": """
inputs: [photo]
data: {words: words.csv}
defaults: {resolution: 2K}
extra: {seed: 1}
steps: {poster: {matrix: {word: "{{ words }}"}, images: photo, edit: "Write {{ word.text }}"}}
""",
            "parts/banner.yaml": "extends: base.yaml\nvars: {unused: x}\nprofiles: {draft: {resolution: 8K}}",
            "recipe.yaml": """
extra: {style: loud}
profiles: {draft: {resolution: 1K, samples: 2}}
steps:
  hero: {generate: A mug}
  banner: {use: parts/banner.yaml, with: {photo: hero}}
""",
        },
    )
    found = open_at(tmp_path).nodes["banner/poster[word=b]"]
    assert (found.prompt, found.params) == ("Write New", {"resolution": "2K", "seed": 1})
    assert found.inputs == (NodeInput("hero"),)
    draft = open_at(tmp_path, profile="draft").nodes["banner/poster[word=a]"]
    assert (draft.samples, draft.params) == (2, {"resolution": "1K", "seed": 1})

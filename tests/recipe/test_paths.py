"""Paths in recipes of several folders: each is from the folder of the file in which it was written.

Every file of a folder is there in the others too, under the same name and with other bytes: what is
read is told by its digest.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe.canonical import digest_of
from banana_pipe.errors import RecipeErrors
from banana_pipe.model import FileInput, Graph
from banana_pipe.recipe import load
from tests.recipe.conftest import Load

FOLDERS = (".", "kit", "kit/deep")
NAMES = ("shots/a.png", "shots/b.png", "logo.png")


@pytest.fixture(autouse=True)
def same_names(tmp_path: Path) -> None:
    for folder in FOLDERS:
        for name in NAMES:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{folder}:{name}".encode())


def write(folder: Path, **recipes: str) -> None:
    for name, text in recipes.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.write_text(text)


def read(graph: Graph, node: str) -> list[str]:
    """Which files *node* reads, by their bytes: `kit:logo.png`."""
    known = {digest_of(f"{folder}:{name}".encode()): f"{folder}:{name}" for folder in FOLDERS for name in NAMES}
    return [known[digest_of(one.path.read_bytes())] for one in graph.nodes[node].inputs if isinstance(one, FileInput)]


CUTS = """
steps:
  cut: {matrix: {shot: "shots/*.png"}, images: "{{ shot }}", edit: "Cut {{ shot }}"}
"""


def test_a_globbed_path_of_a_used_recipe_is_from_its_folder(graph: Load, tmp_path: Path) -> None:
    """Its user's steps read the picture that its own step reads."""
    write(tmp_path, kit__cuts=CUTS)
    found = graph(
        """
steps:
  kit: {use: kit/cuts.yaml}
  again: {each: kit/cut, images: "{{ shot }}", edit: "A {{ shot }}"}
  half: {each: kit/cut, transform: [{overlay: {picture: "{{ shot }}"}}]}
  mine: {matrix: {shot: "shots/*.png"}, images: ["{{ shot }}", logo.png], edit: M}
"""
    )
    assert read(found, "kit/cut[shot=a]") == ["kit:shots/a.png"]
    assert read(found, "again[shot=a]") == ["kit:shots/a.png"]
    assert read(found, "half[shot=b]") == ["kit:shots/b.png"]
    assert read(found, "mine[shot=b]") == [".:shots/b.png", ".:logo.png"]
    assert found.nodes["again[shot=a]"].prompt == "A shots/a.png"


def test_a_path_that_is_given_is_from_the_folder_of_who_gives_it(graph: Load, tmp_path: Path) -> None:
    """As a variable, in a list, in a row, out of a glob, put together of pieces, and as an input; two recipes deep."""
    write(
        tmp_path,
        kit__frame="""
inputs: [photo]
vars: {logo: logo.png, set: [], row: {}, made: x}
steps:
  own: {images: logo.png, edit: O}
  logo: {images: "{{ logo }}", edit: L}
  set: {matrix: {one: "{{ set }}"}, images: "{{ one }}", edit: S}
  rest: {images: ["{{ row.photo }}", "{{ made }}", photo], edit: R}
  deep: {use: deep/in.yaml, with: {photo: photo, logo: "{{ logo }}", other: logo.png}}
""",
        kit__deep__in="""
inputs: [photo]
vars: {logo: logo.png, other: logo.png, untold: logo.png}
steps:
  all: {images: ["{{ logo }}", "{{ other }}", "{{ untold }}", logo.png, photo], edit: A}
  ops: {images: "{{ logo }}", transform: [{overlay: {picture: "{{ other }}"}}]}
""",
    )
    found = graph(
        """
vars: {folder: shots}
steps:
  kit:
    matrix: {shot: "shots/*.png"}
    use: kit/frame.yaml
    with:
      photo: "{{ shot }}"
      logo: logo.png
      set: ["{{ shot }}"]
      row: {photo: shots/b.png}
      made: "{{ folder }}/a.png"
  plain: {use: kit/frame.yaml, with: {photo: "shots/*.png", set: [logo.png], row: {photo: logo.png}, made: logo.png}}
"""
    )
    assert read(found, "kit/own[shot=a]") == ["kit:logo.png"]
    assert read(found, "kit/logo[shot=a]") == [".:logo.png"]
    assert read(found, 'kit/set[shot=a,one="shots/a.png"]') == [".:shots/a.png"]
    assert read(found, "kit/rest[shot=b]") == [".:shots/b.png", ".:shots/a.png", ".:shots/b.png"]
    assert read(found, "kit/deep/all[shot=a]") == [
        *(".:logo.png", "kit:logo.png", "kit/deep:logo.png", "kit/deep:logo.png", ".:shots/a.png")
    ]
    assert read(found, "kit/deep/ops[shot=a]") == [".:logo.png", "kit:logo.png"]
    assert read(found, "plain/logo") == ["kit:logo.png"]
    assert read(found, "plain/rest") == [".:logo.png", ".:logo.png", ".:shots/a.png", ".:shots/b.png"]


BASE = """
vars: {logo: logo.png, pattern: "shots/*.png", both: {x: logo.png}, other: logo.png}
data: {rows: rows.csv}
profiles: {draft: {vars: {other: shots/b.png}}}
steps:
  text: {images: logo.png, edit: '{% include "tone.j2" %}'}
  all: {images: "shots/*.png", edit: A}
  cut: {matrix: {shot: "shots/*.png"}, images: "{{ shot }}", edit: C}
  replaced: {images: logo.png, edit: R}
  theirs: {images: "{{ other }}", edit: T}
"""


def test_what_a_recipe_extends_keeps_its_folder(graph: Load, tmp_path: Path) -> None:
    """Files, globs, tables, partials and variables of the base are from the base's folder, its child's from its own."""
    write(tmp_path, kit__base=BASE)
    (tmp_path / "kit" / "rows.csv").write_text("id,photo\none,shots/a.png\n")
    (tmp_path / "rows.csv").write_text("id,photo\ntwo,shots/b.png\n")
    for folder in (".", "kit"):
        (tmp_path / folder / "prompts").mkdir()
        (tmp_path / folder / "prompts" / "tone.j2").write_text(f"tone of {folder}")
    text = """
extends: kit/base.yaml
vars: {other: logo.png}
steps:
  replaced: {images: logo.png, edit: '{% include "tone.j2" %}'}
  again: {each: cut, images: "{{ shot }}", edit: A}
  vars: {images: ["{{ logo }}", "{{ both.x }}"], edit: V}
  globbed: {matrix: {one: "{{ pattern }}"}, images: "{{ one }}", edit: G}
  row: {matrix: {r: "{{ rows }}"}, images: "{{ r.photo }}", edit: R}
"""
    found = graph(text)
    assert (found.nodes["text"].prompt, found.nodes["replaced"].prompt) == ("tone of kit", "tone of .")
    assert read(found, "text") == ["kit:logo.png"]
    assert read(found, "all") == ["kit:shots/a.png", "kit:shots/b.png"]
    assert read(found, "replaced") == [".:logo.png"]
    assert read(found, "again[shot=b]") == read(found, "cut[shot=b]") == ["kit:shots/b.png"]
    assert read(found, "vars") == ["kit:logo.png", "kit:logo.png"]
    assert read(found, "globbed[one=a]") == ["kit:shots/a.png"]
    assert read(found, "row[r=one]") == ["kit:shots/a.png"]
    assert read(found, "theirs") == [".:logo.png"]
    assert read(graph(text, profile="draft"), "theirs") == ["kit:shots/b.png"]
    # What the command line says is from the recipe that it names.
    assert read(graph(text, sets=["logo=shots/a.png"]), "vars") == [".:shots/a.png", "kit:logo.png"]
    (tmp_path / "kit" / "v.yaml").write_text("other: shots/a.png")
    assert read(graph(text, vars_files=[tmp_path / "kit" / "v.yaml"]), "theirs") == [".:shots/a.png"]


def test_nothing_outside_is_read_however_a_path_comes(graph: Load, tmp_path: Path) -> None:
    """A path of another file, and a glob there, are held inside the folders that may be read."""
    (tmp_path / "project").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.png").write_bytes(b"secret")
    write(
        tmp_path / "project",
        main="""
steps:
  a: {use: kit/one.yaml, with: {path: ../secret/key.png, glob: "../secret/*.png"}}
  b: {each: a/two, images: "{{ p }}", edit: B}
""",
    )
    (tmp_path / "project" / "kit").mkdir()
    write(
        tmp_path / "project",
        kit__one="""
vars: {path: x, glob: y}
steps:
  one: {images: "{{ path }}", edit: A}
  two: {matrix: {p: [../../secret/key.png]}, images: "{{ p }}", edit: A}
  three: {matrix: {q: "{{ glob }}"}, images: "{{ q }}", edit: A}
""",
    )
    with pytest.raises(RecipeErrors) as raised:
        load(tmp_path / "project" / "main.yaml", shown_as="main.yaml")
    outside = "`../../secret/key.png` is outside the recipe's folder"
    assert {(error.at.path, error.at.line, error.message) for error in raised.value.errors if error.at} == {
        ("kit/one.yaml", 4, "`../secret/key.png` is outside the recipe's folder, as main.yaml has it"),
        ("kit/one.yaml", 5, outside),
        ("kit/one.yaml", 6, "`../secret` is outside the recipe's folder"),
        ("main.yaml", 4, f"{outside}, as kit/one.yaml has it"),
    }


def test_a_text_that_knows_its_file_is_a_text_like_others(graph: Load, tmp_path: Path) -> None:
    """In prompts, conditions, filters, settings and fields of `extra`; templates cannot ask for its file."""
    write(tmp_path, kit__cuts=CUTS)
    found = graph(
        """
vars: {word: mug}
steps:
  kit: {use: kit/cuts.yaml}
  a:
    each: kit/cut
    when: shot == 'shots/a.png' and shot.startswith('shots') and shot in ['shots/a.png'] and word
    images: "{{ shot }}"
    edit: "{{ shot | upper }} {{ shot ~ '!' }} {{ shot + '?' }} {{ [shot] | tojson }} {{ {shot: 1}[shot] }}"
    extra: {from: "{{ shot }}", map: "{{ {shot: [shot]} }}"}
"""
    )
    node = found.nodes["a[shot=a]"]
    assert node.prompt == 'SHOTS/A.PNG shots/a.png! shots/a.png? ["shots/a.png"] 1'
    assert node.params == {"from": "shots/a.png", "map": {"shots/a.png": ["shots/a.png"]}}
    assert type(node.params["from"]) is type(node.params["map"]["shots/a.png"][0]) is str
    assert "a[shot=b]" not in found.nodes
    with pytest.raises(RecipeErrors):
        graph("steps: {kit: {use: kit/cuts.yaml}, a: {each: kit/cut, edit: '{{ shot._file }}'}}")
    with pytest.raises(RecipeErrors, match="a text has no `nope`"):
        graph("steps: {kit: {use: kit/cuts.yaml}, a: {each: kit/cut, edit: '{{ shot.nope }}'}}")

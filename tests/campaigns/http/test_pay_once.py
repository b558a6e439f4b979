"""What a recipe asks for is paid once: however it is answered, written, named, or wherever it lies.

Unaware of caches: the vendor's bill is compared with the recipe.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.campaigns.errands import Errand
from tests.campaigns.nursery import Nursery
from tests.campaigns.projects import (
    CHAIN,
    MATRIX,
    Project,
    Shape,
    digest_of,
    judge,
    published,
    read_lock,
    write_recipe,
)
from tests.vendor import Vendor

ROW = Shape(
    "row",
    """
    version: 1
    vars: {colors: {ivory: ivory white, teal: deep teal}}
    steps:
      cup: {generate: A red cup, samples: 2}
      glaze:
        matrix: {color: "{{ colors }}"}
        images: cup
        edit: Change the glaze to {{ color }}
      shelf: {images: glaze, generate: All of them on a shelf, aspect_ratio: 16:9}
    """,
    {},
)
"""Two takes, a matrix over the picked one, and one that reads the matrix."""


@pytest.mark.parametrize("shape", [CHAIN, MATRIX], ids=lambda shape: shape.name)
@pytest.mark.parametrize("listing", ["at_once", "late", "never"])
@pytest.mark.parametrize("answers", ["task", "at_once"])
def test_a_chain_and_a_matrix_are_charged_once_however_the_vendor_answers(
    vendor: Vendor, nursery: Nursery, tmp_path: Path, shape: Shape, answers: str, listing: str
) -> None:
    """One charge per distinct request, the published bytes are the billed ones, and then there is nothing to do."""
    vendor.behave(answers=answers, listing=listing, listing_delay=30.0)
    project = Project.make(tmp_path / "shop", shape)
    first = nursery.send(project.errand(vendor))
    assert (first.exit_code, first.nothing_left) == (0, True)
    assert judge(project, vendor).wrong == []
    assert set(Counter(charge.wire for charge in vendor.charges).values()) == {1}
    asked = len(vendor.received)
    again = nursery.send(project.errand(vendor, token=None))
    assert (again.exit_code, set(again.statuses.values())) == (0, {"cached"})
    assert len(vendor.received) == asked


# --- written otherwise ----------------------------------------------------------------------------


@pytest.fixture
def picked(vendor: Vendor, nursery: Nursery, tmp_path: Path) -> Project:
    """The row, bought, its second cup picked and what hangs on that bought too."""
    project = Project.make(tmp_path / "shop", ROW)
    assert nursery.send(project.errand(vendor)).exit_code == 0
    assert nursery.send(project.errand(vendor, what="pick", node="cup", sample=2)).exit_code == 0
    assert nursery.send(project.errand(vendor)).exit_code == 0
    assert len(vendor.charges) == 2 + 2 * (2 + 1)
    return project


def _as_it_is(project: Project) -> Path:
    return project.recipe


def _renamed(project: Project) -> Path:
    text = ROW.text.replace("cup:", "mug:").replace("images: cup", "images: mug").replace("glaze:", "dip:")
    text = text.replace("images: glaze", "images: dip").replace("shelf:", "board:").replace("color", "tint")
    return write_recipe(project.recipe, text)


def _reordered(project: Project) -> Path:
    return write_recipe(
        project.recipe,
        """
        version: 1
        vars: {colors: {teal: deep teal, ivory: ivory white}}
        steps:
          shelf:
            aspect_ratio: 16:9
            images: ["glaze[color=ivory]", "glaze[color=teal]"]
            generate: All of them on a shelf
          glaze:
            matrix: {color: "{{ colors }}"}
            edit: Change the glaze to {{ color }}
            images: cup
          cup: {samples: 2, generate: A red cup}
        """,
    )


def _reformatted(project: Project) -> Path:
    write_recipe(
        project.recipe,
        """
        # the same in other clothes
        version: 1

        vars:
          thing: cup
          colors:
            ivory: "ivory white"
            teal: 'deep teal'
        steps:
          cup:
            generate: |
              A red {{ thing }}

            samples: 2
          glaze:
            matrix:
              color: "{{ colors }}"
            images: [cup]
            edit: >-
              Change the glaze
              to {{ color }}
          shelf:
            images: ["glaze[*]"]
            generate: "All of them on a shelf"
            aspect_ratio: "16:9"
        """,
    )
    project.recipe.write_bytes(project.recipe.read_bytes().replace(b"\n", b"\r\n"))
    return project.recipe


def _moved_to_another_file(project: Project) -> Path:
    other = project.root / "recipes" / "spring" / "other.yaml"
    other.parent.mkdir(parents=True)
    shutil.move(project.recipe, other)
    shutil.move(project.lock, other.with_suffix(".lock"))
    return other


def _moved_with_everything(project: Project) -> Path:
    elsewhere = project.root.with_name("elsewhere")
    shutil.move(project.root, elsewhere)
    return elsewhere / project.recipe.name


@pytest.mark.parametrize(
    "refactor",
    [_as_it_is, _renamed, _reordered, _reformatted, _moved_to_another_file, _moved_with_everything],
    ids=lambda refactor: refactor.__name__.strip("_"),
)
def test_what_is_only_written_otherwise_calls_nobody_and_keeps_its_picks(
    vendor: Vendor, nursery: Nursery, picked: Project, tmp_path: Path, refactor: Callable[[Project], Path]
) -> None:
    """Steps renamed, reordered, reformatted, in another file, in another place, from another folder: without a
    token, and not one request to the vendor; the same pictures, the picked take among them."""
    before = Counter(published(picked.out).values())
    recipe = refactor(picked)
    asked = len(vendor.received)
    elsewhere = tmp_path / "a" / "working" / "folder"
    elsewhere.mkdir(parents=True)
    ended = nursery.send(Errand(str(recipe), vendor.base_url, token=None, cwd=str(elsewhere)))
    assert (ended.exit_code, set(ended.statuses.values())) == (0, {"cached"}), ended
    assert len(vendor.received) == asked
    assert Counter(published(Path(ended.answer["out"])).values()) == before
    assert [block.pick for block in read_lock(recipe.with_suffix(".lock")).values() if block.pick] == [2]
    assert list(elsewhere.iterdir()) == []


def test_a_clone_with_lock_and_pictures_needs_neither_cache_nor_token(
    vendor: Vendor, nursery: Nursery, picked: Project, tmp_path: Path
) -> None:
    """What git keeps is enough: the pictures themselves are the cache."""
    before, asked = published(picked.out), len(vendor.received)
    clone = Project(tmp_path / "clone", ROW)
    shutil.copytree(picked.root, clone.root, ignore=shutil.ignore_patterns("cache"))
    ended = nursery.send(clone.errand(vendor, token=None))
    assert (ended.exit_code, ended.statuses["shelf"]) == (0, "cached"), ended
    assert published(clone.out) == before
    assert len(vendor.received) == asked


def test_another_recipe_that_asks_the_same_pays_nothing(vendor: Vendor, nursery: Nursery, picked: Project) -> None:
    """The cache is the project's: only the picks are a recipe's own."""
    write_recipe(picked.root / "second.yaml", "version: 1\nsteps: {tasse: {generate: A red cup}}")
    asked = len(vendor.received)
    ended = nursery.send(Errand(str(picked.root / "second.yaml"), vendor.base_url, token=None))
    assert (ended.exit_code, ended.statuses) == (0, {"tasse": "cached"})
    assert len(vendor.received) == asked


# --- what is sent -----------------------------------------------------------------------------------


def test_only_what_the_recipe_sets_is_sent(vendor: Vendor, nursery: Nursery, tmp_path: Path) -> None:
    """`16:9` is no number, even without quotes; and an edit keeps its picture's ratio unless the step sets one."""
    text = """
    version: 1
    defaults: {aspect_ratio: 4:3}
    steps:
      wide: {generate: A red cup, aspect_ratio: 16:9}
      plain: {generate: A blue cup}
      kept: {images: wide, edit: Fill it with tea}
      cut: {images: wide, edit: Fill it with milk, aspect_ratio: 1:1}
      drawn: {images: wide, generate: Something like it}
    """
    project = Project.make(tmp_path / "shop", Shape("ratios", text, {}))
    assert nursery.send(project.errand(vendor)).exit_code == 0
    sent = {charge.prompt: charge.params for charge in vendor.charges}
    assert sent == {
        "A red cup": {"aspect_ratio": "16:9"},
        "A blue cup": {"aspect_ratio": "4:3"},
        "Fill it with tea": {},
        "Fill it with milk": {"aspect_ratio": "1:1"},
        "Something like it": {"aspect_ratio": "4:3"},
    }


def test_equal_requests_of_a_recipe_are_bought_once(vendor: Vendor, nursery: Nursery, tmp_path: Path) -> None:
    """Three names for one wish are one charge, one picture and three files."""
    text = """
    version: 1
    steps:
      cup: {generate: A red cup}
      mug: {generate: "A {{ 'red' }} cup"}
      row: {matrix: {axis: [x, y]}, generate: A red cup}
    """
    project = Project.make(tmp_path / "shop", Shape("equal", text, {}))
    ended = nursery.send(project.errand(vendor))
    assert (ended.exit_code, ended.answer["totals"]["called"]) == (0, 1)
    (charge,) = vendor.charges
    names = ("cup.png", "mug.png", "row/x.png", "row/y.png")
    assert published(project.out) == dict.fromkeys(names, vendor.pictures[charge.task_id])


def test_two_samples_of_one_prompt_are_two_pictures(vendor: Vendor, nursery: Nursery, tmp_path: Path) -> None:
    """Both are billed, the first flows on, and neither is taken for the other."""
    text = "version: 1\nsteps: {cup: {generate: A red cup, samples: 2}}"
    project = Project.make(tmp_path / "shop", Shape("samples", text, {}))
    ended = nursery.send(project.errand(vendor))
    first, second = vendor.charges
    assert (ended.exit_code, first.wire) == (0, second.wire)
    digests = [digest_of(project.out / name) for name in ("cup.png", "_/takes/cup@2.png")]
    assert sorted(digests) == sorted(vendor.pictures.values())


def test_a_reroll_buys_one_take_and_what_reads_it_follows(vendor: Vendor, nursery: Nursery, tmp_path: Path) -> None:
    """The lowest number that nobody knows; the run after it buys what reads the new picture, and no more."""
    project = Project.make(tmp_path / "shop", CHAIN)
    assert nursery.send(project.errand(vendor)).exit_code == 0
    rerolled = nursery.send(project.errand(vendor, what="reroll", node="full"))
    assert (rerolled.exit_code, rerolled.answer) == (0, {"samples": [2]})
    assert [charge.prompt for charge in vendor.charges[3:]] == ["Fill it with tea"]
    assert rerolled.after["totals"]["calls_max"] == 1
    assert nursery.send(project.errand(vendor)).exit_code == 0
    assert [charge.prompt for charge in vendor.charges[4:]] == ["Put it on a table"]
    assert digest_of(project.out / "full.png") == vendor.pictures[vendor.charges[3].task_id]

"""Whose an output folder is, and links in it. Unaware of what is published."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from banana_pipe.canonical import digest_of
from banana_pipe.errors import UsageError
from banana_pipe.outputs.foreign import refuse_a_way_out, refuse_foreign, refuse_links
from banana_pipe.store.published import MANIFEST, MANIFEST_TYPE
from tests.outputs.builders import node, outcome
from tests.outputs.test_publish import HERO, Shop, shop

__all__ = ["shop"]

FOX = "recipes/fox.yaml"


def project(folder: Path, *recipes: str) -> Path:
    """A project with these recipes."""
    for recipe in recipes:
        (folder / recipe).parent.mkdir(parents=True, exist_ok=True)
        (folder / recipe).touch()
    return folder


def owned(out: Path, recipe: str, root: Path | None) -> Path:
    """An output folder with the manifest of *recipe* in the project *root* (None: it says no project)."""
    out.mkdir(parents=True)
    said = {"type": MANIFEST_TYPE, "recipe": recipe, "files": []}
    if root is not None:
        said["root"] = os.path.relpath(root, out)
    (out / MANIFEST).write_text(json.dumps(said))
    return out


@pytest.mark.parametrize("place", ["theirs/out/fox", "outside/pictures"])
@pytest.mark.parametrize("recipe", [FOX, "recipes/other.yaml"])
@pytest.mark.parametrize("through_a_link", [False, True])
def test_a_folder_of_another_project_is_refused(tmp_path: Path, place: str, recipe: str, through_a_link: bool) -> None:
    """Also where both projects call their recipes alike, and wherever the folder lies."""
    mine, theirs = project(tmp_path / "mine", FOX), project(tmp_path / "theirs", FOX)
    out = owned(tmp_path / place, FOX, theirs)
    refuse_foreign(out, theirs, FOX)
    if through_a_link:
        (tmp_path / "link").symlink_to(out)
        out = tmp_path / "link"
    with pytest.raises(UsageError, match="another project") as caught:
        refuse_foreign(out, mine, recipe)
    assert str(theirs / FOX) in caught.value.message
    assert "--out" in str(caught.value.hint)


def test_a_manifest_that_names_no_project_is_of_the_one_around_it(tmp_path: Path) -> None:
    """Where `out/NAME` lies in a project, that is a good guess."""
    mine, theirs = project(tmp_path / "mine", FOX), project(tmp_path / "theirs", FOX)
    with pytest.raises(UsageError, match="another project"):
        refuse_foreign(owned(theirs / "out/fox", FOX, None), mine, FOX)
    refuse_foreign(owned(mine / "out/fox", FOX, None), mine, FOX)


def test_a_project_that_moved_or_is_gone_keeps_no_folder(tmp_path: Path) -> None:
    """A folder moves with its project; one whose recipe is nowhere is nobody's."""
    old = project(tmp_path / "old", FOX)
    owned(old / "out/fox", FOX, old)
    outside = owned(tmp_path / "pictures", FOX, old)
    new = old.rename(tmp_path / "new")
    refuse_foreign(new / "out/fox", new, FOX)
    refuse_foreign(outside, new, FOX)


@pytest.mark.parametrize("root", ["\0", "a" * 5000, 7, None, ["x"], "/nowhere"])
def test_a_manifest_of_nonsense_is_no_traceback(tmp_path: Path, root: object) -> None:
    """It may come from anybody."""
    mine = project(tmp_path / "mine", FOX)
    out = owned(mine / "out/fox", FOX, None)
    for recipe in (FOX, "\0", "a" * 5000, 7):
        (out / MANIFEST).write_text(json.dumps({"type": MANIFEST_TYPE, "recipe": recipe, "root": root}))
        refuse_foreign(out, mine, FOX)


# --- links --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["_", "_/lock", "_/journal.jsonl", "_/new", "_/runs", "_/takes"])
@pytest.mark.parametrize("target", ["outside", "nowhere", "inside"])
def test_no_link_in_the_folder_of_ours(shop: Shop, tmp_path: Path, place: str, target: str) -> None:
    """Log, journal and lock would be written through it, files in `_/new` removed."""
    victim = tmp_path / "outside" / ".banana-pipe-1-left"
    victim.parent.mkdir()
    victim.touch()
    (shop.out / place).parent.mkdir(parents=True)
    (shop.out / "within").mkdir()
    goal = {"outside": victim.parent, "nowhere": tmp_path / "nowhere", "inside": shop.out / "within"}[target]
    (shop.out / place).symlink_to(goal)
    with pytest.raises(UsageError, match="is a link") as caught:
        refuse_links(shop.out)
    assert str(shop.out / place) in caught.value.message
    with pytest.raises(UsageError, match="is a link"):
        shop.run((HERO, outcome("hero", shop.take("1"))))
    assert victim.exists()
    assert not (tmp_path / "nowhere").exists()
    assert list((shop.out / "within").iterdir()) == []


@pytest.mark.parametrize("link", ["scene", "_/takes/scene", "scene/deep", "_/takes/scene/deep"])
def test_no_link_on_the_way_to_a_picture(tmp_path: Path, link: str) -> None:
    """Of picked takes and of the others, at any depth, known from the outputs before anything is bought."""
    (tmp_path / link).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / link).symlink_to(tmp_path)
    refuse_links(tmp_path, ["hero", "scenery/deep/a"])
    with pytest.raises(UsageError, match="is a link"):
        refuse_links(tmp_path, ["hero", "scene/deep/a", "scene/deep/b"])


def test_a_link_in_the_place_of_a_picture_may_be_replaced(shop: Shop, tmp_path: Path) -> None:
    """The link itself is: what it leads to stays as it is."""
    one = shop.take("1")
    shop.run((HERO, outcome("hero", one)))
    (shop.out / "hero.png").rename(tmp_path / "mine.png")
    (shop.out / "hero.png").symlink_to(tmp_path / "mine.png")
    refuse_links(shop.out, ["hero"])
    shop.run((HERO, outcome("hero", shop.take("2"))))
    assert not (shop.out / "hero.png").is_symlink()
    assert (tmp_path / "mine.png").read_text() == "the picture 1"
    assert shop.pictures_there() == {"hero.png": "2"}


def test_what_lies_behind_a_link_is_never_removed(shop: Shop, tmp_path: Path) -> None:
    """A stranger's manifest may name the user's own files, as those of a node that is no longer there."""
    gone = node("s", output="scene/a")
    shop.run((HERO, outcome("hero", shop.take("1"))), (gone, outcome("s", shop.take("2"))))
    (shop.out / "scene").rename(tmp_path / "elsewhere")
    (shop.out / "scene").symlink_to(tmp_path / "elsewhere")
    shop.run((HERO, outcome("hero", shop.take("1"))))
    assert (tmp_path / "elsewhere" / "a.png").read_text() == "the picture 2"
    assert digest_of(b"the picture 2") not in (shop.out / MANIFEST).read_text()


@pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "a//b", "\0"])
def test_no_name_leads_out(tmp_path: Path, path: str) -> None:
    """As a text already."""
    with pytest.raises(UsageError, match="leads out"):
        refuse_a_way_out(tmp_path, path)

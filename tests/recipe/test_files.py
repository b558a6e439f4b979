"""Files that a recipe names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from banana_pipe.recipe.files import Files
from banana_pipe.recipe.references import BadReference


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "in/a.png",
        "in/photos/2.jpg",
        "in/photos/1.jpg",
        "in/photos/.x.jpg",
        "in/photos/deep/3.jpg",
        "out/s.png",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def test_files_are_found_from_the_recipes_folder(folder: Path) -> None:
    """Relative and absolute, and by links that stay inside."""
    (folder / "in" / "link.png").symlink_to(folder / "in" / "a.png")
    files = Files(folder / "in", ())
    assert files.find("a.png") == files.find("photos/../a.png") == files.find(str(folder / "in" / "a.png"))
    assert files.find("link.png") == (folder / "in" / "a.png").resolve()


@pytest.mark.parametrize(
    "text", ["../out/s.png", "link.png", "linked/s.png", "/etc/passwd", "/etc/nothing", "../in2/a.png"]
)
def test_files_outside_are_refused_with_the_way_on(text: str, folder: Path) -> None:
    """By `..`, by an absolute path, by a link or a linked folder; whether it exists is not told."""
    (folder / "in" / "link.png").symlink_to(folder / "out" / "s.png")
    (folder / "in" / "linked").symlink_to(folder / "out")
    with pytest.raises(BadReference, match="outside") as raised:
        Files(folder / "in", ()).find(text)
    assert "--allow-read" in str(raised.value.hint)


def test_allowed_folders_may_be_read(folder: Path) -> None:
    """`--allow-read` widens what a recipe may read, links resolved."""
    (folder / "alias").symlink_to(folder / "out")
    files = Files(folder / "in", [folder / "alias"])
    assert files.find("../out/s.png") == (folder / "out" / "s.png").resolve()
    assert files.glob("../out/*.png") == ["../out/s.png"]


def test_only_regular_files_are_pictures(folder: Path) -> None:
    """A folder, a pipe, a name with NUL: told, not opened."""
    os.mkfifo(folder / "in" / "pipe.png")
    for text in ("photos", "pipe.png", "a\0.png", "nowhere.png", "a.png/b", "x" * 5000):
        with pytest.raises(BadReference):
            Files(folder / "in", ()).find(text)


def test_patterns_give_sorted_visible_files(folder: Path) -> None:
    """`*`, `?` and `**`; brackets are letters like all others."""
    files = Files(folder / "in", ())
    (folder / "in" / "shot[1].png").write_bytes(b"x")
    assert files.glob("photos/*.jpg") == ["photos/1.jpg", "photos/2.jpg"]
    assert files.glob("photos/?.jpg") == ["photos/1.jpg", "photos/2.jpg"]
    assert files.glob("**/*.jpg") == ["photos/1.jpg", "photos/2.jpg", "photos/deep/3.jpg"]
    assert files.glob("shot[*].png") == ["shot[1].png"]
    assert files.glob(str(folder / "in" / "*.png")) == [str(folder / "in" / name) for name in ("a.png", "shot[1].png")]


@pytest.mark.parametrize(
    "text", ["../*/*.png", "../out/*", "/etc/*", "nothing/*", "*.gif", "linked/*.png", "a/" * 2000 + "*", "**/" * 200]
)
def test_patterns_do_not_look_outside(text: str, folder: Path) -> None:
    """Nothing matches, or it is outside: both are errors, and no name of a foreign file is told."""
    (folder / "in" / "linked").symlink_to(folder / "out")
    with pytest.raises(BadReference) as raised:
        Files(folder / "in", ()).glob(text)
    assert "s.png" not in str(raised.value)

"""Folders and links of others where a run would write: refused before anything is spent or written.

Unaware of how a folder is judged.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import SMALL, Pipe
from tests.vendor.server import Vendor

SANDBOX = ("--provider", "sandbox")


def texts(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("place", ["_", "_/runs", "_/takes", "tint", "_/takes/tint"])
def test_a_link_that_a_clone_brings_along_is_not_written_through(
    pipe: Pipe, project: Path, at: Vendor, tmp_path_factory: pytest.TempPathFactory, place: str
) -> None:
    """Nothing is bought, and nothing changes where the link leads."""
    mine = tmp_path_factory.mktemp("mine")
    (mine / "ivory.png").write_bytes(b"my own")
    link = project / "out" / "small" / place
    link.parent.mkdir(parents=True)
    link.symlink_to(mine)
    said = pipe("run", "recipes/small.yaml")
    assert said.code == 2
    assert f"{link} is a link" in said.err
    assert at.posts == []
    assert texts(mine) == {str(mine / "ivory.png"): b"my own"}
    assert not (project / "cache").exists()


@pytest.mark.parametrize(("place", "flag"), [("out", "--out"), ("out/small", "--out"), ("cache", "--cache")])
def test_the_projects_own_folders_do_not_lead_out_of_it(
    pipe: Pipe, project: Path, at: Vendor, tmp_path_factory: pytest.TempPathFactory, place: str, flag: str
) -> None:
    """A link that is said by flag is the user's own."""
    mine = tmp_path_factory.mktemp("mine")
    (project / place).parent.mkdir(exist_ok=True)
    (project / place).symlink_to(mine)
    said = pipe("run", "recipes/small.yaml")
    assert said.code == 2
    assert str(mine) in said.err
    assert flag in said.err
    assert at.posts == []
    assert texts(mine) == {}
    assert pipe("run", "recipes/small.yaml", *SANDBOX, "--out", "out/x", "--cache", "cache", flag, place).code == 0


def test_another_projects_folder_is_refused(
    pipe: Pipe, project: Path, at: Vendor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Though its recipe is called the same: its pictures would be replaced by ours."""
    theirs = tmp_path_factory.mktemp("theirs")
    (theirs / "recipes").mkdir()
    (theirs / "banana-pipe.toml").touch()
    (theirs / "recipes" / "small.yaml").write_text(SMALL.replace("a mug", "a jug"))
    shared = tmp_path_factory.mktemp("shared") / "pictures"
    for out in (theirs / "out" / "small", shared):
        assert pipe("run", str(theirs / "recipes" / "small.yaml"), *SANDBOX, "--out", str(out)).code == 0
        before = texts(out)
        said = pipe("run", "recipes/small.yaml", "--out", str(out))
        assert said.code == 2
        assert str(theirs / "recipes" / "small.yaml") in said.err
        assert texts(out) == before
    assert at.posts == []

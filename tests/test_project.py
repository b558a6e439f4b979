"""Where things are: the project's root by every rule, never by the working directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from banana_pipe.errors import UsageError
from banana_pipe.project import find_root, places_of, read_toml


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder above everything that a test makes."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def made(path: Path, text: str | None = None) -> Path:
    """The file *path* with *text*, or the folder *path*."""
    if text is None:
        path.mkdir(parents=True, exist_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        ("banana-pipe.toml", ""),
        ("pyproject.toml", "[tool.banana-pipe]\njobs = 3\n"),
        ("cache/ledger.db", ""),
        (".git", None),
        (".git", "gitdir: elsewhere\n"),
    ],
)
def test_the_nearest_folder_upward_that_has_a_mark_is_the_root(home: Path, mark: str, text: str | None) -> None:
    """Each of the four marks, from two folders below; a git worktree's `.git` is a file."""
    made(home / "banana-pipe.toml", "")
    made(home / "outer" / "banana-pipe.toml", "")
    root = made(home / "outer" / "shop")
    made(root / mark, text)
    assert find_root(made(root / "a" / "recipes")) == root


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", "[tool.black]\nline-length = 3\n"),
        ("pyproject.toml", "tool = 7\n"),
        ("cache/blobs/ab", ""),
        ("banana-pipe.toml/x", ""),
        ("cache/ledger.db/x", ""),
    ],
)
def test_what_only_looks_like_a_mark_is_none(home: Path, path: str, text: str) -> None:
    """Another tool's table, a cache without a ledger, folders with the names of files."""
    made(home / "shop" / path, text)
    inner = made(home / "shop" / "inner")
    assert find_root(inner) == inner


def test_without_a_mark_it_is_the_parent_of_a_folder_named_recipes_else_the_recipe_s_own(home: Path) -> None:
    """The two guesses."""
    assert find_root(made(home / "shop" / "recipes")) == home / "shop"
    assert find_root(made(home / "shop" / "pictures")) == home / "shop" / "pictures"
    assert find_root(made(home / "shop" / "recipes" / "mugs")) == home / "shop" / "recipes" / "mugs"


def test_the_search_ends_below_the_home_folder(home: Path) -> None:
    """Dotfiles kept in git make no project of a whole home."""
    made(home / ".git")
    made(home / "cache" / "ledger.db", "")
    inner = made(home / "shop")
    assert find_root(inner) == inner
    assert find_root(home) == home


def test_the_search_ends_at_the_border_of_the_file_system(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is mounted belongs to nobody above."""
    made(home / "shop" / ".git")
    inner = made(home / "shop" / "disk" / "pictures")
    stat = Path.stat

    def on_disks(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = list(stat(self, follow_symlinks=follow_symlinks))
        found[2] = 2 if "disk" in self.parts else 1
        return os.stat_result(found)

    monkeypatch.setattr(Path, "stat", on_disks)
    assert find_root(inner) == inner


def test_no_home_is_no_reason_to_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in some containers."""

    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    made(tmp_path / "shop" / "banana-pipe.toml", "")
    assert find_root(made(tmp_path / "shop" / "recipes")) == tmp_path / "shop"


def test_a_broken_settings_file_on_the_way_is_said(home: Path) -> None:
    """Passing over it could mean another root, and so another cache."""
    made(home / "shop" / "pyproject.toml", "[tool.banana-pipe\n")
    with pytest.raises(UsageError, match=r"pyproject\.toml is not TOML"):
        find_root(made(home / "shop" / "recipes"))
    assert read_toml(home / "nothing.toml") == {}


class TestPlaces:
    def test_cache_and_pictures_stand_in_the_root_whatever_the_working_directory(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`cd recipes && banana-pipe run r.yaml` starts no second cache."""
        root = made(home / "shop")
        made(root / "banana-pipe.toml", "")
        made(root / "recipes" / "mugs.yaml", "")
        found = []
        for folder, named in (
            (root, "recipes/mugs.yaml"),
            (root / "recipes", "mugs.yaml"),
            (home, "shop/recipes/mugs.yaml"),
        ):
            monkeypatch.chdir(folder)
            found.append(places_of(Path(named), "mugs", provider=None, out=None, cache=None))
        assert found[0] == found[1] == found[2]
        assert (found[0].root, found[0].cache, found[0].out) == (root, root / "cache", root / "out" / "mugs")
        assert found[0].lock == root / "recipes" / "mugs.lock"
        assert found[0].sandbox_lock == root / "cache" / "sandbox" / "mugs.lock"
        assert found[0].recipe_in_project == "recipes/mugs.yaml"

    def test_the_folder_is_the_recipe_s_name_and_the_lock_its_file_s(self, home: Path) -> None:
        """`name: storefront` in shop.v2.yaml."""
        recipe = made(home / "shop" / "shop.v2.yaml", "")
        places = places_of(recipe, "storefront", provider=None, out=None, cache=None)
        assert places.out == home / "shop" / "out" / "storefront"
        assert places.lock == home / "shop" / "shop.v2.lock"

    def test_a_provider_chosen_by_flag_has_a_folder_of_its_own(self, home: Path) -> None:
        """Placeholders never lie among bought pictures; a folder given by flag is taken as it is."""
        recipe = made(home / "shop" / "mugs.yaml", "")
        places = places_of(recipe, "mugs", provider="sandbox", out=None, cache=None)
        assert places.out == home / "shop" / "out" / "mugs@sandbox"
        assert places_of(recipe, "mugs", provider="sandbox", out=home / "x", cache=None).out == home / "x"

    def test_a_profile_chosen_by_flag_has_a_folder_of_its_own(self, home: Path) -> None:
        """Drafts never lie among finals, nor the sandbox's drafts among bought ones; the lock file is shared."""
        recipe = made(home / "shop" / "mugs.yaml", "")
        draft = places_of(recipe, "mugs", provider=None, out=None, cache=None, profile="draft")
        both = places_of(recipe, "mugs", provider="sandbox", out=None, cache=None, profile="draft")
        assert draft.out == home / "shop" / "out" / "mugs@draft"
        assert both.out == home / "shop" / "out" / "mugs@draft@sandbox"
        assert draft.lock == both.lock == home / "shop" / "mugs.lock"
        assert places_of(recipe, "m", provider=None, out=home / "x", cache=None, profile="draft").out == home / "x"

    def test_folders_by_flag_are_from_the_working_directory(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As for any shell command."""
        recipe = made(home / "shop" / "mugs.yaml", "")
        monkeypatch.chdir(made(home / "elsewhere"))
        places = places_of(recipe, "mugs", provider=None, out=Path("pictures"), cache=Path("c"))
        assert (places.out, places.cache) == (home / "elsewhere" / "pictures", home / "elsewhere" / "c")
        assert places.sandbox_lock == home / "elsewhere" / "c" / "sandbox" / "mugs.lock"

    def test_git_passes_over_the_cache(self, home: Path) -> None:
        """Its own .gitignore; what somebody wrote there stays."""
        recipe = made(home / "shop" / "mugs.yaml", "")
        places = places_of(recipe, "mugs", provider=None, out=None, cache=None)
        places.make_cache()
        assert (places.cache / ".gitignore").read_text() == "*\n"
        (places.cache / ".gitignore").write_text("mine\n")
        places.make_cache()
        assert (places.cache / ".gitignore").read_text() == "mine\n"

"""What of a recipe's files is seen to be saved. Unaware of plans."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from banana_pipe import watching
from banana_pipe.errors import Location, RecipeError, RecipeErrors
from banana_pipe.watching import Watched, first, look, saved, still, unread, watched
from tests.world import NO_TOKEN, World, picture

SHOP = """
    data: {shops: shops.csv}
    steps:
      shop:
        matrix: {shop: "{{ shops }}"}
        images: photos/*.png
        edit: '{% include "light.j2" %} {{ shop.city }}'
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path, monkeypatch)
    world.write(SHOP)
    world.write("soft", "prompts/light.j2")
    world.write("id,city\n1,Vienna\n", "shops.csv")
    (world.folder / "photos").mkdir()
    world.picture("photos/mug.png", picture(8, 8))
    return world


def of(world: World) -> Watched:
    opened = world.open(access=NO_TOKEN)
    opened.close()
    return watched(opened)


@pytest.mark.parametrize("name", ["shop.yaml", "prompts/light.j2", "shops.csv", "photos/mug.png", "shop.lock"])
def test_every_file_that_was_read_is_looked_at(world: World, name: str) -> None:
    """Recipe, partial, table, picture; and the lock file, which says what somebody picked."""
    at = of(world)
    before = look(at)
    assert saved(before, look(at)) == []
    with world.path(name).open("ab") as file:
        file.write(b" ")
    assert saved(before, look(at)) == [world.path(name)]


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("photos/cup.png", True),
        ("prompts/new.j2", True),
        (".shop.yaml.swp", False),
        ("#x.yaml", False),
        ("4913", False),
    ],
)
def test_what_appears_beside_them_is_seen_if_a_recipe_may_read_it(world: World, name: str, seen: bool) -> None:
    """A pattern has one picture more; what editors put there for a moment is none."""
    at = of(world)
    before = look(at)
    world.path(name).write_bytes(b"x")
    assert saved(before, look(at)) == ([world.path(name)] if seen else [])


def test_another_file_in_the_place_of_the_old_one_is_a_save(world: World) -> None:
    """Even of the same size and time: editors write beside and rename."""
    at, path = of(world), world.path("shop.yaml")
    before, times = look(at), path.stat()
    other = world.path("shop.yaml.new")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.rename(path)
    assert saved(before, look(at)) == [path]
    path.unlink()
    assert saved(before, look(at)) == [path]


def test_while_a_recipe_is_wrong_its_last_files_and_those_with_mistakes_are_looked_at(world: World) -> None:
    """Also before it was ever right."""
    wrong = RecipeErrors([RecipeError("no", at=Location(str(world.path("banner.yaml")), 1, 1))])
    at = unread(wrong, of(world))
    before = look(at)
    for name in ("banner.yaml", "prompts/light.j2"):
        world.path(name).write_text("other")
        assert saved(before, look(at))
    at = unread(wrong, first(world.path("shop.yaml")))
    before = look(at)
    world.write("x", "prompts/more.j2")
    assert saved(before, look(at)) == [world.path("prompts/more.j2")]


@pytest.mark.parametrize("name", ["new/cup.png", "tables/more/shops.csv", "fonts/Inter.ttf"])
def test_what_a_recipe_lacks_may_appear_anywhere_below_it(world: World, name: str) -> None:
    """Also in a folder that was not there; once the recipe is read again, what nobody reads is looked at no more."""
    at = unread(RecipeErrors([RecipeError("no", at=Location(str(world.path("shop.yaml")), 1, 1))]), of(world))
    before = still(look(of(world)), look(at), of(world))
    assert saved(before, look(at)) == []
    world.path(name).parent.mkdir(parents=True)
    world.path(name).write_bytes(b"x")
    assert saved(before, look(at)) == [world.path(name)]
    assert world.path(name) not in look(of(world))


def test_no_whole_disk_is_looked_through(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest folders are enough."""
    monkeypatch.setattr(watching, "_MOST_FOLDERS", 3)
    for number in range(9):
        world.path(f"more/{number}/{number}").mkdir(parents=True)
        world.path(f"more/{number}/{number}/a.png").touch()
    at = replace(first(world.path("shop.yaml")), is_unread=True)
    assert not any(path.name == "a.png" for path in look(at))


def test_what_is_saved_during_a_reading_is_a_save_that_nobody_has_read(world: World) -> None:
    """Changed, and new; what is looked at for the first time is known as it is."""
    early = first(world.path("shop.yaml"))
    world.path("shop.lock").touch()
    before = look(early)
    world.write(SHOP + " ", "shop.yaml")
    world.write("new", "prompts/new.j2")
    at = of(world)
    known = still(before, look(at), early)
    assert saved(known, look(at)) == [world.path("prompts/new.j2"), world.path("shop.yaml")]

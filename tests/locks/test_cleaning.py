"""Blocks that nothing asks for go, what they cost is named, and what asks the same again finds it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from banana_pipe.errors import UsageError
from banana_pipe.locks.cleaning import Cleaned, clean_lock
from banana_pipe.store.lockfile import read
from banana_pipe.workspace import Options
from tests.purchase.fake import noise
from tests.world import CHAIN, NO_TOKEN, World, picture, stands

SANDBOX = Options(provider="sandbox")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def clean(
    world: World, *nodes: str, forget: bool = False, write: bool = True, options: Options | None = None
) -> Cleaned:
    opened = world.open(options=options, access=NO_TOKEN)
    try:
        return world.do(clean_lock(opened, nodes, forget=forget, write=write))
    finally:
        opened.close()


def gone(done: Cleaned) -> list[tuple[str, ...]]:
    return [block.labels for _, block in done.removed]


def labels(world: World, name: str = "shop.lock") -> set[str]:
    return {label for block in read(world.path(name)).blocks.values() for label in block.labels}


def changed(world: World) -> None:
    """A project whose scene was bought under two wordings."""
    world.write(CHAIN)
    world.run()
    world.write(CHAIN.replace("on a table", "on a chair"))
    world.run()


def test_an_old_wording_goes_and_comes_back_for_nothing(world: World) -> None:
    """Named with what was paid; the ledger and the cache keep it."""
    changed(world)
    pictures = world.pictures()
    done = clean(world)
    assert (gone(done), done.cost, done.kept) == ([("scene",)], 39_000, ())
    assert len(read(world.path("shop.lock")).blocks) == 3
    assert (stands(world.plan())["scene"], world.pictures()) == ("cached/lock", pictures)
    world.write(CHAIN)
    assert stands(world.plan())["scene"] == "cached/cache"
    assert (world.run().called, len(world.vendor.charges)) == (0, 4)


def test_nothing_that_is_used_goes(world: World) -> None:
    """By the recipe as it is, by a profile of it, and by what is not known yet."""
    draft = CHAIN.replace("steps:", "profiles: {draft: {model: nano-banana-2}}\n    steps:")
    world.write(draft)
    world.run()
    world.run(options=Options(profile="draft"))
    assert gone(clean(world)) == []
    world.write(draft.replace("A mug", "A jug"))
    done = clean(world)
    assert sorted(gone(done)) == [("base",), ("base@draft",)]
    assert labels(world) == {"glaze", "scene", "glaze@draft", "scene@draft"}


def test_a_dry_run_writes_nothing(world: World) -> None:
    """It says the same."""
    changed(world)
    before = world.path("shop.lock").read_bytes()
    assert gone(clean(world, write=False)) == [("scene",)]
    assert world.path("shop.lock").read_bytes() == before


def test_names_narrow_it_those_of_nodes_that_are_gone_too(world: World) -> None:
    """A name that neither the recipe nor the lock file knows is a mistake."""
    world.write(CHAIN)
    world.run()
    world.write("version: 1\nsteps:\n  base: {generate: A mug}\n")
    assert gone(clean(world, "base")) == []
    assert gone(clean(world, "scene")) == [("scene",)]
    assert labels(world) == {"base", "glaze"}
    with pytest.raises(UsageError, match="no node `glze`"):
        clean(world, "glze")


def test_the_only_record_of_what_was_paid_stays_unless_it_is_to_be_forgotten(world: World) -> None:
    """A clone without the cache: nothing else knows of the old scene."""
    changed(world)
    world.forget("cache")
    done = clean(world)
    assert (gone(done), [block.labels for _, block in done.kept]) == ([], [("scene",)])
    assert len(read(world.path("shop.lock")).blocks) == 4
    done = clean(world, forget=True)
    assert (gone(done), done.kept, done.forgotten) == ([("scene",)], (), True)
    assert len(read(world.path("shop.lock")).blocks) == 3


def test_what_is_in_the_records_without_its_bytes_stays_too(world: World) -> None:
    """The lock file is what says where it may be."""
    changed(world)
    shutil.rmtree(world.cache / "blobs")
    assert gone(clean(world)) == []


def test_what_somebody_accepted_stays_unless_it_is_to_be_forgotten(world: World) -> None:
    """A retouched picture is in no ledger: its block is all that says what it was."""
    world.write(CHAIN)
    world.run()
    (world.out / "scene.png").write_bytes(picture(9, 9))
    world.accept("scene")
    world.write(CHAIN.replace("on a table", "on a chair"))
    world.run()
    done = clean(world)
    assert [block.accepted is not None for _, block in done.kept] == [True]
    assert gone(done) == []


def test_an_address_that_nothing_reads_goes(world: World) -> None:
    """One that is read stays."""
    for name in "ab":
        world.web.pages[f"https://example.com/{name}.png"] = noise(ord(name))
    recipe = "version: 1\nsteps:\n  a: {{images: https://example.com/{}.png, edit: Blue}}\n"
    for name in "ab":
        world.write(recipe.format(name))
        world.run()
    done = clean(world)
    assert [url for _, url in done.links] == ["https://example.com/a.png"]
    assert list(read(world.path("shop.lock")).links) == ["https://example.com/b.png"]


def test_files_changed_by_hand_stay(world: World) -> None:
    """Nothing in the folder is touched."""
    changed(world)
    (world.out / "scene.png").write_bytes(picture(9, 9))
    before = world.pictures()
    clean(world)
    assert world.pictures() == before


def test_the_sandbox_has_its_own_lock_file(world: World) -> None:
    """Free, so nothing stays for its record; the project's is not touched."""
    changed(world)
    before = world.path("shop.lock").read_bytes()
    world.write(CHAIN)
    world.run(options=SANDBOX)
    world.write(CHAIN.replace("A mug", "A jug"))
    world.run(options=SANDBOX)
    assert len(gone(clean(world, options=SANDBOX))) == 3
    assert (world.path("shop.lock").read_bytes(), len(labels(world, "cache/sandbox/shop.lock"))) == (before, 3)

"""A recipe with everything around it: its files measured, its markets named, its mistakes at their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe.canonical import digest_of
from banana_pipe.errors import RecipeErrors, UsageError
from banana_pipe.workspace import Access, Options
from tests.canary import CANARY
from tests.purchase.fake import noise
from tests.world import CHAIN, TOKEN, World

READS = "version: 1\nsteps: {hero: {matrix: {n: [1, 2]}, images: fox.png, edit: Older}, twice: {images: fox.png, edit: Younger}}"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_every_picture_file_is_measured_once(world: World) -> None:
    """Its digest is what keys are made of."""
    world.picture("fox.png", noise(501))
    world.write(READS)
    opened = world.open()
    read = {Path(place).name: artifact.digest for place, artifact in opened.files.items()}
    assert read == {"fox.png": digest_of(noise(501))}
    opened.close()


@pytest.mark.parametrize(("data", "words"), [(b"", "no bytes"), (b"%PDF-1.4", "PDF"), (noise(501)[:-20], "cut off")])
def test_a_file_that_is_no_picture_is_said_where_the_recipe_names_it(world: World, data: bytes, words: str) -> None:
    """Each place once, with `file:line:column`; before anything is spent."""
    world.picture("fox.png", data)
    recipe = world.write(READS)
    with pytest.raises(RecipeErrors) as raised:
        world.open()
    hero, twice = raised.value.errors
    for error in (hero, twice):
        assert words in str(error)
        assert "fox.png" in error.message
        assert str(error).startswith(f"{recipe}:2:")
    assert hero.at != twice.at


def test_all_files_that_are_no_pictures_are_said_at_once(world: World) -> None:
    """As all mistakes of a recipe are."""
    world.picture("a.png", b"x")
    world.picture("b.png", b"y")
    world.write("version: 1\nsteps: {one: {images: [a.png, b.png], edit: Both}}")
    with pytest.raises(RecipeErrors) as raised:
        world.open()
    assert len(raised.value.errors) == 2


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://api.acedata.cloud", "acedata"),
        ("https://gateway.example.com", "acedata"),
        ("http://api.acedata.cloud", "acedata-local"),
        ("https://127.0.0.1:8000", "acedata-local"),
        ("https://mock.internal", "acedata-local"),
    ],
)
def test_whose_name_counts_in_the_key_is_read_from_the_base_url(world: World, base_url: str, name: str) -> None:
    """A mock's pictures never pass for bought ones."""
    world.write(CHAIN)
    opened = world.open(access=Access(base_url=base_url))
    assert {market: one.key_name for market, one in opened.markets.items()} == {"acedata": name}
    opened.close()


def test_a_recipe_has_the_markets_that_its_nodes_use(world: World) -> None:
    """The sandbox beside the vendor: another lock file, no prices, no ledger on disk."""
    world.write("version: 1\nsteps: {a: {generate: A fox, provider: sandbox}, b: {generate: A cat}}")
    opened = world.open()
    assert set(opened.markets) == {"sandbox", "acedata"}
    sandbox, acedata = opened.markets["sandbox"], opened.markets["acedata"]
    assert (sandbox.free, sandbox.key_name, sandbox.price(opened.graph.nodes["a"])) == (True, "sandbox", 0)
    assert (acedata.free, acedata.price(opened.graph.nodes["b"])) == (False, 39_000)
    assert (opened.lock_of("sandbox"), opened.lock_of("acedata")) == (
        world.path("cache/sandbox/shop.lock"),
        world.path("shop.lock"),
    )
    assert (sandbox.stores.ledger.path, acedata.stores.ledger.path) == (None, world.path("cache/ledger.db"))
    opened.close()


def test_the_user_s_prices_win(world: World) -> None:
    """A table of one's own, in the shape of the shipped one."""
    prices = world.path("prices.toml")
    prices.write_text('[models.nano-banana.price]\nany = "0.05"\n')
    world.write(CHAIN)
    assert world.plan(access=Access(prices=prices)).cost == 50_000
    prices.write_text("[models")
    with pytest.raises(UsageError, match=r"prices\.toml"):
        world.plan(access=Access(prices=prices))


def test_what_is_not_known_of_a_model_is_said_once_and_refuses_nothing(world: World) -> None:
    """Models come and go."""
    world.write("version: 1\nsteps: {mug: {matrix: {n: [1, 2]}, generate: 'Mug {{ n }}', model: nano-bananas}}")
    plan = world.plan()
    (said,) = plan.warnings
    assert said.startswith("step mug: model nano-bananas was not known")
    assert plan.calls == 2


def test_readable_folders_are_from_the_root_and_no_others_are_read(world: World) -> None:
    """Whatever the working directory."""
    world.path("photos").mkdir()
    world.picture("photos/fox.png", noise(501))
    world.write("version: 1\nsteps: {hero: {images: ../photos/fox.png, edit: Older}}", "recipes/shop.yaml")
    with pytest.raises(RecipeErrors):
        world.open("recipes/shop.yaml")
    opened = world.open("recipes/shop.yaml", Options(allow_read=(Path("photos"),)))
    assert len(opened.files) == 1
    opened.close()


def test_a_recipe_that_is_not_there_is_said(world: World) -> None:
    """Without a traceback, whatever folders were to be readable."""
    with pytest.raises(UsageError, match=r"nothing\.yaml"):
        world.open("nothing.yaml", Options(allow_read=(Path("photos"),)))
    with pytest.raises(UsageError):
        world.open("no/such/folder/nothing.yaml", Options(allow_read=(Path("photos"),)))


def test_bytes_come_from_a_blob_or_a_published_file_and_are_verified(world: World) -> None:
    """One that was changed is none."""
    world.write(CHAIN)
    world.run()
    digest = world.pictures()["base.png"]
    opened = world.open()
    assert digest in opened.pinned_digests()
    assert digest_of(opened.read(digest) or b"") == digest
    world.forget("cache/blobs")
    assert digest_of(opened.read(digest) or b"") == digest
    (world.out / "base.png").write_bytes(b"mine")
    assert opened.read(digest) is None
    opened.close()


def test_a_workspace_shows_no_token(world: World) -> None:
    """It ends up in tracebacks."""
    world.write(CHAIN)
    opened = world.open(access=TOKEN)
    assert CANARY not in repr(opened)
    opened.close()

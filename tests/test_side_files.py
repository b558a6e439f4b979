"""Files that lie beside pictures, in whole runs: published, kept, told, remade, carried, and never in the way."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from banana_pipe.buying import Limits
from banana_pipe.canonical import digest_of
from banana_pipe.care import carrying, sweeping, verifying
from banana_pipe.errors import RecipeErrors
from banana_pipe.outputs.log import log_path
from banana_pipe.outputs.logged import read_log
from banana_pipe.replaying import replay
from banana_pipe.shapes import run_json
from tests.world import NO_TOKEN, World, ends, outcome, picture, stands

SHOP = """
    version: 1
    steps:
      cut: {matrix: {photo: {a: a.png, b: b.png}}, images: "{{ photo }}", transform: [{pad: 1}]}
      sheet: {images: cut, transform: [{sprites: {gap: 1}}, {convert: webp}]}
      app: {images: a.png, transform: [{icons: {sizes: [8, 16]}}], output: web/app}
"""
BESIDE = ["sheet.json", "web/app-16.png", "web/app-8.png", "web/app.ico"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, monkeypatch)
    made.picture("a.png", picture(12, 8))
    made.picture("b.png", picture(5, 9))
    made.write(SHOP)
    return made


def there(world: World) -> dict[str, bytes]:
    """What lies beside pictures in the output folder."""
    return {path: (world.out / path).read_bytes() for path in BESIDE if (world.out / path).is_file()}


def manifest(world: World) -> dict[str, dict[str, object]]:
    return {one["path"]: one for one in json.loads((world.out / "manifest.json").read_text())["files"]}


def test_they_are_published_beside_the_picture_and_told(world: World) -> None:
    """In the folder, in the manifest, in the log, in `run --json`: each with its hash. Nothing of it costs a call."""
    done = world.run(access=NO_TOKEN)
    assert (done.exit_code, done.called, sorted(there(world))) == (0, 0, BESIDE)
    told = manifest(world)["web/app.png"]["side_files"]
    assert isinstance(told, list)
    assert [(one["path"], one["sha256"]) for one in told] == [
        (path, digest_of(there(world)[path])) for path in ("web/app.ico", "web/app-8.png", "web/app-16.png")
    ]
    assert "side_files" not in manifest(world)["cut/a.png"]
    outputs = {one["id"]: one["outputs"] for one in run_json(done)["nodes"]}
    assert outputs["app"][0]["side_files"] == told
    assert outputs["cut[photo=a]"][0]["side_files"] == []
    log = read_log(log_path(world.out, done.id))
    assert log.files["web/app.png"]["side_files"] == told
    assert "web/app.ico, web/app-8.png, web/app-16.png" in (world.out / "index.html").read_text()
    assert world.run(access=NO_TOKEN).placed == 0


def test_the_sheet_is_called_and_its_frames_are_named_as_they_land(world: World) -> None:
    """By the file that the node becomes, and by what its pictures become."""
    world.run(access=NO_TOKEN)
    atlas = json.loads(there(world)["sheet.json"])
    assert list(atlas["frames"]) == ["a", "b"]
    assert atlas["meta"]["image"] == "sheet.webp"
    world.write(SHOP.replace("gap: 1", "gap: 1, names: [one, two]"))
    world.run(access=NO_TOKEN)
    assert list(json.loads(there(world)["sheet.json"])["frames"]) == ["one", "two"]


@pytest.mark.parametrize(
    "gone", [("cache/results",), ("cache",), ("out",), ("cache/blobs", "out"), ("out/shop/sheet.json",)]
)
def test_what_is_gone_comes_back_the_same(world: World, gone: tuple[str, ...]) -> None:
    """From the cache, from the folder, or made again."""
    world.run(access=NO_TOKEN)
    before = there(world)
    world.forget(*gone)
    again = world.run(access=NO_TOKEN)
    assert (again.exit_code, there(world)) == (0, before)
    assert world.run(access=NO_TOKEN).placed == 0


def test_a_picture_without_what_lies_beside_it_is_made_again(world: World) -> None:
    """Half of a result is none."""
    world.run(access=NO_TOKEN)
    before = there(world)
    digest = digest_of(before["sheet.json"])
    world.forget(f"cache/blobs/{digest[:2]}/{digest}", "out/shop/sheet.json")
    assert stands(world.plan())["sheet"] == "local/new"
    assert (world.run(access=NO_TOKEN).exit_code, there(world)) == (0, before)


def test_a_clone_without_the_cache_and_the_originals_has_them_all(world: World) -> None:
    """The manifest says of which key they are, and they are hashed: nothing is made, nothing missing, frozen or not."""
    world.run(access=NO_TOKEN)
    before = there(world)
    world.forget("cache")
    assert set(stands(world.plan()).values()) == {"cached/cache"}
    again = world.run(access=NO_TOKEN, limits=Limits(frozen=True))
    assert (again.exit_code, again.placed, there(world)) == (0, 0, before)
    (world.out / "sheet.json").write_bytes(b"{}")
    assert stands(world.plan())["sheet"] == "local/new"


def test_one_that_was_changed_by_hand_is_left_alone_and_said(world: World) -> None:
    """As a picture is; the others are there, and the manifest names what it is true of."""
    world.run(access=NO_TOKEN)
    (world.out / "sheet.json").write_text("mine")
    assert [line.id for line in world.plan().nodes if line.modified] == ["sheet"]
    done = world.run(access=NO_TOKEN)
    assert (outcome(done, "sheet").modified, (world.out / "sheet.json").read_text()) == (True, "mine")
    assert manifest(world)["sheet.webp"].get("side_files") in (None, [])
    assert done.exit_code == 0


def test_one_that_was_changed_by_hand_comes_back_once_it_is_gone(world: World) -> None:
    """Also where there is no cache: the manifest does not name it, and its picture alone is half of a result."""
    world.run(access=NO_TOKEN)
    before = there(world)
    (world.out / "sheet.json").write_text("mine")
    world.run(access=NO_TOKEN)
    world.forget("cache")
    assert stands(world.plan())["sheet"] == "local/new"
    world.forget("out/shop/sheet.json")
    assert (world.run(access=NO_TOKEN).exit_code, there(world)) == (0, before)


def test_they_go_with_their_picture(world: World) -> None:
    """From the folder when the node is gone; a hand-made one stays. An intermediate has none there."""
    world.run(access=NO_TOKEN)
    (world.out / "web" / "app-8.png").write_bytes(b"mine")
    world.write(
        SHOP.replace("{sprites: {gap: 1}}, {convert: webp}", "{grid: 2}").replace("output: web/app", "output: false")
    )
    done = world.run(access=NO_TOKEN)
    assert (done.exit_code, there(world)) == (0, {"web/app-8.png": b"mine"})
    assert (world.out / "sheet.png").is_file()


def test_they_are_kept_judged_and_swept_like_their_picture(world: World) -> None:
    """Whole where they are, damage where they are not; free, so that they go, and come again."""
    world.run(access=NO_TOKEN)
    before = there(world)
    assert world.do(verifying.verify(world.folder, world.cache)).damage == ()
    path = world.cache / "blobs" / (name := digest_of(before["sheet.json"]))[:2] / name
    path.chmod(0o644)
    path.write_bytes(b"rot")
    (damage,) = world.do(verifying.verify(world.folder, world.cache)).damage
    assert (damage.what, damage.name, damage.paid) == ("blob", name, False)
    for blob in (world.cache / "blobs").rglob("*"):
        os.utime(blob, times=(world.clock.now() - 2 * sweeping.RECENT_SECONDS,) * 2)
    swept = sweeping.sweep(world.folder, world.cache, paid=False, clock=world.clock)
    assert {digest_of(data) for data in before.values()} <= {item.digest for item in swept.free}
    world.forget("out")
    assert (world.run(access=NO_TOKEN).exit_code, there(world)) == (0, before)


@pytest.mark.parametrize("name", ["sheet.json", "sheet.webp"])
def test_what_rots_in_the_cache_is_made_again_and_was_never_paid(world: World, name: str) -> None:
    """Nobody is told to buy what is free."""
    world.run(access=NO_TOKEN)
    data = (world.out / name).read_bytes()
    digest = digest_of(data)
    world.forget(f"out/shop/{name}")
    path = world.cache / "blobs" / digest[:2] / digest
    path.chmod(0o644)
    path.write_bytes(b"rot")
    rotten = outcome(world.run(access=NO_TOKEN), "sheet")
    assert (rotten.status, rotten.reason) == ("failed", "error")
    assert rotten.error == "what the cache had of it is damaged; the same command makes it again, free"
    assert world.run(access=NO_TOKEN).exit_code == 0
    assert (world.out / name).read_bytes() == data


def test_they_travel_with_the_cache(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And an archive in which one is missing, or that has something nobody named, is none."""
    world.run(access=NO_TOKEN)
    path = tmp_path / "cache.tar"
    sent = carrying.export_cache(world.folder, world.cache, path)
    assert sent.results == 4
    (tmp_path / "there").mkdir()
    other = World(tmp_path / "there", monkeypatch)
    other.do(carrying.import_cache(other.cache, path, other.clock))
    for name in ("a.png", "b.png"):
        other.picture(name, world.path(name).read_bytes())
    other.write(SHOP)
    assert set(ends(other.run(access=NO_TOKEN)).values()) == {"cached/cache"}
    assert there(other) == there(world)


def test_a_replay_brings_them_back(world: World, tmp_path: Path) -> None:
    """From the log and the cache alone; a second time all is there."""
    done = world.run(access=NO_TOKEN)
    logged = read_log(log_path(world.out, done.id))
    before = there(world)
    again = tmp_path / "again"
    first = replay(logged, again, world.folder, [world.cache], [])
    assert set(first.standing.values()) == {"placed"}
    assert {path: (again / path).read_bytes() for path in BESIDE} == before
    second = replay(logged, again, world.folder, [world.cache], [])
    assert set(second.standing.values()) == {"there"}
    (again / "sheet.json").unlink()
    world.forget("cache/blobs")
    third = replay(logged, again, world.folder, [world.cache], [])
    assert [entry["path"] for entry in third.missing] == ["sheet.webp"]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (
            "a: {images: a.png, transform: [icons]}\n  a-16: {images: a.png, transform: [trim]}",
            "`a-16.png`, a file beside the picture of `a`, would have the name of `a-16`",
        ),
        (
            "a: {images: a.png, transform: [sprites], output: x}\n  b: {images: a.png, transform: [trim], output: x.json/y}",
            "`x.json`, a file beside the picture of `a`, stands where `b` has a folder",
        ),
        (
            "a: {images: a.png, transform: [sprites], output: manifest}",
            "`manifest.json`, a file beside the picture of `a`, is written by banana-pipe itself",
        ),
        (
            "a: {images: a.png, transform: [{icons: {sizes: [16]}}, {icons: {sizes: [16]}}]}",
            "`a.ico`, a file beside the picture of `a`, is made twice there",
        ),
        (
            "a: {images: [a.png, b.png], transform: [icons, {grid: 2}]}",
            "makes files beside one picture, and here are 2",
        ),
        ("a: {images: [a.png, a.png], transform: [sprites]}", "2 pictures of `sprites` would be called `a` in `a`"),
        ("a: {images: a.png, transform: [{sprites: {names: [x, y]}}]}", "`sprites` has 1 pictures and 2 names in `a`"),
        (
            "a: {images: a.png, transform: [sprites, {convert: webp}, {resize: 50%}]}",
            "`resize` behind `sprites` makes its JSON untrue in `a`",
        ),
    ],
)
def test_what_has_no_place_is_a_mistake_of_the_recipe(world: World, steps: str, words: str) -> None:
    """Said before anything is made, at its place, with what to do."""
    world.write(f"version: 1\nsteps:\n  {steps}\n")
    with pytest.raises(RecipeErrors) as raised:
        world.plan()
    assert words in str(raised.value)
    assert raised.value.errors[0].hint
    assert raised.value.errors[0].at is not None

"""Transforms in whole runs: free, the same, remade where their bytes are gone, and never in the way of what is paid."""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import PIL.Image
import pytest

from banana_pipe.canonical import canonical_json, digest_of
from banana_pipe.errors import NotAuthorised, RecipeErrors, StoreError, UsageError
from banana_pipe.locks import accepting
from banana_pipe.model import Result
from banana_pipe.request import describe
from banana_pipe.store.results import Results
from tests.world import CHAIN, NO_TOKEN, World, digests, ends, outcome, picture, plain, stands

MIXED = """
    version: 1
    steps:
      base: {generate: A mug}
      cut: {images: base, transform: [{resize: {width: 50}}, {convert: webp}]}
      scene: {images: cut, edit: Put it on a table}
      thumb: {images: scene, transform: [{resize: {width: 7}}]}
"""
LOCAL_ONLY = """
    version: 1
    steps:
      small: {images: photo.png, transform: [{resize: {width: 5}}]}
      sheet: {images: [small, photo.png], transform: [{grid: 2}]}
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_what_is_made_here_is_free_and_made_once(world: World) -> None:
    """Two calls for four pictures; a second run does nothing, and no lock block, no attempt is a transform's."""
    world.write(MIXED)
    assert stands(world.plan()) == {
        "base": "call/new",
        "cut": "wait/upstream",
        "scene": "wait/upstream",
        "thumb": "wait/upstream",
    }
    assert (world.plan().calls, world.plan().calls_max) == (1, 2)
    first = world.run()
    assert (first.called, first.paid_images, first.exit_code) == (2, 2, 0)
    assert set(ends(first).values()) == {"done/new"}
    assert len(world.lock().blocks) == len(world.attempts()) == 2
    again = world.run(access=NO_TOKEN)
    assert (again.called, again.placed, digests(again)) == (0, 0, digests(first))
    assert [ends(again)[name] for name in ("cut", "thumb")] == ["cached/cache"] * 2
    assert first.saved == 0
    assert again.saved == first.cost


def test_nothing_but_local_work_needs_no_token_and_no_network(world: World) -> None:
    """What is made first is `local` in the plan, what reads it waits."""
    world.write(LOCAL_ONLY)
    world.picture("photo.png", picture(40, 20))
    assert stands(world.plan()) == {"small": "local/new", "sheet": "wait/upstream"}
    done = world.run(access=NO_TOKEN)
    assert (done.exit_code, done.status, done.called, done.cost) == (0, "ok", 0, 0)
    assert stands(world.plan()) == {"small": "cached/cache", "sheet": "cached/cache"}
    with PIL.Image.open(world.out / "sheet.png") as sheet:
        assert sheet.size == (80, 20)


def test_what_cannot_be_written_down_ends_the_run_and_hangs_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were to be written together all hear of it; the next run makes them."""

    def full(*_: object) -> list[Result]:
        raise StoreError("the disk is full")

    world.write("steps: {a: {matrix: {n: [1, 2, 3, 4, 5]}, images: photo.png, transform: [{pad: '{{ n }}'}]}}")
    world.picture("photo.png", picture(40, 20))
    with monkeypatch.context() as patch:
        patch.setattr(Results, "put_all", full)
        with pytest.raises(StoreError, match="the disk is full"):
            world.run(access=NO_TOKEN)
    done = world.run(access=NO_TOKEN)
    assert (done.exit_code, set(ends(done).values())) == (0, {"done/new"})


def test_a_changed_op_or_picture_is_made_again_and_nothing_else(world: World) -> None:
    """The key is of the ops and of the pictures' bytes."""
    world.write(LOCAL_ONLY)
    world.picture("photo.png", picture(40, 20))
    first = digests(world.run())
    world.write(LOCAL_ONLY.replace("grid: 2", "grid: {columns: 2, gap: 3}"))
    assert stands(world.plan()) == {"small": "cached/cache", "sheet": "local/new"}
    second = digests(world.run())
    assert (second["small"], second["sheet"] != first["sheet"]) == (first["small"], True)
    world.picture("photo.png", picture(20, 40))
    assert stands(world.plan()) == {"small": "local/new", "sheet": "wait/upstream"}


def test_the_key_is_the_digest_of_what_the_contract_says(world: World) -> None:
    """Type, ops with versions and whole parameters, pictures in order: nothing else."""
    world.write(LOCAL_ONLY)
    photo = world.picture("photo.png", picture(40, 20))
    params = {"background": "#00000000", "gravity": "center", "mode": "fit", "width": 5}
    described = {
        "type": "banana-pipe/transform/v1",
        "ops": [{"op": "resize", "version": 1, "params": params}],
        "images": [photo],
    }
    decided = world.decide()
    (take,) = decided.takes["small"]
    assert describe(take.request) == described
    assert str(take.wanted.key) == digest_of(canonical_json(described))


@pytest.mark.parametrize(
    "gone", [("cache/blobs", "out"), ("cache/results",), ("cache",), ("out",), ("cache", "out/shop/cut.webp")]
)
def test_what_is_gone_is_made_again_and_nothing_is_bought(world: World, gone: tuple[str, ...]) -> None:
    """The same bytes come out, so that what was bought from them is found: without a token, too."""
    world.write(MIXED)
    first = world.run()
    lost = gone == ("cache/blobs", "out")
    world.forget(*gone)
    again = world.run(access=NO_TOKEN)
    assert again.called == 0
    if lost:  # the bytes of what was bought are nowhere: that is said, and what reads it is blocked
        assert (again.exit_code, ends(again)["base"]) == (1, "lost/lost")
        assert ends(again)["cut"] == "blocked/input"
    else:
        assert (again.exit_code, digests(again)) == (0, digests(first))


def test_what_has_to_be_bought_behind_a_transform_needs_a_token(world: World) -> None:
    """What can be made here is made, and then it is known that somebody has to be asked."""
    world.write(MIXED)
    world.run()
    world.write(MIXED.replace("width: 50", "width: 51"))
    with pytest.raises(NotAuthorised):
        world.run(access=NO_TOKEN)


def test_an_op_that_fails_is_a_failed_node_and_the_rest_goes_on(world: World) -> None:
    """In words; what reads it is blocked; exit 1."""
    world.write(
        MIXED.replace("resize: {width: 50}", "crop: {box: [0, 0, 9000, 9000]}") + "      b: {generate: A cup}\n"
    )
    done = world.run()
    assert done.exit_code == 1
    assert ends(done) == {
        "base": "done/new",
        "cut": "failed/op",
        "scene": "blocked/input",
        "thumb": "blocked/input",
        "b": "done/new",
    }
    assert "juts out of the picture" in (outcome(done, "cut").error or "")
    assert world.run().called == 0


def test_a_picture_that_no_op_can_take_is_named(world: World) -> None:
    """Of many that a node reads: which; by its file."""
    world.write("steps: {a: {images: [photo.png, moving.webp], transform: [{grid: 2}]}}")
    world.picture("photo.png", picture(9, 9))
    frames = [PIL.Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    moving = BytesIO()
    frames[0].save(moving, "WEBP", save_all=True, append_images=frames[1:])
    world.picture("moving.webp", moving.getvalue())
    done = world.run(access=NO_TOKEN)
    assert (done.exit_code, ends(done)) == (1, {"a": "failed/op"})
    assert (outcome(done, "a").error or "").startswith("moving.webp: this WEBP picture moves: it has 2 frames; ")


def test_a_picture_with_nothing_to_change_or_of_one_colour_is_fine(world: World) -> None:
    """What would be suspicious of something bought is what was asked for here."""
    world.write("steps: {a: {images: photo.png, transform: [{pad: 2}]}, b: {images: a, transform: [{resize: 100%}]}}")
    world.picture("photo.png", plain())
    done = world.run(access=NO_TOKEN)
    assert (done.exit_code, digests(done)["a"]) == (0, digests(done)["b"])


def test_expect_judges_a_transform_too(world: World) -> None:
    """Free, and mended for free."""
    recipe = (
        "steps: {{a: {{images: photo.png, transform: [{{resize: {{width: 9}}}}], expect: {{min_width: {least}}}}}}}"
    )
    world.picture("photo.png", picture(40, 20))
    world.write(recipe.format(least=10))
    failed = world.run(access=NO_TOKEN)
    assert (failed.exit_code, ends(failed)) == (1, {"a": "failed/expect"})
    world.write(recipe.format(least=9))
    assert world.run(access=NO_TOKEN).exit_code == 0


def test_the_manifest_says_the_ops_and_the_pictures_by_hash(world: World) -> None:
    """And nothing of a model, a price or a date; two runs from nothing leave the same."""
    world.write(LOCAL_ONLY)
    photo = world.picture("photo.png", picture(40, 20))
    world.run(access=NO_TOKEN)
    files = {entry["node"]: entry for entry in json.loads((world.out / "manifest.json").read_text())["files"]}
    small = files["small"]
    assert small["request"]["ops"][0]["op"] == "resize"
    assert small["inputs"] == [{"file": "photo.png", "sha256": photo}]
    assert [small[name] for name in ("provider", "model", "price_usd", "bought_at", "task_id")] == [
        *("local", None, 0, None, None)
    ]
    assert "resize (width 5)" in (world.out / "index.html").read_text()
    world.forget("cache", "out")
    world.run(access=NO_TOKEN)
    assert json.loads((world.out / "manifest.json").read_text())["files"] == list(files.values())


@pytest.mark.parametrize("verb", ["pick", "reroll"])
def test_there_is_nothing_to_choose_from(world: World, verb: str) -> None:
    """Said so, rather than that the picture is not known."""
    world.write(MIXED)
    world.run()
    with pytest.raises(UsageError, match="cut is a transform and has one picture"):
        world.pick("cut", 1) if verb == "pick" else world.reroll("cut")


def test_a_picture_of_the_web_is_fetched_for_an_op(world: World) -> None:
    """And pinned, as for an edit."""
    world.write(CHAIN + "      logo: {images: https://example.com/a.png, transform: [{pad: 1}]}\n")
    world.web.pages["https://example.com/a.png"] = picture(9, 9)
    assert ends(world.run())["logo"] == "done/new"


def test_a_recipe_s_mistakes_are_told_before_anything_is_made(world: World) -> None:
    """At validate time, with all others."""
    world.write(LOCAL_ONLY.replace("{grid: 2}", "{resize: 9}"))
    world.picture("photo.png", picture(40, 20))
    with pytest.raises(RecipeErrors):
        world.plan()


def test_a_plan_of_many_transforms_decodes_nothing(tmp_path: Path) -> None:
    """Ten thousand that are to be made, and ten thousand that read them: the library of pictures is not even loaded."""
    (tmp_path / "banana-pipe.toml").touch()
    script = f"""
import sys
from io import BytesIO
from pathlib import Path
from banana_pipe import api, workspace
from banana_pipe.model import Artifact
workspace.measure_file = lambda _: Artifact("0" * 64, "image/png", 9, 9, 9)
recipe = Path({str(tmp_path / "many.yaml")!r})
opened = api.open_recipe(recipe)
plan = api.call(api.plan(opened)).plan
assert sum(line.state == "local" for line in plan.nodes) == 10_000, plan.nodes[:3]
assert sum(line.state == "wait" for line in plan.nodes) == 10_000
assert "PIL" not in sys.modules
opened.close()
"""
    numbers = ", ".join(map(str, range(10_000)))
    (tmp_path / "many.yaml").write_text(
        f"steps:\n  a:\n    matrix: {{n: [{numbers}]}}\n    images: photo.png\n"
        "    transform: [{pad: '{{ n % 50 }}'}, {crop: 1:1}]\n  b: {each: a, transform: [trim]}\n"
    )
    (tmp_path / "photo.png").write_bytes(b"never opened")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_retouched_one_is_left_alone_and_not_accepted(world: World) -> None:
    """What it is made from decides; the file that somebody changed stays, and the run says so."""
    world.write(LOCAL_ONLY)
    world.picture("photo.png", picture(40, 20))
    world.run(access=NO_TOKEN)
    (world.out / "small.png").write_bytes(picture(5, 3))
    assert outcome(world.run(access=NO_TOKEN), "small").modified
    opened = world.open()
    try:
        with pytest.raises(UsageError, match="it is a transform, made here"):
            world.do(accepting.accept(opened, ["small"]))
    finally:
        opened.close()

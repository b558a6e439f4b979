"""`replay`: a past run's folder, made again byte for byte."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from banana_pipe.canonical import digest_of
from tests.cli.conftest import SMALL, Pipe, Said, in_process
from tests.vendor.server import Vendor

RECIPE = "recipes/small.yaml"


def run(pipe: Pipe, *arguments: str) -> str:
    """The id of a run that ended well."""
    said = pipe("run", RECIPE, *arguments, "--json")
    assert said.code == 0
    return str(json.loads(said.out)["run_id"])


def files(folder: Path) -> dict[str, bytes]:
    """The pictures of a folder, takes too."""
    found = [path for path in sorted(folder.rglob("*")) if path.suffix in (".png", ".jpg", ".webp")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def listed(folder: Path) -> list[Any]:
    """What the manifest says of its files."""
    return list(json.loads((folder / "manifest.json").read_text())["files"])


def replayed(project: Path, *arguments: str) -> Said:
    """Said by a process that has no token, and whose provider is nobody."""
    return in_process(
        "replay",
        *arguments,
        cwd=project,
        env={"ACEDATACLOUD_API_TOKEN": "", "ACEDATACLOUD_API_BASE_URL": "http://127.0.0.1:9"},
    )


def test_a_run_is_made_again_after_everything_has_changed(pipe: Pipe, at: Vendor, project: Path) -> None:
    """The vendor draws at random, the recipe has other words, other nodes, and then is gone: the bytes are the same."""
    (project / RECIPE).write_text(SMALL.replace("generate: Photo", "samples: 2\n    generate: Photo"))
    first = run(pipe)
    then, entries = files(project / "out/small"), listed(project / "out/small")
    assert {"base.png", "_/takes/base@2.png", "tint/teal.png"} <= set(then)
    (project / RECIPE).write_text(SMALL.replace("Photo", "Drawing").replace(", teal: deep teal", ""))
    second = run(pipe)
    assert files(project / "out/small")["base.png"] != then["base.png"]
    (project / RECIPE).unlink()
    asked = len(at.received)

    said = replayed(project, first)
    assert (said.code, said.err) == (0, "")
    folder = project / f"out/small@{first}"
    assert f"out/small@{first}/" in said.out
    assert files(folder) == then
    assert listed(folder) == entries
    head = json.loads((folder / "manifest.json").read_text())
    assert (head["run_id"], head["recipe"], head["name"], head["root"]) == (first, RECIPE, "small", "../..")

    assert pipe("replay", "last").code == 0
    assert files(project / f"out/small@{second}") == files(project / "out/small")
    assert len(at.received) == asked


def test_a_folder_that_is_also_configured_counts_once(
    pipe: Pipe, made: Vendor, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its runs have one log each, however often the folder is named."""
    log = next((project / "out/small/_/runs").iterdir())
    monkeypatch.setenv("BANANA_PIPE_OUT", "out/small")
    assert pipe("replay", log.stem, "-n").code == 0


def test_what_is_published_is_as_good_as_the_cache(pipe: Pipe, made: Vendor, project: Path) -> None:
    """A clone with pictures and without a cache has the bytes all the same; elsewhere too, if a log is named."""
    shutil.rmtree(project / "cache")
    (log,) = (project / "out/small/_/runs").iterdir()
    done = json.loads(pipe("replay", str(log), "--out", "again", "--json").out)
    assert done["totals"] == {"files": 3, "placed": 3, "there": 0, "missing": 0, "bytes": done["totals"]["bytes"]}
    assert files(project / "again") == files(project / "out/small")
    assert not (project / "cache").exists()


def test_what_is_missing_is_listed_and_the_rest_is_made(pipe: Pipe, made: Vendor, project: Path) -> None:
    """Exit code 1, and a manifest that names nothing that is not there; damaged bytes are missing bytes."""
    published = files(project / "out/small")
    shutil.rmtree(project / "out/small/tint")
    teal, ivory = (digest_of(published[f"tint/{name}.png"]) for name in ("teal", "ivory"))
    (project / "cache/blobs" / teal[:2] / teal).unlink()
    damaged = project / "cache/blobs" / ivory[:2] / ivory
    damaged.chmod(0o644)
    damaged.write_bytes(b"something else")
    said = pipe("replay", "last", "--out", "again")
    assert said.code == 1
    assert f"✗ tint/ivory.png  tint[color=ivory], {ivory[:12]}: its bytes are nowhere" in said.out
    assert "1 picture of run" in said.out
    assert "2 pictures missing" in said.out
    assert set(files(project / "again")) == {"base.png"} == {one["path"] for one in listed(project / "again")}
    assert damaged.read_bytes() == b"something else"
    damaged.unlink()
    done = json.loads(pipe("replay", "last", "--out", "again", "--json").out)
    assert [one["standing"] for one in done["files"]] == ["there", "missing", "missing"]


def test_a_dry_run_writes_nothing(pipe: Pipe, made: Vendor, project: Path) -> None:
    """It says what would be made, and where."""
    before = sorted(project.rglob("*"))
    said = pipe("replay", "last", "-n")
    assert said.code == 0
    assert "3 pictures of run" in said.out
    assert "would be made again" in said.out
    assert sorted(project.rglob("*")) == before


def test_a_folder_with_anything_else_in_it_is_refused(pipe: Pipe, made: Vendor, project: Path) -> None:
    """Somebody's file, a changed picture, the run's own folder, a link; its own older replay is none of these."""
    assert pipe("replay", "last", "--out", "again").code == 0
    said = pipe("replay", "last", "--out", "again")
    assert said.code == 0
    assert "3 there already" in said.out
    for path, content in (("notes.txt", "mine"), ("tint/teal.png", "mine too"), ("deep/er", "mine")):
        spot = project / "again" / path
        before = spot.read_bytes() if spot.exists() else None
        spot.parent.mkdir(exist_ok=True)
        spot.write_text(content)
        said = pipe("replay", "last", "--out", "again")
        assert said.code == 2
        assert f"has something else in it: {path}" in said.err
        assert spot.read_text() == content
        spot.unlink() if before is None else spot.write_bytes(before)
    assert pipe("replay", "last", "--out", "out/small").code == 2
    (project / "again" / "link").symlink_to(project / "recipes")
    assert "something else in it: link" in pipe("replay", "last", "--out", "again").err
    (project / "file").write_text("")
    assert pipe("replay", "last", "--out", "file").code == 2


def test_a_part_of_a_run_leaves_what_was_there(pipe: Pipe, made: Vendor, project: Path) -> None:
    """The folder is that of the run, with the pictures that it had nothing to do with."""
    name = run(pipe, "--select", "base")
    assert pipe("replay", name).code == 0
    assert files(project / f"out/small@{name}") == files(project / "out/small")


def test_runs_are_found_by_the_beginning_of_their_name(pipe: Pipe, made: Vendor, project: Path) -> None:
    """If there is one; else they are named."""
    (first,) = (path.stem for path in (project / "out/small/_/runs").iterdir())
    assert pipe("replay", first[:-1], "-n").code == 0
    second = run(pipe)
    said = pipe("replay", "20", "-n")
    assert said.code == 2
    assert "the beginning of 2 runs" in said.err
    said = pipe("replay", "20200101T000000Z", "-n")
    assert f"the last ones: {second}, {first}" in said.err
    shutil.rmtree(project / "out")
    said = pipe("replay", "last")
    assert said.code == 2
    assert "there is no log of a run" in said.err


def test_a_run_that_was_cut_off_is_made_again_as_far_as_it_came(pipe: Pipe, made: Vendor, project: Path) -> None:
    """The last line of its log may be half; what is said before counts."""
    (log,) = (project / "out/small/_/runs").iterdir()
    lines = log.read_bytes().splitlines(keepends=True)
    ended = next(place for place, line in enumerate(lines) if b'"type": "folder"' in line)
    cut = project / "cut.jsonl"
    cut.write_bytes(b"".join(lines[:ended]) + lines[ended][:20])
    said = pipe("replay", "cut.jsonl", "--out", "again")
    assert said.code == 0
    assert "did not come to its end" in said.out
    assert files(project / "again") == files(project / "out/small")
    said = pipe("replay", "cut.jsonl")
    assert (said.code, "--out" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"path": "../../away.png"}, "no run places a picture at ../../away.png"),
        ({"path": "/away.png"}, "no run places"),
        ({"path": "_/runs/x.png"}, "no run places"),
        ({"path": "run.sh"}, "no run places a picture at run.sh"),
        ({"path": "index.html"}, "no run places"),
        ({"path": "x\ud800.png"}, "no run places"),
        ({"path": 7}, "has a path, a sha256 and a node"),
        ({"sha256": "../x"}, "has a path, a sha256 and a node"),
    ],
)
def test_a_log_that_nobody_of_ours_wrote_leads_nowhere(
    pipe: Pipe, project: Path, entry: dict[str, Any], words: str
) -> None:
    """Not out of the folder, not into what is ours alone, not to a file that is no picture."""
    start = {"type": "start", "time": "t", "run_id": "r", "recipe": "x", "name": "x", "versions": {"banana-pipe": "1"}}
    sound = {"path": "a.png", "sha256": "0" * 64, "node": "a"}
    events = [start, {"type": "node", "outputs": [sound | entry]}]
    (project / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    said = pipe("replay", "log.jsonl", "--out", "again")
    assert said.code == 1
    assert words in said.err
    assert "log.jsonl:2" in said.err
    assert not (project / "again").exists()


@pytest.mark.parametrize("inner", ["base.png/tint.png", "manifest.json/tint.png"])
def test_a_picture_within_a_picture_is_refused_before_anything_is_written(
    pipe: Pipe, made: Vendor, project: Path, inner: str
) -> None:
    """A path that is also a folder of another: no run places both, and half of a folder helps nobody."""
    (log,) = (project / "out/small/_/runs").iterdir()
    (project / "log.jsonl").write_text(log.read_text().replace('"tint/teal.png"', f'"{inner}"'))
    said = pipe("replay", "log.jsonl", "--out", "again")
    assert said.code == 1
    assert f"a picture at {inner}, and {inner.partition('/')[0]} is a file" in said.err
    assert not (project / "again").exists()


def test_a_folder_in_a_pictures_place_is_told_before_anything_is_written(
    pipe: Pipe, made: Vendor, project: Path
) -> None:
    """An empty one, too, which is nothing else that would be in the way."""
    (log,) = (project / "out/small/_/runs").iterdir()
    (project / "again/base.png").mkdir(parents=True)
    said = pipe("replay", str(log), "--out", "again")
    assert (said.code, "base.png is a folder" in said.err) == (2, True)
    assert [path.name for path in (project / "again").rglob("*")] == ["base.png"]


def test_a_name_that_no_file_can_have_is_told(pipe: Pipe, made: Vendor, project: Path) -> None:
    """A log can name what the file system cannot: that is no bug of ours."""
    (log,) = (project / "out/small/_/runs").iterdir()
    (project / "log.jsonl").write_text(log.read_text().replace('"base.png"', f'"{"x" * 300}.png"'))
    (project / "again").mkdir()
    said = pipe("replay", "log.jsonl", "--out", "again")
    assert (said.code, "name too long" in said.err) == (1, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not the log of a run"),
        ('{"type": "plan"}\n', "not the log of a run"),
        ('{"type": "start"}\n', "names its run, recipe and version"),
        ('{"type": "start", "versions": 7}\n', "names its run"),
        ("[" * 100_000 + "\n", "log.jsonl:1: not an event"),
        ("\x00\n", "not an event"),
    ],
)
def test_what_is_no_log_is_told(pipe: Pipe, project: Path, text: str, words: str) -> None:
    """Where, and what is wrong; never a traceback."""
    (project / "log.jsonl").write_text(text)
    said = pipe("replay", "log.jsonl", "--out", "again", "--json")
    assert said.code == 1
    assert words in json.loads(said.out)["error"]["message"]

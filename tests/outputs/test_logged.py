"""A log that is read back is believed only where it can be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from banana_pipe.canonical import is_digest
from banana_pipe.errors import BananaError, UsageError
from banana_pipe.outputs.logged import files_of_entry, logs_in, out_of, read_log

START = {"type": "start", "time": "t", "run_id": "r", "recipe": "x", "name": "x", "versions": {"banana-pipe": "1"}}
ENTRY = {"path": "a.png", "sha256": "0" * 64, "node": "a"}
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
PATHS = st.text(max_size=12) | st.sampled_from(
    ["../a.png", "/a.png", "_/a.png", "_/takes/a@2.png", "a/./b.png", "a\0.png"]
)


BESIDE = st.lists(
    st.fixed_dictionaries(
        {"path": PATHS | st.sampled_from(["a.json", "a-16.png", "a/../../x.json", "a.sh", "b.json", "index.html"])},
        optional={"sha256": st.just("1" * 64) | VALUES},
    ),
    max_size=2,
)
OTHERS = ["b.json", "a/x.json", "a../x.json", "a.json/x", "a-.png", "../a.json", "/a.json", "a.J", "_/a.json", "a"]


def written(folder: Path, *events: Any) -> Path:
    """A log with these lines."""
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {}, optional={"path": PATHS | VALUES, "sha256": VALUES, "node": VALUES, "side_files": VALUES | BESIDE}
    ),
    VALUES,
    st.data(),
)
def test_whatever_a_log_says_it_names_pictures_of_the_folder_or_is_refused(
    tmp_path: Path, changed: dict[str, Any], anything: Any, drawn: st.DataObject
) -> None:
    """Any values in any members: there is an error of ours, or each file is a picture below the folder."""
    node = {"type": "node", "outputs": [ENTRY | changed]} | drawn.draw(st.sampled_from([{}, {"outputs": anything}]))
    start = START | drawn.draw(st.dictionaries(st.sampled_from(sorted(START)), VALUES, max_size=1))
    path = written(tmp_path, start, node, {"type": "folder", "kept": anything})
    try:
        logged = read_log(path)
    except BananaError:
        return
    for name, entry in logged.files.items():
        parts = name.split("/")
        assert not {"", ".", ".."} & set(parts)
        assert parts[0] != "_" or parts[1] == "takes"
        assert name.lower().endswith((".png", ".jpg", ".webp", ".avif"))
        stem = name.rpartition(".")[0]
        for file, digest in files_of_entry(entry):
            assert file.startswith(stem)
            assert "/" not in file.removeprefix(stem)
            assert is_digest(digest)


@pytest.mark.parametrize("path", OTHERS)
def test_what_lies_beside_a_picture_has_its_name(tmp_path: Path, path: str) -> None:
    """A stranger's log places no file elsewhere, and none of ours."""
    beside = [{"path": path, "sha256": "1" * 64}]
    log = written(tmp_path, START, {"type": "node", "outputs": [ENTRY | {"side_files": beside}]})
    with pytest.raises(BananaError, match=r"no run places what is told to lie beside a\.png"):
        read_log(log)
    for name in ("index", "manifest"):
        entry = ENTRY | {
            "path": f"{name}.png",
            "side_files": [{"path": f"{name}.{'html' if name == 'index' else 'json'}", "sha256": "1" * 64}],
        }
        with pytest.raises(BananaError, match="to lie beside"):
            read_log(written(tmp_path, START, {"type": "node", "outputs": [entry]}))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_are_told_by_a_type(tmp_path: Path, data: bytes) -> None:
    """Never a traceback."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(data)
    with pytest.raises(BananaError):
        read_log(path)


def test_a_log_without_its_end_is_a_run_that_did_not_come_to_it(tmp_path: Path) -> None:
    """Both `folder` and `end` are needed: what stands between them may have failed."""
    node, folder, end = (
        {"type": "node", "outputs": [ENTRY]},
        {"type": "folder", "kept": []},
        {"type": "end", "time": "z"},
    )
    assert not read_log(written(tmp_path, START, node, folder)).is_whole
    logged = read_log(written(tmp_path, START, node, folder, end))
    assert (logged.is_whole, logged.at, list(logged.files)) == (True, "z", ["a.png"])
    assert logged.first("folder") == folder
    assert logged.first("plan") == {}


def test_a_log_knows_the_folder_that_it_lies_in(tmp_path: Path) -> None:
    """By where it lies: what it says of that is another machine's."""
    runs = tmp_path / "out/shop/_/runs"
    runs.mkdir(parents=True)
    (runs / "b.jsonl").touch()
    (runs / "a.jsonl").touch()
    (runs / "notes.txt").touch()
    assert [path.name for path in logs_in(tmp_path / "out/shop")] == ["a.jsonl", "b.jsonl"]
    assert out_of(runs / "a.jsonl") == tmp_path / "out/shop"
    assert out_of(tmp_path / "a.jsonl") is None
    with pytest.raises(UsageError):
        read_log(tmp_path / "nowhere.jsonl")
    (runs / "a.jsonl").unlink()
    (runs / "b.jsonl").unlink()

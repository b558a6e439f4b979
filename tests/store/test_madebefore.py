"""A manifest says what a transform made; whatever it says, only what is hashed and measured is believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from banana_pipe.canonical import digest_of
from banana_pipe.model import Key
from banana_pipe.store.madebefore import MadeBefore
from banana_pipe.store.published import MANIFEST, MANIFEST_TYPE, Published
from banana_pipe.store.results import Results
from tests.world import picture

KEY = Key("a" * 64)
FLIP = {"op": "flip", "version": 1, "params": {"direction": "horizontal"}}


def made(folder: Path, *entries: Any) -> MadeBefore:
    out = folder / "out"
    out.mkdir(exist_ok=True)
    (out / MANIFEST).write_text(json.dumps({"type": MANIFEST_TYPE, "files": entries}))
    return MadeBefore(Results(folder / "results"), Published(out))


def entry(data: bytes, **other: Any) -> dict[str, Any]:
    told = {"path": "thumb.png", "key": KEY, "provider": "local", "sha256": digest_of(data)}
    return {**told, "request": {"ops": [FLIP]}, **other}


def test_a_picture_that_is_what_the_manifest_says_is_the_result(tmp_path: Path) -> None:
    """Measured here; free, and of no provider."""
    data = picture(6, 4, "RGBA")
    store = made(tmp_path, entry(data, width=999))
    (tmp_path / "out" / "thumb.png").write_bytes(data)
    result = store.get(KEY)
    assert result is not None
    assert (result.artifact.digest, result.artifact.width, result.artifact.alpha) == (digest_of(data), 6, True)
    assert (result.provider, result.price) == ("local", 0)
    assert store.get(Key("b" * 64)) is None
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": "acedata"},
        {"key": None},
        {"key": 7},
        {"path": "../thumb.png"},
        {"path": "nothing.png"},
        {"path": None},
        {"sha256": "0" * 64},
        {"sha256": None},
        {"request": None},
        {"request": {"ops": [{**FLIP, "op": "nothing"}]}},
        {"request": {"ops": [{"op": "sprites", "version": 1, "params": {"gap": 2}}]}},
    ],
)
def test_what_is_not_so_is_no_result(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """A bought picture, another key, a way out, no file, other bytes."""
    data = picture(6, 4)
    store = made(tmp_path, entry(data, **wrong))
    (tmp_path / "out" / "thumb.png").write_bytes(data)
    (tmp_path / "thumb.png").write_bytes(data)
    assert store.get_many([KEY]) == {}


@pytest.mark.parametrize("files", ["text", 7, None, [7, None, "x"]])
def test_a_manifest_of_any_form_is_read(tmp_path: Path, files: Any) -> None:
    """What is no list of files has none."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MANIFEST).write_text(json.dumps({"type": MANIFEST_TYPE, "files": files}))
    assert MadeBefore(Results(tmp_path / "results"), Published(tmp_path / "out")).get(KEY) is None


def test_what_is_no_picture_is_no_result(tmp_path: Path) -> None:
    """Though its bytes are those that the manifest names."""
    store = made(tmp_path, entry(b"<html>"))
    (tmp_path / "out" / "thumb.png").write_bytes(b"<html>")
    assert store.get(KEY) is None

"""What is opened where a file is expected. Unaware of what is in it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from banana_pipe.regular import open_regular, read_regular


def test_a_regular_file_is_read_through_links_too(tmp_path: Path) -> None:
    """Links are everywhere; who must not follow one says so himself."""
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    assert read_regular(tmp_path / "link") == read_regular(tmp_path / "a") == b"abc"


@pytest.mark.parametrize("name", ["folder", "pipe", "device", "link", "socket", "nothing"])
def test_nothing_else_is_opened_and_nobody_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A folder, a pipe that nobody writes to, a device without end, a link to a pipe, a socket: each says why."""
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    Path("folder").mkdir()
    os.mkfifo("pipe")
    Path("device").symlink_to("/dev/zero")
    Path("link").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        with pytest.raises(OSError, match=name) as caught:
            open_regular(Path(name))
    assert caught.value.strerror

"""`studio` as a real process: what it says, how it is opened, how it ends. Unaware of what its page does."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.cli.conftest import Pipe, start
from tests.cli.test_start import imported
from tests.test_docs import blocks
from tests.vendor.fixture import env_for
from tests.vendor.server import Vendor


@contextmanager
def running(cwd: Path, *more: str, **given: Any) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command as long as the block lasts, and what it said first."""
    with start("studio", "recipes/small.yaml", "--json", *more, cwd=cwd, **given) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def test_it_says_its_address_opens_it_and_ends_when_it_is_told_to(project: Path, tmp_path: Path) -> None:
    """One object as the documents show it; a browser is handed a file that only its owner can read, not the address."""
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(
        f'#!/bin/sh\nstat -c %a "${{1#file://}}" > {seen}\ncat "${{1#file://}}" >> {seen}\necho "$1" >> {seen}\n'
    )
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    env = {"BROWSER": f"{browser} %s", "XDG_STATE_HOME": str(tmp_path / "state")}
    with running(project, "--open", env=env) as (process, said):
        (shown,) = blocks("json: studio")
        assert json.loads(shown).keys() == said.keys()
        assert httpx.get(said["url"], trust_env=False).status_code == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "")
    mode, page, address = seen.read_text().splitlines()
    assert mode == "600"
    assert said["url"] in page
    assert said["url"] not in address
    assert not list((tmp_path / "state").rglob("studio-*"))


def test_ctrl_c_collects_what_is_accepted(project: Path, vendor: Vendor) -> None:
    """A run from the page is stopped as one on the terminal is; what was paid is kept."""
    vendor.behave(delay=0.3)
    with running(project, env=env_for(vendor)) as (process, said):
        origin = f"http://127.0.0.1:{said['port']}"
        agreed = {"agreed": {"calls": 3, "micros": 117_000}}
        answer = httpx.post(f"{said['url']}_do/run", json=agreed, headers={"origin": origin}, trust_env=False)
        assert answer.status_code == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert len(vendor.charges) <= 1
    lock = project / "recipes" / "small.lock"
    assert not vendor.charges or lock.read_text().count("sha256")


def test_a_port_in_use_is_told_with_a_way_on(project: Path, pipe: Pipe) -> None:
    """Exit code 2, and no second server that nobody reaches."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = pipe("studio", "recipes/small.yaml", "--port", str(port))
    assert ended.code == 2
    assert f"port {port} is in use" in ended.err
    assert "--port 0" in ended.err


def test_a_recipe_that_is_not_there_is_told_as_everywhere(pipe: Pipe) -> None:
    """Before anybody could reach it."""
    ended = pipe("studio", "recipes/nobody.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert "nobody.yaml" in ended.err


def test_help_imports_no_server(project: Path) -> None:
    """It is words."""
    code, modules = imported(project, "studio", "--help")
    assert code == 0
    assert not modules & {"uvicorn", "starlette", "PIL", "httpx"}

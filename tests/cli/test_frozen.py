"""`run --frozen` on clones, with the network off: only the lock file can make their pictures equal.

Unaware of how pictures are made. The vendor draws at random, each picture once.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from banana_pipe.canonical import digest_of
from tests.cli.conftest import Pipe, Said, environment, in_process
from tests.vendor.server import Vendor

RUN = ("run", "recipes/small.yaml", "--frozen")
RECIPE = """
version: 1
vars: {colors: {ivory: ivory white, teal: deep teal}}
steps:
  base: {generate: Photo of a mug, samples: 2, pick: 2}
  cut: {images: base, transform: [{resize: {width: 64}}], output: false}
  tint: {matrix: {color: "{{ colors }}"}, images: cut, edit: "Make it {{ color }}"}
  sheet: {images: tint, transform: [{grid: {columns: 2}}]}
"""

# Python tells of every socket that is made, connected or looked up for; a pair of pipes inside the process is none.
WATCH = """
import socket, sys
def watch(event, args):
    if event == "socket.__new__" and args[1] in (socket.AF_INET, socket.AF_INET6):
        raise SystemExit("a socket was made")
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind"):
        raise SystemExit(event)
sys.addaudithook(watch)
from banana_pipe.cli.group import run_command
code = run_command(sys.argv[1:])
loaded = sorted({name.partition(".")[0] for name in sys.modules} & {"httpx", "httpcore", "anyio", "h11", "starlette"})
sys.exit(f"imported {loaded}" if loaded else code)
"""


def pictures(folder: Path) -> dict[str, str]:
    """The digests of the pictures that people look at."""
    out = folder / "out" / "small"
    found = {path.relative_to(out).as_posix(): digest_of(path.read_bytes()) for path in sorted(out.rglob("*.*g"))}
    return {name: digest for name, digest in found.items() if not name.startswith("_/")}


def git(folder: Path, *words: str) -> None:
    settings = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *settings, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def bought(pipe: Pipe, project: Path, at: Vendor) -> Path:
    """A project with git, all of it bought, committed with its pictures."""
    (project / "recipes" / "small.yaml").write_text(RECIPE)
    assert pipe("run", "recipes/small.yaml").code == 0
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "--", "recipes", "banana-pipe.toml", "out")
    git(project, "commit", "-q", "-m", "x")
    return project


def clone(project: Path, name: str) -> Path:
    folder = project.parent / name
    git(project, "clone", "-q", ".", str(folder))
    return folder


def offline(folder: Path, *arguments: str) -> Said:
    """The command in a process that may open no socket and import no HTTP client, without a token."""
    env = {name: value for name, value in environment(None).items() if not name.endswith(("_TOKEN", "_KEY"))}
    command = [sys.executable, "-c", WATCH, *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return Said(done.returncode, done.stdout, done.stderr)


def test_three_clones_have_the_same_pictures_byte_for_byte(pipe: Pipe, bought: Path, at: Vendor) -> None:
    """From lock + cache, from lock + an imported bundle, and from lock + pictures; no socket, no HTTP client, no token."""
    before, charges = pictures(bought), len(at.charges)
    assert set(before) == {"base.png", "sheet.png", "tint/ivory.png", "tint/teal.png"}
    assert pipe("cache", "export", "bundle.tar", "recipes/small.yaml").code == 0

    with_cache = clone(bought, "with-cache")
    shutil.rmtree(with_cache / "out")
    shutil.copytree(bought / "cache", with_cache / "cache")

    with_bundle = clone(bought, "with-bundle")
    shutil.rmtree(with_bundle / "out")
    assert offline(with_bundle, "cache", "import", str(bought / "bundle.tar")).code == 0

    with_pictures = clone(bought, "with-pictures")
    for name in ("_", "manifest.json", "index.html"):
        path = with_pictures / "out" / "small" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (with_pictures / "out" / "small" / "sheet.png").unlink()

    for folder in (with_cache, with_bundle, with_pictures):
        said = offline(folder, *RUN)
        assert (said.code, "nothing bought" in said.out) == (0, True), said
        assert pictures(folder) == before
    assert len(at.charges) == charges


@pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run(["unshare", "-rn", "true"], check=False).returncode != 0,
    reason="this machine lets nobody make a network namespace",
)
def test_it_works_where_there_is_no_network_at_all(bought: Path) -> None:
    """In a namespace without any interface, not even loopback."""
    folder = clone(bought, "alone")
    command = ["unshare", "-rn", sys.executable, "-m", "banana_pipe", *RUN]
    done = subprocess.run(command, cwd=folder, env=environment(None), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert pictures(folder) == pictures(bought)


def test_what_it_would_buy_is_said_with_prices(pipe: Pipe, bought: Path, at: Vendor) -> None:
    """As text and in the object; exit code 5; the vendor hears nothing."""
    recipe, heard = bought / "recipes" / "small.yaml", len(at.received)
    recipe.write_text(RECIPE.replace("Photo of a mug", "Photo of a jug"))
    lock = (bought / "recipes" / "small.lock").read_bytes()
    said = pipe(*RUN)
    assert said.code == 5
    assert "would have to be bought: 2 calls, $0.078" in said.out
    assert "without --frozen it would make 2 calls, about $0.078 (at most 4 calls, $0.156)" in said.out
    assert "→ to buy it, once: banana-pipe run recipes/small.yaml\n" in said.out
    value = json.loads(pipe(*RUN, "--json").out)
    assert value["status"] == "stopped"
    assert [(one["id"], one["state"], one["calls"], one["cost_usd"]) for one in value["would_buy"]] == [
        ("base", "call", 2, 0.078),
        ("cut", "wait", 0, 0.0),
        ("tint[color=ivory]", "wait", 1, 0.039),
        ("tint[color=teal]", "wait", 1, 0.039),
        ("sheet", "wait", 0, 0.0),
    ]
    assert pipe(*RUN, "-n").code == 5
    assert (len(at.received), (bought / "recipes" / "small.lock").read_bytes()) == (heard, lock)


def test_a_plan_of_a_frozen_run_is_quiet_where_all_is_there(pipe: Pipe, bought: Path) -> None:
    """Exit code 0, and the plan as ever."""
    said = pipe(*RUN, "-n")
    assert (said.code, "nothing to buy" in said.out) == (0, True)


@pytest.mark.parametrize("flag", ["--rebuy", "--retry-unknown", "--retry-refused"])
def test_consents_to_buy_again_contradict_it(pipe: Pipe, flag: str) -> None:
    """A wrong command line, with what to do."""
    said = pipe(*RUN, flag)
    assert (said.code, f"--frozen and {flag} contradict each other" in said.err) == (2, True)


def test_what_was_lost_is_not_bought(pipe: Pipe, bought: Path, at: Vendor) -> None:
    """Exit code 1, and the places that were looked in."""
    charges = len(at.charges)
    for name in ("cache", "out"):
        shutil.rmtree(bought / name)
    said = pipe(*RUN)
    assert (said.code, "lost" in said.out, len(at.charges)) == (1, True, charges)


def test_a_token_that_cannot_be_read_is_no_matter(bought: Path) -> None:
    """It is not looked for: settings of the shop that sells are nobody's business here."""
    env = {"ACEDATACLOUD_API_TOKEN": "two words\n", "ACEDATACLOUD_API_KEY": "another"}
    assert in_process(*RUN, cwd=bought, env=env).code == 0


def test_a_repository_with_other_line_ends_elsewhere_on_another_machine_asks_the_same(bought: Path) -> None:
    """Recipe and lock with CRLF, in a folder of another name, below another one: nothing to buy, nothing written."""
    folder = bought.parent / "elsewhere" / "deep" / "Böxes"
    folder.mkdir(parents=True)
    git(folder.parent, "-c", "core.autocrlf=true", "clone", "-q", "-c", "core.autocrlf=true", str(bought), folder.name)
    lock = folder / "recipes" / "small.lock"
    assert b"\r\n" in lock.read_bytes()
    assert b"\r\n" in (folder / "recipes" / "small.yaml").read_bytes()
    before = lock.read_bytes()
    said = offline(folder, "lock", "check", "recipes/small.yaml")
    assert (said.code, "agree" in said.out) == (0, True), said
    said = in_process("run", "recipes/small.yaml", cwd=folder)
    assert (said.code, pictures(folder)) == (0, pictures(bought))
    assert lock.read_bytes() == before
    assert os.path.getsize(lock) > 0

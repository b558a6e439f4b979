"""`cache` as one sees it. Unaware of how files are told, judged and mended."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from tests.canary import CANARY
from tests.cli.conftest import Pipe
from tests.vendor.server import Vendor


def age(project: Path) -> None:
    """Let all files have been there for two hours."""
    for path in (project / "cache").rglob("*"):
        if path.is_file():
            os.utime(path, times=(time.time() - 7_200,) * 2)


def a_picture(project: Path, pipe: Pipe) -> Path:
    """The blob of `base`."""
    (found,) = json.loads(pipe("cache", "ls", "base", "--kind", "paid", "--json").out)["files"]
    return project / "cache" / str(found["path"])


def test_what_is_kept_is_counted_with_its_money(pipe: Pipe, made: Vendor) -> None:
    """By kind; nothing else is said of what is not there."""
    said = pipe("cache", "stats")
    assert said.code == 0
    assert [line.split()[:2] for line in said.out.splitlines()[1:4]] == [
        ["paid", "3"],
        ["request", "3"],
        ["records", "2"],
    ]
    assert "$0.117 was paid for what is here" in said.out


def test_an_empty_project_has_an_empty_cache(pipe: Pipe, project: Path) -> None:
    """Looking makes none, whichever way one looks."""
    for words in (["stats"], ["ls"], ["gc"], ["gc", "--yes"], ["verify"], ["verify", "--repair"]):
        assert pipe("cache", *words).code == 0
    assert not (project / "cache").exists()


def test_blobs_are_listed_and_found_by_their_words(pipe: Pipe, made: Vendor, project: Path) -> None:
    """By node, by model, by digest."""
    assert len(pipe("cache", "ls").out.splitlines()) == 7
    assert len(pipe("cache", "ls", "tint", "--kind", "paid").out.splitlines()) == 3
    digest = a_picture(project, pipe).name
    (line,) = pipe("cache", "ls", digest[:8]).out.splitlines()[1:]
    assert "base" in line
    assert "pinned by small.lock" in line
    assert pipe("cache", "ls", "nothing-of-that-name").out == "nothing is listed here\n"


def test_gc_says_first_and_removes_on_request(pipe: Pipe, made: Vendor, project: Path) -> None:
    """What was paid is named with its price, and stays without --paid."""
    (project / "recipes" / "small.lock").unlink()
    age(project)
    said = pipe("cache", "gc", "recipes/small.yaml")
    assert "2 pictures paid for ($0.078), needed by no lock file:" in said.out
    assert "tint[color=ivory]" in said.out
    assert "0 files, 0 bytes would go" in said.out
    assert said.out.splitlines()[-1].endswith("banana-pipe cache gc --paid recipes/small.yaml")
    assert pipe("cache", "gc", "--yes").out.splitlines()[-1] == "0 files, 0 bytes removed"
    dry = pipe("cache", "gc", "--paid")
    assert dry.out.splitlines()[-1].endswith("banana-pipe cache gc --paid --yes")
    assert json.loads(pipe("cache", "gc", "--paid", "--json").out)["removed"] is False
    assert json.loads(pipe("cache", "gc", "--paid", "--yes", "--json").out)["totals"]["paid_usd"] == 0.078
    assert len(pipe("cache", "ls", "--kind", "paid").out.splitlines()) == 2


def test_damage_is_exit_code_1_and_healed_0(pipe: Pipe, made: Vendor, project: Path) -> None:
    """The way on stands below."""
    path = a_picture(project, pipe)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    found = pipe("cache", "verify")
    assert found.code == 1
    assert found.out.splitlines()[0].startswith("✗ base, $0.039  its bytes are others")
    assert found.out.splitlines()[-1].endswith("banana-pipe cache verify --repair")
    healed = pipe("cache", "verify", "--repair")
    assert (healed.code, healed.out.splitlines()[0].rpartition(": ")[2]) == (0, "from out/small/base.png")
    assert pipe("cache", "verify").out.startswith("all is whole: 6 blobs")


def test_what_is_lost_is_told_with_what_buys_it_again(pipe: Pipe, made: Vendor, project: Path) -> None:
    """From its link where that lives; and no token is shown or needed to look."""
    path = a_picture(project, pipe)
    (project / "out" / "small" / "base.png").unlink()
    path.unlink()
    said = pipe("cache", "verify", "--repair", "--offline")
    assert said.code == 1
    assert "banana-pipe run small.yaml --rebuy" in said.out
    said = pipe("cache", "verify", "--repair", "--json")
    assert (said.code, json.loads(said.out)["damage"][0]["healed"]) == (0, "from its link")
    assert CANARY not in said.out
    assert len(made.charges) == 3


def test_a_cache_travels_in_one_archive(pipe: Pipe, made: Vendor, project: Path) -> None:
    """Elsewhere the same folder is there without a call; what is no archive is refused in words."""
    said = pipe("cache", "export", "all.tar", "recipes/small.yaml")
    assert (said.code, said.out.split(" → ")[0]) == (0, "3 pictures that $0.117 was paid for, 6 blobs")
    assert pipe("cache", "export", "all.tar").code == 2
    came = pipe("cache", "import", "all.tar", "--cache", "other")
    assert (came.code, came.out.split(",")[0]) == (0, "3 pictures that $0.117 was paid for")
    assert pipe("run", "recipes/small.yaml", "--cache", "other", "--out", "there").code == 0
    assert len(made.charges) == 3
    (project / "bad.tar").write_bytes((project / "all.tar").read_bytes()[:-1])
    refused = pipe("cache", "import", "bad.tar", "--cache", "third")
    assert (refused.code, "nothing was imported" in refused.err) == (1, True)
    assert not (project / "third").exists()
    assert CANARY.encode() not in (project / "all.tar").read_bytes()


def test_an_archive_that_lacks_a_picture_is_exit_code_1(pipe: Pipe, made: Vendor, project: Path) -> None:
    """Who makes a copy to be safe must hear of it."""
    a_picture(project, pipe).unlink()
    said = pipe("cache", "export", "all.tar")
    assert said.code == 1
    assert said.out.startswith("✗ base  its bytes are not here")
    assert said.out.splitlines()[-1].endswith("banana-pipe cache verify --repair")


def test_what_a_damaged_file_says_does_not_reach_the_terminal_as_it_is(pipe: Pipe, made: Vendor, project: Path) -> None:
    """A name in a damaged schema may be anything, a colour too."""
    path = project / "cache" / "ledger.db"
    data = path.read_bytes()
    place = data.index(b"tableattemptsattempts") + len("table")
    path.write_bytes(data[:place] + b"\x1b[31mxx" + data[place + 7 :])
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE attempts", b"CREATE TABLE \x1b[31mxxx", 1))
    said = pipe("cache", "verify")
    assert said.code == 1
    assert "\x1b" not in said.out + said.err

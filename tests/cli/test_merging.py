"""`lock merge`: two people, two branches, one lock file. Real git, real commands."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Pipe
from tests.vendor.server import Vendor

RECIPE = Path("recipes/small.yaml")


def git(*words: str) -> int:
    settings = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *settings, *words], capture_output=True, check=False).returncode


def commit(words: str) -> None:
    assert git("add", "-A") == 0
    assert git("commit", "-qm", words) == 0


@pytest.fixture
def bought(pipe: Pipe, at: Vendor) -> Vendor:
    """A repository whose pictures are bought; cache and pictures stay out of it."""
    Path(".gitignore").write_text("cache/\nout/\n")
    assert git("init", "-q", "-b", "main") == 0
    assert pipe("run", str(RECIPE)).code == 0
    commit("bought")
    return at


def on_branch(pipe: Pipe, name: str, old: str, new: str) -> None:
    """Other words on a branch of that name, bought and committed."""
    assert git("switch", "-qc", name, "main") == 0
    RECIPE.write_text(RECIPE.read_text().replace(old, new))
    assert pipe("run", str(RECIPE)).code == 0
    commit(name)


def test_two_branches_that_bought_are_merged_and_nothing_is_bought_again(pipe: Pipe, bought: Vendor) -> None:
    """Ten new colours on each side: git cannot order them; afterwards one plan has both, for free."""
    for side, first in (("one", 0), ("other", 10)):
        colors = ", ".join(f"c{number}: colour {number}" for number in range(first, first + 10))
        on_branch(pipe, side, "ivory: ivory white", f"ivory: ivory white, {colors}")
    assert git("switch", "-q", "one") == 0
    calls = len(bought.posts)
    assert git("merge", "-q", "other") != 0
    both = ", ".join(f"c{number}: colour {number}" for number in range(20))
    assert git("checkout", "-q", "main", "--", str(RECIPE)) == 0
    RECIPE.write_text(RECIPE.read_text().replace("ivory: ivory white", f"ivory: ivory white, {both}"))
    refused = pipe("plan", str(RECIPE))
    assert refused.code == 2
    assert "`banana-pipe lock merge`" in refused.err
    dry = pipe("lock", "merge", str(RECIPE), "--dry-run")
    assert (dry.code, dry.out) == (0, "○ recipes/small.lock: would have 23 requests of both sides\n")
    said = pipe("lock", "merge", str(RECIPE))
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("✓ recipes/small.lock: 23 requests of both sides")
    assert json.loads(pipe("plan", str(RECIPE), "--json").out)["totals"]["cached"] == 23
    assert pipe("lock", "merge", str(RECIPE)).out == "recipes/small.lock has no conflict\n"
    shutil.rmtree("cache")
    assert json.loads(pipe("plan", str(RECIPE), "--review", "--json").out)["totals"]["calls"] == 0
    assert len(bought.posts) == calls


def test_who_picked_differently_says_whose_word_counts(pipe: Pipe, bought: Vendor) -> None:
    """Exit 1 and the two words for it; nothing is written before; the take that the other side bought is kept."""
    assert pipe("reroll", str(RECIPE), "base", "--yes").code == 0
    commit("a second take")
    assert git("switch", "-qc", "one") == 0
    assert pipe("pick", str(RECIPE), "base", "1").code == 0
    commit("one")
    assert git("switch", "-qc", "other", "main") == 0
    assert pipe("reroll", str(RECIPE), "base", "--yes").code == 0
    commit("a third take")
    assert git("switch", "-q", "one") == 0
    assert git("merge", "-q", "other") != 0
    lock, calls = RECIPE.with_suffix(".lock"), len(bought.posts)
    before = lock.read_text()
    said = pipe("lock", "merge", str(RECIPE))
    assert said.code == 1
    assert said.out.splitlines()[0] == "? base: ours says take 1, theirs take 3"
    assert "--ours, --theirs" in said.err
    assert lock.read_text() == before
    value = json.loads(pipe("lock", "merge", str(RECIPE), "--theirs", "--json").out)
    assert value == {
        "lock": str(lock.absolute()),
        "conflict": True,
        "settled": True,
        "clashes": [{"name": "base", "ours": "take 1", "theirs": "take 3"}],
    }
    assert '"pick": 3,' in lock.read_text()
    assert pipe("pick", str(RECIPE), "base", "1").code == 0
    assert json.loads(pipe("plan", str(RECIPE), "--json").out)["totals"]["calls"] == 0
    assert len(bought.posts) == calls


def test_what_was_settled_by_hand_in_the_file_stands(pipe: Pipe, bought: Vendor) -> None:
    """Of two conflicts one was taken out with an editor: only the other is asked about, and what the hand wrote stays."""
    for node in ("tint[color=ivory]", "tint[color=teal]"):
        assert pipe("reroll", str(RECIPE), node, "--yes").code == 0
    commit("two takes each")
    for side, take in (("one", "1"), ("other", None)):
        assert git("switch", "-qc", side, "main") == 0
        for node in ("tint[color=ivory]", "tint[color=teal]"):
            words = ["pick", str(RECIPE), node, take] if take else ["reroll", str(RECIPE), node, "--yes"]
            assert pipe(*words).code == 0
        commit(side)
    assert git("switch", "-q", "one") == 0
    assert git("merge", "-q", "other") != 0
    lock = RECIPE.with_suffix(".lock")
    text = lock.read_text()
    assert text.count("<" * 7) == 2
    hunk = text[text.index("<" * 7) : text.index("\n", text.index(">" * 7)) + 1]
    theirs = hunk[hunk.index("=" * 7 + "\n") + 8 : hunk.index(">" * 7)]
    lock.write_text(text.replace(hunk, theirs, 1))
    said = pipe("lock", "merge", str(RECIPE), "--ours", "--json")
    (clash,) = json.loads(said.out)["clashes"]
    assert (clash["ours"], clash["theirs"]) == ("take 1", "take 3")
    settled = lock.read_text()
    assert sorted(line.strip() for line in settled.splitlines() if '"pick"' in line) == ['"pick": 1,', '"pick": 3,']
    assert settled.count('"take 3"') == 2


def test_without_a_lock_file_there_is_nothing_to_settle(pipe: Pipe) -> None:
    """It says so, and where it looked."""
    said = pipe("lock", "merge", str(RECIPE))
    assert said.code == 2
    assert "small.lock" in said.err

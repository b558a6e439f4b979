"""`lock`: check, accept, reset, clean, and what git makes of the file. Unaware of how any of it is done."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path

from tests.cli.conftest import SMALL, Pipe
from tests.vendor.server import Vendor
from tests.world import picture

RECIPE = "recipes/small.yaml"
LOCK = Path("recipes/small.lock")
MARKS = ("<" * 7, "=" * 7, ">" * 7)


def test_a_reroll_says_how_its_readers_stay_as_they_are_and_that_is_free(pipe: Pipe, made: Vendor) -> None:
    """The line can be copied; then a run buys nothing."""
    said = pipe("reroll", RECIPE, "base")
    keep = f"banana-pipe lock accept {RECIPE} 'tint[color=ivory]' 'tint[color=teal]'"
    assert f"→ to leave what reads it as it is, free: {keep}" in said.out
    said = pipe(*shlex.split(keep)[1:])
    assert said.code == 0
    assert "✓ tint[color=ivory]: the picture that it had last" in said.out
    assert "a run would now buy nothing" in said.out
    assert pipe("run", RECIPE).code == 0
    assert len(made.charges) == 4
    assert "accepted as it is" in pipe("plan", RECIPE).out
    page = Path("out/small/index.html").read_text()
    assert "none: accepted as it is" in page


def test_a_file_changed_by_hand_is_adopted(pipe: Pipe, made: Vendor) -> None:
    """First as a dry run; JSON names the file and its digest."""
    (file,) = Path("out/small").glob("base.*")
    file.write_bytes(picture(40, 30))
    said = pipe("lock", "accept", RECIPE, "-n")
    assert (said.code, f"○ base: {file}, as it was changed by hand" in said.out) == (0, True)
    value = json.loads(pipe("lock", "accept", RECIPE, "base", "--json").out)
    assert (value["dry_run"], value["accepted"][0]["node"], value["accepted"][0]["path"]) == (False, "base", file.name)
    assert (value["left"], value["then"]["calls"]) == ([], 2)
    run = json.loads(pipe("run", RECIPE, "--json").out)
    base = next(node for node in run["nodes"] if node["id"] == "base")
    assert (base["status"], base["reason"], base["modified"]) == ("cached", "accepted", False)
    assert [(one["take"], one["picked"]) for one in base["outputs"] if one["picked"]] == [(None, True)]
    assert (run["status"], len(made.charges)) == ("ok", 5)


def test_what_ops_make_is_not_accepted_and_a_run_says_how_to_have_it_again(pipe: Pipe, made: Vendor) -> None:
    """The commands that a run gives do what it says, for what was bought and for what was made here."""
    Path(RECIPE).write_text(f"{SMALL}  thumb: {{images: base, transform: [{{resize: 64}}]}}\n")
    assert pipe("run", RECIPE).code == 0
    (thumb,), (base,) = Path("out/small").glob("thumb.*"), Path("out/small").glob("base.*")
    before = thumb.read_bytes()
    thumb.write_bytes(picture(40, 30))
    said = pipe("run", RECIPE)
    assert "! changed by hand and left alone: thumb" in said.out
    assert f"to have ours again, remove the file, then: banana-pipe run {RECIPE}" in said.out
    assert "lock accept" not in said.out
    base.write_bytes(picture(50, 30))
    assert f"to take them as they are, free: banana-pipe lock accept {RECIPE} base\n" in pipe("run", RECIPE).out
    thumb.unlink()
    assert pipe("run", RECIPE).code == 0
    assert thumb.read_bytes() == before


def test_nothing_to_accept_is_said(pipe: Pipe, made: Vendor) -> None:
    """What is right already is fine; what was never made, or is no node, is a wrong command line."""
    said = pipe("lock", "accept", RECIPE)
    assert (said.code, "nothing to accept" in said.out) == (0, True)
    said = pipe("lock", "accept", RECIPE, "tnt")
    assert (said.code, "did you mean `tint`" in said.err) == (2, True)
    said = pipe("lock", "accept", RECIPE, "base", "--provider", "sandbox")
    assert (said.code, "nothing was bought under this name yet" in said.err) == (2, True)


def test_a_dry_run_says_what_would_be_then_and_the_command_that_accepts(pipe: Pipe, made: Vendor) -> None:
    """Nothing is accepted yet: a run now would still buy."""
    pipe("reroll", RECIPE, "base")
    said = pipe("lock", "accept", RECIPE, "tint", "--dry-run")
    assert "a run would then buy nothing" in said.out
    assert f"→ banana-pipe lock accept {RECIPE} tint\n" in said.out
    assert "banana-pipe run" not in said.out
    assert "2 calls" in pipe("plan", RECIPE).out


def test_what_was_accepted_is_explained_as_such(pipe: Pipe, made: Vendor) -> None:
    """It was not asked for, and nobody compares it with anything."""
    pipe("reroll", RECIPE, "base")
    pipe("lock", "accept", RECIPE, "tint")
    said = pipe("explain", RECIPE, "tint[color=teal]")
    stands = "  it stands as it is, whatever its request, until a `pick` or a `reroll`\n"
    assert f" UTC\n{stands}  nothing reads it" in said.out
    assert "last asked" not in said.out
    assert "is known" not in said.out


def test_check_says_what_differs_and_what_to_do(pipe: Pipe, made: Vendor) -> None:
    """By kind, with prices and commands; exit code 5 where a run would buy; nothing is asked of the vendor."""
    said = pipe("lock", "check", RECIPE)
    assert (said.code, said.out) == (0, "✓ small: recipe, lock file, cache and folder agree, 3 nodes\n")
    Path(RECIPE).write_text(Path(RECIPE).read_text().replace("Make it {{ color }}", "Paint it {{ color }}"))
    (file,) = Path("out/small").glob("base.*")
    file.write_bytes(picture(40, 30))
    heard = len(made.received)
    said = pipe("lock", "check", RECIPE)
    assert said.code == 5
    assert (
        said.out
        == f"""\
✗ small: recipe, lock file, cache and folder do not agree

● not bought: 2; 2 calls, about $0.078
    tint[color=ivory]: its request has changed ($0.039)
    tint[color=teal]: its request has changed ($0.039)
    → to buy it: banana-pipe run {RECIPE}

! changed by hand: 1
    base: {file.name}
    → to keep what was made by hand: banana-pipe lock accept {RECIPE}

- not used any more: 2; $0.078 paid
    tint[color=ivory]: 1 take
    tint[color=teal]: 1 take
    → to take it out: banana-pipe lock clean {RECIPE} --dry-run
"""
    )
    value = json.loads(pipe("lock", "check", RECIPE, "base", "--json").out)
    assert (value["ok"], value["exit_code"]) == (False, 1)
    assert [(one["kind"], one["node"], one["path"]) for one in value["findings"]] == [("by-hand", "base", file.name)]
    assert len(made.received) == heard


def test_check_names_the_way_for_a_checkout_without_pictures(pipe: Pipe, made: Vendor) -> None:
    """All is lost there, and the lock file alone is compared on request."""
    for place in ("cache", "out"):
        shutil.rmtree(place)
    said = pipe("lock", "check", RECIPE)
    assert (said.code, f"banana-pipe lock check {RECIPE} --no-pictures" in said.out) == (1, True)
    said = pipe("lock", "check", RECIPE, "--no-pictures")
    assert (said.code, said.out) == (0, "✓ small: recipe and lock file agree, 3 nodes\n")


def test_reset_says_what_ended_and_the_way_back(pipe: Pipe, made: Vendor) -> None:
    """As a dry run first; the line that goes back can be copied."""
    pipe("reroll", RECIPE, "base")
    said = pipe("lock", "reset", RECIPE, "base", "-n")
    assert said.out == (
        f"○ base: take 2 is picked no more\n  a run would then buy nothing\n  → banana-pipe lock reset {RECIPE} base\n"
    )
    said = pipe("lock", "reset", RECIPE)
    back = f"banana-pipe pick {RECIPE} base 2"
    assert f"✓ base: take 2 is picked no more\n  → to go back, free: {back}\n" in said.out
    assert pipe(*shlex.split(back)[1:]).code == 0
    value = json.loads(pipe("lock", "reset", RECIPE, "base", "tint", "--json").out)
    assert value["reset"] == [{"node": "base", "pick": 2, "accepted": None}]
    assert (value["dry_run"], value["left"]) == (False, ["tint[color=ivory]", "tint[color=teal]"])
    assert pipe("lock", "reset", RECIPE).out.startswith("nothing to reset")


def test_clean_names_what_was_paid_and_what_stays(pipe: Pipe, made: Vendor) -> None:
    """The ledger keeps it; a clone without the cache keeps the block."""
    Path(RECIPE).write_text(Path(RECIPE).read_text().replace("{{ product }}", "a jug"))
    assert pipe("run", RECIPE).code == 0
    cache = Path("cache").rename("elsewhere")
    said = pipe("lock", "clean", RECIPE)
    assert "- base: 1 take, $0.039, recipes/small.lock" in said.out
    assert "these stay: nothing in this cache knows" in said.out
    shutil.rmtree("cache", ignore_errors=True)
    cache.rename("cache")
    said = pipe("lock", "clean", RECIPE, "--dry-run")
    assert "○ tint[color=teal]: 1 take, $0.039, recipes/small.lock\n" in said.out
    assert "3 blocks would go, $0.117 paid; ledger and bytes stay in the cache" in said.out
    value = json.loads(pipe("lock", "clean", RECIPE, "--json").out)
    assert value["totals"] == {"blocks": 3, "takes": 3, "paid_usd": 0.117, "kept": 0}
    assert pipe("lock", "clean", RECIPE).out == "nothing to clean: all of it is used\n"
    assert pipe("lock", "check", RECIPE).out.startswith("✓")


# --- git ------------------------------------------------------------------------------------------------


def git(*words: str) -> int:
    settings = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *settings, *words], check=False, capture_output=True).returncode


def on_branches(pipe: Pipe, mine: tuple[str, ...], theirs: tuple[str, ...]) -> int:
    """Two people with one cache, each on a branch of their own: what `git merge` says in the end."""
    assert git("init", "-q", "-b", "main") == git("add", "recipes") == git("commit", "-qm", "bought") == 0
    for branch, command in (("theirs", theirs), ("mine", mine)):
        assert git("switch", "-qc", branch, "main") == 0
        assert pipe(*command).code == 0
        assert git("commit", "-qam", branch) == 0
    return git("merge", "-q", "theirs")


def test_two_branches_that_rerolled_different_nodes_merge_by_themselves(pipe: Pipe, made: Vendor) -> None:
    """Both re-rolls stand afterwards, and nothing is bought for them again."""
    command = ("reroll", RECIPE)
    assert on_branches(pipe, (*command, "tint[color=teal]"), (*command, "tint[color=ivory]")) == 0
    assert (pipe("run", RECIPE).code, len(made.charges)) == (0, 5)
    assert pipe("lock", "check", RECIPE).code == 0
    picks = [line for line in LOCK.read_text().splitlines() if '"pick"' in line]
    assert picks == ['  "pick": 2,'] * 2


def test_two_branches_that_picked_differently_conflict_in_one_readable_block(pipe: Pipe, made: Vendor) -> None:
    """Every command says where and what to do, and buys nothing; one line settles it."""
    pipe("reroll", RECIPE, "base")
    pipe("run", RECIPE)
    pipe("lock", "reset", RECIPE)
    charges = len(made.charges)
    assert on_branches(pipe, ("pick", RECIPE, "base", "1"), ("pick", RECIPE, "base", "2")) != 0
    lines = LOCK.read_text().splitlines()
    (start,) = [number for number, line in enumerate(lines) if line.startswith("<<<<<<<")]
    assert [line.split()[0] for line in lines if line[:7] in MARKS] == list(MARKS)
    assert lines[start + 1 : start + 4] == ['  "pick": 1,', "=======", '  "pick": 2,']
    for command in (("plan", RECIPE), ("run", RECIPE), ("run", RECIPE, "--frozen"), ("lock", "check", RECIPE)):
        said = pipe(*command)
        assert said.code == 2
        assert f"{LOCK}:{start + 1}:1: this lock file has an unresolved merge conflict" in said.err.replace("./", "")
        assert "→ " in said.err
    assert len(made.charges) == charges
    LOCK.write_text("\n".join(line for line in lines if line[:7] not in MARKS and line != '  "pick": 1,') + "\n")
    assert pipe("plan", RECIPE).code == 0


def test_a_lock_file_of_a_later_version_is_refused_and_nothing_is_spent(pipe: Pipe, made: Vendor) -> None:
    """With the way on; the file stays as it is."""
    newer = LOCK.read_text().replace('"version": 1', '"version": 9')
    LOCK.write_text(newer)
    Path(RECIPE).write_text(Path(RECIPE).read_text().replace("Make it", "Paint it"))
    heard = len(made.received)
    for command in (("run", RECIPE), ("plan", RECIPE), ("reroll", RECIPE, "base"), ("lock", "clean", RECIPE)):
        said = pipe(*command)
        assert said.code == 2
        assert "this lock file has version 9; this banana-pipe reads version 1" in said.err
        assert "→ update banana-pipe" in said.err
    assert (LOCK.read_text(), len(made.received)) == (newer, heard)

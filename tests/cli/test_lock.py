"""`lock accept`. Unaware of how pictures are accepted."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from tests.cli.conftest import Pipe
from tests.vendor.server import Vendor
from tests.world import picture

RECIPE = "recipes/small.yaml"


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

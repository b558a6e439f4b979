"""What is said at the end of a run: what was done, what went wrong, and the command that goes on. Unaware of how."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import SMALL, Pipe
from tests.vendor.behaviour import Fault
from tests.vendor.server import Vendor

RUN = ("run", "recipes/small.yaml")
SANDBOX = (*RUN, "--provider", "sandbox")
ONE = "version: 1\nsteps: {hero: {generate: A fox}}\n"


def first_lines(text: str) -> list[str]:
    """The two lines that say how it went, without durations."""
    return [re.sub(r", [0-9.]+ s$", "", line.strip()) for line in text.splitlines()[:2]]


def forget_pictures(project: Path) -> None:
    """Take away the bytes of everything that was bought."""
    shutil.rmtree(project / "cache" / "blobs")
    shutil.rmtree(project / "out")


@pytest.mark.parametrize(
    ("values", "said", "again"),
    [
        ("[1]", "its node is there, and new", "nothing to do, its node is there"),
        ("[1, 2]", "all 2 nodes are there, 2 of them new", "nothing to do, all 2 nodes are there"),
    ],
)
def test_one_and_many_nodes_are_said_as_one_says_them(
    pipe: Pipe, project: Path, values: str, said: str, again: str
) -> None:
    """Not "all 1 node are"."""
    recipe = f"version: 1\nsteps: {{mug: {{matrix: {{n: {values}}}, generate: 'A mug {{{{ n }}}}'}}}}\n"
    (project / "recipes" / "small.yaml").write_text(recipe)
    assert first_lines(pipe(*SANDBOX).out)[0] == f"✓ small: {said}"
    assert first_lines(pipe(*SANDBOX).out)[0] == f"✓ small: {again}"


def test_files_that_were_put_in_place_are_said(pipe: Pipe, project: Path) -> None:
    """Nothing to buy is not nothing to do."""
    pipe(*SANDBOX)
    (project / "out" / "small@sandbox" / "base.png").unlink()
    assert first_lines(pipe(*SANDBOX).out) == [
        "✓ small: nothing to buy, all 3 nodes are there",
        "nothing bought, 3 had before, 1 file put in place",
    ]
    (project / "recipes" / "small.yaml").write_text(SMALL.replace(", teal: deep teal", ""))
    assert first_lines(pipe(*SANDBOX).out) == [
        "✓ small: nothing to buy, all 2 nodes are there",
        "nothing bought, 2 had before, 1 file removed",
    ]
    assert first_lines(pipe(*SANDBOX).out)[0] == "✓ small: nothing to do, all 2 nodes are there"


def test_a_run_without_troubles_is_told_in_five_lines(pipe: Pipe) -> None:
    """How it went, what it cost, where to look; of a part of it, too."""
    for more in ((), ("--first", "1")):
        lines = pipe(*SANDBOX, *more).out.splitlines()
        assert len(lines) == 5
        assert all(lines)
        assert [line.split()[0] for line in lines[-2:]] == ["page", "log"]


def test_every_trouble_comes_with_what_to_do_for_scripts_too(pipe: Pipe, project: Path) -> None:
    """The same words on the terminal, in the gallery and in `--json`."""
    (project / "recipes" / "small.yaml").write_text(
        SMALL.replace("{{ product }}\n", "{{ product }}\n    aspect_ratio: 7:3\n", 1)
    )
    given = ("--set", "product=a pot")
    command = "banana-pipe run recipes/small.yaml --set 'product=a pot' --provider sandbox"
    words = "change the step in the recipe, or what it reads, then"
    ran = pipe(*SANDBOX, *given, "--json")
    hints = {node["id"]: node["hint"] for node in json.loads(ran.out)["nodes"]}
    assert hints["base"] == f"{words}: {command}"
    assert hints["tint[color=teal]"] == "it comes by itself once what it reads is there"
    assert f"→ {words}: {command}" in ran.err
    page = (project / "out" / "small@sandbox" / "index.html").read_text()
    assert f"{words}: <code>{command.replace(chr(39), '&#39;')}</code>" in page
    (project / "recipes" / "small.yaml").write_text(SMALL)
    assert {node["hint"] for node in json.loads(pipe(*SANDBOX, "--json").out)["nodes"]} == {None}


def test_what_is_lost_was_not_had_before(pipe: Pipe, project: Path, at: Vendor) -> None:
    """Nothing is saved by a picture that is nowhere."""
    pipe(*RUN)
    forget_pictures(project)
    said = pipe(*RUN)
    assert said.code == 1
    assert first_lines(said.out) == ["✗ small: not complete, 0 of 3 nodes are there", "nothing bought"]


def test_a_cap_under_rebuy_names_what_is_left_and_the_consent(pipe: Pipe, project: Path, at: Vendor) -> None:
    """The command to copy is enough, and is enough at once."""
    pipe(*RUN)
    forget_pictures(project)
    said = pipe(*RUN, "--rebuy", "--max-calls", "1")
    assert said.code == 3
    assert "→ to go on: banana-pipe run recipes/small.yaml --max-calls 2 --rebuy" in said.out
    assert pipe(*RUN, "--rebuy", "--max-calls", "2").code == 0
    assert len(at.charges) == 6


def test_an_unknown_price_under_a_cap_is_allowed_by_its_flag(pipe: Pipe, project: Path, at: Vendor) -> None:
    """No larger cap would help."""
    (project / "recipes" / "small.yaml").write_text(ONE.replace("A fox", "A fox, extra: {seed: 7}"))
    said = pipe(*RUN, "--max-cost", "1")
    assert said.code == 3
    assert (
        "→ to buy what has no known price too: banana-pipe run recipes/small.yaml --max-cost 0.00 --allow-unpriced"
    ) in said.out
    assert pipe(*RUN, "--max-cost", "0.00", "--allow-unpriced").code == 0


def test_the_cap_of_a_day_is_not_helped_by_one_of_a_run(
    pipe: Pipe, at: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a run's cap is given too."""
    monkeypatch.setenv("BANANA_PIPE_MAX_CALLS_PER_DAY", "1")
    said = pipe(*RUN, "--max-calls", "3")
    assert said.code == 3
    assert "→ raise the cap of a day, or go on tomorrow (UTC): banana-pipe run recipes/small.yaml" in said.out


def test_a_cap_does_not_hide_what_the_provider_said(pipe: Pipe, project: Path, at: Vendor) -> None:
    """The call that failed free is not sent again under the cap: both are said, the provider's words first."""
    recipe = "version: 1\nsteps: {mug: {matrix: {n: [1, 2]}, generate: 'A mug {{ n }}'}}\n"
    (project / "recipes" / "small.yaml").write_text(recipe)
    at.fault("submit", Fault("status", number=500, code="api_error"))  # whichever comes first
    said = pipe(*RUN, "--max-calls", "1", "-j", "1")
    assert said.code == 3
    found = re.search(r"not billed: (.*); it was not sent again: the cap of 1 call for this run", said.out)
    assert found is not None, said.out
    assert found[1]


def test_caps_are_not_for_the_sandbox_and_it_says_so(pipe: Pipe) -> None:
    """Once, and only where one was asked for."""
    said = pipe(*SANDBOX, "--max-calls", "1")
    assert (said.code, said.err.count("caps are not for the sandbox")) == (0, 1)
    assert "caps" not in pipe(*SANDBOX, "--max-calls", "1").err


def test_the_page_says_how_to_make_it_again(pipe: Pipe, project: Path, at: Vendor) -> None:
    """A command that can be copied, without what was agreed to once."""
    flags = ("--rebuy", "--retry-unknown", "--retry-refused", "--allow-unpriced", "-y", "--max-calls", "9")
    pipe(*RUN, *flags, "--set", "product=a tea pot")
    page = (project / "out" / "small" / "index.html").read_text()
    command = "banana-pipe run recipes/small.yaml --max-calls 9 --set &#39;product=a tea pot&#39;"
    assert f"<code>{command}</code>" in page


def test_a_take_beyond_samples_is_warned_about_before_it_is_bought(pipe: Pipe, project: Path, at: Vendor) -> None:
    """22 for 2 costs money; once it is bought there is nothing to warn of."""
    recipe = "version: 1\nsteps:\n  a: {generate: A fox, samples: 2, pick: 3}\n  b: {images: a@22, edit: Blue}\n"
    (project / "recipes" / "small.yaml").write_text(recipe)
    said = pipe("plan", "recipes/small.yaml")
    assert [line for line in said.err.splitlines() if "beyond" in line] == [
        "warning: step a: take 3 is beyond `samples: 2`; it is bought besides, with 1 call more",
        "warning: step a: take 22 is beyond `samples: 2`; it is bought besides, with 1 call more",
    ]
    assert pipe(*RUN).code == 0
    assert "beyond" not in pipe("plan", "recipes/small.yaml").err


def test_choosing_after_the_sandbox_alone_says_where_to_choose(pipe: Pipe) -> None:
    """Whoever tried it for free has takes, there."""
    pipe(*SANDBOX)
    for node in ("base", "tint"):
        said = pipe("pick", "recipes/small.yaml", node, "1")
        assert said.code == 2
        assert "--provider sandbox" in said.err
    assert pipe("pick", "recipes/small.yaml", "base", "1", "--provider", "sandbox").code == 0


@pytest.mark.parametrize(
    "step",
    ["transform: [{crop: {box: [0, 0, 9000, 9000]}}]", "transform: [{resize: {width: 9}}], expect: {min_width: 10}"],
)
def test_a_transform_that_fails_is_mended_in_the_recipe_and_not_by_trying_again(
    pipe: Pipe, project: Path, step: str
) -> None:
    """The same pictures and ops give the same; there is no other take to buy either."""
    (project / "recipes" / "small.yaml").write_text(
        f"version: 1\nsteps:\n  base: {{generate: A mug}}\n  cut: {{images: base, {step}}}\n"
    )
    said = pipe(*SANDBOX)
    assert said.code == 1
    assert "→ change the step in the recipe, or what it reads, then" in said.out
    assert "banana-pipe run recipes/small.yaml" in said.out
    assert "try again" not in said.out
    assert "reroll" not in said.out


@pytest.mark.parametrize(
    ("step", "why", "reason"),
    [
        ("generate: A fox, aspect_ratio: 7:3", "not billed: aspect_ratio is invalid.", "invalid"),
        ("images: black.png, transform: [trim: {}]", "trim: nothing would be left", "op"),
    ],
)
def test_what_fails_the_same_way_again_is_not_to_be_tried_again(
    pipe: Pipe, project: Path, step: str, why: str, reason: str
) -> None:
    """The recipe has to change first: the run's words say so."""
    (project / "recipes" / "small.yaml").write_text(f"version: 1\nsteps: {{hero: {{{step}}}}}\n")
    Image.new("RGBA", (8, 8)).save(project / "recipes" / "black.png")
    said = pipe(*SANDBOX)
    assert said.code == 1
    assert why in said.out
    assert "→ change the step in the recipe, or what it reads, then" in said.out
    assert "to try again" not in said.out
    (node,) = json.loads(pipe(*SANDBOX, "--json").out)["nodes"]
    assert (node["status"], node["reason"]) == ("failed", reason)

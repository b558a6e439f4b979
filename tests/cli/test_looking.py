"""`graph`: what is drawn, and how much of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Pipe

RECIPE = "recipes/small.yaml"


def test_mermaid_is_what_one_gets(pipe: Pipe) -> None:
    """It goes into a README as it is."""
    said = pipe("graph", RECIPE)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith('flowchart LR\n  n0["base"]\n')


def test_a_large_graph_is_drawn_by_step_unless_all_is_asked_for(pipe: Pipe, project: Path) -> None:
    """And it says so, beside the data."""
    (project / "large.yaml").write_text(f"steps: {{a: {{matrix: {{n: {[*range(1, 62)]}}}, generate: x}}}}")
    said = pipe("graph", "large.yaml")
    assert '  n0["a<br>61 nodes"]' in said.out
    assert said.err == "by step: 61 nodes; a box for each with --all\n"
    everything = pipe("graph", "large.yaml", "--all", "--format", "dot")
    assert everything.out.count("[label=") == 61
    assert everything.err == ""
    assert len(json.loads(pipe("graph", "large.yaml", "--json").out)["nodes"]) == 61


@pytest.mark.parametrize("arguments", [("--json",), ("--format", "json")])
def test_json_has_every_node_with_what_it_reads(pipe: Pipe, arguments: tuple[str, ...]) -> None:
    """By the names that every command takes."""
    value = json.loads(pipe("graph", RECIPE, *arguments).out)
    assert value["nodes"][1] == {
        "id": "tint[color=ivory]",
        "step": "tint",
        "axes": {"color": "ivory"},
        "action": "edit",
        "samples": 1,
        "output": "tint/ivory",
        "inputs": [{"node": "base", "take": None}],
    }


def test_a_part_is_drawn_alone(pipe: Pipe) -> None:
    """As it would be run."""
    assert "teal" not in pipe("graph", RECIPE, "--first", "1").out
    assert pipe("graph", RECIPE, "--format", "svg").code == 2


def test_an_explanation_shows_the_words_with_their_place(pipe: Pipe, project: Path) -> None:
    """Removed and added ones, and what hangs on them."""
    assert pipe("run", RECIPE, "--provider", "sandbox").code == 0
    recipe = project / RECIPE
    recipe.write_text(recipe.read_text().replace("product: a mug", "product: a tall mug"))
    said = pipe("explain", RECIPE, "base", "--provider", "sandbox")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[:2] == ["base  generate, nano-banana", "  ● call: its request has changed; 1 call, free"]
    assert lines[5:] == [
        "  prompt",
        "    Photo of a {+tall+} mug",
        "    tall  `product`  recipes/small.yaml:4",
        "  2 nodes read it, directly or not: at most 2 calls, free",
    ]


def test_a_transform_is_explained_by_its_pictures_and_ops(pipe: Pipe, project: Path) -> None:
    """What goes in, what is done to it in which order, and which picture an op lays on it; as `render` says it."""
    (project / "cut.yaml").write_text(
        "defaults: {provider: sandbox}\nsteps:\n  hero: {generate: A fox}\n  logo: {generate: A logo}\n"
        "  cut: {images: hero, transform: [{chroma_key: lime}, {overlay: {picture: logo, size: 20%}}]}\n"
        "  sheet: {images: [hero, hero, hero, hero, hero, hero, hero, hero, logo, cut], transform: [{grid: 3}]}\n"
    )
    said = pipe("explain", "cut.yaml", "cut").out
    lines = "    chroma_key (color #00ff00)\n    overlay (logo, size 20%)\n"
    assert f"  made here, free, of hero, logo:\n{lines}" in said
    assert lines.replace("    ", "  ") in pipe("render", "cut.yaml", "cut").out
    assert ", hero and 2 more:\n    grid (columns 3)\n" in pipe("explain", "cut.yaml", "sheet").out


def test_several_nodes_are_explained_one_after_the_other(pipe: Pipe) -> None:
    """And what waits says for whom."""
    said = pipe("explain", RECIPE, "tint")
    assert said.out.count("nothing was asked under this name before") == 2
    assert said.out.count("which pictures it will read is not known yet: it waits for base") == 2
    value = json.loads(pipe("explain", RECIPE, "tint", "--json").out)
    assert [(node["id"], node["last"], node["difference"]) for node in value["nodes"]] == [
        ("tint[color=ivory]", None, None),
        ("tint[color=teal]", None, None),
    ]
    assert pipe("explain", RECIPE, "tnit").code == 2


def test_an_explanation_tells_the_edits_behind_a_picture(pipe: Pipe, project: Path) -> None:
    """Each with what it changed, where the pictures are here; of a picture that was edited once, nothing is said."""
    (project / "story.yaml").write_text(
        "defaults: {provider: sandbox, resolution: 1K}\nsteps:\n  mug: {generate: A mug}\n"
        "  tint: {images: mug, edit: Tint it}\n  frame: {images: tint, edit: Frame it}\n"
    )
    before = pipe("explain", "story.yaml", "frame").out
    assert (
        "  2 edits away from mug, and each edit loses something\n    1. tint   of mug\n    2. frame  of tint\n"
        in before
    )
    assert pipe("run", "story.yaml").code == 0
    lines = pipe("explain", "story.yaml", "frame").out.splitlines()
    start = lines.index("  2 edits away from mug, and each edit loses something")
    assert lines[start + 1].split() == ["pixels", "colour", "shape"]
    assert [line.split()[:-3] for line in lines[start + 2 : start + 5]] == [
        ["1.", "tint", "of", "mug"],
        ["2.", "frame", "of", "tint"],
        ["in", "all", "of", "mug"],
    ]
    assert lines[start + 5] == "  → make one edit of `tint` and `frame`, unless the first is wanted for itself"
    assert "edits away" not in pipe("explain", "story.yaml", "tint").out
    drift = json.loads(pipe("explain", "story.yaml", "frame", "--json").out)["nodes"][0]["drift"]
    assert (drift["edits"], drift["from"], drift["merge"]) == (2, "mug", [["tint", "frame"]])
    assert [(hop["node"], hop["reads"]) for hop in drift["hops"]] == [("tint", "mug"), ("frame", "tint")]
    assert 0 < drift["distance"]["colour"] < 1


def test_of_a_long_chain_the_last_edits_are_shown(pipe: Pipe, project: Path) -> None:
    """Each of a chain's links shows its own: all of all of them would be as long as the chain's square."""
    beats = ", ".join(map(str, range(40)))
    chain = f"  film: {{chain: {{beat: [{beats}]}}, start: mug, edit: 'The mug at {{{{ beat }}}}'}}\n"
    (project / "film.yaml").write_text(f"steps:\n  mug: {{generate: a mug}}\n{chain}")
    lines = [line.strip() for line in pipe("explain", "film.yaml", "film[last]").out.splitlines()]
    start = lines.index("… 16 edits before")
    assert lines[start + 1].startswith("17. film[beat=16]  of film[beat=15]")
    assert lines[start + 24].startswith("40. film[beat=39]")

"""`pick` and `reroll`. Unaware of how takes are kept."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from banana_pipe.cli.names import complete_node
from tests.cli.conftest import Pipe
from tests.vendor.behaviour import Fault
from tests.vendor.server import Vendor

RECIPE = "recipes/small.yaml"


def test_a_reroll_buys_one_more_and_says_the_way_back(pipe: Pipe, made: Vendor) -> None:
    """Its price first, then what a run would now buy, then the free way out."""
    said = pipe("reroll", RECIPE, "base")
    assert said.code == 0
    assert said.err.startswith("1 more take, about $0.039\n")
    assert "base: take 2, picked ($0.039)" in said.out
    assert "a run would now make 2 calls, about $0.078" in said.out
    assert f"→ to go back, free: banana-pipe pick {RECIPE} base 1" in said.out
    assert len(made.charges) == 4


def test_a_pick_is_free_and_says_what_follows(pipe: Pipe, made: Vendor) -> None:
    """Back and forth without a call."""
    pipe("reroll", RECIPE, "base")
    said = pipe("pick", RECIPE, "base", "1")
    assert said.code == 0
    assert "base: take 1 (it was take 2)" in said.out
    assert "a run would now buy nothing" in said.out
    value = json.loads(pipe("pick", RECIPE, "base", "2", "--json").out)
    assert value["picked"] == [{"node": "base", "take": 2, "before": 1}]
    assert value["then"]["calls"] == 2
    assert len(made.charges) == 4


def test_a_partial_name_means_all_that_match(pipe: Pipe, made: Vendor) -> None:
    """One more take of each."""
    value = json.loads(pipe("reroll", RECIPE, "tint", "--json").out)
    assert [(one["node"], one["take"], one["status"]) for one in value["takes"]] == [
        ("tint[color=ivory]", 2, "done"),
        ("tint[color=teal]", 2, "done"),
    ]


def test_a_take_that_is_not_there_is_a_wrong_command_line(pipe: Pipe, made: Vendor) -> None:
    """So is a node; both name what there is."""
    said = pipe("pick", RECIPE, "base", "7")
    assert (said.code, "base has no take 7; it has 1" in said.err) == (2, True)
    assert pipe("pick", RECIPE, "base", "0").code == 2
    said = pipe("reroll", RECIPE, "bsae")
    assert (said.code, "did you mean `base`" in said.err) == (2, True)


def test_a_reroll_that_costs_much_is_asked_about(pipe: Pipe, made: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a run is."""
    monkeypatch.setenv("BANANA_PIPE_CONFIRM_COST", "0.01")
    assert pipe("reroll", RECIPE, "base").code == 3
    assert len(made.charges) == 3
    assert pipe("reroll", RECIPE, "base", "--yes").code == 0


def test_a_reroll_that_is_stopped_says_what_it_bought(pipe: Pipe, made: Vendor) -> None:
    """The balance was enough for one of two: that one is told, then the error; exit 3."""
    made.fault("submit", Fault("used_up", skip=1))
    said = pipe("reroll", RECIPE, "tint")
    assert (said.code, len(made.charges)) == (3, 4)
    assert ": take 2, picked ($0.039)" in said.out
    assert "error: Your balance is not sufficient" in said.err
    made.fault("submit", Fault("used_up", skip=1))
    said = pipe("reroll", RECIPE, "tint", "--json")
    assert said.code == 3
    assert sorted(one["status"] for one in json.loads(said.out)["takes"]) == ["done", "waiting"]


def test_a_reroll_keeps_to_its_cap(pipe: Pipe, made: Vendor) -> None:
    """Exit 3, and nothing bought."""
    assert pipe("reroll", RECIPE, "base", "--max-cost", "0.01").code == 3
    assert len(made.charges) == 3


ASKS = """
version: 1
defaults: {model: nano-banana}
steps:
  hero:
    matrix: {animal: [fox, owl]}
    generate: A {{ animal }}
    samples: 2
    pick: ask
  scene:
    each: hero
    edit: In the snow
  logo:
    generate: A logo
"""


def test_who_waits_for_a_pick_is_told_the_command_that_picks(pipe: Pipe, project: Path) -> None:
    """Exit 7, and a line that can be copied, with every flag that was given; plan says it too."""
    (project / "recipes" / "asks.yaml").write_text(ASKS)
    said = pipe("run", "recipes/asks.yaml", "--provider", "sandbox")
    assert said.code == 7
    assert "○ asks: waiting for a pick, 1 of 5 nodes is there" in said.out
    assert "nobody has picked yet; there are takes 1, 2" in said.out
    assert "and what reads them: scene[animal=fox], scene[animal=owl]" in said.out
    pick = "banana-pipe pick recipes/asks.yaml 'hero[animal=fox]' 1 --provider sandbox"
    assert pick in said.out
    assert "look at out/asks@sandbox/_/takes/, then to choose" in said.out
    planned = pipe("plan", "recipes/asks.yaml", "--provider", "sandbox")
    assert (planned.code, f"→ to choose: {pick}" in planned.out) == (0, True)
    assert "nothing to buy" in planned.out
    assert pipe("plan", "recipes/asks.yaml", "--provider", "sandbox", "--detailed-exitcode").code == 0
    assert pipe(*shlex.split(pick)[1:]).code == 0
    again = pipe("run", "recipes/asks.yaml", "--provider", "sandbox", "--json")
    nodes = {node["id"]: (node["status"], node["reason"]) for node in json.loads(again.out)["nodes"]}
    assert (again.code, nodes["scene[animal=fox]"], nodes["scene[animal=owl]"]) == (
        7,
        ("done", "new"),
        ("waiting", "pick"),
    )
    assert list((project / "out" / "asks@sandbox" / "_" / "takes" / "hero").glob("owl@2.*"))


def test_many_that_wait_are_not_all_spelt_out(pipe: Pipe, project: Path) -> None:
    """Eight commands show how; the rest is counted."""
    animals = ", ".join(f"a{number}" for number in range(12))
    (project / "recipes" / "asks.yaml").write_text(ASKS.replace("fox, owl", animals))
    said = pipe("run", "recipes/asks.yaml", "--provider", "sandbox")
    assert (said.code, said.out.count("banana-pipe pick")) == (7, 8)
    assert "→ and so on, for 4 more" in said.out


def test_a_picture_that_is_not_what_was_expected_says_the_ways_on(pipe: Pipe, made: Vendor, project: Path) -> None:
    """What it is, what was wanted, and what that costs: nothing by itself."""
    recipe = project / RECIPE
    recipe.write_text(recipe.read_text().replace("{{ product }}\n", "{{ product }}\n    expect: {min_width: 5000}\n"))
    said = pipe("run", RECIPE)
    assert (said.code, len(made.charges)) == (1, 3)
    assert "`min_width` is 5000" in said.out
    assert f"banana-pipe reroll {RECIPE} base" in said.out


def test_the_shell_completes_names_of_nodes(project: Path) -> None:
    """Steps first, quoted where the shell wants it; a broken recipe completes nothing."""
    import click

    from banana_pipe.cli.commands.choosing import pick

    parameter = next(one for one in pick.params if one.name == "node")
    context = click.Context(pick)
    context.params["recipe"] = Path(RECIPE)
    assert [item.value for item in complete_node(context, parameter, "")] == [
        "base",
        "tint",
        "tint[color=ivory]",
        "tint[color=teal]",
    ]
    assert [item.value for item in complete_node(context, parameter, "tint[color=t")] == ["tint[color=teal]"]
    (project / RECIPE).write_text("nonsense")
    assert complete_node(context, parameter, "") == []


def test_a_cap_in_between_says_what_was_bought_and_what_was_left(pipe: Pipe, made: Vendor) -> None:
    """Exit 3, and the one that is left can be asked for alone: the other would be bought once more."""
    said = pipe("reroll", RECIPE, "tint", "--max-calls", "1")
    assert (said.code, len(made.charges)) == (3, 4)
    assert said.out.count("take 2, picked ($0.039)") == 1
    assert said.out.count("the cap of 1 call") == 1
    assert f"→ to go on with it alone: banana-pipe reroll {RECIPE} 'tint[color=" in said.out


def test_a_step_that_uses_a_recipe_names_all_its_nodes(pipe: Pipe, project: Path) -> None:
    """On every command that takes nodes; what is made here, of the pictures there, has no takes to choose from."""
    (project / "recipes" / "card.yaml").write_text(
        "defaults: {provider: sandbox}\nsteps: {front: {generate: F}, back: {generate: B}, thumb: {each: front, transform: [{resize: {width: 8}}]}}"
    )
    (project / RECIPE).write_text(
        "defaults: {provider: sandbox}\nsteps: {base: {generate: A}, card: {use: card.yaml}, last: {images: card/thumb, edit: L}}"
    )

    def nodes(*arguments: str) -> list[str]:
        return [one["id"] for one in json.loads(pipe(*arguments, "--json").out)["nodes"]]

    there = ["card/back", "card/front", "card/thumb"]
    assert sorted(nodes("plan", RECIPE, "--select", "card")) == there
    assert sorted(nodes("plan", RECIPE, "--select", "card+")) == [*there, "last"]
    assert sorted(nodes("run", RECIPE, "--select", "base", "card")) == ["base", *there]
    assert sorted(nodes("graph", RECIPE, "--select", "card")) == there
    assert sorted(nodes("render", RECIPE, "card")) == there
    assert sorted(nodes("explain", RECIPE, "card")) == there
    said = json.loads(pipe("reroll", RECIPE, "card", "--json").out)
    assert [(one["node"], one["take"]) for one in said["takes"]] == [("card/front", 2), ("card/back", 2)]
    assert "card/front: take 2" in pipe("reroll", RECIPE, "card/front").out.replace("take 3", "take 2")
    assert [one["node"] for one in json.loads(pipe("pick", RECIPE, "card", "1", "--json").out)["picked"]] == [
        *("card/front", "card/back")
    ]
    assert pipe("lock", "accept", RECIPE, "card").code == 0
    assert "is a transform" in pipe("pick", RECIPE, "card/thumb", "1").err

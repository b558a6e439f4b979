"""`plan`: what people read and what scripts read. Unaware of how a plan is made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from banana_pipe.cli.plans import plan_lines
from banana_pipe.cli.terminal import Paper, width
from banana_pipe.model import State
from tests.cli.conftest import Pipe
from tests.cli.test_terminal import Screen
from tests.telling.builders import planned, started

FRESH = """\
state   node              action    why              price
● call  base              generate  never made before  $0.039
○ wait  tint[color=ivory]  edit      waits for base   $0.039
○ wait  tint[color=teal]  edit      waits for base   $0.039

1 call, about $0.039 (at most 3 calls, $0.117)
3 nodes: 1 call, 2 wait
"""


def squeezed(text: str) -> list[str]:
    """Lines without the spaces that align them."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_fresh_plan_is_a_table_with_its_totals(pipe: Pipe) -> None:
    """State, node, action, why, price; then what it comes to."""
    said = pipe("plan", "recipes/small.yaml")
    assert said.code == 0
    assert squeezed(said.out) == squeezed(FRESH)
    assert said.err == ""


def test_columns_are_aligned(pipe: Pipe) -> None:
    """Every column begins where its title does."""
    lines = pipe("plan", "recipes/small.yaml").out.splitlines()
    place = lines[0].index("action")
    assert {line[place - 2 : place] for line in lines[1:4]} == {"  "}
    assert {line[place] for line in lines[1:4]} <= {"g", "e"}


def test_after_a_run_nothing_is_left(pipe: Pipe) -> None:
    """And the plan says who knows it."""
    assert pipe("run", "recipes/small.yaml", "--provider", "sandbox").code == 0
    said = pipe("plan", "recipes/small.yaml", "--provider", "sandbox", "--detailed-exitcode")
    assert said.code == 0
    assert squeezed(said.out)[1:4] == [
        "✓ cached base generate pinned by the lock file",
        "✓ cached tint[color=ivory] edit pinned by the lock file",
        "✓ cached tint[color=teal] edit pinned by the lock file",
    ]
    assert squeezed(said.out)[5:] == ["nothing to buy", "3 nodes: 3 cached"]


def test_the_detailed_exit_code_is_10_if_it_would_call(pipe: Pipe) -> None:
    """Not 2, which is a wrong recipe."""
    assert pipe("plan", "recipes/small.yaml", "--detailed-exitcode").code == 10
    assert pipe("plan", "recipes/small.yaml", "--detailed-exitcode", "--json").code == 10


def test_the_object_has_the_contracts_shape(pipe: Pipe) -> None:
    """What scripts build on."""
    value = json.loads(pipe("plan", "recipes/small.yaml", "--json").out)
    assert set(value) >= {"recipe", "nodes", "totals"}
    assert set(value["nodes"][0]) >= {
        *("id", "action", "state", "reason", "key", "calls", "cost_usd", "inputs", "modified")
    }
    states = {"cached", "call", "wait", "local", "skipped", "needs-pick", "parked", "failed", "lost"}
    assert set(value["totals"]) >= {"nodes", "calls", "calls_max", "cost_usd", "cost_usd_max", *states}
    assert value["totals"]["calls"] == 1
    assert value["totals"]["cost_usd_max"] == 0.117


def test_a_dry_run_is_the_plan(pipe: Pipe) -> None:
    """`run -n` needs no token, and its exit code says that all is well."""
    dry, plan = pipe("run", "recipes/small.yaml", "-n"), pipe("plan", "recipes/small.yaml")
    assert (dry.code, dry.out) == (0, plan.out)


def test_a_long_plan_is_shown_by_step(pipe: Pipe, project: Path) -> None:
    """A thousand lines tell nobody anything; every node is shown where it is asked for."""
    names = ", ".join(f"c{number}" for number in range(70))
    (project / "recipes" / "many.yaml").write_text(
        f"version: 1\nsteps:\n  many:\n    matrix: {{color: [{names}]}}\n    generate: A {{{{ color }}}} mug\n"
    )
    said = pipe("plan", "recipes/many.yaml")
    assert squeezed(said.out)[1] == "● call many (70 nodes) ×70 generate never made before $2.73"
    assert "--verbose" in said.out
    assert len(pipe("plan", "recipes/many.yaml", "-v").out.splitlines()) == 74


@pytest.mark.parametrize("every_node", [True, False])
def test_a_plan_fits_80_columns_whatever_its_names(monkeypatch: pytest.MonkeyPatch, *, every_node: bool) -> None:
    """Long ones, in every script, in every state, many of them, and all of the totals."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    names = (
        "a-step-with-a-long-name[colour=some terracotta,setting=a marble counter at night]",
        "絵[色=青緑色の陶器の杯]",
    )
    nodes = tuple(
        replace(planned(f"{name[:-1]}{state}{number}]", state), calls=12, cost=123_456_000, detail=f"waits for {name}")
        for number in range(30)
        for name in names
        for state in get_args(State)
        if state != "skipped"
    )
    plan = replace(started(*nodes).plan, calls_after_picks=1000, cost_max=10**12, warnings=())
    lines = plan_lines(Paper(Screen()), plan, every_node=every_node)
    assert max(width(line) for line in lines) < 80
    assert len(lines) > len(nodes) if every_node else len(lines) < 60


def test_an_unknown_price_is_said(pipe: Pipe, project: Path) -> None:
    """Unknown is neither nothing nor zero."""
    (project / "recipes" / "odd.yaml").write_text("version: 1\nsteps:\n  a: {generate: A mug, model: nobody-1}\n")
    said = pipe("plan", "recipes/odd.yaml")
    assert "1 call, unknown price" in said.out
    assert said.err.startswith("warning: step a: model nobody-1 was not known")
    value = json.loads(pipe("plan", "recipes/odd.yaml", "--json").out)
    assert value["totals"]["cost_usd"] is None


def test_control_characters_reach_no_terminal(pipe: Pipe, project: Path) -> None:
    """A name from a stranger's recipe cannot clear the screen or set the title."""
    (project / "recipes" / "bad.yaml").write_text(
        'version: 1\nsteps:\n  a:\n    matrix: {x: {"n\\e]0;title\\a\\u009b2J": "v\\e[2Jw"}}\n    generate: "{{ x }} mug"\n'
    )
    for arguments in (("plan",), ("render",), ("plan", "--json"), ("render", "--json"), ("validate",)):
        said = pipe(*arguments, "recipes/bad.yaml")
        assert not set(said.out + said.err) & {"\033", "\a", "\u009b"}, said


def test_what_comes_after_a_pick_is_counted_and_a_run_asks_about_its_own_part(pipe: Pipe, project: Path) -> None:
    """The plan's most has it, in words and numbers; a run's price and `--detailed-exitcode` are what a run makes now."""
    (project / "recipes/small.yaml").write_text(
        "version: 1\nsteps:\n  hero: {generate: A fox, samples: 2, pick: ask}\n"
        "  scene: {matrix: {n: [1, 2, 3]}, images: hero, edit: 'Scene {{ n }}'}\n"
    )
    said = pipe("plan", "recipes/small.yaml").out
    assert "2 calls, about $0.078 (at most 5 calls, $0.195)" in said
    assert "of these 3 calls once somebody has picked; a run now: 2 calls, about $0.078" in said
    totals = json.loads(pipe("plan", "recipes/small.yaml", "--json").out)["totals"]
    assert (totals["calls"], totals["calls_max"], totals["cost_usd_max"]) == (2, 5, 0.195)
    ran = pipe("run", "recipes/small.yaml", "--provider", "sandbox")
    assert ran.code == 7
    assert "small: 2 calls, free" in ran.err
    assert "once somebody has picked, at most 3 calls more" in ran.err
    after = pipe("plan", "recipes/small.yaml", "--provider", "sandbox", "--detailed-exitcode")
    assert (after.code, json.loads(pipe("plan", "recipes/small.yaml", "--provider", "sandbox", "--json").out)["totals"]["calls_max"]) == (
        0, 3
    )  # fmt: skip


CHAIN = """\
defaults: {provider: sandbox}
steps:
  cat: {generate: A cat}
  panel: {chain: {n: [1, 2, 3]}, images: [previous, cat], edit: Panel}
  page: {images: panel, transform: [{grid: {columns: 3}}]}
"""


def test_a_node_waits_for_what_is_not_there_and_for_nothing_else(pipe: Pipe, project: Path) -> None:
    """Not for the first thing that it reads, which may be there."""
    (project / "chain.yaml").write_text(CHAIN)
    pipe("run", "chain.yaml")
    pipe("reroll", "chain.yaml", "panel[n=1]")
    lines = squeezed(pipe("plan", "chain.yaml").out)
    assert "○ wait panel[n=3] edit waits for panel[n=2] free" in lines
    assert "○ wait page transform waits for panel[n=2] and 1 more" in lines


def test_what_is_made_here_is_not_said_to_be_made_for_the_first_time(pipe: Pipe, project: Path) -> None:
    """No lock file knows whether it was."""
    (project / "chain.yaml").write_text(CHAIN)
    pipe("run", "chain.yaml")
    (project / "chain.yaml").write_text(CHAIN.replace("columns: 3", "columns: 2"))
    assert "✓ local page transform to be made here, free" in squeezed(pipe("plan", "chain.yaml").out)


def test_a_recipe_that_is_not_there_is_named_as_it_was_written(pipe: Pipe) -> None:
    """With the one beside it that was perhaps meant."""
    said = pipe("plan", "recipes/smal.yml")
    assert said.code == 2
    assert "the recipe recipes/smal.yml: there is no such file\n  → did you mean `small.yaml`?" in said.err
    assert "did you mean" not in pipe("plan", "recipes/other.yaml").err

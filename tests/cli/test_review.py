"""`plan --review`: a plan as a comment on a change. Unaware of how a plan is made."""

from __future__ import annotations

import html
import json
import shutil
from pathlib import Path

import pytest

from banana_pipe.cli.review import MOST_ROWS, review_lines
from banana_pipe.model import Plan, PlannedNode
from tests.cli.conftest import Pipe
from tests.vendor.server import Vendor

RECIPE = Path("recipes/small.yaml")


def calling(name: str, *, reason: str = "changed", detail: str = "") -> PlannedNode:
    return PlannedNode(name, "edit", "call", reason, None, 1, 40_000, (), detail=detail)  # type: ignore[arg-type]


def plan_of(*nodes: PlannedNode) -> Plan:
    cost = 40_000 * len(nodes)
    return Plan("shop", nodes, calls=len(nodes), calls_max=len(nodes), cost=cost, cost_max=cost)


def bought_and_cloned(pipe: Pipe) -> None:
    """The recipe bought, then what a clone has of that: recipe and lock file."""
    assert pipe("run", str(RECIPE)).code == 0
    shutil.rmtree("cache")
    shutil.rmtree("out")


@pytest.mark.usefixtures("at")
def test_a_clone_with_the_lock_alone_knows_what_a_change_costs(pipe: Pipe) -> None:
    """A reviewer's clone has no pictures: what is pinned counts as there."""
    bought_and_cloned(pipe)
    assert "lost" in pipe("plan", str(RECIPE)).out
    assert pipe("plan", str(RECIPE), "--review").out == "**small**: this change buys nothing\n"
    RECIPE.write_text(RECIPE.read_text().replace("Make it {{ color }}", "Glaze it {{ color }}"))
    said = pipe("plan", str(RECIPE), "--review").out
    assert said.splitlines() == [
        "**small**: this change re-draws 2 pictures and costs about $0.078",
        "",
        "| picture | why | price |",
        "|---|---|---|",
        "| <code>tint&#91;color&#61;ivory&#93;</code> | its request has changed | $0.039 |",
        "| <code>tint&#91;color&#61;teal&#93;</code> | its request has changed | $0.039 |",
    ]


@pytest.mark.usefixtures("at")
def test_the_object_is_of_the_same_plan(pipe: Pipe) -> None:
    """Scripts read the totals; an accepted picture counts as there, too."""
    assert pipe("run", str(RECIPE)).code == 0
    RECIPE.write_text(RECIPE.read_text().replace("Make it", "Glaze it"))
    assert pipe("lock", "accept", str(RECIPE), "tint[color=teal]").code == 0
    shutil.rmtree("cache")
    shutil.rmtree("out")
    totals = json.loads(pipe("plan", str(RECIPE), "--review", "--json").out)["totals"]
    assert (totals["calls"], totals["cost_usd"], totals["lost"]) == (1, 0.039, 0)


def test_what_hangs_on_others_is_the_most_that_it_may_be(pipe: Pipe, at: Vendor) -> None:
    """A fresh recipe: one picture is certain, the rest waits for it."""
    said = pipe("plan", str(RECIPE), "--review").out.splitlines()
    assert said[0] == (
        "**small**: this change draws 1 new picture and costs about $0.039;"
        " with what hangs on others at most 3 calls, about $0.117"
    )
    assert said[-1] == "| <code>tint&#91;color&#61;teal&#93;</code> | waits for base | $0.039 |"
    assert at.posts == []


def test_a_long_list_is_cut() -> None:
    """A comment is read; the rest is counted."""
    lines = list(review_lines(plan_of(*(calling(f"hero[n={number}]") for number in range(MOST_ROWS + 5)))))
    assert lines[-1] == "| and 5 more | | |"
    assert len(lines) == MOST_ROWS + 5


@pytest.mark.parametrize(
    "text", ["@everyone [x](http://evil) | **b** <img src=x>", "`a`\n# head", "&lt;script&gt; \\| ~~x~~", "x" * 900]
)
def test_other_peoples_words_are_no_markdown(text: str) -> None:
    """No mention, link, tag, row or heading of theirs: it reads as it was written, cut short."""
    (*_, row) = review_lines(plan_of(calling("a", detail=text)))
    why = row.split(" | ")[1]
    assert not set(why) & set("<>|@[]()*`\\~_!\n")
    assert "#" not in why.replace("&#", "")
    assert html.unescape(why).rstrip("…") == " ".join(text.split())[: 199 if len(text) > 200 else None]

"""The JSON objects are the contract's: names, order of nodes, counts for every word, null for what nobody knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from banana_pipe.model import State, Status
from banana_pipe.providers.base import ProviderError
from banana_pipe.shapes import attempt_json, plan_json, run_json
from tests.canary import CANARY
from tests.world import CHAIN, World, outcome

STATES = ["cached", "call", "wait", "local", "skipped", "needs-pick", "parked", "failed", "lost"]
STATUSES = ["cached", "done", "failed", "blocked", "skipped", "parked", "lost", "waiting"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_the_words_are_the_contract_s() -> None:
    """One count per state and per status: a new word is a new member."""
    assert list(get_args(State)) == STATES
    assert list(get_args(Status)) == STATUSES


def test_a_plan(world: World) -> None:
    """Every member that the contract names, whatever the state of a node."""
    world.write(CHAIN.replace("edit: Make it teal", "edit: Make it teal\n        extra: {seed: 7}"))
    shown = plan_json(world.plan())
    assert list(shown) == ["recipe", "nodes", "totals", "left_out", "warnings"]
    assert shown["recipe"] == "shop"
    assert [node["id"] for node in shown["nodes"]] == ["base", "glaze", "scene"]
    assert {tuple(node) for node in shown["nodes"]} == {
        ("id", "action", "state", "reason", "detail", "key", "calls", "cost_usd", "inputs", "modified")
    }
    base, glaze, scene = shown["nodes"]
    assert (base["action"], base["state"], base["reason"], base["cost_usd"]) == ("generate", "call", "new", 0.039)
    assert (glaze["action"], glaze["key"], glaze["cost_usd"], glaze["detail"]) == ("edit", None, None, "waits for base")
    assert (scene["inputs"], scene["modified"], scene["calls"]) == (["glaze"], False, 1)
    totals = shown["totals"]
    assert set(totals) == {"nodes", *STATES, "calls", "calls_max", "cost_usd", "cost_usd_max"}
    assert (totals["nodes"], totals["call"], totals["wait"], totals["cached"]) == (3, 1, 2, 0)
    assert (totals["calls"], totals["calls_max"], totals["cost_usd"], totals["cost_usd_max"]) == (1, 3, 0.039, None)
    assert json.loads(json.dumps(shown)) == shown


def test_a_run(world: World) -> None:
    """Every member that the contract names; a node without a picture has no outputs."""
    world.write("""
        version: 1
        steps:
          hero: {generate: A fox, samples: 2, pick: 2}
          cat: {generate: A cat}
          kitten: {images: cat, edit: Smaller}
    """)
    world.run()
    world.write("""
        version: 1
        steps:
          hero: {generate: A fox, samples: 2, pick: 2}
          cat: {generate: A lion}
          kitten: {images: cat, edit: Smaller}
    """)
    world.vendor.fates.append(ProviderError("moderation", "no lions"))
    ran = world.run()
    shown = run_json(ran)
    assert list(shown) == [
        "run_id",
        "recipe",
        "out",
        "status",
        "nodes",
        "totals",
        "money",
        "would_buy",
        "left_out",
        "warnings",
    ]
    assert (shown["run_id"], shown["recipe"], shown["out"], shown["status"]) == (
        ran.id,
        "shop",
        str(world.out),
        "failed",
    )
    assert {tuple(node) for node in shown["nodes"]} == {
        ("id", "status", "reason", "key", "outputs", "error", "hint", "modified")
    }
    hero, cat, kitten = shown["nodes"]
    assert (hero["status"], hero["reason"], hero["error"]) == ("cached", "lock", None)
    assert {output["path"]: (output["take"], output["picked"]) for output in hero["outputs"]} == {
        "hero.png": (2, True),
        "_/takes/hero@1.png": (1, False),
    }
    assert {tuple(output) for output in hero["outputs"]} == {
        ("path", "sha256", "mime", "width", "height", "bytes", "take", "picked", "side_files")
    }
    for output in hero["outputs"]:
        data = (world.out / output["path"]).read_bytes()
        assert (output["bytes"], output["sha256"]) == (len(data), world.pictures()[output["path"]])
        assert (output["mime"], output["width"], output["height"]) == ("image/png", 8, 8)
    assert (cat["status"], cat["reason"], cat["outputs"]) == ("failed", "refused", [])
    assert "no lions" in cat["error"]
    assert (kitten["status"], kitten["reason"], kitten["key"]) == ("blocked", "input", None)
    totals = shown["totals"]
    assert set(totals) == {"nodes", *STATUSES, "called", "paid_images", "cost_usd", "saved_usd", "seconds"}
    assert (totals["nodes"], totals["cached"], totals["failed"], totals["blocked"]) == (3, 1, 1, 1)
    # A refusal is not billed, and so no call that counts.
    assert (totals["called"], totals["paid_images"], totals["cost_usd"], totals["saved_usd"]) == (0, 0, 0.0, 0.078)
    assert json.loads(json.dumps(shown)) == shown


def test_what_does_not_exist_is_listed_by_plan_and_run_alike(world: World) -> None:
    """With why; it is no node that is there, and none that is missing."""
    world.write("""
        version: 1
        steps:
          hero: {matrix: {size: [1, 2]}, when: size == 1, generate: "A {{ size }}"}
          scene: {each: hero, when: "false", edit: Snow}
          sheet: {images: scene, edit: All of them}
    """)
    plan = plan_json(world.plan())
    ran = world.run()
    shown = run_json(ran)
    assert (ran.exit_code, shown["status"], len(ran.outcomes)) == (0, "ok", 1)
    dropped = [(node["id"], node["state"], node["reason"], node["detail"]) for node in plan["nodes"]]
    listed = [(node["id"], node["status"], node["reason"], node["error"]) for node in shown["nodes"]]
    assert len(listed) > 3
    assert listed[1:] == dropped[1:]
    assert {status for _, status, _, _ in listed[1:]} == {"skipped"}
    assert {reason for _, _, reason, _ in listed[1:]} == {"when", "empty"}
    for counted in (plan["totals"], shown["totals"]):
        assert (counted["nodes"], counted["skipped"]) == (len(listed), len(listed) - 1)


def test_unknown_money_is_null(world: World) -> None:
    """In what was spent and in what was saved."""
    world.write("version: 1\nsteps: {hero: {generate: A fox, model: nano-banana-99}}")
    first, again = run_json(world.run())["totals"], run_json(world.run())["totals"]
    assert (first["cost_usd"], first["saved_usd"], first["called"]) == (None, 0.0, 1)
    assert (again["cost_usd"], again["saved_usd"], again["called"]) == (0.0, None, 0)


def test_an_attempt(world: World) -> None:
    """With the ids that the provider's support asks for, and without the token."""
    world.write(CHAIN)
    ran = world.run()
    shown = [attempt_json(attempt) for attempt in world.attempts()]
    first = shown[0]
    assert (first["state"], first["node"], first["price_usd"], first["run_id"]) == ("STORED", "base", 0.039, ran.id)
    assert (first["task_id"], first["trace_id"], first["error"]) == ("t1", "trace-t1", None)
    assert first["key"] == outcome(ran, "base").key
    assert first["sha256"] == world.pictures()["base.png"]
    assert CANARY not in json.dumps(shown)

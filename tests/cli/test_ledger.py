"""`ledger show` and `ledger reconcile`. Unaware of how the ledger is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Pipe
from tests.vendor.behaviour import Fault
from tests.vendor.fixture import env_for
from tests.vendor.server import Vendor

RUN = ("run", "recipes/small.yaml")


@pytest.fixture
def doubtful(pipe: Pipe, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    """A vendor that lists nothing, after a run that left one call in doubt."""
    for name, value in env_for(vendor).items():
        monkeypatch.setenv(name, value)
    vendor.behave(listing="never")
    vendor.fault("submit", Fault("reset_after_accept", match="teal"))
    assert pipe(*RUN).code == 6
    return vendor


def test_every_attempt_is_shown_with_its_state_and_price(pipe: Pipe, doubtful: Vendor) -> None:
    """What is in doubt counts as spent."""
    said = pipe("ledger", "show")
    assert said.code == 0
    rows = [" ".join(line.split()[3:7]) for line in said.out.splitlines()[1:4]]
    assert sorted(rows) == ["! in doubt $0.039", "✓ stored $0.039 base", "✓ stored $0.039 tint[color=ivory]"]
    assert "3 attempts, 1 open; $0.117 spent" in said.out


def test_the_object_has_every_attempt(pipe: Pipe, doubtful: Vendor) -> None:
    """And `--open` only those that are not settled."""
    value = json.loads(pipe("ledger", "show", "--json").out)
    assert value["totals"] == {"attempts": 3, "open": 1, "spent_usd": 0.117}
    assert sorted(one["state"] for one in value["attempts"]) == ["STORED", "STORED", "UNKNOWN"]
    (one,) = json.loads(pipe("ledger", "show", "--open", "--json").out)["attempts"]
    assert (one["node"], one["price_usd"]) == ("tint[color=teal]", 0.039)


def test_the_ledger_is_found_from_anywhere_by_its_recipe(
    pipe: Pipe,
    doubtful: Vendor,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """And from within the project without."""
    monkeypatch.chdir(project / "recipes")
    assert "3 attempts" in pipe("ledger", "show").out
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert "3 attempts" in pipe("ledger", "show", str(project / "recipes" / "small.yaml")).out
    assert "0 attempts" in pipe("ledger", "show").out


def test_reconciling_asks_again_and_says_how_to_give_up(pipe: Pipe, doubtful: Vendor) -> None:
    """Exit 6 while anything is in doubt; giving up is by id, and the next run buys anew."""
    said = pipe("ledger", "reconcile")
    assert said.code == 6
    (command,) = [line for line in said.out.splitlines() if "--abandon" in line]
    attempt = command.split()[-1]
    said = pipe("ledger", "reconcile", "--abandon", attempt)
    assert (said.code, "given up" in said.out) == (0, True)
    assert pipe("ledger", "reconcile").out == "no attempt is open here: nothing to settle\n"
    assert len(doubtful.charges) == 3
    assert pipe(*RUN).code == 0
    assert len(doubtful.charges) == 4
    assert "4 attempts, 0 open; $0.156 spent" in pipe("ledger", "show").out


def test_what_was_sent_elsewhere_is_counted_and_left_alone(
    pipe: Pipe, doubtful: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many, why, and what to do; exit 6, since it is not settled."""
    monkeypatch.setenv("ACEDATACLOUD_API_TOKEN", "of-another-account")
    said = pipe("ledger", "reconcile")
    assert (said.code, said.out) == (
        6,
        "1 open attempt left alone: sent with another API token; to settle it, reconcile with that token\n",
    )
    (one,) = json.loads(pipe("ledger", "reconcile", "--json").out)["attempts"]
    assert (one["state"], one["trouble"][:10]) == ("UNKNOWN", "left alone")
    asked = len(doubtful.received)
    monkeypatch.setenv("ACEDATACLOUD_API_BASE_URL", "http://127.0.0.1:9")
    said = pipe("ledger", "reconcile")
    assert (said.code, f"1 open attempt left alone: sent to {doubtful.base_url}; to settle" in said.out) == (6, True)
    assert len(doubtful.received) == asked


def test_reconciling_needs_a_token_only_if_something_is_open(
    pipe: Pipe, doubtful: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 4 with what to do."""
    monkeypatch.delenv("ACEDATACLOUD_API_TOKEN")
    assert pipe("ledger", "reconcile").code == 4


def test_an_unknown_id_is_a_wrong_command_line(pipe: Pipe, doubtful: Vendor) -> None:
    """Nothing else is given up in its place."""
    assert pipe("ledger", "reconcile", "--abandon", "nobody").code == 2


@pytest.mark.parametrize("recipe", ["recipes/none.yaml", "none/none.yaml"])
def test_a_recipe_that_is_not_there_has_no_ledger(recipe: str, pipe: Pipe) -> None:
    """A misspelt name is not answered with an empty ledger."""
    for command in ("show", "reconcile"):
        said = pipe("ledger", command, recipe)
        assert (said.code, "does not exist" in said.err) == (2, True)

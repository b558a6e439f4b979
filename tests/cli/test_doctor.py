"""`doctor` as one sees it. Unaware of how things are looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.canary import CANARY
from tests.cli.conftest import Pipe
from tests.vendor.behaviour import Fault
from tests.vendor.fixture import env_for
from tests.vendor.server import Vendor


def test_a_warning_has_its_way_on_and_exit_code_0(pipe: Pipe) -> None:
    """Without a token nothing is wrong; what to do about it stands below."""
    said = pipe("doctor")
    assert said.code == 0
    lines = said.out.splitlines()
    place = next(number for number, line in enumerate(lines) if "there is no API token" in line)
    assert lines[place].startswith("! provider")
    assert "→ set ACEDATACLOUD_API_TOKEN" in lines[place + 1]
    assert lines[-1].startswith("nothing is wrong")


def test_something_bad_is_exit_code_1(pipe: Pipe, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the object says what; the token is nowhere in it."""
    for name, value in {**env_for(vendor), "ACEDATACLOUD_API_TOKEN": "not-this-one"}.items():
        monkeypatch.setenv(name, value)
    said = pipe("doctor", "--json")
    value = json.loads(said.out)
    assert (said.code, value["bad"]) == (1, 1)
    assert [check["name"] for check in value["checks"] if check["verdict"] == "bad"] == ["provider"]
    assert "not-this-one" not in said.out
    assert pipe("doctor").out.splitlines()[-1].startswith("1 thing to put right")


def test_calls_in_doubt_are_told_with_what_settles_them(
    pipe: Pipe, vendor: Vendor, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project is the recipe's, wherever one stands."""
    for name, value in env_for(vendor).items():
        monkeypatch.setenv(name, value)
    vendor.behave(listing="never")
    vendor.fault("submit", Fault("reset_after_accept", match="teal"))
    assert pipe("run", "recipes/small.yaml").code == 6
    monkeypatch.chdir("/")
    said = pipe("doctor", str(project / "recipes" / "small.yaml"), "--offline")
    assert "3 calls on record, 1 of them open" in said.out
    assert "ledger reconcile" in said.out
    assert CANARY not in said.out

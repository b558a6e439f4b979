"""What is asked and answered: facts that nobody changes on the way, and nothing agreed to that was not said.

Unaware of how buying is done.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from types import SimpleNamespace
from typing import Any, cast

import pytest

import banana_pipe.purchase
from banana_pipe.purchase.orders import Bought, Consent, Desk, NotBought, Pace
from banana_pipe.purchase.rules import Rule
from tests.dataclass_rules import loose
from tests.store.attempts import ACCOUNT, ORIGIN, intent

MODULES = sorted(one.name for one in pkgutil.iter_modules(banana_pipe.purchase.__path__))
CHANGING = {"_Progress", "_Watched"}
"""What one call keeps of itself while it is under way."""


@pytest.mark.parametrize("name", MODULES)
def test_what_is_handed_around_is_not_changed(name: str) -> None:
    """Orders, answers and rules are frozen; and none has a field that nobody declared."""
    module = importlib.import_module(f"banana_pipe.purchase.{name}")
    assert loose(module) <= CHANGING
    for one in CHANGING & set(vars(module)):
        assert "__slots__" in vars(vars(module)[one])


def defaults(kind: type) -> dict[str, object]:
    fields = dataclasses.fields(kind)
    return {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}


def test_nothing_is_agreed_to_unless_it_is_said() -> None:
    """Paying again, retrying, stopping: each has to be asked for. The patience is what is documented."""
    assert set(defaults(Consent).values()) == {False}
    assert defaults(Rule) == {"tries": 1, "slow_down": False, "stops": None}
    assert defaults(Bought) == {"source": "ledger", "replaced": False}
    assert defaults(NotBought) == {"elsewhere": False}
    nothing: Any = None
    assert Desk(*[nothing] * 8).consent == Consent()
    assert defaults(Pace) == {
        "calls": 8, "downloads": 16, "poll": 2.0, "settle": 120.0, "grace": 30.0, "busy": 0.2, "start": 10.0,
    }  # fmt: skip


@pytest.mark.parametrize("origin", [ORIGIN, "https://other"])
@pytest.mark.parametrize("account", [ACCOUNT, "another"])
def test_an_attempt_is_ours_by_its_origin_and_its_account(origin: str, account: str) -> None:
    """Who has only one of them may not be told all."""
    desk = SimpleNamespace(provider=SimpleNamespace(origin=origin, account=account))
    assert Desk.sent(cast(Desk, desk), intent()) is ((origin, account) == (ORIGIN, ACCOUNT))

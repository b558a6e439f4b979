"""A crash at every durable act, and then another run.

Unaware of processes: the crash is an exception that nothing in the program catches, and the next run
opens everything anew. (What survives a SIGKILL is proven with real processes elsewhere.)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from banana_pipe import disk
from banana_pipe.errors import StoreError
from banana_pipe.providers.base import ProviderError
from banana_pipe.purchase.orders import Bought, Consent, Order, Pace
from tests.purchase.conftest import a_shop
from tests.purchase.shop import Shop, order, refused, request, result
from tests.purchase.test_search import prove


class Crash(BaseException):
    """The process is gone."""


class Bomb:
    """Goes off at the *n*-th durable act; from then on nothing is done any more."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(self, act: str, target: str) -> None:
        self.left -= 1
        if self.left <= 0:
            raise Crash(f"{act} {target}")

    @property
    def went_off(self) -> bool:
        return self.left <= 0


WANTED = {
    "one": [order()],
    "samples and others": [order(request(sample=1)), order(request(sample=2)), order(request("jug"))],
}
FATES = {
    "tasks": [],
    "sync": ["sync"] * 9,
    "inline": ["inline"] * 9,
    "cut": ["cut"] * 3,
    "trouble": [ProviderError("rate", "slow"), "cut", "vanished"],
}


@pytest.fixture(autouse=True)
def _nobody_watches_afterwards() -> Iterator[None]:
    yield
    disk.observe(None)


def crash_at(n: int, shop: Shop, wanted: list[Order], consent: Consent) -> bool:
    """A run that ends at its *n*-th durable act; whether it came that far."""
    bomb = Bomb(n)
    disk.observe(bomb)
    try:
        shop.buy(*wanted, consent=consent, pace=Pace(calls=2))
    except BaseException:
        if not bomb.went_off:
            raise
    finally:
        disk.observe(None)
    return bomb.went_off


@pytest.mark.parametrize(("wanted", "fates"), [*(("one", fates) for fates in FATES), ("samples and others", "trouble")])
def test_with_a_listing_every_crash_costs_nothing(wanted: str, fates: str) -> None:
    """Charges = distinct requests, every picture there, nothing parked, no file by hand."""
    points, step = 0, 1 if wanted == "one" else 3
    for n in range(1, 400, step):
        with a_shop() as shop:
            prove(shop)
            shop.vendor.fates.extend(FATES[fates])  # type: ignore[arg-type]
            shop.vendor.late = 20.0
            if not crash_at(n, shop, WANTED[wanted], Consent()):
                break
            points += 1
            answers = shop.buy(*WANTED[wanted])
            assert len({result(answer).artifact.digest for answer in answers}) == len(WANTED[wanted])
            assert len(shop.vendor.charges) == len(WANTED[wanted]), f"at act {n}"
            assert list((shop.cache / "locks").iterdir()) == []
    assert points >= 8


@pytest.mark.parametrize("fates", ["tasks", "sync", "cut"])
def test_without_a_listing_no_crash_leads_to_a_second_post(fates: str) -> None:
    """What can be in doubt is parked; what was not sent is bought."""
    points = parked = 0
    for n in range(1, 400):
        with a_shop() as shop:
            shop.vendor.lists = False
            shop.vendor.fates.extend(FATES[fates])  # type: ignore[arg-type]
            if not crash_at(n, shop, WANTED["one"], Consent()):
                break
            points += 1
            answer = shop.one()
            assert len(shop.vendor.posts) <= 1, f"at act {n}"
            if not isinstance(answer, Bought):
                assert (refused(answer).status, shop.states()) == ("parked", ["UNKNOWN"])
                parked += 1
            else:
                assert len(shop.vendor.charges) == 1
    assert points >= 8
    assert parked >= 2


@pytest.mark.parametrize("doubt", ["UNKNOWN", "SUCCEEDED"])
def test_a_crash_while_something_is_given_up_pays_it_once_anew(doubt: str) -> None:
    """Under `--retry-unknown` and `--rebuy`: giving up and the new intent are there together or not at all."""
    consent = Consent(retry_unknown=True, rebuy=True)
    for n in range(1, 400):
        with a_shop() as shop:
            prove(shop)
            shop.vendor.lists = False
            shop.vendor.fetches.extend([b"nonsense"] * (6 if doubt == "SUCCEEDED" else 0))
            shop.vendor.fates.append("cut" if doubt == "UNKNOWN" else "task")
            shop.one()
            if not crash_at(n, shop, WANTED["one"], consent):
                break
            states = shop.states()[2:]
            assert sum(state in ("INTENT", "ACCEPTED", "SUCCEEDED", "UNKNOWN") for state in states) <= 1
            shop.vendor.lists = True
            shop.vendor.fetches.clear()
            result(shop.one())
            assert len(shop.vendor.charges) <= 2


@pytest.mark.parametrize("act", ["commit", "sync", "rename", "create"])
def test_an_act_that_fails_once_is_an_error_and_then_forgotten(act: str) -> None:
    """A full disk for a moment, wherever: a clear error, and the next run goes on without paying twice."""
    for n in range(1, 400):
        with a_shop() as shop:
            prove(shop)
            left = n

            def fail(what: str, target: str) -> None:
                nonlocal left
                left -= what == act
                if left == 0 and what == act:
                    raise OSError(28, "No space left on device")

            disk.observe(fail)
            with contextlib.suppress(StoreError):
                shop.one()
            disk.observe(None)
            result(shop.one())
            assert len(shop.vendor.charges) == 1, f"at {act} {n}"
            if left > 0:
                break

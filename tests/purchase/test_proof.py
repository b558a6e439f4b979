"""What makes a listing's silence a proof.

Unaware of HTTP: the provider is a fake that charges.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from banana_pipe.canonical import digest_of
from banana_pipe.providers.base import Listing
from tests.purchase.fake import Fake
from tests.purchase.shop import Shop, order, refused, request, result


def test_a_listing_that_shows_our_calls_in_other_words_proves_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the provider adds fields to what it shows, no wire digest ever matches: parked, not sent again."""
    as_sent = Fake.tasks_since

    async def with_more_fields(fake: Fake, since: float) -> Listing:
        listing = await as_sent(fake, since)
        shown = tuple(replace(task, wire=digest_of(b"more" + task.wire.encode())) for task in listing.tasks)
        return Listing(shown, listing.complete)

    monkeypatch.setattr(Fake, "tasks_since", with_more_fields)
    shop.vendor.fates.extend(["task", "vanished"])
    shop.buy(order(request("seen")))
    assert refused(shop.one()).status == "parked"
    assert refused(shop.one()).status == "parked"
    assert len(shop.vendor.posts) == 2


def test_a_listing_that_shows_calls_later_than_we_wait_for_them_proves_nothing(shop: Shop) -> None:
    """An old call is listed by now, however late that was; one that is not listed yet would be made twice."""
    shop.vendor.late = 600.0
    shop.buy(order(request("seen")))
    shop.clock.jump(500)
    shop.vendor.fates.append("cut")
    assert refused(shop.one()).status == "parked"
    assert len(shop.vendor.posts) == len(shop.vendor.charges) == 2
    shop.clock.jump(900)
    assert result(shop.one()).task_id == "t2"
    assert len(shop.vendor.charges) == 2


def test_a_listing_that_shows_a_call_within_the_settling_time_proves_itself(shop: Shop) -> None:
    """Then what it lacks after that time was not sent."""
    shop.vendor.late = 110.0
    shop.vendor.fates.extend(["task", "vanished"])
    shop.buy(order(request("seen")))
    result(shop.one())
    assert len(shop.vendor.posts) == 3
    assert len(shop.vendor.charges) == 2

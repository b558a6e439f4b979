"""Arithmetic on prices, in whole micro-dollars.

Unaware of where prices come from.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.prices import MICROS, PriceTable, read_usd, show_usd, total, usd

TABLE = PriceTable({"pro": {"": 100_000, "4K": 240_000}, "odd": {"2K": 50_000}}, "2026-08-06", "somewhere")


def test_a_price_goes_by_model_and_resolution() -> None:
    """The entry without a resolution is for all that are not named; what is in no table is unknown."""
    assert TABLE.price("pro", {}) == 100_000
    assert TABLE.price("pro", {"resolution": "1K"}) == 100_000
    assert TABLE.price("pro", {"resolution": "4K"}) == 240_000
    assert TABLE.price("odd", {"resolution": "2K"}) == 50_000
    assert TABLE.price("odd", {}) is None
    assert TABLE.price("new", {}) is None


def test_a_call_with_extra_is_of_unknown_price() -> None:
    """A field that we do not know may cost anything."""
    assert TABLE.price("pro", {"count": 4}, has_extra=True) is None


def test_one_unknown_price_makes_the_sum_unknown() -> None:
    """A sum that leaves something out is no sum."""
    assert total([1, 2, 3]) == 6
    assert total([]) == 0
    assert total([1, None, 3]) is None


@pytest.mark.parametrize(
    ("price", "shown"),
    [(None, "unknown price"), (0, "free"), (40_000, "$0.04"), (2_500, "$0.0025"), (12_300_000, "$12.30"),
     (100_000, "$0.10"), (49_100, "$0.0491"), (33_300, "$0.0333"), (12_345_678, "$12.35"), (5_000_000, "$5.00")],
)  # fmt: skip
def test_prices_as_people_see_them(price: int | None, shown: str) -> None:
    """Cents where cents are enough."""
    assert show_usd(price) == shown


@given(st.integers(0, 10**15))
def test_dollars_are_read_as_they_are_written(price: int) -> None:
    """To the micro-dollar, with the sign or without."""
    text = f"{price // MICROS}.{price % MICROS:06}"
    assert read_usd(text) == read_usd(f" ${text} ") == price
    assert usd(price) == price / MICROS


@pytest.mark.parametrize("text", ["", "x", "-1", "nan", "inf", "1,5", "$", "9e999999", "1e13"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    """With one error, whatever is wrong."""
    with pytest.raises(ValueError, match="dollars"):
        read_usd(text)

"""Arithmetic on a price table: what a call costs, in micro-dollars.

Unaware of where the table comes from and of who spends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from banana_pipe.model import Json

MICROS = 1_000_000
_MOST = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices in micro-dollars by model and resolution, with their date and source.

    `prices[model]` maps a resolution to a price; the entry `""` is for a call without one, and
    for every resolution that is not named.
    """

    prices: Mapping[str, Mapping[str, int]]
    as_of: str
    source: str

    def price(self, model: str, params: Mapping[str, Json], *, has_extra: bool = False) -> int | None:
        """The price of one picture, None where it is unknown (a call with `extra` always is)."""
        if has_extra:
            return None
        by_resolution = self.prices.get(model, {})
        resolution = params.get("resolution", "")
        return by_resolution.get(resolution, by_resolution.get(""))


def total(prices: Iterable[int | None]) -> int | None:
    """The sum, None as soon as one price is unknown."""
    amount = 0
    for price in prices:
        if price is None:
            return None
        amount += price
    return amount


def usd(price: int | None) -> float | None:
    """Micro-dollars as a number of dollars for JSON."""
    return None if price is None else price / MICROS


def show_usd(price: int | None) -> str:
    """Micro-dollars for people: `$0.04`, `$0.0025`, `$12.30`, `free`, `unknown price`."""
    if price is None:
        return "unknown price"
    if price == 0:
        return "free"
    dollars = Decimal(price) / MICROS
    digits = 2 if price % 10_000 == 0 or price >= 10 * MICROS else 4
    text = f"{dollars.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f}"
    whole, _, fraction = text.partition(".")
    return f"${whole}.{fraction[:2]}{fraction[2:].rstrip('0')}"


def read_usd(text: str) -> int:
    """Dollars as a user writes them, in micro-dollars. Raises ValueError."""
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        raise ValueError(f"not an amount of dollars: {text!r}") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"not an amount of dollars: {text!r}")
    if amount > _MOST:
        raise ValueError(f"more dollars than there are: {text!r}")
    return int((amount * MICROS).to_integral_value(ROUND_HALF_UP))

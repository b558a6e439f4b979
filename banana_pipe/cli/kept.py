"""How files of the cache are said to people: their kinds, their sizes, a line for each.

Unaware of what is done with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from banana_pipe import api
from banana_pipe.cli.table import Cell, Column
from banana_pipe.cli.words import count
from banana_pipe.prices import show_usd

KINDS_SAID = {
    "paid": "pictures that were paid for",
    "input": "pictures that were sent along",
    "free": "transforms' pictures and placeholders",
    "request": "what was asked",
    "unknown": "named by no record",
    "rejected": "delivered, and no pictures",
    "damaged": "set aside as damaged",
    "temporary": "half written",
    "records": "ledger, results, locks",
}
LISTED = (
    Column("sha256"),
    Column("kind"),
    Column("bytes", right=True),
    Column("price", right=True),
    Column("when (UTC)", drops=1),
    Column("node", gives=2),
    Column("model", drops=1),
    Column("needed", gives=1, prose=True),
)


def size_of(items: Iterable[api.Item]) -> int:
    """Their bytes, all in all."""
    return sum(item.size for item in items)


def dearest_first(item: api.Item) -> tuple[Any, ...]:
    """What to sort by."""
    price = item.purchase.price if item.purchase else None
    return (-(price or 0), item.kind, item.purchase.node if item.purchase else "", item.path)


def row_of(item: api.Item) -> list[Cell]:
    """*item* under the columns LISTED."""
    purchase = item.purchase
    when = f"{datetime.fromtimestamp(purchase.bought_at, UTC):%Y-%m-%d %H:%M}" if purchase else ""
    return [
        Cell(item.path.name[:12], "dim"),
        Cell(item.kind),
        Cell(show_bytes(item.size)),
        Cell(show_usd(purchase.price) if purchase else ""),
        Cell(when),
        Cell(purchase.node if purchase else ""),
        Cell(purchase.model if purchase else "", "dim"),
        Cell(item.needed or ""),
    ]


def show_bytes(number: int) -> str:
    """`512 bytes`, `1.4 MB`."""
    if number < 1000:
        return count(number, "byte")
    size = float(number)
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 999.5 or unit == "TB":
            break
    return f"{size:.1f} {unit}" if size < 9.95 else f"{size:.0f} {unit}"

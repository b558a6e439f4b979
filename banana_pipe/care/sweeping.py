"""What may leave the cache, and how it leaves: first what is free, what was paid only by consent.

Unaware of how it is shown and of who agrees. Nothing goes that a lock file or an open attempt needs, and
nothing that was changed within the last hour: a run under way may be about to name it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from banana_pipe import disk
from banana_pipe.care.books import Books, read_books
from banana_pipe.care.inventory import Item, Kind, take_stock
from banana_pipe.clock import Clock, SystemClock
from banana_pipe.errors import StoreError
from banana_pipe.links import SANDBOX
from banana_pipe.prices import usd
from banana_pipe.store.keylock import KeyLocks
from banana_pipe.store.lookup import folders_of
from banana_pipe.store.results import Results

RECENT_SECONDS = 3_600.0
GIVEN_UP = "given-up.jsonl"
"""In the cache: a line for every paid picture that was removed, so that nobody looks for it as lost."""
_NEVER: tuple[Kind, ...] = ("input", "records")
_PAID: tuple[Kind, ...] = ("paid", "unknown")


@dataclass(frozen=True, slots=True)
class Sweep:
    """What may go: `free` costs nothing to have again, `paid` was paid for (or nobody knows).

    `recent` are as many more that are too new to be judged.
    """

    free: tuple[Item, ...]
    paid: tuple[Item, ...]
    recent: int


def plan_sweep(root: Path, cache: Path, clock: Clock | None = None) -> Sweep:
    """What may leave *cache*. Raises StoreError where its records cannot be believed."""
    return _judged(take_stock(cache, read_books(root, cache)), (clock or SystemClock()).now())


def sweep(root: Path, cache: Path, *, paid: bool, clock: Clock | None = None) -> Sweep:
    """Remove what may go, what was paid only if *paid*; what was removed. Raises StoreError.

    What was paid is written down before it goes.
    """
    books = read_books(root, cache)
    _refuse_while_buying(books, KeyLocks(folders_of(cache)["locks"]))
    found = _judged(take_stock(cache, books), (clock or SystemClock()).now())
    going = Sweep(found.free, found.paid if paid else (), found.recent)
    if going.paid:
        disk.append(cache / GIVEN_UP, b"".join(_line(item) for item in going.paid))
    _forget_placeholders(going.free, books, Results(folders_of(cache)["results"]))
    for item in (*going.free, *going.paid):
        disk.remove(item.path)
    return going


def _forget_placeholders(free: Iterable[Item], books: Books, results: Results) -> None:
    """Let the sandbox draw again what goes: a picture whose digest is known would be lost instead."""
    going = {item.digest for item in free}
    keys = [one.key for one in books.results if one.provider == SANDBOX and one.artifact.digest in going]
    try:
        results.forget(keys)
    finally:
        results.close()


def given_up(cache: Path) -> set[str]:
    """The digests of the paid pictures that were removed by consent."""
    found = set()
    try:
        lines = (cache / GIVEN_UP).read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise StoreError(f"cannot read {cache / GIVEN_UP}: {error.strerror}") from error
    for line in lines:
        try:
            found.add(str(json.loads(line)["sha256"]))
        except (ValueError, KeyError, TypeError, RecursionError):  # a crash can leave a part of a line
            continue
    return found


def _judged(items: Iterable[Item], now: float) -> Sweep:
    may_go = [item for item in items if item.needed is None and item.kind not in _NEVER and not _explains(item)]
    old = [item for item in may_go if item.kind == "temporary" or now - item.changed_at >= RECENT_SECONDS]
    return Sweep(
        free=tuple(item for item in old if not _was_paid(item)),
        paid=tuple(item for item in old if _was_paid(item)),
        recent=len(may_go) - len(old),
    )


def _was_paid(item: Item) -> bool:
    return item.kind in _PAID or item.purchase is not None


def _explains(item: Item) -> bool:
    """Requests are small, and say what was asked: they stay."""
    return item.kind == "request"


def _refuse_while_buying(books: Books, locks: KeyLocks) -> None:
    """Raise StoreError while some process has one of the open calls in hand."""
    for attempt in books.open:
        lock = locks.try_take(attempt.key)
        if lock is None:
            raise StoreError(
                f"a run is under way here: {attempt.node or attempt.key} is being bought",
                hint="clean up when it has ended",
            )
        with lock:
            pass


def given_up_line(digest: str, node: str | None, price: int | None) -> bytes:
    """What is written down about *digest*. It begins with a line's end too: a crash may have cut off the last one."""
    return f"\n{json.dumps({'sha256': digest, 'node': node, 'price_usd': usd(price)})}\n".encode()


def _line(item: Item) -> bytes:
    purchase = item.purchase
    return given_up_line(item.path.name[:64], purchase.node if purchase else None, purchase.price if purchase else None)

"""What lies in the cache: every file with its kind, what it cost, and why it must stay.

Unaware of whether bytes are right, and of what is removed. It only looks; a file is told by its name and by the records.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from banana_pipe import disk
from banana_pipe.canonical import Digest, is_digest
from banana_pipe.care.books import Books, Purchase, needed
from banana_pipe.model import Json
from banana_pipe.prices import total, usd
from banana_pipe.request import TRANSFORM_TYPE, TYPE
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.lookup import folders_of

Kind = Literal["paid", "input", "free", "request", "unknown", "rejected", "damaged", "temporary", "records"]
KINDS: tuple[Kind, ...] = (
    *("paid", "input", "free", "request", "unknown"),
    *("rejected", "damaged", "temporary", "records"),
)
OF_BLOBS: tuple[Kind, ...] = KINDS[:5]
_MOST_OF_A_REQUEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Item:
    """A file of the cache.

    `purchase` is what was paid for what it is, or (damaged) was. `needed` says what needs it.
    """

    path: Path
    kind: Kind
    size: int
    """In bytes."""
    changed_at: float
    digest: Digest | None = None
    purchase: Purchase | None = None
    needed: str | None = None


def take_stock(cache: Path, books: Books) -> list[Item]:
    """Every file of ours in *cache*, blobs first, in the order of their paths. Raises StoreError."""
    blobs = Blobs(folders_of(cache)["blobs"])
    reasons = needed(books, blobs.read)
    return [*_blobs(blobs, books, reasons), *_others(cache, books)]


def kept_money(items: Iterable[Item]) -> int | None:
    """What was paid for the pictures among *items* (micro-dollars), None where a price is unknown."""
    return total(item.purchase.price for item in items if item.kind == "paid" and item.purchase)


def item_json(item: Item, cache: Path) -> dict[str, Json]:
    """*item* as `--json` prints it."""
    purchase = item.purchase
    return {
        "path": item.path.relative_to(cache).as_posix(),
        "kind": item.kind,
        "bytes": item.size,
        "sha256": item.digest,
        "node": (purchase.node or None) if purchase else None,
        "model": purchase.model if purchase else None,
        "price_usd": usd(purchase.price) if purchase else None,
        "bought_at": purchase.bought_at if purchase else None,
        "needed": item.needed,
    }


def _blobs(blobs: Blobs, books: Books, reasons: dict[Digest, str]) -> Iterator[Item]:
    for path in blobs.files():
        if not is_digest(path.name):
            continue
        digest, status = Digest(path.name), _status(path)
        if status is not None:
            kind = _kind(path, digest, books, reasons)
            yield Item(path, kind, status.st_size, status.st_mtime, digest, books.paid.get(digest), reasons.get(digest))


def _kind(path: Path, digest: Digest, books: Books, reasons: dict[Digest, str]) -> Kind:
    if digest in books.paid:
        return "paid"
    if digest in books.requests or _is_request(path):
        return "request"
    if digest in books.free:
        return "free"
    return "input" if digest in reasons else "unknown"


def _is_request(path: Path) -> bool:
    """Whether the blob at *path* is a request, as every one begins or ends."""
    try:
        if os.path.getsize(path) > _MOST_OF_A_REQUEST:
            return False
        with open(path, "rb") as file:
            data = file.read(_MOST_OF_A_REQUEST)
    except OSError:
        return False
    return data.startswith(b'{"') and any(f'"type":"{kind}"'.encode() in data for kind in (TYPE, TRANSFORM_TYPE))


def _others(cache: Path, books: Books) -> Iterator[Item]:
    folders = folders_of(cache)
    busy = any(attempt.state == "SUCCEEDED" for attempt in books.attempts)
    for path in _files(folders["rejected"]):
        why = "delivered for a call that is not settled, perhaps" if busy else None
        yield from _item(path, "rejected", needed=why)
    for path in _files(folders["damaged"]):
        digest = Digest(path.name[:64])
        lost = digest in books.paid and not Blobs(folders["blobs"]).has(digest)
        yield from _item(path, "damaged", purchase=books.paid.get(digest) if lost else None)
    yield from _temporaries(cache)
    for path in (*_files(folders["results"]), folders["ledger"], *_files(folders["locks"])):
        yield from _item(path, "records")


def _temporaries(cache: Path) -> Iterator[Item]:
    for folder, _, names in os.walk(cache):
        for name in sorted(names):
            if name.startswith(disk.TEMPORARY_PREFIX):
                path = Path(folder, name)
                why = None if disk.is_left_behind(path) else "being written, perhaps"
                yield from _item(path, "temporary", needed=why)


def _item(path: Path, kind: Kind, *, purchase: Purchase | None = None, needed: str | None = None) -> Iterator[Item]:
    status = _status(path)
    if status is not None:
        yield Item(path, kind, status.st_size, status.st_mtime, None, purchase, needed)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if not path.name.startswith("."))


def _status(path: Path) -> os.stat_result | None:
    """Of a regular file; None for anything else."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None

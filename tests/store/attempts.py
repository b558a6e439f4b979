"""Attempts and ledgers for tests, in a few words.

Unaware of what is tested.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from banana_pipe.canonical import digest_of
from banana_pipe.model import Artifact, Attempt, Key
from banana_pipe.store.ledger import Ledger
from tests.clock import FakeClock

NOW = 1_790_000_000.0
ORIGIN = "https://api.example.com:443"
ACCOUNT = "0123456789abcdef"
ARTIFACT = Artifact(digest_of(b"picture"), "image/png", 64, 48, 999)
_numbers = count(1)


def key_of(name: str) -> Key:
    return Key(digest_of(name.encode()))


def intent(name: str = "a", **changes: Any) -> Attempt:
    """An intent for the key of that name."""
    attempt = Attempt(
        id=f"attempt-{next(_numbers)}",
        key=key_of(name),
        wire=digest_of(b"wire"),
        origin=ORIGIN,
        account=ACCOUNT,
        run_id="run",
        state="INTENT",
        provider="acedata",
        model="nano-banana",
        price=40_000,
        created_at=NOW,
        updated_at=NOW,
        node=name,
    )
    return replace(attempt, **changes)


def open_ledger(path: Path | None) -> Ledger:
    return Ledger(path, FakeClock(NOW))

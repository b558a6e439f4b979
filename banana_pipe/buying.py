"""Opening a buyer for a workspace: the provider, the limits, and what must be true before anything is sent.

Unaware of why something is bought.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from banana_pipe.errors import BananaError, NotAuthorised, StoreError
from banana_pipe.events import Listener
from banana_pipe.links import SANDBOX
from banana_pipe.model import Budget, FileInput, Node
from banana_pipe.providers.acedata import AceData
from banana_pipe.providers.base import Provider
from banana_pipe.purchase.buyer import Buyer
from banana_pipe.purchase.orders import Consent, Desk, Pace
from banana_pipe.regular import read_regular
from banana_pipe.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Limits:
    """How a run runs: what it may spend, what it may pay for again, how fast, and when it gives up."""

    budget: Budget = field(default_factory=Budget)
    consent: Consent = field(default_factory=Consent)
    pace: Pace = field(default_factory=Pace)
    fail_fast: bool = False
    frozen: bool = False
    """Nothing is bought, fetched, polled or looked up: no socket is opened."""


def run_id(now: float) -> str:
    """A run's name: its start (UTC; behind the dash its milliseconds), and something that no other run has.

    So names sort as runs began, those of one second too.
    """
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{int(now % 1 * 1000):03x}{secrets.token_hex(2)}"


def provider_for(name: str, workspace: Workspace) -> Provider:
    """The provider that nodes call *name*."""
    if name != SANDBOX:
        return AceData(workspace.access.base_url, workspace.access.token, workspace.clock)
    from banana_pipe.providers.sandbox import create_app

    return AceData.over_asgi(create_app(now=workspace.clock.now), workspace.clock)


@asynccontextmanager
async def open_buyer(name: str, workspace: Workspace, limits: Limits, run: str, emit: Listener) -> AsyncIterator[Buyer]:
    """A buyer at the provider *name* for the run *run*.

    Raises NotAuthorised without a token, and StoreError where an intent could not be written.
    """
    if limits.frozen:
        raise AssertionError("a frozen run asked for a buyer")
    market = workspace.markets[name]
    if not market.free:
        if workspace.access.token is None:
            raise no_token()
        await market.stores.ledger.check_writable()
    provider = provider_for(name, workspace)
    desk = Desk(
        provider=provider,
        stores=market.stores,
        locks=workspace.locks,
        clock=workspace.clock,
        budget=Budget() if market.free else limits.budget,
        run_id=run,
        emit=emit,
        pace=limits.pace,
        consent=limits.consent,
    )
    buyer = Buyer(desk)
    try:
        yield buyer
    finally:
        await buyer.close()
        await provider.close()
        with contextlib.suppress(StoreError, OSError):  # what is in the way there is in nobody's way
            await asyncio.to_thread(desk.locks.sweep)


def no_token() -> NotAuthorised:
    """What is said where the provider has to be asked and there is no token: the two ways on."""
    return NotAuthorised(
        "the provider has to be asked, and there is no API token",
        hint="set ACEDATACLOUD_API_TOKEN, or draw free placeholders with --provider sandbox",
    )


def interrupt(buyers: Iterable[Buyer]) -> None:
    """What the first Ctrl-C asks for: nothing new is sent, what is accepted is collected."""
    for buyer in buyers:
        buyer.stop("interrupt", BananaError("interrupted"))


def keep_inputs(workspace: Workspace, nodes: Iterable[Node]) -> None:
    """Keep the picture files that *nodes* read as blobs: what is sent is what was measured.

    Raises StoreError for one that was changed meanwhile.
    """
    blobs = workspace.blobs
    for one in (one for node in nodes for one in node.inputs if isinstance(one, FileInput)):
        measured = workspace.files[one.path].digest
        if not blobs.has(measured) and blobs.put(_bytes_of(one)) != measured:
            raise StoreError(f"{one.label} was changed while it was read", hint="run again")


def _bytes_of(file: FileInput) -> bytes:
    try:
        return read_regular(file.path)
    except OSError as error:
        raise StoreError(f"cannot read {file.label}: {error.strerror}", hint="run again once it is there") from error

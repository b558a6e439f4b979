"""The vendor on a clock that its client shares, for every test of this part.

Unaware of what goes wrong there.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.campaigns.http.teller import Teller
from tests.campaigns.shared_clock import SharedClock
from tests.canary import CANARY
from tests.vendor import Vendor


@pytest.fixture(scope="package", autouse=True)
def _one_tls_context() -> Iterator[None]:
    """Nobody's certificates are asked for here, and reading the world's authorities would take half of the time."""
    made = httpx.create_ssl_context(trust_env=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx, "create_ssl_context", lambda **_: made)
        yield


@pytest.fixture
def clock() -> SharedClock:
    return SharedClock()


@pytest.fixture
def strange(clock: SharedClock) -> Iterator[Vendor]:
    """The vendor, on our clock."""
    with Vendor(token=CANARY, clock=clock.now) as running:
        yield running


@pytest.fixture
def told(strange: Vendor, clock: SharedClock) -> Teller:
    """Runs a project, and tells how it went."""
    return Teller(strange, clock)

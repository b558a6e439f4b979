"""What a test needs to meet the vendor: the fixture, and the environment of a client.

Unaware of how clients read that environment.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.canary import CANARY
from tests.vendor.process import VendorProcess
from tests.vendor.server import Vendor

__all__ = ["CANARY", "env_for", "vendor", "vendor_process"]


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """A well-meaning vendor that takes only the canary; `vendor.behave(…)`, `vendor.fault(…)` change it."""
    with Vendor(token=CANARY) as running:
        yield running


@pytest.fixture
def vendor_process() -> Iterator[VendorProcess]:
    """The same in a process of its own, for clients that are forked or killed."""
    with VendorProcess(token=CANARY) as running:
        yield running


def env_for(vendor: Vendor | VendorProcess) -> dict[str, str]:
    """The variables that lead a client to *vendor*, with waits that suit a test."""
    return {
        "ACEDATACLOUD_API_TOKEN": CANARY,
        "ACEDATACLOUD_API_BASE_URL": vendor.base_url,
        "BANANA_PIPE_POLL_SECONDS": "0.05",
        "BANANA_PIPE_SETTLE_SECONDS": "0.2",
    }

"""A vendor for the tests: a real HTTP server on loopback that sells random pictures and keeps the bill.

Unaware of the program under test: it imports nothing of it, so its ledger can be the oracle.

`Vendor` runs in a thread of the test's process; `VendorProcess` and `python -m tests.vendor` run it
in a process of its own. Tests that fork must use the latter two: a forked child would inherit
the thread's open connections, and a reset that two processes hold is none.
"""

from __future__ import annotations

from tests.vendor.behaviour import FOREVER, Behaviour, Endpoint, Fault
from tests.vendor.books import Charge, Received
from tests.vendor.process import VendorProcess
from tests.vendor.server import Vendor

__all__ = ["FOREVER", "Behaviour", "Charge", "Endpoint", "Fault", "Received", "Vendor", "VendorProcess"]

"""Brings the vendor's fixtures to its own tests.

Unaware of other tests: whoever wants the fixtures imports them in a conftest likewise.
"""

from __future__ import annotations

from tests.vendor.fixture import vendor, vendor_process

__all__ = ["vendor", "vendor_process"]

"""A project for every test, and the vendor where it is wanted.

Unaware of what is tested.
"""

from __future__ import annotations

from tests.cli.conftest import at, pipe, project
from tests.vendor.fixture import vendor

__all__ = ["at", "pipe", "project", "vendor"]

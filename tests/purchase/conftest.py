"""A fresh shop for each test.

Unaware of what is tested.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.purchase.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)

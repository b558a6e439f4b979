"""A fresh shop for each test.

Unaware of what is tested.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pytest

from tests.purchase.shop import Shop

# Nothing here is about power loss, and syncing is most of what these tests would wait for.
IN_MEMORY = Path("/dev/shm")
QUICK = "BANANA_PIPE_TESTS_QUICK" in os.environ
"""The same tests, with as little on disk as can be: for who runs them for thousands of mutants."""


@contextmanager
def a_shop() -> Iterator[Shop]:
    """For a test that needs one for each of its examples."""
    if QUICK:  # whoever wants it so clears up
        yield Shop(Path(mkdtemp()), quick=True)
        return
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        yield Shop(Path(folder))


@pytest.fixture
def shop() -> Iterator[Shop]:
    with a_shop() as one:
        yield one

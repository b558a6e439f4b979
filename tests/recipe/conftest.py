"""A recipe from a text, in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest

from banana_pipe.model import Graph
from banana_pipe.recipe import load


class Load(Protocol):
    """Loads a recipe's text; keywords are those of `load`."""

    def __call__(self, text: str | bytes, **options: Any) -> Graph: ...


@pytest.fixture
def graph(tmp_path: Path) -> Load:
    def load_text(text: str | bytes, **options: Any) -> Graph:
        path = tmp_path / "recipe.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load(path, shown_as="recipe.yaml", **options)

    return load_text

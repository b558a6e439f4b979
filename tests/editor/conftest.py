"""A real YAML language server, the one of most editors, if npm has or can get it, and a project of `init` opened with it.

Unaware of what is tested. Without node, or where npm can get nothing, these tests are skipped, and say so. What npm got is kept in
pytest's cache; `YAML_LANGUAGE_SERVER` may name another one's script.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from banana_pipe.recipe import jsonschema
from banana_pipe.starting import start
from tests.editor.client import Editor

PACKAGE = "yaml-language-server"
SCRIPT = Path("node_modules", PACKAGE, "bin", PACKAGE)


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> list[str]:
    """The command that starts the server on its streams."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    named = os.environ.get("YAML_LANGUAGE_SERVER")
    return [node, str(Path(named) if named else _installed(pytestconfig)), "--stdio"]


def _installed(config: pytest.Config) -> Path:
    kept = config.cache.mkdir(PACKAGE)
    script = kept / "1" / SCRIPT
    npm = shutil.which("npm")
    if script.exists():
        return script
    if npm is None:
        pytest.skip(f"there is no npm, and YAML_LANGUAGE_SERVER names no {PACKAGE}")
    # Whole or not at all: another process may be at it too.
    fresh = Path(mkdtemp(dir=kept))
    options = ("--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0", "--prefix", str(fresh))
    done = subprocess.run([npm, "install", *options, f"{PACKAGE}@1"], cwd=fresh, capture_output=True, check=False)
    if done.returncode:
        shutil.rmtree(fresh)
        pytest.skip(f"npm cannot get {PACKAGE}, and YAML_LANGUAGE_SERVER names none")
    try:
        fresh.rename(kept / "1")
    except OSError:
        shutil.rmtree(fresh)
    return script


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `init` leaves, and the schema of test files beside it."""
    folder = tmp_path_factory.mktemp("editor") / "fox"
    start(folder)
    (folder / jsonschema.TESTS_NAME).write_text(jsonschema.tests_as_text(), "utf-8")
    return folder


@pytest.fixture(scope="module")
def editor(server: list[str], project: Path) -> Iterator[Editor]:
    """An editor in that project."""
    with Editor(server, project) as opened:
        yield opened

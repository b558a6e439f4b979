"""The recipe for attesting a lock file writes what in-toto and SLSA say a statement is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from banana_pipe.canonical import digest_of
from banana_pipe.version import __version__

ROOT = Path(__file__).parent.parent
DIGESTS = {"type": "object", "minProperties": 1, "additionalProperties": {"pattern": "^[0-9a-f]{40,}$"}}
DESCRIPTORS = {"type": "array", "minItems": 1, "items": {"required": ["digest"], "properties": {"digest": DIGESTS}}}
URI = {"type": "string", "pattern": "^[a-z]+:.+"}
DEFINITION = {
    "required": ["buildType", "externalParameters"],
    "properties": {
        "buildType": URI,
        "externalParameters": {"type": "object"},
        "resolvedDependencies": DESCRIPTORS,
    },
}
DETAILS = {
    "required": ["builder"],
    "properties": {
        "builder": {"required": ["id"], "properties": {"id": URI}},
        "metadata": {"properties": {"finishedOn": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}}},
    },
}
STATEMENT: dict[str, Any] = {
    "type": "object",
    "required": ["_type", "subject", "predicateType", "predicate"],
    "additionalProperties": False,
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "subject": DESCRIPTORS,
        "predicateType": {"const": "https://slsa.dev/provenance/v1"},
        "predicate": {
            "type": "object",
            "required": ["buildDefinition", "runDetails"],
            "properties": {"buildDefinition": DEFINITION, "runDetails": DETAILS},
        },
    },
}


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="the document says what stands for it elsewhere")
def test_the_statement_is_one(tmp_path: Path) -> None:
    """The lock file is its subject, by its digest; recipe and commit are what it was made from."""
    text = (ROOT / "docs/attest.md").read_text("utf-8")
    (shown,) = re.findall(r"^<!-- attest: statement -->\n```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes/shop.yaml").write_text("version: 1\n")
    (tmp_path / "recipes/shop.lock").write_text("# a lock file\n")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    program = tmp_path / "bin/banana-pipe"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m banana_pipe "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
    subprocess.run(["sh", "-ec", shown], cwd=tmp_path, env=env, check=True)
    statement = json.loads((tmp_path / "statement.json").read_text())
    assert not [error.message for error in Draft202012Validator(STATEMENT).iter_errors(statement)]
    (subject,) = statement["subject"]
    assert subject == {"name": "recipes/shop.lock", "digest": {"sha256": digest_of(b"# a lock file\n")}}
    builder = statement["predicate"]["runDetails"]["builder"]
    assert builder["version"] == {"banana-pipe": __version__}
    assert json.loads((tmp_path / "predicate.json").read_text()) == statement["predicate"]

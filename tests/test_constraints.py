"""The pinned dependencies: complete, all by hash, and from no particular host.

Unaware of the index that they were read from.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
# Without the comment that says how they are remade.
TEXT = re.sub(r"^#.*\n", "", (ROOT / "constraints.txt").read_text("utf-8"), flags=re.MULTILINE)
PINNED = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", TEXT, re.MULTILINE)
}


def _asked_for() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = [
        project["project"]["dependencies"],
        project["project"]["optional-dependencies"]["dev"],
        project["build-system"]["requires"],
    ]
    return [Requirement(line) for group in groups for line in group]


def _pins_badly(requirement: Requirement) -> bool:
    version = PINNED.get(canonicalize_name(requirement.name))
    return version is None or version not in requirement.specifier


def test_what_we_ask_for_is_pinned() -> None:
    """A dependency added to the project is added to the pins."""
    assert not [str(requirement) for requirement in _asked_for() if _pins_badly(requirement)]


def test_what_those_ask_for_is_pinned_too() -> None:
    """The pins are closed: nothing is left for an installer to choose."""
    wanted = [
        requirement
        for name in PINNED
        for requirement in map(Requirement, _requires(name))
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    ]
    assert not [str(requirement) for requirement in wanted if _pins_badly(requirement)]


def _requires(name: str) -> list[str]:
    # What is pinned for another system is not installed here.
    only_elsewhere = {"colorama"}
    return [] if name in only_elsewhere else requires(name) or []


def test_every_pin_has_hashes() -> None:
    """Each with one for its wheel and one for its source, at the least: no system is left out."""
    entries = re.split(r"^(?=[A-Za-z0-9])", TEXT, flags=re.MULTILINE)
    assert len(entries) - 1 == len(PINNED)
    few = [entry.split()[0] for entry in entries[1:] if len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry)) < 2]
    assert not few


def test_no_host_is_named() -> None:
    """Whoever installs says from where."""
    assert not re.search(r"://|index|find-links|trusted-host|@", TEXT)

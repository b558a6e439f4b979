"""What the documents say holds: commands are one line, links lead somewhere, nothing names a machine.

Unaware of the program; what the commands do is for `.ci/run` to show.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(ROOT.glob("*.md"))

INSTALL = (
    "python3 -m venv .venv"
    " && .venv/bin/pip install -q --require-hashes -r constraints.txt"
    " && .venv/bin/pip install -q --no-deps --no-build-isolation -e ."
)


def command(name: str) -> list[str]:
    """The lines of the block that README marks with *name*, as `.ci/run` finds it."""
    readme = (ROOT / "README.md").read_text("utf-8")
    block = re.search(rf"^<!-- command: {name} -->\n```sh\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert block, f"README.md has no block behind <!-- command: {name} -->"
    return block.group(1).splitlines()


@pytest.mark.parametrize(
    ("name", "last"),
    [("quickstart", ".venv/bin/banana-pipe run recipes/quickstart.yaml"), ("tests", ".venv/bin/pytest")],
)
def test_each_command_of_the_readme_is_one_line_with_an_environment_of_its_own(name: str, last: str) -> None:
    """Pasted into a fresh clone it works, also where the system's Python is externally managed."""
    assert command(name) == [f"{INSTALL} && {last}"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    """A file that was moved takes its readers along."""
    text = re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    assert not [target for target in targets if target and not (document.parent / target).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_documents_name_are_there(document: Path) -> None:
    """`tests/…`, `recipes/…` and `banana_pipe/…` in backticks are files or folders of the project."""
    named = re.findall(r"`((?:tests|recipes|banana_pipe|benchmarks|\.ci)/[\w./-]*)`", document.read_text("utf-8"))
    assert not [name for name in named if not (ROOT / name).exists()]


def test_nothing_in_the_project_names_a_machine_or_a_registry() -> None:
    """The project is the same wherever it stands and wherever its dependencies come from."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    # Put together here, so that this file does not name what it forbids.
    forbidden = re.compile(
        "|".join(["py" + r"pi\.org", "files" + r"\.pythonhosted", r"/home/\w", "/ro" + "ot/", "/Users" + "/"])
    )
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".jpg", ".webp", ".gif"}:
            found += [f"{name}: {hit}" for hit in forbidden.findall(path.read_text("utf-8", errors="replace"))]
    assert not found

"""The guide to drafts and finals: lived through, command by command.

Unaware of how anything works.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests import tour as tours
from tests.vendor.fixture import CANARY
from tests.vendor.server import Vendor

GUIDE = (Path(__file__).parent.parent / "docs" / "drafts.md").read_text("utf-8")


def test_the_guide_goes_as_told(tmp_path: Path) -> None:
    """Each command says what is shown; four drafts, one final, and one look at the shelf are all that is bought."""
    with Vendor(token=CANARY) as vendor:
        shell = tours.shell(vendor, tmp_path)
        for name in re.findall(r"^<!-- file: (\S+) -->$", GUIDE, re.MULTILINE):
            (shell.folder / name).write_text(tours.blocks(GUIDE, f"file: {name}")[0], "utf-8")
        said = [(command, shown, shell.says(command)) for command, shown in tours.commands(GUIDE, "tour")]
    assert not [f"$ {command}{got}" for command, shown, got in said if not tours.is_as_shown(shown, got)]
    assert len(vendor.charges) == 4 + 1 + 1

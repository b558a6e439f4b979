"""What a change to recipes buys, as one page of Markdown: `python review.py PAGE`, for the action beside it.

Unaware of GitHub but for its files: RECIPES (patterns) says what to look at; to GITHUB_OUTPUT go the totals, to
GITHUB_STEP_SUMMARY the page. Ends with 1 if a recipe is wrong; the page then says what.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from glob import glob
from pathlib import Path

PROGRAM = (sys.executable, "-m", "banana_pipe")
MARK = "<!-- banana-pipe review -->"
"""By it the action finds its own comment again."""
OF_GITHUB = 60_000
"""Bytes of a comment; GitHub refuses more than 65,536 characters."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One recipe: its part of the page, and the totals of its plan, or None where it is wrong."""

    text: str
    totals: dict[str, float | None] | None


def main() -> int:
    """Review, write the page, tell GitHub."""
    page = Path(sys.argv[1])
    named = {path for pattern in os.environ.get("RECIPES", "").split() for path in glob(pattern)}
    recipes = sorted(
        path for path in named if not Path(path).stem.endswith(".test")
    )  # those test the recipes beside them
    reviewed = [one for one in map(_review, map(Path, recipes)) if one is not None]
    text = "\n\n".join([one.text for one in reviewed] or ["There are no recipes to look at."])
    page.write_text(f"{_cut(text)}\n\n{MARK}\n", encoding="utf-8")
    totals = [one.totals for one in reviewed if one.totals is not None]
    costs = [one["cost_usd"] for one in totals]
    told = {
        "page": str(page),
        "calls": sum(one["calls"] or 0 for one in totals),
        "calls-max": sum(one["calls_max"] or 0 for one in totals),
        "cost-usd": "" if None in costs else f"{sum(cost or 0 for cost in costs):.2f}",
    }
    _append("GITHUB_OUTPUT", "".join(f"{name}={value}\n" for name, value in told.items()))
    _append("GITHUB_STEP_SUMMARY", page.read_text(encoding="utf-8"))
    return 0 if len(totals) == len(reviewed) else 1


def _review(recipe: Path) -> Reviewed | None:
    """A plan once for people and once for the totals; None for a recipe that only others use."""
    valid = _say("validate", recipe, "--json")
    if valid.returncode == 0 and json.loads(valid.stdout)["recipes"][0]["nodes"] == 0:
        return None
    said = _say("plan", recipe, "--review")
    if said.returncode:
        fence = "~" * 8
        return Reviewed(f"A recipe is wrong:\n\n{fence}text\n{said.stderr.replace('~', '-')}{fence}", None)
    return Reviewed(said.stdout.strip(), json.loads(_say("plan", recipe, "--review", "--json").stdout)["totals"])


def _say(command: str, recipe: Path, *options: str) -> subprocess.CompletedProcess[str]:
    line = [*PROGRAM, command, *options, "--", str(recipe)]
    return subprocess.run(line, capture_output=True, encoding="utf-8", check=False)  # noqa: S603 - our own program


def _cut(text: str) -> str:
    data = text.encode()
    if len(data) <= OF_GITHUB:
        return text
    return data[:OF_GITHUB].decode(errors="ignore").rpartition("\n")[0] + "\n\nThe rest is too long for a comment."


def _append(variable: str, text: str) -> None:
    if path := os.environ.get(variable):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    sys.exit(main())

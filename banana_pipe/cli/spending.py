"""Saying what a run will cost before it begins, and asking where that is much.

Unaware of how a run is carried out. The sandbox costs nothing and is never asked about.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from banana_pipe.bills import Bill
from banana_pipe.cli.config import Settings
from banana_pipe.cli.terminal import Paper
from banana_pipe.cli.words import about, count, dollars
from banana_pipe.errors import SpendingStopped


def ask(paper: Paper, bill: Bill, settings: Settings, values: dict[str, Any]) -> None:
    """Go on where *bill* is small or agreed to (options of `spending_options`). Raises SpendingStopped.

    A cap counts as consent where it was given for this call: by flag or in the environment.
    """
    given = settings.from_environment
    capped = any(values[name] is not None or name in given for name in ("max_calls", "max_cost"))
    if values["yes"] or capped or not _is_much(bill, settings):
        return
    words = f"{count(bill.calls, 'call')}, {about(bill.cost)}"
    if not (paper.live and sys.stdin.isatty()):
        raise SpendingStopped(f"this may make up to {words}, and nobody agreed to that", hint=_ways_on(bill))
    if not click.confirm(f"This may make up to {words}. Go on?", default=False, err=True):
        raise SpendingStopped("nothing was bought")


def _is_much(bill: Bill, settings: Settings) -> bool:
    if bill.calls == 0:
        return False
    # An unknown price is not known to be small.
    return bill.calls > settings.confirm_calls or bill.cost is None or bill.cost > settings.confirm_cost


def _ways_on(bill: Bill) -> str:
    cap = f"--max-calls {bill.calls}"
    if bill.cost is not None:
        cap += f" or --max-cost {dollars(bill.cost)}"
    return f"agree with --yes, or set a cap: {cap}"

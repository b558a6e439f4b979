"""The functions that commands, pages and Python users call: load, plan, run, pick, re-roll.

Unaware of the command line, the environment and the terminal: tokens, caps and folders are handed
in, progress goes to a listener, and every answer is a value that `--json` prints too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from banana_pipe.beforehand import fetch, plan, settle, to_fetch, would_buy
from banana_pipe.bookkeeping import Reconciled, abandon, attempts, newest_attempts, reconcile
from banana_pipe.buying import Limits
from banana_pipe.care.books import read_books
from banana_pipe.care.carrying import Carried, export_cache, import_cache
from banana_pipe.care.inventory import Item, item_json, kept_money, take_stock
from banana_pipe.care.repairing import repair
from banana_pipe.care.sweeping import Sweep, plan_sweep, sweep
from banana_pipe.care.verifying import Damage, Verified, verify
from banana_pipe.choosing import Picked, Price, Reroll, pick, reroll
from banana_pipe.delivery.crating import Words, companions
from banana_pipe.delivery.exporting import Delivered, Delivery, Treatment, deliver
from banana_pipe.delivery.selection import Selection, chosen
from banana_pipe.examining import Check, examine
from banana_pipe.explaining import explain
from banana_pipe.locks.accepting import Acceptance, Accepted, accept
from banana_pipe.locks.checking import Checked, Finding, check_lock
from banana_pipe.locks.cleaning import Cleaned, clean_lock
from banana_pipe.locks.merging import Merged, Side, merge_lock
from banana_pipe.locks.resetting import Resets, reset_lock
from banana_pipe.model import Node
from banana_pipe.outputs.logged import Logged, read_log
from banana_pipe.planning import Decided
from banana_pipe.recipe.drift import Deep, Depths
from banana_pipe.recipe.prompttests import Verdict, file_beside, held, read_tests
from banana_pipe.recipe.select import select
from banana_pipe.replaying import Replay, beside, find_run, replay
from banana_pipe.reporting import MOST_INLINED, Reported, report_on
from banana_pipe.running import Interrupts, run
from banana_pipe.shapes import attempt_json, deep_json, explanation_json, graph_json, plan_json, run_json, tested_json
from banana_pipe.workspace import Access, Options, Workspace, open_recipe, read_part

__all__ = [
    "MOST_INLINED",
    "Acceptance",
    "Accepted",
    "Access",
    "Carried",
    "Check",
    "Checked",
    "Cleaned",
    "Damage",
    "Decided",
    "Delivered",
    "Delivery",
    "Finding",
    "Interrupts",
    "Item",
    "Limits",
    "Logged",
    "Merged",
    "Options",
    "Picked",
    "Price",
    "Reconciled",
    "Replay",
    "Reported",
    "Reroll",
    "Resets",
    "Selection",
    "Side",
    "Sweep",
    "Treatment",
    "Verified",
    "Words",
    "Workspace",
    "abandon",
    "accept",
    "attempt_json",
    "attempts",
    "beside",
    "call",
    "check_lock",
    "chosen",
    "clean_lock",
    "companions",
    "deep",
    "deep_json",
    "deliver",
    "examine",
    "explain",
    "explanation_json",
    "export_cache",
    "fetch",
    "find_run",
    "graph_json",
    "import_cache",
    "item_json",
    "kept_money",
    "merge_lock",
    "newest_attempts",
    "open_recipe",
    "pick",
    "plan",
    "plan_json",
    "plan_sweep",
    "read_books",
    "read_log",
    "read_part",
    "reconcile",
    "rendered",
    "repair",
    "replay",
    "report_on",
    "reroll",
    "reset_lock",
    "run",
    "run_json",
    "settle",
    "sweep",
    "take_stock",
    "test_prompts",
    "tested_json",
    "to_fetch",
    "verify",
    "would_buy",
]

T = TypeVar("T")


def call(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run one of the async functions to its end: the one door for callers that are not async."""
    return asyncio.run(coroutine)


def rendered(workspace: Workspace, node: str | None = None) -> tuple[Node, ...]:
    """The nodes that *node* means (all of them without it), with their prompts rendered. Free."""
    if node is None:
        return tuple(workspace.graph)
    return tuple(found for found, _ in select(workspace.graph, node))


def deep(workspace: Workspace) -> tuple[Deep, ...]:
    """The steps where an edit of an edit of an edit is edited once more, and nobody shows the model the original."""
    return Depths(workspace.graph).deep()


def test_prompts(workspace: Workspace) -> Verdict:
    """Hold the prompts of a recipe against the test file beside it, if there is one. Free.

    Raises RecipeErrors for mistakes in that file, UsageError where it cannot be read.
    """
    path = file_beside(workspace.path)
    given = [one.partition("=")[0].strip() for one in workspace.options.sets]
    return held(workspace.graph, None if path is None else read_tests(path), given)

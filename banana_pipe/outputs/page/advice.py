"""What to do about a node that did not end well.

Unaware of the page: words only, without the node's own error.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from banana_pipe.model import Outcome, Reason

_BY_REASON: Mapping[Reason, str] = {
    "refused": "Say it differently; or ask the very same again with `{run} --retry-refused`",
    "invalid": "Change what is asked: asked again, the provider says the same",
    "unknown": "Run again: it is looked up first. `{run} --retry-unknown` sends it anew, and may pay twice",
    "blank": "Buy another take: {reroll}. If it is right as it is: {accept}",
    "copy": "Buy another take: {reroll}. If it is right as it is: {accept}",
    "expect": "Buy another take: {reroll}. If it is right as it is: {accept}",
    "pick": "It goes on once that is picked",
    "lost": "`{run} --rebuy` buys it again",
    "input": "It comes by itself once what it reads is there",
    "cap": "The same command with a larger cap goes on",
    "stopped": "The same command goes on",
    "frozen": "Run without --frozen to buy it",
    "error": "Run again: what is paid is kept",
    "op": "Change the op, or what it reads",
}


def advice(outcome: Outcome, recipe: str) -> str:
    """What to do next about *outcome*; empty where there is nothing to say. *recipe* is its path."""
    if outcome.choices:
        first, *others = map(str, outcome.choices)
        also = f" (or {', '.join(others)})" if others else ""
        return f"Choose one: `{_command('pick', recipe, outcome.node, first)}`{also}"
    return _BY_REASON.get(outcome.reason, "").format(
        run=_command("run", recipe),
        reroll=f"`{_command('reroll', recipe, outcome.node)}`",
        accept=f"`{_command('lock', 'accept', recipe, outcome.node)}`",
    )


def _command(*words: str) -> str:
    return shlex.join(("banana-pipe", *words))

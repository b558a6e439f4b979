"""A plan as a comment on a change: what is re-drawn and what that costs, in Markdown.

Unaware of where comments are written. Names and the provider's words are other people's texts: nothing in
them is Markdown, a mention or a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from banana_pipe.cli.words import about, count, reason_words
from banana_pipe.model import Plan, PlannedNode
from banana_pipe.prices import show_usd

MOST_ROWS = 40
"""A comment is read beside a change; what hosts take (some 65,000 characters) is far more."""
_LONGEST = 200
_NEW = ("new",)
_TROUBLES = ("failed", "lost", "parked")


def review_lines(plan: Plan) -> Iterator[str]:
    """*plan* as a headline, a table of what would be bought, and what else a reviewer should know."""
    yield f"**{_plain(plan.recipe)}**: {_headline(plan)}"
    calling = [node for node in plan.nodes if node.state in ("call", "wait") and node.calls]
    if calling:
        yield from ("", "| picture | why | price |", "|---|---|---|")
        yield from (_row(node) for node in calling[:MOST_ROWS])
        if len(calling) > MOST_ROWS:
            yield f"| and {len(calling) - MOST_ROWS} more | | |"
    yield from _rest(plan)


def _headline(plan: Plan) -> str:
    if plan.calls_max == 0:
        return "this change buys nothing"
    made = [node for node in plan.nodes if node.state == "call"]
    new = sum(node.calls for node in made if node.reason in _NEW)
    again = plan.calls - new
    said = [
        *([f"re-draws {count(again, 'picture')}"] if again else []),
        *([f"draws {count(new, 'new picture')}"] if new else []),
    ]
    certain = f"this change {' and '.join(said)} {_costs(plan.cost)}" if said else "this change may re-draw pictures"
    if plan.calls == plan.calls_max:
        return certain
    return f"{certain}; with what hangs on others at most {count(plan.calls_max, 'call')}, {about(plan.cost_max)}"


def _costs(cost: int | None) -> str:
    return "at an unknown price" if cost is None else f"and costs {about(cost)}" if cost else "for free"


def _row(node: PlannedNode) -> str:
    times = f" ×{node.calls}" if node.calls > 1 else ""
    return f"| <code>{_plain(node.id)}</code>{times} | {_why(node)} | {show_usd(node.cost)} |"


def _rest(plan: Plan) -> Iterator[str]:
    troubled = [node for node in plan.nodes if node.state in _TROUBLES]
    waiting = [node for node in plan.nodes if node.state == "needs-pick"]
    lines = [*_listed("not in order", troubled), *_listed("waiting until somebody has picked", waiting)]
    lines += [f"- {_plain(warning)}" for warning in plan.warnings]
    if lines:
        yield ""
        yield from lines


def _listed(words: str, nodes: Sequence[PlannedNode]) -> Iterable[str]:
    for node in nodes[:MOST_ROWS]:
        yield f"- {words}: <code>{_plain(node.id)}</code>, {_why(node)}"
    if len(nodes) > MOST_ROWS:
        yield f"- {words}: {len(nodes) - MOST_ROWS} more"


def _why(node: PlannedNode) -> str:
    return _plain(node.detail or reason_words(node.state, node.reason))


def _plain(text: str) -> str:
    """*text* as it reads, whatever it holds: signs that could mean something are named by number."""
    short = " ".join(text.split())
    short = short if len(short) <= _LONGEST else short[: _LONGEST - 1] + "…"
    return "".join(letter if letter.isalnum() or letter in " ,.;…" else f"&#{ord(letter)};" for letter in short)

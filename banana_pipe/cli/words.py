"""How states, statuses and reasons are said to people: a mark, a word, a colour, a half sentence.

Unaware of plans and runs beyond these words, and of where they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from banana_pipe.model import AttemptState, Input, Node, NodeInput, Plan, Reason, State, Status
from banana_pipe.prices import MICROS, show_usd
from banana_pipe.transforms import in_words


@dataclass(frozen=True, slots=True)
class Look:
    """A mark that says at a glance what its word says, and their colour."""

    mark: str
    word: str
    style: str

    def __str__(self) -> str:
        return f"{self.mark} {self.word}"


MOST_NAMED = 8
"""Of many nodes, or commands for each of them, these are said."""

STATES: Mapping[State, Look] = {
    "cached": Look("✓", "cached", "green"),
    "call": Look("●", "call", "yellow"),
    "wait": Look("○", "wait", "blue"),
    "local": Look("✓", "local", "green"),
    "skipped": Look("-", "skipped", "dim"),
    "needs-pick": Look("?", "needs-pick", "magenta"),
    "parked": Look("!", "parked", "magenta"),
    "failed": Look("✗", "failed", "red"),
    "lost": Look("✗", "lost", "red"),
}

STATUSES: Mapping[Status, Look] = {
    "cached": Look("✓", "cached", "green"),
    "done": Look("✓", "done", "green"),
    "failed": Look("✗", "failed", "red"),
    "blocked": Look("○", "blocked", "yellow"),
    "skipped": Look("-", "skipped", "dim"),
    "parked": Look("!", "parked", "magenta"),
    "lost": Look("✗", "lost", "red"),
    "waiting": Look("○", "waiting", "blue"),
}

REASONS: Mapping[Reason, str] = {
    "new": "never made before",
    "changed": "its request has changed",
    "take": "one more take",
    "same": "asks what another node asks: paid once",
    "upstream": "waits for what it reads",
    "lock": "pinned by the lock file",
    "cache": "in the cache",
    "ledger": "bought, the ledger knows it",
    "resume": "bought or accepted, to be collected",
    "refused": "the provider refused it",
    "unknown": "may have been paid, in doubt",
    "lost": "paid, its bytes are nowhere",
    "blank": "the picture has one colour only",
    "copy": "the picture is its own input",
    "expect": "the picture is not what the step expects",
    "pick": "waits until somebody has picked",
    "accepted": "accepted as it is",
    "error": "the provider or the network said no",
    "invalid": "the provider takes no such request",
    "op": "an op cannot do what it should",
    "input": "needs what failed",
    "undecodable": "what was delivered is no picture",
    "cap": "the cap is reached",
    "stopped": "not begun",
    "rebuy": "bought again",
    "frozen": "would have to be bought",
    "when": "its `when` is false",
    "empty": "what it would read does not exist",
}

_MADE_HERE = "to be made here, free"


def reason_words(state: State, reason: Reason) -> str:
    """Why a node stands so. What is made here is in no lock file: whether it ever was made, nobody knows."""
    return _MADE_HERE if state == "local" else REASONS[reason]


ATTEMPTS: Mapping[AttemptState, Look] = {
    "INTENT": Look("●", "sending", "yellow"),
    "ACCEPTED": Look("●", "being made", "yellow"),
    "SUCCEEDED": Look("●", "downloading", "cyan"),
    "STORED": Look("✓", "stored", "green"),
    "REFUSED": Look("✗", "refused", "red"),
    "FAILED": Look("✗", "failed", "red"),
    "NOT_SENT": Look("-", "not sent", "dim"),
    "UNKNOWN": Look("!", "in doubt", "magenta"),
    "ABANDONED": Look("✗", "given up", "red"),
    "LOST": Look("✗", "lost", "red"),
}


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 call`, `2 calls`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def bill(calls: int, cost: int | None, calls_max: int, cost_max: int | None) -> str:
    """`3 calls, about $0.12 (at most 7 calls, $0.31)`: what is certain, and what may be."""
    if calls_max == 0:
        return "nothing to buy"
    if calls == calls_max:
        return f"{count(calls, 'call')}, {about(cost)}"
    if cost_max == 0:
        certain = f"{count(calls, 'call')}, at most {calls_max}" if calls else f"at most {count(calls_max, 'call')}"
        return f"{certain}, free"
    most = f"at most {count(calls_max, 'call')}, {show_usd(cost_max)}"
    if calls == 0:
        return most
    return f"{count(calls, 'call')}, {about(cost)} ({most})"


def bill_now(plan: Plan) -> str:
    """What a run of *plan* buys, by `bill`, as far as it gets before somebody has picked."""
    return bill(plan.calls, plan.cost, plan.calls_now, plan.cost_now)


def after_picks(plan: Plan) -> str:
    """`once somebody has picked, at most 4 calls more`; nothing where none wait for that."""
    more = plan.calls_after_picks
    return f"once somebody has picked, at most {count(more, 'call')} more" if more else ""


def about(cost: int | None) -> str:
    """`about $0.12`, `free`, `unknown price`: prices are a table, not an offer."""
    return f"about {show_usd(cost)}" if cost else show_usd(cost)


def amount(cost: int | None) -> str:
    """`$0.12`, `nothing`, `an unknown amount`: a sum, where `free` would be said of one thing."""
    return "an unknown amount" if cost is None else show_usd(cost) if cost else "nothing"


def dollars(price: int) -> str:
    """Micro-dollars as a flag takes them, rounded up to a cent."""
    return str((Decimal(price) / MICROS).quantize(Decimal("0.01"), ROUND_UP))


def input_name(one: Input) -> str:
    """What a node reads, as recipes and messages call it."""
    if not isinstance(one, NodeInput):
        return one.label
    return one.node if one.sample is None else f"{one.node}@{one.sample}"


def op_lines(node: Node) -> list[str]:
    """The ops of a transform in words, each with the pictures that it refers to."""
    return [in_words(op.name, op.params, [input_name(node.inputs[place]) for place in op.pictures]) for op in node.ops]

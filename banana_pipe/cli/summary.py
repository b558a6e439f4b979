"""How a run went, in words: what is there, what it cost, and what to do about the rest.

Unaware of how it was run. Every command that it names can be copied into a shell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from banana_pipe.api import Limits
from banana_pipe.bills import Bill
from banana_pipe.cli.options import Call
from banana_pipe.cli.selecting import left_out_words
from banana_pipe.cli.terminal import Paper, one_line, width
from banana_pipe.cli.words import MOST_NAMED, REASONS, STATUSES, amount, bill_now, count, dollars
from banana_pipe.model import Outcome, Plan, Run, RunStatus, Status
from banana_pipe.prices import show_usd
from banana_pipe.store.published import TAKES
from banana_pipe.takes import had_before
from banana_pipe.telling.words import duration

_TROUBLES: tuple[Status, ...] = ("failed", "lost", "parked", "waiting", "blocked")


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over, with what was asked of it."""

    run: Run
    plan: Plan
    limits: Limits
    again: Bill
    """What its consents let it buy again, beyond the plan's calls."""
    call: Call


def run_lines(paper: Paper, ended: Ended) -> list[str]:
    """The summary of a run."""
    run = ended.run
    lines = [_headline(paper, run), _money(run), *_files(run)]
    for status in _TROUBLES:
        troubled = [outcome for outcome in run.outcomes if outcome.status == status]
        if troubled:
            lines += ["", *_group(paper, status, troubled, ended)]
    if run.would_buy:
        lines += ["", *paper.wrapped(f"without --frozen it would make {bill_now(ended.plan)}", 2, "bold yellow")]
    modified = [outcome.node for outcome in run.outcomes if outcome.modified]
    if modified:
        lines += ["", *paper.wrapped(f"! changed by hand and left alone: {_listed(modified)}", 0, "yellow")]
    if run.left_out:
        words = left_out_words(run.left_out, (outcome.node for outcome in run.outcomes))
        lines += paper.wrapped(words, 2, "dim")
    return [*lines, "", *_places(paper, ended)]


def _headline(paper: Paper, run: Run) -> str:
    there = sum(outcome.status in ("done", "cached") for outcome in run.outcomes)
    made = sum(outcome.status == "done" for outcome in run.outcomes)
    name = one_line(run.recipe)
    complete = run.exit_code == 0 and there == len(run.outcomes)
    if complete:
        return paper.styled(f"✓ {name}: {_complete(run, there, made)}", "bold green")
    words = _HOW_IT_STANDS.get(run.status, "not complete")
    style = "bold yellow" if run.status in ("parked", "stopped", "interrupted", "waiting") else "bold red"
    verb = "is" if 1 in (there, len(run.outcomes)) else "are"
    mark = STATUSES["waiting" if run.status == "waiting" else "failed"].mark
    return paper.styled(f"{mark} {name}: {words}, {there} of {count(len(run.outcomes), 'node')} {verb} there", style)


_HOW_IT_STANDS: Mapping[RunStatus, str] = {
    "interrupted": "interrupted",
    "stopped": "stopped",
    "parked": "in doubt",
    "waiting": "waiting for a pick",
}


def _complete(run: Run, there: int, made: int) -> str:
    nodes = "there are no nodes" if there == 0 else f"all {there} nodes are there" if there > 1 else "its node is there"
    if run.left_out:
        nodes = f"all {there} chosen nodes are there" if there > 1 else "the chosen node is there"
    if made:
        return f"{nodes}, {made} of them new" if there > 1 else f"{nodes}, and new"
    return f"{'nothing to buy' if run.placed or run.removed else 'nothing to do'}, {nodes}"


def _files(run: Run) -> Iterator[str]:
    """What was done to the folder, where the pictures that were made do not say it."""
    made = any(outcome.status == "done" for outcome in run.outcomes)
    placed = f"{count(run.placed, 'file')} put in place" if run.placed and not made else ""
    removed = f"{count(run.removed, 'file')} removed" if run.removed else ""
    if placed or removed:
        yield f"  {', '.join(filter(None, (placed, removed)))}"


def _money(run: Run) -> str:
    if run.called:
        price = "free" if run.cost == 0 else f"for {amount(run.cost)}"
        verb = "made" if run.cost == 0 else "bought"
        bought = f"{count(run.paid_images, 'picture')} {verb} in {count(run.called, 'call')}, {price}"
    else:
        bought = "nothing bought"
    kept = len(had_before(run.outcomes))
    had = f", {kept} had before" if kept else ""
    saved = f" (saved {show_usd(run.saved)})" if kept and run.saved else ""
    return f"  {bought}{had}{saved}, {duration(run.seconds)}"


def _places(paper: Paper, ended: Ended) -> Iterator[str]:
    out = ended.run.out
    log = out / "_" / "runs" / f"{ended.run.id}.jsonl"
    for name, path in (("pictures", out), ("page", out / "index.html"), ("log", log)):
        if path.exists():
            shown = ended.call.shown(path) + ("/" if path.is_dir() else "")
            yield f"  {paper.styled(f'{name:<10}', 'dim')}{paper.styled(shown, 'cyan')}"


def _group(paper: Paper, status: Status, outcomes: Sequence[Outcome], ended: Ended) -> Iterator[str]:
    look = STATUSES[status]
    yield paper.styled(f"{look.mark} {count(len(outcomes), 'node')} {look.word}", f"bold {look.style}")
    # Who only waits for others has no key yet: its request is not known. Nobody fails by another's fault.
    own = [outcome for outcome in outcomes if outcome.key is not None or status == "failed"]
    readers = [outcome.node for outcome in outcomes if outcome.key is None and status != "failed"]
    for why, nodes in _alike(own).items():
        yield from paper.wrapped(_listed(nodes), 4, "bold")
        yield from paper.wrapped(why, 6)
    if readers:
        yield from paper.wrapped(f"{'and what reads them: ' if own else ''}{_listed(readers)}", 4)
    advice = list(dict.fromkeys(_advice(status, own, ended)))
    for words, command in advice[:MOST_NAMED]:
        yield from _to_do(paper, words, command)
    if len(advice) > MOST_NAMED:
        yield paper.styled(f"    → and so on, for {len(advice) - MOST_NAMED} more", "cyan")


def _to_do(paper: Paper, words: str, command: str) -> Iterator[str]:
    """What to do: the command on the same line, or unbroken on one of its own."""
    one = f"    → {words}: {command}"
    if paper.columns is None or width(one) < paper.columns:
        yield paper.styled(one, "cyan")
    else:
        yield from (paper.styled(line, "cyan") for line in (f"    → {words}:", f"      {command}"))


def _alike(outcomes: Sequence[Outcome]) -> dict[str, list[str]]:
    """Nodes by why they ended so."""
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.error or REASONS[outcome.reason], []).append(outcome.node)
    return found


def _listed(nodes: Sequence[str]) -> str:
    named = [one_line(node) for node in nodes[:MOST_NAMED]]
    more = len(nodes) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


# --- what to do next: words, and the command that does it -------------------------------------


def _advice(status: Status, outcomes: Sequence[Outcome], ended: Ended) -> Iterator[tuple[str, str]]:
    for outcome in outcomes:
        advise = _BY_REASON.get((status, outcome.reason)) or _BY_STATUS.get(status)
        if advise is not None:
            yield advise(ended, outcome)


def _go_on(ended: Ended, _: Outcome) -> tuple[str, str]:
    stopped = ended.run.exit_code in (3, 4)  # what has to be done first stands in `error`
    return "then, to go on" if stopped else "to go on", ended.call.command("run", *_consents(ended))


def _larger_cap(ended: Ended, _: Outcome) -> tuple[str, str]:
    """The same command with a cap that is enough for what is left, and with what was agreed to."""
    caps, budget = _caps_for_the_rest(ended), ended.limits.budget
    capped = budget.max_cost is not None or budget.max_cost_per_day is not None
    if capped and not budget.allow_unpriced and None in (ended.plan.cost_now, ended.again.cost):
        words = "to buy what has no known price too"
        return words, ended.call.command("run", *caps, "--allow-unpriced", *_consents(ended))
    of_a_day = ended.run.cap == "day" or not caps
    words = "raise the cap of a day, or go on tomorrow (UTC)" if of_a_day else "to go on"
    return words, ended.call.command("run", *caps, *_consents(ended))


def _caps_for_the_rest(ended: Ended) -> list[str]:
    run, budget, caps = ended.run, ended.limits.budget, []
    if budget.max_calls is not None:
        left = ended.plan.calls_now + ended.again.calls - run.called
        caps += ["--max-calls", str(max(1, left))]
    if budget.max_cost is not None:
        # What has no known price does not count against a cap in dollars.
        known = sum(line.cost or 0 for line in ended.plan.nodes if line.may_call)
        left = known + (ended.again.cost or 0) - (run.cost or 0)
        caps += ["--max-cost", dollars(max(0, left))]
    return caps


def _consents(ended: Ended) -> list[str]:
    """What was agreed to for this run: without it the next one would leave what is left."""
    consent = ended.limits.consent
    names = ("rebuy", "retry_unknown", "retry_refused")
    return [f"--{name.replace('_', '-')}" for name in names if getattr(consent, name)]


_Advise = Callable[[Ended, Outcome], tuple[str, str]]


def _run(words: str, *flags: str) -> _Advise:
    return lambda ended, _: (words, ended.call.command("run", *flags))


def _another_take(ended: Ended, outcome: Outcome) -> tuple[str, str]:
    if any(line.id == outcome.node and line.action == "transform" for line in ended.plan.nodes):
        return _another_request(ended, outcome)
    return "to buy another take", ended.call.command("reroll", outcome.node)


def _another_request(ended: Ended, _: Outcome) -> tuple[str, str]:
    """A transform gives the same again until the recipe says otherwise, and a provider answers the same."""
    return "change the step in the recipe, or what it reads, then", ended.call.command("run")


def _pick(ended: Ended, outcome: Outcome) -> tuple[str, str]:
    """The command picks the first of the takes; the others' numbers stand in `error`."""
    look = f"look at {ended.call.shown(ended.run.out / TAKES)}/, then " if outcome.outputs else ""
    return f"{look}to choose", ended.call.command("pick", outcome.node, str(outcome.choices[0]))


_BY_STATUS: dict[Status, _Advise] = {
    "failed": _run("to try again"),
    "lost": _run("to buy again what is lost", "--rebuy"),
    "parked": _run("a later run looks again; to give it up and buy anew", "--retry-unknown"),
    "waiting": _go_on,
}

_BY_REASON: dict[tuple[Status, str], _Advise] = {
    ("failed", "refused"): _run("change the words; or to send the same again", "--retry-refused"),
    ("failed", "blank"): _another_take,
    ("failed", "copy"): _another_take,
    ("failed", "expect"): _another_take,
    ("failed", "op"): _another_request,
    ("failed", "invalid"): _another_request,
    ("waiting", "pick"): _pick,
    ("failed", "undecodable"): _run("the next run fetches it again; to give it up and buy anew", "--rebuy"),
    ("waiting", "cap"): _larger_cap,
    ("waiting", "frozen"): _run("to buy it, once"),
}

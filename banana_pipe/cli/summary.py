"""How a run went, in words: what is there, what it cost, and what to do about the rest.

Unaware of how it was run. Every command that it names can be copied into a shell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from banana_pipe.api import Limits
from banana_pipe.bills import Bill
from banana_pipe.cli.options import Call
from banana_pipe.cli.selecting import left_out_words
from banana_pipe.cli.terminal import Paper, one_line, shortened, width
from banana_pipe.cli.words import MOST_NAMED, REASONS, STATUSES, amount, bill_now, count, dollars
from banana_pipe.model import Outcome, Plan, Run, RunStatus, Status
from banana_pipe.prices import show_usd
from banana_pipe.store.published import TAKES
from banana_pipe.takes import had_before
from banana_pipe.telling.advice import EXITS_OF_STOPS, Advice, Asked, advice
from banana_pipe.telling.words import duration

MANY = 10**6
"""Cells of a line that has no end."""
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
    """The summary of a run: how it stands and what it cost; its troubles, each with what to do; where to look.

    Where there are no troubles these are five lines.
    """
    run = ended.run
    troubles = [line for group in _troubles(paper, ended) for line in ("", *group)]
    head = [_headline(paper, run), *paper.wrapped(_money(run), 2)]
    if run.left_out:
        words = left_out_words(run.left_out, (outcome.node for outcome in run.outcomes))
        head.append(paper.styled(f"  {shortened(words, (paper.columns or MANY) - 3)}", "dim"))
    return [*head, *troubles, *([""] if troubles else []), *_places(paper, ended)]


def _troubles(paper: Paper, ended: Ended) -> Iterator[list[str]]:
    run, todo = ended.run, advised(ended)
    for status in _TROUBLES:
        troubled = [outcome for outcome in run.outcomes if outcome.status == status]
        if troubled:
            yield list(_group(paper, status, troubled, todo))
    if run.would_buy:
        yield paper.wrapped(f"without --frozen it would make {bill_now(ended.plan)}", 2, "bold yellow")
    modified = [outcome.node for outcome in run.outcomes if outcome.modified]
    if modified:
        yield list(_changed_by_hand(paper, ended, modified))


def _changed_by_hand(paper: Paper, ended: Ended, modified: Sequence[str]) -> Iterator[str]:
    """A transform's picture is what its ops make of others: only bought ones can be taken as they are."""
    local = _local(ended)
    bought = [node for node in modified if node not in local]
    yield from paper.wrapped(f"! changed by hand and left alone: {_listed(modified)}", 0, "yellow")
    if bought:
        yield from _to_do(paper, Advice("to take them as they are, free", ended.call.command("lock accept", *bought)))
    yield from _to_do(paper, Advice("to have ours again, remove the file, then", ended.call.command("run")))


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
    return f"{bought}{had}{saved}{_files(run)}, {duration(run.seconds)}"


def _files(run: Run) -> str:
    """What was done to the folder, where the pictures that were made do not say it."""
    made = any(outcome.status == "done" for outcome in run.outcomes)
    placed = f", {count(run.placed, 'file')} put in place" if run.placed and not made else ""
    return placed + (f", {count(run.removed, 'file')} removed" if run.removed else "")


def _places(paper: Paper, ended: Ended) -> Iterator[str]:
    out = ended.run.out
    log = out / "_" / "runs" / f"{ended.run.id}.jsonl"
    for name, path in (("pictures", out), ("page", out / "index.html"), ("log", log)):
        # Where a line says what was left out, the page's says where the pictures are.
        if path.exists() and not (name == "pictures" and ended.run.left_out and (out / "index.html").exists()):
            shown = ended.call.shown(path) + ("/" if path.is_dir() else "")
            yield f"  {paper.styled(f'{name:<10}', 'dim')}{paper.styled(shown, 'cyan')}"


def _group(
    paper: Paper, status: Status, outcomes: Sequence[Outcome], todo: Mapping[str, Sequence[Advice]]
) -> Iterator[str]:
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
    told = list(dict.fromkeys(one for outcome in own for one in todo[outcome.node]))
    for one in told[:MOST_NAMED]:
        yield from _to_do(paper, one)
    if len(told) > MOST_NAMED:
        yield paper.styled(f"    → and so on, for {len(told) - MOST_NAMED} more", "cyan")


def _to_do(paper: Paper, todo: Advice) -> Iterator[str]:
    """What to do: the command on the same line, or unbroken on one of its own."""
    one = f"    → {todo}"
    if todo.command is None or paper.columns is None or width(one) < paper.columns:
        yield paper.styled(one, "cyan")
    else:
        yield from (paper.styled(line, "cyan") for line in (f"    → {todo.words}:", f"      {todo.command}"))


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


# --- what to do next ---------------------------------------------------------------------------


def advised(ended: Ended) -> dict[str, tuple[Advice, ...]]:
    """What to do about each node that did not end well."""
    local = _local(ended)
    asked = Asked(
        command=ended.call.command,
        again=tuple(_consents(ended)),
        larger_cap=_larger_cap(ended),
        stopped=ended.run.exit_code in EXITS_OF_STOPS,
        takes=f"{ended.call.shown(ended.run.out / TAKES)}/",
    )
    return {outcome.node: advice(outcome, asked, local=outcome.node in local) for outcome in ended.run.outcomes}


def _local(ended: Ended) -> set[str]:
    return {line.id for line in ended.plan.nodes if line.action == "transform"}


def hints(ended: Ended) -> dict[str, str]:
    """The likeliest thing to do about each of them, in one line."""
    return {node: str(told[0]) for node, told in advised(ended).items() if told}


def _larger_cap(ended: Ended) -> Advice:
    """The same command with a cap that is enough for what is left, and with what was agreed to."""
    caps, budget = _caps_for_the_rest(ended), ended.limits.budget
    capped = budget.max_cost is not None or budget.max_cost_per_day is not None
    if capped and not budget.allow_unpriced and None in (ended.plan.cost_now, ended.again.cost):
        words = "to buy what has no known price too"
        return Advice(words, ended.call.command("run", *caps, "--allow-unpriced", *_consents(ended)))
    of_a_day = ended.run.cap == "day" or not caps
    words = "raise the cap of a day, or go on tomorrow (UTC)" if of_a_day else "to go on"
    return Advice(words, ended.call.command("run", *caps, *_consents(ended)))


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

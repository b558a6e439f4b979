"""How a run went, in words: what is there, what it cost, and what to do about the rest.

Unaware of how it was run. Every command that it names can be copied into a shell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from banana_pipe.cli.options import Call
from banana_pipe.cli.terminal import Paper, one_line
from banana_pipe.cli.words import REASONS, STATUSES, count, duration
from banana_pipe.model import Outcome, Run, Status
from banana_pipe.prices import show_usd

_MOST_NAMED = 8
_TROUBLES: tuple[Status, ...] = ("failed", "lost", "parked", "waiting", "blocked")


def run_lines(paper: Paper, run: Run, call: Call) -> list[str]:
    """The summary of *run*."""
    lines = [_headline(paper, run), _money(run)]
    for status in _TROUBLES:
        troubled = [outcome for outcome in run.outcomes if outcome.status == status]
        if troubled:
            lines += ["", *_group(paper, status, troubled, call)]
    modified = [outcome.node for outcome in run.outcomes if outcome.modified]
    if modified:
        lines += ["", paper.styled(f"! changed by hand and left alone: {_listed(modified)}", "yellow")]
    return [*lines, "", *_places(paper, run, call)]


def _headline(paper: Paper, run: Run) -> str:
    there = sum(outcome.status in ("done", "cached") for outcome in run.outcomes)
    made = sum(outcome.status == "done" for outcome in run.outcomes)
    name = one_line(run.recipe)
    if run.exit_code == 0 and made == 0:
        return paper.styled(f"✓ {name}: nothing to do, all {count(there, 'node')} are there", "bold green")
    if run.exit_code == 0:
        return paper.styled(f"✓ {name}: all {count(there, 'node')} are there, {made} of them new", "bold green")
    words = {"interrupted": "interrupted", "stopped": "stopped", "parked": "in doubt"}.get(run.status, "not complete")
    style = "bold yellow" if run.status in ("parked", "stopped", "interrupted", "waiting") else "bold red"
    return paper.styled(f"✗ {name}: {words}, {there} of {count(len(run.outcomes), 'node')} are there", style)


def _money(run: Run) -> str:
    if run.called:
        bought = f"{count(run.paid_images, 'picture')} bought in {count(run.called, 'call')} for {_price(run.cost)}"
    else:
        bought = "nothing bought"
    kept = len({take.result.key for outcome in run.outcomes for take in outcome.takes if not take.bought})
    had = f", {kept} had before" if kept else ""
    saved = f" (saved {show_usd(run.saved)})" if kept and run.saved else ""
    return f"  {bought}{had}{saved}, {duration(run.seconds)}"


def _price(cost: int | None) -> str:
    return "$0 (free)" if cost == 0 else show_usd(cost)


def _places(paper: Paper, run: Run, call: Call) -> Iterator[str]:
    places = (
        ("pictures", run.out),
        ("page", run.out / "index.html"),
        ("log", run.out / "_" / "runs" / f"{run.id}.jsonl"),
    )
    for name, path in places:
        if path.exists():
            slash = "/" if path.is_dir() else ""
            yield f"  {paper.styled(f'{name:<9}', 'dim')}{paper.styled(call.shown(path) + slash, 'cyan')}"


def _group(paper: Paper, status: Status, outcomes: Sequence[Outcome], call: Call) -> Iterator[str]:
    look = STATUSES[status]
    yield paper.styled(f"{look.mark} {count(len(outcomes), 'node')} {look.word}", f"bold {look.style}")
    if status == "blocked":
        yield f"    {_listed([outcome.node for outcome in outcomes])}"
        return
    for why, nodes in _alike(outcomes):
        yield f"    {paper.styled(_listed(nodes), 'bold')}"
        yield f"      {one_line(why)}"
    for advice in _advice(status, outcomes, call):
        yield paper.styled(f"    → {advice}", "cyan")


def _alike(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, list[str]]]:
    """Nodes that ended for the same reason, together."""
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.error or REASONS[outcome.reason], []).append(outcome.node)
    return ((why, nodes) for why, nodes in found.items())


def _listed(nodes: Sequence[str]) -> str:
    named = [one_line(node) for node in nodes[:_MOST_NAMED]]
    more = len(nodes) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _advice(status: Status, outcomes: Sequence[Outcome], call: Call) -> list[str]:
    reasons = dict.fromkeys(outcome.reason for outcome in outcomes)
    advice = []
    for reason in reasons:
        nodes = [outcome.node for outcome in outcomes if outcome.reason == reason]
        give = _BY_REASON.get((status, reason)) or _BY_STATUS.get(status)
        if give is not None:
            advice.append(give(call, nodes))
    return list(dict.fromkeys(advice))


_Advice = Callable[[Call, Sequence[str]], str]

_BY_STATUS: dict[Status, _Advice] = {
    "failed": lambda call, _: f"to try again: {call.command('run')}",
    "lost": lambda call, _: f"to buy again what is lost: {call.command('run', '--rebuy')}",
    "parked": lambda call, _: (
        f"to look again: {call.command('run')}; to give it up and buy anew: {call.command('run', '--retry-unknown')}"
    ),
    "waiting": lambda call, _: f"to go on: {call.command('run')}",
}

_BY_REASON: dict[tuple[Status, str], _Advice] = {
    ("failed", "refused"): lambda call, _: (
        f"change the words; or to send the same again: {call.command('run', '--retry-refused')}"
    ),
    ("failed", "blank"): lambda call, nodes: f"to buy another take: {call.command('reroll', nodes[0])}",
    ("failed", "copy"): lambda call, nodes: f"to buy another take: {call.command('reroll', nodes[0])}",
    ("failed", "undecodable"): lambda call, _: (
        f"to fetch it again: {call.command('run')}; to give it up and buy anew: {call.command('run', '--rebuy')}"
    ),
    ("waiting", "cap"): lambda call, _: f"to go on with a larger cap: {call.command('run', '--max-calls', 'N')}",
}
